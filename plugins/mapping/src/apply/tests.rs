//! What expressions give for records, what is left out, and how a record's failure is told.

use super::*;
use crate::settings::parse;

fn clock() -> Clock {
    Clock {
        as_of: "2026-01-31T11:30:00Z".into(),
        local_date: "2026-02-01".into(),
    }
}

/// The value of an expression as an invoice's `reference`, or the problem's message.
fn reference_of(expression: &str, doc: &str) -> Result<Option<Json>, String> {
    let settings = format!(
        "tables.countries = {{ GB = 'United Kingdom' }}\n[[map]]\nfrom = 'Deal'\nto = 'customer'\nfields.name = \"'x'\"\nfields.number = '''{expression}'''\n"
    );
    let mapping = parse(&settings).map_err(|problems| format!("{problems:?}"))?;
    let input = Input {
        object: "Deal".into(),
        id: "1".into(),
        doc: doc.into(),
    };
    let drafts = batch(&mapping, &clock(), &[input])
        .remove(0)
        .map_err(|problem| problem.message)?;
    let draft: Json = serde_json::from_str(&drafts[0].doc).unwrap();
    Ok(draft.get("number").cloned())
}

const DOC: &str = r#"{"Name":" Acme ","Empty":"","Null":null,"Amount":"10.05","Parent":{"Name":"Group","City":null},"Gone":null,
  "Country":"GB","Signed":"2026-01-31","Yes":true,
  "Contacts":[{"Name":"A","Email":"a@x"},{"Name":"B","Email":null},{"Email":"c@x","Of":{"Id":"7"}}]}"#;

#[test]
fn expressions_have_values() {
    let cases = [
        ("Name", " Acme "),
        ("trim(Name)", "Acme"),
        ("Name.trim().upper()", "ACME"),
        ("Empty", ""),
        ("Parent.Name", "Group"),
        ("Parent['Name']", "Group"),
        ("'Deal ' + trim(Name)", "Deal Acme"),
        ("concat(Country, '-', string(7))", "GB-7"),
        ("add(Amount, '0.95')", "11.00"),
        ("mul(Amount, 3)", "30.15"),
        ("div(Amount, 3, 2)", "3.35"),
        ("div('0.125', 1, 2, 'half-even')", "0.12"),
        ("round('-0.001', 2)", "0.00"),
        ("sub('0.0', '0')", "0.0"),
        ("compare(Amount, 10) > 0 ? 'more' : 'less'", "more"),
        ("add_days(Signed, 30)", "2026-03-02"),
        ("add_months(Signed, '1.0')", "2026-02-28"),
        ("end_of_month(local_date)", "2026-02-28"),
        ("string(days_between(Signed, local_date))", "1"),
        ("as_of", "2026-01-31T11:30:00Z"),
        ("lookup('countries', Country)", "United Kingdom"),
        ("lookup('countries', 'XX', 'elsewhere')", "elsewhere"),
        ("lookup('countries', Absent, 'elsewhere')", "elsewhere"),
        ("default(Absent, 'x')", "x"),
        ("default(Parent.Absent.Deeper, 'x')", "x"),
        ("default(Null, 'x')", "x"),
        ("default(Empty, 'x')", ""),
        ("first(Absent, Null, Empty, ' ', Country)", "GB"),
        (
            "filled(Empty) || filled(Null) || filled(Absent) ? 'y' : 'n'",
            "n",
        ),
        (
            "missing(Absent) && !missing(Null) && !missing(Empty) ? 'y' : 'n'",
            "y",
        ),
        ("has(Parent.Name) && !has(Parent.Absent) ? 'y' : 'n'", "y"),
        (
            "Null == null && Empty != null && '' == Empty ? 'y' : 'n'",
            "y",
        ),
        (
            "head(Contacts.filter(c, filled(c.Email) && c.Email.startsWith('c'))).Email",
            "c@x",
        ),
        ("Contacts[0].Name", "A"),
        ("join(Contacts.map(c, c.Name), '; ')", "A; B"),
        (
            "Contacts.exists(c, default(c.Of.Id, '') == '7') ? 'y' : 'n'",
            "y",
        ),
        ("Null.exists(c, true) ? 'y' : 'n'", "n"),
        ("string(size(Contacts))", "3"),
        ("truncate('Zürich', 2)", "Zü"),
        (
            "Contacts.exists(Name, Name.Name == 'B') ? trim(Name) : 'n'",
            "Acme",
        ),
        ("Country in ['GB', 'IE'] ? 'y' : 'n'", "y"),
    ];
    for (expression, wanted) in cases {
        assert_eq!(
            reference_of(expression, DOC),
            Ok(Some(json!(wanted))),
            "{expression}"
        );
    }
}

#[test]
fn what_is_missing_is_left_out_and_null_stays_null() {
    for expression in [
        "Absent",
        "Parent.Absent",
        "trim(Absent)",
        "Absent + 'x'",
        "'x' + Absent",
        "leave_out()",
        "head(Contacts.filter(c, false)).Email",
        "add_days(Absent, 3)",
        "first(Absent, Null)",
        "Absent == 'x' ? 'a' : 'b'",
        "lookup('countries', Absent)",
    ] {
        assert_eq!(reference_of(expression, DOC), Ok(None), "{expression}");
    }
    for expression in [
        "Null",
        "Parent.City",
        "Gone.Name",
        "upper(Null)",
        "Contacts[1].Email",
    ] {
        assert_eq!(
            reference_of(expression, DOC),
            Ok(Some(Json::Null)),
            "{expression}"
        );
    }
}

