//! The Salesforce simulator over HTTP messages (its router called directly, no socket).

#[path = "salesforce/consent.rs"]
mod consent;
#[path = "salesforce/records.rs"]
mod records;
mod salesforce;
#[path = "seeded/mod.rs"]
mod seeded;

use salesforce::{Org, company_fields};
use serde_json::{Value, json};

#[tokio::test]
async fn tokens_are_given_for_the_right_credentials_only() {
    let org = Org::new();
    let good = org.form("grant_type=client_credentials&client_id=footbridge-salesforce-demo&client_secret=salesforce-demo-secret").await;
    assert_eq!(good.status, 200);
    for member in [
        "access_token",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
        "signature",
    ] {
        assert!(good.body[member].is_string(), "{member}");
    }
    assert!(good.body.get("expires_in").is_none());
    let wrong = org
        .form("grant_type=client_credentials&client_id=footbridge-salesforce-demo&client_secret=x")
        .await;
    assert_eq!(
        (wrong.status, &wrong.body["error"]),
        (400, &json!("invalid_client"))
    );
    let grant = org.form("grant_type=password").await;
    assert_eq!(grant.body["error"], "unsupported_grant_type");
    assert_eq!(org.simulator.counts().tokens, 3);
}

#[tokio::test]
async fn sessions_end_after_two_idle_hours() {
    let mut org = Org::new();
    org.log_in().await;
    assert_eq!(org.get("/limits").await.status, 200);
    org.simulator
        .clock()
        .advance(chrono::Duration::minutes(119));
    assert_eq!(org.get("/limits").await.status, 200, "use keeps it alive");
    org.simulator
        .clock()
        .advance(chrono::Duration::minutes(121));
    let over = org.get("/limits").await;
    assert_eq!(over.status, 401);
    assert_eq!(
        over.body,
        json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
    );
}

#[tokio::test]
async fn every_answer_says_how_many_calls_are_used_and_the_limit_refuses() {
    let mut org = Org::with(|options| {
        options.daily_calls = 2;
        options.set("limit-header", "plain").unwrap();
    });
    org.log_in().await;
    assert_eq!(
        org.get("/limits").await.header("sforce-limit-info"),
        "api-usage=1/2"
    );
    assert_eq!(
        org.get("/sobjects").await.header("sforce-limit-info"),
        "api-usage=2/2"
    );
    let refused = org.get("/limits").await;
    assert_eq!(
        (refused.status, &refused.body[0]["errorCode"]),
        (403, &json!("REQUEST_LIMIT_EXCEEDED"))
    );
    org.simulator.clock().advance(chrono::Duration::hours(1));
    assert_eq!(
        org.get("/limits").await.status,
        403,
        "the window rolls, it does not reset"
    );
    org.simulator.clock().advance(chrono::Duration::hours(24));
    org.log_in().await;
    assert_eq!(org.get("/limits").await.status, 200);
}

#[tokio::test]
async fn queries_come_in_pages_and_cursors_last_two_days() {
    let mut org = Org::with(|options| options.page = 3);
    org.log_in().await;
    for index in 0..7 {
        org.load("Account", json!({"Name": format!("Account {index}")}));
    }
    let first = org.query("SELECT Name FROM Account ORDER BY Name").await;
    assert_eq!(
        (first.body["totalSize"].clone(), first.body["done"].clone()),
        (json!(7), json!(false))
    );
    let next = first.body["nextRecordsUrl"].as_str().unwrap().to_owned();
    let second = org.get_path(&next).await;
    assert_eq!(second.body["records"][0]["Name"], "Account 3");
    assert_eq!(
        org.get_path(&next).await.body[0]["errorCode"],
        "INVALID_QUERY_LOCATOR",
        "a page is handed out once"
    );
    let next = second.body["nextRecordsUrl"].as_str().unwrap().to_owned();
    org.simulator.clock().advance(chrono::Duration::hours(49));
    org.log_in().await;
    assert_eq!(
        org.get_path(&next).await.body[0]["errorCode"],
        "INVALID_QUERY_LOCATOR"
    );
}

