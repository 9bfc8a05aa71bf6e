//! What was done, through the program: told as a story, as a table and as lines of JSON, exported, and erased after a yes.

use crate::books::Books;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_told_exported_and_erased() {
    let books = Books::open(4).await;
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let made = books.invoices();
    let euros = made.iter().find(|one| one["CurrencyCode"] == "EUR");
    let number = euros.unwrap()["InvoiceNumber"].as_str().unwrap().to_owned();

    let story = books.run(&["history", &number]).await;
    assert_eq!((story.code, story.err.as_str()), (0, ""));
    for said in ["invoice ", " created: ", "currency: EUR", "; mapping "] {
        assert!(
            story.out.contains(said),
            "{said:?} is not in\n{}",
            story.out
        );
    }
    let entries = books.run(&["history", &number, "--json"]).await.json();
    let entry = &entries[0];
    assert_eq!(entry["deed"], json!("created"));
    for digest in ["connector", "transform", "settings"] {
        assert!(entry[digest].as_str().unwrap().len() >= 32, "{entry}");
    }
    assert!(entry["source_version"].is_string(), "{entry}");
    let table = books.run(&["history", &number, "--csv"]).await.out;
    assert!(
        table.starts_with("at,deed,object,record,field,old,new,"),
        "{table}"
    );
    assert!(table.lines().count() > 3 && table.contains("\r\n"));
    let lines = books.run(&["history", &number, "--jsonl"]).await.out;
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(&line, entry);
    let unknown = books.run(&["history", "INV-9999"]).await;
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.err.contains("nothing was done to \"INV-9999\""),
        "{}",
        unknown.err
    );

    for form in ["--csv", "--jsonl"] {
        for arguments in [
            ["history", &number, form, "--json"],
            ["--json", "history", &number, form],
        ] {
            let refused = books.run(&arguments).await;
            assert_eq!(refused.code, 2, "{arguments:?}: {}", refused.out);
            let said = format!("{}{}", refused.out, refused.err);
            assert!(
                said.contains("cannot be used with"),
                "{arguments:?}: {said}"
            );
        }
    }
    for form in ["csv", "jsonl"] {
        let file = books.path(&format!("history.{form}"));
        let (flag, path) = (format!("--{form}"), file.to_str().unwrap());
        let exported = books.run(&["export", "history", &flag, path]).await;
        assert_eq!((exported.code, exported.err.as_str()), (0, ""));
        crate::plans::only_ours(std::path::Path::new(path));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(&number) || text.contains(entry["title"].as_str().unwrap()));
        let again = books.run(&["export", "history", &flag, path]).await;
        assert_eq!(again.code, 2, "a file that is there is not overwritten");
        let dash = books.run(&["export", "history", &flag, "-"]).await;
        assert_eq!(dash.code, 2, "{}", dash.out);
        assert!(dash.err.contains("- names none"), "{}", dash.err);
        assert!(!std::path::Path::new("-").exists() && !books.path("-").exists());
    }
    assert_eq!(books.run(&["export", "history"]).await.code, 2);

    let would = books.run(&["erase", &number, "--dry-run"]).await;
    assert_eq!((would.code, would.err.as_str()), (0, ""));
    assert!(would.out.contains("1 history row"), "{}", would.out);
    assert!(would.out.contains("Nothing was erased."), "{}", would.out);
    let asked = books.run(&["erase", &number, "--json"]).await;
    assert_eq!(asked.code, 2, "JSON asks no questions");
    // Nobody is there to answer: a script must not take that for done.
    let silent = books.run(&["erase", &number]).await;
    assert_eq!(silent.code, 2, "{}", silent.out);
    assert!(
        silent.err.contains("nothing was erased") && silent.err.contains("--yes"),
        "{}",
        silent.err
    );
    let no = books.run_answering(&["erase", &number], "n\n").await;
    assert_eq!(no.code, 0, "{}", no.err);
    assert!(no.out.contains("Nothing was erased."), "{}", no.out);
    assert_eq!(
        books.run(&["history", &number, "--json"]).await.json(),
        entries
    );

    // As the row of history holds it: the deal has a history of its own, which stays.
    let (id, name) = (&entry["record"]["id"], &entry["title"]);
    let title = format!("\"id\":{id}}},\"title\":{name}");
    assert!(in_files(&books, &title), "{title} is kept");
    let erased = books
        .run(&["erase", &number, "--yes", "--json"])
        .await
        .json();
    assert_eq!(
        (&erased["erased"], &erased["records"][&number]["history"]),
        (&json!(true), &json!(1))
    );
    let after = books.run(&["history", &number]).await.out;
    assert!(
        after.contains("created: (erased)") && !after.contains("EUR"),
        "{after}"
    );
    assert!(!in_files(&books, &title), "{title} is in a file still");
    let unknown = books.run(&["erase", "INV-9999", "--yes"]).await;
    assert_eq!(unknown.code, 2);
    let quiet = books.run(&["sync", "--json"]).await.json();
    assert_eq!(quiet["applied"], json!({}), "{quiet}");
}

/// Whether the store's files hold that text, be it in pages that nothing uses any more.
fn in_files(books: &Books, text: &str) -> bool {
    let mut files = Vec::new();
    crate::secrets::files(&books.path("footbridge-data/sled"), &mut files);
    let holds = |bytes: Vec<u8>| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    files.iter().any(|file| holds(std::fs::read(file).unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_forgotten_as_the_configuration_says() {
    let books = Books::open(2).await;
    let none = books.run(&["retention"]).await;
    assert_eq!(none.code, 2);
    assert!(none.err.contains("--days N"), "{}", none.err);
    books.change(
        "footbridge.toml",
        "# [retention]\n# bodies-days = 400",
        "[retention]\nbodies-days = 0",
    );
    let wrong = books.run(&["sync"]).await;
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.err.contains("bodies-days") || wrong.err.contains("nonzero"),
        "{}",
        wrong.err
    );
    books.change("footbridge.toml", "bodies-days = 0", "bodies-days = 400");
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let made = books.invoices().len();
    assert!(made > 0);
    books.all_is_well(made).await;
}
