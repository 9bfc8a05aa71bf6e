//! The one function that everything passes: [`Line::exchange`], and its two steps [`Line::begin`] and [`Asked::answer`].
//!
//! Order matters and is the point: grant, URL, headers, budget, token, dial, learn, refresh once, clean, audit; for a
//! read that broke all of it once more. A secret is touched only after every check. Next: `wire.rs` sends; guests get the result through `host.rs`, the
//! engine through `outbound.rs`.

use super::Line;
use super::audit::{AuditRecord, Verdict, record};
use super::budget::Wait;
use super::grant::{self, Path};
use super::retry_after;
use super::scrub::Scrubber;
use super::wire::{Incoming, Outgoing, WireError, header_name, header_value};
use crate::connection::Access;
use crate::oauth::keeper::Token;
use crate::secret::Secret;
use footbridge_model::document::Document;
use footbridge_model::id::PluginDigest;
use reqwest::Method;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Longest wait for the budget inside a call, in seconds.
const INLINE: u32 = 2;
/// Pause before a read that got no whole answer is asked once more.
const BREATH: Duration = Duration::from_secs(1);
/// Most text of an answer that isn't JSON.
const MAX_TEXT: usize = 64 * 1024;
/// Most bytes of headers and query that a guest may send.
const MAX_HEAD: usize = 16 * 1024;
/// Header names that only the host sets.
const FORBIDDEN: &[&str] = &[
    "authorization",
    "cookie",
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "keep-alive",
    "expect",
    "accept-encoding",
    "forwarded",
    "set-cookie",
    "via",
    "http2-settings",
    "idempotency-key",
    "x-rewrite-url",
    "x-method-override",
];
const FORBIDDEN_FAMILIES: &[&str] = &[
    "proxy-",
    "sec-",
    "x-forwarded-",
    "x-http-method",
    "x-original-",
];

/// One request, before anything was checked.
pub(crate) struct Ask {
    /// Who asks, for the audit record.
    pub(crate) by: String,
    /// Which component, if a guest asks.
    pub(crate) digest: Option<PluginDigest>,
    pub(crate) asking: Asking,
    pub(crate) service: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
}

/// Reading, or writing with what a write carries.
pub(crate) enum Asking {
    Read,
    /// A method that is not for guests: refused, and written down as what it was.
    Other(Method),
    Write {
        method: Method,
        content_type: String,
        body: Vec<u8>,
        key: String,
    },
}

/// An answer that is fit to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Lower-case names; no cookies, no secrets.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// Canonical, numbers as decimal strings.
    Json(String),
    /// Other UTF-8, at most 64 KiB of it.
    Text(String),
    Empty,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// By grant, address or limit. Nothing left.
    Denied(String),
    /// Seconds until the budget allows it. Nothing left.
    Budget(u32),
    /// No connection, or no token because the token URL couldn't be asked. Nothing left.
    NoConnection(String),
    /// Something left and no whole answer came.
    Lost(String),
    /// The credential was refused, also after a refresh. It had no effect.
    AuthExpired(String),
}

/// What stands in the audit of a request whose caller went away.
const GIVEN_UP: &str = "the call that asked was ended before the answer came";

/// A request under way: whatever becomes of it, it is written down.
pub(crate) struct Asked {
    line: Arc<Line>,
    ask: Ask,
    started: Instant,
    /// Until it is written down.
    note: Option<AuditRecord>,
}

impl Asked {
    /// Checks it, sends it, cleans the answer.
    pub(crate) async fn answer(mut self) -> Result<Reply, Refusal> {
        let outcome = match &mut self.note {
            Some(note) => {
                let asked = self
                    .line
                    .exchange_checked(&self.ask, &mut self.started, note);
                asked.await
            }
            None => Err(Refusal::Lost(GIVEN_UP.to_owned())),
        };
        self.ends(outcome)
    }

    /// Refuses it for what is wrong with its form.
    pub(crate) fn refused(mut self, why: String) -> Refusal {
        let refusal = Refusal::Denied(why);
        // The refusal itself comes back.
        let _ = self.ends(Err(refusal.clone()));
        refusal
    }