#[tokio::test]
async fn a_deal_of_140_lines_pages_its_children() {
    let mut org = Org::new();
    org.log_in().await;
    let deal = org.deal("Big", 140);
    let answer = org.query("SELECT Id, Amount, (SELECT Id, Quantity, UnitPrice, TotalPrice FROM OpportunityLineItems ORDER BY SortOrder), (SELECT Id FROM OpportunityContactRoles) FROM Opportunity").await;
    let record = &answer.body["records"][0];
    assert_eq!(record["Id"], deal.as_str());
    assert_eq!(
        record["Amount"].to_string(),
        "1926.4",
        "12.505 is stored as 12.51; 1.1 x 12.51 is 13.76, 140 times"
    );
    assert_eq!(record["OpportunityContactRoles"], Value::Null);
    let lines = &record["OpportunityLineItems"];
    assert_eq!(lines["totalSize"], 140);
    assert_eq!(lines["records"].as_array().unwrap().len(), 100);
    let rest = org
        .get_path(lines["nextRecordsUrl"].as_str().unwrap())
        .await;
    assert_eq!(rest.body["records"].as_array().unwrap().len(), 40);
    assert_eq!(rest.body["done"], true);
    assert_eq!(
        rest.body["records"][0]["attributes"]["type"],
        "OpportunityLineItem"
    );
}

#[tokio::test]
async fn composite_refers_back_rolls_back_and_is_one_call() {
    let mut org = Org::new();
    org.log_in().await;
    let two = |close: &str| {
        json!({"allOrNone": true, "compositeRequest": [
            {"method": "POST", "url": "/services/data/v60.0/sobjects/Account", "referenceId": "acc", "body": {"Name": "Acme"}},
            {"method": "POST", "url": "/services/data/v60.0/sobjects/Opportunity", "referenceId": "opp",
             "body": {"Name": "Deal", "AccountId": "@{acc.id}", "StageName": "Prospecting", "CloseDate": close}},
            {"method": "GET", "url": "/services/data/v60.0/query?q=SELECT+Id,Account.Name+FROM+Opportunity+WHERE+Id='@{opp.id}'", "referenceId": "read"},
        ]})
    };
    org.simulator.reset_counts();
    let failed = org.post("/composite", two("not a date")).await;
    let statuses: Vec<_> = (0..3)
        .map(|i| failed.body["compositeResponse"][i]["httpStatusCode"].clone())
        .collect();
    assert_eq!(statuses, [json!(400), json!(400), json!(400)]);
    assert_eq!(
        failed.body["compositeResponse"][0]["body"][0]["errorCode"],
        "PROCESSING_HALTED"
    );
    assert_eq!(
        failed.body["compositeResponse"][1]["body"][0]["errorCode"],
        "JSON_PARSER_ERROR"
    );
    assert!(org.simulator.dump("Account").is_empty());
    let done = org.post("/composite", two("2026-12-01")).await;
    assert_eq!(
        done.body["compositeResponse"][2]["body"]["records"][0]["Account"]["Name"],
        "Acme"
    );
    let counts = org.simulator.counts();
    assert_eq!((counts.writes, counts.reads), (2, 0));
}

#[tokio::test]
async fn composite_has_its_limits() {
    let mut org = Org::new();
    org.log_in().await;
    let calls = |count: usize, url: &str| {
        let part = |i: usize| json!({"method": "GET", "url": url, "referenceId": format!("r{i}")});
        json!({"compositeRequest": (0..count).map(part).collect::<Vec<_>>()})
    };
    let describe = "/services/data/v60.0/sobjects/Account";
    assert_eq!(
        org.post("/composite", calls(25, describe)).await.status,
        200
    );
    assert_eq!(
        org.post("/composite", calls(26, describe)).await.body[0]["errorCode"],
        "LIMIT_EXCEEDED"
    );
    let query = "/services/data/v60.0/query?q=SELECT+Id+FROM+Account";
    assert_eq!(org.post("/composite", calls(5, query)).await.status, 200);
    assert_eq!(
        org.post("/composite", calls(6, query)).await.body[0]["errorCode"],
        "LIMIT_EXCEEDED"
    );
}

