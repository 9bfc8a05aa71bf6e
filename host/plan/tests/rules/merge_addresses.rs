//! An address of which some parts have a place of their own in the CRM: it stays one value.

use super::*;

const PARTS: [&str; 3] = ["line1", "city", "postal_code"];

/// From `street, town, postcode`; `-` is empty.
fn address(text: &str) -> Value {
    let mut address = json!({"kind": "billing"});
    for (part, text) in PARTS.into_iter().zip(text.split(", ")) {
        if text != "-" {
            address[part] = json!(text);
        }
    }
    address
}

/// The CRM's field of each part.
fn place(part: &str) -> &str {
    match part {
        "line1" => "BillingStreet",
        "city" => "BillingCity",
        _ => "BillingPostalCode",
    }
}

fn policy(places: &[&str], rule: Value) -> Value {
    let back = places.iter().map(|part| {
        let name = format!("addresses.billing.{part}");
        (name, json!(place(part)))
    });
    let back: serde_json::Map<String, Value> = back.collect();
    json!({"back": back, "fields": {"addresses.billing": rule}})
}

impl Books {
    /// Both sides' addresses. The mapping leaves out what is empty, and the list with its last entry.
    fn live_at(&mut self, ours: &str, theirs: &str) {
        let made = address(ours);
        let mut draft = json!({"name": "Acme"});
        if made != address("-, -, -") {
            draft["addresses"] = json!([made]);
        }
        let record: serde_json::Map<String, Value> = PARTS
            .into_iter()
            .map(|part| (place(part).to_owned(), made[part].clone()))
            .collect();
        self.crm("c1", draft);
        self.customers[0].doc = doc(&Value::Object(record));
        self.ledger(
            "x1",
            json!({"name": "Acme", "status": "active", "addresses": [address(theirs)]}),
        );
    }

    fn living(policy: Value, ours: &str, theirs: &str) -> Self {
        let mut books = Self::new(policy);
        books.live_at(ours, theirs);
        books.keep();
        books
    }

    /// What the link remembers of the customer.
    fn remember(&mut self, text: String) {
        let members = self.links.iter_mut().flat_map(|link| &mut link.members);
        for member in members.filter(|member| member.record == record("Account", "c1")) {
            member.shadow = Some(text.clone());
        }
    }

    /// The one write of this round is carried out.
    fn applied(&mut self) {
        let op = self.ops().remove(0);
        let mut members = self.links.iter().flat_map(|link| &link.members);
        let member = members.find(|member| member.record == record("Account", "c1"));
        let shadow = member.unwrap().shadow.clone();
        let writing = op.link.source_shadow.unwrap();
        self.remember(after_write(shadow.as_deref(), &writing, books_now()).unwrap());
    }
}

fn goes(text: &str) -> String {
    let mut whole = address(text);
    for part in PARTS {
        // What was emptied goes with it.
        if whole.get(part).is_none() {
            whole[part] = Value::Null;
        }
    }
    format!(
        "customer {}",
        doc(&json!({"addresses": [whole]})).canonical()
    )
}

const LEEDS: &str = "1 High St, Leeds, LS1";
const NOT_OWNED: &str = "customer-change-not-owned";