    fn ends(&mut self, outcome: Result<Reply, Refusal>) -> Result<Reply, Refusal> {
        if let Some(note) = self.note.take() {
            self.line.written_down(note, self.started, &outcome);
        }
        outcome
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let _ = self.ends(Err(Refusal::Lost(GIVEN_UP.to_owned())));
    }
}

/// Whether only the host may set this header.
pub(crate) fn is_forbidden(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    FORBIDDEN.contains(&name.as_str())
        || FORBIDDEN_FAMILIES
            .iter()
            .any(|family| name.starts_with(family))
}

impl Line {
    /// The one way out.
    pub(crate) async fn exchange(self: &Arc<Self>, ask: Ask) -> Result<Reply, Refusal> {
        self.begin(ask).answer().await
    }

    /// The same in two steps: from now on it is written down, whatever becomes of it.
    pub(crate) fn begin(self: &Arc<Self>, ask: Ask) -> Asked {
        Asked {
            line: self.clone(),
            started: Instant::now(),
            note: Some(self.note(&ask)),
            ask,
        }
    }

    /// Refuses a request that didn't come as far as a check; it is written down like any other.
    pub(crate) fn refuse(&self, ask: &Ask, why: &str) -> Refusal {
        let refusal = Refusal::Denied(why.to_owned());
        self.written_down(self.note(ask), Instant::now(), &Err(refusal.clone()));
        refusal
    }

    fn note(&self, ask: &Ask) -> AuditRecord {
        AuditRecord {
            at: self.clock.now(),
            connection: self.connection.name.to_string(),
            by: ask.by.clone(),
            digest: ask.digest.clone(),
            method: ask.asking.method().as_str().chars().take(40).collect(),
            service: ask.service.chars().take(100).collect(),
            path: ask.path.chars().take(300).collect(),
            verdict: Verdict::Answered,
            status: None,
            why: None,
            bytes_out: ask.asking.body().map_or(0, <[u8]>::len),
            bytes_in: 0,
            milliseconds: 0,
            secrets_found: 0,
        }
    }

    pub(super) fn written_down(
        &self,
        mut note: AuditRecord,
        started: Instant,
        outcome: &Result<Reply, Refusal>,
    ) {
        note.at = self.clock.now();
        match outcome {
            Ok(reply) => note.status = Some(reply.status),
            Err(refusal) => (note.verdict, note.why) = refusal.noted(),
        }
        note.milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        record(self.audit.as_ref(), note);
    }

    async fn exchange_checked(
        &self,
        ask: &Ask,
        started: &mut Instant,
        note: &mut AuditRecord,
    ) -> Result<Reply, Refusal> {
        let path = self.check(ask).map_err(Refusal::Denied)?;
        let _slot = self.slot().await?;
        self.wait_for_budget().await?;
        let first = self.attempt(ask, &path, note).await;
        // Reading changes nothing, so a broken read ends no run. A write is never sent again here.
        let again = matches!(ask.asking, Asking::Read) && is_broken(&first);
        let first = first.map_err(Refusal::from);
        if !again {
            return first;
        }
        self.clock.sleep(BREATH).await;
        if self.budget.reserve(self.clock.now()).is_err() {
            return first;
        }
        self.written_down(note.clone(), *started, &first);
        *started = Instant::now();
        (note.bytes_in, note.secrets_found) = (0, 0);
        self.attempt(ask, &path, note).await.map_err(Refusal::from)
    }

    /// Sends a request that was checked, with a token that is renewed once where it is refused.
    async fn attempt(&self, ask: &Ask, path: &Path, note: &mut AuditRecord) -> Result<Reply, Miss> {
        let mut token = self.token(None).await?;
        let mut answer = self.send(ask, path, &token).await?;
        if answer.status == 401 {
            // Refused before it was carried out, so it may be repeated once: the same bytes, the same key.
            token = self.token(Some(&token)).await?;
            self.wait_for_budget().await?;
            answer = self.send(ask, path, &token).await?;
        }
        note.bytes_in = answer.body.len();
        if answer.status == 401 {
            return Err(Miss::Final(Refusal::AuthExpired(format!(
                "the API refused the credential of {0}, also after it was renewed. Check that the app may still use this organisation; `footbridge connect {0}` connects it again",
                self.connection.name
            ))));
        }
        self.clean(answer, &token, note)
            .map_err(|refusal| match refusal {
                Refusal::Lost(why) => Miss::Broken(why),
                other => Miss::Final(other),
            })
    }

