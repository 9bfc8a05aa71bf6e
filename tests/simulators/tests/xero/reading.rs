//! Lists: pages, filters, modified-since, lag, spelling.

use serde_json::{Value, json};

use super::support::{Xero, authorised, but};

fn numbers(list: &Value) -> Vec<&str> {
    list["Invoices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invoice| invoice["InvoiceNumber"].as_str().unwrap())
        .collect()
}

async fn five_invoices() -> Xero {
    let xero = Xero::new().await;
    let (a, b) = (xero.contact("Ash").await, xero.contact("Birch").await);
    for (index, contact) in [&a, &b, &a, &b, &a].into_iter().enumerate() {
        xero.simulator.clock().advance(chrono::Duration::seconds(1));
        let status = if index == 1 { "DRAFT" } else { "AUTHORISED" };
        xero.put(
            "Invoices",
            but(
                &authorised(contact),
                json!({"Status": status, "Reference": format!("ref {index}")}),
            ),
        )
        .await;
    }
    xero
}

#[tokio::test]
async fn pages_are_clamped_and_counted() {
    let xero = five_invoices().await;
    let page = xero.get("Invoices?page=2&pageSize=2").await.body;
    assert_eq!(
        page["pagination"],
        json!({"page": 2, "pageSize": 2, "pageCount": 3, "itemCount": 5})
    );
    assert_eq!(numbers(&page), ["INV-0003", "INV-0004"]);
    assert_eq!(
        page["Invoices"][0]["LineItems"].as_array().unwrap().len(),
        1
    );
    for (size, clamped) in [("0", 1), ("-5", 1), ("5000", 1000), ("x", 100)] {
        let page = xero
            .get(&format!("Invoices?page=1&pageSize={size}"))
            .await
            .body;
        assert_eq!(page["pagination"]["pageSize"], clamped, "{size}");
    }
    assert_eq!(
        numbers(&xero.get("Invoices?page=9").await.body),
        Vec::<&str>::new()
    );
    let all = xero.get("Invoices").await.body;
    assert_eq!(
        all["Invoices"][0]["LineItems"],
        json!([]),
        "an unpaged list has no lines"
    );
    assert!(all.get("pagination").is_none());
}

#[tokio::test]
async fn a_changed_record_moves_to_the_last_page() {
    let xero = five_invoices().await;
    xero.simulator.clock().advance(chrono::Duration::seconds(1));
    let first = xero.get("Invoices/INV-0001").await.body["Invoices"][0]["InvoiceID"].clone();
    xero.post(
        &format!("Invoices/{}", first.as_str().unwrap()),
        json!({"Reference": "moved"}),
    )
    .await;
    assert_eq!(
        numbers(&xero.get("Invoices?page=3&pageSize=2").await.body),
        ["INV-0001"]
    );
}

#[tokio::test]
async fn filters_choose_as_documented() {
    let xero = five_invoices().await;
    let ash = xero.get("Contacts?where=Name==%22ash%22").await.body["Contacts"][0]["ContactID"]
        .as_str()
        .unwrap()
        .to_owned();
    let cases = [
        (
            r#"where=Type=="ACCREC" AND Status=="DRAFT""#.to_owned(),
            vec!["INV-0002"],
        ),
        (
            format!(r#"where=Contact.ContactID==Guid("{ash}") AND Reference!="ref 0""#),
            vec!["INV-0003", "INV-0005"],
        ),
        (
            r#"where=Contact.Name.StartsWith("bi")&order=InvoiceNumber DESC"#.to_owned(),
            vec!["INV-0004", "INV-0002"],
        ),
        ("where=Date>=DateTime(2026,09,15)".to_owned(), vec![]),
        ("Statuses=DRAFT,VOIDED".to_owned(), vec!["INV-0002"]),
        (
            format!("ContactIDs={ash}&createdByMyApp=true"),
            vec!["INV-0001", "INV-0003", "INV-0005"],
        ),
        (
            "InvoiceNumbers=INV-0004,INV-0001".to_owned(),
            vec!["INV-0001", "INV-0004"],
        ),
        ("searchTerm=REF 3".to_owned(), vec!["INV-0004"]),
    ];
    for (query, expected) in cases {
        let path = format!(
            "Invoices?{}",
            query
                .replace(' ', "%20")
                .replace('"', "%22")
                .replace('>', "%3E")
        );
        let answer = xero.get(&path).await;
        assert_eq!(numbers(&answer.body), expected, "{query}");
    }
    let wrong = xero.get("Invoices?where=Nothing==1").await;
    assert_eq!(
        (wrong.status, &wrong.body["Type"], &wrong.body["Message"]),
        (
            400,
            &json!("QueryParseException"),
            &json!("No property or field 'Nothing' exists in type 'Invoice'")
        )
    );
}

#[tokio::test]
async fn modified_since_is_read_to_the_second() {
    let xero = five_invoices().await;
    let since = |text: &'static str| {
        let xero = xero.clone();
        async move {
            numbers(
                &xero
                    .call(
                        "GET",
                        "Invoices?page=1",
                        None,
                        &[("if-modified-since", text)],
                    )
                    .await
                    .body,
            )
            .len()
        }
    };
    assert_eq!(since("2026-09-14T09:30:03").await, 3);
    assert_eq!(
        since("2026-09-14T09:30:03.999").await,
        3,
        "fractions are dropped"
    );
    assert_eq!(since("2026-09-14T09:30:06").await, 0);
}

#[tokio::test]
async fn lists_lag_behind_writes_while_single_reads_do_not() {
    let xero = Xero::with(|options| options.switches.list_lag_ms = 1_000).await;
    xero.simulator.clock().advance(chrono::Duration::seconds(5));
    let contact = xero.contact("A").await;
    assert_eq!(xero.get("Contacts").await.body["Contacts"], json!([]));
    assert_eq!(xero.get(&format!("Contacts/{contact}")).await.status, 200);
    xero.simulator
        .clock()
        .advance(chrono::Duration::milliseconds(1_000));
    assert_eq!(
        xero.get("Contacts").await.body["Contacts"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    xero.post(&format!("Contacts/{contact}"), json!({"Name": "B"}))
        .await;
    assert_eq!(xero.get("Contacts").await.body["Contacts"][0]["Name"], "A");
}

#[tokio::test]
async fn xml_is_the_default_and_json_is_asked_for() {
    let xero = Xero::new().await;
    let bearer = ("authorization", format!("Bearer {}", xero.token));
    let plain = xero
        .raw(
            "GET",
            "/api.xro/2.0/Organisation",
            std::slice::from_ref(&bearer),
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(
        plain.header("content-type"),
        Some("text/xml; charset=utf-8")
    );
    assert!(
        plain.text.contains("<Organisation><Addresses>"),
        "{}",
        plain.text
    );
    let json_in = [bearer.clone(), ("accept", "application/json".to_owned())];
    let body = b"{\"Contacts\":[{\"Name\":\"A\"}]}".to_vec();
    let unlabelled = xero
        .raw("PUT", "/api.xro/2.0/Contacts", &json_in, body)
        .await
        .unwrap();
    assert_eq!(unlabelled.status, 415);
    let typed = [
        bearer,
        ("accept", "application/json".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    let broken = xero
        .raw(
            "PUT",
            "/api.xro/2.0/Contacts",
            &typed,
            b"{\"Contacts\":[{".to_vec(),
        )
        .await
        .unwrap();
    assert_eq!(
        (broken.status, &broken.body["Type"]),
        (400, &json!("PostDataInvalidException"))
    );
    let large = xero
        .put(
            "Contacts",
            json!({"Contacts": [{"Name": "x".repeat(3_670_016)}]}),
        )
        .await;
    assert_eq!(large.status, 413);
}