#[test]
fn an_address_goes_to_the_ledger_whole_and_back_only_where_all_that_differs_has_a_place() {
    let town = r#"Account {"BillingCity":"York"}"#;
    let both = r#"Account {"BillingCity":"York","BillingStreet":"2 Low Rd"}"#;
    type Row<'a> = (&'a [&'a str], &'a str, &'a str, &'a str, String);
    let table: Vec<Row<'_>> = vec![
        (
            &["city"],
            "source",
            "2 Low Rd, Leeds, LS1",
            LEEDS,
            goes("2 Low Rd, Leeds, LS1"),
        ),
        (
            &["city"],
            "newest",
            "2 Low Rd, Leeds, LS1",
            LEEDS,
            goes("2 Low Rd, Leeds, LS1"),
        ),
        (
            &["city"],
            "source",
            "2 Low Rd, York, YO1",
            LEEDS,
            goes("2 Low Rd, York, YO1"),
        ),
        (
            &["city"],
            "source",
            "1 High St, York, LS1",
            LEEDS,
            goes("1 High St, York, LS1"),
        ),
        (
            &["city"],
            "ledger",
            "2 Low Rd, Leeds, LS1",
            LEEDS,
            NOT_OWNED.to_owned(),
        ),
        // Emptied, with a place and without one.
        (
            &["city"],
            "source",
            "1 High St, Leeds, -",
            LEEDS,
            goes("1 High St, Leeds, -"),
        ),
        (
            &["city"],
            "source",
            "1 High St, -, LS1",
            LEEDS,
            goes("1 High St, -, LS1"),
        ),
        (
            &["city"],
            "source",
            "-, -, -",
            LEEDS,
            "customer-change-not-cleared".to_owned(),
        ),
        // Back.
        (
            &["city"],
            "newest",
            LEEDS,
            "1 High St, York, LS1",
            town.to_owned(),
        ),
        (
            &["city"],
            "ask",
            LEEDS,
            "1 High St, York, LS1",
            town.to_owned(),
        ),
        (
            &["city"],
            "ledger",
            LEEDS,
            "1 High St, York, LS1",
            town.to_owned(),
        ),
        (
            &["city"],
            "source",
            LEEDS,
            "1 High St, York, LS1",
            NOT_OWNED.to_owned(),
        ),
        (
            &["city"],
            "newest",
            LEEDS,
            "2 Low Rd, Leeds, LS1",
            NOT_OWNED.to_owned(),
        ),
        (
            &["city"],
            "ask",
            LEEDS,
            "2 Low Rd, York, LS1",
            NOT_OWNED.to_owned(),
        ),
        (
            &["city"],
            "ledger",
            LEEDS,
            "2 Low Rd, York, LS1",
            NOT_OWNED.to_owned(),
        ),
        (
            &["city", "line1"],
            "ledger",
            LEEDS,
            "2 Low Rd, York, LS1",
            both.to_owned(),
        ),
        (
            &["city", "line1"],
            "newest",
            LEEDS,
            "2 Low Rd, York, YO1",
            NOT_OWNED.to_owned(),
        ),
        // Both sides changed it.
        (
            &["city"],
            "ask",
            "2 Low Rd, Leeds, LS1",
            "1 High St, York, LS1",
            "customer-conflict".to_owned(),
        ),
        (
            &["city"],
            "source",
            "2 Low Rd, Leeds, LS1",
            "1 High St, York, LS1",
            goes("2 Low Rd, Leeds, LS1"),
        ),
        (
            &["city"],
            "ledger",
            "2 Low Rd, Leeds, LS1",
            "1 High St, York, LS1",
            NOT_OWNED.to_owned(),
        ),
        (
            &["city"],
            "ledger",
            "1 High St, Hull, LS1",
            "1 High St, York, LS1",
            town.to_owned(),
        ),
    ];
    for (places, owner, ours, theirs, wanted) in table {
        let mut books = Books::living(policy(places, json!({"owner": owner})), LEEDS, LEEDS);
        books.live_at(ours, theirs);
        let what = format!("{places:?} {owner}: {ours} | {theirs}");
        assert_eq!(books.outcome().join(" "), wanted, "{what}");
        books.keep();
        assert_eq!(books.outcome(), [wanted], "{what}, each time");
    }
}

