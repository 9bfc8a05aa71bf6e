//! Rows written anew and killed at any moment: the old rows or the new, whole either way.
//!
//! Parent and child in one, as in `crash.rs`: the child, known by `FOOTBRIDGE_SWAP_DIR`, rewrites until it is killed.

#![cfg(unix)]

use std::process::{Command, Stdio};
use std::time::Duration;

use footbridge_store::{Backend, Key, KeyRange, OpenError, WriteSet, open, rewrite};
use rand::{Rng, SeedableRng};

const CHILD: &str = "FOOTBRIDGE_SWAP_DIR";
const ROWS: u64 = 3000;

#[test]
fn killed_at_any_moment_of_rewriting_all_rows_are_there() {
    if let Some(dir) = std::env::var_os(CHILD) {
        let dir = std::path::PathBuf::from(dir);
        loop {
            for backend in Backend::ALL {
                if dir.join(backend.name()).exists() {
                    let to = Backend::ALL
                        .into_iter()
                        .find(|other| *other != backend)
                        .unwrap();
                    rewrite(&dir, backend, to).unwrap();
                }
            }
        }
    }
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("data");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = open(&dir, Backend::Sled).unwrap();
        let set = (0..ROWS).fold(WriteSet::new(), |set, n| {
            set.put(Key::new("row").number(n), n.to_string())
        });
        store.commit(set).await.unwrap();
    });
    let rounds: u32 =
        std::env::var("FOOTBRIDGE_CRASH_ROUNDS").map_or(25, |text| text.parse().unwrap());
    let mut random = rand::rngs::StdRng::seed_from_u64(11);
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "killed_at_any_moment_of_rewriting_all_rows_are_there",
                "--exact",
                "--nocapture",
            ])
            .env(CHILD, &dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(random.random_range(20..250)));
        child.kill().unwrap();
        child.wait().unwrap();
        runtime.block_on(async {
            let (store, backend) = match open(&dir, Backend::Sled) {
                Ok(store) => (store, Backend::Sled),
                Err(OpenError::OtherBackend { found, .. }) => (open(&dir, found).unwrap(), found),
                Err(error) => panic!("round {round}: {error}"),
            };
            seen.insert(backend.name());
            let found = store.scan(&KeyRange::all(), None, 10_000).await.unwrap();
            assert_eq!(found.len(), usize::try_from(ROWS).unwrap(), "round {round}");
            for (n, (key, row)) in (0..ROWS).zip(found) {
                assert_eq!(
                    (key, row.value),
                    (Key::new("row").number(n).into(), n.to_string().into_bytes())
                );
            }
            assert_eq!(
                (
                    store.meta().epoch,
                    store.verify().await.unwrap().damaged.len()
                ),
                (1, 0)
            );
        });
    }
    assert_eq!(seen.len(), 2, "the kills never came in between: {seen:?}");
}
