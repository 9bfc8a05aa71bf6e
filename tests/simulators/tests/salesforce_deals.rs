//! Deals: roll-ups, stages, stamps, deletion, merging, multi-currency, and the organisation's own rules.
#![expect(clippy::unwrap_used, reason = "test code")]

mod salesforce;

use footbridge_simulators::faults::{Fault, FaultRule};
use footbridge_simulators::salesforce::options::{
    DuplicateRule, OnAllowSave, RewriteRule, Rewritten,
};
use salesforce::{Org, company_fields};
use serde_json::{Map, Value, json};

async fn signed_in() -> Org {
    let mut org = Org::new();
    org.log_in().await;
    org
}

async fn deal_of(org: &Org, id: &str) -> Value {
    org.get(&format!("/sobjects/Opportunity/{id}")).await.body
}

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn amounts_are_rolled_up_from_lines_to_the_cent() {
    let org = signed_in().await;
    let deal = org.deal("Sums", 0);
    let entry = org.entry("Widget", "10.05");
    let line = |body: Value| {
        let mut all = json!({"OpportunityId": deal, "PricebookEntryId": entry});
        all.as_object_mut().unwrap().extend(fields(&body));
        all
    };
    org.simulator.clock().advance(chrono::Duration::seconds(60));
    let mut ids = Vec::new();
    for (body, total, amount) in [
        (json!({"Quantity": 0.5, "UnitPrice": 10.05}), "5.03", "5.03"),
        (
            json!({"Quantity": 3, "UnitPrice": "19.99", "Discount": 12.5}),
            "52.47",
            "57.5",
        ),
        (json!({"Quantity": -1, "UnitPrice": 100}), "-100.0", "-42.5"),
        (json!({"Quantity": 3, "TotalPrice": 100}), "100.0", "57.5"),
    ] {
        let created = org.post("/sobjects/OpportunityLineItem", line(body)).await;
        assert_eq!(created.status, 201, "{}", created.body);
        let id = created.body["id"].as_str().unwrap().to_owned();
        let stored = org
            .get(&format!("/sobjects/OpportunityLineItem/{id}"))
            .await
            .body;
        assert_eq!(stored["TotalPrice"].to_string(), total);
        assert_eq!(stored["ProductCode"], "C-Widget");
        assert_eq!(deal_of(&org, &deal).await["Amount"].to_string(), amount);
        ids.push(id);
    }
    let after = deal_of(&org, &deal).await;
    assert_eq!(
        after["SystemModstamp"], "2026-09-14T09:30:59.000+0000",
        "lines stamp their deal"
    );
    assert_eq!(after["HasOpportunityLineItem"], true);
    let ignored = org
        .patch(
            &format!("/sobjects/Opportunity/{deal}"),
            json!({"Amount": 1, "NextStep": "x"}),
        )
        .await;
    assert_eq!(
        ignored.status, 204,
        "an amount over lines is ignored, not refused"
    );
    assert_eq!(deal_of(&org, &deal).await["Amount"].to_string(), "57.5");
    org.delete(&format!("/sobjects/OpportunityLineItem/{}", ids[2]))
        .await;
    assert_eq!(deal_of(&org, &deal).await["Amount"].to_string(), "157.5");
    for (body, code) in [
        (
            json!({"Quantity": 0, "UnitPrice": 1}),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        (json!({"Quantity": 1}), "REQUIRED_FIELD_MISSING"),
        (json!({"UnitPrice": 1}), "REQUIRED_FIELD_MISSING"),
        (
            json!({"Quantity": 1, "UnitPrice": 1, "Product2Id": deal}),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
    ] {
        assert_eq!(
            org.post("/sobjects/OpportunityLineItem", line(body))
                .await
                .body[0]["errorCode"],
            code
        );
    }
}

#[tokio::test]
async fn stages_decide_what_is_won_and_leave_a_history() {
    let org = signed_in().await;
    let created = org.post("/sobjects/Opportunity", json!({"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-12-24", "Amount": 80})).await;
    let id = created.body["id"].as_str().unwrap().to_owned();
    let path = format!("/sobjects/Opportunity/{id}");
    let new = deal_of(&org, &id).await;
    assert_eq!(
        (
            &new["IsWon"],
            &new["LastStageChangeDate"],
            new["Probability"].to_string()
        ),
        (&json!(false), &Value::Null, "10.0".to_owned())
    );
    // 09:29:59 UTC on the 14th is 21:29 in Auckland: the date is UTC's.
    org.simulator.clock().advance(chrono::Duration::hours(14));
    org.simulator.clock().advance(chrono::Duration::minutes(30));
    assert_eq!(
        org.patch(&path, json!({"StageName": "Closed Won"}))
            .await
            .status,
        401,
        "idle for too long"
    );
    let mut org = org;
    org.log_in().await;
    assert_eq!(
        org.patch(&path, json!({"StageName": "Closed Won"}))
            .await
            .status,
        204
    );
    let won = deal_of(&org, &id).await;
    assert_eq!(won["CloseDate"], "2026-09-14");
    assert_eq!(won["LastStageChangeDate"], "2026-09-14T23:59:59.000+0000");
    assert_eq!(
        (
            &won["IsWon"],
            &won["IsClosed"],
            won["ExpectedRevenue"].to_string()
        ),
        (&json!(true), &json!(true), "80.0".to_owned())
    );
    org.simulator.clock().advance(chrono::Duration::seconds(10));
    org.patch(&path, json!({"CloseDate": "2026-12-24"})).await;
    assert_eq!(
        deal_of(&org, &id).await["CloseDate"],
        "2026-12-24",
        "only winning rewrites it"
    );
    org.patch(&path, json!({"StageName": "Negotiation/Review"}))
        .await;
    assert_eq!(deal_of(&org, &id).await["IsWon"], false);
    let history = org.query(&format!("SELECT StageName, CreatedDate FROM OpportunityHistory WHERE OpportunityId = '{id}' ORDER BY CreatedDate, Id")).await;
    let stages: Vec<_> = history.body["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["StageName"].clone())
        .collect();
    assert_eq!(
        stages,
        [
            "Prospecting",
            "Closed Won",
            "Closed Won",
            "Negotiation/Review"
        ]
    );
    let unknown = org.patch(&path, json!({"StageName": "Won?"})).await;
    assert_eq!(
        unknown.body[0]["errorCode"],
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    );
    let read_only = org.patch(&path, json!({"IsWon": true})).await;
    assert_eq!(
        read_only.body[0]["errorCode"],
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    );
}

#[tokio::test]
async fn a_past_close_date_is_left_alone_on_winning() {
    let org = signed_in().await;
    let id = org.load(
        "Opportunity",
        json!({"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-01-31"}),
    );
    org.patch(
        &format!("/sobjects/Opportunity/{id}"),
        json!({"StageName": "Closed Won"}),
    )
    .await;
    assert_eq!(deal_of(&org, &id).await["CloseDate"], "2026-01-31");
}

#[tokio::test]
async fn writes_that_change_nothing_stamp_too_and_late_commits_stamp_early() {
    let org = signed_in().await;
    let id = org.load(
        "Account",
        json!({"Name": "A", "SystemModstamp": "2026-01-01T00:00:00Z"}),
    );
    assert_eq!(
        org.simulator.dump("Account")[0]["SystemModstamp"],
        "2026-01-01T00:00:00.000+0000"
    );
    org.patch(&format!("/sobjects/Account/{id}"), json!({"Name": "A"}))
        .await;
    assert_eq!(
        org.simulator.dump("Account")[0]["SystemModstamp"],
        "2026-09-14T09:29:59.000+0000"
    );
    let ticket = org
        .simulator
        .begin_late("Account", Some(&id), fields(&json!({"Name": "B"})));
    org.simulator.clock().advance(chrono::Duration::minutes(10));
    let window = "start=2026-09-14T09:00:00Z&end=2026-09-14T10:00:00Z";
    let open = org
        .get(&format!("/sobjects/Account/updated?{window}"))
        .await;
    assert_eq!(
        open.body["latestDateCovered"],
        "2026-09-14T09:29:59.000+0000"
    );
    org.simulator.commit_late(ticket).unwrap();
    let account = &org.simulator.dump("Account")[0];
    assert_eq!(
        (&account["Name"], &account["SystemModstamp"]),
        (&json!("B"), &json!("2026-09-14T09:29:59.000+0000"))
    );
    let closed = org
        .get(&format!("/sobjects/Account/updated?{window}"))
        .await;
    assert_eq!(
        closed.body,
        json!({"ids": [id], "latestDateCovered": "2026-09-14T09:39:59.000+0000"})
    );
}

#[tokio::test]
async fn deleted_and_merged_records_are_seen_by_query_all_only() {
    let org = signed_in().await;
    let deal = org.deal("Gone", 2);
    assert_eq!(
        org.delete(&format!("/sobjects/Opportunity/{deal}"))
            .await
            .status,
        204
    );
    assert_eq!(
        org.query("SELECT Id FROM OpportunityLineItem").await.body["totalSize"],
        0
    );
    let all = org
        .query_all("SELECT Id, IsDeleted, (SELECT Id FROM OpportunityLineItems) FROM Opportunity")
        .await;
    assert_eq!(all.body["records"][0]["IsDeleted"], true);
    assert_eq!(
        all.body["records"][0]["OpportunityLineItems"]["totalSize"],
        2
    );
    let feed = org
        .get("/sobjects/Opportunity/deleted?start=2026-09-14T09:00:00Z&end=2026-09-14T09:31:30Z")
        .await;
    assert_eq!(feed.body["deletedRecords"][0]["id"], deal.as_str());
    let (kept, lost) = (
        org.load("Account", json!({"Name": "Kept"})),
        org.load("Account", json!({"Name": "Lost"})),
    );
    let contact = org.load("Contact", json!({"LastName": "C", "AccountId": lost}));
    org.simulator.merge("Account", &kept, &lost).unwrap();
    let merged = org
        .query_all("SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = true")
        .await;
    assert_eq!(
        (
            &merged.body["records"][0]["Id"],
            &merged.body["records"][0]["MasterRecordId"]
        ),
        (&json!(lost), &json!(kept))
    );
    assert_eq!(
        org.get(&format!("/sobjects/Contact/{contact}")).await.body["AccountId"],
        kept.as_str()
    );
    org.load("Opportunity", json!({"Name": "Won", "AccountId": kept, "StageName": "Closed Won", "CloseDate": "2026-09-01"}));
    assert_eq!(
        org.delete(&format!("/sobjects/Account/{kept}")).await.body[0]["errorCode"],
        "DELETE_FAILED"
    );
}

#[tokio::test]
async fn prices_need_a_standard_price_and_one_book() {
    let org = signed_in().await;
    let product = org.load("Product2", json!({"Name": "P", "IsActive": true}));
    let other = org.load("Pricebook2", json!({"Name": "Trade", "IsActive": true}));
    let custom =
        json!({"Product2Id": product, "Pricebook2Id": other, "UnitPrice": 8, "IsActive": true});
    assert_eq!(
        org.post("/sobjects/PricebookEntry", custom.clone())
            .await
            .body[0]["errorCode"],
        "STANDARD_PRICE_NOT_DEFINED"
    );
    let standard = json!({"Product2Id": product, "Pricebook2Id": org.simulator.standard_pricebook_id(), "UnitPrice": 10, "IsActive": true});
    let first = org
        .post("/sobjects/PricebookEntry", standard.clone())
        .await
        .body["id"]
        .clone();
    assert_eq!(
        org.post("/sobjects/PricebookEntry", standard).await.body[0]["errorCode"],
        "DUPLICATE_VALUE"
    );
    let second = org.post("/sobjects/PricebookEntry", custom).await.body["id"].clone();
    let deal = org.deal("D", 0);
    let line = |entry: &Value| json!({"OpportunityId": deal, "PricebookEntryId": entry, "Quantity": 1, "UnitPrice": 8});
    assert_eq!(
        org.post("/sobjects/OpportunityLineItem", line(&second))
            .await
            .status,
        201
    );
    assert_eq!(deal_of(&org, &deal).await["Pricebook2Id"], other.as_str());
    assert_eq!(
        org.post("/sobjects/OpportunityLineItem", line(&first))
            .await
            .body[0]["errorCode"],
        "FIELD_INTEGRITY_EXCEPTION"
    );
}

#[tokio::test]
async fn currencies_exist_only_where_they_are_switched_on() {
    let mut org = Org::with(|options| options.set("currencies", "multi").unwrap());
    org.log_in().await;
    let entry = org.entry("Widget", "10");
    let deal = org.load("Opportunity", json!({"Name": "E", "StageName": "Prospecting", "CloseDate": "2026-12-01", "CurrencyIsoCode": "EUR"}));
    assert_eq!(deal_of(&org, &deal).await["CurrencyIsoCode"], "EUR");
    let line =
        json!({"OpportunityId": deal, "PricebookEntryId": entry, "Quantity": 1, "UnitPrice": 8});
    assert_eq!(
        org.post("/sobjects/OpportunityLineItem", line).await.body[0]["errorCode"],
        "FIELD_INTEGRITY_EXCEPTION"
    );
    let book = org.simulator.standard_pricebook_id().unwrap();
    let product = org.simulator.dump("Product2")[0]["Id"].clone();
    let euros = org.load("PricebookEntry", json!({"Product2Id": product, "Pricebook2Id": book, "UnitPrice": 9, "IsActive": true, "CurrencyIsoCode": "EUR"}));
    let line =
        json!({"OpportunityId": deal, "PricebookEntryId": euros, "Quantity": 1, "UnitPrice": 8});
    assert_eq!(
        org.post("/sobjects/OpportunityLineItem", line).await.status,
        201
    );
    let read = org
        .query("SELECT CurrencyIsoCode FROM OpportunityLineItem")
        .await;
    assert_eq!(read.body["records"][0]["CurrencyIsoCode"], "EUR");
    assert_eq!(
        org.query("SELECT IsoCode FROM CurrencyType WHERE IsCorporate = true")
            .await
            .body["records"][0]["IsoCode"],
        "GBP"
    );
}

#[tokio::test]
async fn persons_are_accounts_with_a_contact_behind() {
    let org = signed_in().await;
    let created = org
        .post(
            "/sobjects/Account",
            json!({"FirstName": "Ann", "LastName": "Lee", "PersonEmail": "ann@lee.example"}),
        )
        .await;
    assert_eq!(created.status, 201, "{}", created.body);
    let read = org
        .query("SELECT Name, IsPersonAccount, PersonContact.Email FROM Account")
        .await;
    let person = &read.body["records"][0];
    assert_eq!(
        (&person["Name"], &person["IsPersonAccount"]),
        (&json!("Ann Lee"), &json!(true))
    );
    assert_eq!(person["PersonContact"]["Email"], "ann@lee.example");
    let mut without = Org::with(|options| options.set("person-accounts", "off").unwrap());
    without.log_in().await;
    assert_eq!(
        without
            .query("SELECT IsPersonAccount FROM Account")
            .await
            .body[0]["errorCode"],
        "INVALID_FIELD"
    );
}

#[tokio::test]
async fn the_organisations_own_rules_refuse_and_rewrite() {
    let mut org = Org::with(|options| {
        options.duplicate_rules.push(DuplicateRule {
            object: "Account".to_owned(),
            fields: vec!["Name".to_owned()],
            on_allow_save: OnAllowSave::Saves,
        });
        options.rewrite_rules.push(RewriteRule {
            object: "Account".to_owned(),
            field: "Site".to_owned(),
            becomes: Rewritten::Uppercase,
        });
    });
    org.log_in().await;
    company_fields(&org.simulator);
    assert_eq!(
        org.post(
            "/sobjects/Account",
            json!({"Name": "Acme", "Site": "leeds", "Xero_Contact_Id__c": "1"})
        )
        .await
        .status,
        201
    );
    assert_eq!(org.simulator.dump("Account")[0]["Site"], "LEEDS");
    let twin = org.post("/sobjects/Account", json!({"Name": "ACME"})).await;
    assert_eq!(twin.body[0]["errorCode"], "DUPLICATES_DETECTED");
    assert_eq!(
        twin.body[0]["duplicateResult"]["matchResults"][0]["size"],
        1
    );
    let same_key = org
        .post(
            "/sobjects/Account",
            json!({"Name": "Other", "Xero_Contact_Id__c": "1"}),
        )
        .await;
    assert_eq!(same_key.body[0]["errorCode"], "DUPLICATE_VALUE");
    let part = json!({"method": "POST", "url": "/services/data/v60.0/sobjects/Account", "referenceId": "a",
                      "httpHeaders": {"Sforce-Duplicate-Rule-Header": "allowSave=true"}, "body": {"Name": "acme"}});
    let saved = org
        .post("/composite", json!({"compositeRequest": [part]}))
        .await;
    assert_eq!(saved.body["compositeResponse"][0]["httpStatusCode"], 201);
    org.simulator
        .faults()
        .inject(FaultRule::next(Fault::ValidationRule {
            message: "Phone, please".to_owned(),
        }));
    let refused = org.post("/sobjects/Account", json!({"Name": "New"})).await;
    assert_eq!(
        (&refused.body[0]["errorCode"], &refused.body[0]["message"]),
        (
            &json!("FIELD_CUSTOM_VALIDATION_EXCEPTION"),
            &json!("Phone, please")
        )
    );
}

#[tokio::test]
async fn faults_strike_the_session_the_limit_the_batch_and_the_organisation() {
    let mut org = signed_in().await;
    let faults = org.simulator.faults();
    faults.inject(FaultRule::next(Fault::ExpiredToken));
    assert_eq!(org.get("/limits").await.status, 401);
    assert_eq!(org.get("/limits").await.status, 401, "it stays expired");
    org.log_in().await;
    let rows = json!({"records": [{"attributes": {"type": "Account"}, "Name": "1"}, {"attributes": {"type": "Account"}, "Name": "2"}]});
    faults.inject(FaultRule::next(Fault::ServerErrorMidBatch { after: 1 }));
    assert_eq!(org.post("/composite/sobjects", rows).await.status, 500);
    assert_eq!(
        org.simulator.dump("Account").len(),
        1,
        "the first row is there"
    );
    faults.inject(FaultRule::next(Fault::WrongOrganisation));
    let wrong = org.query("SELECT Id FROM Organization").await.body["records"][0]["Id"].clone();
    let right = org.query("SELECT Id FROM Organization").await.body["records"][0]["Id"].clone();
    assert_ne!(wrong, right);
    assert_eq!(right, org.simulator.organisation_id());
}
