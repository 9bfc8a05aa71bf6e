//! The engine's ports in plain Rust, over the far sides. After `Life::end` none of them does or answers anything any more.

use crate::far::{Far, Row};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use footbridge_engine::ports::{
    CallError, Clock, Connector, Outbound, Sent, Transform, TransformError,
};
use footbridge_engine::storage::{Kept, PluginStorage};
use footbridge_engine::watch::{Point, Watch};
use footbridge_model::failure::{Failure, FailureKind, Problem};
use footbridge_model::id::{ConnectionId, FlowName, PluginDigest};
use footbridge_model::plugin::{
    Answer, Applied, Countable, Criteria, Description, Draft, FeedRequest, FieldDescription, Found,
    Item, Method, ObjectDescription, Operation, OrganisationFound, Outcome, Pace, Page, Presence,
    Tally, TransformBatch, TransformDescription, Verdict, WriteRequest,
};
use footbridge_store::{
    CommitError, Key, KeyRange, Lease, LeaseError, Row as StoredRow, Seq, Store, StoreError,
    StoreMeta, VerifyReport, Versioned, WriteSet,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// How long the process lives, in points passed.
#[derive(Debug, Default)]
pub(crate) struct Life {
    passed: AtomicUsize,
    /// Dead once so many points were passed; 0: never.
    last: AtomicUsize,
    committed: AtomicUsize,
    /// Dead once so much was committed; 0: never.
    last_commit: AtomicUsize,
    pub(crate) points: Mutex<Vec<Point>>,
}

impl Life {
    pub(crate) fn until(last: usize) -> Arc<Self> {
        let life = Self::default();
        life.last.store(last, Ordering::SeqCst);
        Arc::new(life)
    }

    /// Until so many sets of rows are stored.
    pub(crate) fn until_commit(last: usize) -> Arc<Self> {
        let life = Self::default();
        life.last_commit.store(last, Ordering::SeqCst);
        Arc::new(life)
    }

    pub(crate) fn is_over(&self) -> bool {
        let reached = |last: &AtomicUsize, count: &AtomicUsize| {
            let last = last.load(Ordering::SeqCst);
            last > 0 && count.load(Ordering::SeqCst) >= last
        };
        reached(&self.last, &self.passed) || reached(&self.last_commit, &self.committed)
    }

    /// Goes on only for the living.
    async fn alive(&self) {
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }
}

impl Watch for Life {
    fn at(&self, point: &Point) {
        if !self.is_over() {
            self.passed.fetch_add(1, Ordering::SeqCst);
            self.points.lock().unwrap().push(point.clone());
        }
    }
}

/// A store that dies with the process: nothing is asked of it afterwards.
#[derive(Debug)]
pub(crate) struct Mortal {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) life: Arc<Life>,
    /// Rows asked for, by key or in a scan.
    pub(crate) reads: Arc<AtomicUsize>,
}

#[async_trait]
impl Store for Mortal {
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        self.life.alive().await;
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.get(key).await
    }
    async fn scan(
        &self,
        range: &KeyRange,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<StoredRow>, StoreError> {
        self.life.alive().await;
        let rows = self.store.scan(range, after, limit).await?;
        self.reads.fetch_add(1 + rows.len(), Ordering::SeqCst);
        Ok(rows)
    }
    async fn commit(&self, set: WriteSet) -> Result<Seq, CommitError> {
        self.life.alive().await;
        let done = self.store.commit(set).await;
        self.life.committed.fetch_add(1, Ordering::SeqCst);
        done
    }
    async fn claim(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
        now: SystemTime,
    ) -> Result<Lease, LeaseError> {
        self.life.alive().await;
        self.store.claim(name, holder, duration, now).await
    }
    async fn renew(
        &self,
        lease: &Lease,
        duration: Duration,
        now: SystemTime,
    ) -> Result<Lease, LeaseError> {
        self.life.alive().await;
        self.store.renew(lease, duration, now).await
    }
    async fn release(&self, lease: Lease) -> Result<(), LeaseError> {
        self.life.alive().await;
        self.store.release(lease).await
    }
    fn meta(&self) -> &StoreMeta {
        self.store.meta()
    }
    async fn verify(&self) -> Result<VerifyReport, StoreError> {
        self.store.verify().await
    }
    async fn size_on_disk(&self) -> Result<u64, StoreError> {
        self.store.size_on_disk().await
    }
}

