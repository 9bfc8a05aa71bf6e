//! The browser comes back: one callback on `localhost`, answered with a page in plain words.
//!
//! It listens on loopback only, takes requests that name `localhost` only (so that no other site's name leads here), and ends with the
//! first callback. What that callback says is a stranger's text until its state fits. Next: `page.rs` words the answer.

use super::page;
use anyhow::Context;
use footbridge_sandbox::{CallbackError, Code, ConsentRequest};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Most bytes of a request's head.
const HEAD: usize = 16 * 1024;

/// Both loopback addresses: a browser takes `localhost` for either.
pub(super) struct Listener {
    four: TcpListener,
    /// Not every machine has it.
    six: Option<TcpListener>,
    port: u16,
}

type Outcome = Result<Code, CallbackError>;

impl Listener {
    pub(super) async fn bind(port: u16) -> anyhow::Result<Self> {
        let four = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .with_context(|| format!(
                "port {port} of this machine can't be listened on. Close what uses it, set redirect-port to another one (and register that redirect URI in the app), or use --paste"
            ))?;
        let six = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        Ok(Self { four, six, port })
    }

    /// Waits for the callback.
    pub(super) async fn callback(self, request: &Arc<ConsentRequest>) -> anyhow::Result<Code> {
        let mut talks: JoinSet<Option<Outcome>> = JoinSet::new();
        loop {
            let stream = tokio::select! {
                accepted = self.four.accept() => accepted,
                accepted = accept(self.six.as_ref()) => accepted,
                Some(ended) = talks.join_next(), if !talks.is_empty() => {
                    // A talk that panicked heard nothing.
                    if let Ok(Some(outcome)) = ended {
                        return Ok(outcome?);
                    }
                    continue;
                }
            };
            // A client that left already is no reason to stop.
            if let Ok((stream, _)) = stream {
                talks.spawn(talk(stream, Arc::clone(request), self.port));
            }
        }
    }
}

async fn accept(
    listener: Option<&TcpListener>,
) -> std::io::Result<(TcpStream, std::net::SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// One connection. Ends with what the callback said, once its answer is sent.
async fn talk(stream: TcpStream, consent: Arc<ConsentRequest>, port: u16) -> Option<Outcome> {
    let heard: Arc<Mutex<Option<Outcome>>> = Arc::default();
    let hears = Arc::clone(&heard);
    let service = service_fn(move |request: Request<Incoming>| {
        let (hears, consent) = (Arc::clone(&hears), Arc::clone(&consent));
        async move {
            let (response, outcome) = answer(&request, &consent, port);
            if let Some(outcome) = outcome {
                *hears.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a browser's connection ended early");
    }
    heard.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn answer<B>(
    request: &Request<B>,
    consent: &ConsentRequest,
    port: u16,
) -> (Response<String>, Option<Outcome>) {
    let plain = |status| (respond(status, page::not_here()), None);
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    if host != Some(&format!("localhost:{port}")) {
        return plain(StatusCode::MISDIRECTED_REQUEST);
    }
    if request.uri().path() != "/callback" {
        return plain(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED);
    }
    let outcome = consent.read_query(request.uri().query().unwrap_or_default());
    let (status, text) = match &outcome {
        Ok(_) => (StatusCode::OK, page::let_in()),
        Err(error) => (StatusCode::BAD_REQUEST, page::not_let_in(error)),
    };
    (respond(status, text), Some(outcome))
}

/// A page that loads nothing, is kept nowhere, and tells nobody where it came from.
fn respond(status: StatusCode, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
