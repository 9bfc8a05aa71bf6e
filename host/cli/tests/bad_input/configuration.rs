//! A wrong configuration or mapping: nothing starts, and the error says where, what was found and what is accepted.

use crate::books::{Books, run};
use serde_json::json;

/// What a plan says of the folder as it is. No far side is asked.
async fn refused(books: &Books, said: &str) {
    books.xero.reset_counts();
    books.salesforce.reset_counts();
    let ended = books.run(&["plan"]).await;
    assert_eq!(ended.err, said);
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    assert_eq!(
        (books.xero.counts().reads, books.salesforce.counts().reads),
        (0, 0)
    );
    let shown = books.run(&["plan", "--json"]).await;
    let shown_as = |path: &str| shown.json().pointer(path).cloned();
    assert_eq!(shown.code, 2);
    assert_eq!(shown_as("/error/kind"), Some(json!("usage")));
    assert_eq!(shown_as("/error/exit_code"), Some(json!(2)));
    assert_eq!(shown.err, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_or_value_is_named_with_its_line() {
    let books = Books::open(4).await;
    let file = "footbridge.toml";
    books.change(file, "default-account", "defualt-account");
    refused(&books, "footbridge: BOOKS/footbridge.toml: TOML parse error at line 82, column 1\n     |\n  82 | defualt-account = \"200\"\n     | ^^^^^^^^^^^^^^^\n  unknown field `defualt-account`, expected one of `no-lines`, `status`, `number`, `amounts`, `date`, `already-invoiced-days`, `default-account`, `tax-filed-to`, `draft-of-lost-deal`, `changed-authorised`").await;
    books.change(file, "defualt-account", "default-account");
    books.change(file, "status = \"authorised\"", "status = \"approved\"");
    refused(&books, "footbridge: BOOKS/footbridge.toml: TOML parse error at line 72, column 10\n     |\n  72 | status = \"approved\"\n     |          ^^^^^^^^^^\n  unknown variant `approved`, expected one of `draft`, `submitted`, `authorised`").await;
    books.change(file, "status = \"approved\"", "status = \"authorised\"");
    books.change(file, "ledger = \"xero\"", "ledger = \"books\"");
    refused(&books, "footbridge: BOOKS/footbridge.toml: [flows.deals-to-invoices] ledger = \"books\" is not a connection. Connections are: salesforce, xero").await;
    books.change(file, "ledger = \"books\"", "ledger = \"xero\"");
    books.replace_line(file, "go-live = ", "go-live = \"soon\"");
    refused(&books, "footbridge: BOOKS/footbridge.toml: TOML parse error at line 48, column 11\n     |\n  48 | go-live = \"soon\"\n     |           ^^^^^^\n  \"soon\" is no instant. Write date, time and zone, such as \"2026-10-01T00:00:00Z\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_lose_changes_or_can_not_be_meant_is_refused() {
    let books = Books::open(4).await;
    let file = "footbridge.toml";
    let first = "first-run = \"write\"\n";
    for (pilot, said) in [
        (
            "where = {}",
            "where = {} lets every deal through; name a field and what it says",
        ),
        (
            "only = []",
            "only = [] lets no deal through; name deals by their ids",
        ),
    ] {
        let line = format!("{first}pilot = {{ {pilot} }}\n");
        books.change(file, first, &line);
        refused(&books, &format!("footbridge: BOOKS/footbridge.toml: [flows.deals-to-invoices.rails] pilot: {said}, or take pilot out")).await;
        books.change(file, &line, first);
    }
    let text = std::fs::read_to_string(books.path(file)).unwrap();
    let flow = &text[text.find("[flows.deals-to-invoices]").unwrap()..];
    let second = flow.replace("deals-to-invoices", "orders-to-invoices");
    books.write(file, &format!("{text}\n{second}"));
    refused(&books, "footbridge: BOOKS/footbridge.toml: [flows.deals-to-invoices] and [flows.orders-to-invoices] share the connection \"salesforce\": of what changes there, the one would not hear what the other has read. Add a second [connections.NAME] for the same account and use that in [flows.orders-to-invoices]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_of_the_way_back_is_named() {
    let books = Books::open(4).await;
    let file = "footbridge.toml";
    let table = "# [flows.deals-to-invoices.reflect]";
    let with = |line: &str| format!("[flows.deals-to-invoices.reflect]\n{line}");
    let mut now = table.to_owned();
    for (line, said) in [
        (
            "sweep-days = 0",
            "[flows.deals-to-invoices.reflect] sweep-days = 0 is out of range; 1 to 90 days are accepted",
        ),
        (
            "sweep-days = 91",
            "[flows.deals-to-invoices.reflect] sweep-days = 91 is out of range; 1 to 90 days are accepted",
        ),
        (
            "write-of-accounts = []",
            "unknown field `write-of-accounts`, expected one of `write-off-accounts`, `sweep-days`, `links`",
        ),
        (
            "links = { bill = \"x\" }",
            "unknown field `bill`, expected one of `invoice`, `credit-note`, `overpayment`, `prepayment`",
        ),
    ] {
        let next = with(line);
        books.change(file, &now, &next);
        now = next;
        let ended = books.run(&["plan"]).await;
        assert!(ended.err.ends_with(said), "{}", ended.err);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_rule_for_customers_is_named_with_what_there_is() {
    let books = Books::open(4).await;
    let file = "footbridge.toml";
    let mut now = "customers = [\"Account\"]".to_owned();
    for (next, said) in [
        (
            "customers = { objects = [\"Account\"], back = { email = \"Contact.Email\" } }",
            "back.\"email\": \"Contact.Email\" is no field of the customer's own record in the CRM. Accepted: a field name such as \"Billing_Email__c\"",
        ),
        (
            "customers = { objects = [\"Account\"], fields = { emial = {} } }",
            "fields.\"emial\": \"emial\" is no field of a customer that is merged. Accepted: name, email, tax_number, account_number, currency, sales_tax_type, sales_account, first_name, last_name, addresses.billing, addresses.delivery, phones.main, phones.mobile, phones.direct, phones.fax, phones.office",
        ),
        (
            "customers = { objects = [\"Account\"], back = { name = \"Name\", email = \"Name\" } }",
            "back.\"name\": \"Name\" stands for another field already. Accepted: one field of the CRM for each",
        ),
        (
            "customers = { objects = [\"Account\"], fields = { name = { owner = \"crm\" } } }",
            "unknown variant `crm`, expected one of `source`, `ledger`, `newest`, `ask`",
        ),
        (
            "customers = { object = [\"Account\"] }",
            "unknown field `object`, expected one of `objects`, `fields`, `back`",
        ),
        (
            "customers = \"Account\"",
            "invalid type: string \"Account\", expected a list of objects such as [\"Account\"], or a table with objects, fields and back",
        ),
    ] {
        books.change(file, &now, next);
        now = next.to_owned();
        let ended = books.run(&["plan"]).await;
        assert!(
            ended.err.contains("TOML parse error at line 42, column"),
            "{}",
            ended.err
        );
        assert!(ended.err.trim_end().ends_with(said), "{}", ended.err);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_with_an_unknown_field_or_function_is_told_what_there_is() {
    let books = Books::open(4).await;
    let file = "lead-to-cash.toml";
    books.change(
        file,
        "first(PO_Number__c, Name)",
        "frist(PO_Number__c, Name)",
    );
    refused(&books, "footbridge: BOOKS/lead-to-cash.toml can't be used\n  flow deals-to-invoices: the mapping is wrong:\n    Line 57, map.fields.reference: there is no function \"frist\" (did you mean \"first\"?); accepted: default, first, filled, missing, leave_out, head, lookup, add, sub, mul, div, round, compare, add_days, add_months, end_of_month, days_between, trim, upper, lower, truncate, concat, join, size, contains, startsWith, endsWith, string, int, has, all, exists, exists_one, filter, map.").await;
    books.change(
        file,
        "frist(PO_Number__c, Name)",
        "first(PO_Number__c, Name)",
    );
    books.change(file, "reference = ", "refrence = ");
    refused(&books, "footbridge: BOOKS/lead-to-cash.toml can't be used\n  flow deals-to-invoices: the mapping is wrong:\n    Line 57, map.fields.refrence: there is no field \"refrence\" (did you mean \"reference\"?); accepted: customer, number, reference, date, due_date, currency, amounts, lines.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_is_named() {
    let books = Books::open(4).await;
    std::fs::remove_file(books.path("xero.secret")).unwrap();
    refused(&books, "footbridge: connection xero: the secret file BOOKS/xero.secret: No such file or directory (os error 2). Put the app's client secret or private key there").await;
    let path = format!(
        "{{ file = {:?} }}",
        books.path("xero.secret").display().to_string()
    );
    books.change(
        "footbridge.toml",
        &path,
        "{ env = \"FOOTBRIDGE_TEST_NO_SECRET\" }",
    );
    refused(&books, "footbridge: connection xero: the environment variable FOOTBRIDGE_TEST_NO_SECRET is not set. Set it to the app's client secret or private key before starting").await;
}

#[test]
fn wrong_use_is_told_as_text_or_as_json() {
    let said = |arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        run(&arguments)
    };
    let ended = said(&["pln"]);
    assert!(
        ended
            .err
            .starts_with("error: unrecognized subcommand 'pln'\n\n  tip: ")
            && ended.err.contains("'plan'"),
        "{}",
        ended.err
    );
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    let ended = said(&["pln", "--json"]);
    let error = ended.json();
    assert!(
        error["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("unrecognized subcommand 'pln'")
    );
    assert_eq!((ended.code, ended.err.as_str()), (2, ""));
    let ended = said(&["--config", "/no/such.toml", "status"]);
    assert_eq!(
        ended.err,
        "footbridge: /no/such.toml can't be read: No such file or directory (os error 2). `footbridge init` writes one to start from; `--config FILE` names another"
    );
    assert_eq!(ended.code, 2);
    for arguments in [
        ["--help"].as_slice(),
        &["--version"],
        &["completions", "bash"],
    ] {
        let ended = said(arguments);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{arguments:?}");
        assert!(ended.out.contains("footbridge"), "{arguments:?}");
    }
}
