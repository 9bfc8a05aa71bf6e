//! Where nothing may be sent, in every spelling: the matrix of literal addresses, names and what they resolve to, and
//! answers that point elsewhere.

use super::super::address::{Checked, Kind, Lookup, Refused};
use super::super::target::Targets;
use super::super::wire::{OnlyPlain, Outgoing, Wire, WireError};
use super::far::{answer, far, listen, token};
use crate::connection::{Connection, Provider, SecretSource};
use crate::profile::Profile;
use crate::secret::Secret;
use reqwest::Method;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use url::Url;

/// Never to be dialled, whatever the operator wrote.
const NEVER: &[&str] = &[
    "0.0.0.0",
    "0.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::127.0.0.1",
    "::10.0.0.1",
    "::ffff:0.0.0.0",
    "::ffff:169.254.169.254",
    "::ffff:100.64.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "fe80::1",
    "feb0::1",
    "fec0::1",
    "fd00:ec2::254",
    "ff02::1",
    "ff0e::1",
    "5f00::1",
];
/// Only where the operator named host and port.
const PRIVATE: &[&str] = &[
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.255",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.255.255",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:192.168.0.1",
    "fc00::1",
    "fd12:3456::1",
];
const PUBLIC: &[&str] = &[
    "8.8.8.8",
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "169.253.255.255",
    "198.17.255.255",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
];

fn connection(base: &str) -> Connection {
    let secret = SecretSource::Given(Secret::new("a-client-secret"));
    let mut connection = Connection::new("c", Provider::Salesforce, "id", secret);
    connection.base_url = Some(base.to_owned());
    connection
}

fn targets(base: &str) -> Targets {
    let connection = connection(base);
    Targets::of(&connection, &Profile::of(&connection)).unwrap()
}

/// Names resolve to these, one list after the other, the last one for ever; and how often one was asked for.
fn names(answers: &[&[&str]]) -> (Lookup, Arc<Mutex<usize>>) {
    let answers: Vec<Vec<IpAddr>> = answers
        .iter()
        .map(|list| list.iter().map(|ip| ip.parse().unwrap()).collect())
        .collect();
    let asked = Arc::new(Mutex::new(0));
    let counts = asked.clone();
    let lookup: Lookup = Arc::new(move |_| {
        let mut count = counts.lock().unwrap();
        let answer = answers[(*count).min(answers.len() - 1)].clone();
        *count += 1;
        Box::pin(async move { Ok(answer) })
    });
    (lookup, asked)
}

async fn admitted(url: &str, base: &str, resolves_to: &[&str]) -> Result<(), Refused> {
    let checked = Checked::new(names(&[resolves_to]).0);
    let url = Url::parse(url).unwrap();
    checked.admit(&url, &targets(base).named).await
}

