//! Keeps a connection's tokens: one caller renews, all get the result; what changes is durable before it is used.
//!
//! It acts on `standing.rs` and sends nothing itself: the caller asks the token URL, in a task that outlives whoever wanted a token.
//! Against other processes, and other keepers of the same tokens, it takes turns by the vault's lock and reads again what stands
//! there. Next: `broker/exchange.rs` attaches the token last.

use super::answer::{Asked, Granted, TokenError};
use super::standing::{End, Standing, Step, Tokens};
use super::vault::{Chosen, Consent, Record, Unusable, Vault};
use crate::connection::{Auth, Provider};
use crate::secret::Secret;
use chrono::{DateTime, TimeDelta, Utc};
use footbridge_engine::ports::Clock;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A token is renewed this long before it expires.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

/// What goes with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) access: Secret,
    /// `instance_url`, where the provider gives one.
    pub(crate) instance: Option<String>,
    pub(crate) expires: Option<DateTime<Utc>>,
}

/// Whose tokens they are, for messages and rules.
pub(crate) struct Owner {
    pub(crate) connection: String,
    pub(crate) provider: Provider,
    pub(crate) auth: Auth,
}

/// The place where a connection's tokens are kept.
pub(crate) struct Keeper {
    owner: Owner,
    vault: Vault,
    held: Mutex<Held>,
    /// Held by the one that renews.
    turn: tokio::sync::Mutex<()>,
}

struct Held {
    record: Record,
    problem: Option<Unusable>,
    /// Whether the record is not on disk as it is here.
    kept: Kept,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// It is as on disk.
    Yes,
    /// A consent that isn't proven yet: it is kept only when it is.
    Draft,
    /// The disk refused it.
    Refused,
}

