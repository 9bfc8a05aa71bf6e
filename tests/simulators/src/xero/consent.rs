//! Consents: apps, codes, refresh tokens and the connections they leave, without HTTP.
//!
//! A code is good for five minutes and once; a refresh token is replaced each time it is used, and its predecessor may be used again
//! for thirty minutes. Next: `identity.rs` answers the browser and the token endpoint with it.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::guid::Guid;
use super::options::{App, CodeReplay, RefreshRetry, RevokedAccess, Switches};
use crate::consent_page::proves;

const CODE_MINUTES: i64 = 5;
const REFRESH_DAYS: i64 = 60;
const GRACE_MINUTES: i64 = 30;

/// A consent: all tokens that came of one code.
pub(crate) type Family = u64;

#[derive(Debug)]
struct Code {
    client: String,
    redirect: String,
    challenge: Option<String>,
    scope: String,
    event: Guid,
    issued: DateTime<Utc>,
    /// The consent that it became.
    used: Option<Family>,
}

#[derive(Debug)]
struct Refresh {
    family: Family,
    client: String,
    scope: String,
    event: Guid,
    issued: DateTime<Utc>,
    /// When it was first used, and the token it was replaced by.
    replaced: Option<(DateTime<Utc>, String)>,
}

/// A connection of an app to an organisation.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) id: Guid,
    pub(crate) event: Guid,
    pub(crate) client: String,
    pub(crate) organisation: usize,
    pub(crate) created: DateTime<Utc>,
}

/// What a person allows.
#[derive(Debug)]
pub(crate) struct Allowed {
    pub(crate) client: String,
    pub(crate) redirect: String,
    pub(crate) challenge: Option<String>,
    pub(crate) scope: String,
    pub(crate) organisations: Vec<usize>,
}

/// What tokens are issued for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    pub(crate) family: Family,
    pub(crate) client: String,
    pub(crate) scope: String,
    pub(crate) event: Guid,
    /// The refresh token; none without `offline_access`.
    pub(crate) refresh: Option<String>,
}

/// Everything that was consented to.
#[derive(Debug, Default)]
pub(crate) struct Consents {
    codes: HashMap<String, Code>,
    refreshes: HashMap<String, Refresh>,
    connections: Vec<Connection>,
    ended: BTreeSet<Family>,
    next: Family,
}

/// `invalid_grant`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidGrant;

impl Consents {
    /// Notes a consent; returns its code. `texts` and `ids` are fresh.
    pub(crate) fn allow(
        &mut self,
        allowed: Allowed,
        code: String,
        event: Guid,
        mut new_id: impl FnMut() -> Guid,
        now: DateTime<Utc>,
    ) -> String {
        for organisation in allowed.organisations {
            let known = self
                .connections
                .iter_mut()
                .find(|known| known.client == allowed.client && known.organisation == organisation);
            match known {
                Some(known) => known.event = event,
                None => self.connections.push(Connection {
                    id: new_id(),
                    event,
                    client: allowed.client.clone(),
                    organisation,
                    created: now,
                }),
            }
        }
        self.codes.insert(
            code.clone(),
            Code {
                client: allowed.client,
                redirect: allowed.redirect,
                challenge: allowed.challenge,
                scope: allowed.scope,
                event,
                issued: now,
                used: None,
            },
        );
        code
    }

    /// Redeems a code. `fresh` is the new refresh token's text.
    pub(crate) fn redeem(
        &mut self,
        app: &App,
        form: &HashMap<String, String>,
        fresh: String,
        switches: &Switches,
        now: DateTime<Utc>,
    ) -> Result<Issue, InvalidGrant> {
        let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let code = self.codes.get_mut(get("code")).ok_or(InvalidGrant)?;
        if let Some(family) = code.used {
            if switches.code_replay == CodeReplay::EndsConsent {
                self.ended.insert(family);
            }
            return Err(InvalidGrant);
        }
        let verified = match &code.challenge {
            Some(challenge) => proves(get("code_verifier"), challenge),
            None => get("code_verifier").is_empty(),
        };
        let good = code.client == app.client_id
            && code.redirect == get("redirect_uri")
            && verified
            && now < code.issued + TimeDelta::minutes(CODE_MINUTES);
        // Whatever was wrong with it, it is shown once.
        self.next += 1;
        code.used = Some(self.next);
        if !good {
            return Err(InvalidGrant);
        }
        let (family, scope, event) = (self.next, code.scope.clone(), code.event);
        let offline = scope.split(' ').any(|scope| scope == "offline_access");
        let refresh = offline.then(|| {
            self.refreshes.insert(
                fresh.clone(),
                Refresh {
                    family,
                    client: app.client_id.clone(),
                    scope: scope.clone(),
                    event,
                    issued: now,
                    replaced: None,
                },
            );
            fresh
        });
        Ok(Issue {
            family,
            client: app.client_id.clone(),
            scope,
            event,
            refresh,
        })
    }

