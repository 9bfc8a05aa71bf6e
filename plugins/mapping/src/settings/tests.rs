//! Mappings that are wrong, and the line, key, finding and acceptable names that each is answered with.

use super::*;

fn problems(text: &str) -> String {
    let problems = parse(text).map(|_| ()).unwrap_err();
    problems
        .iter()
        .map(|problem| format!("{}: {}", problem.code, problem.message))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A mapping whose field list has these lines from line 5 on.
fn with_fields(fields: &str) -> String {
    format!("[[map]]\nfrom = 'Account'\nto = 'customer'\n[map.fields]\n{fields}\n")
}

#[test]
fn each_problem_names_line_key_finding_and_what_is_accepted() {
    let cases = [
        (with_fields("name = 'Name'\nemial = 'Email'"), "unknown-field: Line 6, map.fields.emial: there is no field \"emial\" (did you mean \"email\"?); accepted: name, number,"),
        (with_fields("name = 'Name'\nnumber = 12"), "invalid-value: Line 6, map.fields.number: found the number 12; accepted: an expression in quotes"),
        (with_fields("name = 'Name'\nnumber = 1.5"), "found the binary floating-point number 1.5"),
        (with_fields("name = 'Name'\nnumber = 'mul(A, 1.5)'"), "invalid-value: Line 6, map.fields.number: 1.5 is a binary floating-point number"),
        (with_fields("name = '''\nfirst(A,\n  uper(B))'''"), "unknown-function: Line 7, map.fields.name: there is no function \"uper\" (did you mean \"upper\"?)"),
        (with_fields("name = 'Name'\nstatus = \"'active'\""), "unknown-field: Line 6, map.fields.status: this field is decided by the host's rules"),
        (with_fields("number = 'Id'"), "missing-field: Line 4, map.fields: the field \"name\" is needed"),
        (with_fields("name = 'Name'\naddresses = 'Billing'"), "Line 6, map.fields.addresses: found the text \"Billing\"; accepted: a list of parts, each written [[...addresses]]"),
        (with_fields("name = 'Name'\nphones = [{ fields = { number = 'Phone' }, whem = 'x' }]"), "there is no key of a part of a list \"whem\" (did you mean \"when\"?); accepted: each, as, when, order_by, fields"),
        (with_fields("name = 'Name'\nphones = [{ each = 'Phones', fields = { number = 'p.N' } }]"), "the key \"as\" is not there"),
        (with_fields("name = 'Name'\nphones = [{ as = 'p', fields = { number = 'p.N' } }]"), "\"as\" names an element of the list in \"each\""),
        (with_fields("name = 'Name'\nphones = [{ each = 'a[0]', as = 'p', fields = { number = 'p.N' } }]"), "found \"a[0]\"; accepted: the path of a list"),
        (with_fields("name = 'Name'\nphones = [{ each = 'a', as = 'as_of', fields = { number = 'p.N' } }]"), "none of local_date, as_of"),
        (with_fields("name = 'Name'\naddresses = [{ fields = { kind = \"'biling'\" } }]"), "found \"biling\"; accepted: one of billing, delivery"),
        (with_fields("name = 'Name'\nnumber = 'lookup(\"x\", Id)'"), "not-found: Line 6, map.fields.number: there is no table \"x\""),
        ("[[map]]\nfrom = 'A'\nto = 'custmer'\nfields = {}".to_owned(), "unknown-object: Line 3, map.to: there is no kind \"custmer\" (did you mean \"customer\"?); accepted: customer, invoice, item"),
        ("[[map]]\nfrom = 'A'\nto = 'customer'".to_owned(), "missing-field: Line 1, map: it has no fields"),
        ("[[map]]\nto = 'customer'\nfields.name = 'N'".to_owned(), "missing-field: Line 1, map: the key \"from\" is not there"),
        ("[[map]]\nfrom = 'A'\nto = 'customer'\nwhen = \"'yes'\"\nfields.name = 'N'".to_owned(), "Line 4, map.when: a condition must be true or false, found 'yes'"),
        ("[[map]]\nfrom = 'A'\nto = 'item'\nwehn = 'X'\nfields.code = 'C'".to_owned(), "unknown-field: Line 4, map.wehn: there is no key of a [[map]] \"wehn\" (did you mean \"when\"?); accepted: from, to, when, fields"),
        ("[[map]]\nfrom = 'A'\nto = 'item'\nfields.code = 'C'\n[[map]]\nfrom = 'A'\nto = 'item'\nfields.code = 'C'".to_owned(), "duplicate-key: Line 5, map: A is already mapped to item above"),
        ("[[maps]]\nfrom = 'A'".to_owned(), "there is no key of a mapping \"maps\" (did you mean \"map\"?); accepted: map, tables"),
        ("map = 3".to_owned(), "Line 1, map: found the number 3; accepted: a list of tables, each written [[map]]"),
        ("tables.x.y = 3\n[[map]]\nfrom = 'A'\nto = 'item'\nfields.code = 'C'".to_owned(), "Line 1, tables.x.y: found the number 3; accepted: a text in quotes"),
        (String::new(), "missing-field: Line 1: there is no [[map]]"),
        ("[[map]\nfrom".to_owned(), "settings: Line 1: this is not TOML"),
        ("[[map]]\nfrom = 'A'\nfrom = 'B'".to_owned(), "settings: Line 3: this is not TOML: duplicate key"),
    ];
    for (text, wanted) in cases {
        let found = problems(&text);
        assert!(
            found.contains(wanted),
            "{text}\nwanted: {wanted}\nfound: {found}"
        );
    }
}

#[test]
fn references_are_checked() {
    let invoice = |customer: &str| {
        format!(
            "[[map]]\nfrom = 'Deal'\nto = 'invoice'\n[map.fields]\namounts = \"'exclusive'\"\ndue_date = 'local_date'\nlines = [{{ fields = {{ description = 'N', quantity = \"'1'\", unit_amount = 'A' }} }}]\ncustomer = {customer}\n"
        )
    };
    assert!(
        parse(&invoice(
            "{ ref = { object = 'Account', id = 'AccountId' } }"
        ))
        .is_ok()
    );
    for (customer, wanted) in [
        (
            "'AccountId'",
            "Line 8, map.fields.customer: found the text \"AccountId\"; accepted: a reference",
        ),
        (
            "{ ref = { object = 'Account' } }",
            "map.fields.customer.ref: the key \"id\" is not there",
        ),
        (
            "{ rf = { object = 'Account' } }",
            "the key \"ref\" is not there",
        ),
        (
            "{ ref = { object = 'Account', id = 'A', key = 'x' } }",
            "there is no key of a reference \"key\"; accepted: object, id",
        ),
    ] {
        let found = problems(&invoice(customer));
        assert!(found.contains(wanted), "{customer}: {found}");
    }
}

#[test]
fn all_problems_are_reported_in_one_go() {
    let found = problems(&with_fields("nmae = 'Name'\nemail = 'upr(E)'\nnumber = 3"));
    assert_eq!(found.lines().count(), 4, "{found}");
}
