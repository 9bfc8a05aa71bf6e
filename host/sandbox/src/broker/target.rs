//! Where a request goes: URLs assembled from parts, and which hosts may be named at all.
//!
//! It never joins guest text into a URL: segments and query values are encoded one by one. Next: `address.rs` checks
//! what the host resolves to.

use super::grant::Path;
use crate::connection::Connection;
use crate::profile::{Origin, Profile};
use url::{Host, Url};

/// A host and port that the operator wrote into the configuration: only these may be private, and only these plain http.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named(Vec<(String, u16)>);

/// The URLs of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Targets {
    /// The base URL without a trailing slash in its path.
    base: Url,
    pub(crate) token: Url,
    /// Where a person consents; opened in a browser, never asked by us.
    pub(crate) authorize: Url,
    pub(crate) revoke: Url,
    pub(crate) named: Named,
}

impl Targets {
    /// Reads the URLs of a connection.
    pub(crate) fn of(connection: &Connection, profile: &Profile) -> Result<Self, String> {
        let base = match (&connection.base_url, profile.base_url) {
            (Some(text), _) => parse("base-url", text)?,
            (None, Some(default)) => parse("base-url", default)?,
            (None, None) => {
                return Err("base-url is missing: give the URL of your organisation, for example https://acme.my.salesforce.com".to_owned());
            }
        };
        let at = |key: &str, own: &Option<String>, known: &str| match own {
            Some(text) => parse(key, text),
            None if known.starts_with('/') => below(&base, known, std::iter::empty()),
            None => parse(key, known),
        };
        let token = at("token-url", &connection.token_url, profile.token_url)?;
        let authorize = at(
            "authorize-url",
            &connection.authorize_url,
            profile.oauth.authorize_url,
        )?;
        let revoke = at(
            "revoke-url",
            &connection.revoke_url,
            profile.oauth.revoke_url,
        )?;
        let operators = [
            &connection.base_url,
            &connection.token_url,
            &connection.authorize_url,
            &connection.revoke_url,
        ];
        let mut named = Vec::new();
        for text in operators.into_iter().flatten() {
            let url = parse("url", text)?;
            named.push((host_of(&url).to_owned(), port_of(&url)));
        }
        let named = Named(named);
        for (key, url) in [
            ("base-url", &base),
            ("token-url", &token),
            ("authorize-url", &authorize),
            ("revoke-url", &revoke),
        ] {
            let may_be_local = url.host().is_some_and(|host| may_be_local(&host));
            if url.scheme() != "https" && !(named.covers(url) && may_be_local) {
                return Err(format!(
                    "{key} {url} must be https; plain http is only for loopback and private addresses that the configuration names"
                ));
            }
            if url.scheme() == "https" && !is_of_provider(url, profile) {
                tracing::info!(%url, "the configuration points a connection away from its provider's own hosts");
            }
        }
        Ok(Self {
            base,
            token,
            authorize,
            revoke,
            named,
        })
    }

