//! A small company with a data directory: runs of the flow as a person would start them, and what must hold afterwards.

use crate::far::{Far, Fault};
use crate::ports::{Life, Manners, Mapping, Mortal, Side, Switch, Wire};
use chrono::TimeDelta;
use footbridge_engine::config::{Timing, Unproven};
use footbridge_engine::granted::{Fields, TransformGrant};
use footbridge_engine::storage::PluginStorage;
use footbridge_engine::{
    Decision, Engine, EngineError, FlowConfig, Parts, Preview, Released, RunReport, Standing,
};
use footbridge_model::id::{ConnectionId, FlowName};
use footbridge_model::plugin::Pace;
use footbridge_model::request::RequestState;
use footbridge_plan::FlowPolicy;
use footbridge_plan::policy::NumberMode;
use footbridge_plan::rails::{FirstRun, Rails};
use footbridge_store::{Backend, Bodies, Key, Store};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) far: Arc<Mutex<Far>>,
    pub(crate) flow: FlowConfig,
    pub(crate) crm: Arc<Mutex<Manners>>,
    pub(crate) ledger: Arc<Mutex<Manners>>,
    pub(crate) reads: Vec<(String, Vec<String>)>,
    pub(crate) backend: Backend,
    /// The CRM's connector knows the receivables vocabulary.
    pub(crate) vocabulary: bool,
    pub(crate) intruder: Arc<AtomicUsize>,
    /// Rows of the store that were asked for.
    pub(crate) rows_read: Arc<AtomicUsize>,
    pub(crate) switch: Arc<Switch>,
    dir: TempDir,
}

/// How a case of the company differs from the plain one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    Ledger,
    Field,
    Counter,
}

fn policy(numbers: Numbers) -> FlowPolicy {
    let number = match numbers {
        Numbers::Ledger => json!("ledger"),
        Numbers::Field => json!({"field": "Number"}),
        Numbers::Counter => json!({"counter": {"prefix": "FB-", "first": 1, "digits": 4}}),
    };
    serde_json::from_value(json!({
        "go-live": "2026-09-01T00:00:00Z",
        "deal": {
            "object": "Opportunity", "name": "Name", "won": "IsWon", "history": "History",
            "history-stage": "Stage", "history-at": "At", "won-stages": ["Closed Won"],
            "stage-changed-at": "ChangedAt", "amount": "Amount", "lines": "Lines",
            "line-total": "Total", "parts": "Plan", "part-days": [30],
        },
        "billing": {
            "no-lines": "one-line", "status": "authorised", "number": number, "amounts": "exclusive",
            "date": "raised", "already-invoiced-days": 60, "default-account": "200",
        },
        "write-back": {
            "id": "InvoiceId", "number": "InvoiceNumber", "link": "InvoiceLink",
            "invoice-url": "https://ledger.example/",
        },
    }))
    .unwrap()
}

