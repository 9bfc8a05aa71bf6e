//! Provisioning over a far side that deploys in its own time: to the end from wherever it was cut off, never beyond what was shown, and
//! nothing sent again without a look.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use footbridge_engine::EngineError;
use footbridge_engine::ports::{CallError, Clock, Outbound, Sent};
use footbridge_engine::provision::{Provisioner, Provisioning, ProvisioningParts, Step};
use footbridge_model::failure::{Failure, FailureKind};
use footbridge_model::id::{ConnectionId, PluginDigest};
use footbridge_model::plugin::{Answer, Method, OrganisationFound, WriteRequest};
use footbridge_model::provision::{Findings, Part, PartKind, PartState, Progress, Wish};
use footbridge_store::{Backend, Bodies};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// What becomes of the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// It arrives, and its answer doesn't.
    AnswerLost,
    /// It doesn't arrive, and nobody can tell.
    LostOnTheWay,
    Refused,
}

#[derive(Debug)]
struct Org {
    id: &'static str,
    there: BTreeSet<String>,
    /// A deployment: its parts, and looks until it is done.
    deploying: Option<(Vec<String>, u32)>,
    fates: Vec<Fate>,
    sent: Vec<Vec<String>>,
    now: DateTime<Utc>,
    /// Calls until the process dies.
    alive: Option<u32>,
}

/// The far side, the connector to it, the way out and the clock in one.
#[derive(Clone)]
struct Far {
    org: Arc<Mutex<Org>>,
    died: Arc<Notify>,
}

const WANTED: [(&str, PartKind); 3] = [
    ("Thing", PartKind::Object),
    ("Rights", PartKind::Assignment),
    ("Page", PartKind::RelatedList),
];

impl Far {
    fn new() -> Self {
        Self {
            org: Arc::new(Mutex::new(Org {
                id: "org-1",
                there: BTreeSet::new(),
                deploying: None,
                fates: Vec::new(),
                sent: Vec::new(),
                now: Utc.with_ymd_and_hms(2026, 11, 30, 9, 0, 0).unwrap(),
                alive: None,
            })),
            died: Arc::new(Notify::new()),
        }
    }

