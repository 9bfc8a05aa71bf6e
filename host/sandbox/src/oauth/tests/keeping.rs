//! Tokens kept: one asks and all get it, what changes is on disk before it is used, and a crash at each point is survived.

use super::{at, tokens};
use crate::connection::{Auth, Provider};
use crate::oauth::answer::{Asked, Granted, Refused, TokenError};
use crate::oauth::keeper::{Keeper, Owner, Token};
use crate::oauth::standing::{Standing, Tokens};
use crate::oauth::vault::{Chosen, Record, Unusable, Vault};
use crate::seal::InstallationKey;
use crate::secret::Secret;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use footbridge_engine::ports::Clock;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

#[derive(Default)]
struct Hand(AtomicI64);

#[async_trait]
impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        at(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, _: Duration) {}
}

fn vault(key: &InstallationKey, folder: Option<&Path>, credential: &str) -> Vault {
    let parts = [credential.to_owned()];
    Vault::new(key.clone(), folder.map(Path::to_owned), "books", &parts)
}

fn keeper(vault: Vault, auth: Auth, provider: Provider) -> Keeper {
    let owner = Owner {
        connection: "books".to_owned(),
        provider,
        auth,
    };
    Keeper::new(owner, vault)
}

fn given(tokens: Tokens) -> Asked {
    Asked::Given(Granted {
        tokens,
        scopes: None,
        who: None,
    })
}

fn refused() -> Asked {
    Asked::Refused(Refused {
        error: "invalid_grant".to_owned(),
        description: String::new(),
    })
}

fn access(token: Result<Token, TokenError>) -> String {
    token.unwrap().access.expose().to_owned()
}

fn record(tokens: Tokens) -> Record {
    Record {
        standing: Standing::Ready {
            tokens,
            rotation: Default::default(),
            last: 0,
        },
        ..Record::empty()
    }
}

#[tokio::test]
async fn many_ask_and_one_fetches() {
    let key = InstallationKey::random();
    let clock = Hand::default();
    let keeper = keeper(
        vault(&key, None, "id"),
        Auth::ClientCredentials,
        Provider::Xero,
    );
    let fetches = AtomicU32::new(0);
    let ask = |refused: Option<Secret>| {
        let (keeper, clock, fetches) = (&keeper, &clock, &fetches);
        async move {
            let ask = |_| async move {
                tokio::task::yield_now().await;
                let n = fetches.fetch_add(1, Ordering::SeqCst);
                given(tokens(&format!("token-{n}"), None, 0))
            };
            access(keeper.renew(clock, refused.as_ref(), ask).await)
        }
    };
    let (a, b, c) = tokio::join!(ask(None), ask(None), ask(None));
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    assert!(a == b && b == c);
    // Refused: both that saw it refused share one new token.
    let old = Secret::new(a);
    let (d, e) = tokio::join!(ask(Some(old.clone())), ask(Some(old)));
    assert_eq!((fetches.load(Ordering::SeqCst), d.as_str()), (2, "token-1"));
    assert_eq!(d, e);
    // Renewed a minute before it ends.
    assert!(keeper.good(at(1_739), None).is_some());
    assert!(keeper.good(at(1_740), None).is_none());
}

#[tokio::test]
async fn two_keepers_of_one_file_refresh_once() {
    let (key, folder) = (InstallationKey::random(), tempfile::tempdir().unwrap());
    let place = || vault(&key, Some(folder.path()), "id");
    place()
        .write(&record(tokens("old", Some("r0"), -3_600)))
        .unwrap();
    let one = keeper(place(), Auth::Code, Provider::Salesforce);
    let two = keeper(place(), Auth::Code, Provider::Salesforce);
    let clock = Hand::default();
    let asked = AtomicU32::new(0);
    let ask = |keeper: &'static str| {
        let asked = &asked;
        move |refresh: Option<Secret>| async move {
            assert_eq!(refresh.unwrap().expose(), "r0", "{keeper}");
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(30)).await;
            given(tokens("new", Some("r1"), 0))
        }
    };
    let (a, b) = tokio::join!(
        one.renew(&clock, None, ask("one")),
        two.renew(&clock, None, ask("two"))
    );
    assert_eq!((access(a), access(b)), ("new".into(), "new".into()));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// Where the program stops in a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stops {
    /// The beginning is on disk; nothing left.
    BeforeSending,
    /// The provider did it; the answer never came.
    BeforeTheAnswer,
}

