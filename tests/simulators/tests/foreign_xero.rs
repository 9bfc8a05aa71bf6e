//! xero-python, Xero's own client library, reads and writes the simulator as anyone would use it.

#![expect(clippy::unwrap_used, reason = "test code")]

#[path = "xero/foreign.rs"]
mod foreign;

use std::process::Command;

use footbridge_simulators::clock::SimClock;
use footbridge_simulators::xero::{XeroOptions, XeroSimulator};

#[tokio::test(flavor = "multi_thread")]
async fn xero_python_works_with_the_simulator() {
    let python = match foreign::python() {
        Ok(python) => python,
        Err(reason) => return foreign::skip(&reason),
    };
    let mut options = XeroOptions::default();
    options.switches.list_lag_ms = 0;
    let simulator = XeroSimulator::new(options, SimClock::system());
    let running = simulator
        .serve("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let base = running.base_url.clone();
    let program = foreign::folder().join("xero_client.py");
    let ran = tokio::task::spawn_blocking(move || {
        foreign::run(Command::new(python).arg(program).arg(base))
    })
    .await
    .unwrap();
    let output = ran.unwrap_or_else(|said| panic!("{said}"));
    print!("{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(simulator.dump("Invoices").len(), 5);
    assert!(
        simulator.dump_of(1, "Contacts").is_empty(),
        "the other organisation is untouched"
    );
}