#[test]
fn failures_say_what_and_where() {
    let cases = [
        (
            "mul(Name, 2)",
            "number: mul: \" Acme \" is no decimal such as 12.50, in the expression `mul(Name, 2)`.",
        ),
        (
            "Amount * 2",
            "`*` can't be applied to text and a whole number",
        ),
        ("Null + 'x'", "`+` can't be applied to null and text"),
        ("size(Contacts)", "found the whole number 3; accepted: text"),
        ("Yes", "found true; accepted: text"),
        (
            "Absent == 'x' || missing(Absent) ? mul('a', 2) : 'b'",
            "\"a\" is no decimal",
        ),
        (
            "Absent ? 'a' : 'b'",
            "a condition must be true or false, found a missing value",
        ),
        (
            "lookup('countries', 'FR')",
            "the table \"countries\" has no entry for \"FR\"",
        ),
        ("Absent.filter(c, true)", "the list was not read"),
        ("Contacts[9].Name", "Index out of bounds"),
        (
            "Contacts.map(c, c.Email.Deeper)[0]",
            "\"a@x\" has no fields",
        ),
        ("add_days(Country, 1)", "\"GB\" is no date, YYYY-MM-DD"),
        (
            "add_days(Signed, '1.5')",
            "parameter 2 must be a whole number, found 1.5",
        ),
        ("div(Amount, 0, 2)", "can't be divided by zero"),
    ];
    for (expression, wanted) in cases {
        let found = reference_of(expression, DOC).unwrap_err();
        assert!(found.contains(wanted), "{expression}: {found}");
    }
}

const LINES: &str = r#"
[[map]]
from = "Deal"
to = "invoice"
when = "compare(Amount, '0') != 0"
[map.fields]
customer = { ref = { object = "Account", id = "AccountId" } }
amounts = "'exclusive'"
due_date = "local_date"
[[map.fields.lines]]
each = "Items"
as = "line"
when = "filled(line.Text)"
order_by = "line.Position"
[map.fields.lines.fields]
description = "line.Text"
quantity = "line.Count"
unit_amount = "Amount"
account = "line.Account"
"#;

fn lines(doc: &str) -> Result<Vec<Draft>, Problem> {
    let mapping = parse(LINES).unwrap();
    batch(
        &mapping,
        &clock(),
        &[Input {
            object: "Deal".into(),
            id: "1".into(),
            doc: doc.into(),
        }],
    )
    .remove(0)
}

#[test]
fn lists_are_sorted_filtered_and_see_the_record() {
    let doc = r#"{"AccountId":"001A","Amount":"2.50","Items":[
        {"Text":"last","Count":"1"},{"Text":"tenth","Position":"10","Count":"1","Account":null},
        {"Text":null,"Position":"1","Count":"1"},{"Text":"second","Position":"2","Count":"3"}]}"#;
    let drafts = lines(doc).unwrap();
    let wanted = r#"{"amounts":"exclusive","customer":{"$ref":{"id":"001A","object":"Account"}},"due_date":"2026-02-01","lines":[{"description":"second","quantity":"3","unit_amount":"2.50"},{"description":"tenth","quantity":"1","unit_amount":"2.50"},{"description":"last","quantity":"1","unit_amount":"2.50"}]}"#;
    assert_eq!(
        (
            drafts.len(),
            drafts[0].object.as_str(),
            drafts[0].doc.as_str()
        ),
        (1, "invoice", wanted)
    );
    assert!(
        lines(r#"{"Amount":"0"}"#).unwrap().is_empty(),
        "the condition is false"
    );
}

#[test]
fn a_list_that_was_not_read_is_no_empty_list() {
    let cases = [
        (
            r#"{"AccountId":"001A","Amount":"1"}"#,
            "missing-field",
            "The list Items was not read",
        ),
        (
            r#"{"AccountId":"001A","Amount":"1","Items":null}"#,
            "missing-field",
            "lines is needed and empty",
        ),
        (
            r#"{"AccountId":"001A","Amount":"1","Items":[]}"#,
            "missing-field",
            "lines is needed and empty",
        ),
        (
            r#"{"AccountId":null,"Amount":"1","Items":[]}"#,
            "missing-field",
            "customer is needed and empty",
        ),
        (
            r#"{"AccountId":"001A","Amount":"1","Items":[{"Text":"x","Count":"1,5"}]}"#,
            "invalid-value",
            "Element 1 of lines: lines[].quantity: found \"1,5\"",
        ),
        (
            r#"{"AccountId":"001A","Amount":"1","Items":[{"Text":"x"}]}"#,
            "missing-field",
            "lines[].quantity is needed and empty",
        ),
        (
            r#"{"AccountId":"001A"}"#,
            "invalid-value",
            "when: a condition must be true or false",
        ),
    ];
    for (doc, code, wanted) in cases {
        let problem = lines(doc).unwrap_err();
        assert!(
            problem.code == code && problem.message.contains(wanted),
            "{doc}: {problem:?}"
        );
    }
}

#[test]
fn an_object_without_a_map_is_a_problem() {
    let mapping = parse(LINES).unwrap();
    let input = Input {
        object: "Lead".into(),
        id: "1".into(),
        doc: "{}".into(),
    };
    let problem = batch(&mapping, &clock(), &[input]).remove(0).unwrap_err();
    assert_eq!(problem.code, "unknown-object");
}