/// How a connector behaves, beyond the plain way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manners {
    /// Records in a page; 0: as many as asked for.
    pub(crate) page: usize,
    /// Every page begins with the last record of the one before.
    pub(crate) repeats: bool,
    /// Gives the same page for ever.
    pub(crate) endless: bool,
    /// A document with this text can't be prepared, and the refusal names the operation.
    pub(crate) unwritable: Option<String>,
    /// The same, without a name.
    pub(crate) unwritable_unnamed: Option<String>,
    pub(crate) organisations: Vec<(String, String)>,
    /// Settings of the organisation besides the usual ones.
    pub(crate) settings: BTreeMap<String, String>,
    /// Whether they call themselves sandboxes.
    pub(crate) sandbox: bool,
    /// Most operations in a request.
    pub(crate) batch: usize,
    /// Fields that an object has, where it isn't open.
    pub(crate) fields: BTreeMap<String, Vec<String>>,
    /// Says that the ledger enforces unique invoice numbers.
    pub(crate) unique_numbers: bool,
    /// Objects that can't be read, and what is said instead.
    pub(crate) unreadable: BTreeMap<String, Failure>,
    /// Records that a look by id doesn't show.
    pub(crate) hidden: Vec<String>,
    /// How often it counts what its user sees; none: it can't.
    pub(crate) counts: Option<Pace>,
    /// Objects that can't be counted.
    pub(crate) uncountable: Vec<&'static str>,
}

pub(crate) struct Side {
    pub(crate) name: ConnectionId,
    pub(crate) objects: Vec<&'static str>,
    pub(crate) far: Arc<Mutex<Far>>,
    pub(crate) life: Arc<Life>,
    pub(crate) manners: Arc<Mutex<Manners>>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) storage: PluginStorage,
    /// So many more calls, somebody else writes to the storage while a page is read.
    pub(crate) intruder: Arc<AtomicUsize>,
}

impl Side {
    fn manners(&self) -> Manners {
        self.manners.lock().unwrap().clone()
    }

    fn page(&self, request: &FeedRequest) -> Page {
        let manners = self.manners();
        let far = self.far.lock().unwrap();
        let from: u64 = request.cursor.as_deref().map_or(0, |c| c.parse().unwrap());
        let mut rows = far.rows(&request.object);
        rows.sort_by_key(|(_, row)| row.version);
        let limit = if manners.page == 0 {
            1000
        } else {
            manners.page
        };
        let newer: Vec<_> = rows.iter().filter(|(_, row)| row.version > from).collect();
        let taken: Vec<_> = newer.iter().take(limit).copied().copied().collect();
        let mut items: Vec<Item> = Vec::new();
        if manners.repeats
            && let Some((id, row)) = rows.iter().rfind(|(_, row)| row.version <= from)
        {
            items.push(item(&request.object, id, row));
        }
        items.extend(taken.iter().map(|(id, row)| item(&request.object, id, row)));
        if manners.endless {
            return Page {
                items,
                next: request.cursor.clone(),
                complete: false,
            };
        }
        let next = taken.last().map_or(from, |(_, row)| row.version);
        Page {
            complete: newer.len() <= limit,
            items,
            next: Some(next.to_string()),
        }
    }
}

fn item(object: &str, id: &str, row: &Row) -> Item {
    Item {
        object: object.to_owned(),
        id: id.to_owned(),
        version: row.version.to_string(),
        presence: row.presence.clone(),
        doc: row.doc.to_string(),
    }
}

