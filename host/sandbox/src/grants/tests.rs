//! Tables of the rules: patterns, powers, manifests, agreement, signatures, what may move.

use super::manifest::Manifest;
use super::*;
use crate::connection::Provider;
use crate::limits::Limits;
use std::collections::BTreeMap;

const CONNECTOR: &str = r#"
format = 1
id = "com.example.books"
version = "1.2.0"
interfaces = ["schema", "feed", "writes"]
profile = "xero"
calls-a-day = 500
[services.accounting]
read = ["/Contacts", "/Invoices/*"]
write = ["/Invoices"]
"#;

const TRANSFORM: &str = r#"
format = 1
id = "com.example.deals"
version = "1.2.0"
interfaces = ["transform"]
[reads]
Opportunity = ["Name", "Account.Name"]
[writes]
invoice = ["lines", "reference"]
"#;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn powers(of: &str, wanted: &[&str]) -> Powers {
    let asks = Manifest::read(of).unwrap().asks();
    asks.named(&names(wanted)).unwrap()
}

/// A component with these imports and exports; all of them empty.
fn component(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let mut text = "(component".to_owned();
    for import in imports {
        text.push_str(&format!("(import \"{import}\" (instance))"));
    }
    text.push_str("(instance $nothing)");
    for export in exports {
        text.push_str(&format!(
            "(export \"footbridge:plugin/{export}@0.1.0-dev.1\" (instance $nothing))"
        ));
    }
    text.push(')');
    wat::parse_str(&text).unwrap()
}

fn package(component: Vec<u8>, manifest: &str) -> Package {
    Package {
        component,
        manifest: Some(manifest.to_owned()),
        signature: None,
    }
}

fn report(package: &Package, publishers: &BTreeMap<String, Publisher>) -> Report {
    Report::of(package, &Limits::default(), publishers).unwrap()
}

#[test]
fn patterns_meet_and_cover() {
    for (a, b, both) in [
        ("/a", "/a", Some("/a")),
        ("/a", "/b", None),
        ("/a/*", "/a/b", Some("/a/b")),
        ("/a/*", "/*/b", Some("/a/b")),
        ("/a/*", "/a", None),
        ("/a/**", "/a", Some("/a")),
        ("/a/**", "/a/b/*", Some("/a/b/*")),
        ("/**", "/a/**", Some("/a/**")),
        ("/a/**", "/*/b/**", Some("/a/b/**")),
        ("/a/b/**", "/a/*", Some("/a/b")),
        ("/", "/", Some("/")),
        ("/**", "/", Some("/")),
    ] {
        assert_eq!(pattern::meet(a, b).as_deref(), both, "{a} {b}");
        assert_eq!(pattern::meet(b, a).as_deref(), both, "{b} {a}");
    }
    for (wide, narrow, covered) in [
        ("/a/**", "/a/*", true),
        ("/a/*", "/a/**", false),
        ("/a/*", "/a/b", true),
        ("/a", "/a/", true),
        ("/**", "/", true),
        ("/a/**", "/a/**", true),
        ("/a/*", "/b/*", false),
    ] {
        assert_eq!(pattern::covers(wide, narrow), covered, "{wide} {narrow}");
    }
    for valid in ["/", "/a", "/*", "/a/**", "/a b/*/c"] {
        assert!(pattern::is_valid(valid), "{valid}");
    }
    for wrong in [
        "", "a", "//", "/a/", "/../a", "/a/.", "/**/a", "/a*", "/%2e", "/a?b", "/a;b", "/a\n",
        "/a\\b",
    ] {
        assert!(!pattern::is_valid(wrong), "{wrong:?}");
    }
}

