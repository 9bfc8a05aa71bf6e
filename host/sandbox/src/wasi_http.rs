//! The second face of the broker: `wasi:http/outgoing-handler@0.2`, so that `fetch` and other languages' own clients work.
//!
//! It reads only, reaches services by name (`https://<service>.service.internal/path`) and decides nothing: a request is
//! turned into what the contract's own `http` takes and passes the same function. The crate that serves the interface is
//! built without its sender, so there is no other way. Every refusal is in words, and written down: nothing is filtered
//! before the broker sees it. Next: `broker/exchange.rs`.

use crate::broker::{Ask, Asking, Body, Refusal, Reply};
use crate::state::{State, Way};
use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderName, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use url::form_urlencoded;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types};
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpHooks, WasiHttpView,
};

/// Under it every service has its host.
const DOMAIN: &str = ".service.internal";
/// Largest set of header fields that a guest may build, in bytes of the host's memory. What may be sent is less.
const FIELDS: usize = 32 * 1024;
/// A read has no body; so much is taken in before that is said, since some clients send first and look later.
const BODY: usize = 4 * 1024;
/// Most bytes of methods that a guest may have the host keep: the only text of a request that has no limit of its own.
const METHODS: usize = 1024 * 1024;

/// Links it. Only for connectors that were granted it.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let options = wasmtime_wasi_http::p2::bindings::LinkOptions::default();
    outgoing_handler::add_to_linker::<State, WasiHttp>(linker, State::http)?;
    types::add_to_linker::<State, WasiHttp>(linker, &(&options).into(), State::http)
}

pub(crate) fn context() -> WasiHttpCtx {
    let mut context = WasiHttpCtx::new();
    context.set_field_size_limit(FIELDS);
    context
}

/// Whether requests that a guest builds and never sends hold too much of the host's memory. A method and a host are texts of
/// any length; everything else in one is bounded by what a path and a set of fields can be.
pub(crate) fn hoards(table: &mut ResourceTable) -> Option<String> {
    let requests = table
        .iter_mut()
        .filter_map(|entry| entry.downcast_ref::<HostOutgoingRequest>());
    let kept: usize = requests
        .map(|request| {
            let method = match &request.method {
                types::Method::Other(name) => name.len(),
                _ => 0,
            };
            method + request.authority.as_ref().map_or(0, String::len)
        })
        .sum();
    (kept > METHODS).then(|| format!("made the host keep {kept} bytes of HTTP methods and hosts"))
}

impl WasiHttpHooks for Way {
    /// None is taken out in silence; the broker refuses in words.
    fn is_forbidden_header(&mut self, _: &HeaderName) -> bool {
        false
    }

    fn is_supported_scheme(&mut self, _: &Scheme) -> bool {
        true
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY
    }

    /// Time-outs that a guest wishes for are not used: the connection's own hold.
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answered, Error>> + Send> {
        let (head, body) = request.into_parts();
        let (ask, misfit) = self.read(&head);
        let taken = self.reach.take(&ask).map(|line| line.begin(ask));
        let (meter, unread) = (self.meter.clone(), self.unread.clone());
        Box::new(async move {
            // Refused only now: a client that is still sending would see a cut connection instead of the refusal.
            let body = Limited::new(body, BODY).collect().await;
            let has_body = !body.is_ok_and(|body| body.to_bytes().is_empty());
            let asked = taken.map_err(error)?;
            let misfit = misfit.or_else(|| has_body.then(|| "a read carries no body".to_owned()));
            if let Some(why) = misfit {
                return Err(error(asked.refused(why)));
            }
            let waiting = meter.waiting();
            let reply = asked.answer().await.map_err(error)?;
            drop(waiting);
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> =
                Box::new(std::future::ready(Ok(())));
            Ok((response(reply, &unread)?, done))
        })
    }
}

/// An answer, and what is left to do for its connection: nothing, it came whole.
type Answered = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl Way {
    /// The request as the broker takes it, and why it can't be one, if so.
    fn read(&self, head: &http::request::Parts) -> (Ask, Option<String>) {
        let mut ask = self.ask(match &head.method {
            &Method::GET => Asking::Read,
            other => Asking::Other(other.clone()),
        });
        let host = head.uri.authority().map_or("", |host| host.as_str());
        let misfit = match service(&head.uri) {
            Some(service) => {
                ask.service = service;
                None
            }
            None => {
                ask.service = host.to_owned();
                Some(format!(
                    "there is no service at {}://{host:?}: they are at https://<service>{DOMAIN}, such as https://accounting{DOMAIN}",
                    head.uri.scheme_str().unwrap_or_default()
                ))
            }
        };
        ask.path = head.uri.path().to_owned();
        let query = head.uri.query().unwrap_or_default();
        ask.query = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let headers = head.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.into_owned())
        });
        ask.headers = headers
            .filter(|(name, value)| !says_nothing(name, value))
            .collect();
        (ask, misfit)
    }
}

