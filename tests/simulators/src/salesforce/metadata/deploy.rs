//! Deployments: queued, carried out one at a time, all or nothing where the client asked for it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::package::{self, Flaw, Package, Root};
use super::{Effect, Kind, Metadata, Site, id_of};
use crate::salesforce::defect::Defect;
use crate::salesforce::store::Store;
use crate::salesforce::value::instant_text;

/// What the client asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    pub(crate) on_error: OnError,
    pub(crate) root: Root,
    /// As given, with the defaults filled in.
    shown: Value,
}

/// Whether a deployment takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Deploy,
    CheckOnly,
}

/// What one failure does to the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnError {
    RollBack,
    KeepTheRest,
}

impl Options {
    /// Reads `deployOptions`.
    pub(crate) fn read(given: &Value) -> Self {
        let mut shown = json!({
            "allowMissingFiles": false, "autoUpdatePackage": false, "checkOnly": false, "ignoreWarnings": false,
            "performRetrieve": false, "purgeOnDelete": false, "rollbackOnError": false, "runTests": null,
            "singlePackage": false, "testLevel": "NoTestRun",
        });
        if let (Some(shown), Some(given)) = (shown.as_object_mut(), given.as_object()) {
            shown.extend(given.clone());
        }
        let on = |name: &str| match shown.get(name) {
            Some(Value::String(text)) => text == "true",
            Some(value) => value == &Value::Bool(true),
            None => false,
        };
        Self {
            mode: if on("checkOnly") {
                Mode::CheckOnly
            } else {
                Mode::Deploy
            },
            on_error: if on("rollbackOnError") {
                OnError::RollBack
            } else {
                OnError::KeepTheRest
            },
            root: if on("singlePackage") {
                Root::Itself
            } else {
                Root::Folder
            },
            shown,
        }
    }
}

/// How far a deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    InProgress,
    Succeeded,
    SucceededPartial,
    Failed,
    Canceled,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::SucceededPartial => "SucceededPartial",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
        }
    }

    fn is_done(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress)
    }
}

/// One deployment.
#[derive(Debug)]
pub(crate) struct Job {
    id: String,
    options: Options,
    package: Package,
    status: Status,
    queued: DateTime<Utc>,
    started: Option<DateTime<Utc>>,
    completed: Option<DateTime<Utc>>,
    looked_at: u32,
    user: String,
    most_fields: usize,
    messages: Vec<Value>,
    errors: usize,
    deployed: usize,
}

/// All deployments, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    jobs: Vec<Job>,
}

/// How long one takes if nobody looks.
const SECONDS: i64 = 20;

impl Queue {
    /// Queues a zip.
    pub(crate) fn add(
        &mut self,
        id: String,
        zip: &[u8],
        options: Options,
        now: DateTime<Utc>,
        user: (&str, usize),
    ) -> Value {
        let (user, most_fields) = user;
        let job = Job {
            most_fields,
            package: package::read(zip, options.root),
            id,
            options,
            status: Status::Pending,
            queued: now,
            started: None,
            completed: None,
            looked_at: 0,
            user: user.to_owned(),
            messages: Vec::new(),
            errors: 0,
            deployed: 0,
        };
        let shown = job.show(Details::Left);
        self.jobs.push(job);
        shown
    }

    /// One deployment as the client sees it; each look brings it a step further.
    pub(crate) fn look(
        &mut self,
        id: &str,
        details: Details,
        store: &mut Store,
        metadata: &mut Metadata,
        now: DateTime<Utc>,
    ) -> Option<Value> {
        let first = self.jobs.iter().position(|job| !job.status.is_done());
        let position = self
            .jobs
            .iter()
            .position(|job| job.id == id || job.id.get(..15) == Some(id))?;
        let job = self.jobs.get_mut(position)?;
        let shown = job.show(details);
        if first == Some(position) {
            job.looked_at += 1;
            if job.looked_at > 1 {
                job.carry_out(store, metadata, now);
            } else {
                job.status = Status::InProgress;
                job.started = Some(now);
            }
        }
        Some(shown)
    }

