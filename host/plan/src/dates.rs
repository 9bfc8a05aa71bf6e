//! Dates: the organisation's local day, the invoice's date and due date, and the periods that are closed (domain rule 7).
//!
//! A date without a time never passes through an instant, and no date is ever taken from this machine's clock or zone.

use crate::draft::InvoiceDraft;
use crate::explain::{Stop, invoice as say};
use crate::input::PlanInput;
use crate::policy::DateRule;
use chrono::{DateTime, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use footbridge_model::document::Document;
use footbridge_model::plan::AsOf;
use std::str::FromStr;

/// The organisation's time zone isn't one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{zone:?} is no time zone of the IANA list, for example Europe/London; correct the organisation's time zone"
)]
pub struct ZoneError {
    /// What was found.
    pub zone: String,
}

/// The instant together with the local date in an IANA zone: what a plan is made for.
pub fn as_of(instant: DateTime<Utc>, zone: &str) -> Result<AsOf, ZoneError> {
    Ok(AsOf {
        instant,
        local_date: local_date(instant, zone)?,
    })
}

/// When the day of a plan is over in an IANA zone: the first instant of the next local date (domain rule 7).
pub fn midnight_after(as_of: &AsOf, zone: &str) -> Result<DateTime<Utc>, ZoneError> {
    // A local midnight may not exist, or twice: the turn of the date is looked for instead, to the second.
    let (mut before, mut after) = (as_of.instant, as_of.instant + TimeDelta::hours(30));
    while after - before > TimeDelta::seconds(1) {
        let middle = before + (after - before) / 2;
        if local_date(middle, zone)? > as_of.local_date {
            after = middle;
        } else {
            before = middle;
        }
    }
    Ok(DateTime::from_timestamp(after.timestamp(), 0).unwrap_or(after))
}

/// The date on the wall of an IANA zone at an instant.
pub(crate) fn local_date(instant: DateTime<Utc>, zone: &str) -> Result<NaiveDate, ZoneError> {
    let tz = Tz::from_str(zone).map_err(|_| ZoneError {
        zone: zone.to_owned(),
    })?;
    Ok(instant.with_timezone(&tz).date_naive())
}

/// Reads an instant: RFC 3339, or the same with an offset without a colon, as Salesforce writes it.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .map(|at| at.with_timezone(&Utc))
}

/// Reads a date-only value: `YYYY-MM-DD` and nothing else.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|date| text.len() == 10 && date.to_string() == text)
}

/// The dates of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvoiceDates {
    /// Its date.
    pub(crate) date: NaiveDate,
    /// When it is due, never before its date.
    pub(crate) due: NaiveDate,
}

/// The dates of an invoice made now, or why it must not be dated so.
pub(crate) fn of_invoice(
    input: &PlanInput<'_>,
    deal: &Document,
    draft: &InvoiceDraft,
) -> Result<InvoiceDates, Stop> {
    let when = match &input.policy.billing.date {
        DateRule::Raised => input.as_of.local_date,
        DateRule::Field(path) => deal
            .text(path)
            .and_then(date)
            .ok_or_else(|| say::no_date(path))?,
    };
    outside_closed_periods(input, when)?;
    Ok(InvoiceDates {
        date: when,
        due: draft.due_date.max(when),
    })
}

/// Refuses a date of the deal that is over a year ahead: no business dates its invoices so, and hands slip.
pub(crate) fn not_far_ahead(input: &PlanInput<'_>, when: NaiveDate) -> Result<(), Stop> {
    let DateRule::Field(path) = &input.policy.billing.date else {
        return Ok(());
    };
    let today = input.as_of.local_date;
    let latest = today.checked_add_months(Months::new(12)).unwrap_or(today);
    match when > latest {
        true => Err(say::far_ahead(when, path, latest)),
        false => Ok(()),
    }
}

fn outside_closed_periods(input: &PlanInput<'_>, when: NaiveDate) -> Result<(), Stop> {
    match closed_period(input, when)? {
        Some((name, until)) => Err(say::locked(when, name, until)),
        None => Ok(()),
    }
}