#[tokio::test]
async fn a_thousand_write_backs_fit_one_call_and_each_row_has_its_outcome() {
    let mut org = Org::new();
    org.log_in().await;
    company_fields(&org.simulator);
    let deals: Vec<String> = (0..1000)
        .map(|index| org.deal(&format!("Deal {index}"), 0))
        .collect();
    let parts: Vec<Value> = deals
        .chunks(200)
        .enumerate()
        .map(|(index, chunk)| {
            let records: Vec<Value> = chunk
                .iter()
                .enumerate()
                .map(|(row, id)| json!({"attributes": {"type": "Opportunity"}, "id": id, "Xero_Invoice_Id__c": format!("{index}-{row}")}))
                .collect();
            json!({"method": "PATCH", "url": "/services/data/v60.0/composite/sobjects", "referenceId": format!("part{index}"),
                   "body": {"allOrNone": false, "records": records}})
        })
        .collect();
    org.simulator.reset_counts();
    org.post_control("faults", json!({"fault": {"locked-row": {"rows": 2}}, "method": "POST", "path-contains": "/composite"})).await;
    let answer = org
        .post("/composite", json!({"compositeRequest": parts}))
        .await;
    assert_eq!(org.simulator.counts().writes, 1);
    let first = &answer.body["compositeResponse"][0]["body"];
    assert_eq!(
        first[0],
        json!({"success": false, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access to this record", "fields": []}]})
    );
    assert_eq!(
        first[2],
        json!({"id": deals[2], "success": true, "errors": []})
    );
    let written = org
        .simulator
        .dump("Opportunity")
        .iter()
        .filter(|deal| deal["Xero_Invoice_Id__c"].is_string())
        .count();
    assert_eq!(written, 998);
    let too_many: Vec<Value> = (0..201)
        .map(|_| json!({"attributes": {"type": "Account"}, "Name": "x"}))
        .collect();
    let refused = org
        .post("/composite/sobjects", json!({"records": too_many}))
        .await;
    assert_eq!(refused.body[0]["errorCode"], "EXCEEDED_ID_LIMIT");
}

#[tokio::test]
async fn collections_roll_back_together_when_asked() {
    let mut org = Org::new();
    org.log_in().await;
    let records = json!([{"attributes": {"type": "Account"}, "Name": "Good"}, {"attributes": {"type": "Account"}}]);
    let answer = org
        .post(
            "/composite/sobjects",
            json!({"allOrNone": true, "records": records}),
        )
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body[0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
    assert_eq!(
        answer.body[1]["errors"][0],
        json!({"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Name]", "fields": ["Name"]})
    );
    assert!(org.simulator.dump("Account").is_empty());
    let alone = org
        .post("/composite/sobjects", json!({"records": records}))
        .await;
    assert_eq!(alone.body[0]["success"], true);
    let id = alone.body[0]["id"].as_str().unwrap();
    let read = org
        .post(
            "/composite/sobjects/Account",
            json!({"ids": [id, "001000000000001AAA"], "fields": ["name"]}),
        )
        .await;
    assert_eq!(read.body[0]["Name"], "Good");
    assert_eq!(read.body[1], Value::Null);
    let gone = org
        .delete(&format!("/composite/sobjects?ids={id},nonsense"))
        .await;
    assert_eq!(
        (
            &gone.body[0]["success"],
            &gone.body[1]["errors"][0]["statusCode"]
        ),
        (&json!(true), &json!("MALFORMED_ID"))
    );
}

#[tokio::test]
async fn upserts_create_update_and_refuse_when_several_match() {
    let mut org = Org::new();
    org.log_in().await;
    company_fields(&org.simulator);
    let path = "/sobjects/Account/Xero_Contact_Id__c/abc";
    let created = org.patch(path, json!({"Name": "Acme"})).await;
    assert_eq!(
        (created.status, &created.body["created"]),
        (201, &json!(true))
    );
    assert_eq!(org.patch(path, json!({"Name": "Acme 2"})).await.status, 204);
    let inside = org
        .patch(path, json!({"Name": "x", "Xero_Contact_Id__c": "abc"}))
        .await;
    assert_eq!(inside.body[0]["errorCode"], "INVALID_FIELD");
    assert_eq!(
        org.patch(
            "/sobjects/Account/Legacy_Key__c/7?updateOnly=true",
            json!({"Name": "x"})
        )
        .await
        .status,
        404
    );
    for _ in 0..2 {
        org.load("Account", json!({"Name": "Twin", "Legacy_Key__c": "7"}));
    }
    let several = org
        .patch("/sobjects/Account/Legacy_Key__c/7", json!({"Name": "x"}))
        .await;
    assert_eq!(several.status, 300);
    assert!(
        several.body[0]
            .as_str()
            .unwrap()
            .starts_with("/services/data/v60.0/sobjects/Account/001")
    );
    assert_eq!(
        org.patch("/sobjects/Account/Name/Acme", json!({"Site": "x"}))
            .await
            .status,
        404,
        "no external id"
    );
}

#[tokio::test]
async fn single_records_answer_with_their_own_statuses() {
    let mut org = Org::new();
    org.log_in().await;
    let created = org
        .post(
            "/sobjects/Account",
            json!({"Name": "Acme", "BillingCity": "Leeds"}),
        )
        .await;
    assert_eq!(created.status, 201);
    let id = created.body["id"].as_str().unwrap().to_owned();
    assert_eq!(
        created.header("location"),
        format!("/services/data/v60.0/sobjects/Account/{id}")
    );
    let path = format!("/sobjects/Account/{id}");
    assert_eq!(org.patch(&path, json!({"Phone": "1"})).await.status, 204);
    let read = org
        .get(&format!("{path}?fields=Phone,BillingAddress"))
        .await;
    assert_eq!(read.body["Phone"], "1");
    assert_eq!(read.body["BillingAddress"]["city"], "Leeds");
    for (body, code) in [
        (json!({"Nope": 1}), "INVALID_FIELD"),
        (
            json!({"SystemModstamp": "2026-01-01T00:00:00Z"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
        (json!({"Name": "x".repeat(256)}), "STRING_TOO_LONG"),
        (json!({"Name": null}), "REQUIRED_FIELD_MISSING"),
        (json!({"ParentId": "003000000000001AAA"}), "MALFORMED_ID"),
        (
            json!({"ParentId": "001000000000001AAA"}),
            "INVALID_CROSS_REFERENCE_KEY",
        ),
        (json!({"Id": id}), "INVALID_FIELD"),
    ] {
        let refused = org.patch(&path, body).await;
        assert_eq!(
            (refused.status, &refused.body[0]["errorCode"]),
            (400, &json!(code))
        );
    }
    assert_eq!(org.delete(&path).await.status, 204);
    assert_eq!(
        org.get(&path).await.body[0]["errorCode"],
        "ENTITY_IS_DELETED"
    );
    assert_eq!(org.patch(&path, json!({"Phone": "2"})).await.status, 404);
    assert_eq!(
        org.get("/sobjects/Account/001000000000001AAA").await.status,
        404
    );
    assert_eq!(org.get("/sobjects/Nothing").await.status, 404);
    assert_eq!(
        org.get_path("/services/data/v30.0/limits").await.status,
        404
    );
    assert_eq!(org.post("/limits", json!({})).await.status, 405);
}

#[tokio::test]
async fn describe_tells_types_access_and_children() {
    let mut org = Org::new();
    org.log_in().await;
    company_fields(&org.simulator);
    let described = org.get("/sobjects/opportunity/describe").await.body;
    let field = |name: &str| {
        described["fields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|f| f["name"] == name)
            .cloned()
            .unwrap()
    };
    assert_eq!(field("Amount")["type"], "currency");
    assert_eq!(
        (
            field("Amount")["precision"].clone(),
            field("Amount")["scale"].clone()
        ),
        (json!(18), json!(2))
    );
    assert_eq!(field("IsWon")["updateable"], false);
    assert_eq!(field("AccountId")["referenceTo"], json!(["Account"]));
    assert_eq!(field("Xero_Invoice_Id__c")["unique"], true);
    assert!(
        field("StageName")["picklistValues"]
            .as_array()
            .unwrap()
            .iter()
            .any(|v| v["value"] == "Closed Won")
    );
    let children: Vec<_> = described["childRelationships"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["relationshipName"].clone())
        .collect();
    assert!(children.contains(&json!("OpportunityLineItems")));
    assert!(
        described["fields"]
            .as_array()
            .unwrap()
            .iter()
            .all(|f| f["name"] != "CurrencyIsoCode")
    );
    org.simulator.remove_field("Opportunity", "Amount").unwrap();
    assert_eq!(
        org.query("SELECT Amount FROM Opportunity").await.body[0]["errorCode"],
        "INVALID_FIELD"
    );
}

/// The defects that would hurt most are noticed by these tests.
#[test]
fn a_simulator_that_is_wrong_about_records_or_calls_is_noticed() {
    use footbridge_simulators::salesforce::Defect;
    for (defect, test) in [
        (
            Defect::AllOrNoneIgnored,
            "collections_roll_back_together_when_asked",
        ),
        (
            Defect::UpsertPicksOne,
            "upserts_create_update_and_refuse_when_several_match",
        ),
        (
            Defect::NextPageRepeats,
            "queries_come_in_pages_and_cursors_last_two_days",
        ),
        (
            Defect::ModifiedKept,
            "records::every_change_stamps_when_it_was_and_by_whom",
        ),
        (
            Defect::LongTextCut,
            "single_records_answer_with_their_own_statuses",
        ),
    ] {
        seeded::is_caught(defect, test);
    }
}
