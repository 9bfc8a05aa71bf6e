//! Paths against every encoding trick: what was matched is what is sent, and `url`, which knows nothing of our rules,
//! reads it the same.

use super::super::grant::{Path, check};
use super::super::target::Targets;
use crate::connection::{Access, Connection, GrantRule, Provider, SecretSource};
use crate::profile::Profile;
use crate::secret::Secret;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use url::Url;

fn salesforce() -> (Profile, Targets) {
    let secret = SecretSource::Given(Secret::new("a-client-secret"));
    let mut connection = Connection::new("c", Provider::Salesforce, "id", secret);
    connection.base_url = Some("https://acme.my.salesforce.com".to_owned());
    let profile = Profile::of(&connection);
    let targets = Targets::of(&connection, &profile).unwrap();
    (profile, targets)
}

/// Everything of the service is offered, so that only the deny list stands in the way.
fn wide() -> (Profile, Targets) {
    let (mut profile, targets) = salesforce();
    profile.offers = vec![GrantRule {
        service: "data".into(),
        access: Access::Read,
        path: "/**".into(),
    }];
    (profile, targets)
}

fn segments(url: &Url) -> Vec<String> {
    let segments = url.path_segments().unwrap();
    segments
        .map(|segment| {
            percent_decode_str(segment)
                .decode_utf8()
                .unwrap()
                .into_owned()
        })
        .collect()
}

const PIECES: &[&str] = &[
    "/",
    "/",
    "//",
    "a",
    "sobjects",
    "Account",
    "tooling",
    "TOOLING",
    "ſ",
    "é",
    "e\u{301}",
    ".",
    "..",
    "...",
    "%2e",
    "%2E",
    "%2e%2e",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    ";",
    "%3b",
    "%3f",
    "?",
    "#",
    "%23",
    "%25",
    "%252e",
    "%252f",
    "%c0%ae",
    "%c0%af",
    "%e0%80%ae",
    "%00",
    "\0",
    "\t",
    "\n",
    "\r",
    " ",
    "%20",
    "+",
    "&",
    "=",
    "@",
    ":",
    "://",
    "evil.example",
    "%",
    "%z",
    "%2",
    "．",
    "／",
    "＼",
    "％",
    "‥",
    "℀",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "\u{2028}",
    "%e2%80%ae",
    "*",
    "**",
    "~",
    "'",
    "\"",
    "<",
    "[",
    "|",
    "`",
    "{",
    "^",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]
    #[test]
    fn what_was_matched_is_what_is_sent(
        picks in prop::collection::vec(0..PIECES.len(), 0..9),
        arbitrary in any::<String>(),
        lead in prop::bool::weighted(0.9),
    ) {
        let pieces: String = picks.iter().map(|n| PIECES[*n]).collect();
        let text = format!("{}{pieces}{}", if lead { "/" } else { "" }, if picks.len() % 3 == 0 { &arbitrary } else { "" });
        let Ok(path) = Path::parse(&text) else { return Ok(()) };
        let (profile, targets) = wide();
        let query = [("q".to_owned(), text.clone())];
        let url = targets.url(&profile, None, "data", &path, &query).unwrap();
        // Through text, as it goes over the wire.
        let read = Url::parse(url.as_str()).unwrap();
        prop_assert_eq!(read.origin(), Url::parse("https://acme.my.salesforce.com").unwrap().origin());
        let mut wanted: Vec<String> = ["services", "data", "v66.0"].map(str::to_owned).to_vec();
        wanted.extend(path.segments().iter().cloned());
        prop_assert_eq!(segments(&read), wanted.clone());
        prop_assert!(url.as_str().is_ascii() && url.fragment().is_none());
        prop_assert_eq!(read.query_pairs().collect::<Vec<_>>(), vec![("q".into(), text.as_str().into())]);
        // Even joined as text, as we never do, a path that passed reads the same: nothing in it means anything.
        if !path.segments().is_empty() {
            let joined = Url::parse(&format!("https://acme.my.salesforce.com/services/data/v66.0{text}/end")).unwrap();
            wanted.push("end".to_owned());
            prop_assert_eq!(segments(&joined), wanted);
        }
        // What passes the deny list doesn't begin with a denied name in any reading.
        if check(&profile, None, Access::Read, "data", &path).is_ok() {
            let first = path.segments().first().map(|s| s.trim().to_lowercase()).unwrap_or_default();
            prop_assert_ne!(first, "tooling");
        }
    }
}