    /// Grant, headers and sizes. Touches no secret.
    fn check(&self, ask: &Ask) -> Result<Path, String> {
        let path = Path::parse(&ask.path)?;
        let grant = self.connection.grant.as_deref();
        let access = match &ask.asking {
            Asking::Read => Access::Read,
            Asking::Write { .. } => Access::Write,
            Asking::Other(method) => {
                return Err(format!(
                    "a plugin reads with GET, and this is {:?}. Writes are prepared for the host",
                    method.as_str().chars().take(40).collect::<String>()
                ));
            }
        };
        grant::check(&self.profile, grant, access, &ask.service, &path)?;
        if ask.asking.method() == Method::DELETE {
            grant::check_delete(&self.profile, &path)?;
        }
        if let Some(body) = ask.asking.body()
            && self.profile.composite == Some(path.to_string().as_str())
        {
            grant::check_composite(&self.profile, grant, &ask.service, body)?;
        }
        let mut head = 0;
        for (name, value) in ask.headers.iter().chain(&ask.query) {
            head += name.len() + value.len();
        }
        if head > MAX_HEAD {
            return Err(format!("headers and query are over {MAX_HEAD} bytes"));
        }
        let of_the_host = |name: &str| {
            let own = [
                self.profile.organisation_header,
                self.profile.idempotency_header,
                self.connection.idempotency_header.as_deref(),
            ];
            is_forbidden(name)
                || own
                    .into_iter()
                    .flatten()
                    .any(|own| own.eq_ignore_ascii_case(name))
        };
        for (name, value) in &ask.headers {
            if of_the_host(name) {
                return Err(format!("the header {name:?} is the host's to set"));
            }
            header_value(&header_name(name)?, value)?;
        }
        Ok(path)
    }

