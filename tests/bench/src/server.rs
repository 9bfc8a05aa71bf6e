//! The least HTTP server that a client accepts, so that what is measured is the client: one fixed answer, connections kept open.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it answers to everything: a token where one was asked for, and about a kilobyte of JSON.
const PADDING: usize = 900;
/// Longest request head.
const MOST: usize = 64 * 1024;

/// It serves until it is dropped with its runtime.
pub(crate) struct Server {
    pub(crate) url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn serve() -> std::io::Result<Server> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let body = serde_json::json!({
        "access_token": "an-access-token-of-some-length", "instance_url": url, "issued_at": "1700000000000",
        "totalSize": 1, "done": true, "Note": "n".repeat(PADDING),
    })
    .to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                // A client that leaves is no concern of the measurement.
                let _ended = converse(stream, answer.as_bytes()).await;
            });
        }
    });
    Ok(Server { url, task })
}

async fn converse(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = Vec::new();
    loop {
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
            if stream.read_buf(&mut read).await? == 0 || read.len() > MOST {
                return Ok(());
            }
            continue;
        };
        let whole = end + 4 + length(read.get(..end).unwrap_or_default());
        while read.len() < whole {
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        }
        read.drain(..whole);
        stream.write_all(answer).await?;
    }
}

/// The `content-length` of a request's head, or 0.
fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head);
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}