impl Keeper {
    pub(crate) fn new(owner: Owner, vault: Vault) -> Self {
        let (record, problem) = match vault.read() {
            Ok(found) => (found.unwrap_or_else(Record::empty), None),
            Err(problem) => (Record::empty(), Some(problem)),
        };
        if let (Some(problem), false) = (&problem, owner.auth.needs_consent()) {
            tracing::warn!(connection = owner.connection, %problem, "stored tokens are not used; new ones are fetched");
        }
        Self {
            owner,
            vault,
            held: Mutex::new(Held {
                record,
                problem,
                kept: Kept::Yes,
            }),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// What is known of the credential.
    pub(crate) fn record(&self) -> Record {
        self.held().record.clone()
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// What requests name the chosen organisation by, where the provider wants that.
    pub(crate) fn tenant(&self) -> Option<String> {
        self.held().record.chosen.as_ref()?.tenant.clone()
    }

    /// Why the stored record isn't used.
    pub(crate) fn problem(&self) -> Option<Unusable> {
        self.held().problem.clone()
    }

    /// The token in use, if it is still good at `now` and not the one that the API just refused.
    pub(crate) fn good(&self, now: DateTime<Utc>, refused: Option<&Secret>) -> Option<Token> {
        let held = self.held();
        if held.kept == Kept::Refused {
            return None;
        }
        let tokens = held.record.standing.usable()?;
        let good = tokens.expires.is_none_or(|expires| now + MARGIN < expires);
        (good && refused.is_none_or(|refused| *refused != tokens.access)).then(|| token(tokens))
    }

    /// A good token: the one in use, or a new one. `ask` asks the token URL, with the refresh token where there is one.
    pub(crate) async fn renew<F, Fut>(
        &self,
        clock: &dyn Clock,
        refused: Option<&Secret>,
        ask: F,
    ) -> Result<Token, TokenError>
    where
        F: FnOnce(Option<Secret>) -> Fut,
        Fut: Future<Output = Asked>,
    {
        if let Some(token) = self.good(clock.now(), refused) {
            return Ok(token);
        }
        let _one = self.turn.lock().await;
        if let Some(token) = self.good(clock.now(), refused) {
            return Ok(token);
        }
        if self.held().kept == Kept::Draft {
            return Err(TokenError::Refused(
                "the API refused the token that was just given".to_owned(),
            ));
        }
        let _turn = self.vault.turn().await.map_err(|e| self.unkept(&e))?;
        self.read_again()?;
        if let Some(token) = self.good(clock.now(), refused) {
            return Ok(token);
        }
        if self.owner.auth.needs_consent() {
            self.refresh(clock, ask).await
        } else {
            self.fetch(ask).await
        }
    }

    /// Somebody else may have changed it meanwhile; and what the disk refused is tried again.
    fn read_again(&self) -> Result<(), TokenError> {
        let mut held = self.held();
        if held.kept == Kept::Refused {
            self.vault
                .write(&held.record)
                .map_err(|e| self.unkept(&e))?;
            held.kept = Kept::Yes;
            return Ok(());
        }
        match self.vault.read() {
            Ok(Some(record)) => {
                held.record = record;
                held.problem = None;
            }
            // In memory only, or removed by hand: tokens that need nobody can go on.
            Ok(None) => {}
            Err(problem) => held.problem = Some(problem),
        }
        Ok(())
    }

    /// Tokens that need nobody: asked for anew each time. That the disk doesn't keep them costs one more fetch.
    async fn fetch<F, Fut>(&self, ask: F) -> Result<Token, TokenError>
    where
        F: FnOnce(Option<Secret>) -> Fut,
        Fut: Future<Output = Asked>,
    {
        match ask(None).await {
            Asked::Given(granted) => {
                let mut held = self.held();
                let given = token(&granted.tokens);
                held.record.standing = next(&held.record.standing, Step::Given(granted.tokens))?;
                held.problem = None;
                if let Err(error) = self.vault.write(&held.record) {
                    tracing::warn!(connection = self.owner.connection, %error, "the token could not be stored; it is fetched again after a restart");
                }
                Ok(given)
            }
            Asked::Refused(refused) => Err(TokenError::Refused(self.owner.not_let_in(&refused))),
            Asked::NotCarriedOut(error) => Err(error),
            Asked::Lost(why) => Err(TokenError::Unreachable(format!(
                "no token could be fetched: {why}"
            ))),
        }
    }

    async fn refresh<F, Fut>(&self, clock: &dyn Clock, ask: F) -> Result<Token, TokenError>
    where
        F: FnOnce(Option<Secret>) -> Fut,
        Fut: Future<Output = Asked>,
    {
        let standing = self.held().record.standing.clone();
        if let Some(problem) = self.problem() {
            return Err(TokenError::Refused(self.owner.unusable(&problem)));
        }
        match &standing {
            Standing::Nothing => return Err(TokenError::Refused(self.owner.never_connected())),
            Standing::Over { why, .. } => return Err(TokenError::Refused(self.owner.over(why))),
            Standing::Ready { .. } | Standing::Refreshing { .. } => {}
        }
        let refresh = standing.tokens().and_then(|tokens| tokens.refresh.clone());
        let Some(refresh) = refresh else {
            return Err(TokenError::Refused(self.owner.no_refresh_token()));
        };
        let attempt = standing.next_attempt();
        // Durable before the first byte: after a crash it is known that the old token may be used up.
        self.step(Step::Started {
            attempt,
            at: clock.now(),
        })?;
        match ask(Some(refresh)).await {
            // Durable before anybody uses it.
            Asked::Given(Granted { tokens, .. }) => {
                self.step(Step::Answered { attempt, tokens })?
            }
            Asked::Refused(refused) => {
                let (said, at) = (refused.said(), clock.now());
                self.step(Step::Refused { attempt, said, at })?;
            }
            Asked::NotCarriedOut(error) => {
                self.step(Step::NotCarriedOut { attempt })?;
                return Err(error);
            }
            Asked::Lost(why) => {
                return Err(TokenError::Unreachable(format!(
                    "the token could not be renewed, and whether it was is not known: {why}"
                )));
            }
        }
        let held = self.held();
        match &held.record.standing {
            Standing::Ready { tokens, .. } => Ok(token(tokens)),
            Standing::Over { why, .. } => Err(TokenError::Refused(self.owner.over(why))),
            Standing::Nothing | Standing::Refreshing { .. } => {
                Err(TokenError::Refused(self.owner.never_connected()))
            }
        }
    }

    /// One step, on disk before it is here.
    fn step(&self, step: Step) -> Result<(), TokenError> {
        let mut held = self.held();
        let mut record = held.record.clone();
        let gives = matches!(step, Step::Answered { .. });
        record.standing = next(&record.standing, step)?;
        match self.vault.write(&record) {
            Ok(()) => {
                held.record = record;
                Ok(())
            }
            Err(error) => {
                if gives {
                    // The only copy of the new pair: not used, not lost, written as soon as the disk takes it.
                    held.record = record;
                    held.kept = Kept::Refused;
                }
                Err(self.unkept(&error))
            }
        }
    }

    /// Takes a consent's tokens over for proof; nothing is kept before [`Self::keep`].
    pub(crate) fn draft(&self, granted: Granted, at: DateTime<Utc>) -> Result<(), TokenError> {
        let mut held = self.held();
        let standing = next(&Standing::Nothing, Step::Given(granted.tokens))?;
        held.record = Record {
            standing,
            chosen: held.record.chosen.clone(),
            consent: Some(Consent {
                who: granted.who,
                at,
                scopes: granted.scopes,
            }),
        };
        held.problem = None;
        held.kept = Kept::Draft;
        Ok(())
    }

    /// Notes whom the connection is for.
    pub(crate) fn choose(&self, chosen: Chosen) {
        self.held().record.chosen = Some(chosen);
    }

    /// Notes who consented, where the API tells it better than the token did.
    pub(crate) fn is_by(&self, who: String) {
        let mut held = self.held();
        if let Some(consent) = &mut held.record.consent {
            consent.who = Some(who);
        }
    }

    /// Keeps what was proven.
    pub(crate) async fn keep(&self) -> io::Result<()> {
        let _one = self.turn.lock().await;
        let _turn = self.vault.turn().await?;
        let mut held = self.held();
        self.vault.write(&held.record)?;
        held.kept = Kept::Yes;
        Ok(())
    }

    /// Removes everything that is kept.
    pub(crate) async fn forget(&self) -> io::Result<()> {
        let _one = self.turn.lock().await;
        let _turn = self.vault.turn().await?;
        self.vault.remove()?;
        let mut held = self.held();
        held.record = Record::empty();
        held.problem = None;
        held.kept = Kept::Yes;
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unkept(&self, error: &io::Error) -> TokenError {
        TokenError::Denied(format!(
            "the tokens of {} can't be kept on disk, so they are not used ({error}). Make room or correct the rights of the data directory's tokens folder, then try again",
            self.owner.connection
        ))
    }
}

impl Owner {
    fn connect(&self) -> String {
        format!("`footbridge connect {}`", self.connection)
    }

    pub(crate) fn never_connected(&self) -> String {
        format!(
            "{} is not connected. Run {}",
            self.connection,
            self.connect()
        )
    }

    fn no_refresh_token(&self) -> String {
        format!(
            "{} was given no refresh token, so its consent has run out. Allow the app offline access (refresh_token, offline_access) and run {}",
            self.connection,
            self.connect()
        )
    }

    /// In words what can be done about a record that can't be used.
    pub(crate) fn unusable(&self, problem: &Unusable) -> String {
        let name = &self.connection;
        match problem {
            Unusable::OtherCredential => format!(
                "{name} was connected with another client-id, provider, URL or set of scopes than it has now, and its tokens are good for those only. Run {} to connect it again, or put the old values back",
                self.connect()
            ),
            Unusable::Sealed | Unusable::File(_) => format!(
                "{name} has stored tokens, but {problem}. Put the right key file back, or run {}",
                self.connect()
            ),
        }
    }

    pub(crate) fn over(&self, why: &End) -> String {
        let (name, connect) = (&self.connection, self.connect());
        let lost = match self.provider {
            Provider::Salesforce => {
                " Salesforce with refresh token rotation gives no second chance: either switch rotation off in the app's policies, or use auth = \"jwt-bearer\" or \"client-credentials\", which hold no token that can be lost"
            }
            Provider::Xero => "",
        };
        match why {
            End::Refused { said } => format!(
                "{name} needs connecting again: its consent was taken back, or it ran out unused ({said}). Run {connect}"
            ),
            End::RefusedInDoubt { said } => format!(
                "{name} needs connecting again: the answer to a renewal was lost (the program or the network stopped just then), and the provider does not take the old token any more ({said}). Run {connect}.{lost}"
            ),
        }
    }

    fn not_let_in(&self, refused: &super::answer::Refused) -> String {
        let said = refused.said();
        match self.auth {
            Auth::JwtBearer => format!(
                "the provider took no assertion for {} ({said}). Check `user`, `client-id` and `private-key`, whether the app holds the key's certificate and the user is approved for it (Setup > External Client App Manager > Policies), and this machine's clock",
                self.connection
            ),
            Auth::ClientCredentials | Auth::Code => format!(
                "the provider refused the app's id or secret ({said}). Check client-id and client-secret"
            ),
        }
    }
}

fn next(standing: &Standing, step: Step) -> Result<Standing, TokenError> {
    standing
        .next(step)
        .map_err(|misfit| TokenError::Denied(misfit.to_string()))
}

fn token(tokens: &Tokens) -> Token {
    Token {
        access: tokens.access.clone(),
        instance: tokens.instance.clone(),
        expires: tokens.expires,
    }
}