#[test]
fn a_grant_wider_than_the_profile_is_named() {
    for (wanted, beyond) in [
        (&["read accounting /Contacts/*"][..], None),
        (&["write accounting /Invoices", "calls-a-day 5000"], None),
        (
            &["read accounting /Contacts", "read accounting /Contacts/**"],
            Some("read accounting /Contacts/**"),
        ),
        (
            &["write accounting /Accounts"],
            Some("write accounting /Accounts"),
        ),
        (&["read accounting /**"], Some("read accounting /**")),
        (
            &["read identity /connections"],
            Some("read identity /connections"),
        ),
        (
            &["read accounting /Items", "calls-a-day 5001"],
            Some("calls-a-day 5001"),
        ),
        (&["read accounting /Items", "face wasi-http"], None),
    ] {
        let wanted = powers(CONNECTOR, wanted);
        assert_eq!(wanted.beyond_profile(Provider::Xero).as_deref(), beyond);
    }
}

#[test]
fn what_is_effective_is_in_the_manifest_and_in_the_grant() {
    let asks = Manifest::read(CONNECTOR).unwrap().asks();
    for (granted, effective) in [
        (
            &["read accounting /**", "write accounting /Contacts"][..],
            &[
                "read accounting /Contacts",
                "read accounting /Invoices/*",
                "calls-a-day 500",
            ][..],
        ),
        (
            &["read accounting /Invoices/7", "calls-a-day 90"],
            &["read accounting /Invoices/7", "calls-a-day 90"],
        ),
        (&["write other /Invoices"], &["calls-a-day 500"]),
        // Granted, and not asked for.
        (
            &["read accounting /Contacts", "face wasi-http"],
            &["read accounting /Contacts", "calls-a-day 500"],
        ),
        (&[], &["calls-a-day 500"]),
    ] {
        let met = asks.meet(&powers(CONNECTOR, granted)).unwrap();
        assert_eq!(met.names(), names(effective));
        assert_eq!(met.beyond(&asks), None);
    }
    let faced = CONNECTOR.replace("profile", "faces = [\"wasi-http\"]\nprofile");
    let asks = Manifest::read(&faced).unwrap().asks();
    for (granted, face) in [
        (&["read accounting /Contacts"][..], false),
        (&["read accounting /Contacts", "face wasi-http"], true),
    ] {
        let met = asks.meet(&powers(CONNECTOR, granted)).unwrap();
        assert_eq!(met.names().contains(&"face wasi-http".to_owned()), face);
    }
    let asks = Manifest::read(TRANSFORM).unwrap().asks();
    let granted = powers(
        TRANSFORM,
        &["reads Opportunity.Account", "writes *.lines[].quantity"],
    );
    assert_eq!(
        asks.meet(&granted).unwrap().names(),
        [
            "reads Opportunity.Account.Name",
            "writes invoice.lines[].quantity"
        ]
    );
    assert_eq!(asks.meet(&powers(CONNECTOR, &[])), None);
    for (of, wrong) in [
        (CONNECTOR, "read accounting"),
        (CONNECTOR, "read accounting Contacts"),
        (CONNECTOR, "delete accounting /Contacts"),
        (CONNECTOR, "read accounting /a /b"),
        (CONNECTOR, "calls-a-day many"),
        (CONNECTOR, "face wasi-sockets"),
        (TRANSFORM, "reads Opportunity"),
        (TRANSFORM, "reads Oppor tunity.Name"),
        (TRANSFORM, "writes invoice."),
    ] {
        let asks = Manifest::read(of).unwrap().asks();
        assert!(asks.named(&names(&[wrong])).is_err(), "{wrong}");
    }
}

