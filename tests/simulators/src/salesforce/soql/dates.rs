//! `TODAY`, `LAST_N_DAYS:n` and the like as ranges of days in the user's time zone.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

/// Days from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: NaiveDate,
    pub(super) end: NaiveDate,
}

/// The range of a literal; `today` is the user's. `None` where the calendar ends.
pub(super) fn range(name: &str, count: Option<i64>, today: NaiveDate) -> Option<Range> {
    let days = Days::new(u64::try_from(count.unwrap_or(0)).ok()?);
    let tomorrow = today.succ_opt()?;
    let monday =
        today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday())))?;
    let month = today.with_day(1)?;
    let year = NaiveDate::from_ymd_opt(today.year(), 1, 1)?;
    let months = |from: NaiveDate, count: u32| from.checked_add_months(Months::new(count));
    let (start, end) = match name {
        "TODAY" => (today, tomorrow),
        "YESTERDAY" => (today.pred_opt()?, today),
        "TOMORROW" => (tomorrow, tomorrow.succ_opt()?),
        "THIS_WEEK" => (monday, monday.checked_add_days(Days::new(7))?),
        "LAST_WEEK" => (monday.checked_sub_days(Days::new(7))?, monday),
        "THIS_MONTH" => (month, months(month, 1)?),
        "LAST_MONTH" => (month.checked_sub_months(Months::new(1))?, month),
        "NEXT_MONTH" => (months(month, 1)?, months(month, 2)?),
        "THIS_YEAR" => (year, months(year, 12)?),
        "LAST_YEAR" => (year.checked_sub_months(Months::new(12))?, year),
        "LAST_N_DAYS" => (today.checked_sub_days(days)?, tomorrow),
        "NEXT_N_DAYS" => (tomorrow, tomorrow.checked_add_days(days)?),
        _ => return None,
    };
    Some(Range { start, end })
}

/// The instant a day begins for the user.
pub(super) fn begins(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.and_hms_opt(0, 0, 0)?;
    zone.from_local_datetime(&midnight)
        .earliest()
        .map(|instant| instant.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_days() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (name, count, start, end) in [
            ("TODAY", None, "2026-01-01", "2026-01-02"),
            ("YESTERDAY", None, "2025-12-31", "2026-01-01"),
            ("LAST_N_DAYS", Some(3), "2025-12-29", "2026-01-02"),
            ("NEXT_N_DAYS", Some(2), "2026-01-02", "2026-01-04"),
            ("LAST_MONTH", None, "2025-12-01", "2026-01-01"),
            ("LAST_YEAR", None, "2025-01-01", "2026-01-01"),
            ("THIS_WEEK", None, "2025-12-29", "2026-01-05"),
        ] {
            let found = range(name, count, day("2026-01-01")).unwrap();
            assert_eq!(
                found,
                Range {
                    start: day(start),
                    end: day(end)
                },
                "{name}"
            );
        }
    }

    #[test]
    fn days_begin_in_the_users_zone() {
        let begins = begins("2026-07-01".parse().unwrap(), Tz::Pacific__Auckland).unwrap();
        assert_eq!(begins.to_rfc3339(), "2026-06-30T12:00:00+00:00");
    }
}