    pub(super) async fn slot(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Refusal> {
        let wait = Duration::from_secs(u64::from(INLINE));
        match tokio::time::timeout(wait, self.budget.slot()).await {
            Ok(Some(slot)) => Ok(slot),
            Ok(None) | Err(_) => Err(Refusal::Budget(1)),
        }
    }

    /// Takes a request out of the budget; waits for it at most two seconds in all.
    pub(super) async fn wait_for_budget(&self) -> Result<(), Refusal> {
        let mut waited = 0;
        loop {
            match self.budget.reserve(self.clock.now()) {
                Ok(()) => return Ok(()),
                Err(Wait(seconds)) if waited + seconds <= INLINE => {
                    waited += seconds;
                    self.clock
                        .sleep(Duration::from_secs(u64::from(seconds)))
                        .await;
                }
                Err(Wait(seconds)) => return Err(Refusal::Budget(seconds)),
            }
        }
    }

    async fn send(&self, ask: &Ask, path: &Path, token: &Token) -> Result<Incoming, Miss> {
        let instance = self
            .instance(token.instance.as_deref())
            .map_err(Refusal::Denied)?;
        let url = self
            .targets
            .url(
                &self.profile,
                instance.as_ref(),
                &ask.service,
                path,
                &ask.query,
            )
            .map_err(Refusal::Denied)?;
        if !self.targets.may_carry_credential(&url, instance.as_ref()) {
            return Err(Miss::Final(Refusal::Denied(format!(
                "{} is no host of this connection's, so it gets no credential",
                super::target::host_of(&url)
            ))));
        }
        let mut headers: Vec<(String, String)> = Vec::new();
        let own = self.profile.headers.iter();
        let own = own.filter(|(name, _)| {
            !ask.headers
                .iter()
                .any(|(n, _)| n.eq_ignore_ascii_case(name))
        });
        headers.extend(own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        headers.extend(ask.headers.iter().cloned());
        if let (Some(name), Some(organisation)) =
            (self.profile.organisation_header, self.organisation())
        {
            replace(&mut headers, name, &organisation);
        }
        let mut body = None;
        if let Asking::Write {
            content_type,
            body: bytes,
            key,
            ..
        } = &ask.asking
        {
            replace(&mut headers, "content-type", content_type);
            let configured = self.connection.idempotency_header.as_deref();
            if let Some(name) = configured.or(self.profile.idempotency_header) {
                replace(&mut headers, name, key);
            }
            body = Some(bytes.clone());
        }
        let outgoing = Outgoing {
            method: ask.asking.method(),
            url,
            headers,
            authorization: Some(bearer(token)),
            body,
        };
        let sent = self.wire.send(outgoing).await;
        let mut answer = sent.map_err(|error| match self.cleaned(error, &[&token.access]) {
            WireError::Cut(why) => Miss::Broken(why),
            other => Miss::Final(other.into()),
        })?;
        let now = self.clock.now();
        retry_after::in_seconds(&mut answer.headers, now);
        self.budget.learn(answer.status, &answer.headers, now);
        Ok(answer)
    }

    /// The instance that a token's answer named, checked; `None` where the provider has none.
    pub(super) fn instance(&self, named: Option<&str>) -> Result<Option<Url>, String> {
        match self.profile.origin {
            crate::profile::Origin::Configured => Ok(None),
            crate::profile::Origin::Instance { .. } => named
                .map(|text| self.targets.instance(&self.profile, text))
                .transpose(),
        }
    }

    /// Knows the connection's secrets and these tokens.
    pub(super) fn scrubber(&self, tokens: &[&Secret]) -> Scrubber {
        Scrubber::new(tokens.iter().copied().chain(self.credential.secret()))
    }

    /// An error may quote what came in.
    pub(super) fn cleaned(&self, mut error: WireError, tokens: &[&Secret]) -> WireError {
        let (WireError::Denied(why)
        | WireError::NoConnection(why)
        | WireError::Cut(why)
        | WireError::Lost(why)) = &mut error;
        self.scrubber(tokens).scrub_text(why);
        error
    }

    /// Takes out cookies and secrets, and reads the body.
    pub(super) fn clean(
        &self,
        answer: Incoming,
        token: &Token,
        note: &mut AuditRecord,
    ) -> Result<Reply, Refusal> {
        let scrubber = self.scrubber(&[&token.access]);
        let Incoming {
            status,
            mut headers,
            mut body,
        } = answer;
        let before = headers.len();
        headers.retain(|(name, _)| !scrubber.stands_in_name(name));
        note.secrets_found += before - headers.len();
        headers.retain(|(name, _)| !name.starts_with("set-cookie"));
        for (_, value) in &mut headers {
            note.secrets_found += scrubber.scrub_text(value);
        }
        note.secrets_found += scrubber.scrub(&mut body);
        let claims_json = headers
            .iter()
            .any(|(name, value)| name == "content-type" && value.contains("json"));
        let body = read_body(body, claims_json);
        let body = match body {
            Ok(Body::Json(mut text)) => {
                // Once more, now that escapes are resolved.
                note.secrets_found += scrubber.scrub_text(&mut text);
                Body::Json(text)
            }
            Ok(body) => body,
            Err(why) => return Err(Refusal::Lost(why)),
        };
        Ok(Reply {
            status,
            headers,
            body,
        })
    }

    /// The organisation that requests are for: the one that was chosen when it was connected, else the configuration's.
    fn organisation(&self) -> Option<String> {
        let chosen = self.tokens.tenant();
        chosen.or_else(|| self.connection.organisation.clone())
    }

    pub(crate) async fn check_credential(&self) -> Result<(), String> {
        match self.token(None).await {
            Ok(_) => Ok(()),
            Err(
                Refusal::Denied(why)
                | Refusal::NoConnection(why)
                | Refusal::Lost(why)
                | Refusal::AuthExpired(why),
            ) => Err(why),
            Err(Refusal::Budget(seconds)) => {
                Err(format!("the token URL asks to come back in {seconds} s"))
            }
        }
    }
}

impl Refusal {
    /// As the audit has it. The text is ours or the far side's, cleaned; it is cut all the same.
    pub(super) fn noted(&self) -> (Verdict, Option<String>) {
        let (verdict, why) = match self {
            Self::Denied(why) => (Verdict::Denied, why.clone()),
            Self::Budget(seconds) => (Verdict::Budget, format!("for {seconds} s")),
            Self::NoConnection(why) => (Verdict::NoConnection, why.clone()),
            Self::Lost(why) => (Verdict::Lost, why.clone()),
            Self::AuthExpired(why) => (Verdict::AuthExpired, why.clone()),
        };
        (verdict, Some(why.chars().take(300).collect()))
    }
}

impl From<WireError> for Refusal {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Denied(why) => Self::Denied(why),
            WireError::NoConnection(why) => Self::NoConnection(why),
            WireError::Cut(why) | WireError::Lost(why) => Self::Lost(why),
        }
    }
}