#[test]
fn a_manifest_out_of_form_is_refused_by_its_key() {
    Manifest::read(CONNECTOR).unwrap();
    Manifest::read(TRANSFORM).unwrap();
    for (old, new, said) in [
        ("format = 1", "format = 2", "format = \"2\""),
        ("com.example.books", "Com", "id = \"Com\""),
        ("com.example.books", "x", "id = \"x\""),
        ("1.2.0", "1.2", "version = \"1.2\""),
        ("\"xero\"", "\"sage\"", "profile = \"sage\""),
        (
            "/Contacts",
            "/../secret",
            "services.accounting = \"/../secret\"",
        ),
        (
            "calls-a-day",
            "calls-per-day",
            "unknown field `calls-per-day`",
        ),
        ("interfaces", "#", "missing field `interfaces`"),
        (
            "profile",
            "faces = [\"wasi-sockets\"]\nprofile",
            "unknown variant `wasi-sockets`",
        ),
    ] {
        let error = Manifest::read(&CONNECTOR.replacen(old, new, 1)).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    let error = Manifest::read(&TRANSFORM.replace("Account.Name", "Account..Name")).unwrap_err();
    assert!(error.to_string().contains("reads.Opportunity"), "{error}");
    let many: Vec<String> = (0..600).map(|n| format!("\"/a/{n}\"")).collect();
    let many = CONNECTOR.replace("\"/Contacts\"", &many.join(","));
    assert!(Manifest::read(&many).is_err());
    let large = format!("{CONNECTOR}#{}", "x".repeat(70_000));
    assert_eq!(Manifest::read(&large), Err(ManifestError::TooLarge));
}

#[test]
fn manifest_and_component_must_agree() {
    const HTTP: &str = "footbridge:plugin/http@0.1.0-dev.1";
    const KEYVALUE: &str = "footbridge:plugin/keyvalue@0.1.0-dev.1";
    const SECOND: &str = "wasi:http/outgoing-handler@0.2.3";
    const SECOND_TYPES: &str = "wasi:http/types@0.2.3";
    let none: [&str; 0] = [];
    let exports = ["schema", "feed", "writes"];
    for (imports, exports, manifest, said) in [
        (&[HTTP][..], &exports[..], CONNECTOR.to_owned(), ""),
        (
            &[HTTP],
            &["schema", "feed", "writes", "setup"],
            CONNECTOR.to_owned(),
            "exports setup, which the manifest's interfaces don't list",
        ),
        (
            &[HTTP],
            &["schema", "feed"],
            CONNECTOR.to_owned(),
            "lists the interface writes, which the component doesn't export",
        ),
        (
            &[],
            &exports,
            CONNECTOR.to_owned(),
            "asks for paths to read, and the component doesn't import http",
        ),
        (
            &[HTTP, KEYVALUE],
            &exports,
            CONNECTOR.to_owned(),
            "imports keyvalue, and the manifest asks for no storage",
        ),
        (
            &[HTTP],
            &exports,
            CONNECTOR.replace("profile", "storage = 5\nprofile"),
            "asks for storage, and the component doesn't import keyvalue",
        ),
        (
            &[HTTP, KEYVALUE],
            &exports,
            CONNECTOR.replace("profile", "storage = 99999999\nprofile"),
            "more storage than the limit of 1048576 bytes",
        ),
        (
            &[HTTP],
            &exports,
            CONNECTOR.replace("profile = \"xero\"", ""),
            "names no profile",
        ),
        (
            &[HTTP],
            &exports,
            CONNECTOR.replace("/Invoices/*", "/BankTransactions"),
            "\"read accounting /BankTransactions\", which the profile xero doesn't offer",
        ),
        (
            &[SECOND, SECOND_TYPES],
            &exports,
            CONNECTOR.replace("profile", "faces = [\"wasi-http\"]\nprofile"),
            "",
        ),
        (
            &[HTTP, SECOND],
            &exports,
            CONNECTOR.to_owned(),
            "imports wasi:http, and the manifest asks for no faces = [\"wasi-http\"]",
        ),
        (
            &[HTTP],
            &exports,
            CONNECTOR.replace("profile", "faces = [\"wasi-http\"]\nprofile"),
            "asks for the face wasi-http, and the component doesn't import wasi:http/outgoing-handler",
        ),
        (
            &none,
            &["transform"],
            TRANSFORM.replace("[reads]", "faces = [\"wasi-http\"]\n[reads]"),
            "is a transform, and the manifest's faces is only for a connector",
        ),
        (
            &[HTTP],
            &exports,
            format!("{CONNECTOR}[reads]\nDeal = [\"*\"]\n"),
            "is a connector, and the manifest's reads is only for a transform",
        ),
        (&none, &["transform"], TRANSFORM.to_owned(), ""),
        (
            &none,
            &["transform"],
            TRANSFORM.replace("[reads]", "profile = \"xero\"\n[reads]"),
            "is a transform, and the manifest's profile is only for a connector",
        ),
        (
            &["wasi:sockets/tcp@0.2.3"],
            &["transform"],
            TRANSFORM.to_owned(),
            "No plugin gets a socket",
        ),
    ] {
        let report = report(
            &package(component(imports, exports), &manifest),
            &BTreeMap::new(),
        );
        match said {
            "" => assert_eq!(report.problems, names(&[])),
            said => {
                let all = report.problems.join("\n");
                assert!(all.contains(said), "{said}\n{all}");
                assert_eq!(report.installable(), None);
            }
        }
    }
}

#[test]
fn the_second_face_is_shown_as_lent_on_a_grant_only() {
    let component = component(
        &["wasi:http/types@0.2.3", "wasi:io/poll@0.2.3"],
        &["schema", "feed", "writes"],
    );
    let found = report(&package(component, CONNECTOR), &BTreeMap::new());
    let lent: Vec<&Lent> = found.imports.iter().map(|import| &import.lent).collect();
    let power = "face wasi-http".to_owned();
    assert_eq!(lent, [&Lent::WithPower { power }, &Lent::Baseline]);
}

#[test]
fn a_signature_is_of_one_component_with_one_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::open_or_create(&folder.path().join("key")).unwrap();
    let again = SigningKey::open_or_create(&folder.path().join("key")).unwrap();
    let mut package = package(component(&[], &["transform"]), TRANSFORM);
    let manifest_digest = package.manifest_digest().unwrap();
    let signature = key.sign(&package.digest(), &manifest_digest);
    assert_eq!(signature, again.sign(&package.digest(), &manifest_digest));
    assert_eq!(Signature::read(&signature.text()).unwrap(), signature);
    package.signature = Some(signature.text());
    let publisher = |key: &PublicKey| {
        let publisher = Publisher {
            key: key.clone(),
            updates: follow::Updates::Ask,
        };
        BTreeMap::from([("com.example.deals".to_owned(), publisher)])
    };
    let other = SigningKey::open_or_create(&folder.path().join("other")).unwrap();
    let others = other.sign(&package.digest(), &manifest_digest).key;
    for (publishers, pinned) in [
        (BTreeMap::new(), report::Pinned::No),
        (publisher(&signature.key), report::Pinned::Yes),
        (publisher(&others), report::Pinned::AnotherKey),
    ] {
        let found = report(&package, &publishers);
        assert_eq!(
            found.signature,
            Signed::Valid {
                key: signature.key.clone(),
                pinned
            }
        );
    }
    for changed in [
        Package {
            component: component(&["wasi:random/random@0.2.0"], &["transform"]),
            ..package.clone()
        },
        Package {
            manifest: Some(TRANSFORM.replace("Name\"]", "Name\", \"Secret__c\"]")),
            ..package.clone()
        },
        Package {
            signature: Some(
                signature
                    .text()
                    .replace(signature.key.as_str(), others.as_str()),
            ),
            ..package.clone()
        },
        Package {
            signature: Some("format = 1".to_owned()),
            ..package.clone()
        },
    ] {
        let found = report(&changed, &publisher(&signature.key));
        assert!(
            matches!(found.signature, Signed::Invalid { .. }),
            "{found:?}"
        );
        assert_eq!(found.installable(), None);
        assert!(changed.approval() != package.approval() || changed.signature != package.signature);
    }
}

