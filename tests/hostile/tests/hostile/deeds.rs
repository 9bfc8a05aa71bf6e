//! Every deed that a guest knows, with its class: what becomes of it, in which words, and whether it counts against the
//! plugin. The guests list their deeds themselves; one without a row here fails.
//!
//! After each deed the same plugin is served at once, and an honest neighbour that works all the while notices nothing. A
//! deed that counts is then repeated until the plugin is quarantined under its words.

use crate::classes::{
    End::{self, Blamed, Elsewhere, Harmless, Said, TimesOut},
    OF_THE_CONNECTOR, OF_THE_FETCHER, OF_THE_TRANSFORM,
};
use crate::far::{Far, far};
use crate::support::{Bench, Outcome, ask, ask_at, blamed, tight};
use footbridge_engine::ports::{CallError, Connector};
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::{Action, Answer, Method, Operation, TransformBatch, WriteRequest};
use footbridge_sandbox::{Face, Fuel, Limits};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A plugin that does nothing but its work, on a connection of its own: the bystander.
pub(crate) struct Honest {
    connector: Arc<dyn Connector>,
    pub(crate) far: Far,
}

impl Honest {
    pub(crate) async fn new(bench: &Bench) -> Outcome<Self> {
        Self::being(bench, footbridge_hostile::FETCHER).await
    }

    /// Another component than the hostile one: strikes go by digest.
    pub(crate) async fn being(bench: &Bench, guest: &str) -> Outcome<Self> {
        let far = far(vec![Face::WasiHttp]).await?;
        let installed = bench.install("honest", guest).await?;
        let connection = ConnectionId::new("xero");
        let connector = bench
            .sandbox
            .connector(&installed, &far.broker, &connection, None)?;
        Ok(Self { connector, far })
    }

    pub(crate) async fn works(&self) -> Outcome<()> {
        let page = ask(&self.connector, "honest").await?;
        assert_eq!(page.items.len(), 1);
        Ok(())
    }
}

/// Lets the bystander work until the deed is done.
pub(crate) async fn beside<T>(honest: &Honest, deed: impl Future<Output = T>) -> Outcome<T> {
    let mut deed = std::pin::pin!(deed);
    let mut worked = 0;
    loop {
        let works = std::pin::pin!(async {
            honest.works().await?;
            // Often enough to notice, and not another flood.
            tokio::time::sleep(Duration::from_millis(20)).await;
            Outcome::Ok(())
        });
        tokio::select! {
            biased;
            worked_well = works => {
                worked_well?;
                worked += 1;
            }
            done = &mut deed => {
                if worked == 0 {
                    honest.works().await?;
                }
                return Ok(done);
            }
        }
    }
}