/// The service whose host it is.
fn service(uri: &Uri) -> Option<String> {
    let host = uri.authority()?.as_str().to_ascii_lowercase();
    let host = host.strip_suffix(":443").unwrap_or(&host);
    let service = host.strip_suffix(DOMAIN)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let fits = uri.scheme_str() == Some("https") && !service.is_empty();
    (fits && service.chars().all(plain)).then(|| service.to_owned())
}

/// Whether it is a header that clients send unasked and that says nothing here: any form of answer is welcome, packed as
/// the host likes, and there is no body.
fn says_nothing(name: &str, value: &str) -> bool {
    match name {
        "accept" => value == "*/*",
        "accept-encoding" => true,
        "content-length" => value == "0",
        _ => false,
    }
}

fn response(reply: Reply, unread: &Unread) -> Result<Response<WasiBody>, Error> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value.as_bytes());
    }
    let body = Bytes::from(match reply.body {
        Body::Json(text) | Body::Text(text) => text,
        Body::Empty => String::new(),
    });
    let room = unread.room(body.len()).ok_or_else(|| {
        error(Refusal::Lost(format!(
            "this call has over {} bytes of answers that it has not read",
            unread.most
        )))
    })?;
    // The room is given back when the guest has dropped the body.
    let body = Full::new(body).map_frame(move |frame| {
        let _ = &room;
        frame
    });
    let body = body.map_err(|never| match never {}).boxed_unsync();
    response
        .body(body)
        .map_err(|error| Error::InternalError(Some(format!("transport: {error}"))))
}

/// In the words of the contract's own `http`: `denied: ...`, `budget: 30`.
fn error(refusal: Refusal) -> Error {
    Error::InternalError(Some(match refusal {
        Refusal::Denied(why) => format!("denied: {why}"),
        Refusal::Budget(seconds) => format!("budget: {seconds}"),
        Refusal::NoConnection(why) | Refusal::Lost(why) => format!("transport: {why}"),
        Refusal::AuthExpired(why) => format!("auth-expired: {why}"),
    }))
}

/// Counts the bytes of answers that are held for a guest.
#[derive(Clone)]
pub(crate) struct Unread {
    held: Arc<AtomicUsize>,
    most: usize,
}

impl Unread {
    pub(crate) fn up_to(most: usize) -> Self {
        Self {
            held: Arc::default(),
            most,
        }
    }

    /// Room for so many bytes, if there is.
    fn room(&self, bytes: usize) -> Option<Room> {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed);
        let room = Room {
            held: self.held.clone(),
            bytes,
        };
        (held.saturating_add(bytes) <= self.most).then_some(room)
    }
}

/// Room taken, until it is dropped.
struct Room {
    held: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_one_host() {
        for (uri, found) in [
            (
                "https://accounting.service.internal/Contacts",
                Some("accounting"),
            ),
            (
                "https://ACCOUNTING.Service.Internal:443/",
                Some("accounting"),
            ),
            ("https://data.service.internal", Some("data")),
            ("http://accounting.service.internal/", None),
            ("https://accounting.service.internal:80/", None),
            ("https://accounting.service.internal./", None),
            ("https://x@accounting.service.internal/", None),
            ("https://x.y.service.internal/", None),
            ("https://service.internal/", None),
            ("https://.service.internal/", None),
            ("https://accounting.service.internal.evil.example/", None),
            ("https://api.xero.com/", None),
            ("https://127.0.0.1/", None),
            ("https://[::1]/", None),
            ("/Contacts", None),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(service(&uri).as_deref(), found, "{uri}");
        }
    }

    #[test]
    fn room_for_answers_is_given_back() {
        let unread = Unread::up_to(10);
        let first = unread.room(6).unwrap();
        assert!(unread.room(5).is_none());
        let second = unread.room(4).unwrap();
        drop(first);
        assert!(unread.room(7).is_none());
        assert!(unread.room(6).is_some());
        drop(second);
        assert!(unread.room(10).is_some());
    }
}