#[test]
fn a_grant_moves_only_by_the_whole_rule() {
    use follow::Updates::{Ask, Follow};
    let folder = tempfile::tempdir().unwrap();
    let key = |name: &str| {
        let key = SigningKey::open_or_create(&folder.path().join(name)).unwrap();
        key.sign(&footbridge_model::id::PluginDigest::new("00"), "00")
            .key
    };
    let (pinned, other) = (key("pinned"), key("other"));
    let old = TRANSFORM;
    let up = |text: &str| text.replace("1.2.0", "1.3.0");
    let switched = |updates| {
        Some(Publisher {
            key: pinned.clone(),
            updates,
        })
    };
    let (ours, theirs) = (Some(&pinned), Some(&other));
    for (what, new, by, publisher, stays) in [
        ("all of it", up(old), (ours, ours), switched(Follow), ""),
        (
            "fewer fields",
            up(old).replace("\"Name\", ", ""),
            (ours, ours),
            switched(Follow),
            "",
        ),
        (
            "another id",
            up(old).replace("deals", "dials"),
            (ours, ours),
            switched(Follow),
            "another plugin",
        ),
        (
            "not pinned",
            up(old),
            (ours, ours),
            None,
            "no key is pinned",
        ),
        (
            "switched off",
            up(old),
            (ours, ours),
            switched(Ask),
            "doesn't say updates",
        ),
        (
            "old unsigned",
            up(old),
            (None, ours),
            switched(Follow),
            "that has the grant is not signed",
        ),
        (
            "new unsigned",
            up(old),
            (ours, None),
            switched(Follow),
            "the new version is not signed",
        ),
        (
            "old by another",
            up(old),
            (theirs, ours),
            switched(Follow),
            "that has the grant",
        ),
        (
            "new by another",
            up(old),
            (ours, theirs),
            switched(Follow),
            "the new version",
        ),
        (
            "both by another",
            up(old),
            (theirs, theirs),
            switched(Follow),
            "that has the grant",
        ),
        (
            "same version",
            old.to_owned(),
            (ours, ours),
            switched(Follow),
            "not higher",
        ),
        (
            "lower",
            old.replace("1.2.0", "1.1.9"),
            (ours, ours),
            switched(Follow),
            "not higher",
        ),
        (
            "a preview",
            old.replace("1.2.0", "1.2.0-rc.1"),
            (ours, ours),
            switched(Follow),
            "not higher",
        ),
        (
            "only a build",
            old.replace("1.2.0", "1.2.0+2"),
            (ours, ours),
            switched(Follow),
            "not higher",
        ),
        (
            "reads more",
            up(old).replace("\"Name\"", "\"Name\", \"Secret__c\""),
            (ours, ours),
            switched(Follow),
            "reads Opportunity.Secret__c",
        ),
        (
            "writes more",
            up(old).replace("\"reference\"", "\"*\""),
            (ours, ours),
            switched(Follow),
            "writes invoice.*",
        ),
    ] {
        let (old, new) = (Manifest::read(old).unwrap(), Manifest::read(&new).unwrap());
        let release = |manifest, signed_by| Release {
            manifest,
            signed_by,
        };
        let ruled = may_follow(release(&old, by.0), release(&new, by.1), publisher.as_ref());
        match (stays, ruled) {
            ("", Ok(())) => {}
            (stays, Err(why)) if !stays.is_empty() => {
                assert!(why.to_string().contains(stays), "{what}: {why}");
            }
            (_, ruled) => panic!("{what}: {ruled:?}"),
        }
    }
    for (change, said) in [
        (("500", "501"), "calls-a-day 501"),
        (("calls-a-day = 500", ""), "calls-a-day without limit"),
        (
            ("\"/Contacts\"", "\"/Contacts\", \"/Items\""),
            "read accounting /Items",
        ),
        (("profile", "storage = 1\nprofile"), "storage of 1 bytes"),
        (
            ("profile", "faces = [\"wasi-http\"]\nprofile"),
            "face wasi-http",
        ),
        (("\"xero\"", "\"salesforce\""), "the profile salesforce"),
        (("\"feed\"", "\"feed\", \"setup\""), "the interface setup"),
    ] {
        let new = Manifest::read(&up(CONNECTOR).replacen(change.0, change.1, 1)).unwrap();
        let old = Manifest::read(CONNECTOR).unwrap();
        let release = |manifest| Release {
            manifest,
            signed_by: Some(&pinned),
        };
        let ruled = may_follow(release(&old), release(&new), switched(Follow).as_ref());
        assert_eq!(ruled, Err(Stays::Larger(said.to_owned())));
    }
}

