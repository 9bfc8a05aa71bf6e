//! Random histories on every backend, against a map in memory.
//!
//! Responsible for: commits, expectations, scans and reopening in any order giving what the model gives.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::collections::BTreeMap;

use footbridge_store::{Backend, CommitError, KeyRange, Seq, WriteSet, open};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Commit {
        expect: Vec<(u8, Guess)>,
        puts: BTreeMap<u8, Vec<u8>>,
        deletes: Vec<u8>,
    },
    Scan {
        from: u8,
        to: u8,
        after: Option<u8>,
        limit: usize,
    },
    Reopen,
}

/// What a caller believes of a key.
#[derive(Clone, Copy, Debug)]
enum Guess {
    /// What is so.
    Right,
    Absent,
    AtFirst,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..12u8;
    let guess =
        prop_oneof![4 => Just(Guess::Right), 1 => Just(Guess::Absent), 1 => Just(Guess::AtFirst)];
    let value = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        Just(vec![7; 9000])
    ];
    let commit = (
        proptest::collection::vec((key.clone(), guess), 0..3),
        proptest::collection::btree_map(key.clone(), value, 0..5),
        proptest::collection::vec(key.clone(), 0..3),
    );
    prop_oneof![
        8 => commit.prop_map(|(expect, puts, mut deletes)| {
            deletes.retain(|key| !puts.contains_key(key));
            deletes.sort_unstable();
            deletes.dedup();
            Step::Commit { expect, puts, deletes }
        }),
        3 => (key.clone(), key.clone(), proptest::option::of(key), 0..6usize)
            .prop_map(|(from, to, after, limit)| Step::Scan { from, to, after, limit }),
        1 => Just(Step::Reopen),
    ]
}

/// Keys of one to three bytes, so that some begin like others.
fn name(key: u8) -> Vec<u8> {
    let (head, tail) = (key / 3, usize::from(key % 3));
    [vec![head], vec![0xFF; tail]].concat()
}

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Seq)>;

async fn history(backend: Backend, steps: Vec<Step>) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), backend).unwrap();
    let mut model = Model::new();
    let mut last = Seq(0);
    for step in steps {
        match step {
            Step::Commit {
                expect,
                puts,
                deletes,
            } => {
                let mut set = WriteSet::new();
                let mut wrong = None;
                for (key, guess) in expect {
                    let key = name(key);
                    let is = model.get(&key).map(|(_, seq)| *seq);
                    let believed = match guess {
                        Guess::Right => is,
                        Guess::Absent => None,
                        Guess::AtFirst => Some(Seq(1)),
                    };
                    if believed != is {
                        wrong.get_or_insert(key.clone());
                    }
                    set = set.as_read(key, believed);
                }
                set = puts
                    .iter()
                    .fold(set, |set, (key, value)| set.put(name(*key), value.clone()));
                set = deletes.iter().fold(set, |set, key| set.delete(name(*key)));
                match (store.commit(set).await, wrong) {
                    (Ok(seq), None) => {
                        assert!(seq > last);
                        last = seq;
                        model.extend(
                            puts.into_iter()
                                .map(|(key, value)| (name(key), (value, seq))),
                        );
                        model.retain(|key, _| !deletes.iter().any(|gone| name(*gone) == *key));
                    }
                    (Err(CommitError::Conflict { key }), Some(wrong)) => assert_eq!(key, wrong),
                    (answer, wrong) => {
                        assert!(answer.is_err() == wrong.is_some(), "{answer:?} {wrong:?}")
                    }
                }
            }
            Step::Scan {
                from,
                to,
                after,
                limit,
            } => {
                let after = after.map(name);
                let found = store
                    .scan(
                        &KeyRange::between(name(from), name(to)),
                        after.as_deref(),
                        limit,
                    )
                    .await;
                let in_range = |key: &&Vec<u8>| {
                    **key >= name(from)
                        && **key < name(to)
                        && after.as_ref().is_none_or(|after| *key > after)
                };
                let expected: Vec<_> = model.keys().filter(in_range).take(limit).cloned().collect();
                let found: Vec<_> = found.unwrap().into_iter().map(|(key, _)| key).collect();
                assert_eq!(found, expected);
            }
            Step::Reopen => {
                drop(store);
                store = open(dir.path(), backend).unwrap();
            }
        }
    }
    let all = store
        .scan(&KeyRange::all(), None, usize::MAX)
        .await
        .unwrap();
    let all: Model = all
        .into_iter()
        .map(|(key, row)| (key, (row.value, row.seq)))
        .collect();
    assert_eq!(all, model);
}

fn histories(backend: Backend) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let config = ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(steps in proptest::collection::vec(step(), 1..50))| {
        runtime.block_on(history(backend, steps));
    });
}

#[test]
fn sled_gives_what_the_model_gives() {
    histories(Backend::Sled);
}

#[test]
fn redb_gives_what_the_model_gives() {
    histories(Backend::Redb);
}
