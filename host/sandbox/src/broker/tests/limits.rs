//! Answers that are too much, too slow, or never end; and how many requests go at once.

use super::super::exchange::{Body, Refusal};
use super::far::{Says, answer, far, token};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const JSON: (&str, &str) = ("content-type", "application/json");
const PACKED: (&str, &str) = ("content-encoding", "gzip");

fn says(path: &str) -> Says {
    let head = |rest: &str| format!("HTTP/1.1 200 OK\r\n{rest}\r\n\r\n").into_bytes();
    let chunk = |bytes: &[u8]| {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        chunk
    };
    match path {
        "/connect/token" => token("access-token"),
        "/Invoices/packed" => answer(200, &[JSON, PACKED], &gzip(br#"{"a":1.50}"#)),
        "/Invoices/bomb" => answer(200, &[JSON, PACKED], &gzip(&vec![b' '; 64 << 20])),
        "/Invoices/matryoshka" => {
            answer(200, &[PACKED, PACKED], &gzip(&gzip(&vec![b' '; 4 << 20])))
        }
        "/Invoices/brotli" => answer(200, &[("content-encoding", "br")], b"xxxx"),
        "/Invoices/no-gzip" => answer(200, &[PACKED], b"not packed at all"),
        "/Invoices/endless" => Says::Endless(
            head("transfer-encoding: chunked"),
            chunk(&[b'x'; 64 * 1024]),
        ),
        "/Invoices/endless-gzip" => {
            let packed = gzip(&[b'x'; 4 << 20]);
            let head = head("content-encoding: gzip\r\ntransfer-encoding: chunked");
            Says::Endless(head, chunk(&packed))
        }
        "/Invoices/stalls" => Says::Stalls(head("content-length: 10")),
        "/Invoices/stalls-in-head" => Says::Stalls(b"HTTP/1.1 200 OK\r\nx-a: ".to_vec()),
        "/Invoices/silent" => Says::Stalls(Vec::new()),
        "/Invoices/header-bomb" => {
            let many: String = (0..5_000).map(|n| format!("x-{n}: y\r\n")).collect();
            Says::Bytes(head(&format!("{many}content-length: 0")))
        }
        "/Invoices/long-header" => Says::Endless(
            b"HTTP/1.1 200 OK\r\nx-long: ".to_vec(),
            vec![b'x'; 64 * 1024],
        ),
        "/Invoices/early-hints" => Says::Endless(
            Vec::new(),
            b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".to_vec(),
        ),
        "/Invoices/short" => Says::Bytes(head("content-length: 10")),
        "/Invoices/two-lengths" => Says::Bytes(
            [
                head("content-length: 2\r\ncontent-length: 3"),
                b"{}x".to_vec(),
            ]
            .concat(),
        ),
        "/Invoices/no-http" => Says::Bytes(b"SSH-2.0-x\r\n\r\n".to_vec()),
        _ => answer(200, &[JSON], b"{}"),
    }
}

#[tokio::test]
async fn too_much_too_slow_and_endless_answers_are_given_up() {
    let far = far("a-client-secret", None, |path, _| says(path)).await;
    let packed = far.get("/Invoices/packed").await.unwrap();
    assert_eq!(packed.body, Body::Json(r#"{"a":"1.50"}"#.into()));
    assert!(
        !packed
            .headers
            .iter()
            .any(|(name, _)| name == "content-encoding"),
        "what is handed on is unpacked"
    );
    for (path, why) in [
        ("bomb", "200 to 1"),
        ("matryoshka", "not asked for"),
        ("brotli", "not asked for"),
        ("no-gzip", ""),
        ("endless", ""),
        ("endless-gzip", "200 to 1"),
        ("stalls", "within 1 s"),
        ("stalls-in-head", "within 1 s"),
        ("silent", "within 1 s"),
        ("header-bomb", ""),
        ("long-header", ""),
        ("early-hints", ""),
        ("short", ""),
        ("two-lengths", ""),
        ("no-http", ""),
    ] {
        let refused = far.get(&format!("/Invoices/{path}")).await;
        let Err(Refusal::Lost(said)) = refused else {
            panic!("{path}: {refused:?}")
        };
        assert!(said.contains(why), "{path}: {said}");
    }
    assert!(
        far.get("/Invoices/1").await.is_ok(),
        "the next one is served"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_the_limit_go_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counts, sees) = (now.clone(), most.clone());
    let far = far("a-client-secret", None, move |path, _| {
        if path == "/connect/token" {
            return token("access-token");
        }
        let at_once = counts.fetch_add(1, Ordering::SeqCst) + 1;
        sees.fetch_max(at_once, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(20));
        counts.fetch_sub(1, Ordering::SeqCst);
        answer(200, &[JSON], b"{}")
    })
    .await;
    let line = far
        .broker
        .line(&footbridge_model::id::ConnectionId::new("xero"));
    assert_eq!(line.unwrap().profile.concurrent, 5);
    let calls = (0..30).map(|_| far.get("/Items"));
    let mut pending: Vec<_> = calls.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        pending.retain_mut(|call| call.as_mut().poll(context).is_pending());
        match pending.is_empty() {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    assert!((1..=5).contains(&most.load(Ordering::SeqCst)), "{most:?}");
    assert_eq!(far.heard.lock().unwrap().len(), 31);
}