    /// Every call may be the last of this process.
    async fn alive(&self) {
        let dead = {
            let mut org = self.org.lock().unwrap();
            match &mut org.alive {
                Some(0) => true,
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => false,
            }
        };
        if dead {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }

    fn org<T>(&self, look: impl FnOnce(&mut Org) -> T) -> T {
        look(&mut self.org.lock().unwrap())
    }
}

fn part(name: &str, kind: PartKind, state: PartState) -> Part {
    Part {
        kind,
        name: name.to_owned(),
        label: name.to_owned(),
        state,
        note: None,
    }
}

fn request(path: &str, names: &[&str]) -> WriteRequest {
    WriteRequest {
        service: "data".into(),
        method: Method::Post,
        path: path.into(),
        query: Vec::new(),
        headers: Vec::new(),
        content_type: "text/plain".into(),
        body: names.join(",").into_bytes(),
        operations: names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[async_trait]
impl Provisioner for Far {
    fn digest(&self) -> PluginDigest {
        PluginDigest::new("01")
    }

    async fn discover(&self) -> Result<Vec<OrganisationFound>, CallError> {
        self.alive().await;
        Ok(vec![OrganisationFound {
            id: self.org(|org| org.id.to_owned()),
            name: "Harbour".into(),
            test: false,
            doc: "{}".into(),
        }])
    }

    async fn survey(&self, _wish: Wish) -> Result<Findings, CallError> {
        self.alive().await;
        Ok(self.org(|org| {
            let state = |name: &str| match org.there.contains(name) {
                true => PartState::Present,
                false => PartState::Missing,
            };
            let has = |name: &str| org.there.contains(name);
            let next = match (has("Thing"), has("Rights"), has("Page")) {
                (false, _, _) => vec![request("/deploy", &["Thing"])],
                (true, rights, page) => [("Rights", rights), ("Page", page)]
                    .into_iter()
                    .filter(|(_, there)| !there)
                    .map(|(name, _)| request("/one", &[name]))
                    .collect(),
            };
            let under_way = org.deploying.is_some();
            Findings {
                parts: WANTED
                    .iter()
                    .map(|(name, kind)| part(name, *kind, state(name)))
                    .collect(),
                next: if under_way { Vec::new() } else { next },
                under_way: under_way.then(|| "job".to_owned()),
                notes: Vec::new(),
            }
        }))
    }

    async fn read_answer(
        &self,
        request: &WriteRequest,
        answer: &Answer,
    ) -> Result<Progress, CallError> {
        Ok(match (answer.status, request.path.as_str()) {
            (201, "/deploy") => Progress::UnderWay {
                handle: "job".into(),
                done: 0,
                total: 3,
            },
            (201, _) => Progress::Done,
            _ => Progress::Failed(vec![Failure::new(
                FailureKind::Misconfigured,
                "not-authorised",
                "You may not. Get the right, then run again.",
            )]),
        })
    }

    async fn look(&self, handle: &str) -> Result<Progress, CallError> {
        self.alive().await;
        assert_eq!(handle, "job");
        Ok(self.org(|org| match org.deploying.take() {
            Some((names, 0)) => {
                org.there.extend(names);
                Progress::Done
            }
            Some((names, looks)) => {
                org.deploying = Some((names, looks - 1));
                Progress::UnderWay {
                    handle: "job".into(),
                    done: 1,
                    total: 3,
                }
            }
            None => Progress::Done,
        }))
    }
}

#[async_trait]
impl Outbound for Far {
    async fn send(&self, _: &ConnectionId, request: &WriteRequest, _: &str) -> Sent {
        self.alive().await;
        let fate = self.org(|org| {
            org.sent.push(request.operations.clone());
            let fate = match org.fates.is_empty() {
                true => Fate::Answered,
                false => org.fates.remove(0),
            };
            if matches!(fate, Fate::Answered | Fate::AnswerLost) {
                match request.path.as_str() {
                    "/deploy" => org.deploying = Some((request.operations.clone(), 2)),
                    _ => org.there.extend(request.operations.clone()),
                }
            }
            fate
        });
        // It arrived; what comes back may find nobody.
        self.alive().await;
        let answer = |status| {
            Sent::Answered(Answer {
                status,
                headers: Vec::new(),
                body: String::new(),
                json: false,
            })
        };
        match fate {
            Fate::Answered => answer(201),
            Fate::Refused => answer(403),
            Fate::AnswerLost | Fate::LostOnTheWay => Sent::Lost { why: "cut".into() },
        }
    }
}

#[async_trait]
impl Clock for Far {
    fn now(&self) -> DateTime<Utc> {
        self.org(|org| org.now)
    }

    async fn sleep(&self, duration: std::time::Duration) {
        self.alive().await;
        self.org(|org| org.now += TimeDelta::from_std(duration).unwrap());
    }
}

fn opened(far: &Far, folder: &std::path::Path) -> Provisioning {
    Provisioning::new(ProvisioningParts {
        store: footbridge_store::open(folder, Backend::Sled).unwrap(),
        bodies: Arc::new(Bodies::open(folder).unwrap()),
        clock: Arc::new(far.clone()),
        connector: Arc::new(far.clone()),
        outbound: Arc::new(far.clone()),
        connection: ConnectionId::new("crm"),
        pinned: None,
    })
}

async fn all(far: &Far, folder: &std::path::Path) -> Result<Findings, EngineError> {
    let provisioning = opened(far, folder);
    let shown = provisioning.survey(Wish::Present).await?;
    provisioning
        .carry_out(Wish::Present, &shown.parts, &|_: &Step| {})
        .await
}

#[tokio::test]
async fn everything_is_made_in_two_rounds_and_the_second_time_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let far = Far::new();
    assert!(all(&far, folder.path()).await.unwrap().is_done());
    assert_eq!(
        far.org(|org| org.sent.clone()),
        [["Thing"], ["Rights"], ["Page"]]
    );
    assert!(all(&far, folder.path()).await.unwrap().is_done());
    assert_eq!(far.org(|org| org.sent.len()), 3);
}

#[tokio::test]
async fn cut_off_anywhere_it_goes_on_and_sends_nothing_that_is_there() {
    let mut deaths = 0;
    for calls in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let far = Far::new();
        far.org(|org| org.alive = Some(calls));
        let finished = tokio::select! {
            made = all(&far, folder.path()) => made.is_ok(),
            () = far.died.notified() => false,
        };
        far.org(|org| org.alive = None);
        if finished {
            break;
        }
        deaths += 1;
        let made = all(&far, folder.path()).await.unwrap();
        assert!(made.is_done(), "cut off after {calls} calls");
        let sent = far.org(|org| org.sent.clone());
        assert!(sent.len() <= 4, "cut off after {calls} calls: {sent:?}");
        let twice = sent.iter().filter(|names| *names == &["Thing"]).count();
        assert_eq!(twice, 1, "cut off after {calls} calls: {sent:?}");
    }
    assert!(deaths > 10, "{deaths}");
}

#[tokio::test]
async fn a_lost_answer_is_found_out_by_looking() {
    for (fate, deployments) in [(Fate::AnswerLost, 1), (Fate::LostOnTheWay, 2)] {
        let folder = tempfile::tempdir().unwrap();
        let far = Far::new();
        far.org(|org| org.fates = vec![fate]);
        assert!(
            all(&far, folder.path()).await.unwrap().is_done(),
            "{fate:?}"
        );
        let sent = far.org(|org| org.sent.clone());
        let count = sent.iter().filter(|names| *names == &["Thing"]).count();
        assert_eq!(count, deployments, "{fate:?}: {sent:?}");
    }
}

#[tokio::test]
async fn a_refusal_stops_it_in_the_far_sides_words_and_leaves_nothing_open() {
    let folder = tempfile::tempdir().unwrap();
    let far = Far::new();
    far.org(|org| org.fates = vec![Fate::Refused]);
    let refused = all(&far, folder.path()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "crm is not set up: You may not. Get the right, then run again."
    );
    assert!(matches!(refused, EngineError::Provision { failures, .. } if failures.len() == 1));
    assert!(
        all(&far, folder.path()).await.unwrap().is_done(),
        "once there is the right"
    );
}

#[tokio::test]
async fn nothing_beyond_what_was_shown_and_nothing_in_another_organisation() {
    let folder = tempfile::tempdir().unwrap();
    let far = Far::new();
    let provisioning = opened(&far, folder.path());
    let mut shown = provisioning.survey(Wish::Present).await.unwrap().parts;
    shown.retain(|part| part.name != "Page");
    let stopped = provisioning
        .carry_out(Wish::Present, &shown, &|_: &Step| {})
        .await
        .unwrap_err();
    assert!(
        stopped
            .to_string()
            .contains("related list Page is different from what was shown"),
        "{stopped}"
    );
    assert_eq!(far.org(|org| org.sent.len()), 0);
    far.org(|org| org.id = "org-2");
    assert!(matches!(
        provisioning.survey(Wish::Present).await.unwrap_err(),
        EngineError::WrongOrganisation { .. }
    ));
}
