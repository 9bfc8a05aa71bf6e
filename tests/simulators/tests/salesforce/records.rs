//! Records as they are printed, found and stamped, each rule asserted by itself.
//!
//! From the published rules; ASSUMPTIONS.md names the source of each.

use footbridge_simulators::faults::{Fault, FaultRule};
use serde_json::{Value, json};

use super::salesforce::Org;

async fn signed_in() -> Org {
    let mut org = Org::new();
    org.log_in().await;
    org
}

#[tokio::test]
async fn a_field_that_is_null_is_there() {
    let org = signed_in().await;
    org.load("Account", json!({"Name": "A"}));
    let answer = org
        .query("SELECT Name, Phone, Parent.Name FROM Account")
        .await;
    let record = answer.body["records"][0].as_object().unwrap().clone();
    let mut names: Vec<&str> = record.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["Name", "Parent", "Phone", "attributes"]);
    assert_eq!(record.get("Phone"), Some(&Value::Null));
}

#[tokio::test]
async fn every_change_stamps_when_it_was_and_by_whom() {
    let org = signed_in().await;
    let id = org.load("Account", json!({"Name": "A"}));
    org.simulator.clock().advance(chrono::Duration::minutes(5));
    let path = format!("/sobjects/Account/{id}");
    assert_eq!(org.patch(&path, json!({"Phone": "1"})).await.status, 204);
    let now = org.get(&path).await.body;
    for stamp in ["LastModifiedDate", "SystemModstamp"] {
        assert_eq!(now[stamp], "2026-09-14T09:34:59.000+0000", "{stamp}");
    }
    assert_eq!(now["CreatedDate"], "2026-09-14T09:29:59.000+0000");
    assert_eq!(now["LastModifiedById"], now["CreatedById"]);
}

#[tokio::test]
async fn fifteen_characters_name_a_record_and_a_wrong_suffix_does_not() {
    let org = signed_in().await;
    let id = org.load("Account", json!({"Name": "A"}));
    let short = id.get(..15).unwrap();
    assert_eq!(id.len(), 18);
    assert_eq!(
        org.get(&format!("/sobjects/Account/{short}")).await.body["Id"],
        id.as_str()
    );
    let found = org
        .query(&format!("SELECT Id FROM Account WHERE Id = '{short}'"))
        .await;
    assert_eq!(found.body["records"][0]["Id"], id.as_str());
    // A suffix that says "no capitals" of an id that has some.
    let wrong = format!("{short}AAA");
    assert_ne!(wrong, id);
    let wrong = org.get(&format!("/sobjects/Account/{wrong}")).await;
    assert_eq!(wrong.status, 404, "{}", wrong.text);
}

#[tokio::test]
async fn a_price_that_is_no_longer_active_is_not_sold() {
    let org = signed_in().await;
    let deal = org.deal("D", 0);
    let entry = org.entry("Widget", "10");
    let gone = org
        .patch(
            &format!("/sobjects/PricebookEntry/{entry}"),
            json!({"IsActive": false}),
        )
        .await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    let line =
        json!({"OpportunityId": deal, "PricebookEntryId": entry, "Quantity": 1, "UnitPrice": 8});
    let refused = org.post("/sobjects/OpportunityLineItem", line).await;
    assert_eq!(
        refused.body[0]["errorCode"], "FIELD_INTEGRITY_EXCEPTION",
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn what_a_rule_refuses_is_not_saved() {
    let org = signed_in().await;
    org.simulator
        .faults()
        .inject(FaultRule::next(Fault::ValidationRule {
            message: "Phone, please".to_owned(),
        }));
    let refused = org.post("/sobjects/Account", json!({"Name": "New"})).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(org.simulator.dump("Account").is_empty());
}
