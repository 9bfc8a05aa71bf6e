//! The host's own requests to the API: fixed paths that no plugin may ask for, under the same address, budget, credential, cleaning and
//! audit rules as every other.
//!
//! For connecting: who is it, what does it reach, what may it do, and its end. Next: `crate::preflight`, `crate::connect`.

use super::Line;
use super::audit::{AuditRecord, Verdict};
use super::exchange::{Body, Refusal, Reply};
use super::wire::{Incoming, Outgoing};
use crate::oauth::keeper::Token;
use footbridge_model::document::Document;
use reqwest::Method;
use std::time::Instant;

/// One of the host's own requests: a path from the root of the API, by its segments.
pub(crate) struct Own<'a> {
    pub(crate) method: Method,
    pub(crate) segments: &'a [&'a str],
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// The organisation it is about, where the provider wants one.
    pub(crate) organisation: Option<&'a str>,
}

impl<'a> Own<'a> {
    pub(crate) fn get(segments: &'a [&'a str]) -> Self {
        Self {
            method: Method::GET,
            segments,
            query: &[],
            organisation: None,
        }
    }
}

impl Line {
    /// What is left of the budget.
    pub(crate) fn left(&self) -> super::Left {
        self.budget.left(self.clock.now())
    }

    /// Asks; a 401 is asked once more with a new token.
    pub(crate) async fn own(&self, own: &Own<'_>) -> Result<Reply, Refusal> {
        let started = Instant::now();
        let mut note = AuditRecord {
            at: self.clock.now(),
            connection: self.connection.name.to_string(),
            by: "host".to_owned(),
            digest: None,
            method: own.method.to_string(),
            service: "connect".to_owned(),
            path: format!("/{}", own.segments.join("/")),
            verdict: Verdict::Answered,
            status: None,
            why: None,
            bytes_out: 0,
            bytes_in: 0,
            milliseconds: 0,
            secrets_found: 0,
        };
        let outcome = self.own_checked(own, &mut note).await;
        self.written_down(note, started, &outcome);
        outcome
    }

    async fn own_checked(&self, own: &Own<'_>, note: &mut AuditRecord) -> Result<Reply, Refusal> {
        let _slot = self.slot().await?;
        self.wait_for_budget().await?;
        let mut token = self.token(None).await?;
        let mut answer = self.send_own(own, &token).await?;
        if answer.status == 401 {
            token = self.token(Some(&token)).await?;
            answer = self.send_own(own, &token).await?;
        }
        note.bytes_in = answer.body.len();
        if answer.status == 401 {
            return Err(Refusal::AuthExpired(
                "the API refused the credential".to_owned(),
            ));
        }
        self.clean(answer, &token, note)
    }

    async fn send_own(&self, own: &Own<'_>, token: &Token) -> Result<Incoming, Refusal> {
        let instance = self
            .instance(token.instance.as_deref())
            .map_err(Refusal::Denied)?;
        let url = self
            .targets
            .own(instance.as_ref(), own.segments, own.query)
            .map_err(Refusal::Denied)?;
        if !self.targets.may_carry_credential(&url, instance.as_ref()) {
            return Err(Refusal::Denied(format!(
                "{} is no host of this connection's, so it gets no credential",
                super::target::host_of(&url)
            )));
        }
        let mut headers: Vec<(String, String)> = self
            .profile
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        if let (Some(name), Some(organisation)) =
            (self.profile.organisation_header, own.organisation)
        {
            headers.push((name.to_owned(), organisation.to_owned()));
        }
        let outgoing = Outgoing {
            method: own.method.clone(),
            url,
            headers,
            authorization: Some(super::exchange::bearer(token)),
            body: None,
        };
        let answer = self
            .wire
            .send(outgoing)
            .await
            .map_err(|error| Refusal::from(self.cleaned(error, &[&token.access])))?;
        self.budget
            .learn(answer.status, &answer.headers, self.clock.now());
        Ok(answer)
    }
}

impl Reply {
    /// The body as JSON; numbers are text.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        match &self.body {
            Body::Json(text) => Document::from_api(text)
                .ok()
                .and_then(|document| serde_json::from_str(&document.canonical()).ok()),
            Body::Text(_) | Body::Empty => None,
        }
    }
}
