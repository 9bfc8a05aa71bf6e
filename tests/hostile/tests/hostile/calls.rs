//! A connector that traps, loops, floods or answers nonsense: it is named, and the next call works.

use crate::support::{Bench, Outcome, ask, ask_at, blamed, tight};
use footbridge_engine::ports::{CallError, Connector};
use footbridge_model::plugin::{Action, Answer, Operation, WriteRequest};
use footbridge_sandbox::Limits;
use std::sync::Arc;
use std::time::Instant;

async fn works(connector: &Arc<dyn Connector>) -> Outcome<()> {
    let page = ask(connector, "honest").await?;
    let docs: Vec<&str> = page.items.iter().map(|item| item.doc.as_str()).collect();
    assert_eq!(docs, [r#"{"a":"1","b":"2"}"#], "and it is canonical");
    Ok(())
}

#[tokio::test]
async fn what_a_plugin_says_is_not_held_against_it() -> Outcome<()> {
    let bench = Bench::new(tight())?;
    let connector = bench.connector().await?;
    let Err(CallError::Failure(failure)) = ask(&connector, "typed failure").await else {
        return Err("a failure was expected".into());
    };
    assert_eq!(
        (failure.problem.code.as_str(), failure.retry_after_seconds),
        ("typed", Some(7))
    );
    Ok(())
}

#[tokio::test]
async fn waiting_is_free_and_requests_are_counted() -> Outcome<()> {
    let limits = Limits {
        wall: std::time::Duration::from_millis(600),
        ..tight()
    };
    let bench = Bench::new(limits)?;
    let connector = bench.connector().await?;
    let began = Instant::now();
    let page = ask_at(&connector, "read", Some("/Invoices/slow")).await?;
    assert_eq!(page.items[0].doc, r#""200""#);
    assert!(
        began.elapsed().as_millis() >= 1_000,
        "it waited longer than it may run"
    );
    let fetch =
        |count: usize| connector.fetch("x", vec!["/Contacts".to_owned(); count], Vec::new());
    assert!(fetch(3).await.is_ok());
    let Err(CallError::Failure(failure)) = fetch(4).await else {
        return Err("a fourth request was answered".into());
    };
    assert!(
        failure.problem.message.contains("all its requests"),
        "{failure:?}"
    );
    let Err(CallError::Failure(failure)) =
        ask_at(&connector, "read", Some("/BankTransactions")).await
    else {
        return Err("a request beyond the grant was answered".into());
    };
    assert!(
        failure.problem.message.contains("doesn't offer"),
        "{failure:?}"
    );
    Ok(())
}

fn operations(how: &str) -> Vec<Operation> {
    let operation = |id: &str| Operation {
        id: id.to_owned(),
        action: Action::Create,
        object: how.to_owned(),
        target: None,
        doc: "{}".to_owned(),
    };
    vec![operation("one"), operation("two")]
}

#[tokio::test]
async fn prepare_names_every_operation_once_and_reaches_nothing() -> Outcome<()> {
    let bench = Bench::new(tight())?;
    let connector = bench.connector().await?;
    for (how, said) in [
        ("missing", "no request for operation \"two\""),
        ("extra", "which wasn't asked"),
        ("twice", "two requests for operation \"one\""),
        ("nothing", "no request for operation \"one\""),
        ("empty request", "carries no operation"),
    ] {
        let words = blamed(connector.prepare(operations(how)).await);
        assert!(words.contains(said), "{how}: {words}");
        assert_eq!(connector.prepare(operations("honest")).await?.len(), 1);
    }
    let requests = connector.prepare(operations("reach")).await?;
    assert_eq!(
        requests[0].headers[0].1,
        "this call is pure and reaches nothing"
    );
    Ok(())
}

#[tokio::test]
async fn interpret_gives_one_outcome_per_operation() -> Outcome<()> {
    let bench = Bench::new(tight())?;
    let connector = bench.connector().await?;
    let requests = connector.prepare(operations("honest")).await?;
    let request: &WriteRequest = &requests[0];
    let answer = |body: &str| Answer {
        status: 200,
        headers: Vec::new(),
        body: body.to_owned(),
        json: false,
    };
    for (how, said) in [
        ("missing", "no outcome for operation \"two\""),
        ("extra", "which wasn't asked"),
        ("twice", "two outcomes"),
        ("number token", "decimal string"),
        ("trap", "trapped"),
    ] {
        let words = blamed(connector.interpret(request, &answer(how)).await);
        assert!(words.contains(said), "{how}: {words}");
        assert_eq!(
            connector.interpret(request, &answer("honest")).await?.len(),
            2
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_goes_on_is_quarantined_until_it_is_repaired() -> Outcome<()> {
    let bench = Bench::new(Limits {
        strikes: 3,
        ..tight()
    })?;
    let connector = bench.connector().await?;
    for _ in 0..2 {
        ask(&connector, "trap").await.unwrap_err();
    }
    works(&connector).await?;
    for _ in 0..3 {
        ask(&connector, "trap").await.unwrap_err();
    }
    let words = blamed(ask(&connector, "honest").await);
    assert!(
        words.contains("quarantined") && words.contains("trapped"),
        "{words}"
    );
    let again = bench.reopened(&bench.key)?.installed("hostile")?;
    assert!(again.quarantined.is_some(), "it is remembered");
    let connector = bench.connector().await?;
    works(&connector).await
}

#[tokio::test]
async fn a_caller_that_gives_up_ends_the_guest() -> Outcome<()> {
    let limits = Limits {
        connector_cpu: std::time::Duration::from_secs(600),
        wall: std::time::Duration::from_secs(600),
        ..tight()
    };
    let bench = Bench::new(limits)?;
    let connector = bench.connector().await?;
    let short = std::time::Duration::from_millis(200);
    assert!(
        tokio::time::timeout(short, ask(&connector, "loop"))
            .await
            .is_err()
    );
    works(&connector).await
}
