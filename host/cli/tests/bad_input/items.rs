//! Items through the program: told whole, answered by a person, refused where the answer makes no sense; and replay.

use crate::books::Books;
use chrono::{TimeDelta, Utc};
use footbridge_simulators::faults::{Fault, FaultRule};
use serde_json::{Map, Value, json};

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A contact of the ledger with an invoice that somebody raised by hand; the invoice's id.
fn raised_by_hand(books: &Books, name: &str, number: &str, net: &str) -> String {
    let contact = books.xero.load("Contacts", json!({"Name": name})).unwrap();
    let day = |days: i64| {
        (Utc::now() + TimeDelta::days(days))
            .format("%Y-%m-%d")
            .to_string()
    };
    let invoice = books.xero.load(
        "Invoices",
        json!({
            "Type": "ACCREC", "Status": "AUTHORISED", "InvoiceNumber": number,
            "Contact": {"ContactID": contact["ContactID"]}, "Date": day(-1), "DueDate": day(29),
            "LineItems": [{"Description": "By phone", "Quantity": "1", "UnitAmount": net, "AccountCode": "200", "TaxType": "OUTPUT2"}],
        }),
    );
    // Xero's lists show what was written just now only after a while.
    books.xero.clock().advance(TimeDelta::minutes(1));
    invoice.unwrap()["InvoiceID"].as_str().unwrap().to_owned()
}

