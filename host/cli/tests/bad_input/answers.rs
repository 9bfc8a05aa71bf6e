//! Far sides that answer nonsense, half of it, for somebody else, or not at all: the run ends with an error that names the connection, or
//! the rest goes on; afterwards each deal is billed once.

use crate::books::Books;
use footbridge_simulators::faults::{Fault, FaultRule};

const BILLED: usize = 9;

/// What every one of them ends with.
const WAY_OUT: &str = "\n  Nothing is lost: the next sync goes on from here. If it stays so, check the network and the connection's base-url and token-url; `footbridge doctor` tries each connection.";

fn always(fault: Fault, method: &str, path: &str) -> FaultRule {
    FaultRule {
        times: 1000,
        ..FaultRule::on(fault, method, path)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_answer_nonsense() {
    let books = Books::open(12).await;
    for (fault, said) in [
        (
            Fault::HtmlAnswer { status: 200 },
            "footbridge: xero, reading invoice records: Xero answered a read with something else than JSON. It will be read again.",
        ),
        (
            Fault::HtmlAnswer { status: 502 },
            "footbridge: xero, reading invoice records: Xero has a fault of its own (status 502). It said: <!DOCTYPE html><html><head><title>Please wait</title></head><body><h1>We will be back soon</h1></body></html>",
        ),
        (
            Fault::TruncatedJson,
            "footbridge: xero, reading invoice records: No answer to a read: the answer claims to be JSON and can't be read: not a document: EOF while parsing a string at line 1 column N.",
        ),
        (
            Fault::CutBody { after_bytes: 40 },
            "footbridge: xero, reading invoice records: No answer to a read: connection closed before message completed.",
        ),
    ] {
        books
            .xero
            .faults()
            .inject(always(fault.clone(), "GET", "/Invoices"));
        let ended = books.run(&["sync"]).await;
        books.xero.faults().clear();
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (4, ""),
            "{fault:?}: {}",
            ended.err
        );
        assert_eq!(
            without_column(&ended.err),
            format!("{said}{WAY_OUT}"),
            "{fault:?}"
        );
        assert_eq!(books.invoices().len(), 0, "{fault:?}");
        books
            .salesforce
            .faults()
            .inject(always(fault.clone(), "GET", "/query"));
        let ended = books.run(&["sync"]).await;
        books.salesforce.faults().clear();
        assert_eq!(ended.code, 4, "{fault:?}: {}", ended.err);
        assert!(
            ended.err.starts_with("footbridge: salesforce"),
            "{}",
            ended.err
        );
        assert_eq!(books.invoices().len(), 0, "{fault:?}");
    }
    books.all_is_well(BILLED).await;
}

/// Where a body ends goes by what the company's records hold.
fn without_column(said: &str) -> String {
    match said.split_once(" column ") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before} column N{after}")
        }
        None => said.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_answer_nonsense_or_half_of_it_are_found_by_reading() {
    for fault in [
        Fault::HtmlAnswer { status: 200 },
        Fault::TruncatedJson,
        Fault::CutBody { after_bytes: 40 },
        Fault::ServerErrorMidBatch { after: 3 },
    ] {
        let books = Books::open(12).await;
        let timing = "[timing]\nin-flight-seconds = 1\nsettle-seconds = 3\npatience-seconds = 2\nunproven-absence = \"resend\"\n\n[flows.deals-to-invoices]";
        books.change("footbridge.toml", "[flows.deals-to-invoices]", timing);
        books
            .xero
            .faults()
            .inject(FaultRule::on(fault.clone(), "PUT", "/Invoices"));
        books
            .xero
            .faults()
            .inject(FaultRule::on(fault.clone(), "POST", "/Invoices"));
        let first = books.run(&["sync"]).await;
        assert_eq!(first.code, 0, "{fault:?}: {}", first.err);
        books.xero.faults().clear();
        assert_eq!(
            books.xero.faults().fired().len(),
            1,
            "{fault:?} did not strike"
        );
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        books.run(&["sync"]).await;
        books.all_is_well(BILLED).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_organisation_stops_everything() {
    let books = Books::open(12).await;
    books.all_is_well(BILLED).await;
    books
        .xero
        .faults()
        .inject(always(Fault::WrongOrganisation, "GET", ""));
    let ended = books.run(&["sync"]).await;
    books.xero.faults().clear();
    assert_eq!(
        ended.err,
        "footbridge: xero answers for organisation \"Harbour & Hill Australia Pty Ltd (bb1ab387-fab2-4a0c-ba0d-8b3ba916b675)\", but it is pinned to \"bdcfb5b5-c8df-474a-b592-143fff8969a1\". Nothing was written. Check the connection's credential, or make a new data directory for the other organisation"
    );
    assert_eq!(ended.code, 4);
    books.change(
        "footbridge.toml",
        "# organisation = \"00D...\"",
        "organisation = \"00D000000000001AAA\"",
    );
    let ended = books.run(&["sync"]).await;
    assert_eq!(
        ended.err,
        "footbridge: salesforce answers for organisation \"Harbour & Hill Services (00DgK0000000B0bUAE)\", but it is pinned to \"00D000000000001AAA\". Nothing was written. Check the connection's credential, or make a new data directory for the other organisation"
    );
    assert_eq!(ended.code, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_far_side_that_is_not_there_or_refuses_the_secret() {
    let books = Books::open(12).await;
    let text = std::fs::read_to_string(books.path("footbridge.toml")).unwrap();
    let nowhere: String = text
        .lines()
        .map(
            |line| match line.split_once("base-url = \"http://127.0.0.1:") {
                Some(_) => "base-url = \"http://127.0.0.1:9\"\n".to_owned(),
                None => format!("{line}\n"),
            },
        )
        .collect();
    books.write("footbridge.toml", &nowhere);
    let ended = books.run(&["sync"]).await;
    assert_eq!(
        ended.err,
        format!(
            "footbridge: salesforce, asking which organisation it is: No answer to a read: no token could be fetched: Connection refused (os error 111).{WAY_OUT}"
        )
    );
    assert_eq!(ended.code, 4);
    books.write("footbridge.toml", &text);
    books.write("xero.secret", "not-the-secret");
    let ended = books.run(&["sync"]).await;
    assert_eq!(
        ended.err,
        "footbridge: xero, asking which organisation it is: The credential was refused: the provider refused the app's id or secret (invalid_client). Check client-id and client-secret."
    );
    assert_eq!(ended.code, 4);
    let doctor = books.run(&["doctor"]).await;
    assert_eq!(doctor.code, 4, "{}", doctor.out);
    assert!(
        doctor.out.contains("wrong  credential of xero\n"),
        "{}",
        doctor.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_salesforce_does_not_have_is_named() {
    let books = Books::open(12).await;
    books.change(
        "lead-to-cash.toml",
        "first(PO_Number__c, Name)",
        "first(PO_Numbr__c, Name)",
    );
    let ended = books.run(&["plan"]).await;
    let said = "footbridge: flow deals-to-invoices stopped, and nothing was written: salesforce has no field \"PO_Numbr__c\" of Opportunity, or no longer shows it to the connection's user. It is used in line 57 of the mapping (reference = \"first(PO_Numbr__c, Name)\"). Give the user access to it, or take it out there";
    assert!(ended.err.starts_with(said), "{}", ended.err);
    assert_eq!(ended.code, 2);
    books.change(
        "lead-to-cash.toml",
        "first(PO_Numbr__c, Name)",
        "first(PO_Number__c, Name)",
    );
    books.all_is_well(BILLED).await;
}
