//! How much of the API's allowance is left: requests at once, a minute, a day; corrected by what the API says itself.
//!
//! It never guesses when to come back after a refusal: only `Retry-After` says that. Time is passed in, so that tests
//! and simulations hold it. Next: `exchange.rs` reserves before it sends and learns from each answer.

use super::retry_after;
use crate::connection::BudgetOverride;
use crate::profile::Profile;
use chrono::{DateTime, TimeDelta, Utc};
use footbridge_engine::ports::CallsLeft;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The budget of one connection, shared by everything that uses it.
pub(crate) struct Budget {
    slots: Arc<Semaphore>,
    concurrent: u32,
    minute: Option<u32>,
    day: Option<u32>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the requests of the last minute were sent, oldest first.
    sent: VecDeque<DateTime<Utc>>,
    /// Requests sent since midnight UTC of `day`, for providers that don't tell what is left.
    today: u32,
    day: Option<chrono::NaiveDate>,
    /// What the API said is left of its minute, less what was sent since.
    told_minute: Option<Told>,
    told_day: Option<Told>,
    /// Not before this instant, by `Retry-After`.
    not_before: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy)]
struct Told {
    left: u32,
    at: DateTime<Utc>,
}

/// What is left, for display. `None`: not known or not limited.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Left {
    /// Requests that could start at this moment.
    pub concurrent: u32,
    /// Requests of this minute.
    pub minute: Option<u32>,
    /// Requests of this day.
    pub day: Option<u32>,
    /// The API asked not to be called before this instant.
    pub not_before: Option<DateTime<Utc>>,
}

/// Nothing left now; seconds until it is worth trying again, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) u32);

impl Budget {
    pub(crate) fn new(profile: &Profile, tighter: BudgetOverride) -> Self {
        let least = |known: Option<u32>, own: Option<u32>| match (known, own) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let concurrent = profile
            .concurrent
            .min(tighter.concurrent.unwrap_or(u32::MAX))
            .max(1);
        Self {
            slots: Arc::new(Semaphore::new(
                usize::try_from(concurrent).unwrap_or(Semaphore::MAX_PERMITS),
            )),
            concurrent,
            minute: least(profile.minute, tighter.minute),
            day: least(profile.day, tighter.day),
            state: Mutex::default(),
        }
    }

