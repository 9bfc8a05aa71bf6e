//! The only place where bytes leave: one request over the network to an address that was checked.
//!
//! No proxy from the environment, no redirect, no retry, no cookie. It knows nothing of grants, budgets or tokens;
//! `exchange.rs`, `own.rs` and `token_url.rs` decide before they come here. Every error says whether a byte can have left.

use super::address::{Checked, Lookup, Refused};
use super::target::Named;
use super::unpack::{Unpacker, find};
use crate::secret::Secret;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;
use url::Url;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Idle connections for reads are kept this long. Writes always open their own: a connection that the far side is just
/// closing would leave a write in doubt.
const IDLE: Duration = Duration::from_secs(10);

/// Headers that say how an answer came, which is over once it is here.
const OF_THE_WIRE: &[&str] = &[
    "content-encoding",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
];

/// Two HTTP clients of one connection: reads may reuse connections, writes don't.
pub(crate) struct Wire {
    reads: reqwest::Client,
    writes: reqwest::Client,
    checked: Checked,
    named: Named,
    timeout: Duration,
}

/// A request with everything attached.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    /// Attached last, as `authorization`, never logged.
    pub(crate) authorization: Option<Secret>,
    pub(crate) body: Option<Vec<u8>>,
}

/// A whole answer.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    /// Lower-case names, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WireError {
    /// Refused by rule; no byte left.
    Denied(String),
    /// No connection; no byte of the request left.
    NoConnection(String),
    /// Bytes may have left, and the connection broke before the whole answer came. Asked again, it may come.
    Cut(String),
    /// Bytes may have left. It took too long or too much, or came from elsewhere: asked again, it would again.
    Lost(String),
}

impl Wire {
    pub(crate) fn new(
        named: Named,
        timeout: Duration,
        only_plain: OnlyPlain,
        lookup: Lookup,
    ) -> Result<Self, String> {
        let checked = Checked::new(lookup);
        let client = |idle: usize| {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("footbridge/", env!("CARGO_PKG_VERSION")))
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .http1_only()
                .connect_timeout(CONNECT)
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(idle)
                .dns_resolver(checked.clone());
            // A machine without certificate authorities can still run the demo.
            let builder = match only_plain {
                OnlyPlain::Yes => builder.tls_certs_only([]),
                OnlyPlain::No => builder,
            };
            builder.build().map_err(|error| chain(&error))
        };
        Ok(Self {
            reads: client(8)?,
            writes: client(0)?,
            checked,
            named,
            timeout,
        })
    }

    /// Sends one request and reads the whole answer.
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<Incoming, WireError> {
        let Outgoing {
            method,
            url,
            headers,
            authorization,
            body,
        } = outgoing;
        match self.checked.admit(&url, &self.named).await {
            Ok(()) => {}
            Err(Refused::Denied(why)) => return Err(WireError::Denied(why)),
            Err(Refused::Unresolved(why)) => return Err(WireError::NoConnection(why)),
        }
        let client = if method == Method::GET {
            &self.reads
        } else {
            &self.writes
        };
        let mut map = HeaderMap::new();
        // Unpacked by `unpack.rs`, which knows how much came in.
        map.insert(
            reqwest::header::ACCEPT_ENCODING,
            HeaderValue::from_static("gzip"),
        );
        for (name, value) in &headers {
            let name = header_name(name).map_err(WireError::Denied)?;
            let value = header_value(&name, value).map_err(WireError::Denied)?;
            map.append(name, value);
        }
        if let Some(secret) = authorization {
            let name = reqwest::header::AUTHORIZATION;
            let mut value = header_value(&name, secret.expose()).map_err(WireError::Denied)?;
            value.set_sensitive(true);
            map.insert(name, value);
        }
        let mut request = client.request(method, url.clone()).headers(map);
        if let Some(body) = body {
            request = request.body(body);
        }
        let request = request
            .build()
            .map_err(|error| WireError::Denied(chain(&error)))?;
        let whole = async {
            let response = client.execute(request).await.map_err(|error| {
                if error.is_connect() {
                    WireError::NoConnection(chain(&error))
                } else {
                    WireError::Cut(chain(&error))
                }
            })?;
            let admitted = response
                .remote_addr()
                .is_none_or(|peer| Checked::admits_peer(peer, &url, &self.named));
            if !admitted {
                return Err(WireError::Lost(
                    "the peer has another address than was checked".to_owned(),
                ));
            }
            read(response).await
        };
        match tokio::time::timeout(self.timeout, whole).await {
            Ok(outcome) => outcome,
            Err(_) => Err(WireError::Lost(format!(
                "no whole answer within {} s",
                self.timeout.as_secs()
            ))),
        }
    }
}

/// Whether every URL of the connection is plain http (loopback), so that no certificates are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnlyPlain {
    Yes,
    No,
}

async fn read(mut response: reqwest::Response) -> Result<Incoming, WireError> {
    let status = response.status().as_u16();
    let mut headers: Vec<(String, String)> = response
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let mut body = Unpacker::new(find(&headers, "content-encoding")).map_err(WireError::Lost)?;
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.take(&chunk).map_err(WireError::Lost)?,
            Ok(None) => break,
            Err(error) => {
                return Err(WireError::Cut(format!(
                    "the answer was cut: {}",
                    chain(&error)
                )));
            }
        }
    }
    let body = body.finish().map_err(WireError::Cut)?;
    // They told of the packed form and of the connection, and not of what is handed on.
    headers.retain(|(name, _)| !OF_THE_WIRE.contains(&name.as_str()));
    Ok(Incoming {
        status,
        headers,
        body,
    })
}

/// A header's name as it can be sent.
pub(crate) fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("the header name {name:?} is not one"))
}

/// A header's value as it can be sent: visible ASCII, spaces, tabs.
pub(crate) fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, String> {
    let ascii = value.is_ascii().then_some(value);
    let value = ascii.and_then(|value| HeaderValue::from_str(value).ok());
    value.ok_or_else(|| {
        format!("the value of the header {name} has control characters or isn't ASCII")
    })
}

/// An error with its causes, without the URL: query values are not for logs.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    match causes.pop() {
        Some(root) => root,
        None => error
            .downcast_ref::<reqwest::Error>()
            .map_or_else(|| error.to_string(), strip_url),
    }
}

fn strip_url(error: &reqwest::Error) -> String {
    let text = error.to_string();
    match error.url() {
        Some(url) => text.replace(url.as_str(), "the URL"),
        None => text,
    }
}