#[tokio::test]
async fn a_crash_at_each_point_of_a_refresh() {
    for provider in [Provider::Xero, Provider::Salesforce] {
        for stops in [Stops::BeforeSending, Stops::BeforeTheAnswer] {
            let (key, folder) = (InstallationKey::random(), tempfile::tempdir().unwrap());
            let place = || vault(&key, Some(folder.path()), "id");
            place()
                .write(&record(tokens("old", Some("r0"), -3_600)))
                .unwrap();
            let clock = Hand::default();
            let first = keeper(place(), Auth::Code, provider);
            let seen = place();
            let interrupted = first.renew(&clock, None, |_| async {
                // On disk before the first byte.
                let there = seen.read().unwrap().unwrap();
                assert!(matches!(there.standing, Standing::Refreshing { .. }));
                Asked::Lost("it stopped".to_owned())
            });
            assert!(matches!(interrupted.await, Err(TokenError::Unreachable(_))));
            drop(first);
            // Started again: the old token is tried once, by the provider's rule.
            let again = keeper(place(), Auth::Code, provider);
            let took = stops == Stops::BeforeSending || provider == Provider::Xero;
            let tried = again.renew(&clock, None, |refresh| async move {
                assert_eq!(refresh.unwrap().expose(), "r0");
                if took {
                    given(tokens("new", Some("r2"), 0))
                } else {
                    refused()
                }
            });
            let tried = tried.await;
            let there = place().read().unwrap().unwrap().standing;
            if took {
                assert_eq!(access(tried), "new", "{provider:?} {stops:?}");
                assert_eq!(
                    there.usable().unwrap().refresh.as_ref().unwrap().expose(),
                    "r2"
                );
                continue;
            }
            let Err(TokenError::Refused(why)) = tried else {
                panic!("{provider:?} {stops:?}")
            };
            for words in [
                "needs connecting again",
                "was lost",
                "`footbridge connect books`",
                "jwt-bearer",
                "client-credentials",
            ] {
                assert!(why.contains(words), "{words}: {why}");
            }
            assert!(matches!(there, Standing::Over { .. }));
            // Nothing is asked any more.
            let asked = again.renew(&clock, None, |_| async { panic!("asked") });
            assert!(matches!(asked.await, Err(TokenError::Refused(_))));
        }
    }
}

#[tokio::test]
async fn a_pair_that_the_disk_refuses_is_neither_used_nor_lost() {
    let (key, folder) = (InstallationKey::random(), tempfile::tempdir().unwrap());
    let tokens_folder = folder.path().join("tokens");
    std::fs::create_dir(&tokens_folder).unwrap();
    let place = || vault(&key, Some(&tokens_folder), "id");
    place()
        .write(&record(tokens("old", Some("r0"), -3_600)))
        .unwrap();
    let keeper = keeper(place(), Auth::Code, Provider::Salesforce);
    let clock = Hand::default();
    let aside = folder.path().join("aside");
    let refused = keeper.renew(&clock, None, |_| async {
        std::fs::rename(&tokens_folder, &aside).unwrap();
        given(tokens("new", Some("r1"), 0))
    });
    let Err(TokenError::Denied(why)) = refused.await else {
        panic!("it was used")
    };
    assert!(why.contains("can't be kept on disk"), "{why}");
    assert!(keeper.good(at(0), None).is_none());
    std::fs::rename(&aside, &tokens_folder).unwrap();
    let later = keeper.renew(&clock, None, |_| async { panic!("the pair is there") });
    assert_eq!(access(later.await), "new");
    let kept = place().read().unwrap().unwrap();
    assert_eq!(kept.standing.usable().unwrap().access.expose(), "new");
}

