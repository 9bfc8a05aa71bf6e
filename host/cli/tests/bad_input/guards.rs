//! What stops a run before it writes anything, from the command line: a field that is gone, many records that are gone or hidden, a mixed
//! pair.

use crate::books::Books;
use footbridge_simulators::salesforce::options::OrganisationKind;
use serde_json::{Value, json};

const BILLED: usize = 9;

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_salesforce_no_longer_has_is_named_with_the_line_that_uses_it() {
    let books = Books::open(12).await;
    books
        .salesforce
        .remove_field("Opportunity", "PO_Number__c")
        .unwrap();
    let ended = books.run(&["sync"]).await;
    assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
    for said in [
        "salesforce has no field \"PO_Number__c\" of Opportunity, or no longer shows it",
        "of the mapping (reference = \"first(PO_Number__c, Name)\")",
        "nothing was written",
    ] {
        assert!(ended.err.contains(said), "{said}: {}", ended.err);
    }
    assert_eq!(books.invoices().len(), 0);
    // Before a sync runs into it.
    let doctor = books.run(&["doctor"]).await;
    let said = doctor.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(doctor.code, 2, "{}", doctor.out);
    for told in [
        "wrong fields that deals-to-invoices reads in salesforce ",
        "salesforce has no field \"PO_Number__c\" of Opportunity, or no longer shows it",
        "1 thing to put right",
    ] {
        assert!(said.contains(told), "{told}: {}", doctor.out);
    }
    books.change("lead-to-cash.toml", "first(PO_Number__c, Name)", "Name");
    let doctor = books.run(&["doctor"]).await;
    assert_eq!(doctor.code, 0, "{}", doctor.out);
    assert!(doctor.out.contains("All is well."), "{}", doctor.out);
    books.all_is_well(BILLED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_goes_between_two_runs_is_named_though_no_record_changed() {
    let books = Books::open(12).await;
    books.all_is_well(BILLED).await;
    books
        .salesforce
        .remove_field("Opportunity", "PO_Number__c")
        .unwrap();
    let ended = books.run(&["sync"]).await;
    assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
    for said in ["\"PO_Number__c\" of Opportunity", "nothing was written"] {
        assert!(ended.err.contains(said), "{said}: {}", ended.err);
    }
    books.change("lead-to-cash.toml", "first(PO_Number__c, Name)", "Name");
    books.all_is_well(BILLED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_gone_at_once_wait_for_a_word() {
    let books = Books::open(12).await;
    let account = |n: usize| {
        let fields = json!({"Name": format!("Bystander {n}")});
        let fields = fields.as_object().unwrap().clone();
        books.salesforce.create("Account", fields).unwrap()
    };
    let ids: Vec<String> = (0..6).map(account).collect();
    books.all_is_well(BILLED).await;
    for id in &ids {
        books.salesforce.delete("Account", id).unwrap();
    }
    for _ in 0..2 {
        let ended = books.run(&["sync"]).await;
        assert_eq!((ended.code, ended.out.as_str()), (3, ""), "{}", ended.err);
        assert!(
            ended
                .err
                .contains("of Account 6 deleted, archived or voided")
                && ended.err.contains("footbridge sync --accept-drop"),
            "{}",
            ended.err
        );
    }
    let ended = books.run(&["sync", "--accept-drop"]).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    books.all_is_well(BILLED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_of_the_accounts_hidden_by_a_sharing_rule_waits_for_a_word() {
    let books = Books::open(12).await;
    let create = |object: &str, fields: Value| {
        let fields = fields.as_object().unwrap().clone();
        books.salesforce.create(object, fields).unwrap()
    };
    let accounts = books.salesforce.dump("Account").into_iter();
    let live = accounts.filter(|one| one["IsDeleted"] == false).count();
    let hidden: Vec<String> = (0..live.div_ceil(2))
        .map(|n| create("Account", json!({"Name": format!("Bystander {n}")})))
        .collect();
    books.all_is_well(BILLED).await;
    books.all_is_well(BILLED).await;

    // Nothing is stamped, nothing is told; and there is something to write.
    books.salesforce.hide(&hidden);
    let late = create(
        "Account",
        json!({"Name": "Late Ltd", "BillingCountryCode": "GB"}),
    );
    let deal = json!({
        "Name": "Late deal", "AccountId": late, "StageName": "Closed Won", "CloseDate": "2026-01-01",
        "Amount": 12.34, "CurrencyIsoCode": "GBP",
    });
    create("Opportunity", deal);
    books.xero.reset_counts();
    books.salesforce.reset_counts();
    let missing = hidden.len() - 1;
    for _ in 0..2 {
        let ended = books.run(&["sync"]).await;
        assert_eq!((ended.code, ended.out.as_str()), (3, ""), "{}", ended.err);
        for said in [
            format!(
                "salesforce: of Account {missing} of {} no longer shown to the connection's user",
                live + hidden.len()
            ),
            "nothing was written".to_owned(),
            "footbridge sync --accept-drop".to_owned(),
        ] {
            assert!(ended.err.contains(&said), "{said}: {}", ended.err);
        }
    }
    let writes = (books.xero.counts().writes, books.salesforce.counts().writes);
    assert_eq!(writes, (0, 0));
    let ended = books.run(&["sync", "--accept-drop"]).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    books.all_is_well(BILLED + 1).await;
    // Shown again: more than before, and nobody is asked.
    books.salesforce.show(&hidden);
    books.all_is_well(BILLED + 1).await;
    books.salesforce.hide(&hidden);
    assert_eq!(books.run(&["sync"]).await.code, 3);
    // Put right over there, it goes on by itself.
    books.salesforce.show(&hidden);
    books.all_is_well(BILLED + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_and_a_live_organisation_need_its_name() {
    let books = Books::open_changed(12, |_, salesforce| {
        salesforce.kind = OrganisationKind::Sandbox;
    })
    .await;
    let ended = books.run(&["sync"]).await;
    assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
    let live = books.xero.options().organisations[0].name.clone();
    assert!(
        ended.err.contains(&format!("mixed = {live:?}")),
        "{}",
        ended.err
    );
    assert_eq!(books.invoices().len(), 0);
    books.change(
        "footbridge.toml",
        "source = \"salesforce\"",
        &format!("mixed = {live:?}\nsource = \"salesforce\""),
    );
    books.all_is_well(BILLED).await;
}