#[async_trait]
impl Connector for Side {
    fn digest(&self) -> PluginDigest {
        PluginDigest::new("00")
    }

    async fn describe(&self) -> Result<Description, CallError> {
        let manners = self.manners();
        let objects = self.objects.iter().map(|name| {
            let fields = manners.fields.get(*name);
            ObjectDescription {
                name: (*name).to_owned(),
                fields: fields
                    .into_iter()
                    .flatten()
                    .map(|path| FieldDescription {
                        path: path.clone(),
                        kind: "text".to_owned(),
                        max_length: None,
                        required: false,
                        money: false,
                    })
                    .collect(),
                open: fields.is_none(),
                natural_keys: vec!["url".to_owned(), "number".to_owned(), "key".to_owned()],
                batch_size: 50,
                unique_keys: match *name {
                    "customer" => vec!["name".to_owned(), "number".to_owned()],
                    "invoice" if manners.unique_numbers => vec!["number".to_owned()],
                    name if name.starts_with("receivable-") => vec!["key".to_owned()],
                    _ => Vec::new(),
                },
                feed: true,
            }
        });
        Ok(Description {
            provider: "plain".to_owned(),
            objects: objects.collect(),
        })
    }

    async fn discover(&self) -> Result<Vec<OrganisationFound>, CallError> {
        self.life.alive().await;
        let manners = self.manners();
        let sandbox = manners.sandbox;
        let found = manners.organisations.into_iter().map(|(id, name)| {
            let mut doc = json!({
                "id": id, "name": name, "country": "GB", "base_currency": "GBP",
                "time_zone": "Europe/London", "registered_for_tax": true, "currencies": ["GBP"],
            });
            for (name, value) in &manners.settings {
                doc[name] = json!(value);
            }
            OrganisationFound {
                id,
                name,
                test: sandbox,
                doc: doc.to_string(),
            }
        });
        Ok(found.collect())
    }

    async fn read_changes(&self, request: FeedRequest) -> Result<(Page, Kept), CallError> {
        self.life.alive().await;
        if request.object.starts_with("receivable-") && !self.far.lock().unwrap().provisioned {
            return Err(CallError::Failure(Failure::new(
                FailureKind::Misconfigured,
                "unknown-object",
                "sObject type 'Footbridge_Document__c' is not supported.",
            )));
        }
        if let Some(refusal) = self.manners().unreadable.get(&request.object) {
            return Err(CallError::Failure(refusal.clone()));
        }
        let mut kept = self
            .storage
            .open("side", &self.name, 1 << 20)
            .await
            .unwrap();
        let last = kept.get(&request.object).await.unwrap();
        if let Some(cursor) = &request.cursor {
            let last = last.map(|entry| String::from_utf8(entry.value).unwrap());
            assert_eq!(
                last.as_ref(),
                Some(cursor),
                "kept with the cursor, in one commit"
            );
        }
        let page = self.page(&request);
        let next = page.next.clone().unwrap_or_default();
        kept.set(&request.object, next.into_bytes()).await.unwrap();
        if self
            .intruder
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
            .is_ok()
        {
            let second = PluginStorage::new(Arc::clone(&self.store));
            let mut other = second.open("side", &self.name, 1 << 20).await.unwrap();
            other.increment("seen by another", 1).await.unwrap();
            second.commit(Kept::of(other)).await.unwrap();
        }
        Ok((page, Kept::of(kept)))
    }

    async fn countable(&self) -> Result<Vec<Countable>, CallError> {
        let pace = self.manners().counts;
        let objects = self.objects.iter().filter(|name| **name != "item");
        let offered = objects.filter_map(|name| {
            let object = (*name).to_owned();
            pace.map(|pace| Countable { object, pace })
        });
        Ok(offered.collect())
    }

