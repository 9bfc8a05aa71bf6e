//! Xero's dates, in all the forms it writes them, and the two forms of our documents.
//!
//! Never turns what it can't read into an absent date: that is an error. A date never passes through an instant of
//! another zone: `/Date(...)/` in a date field must be midnight of its own offset. From here to `columns`.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// A date or instant in none of the known forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

/// A date as `YYYY-MM-DD`.
pub(crate) fn date(text: &str) -> Result<String, Unreadable> {
    let local = match wrapped(text) {
        Some(parsed) => parsed
            .and_then(|(ms, offset)| local_of(ms, offset))
            .ok_or_else(|| unreadable(text))?,
        None => plain(text).ok_or_else(|| unreadable(text))?.local,
    };
    if local.time() != NaiveTime::MIN {
        return Err(unreadable(text));
    }
    written_year(local.date()).ok_or_else(|| unreadable(text))
}

/// An instant as milliseconds since 1970 in UTC.
pub(crate) fn millis(text: &str) -> Result<i64, Unreadable> {
    match wrapped(text) {
        Some(parsed) => parsed.map(|(ms, _)| ms).ok_or_else(|| unreadable(text)),
        None => plain(text)
            .and_then(|plain| {
                plain
                    .local
                    .and_utc()
                    .timestamp_millis()
                    .checked_sub(i64::from(plain.offset_minutes) * 60_000)
            })
            .ok_or_else(|| unreadable(text)),
    }
}

/// An instant as RFC 3339 in UTC, with milliseconds only where there are some; none outside the years 1 to 9999.
pub(crate) fn written(ms: i64) -> Option<String> {
    let instant = DateTime::from_timestamp_millis(ms)?;
    written_year(instant.date_naive())?;
    let form = if ms.rem_euclid(1000) == 0 {
        "%Y-%m-%dT%H:%M:%SZ"
    } else {
        "%Y-%m-%dT%H:%M:%S%.3fZ"
    };
    Some(instant.format(form).to_string())
}

fn written_year(date: NaiveDate) -> Option<String> {
    let text = date.format("%Y-%m-%d").to_string();
    (text.len() == 10 && !text.starts_with("0000")).then_some(text)
}

fn unreadable(text: &str) -> Unreadable {
    Unreadable(text.chars().take(60).collect())
}

/// `/Date(ms)/` or `/Date(ms+hhmm)/`: milliseconds in UTC and the offset in minutes. The outer option says whether it
/// has that form at all.
fn wrapped(text: &str) -> Option<Option<(i64, i32)>> {
    let inner = text.trim().strip_prefix("/Date(")?;
    Some(inner.strip_suffix(")/").and_then(|inner| {
        let sign = inner
            .char_indices()
            .skip(1)
            .find(|(_, letter)| matches!(letter, '+' | '-'));
        match sign {
            None => Some((inner.parse().ok()?, 0)),
            Some((place, _)) => {
                let (ms, offset) = inner.split_at_checked(place)?;
                Some((ms.parse().ok()?, offset_minutes(offset)?))
            }
        }
    }))
}

fn local_of(ms: i64, offset: i32) -> Option<NaiveDateTime> {
    let local = ms.checked_add(i64::from(offset) * 60_000)?;
    Some(DateTime::from_timestamp_millis(local)?.naive_utc())
}

struct Plain {
    local: NaiveDateTime,
    offset_minutes: i32,
}

/// `2019-03-11`, `2019-03-11 00:00:00`, `2019-03-11T00:00:00.123`, with `Z`, `+hh:mm` or nothing behind it (UTC).
fn plain(text: &str) -> Option<Plain> {
    let text = text.trim();
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return (text.len() == 10).then_some(Plain {
            local: date.and_time(NaiveTime::MIN),
            offset_minutes: 0,
        });
    }
    let (day, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix('T').or_else(|| rest.strip_prefix(' '))?;
    let (time, offset) = match rest.find(['Z', '+', '-']) {
        Some(place) => rest.split_at_checked(place)?,
        None => (rest, "Z"),
    };
    let date = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S%.f").ok()?;
    let offset_minutes = if offset == "Z" {
        0
    } else {
        offset_minutes(offset)?
    };
    Some(Plain {
        local: date.and_time(time),
        offset_minutes,
    })
}

/// `+1300`, `-05:30`.
fn offset_minutes(text: &str) -> Option<i32> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits.replace(':', "")),
        ("-", digits) => (-1, digits.replace(':', "")),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at_checked(2)?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(text: &str) -> Option<String> {
        millis(text).ok().and_then(written)
    }

    #[test]
    fn dates_in_every_form() {
        let cases = [
            ("/Date(1789344000000+0000)/", "2026-09-14"),
            ("/Date(1789344000000)/", "2026-09-14"),
            ("/Date(-86400000+0000)/", "1969-12-31"),
            ("/Date(-86400000)/", "1969-12-31"),
            ("/Date(1789297200000+1300)/", "2026-09-14"),
            ("2026-09-14", "2026-09-14"),
            ("2026-09-14T00:00:00", "2026-09-14"),
            ("2019-03-11 00:00:00", "2019-03-11"),
            ("2026-09-14T00:00:00Z", "2026-09-14"),
        ];
        for (text, wanted) in cases {
            assert_eq!(date(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn instants_in_every_form() {
        let cases = [
            ("/Date(1789378199000+0000)/", "2026-09-14T09:29:59Z"),
            ("/Date(1789378199123)/", "2026-09-14T09:29:59.123Z"),
            ("/Date(-1+0000)/", "1969-12-31T23:59:59.999Z"),
            ("2026-09-14T09:29:59Z", "2026-09-14T09:29:59Z"),
            ("2026-09-14T09:29:59.12", "2026-09-14T09:29:59.120Z"),
            ("2026-09-14T11:29:59+02:00", "2026-09-14T09:29:59Z"),
            ("2019-03-11 10:00:01", "2019-03-11T10:00:01Z"),
        ];
        for (text, wanted) in cases {
            assert_eq!(instant(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_can_not_be_read_is_an_error() {
        for text in [
            "",
            "tomorrow",
            "/Date()/",
            "/Date(x)/",
            "/Date(1+9900)/",
            "/Date(1",
            "2026-02-30",
            "2026-13-01T00:00:00",
            "14/09/2026",
            "2026-9-14",
            "/Date(9999999999999999999)/",
            "/Date(999999999999999999)/",
            "0001-01-0é",
        ] {
            assert!(date(text).is_err(), "date {text}");
            assert_eq!(instant(text), None, "instant {text}");
        }
        assert!(
            date("/Date(1789378199000+0000)/").is_err(),
            "a time of day is no date"
        );
        assert!(
            date("2026-09-14T09:29:59Z").is_err(),
            "a time of day is no date"
        );
    }

    proptest! {
        #[test]
        fn every_instant_reads_back(ms in -60_000_000_000_000_i64..250_000_000_000_000) {
            prop_assert_eq!(millis(&format!("/Date({ms}+0000)/")), Ok(ms));
            if let Some(text) = written(ms) {
                prop_assert_eq!(millis(&text), Ok(ms));
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = (date(&text), millis(&text));
            let _ = date(&format!("/Date({text})/"));
        }
    }
}
