//! A connector component as the engine's `Connector`.
//!
//! Reads may reach the broker; `describe`, `prepare` and `interpret` reach nothing. It checks that every operation
//! stands in exactly one request and gets exactly one outcome; anything else is the plugin's fault and nothing is sent.
//! Next: `run.rs` makes the calls.

use crate::bindings::{counts, feed, lookup, provision, schema, setup, types, writes};
use crate::broker::Line;
use crate::convert::{self, Nonsense};
use crate::keyvalue::Space;
use crate::run::{Terms, Verdict, Work, call};
use crate::sandbox::Plugin;
use crate::state::Reach;
use async_trait::async_trait;
use footbridge_engine::EngineError;
use footbridge_engine::ports::{CallError, Connector};
use footbridge_engine::provision::Provisioner;
use footbridge_engine::storage::{KeepError, Kept, PluginStorage};
use footbridge_model::failure::{Failure, FailureKind};
use footbridge_model::id::{ConnectionId, PluginDigest};
use footbridge_model::plugin::{
    Answer, Countable, Criteria, Description, FeedRequest, Found, Operation, OrganisationFound,
    Outcome, Page, Tally, WriteRequest,
};
use footbridge_model::provision::{Findings, Progress, Wish};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Largest body of one write request, in bytes. Xero takes 3.5 MB, Salesforce more.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// So many times a call is made again because somebody else changed what the plugin keeps.
const MOST_REPEATS: u32 = 10;

/// A connector in the sandbox, on one connection.
pub(crate) struct SandboxedConnector {
    plugin: Arc<Plugin>,
    line: Arc<Line>,
    /// For plugins that import `keyvalue`.
    storage: Option<PluginStorage>,
    connection: ConnectionId,
}

/// Loads an interface of the instance and makes one call, which gives the named type.
macro_rules! work {
    ($interface:ident . $call:ident ( $($argument:ident),* ) -> $gives:ty) => {
        $crate::run::work::<$gives>(move |store, instance| {
            Box::pin(async move {
                let pre = instance.instance_pre(&*store);
                let guest = $interface::GuestIndices::new(&pre)?.load(&mut *store, instance)?;
                guest.$call(&mut *store, $(&$argument),*).await
            })
        })
    };
}
pub(crate) use work;

impl SandboxedConnector {
    pub(crate) fn new(
        plugin: Arc<Plugin>,
        line: Arc<Line>,
        storage: Option<PluginStorage>,
        connection: ConnectionId,
    ) -> Self {
        Self {
            storage: storage.filter(|_| plugin.imports("keyvalue")),
            plugin,
            line,
            connection,
        }
    }

    fn pure(&self) -> Terms {
        Terms::pure(self.plugin.sandbox.limits(), self.line.clone())
    }

    fn reading(&self, space: Option<Space>) -> Terms {
        Terms {
            reach: Reach::Reads {
                line: self.line.clone(),
                left: self.plugin.sandbox.limits().requests,
                space,
            },
            ..self.pure()
        }
    }

    /// The plugin's space for one call, once no other call works in it.
    async fn space(&self) -> Result<Option<Space>, CallError> {
        let Some(storage) = &self.storage else {
            return Ok(None);
        };
        let most = self.plugin.sandbox.limits().storage;
        let declared = self.plugin.installed.declared.as_ref();
        let asked = declared.and_then(|declared| declared.manifest.storage);
        let quota = asked.map_or(most, |asked| asked.min(most));
        let name = &self.plugin.installed.name;
        let opened = storage.open(name, &self.connection, quota).await;
        Ok(Some(Space::new(opened.map_err(unavailable)?)))
    }

