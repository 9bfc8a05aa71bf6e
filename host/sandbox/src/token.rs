//! Tokens of one connection: fetched with client credentials, refreshed by one caller at a time, sealed at rest.
//!
//! No plugin ever sees one. The request itself goes through the broker's only way out. Next: `broker/exchange.rs`
//! attaches the token last.

use crate::seal::{InstallationKey, write_private};
use crate::secret::Secret;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// A token is renewed this long before it expires.
const MARGIN: TimeDelta = TimeDelta::seconds(60);
/// The version of the sealed format, part of what it is bound to.
const FORMAT: u32 = 1;

/// A token as the provider gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) access: Secret,
    /// `instance_url`, where the provider gives one.
    pub(crate) instance: Option<String>,
    /// `None`: the provider doesn't say; a 401 will.
    pub(crate) expires: Option<DateTime<Utc>>,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// The provider refused the app's id or secret.
    Refused(String),
    /// The token URL could not be asked, or answered nonsense; trying again may help.
    Unreachable(String),
    /// Refused by our own rules.
    Denied(String),
    /// The budget or the far side says: later, in so many seconds.
    Later(u32),
}

/// The place where a connection's token is kept.
pub(crate) struct TokenKeeper {
    key: InstallationKey,
    /// Where it is kept sealed; `None` keeps it in memory only.
    file: Option<PathBuf>,
    /// What the sealed form is bound to: connection and credential.
    place: String,
    now: Mutex<Option<Arc<Token>>>,
    /// Held by the one that fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    access: String,
    instance: Option<String>,
    expires: Option<DateTime<Utc>>,
}

impl TokenKeeper {
    /// `credential` names what the token belongs to (client id, token URL); a change of it makes stored tokens unusable.
    pub(crate) fn new(
        key: InstallationKey,
        folder: Option<PathBuf>,
        connection: &str,
        credential: &str,
    ) -> Self {
        let name = blake3::hash(connection.as_bytes()).to_hex();
        let file = folder.map(|folder| folder.join(format!("{}.token", name.as_str())));
        let keeper = Self {
            key,
            file,
            place: format!("{connection}/access-token/{FORMAT}/{credential}"),
            now: Mutex::default(),
            fetching: tokio::sync::Mutex::new(()),
        };
        let stored = keeper.stored().map(Arc::new);
        *keeper.current_mut() = stored;
        keeper
    }

    /// The token in use, if it is still good at `now`.
    pub(crate) fn good(&self, now: DateTime<Utc>) -> Option<Arc<Token>> {
        let token = self.current_mut().clone()?;
        let good = token.expires.is_none_or(|expires| now + MARGIN < expires);
        good.then_some(token)
    }

    /// A good token: the one in use, or a new one from `fetch`. However many ask at once, one fetches and all get
    /// its result. `refused` is a token that the API just refused; it isn't given out again.
    pub(crate) async fn token<F, Fut>(
        &self,
        now: DateTime<Utc>,
        refused: Option<&Arc<Token>>,
        fetch: F,
    ) -> Result<Arc<Token>, TokenError>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<Token, TokenError>>,
    {
        let usable = || {
            self.good(now)
                .filter(|token| refused.is_none_or(|refused| !Arc::ptr_eq(token, refused)))
        };
        if let Some(token) = usable() {
            return Ok(token);
        }
        let _one = self.fetching.lock().await;
        if let Some(token) = usable() {
            return Ok(token);
        }
        let token = Arc::new(fetch().await?);
        self.store(&token);
        *self.current_mut() = Some(token.clone());
        Ok(token)
    }

    fn current_mut(&self) -> std::sync::MutexGuard<'_, Option<Arc<Token>>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stored(&self) -> Option<Token> {
        let sealed = std::fs::read(self.file.as_ref()?).ok()?;
        let Ok(plain) = self.key.open(&self.place, &sealed) else {
            tracing::warn!(
                file = %self.file.as_ref()?.display(),
                "a stored token can't be opened with this key and credential; a new one is fetched"
            );
            return None;
        };
        let stored: Stored = serde_json::from_slice(&plain).ok()?;
        Some(Token {
            access: Secret::new(stored.access),
            instance: stored.instance,
            expires: stored.expires,
        })
    }

    /// Keeps it sealed. A failure costs one more fetch after a restart, so it is only told.
    fn store(&self, token: &Token) {
        let Some(file) = &self.file else { return };
        let stored = Stored {
            access: token.access.expose().to_owned(),
            instance: token.instance.clone(),
            expires: token.expires,
        };
        let kept = serde_json::to_vec(&stored)
            .map(Zeroizing::new)
            .map_err(std::io::Error::from)
            .and_then(|plain| {
                let sealed = self.key.seal(&self.place, &plain);
                let sealed = sealed.map_err(std::io::Error::other)?;
                write_private(file, &sealed)
            });
        drop(Zeroizing::new(stored.access));
        if let Err(error) = kept {
            tracing::warn!(file = %file.display(), %error, "the token could not be stored; it is fetched again after a restart");
        }
    }
}