#[tokio::test]
async fn what_was_not_carried_out_and_what_refused_the_app_end_nothing() {
    let (key, folder) = (InstallationKey::random(), tempfile::tempdir().unwrap());
    let place = || vault(&key, Some(folder.path()), "id");
    let before = record(tokens("old", Some("r0"), -3_600));
    place().write(&before).unwrap();
    let keeper = keeper(place(), Auth::Code, Provider::Salesforce);
    let clock = Hand::default();
    for body in [
        r#"{"error":"invalid_client"}"#,
        r#"{"error":"invalid_client_id"}"#,
        "<html>",
    ] {
        let asked = keeper.renew(&clock, None, |_| async {
            crate::oauth::answer::read(400, body.as_bytes(), at(0))
        });
        assert!(matches!(asked.await, Err(TokenError::Refused(_))), "{body}");
        let there = place().read().unwrap().unwrap();
        assert_eq!(there.standing.usable(), before.standing.usable(), "{body}");
    }
}

#[test]
fn a_record_is_sealed_and_bound_to_what_it_belongs_to() {
    let (key, folder) = (InstallationKey::random(), tempfile::tempdir().unwrap());
    let place =
        |key: &InstallationKey, credential: &str| vault(key, Some(folder.path()), credential);
    let mut kept = record(tokens("tiger-access", Some("tiger-refresh"), 0));
    kept.chosen = Some(Chosen {
        id: "tiger-id".to_owned(),
        name: "Tiger Ltd".to_owned(),
        test: true,
        tenant: None,
        connection: None,
    });
    place(&key, "id").write(&kept).unwrap();
    let file = std::fs::read_dir(folder.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let sealed = std::fs::read(&file).unwrap();
    assert!(!sealed.windows(5).any(|w| w.eq_ignore_ascii_case(b"tiger")));
    assert_eq!(place(&key, "id").read(), Ok(Some(kept)));
    assert_eq!(place(&key, "other").read(), Err(Unusable::OtherCredential));
    assert_eq!(
        place(&InstallationKey::random(), "id").read(),
        Err(Unusable::Sealed)
    );
    // Of another connection, put in its place.
    let other = Vault::new(
        key.clone(),
        Some(folder.path().to_owned()),
        "other",
        &["id".to_owned()],
    );
    std::fs::copy(
        &file,
        folder.path().join(format!(
            "{}.tokens",
            blake3::hash(b"other").to_hex().as_str()
        )),
    )
    .unwrap();
    assert_eq!(other.read(), Err(Unusable::Sealed));
    for n in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[n] ^= 1;
        std::fs::write(&file, changed).unwrap();
        assert!(place(&key, "id").read().is_err(), "byte {n}");
        std::fs::write(&file, &sealed[..n]).unwrap();
        assert!(place(&key, "id").read().is_err(), "cut at {n}");
    }
    place(&key, "id").remove().unwrap();
    assert_eq!(place(&key, "id").read(), Ok(None));
}

#[tokio::test]
async fn tokens_of_another_client_are_not_used_and_it_is_said() {
    let (key, folder) = (InstallationKey::random(), tempfile::tempdir().unwrap());
    vault(&key, Some(folder.path()), "before")
        .write(&record(tokens("old", Some("r0"), 0)))
        .unwrap();
    let keeper = keeper(
        vault(&key, Some(folder.path()), "after"),
        Auth::Code,
        Provider::Xero,
    );
    assert!(keeper.good(at(0), None).is_none());
    let clock = Hand::default();
    let asked = keeper.renew(&clock, None, |_| async { panic!("asked") });
    let Err(TokenError::Refused(why)) = asked.await else {
        panic!("used")
    };
    assert!(
        why.contains("another client-id, provider, URL or set of scopes")
            && why.contains("`footbridge connect books`"),
        "{why}"
    );
}