#[test]
fn the_published_schema_is_that_of_the_type() {
    let schema = schemars::schema_for!(Manifest);
    let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/plugin.schema.json");
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == text,
        "schemas/plugin.schema.json is not what the type says. It should be:\n{text}"
    );
}

#[test]
fn a_watched_folder_lists_and_follows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("good.wasm"), component(&[], &["transform"])).unwrap();
    std::fs::write(path("good.toml"), TRANSFORM).unwrap();
    std::fs::write(path("no manifest.wasm"), component(&[], &["transform"])).unwrap();
    std::fs::write(path("letter.wasm"), "Dear Sir or Madam").unwrap();
    std::fs::write(path("notes.txt"), "not looked at").unwrap();
    std::fs::create_dir(path("folder.wasm")).unwrap();
    std::fs::File::create(path("huge.wasm"))
        .unwrap()
        .set_len(65 << 20)
        .unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(path("good.wasm"), path("link.wasm")).unwrap();
    let found = staged(folder.path(), &Limits::default(), &BTreeMap::new()).unwrap();
    let said = |name: &str| {
        let staged = found.iter().find(|s| s.file == path(name)).unwrap();
        match (&staged.report, &staged.refused) {
            (Some(report), None) => report.problems.join(" "),
            (None, Some(refused)) => refused.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(said("good.wasm"), "");
    assert!(said("no manifest.wasm").contains("no manifest"));
    assert!(said("letter.wasm").contains("not WebAssembly"));
    assert!(said("folder.wasm").contains("no file at all"));
    assert!(said("huge.wasm").contains("larger than the limit"));
    #[cfg(unix)]
    assert!(said("link.wasm").contains("is a link"));
    assert!(!found.iter().any(|staged| staged.file == path("notes.txt")));
    let none = staged(&path("nowhere"), &Limits::default(), &BTreeMap::new());
    assert_eq!(none.unwrap().len(), 0);
}

#[test]
fn grants_are_durable_and_bound_to_place_and_digest() {
    use footbridge_model::id::{ConnectionId, PluginDigest};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.json");
    let to = |name: &str| GrantedTo::Connection(ConnectionId::new(name));
    let grant = |name: &str, digest: &str, wanted: &[&str]| Grant {
        to: to(name),
        digest: PluginDigest::new(digest),
        powers: powers(CONNECTOR, wanted),
        given: Given::ByOperator,
        at: chrono::DateTime::UNIX_EPOCH,
    };
    let book = Book::open(path.clone()).unwrap();
    book.give(grant("xero", "01", &["read accounting /Items"]))
        .unwrap();
    book.give(grant("xero", "02", &[])).unwrap();
    let last = grant("xero", "01", &["read accounting /Contacts"]);
    book.give(last.clone()).unwrap();
    let book = Book::open(path.clone()).unwrap();
    assert_eq!(book.all().len(), 2);
    assert_eq!(book.of(&to("xero"), &PluginDigest::new("01")), Some(last));
    assert_eq!(book.of(&to("xero"), &PluginDigest::new("03")), None);
    assert_eq!(book.of(&to("other"), &PluginDigest::new("01")), None);
    assert_eq!(
        book.revoke(|grant| grant.digest.as_str() == "01").unwrap(),
        1
    );
    assert_eq!(Book::open(path.clone()).unwrap().all().len(), 1);
    std::fs::write(&path, "{").unwrap();
    assert!(
        Book::open(path).is_err(),
        "a damaged book grants nothing and is named"
    );
}