#[tokio::test]
async fn every_deed_of_every_guest_has_its_class() -> Outcome<()> {
    let bench = Bench::new(tight())?;
    let far = far(vec![Face::WasiHttp]).await?;
    let broker = &far.broker;
    let mut listed = Vec::new();
    for (guest, path, classes) in [
        ("connector", footbridge_hostile::CONNECTOR, OF_THE_CONNECTOR),
        ("fetcher", footbridge_hostile::FETCHER, OF_THE_FETCHER),
    ] {
        let installed = bench.install(guest, path).await?;
        let connection = ConnectionId::new("xero");
        let connector = bench
            .sandbox
            .connector(&installed, broker, &connection, None)?;
        let page = ask(&connector, "deeds").await?;
        let known = page
            .items
            .iter()
            .map(|item| item.doc.trim_matches('"').to_owned());
        listed.push((guest, known.collect(), classes));
    }
    let description = bench.transform().await?.describe("deeds").await?;
    let known = description.reads.iter().map(|(object, _)| object.clone());
    listed.push(("transform", known.collect(), OF_THE_TRANSFORM));
    for (guest, known, classes) in &listed {
        let known: &BTreeSet<String> = known;
        let classed: BTreeSet<String> =
            classes.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(known, &classed, "deeds of the {guest} and their classes");
        assert_eq!(
            classes.len(),
            classed.len(),
            "a deed of the {guest} stands twice"
        );
    }
    // A guest is a folder with a manifest of its own.
    let mut guests = BTreeSet::new();
    for entry in std::fs::read_dir(env!("CARGO_MANIFEST_DIR"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            guests.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    let classed = listed
        .iter()
        .map(|(guest, ..)| (*guest).to_owned())
        .collect();
    assert_eq!(guests, classed, "guests and their classes");
    Ok(())
}

/// Patient with what works, so that a busy machine changes no verdict.
fn limits() -> Limits {
    Limits {
        wall: Duration::from_secs(60),
        requests: 1_000,
        strikes: 2,
        fuel: Fuel {
            batch: 10_000_000,
            input: 1_000_000,
        },
        ..tight()
    }
}

/// Does a deed as often as its class demands, and holds what comes of it against the class.
async fn judge<F>(
    honest: &Honest,
    (name, end): (&str, End),
    commit: impl Fn() -> F,
    works: impl AsyncFn() -> Outcome<()>,
) -> Outcome<()>
where
    F: Future<Output = Result<String, CallError>>,
{
    let words = match end {
        Blamed(words) => words,
        TimesOut => "ran for more than 1 s",
        Harmless | Said(_) | Elsewhere => {
            for _ in 0..3 {
                match (end, beside(honest, commit()).await?) {
                    (Said(words), Ok(said)) => assert!(said.contains(words), "{name}: {said}"),
                    (Said(words), Err(CallError::Failure(failure))) => {
                        let said = failure.problem.message;
                        assert!(said.contains(words), "{name}: {said}");
                    }
                    (_, Ok(_)) => {}
                    (_, other) => return Err(format!("{name}: {other:?}").into()),
                }
                works().await?;
            }
            return Ok(());
        }
    };
    let told = |said: &str| said.starts_with("plugin hostile ") && said.contains(words);
    let said = blamed(beside(honest, commit()).await?);
    assert!(told(&said), "{name}: {said}");
    works().await?;
    for _ in 0..2 {
        let said = blamed(beside(honest, commit()).await?);
        assert!(told(&said), "{name}, again: {said}");
    }
    let said = blamed(commit().await);
    assert!(
        said.contains("is quarantined") && told(&said),
        "{name}: {said}"
    );
    assert!(works().await.is_err(), "{name}: it is served in quarantine");
    honest.works().await
}

/// Where deeds are done: a sandbox and its bystander, for those that time out and for all others.
struct Rooms([(Bench, Honest); 2]);

impl Rooms {
    async fn with(bystander: &str) -> Outcome<Self> {
        let patient = Bench::new(limits())?;
        let hasty = Bench::new(Limits {
            wall: Duration::from_secs(1),
            ..limits()
        })?;
        let [first, second] = [&patient, &hasty].map(|bench| Honest::being(bench, bystander));
        let (first, second) = (first.await?, second.await?);
        Ok(Self([(patient, first), (hasty, second)]))
    }

    fn of(&self, end: End) -> &(Bench, Honest) {
        let [patient, hasty] = &self.0;
        if end == TimesOut { hasty } else { patient }
    }
}

fn operations(how: &str) -> Vec<Operation> {
    let operation = |id: &str| Operation {
        id: id.to_owned(),
        action: Action::Create,
        object: how.to_owned(),
        target: None,
        doc: "{}".to_owned(),
    };
    vec![operation("one"), operation("two")]
}

/// Does one of the connector's deeds; what it said, if it came back.
async fn commit(connector: Arc<dyn Connector>, deed: &str) -> Result<String, CallError> {
    match deed.split_once(": ").unwrap_or(("read", deed)) {
        ("prepare", how) => {
            let requests: Vec<WriteRequest> = connector.prepare(operations(how)).await?;
            let headers = requests.iter().flat_map(|request| &request.headers);
            Ok(headers.map(|(_, value)| value.as_str()).collect())
        }
        ("interpret", how) => {
            // Made by hand: an honest call before it would be a call that went well.
            let request = WriteRequest {
                service: "accounting".to_owned(),
                method: Method::Put,
                path: "/Contacts".to_owned(),
                query: Vec::new(),
                headers: Vec::new(),
                content_type: "application/json".to_owned(),
                body: b"{}".to_vec(),
                operations: vec!["one".to_owned(), "two".to_owned()],
            };
            let answer = Answer {
                status: 200,
                headers: Vec::new(),
                body: how.to_owned(),
                json: false,
            };
            connector.interpret(&request, &answer).await?;
            Ok(String::new())
        }
        (_, what) => {
            let page = ask_at(&connector, what, None).await?;
            Ok(page.items.into_iter().map(|item| item.doc).collect())
        }
    }
}

async fn deeds_of_the_connector(is_mine: impl Fn(usize) -> bool) -> Outcome<()> {
    let rooms = Rooms::with(footbridge_hostile::FETCHER).await?;
    for (n, (name, end)) in OF_THE_CONNECTOR.iter().enumerate() {
        if !is_mine(n) || *end == Elsewhere {
            continue;
        }
        let (bench, honest) = rooms.of(*end);
        // Installed again, it is out of quarantine.
        let connector = bench.connector().await?;
        let works = async || {
            let page = ask(&connector, "honest").await?;
            let docs: Vec<&str> = page.items.iter().map(|item| item.doc.as_str()).collect();
            assert_eq!(docs, [r#"{"a":"1","b":"2"}"#], "and it is canonical");
            Ok(())
        };
        judge(
            honest,
            (name, *end),
            || commit(connector.clone(), name),
            works,
        )
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deeds_are_named_and_end_with_their_store() -> Outcome<()> {
    deeds_of_the_connector(|n| n % 2 == 0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_deeds_are_named_and_end_with_their_store() -> Outcome<()> {
    deeds_of_the_connector(|n| n % 2 == 1).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn misuse_of_the_second_face_is_named_and_ends_with_its_store() -> Outcome<()> {
    let rooms = Rooms::with(footbridge_hostile::CONNECTOR).await?;
    for (name, end) in OF_THE_FETCHER {
        if *end == Elsewhere {
            continue;
        }
        let (bench, honest) = rooms.of(*end);
        let hostile = bench
            .install("hostile", footbridge_hostile::FETCHER)
            .await?;
        let far = far(vec![Face::WasiHttp]).await?;
        let connection = ConnectionId::new("xero");
        let connector = bench
            .sandbox
            .connector(&hostile, &far.broker, &connection, None)?;
        let works = async || Ok(ask(&connector, "honest").await.map(drop)?);
        judge(
            honest,
            (name, *end),
            || commit(connector.clone(), name),
            works,
        )
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_batches_are_named_and_the_next_works() -> Outcome<()> {
    let rooms = Rooms::with(footbridge_hostile::FETCHER).await?;
    for (name, end) in OF_THE_TRANSFORM {
        let (bench, honest) = rooms.of(*end);
        let transform = bench.transform().await?;
        let works = async || {
            let results = transform.apply(batch("honest")).await?;
            assert_eq!(results.len(), 2);
            Ok(())
        };
        let commit = || async {
            let results = transform.apply(batch(name)).await?;
            let said = results.into_iter().map(|result| match result {
                Ok(_) => String::new(),
                Err(problem) => problem.message,
            });
            Ok(said.collect())
        };
        judge(honest, (name, *end), commit, works).await?;
    }
    Ok(())
}

fn batch(settings: &str) -> TransformBatch {
    let input = |id: &str| ("Opportunity".to_owned(), id.to_owned(), "{}".to_owned());
    TransformBatch {
        settings: settings.to_owned(),
        as_of: "2026-11-22T10:00:00Z".to_owned(),
        local_date: "2026-11-22".to_owned(),
        inputs: vec![input("1"), input("2")],
    }
}
