//! The switch whose configuration has a mistake: it is thrown all the same, and the mistake is told.

use crate::books::Books;
use serde_json::json;
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_configuration_stops_no_stop() {
    let books = Books::open(4).await;
    let good = fs::read_to_string(books.path("footbridge.toml")).unwrap();
    let name = "deals-to-invoices";
    for (wrong, said) in [
        (format!("oops = 1\n{good}"), "unknown field `oops`"),
        (format!("oops = \n{good}"), "TOML parse error at line 1"),
    ] {
        for (reach, switch) in [
            (&["--all"][..], "all.json"),
            (&[name], "flow-6465616c732d746f2d696e766f69636573.json"),
            (&[], "flow-6465616c732d746f2d696e766f69636573.json"),
        ] {
            books.write("footbridge.toml", &wrong);
            let switch = books.path(&format!("footbridge-data/stops/{switch}"));
            let stop = [&["stop"], reach, &["--why", "audit"]].concat();
            let stopped = books.run(&stop).await;
            assert_eq!(stopped.code, 0, "{}", stopped.err);
            assert!(stopped.out.contains("is stopped: audit"), "{}", stopped.out);
            assert!(
                stopped.err.starts_with("footbridge: warning: ") && stopped.err.contains(said),
                "{}",
                stopped.err
            );
            assert!(switch.exists());
            // Put right, it is stopped.
            books.write("footbridge.toml", &good);
            let refused = books.run(&["sync"]).await;
            assert_eq!(refused.code, 1, "{}", refused.out);
            assert!(refused.err.contains("audit"), "{}", refused.err);
            books.write("footbridge.toml", &wrong);
            let go = [&["go"], reach, &["--json"]].concat();
            let went = books.run(&go).await;
            assert_eq!((went.code, went.err.as_str()), (0, ""));
            assert_eq!(went.json()["was_stopped"], json!(true));
            let problem = went.json()["problem"].as_str().unwrap().to_owned();
            assert!(problem.contains(said), "{problem}");
            assert!(!switch.exists());
        }
    }
    // A wrong name, where all names are known, and a data directory that isn't there stop nothing.
    books.write("footbridge.toml", &format!("oops = 1\n{good}"));
    let unknown = books.run(&["stop", "deals", "--why", "x"]).await;
    assert_eq!(unknown.code, 2, "{}", unknown.out);
    assert!(
        unknown.err.contains("there is no flow \"deals\""),
        "{}",
        unknown.err
    );
    let away = good.replacen("footbridge-data", "elsewhere", 1);
    books.write("footbridge.toml", &format!("oops = 1\n{away}"));
    let nowhere = books.run(&["stop", "--all", "--why", "x"]).await;
    assert_eq!(nowhere.code, 2, "{}", nowhere.out);
    assert!(
        nowhere
            .err
            .contains("the switch was left as it is: there is no data directory BOOKS/elsewhere"),
        "{}",
        nowhere.err
    );
    assert!(!books.path("elsewhere").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_that_a_flow_is_stopped_and_what_ends_it() {
    let books = Books::open(4).await;
    assert_eq!(books.run(&["stop", "--why", "audit"]).await.code, 0);
    let doctor = books.run(&["doctor", "--offline"]).await;
    assert_eq!(doctor.code, 1, "{}", doctor.out);
    for told in [
        "wrong  deals-to-invoices is stopped\n",
        "`footbridge go`",
        "audit",
        "1 thing to put right",
    ] {
        assert!(doctor.out.contains(told), "{told}: {}", doctor.out);
    }
    assert_eq!(books.run(&["go"]).await.code, 0);
    let doctor = books.run(&["doctor", "--offline"]).await;
    assert_eq!(doctor.code, 0, "{}", doctor.out);
}