    /// All of them, for what a credential is bound to.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Url> {
        [&self.base, &self.token, &self.authorize, &self.revoke].into_iter()
    }

    /// Whether the base URL is that of a sandbox by its name.
    pub(crate) fn is_sandbox(&self) -> bool {
        host_of(&self.base).ends_with(".sandbox.my.salesforce.com")
    }

    /// The URL of one of the host's own requests, by segments from the root of the API.
    pub(crate) fn own(
        &self,
        instance: Option<&Url>,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Url, String> {
        let base = instance.unwrap_or(&self.base);
        let mut url = below(base, "", segments.iter().copied())?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// The URL of a request on a service. `instance` is what the token's answer named, where the profile asks for it.
    pub(crate) fn url(
        &self,
        profile: &Profile,
        instance: Option<&Url>,
        service: &str,
        path: &Path,
        query: &[(String, String)],
    ) -> Result<Url, String> {
        let service = profile
            .service(service)
            .ok_or_else(|| format!("there is no service {service:?}"))?;
        let base = instance.unwrap_or(&self.base);
        let mut url = below(
            base,
            &service.path,
            path.segments().iter().map(String::as_str),
        )?;
        check_same(&url, base, &service.path, path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Whether a credential of this connection may go there: https or what the operator named, and only to the API's own
    /// origin or the instance that the token's answer named and that passed [`Targets::instance`].
    pub(crate) fn may_carry_credential(&self, url: &Url, instance: Option<&Url>) -> bool {
        let own = [Some(&self.base), instance];
        let known = own.into_iter().flatten().any(|own| {
            (own.scheme(), host_of(own), port_of(own)) == (url.scheme(), host_of(url), port_of(url))
        });
        known && (url.scheme() == "https" || self.named.covers(url))
    }

    /// Whether no URL of the operator's needs certificates.
    pub(crate) fn all_plain(&self) -> bool {
        // The person's browser opens the fourth; only a disconnect asks the third.
        self.base.scheme() == "http" && self.token.scheme() == "http"
    }

    /// Reads `instance_url` of a token's answer.
    pub(crate) fn instance(&self, profile: &Profile, text: &str) -> Result<Url, String> {
        let Origin::Instance { suffixes } = profile.origin else {
            return Err("this provider has no instance URL".to_owned());
        };
        let url = parse("instance_url", text)?;
        let fits = url.scheme() == "https"
            && port_of(&url) == 443
            && url.path() == "/"
            && suffixes
                .iter()
                .any(|suffix| host_of(&url).ends_with(suffix));
        let same = url.scheme() == self.base.scheme()
            && host_of(&url) == host_of(&self.base)
            && port_of(&url) == port_of(&self.base);
        if same {
            return Ok(self.base.clone());
        }
        if fits {
            return Ok(url);
        }
        Err(format!(
            "the token's answer names the instance {url}, which is neither https under {} nor the connection's base-url",
            suffixes.join(", ")
        ))
    }
}

impl Named {
    /// Whether the operator named exactly this host and port.
    pub(crate) fn covers(&self, url: &Url) -> bool {
        let (host, port) = (host_of(url), port_of(url));
        self.0
            .iter()
            .any(|(name, number)| name == host && *number == port)
    }
}

/// The host as the URL has it: lower case, IPv6 in brackets.
pub(crate) fn host_of(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// The port, or the scheme's own.
pub(crate) fn port_of(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or(0)
}

fn parse(key: &str, text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{key} {text:?} is no URL: {error}"))?;
    let odd = !matches!(url.scheme(), "https" | "http")
        || url.host().is_none()
        || !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
        || host_of(&url).split('.').any(str::is_empty)
        || port_of(&url) == 0;
    if odd {
        return Err(format!(
            "{key} {text:?} must be an http or https URL of a host, without user, query or fragment"
        ));
    }
    Ok(url)
}

fn below<'a>(
    base: &Url,
    path: &'a str,
    segments: impl Iterator<Item = &'a str>,
) -> Result<Url, String> {
    let mut url = base.clone();
    let under = path.split('/').filter(|segment| !segment.is_empty());
    url.path_segments_mut()
        .map_err(|()| format!("{base} can't have a path"))?
        .pop_if_empty()
        .extend(under)
        .extend(segments);
    Ok(url)
}

/// What was matched is what is sent: read back, the URL has the base's origin and exactly the segments that passed.
fn check_same(url: &Url, base: &Url, service: &str, path: &Path) -> Result<(), String> {
    let sent = Url::parse(url.as_str()).map_err(|error| error.to_string())?;
    let all = |url: &Url| -> Vec<Vec<u8>> {
        url.path()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_encoding::percent_decode_str(segment).collect())
            .collect()
    };
    let mut wanted = all(base);
    let under = service.split('/').filter(|segment| !segment.is_empty());
    wanted.extend(under.map(|segment| segment.as_bytes().to_vec()));
    wanted.extend(
        path.segments()
            .iter()
            .map(|segment| segment.as_bytes().to_vec()),
    );
    if sent.origin() == base.origin() && all(&sent) == wanted {
        return Ok(());
    }
    Err(format!("the path {path} would be sent as {}", sent.path()))
}

/// Whether the host can be this machine or this network: a private address, or a name. What a name resolves to is judged when
/// dialling, where plain http passes to local addresses only.
fn may_be_local(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(_) => true,
        Host::Ipv4(ip) => super::address::Kind::of((*ip).into()) == super::address::Kind::Private,
        Host::Ipv6(ip) => super::address::Kind::of((*ip).into()) == super::address::Kind::Private,
    }
}

fn is_of_provider(url: &Url, profile: &Profile) -> bool {
    let host = host_of(url);
    port_of(url) == 443
        && profile
            .hosts
            .iter()
            .any(|known| host == *known || (known.starts_with('.') && host.ends_with(known)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Provider, SecretSource};
    use crate::secret::Secret;

    fn connection(provider: Provider, base: Option<&str>) -> Connection {
        let secret = SecretSource::Given(Secret::new("s"));
        let mut connection = Connection::new("c", provider, "id", secret);
        connection.base_url = base.map(str::to_owned);
        connection
    }

    fn targets(provider: Provider, base: Option<&str>) -> Result<(Profile, Targets), String> {
        let connection = connection(provider, base);
        let profile = Profile::of(&connection);
        Targets::of(&connection, &profile).map(|targets| (profile, targets))
    }

    #[test]
    fn urls_are_assembled_from_parts() {
        let (profile, targets) = targets(Provider::Xero, None).unwrap();
        let url = |path: &str, query: &[(&str, &str)]| {
            let query: Vec<_> = query
                .iter()
                .map(|(a, b)| (a.to_string(), b.to_string()))
                .collect();
            let path = Path::parse(path).unwrap();
            targets
                .url(&profile, None, "accounting", &path, &query)
                .unwrap()
                .to_string()
        };
        assert_eq!(
            url("/Contacts", &[]),
            "https://api.xero.com/api.xro/2.0/Contacts"
        );
        assert_eq!(
            url(
                "/Contacts/a b@evil",
                &[("where", "Name==\"A&B\" # ?"), ("p", "1")]
            ),
            "https://api.xero.com/api.xro/2.0/Contacts/a%20b@evil?where=Name%3D%3D%22A%26B%22+%23+%3F&p=1"
        );
        assert_eq!(
            targets.token.as_str(),
            "https://identity.xero.com/connect/token"
        );
        let (profile, targets) =
            self::targets(Provider::Xero, Some("http://127.0.0.1:81/sim/")).unwrap();
        let path = Path::parse("/Items").unwrap();
        assert_eq!(
            targets
                .url(&profile, None, "accounting", &path, &[])
                .unwrap()
                .as_str(),
            "http://127.0.0.1:81/sim/api.xro/2.0/Items"
        );
    }

    #[test]
    fn any_host_can_be_configured_and_plain_http_only_for_what_may_be_local() {
        for good in [
            "https://acme.my.salesforce.com",
            "http://127.0.0.1:9",
            "http://localhost:9",
            "http://[::1]:9",
            "https://10.0.0.4",
            "http://192.168.1.9:80/x",
            "http://simulator:8080",
            "https://acme.example.org:8443",
        ] {
            assert!(targets(Provider::Salesforce, Some(good)).is_ok(), "{good}");
        }
        for bad in [
            "https://a@acme.my.salesforce.com",
            "https://acme.my.salesforce.com?x",
            "https://acme.my.salesforce.com.",
            "ftp://127.0.0.1",
            "http://169.254.169.254",
            "http://8.8.8.8",
            "",
            "acme",
            "http://127.0.0.1:0",
        ] {
            assert!(targets(Provider::Salesforce, Some(bad)).is_err(), "{bad}");
        }
        assert!(
            targets(Provider::Salesforce, None)
                .unwrap_err()
                .contains("base-url is missing")
        );
    }

    #[test]
    fn an_instance_is_the_providers_or_the_operators_own() {
        let (profile, targets) =
            targets(Provider::Salesforce, Some("http://127.0.0.1:81/sf")).unwrap();
        assert_eq!(
            targets
                .instance(&profile, "https://acme.my.salesforce.com")
                .unwrap()
                .as_str(),
            "https://acme.my.salesforce.com/"
        );
        assert_eq!(
            targets
                .instance(&profile, "http://127.0.0.1:81")
                .unwrap()
                .path(),
            "/sf"
        );
        for bad in [
            "http://127.0.0.1:82",
            "http://acme.my.salesforce.com",
            "https://evil.com",
            "https://x.salesforce.com.evil.com",
            "https://salesforce.com@evil.com",
            "http://10.0.0.1:81",
            "https://acme.my.salesforce.com/x",
            "https://acme.my.salesforce.com:444",
        ] {
            assert!(targets.instance(&profile, bad).is_err(), "{bad}");
        }
    }
}
