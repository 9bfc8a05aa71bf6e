//! The imports of connectors: reads through the broker, and lines for the log. Storage is in `keyvalue.rs`.
//!
//! It decides nothing about traffic; the broker does. Waiting for an answer is not charged to the guest.

use crate::bindings::{http, keyvalue, log, types};
use crate::broker::{Asking, Body, Refusal};
use crate::state::State;
use wasmtime::component::{HasSelf, Linker};

/// Links what a connector may import besides the baseline.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    http::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    keyvalue::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    log::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

/// The nouns: types only.
pub(crate) fn link_types(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

impl types::Host for State {}

impl http::Host for State {
    async fn get(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Error>> {
        let headers = request.headers.into_iter();
        let mut ask = self.way.ask(Asking::Read);
        ask.service = request.service;
        ask.path = request.path;
        ask.query = request.query;
        ask.headers = headers.map(|header| (header.name, header.value)).collect();
        let line = match self.way.reach.take(&ask) {
            Ok(line) => line,
            Err(refusal) => return Ok(Err(error(refusal))),
        };
        // A task of its own: its work is the host's, not the guest's CPU time. It ends with the call.
        let task = AbortOnDrop(tokio::spawn(line.begin(ask).answer()));
        let answered = self.way.meter.uncharged(task).await;
        Ok(match answered {
            Ok(Ok(reply)) => Ok(http::Response {
                status: reply.status,
                headers: reply
                    .headers
                    .into_iter()
                    .map(|(name, value)| http::Header { name, value })
                    .collect(),
                body: match reply.body {
                    Body::Json(text) => http::Body::Json(text),
                    Body::Text(text) => http::Body::Text(text),
                    Body::Empty => http::Body::Empty,
                },
            }),
            Ok(Err(refusal)) => Err(error(refusal)),
            Err(error) => Err(http::Error::Transport(format!(
                "the reading task failed: {error}"
            ))),
        })
    }
}

fn error(refusal: Refusal) -> http::Error {
    match refusal {
        Refusal::Denied(why) => http::Error::Denied(why),
        Refusal::Budget(seconds) => http::Error::Budget(seconds),
        Refusal::NoConnection(why) | Refusal::Lost(why) => http::Error::Transport(why),
        Refusal::AuthExpired(why) => http::Error::AuthExpired(why),
    }
}

impl log::Host for State {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let most = self.log.line.min(self.log.left);
        if most == 0 {
            return Ok(());
        }
        let mut line: String = message
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        line.truncate(line.floor_char_boundary(most));
        self.log.left -= line.len().max(1);
        let plugin = &*self.way.plugin;
        match level {
            log::Level::Debug => tracing::debug!(plugin, "{line}"),
            log::Level::Info => tracing::info!(plugin, "{line}"),
            log::Level::Warn => tracing::warn!(plugin, "{line}"),
        }
        if self.log.left == 0 {
            tracing::warn!(
                plugin,
                "this call has logged all it may; the rest is dropped"
            );
        }
        Ok(())
    }
}

/// A task that ends when nobody waits for it any more.
pub(crate) struct AbortOnDrop<T>(pub(crate) tokio::task::JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