/// Why an attempt brought nothing that can be handed on.
enum Miss {
    /// The connection broke, or what came isn't whole: asked again, it may come.
    Broken(String),
    /// The same would come of another attempt.
    Final(Refusal),
}

/// Whether another attempt may bring what this one didn't. Who says when to come back is asked then.
fn is_broken(outcome: &Result<Reply, Miss>) -> bool {
    match outcome {
        Ok(reply) => reply.status >= 500 && !retry_after::stands_in(&reply.headers),
        Err(Miss::Broken(_)) => true,
        Err(Miss::Final(_)) => false,
    }
}

impl From<Refusal> for Miss {
    fn from(refusal: Refusal) -> Self {
        Self::Final(refusal)
    }
}

impl From<Miss> for Refusal {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Broken(why) => Self::Lost(why),
            Miss::Final(refusal) => refusal,
        }
    }
}

impl Asking {
    fn method(&self) -> Method {
        match self {
            Self::Read => Method::GET,
            Self::Other(method) => method.clone(),
            Self::Write { method, .. } => method.clone(),
        }
    }

    fn body(&self) -> Option<&[u8]> {
        match self {
            Self::Read | Self::Other(_) => None,
            Self::Write { body, .. } => Some(body),
        }
    }
}

pub(super) fn bearer(token: &Token) -> Secret {
    Secret::new(format!("Bearer {}", token.access.expose()))
}

fn replace(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    headers.retain(|(present, _)| !present.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value.to_owned()));
}

/// JSON becomes a document; what only claims to be JSON, because it was cut or is damaged, is no whole answer.
fn read_body(body: Vec<u8>, claims_json: bool) -> Result<Body, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Body::Empty);
    }
    let looks_like_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
    let Ok(text) = String::from_utf8(body) else {
        return if claims_json {
            Err("the answer claims to be JSON and isn't UTF-8".to_owned())
        } else {
            Ok(Body::Empty)
        };
    };
    if claims_json || looks_like_json {
        match Document::from_api(&text) {
            Ok(document) => return Ok(Body::Json(document.canonical())),
            Err(error) if claims_json => {
                return Err(format!(
                    "the answer claims to be JSON and can't be read: {error}"
                ));
            }
            Err(_) => {}
        }
    }
    let end = text.floor_char_boundary(MAX_TEXT);
    Ok(Body::Text(text.get(..end).unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_told_apart() {
        let read = |text: &str, json| read_body(text.as_bytes().to_vec(), json);
        assert_eq!(read(" \r\n", true), Ok(Body::Empty));
        assert_eq!(
            read(r#"{"b":1.50,"a":1e2}"#, true),
            Ok(Body::Json(r#"{"a":"100","b":"1.50"}"#.into()))
        );
        assert_eq!(read(r#"[1]"#, false), Ok(Body::Json(r#"["1"]"#.into())));
        assert!(
            read(r#"{"a":[1,2"#, true)
                .unwrap_err()
                .contains("can't be read")
        );
        assert_eq!(
            read("<html>no</html>", false),
            Ok(Body::Text("<html>no</html>".into()))
        );
        assert!(read("<html>no</html>", true).is_err());
        assert_eq!(read_body(vec![0xff, 0xfe], false), Ok(Body::Empty));
        let Ok(Body::Text(long)) = read(&"é".repeat(40_000), false) else {
            panic!("text")
        };
        assert!(long.len() <= MAX_TEXT && long.len() > MAX_TEXT - 2);
    }

    #[test]
    fn only_the_host_sets_these_headers() {
        for name in [
            "Authorization",
            "cookie",
            "HOST",
            "content-length",
            "Connection",
            "Proxy-Authorization",
            "X-Forwarded-For",
        ] {
            assert!(is_forbidden(name), "{name}");
        }
        for name in ["accept", "if-modified-since", "sforce-query-options"] {
            assert!(!is_forbidden(name), "{name}");
        }
    }
}
