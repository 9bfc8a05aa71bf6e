//! What stops a run before it writes anything, from the command line: a field that is gone, many records that are gone, a mixed pair.

use crate::books::Books;
use footbridge_simulators::salesforce::options::OrganisationKind;
use serde_json::json;

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