    /// A place among the concurrent requests; given back when dropped.
    pub(crate) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.clone().acquire_owned().await.ok()
    }

    /// Takes one request out of the minute and the day, or says how long to wait.
    pub(crate) fn reserve(&self, now: DateTime<Utc>) -> Result<(), Wait> {
        let mut state = self.state(now);
        let state = &mut *state;
        if let Some(until) = state.not_before {
            return Err(wait(until - now));
        }
        if self.day_left(state) == Some(0) {
            // The API's day is its own; an hour later it is asked again.
            return Err(Wait(3_600));
        }
        if self.minute_left(state) == Some(0) {
            let minute = TimeDelta::seconds(60);
            let oldest = state.sent.front().map(|sent| *sent + minute - now);
            let told = state.told_minute.map(|told| told.at + minute - now);
            return Err(wait(oldest.or(told).unwrap_or(minute)));
        }
        state.sent.push_back(now);
        state.today = state.today.saturating_add(1);
        for told in [&mut state.told_minute, &mut state.told_day]
            .into_iter()
            .flatten()
        {
            told.left = told.left.saturating_sub(1);
        }
        Ok(())
    }

    /// Reads what an answer says about the allowance. Header names are lower case.
    pub(crate) fn learn(&self, status: u16, headers: &[(String, String)], now: DateTime<Utc>) {
        let mut state = self.state(now);
        let header = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.trim())
        };
        let told = |left: u32| Some(Told { left, at: now });
        if let Some(left) = header("x-minlimit-remaining").and_then(|v| v.parse().ok()) {
            state.told_minute = told(left);
        }
        if let Some(left) = header("x-daylimit-remaining").and_then(|v| v.parse().ok()) {
            state.told_day = told(left);
        }
        if let Some((used, of)) = header("sforce-limit-info").and_then(api_usage) {
            state.told_day = told(of.saturating_sub(used));
        }
        if matches!(status, 429 | 503) {
            let seconds = header("retry-after").and_then(|v| retry_after::seconds(v, now));
            // No header: short enough to ask again soon, long enough not to hammer.
            let seconds = match (seconds, status) {
                (Some(seconds), _) => Some(seconds),
                (None, 429) => Some(5),
                (None, _) => None,
            };
            if let Some(seconds) = seconds {
                let until = now + TimeDelta::seconds(i64::from(seconds));
                state.not_before = Some(state.not_before.map_or(until, |old| old.max(until)));
            }
        }
    }

    /// What is left, for display.
    pub(crate) fn left(&self, now: DateTime<Utc>) -> Left {
        let state = self.state(now);
        Left {
            concurrent: u32::try_from(self.slots.available_permits()).unwrap_or(self.concurrent),
            minute: self.minute_left(&state),
            day: self.day_left(&state),
            not_before: state.not_before,
        }
    }

    /// What the far side itself said is left, or less where the connection has a tighter limit. Nothing before it said something:
    /// what other processes used today isn't known here.
    pub(crate) fn told(&self, now: DateTime<Utc>) -> CallsLeft {
        let state = self.state(now);
        CallsLeft {
            minute: (state.told_minute).and_then(|_| self.minute_left(&state)),
            day: (state.told_day).and_then(|_| self.day_left(&state)),
        }
    }

    fn minute_left(&self, state: &State) -> Option<u32> {
        let sent = u32::try_from(state.sent.len()).unwrap_or(u32::MAX);
        let own = self.minute.map(|limit| limit.saturating_sub(sent));
        least(own, state.told_minute.map(|told| told.left))
    }

    fn day_left(&self, state: &State) -> Option<u32> {
        let own = self.day.map(|limit| limit.saturating_sub(state.today));
        least(own, state.told_day.map(|told| told.left))
    }

    /// The state with what is over taken out.
    fn state(&self, now: DateTime<Utc>) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let minute_ago = now - TimeDelta::seconds(60);
        while state.sent.front().is_some_and(|sent| *sent <= minute_ago) {
            state.sent.pop_front();
        }
        if state.told_minute.is_some_and(|told| told.at <= minute_ago) {
            state.told_minute = None;
        }
        if state
            .told_day
            .is_some_and(|told| told.at <= now - TimeDelta::hours(1))
        {
            state.told_day = None;
        }
        if state.not_before.is_some_and(|until| until <= now) {
            state.not_before = None;
        }
        if state.day != Some(now.date_naive()) {
            state.day = Some(now.date_naive());
            state.today = 0;
        }
        state
    }
}

