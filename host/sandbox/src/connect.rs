//! Connecting an account, for people: consent, code, organisation, proof, keeping, and the end of it. The broker's face for
//! `footbridge connect`, `disconnect`, `status` and `doctor`.
//!
//! The order is the rule: nothing is kept before the organisation was chosen and the preflight found nothing in the way. It shows
//! nothing itself. Next: `oauth/` for each arrow, `preflight/` for the proof.

use crate::broker::{Broker, Line, Own, Refusal};
use crate::connection::Auth;
use crate::oauth::answer::{Asked, TokenError, to_do};
use crate::oauth::authorize::ConsentRequest;
use crate::oauth::callback::Code;
use crate::oauth::provider::scopes;
use crate::oauth::request::Grant;
use crate::oauth::standing::{Rotation, Standing};
use crate::oauth::vault::{Chosen, Consent};
use crate::preflight::{Needs, Preflight};
use chrono::{DateTime, Utc};
use footbridge_model::id::ConnectionId;
use reqwest::Method;
use serde::Serialize;
use std::sync::Arc;

/// Why a connection could not be made or ended. What was kept before is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// There is no such connection.
    #[error("there is no connection {0:?} in the configuration")]
    Unknown(String),
    /// It needs no consent.
    #[error("{0} needs no consent: its auth is not \"code\"")]
    NoConsent(String),
    /// The provider did not take the code.
    #[error("the provider did not take the code ({said}). {to_do}")]
    Code {
        /// Its words.
        said: String,
        /// What to do.
        to_do: String,
    },
    /// The far side refused, or can't be reached.
    #[error("{0}")]
    FarSide(String),
    /// Our own rules refused.
    #[error("{0}")]
    Denied(String),
    /// The disk did not keep it.
    #[error(
        "the tokens can't be kept: {0}. Nothing was stored; make room in the data directory and connect again"
    )]
    Disk(String),
}

/// An organisation that the credential reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reachable {
    /// The provider's id of it, as its connector reports it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What requests name it by, and what ends the connection; where the provider has such ids.
    #[serde(skip)]
    pub(crate) ids: Option<(String, String)>,
}

/// How a connection's credential stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Held {
    /// How it proves itself.
    pub auth: Auth,
    /// `not-connected`, `connected`, `renewal-in-doubt`, `needs-connecting`, `unusable`; for those that need no consent also `not-asked-yet`.
    pub state: &'static str,
    /// Why, and what to do, where it can't be used.
    pub problem: Option<String>,
    /// The organisation that it was connected to.
    pub organisation: Option<Chosen>,
    /// Who consented, and when.
    pub consent: Option<Consent>,
    /// As whom it acts, where no consent says so.
    pub acts_as: Option<String>,
    /// Until when the access token lasts, where that is known.
    pub access_until: Option<DateTime<Utc>>,
    /// Until when it can be renewed if it stays unused, where that is known.
    pub renewable_until: Option<DateTime<Utc>>,
    /// What is worth knowing about its renewal.
    pub note: Option<&'static str>,
}

/// What ending a connection did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Disconnected {
    /// What was done, a line each.
    pub done: Vec<String>,
    /// What remains for a person to do.
    pub remains: Vec<String>,
}

impl Broker {
    fn known(&self, connection: &ConnectionId) -> Result<&Arc<Line>, ConnectError> {
        self.line(connection)
            .ok_or_else(|| ConnectError::Unknown(connection.to_string()))
    }

    /// Asks a person's consent: the URL to open.
    ///
    /// # Errors
    /// No such connection, or it needs none.
    pub fn ask_consent(&self, connection: &ConnectionId) -> Result<ConsentRequest, ConnectError> {
        let line = self.known(connection)?;
        if !line.connection.auth.needs_consent() {
            return Err(ConnectError::NoConsent(connection.to_string()));
        }
        ConsentRequest::new(
            &line.targets.authorize,
            &line.profile.oauth,
            line.profile.scopes,
            &line.connection.client_id,
            &line.connection.redirect_uri(),
        )
        .map_err(ConnectError::Denied)
    }

    /// The scopes that the app must be allowed, separated by spaces.
    ///
    /// # Errors
    /// No such connection.
    pub fn scopes(&self, connection: &ConnectionId) -> Result<String, ConnectError> {
        let line = self.known(connection)?;
        let api = line.profile.scopes;
        Ok(if line.connection.auth.needs_consent() {
            scopes(&line.profile.oauth, api)
        } else {
            api.to_owned()
        })
    }

