//! Dates in and out: the two formats Xero writes, those it reads, and an organisation's own day.
//!
//! A document's date never passes through an instant except in Xero's own `/Date(ms)/` spelling, where
//! it is midnight UTC of that date.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

/// `/Date(1789344000000+0000)/`.
pub(crate) fn stamp(instant: DateTime<Utc>) -> String {
    format!("/Date({}+0000)/", instant.timestamp_millis())
}

/// `2026-09-14T09:29:59Z`, the spelling Xero added in July 2026.
pub(crate) fn stamp_text(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The `/Date(ms+0000)/` of a date.
pub(crate) fn date(date: NaiveDate) -> String {
    stamp(date.and_time(NaiveTime::MIN).and_utc())
}

/// `2026-09-14T00:00:00`, of the `...String` twin of a date.
pub(crate) fn date_text(date: NaiveDate) -> String {
    date.format("%Y-%m-%dT00:00:00").to_string()
}

/// An instant from `/Date(ms)/`, `/Date(ms+hhmm)/`, RFC 3339, or a time without zone read as UTC.
pub(crate) fn read_instant(text: &str) -> Option<DateTime<Utc>> {
    if let Some(inner) = text
        .strip_prefix("/Date(")
        .and_then(|rest| rest.strip_suffix(")/"))
    {
        // A sign after the first character begins the offset, which changes nothing: ms are UTC.
        let end = inner
            .char_indices()
            .skip(1)
            .find(|(_, c)| matches!(c, '+' | '-'))
            .map_or(inner.len(), |(index, _)| index);
        let ms: i64 = inner.get(..end)?.parse().ok()?;
        return DateTime::from_timestamp_millis(ms);
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Some(time.and_utc());
        }
    }
    read_plain_date(text).map(|date| date.and_time(NaiveTime::MIN).and_utc())
}

/// The instant of an `If-Modified-Since` header, cut to the second; HTTP dates are read too.
pub(crate) fn read_since(text: &str) -> Option<DateTime<Utc>> {
    let instant = read_instant(text.trim()).or_else(|| {
        let http = NaiveDateTime::parse_from_str(text.trim(), "%a, %d %b %Y %H:%M:%S GMT");
        http.ok().map(|time| time.and_utc())
    })?;
    DateTime::from_timestamp(instant.timestamp(), 0)
}

/// A document's date: `YYYY-MM-DD`, with any time of day dropped, or `/Date(ms)/`.
pub(crate) fn read_date(value: &Value) -> Option<NaiveDate> {
    let text = value.as_str()?;
    read_plain_date(text).or_else(|| read_instant(text).map(|instant| instant.date_naive()))
}

fn read_plain_date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// The organisation's date at an instant.
pub(crate) fn local_date(zone: Tz, instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// The zone behind one of Xero's own names (`GMTSTANDARDTIME`), of those in use here.
pub(crate) fn zone(xero_name: &str) -> Option<Tz> {
    Some(match xero_name {
        "GMTSTANDARDTIME" => Tz::Europe__London,
        "NEWZEALANDSTANDARDTIME" => Tz::Pacific__Auckland,
        "AUSEASTERNSTANDARDTIME" => Tz::Australia__Sydney,
        "PACIFICSTANDARDTIME" => Tz::America__Los_Angeles,
        "EASTERNSTANDARDTIME" => Tz::America__New_York,
        "UTC" => Tz::UTC,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_written() {
        let day = NaiveDate::from_ymd_opt(2026, 9, 14).unwrap();
        assert_eq!(date(day), "/Date(1789344000000+0000)/");
        assert_eq!(date_text(day), "2026-09-14T00:00:00");
        for text in [
            "2026-09-14",
            "2026-09-14T23:59:59",
            "/Date(1789344000000+0000)/",
            "/Date(1789344000000)/",
            "/Date(1789344000000+1300)/",
        ] {
            assert_eq!(read_date(&Value::from(text)), Some(day), "{text}");
        }
        assert_eq!(read_date(&Value::from("14/09/2026")), None);
        assert_eq!(read_instant("/Date(-1000+0000)/").unwrap().timestamp(), -1);
        assert_eq!(
            stamp_text(read_instant("2026-09-14T09:29:59.900").unwrap()),
            "2026-09-14T09:29:59Z"
        );
    }

    #[test]
    fn since_is_cut_to_the_second() {
        let expected = read_instant("2026-09-14T09:29:59").unwrap();
        for text in [
            "2026-09-14T09:29:59",
            "2026-09-14T09:29:59.999",
            "2026-09-14T09:29:59Z",
            "Mon, 14 Sep 2026 09:29:59 GMT",
        ] {
            assert_eq!(read_since(text), Some(expected), "{text}");
        }
        assert_eq!(read_since("yesterday"), None);
    }

    #[test]
    fn the_day_is_the_organisations() {
        let instant = read_instant("2026-09-14T11:59:00Z").unwrap();
        assert_eq!(
            local_date(zone("NEWZEALANDSTANDARDTIME").unwrap(), instant).to_string(),
            "2026-09-14"
        );
        let later = read_instant("2026-09-14T12:01:00Z").unwrap();
        assert_eq!(
            local_date(zone("NEWZEALANDSTANDARDTIME").unwrap(), later).to_string(),
            "2026-09-15"
        );
        assert_eq!(
            local_date(zone("PACIFICSTANDARDTIME").unwrap(), instant).to_string(),
            "2026-09-14"
        );
    }
}
