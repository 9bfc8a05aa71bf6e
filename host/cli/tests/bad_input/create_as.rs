//! `items create-as`: a customer whose name is taken gets another one in the ledger, by the command that the item prints.

use crate::books::Books;
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Contacts of the ledger whose name begins so, with their numbers.
fn contacts(books: &Books, start: &str) -> Vec<(String, String)> {
    let text = |contact: &Value, field: &str| contact[field].as_str().unwrap_or("").to_owned();
    let all = books.xero.dump("Contacts").into_iter();
    let mut found: Vec<_> = all
        .map(|contact| (text(&contact, "Name"), text(&contact, "ContactNumber")))
        .filter(|(name, _)| name.starts_with(start))
        .collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_whose_name_is_taken_is_made_under_the_name_that_the_item_proposes() {
    let books = Books::open(4).await;
    let theirs = json!({"Name": "Smith & Co", "ContactNumber": "K-2041"});
    books.xero.load("Contacts", theirs).unwrap();
    // Xero's lists show what was written just now only after a while.
    books.xero.clock().advance(TimeDelta::minutes(1));
    let account = json!({"Name": "Smith & Co", "BillingCity": "Leeds", "BillingCountryCode": "GB"});
    let account = books.salesforce.create("Account", fields(account)).unwrap();
    let deal = json!({
        "Name": "Roof", "AccountId": account, "StageName": "Closed Won", "CloseDate": "2026-01-01",
        "Amount": 12.5, "CurrencyIsoCode": "GBP",
    });
    let deal = books
        .salesforce
        .create("Opportunity", fields(deal))
        .unwrap();
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let made = books.invoices().len();

    let shown = books.run(&["items", "show", &deal]).await;
    let command = format!("footbridge items create-as {deal} 'Smith & Co (Leeds)'\n");
    assert!(shown.out.contains(&command), "{}", shown.out);
    for (name, said) in [
        ("", "a customer's name can't be empty"),
        (
            &*"x".repeat(256),
            "has at most 255 characters in the ledger, and this one has 256",
        ),
        ("a\nb", "can't have line breaks"),
        ("smith & co", "with that it would still wait: "),
    ] {
        let ended = books.run(&["items", "create-as", &deal, name]).await;
        assert_eq!(ended.code, 2, "{name}");
        assert!(ended.err.contains(said), "{name}: {}", ended.err);
    }
    let name = "Smith & Co (Leeds)";
    let kept = books
        .run(&["items", "create-as", &deal, name, "--json"])
        .await;
    assert_eq!((kept.code, kept.err.as_str()), (0, ""));
    assert_eq!(kept.json()["choice"], json!({"create-as": {"name": name}}));
    let shown = books.run(&["items", "show", &deal]).await.out;
    assert!(
        shown.contains(&format!("Decided: created in the ledger as {name} by ")),
        "{shown}"
    );
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let want = [
        ("Smith & Co".to_owned(), "K-2041".to_owned()),
        (name.to_owned(), account.clone()),
    ];
    assert_eq!(contacts(&books, "Smith & Co"), want);
    assert!(!books.run(&["items"]).await.out.contains(&deal));
    books.all_is_well(made + 1).await;

    // Where no name is in the way, none is taken.
    let ended = books.run(&["items", "create-as", &deal, name]).await;
    assert_eq!(ended.code, 2);
    assert!(
        ended.err.contains("is dealt with and waits for nothing"),
        "{}",
        ended.err
    );
}