/// The third line belongs to the old street, and the postcode to both.
#[test]
fn what_the_ledger_holds_beside_a_street_is_kept_with_it_and_not_with_another() {
    for (part, text) in [
        ("line3", "Floor 3"),
        ("line4", "Block B"),
        ("attention", "Zoe"),
    ] {
        let beside = |address: &mut Value| address[part] = json!(text);
        let goes_beside = |text: &str| {
            let mut whole = address(text);
            beside(&mut whole);
            format!(
                "customer {}",
                doc(&json!({"addresses": [whole]})).canonical()
            )
        };
        let live = |books: &mut Books, ours: &str| {
            books.live_at(ours, LEEDS);
            let mut theirs = address(LEEDS);
            beside(&mut theirs);
            let contact = json!({"name": "Acme", "status": "active", "addresses": [theirs]});
            books.ledger("x1", contact);
        };
        let mut books = Books::new(policy(&[], json!({})));
        live(&mut books, LEEDS);
        books.keep();
        assert_eq!(books.outcome(), NOTHING, "{part}");
        live(&mut books, "1 High St, Leeds, LS2");
        assert_eq!(
            books.outcome(),
            [goes_beside("1 High St, Leeds, LS2")],
            "{part}"
        );
        let moved = "2 Low Rd, Leeds, LS2";
        live(&mut books, moved);
        assert_eq!(books.outcome(), [NOT_OWNED], "{part}");
        let message = books.keep().plan.skips[0].message.clone();
        assert!(message.contains("another street"), "{part}: {message}");
        assert_eq!(books.outcome(), [NOT_OWNED], "{part}: each time");
        // Emptied in the ledger.
        books.live_at(moved, LEEDS);
        assert_eq!(books.outcome(), [goes(moved)], "{part}");
        live(&mut books, moved);
        books.say(NOT_OWNED, source(Some("addresses.billing")));
        assert_eq!(books.outcome(), [goes_beside(moved)], "{part}: a person's");
    }
}

/// Where the two were never one, a later change of a part with a place is no whole address either.
#[test]
fn an_address_that_differs_otherwise_does_not_go_back() {
    let rule = json!({"owner": "newest"});
    let mut books = Books::living(policy(&["city"], rule), LEEDS, "9 Old Rd, Leeds, LS1");
    assert_eq!(books.outcome(), NOTHING, "first seen");
    books.live_at(LEEDS, "9 Old Rd, York, LS1");
    assert_eq!(books.outcome(), [NOT_OWNED]);
    let message = &books.keep().plan.skips[0].message;
    assert!(message.contains("has no place for a part"), "{message}");
    books.say(NOT_OWNED, take_ledger(None));
    assert_eq!(books.outcome(), ["ignored"]);
    books.say(NOT_OWNED, source(None));
    assert_eq!(books.outcome(), [goes(LEEDS)]);
}

#[test]
fn a_side_that_is_taken_gets_no_further_than_the_places() {
    for (ours, theirs, choice, wanted) in [
        (
            "2 Low Rd, Hull, LS1",
            "1 High St, York, LS1",
            source(None),
            goes("2 Low Rd, Hull, LS1"),
        ),
        (
            "2 Low Rd, Hull, LS1",
            "1 High St, York, LS1",
            take_ledger(None),
            "ignored".to_owned(),
        ),
        (
            "1 High St, Hull, LS1",
            "1 High St, York, LS1",
            take_ledger(None),
            r#"Account {"BillingCity":"York"}"#.to_owned(),
        ),
    ] {
        let mut books = Books::living(policy(&["city"], json!({"owner": "ask"})), LEEDS, LEEDS);
        books.live_at(ours, theirs);
        assert_eq!(books.keep().plan.holds[0].reason, "customer-conflict");
        books.say("customer-conflict", choice.clone());
        assert_eq!(books.outcome(), [wanted], "{ours} | {theirs}: {choice:?}");
    }
}

#[test]
fn an_empty_address_of_the_crm_is_filled_whole_or_not_at_all() {
    let whole =
        r#"Account {"BillingCity":"Leeds","BillingPostalCode":"LS1","BillingStreet":"1 High St"}"#;
    for (places, wanted) in [(&["city"][..], "customer-differs"), (&PARTS[..], whole)] {
        let rule = json!({"owner": "newest", "fill": true});
        let mut books = Books::new(policy(places, rule));
        books.live_at("-, -, -", LEEDS);
        assert_eq!(books.outcome(), [wanted], "{places:?}");
    }
}

