//! The engine's writes: the broker as the engine's `Outbound`.
//!
//! It never says that nothing left unless that is certain. The request runs in a task of its own, so that an answer
//! is never lost because the caller went away. Next: `exchange.rs`.

use super::Broker;
use super::exchange::{Ask, Asking, Body, Refusal, Reply};
use async_trait::async_trait;
use footbridge_engine::ports::{CallsLeft, Outbound, Sent};
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::{Answer, Method, WriteRequest};

#[async_trait]
impl Outbound for Broker {
    fn left(&self, connection: &ConnectionId) -> CallsLeft {
        self.line(connection)
            .map_or_else(CallsLeft::default, |line| line.told())
    }

    async fn send(&self, connection: &ConnectionId, request: &WriteRequest, key: &str) -> Sent {
        let Some(line) = self.line(connection) else {
            return Sent::NotSent {
                why: format!("there is no connection {connection} any more"),
                retry_after_seconds: None,
            };
        };
        let ask = Ask {
            by: "host".to_owned(),
            digest: None,
            asking: Asking::Write {
                method: match request.method {
                    Method::Post => reqwest::Method::POST,
                    Method::Put => reqwest::Method::PUT,
                    Method::Patch => reqwest::Method::PATCH,
                    Method::Delete => reqwest::Method::DELETE,
                },
                content_type: request.content_type.clone(),
                body: request.body.clone(),
                key: key.to_owned(),
            },
            service: request.service.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: request.headers.clone(),
        };
        let line = line.clone();
        match tokio::spawn(async move { line.exchange(ask).await }).await {
            Ok(Ok(reply)) => Sent::Answered(answer(reply)),
            Ok(Err(refusal)) => sent(refusal),
            Err(error) => Sent::Lost {
                why: format!("the sending task failed: {error}"),
            },
        }
    }
}

fn answer(reply: Reply) -> Answer {
    let (body, json) = match reply.body {
        Body::Json(text) => (text, true),
        Body::Text(text) => (text, false),
        Body::Empty => (String::new(), false),
    };
    Answer {
        status: reply.status,
        headers: reply.headers,
        body,
        json,
    }
}

fn sent(refusal: Refusal) -> Sent {
    match refusal {
        Refusal::Lost(why) => Sent::Lost { why },
        Refusal::Budget(seconds) => Sent::NotSent {
            why: format!("the connection's budget is used up for {seconds} s"),
            retry_after_seconds: Some(seconds),
        },
        // A connection may come back at any moment; a rule or a credential doesn't by itself.
        Refusal::NoConnection(why) => Sent::NotSent {
            why,
            retry_after_seconds: Some(30),
        },
        Refusal::Denied(why) | Refusal::AuthExpired(why) => Sent::NotSent {
            why,
            retry_after_seconds: None,
        },
    }
}