fn literal(ip: &str) -> String {
    match ip.parse().unwrap() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[tokio::test]
async fn every_range_as_a_literal_and_behind_a_name() {
    const ELSEWHERE: &str = "https://acme.my.salesforce.com";
    for (list, kind) in [
        (NEVER, Kind::Special),
        (PRIVATE, Kind::Private),
        (PUBLIC, Kind::Public),
    ] {
        for ip in list {
            let parsed: IpAddr = ip.parse().unwrap();
            assert_eq!(Kind::of(parsed), kind, "{ip}");
            let (host, public) = (literal(ip), kind == Kind::Public);
            let by_literal = admitted(&format!("https://{host}/"), ELSEWHERE, &[]).await;
            assert_eq!(by_literal.is_ok(), public, "{ip}: {by_literal:?}");
            let by_name = admitted("https://far.example/", ELSEWHERE, &[ip]).await;
            assert_eq!(by_name.is_ok(), public, "{ip}: {by_name:?}");
            // One bad address among good ones is enough, wherever it stands.
            for mixed in [["8.8.8.8", ip], [ip, "8.8.8.8"]] {
                let admitted = admitted("https://far.example/", ELSEWHERE, &mixed).await;
                assert_eq!(admitted.is_ok(), public, "{mixed:?}: {admitted:?}");
            }
            // Named by the operator: private passes, special never, and plain http never to the public.
            for scheme in ["http", "https"] {
                let named = admitted(
                    &format!("{scheme}://far.example:8443/"),
                    "https://far.example:8443",
                    &[ip],
                )
                .await;
                let may = match kind {
                    Kind::Special => false,
                    Kind::Private => true,
                    Kind::Public => scheme == "https",
                };
                assert_eq!(named.is_ok(), may, "{scheme} {ip}: {named:?}");
            }
            // The peer that answered is judged once more.
            let url = Url::parse("https://far.example/").unwrap();
            let peer = SocketAddr::new(parsed, 443);
            let named = &targets(ELSEWHERE).named;
            assert_eq!(Checked::admits_peer(peer, &url, named), public, "{ip}");
        }
    }
}

#[tokio::test]
async fn spellings_of_an_address_are_that_address() {
    for spelled in [
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7F.0.0.0x1",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "①②⑦.⓪.⓪.①",
        "１２７．０．０．１",
        "0",
        "0x0",
        "2852039166",
        "0xa9fea9fe",
        "169.254.43518",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[::1]",
        "[0000::0001]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "user@127.0.0.1",
        "good.example:x@127.0.0.1",
    ] {
        let url = format!("https://{spelled}/");
        let admitted = admitted(&url, "https://acme.my.salesforce.com", &["8.8.8.8"]).await;
        assert!(
            matches!(admitted, Err(Refused::Denied(_))),
            "{spelled}: {admitted:?}"
        );
    }
    for nonsense in [
        "https://[fe80::1%25eth0]/",
        "https://256.1.1.1/",
        "https://1.2.3.4.5.6/",
        "https:///x",
    ] {
        let url = Url::parse(nonsense);
        let refused = match &url {
            Err(_) => true,
            Ok(url) => {
                let checked = Checked::new(names(&[&["127.0.0.1"]]).0);
                checked
                    .admit(url, &targets("https://a.my.salesforce.com").named)
                    .await
                    .is_err()
            }
        };
        assert!(refused, "{nonsense}");
    }
}

#[test]
fn names_that_only_look_like_the_providers_get_no_credential() {
    let connection = connection("https://acme.my.salesforce.com");
    let profile = Profile::of(&connection);
    let targets = Targets::of(&connection, &profile).unwrap();
    let instance = targets
        .instance(&profile, "https://acme--x.sandbox.my.salesforce.com")
        .unwrap();
    let may = |url: &str, instance| {
        let url = Url::parse(url).unwrap();
        targets.may_carry_credential(&url, instance)
    };
    assert!(may("https://acme.my.salesforce.com/x", None));
    assert!(
        may("https://ACME.my.SALESFORCE.com/x", None),
        "case is none of a host"
    );
    assert!(may(
        "https://acme--x.sandbox.my.salesforce.com/x",
        Some(&instance)
    ));
    for elsewhere in [
        "https://acme--x.sandbox.my.salesforce.com/x",
        "http://acme.my.salesforce.com/x",
        "https://acme.my.salesforce.com:8443/x",
        "https://acme.my.salesforce.com./x",
        "https://acme.my.salesforce.com.evil.example/x",
        "https://evil-acme.my.salesforce.com/x",
        "https://acme.my.salesforce.com@evil.example/x",
        "https://127.0.0.1/x",
        "https://аcme.my.salesforce.com/x",
    ] {
        assert!(!may(elsewhere, None), "{elsewhere}");
    }
    for bad in [
        "https://salesforce.com.evil.example",
        "https://evilsalesforce.com",
        "https://my.salesforce.com.",
        "https://.salesforce.com",
        "https://x..salesforce.com",
        "https://user@x.my.salesforce.com",
        "https://x.my.salesforce.com:0",
        "https://x.my.salesforce.com:8443",
        "https://x.my.salesforce.com/path",
        "https://x.my.salesforce.com?q",
        "https://x.my.salesforce.com#f",
        "http://x.my.salesforce.com",
        "https://x.my.sаlesforce.com",
        "https://x.my.salesforce。com.evil.example",
        "https://169.254.169.254",
        "//x.my.salesforce.com",
        "javascript:x",
        "",
    ] {
        assert!(targets.instance(&profile, bad).is_err(), "{bad}");
    }
}

/// A listener that answers every request with 200 and counts them.
async fn counting() -> (u16, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(Mutex::new(0));
    let counts = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            listen(&mut stream).await;
            *counts.lock().unwrap() += 1;
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        }
    });
    (port, count)
}

async fn sent(wire: &Wire, url: &str) -> Result<u16, WireError> {
    let outgoing = Outgoing {
        method: Method::GET,
        url: Url::parse(url).unwrap(),
        headers: Vec::new(),
        authorization: Some(Secret::new("Bearer a-token")),
        body: None,
    };
    wire.send(outgoing).await.map(|answer| answer.status)
}