    /// A call that reads. What it kept is durable before its result is used; if somebody else wrote meanwhile it is made again.
    async fn read<T: Send + 'static, R>(
        &self,
        work: impl Fn() -> Work<T>,
        finish: impl Fn(T) -> Result<R, Verdict>,
    ) -> Result<R, CallError> {
        for _ in 0..MOST_REPEATS {
            let space = self.space().await?;
            let terms = self.reading(space.clone());
            let result = call(&self.plugin, terms, work(), &finish).await?;
            let (Some(space), Some(storage)) = (space, &self.storage) else {
                return Ok(result);
            };
            match storage.commit(space.kept().await).await {
                Ok(()) => return Ok(result),
                Err(KeepError::Conflict) => {}
                Err(KeepError::Engine(error)) => return Err(unavailable(error)),
            }
        }
        Err(CallError::Failure(Failure::new(
            FailureKind::Retry,
            "storage",
            format!(
                "The storage of plugin {} was changed by someone else during each of {MOST_REPEATS} attempts. Is another Footbridge running on this data directory?",
                self.plugin.installed.name
            ),
        )))
    }

    fn needs(&self, interface: &str) -> Result<(), CallError> {
        if self.plugin.has(interface) {
            return Ok(());
        }
        Err(CallError::Failure(Failure::new(
            FailureKind::Misconfigured,
            "settings",
            format!(
                "Plugin {} has no `{interface}`. Use a plugin that has it, or a flow that doesn't need it.",
                self.plugin.installed.name
            ),
        )))
    }

    async fn prepare_chunk(
        &self,
        operations: &[Operation],
    ) -> Result<Vec<WriteRequest>, CallError> {
        let wanted: Vec<String> = operations.iter().map(|op| op.id.clone()).collect();
        let operations: Vec<_> = operations.iter().map(convert::operation).collect();
        call(
            &self.plugin,
            self.pure(),
            work!(writes.call_prepare(operations) -> Result<Vec<writes::WriteRequest>, types::Problem>),
            move |answer| match answer {
                Err(problem) => Err(said(Failure {
                    kind: FailureKind::Rejected,
                    problem: convert::problem(problem),
                    retry_after_seconds: None,
                })),
                Ok(requests) => {
                    let requests = requests.into_iter().map(convert::write_request).collect();
                    check_requests(&wanted, &requests)
                        .map(|()| requests)
                        .map_err(Verdict::Nonsense)
                }
            },
        )
        .await
    }
}

/// The data directory failed while a plugin's storage was opened or committed.
fn unavailable(error: EngineError) -> CallError {
    CallError::Failure(Failure::new(
        FailureKind::Misconfigured,
        "storage",
        error.to_string(),
    ))
}

#[async_trait]
impl Connector for SandboxedConnector {
    fn digest(&self) -> PluginDigest {
        self.plugin.installed.digest.clone()
    }

    async fn describe(&self) -> Result<Description, CallError> {
        self.needs("schema")?;
        call(
            &self.plugin,
            self.pure(),
            work!(schema.call_describe() -> schema::Description),
            |description| Ok(convert::description(description)),
        )
        .await
    }

    async fn discover(&self) -> Result<Vec<OrganisationFound>, CallError> {
        self.needs("setup")?;
        let work =
            || work!(setup.call_discover() -> Result<Vec<setup::Organisation>, types::Failure>);
        self.read(work, |answer| {
            let found = answer.map_err(|failure| said(convert::failure(failure)))?;
            let found: Result<_, Nonsense> = found.into_iter().map(convert::organisation).collect();
            found.map_err(Verdict::Nonsense)
        })
        .await
    }

    async fn read_changes(&self, request: FeedRequest) -> Result<(Page, Kept), CallError> {
        self.needs("feed")?;
        let request = feed::Request {
            object: request.object,
            cursor: request.cursor,
            limit: request.limit,
            fields: request.fields,
        };
        let limits = self.plugin.sandbox.limits();
        let work = work!(feed.call_read_changes(request) -> Result<feed::Page, types::Failure>);
        let space = self.space().await?;
        let page = call(&self.plugin, self.reading(space.clone()), work, |answer| {
            let page = answer.map_err(|failure| said(convert::failure(failure)))?;
            convert::page(page, limits).map_err(Verdict::Nonsense)
        })
        .await?;
        let kept = match space {
            Some(space) => space.kept().await,
            None => Kept::default(),
        };
        Ok((page, kept))
    }

    async fn fetch(
        &self,
        object: &str,
        ids: Vec<String>,
        fields: Vec<String>,
    ) -> Result<Found, CallError> {
        self.needs("lookup")?;
        let object = object.to_owned();
        let limits = self.plugin.sandbox.limits();
        let work = || {
            let (object, ids, fields) = (object.clone(), ids.clone(), fields.clone());
            work!(lookup.call_fetch(object, ids, fields) -> Result<lookup::Found, types::Failure>)
        };
        self.read(work, |answer| {
            let found = answer.map_err(|failure| said(convert::failure(failure)))?;
            convert::found(found, limits).map_err(Verdict::Nonsense)
        })
        .await
    }