    /// Exchanges a code for tokens, which are held in memory until [`Self::keep`].
    ///
    /// # Errors
    /// The provider doesn't take it, or can't be asked.
    pub async fn take_code(
        &self,
        connection: &ConnectionId,
        request: &ConsentRequest,
        code: Code,
    ) -> Result<(), ConnectError> {
        let line = self.known(connection)?;
        let grant = Grant::Code {
            code: &code.0,
            verifier: request.verifier(),
            redirect: request.redirect(),
        };
        let granted = match line.ask_token_url(&grant).await {
            Asked::Given(granted) => granted,
            Asked::Refused(refused) => {
                return Err(ConnectError::Code {
                    to_do: match refused.description.to_ascii_lowercase() {
                        text if text.contains("approved") || text.contains("installed") => {
                            to_do(&refused.error, &refused.description).to_owned()
                        }
                        _ => "A code is good for one use, for a few minutes, and for the consent it was given in. Run the command again and use the link it prints".to_owned(),
                    },
                    said: refused.said(),
                });
            }
            Asked::NotCarriedOut(error) => return Err(error.into()),
            Asked::Lost(why) => {
                return Err(ConnectError::FarSide(format!(
                    "no whole answer came to the code, which may be used up by now ({why}). Nothing was stored; run the command again"
                )));
            }
        };
        let now = line.clock.now();
        line.tokens.draft(granted, now).map_err(ConnectError::from)
    }

    /// The organisations that the credential reaches.
    ///
    /// # Errors
    /// The far side can't be asked or says nothing useful.
    pub async fn reaches(&self, connection: &ConnectionId) -> Result<Vec<Reachable>, ConnectError> {
        let line = self.known(connection)?;
        match line.profile.oauth.connections {
            Some(path) => crate::preflight::xero::reaches(line, path).await,
            None => crate::preflight::salesforce::reaches(line).await,
        }
    }

    /// Takes one of them. Requests from now on are for it.
    ///
    /// # Errors
    /// No such connection.
    pub fn choose(
        &self,
        connection: &ConnectionId,
        reachable: &Reachable,
    ) -> Result<(), ConnectError> {
        self.known(connection)?.tokens.choose(Chosen {
            id: reachable.id.clone(),
            name: reachable.name.clone(),
            test: false,
            tenant: reachable.ids.as_ref().map(|(tenant, _)| tenant.clone()),
            connection: reachable.ids.as_ref().map(|(_, id)| id.clone()),
        });
        Ok(())
    }

    /// Proves that the connection does what flows need of it. Reads only.
    ///
    /// # Errors
    /// The far side can't be reached at all.
    pub async fn preflight(
        &self,
        connection: &ConnectionId,
        needs: &Needs,
    ) -> Result<Preflight, ConnectError> {
        let line = self.known(connection)?;
        match line.profile.oauth.connections {
            Some(_) => crate::preflight::xero::prove(line, needs).await,
            None => crate::preflight::salesforce::prove(line, needs).await,
        }
    }

    /// Keeps what was proven, sealed. Durable when it returns.
    ///
    /// # Errors
    /// The disk doesn't take it.
    pub async fn keep(&self, connection: &ConnectionId) -> Result<(), ConnectError> {
        let kept = self.known(connection)?.tokens.keep().await;
        kept.map_err(|error| ConnectError::Disk(error.to_string()))
    }

    /// Gives a consent that was not kept back to the provider. True if it took it.
    pub async fn give_back(&self, connection: &ConnectionId) -> bool {
        let Ok(line) = self.known(connection) else {
            return false;
        };
        match line.tokens.record().standing.tokens() {
            Some(tokens) => {
                let token = tokens.refresh.as_ref().unwrap_or(&tokens.access);
                line.revoke(token).await.is_ok()
            }
            None => true,
        }
    }

    /// How the credential stands. Sends nothing.
    ///
    /// # Errors
    /// No such connection.
    pub fn held(&self, connection: &ConnectionId) -> Result<Held, ConnectError> {
        let line = self.known(connection)?;
        Ok(held(line))
    }

    /// Ends a connection: at the provider first, then here.
    ///
    /// # Errors
    /// The provider can't be reached; nothing was removed.
    pub async fn disconnect(
        &self,
        connection: &ConnectionId,
        where_: Ending,
    ) -> Result<Disconnected, ConnectError> {
        let line = self.known(connection)?;
        let mut told = Disconnected::default();
        if where_ == Ending::There {
            end_there(line, &mut told).await?;
        } else {
            told.remains.push(format!(
                "the provider was not told: take the app's access away there ({})",
                settings_of(line)
            ));
        }
        let forgotten = line.tokens.forget().await;
        forgotten.map_err(|error| ConnectError::Disk(error.to_string()))?;
        told.done
            .push(format!("removed the stored tokens of {connection}"));
        match line.connection.auth {
            Auth::Code => told.remains.push(
                "links, journal and the pinned organisation stay in the data directory; connecting the same organisation again goes on from there".to_owned(),
            ),
            Auth::ClientCredentials | Auth::JwtBearer => told.remains.push(format!(
                "the app's {} still opens the account: delete it there ({})",
                match line.connection.auth {
                    Auth::JwtBearer => "key",
                    Auth::ClientCredentials | Auth::Code => "secret",
                },
                settings_of(line)
            )),
        }
        Ok(told)
    }
}

/// Where a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At the provider, then here.
    There,
    /// Here only.
    Here,
}

