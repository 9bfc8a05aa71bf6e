//! `Retry-After` in seconds, whichever way it is written: a number, or one of the three dates of HTTP (RFC 9110, 5.6.7).
//!
//! Guests have no clock, so `exchange.rs` hands them seconds.

use chrono::{DateTime, NaiveDateTime, Utc};

const HEADER: &str = "retry-after";
/// What old servers still send: RFC 850's date and asctime's. Both are UTC.
const OLD_DATES: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// At least 1: some APIs round a fraction of a second down to none, and a date may be over already.
pub(super) fn seconds(value: &str, now: DateTime<Utc>) -> Option<u32> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(seconds.max(1));
    }
    let until = DateTime::parse_from_rfc2822(value).map(|date| date.with_timezone(&Utc));
    let old = |format| NaiveDateTime::parse_from_str(value, format).ok();
    let until =
        (until.ok()).or_else(|| OLD_DATES.into_iter().find_map(old).map(|d| d.and_utc()))?;
    let left = (until - now).num_milliseconds().max(1).saturating_add(999) / 1_000;
    Some(u32::try_from(left).unwrap_or(u32::MAX))
}

/// A date becomes seconds.
pub(super) fn in_seconds(headers: &mut [(String, String)], now: DateTime<Utc>) {
    for (_, value) in headers.iter_mut().filter(|(name, _)| name == HEADER) {
        if let Some(seconds) = seconds(value, now) {
            *value = seconds.to_string();
        }
    }
}

pub(super) fn stands_in(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, _)| name == HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_each_date_of_http() {
        let now = DateTime::from_timestamp(784_111_777, 500_000_000).unwrap();
        for (value, want) in [
            ("26", Some(26)),
            ("0", Some(1)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:50:07 GMT", Some(30)),
            ("Sun Nov  6 08:50:07 1994", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(1)),
            ("soon", None),
            ("-3", None),
            ("", None),
        ] {
            assert_eq!(seconds(value, now), want, "{value}");
            let mut headers = vec![(HEADER.to_owned(), value.to_owned())];
            in_seconds(&mut headers, now);
            let kept = want.map_or(value.to_owned(), |seconds: u32| seconds.to_string());
            assert_eq!(headers[0].1, kept);
        }
    }
}