    async fn count(&self, objects: Vec<String>) -> Result<Vec<Tally>, CallError> {
        self.life.alive().await;
        let uncountable = self.manners().uncountable;
        let mut far = self.far.lock().unwrap();
        let tallies = objects.into_iter().map(|object| {
            far.counted.push(object.clone());
            let there = |row: &Row| {
                let status = row.doc["status"].as_str();
                row.presence == Presence::Present && !matches!(status, Some("voided" | "deleted"))
            };
            let rows = far.rows(&object);
            let seen = rows.iter().filter(|(_, row)| there(row)).count();
            let records = match uncountable.contains(&object.as_str()) {
                true => Err(Problem::new("not-authorised", "no right to count")),
                false => Ok(u64::try_from(seen).unwrap()),
            };
            Tally { object, records }
        });
        Ok(tallies.collect())
    }

    async fn fetch(
        &self,
        object: &str,
        ids: Vec<String>,
        fields: Vec<String>,
    ) -> Result<Found, CallError> {
        self.life.alive().await;
        let mut far = self.far.lock().unwrap();
        far.looks += 1;
        let asked: Vec<&str> = fields
            .iter()
            .filter_map(|field| field.split(['.', '[']).next())
            .collect();
        let manners = self.manners();
        let what = format!("{object} by id");
        if let Some(refusal) = manners.unreadable.get(&what) {
            if refusal.retry_after_seconds.is_some() {
                // Asked to wait once; then it is answered.
                self.manners.lock().unwrap().unreadable.remove(&what);
            }
            return Err(CallError::Failure(refusal.clone()));
        }
        far.fetched
            .extend(ids.iter().map(|id| format!("{object} {id}")));
        let rows = far.rows(object);
        let found = rows.iter().filter(|(id, _)| {
            ids.iter().any(|asked| names(asked, id)) && !manners.hidden.contains(id)
        });
        // Of records in the vocabularies all is told; of others what was asked for.
        let whole = object.starts_with(char::is_lowercase);
        let items = found.map(|(id, row)| {
            let mut row = (*row).clone();
            row.doc
                .as_object_mut()
                .unwrap()
                .retain(|field, _| whole || asked.contains(&field.as_str()));
            item(object, id, &row)
        });
        Ok(Found {
            items: items.collect(),
            complete: true,
        })
    }

    async fn find(&self, criteria: Criteria) -> Result<Found, CallError> {
        self.life.alive().await;
        let mut far = self.far.lock().unwrap();
        far.looks += 1;
        let seen = far.now - far.list_lag;
        let rows = far.rows(&criteria.object);
        let found = rows.iter().filter(|(_, row)| {
            let value = row.doc[&criteria.key].as_str().unwrap_or_default();
            row.at <= seen && criteria.values.iter().any(|wanted| wanted == value)
        });
        Ok(Found {
            items: found
                .map(|(id, row)| item(&criteria.object, id, row))
                .collect(),
            complete: far.find_complete,
        })
    }

    async fn prepare(&self, operations: Vec<Operation>) -> Result<Vec<WriteRequest>, CallError> {
        let manners = self.manners();
        let refusal = |extra: Option<String>| {
            let mut failure =
                Failure::new(FailureKind::Rejected, "too-long", "the text is too long");
            failure.problem.extra = extra;
            CallError::Failure(failure)
        };
        for operation in &operations {
            let holds =
                |text: &Option<String>| text.as_ref().is_some_and(|t| operation.doc.contains(t));
            if holds(&manners.unwritable) {
                return Err(refusal(Some(format!("operation {}", operation.id))));
            }
            if holds(&manners.unwritable_unnamed) {
                return Err(refusal(None));
            }
        }
        let mut groups: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
        for operation in operations {
            groups
                .entry(operation.object.clone())
                .or_default()
                .push(operation);
        }
        let mut requests = Vec::new();
        for (object, operations) in groups {
            for chunk in operations.chunks(manners.batch.max(1)) {
                requests.push(WriteRequest {
                    service: "api".to_owned(),
                    method: Method::Post,
                    path: format!("/{object}"),
                    query: Vec::new(),
                    headers: Vec::new(),
                    content_type: "application/json".to_owned(),
                    body: serde_json::to_vec(chunk).unwrap(),
                    operations: chunk.iter().map(|o| o.id.clone()).collect(),
                });
            }
        }
        Ok(requests)
    }