    async fn find(&self, criteria: Criteria) -> Result<Found, CallError> {
        self.needs("lookup")?;
        let criteria = lookup::Criteria {
            object: criteria.object,
            key: criteria.key,
            values: criteria.values,
            parents: criteria.parents,
            changed_since: criteria.changed_since,
            fields: criteria.fields,
        };
        let limits = self.plugin.sandbox.limits();
        let work = || {
            let criteria = criteria.clone();
            work!(lookup.call_find(criteria) -> Result<lookup::Found, types::Failure>)
        };
        self.read(work, |answer| {
            let found = answer.map_err(|failure| said(convert::failure(failure)))?;
            convert::found(found, limits).map_err(Verdict::Nonsense)
        })
        .await
    }

    async fn countable(&self) -> Result<Vec<Countable>, CallError> {
        if !self.plugin.has("counts") {
            return Ok(Vec::new());
        }
        call(
            &self.plugin,
            self.pure(),
            work!(counts.call_offered() -> Vec<counts::Countable>),
            |offered| Ok(offered.into_iter().map(convert::countable).collect()),
        )
        .await
    }

    async fn count(&self, objects: Vec<String>) -> Result<Vec<Tally>, CallError> {
        self.needs("counts")?;
        let wanted = objects.clone();
        let work = || {
            let objects = objects.clone();
            work!(counts.call_count(objects) -> Result<Vec<counts::Tally>, types::Failure>)
        };
        self.read(work, |answer| {
            let tallies = answer.map_err(|failure| said(convert::failure(failure)))?;
            let given = tallies.iter().map(|tally| tally.object.as_str());
            exactly_once(&wanted, given, ("answer", "object")).map_err(Verdict::Nonsense)?;
            Ok(tallies.into_iter().map(convert::tally).collect())
        })
        .await
    }

    async fn prepare(&self, operations: Vec<Operation>) -> Result<Vec<WriteRequest>, CallError> {
        self.needs("writes")?;
        let limits = self.plugin.sandbox.limits();
        let mut requests = Vec::new();
        for chunk in chunks(
            &operations,
            |op| op.doc.len(),
            limits.batch_items,
            limits.batch_bytes,
        ) {
            requests.extend(self.prepare_chunk(chunk).await?);
        }
        Ok(requests)
    }

    async fn interpret(
        &self,
        request: &WriteRequest,
        answer: &Answer,
    ) -> Result<Vec<Outcome>, CallError> {
        self.needs("writes")?;
        let wanted = request.operations.clone();
        let request = convert::write_request_back(request);
        let answer = convert::answer(answer);
        let work = work!(writes.call_interpret(request, answer) -> Vec<writes::Outcome>);
        call(&self.plugin, self.pure(), work, move |outcomes| {
            let given = outcomes.iter().map(|outcome| outcome.operation.as_str());
            exactly_once(&wanted, given, ("outcome", "operation")).map_err(Verdict::Nonsense)?;
            let outcomes: Result<_, Nonsense> =
                outcomes.into_iter().map(convert::outcome).collect();
            outcomes.map_err(Verdict::Nonsense)
        })
        .await
    }
}

#[async_trait]
impl Provisioner for SandboxedConnector {
    fn digest(&self) -> PluginDigest {
        Connector::digest(self)
    }

    async fn discover(&self) -> Result<Vec<OrganisationFound>, CallError> {
        Connector::discover(self).await
    }

    async fn survey(&self, wish: Wish) -> Result<Findings, CallError> {
        self.needs("provision")?;
        let limits = self.plugin.sandbox.limits();
        let work = || {
            let wish = convert::wish(wish);
            crate::run::work::<Result<provision::Findings, types::Failure>>(
                move |store, instance| {
                    Box::pin(async move {
                        let pre = instance.instance_pre(&*store);
                        let guest =
                            provision::GuestIndices::new(&pre)?.load(&mut *store, instance)?;
                        guest.call_survey(&mut *store, wish).await
                    })
                },
            )
        };
        self.read(work, |answer| {
            let found = answer.map_err(|failure| said(convert::failure(failure)))?;
            let found = convert::findings(found, limits).map_err(Verdict::Nonsense)?;
            check_set_up(&found.next).map_err(Verdict::Nonsense)?;
            Ok(found)
        })
        .await
    }

    async fn read_answer(
        &self,
        request: &WriteRequest,
        answer: &Answer,
    ) -> Result<Progress, CallError> {
        self.needs("provision")?;
        let request = convert::write_request_back(request);
        let answer = convert::answer(answer);
        let work = work!(provision.call_read_answer(request, answer) -> provision::Progress);
        call(&self.plugin, self.pure(), work, |progress| {
            Ok(convert::progress(progress))
        })
        .await
    }