fn wire(base: &str, lookup: Lookup) -> Wire {
    // Fails only if one is there already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let named = targets(base).named;
    Wire::new(named, Duration::from_secs(5), OnlyPlain::Yes, lookup).unwrap()
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let (port, count) = counting().await;
    let base = format!("http://simulator:{port}");
    // Good when checked, the metadata service when dialled: what was checked is dialled.
    let (lookup, asked) = names(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let wire = self::wire(&base, lookup);
    for expected in 1..=3 {
        assert_eq!(sent(&wire, &base).await, Ok(200));
        assert_eq!(*count.lock().unwrap(), expected);
    }
    assert_eq!(*asked.lock().unwrap(), 1, "asked for once");
    for answers in [
        &["169.254.169.254"][..],
        &["127.0.0.1", "169.254.169.254"],
        &["127.0.0.1", "8.8.8.8"],
        &["::ffff:169.254.169.254", "127.0.0.1"],
    ] {
        let wire = self::wire(&base, names(&[answers]).0);
        let refused = sent(&wire, &base).await;
        assert!(
            matches!(refused, Err(WireError::Denied(_))),
            "{answers:?}: {refused:?}"
        );
    }
    let wire = self::wire(&base, names(&[&[]]).0);
    assert!(matches!(
        sent(&wire, &base).await,
        Err(WireError::NoConnection(_))
    ));
    assert_eq!(*count.lock().unwrap(), 3, "nothing more arrived");
}

#[tokio::test]
async fn a_name_is_judged_again_once_its_answer_is_old() {
    use reqwest::dns::Resolve;
    let (lookup, asked) = names(&[&["127.0.0.1"], &["169.254.169.254"], &["10.0.0.1"]]);
    let checked = Checked::for_as_long_as(Duration::ZERO, lookup);
    let base = "http://simulator:8080";
    let (url, named) = (Url::parse(base).unwrap(), targets(base).named);
    assert_eq!(checked.admit(&url, &named).await, Ok(()));
    let refused = checked.admit(&url, &named).await;
    assert!(matches!(refused, Err(Refused::Denied(_))), "{refused:?}");
    let dialled = checked.resolve("simulator".parse().unwrap()).await.unwrap();
    let dialled: Vec<String> = dialled.map(|address| address.ip().to_string()).collect();
    assert_eq!(dialled, ["127.0.0.1"], "what was refused is not handed out");
    assert_eq!(checked.admit(&url, &named).await, Ok(()));
    assert_eq!(*asked.lock().unwrap(), 3);
}

/// Where clouds hand out credentials, by name: also where somebody wrote that into the configuration.
#[tokio::test]
async fn metadata_services_are_never_asked() {
    for (host, at) in [
        ("metadata.google.internal", "169.254.169.254"),
        ("METADATA.google.internal", "169.254.169.254"),
        ("metadata", "169.254.169.254"),
        ("instance-data.ec2.internal", "169.254.169.254"),
        ("instance-data.ec2.internal", "fd00:ec2::254"),
        ("ecs.internal", "169.254.170.2"),
        ("metadata.azure.internal", "168.63.129.16"),
        ("metadata.oraclecloud.example", "192.0.0.192"),
        ("metadata.tencentyun.com", "169.254.0.23"),
        ("metadata.aliyun.example", "100.100.100.200"),
        ("169.254.169.254.nip.example", "169.254.169.254"),
        ("looks-fine.example", "::ffff:169.254.169.254"),
    ] {
        for scheme in ["http", "https"] {
            let base = format!("{scheme}://{host}");
            let admitted = admitted(&format!("{base}/latest"), &base, &[at]).await;
            assert!(
                matches!(admitted, Err(Refused::Denied(_))),
                "{base} at {at}: {admitted:?}"
            );
        }
    }
}

#[tokio::test]
async fn redirects_are_answers_and_lead_nowhere() {
    let (port, count) = counting().await;
    let to = [
        format!("http://127.0.0.1:{port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("//127.0.0.1:{port}/"),
    ];
    let far = far("a-client-secret", None, move |path, _| {
        let mut parts = path.trim_start_matches("/Invoices/").split('-');
        match (
            parts.next().map(str::parse),
            parts.next().map(str::parse::<usize>),
        ) {
            (Some(Ok(status)), Some(Ok(n))) => answer(status, &[("location", &to[n])], b""),
            _ => token("access-token"),
        }
    })
    .await;
    for status in [301, 302, 303, 307, 308, 300, 305] {
        for n in 0..3 {
            let reply = far.get(&format!("/Invoices/{status}-{n}")).await.unwrap();
            assert_eq!(reply.status, status);
        }
    }
    assert_eq!(*count.lock().unwrap(), 0);
    assert_eq!(far.heard.lock().unwrap().len(), 1 + 7 * 3);
}

#[test]
fn proxies_of_the_environment_are_ignored() {
    const CHILD: &str = "FOOTBRIDGE_TEST_BEHIND_PROXY";
    const NAME: &str = "broker::tests::addresses::proxies_of_the_environment_are_ignored";
    if std::env::var_os(CHILD).is_some() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (port, count) = counting().await;
            let base = format!("http://simulator:{port}");
            let wire = wire(&base, names(&[&["127.0.0.1"]]).0);
            assert_eq!(sent(&wire, &base).await, Ok(200));
            assert_eq!(*count.lock().unwrap(), 1);
            println!("went by itself");
        });
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([NAME, "--exact", "--nocapture"]).env(CHILD, "1");
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ] {
        child.env(name, "http://127.0.0.1:1");
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("went by itself"),
        "{said} {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