fn least(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Whole seconds, rounded up, at least 1.
fn wait(time: TimeDelta) -> Wait {
    let seconds = time.num_milliseconds().max(1).saturating_add(999) / 1_000;
    Wait(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// `api-usage=18/5000; per-app-api-usage=17/250(appName=x)`.
fn api_usage(value: &str) -> Option<(u32, u32)> {
    let usage = value
        .split(';')
        .find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, of) = usage.split_once('/')?;
    Some((used.trim().parse().ok()?, of.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Connection, Provider, SecretSource};
    use crate::secret::Secret;

    fn budget(provider: Provider, tighter: BudgetOverride) -> Budget {
        let secret = SecretSource::Given(Secret::new("s"));
        let profile = Profile::of(&Connection::new("c", provider, "id", secret));
        Budget::new(&profile, tighter)
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    fn headers(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(a, b)| (a.to_string(), b.to_string()))
            .collect()
    }

    #[test]
    fn sixty_a_minute_and_the_next_when_the_first_is_a_minute_old() {
        let budget = budget(Provider::Xero, BudgetOverride::default());
        for n in 0..60 {
            assert_eq!(budget.reserve(at(n / 2)), Ok(()), "{n}");
        }
        assert_eq!(budget.reserve(at(30)), Err(Wait(30)));
        assert_eq!(budget.left(at(30)).minute, Some(0));
        assert_eq!(budget.reserve(at(60)), Ok(()));
        assert_eq!(budget.left(at(600)).minute, Some(60));
        assert_eq!(budget.left(at(600)).day, Some(4_939));
    }

    #[test]
    fn the_apis_own_figures_win_when_they_are_lower() {
        let budget = budget(Provider::Xero, BudgetOverride::default());
        budget.reserve(at(0)).unwrap();
        let told = headers(&[
            ("x-minlimit-remaining", "2"),
            ("x-daylimit-remaining", "900"),
        ]);
        budget.learn(200, &told, at(0));
        assert_eq!(budget.left(at(0)).minute, Some(2));
        assert_eq!(budget.left(at(0)).day, Some(900));
        budget.reserve(at(1)).unwrap();
        budget.reserve(at(1)).unwrap();
        assert_eq!(budget.reserve(at(2)), Err(Wait(58)));
        assert_eq!(budget.reserve(at(60)), Ok(()));
    }

    #[test]
    fn a_used_up_day_waits_and_asks_again() {
        let tight = BudgetOverride {
            day: Some(1),
            ..BudgetOverride::default()
        };
        let budget = budget(Provider::Xero, tight);
        budget.reserve(at(0)).unwrap();
        assert_eq!(budget.reserve(at(1)), Err(Wait(3_600)));
        assert_eq!(budget.reserve(at(86_400)), Ok(()));
    }

    #[test]
    fn only_retry_after_says_when_to_come_back() {
        let budget = budget(Provider::Xero, BudgetOverride::default());
        budget.learn(429, &headers(&[("retry-after", "26")]), at(0));
        assert_eq!(budget.reserve(at(0)), Err(Wait(26)));
        budget.learn(429, &headers(&[("retry-after", "3")]), at(1));
        assert_eq!(
            budget.reserve(at(20)),
            Err(Wait(6)),
            "a later, shorter answer doesn't shorten it"
        );
        assert_eq!(budget.reserve(at(26)), Ok(()));
        budget.learn(429, &headers(&[]), at(100));
        assert_eq!(budget.reserve(at(100)), Err(Wait(5)));
        budget.learn(503, &headers(&[]), at(200));
        assert_eq!(budget.reserve(at(200)), Ok(()));
        let date = at(310).to_rfc2822();
        budget.learn(503, &headers(&[("retry-after", &date)]), at(300));
        assert_eq!(budget.reserve(at(300)), Err(Wait(10)));
    }

    #[test]
    fn salesforce_tells_its_day() {
        let budget = budget(Provider::Salesforce, BudgetOverride::default());
        assert_eq!(budget.left(at(0)).day, None);
        for (value, left) in [
            ("api-usage=18/5000", Some(4_982)),
            (
                "api-usage=5001/5000; per-app-api-usage=17/250(appName=x)",
                Some(0),
            ),
            ("per-app-api-usage=17/250(appName=x)", Some(0)),
        ] {
            budget.learn(200, &headers(&[("sforce-limit-info", value)]), at(0));
            assert_eq!(budget.left(at(0)).day, left, "{value}");
        }
    }

    #[test]
    fn what_is_left_is_unknown_before_the_far_side_said_it() {
        let budget = budget(Provider::Xero, BudgetOverride::default());
        assert_eq!(budget.told(at(0)), CallsLeft::default());
        budget.reserve(at(0)).unwrap();
        assert_eq!(budget.told(at(0)).day, None);
        let told = headers(&[("x-daylimit-remaining", "4321")]);
        budget.learn(200, &told, at(0));
        budget.reserve(at(1)).unwrap();
        assert_eq!(budget.told(at(1)).day, Some(4_320));
    }

    #[tokio::test]
    async fn five_at_once() {
        let budget = budget(Provider::Xero, BudgetOverride::default());
        let mut held = Vec::new();
        for _ in 0..5 {
            held.push(budget.slot().await);
        }
        assert_eq!(budget.left(at(0)).concurrent, 0);
        let sixth = tokio::time::timeout(std::time::Duration::from_millis(20), budget.slot());
        assert!(sixth.await.is_err());
        held.pop();
        assert!(budget.slot().await.is_some());
    }
}
