//! A field that was emptied on one side: what is told, and what a person may say of it.

use super::*;

/// Emptied on the side that owns it: a person names the field and says whose value counts.
#[test]
fn whose_value_counts_is_said_of_an_emptied_field_too() {
    let emptied = "customer-change-not-cleared";
    let back = json!({"account_number": "Number__c"});
    for (back, choice, wanted) in [
        (json!({}), take_ledger(Some("account_number")), "ignored"),
        (
            back.clone(),
            take_ledger(Some("account_number")),
            r#"Account {"Number__c":"A-1"}"#,
        ),
        (
            back.clone(),
            source(Some("account_number")),
            r#"customer {"account_number":null}"#,
        ),
        (back.clone(), source(Some("email")), emptied),
        (back.clone(), source(None), emptied),
        (back, take_ledger(None), r#"Account {"Number__c":"A-1"}"#),
    ] {
        let policy = json!({"back": back, "fields": {"account_number": {"owner": "source"}}});
        let mut books = Books::new(policy);
        let number = |books: &mut Books, ours: Value| {
            books.crm("c1", json!({"name": "Acme", "account_number": ours}));
            books.customers[0].doc = doc(&json!({"Number__c": ours}));
            let ledger = json!({"name": "Acme", "status": "active", "account_number": "A-1"});
            books.ledger("x1", ledger);
        };
        number(&mut books, json!("A-1"));
        books.keep();
        number(&mut books, Value::Null);
        let skips = books.keep().plan.skips;
        assert_eq!(skips[0].reason, emptied);
        books.say(emptied, choice.clone());
        assert_eq!(books.outcome(), [wanted], "{choice:?}");
    }
}

/// The last phone of a list that the mapping then leaves out, and its only address: nothing is emptied, and both are told until they are back.
#[test]
fn what_a_mapping_leaves_out_with_its_whole_list_is_told_and_stays() {
    let policy = json!({"fields": {"phones.main": {"clear": true}}});
    let whole = json!({"name": "Acme", "phones": [{"kind": "main", "number": "0113 1"}], "addresses": [{"kind": "billing", "city": "Leeds"}]});
    let mut ledger = whole.clone();
    ledger["status"] = json!("active");
    let mut books = Books::differing(policy, whole.clone(), ledger.clone());
    books.keep();
    books.both(json!({"name": "Acme"}), ledger.clone());
    let told = books.keep();
    assert!(told.plan.ops.is_empty() && told.plan.holds.is_empty());
    let [note] = told.plan.skips.as_slice() else {
        panic!("{:?}", told.plan.skips)
    };
    assert_eq!(note.reason, "customer-change-not-cleared");
    for said in ["the phone (empty in ", "the billing address (empty in "] {
        assert!(note.message.contains(said), "{}", note.message);
    }
    assert_eq!(
        books.outcome(),
        ["customer-change-not-cleared"],
        "as long as it is so"
    );
    for (choice, left) in [
        (
            source(Some("phones.main")),
            ["phone", "billing address"].as_slice(),
        ),
        (take_ledger(Some("phones.main")), &["billing address"]),
        (take_ledger(Some("addresses.billing")), &[]),
    ] {
        books.say("customer-change-not-cleared", choice.clone());
        let told = books.keep().plan;
        assert!(told.ops.is_empty(), "{choice:?}");
        let message = &told.skips[0].message;
        for field in ["phone", "billing address"] {
            let mut parts = message.split("the ").filter(|part| part.starts_with(field));
            let asks = parts.any(|part| part.contains("is no longer made by"));
            assert_eq!(asks, left.contains(&field), "{choice:?} {message}");
        }
    }
    books.both(whole, ledger);
    assert_eq!(books.outcome(), Vec::<String>::new());
}
