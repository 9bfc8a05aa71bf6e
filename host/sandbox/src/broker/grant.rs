//! May this be asked for? Service, access and decoded path against the profile and the operator's grant.
//!
//! It never looks at hosts or addresses (`address.rs`), and it matches segments of the decoded path, never text of a
//! URL. Next: `target.rs` builds the URL from what was allowed.

use crate::connection::{Access, GrantRule};
use crate::profile::Profile;
use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;

/// A path in its one form: decoded segments, none empty, none of dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<String>);

/// Longest path, in bytes.
const MAX_PATH: usize = 2_048;

impl Path {
    /// Reads an absolute path as a guest wrote it. Percent-encoding is decoded once; what is then still dangerous
    /// (dots, slashes, percent signs that could be decoded again, control characters, backslashes) is refused.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let quoted = || format!("{:?}", text.chars().take(200).collect::<String>());
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("the path {} doesn't begin with /", quoted()));
        };
        if text.len() > MAX_PATH {
            return Err(format!("the path is longer than {MAX_PATH} bytes"));
        }
        let mut segments = Vec::new();
        if !rest.is_empty() {
            for raw in rest.split('/') {
                let decoded = percent_decode_str(raw)
                    .decode_utf8()
                    .map_err(|_| format!("the path {} isn't UTF-8", quoted()))?;
                // Also in the form that a lenient far side might make of it: fullwidth dots, `℀`.
                let folded: String = decoded.nfkc().collect();
                if is_odd(&decoded) || is_odd(&folded) {
                    return Err(format!(
                        "the path {} holds a segment that is empty, only dots, or has one of / \\ % ? # ; in it",
                        quoted()
                    ));
                }
                segments.push(decoded.into_owned());
            }
        }
        Ok(Self(segments))
    }

    pub(crate) fn segments(&self) -> &[String] {
        &self.0
    }

    /// Whether the pattern covers the whole path: `*` one segment, a final `**` any rest.
    fn matches(&self, pattern: &str) -> bool {
        let mut wanted = segments_of(pattern);
        let mut rest = self.0.iter();
        loop {
            match (wanted.next(), rest.next()) {
                (Some("**"), _) | (None, None) => return true,
                (Some("*"), Some(_)) => {}
                (Some(pattern), Some(segment)) if pattern == segment => {}
                _ => return false,
            }
        }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{}", self.0.join("/"))
    }
}

/// Whether a decoded segment could be read as something else than one name.
fn is_odd(segment: &str) -> bool {
    segment.trim_matches(|c: char| c.is_whitespace() || c == '.').is_empty()
        || segment.chars().any(|c| {
            c.is_control()
                || matches!(c, '/' | '\\' | '%' | '?' | '#' | ';')
                // Characters that are not seen, or turn what is seen round.
                || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        })
}

/// A segment as the most lenient far side might compare it.
fn folded(segment: &str) -> String {
    let folded: String = segment.nfkc().flat_map(char::to_lowercase).collect();
    folded
        .trim_matches(|c: char| c.is_whitespace() || c == '.')
        .to_owned()
}

fn segments_of(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('/').filter(|segment| !segment.is_empty())
}

/// Whether `below` lies at or under a path that is never allowed. Case, width and trailing dots don't matter: far sides
/// differ in what they make of them.
fn is_under(below: &str, never: &str) -> bool {
    let mut segments = segments_of(below);
    segments_of(never).all(|wanted| {
        segments
            .next()
            .is_some_and(|segment| wanted == "*" || folded(segment) == folded(wanted))
    })
}

/// Whether a whole path is just this one, as it is spelled; `*` stands for one segment.
fn is_spelled(whole: &str, open: &str) -> bool {
    let mut segments = segments_of(whole);
    segments_of(open).all(|wanted| {
        segments
            .next()
            .is_some_and(|segment| wanted == "*" || segment == wanted)
    }) && segments.next().is_none()
}

/// Checks that a DELETE goes where the profile lets one go. The rest is checked like any other write.
pub(crate) fn check_delete(profile: &Profile, path: &Path) -> Result<(), String> {
    if profile.deletes.iter().any(|pattern| path.matches(pattern)) {
        return Ok(());
    }
    Err(format!("nothing is ever deleted at {path}"))
}

/// Checks one request. `grant` narrows what the profile offers; `None` takes all of it.
pub(crate) fn check(
    profile: &Profile,
    grant: Option<&[GrantRule]>,
    access: Access,
    service: &str,
    path: &Path,
) -> Result<(), String> {
    let Some(known) = profile.service(service) else {
        return Err(format!("there is no service {service:?}"));
    };
    let whole = format!("{}{path}", known.path);
    let open = profile.open.iter().any(|open| is_spelled(&whole, open));
    if !open && profile.never.iter().any(|never| is_under(&whole, never)) {
        return Err(format!("{whole} is never open to plugins"));
    }
    let covered = |rules: &[GrantRule]| {
        rules.iter().any(|rule| {
            rule.service == service && rule.access == access && path.matches(&rule.path)
        })
    };
    if !covered(&profile.offers) {
        return Err(format!(
            "the provider's profile doesn't offer to {access} {path} on {service}"
        ));
    }
    if grant.is_some_and(|grant| !covered(grant)) {
        return Err(format!(
            "the connection's grant doesn't cover to {access} {path} on {service}"
        ));
    }
    Ok(())
}