/// Reads the token URL's answer.
pub(crate) fn read_answer(
    status: u16,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<Token, TokenError> {
    #[derive(Deserialize)]
    struct Good {
        access_token: String,
        #[serde(default)]
        expires_in: Option<i64>,
        #[serde(default)]
        instance_url: Option<String>,
    }
    #[derive(Deserialize)]
    struct Bad {
        error: String,
        #[serde(default)]
        error_description: Option<String>,
    }
    match status {
        200 => {
            let good: Good = serde_json::from_slice(body).map_err(|_| {
                TokenError::Unreachable("the token URL's answer holds no token".to_owned())
            })?;
            if good.access_token.is_empty() {
                return Err(TokenError::Unreachable(
                    "the token URL's answer holds an empty token".to_owned(),
                ));
            }
            Ok(Token {
                access: Secret::new(good.access_token),
                instance: good.instance_url,
                expires: good
                    .expires_in
                    .and_then(TimeDelta::try_seconds)
                    .and_then(|lasts| now.checked_add_signed(lasts)),
            })
        }
        400..=403 => {
            let why = serde_json::from_slice::<Bad>(body).map_or_else(
                |_| format!("status {status}"),
                |bad| match bad.error_description {
                    Some(more) => format!("{}: {more}", bad.error),
                    None => bad.error,
                },
            );
            Err(TokenError::Refused(format!(
                "the provider refused the app's id or secret ({why}). Check client-id and client-secret"
            )))
        }
        _ => Err(TokenError::Unreachable(format!(
            "the token URL answered {status}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    fn token(text: &str, expires: i64) -> Token {
        Token {
            access: Secret::new(text),
            instance: None,
            expires: Some(at(expires)),
        }
    }

    fn keeper(key: &InstallationKey, folder: &std::path::Path, credential: &str) -> TokenKeeper {
        TokenKeeper::new(key.clone(), Some(folder.to_owned()), "xero", credential)
    }

    #[tokio::test]
    async fn many_ask_and_one_fetches() {
        let keeper = TokenKeeper::new(InstallationKey::random(), None, "xero", "id");
        let fetches = AtomicU32::new(0);
        let ask = || {
            keeper.token(at(0), None, || async {
                tokio::task::yield_now().await;
                fetches.fetch_add(1, Ordering::SeqCst);
                Ok(token("one", 1_800))
            })
        };
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
        assert!(Arc::ptr_eq(&a.unwrap(), &b.unwrap()));
        let first = c.unwrap();
        // Refused: both that saw it refused share one new token.
        let again = || {
            keeper.token(at(1), Some(&first), || async {
                fetches.fetch_add(1, Ordering::SeqCst);
                Ok(token("two", 1_800))
            })
        };
        let (d, e) = tokio::join!(again(), again());
        assert_eq!(fetches.load(Ordering::SeqCst), 2);
        assert_eq!(d.unwrap().access.expose(), "two");
        assert_eq!(e.unwrap().access.expose(), "two");
    }

    #[tokio::test]
    async fn a_token_is_renewed_before_it_expires() {
        let keeper = TokenKeeper::new(InstallationKey::random(), None, "xero", "id");
        keeper
            .token(at(0), None, || async { Ok(token("one", 1_800)) })
            .await
            .unwrap();
        assert!(keeper.good(at(1_739)).is_some());
        assert!(keeper.good(at(1_740)).is_none());
    }

    #[tokio::test]
    async fn a_stored_token_is_sealed_and_bound() {
        let folder = tempfile::tempdir().unwrap();
        let key = InstallationKey::random();
        let first = keeper(&key, folder.path(), "id");
        first
            .token(at(0), None, || async { Ok(token("tiger-token", 1_800)) })
            .await
            .unwrap();
        let file = std::fs::read_dir(folder.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let sealed = std::fs::read(&file).unwrap();
        assert!(!sealed.windows(5).any(|w| w == b"tiger"));
        let good = |keeper: TokenKeeper| keeper.good(at(0)).map(|t| t.access.expose().to_owned());
        assert_eq!(
            good(keeper(&key, folder.path(), "id")).as_deref(),
            Some("tiger-token")
        );
        assert_eq!(good(keeper(&key, folder.path(), "other id")), None);
        assert_eq!(
            good(keeper(&InstallationKey::random(), folder.path(), "id")),
            None
        );
        let mut changed = sealed;
        *changed.last_mut().unwrap() ^= 1;
        std::fs::write(&file, changed).unwrap();
        assert_eq!(good(keeper(&key, folder.path(), "id")), None);
    }

    #[test]
    fn answers_of_the_token_url() {
        let read = |status, body: &str| read_answer(status, body.as_bytes(), at(0));
        let good = read(
            200,
            r#"{"access_token":"t","expires_in":1800,"token_type":"Bearer"}"#,
        )
        .unwrap();
        assert_eq!(good.expires, Some(at(1_800)));
        let good = read(200, r#"{"access_token":"t","instance_url":"https://x"}"#).unwrap();
        assert_eq!(
            (good.expires, good.instance.as_deref()),
            (None, Some("https://x"))
        );
        assert!(matches!(
            read(200, "<html>"),
            Err(TokenError::Unreachable(_))
        ));
        assert!(matches!(
            read(200, r#"{"access_token":""}"#),
            Err(TokenError::Unreachable(_))
        ));
        assert!(matches!(read(503, ""), Err(TokenError::Unreachable(_))));
        let Err(TokenError::Refused(why)) = read(400, r#"{"error":"invalid_client"}"#) else {
            panic!("a refusal is one");
        };
        assert!(why.contains("invalid_client"), "{why}");
    }
}