/// What closes the period of a date, and until when.
pub(crate) fn closed_period(
    input: &PlanInput<'_>,
    when: NaiveDate,
) -> Result<Option<(&'static str, NaiveDate)>, Stop> {
    let organisation = input.organisation;
    let locks = [
        ("the period lock date", &organisation.period_lock_date),
        (
            "the year-end lock date",
            &organisation.end_of_year_lock_date,
        ),
    ];
    let mut closed = Vec::new();
    for (name, lock) in locks {
        if let Some(text) = lock.as_deref().filter(|text| !text.is_empty()) {
            closed.push((
                name,
                date(text).ok_or_else(|| say::unreadable_lock(name, text))?,
            ));
        }
    }
    if let Some(filed) = input.policy.billing.tax_filed_to {
        closed.push(("the date to which tax is filed", filed));
    }
    Ok(closed
        .into_iter()
        .max_by_key(|(_, until)| *until)
        .filter(|(_, until)| when <= *until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_day_near_midnight() {
        for (zone, utc, local) in [
            // 23:30 and 00:30 in winter and summer time, at month and year ends.
            ("Pacific/Auckland", "2026-06-30T11:30:00Z", "2026-06-30"),
            ("Pacific/Auckland", "2026-06-30T12:30:00Z", "2026-07-01"),
            ("Pacific/Auckland", "2026-12-31T10:30:00Z", "2026-12-31"),
            ("Pacific/Auckland", "2026-12-31T11:30:00Z", "2027-01-01"),
            ("America/Los_Angeles", "2027-01-01T07:30:00Z", "2026-12-31"),
            ("America/Los_Angeles", "2027-01-01T08:30:00Z", "2027-01-01"),
            ("America/Los_Angeles", "2026-07-01T06:30:00Z", "2026-06-30"),
            ("America/Los_Angeles", "2026-07-01T07:30:00Z", "2026-07-01"),
            ("Europe/London", "2026-12-31T23:30:00Z", "2026-12-31"),
            ("Europe/London", "2027-01-01T00:30:00Z", "2027-01-01"),
            ("Europe/London", "2026-06-30T22:30:00Z", "2026-06-30"),
            ("Europe/London", "2026-06-30T23:30:00Z", "2026-07-01"),
            // The nights in which clocks change.
            ("Europe/London", "2026-03-28T23:30:00Z", "2026-03-28"),
            ("Europe/London", "2026-03-29T23:30:00Z", "2026-03-30"),
            ("Europe/London", "2026-10-24T23:30:00Z", "2026-10-25"),
            ("Europe/London", "2026-10-25T23:30:00Z", "2026-10-25"),
            ("America/Los_Angeles", "2026-03-08T07:30:00Z", "2026-03-07"),
            ("America/Los_Angeles", "2026-03-09T06:30:00Z", "2026-03-08"),
            ("Pacific/Auckland", "2026-04-04T10:30:00Z", "2026-04-04"),
            ("Pacific/Auckland", "2026-04-05T11:30:00Z", "2026-04-05"),
        ] {
            let got = as_of(instant(utc).unwrap(), zone).unwrap();
            assert_eq!(got.local_date.to_string(), local, "{utc} in {zone}");
        }
        let unknown = as_of(DateTime::UNIX_EPOCH, "Mars/Base").unwrap_err();
        assert!(unknown.to_string().contains("Mars/Base"));
    }

    #[test]
    fn a_day_ends_at_its_own_midnight() {
        for (zone, utc, end) in [
            (
                "Europe/London",
                "2026-07-01T08:00:00Z",
                "2026-07-01T23:00:00Z",
            ),
            (
                "Europe/London",
                "2026-12-31T23:59:59Z",
                "2027-01-01T00:00:00Z",
            ),
            (
                "Pacific/Auckland",
                "2026-12-31T10:30:00Z",
                "2026-12-31T11:00:00Z",
            ),
            (
                "America/Los_Angeles",
                "2026-03-08T09:00:00Z",
                "2026-03-09T07:00:00Z",
            ),
            // 25 hours, and a midnight that doesn't exist.
            (
                "Europe/London",
                "2026-10-24T23:30:00Z",
                "2026-10-26T00:00:00Z",
            ),
            (
                "America/Santiago",
                "2026-09-05T12:00:00Z",
                "2026-09-06T04:00:00Z",
            ),
        ] {
            let day = as_of(instant(utc).unwrap(), zone).unwrap();
            let got = midnight_after(&day, zone).unwrap();
            assert_eq!(got, instant(end).unwrap(), "{utc} in {zone}");
            assert_eq!(
                local_date(got - TimeDelta::seconds(1), zone).unwrap(),
                day.local_date
            );
        }
    }

    #[test]
    fn instants_in_both_spellings() {
        for text in [
            "2026-09-14T09:29:59Z",
            "2026-09-14T10:29:59+01:00",
            "2026-09-14T09:29:59.000+0000",
        ] {
            let at = instant(text).unwrap();
            assert_eq!(at.to_rfc3339(), "2026-09-14T09:29:59+00:00", "{text}");
        }
        for bad in ["", "2026-09-14", "yesterday", "2026-09-14T09:29:59"] {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_date_is_ten_characters() {
        assert!(date("2024-02-29").is_some());
        for bad in [
            "2026-02-29",
            "2026-2-3",
            "2026-02-03T00:00:00Z",
            "",
            "+12026-1-1",
            "-1969-07-20",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