async fn end_there(line: &Arc<Line>, told: &mut Disconnected) -> Result<(), ConnectError> {
    let record = line.tokens.record();
    let unreached = |what: &str, why: String| {
        ConnectError::FarSide(format!(
            "{} could not be ended at the provider: {what} ({why}). Nothing was removed; try again, or use --local and take the app's access away there yourself ({})",
            line.connection.name,
            settings_of(line)
        ))
    };
    if let Some(problem) = line.tokens.problem() {
        told.remains.push(format!(
            "the stored tokens could not be read ({problem}), so the provider was not told: take the app's access away there ({})",
            settings_of(line)
        ));
        return Ok(());
    }
    let Some(tokens) = record.standing.tokens() else {
        told.done
            .push("nothing to give back: no tokens were stored".to_owned());
        return Ok(());
    };
    let chosen = record.chosen.as_ref();
    let ends = chosen.and_then(|chosen| Some((chosen, chosen.connection.as_deref()?)));
    if let (Some(path), Some((chosen, id))) = (line.profile.oauth.connections, ends) {
        let segments = [path, id];
        let own = Own {
            method: Method::DELETE,
            ..Own::get(&segments)
        };
        match line.own(&own).await {
            Ok(reply) if matches!(reply.status, 204 | 404) => told
                .done
                .push(format!("ended the connection to {}", chosen.name)),
            Ok(reply) => {
                let why = format!("status {}", reply.status);
                return Err(unreached("the connection stands", why));
            }
            // It was ended there before.
            Err(Refusal::AuthExpired(_)) => {}
            Err(refusal) => return Err(unreached("it could not be asked", words(refusal))),
        }
    }
    // Asking may have renewed them.
    let record = line.tokens.record();
    let tokens = record.standing.tokens().unwrap_or(tokens);
    let token = tokens.refresh.as_ref().unwrap_or(&tokens.access);
    line.revoke(token)
        .await
        .map_err(|why| unreached("its tokens are still good", why))?;
    told.done.push("gave the tokens back".to_owned());
    Ok(())
}

/// Where a person finds the app's access at the provider.
fn settings_of(line: &Line) -> &'static str {
    match line.profile.oauth.connections {
        Some(_) => "Xero: Settings > Connected apps",
        None => "Salesforce: Setup > Connected Apps OAuth Usage",
    }
}

fn held(line: &Line) -> Held {
    let record = line.tokens.record();
    let problem = line.tokens.problem();
    let auth = line.connection.auth;
    let owner = line.tokens.owner();
    let (state, problem) = match (&problem, &record.standing) {
        (Some(problem), _) if auth.needs_consent() => ("unusable", Some(owner.unusable(problem))),
        (_, Standing::Over { why, .. }) => ("needs-connecting", Some(owner.over(why))),
        (_, Standing::Refreshing { .. }) => ("renewal-in-doubt", None),
        (_, Standing::Ready { .. }) => ("connected", None),
        (_, Standing::Nothing) if auth.needs_consent() => {
            ("not-connected", Some(owner.never_connected()))
        }
        (_, Standing::Nothing) => ("not-asked-yet", None),
    };
    let tokens = record.standing.tokens();
    let lasts = line.profile.oauth.refresh_lasts;
    let rotation = match &record.standing {
        Standing::Ready { rotation, .. } | Standing::Refreshing { rotation, .. } => *rotation,
        Standing::Nothing | Standing::Over { .. } => Rotation::Unknown,
    };
    Held {
        auth,
        state,
        problem,
        organisation: record.chosen,
        consent: record.consent,
        acts_as: line.connection.user.clone(),
        access_until: tokens.and_then(|tokens| tokens.expires),
        renewable_until: tokens
            .filter(|tokens| tokens.refresh.is_some())
            .and_then(|tokens| tokens.given.checked_add_signed(lasts?)),
        note: (rotation == Rotation::Replaced && line.profile.oauth.grace.is_none()).then_some(
            "refresh token rotation is on: if the answer to one renewal is lost, it must be connected again. Switch rotation off in the app's policies, or use jwt-bearer or client-credentials",
        ),
    }
}

impl From<TokenError> for ConnectError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Refused(why) | TokenError::Unreachable(why) => Self::FarSide(why),
            TokenError::Denied(why) => Self::Denied(why),
            TokenError::Later(seconds) => {
                Self::FarSide(format!("the token URL asks to come back in {seconds} s"))
            }
        }
    }
}

impl From<Refusal> for ConnectError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied(why) => Self::Denied(why),
            other => Self::FarSide(words(other)),
        }
    }
}

fn words(refusal: Refusal) -> String {
    match refusal {
        Refusal::Denied(why)
        | Refusal::NoConnection(why)
        | Refusal::Lost(why)
        | Refusal::AuthExpired(why) => why,
        Refusal::Budget(seconds) => {
            format!("the connection's budget is used up for {seconds} s")
        }
    }
}