    /// Id, state, user and beginning of each, as the Tooling API shows them.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&str, &'static str, &str, DateTime<Utc>)> {
        self.jobs.iter().map(|job| {
            (
                job.id.as_str(),
                job.status.name(),
                job.user.as_str(),
                job.queued,
            )
        })
    }

    /// Carries out what had time enough, whether anybody looked or not.
    pub(crate) fn settle(
        &mut self,
        store: &mut Store,
        metadata: &mut Metadata,
        now: DateTime<Utc>,
    ) {
        for job in &mut self.jobs {
            if !job.status.is_done() {
                if now - job.queued < Duration::seconds(SECONDS) {
                    return;
                }
                job.carry_out(store, metadata, now);
            }
        }
    }

    /// Cancels a deployment that has not begun; `None` if there is none, `false` if it is too late.
    pub(crate) fn cancel(&mut self, id: &str, now: DateTime<Utc>) -> Option<(bool, Value)> {
        let job = self.jobs.iter_mut().find(|job| job.id == id)?;
        let open = job.status == Status::Pending;
        if open {
            job.status = Status::Canceled;
            job.completed = Some(now);
        }
        Some((open, job.show(Details::Left)))
    }
}

/// Whether messages are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Details {
    Included,
    Left,
}

impl Job {
    fn total(&self) -> usize {
        self.package.items.len() + self.package.deletions.len() + self.package.flaws.len()
    }

    fn show(&self, details: Details) -> Value {
        let date = |at: Option<DateTime<Utc>>| at.map(instant_text);
        let mut result = json!({
            "id": self.id, "done": self.status.is_done(), "status": self.status.name(),
            "success": matches!(self.status, Status::Succeeded | Status::SucceededPartial),
            "checkOnly": self.options.mode == Mode::CheckOnly, "ignoreWarnings": false,
            "rollbackOnError": self.options.on_error == OnError::RollBack, "runTestsEnabled": false,
            "numberComponentErrors": self.errors, "numberComponentsDeployed": self.deployed, "numberComponentsTotal": self.total(),
            "numberTestErrors": 0, "numberTestsCompleted": 0, "numberTestsTotal": 0,
            "createdBy": self.user, "createdByName": "Integration User", "createdDate": instant_text(self.queued),
            "startDate": date(self.started), "completedDate": date(self.completed),
            "lastModifiedDate": instant_text(self.completed.or(self.started).unwrap_or(self.queued)),
        });
        if let (Details::Included, Some(members)) = (details, result.as_object_mut()) {
            let (good, bad): (Vec<Value>, Vec<Value>) = self
                .messages
                .iter()
                .cloned()
                .partition(|message| message.get("success") == Some(&Value::Bool(true)));
            let tests = json!({"numFailures": 0, "numTestsRun": 0, "totalTime": 0.0, "codeCoverage": [], "codeCoverageWarnings": [], "failures": [], "successes": []});
            members.insert(
                "details".to_owned(),
                json!({"allComponentMessages": [], "componentFailures": bad, "componentSuccesses": good, "retrieveResult": null, "runTestResult": tests}),
            );
        }
        json!({"id": self.id, "validatedDeployRequestId": null, "deployOptions": self.options.shown, "deployResult": result})
    }

    fn carry_out(&mut self, store: &mut Store, metadata: &mut Metadata, now: DateTime<Utc>) {
        self.started = self.started.or(Some(now));
        self.completed = Some(now);
        let mut site = Site {
            store: store.clone(),
            metadata: metadata.clone(),
            now,
            user: self.user.clone(),
            most_fields: self.most_fields,
        };
        for flaw in &self.package.flaws {
            self.messages.push(flawed(flaw, now));
        }
        let mut failed = !self.package.flaws.is_empty();
        if !failed || self.options.on_error == OnError::KeepTheRest {
            failed |= self.deletions(&mut site, "destructiveChangesPost.xml", Order::Before);
            failed |= self.items(&mut site);
            failed |= self.deletions(&mut site, "destructiveChangesPost.xml", Order::After);
        }
        let is_good = |message: &&Value| message.get("success") == Some(&Value::Bool(true));
        self.deployed = self.messages.iter().filter(is_good).count();
        self.errors = self.messages.len() - self.deployed;
        let keep = match (failed, self.options.on_error) {
            (true, _) if store.has(Defect::DeploymentAlwaysSucceeds) => {
                self.status = Status::Succeeded;
                false
            }
            (false, _) => {
                self.status = Status::Succeeded;
                true
            }
            (true, OnError::KeepTheRest) if self.deployed > 0 => {
                self.status = Status::SucceededPartial;
                true
            }
            (true, _) => {
                self.status = Status::Failed;
                false
            }
        };
        let takes_effect = self.options.mode == Mode::Deploy || store.has(Defect::CheckDeploys);
        if keep && takes_effect {
            *store = site.store;
            *metadata = site.metadata;
            store.commit();
        }
    }