/// Checks the requests inside the body of a composite request, each as if it stood alone.
pub(crate) fn check_composite(
    profile: &Profile,
    grant: Option<&[GrantRule]>,
    service: &str,
    body: &[u8],
) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        composite_request: Vec<Inner>,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        method: String,
        url: String,
    }
    let body: Body = serde_json::from_slice(body)
        .map_err(|error| format!("the composite request can't be read: {error}"))?;
    let known = profile
        .service(service)
        .ok_or_else(|| format!("there is no service {service:?}"))?;
    for inner in body.composite_request {
        let access = match inner.method.as_str() {
            "GET" => Access::Read,
            "POST" | "PUT" | "PATCH" => Access::Write,
            other => return Err(format!("a composite request holds a {other:?}")),
        };
        let path = inner.url.split(['?', '#']).next().unwrap_or_default();
        let path = path
            .strip_prefix(known.path.as_str())
            .filter(|rest| rest.starts_with('/'))
            .ok_or_else(|| format!("a composite request leaves {}", known.path))?;
        let path = Path::parse(path)?;
        if profile
            .composite
            .is_some_and(|composite| path.matches(composite))
        {
            return Err("a composite request holds a composite request".to_owned());
        }
        check(profile, grant, access, service, &path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Connection, Provider, SecretSource};
    use crate::secret::Secret;

    fn profile(provider: Provider) -> Profile {
        let secret = SecretSource::Given(Secret::new("s"));
        Profile::of(&Connection::new("c", provider, "id", secret))
    }

    fn allowed(provider: Provider, access: Access, service: &str, path: &str) -> bool {
        Path::parse(path)
            .is_ok_and(|path| check(&profile(provider), None, access, service, &path).is_ok())
    }

    #[test]
    fn a_path_has_one_form() {
        for (from, to) in [
            ("/", "/"),
            ("/Contacts", "/Contacts"),
            ("/Contacts/a%20b", "/Contacts/a b"),
            ("/%43ontacts", "/Contacts"),
            ("/a/ünï", "/a/ünï"),
        ] {
            assert_eq!(Path::parse(from).unwrap().to_string(), to);
        }
        for bad in [
            "",
            "Contacts",
            "http://evil/",
            "//evil/a",
            "/a//b",
            "/a/",
            "/a/../b",
            "/a/./b",
            "/..",
            "/%2e%2e/b",
            "/.%2e",
            "/a%2fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a%252e",
            "/a?b",
            "/a#b",
            "/a;b",
            "/%ff",
            "/...",
            "/a\r\nb",
            "/a%0d%0ab",
        ] {
            assert!(Path::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Path::parse(&format!("/{}", "a".repeat(3_000))).is_err());
    }

    #[test]
    fn a_grant_covers_what_its_patterns_say() {
        use Access::{Read, Write};
        for (wanted, provider, access, service, path) in [
            (true, Provider::Xero, Read, "accounting", "/Invoices"),
            (true, Provider::Xero, Read, "accounting", "/Invoices/1"),
            (true, Provider::Xero, Write, "accounting", "/Invoices"),
            (
                false,
                Provider::Xero,
                Read,
                "accounting",
                "/Invoices/1/History",
            ),
            (false, Provider::Xero, Write, "accounting", "/Accounts"),
            (false, Provider::Xero, Write, "accounting", "/Payments"),
            (false, Provider::Xero, Read, "accounting", "/invoices"),
            (false, Provider::Xero, Read, "identity", "/connections"),
            (false, Provider::Xero, Read, "accounting", "/"),
            (true, Provider::Salesforce, Read, "data", "/"),
            (true, Provider::Salesforce, Read, "data", "/sobjects"),
            (
                true,
                Provider::Salesforce,
                Read,
                "data",
                "/sobjects/Account/describe",
            ),
            (
                true,
                Provider::Salesforce,
                Write,
                "data",
                "/composite/sobjects",
            ),
            (
                false,
                Provider::Salesforce,
                Write,
                "data",
                "/composite/graph",
            ),
            (
                false,
                Provider::Salesforce,
                Read,
                "data",
                "/tooling/executeAnonymous",
            ),
            (false, Provider::Salesforce, Read, "data", "/TOOLING/query"),
            (false, Provider::Salesforce, Write, "data", "/query"),
        ] {
            assert_eq!(
                allowed(provider, access, service, path),
                wanted,
                "{access} {path}"
            );
        }
    }

    #[test]
    fn the_operators_grant_only_narrows() {
        let profile = profile(Provider::Xero);
        let rule = |access, path: &str| GrantRule {
            service: "accounting".into(),
            access,
            path: path.into(),
        };
        let grant = [
            rule(Access::Read, "/Contacts"),
            rule(Access::Write, "/Payments"),
        ];
        let check = |access, path| {
            let path = Path::parse(path).unwrap();
            check(&profile, Some(&grant), access, "accounting", &path)
        };
        assert!(check(Access::Read, "/Contacts").is_ok());
        assert!(
            check(Access::Read, "/Invoices")
                .unwrap_err()
                .contains("grant")
        );
        assert!(
            check(Access::Write, "/Payments")
                .unwrap_err()
                .contains("profile")
        );
    }

    #[test]
    fn what_is_never_allowed_wins_over_any_offer() {
        let mut profile = profile(Provider::Salesforce);
        let path = Path::parse("/tooling/Query").unwrap();
        profile.offers = vec![GrantRule {
            service: "data".into(),
            access: Access::Read,
            path: "/**".into(),
        }];
        let refused = check(&profile, None, Access::Read, "data", &path).unwrap_err();
        assert!(refused.contains("never"), "{refused}");
    }

    #[test]
    fn what_is_for_setting_up_alone_is_closed_otherwise_and_open_as_it_is_spelled() {
        use Access::{Read, Write};
        let secret = || SecretSource::Given(Secret::new("s"));
        let mut connection = Connection::new("c", Provider::Salesforce, "id", secret());
        connection.purpose = crate::connection::Purpose::SetUp;
        let set_up = Profile::of(&connection);
        let may = |profile: &Profile, access, path: &str| {
            Path::parse(path).is_ok_and(|path| check(profile, None, access, "data", &path).is_ok())
        };
        for (access, path) in [
            (Read, "/tooling/query"),
            (Read, "/tooling/sobjects/Layout/00h000000000001"),
            (Read, "/tooling/sobjects/CustomField/00N000000000001"),
            (Read, "/metadata/deployRequest/0Af000000000001"),
            (Write, "/metadata/deployRequest"),
            (Write, "/tooling/sobjects/Layout/00h000000000001"),
        ] {
            assert!(may(&set_up, access, path), "{access} {path}");
            assert!(
                !may(&profile(Provider::Salesforce), access, path),
                "{access} {path}"
            );
        }
        for (access, path) in [
            (Read, "/tooling"),
            (Read, "/Tooling/query"),
            (Read, "/tooling/Query"),
            (Read, "/tooling/query."),
            (Read, "/ｔooling/query"),
            (Read, "/tooling/query/01g"),
            (Read, "/tooling/executeAnonymous"),
            (Read, "/%74ooling/executeAnonymous"),
            (Write, "/tooling/executeAnonymous"),
            (Write, "/tooling/runTestsSynchronous"),
            (Write, "/tooling/query"),
            (Write, "/tooling/sobjects/CustomField/00N000000000001"),
            (Write, "/tooling/sobjects/Layout"),
            (Write, "/tooling/sobjects/ApexClass/01p000000000001"),
            (Read, "/tooling/sobjects/Layout/00h/x"),
            (Write, "/metadata/deployRequest/0Af000000000001"),
            (Write, "/metadata"),
        ] {
            assert!(!may(&set_up, access, path), "{access} {path}");
        }
        let gone = |profile: &Profile, path: &str| {
            Path::parse(path).is_ok_and(|path| check_delete(profile, &path).is_ok())
        };
        let assignment = "/sobjects/PermissionSetAssignment/0Pa000000000001";
        assert!(gone(&set_up, assignment));
        assert!(!gone(&profile(Provider::Salesforce), assignment));
        for path in [
            "/sobjects/Account/001000000000001",
            "/sobjects/PermissionSetAssignment",
            "/sobjects/permissionsetassignment/0Pa000000000001",
        ] {
            assert!(!gone(&set_up, path), "{path}");
        }
    }

    #[test]
    fn the_requests_inside_a_composite_are_checked_too() {
        let profile = profile(Provider::Salesforce);
        let check = |method: &str, url: &str| {
            let body = format!(
                r#"{{"compositeRequest":[{{"method":"PATCH","url":"/services/data/v66.0/composite/sobjects"}},{{"method":"{method}","url":"{url}"}}]}}"#
            );
            check_composite(&profile, None, "data", body.as_bytes())
        };
        assert!(check("GET", "/services/data/v66.0/query?q=SELECT+Id+FROM+Account").is_ok());
        for (method, url) in [
            (
                "GET",
                "/services/data/v66.0/tooling/executeAnonymous?anonymousBody=x",
            ),
            ("GET", "/services/oauth2/userinfo"),
            ("GET", "/services/data/v66.0/../../oauth2/userinfo"),
            ("DELETE", "/services/data/v66.0/sobjects/Account/1"),
            ("POST", "/services/data/v66.0/composite"),
            ("GET", "https://evil/services/data/v66.0/query"),
            ("GET", "/services/data/v66.0"),
        ] {
            assert!(check(method, url).is_err(), "{method} {url}");
        }
        assert!(check_composite(&profile, None, "data", b"not json").is_err());
    }
}
