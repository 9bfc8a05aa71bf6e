//! Arithmetic on calendar dates as texts, `YYYY-MM-DD`.
//!
//! A date never passes through an instant or a time zone here; `local_date` is given by the host.

use chrono::{Datelike, Days, Months, NaiveDate};

pub(crate) fn parse(text: &str) -> Result<NaiveDate, String> {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let date = if shaped {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
    } else {
        None
    };
    date.ok_or_else(|| format!("\"{text}\" is no date, YYYY-MM-DD"))
}

pub(crate) fn add_days(date: NaiveDate, days: i64) -> Result<NaiveDate, String> {
    let count = Days::new(days.unsigned_abs());
    let moved = if days < 0 {
        date.checked_sub_days(count)
    } else {
        date.checked_add_days(count)
    };
    in_range(moved, date)
}

/// The same day so many months on, or the month's last day where there is no such day.
pub(crate) fn add_months(date: NaiveDate, months: i64) -> Result<NaiveDate, String> {
    let count = u32::try_from(months.unsigned_abs()).map(Months::new).ok();
    let moved = count.and_then(|count| {
        if months < 0 {
            date.checked_sub_months(count)
        } else {
            date.checked_add_months(count)
        }
    });
    in_range(moved, date)
}

pub(crate) fn end_of_month(date: NaiveDate) -> Result<NaiveDate, String> {
    let first = date
        .with_day(1)
        .and_then(|first| first.checked_add_months(Months::new(1)));
    in_range(first.and_then(|next| next.pred_opt()), date)
}

pub(crate) fn days_between(from: NaiveDate, to: NaiveDate) -> i64 {
    to.signed_duration_since(from).num_days()
}

/// Years of four digits: others can't be written as `YYYY-MM-DD`.
fn in_range(moved: Option<NaiveDate>, from: NaiveDate) -> Result<NaiveDate, String> {
    moved
        .filter(|date| (1..=9999).contains(&date.year()))
        .ok_or_else(|| format!("{from} moved that far is no date any more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        parse(text).unwrap()
    }

    #[test]
    fn only_calendar_dates_are_read() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "26-01-01",
            "2026-1-1",
            "2026-01-01T00:00:00Z",
            "",
            "2026/01/01",
            "+026-01-01",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic() {
        assert_eq!(
            add_days(date("2026-12-31"), 30).unwrap(),
            date("2027-01-30")
        );
        assert_eq!(
            add_days(date("2024-03-01"), -1).unwrap(),
            date("2024-02-29")
        );
        assert_eq!(
            add_months(date("2026-01-31"), 1).unwrap(),
            date("2026-02-28")
        );
        assert_eq!(
            add_months(date("2026-03-31"), -13).unwrap(),
            date("2025-02-28")
        );
        assert_eq!(
            end_of_month(date("2024-02-10")).unwrap(),
            date("2024-02-29")
        );
        assert_eq!(
            end_of_month(date("2026-12-31")).unwrap(),
            date("2026-12-31")
        );
        assert_eq!(days_between(date("2026-01-01"), date("2026-12-31")), 364);
        assert!(add_days(date("9999-12-31"), 1).is_err());
        assert!(add_days(date("2026-01-01"), i64::MIN).is_err());
    }
}
