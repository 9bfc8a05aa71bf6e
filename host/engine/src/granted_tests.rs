//! Tables of what a grant covers, takes away and refuses.

use super::*;

fn fields(pairs: &[(&str, &[&str])]) -> Fields {
    let one = |(object, paths): &(&str, &[&str])| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        ((*object).to_owned(), paths)
    };
    Fields::new(pairs.iter().map(one).collect())
}

fn doc(text: &str) -> Document {
    Document::from_plugin(text).unwrap()
}

fn grant(reads: &[(&str, &[&str])], writes: &[(&str, &[&str])]) -> TransformGrant {
    TransformGrant {
        transform: "mine".to_owned(),
        reads: fields(reads),
        writes: fields(writes),
    }
}

#[test]
fn what_was_not_granted_is_not_seen() {
    let record = doc(
        r#"{"Account":{"Name":"A","Secret__c":"s"},"Amount":"1","Lines":[{"Cost":"9","Quantity":"2"},{"Quantity":"3"}],
            "Name":"Deal","Name.x":"dotted","unreadable":[{"field":"Cost","value":"9"}],"Empty":null}"#,
    );
    for (granted, seen) in [
        (&["*"][..], record.canonical()),
        (&["Name"], r#"{"Name":"Deal"}"#.to_owned()),
        (&["Nam"], "{}".to_owned()),
        (
            &["Account.Name", "Empty"],
            r#"{"Account":{"Name":"A"},"Empty":null}"#.to_owned(),
        ),
        (
            &["Account"],
            r#"{"Account":{"Name":"A","Secret__c":"s"}}"#.to_owned(),
        ),
        (
            &["Lines[].Quantity"],
            r#"{"Lines":[{"Quantity":"2"},{"Quantity":"3"}]}"#.to_owned(),
        ),
        (&["Name.x", "Amount.y"], "{}".to_owned()),
        (&[], "{}".to_owned()),
    ] {
        let grant = grant(&[("Deal", granted)], &[]);
        assert_eq!(grant.seen("Deal", &record).canonical(), seen, "{granted:?}");
    }
    let of_another = grant(&[("Account", &["*"])], &[]);
    assert_eq!(of_another.seen("Deal", &record).canonical(), "{}");
    let of_any = grant(&[("*", &["Amount"])], &[]);
    assert_eq!(
        of_any.seen("Deal", &record).canonical(),
        r#"{"Amount":"1"}"#
    );
}

#[test]
fn a_draft_beyond_the_grant_is_refused_by_name() {
    let grant = grant(
        &[("Account", &["*"]), ("Deal", &["AccountId", "Name"])],
        &[
            ("invoice", &["customer", "lines[].quantity", "reference"]),
            ("customer", &["*"]),
        ],
    );
    let seen = doc(r#"{"AccountId":"001A","Name":"Deal"}"#);
    for (object, draft, refused) in [
        ("invoice", r#"{"reference":"x"}"#, None),
        ("invoice", r#"{"lines":[{"quantity":"1"}]}"#, None),
        (
            "invoice",
            r#"{"customer":{"$ref":{"object":"Account","id":"001A"}}}"#,
            None,
        ),
        (
            "customer",
            r#"{"a":{"b":["c"]},"parent":{"$ref":{"object":"Deal","id":"006D"}}}"#,
            None,
        ),
        ("invoice", r#"{"number":"1"}"#, Some("invoice.number")),
        ("invoice", r#"{"number":null}"#, Some("invoice.number")),
        ("invoice", r#"{"number":{}}"#, Some("invoice.number")),
        (
            "invoice",
            r#"{"lines":[{"quantity":"1"},{"account":"200"}]}"#,
            Some("invoice.lines[].account"),
        ),
        ("invoice", r#"{"lines":[]}"#, Some("invoice.lines[]")),
        ("invoice", r#"{"lines":"x"}"#, Some("invoice.lines")),
        (
            "invoice",
            r#"{"reference.x":"y"}"#,
            Some("invoice.reference.x"),
        ),
        ("payment", "{}", Some("payment")),
        (
            "invoice",
            r#"{"customer":{"$ref":{"object":"Account","id":"001B"}}}"#,
            Some("invoice.$ref"),
        ),
        (
            "invoice",
            r#"{"customer":{"$ref":{"object":"User","id":"001A"}}}"#,
            Some("invoice.$ref"),
        ),
        (
            "invoice",
            r#"{"number":{"$ref":{"object":"Account","id":"001A"}}}"#,
            Some("invoice.number"),
        ),
    ] {
        let found = grant.objection(object, &doc(draft), &seen, "006D");
        assert_eq!(
            found.as_ref().and_then(|problem| problem.field.as_deref()),
            refused,
            "{object} {draft}"
        );
        if let Some(problem) = found {
            assert_eq!(problem.code, "not-granted");
            assert!(problem.message.contains("\"mine\""), "{}", problem.message);
        }
    }
}

#[test]
fn fields_meet_and_are_compared() {
    let all = Fields::everything();
    let some = fields(&[("Deal", &["Name", "Lines"]), ("Account", &["*"])]);
    let other = fields(&[("Deal", &["Lines[].Quantity"]), ("*", &["Name"])]);
    assert_eq!(all.meet(&some), some);
    assert_eq!(some.meet(&all), some);
    let both = fields(&[
        ("Account", &["Name"]),
        ("Deal", &["Lines[].Quantity", "Name"]),
    ]);
    assert_eq!(some.meet(&other), both);
    assert_eq!(other.meet(&some), both);
    assert_eq!(both.beyond(&some), None);
    assert_eq!(some.beyond(&both), Some(("Account", "*")));
    assert_eq!(other.beyond(&some), Some(("*", "Name")));
    assert_eq!(all.beyond(&some), Some(("*", "*")));
    assert_eq!(some.beyond(&all), None);
    let wanted = ["Name", "Lines", "Secret"].map(str::to_owned);
    assert_eq!(other.allowed("Deal", &wanted), ["Name", "Lines[].Quantity"]);
}
