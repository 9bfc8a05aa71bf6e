//! Contacts: names, numbers, archiving, persons.

use serde_json::{Value, json};

use super::support::{Xero, authorised, but};

const TAKEN: &str = "The contact name Smith & Co is already assigned to another contact. The contact name must be unique across all active contacts.";
const ARCHIVED: &str = "The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the API.";

#[tokio::test]
async fn names_are_unique_among_active_contacts_whatever_the_case() {
    let xero = Xero::new().await;
    let id = xero.contact("Smith & Co").await;
    let again = xero.put("Contacts", json!({"Contacts": [{"Name": "Other"}, {"Name": "SMITH & co", "EmailAddress": "a@b.example"}]})).await;
    assert_eq!(again.status, 400);
    assert_eq!(again.body["ErrorNumber"], 10);
    assert_eq!(again.body["Type"], "ValidationException");
    assert_eq!(again.body["Message"], "A validation exception occurred");
    let element = &again.body["Elements"][0];
    assert_eq!(element["ContactID"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(
        (&element["HasValidationErrors"], &element["EmailAddress"]),
        (&json!(true), &json!("a@b.example"))
    );
    assert_eq!(
        again.messages(),
        [TAKEN.replace("Smith & Co", "SMITH & co")]
    );
    assert_eq!(
        xero.simulator.dump("Contacts").len(),
        1,
        "one bad element refuses the call"
    );

    let archived = xero
        .post(
            &format!("Contacts/{id}"),
            json!({"Contacts": [{"ContactStatus": "ARCHIVED"}]}),
        )
        .await;
    assert_eq!(archived.body["Contacts"][0]["ContactStatus"], "ARCHIVED");
    let free = xero.contact("Smith & Co").await;
    assert_ne!(free, id);
    assert_eq!(
        xero.get("Contacts").await.body["Contacts"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        xero.get("Contacts?includeArchived=true").await.body["Contacts"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let edit = xero
        .post(
            "Contacts",
            json!({"Contacts": [{"ContactID": id, "Name": "New"}]}),
        )
        .await;
    assert_eq!(edit.messages(), [ARCHIVED]);
    let bill = xero.put("Invoices", authorised(&id)).await;
    assert_eq!(bill.messages(), [ARCHIVED]);
}

#[tokio::test]
async fn each_element_has_its_outcome_when_errors_are_not_summarized() {
    let xero = Xero::new().await;
    xero.contact("Smith & Co").await;
    let elements = json!({"contacts": [{"Name": "One"}, {"Name": "Smith & Co"}, {"Name": "x".repeat(256)}, {"EmailAddress": "nobody@x.example"}, {"Name": "Two"}]});
    let answer = xero.put("Contacts?summarizeErrors=false", elements).await;
    assert_eq!(answer.status, 200);
    let contacts = answer.body["Contacts"].as_array().unwrap();
    let outcomes: Vec<&str> = contacts
        .iter()
        .map(|contact| contact["StatusAttributeString"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["OK", "ERROR", "ERROR", "ERROR", "OK"]);
    assert_eq!(contacts[1]["ValidationErrors"][0]["Message"], TAKEN);
    assert_eq!(
        contacts[1]["ContactID"],
        "00000000-0000-0000-0000-000000000000"
    );
    assert_eq!(contacts[0]["HasValidationErrors"], false);
    assert_eq!(xero.simulator.dump("Contacts").len(), 3);
}

#[tokio::test]
async fn the_contact_number_is_a_key_of_its_own() {
    let xero = Xero::new().await;
    let made = xero
        .post(
            "Contacts",
            json!({"Contacts": [{"Name": "A", "ContactNumber": "001A"}]}),
        )
        .await;
    let id = made.body["Contacts"][0]["ContactID"].clone();
    let updated = xero
        .post(
            "Contacts",
            json!({"Contacts": [{"ContactNumber": "001A", "Name": "A Ltd", "FirstName": "Ann"}]}),
        )
        .await;
    assert_eq!(
        (
            &updated.body["Contacts"][0]["ContactID"],
            &updated.body["Contacts"][0]["Name"]
        ),
        (&id, &json!("A Ltd"))
    );
    let second = xero
        .put(
            "Contacts",
            json!({"Contacts": [{"Name": "B", "ContactNumber": "001A"}]}),
        )
        .await;
    assert!(
        second.messages()[0].contains("must be unique across all contacts"),
        "{:?}",
        second.messages()
    );
    assert_eq!(
        xero.get("Contacts/001A").await.body["Contacts"][0]["ContactID"],
        id
    );
    assert_eq!(
        xero.put(
            "Contacts",
            json!({"Contacts": [{"Name": "C", "ContactNumber": "9".repeat(51)}]})
        )
        .await
        .status,
        400
    );
    let missing = xero.get("Contacts/001B").await;
    assert_eq!(
        (
            missing.status,
            missing.text.as_str(),
            missing.header("content-type")
        ),
        (404, "", Some("text/html; charset=utf-8"))
    );
}

#[tokio::test]
async fn a_partial_contact_in_an_invoice_deletes_its_persons() {
    let xero = Xero::new().await;
    let person = json!({"FirstName": "Debbie", "LastName": "G", "EmailAddress": "d@x.example", "IncludeInEmails": true});
    let made = xero
        .put(
            "Contacts",
            json!({"Contacts": [{"Name": "A", "ContactPersons": [person]}]}),
        )
        .await;
    let id = made.body["Contacts"][0]["ContactID"]
        .as_str()
        .unwrap()
        .to_owned();
    let persons = async || {
        xero.get(&format!("Contacts/{id}")).await.body["Contacts"][0]["ContactPersons"]
            .as_array()
            .map(Vec::len)
    };
    xero.invoice(&id).await;
    assert_eq!(persons().await, Some(1), "the id alone touches nothing");
    let partial = but(
        &authorised(&id),
        json!({"Contact": {"ContactID": id, "EmailAddress": "new@x.example"}}),
    );
    assert_eq!(xero.put("Invoices", partial).await.status, 200);
    assert_eq!(persons().await, Some(0));
}

#[tokio::test]
async fn use_and_balance_change_without_a_stamp() {
    let xero = Xero::new().await;
    let id = xero.contact("A").await;
    xero.simulator
        .clock()
        .advance(chrono::Duration::seconds(90));
    xero.invoice(&id).await;
    let contact = xero.get(&format!("Contacts/{id}")).await.body["Contacts"][0].clone();
    assert_eq!(contact["IsCustomer"], true);
    assert_eq!(
        contact["Balances"]["AccountsReceivable"]["Outstanding"].to_string(),
        "120.00"
    );
    let changed = xero
        .call(
            "GET",
            "Contacts?page=1",
            None,
            &[("if-modified-since", "2026-09-14T09:30:30")],
        )
        .await;
    assert_eq!(changed.body["Contacts"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn an_address_that_is_written_replaces_or_merges_as_the_switch_says() {
    for (switch, line3, city) in [
        ("replaces", json!(null), ""),
        ("merges", json!("Floor 3"), "Leeds"),
    ] {
        let xero =
            Xero::with(|options| options.switches.set("address-write", switch).unwrap()).await;
        let id = xero.contact("Acme").await;
        let write = async |address: Value| {
            let contact = json!({"Contacts": [{"ContactID": id, "Addresses": [address]}]});
            xero.post("Contacts", contact).await
        };
        write(json!({"AddressType": "POBOX", "AddressLine1": "1 High St", "AddressLine3": "Floor 3", "City": "Leeds"})).await;
        let answer = write(json!({"AddressType": "POBOX", "AddressLine1": "2 Low Rd"})).await;
        let address = &answer.body["Contacts"][0]["Addresses"][1];
        let found = (
            &address["AddressLine1"],
            &address["AddressLine3"],
            &address["City"],
        );
        assert_eq!(
            found,
            (&json!("2 Low Rd"), &line3, &json!(city)),
            "{switch}"
        );
    }
}
