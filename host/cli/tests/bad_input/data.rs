//! A data directory that somebody else works in, or that is damaged: exit code 5, nothing is changed.

use crate::books::Books;
use std::io::{Seek, SeekFrom, Write};

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_in_use_names_who_uses_it() {
    let books = Books::open(4).await;
    let held = footbridge_store::open(
        &books.path("footbridge-data"),
        footbridge_store::Backend::Sled,
    )
    .unwrap();
    let said = format!(
        "footbridge: the data directory BOOKS/footbridge-data is in use by process {}, such as a sync that is running. Wait until it has ended, then try again",
        std::process::id()
    );
    for command in [["plan"], ["sync"], ["status"], ["items"]] {
        let ended = books.run(&command).await;
        assert_eq!(
            (ended.code, ended.err.as_str()),
            (5, said.as_str()),
            "{command:?}"
        );
    }
    drop(held);
    books.all_is_well(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_directory_is_left_as_it_is() {
    let books = Books::open(4).await;
    books.all_is_well(4).await;
    let db = books.path("footbridge-data/sled/conf");
    let mut file = std::fs::OpenOptions::new().write(true).open(&db).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(&[0xA5; 64]).unwrap();
    drop(file);
    let ended = books.run(&["sync"]).await;
    assert_eq!(ended.code, 5, "{}", ended.err);
    assert_eq!(
        ended.err,
        "footbridge: the store in BOOKS/footbridge-data could not be opened: Unsupported: failed to open database that may have been created using a sled version earlier than 0.29. Nothing was changed. Keep a copy of the directory, then restore the last backup into an empty one"
    );
    assert_eq!(books.invoices().len(), 4, "nothing was made again");
}
