//! Consents of the one user: codes, refresh tokens and the sessions that came of them, without HTTP.
//!
//! With rotation a refresh token is replaced each time and its predecessor ends at once. Next: `api/sign_in.rs` answers the browser,
//! `api/auth.rs` the token endpoint.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::options::{CodeReplay, RefreshRotation, SalesforceOptions};
use crate::consent_page::proves;

const CODE_MINUTES: i64 = 15;

/// A consent: all tokens that came of one code.
pub(crate) type Family = u64;

/// A code and what it was given for.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) redirect: String,
    pub(crate) challenge: String,
    pub(crate) scope: String,
    pub(crate) issued: DateTime<Utc>,
    /// The consent that it became.
    pub(crate) used: Option<Family>,
}

#[derive(Debug)]
struct Refresh {
    family: Family,
    scope: String,
}

/// What tokens are issued for.
#[derive(Debug)]
pub(crate) struct Issue {
    pub(crate) family: Family,
    pub(crate) scope: String,
    /// A new refresh token, if there is one.
    pub(crate) refresh: Option<String>,
}

/// Everything that was consented to.
#[derive(Debug, Default)]
pub(crate) struct Consents {
    pub(crate) codes: BTreeMap<String, Code>,
    refreshes: BTreeMap<String, Refresh>,
    sessions: BTreeMap<String, Family>,
    ended: BTreeSet<Family>,
    next: Family,
}

impl Consents {
    /// Redeems a code; the refusal is the description of `invalid_grant`.
    pub(crate) fn redeem(
        &mut self,
        form: &BTreeMap<String, String>,
        fresh: String,
        options: &SalesforceOptions,
        now: DateTime<Utc>,
    ) -> Result<Issue, &'static str> {
        let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let code = self
            .codes
            .get_mut(get("code"))
            .ok_or("invalid authorization code")?;
        if let Some(family) = code.used {
            if options.code_replay == CodeReplay::EndsConsent {
                self.ended.insert(family);
            }
            return Err("expired authorization code");
        }
        self.next += 1;
        code.used = Some(self.next);
        if now >= code.issued + Duration::minutes(CODE_MINUTES) {
            return Err("expired authorization code");
        }
        if code.redirect != get("redirect_uri") {
            return Err("redirect_uri must match the one of the authorization");
        }
        if !proves(get("code_verifier"), &code.challenge) {
            return Err("invalid code verifier");
        }
        let (family, scope) = (self.next, code.scope.clone());
        let offline = scope
            .split(' ')
            .any(|scope| matches!(scope, "refresh_token" | "offline_access"));
        let refresh = offline.then(|| {
            let scope = scope.clone();
            self.refreshes
                .insert(fresh.clone(), Refresh { family, scope });
            fresh
        });
        Ok(Issue {
            family,
            scope,
            refresh,
        })
    }

    /// Uses a refresh token; the refusal is the description of `invalid_grant`.
    pub(crate) fn refresh(
        &mut self,
        token: &str,
        fresh: String,
        rotation: RefreshRotation,
    ) -> Result<Issue, &'static str> {
        const OVER: &str = "expired access/refresh token";
        let known = self.refreshes.get(token).ok_or(OVER)?;
        if self.ended.contains(&known.family) {
            return Err(OVER);
        }
        let (family, scope) = (known.family, known.scope.clone());
        let refresh = match rotation {
            RefreshRotation::Off => None,
            RefreshRotation::On => {
                self.refreshes.remove(token);
                let scope = scope.clone();
                self.refreshes
                    .insert(fresh.clone(), Refresh { family, scope });
                Some(fresh)
            }
        };
        Ok(Issue {
            family,
            scope,
            refresh,
        })
    }

    /// Notes the session that a consent opened.
    pub(crate) fn opened(&mut self, session: &str, family: Family) {
        self.sessions.insert(session.to_owned(), family);
    }

    /// Whether the session's consent was taken back.
    pub(crate) fn is_over(&self, session: &str) -> bool {
        self.sessions
            .get(session)
            .is_some_and(|family| self.ended.contains(family))
    }

    /// Takes a refresh token back, with the sessions that came of it; false if it is none.
    pub(crate) fn revoke(&mut self, token: &str) -> bool {
        match self.refreshes.remove(token) {
            Some(known) => self.ended.insert(known.family),
            None => false,
        }
    }

    /// Codes and refresh tokens.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &String> {
        self.codes.keys().chain(self.refreshes.keys())
    }

    /// An administrator takes everybody's consent back.
    pub(crate) fn take_away(&mut self) {
        self.ended.extend(1..=self.next);
    }
}
