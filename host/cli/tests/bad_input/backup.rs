//! Backups of the real program: taken while another process syncs, restored, refused where they are not whole. No secret is in one.

use crate::books::{Books, Ended};
use footbridge_simulators::faults::{Fault, FaultRule};
use footbridge_simulators::xero::DEMO_CLIENT_SECRET;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

impl Books {
    async fn restored(&self, backup: &str, into: &str) -> Ended {
        let (file, into) = (self.path(backup), self.path(into));
        let (file, into) = (file.display().to_string(), into.display().to_string());
        self.run(&["restore", &file, "--into", &into, "--json"])
            .await
    }

    async fn backup(&self, name: &str) -> Ended {
        let file = self.path(name).display().to_string();
        self.run(&["backup", &file, "--json"]).await
    }

    async fn verified(&self, name: &str) -> Ended {
        let file = self.path(name).display().to_string();
        self.run(&["backup", "--verify", &file]).await
    }

    /// Works with this data directory from now on.
    fn works_in(&self, data: &str) {
        let text = fs::read_to_string(self.path("footbridge.toml")).unwrap();
        let rest: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with("data = "))
            .collect();
        self.write(
            "footbridge.toml",
            &format!("data = {data:?}\n{}\n", rest.join("\n")),
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_in_the_middle_of_a_sync_it_restores_to_a_state_that_bills_nothing_twice() {
    let books = Books::open(40).await;
    let text = fs::read_to_string(books.path("footbridge.toml")).unwrap();
    let text = format!("{text}\n[timing]\npatience-seconds = 2\n");
    books.write("footbridge.toml", &text);
    // The ledger takes its time over one request of invoices, and answers nobody.
    let slow = Fault::CommitDelayed {
        ms: 6_000,
        hold_ms: 6_000,
    };
    books
        .xero
        .faults()
        .inject(FaultRule::on(slow, "PUT", "/Invoices"));
    let mut sync = Command::new(env!("CARGO_BIN_EXE_footbridge"))
        .arg("--config")
        .arg(books.path("footbridge.toml"))
        .arg("sync")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while books.xero.faults().fired().is_empty() {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "no invoice was sent"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let made = books.backup("backup").await;
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{}", made.out);
    assert_eq!(
        sync.try_wait().unwrap(),
        None,
        "the sync had ended before the backup was there"
    );
    assert!(made.json()["rows"].as_u64().unwrap() > 100, "{}", made.out);
    let ended = tokio::task::spawn_blocking(move || sync.wait().unwrap())
        .await
        .unwrap();
    assert!(ended.success(), "{ended}");
    // A run finds what got no answer; then all that the company has to bill is billed, and nothing more comes.
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let all = books.invoices().len();
    assert!(all > 20, "{all} invoices");
    books.all_is_well(all).await;

    let restored = books.restored("backup", "restored").await;
    assert_eq!(
        (restored.code, restored.json()["epoch"].as_u64()),
        (0, Some(2)),
        "{}",
        restored.err
    );
    books.works_in("restored");
    let writes = books.xero.counts().writes;
    let held = books.run(&["sync"]).await;
    assert_eq!(held.code, 1, "{}", held.out);
    assert!(
        held.err
            .contains("is held and nothing was written: this data directory was restored on"),
        "{}",
        held.err
    );
    let status = books.run(&["status"]).await;
    assert!(
        status
            .out
            .contains("HELD: this data directory was restored on"),
        "{}",
        status.out
    );
    assert!(
        !status.out.contains("sync --go`") && status.out.contains("`footbridge sync --go-on`"),
        "{}",
        status.out
    );
    let doctor = books.run(&["doctor", "--offline"]).await;
    assert_eq!(doctor.code, 1, "{}", doctor.out);
    assert!(
        doctor.out.contains("wrong  deals-to-invoices is held\n")
            && doctor.out.contains("`footbridge sync --go-on`")
            && doctor.out.contains("1 thing to put right"),
        "{}",
        doctor.out
    );
    assert_eq!(
        books.xero.counts().writes,
        writes,
        "something was written while it was held"
    );
    let on = books.run(&["sync", "--go-on", "--json"]).await;
    assert_eq!((on.code, on.err.as_str()), (0, ""), "{}", on.out);
    assert_eq!(on.json()["in_doubt"], 0, "{}", on.out);
    books.all_is_well(all).await;
    assert_eq!(
        books.xero.counts().writes,
        writes,
        "nothing was left to write to the ledger"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_no_secret_and_is_refused_unless_it_is_whole_and_ours() {
    let books = Books::open(6).await;
    books.all_is_well(6).await;
    let none = [
        books.verified("none").await,
        books.restored("none", "restored").await,
    ];
    for none in none {
        let said = format!("{}{}", none.out, none.err);
        assert_eq!(none.code, 2, "{said}");
        assert!(said.contains("there is no backup "), "{said}");
    }
    let made = books.backup("backup").await;
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{}", made.out);
    let bytes = fs::read(books.path("backup")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let salesforce = fs::read_to_string(books.path("salesforce.secret")).unwrap();
    assert!(
        text.contains("footbridge="),
        "the rows are there to be read"
    );
    for secret in [
        DEMO_CLIENT_SECRET,
        salesforce.trim(),
        "Bearer ",
        "access_token",
    ] {
        assert!(!text.contains(secret), "{secret:?} is in the backup");
    }
    let key = fs::read(books.path("footbridge.key")).unwrap();
    assert!(
        !bytes.windows(key.len()).any(|part| part == key),
        "the key is in the backup"
    );
    for entry in fs::read_dir(books.path("footbridge-data/tokens"))
        .into_iter()
        .flatten()
        .flatten()
    {
        // Beside the records lie empty files that only hold locks.
        let token = fs::read(entry.path()).unwrap();
        assert!(
            token.is_empty() || !bytes.windows(token.len()).any(|part| part == token),
            "a token record is in the backup"
        );
    }
    let verified = books.verified("backup").await;
    assert_eq!(verified.code, 0, "{}", verified.err);
    assert!(
        verified.out.contains("is whole and sound") && verified.out.contains("  link\n"),
        "{}",
        verified.out
    );
    let again = books.backup("backup").await;
    assert_eq!(again.code, 2, "{}", again.out);
    assert!(
        again.out.contains("is there already and was left as it is"),
        "{}",
        again.out
    );

    let newer = {
        let header = br#"{"format":2,"what":"ever"}"#;
        let mut newer = b"footbridge-backup\nH".to_vec();
        let length = u32::try_from(header.len()).unwrap().to_be_bytes();
        let sum = crc32c(&[b"H", &length[..], header].concat());
        newer.extend([&length[..], &sum.to_be_bytes(), header].concat());
        newer
    };
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 4;
    for (what, content, code, said) in [
        (
            "cut",
            &bytes[..bytes.len() - 30],
            5,
            "BOOKS/bad is cut short",
        ),
        ("flipped", &flipped[..], 5, "BOOKS/bad is damaged near byte"),
        (
            "newer",
            &newer[..],
            2,
            "BOOKS/bad is a backup of format 2; this version reads up to 1",
        ),
        (
            "garbage",
            &b"PK\x03\x04 something else"[..],
            2,
            "BOOKS/bad is no backup of Footbridge",
        ),
        (
            "empty",
            &b""[..],
            5,
            "BOOKS/bad is cut short: it ends after 0 bytes",
        ),
    ] {
        fs::write(books.path("bad"), content).unwrap();
        let file = books.path("bad").display().to_string();
        let into = books.path("into").display().to_string();
        for arguments in [
            &["backup", "--verify", &file][..],
            &["restore", &file, "--into", &into],
        ] {
            let ended = books.run(arguments).await;
            assert_eq!(ended.code, code, "{what}: {}", ended.err);
            assert!(ended.err.contains(said), "{what}: {}", ended.err);
        }
        assert!(!books.path("into").exists(), "{what}");
    }
    let full = books.restored("backup", "footbridge-data").await;
    assert_eq!(full.code, 2, "{}", full.out);
    assert!(
        full.out.contains("is not empty and was left as it is"),
        "{}",
        full.out
    );
    let nowhere = books.run(&["--config", "none.toml", "backup", "x"]).await;
    assert_eq!(nowhere.code, 2, "{}", nowhere.err);
    books.all_is_well(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_companys_backup_writes_nothing_here() {
    let theirs = Books::open_changed(4, |xero, _| xero.seed = 4711).await;
    theirs.all_is_well(4).await;
    theirs.backup("backup").await;
    let ours = Books::open(4).await;
    fs::copy(theirs.path("backup"), ours.path("backup")).unwrap();
    assert_eq!(ours.restored("backup", "restored").await.code, 0);
    ours.works_in("restored");
    let on = ours.run(&["sync", "--go-on"]).await;
    assert_eq!(on.code, 4, "{}{}", on.out, on.err);
    assert!(on.err.contains("but it is pinned to"), "{}", on.err);
    assert_eq!(ours.invoices().len(), 0);
}

/// The procedure of docs/backup.md, where the service was not stopped first.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn restored_under_a_sync_that_runs_the_restored_directory_stays_as_it_is() {
    let books = Books::open(40).await;
    let data = books.path("footbridge-data");
    assert_eq!(books.run(&["status"]).await.code, 0);
    assert_eq!(books.backup("b").await.code, 0);
    let slow = Fault::CommitDelayed {
        ms: 4_000,
        hold_ms: 4_000,
    };
    books
        .xero
        .faults()
        .inject(FaultRule::on(slow, "PUT", "/Invoices"));
    let sync = books.start(&["sync"]);
    let began = Instant::now();
    while books.xero.faults().fired().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(120), "nothing sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fs::rename(&data, books.path("old")).unwrap();
    let restored = books.restored("b", "footbridge-data").await;
    assert_eq!(restored.code, 0, "{}", restored.err);
    let witness = fs::read(data.join("witness.json")).unwrap();
    let ended = tokio::task::spawn_blocking(move || sync.wait_with_output().unwrap());
    let ended = ended.await.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(5), "{said}");
    assert!(said.contains("was moved, or another was put in its place"));
    assert_eq!(fs::read(data.join("witness.json")).unwrap(), witness);
    let bodies = fs::read_dir(data.join("bodies")).unwrap();
    assert_eq!(bodies.count(), 0, "the backup has none");
    let on = books.run(&["sync", "--go-on"]).await;
    assert_eq!(on.code, 0, "{}", on.err);
    let all = books.invoices().len();
    assert!(all > 20, "{all} invoices");
    books.all_is_well(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_already_is_not_asked_for_after_a_restore() {
    let books = Books::open(1).await;
    assert_eq!(books.run(&["sync"]).await.code, 0);
    assert_eq!(books.backup("b").await.code, 0);
    fs::rename(books.path("footbridge-data"), books.path("old")).unwrap();
    let data = ["Set `data` in footbridge.toml to this folder"];
    let store = ["Set `store = \"redb\"` in footbridge.toml"];
    for (into, on, asked) in [
        ("elsewhere", "sled", &data[..]),
        ("footbridge-data", "redb", &store),
        ("footbridge-data", "sled", &[]),
    ] {
        let _none_left = fs::remove_dir_all(books.path("footbridge-data"));
        let (file, folder) = (books.path("b"), books.path(into));
        let (file, folder) = (file.to_str().unwrap(), folder.to_str().unwrap());
        let restored = books
            .run(&["restore", file, "--into", folder, "--store", on])
            .await;
        assert_eq!(restored.code, 0, "{}", restored.err);
        let out = restored
            .out
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        for words in data.iter().chain(&store) {
            assert_eq!(
                out.contains(words),
                asked.contains(words),
                "{into} {on}: {out}"
            );
        }
        assert!(out.contains("before you say go. "), "{out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_written_anew_and_moved_to_the_other_store_and_the_flow_goes_on() {
    let books = Books::open(5).await;
    books.all_is_well(5).await;
    let compact = books.run(&["compact", "--json"]).await;
    assert_eq!(compact.code, 0, "{}", compact.err);
    assert!(
        compact.json()["rows"].as_u64().unwrap() > 50,
        "{}",
        compact.out
    );
    books.all_is_well(5).await;
    let moved = books.run(&["migrate", "--to", "redb"]).await;
    assert_eq!(moved.code, 0, "{}", moved.err);
    assert!(moved.out.contains("store = \"redb\""), "{}", moved.out);
    let unmade = books.path("b").display().to_string();
    let commands: [&[&str]; 4] = [
        &["status"],
        &["backup", &unmade],
        &["compact"],
        &["migrate", "--to", "redb"],
    ];
    for command in commands {
        let before = books.run(command).await;
        let said = format!("{command:?}: {}", before.err);
        assert_eq!(before.code, 5, "{said}");
        assert!(before.err.contains("holds a redb store"), "{said}");
        assert!(before.err.contains("Set `store = \"redb\"` in"), "{said}");
    }
    let text = fs::read_to_string(books.path("footbridge.toml")).unwrap();
    books.write("footbridge.toml", &format!("store = \"redb\"\n{text}"));
    books.all_is_well(5).await;
    let wrong = books.run(&["migrate", "--to", "postgres"]).await;
    assert_eq!(wrong.code, 2, "{}", wrong.out);
    assert!(wrong.err.contains("use sled or redb"), "{}", wrong.err);
    let held = footbridge_store::open(
        &books.path("footbridge-data"),
        footbridge_store::Backend::Redb,
    )
    .unwrap();
    let busy = books.run(&["migrate", "--to", "sled"]).await;
    assert_eq!(busy.code, 5, "{}", busy.out);
    assert!(busy.err.contains("is in use by process"), "{}", busy.err);
    // This process has the rows open, and writes them anew when it is asked to.
    let compacted = books.run(&["compact"]).await;
    assert_eq!(compacted.code, 0, "{}", compacted.err);
    drop(held);
    books.all_is_well(5).await;
}

/// CRC-32C, bit by bit: the file is made by hand here.
fn crc32c(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| match crc & 1 {
            1 => (crc >> 1) ^ 0x82F6_3B78,
            _ => crc >> 1,
        })
    });
    !crc
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_from_before_a_restore_is_not_offered_any_more() {
    let books = Books::open(4).await;
    let saved = books.run(&["plan", "--save", "--json"]).await.json();
    let id = saved["saved"].as_str().unwrap();
    assert_eq!(books.run(&["plan", "approve", id]).await.code, 0);
    let before = books.run(&["plan", "list"]).await.out;
    assert!(before.contains("plan apply"), "{before}");
    assert_eq!(books.backup("backup").await.code, 0);
    assert_eq!(books.restored("backup", "restored").await.code, 0);
    books.works_in("restored");
    for command in [&["plan", "list"][..], &["plan", "show", id]] {
        let told = books.run(command).await.out;
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("of an earlier epoch"), "{told}");
        assert!(!told.contains("plan apply"), "{told}");
    }
}
