//! What the broker adds to a request: grant, address, budget, token, scrubbing, canonical JSON, audit. Against the bare client.
//!
//! Reads are a guest's, through the `http` import. Writes are the host's own; the product opens a connection for each, so the
//! bare client does too, and once more with a connection kept.

use crate::finding::Finding;
use crate::ground::{Ground, Size};
use crate::measure::{attempt, in_turns};
use anyhow::{bail, ensure};
use footbridge_engine::ports::{Outbound, Sent};
use footbridge_model::plugin::{Method, WriteRequest};
use std::time::Instant;

const NAME: &str = "broker";
/// A guest may make 100 requests in a call.
const READS: u32 = 100;

pub(crate) async fn run(ground: &Ground) -> anyhow::Result<Vec<Finding>> {
    let reads = match ground.size {
        Size::Usual => READS,
        Size::Tiny => 3,
    };
    let connector = ground.connector("bench-connector")?;
    let ids: Vec<String> = (0..reads).map(|n| format!("001{n:012}")).collect();
    let (kept, fresh) = (client(8)?, client(0)?);
    let base = format!("{}/services/data/v66.0", ground.server.url);
    let things = vec![
        attempt(|| async {
            let ids = ids.clone();
            let began = Instant::now();
            connector.fetch("Account", ids, Vec::new()).await?;
            Ok(began.elapsed())
        }),
        attempt(|| async {
            let began = Instant::now();
            for id in &ids {
                let url = format!("{base}/sobjects/Account/{id}");
                read(kept.get(url)).await?;
            }
            Ok(began.elapsed())
        }),
    ];
    let request = request();
    let connection = ground.connection();
    let read_spreads = in_turns(ground.rounds(50), things).await?;
    let bare = |client: &reqwest::Client| {
        let url = format!("{base}{}", request.path);
        let sent = client.patch(url).body(request.body.clone());
        sent.header("content-type", &request.content_type)
    };
    let things = vec![
        attempt(|| async {
            let began = Instant::now();
            let sent = ground.broker.send(&connection, &request, "a-key").await;
            let took = began.elapsed();
            match sent {
                Sent::Answered(answer) if answer.status == 200 => Ok(took),
                other => bail!("the write was not answered: {other:?}"),
            }
        }),
        attempt(|| async {
            let began = Instant::now();
            read(bare(&fresh)).await?;
            Ok(began.elapsed())
        }),
        attempt(|| async {
            let began = Instant::now();
            read(bare(&kept)).await?;
            Ok(began.elapsed())
        }),
    ];
    let write_spreads = in_turns(ground.rounds(2_000), things).await?;
    let ([inside, outside], [write, one, other]) =
        (read_spreads.as_slice(), write_spreads.as_slice())
    else {
        return Ok(Vec::new());
    };
    Ok(vec![
        Finding::new(NAME, "a read by a guest", inside.each(reads))
            .against("reqwest, connection kept", outside.each(reads))
            .note(format!(
                "means of calls with {reads} requests each, the instance's start included"
            )),
        Finding::new(NAME, "a write by the host", *write)
            .against("reqwest, a new connection each", *one),
        Finding::new(NAME, "the same write", *write).against("reqwest, connection kept", *other),
    ])
}

/// As the product makes its own, without what the broker adds.
fn client(idle: usize) -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .http1_only()
        .pool_max_idle_per_host(idle)
        .tls_certs_only([])
        .build()?)
}

/// Sends it and reads the whole answer.
async fn read(request: reqwest::RequestBuilder) -> anyhow::Result<()> {
    let answer = request.send().await?;
    ensure!(answer.status().as_u16() == 200, "{}", answer.status());
    std::hint::black_box(answer.bytes().await?);
    Ok(())
}

fn request() -> WriteRequest {
    WriteRequest {
        service: "data".to_owned(),
        method: Method::Patch,
        path: "/sobjects/Account/001000000000001".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        content_type: "application/json".to_owned(),
        body: format!(r#"{{"Description":"{}"}}"#, "d".repeat(900)).into_bytes(),
        operations: vec!["op".to_owned()],
    }
}
