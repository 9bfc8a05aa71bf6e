//! Xero's limits per organisation and per application, and the headers that tell of them.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::options::{ConcurrentHeaders, Limits, MinuteWindow, Switches};
use crate::faults::LimitKind;

/// What is left after a call that was let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remaining {
    pub(crate) day: usize,
    pub(crate) minute: usize,
    pub(crate) app_minute: usize,
}

/// A 429.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) kind: LimitKind,
    pub(crate) retry_after: Option<i64>,
    pub(crate) remaining: Remaining,
}

/// The calls that count.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    organisations: HashMap<usize, Meter>,
    apps: HashMap<String, VecDeque<DateTime<Utc>>>,
}

#[derive(Debug, Default)]
struct Meter {
    minute: VecDeque<DateTime<Utc>>,
    day: VecDeque<DateTime<Utc>>,
    running: usize,
}

impl Meters {
    /// Lets a call in, which must be ended with [`Self::leave`], or refuses it.
    pub(crate) fn enter(
        &mut self,
        limits: &Limits,
        switches: &Switches,
        organisation: usize,
        app: &str,
        now: DateTime<Utc>,
    ) -> Result<Remaining, Refusal> {
        let meter = self.organisations.entry(organisation).or_default();
        let calls = self.apps.entry(app.to_owned()).or_default();
        let minute_ago = now - TimeDelta::seconds(60);
        // A fixed minute begins at a second of the organisation's own.
        let offset = (i64::try_from(organisation).unwrap_or(0) * 17 + 13) % 60;
        let into_minute = (now.timestamp() - offset).rem_euclid(60);
        let keep_after = match switches.minute_window {
            MinuteWindow::Rolling => minute_ago,
            MinuteWindow::Fixed => {
                now - TimeDelta::seconds(into_minute)
                    - TimeDelta::milliseconds(i64::from(now.timestamp_subsec_millis()) + 1)
            }
        };
        drop_until(&mut meter.minute, keep_after);
        drop_until(&mut meter.day, now - TimeDelta::days(1));
        drop_until(calls, minute_ago);
        let left = |limit: usize, used: usize| limit.saturating_sub(used);
        let remaining = Remaining {
            day: left(limits.per_day, meter.day.len()),
            minute: left(limits.per_minute, meter.minute.len()),
            app_minute: left(limits.app_per_minute, calls.len()),
        };
        let refuse = |kind, retry_after| {
            Err(Refusal {
                kind,
                retry_after,
                remaining,
            })
        };
        let until_free = |times: &VecDeque<DateTime<Utc>>, span: TimeDelta| {
            times
                .front()
                .map(|first| ((*first + span) - now).num_seconds() + 1)
        };
        if meter.running >= limits.concurrent {
            return refuse(LimitKind::Concurrent, None);
        }
        if remaining.day == 0 {
            return refuse(LimitKind::Day, until_free(&meter.day, TimeDelta::days(1)));
        }
        if remaining.minute == 0 {
            let wait = match switches.minute_window {
                MinuteWindow::Rolling => until_free(&meter.minute, TimeDelta::seconds(60)),
                MinuteWindow::Fixed => Some(60 - into_minute),
            };
            return refuse(LimitKind::Minute, wait);
        }
        if remaining.app_minute == 0 {
            return refuse(LimitKind::AppMinute, None);
        }
        meter.minute.push_back(now);
        meter.day.push_back(now);
        calls.push_back(now);
        meter.running += 1;
        Ok(Remaining {
            day: remaining.day - 1,
            minute: remaining.minute - 1,
            app_minute: remaining.app_minute - 1,
        })
    }

    /// Ends a call that was let in.
    pub(crate) fn leave(&mut self, organisation: usize) {
        if let Some(meter) = self.organisations.get_mut(&organisation) {
            meter.running = meter.running.saturating_sub(1);
        }
    }
}

fn drop_until(times: &mut VecDeque<DateTime<Utc>>, instant: DateTime<Utc>) {
    while times.front().is_some_and(|first| *first <= instant) {
        times.pop_front();
    }
}

