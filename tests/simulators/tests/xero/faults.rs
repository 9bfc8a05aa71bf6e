//! Lost answers, late commits and the Idempotency-Key.

use std::time::Duration;

use footbridge_simulators::faults::{Fault, FaultRule};
use footbridge_simulators::xero::{CommitOrder, KeyInFlight};
use serde_json::{Value, json};

use super::support::Xero;

fn contact(name: &str) -> Value {
    json!({"Contacts": [{"Name": name}]})
}

fn names(xero: &Xero) -> Vec<String> {
    let mut names: Vec<String> = xero
        .simulator
        .dump("Contacts")
        .iter()
        .map(|contact| contact["Name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

async fn keyed(xero: &Xero, key: &str, body: &Value) -> Option<(u16, Value)> {
    let answer = xero
        .try_call("PUT", "Contacts", Some(body), &[("idempotency-key", key)])
        .await?;
    Some((answer.status, answer.body))
}

#[tokio::test]
async fn a_key_replays_its_answer_for_six_minutes() {
    let xero = Xero::new().await;
    let first = keyed(&xero, "k1", &contact("A")).await.unwrap();
    assert_eq!(keyed(&xero, "k1", &contact("A")).await.unwrap(), first);
    assert_eq!(
        (names(&xero), xero.simulator.counts().replayed),
        (vec!["A".to_owned()], 1)
    );
    let (status, body) = keyed(&xero, "k1", &contact("B")).await.unwrap();
    assert_eq!(
        (status, &body["Message"]),
        (
            400,
            &json!("Idempotency Key: k1 is used with a different request.")
        )
    );
    assert_eq!(
        keyed(&xero, &"k".repeat(129), &contact("B"))
            .await
            .unwrap()
            .0,
        400
    );
    xero.simulator.clock().advance(chrono::Duration::minutes(6));
    let (status, _) = keyed(&xero, "k1", &contact("A")).await.unwrap();
    assert_eq!(status, 400, "carried out again, and refused for its name");
}

#[tokio::test]
async fn errors_are_remembered_under_the_key() {
    let xero = Xero::new().await;
    xero.contact("A").await;
    let refused = keyed(&xero, "k1", &contact("A")).await.unwrap();
    let id = xero.simulator.dump("Contacts")[0]["ContactID"]
        .as_str()
        .unwrap()
        .to_owned();
    xero.post(&format!("Contacts/{id}"), json!({"Name": "Z"}))
        .await;
    assert_eq!(
        keyed(&xero, "k1", &contact("A")).await.unwrap(),
        refused,
        "the reason is gone, the answer stays"
    );
    xero.simulator
        .faults()
        .inject(FaultRule::next(Fault::ErrorCachedUnderKey { status: 500 }));
    for _ in 0..2 {
        assert_eq!(keyed(&xero, "k2", &contact("B")).await.unwrap().0, 500);
    }
    assert_eq!(keyed(&xero, "k3", &contact("B")).await.unwrap().0, 200);
}

#[tokio::test]
async fn answers_are_lost_in_every_way() {
    let xero = Xero::new().await;
    let cases: [(Fault, Option<u16>, bool); 7] = [
        (Fault::AnswerLostAfterCommit, None, true),
        (Fault::TimeOutBefore { ms: 10 }, None, false),
        (Fault::ServerErrorBefore { status: 503 }, Some(503), false),
        (
            Fault::ServerErrorAfterCommit { status: 502 },
            Some(502),
            true,
        ),
        (Fault::CutBody { after_bytes: 20 }, None, true),
        (Fault::HtmlAnswer { status: 200 }, Some(200), false),
        (Fault::TruncatedJson, Some(200), true),
    ];
    for (index, (fault, status, committed)) in cases.into_iter().enumerate() {
        let name = format!("C{index}");
        xero.simulator
            .faults()
            .inject(FaultRule::on(fault.clone(), "PUT", "/Contacts"));
        let answer = xero
            .try_call("PUT", "Contacts", Some(&contact(&name)), &[])
            .await;
        assert_eq!(
            answer.as_ref().map(|answer| answer.status),
            status,
            "{fault:?}"
        );
        assert!(
            answer.is_none_or(|answer| answer.body == Value::Null),
            "{fault:?} gives no whole document"
        );
        assert_eq!(names(&xero).contains(&name), committed, "{fault:?}");
    }
    assert_eq!(xero.simulator.faults().fired().len(), 7);
    xero.simulator
        .faults()
        .inject(FaultRule::next(Fault::SlowBody { ms: 50 }));
    let begun = std::time::Instant::now();
    assert_eq!(
        xero.get("Contacts").await.body["Contacts"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    assert!(begun.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_batch_can_fail_in_the_middle() {
    let xero = Xero::new().await;
    xero.simulator.faults().inject(FaultRule::on(
        Fault::ServerErrorMidBatch { after: 2 },
        "PUT",
        "/Contacts",
    ));
    let batch = json!({"Contacts": [{"Name": "A"}, {"Name": "B"}, {"Name": "C"}]});
    assert_eq!(
        xero.put("Contacts?summarizeErrors=false", batch)
            .await
            .status,
        500
    );
    assert_eq!(names(&xero), ["A", "B"]);
    xero.simulator
        .faults()
        .inject(FaultRule::next(Fault::WrongOrganisation));
    let other = xero.get("Organisation").await.body["Organisations"][0]["OrganisationID"].clone();
    assert_ne!(
        xero.get("Organisation").await.body["Organisations"][0]["OrganisationID"],
        other
    );
    xero.simulator
        .faults()
        .inject(FaultRule::next(Fault::ExpiredToken));
    assert_eq!(xero.get("Organisation").await.status, 401);
}

/// Sends a write whose commit is late, then the same with the same key, and says what became of it.
async fn twice_with_one_key(switch: KeyInFlight) -> (Option<u16>, usize) {
    let xero = Xero::with(|options| options.switches.key_in_flight = switch).await;
    xero.simulator
        .faults()
        .inject(FaultRule::next(Fault::CommitDelayed {
            ms: 150,
            hold_ms: 0,
        }));
    // Invoices may exist twice, unlike contacts of one name.
    let contact = xero
        .simulator
        .load("Contacts", json!({"Name": "A"}))
        .unwrap()["ContactID"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = super::support::authorised(&contact);
    let send = || xero.try_call("PUT", "Invoices", Some(&body), &[("idempotency-key", "k")]);
    assert!(send().await.is_none());
    let second = send().await.map(|answer| answer.status);
    tokio::time::sleep(Duration::from_millis(400)).await;
    (second, xero.simulator.dump("Invoices").len())
}

#[tokio::test]
async fn a_key_in_flight_does_what_its_switch_says() {
    assert_eq!(
        twice_with_one_key(KeyInFlight::Process).await,
        (Some(200), 2),
        "the adverse default"
    );
    assert_eq!(twice_with_one_key(KeyInFlight::Wait).await, (Some(200), 1));
    assert_eq!(
        twice_with_one_key(KeyInFlight::Conflict).await,
        (Some(409), 1)
    );
}

#[tokio::test]
async fn commits_overtake_each_other_unless_switched_off() {
    for (order, first) in [
        (CommitOrder::AsFinished, "Late"),
        (CommitOrder::AsArrived, "Early"),
    ] {
        let xero = Xero::with(|options| options.switches.commit_order = order).await;
        xero.simulator
            .faults()
            .inject(FaultRule::next(Fault::CommitDelayed {
                ms: 150,
                hold_ms: 0,
            }));
        let contact = xero
            .simulator
            .load("Contacts", json!({"Name": "A"}))
            .unwrap()["ContactID"]
            .as_str()
            .unwrap()
            .to_owned();
        let send = async |reference: &str| {
            let body = super::support::but(
                &super::support::authorised(&contact),
                json!({"Reference": reference}),
            );
            xero.try_call("PUT", "Invoices", Some(&body), &[]).await
        };
        assert!(send("Early").await.is_none());
        assert!(send("Late").await.is_some());
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(
            xero.get("Invoices/INV-0001").await.body["Invoices"][0]["Reference"],
            first
        );
    }
}
