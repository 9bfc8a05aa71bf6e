//! Salesforce's instants: `2026-09-14T09:29:59.000+0000` in answers, `2026-09-14T09:29:59Z` in queries and documents.
//!
//! Never touches dates, which Salesforce writes as our documents do. From here to `records`, `soql` and `feed`.

use chrono::{DateTime, Utc};

/// Milliseconds since 1970 of an instant in either form.
pub(crate) fn millis(text: &str) -> Option<i64> {
    let parsed = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z")
        .or_else(|_| DateTime::parse_from_rfc3339(text));
    parsed.ok().map(|instant| instant.timestamp_millis())
}

/// RFC 3339 in UTC, with milliseconds only where there are some.
pub(crate) fn written(ms: i64) -> Option<String> {
    let instant: DateTime<Utc> = DateTime::from_timestamp_millis(ms)?;
    let form = if ms.rem_euclid(1000) == 0 {
        "%Y-%m-%dT%H:%M:%SZ"
    } else {
        "%Y-%m-%dT%H:%M:%S%.3fZ"
    };
    Some(instant.format(form).to_string())
}

/// A literal for a query: whole seconds, never later than the instant.
pub(crate) fn literal(ms: i64) -> Option<String> {
    written(ms.div_euclid(1000) * 1000)
}

/// The document form of a text that is exactly one of Salesforce's instants; none for any other text.
pub(crate) fn normal(text: &str) -> Option<String> {
    let looks_so = text.len() == 28
        && text.is_ascii()
        && text.ends_with("+0000")
        && text.get(10..11) == Some("T");
    if looks_so {
        millis(text).and_then(written)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms() {
        assert_eq!(
            normal("2026-09-14T09:29:59.000+0000").as_deref(),
            Some("2026-09-14T09:29:59Z")
        );
        assert_eq!(
            normal("2026-09-14T09:29:59.120+0000").as_deref(),
            Some("2026-09-14T09:29:59.120Z")
        );
        for other in [
            "2026-09-14",
            "",
            "2026-09-14T09:29:59Z",
            "2026-99-14T09:29:59.000+0000",
            "a long text that ends on +0000",
        ] {
            assert_eq!(normal(other), None, "{other}");
        }
        assert_eq!(
            millis("2026-09-14T11:29:59.000+0200"),
            millis("2026-09-14T09:29:59Z")
        );
        assert_eq!(
            literal(1_789_378_199_999).as_deref(),
            Some("2026-09-14T09:29:59Z")
        );
    }

    proptest! {
        #[test]
        fn instants_read_back(ms in 0_i64..4_000_000_000_000) {
            prop_assert_eq!(written(ms).as_deref().and_then(millis), Some(ms));
            prop_assert!(literal(ms).as_deref().and_then(millis).unwrap() <= ms);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = (millis(&text), normal(&text));
        }
    }
}