    /// Applies what comes, again and again while that gets further: what refers to each other within one
    /// deployment finds each other.
    fn items(&mut self, site: &mut Site) -> bool {
        let mut waiting = self.package.items.clone();
        let mut failures: BTreeMap<(Kind, String), String> = BTreeMap::new();
        loop {
            let before = waiting.len();
            failures.clear();
            waiting.retain(|item| {
                let outcome = site.apply(item.kind, &item.full_name, &item.definition);
                match outcome {
                    Ok(effect) => {
                        let message =
                            message(item.kind, &item.full_name, &item.file, effect, site.now);
                        self.messages.push(message);
                        false
                    }
                    Err(problem) => {
                        failures.insert((item.kind, item.full_name.clone()), problem);
                        true
                    }
                }
            });
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        for item in &waiting {
            let problem = failures
                .remove(&(item.kind, item.full_name.clone()))
                .unwrap_or_default();
            self.messages.push(failure(
                item.kind.name(),
                &item.full_name,
                &item.file,
                &problem,
                site.now,
            ));
        }
        !waiting.is_empty()
    }

    fn deletions(&mut self, site: &mut Site, post: &str, order: Order) -> bool {
        let due = |file: &str| (file == post) == (order == Order::After);
        let mut waiting: Vec<_> = self
            .package
            .deletions
            .iter()
            .filter(|(_, _, file)| due(file))
            .cloned()
            .collect();
        // Parts go before what they are part of.
        waiting.sort_by_key(|(kind, _, _)| std::cmp::Reverse(*kind));
        let mut problems: BTreeSet<(String, String)> = BTreeSet::new();
        loop {
            let before = waiting.len();
            problems.clear();
            waiting.retain(|(kind, name, file)| match site.remove(*kind, name) {
                Ok(effect) => {
                    self.messages
                        .push(message(*kind, name, file, effect, site.now));
                    false
                }
                Err(problem) => {
                    problems.insert((name.clone(), problem));
                    true
                }
            });
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        for (kind, name, file) in &waiting {
            let problem = problems
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, problem)| problem.clone())
                .unwrap_or_default();
            self.messages
                .push(failure(kind.name(), name, file, &problem, site.now));
        }
        !waiting.is_empty()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Before,
    After,
}

fn message(kind: Kind, name: &str, file: &str, effect: Effect, now: DateTime<Utc>) -> Value {
    let missing = effect == Effect::Missing;
    json!({
        "componentType": kind.name(), "fullName": name, "fileName": file, "id": (!missing).then(|| id_of(kind, name)),
        "created": effect == Effect::Created, "changed": matches!(effect, Effect::Created | Effect::Changed),
        "deleted": effect == Effect::Deleted, "success": true, "warning": missing, "createdDate": instant_text(now),
        "problem": missing.then(|| format!("No {} named: {name} found", kind.name())),
        "problemType": missing.then_some("Warning"), "lineNumber": null, "columnNumber": null,
    })
}

fn failure(kind: &str, name: &str, file: &str, problem: &str, now: DateTime<Utc>) -> Value {
    json!({
        "componentType": kind, "fullName": name, "fileName": file, "id": null, "created": false, "changed": false, "deleted": false,
        "success": false, "warning": false, "createdDate": instant_text(now), "problem": problem, "problemType": "Error",
        "lineNumber": null, "columnNumber": null,
    })
}

fn flawed(flaw: &Flaw, now: DateTime<Utc>) -> Value {
    failure(&flaw.kind, &flaw.full_name, &flaw.file, &flaw.problem, now)
}
