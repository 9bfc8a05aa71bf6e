//! Resolve once, check every address, dial only those.
//!
//! The HTTP client's own resolver is replaced by [`Checked`], which hands out nothing but addresses that passed here:
//! a name that changes its mind between check and dial gains nothing. Special ranges are refused in canonical form,
//! also inside IPv6 (mapped, compatible, NAT64, 6to4, Teredo). Next: `wire.rs` sends.

use super::target::{Named, host_of};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use url::{Host, Url};

/// How long checked addresses of a name are used before it is resolved again.
const FRESH: Duration = Duration::from_secs(60);
/// Longest resolution.
const RESOLVE: Duration = Duration::from_secs(10);

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// On the internet.
    Public,
    /// Loopback or a private network: only where the operator named it.
    Private,
    /// Metadata, link-local, multicast, reserved and the like: never.
    Special,
}

impl Kind {
    /// Judges an address in its canonical form.
    pub(crate) fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::of_v4(ip),
            IpAddr::V6(ip) => Self::of_v6(ip),
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Self {
        match ip.octets() {
            [127, ..] | [10, ..] | [192, 168, ..] | [172, 16..=31, ..] => Self::Private,
            [0, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [192, 0, 0, _]
            | [192, 0, 2, _]
            | [192, 31, 196, _]
            | [192, 52, 193, _]
            | [192, 88, 99, _]
            | [192, 175, 48, _]
            | [198, 18..=19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [168, 63, 129, 16]
            | [224..=255, ..] => Self::Special,
            _ => Self::Public,
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Self {
        let s = ip.segments();
        let embedded = |high: u16, low: u16| {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            Self::of_v4(Ipv4Addr::new(a, b, c, d))
        };
        match s {
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Private,
            // Mapped: the same machine as the IPv4 address.
            [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
            // Cloud metadata, then unique local addresses.
            [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Self::Special,
            [0xfc00..=0xfdff, ..] => Self::Private,
            // Documentation, Teredo, benchmarking, ORCHID, 6to4.
            [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x2002, ..] => Self::Special,
            [0x3fff, 0..=0x0fff, ..] => Self::Special,
            // Only 2000::/3 is global unicast; NAT64, compatible, link-local, site-local, multicast are outside.
            [0x2000..=0x3fff, ..] => Self::Public,
            _ => Self::Special,
        }
    }
}

/// Why a request isn't dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// By rule.
    Denied(String),
    /// The name doesn't resolve now.
    Unresolved(String),
}

/// The addresses that passed, by host name; the HTTP client's only source of addresses.
#[derive(Clone)]
pub(crate) struct Checked {
    table: Arc<Mutex<HashMap<String, Known>>>,
    lookup: Lookup,
    fresh: Duration,
}

/// Where names are looked up: the system, or what a test says.
pub(crate) type Lookup = Arc<dyn Fn(String) -> Looking + Send + Sync>;
type Looking = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

struct Known {
    addresses: Vec<SocketAddr>,
    since: Instant,
}

impl Checked {
    pub(crate) fn new(lookup: Lookup) -> Self {
        Self {
            table: Arc::default(),
            lookup,
            fresh: FRESH,
        }
    }

    /// The same, with another time for which an answer is used.
    #[cfg(test)]
    pub(crate) fn for_as_long_as(fresh: Duration, lookup: Lookup) -> Self {
        Self {
            fresh,
            ..Self::new(lookup)
        }
    }

    /// Lets the URL's host pass or not. Plain http only passes where the operator named host and port and every
    /// address is local.
    pub(crate) async fn admit(&self, url: &Url, named: &Named) -> Result<(), Refused> {
        let named = named.covers(url);
        match url.host() {
            Some(Host::Ipv4(ip)) => judge(ip.into(), url, named),
            Some(Host::Ipv6(ip)) => judge(ip.into(), url, named),
            Some(Host::Domain(name)) => self.admit_name(name, url, named).await,
            None => Err(Refused::Denied(format!("{} has no host", url.scheme()))),
        }
    }

    /// Whether the peer that answered is one that could have passed.
    pub(crate) fn admits_peer(peer: SocketAddr, url: &Url, named: &Named) -> bool {
        judge(peer.ip(), url, named.covers(url)).is_ok()
    }

    async fn admit_name(&self, name: &str, url: &Url, named: bool) -> Result<(), Refused> {
        let known = |table: &HashMap<String, Known>| {
            table
                .get(name)
                .filter(|known| known.since.elapsed() < self.fresh)
                .map(|known| known.addresses.clone())
        };
        let fresh = known(&self.table.lock().unwrap_or_else(PoisonError::into_inner));
        let addresses = match fresh {
            Some(addresses) => addresses,
            None => self.look_up(name).await?,
        };
        for address in &addresses {
            judge(address.ip(), url, named)?;
        }
        let known = Known {
            addresses,
            since: Instant::now(),
        };
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table
            .entry(name.to_owned())
            .and_modify(|old| {
                if old.since.elapsed() >= self.fresh {
                    old.addresses.clone_from(&known.addresses);
                    old.since = known.since;
                }
            })
            .or_insert(known);
        Ok(())
    }

    async fn look_up(&self, name: &str) -> Result<Vec<SocketAddr>, Refused> {
        let failed = |why: String| Refused::Unresolved(format!("{name} can't be resolved: {why}"));
        let found = tokio::time::timeout(RESOLVE, (self.lookup)(name.to_owned())).await;
        let found: Vec<_> = found
            .map_err(|_| failed(format!("no answer within {} s", RESOLVE.as_secs())))?
            .map_err(|error| failed(error.to_string()))?
            .into_iter()
            // The URL's own port is dialled, whatever was resolved.
            .map(|ip| SocketAddr::new(ip, 0))
            .collect();
        if found.is_empty() {
            return Err(failed("it has no address".to_owned()));
        }
        Ok(found)
    }
}

/// The system's resolver.
pub(crate) fn system() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let found = table.get(name.as_str()).map(|known| {
            let addresses = known.addresses.clone();
            Box::new(addresses.into_iter()) as Addrs
        });
        let name = name.as_str().to_owned();
        Box::pin(async move { found.ok_or_else(|| format!("{name} was not checked").into()) })
    }
}

fn judge(ip: IpAddr, url: &Url, named: bool) -> Result<(), Refused> {
    let host = host_of(url);
    match (Kind::of(ip), url.scheme()) {
        (Kind::Public, "https") => Ok(()),
        (Kind::Private, "https" | "http") if named => Ok(()),
        (Kind::Public, _) => Err(Refused::Denied(format!("{host} is asked over plain http"))),
        (Kind::Private, _) => Err(Refused::Denied(format!(
            "{host} is at the private address {ip}, which the configuration doesn't name"
        ))),
        (Kind::Special, _) => Err(Refused::Denied(format!(
            "{host} is at {ip}, an address that is never dialled"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::target::Targets;
    use crate::connection::{Connection, Provider, SecretSource};
    use crate::profile::Profile;
    use crate::secret::Secret;

    fn named(base: &str) -> Named {
        let secret = SecretSource::Given(Secret::new("s"));
        let mut connection = Connection::new("c", Provider::Salesforce, "id", secret);
        connection.base_url = Some(base.to_owned());
        Targets::of(&connection, &Profile::of(&connection))
            .unwrap()
            .named
    }

    #[test]
    fn addresses_are_judged_in_canonical_form() {
        for (ip, kind) in [
            ("127.0.0.1", Kind::Private),
            ("127.255.0.9", Kind::Private),
            ("10.1.2.3", Kind::Private),
            ("172.16.0.1", Kind::Private),
            ("172.31.255.255", Kind::Private),
            ("172.32.0.1", Kind::Public),
            ("192.168.0.1", Kind::Private),
            ("::1", Kind::Private),
            ("fc00::1", Kind::Private),
            ("fdab::1", Kind::Private),
            ("::ffff:127.0.0.1", Kind::Private),
            ("::ffff:10.0.0.1", Kind::Private),
            ("0.0.0.0", Kind::Special),
            ("0.1.2.3", Kind::Special),
            ("169.254.169.254", Kind::Special),
            ("169.254.0.1", Kind::Special),
            ("100.64.0.1", Kind::Special),
            ("100.127.255.255", Kind::Special),
            ("192.0.0.192", Kind::Special),
            ("192.0.2.1", Kind::Special),
            ("198.18.0.1", Kind::Special),
            ("198.51.100.7", Kind::Special),
            ("203.0.113.9", Kind::Special),
            ("224.0.0.1", Kind::Special),
            ("240.0.0.1", Kind::Special),
            ("255.255.255.255", Kind::Special),
            ("168.63.129.16", Kind::Special),
            ("::", Kind::Special),
            ("::127.0.0.1", Kind::Special),
            ("::ffff:169.254.169.254", Kind::Special),
            ("64:ff9b::7f00:1", Kind::Special),
            ("2002:7f00:1::", Kind::Special),
            ("2001::1", Kind::Special),
            ("fe80::1", Kind::Special),
            ("fec0::1", Kind::Special),
            ("ff02::1", Kind::Special),
            ("fd00:ec2::254", Kind::Special),
            ("2001:db8::1", Kind::Special),
            ("3fff::1", Kind::Special),
            ("100::1", Kind::Special),
            ("8.8.8.8", Kind::Public),
            ("100.128.0.1", Kind::Public),
            ("2606:4700::1111", Kind::Public),
            ("::ffff:8.8.8.8", Kind::Public),
        ] {
            assert_eq!(Kind::of(ip.parse().unwrap()), kind, "{ip}");
        }
    }

    #[tokio::test]
    async fn spellings_of_loopback_are_one_address() {
        let checked = Checked::new(system());
        let elsewhere = named("http://127.0.0.1:9");
        for url in [
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://017700000001/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://localhost/",
            "https://169.254.169.254/",
            "https://[::ffff:169.254.169.254]/",
            "https://[fd00:ec2::254]/",
            "https://0/",
            "http://8.8.8.8/",
            "http://127.0.0.1:10/",
            "http://localhost:9/",
            "https://10.0.0.1/",
        ] {
            let admitted = checked.admit(&Url::parse(url).unwrap(), &elsewhere).await;
            assert!(
                matches!(admitted, Err(Refused::Denied(_))),
                "{url}: {admitted:?}"
            );
        }
    }

    #[tokio::test]
    async fn the_operator_may_name_a_local_address_exactly() {
        let checked = Checked::new(system());
        let operators = named("http://localhost:9");
        let url = |text: &str| Url::parse(text).unwrap();
        assert_eq!(
            checked
                .admit(&url("http://localhost:9/x"), &operators)
                .await,
            Ok(())
        );
        assert!(
            checked
                .admit(&url("http://localhost:10/x"), &operators)
                .await
                .is_err()
        );
        assert!(
            checked
                .admit(&url("http://127.0.0.1:9/x"), &operators)
                .await
                .is_err()
        );
        assert!(
            checked
                .admit(&url("https://8.8.8.8/"), &operators)
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn the_client_gets_no_address_that_was_not_checked() {
        let checked = Checked::new(system());
        assert!(checked.resolve("localhost".parse().unwrap()).await.is_err());
        let operators = named("http://localhost:9");
        checked
            .admit(&Url::parse("http://localhost:9/").unwrap(), &operators)
            .await
            .unwrap();
        assert!(checked.resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
