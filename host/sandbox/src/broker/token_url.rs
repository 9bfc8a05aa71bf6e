//! Asks the token URL and the revocation URL. The app's secret, refresh tokens, codes and assertions go nowhere else.
//!
//! A renewal runs in a task of its own, so that an answer is never lost because the caller went away. Next: `oauth/keeper.rs` keeps
//! what came; `exchange.rs` uses it.

use super::audit::{AuditRecord, Verdict, record};
use super::exchange::Refusal;
use super::wire::{Incoming, Outgoing, WireError};
use super::{Credential, Line};
use crate::oauth::answer::{Asked, TokenError, read};
use crate::oauth::keeper::Token;
use crate::oauth::request::{Client, Grant};
use crate::secret::Secret;
use reqwest::Method;
use std::time::Instant;
use url::Url;

impl Line {
    /// A good token, not the one that the API just refused.
    pub(super) async fn token(&self, refused: Option<&Token>) -> Result<Token, Refusal> {
        let refused = refused.map(|token| token.access.clone());
        if let Some(token) = self.tokens.good(self.clock.now(), refused.as_ref()) {
            return Ok(token);
        }
        let line = self
            .me
            .upgrade()
            .ok_or_else(|| Refusal::NoConnection("the program is ending".to_owned()))?;
        let renewed = tokio::spawn(async move {
            let ask = |refresh: Option<Secret>| line.ask(refresh);
            line.tokens
                .renew(line.clock.as_ref(), refused.as_ref(), ask)
                .await
        });
        let renewed = renewed.await.unwrap_or_else(|error| {
            Err(TokenError::Unreachable(format!(
                "the task that renews the token failed: {error}"
            )))
        });
        renewed.map_err(|error| match error {
            TokenError::Refused(why) => Refusal::AuthExpired(why),
            TokenError::Unreachable(why) => Refusal::NoConnection(why),
            TokenError::Denied(why) => Refusal::Denied(why),
            TokenError::Later(seconds) => Refusal::Budget(seconds),
        })
    }

    async fn ask(&self, refresh: Option<Secret>) -> Asked {
        match (&self.credential, &refresh) {
            (_, Some(refresh)) => self.ask_token_url(&Grant::Refresh(refresh)).await,
            (
                Credential::Assertion {
                    key,
                    user,
                    audience,
                },
                None,
            ) => {
                let client = &self.connection.client_id;
                match key.assertion(client, user, audience, self.clock.now()) {
                    Ok(assertion) => self.ask_token_url(&Grant::Assertion(&assertion)).await,
                    Err(why) => Asked::NotCarriedOut(TokenError::Denied(why)),
                }
            }
            (Credential::App(_), None) => self.ask_token_url(&Grant::ClientCredentials).await,
        }
    }

    /// Shows something to the token URL.
    pub(crate) async fn ask_token_url(&self, grant: &Grant<'_>) -> Asked {
        let answer = match self.show(&self.targets.token, "token", grant).await {
            Ok(answer) => answer,
            Err(WireError::Denied(why)) => return Asked::NotCarriedOut(TokenError::Denied(why)),
            Err(WireError::NoConnection(why)) => {
                let why = format!("no token could be fetched: {why}");
                return Asked::NotCarriedOut(TokenError::Unreachable(why));
            }
            Err(WireError::Cut(why) | WireError::Lost(why)) => return Asked::Lost(why),
        };
        let asked = read(answer.status, &answer.body, self.clock.now());
        // An instance elsewhere is refused before anything is kept of it; but the pair of a refresh is the only one there is, and
        // every request looks at the instance again before it uses it.
        if let Asked::Given(granted) = &asked
            && !matches!(grant, Grant::Refresh(_))
        {
            let instance = granted.tokens.instance.as_deref();
            if let Err(why) = self.instance(instance) {
                return Asked::NotCarriedOut(TokenError::Denied(why));
            }
        }
        asked
    }

    /// Gives a token back. The words are for people.
    pub(crate) async fn revoke(&self, token: &Secret) -> Result<(), String> {
        let answer = self
            .show(&self.targets.revoke, "revoke", &Grant::Revoke(token))
            .await;
        match answer {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            // It is gone already: that is what was wanted.
            Ok(answer) if String::from_utf8_lossy(&answer.body).contains("invalid_token") => Ok(()),
            Ok(answer) => Err(format!("the revocation URL answered {}", answer.status)),
            Err(
                WireError::Denied(why)
                | WireError::NoConnection(why)
                | WireError::Cut(why)
                | WireError::Lost(why),
            ) => Err(why),
        }
    }

    async fn show(
        &self,
        url: &Url,
        service: &str,
        grant: &Grant<'_>,
    ) -> Result<Incoming, WireError> {
        let started = Instant::now();
        let client = Client {
            id: &self.connection.client_id,
            secret: self.credential.secret(),
            auth: self.profile.client_auth,
            scopes: self.profile.scopes,
        };
        let (authorization, body) = grant.form(&client);
        let bytes_out = body.len();
        let outgoing = Outgoing {
            method: Method::POST,
            url: url.clone(),
            headers: vec![
                ("accept".to_owned(), "application/json".to_owned()),
                (
                    "content-type".to_owned(),
                    "application/x-www-form-urlencoded".to_owned(),
                ),
            ],
            authorization,
            body: Some(body),
        };
        let shown = grant.secrets();
        let answer = self.wire.send(outgoing).await;
        let mut answer = answer.map_err(|error| self.cleaned(error, &shown));
        let found = answer.as_mut().map_or(0, |answer| {
            // A refresh token that stays is repeated by right, in the answer that gives tokens.
            let by_right = answer.status == 200 && matches!(grant, Grant::Refresh(_));
            let scrubber = self.scrubber(if by_right { &[] } else { &shown });
            scrubber.scrub(&mut answer.body)
        });
        let (verdict, status, why) = match &answer {
            Ok(answer) => (Verdict::Answered, Some(answer.status), None),
            Err(error) => {
                let (verdict, why) = Refusal::from(error.clone()).noted();
                (verdict, None, why)
            }
        };
        record(
            self.audit.as_ref(),
            AuditRecord {
                at: self.clock.now(),
                connection: self.connection.name.to_string(),
                by: "host".to_owned(),
                digest: None,
                method: "POST".to_owned(),
                service: service.to_owned(),
                path: url.path().to_owned(),
                verdict,
                status,
                why,
                bytes_out,
                bytes_in: answer.as_ref().map_or(0, |answer| answer.body.len()),
                milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                secrets_found: found,
            },
        );
        answer
    }
}