    async fn interpret(
        &self,
        request: &WriteRequest,
        answer: &Answer,
    ) -> Result<Vec<Outcome>, CallError> {
        self.life.alive().await;
        let all = |kind: FailureKind, retry: Option<u32>| {
            let outcomes = request.operations.iter().map(|id| Outcome {
                operation: id.clone(),
                verdict: Verdict::Failed(Failure {
                    retry_after_seconds: retry,
                    ..Failure::new(kind, "server-error", answer.body.clone())
                }),
            });
            Ok(outcomes.collect())
        };
        match answer.status {
            200 if answer.json => {}
            200 => {
                return Err(CallError::Plugin {
                    plugin: self.name.to_string(),
                    what: "trapped: unreachable".to_owned(),
                });
            }
            400 if request.operations.len() > 1 => {
                let mut whole: Vec<Outcome> = all(FailureKind::Retry, None)?;
                for outcome in &mut whole {
                    if let Verdict::Failed(failure) = &mut outcome.verdict {
                        failure.problem.extra = Some("whole-request".to_owned());
                    }
                }
                return Ok(whole);
            }
            400 => return all(FailureKind::Rejected, None),
            401 => return all(FailureKind::AuthExpired, None),
            420 => return all(FailureKind::Quota, None),
            429 => return all(FailureKind::Retry, answer.body.parse().ok()),
            _ => return all(FailureKind::InDoubt, None),
        }
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let outcomes = body["results"].as_array().unwrap().iter().map(outcome);
        Ok(outcomes.collect())
    }
}

/// By its whole id, or the first 15 of 18 characters.
fn names(asked: &str, id: &str) -> bool {
    asked == id || (id.len() == 18 && id.get(..15) == Some(asked))
}

fn outcome(result: &Value) -> Outcome {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let verdict = match result.get("applied") {
        Some(applied) => Verdict::Applied(Applied {
            id: text(&applied["id"]),
            version: applied["version"].as_str().map(str::to_owned),
            doc: text(&applied["doc"]),
            warnings: Vec::new(),
        }),
        None => {
            let kind = serde_json::from_value(result["failed"].clone()).unwrap();
            Verdict::Failed(Failure::new(
                kind,
                result["code"].as_str().unwrap_or("validation-rule"),
                text(&result["message"]),
            ))
        }
    };
    Outcome {
        operation: text(&result["id"]),
        verdict,
    }
}

/// The way out and the time.
pub(crate) struct Wire {
    pub(crate) far: Arc<Mutex<Far>>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) life: Arc<Life>,
    pub(crate) keyed: Vec<ConnectionId>,
    pub(crate) switch: Arc<Switch>,
}

/// A person's switch: the flow stops once so many requests were sent.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) after: AtomicUsize,
    sent: AtomicUsize,
}

impl Switch {
    pub(crate) fn go() -> Arc<Self> {
        Arc::new(Self {
            after: AtomicUsize::new(usize::MAX),
            sent: AtomicUsize::new(0),
        })
    }
}

impl Wire {
    /// Another flow over the same store reads a deal in a newer version, while this one is under way.
    async fn hear(&self, deal: &str) {
        let key = Key::new("record").text("crm").text("crm-1");
        let key = key.text("Opportunity").text(deal).to_vec();
        let known = self.store.get(&key).await.unwrap().unwrap();
        let mut row: Value = serde_json::from_slice(&known.value).unwrap();
        row["row"]["version"] = json!("newer");
        let value = serde_json::to_vec(&row).unwrap();
        self.store
            .commit(WriteSet::new().put(key, value))
            .await
            .unwrap();
    }
}