/// A won deal of an account of this name; account and deal.
pub(crate) fn won(books: &Books, account: &str, deal: &str, amount: f64) -> (String, String) {
    let account = json!({"Name": account, "BillingCountryCode": "GB"});
    let account = books.salesforce.create("Account", fields(account)).unwrap();
    let deal = json!({
        "Name": deal, "AccountId": account, "StageName": "Closed Won", "CloseDate": "2026-01-01",
        "Amount": amount, "CurrencyIsoCode": "GBP",
    });
    let deal = books
        .salesforce
        .create("Opportunity", fields(deal))
        .unwrap();
    (account, deal)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_told_whole_answered_and_gone() {
    let books = Books::open(4).await;
    let invoice = raised_by_hand(&books, "Tern & Plover Ltd", "HAND-7", "12.34");
    let theirs = raised_by_hand(&books, "Somebody Else Ltd", "HAND-8", "12.34");
    let (_, deal) = won(&books, "Tern & Plover Ltd", "Nesting boxes", 12.34);
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let made = books.invoices().len();

    let list = books.run(&["items"]).await.out;
    assert!(
        list.contains("looks-already-invoiced: 1    docs/errors/looks-already-invoiced.md"),
        "{list}"
    );
    let shown = books.run(&["items", "show", &deal]).await;
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    for said in [
        format!("Nesting boxes ({deal})\n"),
        "reason: looks-already-invoiced, docs/errors/looks-already-invoiced.md".to_owned(),
        "HAND-7".to_owned(),
        format!("footbridge items link {deal} LEDGER-ID\n"),
        format!("footbridge items approve {deal}\n"),
        format!("footbridge items ignore {deal} --always\n"),
    ] {
        assert!(
            shown.out.contains(&said),
            "{said:?} is not in\n{}",
            shown.out
        );
    }

    // Each answer that makes no sense is one error that says what does, and nothing is kept of it.
    let unknown = "006000000000000AAA";
    for (arguments, said) in [
        (
            vec!["items", "show", unknown],
            format!(
                "footbridge: nothing is known of \"{unknown}\"; `footbridge items --all` lists deals and records of the way back"
            ),
        ),
        (
            vec!["items", "choose", deal.as_str(), "--ledger"],
            format!(
                "footbridge: that can't be done about an item that waits for looks-already-invoiced. What can be: items link, items approve, items ignore, items retry. `footbridge items show {deal}` has the commands, docs/errors/looks-already-invoiced.md tells more"
            ),
        ),
        (
            vec!["items", "link", deal.as_str(), "HAND-9"],
            "footbridge: the ledger, xero, has no invoice with id or number \"HAND-9\"".to_owned(),
        ),
        (
            vec!["items", "approve", deal.as_str(), "--part", "3"],
            format!("footbridge: nothing is known of part 3 of \"{deal}\""),
        ),
    ] {
        let ended = books.run(&arguments).await;
        assert_eq!((ended.code, ended.err), (2, said), "{arguments:?}");
    }
    let refused = books
        .run(&["items", "link", &deal, &theirs, "--json"])
        .await;
    let error = &refused.json()["error"];
    assert_eq!(
        (&error["kind"], &error["page"]),
        (&json!("usage"), &json!("docs/errors/usage.md"))
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("but it is another customer's"),
        "{error}"
    );
    let neither = books.run(&["items", "choose", &deal]).await;
    assert_eq!(neither.code, 2);
    assert!(neither.err.contains("--source"), "{}", neither.err);

    let kept = books.run(&["items", "link", &deal, "HAND-7"]).await;
    assert_eq!((kept.code, kept.err.as_str()), (0, ""));
    assert!(
        kept.out
            .contains("linked it with the ledger's invoice \"HAND-7\""),
        "{}",
        kept.out
    );
    assert_eq!(books.run(&["sync"]).await.code, 0);
    assert_eq!(books.invoices().len(), made, "no invoice was made");
    let there = books.xero.dump("Invoices").into_iter();
    let there: Vec<Value> = there.filter(|i| i["InvoiceID"] == json!(invoice)).collect();
    assert!(
        there[0].get("Url").is_none_or(Value::is_null),
        "it was not touched"
    );
    assert!(!books.run(&["items"]).await.out.contains(&deal));
    books.all_is_well(made).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_of_another_account_is_refused_by_name_and_a_stale_item_is_looked_at_first() {
    let books = Books::open(4).await;
    let (first, _) = won(&books, "Avocet Supplies", "Signs", 40.0);
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let (_, deal) = won(&books, "Avocet Supplies Ltd", "More signs", 50.0);
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let contacts = books.xero.dump("Contacts");
    let avocet = contacts
        .iter()
        .find(|c| c["Name"] == json!("Avocet Supplies"))
        .unwrap();
    let id = avocet["ContactID"].as_str().unwrap();
    let ended = books.run(&["items", "link", &deal, id]).await;
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.err,
        format!(
            "footbridge: customer \"Avocet Supplies\" ({id}) is linked with Account \"Avocet Supplies\" ({first}) already. Name another one"
        )
    );

    books
        .salesforce
        .edit("Opportunity", &deal, fields(json!({"Amount": 51.0})))
        .unwrap();
    assert_eq!(books.run(&["plan"]).await.code, 0);
    let ended = books.run(&["items", "approve", &deal]).await;
    assert_eq!(ended.code, 2);
    assert_eq!(
        ended.err,
        format!(
            "footbridge: {deal} has changed since its item was noted, so you may not have seen it as it is. Run `footbridge sync`, look at the item again, then decide"
        )
    );
    assert_eq!(books.run(&["sync"]).await.code, 0);
    // 15 characters of the id are enough.
    let short: String = deal.chars().take(15).collect();
    let kept = books.run(&["items", "approve", &short]).await;
    assert_eq!((kept.code, kept.err.as_str()), (0, ""));
    assert_eq!(books.run(&["sync"]).await.code, 0);
    assert!(!books.run(&["items"]).await.out.contains(&deal));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_record_shows_the_far_sides_own_words_harmlessly_and_can_be_ignored() {
    let books = Books::open(4).await;
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let made = books.invoices().len();
    // A rule of the far side's administrator, with a terminal's escape in its words.
    let (_, deal) = won(&books, "Knot & Dunlin Ltd", "Boots", 70.0);
    let rule = Fault::ValidationRule {
        message: "\u{1b}[2JNot while \u{202e}audited".to_owned(),
    };
    books.xero.faults().inject(FaultRule {
        times: 1000,
        ..FaultRule::on(rule, "PUT", "/Invoices")
    });
    assert_eq!(books.run(&["sync"]).await.code, 0);
    books.xero.faults().clear();
    let shown = books.run(&["items", "show", &deal]).await;
    assert_eq!(shown.code, 0, "{}", shown.err);
    for said in [
        "reason: rejected",
        "Request ",
        "It answered ",
        "[2JNot while",
        "footbridge items retry",
    ] {
        assert!(
            shown.out.contains(said),
            "{said:?} is not in\n{}",
            shown.out
        );
    }
    let bad = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
    assert!(!shown.out.contains(bad), "{:?}", shown.out);
    let json = books.run(&["items", "show", &deal, "--json"]).await.json();
    assert_eq!(json[0]["page"], json!("docs/errors/rejected.md"));
    assert!(
        json[0]["evidence"]["answer"]["status"].is_number(),
        "{json}"
    );
    let again = books.run(&["items", "retry", &deal]).await;
    assert_eq!(again.code, 0);
    books.all_is_well(made + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_problem_names_file_and_line_and_goes_with_its_correction() {
    let books = Books::open(4).await;
    let good = std::fs::read_to_string(books.path("lead-to-cash.toml")).unwrap();
    books.replace_line(
        "lead-to-cash.toml",
        "reference = ",
        "reference = \"mul(Name, '2')\"",
    );
    let wrong = books.run(&["sync"]).await;
    assert_eq!(wrong.code, 0, "{}", wrong.err);
    let list = books
        .run(&["items", "--reason", "mapping-problem"])
        .await
        .out;
    let line = good
        .lines()
        .position(|l| l.starts_with("reference = "))
        .unwrap()
        + 1;
    let joined = list.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        joined.contains(&format!("lead-to-cash.toml, line {line}.")),
        "{list}"
    );
    let id = books.run(&["items", "--json"]).await.json()[0]["subject"]["record"]["id"].clone();
    let shown = books
        .run(&["items", "show", id.as_str().unwrap()])
        .await
        .out;
    assert!(
        shown.contains("footbridge items retry --reason mapping-problem\n"),
        "{shown}"
    );
    books.write("lead-to-cash.toml", &good);
    let again = books
        .run(&["items", "retry", "--reason", "mapping-problem"])
        .await;
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(
        again.out.starts_with("The next sync looks at "),
        "{}",
        again.out
    );
    books.all_is_well(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_billed_deal_names_no_page_that_does_not_exist() {
    let books = Books::open(4).await;
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let url = books.invoices()[0]["Url"].as_str().unwrap().to_owned();
    let deal = &url[url.find("006").unwrap()..][..18];
    let shown = books.run(&["items", "show", deal]).await;
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(
        shown.out.contains("reason: invoiced\n") && !shown.out.contains("docs/errors/invoiced"),
        "{}",
        shown.out
    );
    let json = books.run(&["items", "show", deal, "--json"]).await.json();
    let mut parts = json.as_array().unwrap().iter();
    let billed = parts.find(|part| part["reason"] == "invoiced").unwrap();
    assert_eq!(billed["page"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_looks_again_and_writes_nothing_twice() {
    let books = Books::open(4).await;
    books.all_is_well(4).await;
    let none = books.run(&["replay"]).await;
    assert_eq!(none.code, 2, "one selection is needed");
    for (arguments, said) in [
        (
            vec!["replay", "--since", "yesterday"],
            "write a date, 2026-11-01, or an instant",
        ),
        (vec!["replay", "--where", "StageName"], "write FIELD=VALUE"),
        (
            vec!["replay", "--since", "2026-11-02", "--until", "2026-11-01"],
            "--since 2026-11-02 00:00:00 UTC isn't before --until",
        ),
        (
            vec!["replay", "--where", "Nope=1", "--where", "Name=x"],
            "no record has this field: Nope.",
        ),
    ] {
        let ended = books.run(&arguments).await;
        assert_eq!(ended.code, 2);
        assert!(ended.err.contains(said), "{}", ended.err);
    }
    let won = ["replay", "--where", "StageName=Closed Won", "--json"];
    let dry = books
        .run(&[won.as_slice(), &["--dry-run"]].concat())
        .await
        .json();
    assert_eq!((&dry["looked_at"], &dry["changed"]), (&json!(4), &json!(0)));
    books.xero.reset_counts();
    let done = books.run(&won).await;
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert_eq!(done.json()["looked_at"], json!(4));
    let sync = books.run(&["sync", "--json"]).await.json();
    assert_eq!(sync["skipped"]["up-to-date"], json!(4), "{sync}");
    assert_eq!(books.xero.counts().writes, 0);
    let unknown = books.run(&["replay", "006000000000000AAA"]).await;
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("shows no record"), "{}", unknown.err);
    books.all_is_well(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_no_longer_counts_is_told_so_and_what_is_ignored_is_listed_at_once() {
    let books = Books::open(4).await;
    raised_by_hand(&books, "Tern & Plover Ltd", "HAND-7", "12.34");
    let (_, deal) = won(&books, "Tern & Plover Ltd", "Nesting boxes", 12.34);
    assert_eq!(books.run(&["sync"]).await.code, 0);
    assert_eq!(books.run(&["items", "approve", &deal]).await.code, 0);
    let shown = books.run(&["items", "show", &deal]).await.out;
    assert!(shown.contains("Decided: to go ahead"), "{shown}");
    assert!(!shown.contains("no longer counts"), "{shown}");
    // The deal changes in another second, before anything was made of it, and a plan has read that.
    books.salesforce.clock().advance(TimeDelta::seconds(2));
    let note = fields(json!({"Description": "By phone"}));
    books.salesforce.edit("Opportunity", &deal, note).unwrap();
    assert_eq!(books.run(&["plan"]).await.code, 0);
    let shown = books.run(&["items", "show", &deal]).await.out;
    let joined = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        joined.contains("It no longer counts: the record has changed since."),
        "{shown}"
    );
    let json = books.run(&["items", "show", &deal, "--json"]).await.json();
    assert_eq!(json[0]["decided"][0]["counts"], json!("record-changed"));

    assert_eq!(books.run(&["sync"]).await.code, 0);
    let none = books.run(&["items", "--ignored"]).await.out;
    assert_eq!(none, "Nothing is ignored.\n");
    let done = books.run(&["items", "ignore", &deal, "--always"]).await;
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let before = books.run(&["items", "--ignored"]).await.out;
    assert!(
        before.contains(&deal) && before.contains("the next sync obeys"),
        "{before}"
    );
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let after = books.run(&["items", "--ignored"]).await.out;
    assert!(
        after.contains(&deal) && !after.contains("the next sync obeys"),
        "{after}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_whose_lines_dont_add_up_is_linked_with_the_invoice_that_bills_it() {
    let books = Books::open(4).await;
    raised_by_hand(&books, "Tern & Plover Ltd", "HAND-7", "77.00");
    let (_, deal) = won(&books, "Tern & Plover Ltd", "Returned boxes", -12.34);
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let made = books.invoices().len();
    let shown = books.run(&["items", "show", &deal]).await.out;
    assert!(shown.contains("reason: negative-amount"), "{shown}");
    assert!(
        shown.contains(&format!("footbridge items link {deal} LEDGER-ID\n")),
        "{shown}"
    );
    let kept = books.run(&["items", "link", &deal, "HAND-7"]).await;
    assert_eq!((kept.code, kept.err.as_str()), (0, ""));
    for _ in 0..2 {
        assert_eq!(books.run(&["sync"]).await.code, 0);
        assert!(!books.run(&["items"]).await.out.contains(&deal));
    }
    books.all_is_well(made).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_run_left_waiting_is_told_by_every_run() {
    let books = Books::open(4).await;
    assert_eq!(books.run(&["sync", "--strict"]).await.code, 0);
    let (_, deal) = won(&books, "Knot & Dunlin Ltd", "Boots", 70.0);
    let rule = Fault::ValidationRule {
        message: "Not while audited".to_owned(),
    };
    books.xero.faults().inject(FaultRule {
        times: 1000,
        ..FaultRule::on(rule, "PUT", "/Invoices")
    });
    for arguments in [&["sync"][..], &["sync", "--strict"], &["sync", "--strict"]] {
        let ended = books.run(arguments).await;
        let strict = arguments.contains(&"--strict");
        assert_eq!(ended.code, if strict { 3 } else { 0 }, "{}", ended.err);
        assert!(
            ended.out.contains(
                "  1 record waits for you: 1 rejected. `footbridge items` tells why and what to do.\n"
            ),
            "{}",
            ended.out
        );
    }
    let status = books.run(&["status"]).await;
    assert!(
        status
            .out
            .contains("waiting for you: 1 record\n         1  rejected\n"),
        "{}",
        status.out
    );
    let sync = books.run(&["sync", "--json"]).await.json();
    assert_eq!(sync["waiting"]["deals"], json!({"rejected": 1}), "{sync}");
    assert_eq!(
        books
            .run(&["items", "ignore", &deal, "--always"])
            .await
            .code,
        0
    );
    let ended = books.run(&["sync", "--strict"]).await;
    assert_eq!(ended.code, 0, "{}", ended.out);
    assert!(!ended.out.contains("for you"), "{}", ended.out);
}
