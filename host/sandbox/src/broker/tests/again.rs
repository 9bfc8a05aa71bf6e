//! Which requests are asked once more after a broken answer: reads alone, once, and both are counted and written down.

use super::{Bench, Sent, bench};
use crate::broker::{Body, Refusal, Reply};
use crate::connection::BudgetOverride;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

/// A server that gives its first answers in turn, then the last one, and hangs up after each.
async fn server(answers: &'static [&'static str]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let n = count.fetch_add(1, Ordering::Relaxed);
            let answer = answers[n.min(answers.len() - 1)];
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (base, asked)
}

async fn facing(answers: &'static [&'static str]) -> (Bench, Arc<AtomicUsize>) {
    let (base, asked) = server(answers).await;
    (
        bench(|connection| connection.base_url = Some(base)).await,
        asked,
    )
}

fn said(outcome: &Result<Reply, Refusal>) -> String {
    match outcome {
        Ok(reply) if reply.body == Body::Json("{}".into()) => "whole".into(),
        Ok(reply) => reply.status.to_string(),
        Err(Refusal::Lost(_)) => "lost".into(),
        Err(other) => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_broken_read_is_asked_once_more_and_a_write_never() {
    const BARE_503: &str = "HTTP/1.1 503 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"a\":";
    let cases: [(&str, &'static [&'static str], usize, &str); 9] = [
        ("503", &[BARE_503, WHOLE], 2, "whole"),
        ("a reset", &["", WHOLE], 2, "whole"),
        ("a cut body", &[CUT, WHOLE], 2, "whole"),
        (
            "cut, and nothing says how long it is",
            &[
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{\"a\":",
                WHOLE,
            ],
            2,
            "whole",
        ),
        ("503 twice", &[BARE_503, BARE_503, WHOLE], 2, "503"),
        ("cut twice", &[CUT, CUT, WHOLE], 2, "lost"),
        (
            "503 that says when to come back",
            &[
                "HTTP/1.1 503 No\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n",
                WHOLE,
            ],
            1,
            "503",
        ),
        (
            "429",
            &["HTTP/1.1 429 No\r\ncontent-length: 0\r\n\r\n", WHOLE],
            1,
            "429",
        ),
        (
            "404",
            &["HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", WHOLE],
            1,
            "404",
        ),
    ];
    let runs = cases.map(|(name, answers, times, outcome)| async move {
        let (bench, asked) = facing(answers).await;
        assert_eq!(said(&bench.get("/Contacts").await), outcome, "{name}");
        assert_eq!(asked.load(Ordering::Relaxed), times, "{name}");
        let audit = bench.audit.lock().unwrap().clone();
        let written = audit.iter().filter(|record| record.method == "GET");
        assert_eq!(written.count(), times, "{name}: {audit:?}");

        let (bench, asked) = facing(answers).await;
        let sent = bench.send("/Invoices").await;
        assert!(!matches!(sent, Sent::NotSent { .. }), "{name}");
        assert_eq!(asked.load(Ordering::Relaxed), 1, "{name}, written");
    });
    let mut all = tokio::task::JoinSet::new();
    for run in runs {
        all.spawn(run);
    }
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn both_are_counted_and_without_budget_the_first_stands() {
    for (minute, times, outcome) in [(2, 2, "whole"), (1, 1, "lost")] {
        let (base, asked) = server(&["", WHOLE]).await;
        let bench = bench(|connection| {
            connection.base_url = Some(base);
            connection.budget = BudgetOverride {
                minute: Some(minute),
                ..BudgetOverride::default()
            };
        })
        .await;
        assert_eq!(
            said(&bench.get("/Contacts").await),
            outcome,
            "{minute} a minute"
        );
        assert_eq!(asked.load(Ordering::Relaxed), times, "{minute} a minute");
        let next = bench.get("/Contacts").await;
        assert!(matches!(next, Err(Refusal::Budget(_))), "{next:?}");
    }
}

#[tokio::test]
async fn who_has_no_clock_is_told_seconds() {
    const LATE: &str = "HTTP/1.1 429 No\r\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 0\r\n\r\n";
    let (base, _) = server(&[LATE]).await;
    let bench = bench(|connection| connection.base_url = Some(base)).await;
    let reply = bench.get("/Contacts").await.unwrap();
    let told = ("retry-after".to_owned(), "1".to_owned());
    assert!(reply.headers.contains(&told), "{:?}", reply.headers);
}