#[async_trait]
impl Outbound for Wire {
    fn stopped(&self, _: &FlowName) -> Option<String> {
        let most = self.switch.after.load(Ordering::SeqCst);
        let over = self.switch.sent.load(Ordering::SeqCst) >= most;
        over.then(|| "Anna stopped it: prices are wrong".to_owned())
    }

    async fn send(&self, connection: &ConnectionId, request: &WriteRequest, key: &str) -> Sent {
        self.life.alive().await;
        self.switch.sent.fetch_add(1, Ordering::SeqCst);
        let keyed = self.keyed.contains(connection);
        let heard = {
            let mut far = self.far.lock().unwrap();
            let invoices = request.path == "/invoice";
            far.heard_meanwhile.take_if(|_| invoices)
        };
        if let Some(deal) = heard {
            self.hear(&deal).await;
        }
        self.far.lock().unwrap().send(request, key, keyed)
    }
}

#[async_trait]
impl Clock for Wire {
    fn now(&self) -> DateTime<Utc> {
        let far = self.far.lock().unwrap();
        far.now + far.skew
    }

    async fn sleep(&self, duration: Duration) {
        self.life.alive().await;
        let time = TimeDelta::from_std(duration).unwrap();
        self.far.lock().unwrap().pass(time);
    }
}

/// A mapping: an account is a customer, an opportunity an invoice of one line.
pub(crate) struct Mapping {
    pub(crate) reads: Vec<(String, Vec<String>)>,
}

#[async_trait]
impl Transform for Mapping {
    fn digest(&self) -> PluginDigest {
        PluginDigest::new("01")
    }

    async fn describe(&self, _: &str) -> Result<TransformDescription, TransformError> {
        Ok(TransformDescription {
            reads: self.reads.clone(),
            writes: vec![
                ("customer".to_owned(), vec!["name".to_owned()]),
                ("invoice".to_owned(), vec!["lines".to_owned()]),
            ],
        })
    }

    async fn apply(
        &self,
        batch: TransformBatch,
    ) -> Result<Vec<Result<Vec<Draft>, Problem>>, CallError> {
        if batch
            .inputs
            .iter()
            .any(|(_, _, doc)| doc.contains("\"Trap\""))
        {
            return Err(CallError::Plugin {
                plugin: "mapping".to_owned(),
                what: "trapped: unreachable".to_owned(),
            });
        }
        let drafted = batch.inputs.iter().map(|(object, _, doc)| {
            let doc: Value = serde_json::from_str(doc).unwrap();
            let (object, draft) = if object == "Account" {
                let mut draft = json!({"name": doc["Name"]});
                for (theirs, ours) in [("Email", "email"), ("TaxNumber", "tax_number")] {
                    if let Some(value) = doc.get(theirs) {
                        draft[ours] = value.clone();
                    }
                }
                if let Some(phone) = doc.get("Phone") {
                    draft["phones"] = json!([{"kind": "main", "number": phone}]);
                }
                if let Some(city) = doc.get("City") {
                    let country = doc["Country"].clone();
                    draft["addresses"] = json!([{"kind": "billing", "city": city, "country": country}]);
                }
                ("customer", draft)
            } else {
                let lines = json!([{"description": doc["Name"], "quantity": "1", "unit_amount": doc["Amount"]}]);
                let id = match doc["Name"].as_str() {
                    Some("Thief") => json!("acc2"),
                    _ => doc["AccountId"].clone(),
                };
                let customer = json!({"$ref": {"object": "Account", "id": id}});
                let mut draft = json!({"customer": customer, "due_date": "2027-01-31", "lines": lines, "reference": doc["Name"]});
                if doc["Name"] == "Greedy" {
                    draft["currency"] = json!("USD");
                }
                ("invoice", draft)
            };
            Ok(vec![Draft {
                object: object.to_owned(),
                doc: draft.to_string(),
            }])
        });
        Ok(drafted.collect())
    }
}
