//! Changes of linked customers, as plans (domain rules 9 to 11).

use crate::world::{account_with, doc, ledger, ledger_record, record};
use footbridge_model::document::Document;
use footbridge_model::id::{ConnectionId, FlowName, OrganisationId, RecordKey};
use footbridge_model::link::{Link, Member, Role};
use footbridge_model::plan::{AsOf, Expectation, Op, customer_key};
use footbridge_model::plugin::{Action, Presence};
use footbridge_model::ruling::{Choice, Ruling};
use footbridge_plan::input::Source;
use footbridge_plan::lint;
use footbridge_plan::merge::{
    CustomerPolicy, MergeInput, MergePlan, SeenCustomer, after_write, plan,
};
use footbridge_plan::policy::NumberMode;
use footbridge_plan::rails::{Approved, Bounds, Rails, apply};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[path = "merge_addresses.rs"]
mod addresses;
#[path = "merge_emptied.rs"]
mod emptied;

struct Books {
    policy: CustomerPolicy,
    customers: Vec<Source>,
    hidden: BTreeSet<RecordKey>,
    links: Vec<Link>,
    observed: BTreeMap<String, SeenCustomer>,
    rulings: Vec<Ruling>,
    minutes: i64,
}

impl Books {
    /// `c1` is linked with `x1`, both as they were when they last agreed.
    fn new(policy: Value) -> Self {
        let mut books = Self {
            policy: serde_json::from_value(policy).unwrap(),
            customers: Vec::new(),
            hidden: BTreeSet::new(),
            links: Vec::new(),
            observed: BTreeMap::new(),
            rulings: Vec::new(),
            minutes: 0,
        };
        books.pair("c1", "x1", "Acme");
        let remembered = books.plan().links;
        books.links = remembered;
        books
    }

    fn pair(&mut self, ours: &str, theirs: &str, name: &str) {
        self.crm(ours, json!({"name": name, "email": "ap@acme.example", "phones": [{"kind": "main", "number": "1"}]}));
        self.ledger(theirs, json!({
            "name": name, "email": "ap@acme.example", "status": "active", "phones": [{"kind": "main", "number": "1"}],
            "persons": [{"first_name": "Jo"}], "number": ours,
        }));
        let member = |record| Member {
            record,
            shadow: None,
            version: None,
        };
        self.links.push(Link {
            id: customer_key(&record("Account", ours), &ledger()),
            role: Role::Customer,
            members: vec![
                member(record("Account", ours)),
                member(ledger_record("customer", theirs)),
            ],
            made_by: None,
        });
    }

    fn crm(&mut self, id: &str, draft: Value) {
        let mut source = account_with(id, draft.clone());
        source.doc =
            doc(&json!({"Email__c": draft["email"], "Phone": draft["phones"][0]["number"]}));
        self.customers.retain(|known| known.record != source.record);
        self.customers.push(source);
    }

    fn ledger(&mut self, id: &str, value: Value) {
        let seen = SeenCustomer {
            version: format!("l{}", self.minutes),
            presence: Presence::Present,
            doc: doc(&value),
        };
        self.observed.insert(id.to_owned(), seen);
    }

    fn input(&self) -> MergeInput<'_> {
        MergeInput {
            flow: FlowName::from("flow"),
            as_of: AsOf {
                instant: chrono::DateTime::from_timestamp(1_791_190_800 + self.minutes * 60, 0)
                    .unwrap(),
                local_date: chrono::NaiveDate::from_ymd_opt(2026, 10, 5).unwrap(),
            },
            policy: &self.policy,
            source: (ConnectionId::from("crm"), OrganisationId::from("00D")),
            ledger: (ConnectionId::from("books"), ledger()),
            customers: self.customers.clone(),
            hidden: self.hidden.clone(),
            links: self.links.clone(),
            observed: self.observed.clone(),
            rulings: BTreeMap::from([((record("Account", "c1"), 1), self.rulings.clone())]),
            unresolved: BTreeSet::new(),
        }
    }

    fn plan(&self) -> MergePlan {
        let made = plan(&self.input());
        assert_eq!(lint(&made.plan), []);
        made
    }

    fn ops(&self) -> Vec<Op> {
        self.plan().plan.ops
    }
}

