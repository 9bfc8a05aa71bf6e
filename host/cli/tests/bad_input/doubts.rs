//! Writes whose outcome is unknown, as people meet them: the list, the item, the sums and the refusals say the same, in plain words.

use crate::books::Books;
use footbridge_simulators::faults::{Fault, FaultRule};

/// Text as words: where lines are full they are broken.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const UNKNOWN: &str = "nobody knows yet whether it took effect";

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_is_told_alike_everywhere_until_a_person_is_asked_and_answers() {
    let books = Books::open(1).await;
    let at = "[flows.deals-to-invoices]";
    let waits = format!("[timing]\npatience-seconds = 0\n\n{at}");
    books.change("footbridge.toml", at, &waits);
    for method in ["PUT", "POST"] {
        books.xero.faults().inject(FaultRule {
            times: 1000,
            ..FaultRule::on(Fault::HtmlAnswer { status: 502 }, method, "/Invoices")
        });
    }
    let first = books.run(&["sync"]).await;
    assert_eq!((first.code, first.err.as_str()), (0, ""));
    assert!(
        joined(&first.out)
            .contains("1 operation in doubt: nobody knows yet whether they took effect."),
        "{}",
        first.out
    );
    let again = "UTC sends what it doesn't find again, as the same request under the same key";
    assert!(joined(&first.out).contains(again), "{}", first.out);
    let item = &books.run(&["items", "--json"]).await.json()[0];
    assert_eq!(item["reason"], "in-doubt");
    let id = item["subject"]["record"]["id"].as_str().unwrap().to_owned();
    let shown = books.run(&["items", "show", &id, "--json"]).await.json();
    let request = shown[0]["evidence"]["request"].as_str().unwrap().to_owned();

    // It was answered, by something that says nothing: nobody claims otherwise, and nothing asks for a word yet.
    for arguments in [vec!["items"], vec!["items", "show", &id]] {
        let told = joined(&books.run(&arguments).await.out);
        assert!(told.contains(UNKNOWN), "{arguments:?}: {told}");
        let again =
            "sends the same request again under the same key, which can't make a second one";
        assert!(
            arguments.len() == 1 || told.contains(again),
            "{arguments:?}: {told}"
        );
        for wrong in ["never answered", "release", "InDoubt", "Put ", "time(s)"] {
            assert!(
                !told.contains(wrong),
                "{arguments:?} says {wrong:?}: {told}"
            );
        }
    }
    let early = books.run(&["items", "release", &request]).await;
    assert_eq!(early.code, 2);
    assert_eq!(
        early.err,
        format!(
            "footbridge: nothing was released: request {request} was sent, and {UNKNOWN}; every sync looks it up"
        )
    );
    let unknown = books.run(&["items", "release", "ab12"]).await;
    assert_eq!(unknown.code, 2);
    assert!(
        unknown
            .err
            .contains("`footbridge items --reason in-doubt` names those"),
        "{}",
        unknown.err
    );

    let over = "[timing]\nsettle-seconds = 0\nresend-window-seconds = 0\n";
    books.change("footbridge.toml", "[timing]\n", over);
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let release = format!("footbridge items release {request}");
    for arguments in [vec!["items"], vec!["items", "show", &id]] {
        let told = joined(&books.run(&arguments).await.out);
        assert!(
            told.contains(UNKNOWN) && told.contains(&release),
            "{arguments:?}: {told}"
        );
    }
    books.xero.faults().clear();
    assert_eq!(books.run(&["items", "release", &request]).await.code, 0);
    books.all_is_well(1).await;
    let late = books.run(&["items", "release", &request]).await;
    assert_eq!(
        late.err,
        format!(
            "footbridge: nothing was released: request {request} is finished, and what came of it is known"
        )
    );
}