    async fn look(&self, handle: &str) -> Result<Progress, CallError> {
        self.needs("provision")?;
        let handle = handle.to_owned();
        let work = || {
            let handle = handle.clone();
            work!(provision.call_look(handle) -> Result<provision::Progress, types::Failure>)
        };
        self.read(work, |answer| {
            let progress = answer.map_err(|failure| said(convert::failure(failure)))?;
            Ok(convert::progress(progress))
        })
        .await
    }
}

/// Requests that set a far side up name what they are about, and are of a size that we send.
fn check_set_up(requests: &[WriteRequest]) -> Result<(), Nonsense> {
    for request in requests {
        if request.operations.is_empty() || request.body.len() > MAX_BODY {
            return Err(format!(
                "wants to send {} bytes about {} parts to {}; the limit is {MAX_BODY} bytes, and a request is about something",
                request.body.len(),
                request.operations.len(),
                request.path
            ));
        }
    }
    Ok(())
}

fn said(failure: Failure) -> Verdict {
    Verdict::Said(CallError::Failure(failure))
}

fn check_requests(wanted: &[String], requests: &Vec<WriteRequest>) -> Result<(), Nonsense> {
    for request in requests {
        if request.operations.is_empty() {
            return Err(format!(
                "prepared a request to {} that carries no operation",
                request.path
            ));
        }
        if request.body.len() > MAX_BODY {
            return Err(format!(
                "prepared a body of {} bytes and the limit is {MAX_BODY}",
                request.body.len()
            ));
        }
    }
    let given = requests.iter().flat_map(|request| &request.operations);
    exactly_once(wanted, given.map(String::as_str), ("request", "operation"))
}

/// Whether every wanted id is given, each once, and no other. What gives, and what the ids are of, is for the message.
fn exactly_once<'a>(
    wanted: &'a [String],
    given: impl Iterator<Item = &'a str>,
    (what, of): (&str, &str),
) -> Result<(), Nonsense> {
    let mut missing: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    let asked = missing.clone();
    for id in given {
        if missing.remove(id) {
            continue;
        }
        let shown: String = id.chars().take(80).collect();
        return Err(if asked.contains(id) {
            format!("gave two {what}s for {of} {shown:?}")
        } else {
            format!("gave an {what} for {of} {shown:?}, which wasn't asked")
        });
    }
    match missing.first() {
        None => Ok(()),
        Some(id) => Err(format!(
            "gave no {what} for {of} {id:?} and {} more",
            missing.len() - 1
        )),
    }
}

/// Splits into runs of at most so many items and bytes; an item that is too large alone stands alone.
pub(crate) fn chunks<T>(
    all: &[T],
    size: impl Fn(&T) -> usize,
    items: usize,
    bytes: usize,
) -> Vec<&[T]> {
    let mut chunks = Vec::new();
    let (mut begin, mut sum) = (0, 0);
    for (n, one) in all.iter().enumerate() {
        let size = size(one);
        if n > begin && (n - begin >= items || sum + size > bytes) {
            chunks.extend(all.get(begin..n));
            (begin, sum) = (n, 0);
        }
        sum += size;
    }
    if begin < all.len() {
        chunks.extend(all.get(begin..));
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_exactly_once() {
        let wanted = ["a".to_owned(), "b".to_owned()];
        let check =
            |given: &[&str]| exactly_once(&wanted, given.iter().copied(), ("outcome", "operation"));
        assert_eq!(check(&["b", "a"]), Ok(()));
        assert!(
            check(&["a"])
                .unwrap_err()
                .contains("no outcome for operation \"b\"")
        );
        assert!(
            check(&["a", "b", "a"])
                .unwrap_err()
                .contains("two outcomes")
        );
        assert!(
            check(&["a", "b", "c"])
                .unwrap_err()
                .contains("wasn't asked")
        );
    }

    #[test]
    fn batches_are_split_by_number_and_size() {
        let all = [1, 1, 1, 9, 1, 1];
        assert_eq!(
            chunks(&all, |n| *n, 2, 100),
            [&[1, 1][..], &[1, 9], &[1, 1]]
        );
        assert_eq!(
            chunks(&all, |n| *n, 100, 3),
            [&[1, 1, 1][..], &[9], &[1, 1]]
        );
        assert!(chunks(&all[..0], |n| *n, 2, 3).is_empty());
    }
}