impl Remaining {
    /// The headers of a call that was let in.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("x-daylimit-remaining", self.day.to_string()),
            ("x-minlimit-remaining", self.minute.to_string()),
            ("x-appminlimit-remaining", self.app_minute.to_string()),
        ]
    }
}

impl Refusal {
    /// The headers of the 429.
    pub(crate) fn headers(&self, switches: &Switches) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("x-daylimit-remaining", self.remaining.day.to_string()),
            ("x-minlimit-remaining", self.remaining.minute.to_string()),
        ];
        let problem = match (self.kind, switches.concurrent_headers) {
            (LimitKind::Minute, _) => Some("minute"),
            (LimitKind::Day, _) => Some("day"),
            (_, ConcurrentHeaders::Bare) => None,
            (LimitKind::Concurrent, ConcurrentHeaders::Named) => Some("concurrent"),
            (LimitKind::AppMinute, ConcurrentHeaders::Named) => Some("appminute"),
        };
        headers.extend(problem.map(|problem| ("x-rate-limit-problem", problem.to_owned())));
        let tells = matches!(self.kind, LimitKind::Minute | LimitKind::Day);
        headers.extend(
            self.retry_after
                .filter(|_| tells)
                .map(|seconds| ("retry-after", seconds.max(1).to_string())),
        );
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_789_344_000 + seconds, 0).unwrap()
    }

    fn small() -> Limits {
        Limits {
            concurrent: 2,
            per_minute: 3,
            per_day: 5,
            ..Limits::default()
        }
    }

    fn call(
        meters: &mut Meters,
        switches: &Switches,
        seconds: i64,
    ) -> Result<Remaining, (LimitKind, Option<i64>)> {
        let entered = meters.enter(&small(), switches, 0, "app", at(seconds));
        if entered.is_ok() {
            meters.leave(0);
        }
        entered.map_err(|refusal| (refusal.kind, refusal.retry_after))
    }

    #[test]
    fn a_rolling_minute_frees_call_by_call() {
        let (mut meters, switches) = (Meters::default(), Switches::default());
        for second in [0, 20, 40] {
            assert!(call(&mut meters, &switches, second).is_ok());
        }
        assert_eq!(
            call(&mut meters, &switches, 45).unwrap_err(),
            (LimitKind::Minute, Some(16))
        );
        assert!(call(&mut meters, &switches, 61).is_ok());
        assert_eq!(
            call(&mut meters, &switches, 62).unwrap_err(),
            (LimitKind::Minute, Some(19))
        );
        assert!(call(&mut meters, &switches, 200).is_ok());
        assert_eq!(
            call(&mut meters, &switches, 201).unwrap_err().0,
            LimitKind::Day
        );
    }

    #[test]
    fn a_fixed_minute_frees_all_at_once() {
        let switches = Switches {
            minute_window: MinuteWindow::Fixed,
            ..Switches::default()
        };
        let mut meters = Meters::default();
        for second in [13, 71, 72] {
            assert!(call(&mut meters, &switches, second).is_ok());
        }
        assert_eq!(
            call(&mut meters, &switches, 72).unwrap_err(),
            (LimitKind::Minute, Some(1))
        );
        assert!(call(&mut meters, &switches, 73).is_ok());
    }

    #[test]
    fn too_many_at_a_time_are_refused_without_a_hint() {
        let (mut meters, switches) = (Meters::default(), Switches::default());
        for _ in 0..2 {
            meters.enter(&small(), &switches, 0, "app", at(0)).unwrap();
        }
        let refusal = meters
            .enter(&small(), &switches, 0, "app", at(0))
            .unwrap_err();
        let names: Vec<_> = refusal
            .headers(&switches)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["x-daylimit-remaining", "x-minlimit-remaining"]);
        assert!(
            meters.enter(&small(), &switches, 1, "app", at(0)).is_ok(),
            "another organisation has its own"
        );
    }
}