/// Stored when only the parts with a place were followed: `{"city": "Leeds"}` on both sides.
#[test]
fn a_pair_that_knows_only_the_parts_with_a_place_makes_no_change_of_the_others() {
    let town = r#"Account {"BillingCity":"York"}"#.to_owned();
    for (owner, ours, theirs, wanted) in [
        ("ask", LEEDS, LEEDS, vec![]),
        (
            "ask",
            "1 High St, York, LS1",
            LEEDS,
            vec![goes("1 High St, York, LS1")],
        ),
        ("ask", LEEDS, "1 High St, York, LS1", vec![town.clone()]),
        ("ledger", LEEDS, "1 High St, York, LS1", vec![town]),
        // The ledger has no street that could be overwritten.
        ("source", LEEDS, "-, Leeds, LS1", vec![goes(LEEDS)]),
        // Nobody knows who changed the street.
        (
            "source",
            "2 Low Rd, Leeds, LS1",
            LEEDS,
            vec!["customer-differs".to_owned()],
        ),
        (
            "newest",
            "2 Low Rd, York, LS1",
            LEEDS,
            vec!["customer-differs".to_owned()],
        ),
    ] {
        let mut books = Books::living(policy(&["city"], json!({"owner": owner})), LEEDS, LEEDS);
        let stored = r#"{"merge":{"addresses.billing":{"agreed":{"source":{"city":"Leeds"},"ledger":{"city":"Leeds"}}}}}"#;
        books.remember(stored.to_owned());
        books.live_at(ours, theirs);
        let what = format!("{owner}: {ours} | {theirs}");
        let found = books.outcome();
        let found: Vec<String> = found.into_iter().filter(|said| said != "name").collect();
        assert_eq!(found, wanted, "{what}");
        if wanted == ["customer-differs"] {
            books.keep();
            assert_eq!(books.outcome(), NOTHING, "{what}: noted once");
            books.live_at("3 New St, Leeds, LS1", theirs);
            assert_eq!(
                books.outcome(),
                [goes("3 New St, Leeds, LS1")],
                "{what}: a later change"
            );
        }
    }
}

#[test]
fn a_part_whose_place_was_not_read_is_left_out() {
    let rule = json!({"owner": "source"});
    let mut books = Books::living(policy(&["city"], rule), LEEDS, LEEDS);
    books.live_at("2 Low Rd, York, LS1", LEEDS);
    books.customers[0].doc = doc(&json!({}));
    assert_eq!(books.outcome(), [goes("2 Low Rd, Leeds, LS1")]);
}

/// The mapping makes no address without a street. What else it held may be there still.
#[test]
fn an_address_that_the_mapping_makes_no_longer_is_told_and_stays() {
    for owner in ["source", "newest"] {
        let rule = json!({"owner": owner, "clear": true});
        let mut books = Books::living(policy(&["city"], rule), LEEDS, LEEDS);
        books.crm("c1", json!({"name": "Acme"}));
        books.customers[0].doc = doc(&json!({"BillingCity": "York"}));
        assert_eq!(books.outcome(), ["customer-change-not-cleared"], "{owner}");
        books.live_at(LEEDS, LEEDS);
        assert_eq!(books.outcome(), NOTHING, "{owner}");
    }
}

/// A town came back from the ledger, and before that was read again somebody gave the CRM's customer another street.
#[test]
fn a_street_that_is_changed_right_after_a_write_goes_over() {
    for read in [LEEDS, "1 High St, York, LS1"] {
        let rule = json!({"owner": "ask"});
        let mut books = Books::living(policy(&["city"], rule), LEEDS, LEEDS);
        books.live_at(LEEDS, "1 High St, York, LS1");
        assert_eq!(books.outcome(), [r#"Account {"BillingCity":"York"}"#]);
        books.applied();
        books.minutes = 1;
        books.live_at(read, "1 High St, York, LS1");
        assert_eq!(books.outcome(), NOTHING, "{read}");
        books.live_at("2 Low Rd, York, LS1", "1 High St, York, LS1");
        assert_eq!(books.outcome(), [goes("2 Low Rd, York, LS1")], "{read}");
    }
}