#[test]
fn tricks_with_encodings_are_refused() {
    for bad in [
        "",
        "sobjects",
        "https://evil.example/sobjects",
        "//evil.example/x",
        "/\\evil.example",
        "\\x",
        "/a//b",
        "/a/",
        "/.",
        "/..",
        "/...",
        "/a/./b",
        "/a/../b",
        "/%2e",
        "/%2E%2e/b",
        "/.%2e/b",
        "/%252e%252e/b",
        "/a%2fb",
        "/a%2Fb",
        "/a%252fb",
        "/a%5cb",
        "/a\\b",
        "/a;b",
        "/a%3bb=c",
        "/a?b",
        "/a%3fb",
        "/a#b",
        "/a%23b",
        "/a%00",
        "/a\0",
        "/a%0d%0ab",
        "/a\r\nb",
        "/a\tb",
        "/a%09b",
        "/%c0%ae%c0%ae/b",
        "/%c0%af",
        "/%e0%80%af",
        "/%f0%80%80%af",
        "/%ff",
        "/%ed%a0%80",
        "/%",
        "/%2",
        "/%zz",
        "/%u002e",
        "/．．/b",
        "/．/b",
        "/‥/b",
        "/a／b",
        "/a＼b",
        "/a％2fb",
        "/℀",
        "/a；b",
        "/ /b",
        "/. /b",
        "/.\u{a0}./b",
        "/%20",
        "/a\u{200b}",
        "/\u{202e}a",
        "/a%e2%80%ae",
        "/\u{feff}a",
        "/a\u{2028}b",
    ] {
        assert!(Path::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn what_is_denied_stays_denied_in_every_spelling() {
    let (profile, _) = wide();
    for spelled in [
        "/tooling",
        "/tooling/query",
        "/Tooling",
        "/TOOLING/executeAnonymous",
        "/%74ooling",
        "/t%6foling/x",
        "/ｔｏｏｌｉｎｇ/query",
        "/tooling.",
        "/tooling%20",
        "/%20tooling/x",
        "/tooling\u{a0}",
        "/ⓣooling/x",
    ] {
        let path = Path::parse(spelled).unwrap();
        let refused = check(&profile, None, Access::Read, "data", &path).unwrap_err();
        assert!(refused.contains("never"), "{spelled}: {refused}");
    }
    for other in ["/toolings", "/sobjects/tooling", "/tool"] {
        let path = Path::parse(other).unwrap();
        assert_eq!(
            check(&profile, None, Access::Read, "data", &path),
            Ok(()),
            "{other}"
        );
    }
}

/// Whatever a service, a grant and a profile's offers came to say.
#[test]
fn what_a_profile_denies_no_offer_and_no_grant_opens() {
    for (provider, denied, open) in [
        (
            Provider::Salesforce,
            &[
                "/services/oauth2",
                "/services/oauth2/token",
                "/services/oauth2/userinfo",
                "/Services/OAuth2/Revoke",
                "/services/%6fauth2/token",
                "/ｓervices/oauth2/token",
                "/services/apexrest/anything",
                "/services/async/66.0/job",
                "/services/Soap/u/66.0",
                "/services/soap/s/66.0",
                "/services/data/v66.0/tooling/executeAnonymous",
                "/services/data/v1.0/Tooling/query",
                "/services/data/anything/tooling",
                "/id/00D/005",
                "/secur/frontdoor.jsp",
            ][..],
            "/services/data/v66.0/sobjects",
        ),
        (
            Provider::Xero,
            &[
                "/connections",
                "/Connections/1",
                "/connections./1",
                "/identity/x",
                "/oauth/token",
                "/connect/token",
                "/connect/revocation",
                "/%63onnections",
            ],
            "/api.xro/2.0/Contacts",
        ),
    ] {
        let secret = SecretSource::Given(Secret::new("a-client-secret"));
        let mut profile = Profile::of(&Connection::new("c", provider, "id", secret));
        profile.services = vec![crate::profile::Service {
            name: "all",
            path: String::new(),
        }];
        let all = [Access::Read, Access::Write].map(|access| GrantRule {
            service: "all".into(),
            access,
            path: "/**".into(),
        });
        profile.offers = all.to_vec();
        for access in [Access::Read, Access::Write] {
            let may = |text: &str| {
                let path = Path::parse(text).unwrap();
                check(&profile, Some(&all), access, "all", &path)
            };
            assert_eq!(may(open), Ok(()));
            for path in denied {
                let refused = may(path).unwrap_err();
                assert!(
                    refused.contains("never open to plugins"),
                    "{path}: {refused}"
                );
            }
        }
    }
}

#[test]
fn a_pattern_matches_only_what_it_says() {
    let (mut profile, _) = salesforce();
    profile.offers = ["/query", "/sobjects/*/describe", "/sobjects/Caf\u{e9}"]
        .map(|path| GrantRule {
            service: "data".into(),
            access: Access::Read,
            path: path.into(),
        })
        .to_vec();
    let may = |text: &str| {
        Path::parse(text)
            .is_ok_and(|path| check(&profile, None, Access::Read, "data", &path).is_ok())
    };
    for good in [
        "/query",
        "/%71uery",
        "/sobjects/Account/describe",
        "/sobjects/Caf%c3%a9",
    ] {
        assert!(may(good), "{good}");
    }
    for bad in [
        "/Query",
        "/query/x",
        "/queryAll",
        "/query ",
        "/",
        "/sobjects/describe",
        "/sobjects/a/b/describe",
        "/sobjects/a%2fdescribe",
        "/sobjects/Cafe\u{301}",
        "/ｑuery",
        "/sobjects/Account/describe/layouts",
    ] {
        assert!(!may(bad), "{bad}");
    }
}