impl World {
    pub(crate) fn new(numbers: Numbers) -> Self {
        let manners = |id: &str, name: &str| Manners {
            organisations: vec![(id.to_owned(), name.to_owned())],
            batch: 50,
            unique_numbers: numbers != Numbers::Ledger,
            counts: Some(Pace::EachRun),
            ..Manners::default()
        };
        let mut far = Far::new();
        far.unique_numbers = numbers != Numbers::Ledger;
        Self {
            far: Arc::new(Mutex::new(far)),
            crm: Arc::new(Mutex::new(manners("crm-1", "Sales"))),
            ledger: Arc::new(Mutex::new(manners("led-1", "Books"))),
            reads: vec![
                ("Account".to_owned(), vec!["Name".to_owned()]),
                (
                    "Opportunity".to_owned(),
                    vec![
                        "Name".to_owned(),
                        "AccountId".to_owned(),
                        "Number".to_owned(),
                    ],
                ),
            ],
            flow: FlowConfig {
                name: FlowName::new("deals"),
                source: ConnectionId::new("crm"),
                ledger: ConnectionId::new("ledger"),
                customer_objects: vec!["Account".to_owned()],
                settings: String::new(),
                granted: TransformGrant {
                    transform: "mapping".to_owned(),
                    reads: Fields::everything(),
                    writes: Fields::everything(),
                },
                policy: policy(numbers),
                record_url: "https://crm.example/".to_owned(),
                pinned: Vec::new(),
                mixed: None,
                keyed: [ConnectionId::new("ledger")].into(),
                reflect: None,
                timing: Timing {
                    concurrency: 1,
                    ..Timing::default()
                },
                rails: Rails {
                    first_run: FirstRun::Write,
                    ..Rails::default()
                },
            },
            backend: Backend::Sled,
            vocabulary: true,
            intruder: Arc::default(),
            rows_read: Arc::default(),
            switch: Switch::go(),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// With so many won deals, each of a customer of its own.
    pub(crate) fn with_deals(numbers: Numbers, count: usize) -> Self {
        let world = Self::new(numbers);
        for n in 1..=count {
            world.account(n, &format!("Customer {n}"));
            world.deal(n, n, 100 * n);
        }
        world
    }

    pub(crate) fn ask(mut self, unproven: Unproven) -> Self {
        self.flow.timing.unproven = unproven;
        self
    }

    pub(crate) fn keyless(mut self) -> Self {
        self.flow.keyed.clear();
        self
    }

    pub(crate) fn first_number(&mut self, first: u64) {
        self.flow.policy.billing.number = NumberMode::Counter {
            prefix: "FB-".to_owned(),
            first,
            digits: 4,
        };
    }

    pub(crate) fn account(&self, n: usize, name: &str) {
        self.put("Account", &format!("acc{n}"), json!({"Name": name}));
    }

    pub(crate) fn deal(&self, n: usize, account: usize, amount: usize) {
        let doc = json!({
            "Name": format!("Deal {n}"), "IsWon": true, "Amount": amount.to_string(),
            "AccountId": format!("acc{account}"), "Number": format!("N-{n}"), "Plan": null,
            "ChangedAt": "2026-09-10T12:00:00Z", "Lines": [],
            "History": [{"Stage": "Closed Won", "At": "2026-09-10T12:00:00Z"}],
            "InvoiceId": null, "InvoiceNumber": null, "InvoiceLink": null,
        });
        self.put("Opportunity", &format!("opp{n}"), doc);
    }

    pub(crate) fn put(&self, object: &str, id: &str, doc: Value) {
        self.far.lock().unwrap().put(object, id, doc);
    }

    pub(crate) fn set(&self, object: &str, id: &str, field: &str, value: Value) {
        self.far.lock().unwrap().set(object, id, field, value);
    }

    pub(crate) fn fault(&self, object: &str, fault: Fault) {
        self.far.lock().unwrap().fault(object, fault);
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.far.lock().unwrap().pass(TimeDelta::seconds(seconds));
    }

    pub(crate) fn doc(&self, object: &str, id: &str) -> Value {
        self.far.lock().unwrap().tables[object][id].doc.clone()
    }

    pub(crate) fn count(&self, object: &str) -> usize {
        self.far.lock().unwrap().rows(object).len()
    }

    pub(crate) fn sent(&self, object: &str) -> (usize, usize) {
        self.far.lock().unwrap().sent(object)
    }

    pub(crate) fn looks(&self) -> usize {
        self.far.lock().unwrap().looks
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        footbridge_store::open(&self.data(), self.backend).unwrap()
    }

    /// The same company and flow with a data directory of its own, which `fill` makes or leaves to be made.
    pub(crate) fn beside(&self, fill: impl FnOnce(&Path)) -> Self {
        let world = Self {
            far: Arc::clone(&self.far),
            flow: self.flow.clone(),
            crm: Arc::clone(&self.crm),
            ledger: Arc::clone(&self.ledger),
            reads: self.reads.clone(),
            backend: self.backend,
            vocabulary: self.vocabulary,
            intruder: Arc::default(),
            rows_read: Arc::default(),
            switch: Arc::clone(&self.switch),
            dir: tempfile::tempdir().unwrap(),
        };
        fill(&world.data());
        world
    }

    pub(crate) fn parts(&self, life: &Arc<Life>) -> Parts {
        let store: Arc<dyn Store> = Arc::new(Mortal {
            store: self.store(),
            life: Arc::clone(life),
            reads: Arc::clone(&self.rows_read),
        });
        let storage = PluginStorage::new(Arc::clone(&store));
        let side =
            |name: &ConnectionId, objects: &[&'static str], manners: &Arc<Mutex<Manners>>| {
                Arc::new(Side {
                    name: name.clone(),
                    objects: objects.to_vec(),
                    far: Arc::clone(&self.far),
                    life: Arc::clone(life),
                    manners: Arc::clone(manners),
                    store: Arc::clone(&store),
                    storage: storage.clone(),
                    intruder: Arc::clone(&self.intruder),
                })
            };
        let wire = Arc::new(Wire {
            far: Arc::clone(&self.far),
            store: Arc::clone(&store),
            life: Arc::clone(life),
            keyed: self.flow.keyed.iter().cloned().collect(),
            switch: Arc::clone(&self.switch),
        });
        let mut ledger = vec!["account", "tax-rate", "item", "customer", "invoice"];
        let mut crm = vec!["Account", "Opportunity"];
        if self.flow.reflect.is_some() {
            ledger.extend(["credit-note", "overpayment", "prepayment", "payment"]);
            if self.vocabulary {
                crm.extend(footbridge_model::receivable::KINDS);
            }
        }
        Parts {
            store: Arc::clone(&store),
            bodies: Arc::new(Bodies::open(&self.data()).unwrap()),
            clock: Arc::clone(&wire) as _,
            watch: Arc::clone(life) as _,
            source: side(&self.flow.source, &crm, &self.crm),
            ledger: side(&self.flow.ledger, &ledger, &self.ledger),
            transform: Arc::new(Mapping {
                reads: self.reads.clone(),
            }),
            outbound: wire,
        }
    }

    pub(crate) async fn open(&self) -> Result<Arc<Engine>, EngineError> {
        let parts = self.parts(&Life::until(0));
        Ok(Arc::new(Engine::open(self.flow.clone(), parts).await?))
    }

    pub(crate) async fn engine(&self) -> Arc<Engine> {
        self.open().await.unwrap()
    }

    pub(crate) async fn try_sync(&self) -> Result<RunReport, EngineError> {
        self.open().await?.sync().await
    }

    pub(crate) async fn sync(&self) -> RunReport {
        let report = self.try_sync().await.unwrap();
        self.all_that_waits_is_told().await;
        report
    }

    /// What a run tells without reading every decision is what they say.
    async fn all_that_waits_is_told(&self) {
        let engine = self.engine().await;
        let (told, status) = (
            engine.unsettled().await.unwrap(),
            engine.status().await.unwrap(),
        );
        let back = status.reflected.unwrap_or_default().waiting;
        assert_eq!((told.records, told.way_back), (status.waiting, back));
    }

    pub(crate) async fn plan(&self) -> Preview {
        self.engine().await.plan().await.unwrap()
    }

    pub(crate) async fn decisions(&self) -> Vec<Decision> {
        self.engine().await.decisions().await.unwrap()
    }

    /// How the first part of a deal stands: standing, reason, message.
    pub(crate) async fn decision(&self, n: usize) -> (Standing, String, String) {
        let id = format!("opp{n}");
        let found = self.decisions().await.into_iter().find(|decision| {
            decision.subject.record.id.as_str() == id && decision.subject.part == 1
        });
        let found = found.unwrap_or_else(|| panic!("nothing was decided about {id}"));
        (found.standing, found.reason, found.message)
    }

    /// What a sensible person does after a bad day: runs again a little later, later still, and after having looked releases what
    /// isn't there and runs nowhere any more.
    pub(crate) async fn a_person_goes_on(&self) {
        for seconds in [0, 150, 660, 660, 7200, 660] {
            self.pass(seconds);
            let engine = self.engine().await;
            let report = engine.sync().await.unwrap();
            let open = engine.open_requests().await.unwrap();
            let did_something = report.recovered + report.failed + report.postponed > 0;
            if open.is_empty() && report.applied.is_empty() && !did_something {
                break;
            }
            for request in open {
                let asked = request.state == RequestState::NeedsPerson;
                if asked && self.far.lock().unwrap().is_quiet() {
                    let released = engine.release(&request.id).await.unwrap();
                    assert!(matches!(released, Released::Done(_)), "{released:?}");
                }
            }
        }
        self.sync().await;
        self.sync().await;
    }

    /// Exactly one invoice for each of these deals, shown on the deal; nothing open, no claim left.
    pub(crate) async fn assert_settled(&self, deals: usize, what: &str) {
        {
            let far = self.far.lock().unwrap();
            let by_url = far.invoices_by_url();
            assert!(
                by_url.values().all(|count| *count == 1),
                "{what}: {by_url:?}"
            );
            assert_eq!(by_url.len(), deals, "{what}: {by_url:?}");
            for (id, row) in far.rows("Opportunity") {
                let shown = row.doc["InvoiceId"].as_str().unwrap_or("");
                let invoice = far.tables["invoice"].get(shown);
                let invoice = invoice.unwrap_or_else(|| panic!("{what}: {id} shows {shown:?}"));
                let url = invoice.doc["url"].as_str().unwrap();
                assert!(url.contains(&**id), "{what}: {id} shows {url}");
                assert_eq!(
                    row.doc["InvoiceNumber"], invoice.doc["number"],
                    "{what}: {id}"
                );
            }
        }
        assert_eq!(self.claims().await, 0, "{what}: claims");
        let engine = self.engine().await;
        assert_eq!(engine.open_requests().await.unwrap().len(), 0, "{what}");
        for decision in engine.decisions().await.unwrap() {
            assert_eq!(decision.standing, Standing::Applied, "{what}: {decision:?}");
        }
    }

    /// Rows of unresolved writes.
    pub(crate) async fn claims(&self) -> usize {
        let store = self.store();
        let mut found = 0;
        for kind in ["target", "open"] {
            let range = Key::new(kind).range();
            found += store.scan(&range, None, 1000).await.unwrap().len();
        }
        found
    }
}