#[test]
fn an_update_says_all_that_it_must() {
    let mut books = Books::new(json!({}));
    books.crm("c1", json!({"name": "Acme Ltd", "email": "ap@acme.example", "phones": [{"kind": "main", "number": "2"}]}));
    let ops = books.ops();
    assert_eq!(ops.len(), 1);
    let op = &ops[0];
    assert_eq!(op.action, Action::Update);
    assert_eq!(op.target.as_ref().map(|id| id.as_str()), Some("x1"));
    assert_eq!(
        (op.natural_key.field.as_str(), op.natural_key.value.as_str()),
        ("id", "x1")
    );
    assert_eq!(op.expects, Expectation::Version("l0".to_owned()));
    assert_eq!(
        op.doc.canonical(),
        r#"{"name":"Acme Ltd","phones":[{"kind":"main","number":"2"}]}"#
    );
    let was = op.was.as_ref().map(Document::canonical);
    assert_eq!(
        was.as_deref(),
        Some(r#"{"name":"Acme","phones":[{"kind":"main","number":"1"}]}"#)
    );
    assert_eq!(
        op.why,
        "Customer \"Acme Ltd\": name as it was changed in crm, phone as it was changed in crm"
    );
    assert_eq!(op.subject.record, record("Account", "c1"));
}

/// The country is the same in another spelling, and a code is all that the CRM's field takes.
#[test]
fn a_changed_town_leaves_the_country_as_the_crm_spells_it() {
    let mut books = Books::new(json!({
        "back": {"addresses.billing.city": "BillingCity", "addresses.billing.country": "BillingCountryCode"},
        "fields": {"addresses.billing": {"owner": "newest"}},
    }));
    let there = |city: &str| {
        json!({
            "name": "Acme", "email": "ap@acme.example", "status": "active", "phones": [{"kind": "main", "number": "1"}],
            "addresses": [{"kind": "billing", "city": city, "country": "United Kingdom"}],
        })
    };
    let record = json!({"BillingCity": "Leeds", "BillingCountryCode": "GB"});
    books.customers[0].doc = doc(&record);
    books.ledger("x1", there("Leeds"));
    books.links = books.plan().links;
    books.ledger("x1", there("York"));
    let ops = books.ops();
    assert_eq!(ops.len(), 1);
    assert_eq!(ops[0].doc.canonical(), r#"{"BillingCity":"York"}"#);
}

#[test]
fn persons_number_and_status_are_nobodys_to_change() {
    let mut books = Books::new(json!({}));
    books.crm("c1", json!({
        "name": "Acme", "email": "ap@acme.example", "phones": [{"kind": "main", "number": "1"}], "persons": [], "number": "other", "status": "archived",
    }));
    assert_eq!(books.ops(), []);
}

#[test]
fn the_order_of_what_is_given_does_not_matter() {
    let mut books = Books::new(
        json!({"back": {"phones.main": "Phone"}, "fields": {"phones.main": {"owner": "newest"}}}),
    );
    books.pair("c2", "x2", "Zenith");
    books.pair("c3", "x3", "Other");
    books.crm("c1", json!({"name": "Acme Ltd"}));
    books.crm("c2", json!({"name": "Acme Ltd"}));
    let first = books.plan();
    books.customers.reverse();
    books.links.reverse();
    let second = books.plan();
    assert_eq!(first.plan, second.plan);
    assert_eq!(first.links, second.links);
}

#[test]
fn two_that_become_one_name_are_not_both_renamed() {
    let mut books = Books::new(json!({}));
    books.pair("c2", "x2", "Zenith");
    books.links = books
        .plan()
        .links
        .into_iter()
        .chain(books.links.clone())
        .collect();
    books.links.sort_by(|a, b| a.id.cmp(&b.id));
    books.links.dedup_by(|a, b| a.id == b.id);
    for id in ["c1", "c2"] {
        books.crm(id, json!({"name": "The Same"}));
    }
    let made = books.plan().plan;
    assert_eq!(made.ops.len(), 1);
    assert_eq!(made.holds.len(), 1);
    assert_eq!(made.holds[0].reason, "customer-name-clash");
}

#[test]
fn carried_out_it_leaves_nothing_to_do() {
    let mut books = Books::new(
        json!({"back": {"phones.main": "Phone", "email": "Email__c"}, "fields": {"email": {"approve": false}}}),
    );
    books.crm("c1", json!({"name": "Acme Ltd", "email": "ap@acme.example", "phones": [{"kind": "main", "number": "1"}]}));
    let mut there = books.observed["x1"].doc.clone();
    if let Document::Object(fields) = &mut there {
        fields.insert(
            "email".to_owned(),
            Document::Text("ap@new.example".to_owned()),
        );
    }
    books.observed.get_mut("x1").unwrap().doc = there;
    let ops = books.ops();
    let shown: Vec<String> = ops
        .iter()
        .map(|op| format!("{} {}", op.object, op.doc.canonical()))
        .collect();
    assert_eq!(
        shown,
        [
            r#"customer {"name":"Acme Ltd"}"#,
            r#"Account {"Email__c":"ap@new.example"}"#
        ]
    );
    for op in &ops {
        let member = books.links[0]
            .members
            .iter_mut()
            .find(|m| m.record == record("Account", "c1"))
            .unwrap();
        let writing = op.link.source_shadow.as_deref().unwrap();
        member.shadow = after_write(member.shadow.as_deref(), writing, books_now());
    }
    books.crm("c1", json!({"name": "Acme Ltd", "email": "ap@new.example", "phones": [{"kind": "main", "number": "1"}]}));
    books.minutes = 5;
    books.ledger("x1", json!({"name": "ACME LTD", "email": "ap@new.example", "status": "active", "phones": [{"kind": "main", "number": "1"}]}));
    let made = books.plan();
    assert_eq!(
        (
            made.plan.ops.len(),
            made.plan.holds.len(),
            made.plan.skips.len()
        ),
        (0, 0, 0)
    );
    books.links = made.links;
    let again = books.plan();
    assert_eq!(
        (again.plan.ops.len(), again.links.len()),
        (0, 0),
        "and nothing is left to remember"
    );
}

/// A write that was not read again yet keeps its customer due: what a person wrote over it in the meantime is noticed in the end.
#[test]
fn what_was_written_and_not_read_again_stays_due_for_an_hour() {
    let mut books = Books::new(json!({}));
    books.crm("c1", json!({"name": "Acme Ltd", "email": "ap@acme.example", "phones": [{"kind": "main", "number": "1"}]}));
    let made = books.plan();
    assert_eq!((made.plan.ops.len(), made.pending.len()), (1, 0));
    let writing = made.plan.ops[0].link.source_shadow.clone().unwrap();
    for member in &mut books.links[0].members {
        if member.record == record("Account", "c1") {
            member.shadow = after_write(member.shadow.as_deref(), &writing, books_now());
        }
    }
    books.minutes = 59;
    let made = books.plan();
    assert_eq!(made.plan.ops, []);
    assert_eq!(made.pending, [record("Account", "c1")]);
    books.minutes = 60;
    let made = books.plan();
    assert_eq!((made.plan.ops.len(), made.pending.len()), (1, 0));
}

fn books_now() -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(1_791_190_800, 0).unwrap()
}

#[test]
fn a_ruling_counts_for_the_version_and_the_values_that_were_seen() {
    for (reason, choice, seen, minutes, wanted) in [
        (
            "customer-conflict",
            Choice::TakeSource { field: None },
            "v1",
            5,
            true,
        ),
        (
            "customer-conflict",
            Choice::TakeSource {
                field: Some("phones.main".to_owned()),
            },
            "v1",
            5,
            true,
        ),
        (
            "customer-conflict",
            Choice::TakeSource {
                field: Some("name".to_owned()),
            },
            "v1",
            5,
            false,
        ),
        (
            "customer-conflict",
            Choice::TakeSource { field: None },
            "v0",
            5,
            false,
        ),
        (
            "customer-conflict",
            Choice::TakeSource { field: None },
            "v1",
            -5,
            false,
        ),
        (
            "customer-name-clash",
            Choice::TakeSource { field: None },
            "v1",
            5,
            false,
        ),
        ("customer-conflict", Choice::GoAhead, "v1", 5, false),
    ] {
        let mut books = Books::new(
            json!({"back": {"phones.main": "Phone"}, "fields": {"phones.main": {"owner": "ask"}}}),
        );
        books.crm("c1", json!({"name": "Acme", "email": "ap@acme.example", "phones": [{"kind": "main", "number": "2"}]}));
        books.ledger("x1", json!({"name": "Acme", "email": "ap@acme.example", "status": "active", "phones": [{"kind": "main", "number": "3"}]}));
        let asked = books.plan();
        assert_eq!(asked.plan.holds[0].reason, "customer-conflict");
        books.links = asked.links;
        books.minutes = 10;
        books.rulings = vec![Ruling {
            record: record("Account", "c1"),
            part: 1,
            reason: reason.to_owned(),
            choice: choice.clone(),
            seen: seen.to_owned(),
            shown: Default::default(),
            by: "jo".to_owned(),
            at: books_now() + chrono::Duration::minutes(minutes),
        }];
        assert_eq!(
            books.ops().len(),
            usize::from(wanted),
            "{choice:?} {seen} {minutes}"
        );
    }
}

impl Books {
    /// `c1` and `x1` with other fields than [`Self::new`] gives them, first compared as they are.
    fn differing(policy: Value, ours: Value, theirs: Value) -> Self {
        let mut books = Self::new(policy);
        for link in &mut books.links {
            link.members.iter_mut().for_each(|m| m.shadow = None);
        }
        books.both(ours, theirs);
        books.keep();
        books
    }

    fn both(&mut self, ours: Value, theirs: Value) {
        self.crm("c1", ours);
        self.ledger("x1", theirs);
    }

    /// What is remembered after a round without writes.
    fn keep(&mut self) -> MergePlan {
        let made = self.plan();
        if !made.links.is_empty() {
            self.links.clone_from(&made.links);
        }
        made
    }

    fn say(&mut self, reason: &str, choice: Choice) {
        self.minutes += 10;
        self.rulings.push(Ruling {
            record: record("Account", "c1"),
            part: 1,
            reason: reason.to_owned(),
            choice,
            seen: "v1".to_owned(),
            by: "jo".to_owned(),
            shown: Default::default(),
            at: books_now() + chrono::Duration::minutes(self.minutes),
        });
    }

    /// What a round writes and says: `side document`, then the reasons of its notes.
    fn outcome(&self) -> Vec<String> {
        let made = self.plan().plan;
        let ops = made.ops.iter();
        let ops = ops.map(|op| format!("{} {}", op.object, op.doc.canonical()));
        let notes = made.holds.iter().chain(&made.skips);
        ops.chain(notes.map(|note| note.reason.clone())).collect()
    }
}

/// Neither a write nor a word.
const NOTHING: [&str; 0] = [];

fn source(field: Option<&str>) -> Choice {
    Choice::TakeSource {
        field: field.map(str::to_owned),
    }
}

fn take_ledger(field: Option<&str>) -> Choice {
    Choice::TakeLedger {
        field: field.map(str::to_owned),
    }
}

/// Months after the first comparison, which showed e-mail and tax number, an item shows the phone alone.
#[test]
fn a_choice_for_an_item_says_nothing_of_what_the_item_does_not_show() {
    let phone = r#"customer {"phones":[{"kind":"main","number":"2"}]}"#;
    for (reason, choice, wanted) in [
        ("customer-conflict", source(None), vec![phone]),
        ("customer-differs", source(None), vec!["customer-conflict"]),
        (
            "customer-change-not-owned",
            source(None),
            vec!["customer-conflict"],
        ),
        // Whoever names a field means it.
        (
            "customer-conflict",
            source(Some("email")),
            vec![
                r#"customer {"email":"ap@acme.example"}"#,
                "customer-conflict",
            ],
        ),
        (
            "customer-differs",
            source(Some("tax_number")),
            vec![r#"customer {"tax_number":null}"#, "customer-conflict"],
        ),
    ] {
        let crm = |phone: &str| json!({"name": "Acme", "email": "ap@acme.example", "tax_number": null, "phones": [{"kind": "main", "number": phone}]});
        let ledger = |phone: &str| json!({"name": "Acme", "email": "billing@acme.example", "tax_number": "GB123", "status": "active", "phones": [{"kind": "main", "number": phone}]});
        let policy =
            json!({"back": {"phones.main": "Phone"}, "fields": {"phones.main": {"owner": "ask"}}});
        let mut books = Books::differing(policy, crm("1"), ledger("1"));
        books.minutes = 60 * 24 * 90;
        books.both(crm("2"), ledger("3"));
        let asked = books.keep();
        assert_eq!(asked.plan.holds[0].reason, "customer-conflict");
        books.say(reason, choice.clone());
        assert_eq!(books.outcome(), wanted, "{reason} {choice:?}");
    }
}

/// The e-mail was changed where it doesn't belong: noted, or behind a conflict of the phone.
#[test]
fn a_choice_for_an_item_is_no_yes_to_an_invoice_email() {
    let crm = |phone: &str| json!({"name": "Acme", "email": "thief@evil.example", "phones": [{"kind": "main", "number": phone}]});
    let ledger = |phone: &str| json!({"name": "Acme", "email": "ap@acme.example", "status": "active", "phones": [{"kind": "main", "number": phone}]});
    let policy =
        || json!({"back": {"phones.main": "Phone"}, "fields": {"phones.main": {"owner": "ask"}}});
    let email = r#"customer {"email":"thief@evil.example"}"#;

    let mut books = Books::new(policy());
    books.both(crm("2"), ledger("3"));
    let note = &books.keep().plan.holds[0];
    assert!(
        note.message.contains("thief@evil.example"),
        "it is shown as well: {}",
        note.message
    );
    books.say("customer-conflict", source(None));
    let phone = r#"customer {"phones":[{"kind":"main","number":"2"}]}"#;
    assert_eq!(books.outcome(), [phone, "customer-change-not-owned"]);

    let mut books = Books::new(policy());
    books.both(crm("1"), ledger("1"));
    books.keep();
    books.say("customer-change-not-owned", source(None));
    let asked = books.keep();
    assert_eq!(books.outcome(), ["customer-change-needs-approval"]);
    let message = &asked.plan.holds[0].message;
    assert!(message.contains("`--field email`"), "{message}");
    let mut refused = books.rulings.clone();
    books.say("customer-change-needs-approval", Choice::GoAhead);
    assert_eq!(books.outcome(), [email]);
    std::mem::swap(&mut refused, &mut books.rulings);
    books.say("customer-change-needs-approval", take_ledger(None));
    assert_eq!(books.outcome(), ["ignored"], "the CRM has no place for it");

    let mut books = Books::new(policy());
    books.both(crm("1"), ledger("1"));
    books.keep();
    books.say("customer-change-not-owned", source(Some("email")));
    assert_eq!(books.outcome(), [email], "said of the field itself");
}

#[test]
fn a_choice_for_an_item_empties_nothing() {
    for (choice, wanted) in [
        (source(None), "customer-change-not-cleared"),
        (
            source(Some("account_number")),
            r#"customer {"account_number":null}"#,
        ),
        (take_ledger(None), r#"Account {"Number__c":"A-2"}"#),
    ] {
        let policy = json!({"back": {"account_number": "Number__c"}, "fields": {"account_number": {"owner": "ask"}}});
        let number = |books: &mut Books, ours: Value, theirs: &str| {
            books.crm("c1", json!({"name": "Acme"}));
            books.customers[0].doc = doc(&json!({"Number__c": ours}));
            books.ledger(
                "x1",
                json!({"name": "Acme", "status": "active", "account_number": theirs}),
            );
        };
        let mut books = Books::new(policy);
        number(&mut books, json!("A-1"), "A-1");
        books.keep();
        number(&mut books, json!(null), "A-2");
        assert_eq!(books.keep().plan.holds[0].reason, "customer-conflict");
        books.say("customer-conflict", choice.clone());
        assert_eq!(books.outcome(), [wanted], "{choice:?}");
    }
}

/// A mapping's list leaves nulls out: `now` is what it makes of an address of which parts were emptied.
#[test]
fn an_address_is_one_value_and_parts_of_two_are_never_mixed() {
    let high_street = json!({"kind": "billing", "line1": "1 High St", "city": "Leeds", "region": "West Yorkshire", "postal_code": "LS1"});
    let in_dublin = json!({"kind": "billing", "line1": "5 Main St", "city": "Dublin"});
    let no_region =
        json!({"kind": "billing", "line1": "1 High St", "city": "Leeds", "postal_code": "LS1"});
    let with = |address: &Value, part: &str, value: Value| {
        let mut address = address.clone();
        address[part] = value;
        address
    };
    let dublin = r#"customer {"addresses":[{"city":"Dublin","kind":"billing","line1":"5 Main St","postal_code":null,"region":null}]}"#;
    let unit = with(&high_street, "line2", json!("Unit 4"));
    let (owner, ask) = ("source", "ask");
    for (owner, ours, theirs, now, there, wanted) in [
        (owner, &high_street, &high_street, &in_dublin, &high_street, vec![dublin.to_owned()]),
        // Nobody changed the ledger's: no conflict.
        (ask, &high_street, &high_street, &in_dublin, &high_street, vec![dublin.to_owned()]),
        (owner, &high_street, &high_street, &no_region, &high_street, vec![
            r#"customer {"addresses":[{"city":"Leeds","kind":"billing","line1":"1 High St","postal_code":"LS1","region":null}]}"#.to_owned(),
        ]),
        // A part that the mapping doesn't speak of is the ledger's.
        (owner, &high_street, &unit, &in_dublin, &unit, vec![
            r#"customer {"addresses":[{"city":"Dublin","kind":"billing","line1":"5 Main St","line2":"Unit 4","postal_code":null,"region":null}]}"#.to_owned(),
        ]),
        (owner, &no_region, &high_street, &no_region, &high_street, vec![]),
        // All of it emptied is no address to carry over.
        (owner, &high_street, &high_street, &json!({"kind": "billing"}), &high_street, vec!["customer-change-not-cleared".to_owned()]),
        // Both changed, one of them by a part that the other side no longer has.
        (ask, &high_street, &high_street, &in_dublin, &with(&high_street, "region", json!("Yorkshire")), vec!["customer-conflict".to_owned()]),
    ] {
        let policy = json!({"fields": {"addresses.billing": {"owner": owner}}});
        let crm = |address: &Value| json!({"name": "Acme", "email": "ap@acme.example", "addresses": [address]});
        let ledger = |address: &Value| json!({"name": "Acme", "email": "ap@acme.example", "status": "active", "addresses": [address]});
        let mut books = Books::differing(policy, crm(ours), ledger(theirs));
        books.both(crm(now), ledger(there));
        assert_eq!(books.outcome(), wanted, "{owner}: {ours} to {now}, {there}");
    }
}

/// Written and read again, an address without its region is one value on both sides.
#[test]
fn an_emptied_part_comes_to_rest() {
    let address =
        |region: Value| json!([{"kind": "billing", "line1": "1 High St", "region": region}]);
    let crm = |list: Value| json!({"name": "Acme", "email": "ap@acme.example", "addresses": list});
    let ledger = |region: Value| json!({"name": "Acme", "email": "ap@acme.example", "status": "active", "addresses": address(region)});
    let mut books = Books::differing(
        json!({}),
        crm(address(json!("Kent"))),
        ledger(json!("Kent")),
    );
    books.crm(
        "c1",
        crm(json!([{"kind": "billing", "line1": "1 High St"}])),
    );
    let op = books.ops().remove(0);
    let member = books.links[0]
        .members
        .iter_mut()
        .find(|m| m.record == record("Account", "c1"))
        .unwrap();
    member.shadow = after_write(
        member.shadow.as_deref(),
        op.link.source_shadow.as_deref().unwrap(),
        books_now(),
    );
    books.minutes = 5;
    books.ledger("x1", ledger(json!("")));
    assert_eq!(books.outcome(), NOTHING);
    books.keep();
    books.minutes = 10;
    books.ledger("x1", ledger(json!("Surrey")));
    assert_eq!(
        books.outcome(),
        ["customer-change-not-owned"],
        "it is still compared"
    );
}

/// The name may go over, the e-mail may not: whatever takes the name out, the customer waits, and both are told.
#[test]
fn what_a_rail_takes_out_waits_although_something_else_is_skipped() {
    for (said, room, wanted) in [
        (json!({}), None, None),
        (json!({}), Some(0), Some("over-the-cap")),
        (
            json!({"pilot": {"only": ["c9"]}}),
            None,
            Some("outside-pilot"),
        ),
    ] {
        let mut books = Books::new(json!({}));
        books.crm("c1", json!({"name": "Acme Ltd", "email": "ap@new.example", "phones": [{"kind": "main", "number": "1"}]}));
        let rails: Rails = serde_json::from_value(said).unwrap();
        let none = BTreeMap::new();
        let bounds = Bounds {
            hidden: &BTreeSet::new(),
            rails: &rails,
            numbers: &NumberMode::Ledger,
            deals: &[],
            admitted: &BTreeSet::new(),
            shown: &BTreeSet::new(),
            approved: Approved::These(&none),
            room,
        };
        let plan = apply(books.plan().plan, &bounds).plan;
        let reasons = |notes: &[footbridge_model::plan::Note]| {
            let reasons = notes.iter().map(|note| note.reason.clone());
            reasons.collect::<Vec<String>>()
        };
        let found = (plan.ops.len(), reasons(&plan.holds), reasons(&plan.skips));
        let Some(wanted) = wanted else {
            let skips = vec!["customer-change-not-owned".to_owned()];
            assert_eq!(found, (1, vec![], skips));
            continue;
        };
        assert_eq!(found, (0, vec![wanted.to_owned()], vec![]));
        let message = &plan.holds[0].message;
        assert!(message.contains("belongs to books"), "{message}");
    }
}

/// As shipped: the ledger owns the e-mail and the CRM has no place for it. Once it was edited there, later edits of the CRM are noted too.
#[test]
fn an_edit_of_the_crm_is_noted_also_after_one_of_the_ledger() {
    let crm = |email: &str| json!({"name": "Acme", "email": email, "phones": [{"kind": "main", "number": "1"}]});
    let mut books = Books::new(json!({}));
    books.ledger("x1", json!({"name": "Acme", "email": "billing@acme.example", "status": "active", "phones": [{"kind": "main", "number": "1"}]}));
    assert_eq!(books.outcome(), NOTHING, "it goes nowhere");
    books.keep();
    for email in ["one@acme.example", "two@acme.example"] {
        books.minutes += 10;
        books.crm("c1", crm(email));
        assert_eq!(books.outcome(), ["customer-change-not-owned"], "{email}");
        let message = &books.keep().plan.skips[0].message;
        assert!(message.contains(email), "{message}");
    }
    books.crm("c1", crm("billing@acme.example"));
    assert_eq!(books.outcome(), NOTHING, "and they are one again");
}

#[test]
fn a_customer_that_the_crm_no_longer_shows_waits_and_nothing_of_it_is_written() {
    let mut books = Books::new(json!({"back": {"email": "Email__c"}}));
    books.crm("c1", json!({"name": "Acme Ltd", "email": "ap@acme.example", "phones": [{"kind": "main", "number": "1"}]}));
    assert_eq!(books.ops().len(), 1);
    books.hidden.insert(record("Account", "c1"));
    let made = books.plan();
    assert_eq!((made.plan.ops.len(), made.links.len()), (0, 0));
    let told: Vec<&str> = made
        .plan
        .holds
        .iter()
        .map(|note| note.reason.as_str())
        .collect();
    assert_eq!(told, ["customer-not-visible"]);
}