    /// Uses a refresh token; it is replaced by `fresh`.
    pub(crate) fn refresh(
        &mut self,
        app: &App,
        token: &str,
        fresh: String,
        switches: &Switches,
        now: DateTime<Utc>,
    ) -> Result<Issue, InvalidGrant> {
        let old = self.refreshes.get(token).ok_or(InvalidGrant)?;
        let own = old.client == app.client_id && !self.ended.contains(&old.family);
        if !own || now >= old.issued + TimeDelta::days(REFRESH_DAYS) {
            return Err(InvalidGrant);
        }
        let mut issue = Issue {
            family: old.family,
            client: old.client.clone(),
            scope: old.scope.clone(),
            event: old.event,
            refresh: Some(fresh.clone()),
        };
        let first = match &old.replaced {
            None => now,
            Some((first, successor)) => {
                if now >= *first + TimeDelta::minutes(GRACE_MINUTES) {
                    return Err(InvalidGrant);
                }
                let (first, successor) = (*first, successor.clone());
                match switches.refresh_retry {
                    // The answer that was lost stays lost.
                    RefreshRetry::NewPair => {
                        self.refreshes.remove(&successor);
                    }
                    RefreshRetry::SamePair => {
                        issue.refresh = Some(successor);
                        return Ok(issue);
                    }
                }
                first
            }
        };
        if let Some(old) = self.refreshes.get_mut(token) {
            old.replaced = Some((first, fresh.clone()));
        }
        self.refreshes.insert(
            fresh,
            Refresh {
                family: issue.family,
                client: issue.client.clone(),
                scope: issue.scope.clone(),
                event: issue.event,
                issued: now,
                replaced: None,
            },
        );
        Ok(issue)
    }

    /// Takes a refresh token back: its consent ends, and so do the app's connections. Unknown tokens are none of our business.
    pub(crate) fn revoke(&mut self, app: &App, token: &str) {
        let known = self.refreshes.get(token);
        if let Some(known) = known.filter(|known| known.client == app.client_id) {
            self.ended.insert(known.family);
            self.connections
                .retain(|connection| connection.client != app.client_id);
        }
    }

    /// The person takes the app's access away, as in Xero's list of connected apps.
    pub(crate) fn take_away(&mut self, client: &str) {
        for refresh in self.refreshes.values() {
            if refresh.client == client {
                self.ended.insert(refresh.family);
            }
        }
        self.connections
            .retain(|connection| connection.client != client);
    }

    /// Ends a connection; false if it isn't there.
    pub(crate) fn end_connection(&mut self, client: &str, id: Guid) -> bool {
        let before = self.connections.len();
        self.connections
            .retain(|connection| connection.client != client || connection.id != id);
        before != self.connections.len()
    }

    /// Codes and refresh tokens.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &String> {
        self.codes.keys().chain(self.refreshes.keys())
    }

    /// The app's connections.
    pub(crate) fn connections(&self, client: &str) -> impl Iterator<Item = &Connection> {
        let client = client.to_owned();
        self.connections
            .iter()
            .filter(move |connection| connection.client == client)
    }

    /// Whether an access token of a consent still opens anything.
    pub(crate) fn lives(&self, family: Family, switches: &Switches) -> bool {
        switches.revoked_access == RevokedAccess::Lasts || !self.ended.contains(&family)
    }
}
