//! Connecting accounts, and each thing that can go wrong with it: refused by name, nothing stored, nothing lost.

use crate::consent::{Consented, get, http};
use base64::Engine as _;
use footbridge_simulators::faults::{Fault, FaultRule};
use footbridge_simulators::salesforce::options::{Api, AppState};
use footbridge_simulators::xero::{PKCE_CLIENT_ID, RevokedAccess};
use std::time::Duration;

const BILLED: usize = 9;

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_are_connected_synced_and_disconnected_and_no_secret_is_left() {
    let consented = Consented::open(12, |_, _| {}).await;
    let books = &consented.books;
    let mut said = String::new();
    // Several organisations, none named, no terminal to ask on.
    let which = consented.let_in("xero", &[0, 1], &[]);
    assert_eq!(which.code, 2, "{}", which.err);
    assert!(
        which
            .err
            .contains("xero reaches several organisations. Add --organisation with one of:"),
        "{}",
        which.err
    );
    assert_eq!(consented.stored().len(), 0);
    let xero = consented.let_in(
        "xero",
        &[0, 1],
        &["--organisation", "harbour & hill services ltd"],
    );
    assert_eq!(xero.code, 0, "{}\n{}", xero.out, xero.err);
    for words in [
        "Mobile or desktop app",
        "openid profile email offline_access accounting.invoices accounting.payments.read accounting.contacts accounting.settings.read",
        "well   organisation: Harbour & Hill Services Ltd, a live company",
        "well   the person's rights: may write invoices",
        "Bea Booker (bea.booker@harbour-hill.example)",
        "xero is connected to Harbour & Hill Services Ltd and stays with it.",
    ] {
        assert!(
            flat(&xero.out).contains(&flat(words)),
            "{words}: {}",
            xero.out
        );
    }
    let salesforce = consented.let_in("salesforce", &[], &[]);
    assert_eq!(salesforce.code, 0, "{}\n{}", salesforce.out, salesforce.err);
    for words in [
        "well   API: on",
        "storage left: 5 of 5 MB",
        "rights on Opportunity: may read, and write 3 fields",
        "Integration User (integration@footbridge-demo.example)",
    ] {
        assert!(
            flat(&salesforce.out).contains(&flat(words)),
            "{words}: {}",
            salesforce.out
        );
    }
    assert_eq!(consented.stored().len(), 2);
    books.all_is_well(BILLED).await;
    // Both sides end the access token: it is renewed once, and the same goes on.
    let before = books.salesforce.handed_out().len() + books.xero.handed_out().len();
    let ends = || FaultRule::on(Fault::ExpiredToken, "GET", "");
    books.xero.faults().inject(ends());
    books.salesforce.faults().inject(ends());
    books.all_is_well(BILLED).await;
    let after = books.salesforce.handed_out().len() + books.xero.handed_out().len();
    assert!(after > before, "{before} {after}");
    let status = books.run(&["status", "--json"]).await.json();
    let of = |name: &str| {
        let all = status["connections"].as_array().unwrap();
        all.iter()
            .find(|one| one["connection"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (&of("xero")["auth"], &of("xero")["state"]),
        (&"code".into(), &"connected".into())
    );
    assert!(
        of("xero")["renewable-until"].is_string() && of("xero")["consent"]["who"].is_string(),
        "{status}"
    );
    for arguments in [
        &["doctor"][..],
        &["status"],
        &["audit", "--last", "500", "--json"],
    ] {
        let ended = books.run_loudly(arguments).await;
        assert_eq!(ended.code, 0, "{arguments:?} {} {}", ended.out, ended.err);
        said.push_str(&(ended.out + &ended.err));
    }
    assert!(said.contains("by consent of Bea Booker"), "{said}");
    let handed_out: Vec<String> = [books.xero.handed_out(), books.salesforce.handed_out()].concat();
    assert!(handed_out.len() >= 8);
    let mut ends = String::new();
    for connection in ["xero", "salesforce"] {
        let ended = books.run_loudly(&["disconnect", connection]).await;
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert!(
            ended.out.contains("done     gave the tokens back"),
            "{}",
            ended.out
        );
        ends.push_str(&(ended.out + &ended.err));
    }
    assert!(
        ends.contains("ended the connection to Harbour & Hill Services Ltd"),
        "{ends}"
    );
    assert_eq!(consented.stored().len(), 0);
    let over = books.run(&["sync"]).await;
    assert_eq!(over.code, 4);
    assert!(
        over.err
            .contains("salesforce is not connected. Run `footbridge connect salesforce`"),
        "{}",
        over.err
    );
    for text in [
        &said,
        &ends,
        &xero.out,
        &xero.err,
        &salesforce.out,
        &salesforce.err,
        &which.err,
    ] {
        for secret in &handed_out {
            assert!(
                !text.contains(secret.as_str()),
                "{secret} was printed: {text}"
            );
        }
    }
    no_file_holds(&consented, &handed_out);
    // The same organisation again: it goes on from there.
    assert_eq!(consented.let_in("salesforce", &[], &[]).code, 0);
    assert_eq!(consented.let_in("xero", &[0], &[]).code, 0);
    books.all_is_well(BILLED).await;
}

/// As one line, however wide the terminal is.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn no_file_holds(consented: &Consented, secrets: &[String]) {
    let mut folders = vec![consented.books.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !path.ends_with("native") && !path.ends_with("plugins") {
                    folders.push(path);
                }
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            for secret in secrets {
                assert!(
                    !text.contains(secret.as_str()),
                    "{secret} is in {}",
                    path.display()
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_ours_or_not_a_yes_stores_nothing() {
    let consented = Consented::open(1, |_, _| {}).await;
    let books = &consented.books;
    let refused = |connecting: crate::consent::Connecting, back: &str, words: &str, page: &str| {
        let shown = get(back);
        assert!(
            shown.starts_with("HTTP/1.1 400") && shown.contains(page),
            "{shown}"
        );
        assert!(
            shown.contains("content-security-policy: default-src 'none'"),
            "{shown}"
        );
        let ended = connecting.ended();
        assert_eq!(ended.code, 4, "{}", ended.err);
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
        assert_eq!(consented.stored().len(), 0, "{words}");
    };
    for connection in ["xero", "salesforce"] {
        let denied = consented.connect(&[connection]);
        let back = denied.answer("deny", &[0]);
        refused(denied, &back, "access was denied", "Access was not given");
    }
    let forged = consented.connect(&["xero"]);
    let mine = consented_state(&forged.answer("allow", &[0]));
    refused(
        forged,
        &mine,
        "its state is not the one that was sent",
        "belongs to another attempt",
    );
    let bare = consented.connect(&["xero"]);
    let back = bare.answer("allow", &[0]);
    let without = format!("{}?code=guess", back.split('?').next().unwrap());
    refused(
        bare,
        &without,
        "carries no state",
        "belongs to another attempt",
    );
    let hostile = consented.connect(&["salesforce"]);
    let back = hostile.answer("deny", &[]);
    let back = format!(
        "{}?state={}&error=x&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E%1B%5B2J",
        back.split('?').next().unwrap(),
        hostile.state()
    );
    refused(
        hostile,
        &back,
        "did not let the app in: x: <script>alert(1)</script>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    );
    // Other names, paths and methods are none of its business, and don't end the wait.
    let waiting = consented.connect(&["xero"]);
    let back = waiting.answer("deny", &[0]);
    let base = back.split('?').next().unwrap().to_owned();
    assert!(get(&base.replace("localhost", "127.0.0.1")).starts_with("HTTP/1.1 421"));
    assert!(get(&base.replace("callback", "favicon.ico")).starts_with("HTTP/1.1 404"));
    assert!(http("POST", &back, "a=b").starts_with("HTTP/1.1 405"));
    refused(waiting, &back, "access was denied", "Access was not given");
    assert!(
        books
            .run(&["doctor", "--offline"])
            .await
            .out
            .contains("xero is not connected")
    );
}

/// The address with a state of somebody else's.
fn consented_state(back: &str) -> String {
    let (before, _) = back.split_once("state=").unwrap();
    format!("{before}state=of-somebody-else")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_elsewhere_pastes_and_a_code_is_good_once() {
    let consented = Consented::open(1, |_, _| {}).await;
    let mut whole = consented.connect(&["xero", "--paste"]);
    let back = whole.answer("allow", &[0]);
    whole.paste(&back);
    let ended = whole.ended();
    assert_eq!(ended.code, 0, "{}", ended.err);
    let query = back.split_once('?').unwrap().1;
    let code = query
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    // The address once more: it belongs to the first attempt. The code alone: it was used.
    for (text, words) in [
        (back.as_str(), "its state is not the one that was sent"),
        (
            code.as_str(),
            "the provider did not take the code (invalid_grant)",
        ),
        ("", "nothing was pasted"),
        ("http://localhost/callback", "carries no state"),
    ] {
        let mut again = consented.connect(&["xero", "--paste"]);
        again.paste(text);
        let ended = again.ended();
        assert!(ended.code == 4 || text.is_empty(), "{text}: {}", ended.err);
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
        assert!(
            text.is_empty() || !ended.err.contains(&code),
            "{}",
            ended.err
        );
        assert_eq!(consented.stored().len(), 1);
    }
    let mut alone = consented.connect(&["xero", "--paste"]);
    let back = alone.answer("allow", &[0]);
    let code = back
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    alone.paste(&code);
    let ended = alone.ended();
    assert_eq!(ended.code, 0, "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organisation_or_client_is_refused_and_the_first_goes_on() {
    let consented = Consented::open(12, |_, _| {}).await;
    let books = &consented.books;
    assert_eq!(consented.let_in("xero", &[0], &[]).code, 0);
    assert_eq!(consented.let_in("salesforce", &[], &[]).code, 0);
    books.all_is_well(BILLED).await;
    let named = consented.let_in(
        "xero",
        &[0, 1],
        &["--organisation", "Harbour & Hill Australia Pty Ltd"],
    );
    assert_eq!(named.code, 2, "{}", named.err);
    assert!(
        named.err.contains("xero is for the organisation")
            && named.err.contains("Nothing was stored"),
        "{}",
        named.err
    );
    books.all_is_well(BILLED).await;
    books.change("footbridge.toml", PKCE_CLIENT_ID, "another-client");
    let other = books.run(&["sync"]).await;
    assert_eq!(other.code, 4);
    assert!(other.err.contains("xero was connected with another client-id, provider, URL or set of scopes than it has now"), "{}", other.err);
    books.change("footbridge.toml", "another-client", PKCE_CLIENT_ID);
    books.all_is_well(BILLED).await;
    // The pin outlives the tokens.
    assert_eq!(books.run(&["disconnect", "xero"]).await.code, 0);
    let swapped = consented.let_in("xero", &[1], &[]);
    assert_eq!(swapped.code, 2, "{}", swapped.err);
    assert!(
        swapped.err.contains("what its flows did before")
            && swapped.err.contains("Harbour & Hill Australia Pty Ltd"),
        "{}",
        swapped.err
    );
    assert_eq!(consented.stored().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_named_and_nothing_is_stored() {
    type Change = fn(&mut footbridge_simulators::salesforce::SalesforceOptions);
    let in_the_way: [(Change, &[&str]); 3] = [
        (
            |options| options.api = Api::Off,
            &[
                "wrong  API: Salesforce refused a call of its API: API_DISABLED_FOR_ORG",
                "the access that was just given was given back",
            ],
        ),
        (
            |options| options.storage = (5, 0),
            &[
                "wrong  storage left: none of 5 MB",
                "salesforce is not connected: put right what is wrong",
            ],
        ),
        (
            |options| options.instance_url = Some("https://evil.example".into()),
            &[
                "names the instance https://evil.example/, which is neither https under .salesforce.com, .force.com nor the connection's base-url",
            ],
        ),
    ];
    for (change, words) in in_the_way {
        let consented = Consented::open(1, |_, salesforce| change(salesforce)).await;
        let ended = consented.let_in("salesforce", &[], &[]);
        assert!(matches!(ended.code, 1 | 4), "{}: {}", ended.code, ended.err);
        for words in words {
            let said = (ended.out.clone() + &ended.err)
                .replace("\n       ", " ")
                .replace('\n', " ");
            assert!(said.contains(words), "{words}: {said}");
        }
        assert_eq!(consented.stored().len(), 0);
    }
    let consented =
        Consented::open(1, |_, salesforce| salesforce.app = AppState::NotInstalled).await;
    let blocked = consented.connect(&["salesforce"]);
    // The page sends the browser back at once.
    let answer = get(&blocked.link);
    let back = answer
        .lines()
        .find_map(|line| line.strip_prefix("location: "))
        .unwrap();
    assert!(get(back).contains("The provider did not let Footbridge in"));
    let ended = blocked.ended();
    assert!(
        ended
            .err
            .contains("OAUTH_APP_BLOCKED: this app is blocked by admin")
            && ended.err.contains("External Client App Manager"),
        "{}",
        ended.err
    );
    // A field that the flow writes and the user can't see.
    let consented = Consented::open(1, |_, _| {}).await;
    consented
        .books
        .salesforce
        .remove_field("Opportunity", "Xero_Invoice_Link__c")
        .unwrap();
    let ended = consented.let_in("salesforce", &[], &[]);
    assert!(
        ended.code == 4
            && ended
                .out
                .contains("no field Xero_Invoice_Link__c that the user can see"),
        "{}",
        ended.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn access_taken_away_in_the_middle_leaves_nothing_in_doubt() {
    let consented = Consented::open(12, |xero, _| {
        xero.latency = Duration::from_millis(250);
        xero.switches.revoked_access = RevokedAccess::Ends;
    })
    .await;
    let books = &consented.books;
    assert_eq!(consented.let_in("xero", &[0], &[]).code, 0);
    assert_eq!(consented.let_in("salesforce", &[], &[]).code, 0);
    books.xero.reset_counts();
    let running = books.start(&["sync"]);
    let running = tokio::task::spawn_blocking(move || running.wait_with_output().unwrap());
    let writing = async {
        while books.xero.counts().writes == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), writing)
        .await
        .unwrap();
    books.xero.take_access_away(PKCE_CLIENT_ID);
    running.await.unwrap();
    let status = books.run(&["status", "--json"]).await.json();
    assert_eq!(status["in_doubt"], 0, "{status}");
    let stopped = books.run(&["sync"]).await;
    assert_eq!(stopped.code, 4, "{}", stopped.err);
    assert!(
        stopped
            .err
            .contains("xero needs connecting again: its consent was taken back")
            && stopped.err.contains("`footbridge connect xero`"),
        "{}",
        stopped.err
    );
    assert!(
        books
            .run(&["status"])
            .await
            .out
            .contains("needs connecting again")
    );
    assert_eq!(consented.let_in("xero", &[0], &[]).code, 0);
    books.all_is_well(BILLED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_needs_no_person_and_an_unapproved_user_is_told() {
    let public =
        include_str!("../../../sandbox/src/oauth/tests/worthless-key.public.txt").replace('\n', "");
    let public = base64::engine::general_purpose::STANDARD
        .decode(public)
        .unwrap();
    let consented =
        Consented::open(12, |_, salesforce| salesforce.certificate = Some(public)).await;
    let books = &consented.books;
    books.write(
        "salesforce.pem",
        include_str!("../../../sandbox/src/oauth/tests/worthless-key.pem"),
    );
    assert_eq!(consented.let_in("xero", &[0], &[]).code, 0);
    let key = format!(
        "auth = \"jwt-bearer\"\nuser = \"nobody@footbridge-demo.example\"\nprivate-key = {{ file = {:?} }}",
        books.path("salesforce.pem").display().to_string()
    );
    books.change("footbridge.toml", "auth = \"code\"", &key);
    let both = books.run(&["doctor", "--offline"]).await;
    assert!(both.out.contains("needs no client-secret"), "{}", both.out);
    books.replace_line("footbridge.toml", "client-secret", "");
    let unapproved = books.run(&["connect", "salesforce"]).await;
    assert_eq!(unapproved.code, 4, "{}", unapproved.err);
    assert!(
        unapproved
            .err
            .contains("user hasn't approved this consumer")
            && unapproved.err.contains("Check `user`"),
        "{}",
        unapproved.err
    );
    books.change("footbridge.toml", "nobody@", "integration@");
    let connected = books.run(&["connect", "salesforce", "--json"]).await;
    assert_eq!(connected.code, 0, "{} {}", connected.out, connected.err);
    assert_eq!(connected.json()["connected"], true);
    books.all_is_well(BILLED).await;
    let doctor = books.run(&["doctor"]).await;
    assert!(
        doctor
            .out
            .contains("by assertion (JWT bearer) as integration@footbridge-demo.example"),
        "{}",
        doctor.out
    );
}
