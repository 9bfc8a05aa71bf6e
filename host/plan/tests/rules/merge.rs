//! Changes of linked customers, as plans (domain rules 9 to 11).

use crate::world::{account_with, doc, ledger, ledger_record, record};
use footbridge_model::document::Document;
use footbridge_model::id::{ConnectionId, FlowName, OrganisationId};
use footbridge_model::link::{Link, Member, Role};
use footbridge_model::plan::{AsOf, Expectation, Op, customer_key};
use footbridge_model::plugin::{Action, Presence};
use footbridge_model::ruling::{Choice, Ruling};
use footbridge_plan::input::Source;
use footbridge_plan::lint;
use footbridge_plan::merge::{
    CustomerPolicy, MergeInput, MergePlan, SeenCustomer, after_write, plan,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

struct Books {
    policy: CustomerPolicy,
    customers: Vec<Source>,
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
