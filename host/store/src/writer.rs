//! The one writer: folds waiting write sets into one durable transaction.
//!
//! Responsible for: expectations, commit numbers, the flush before any answer, stopping after a failed flush or once the
//! directory was moved.
//! Never: answers before the flush; writes after a failure. Flow: `local` sends a [`Request`], the medium writes it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::SystemTime;

use tokio::sync::oneshot;

use crate::anchor::Anchor;
use crate::flight::Flight;
use crate::frame;
use crate::lease::Terms;
use crate::local::row_key;
use crate::medium::{Change, Medium, MediumError, Slot};
use crate::stopped::{Poison, Stopped};
use crate::swap::{self, Rewritten};
use crate::witness::Witness;
use crate::{
    Backend, BackupError, CommitError, Damaged, Expectation, Fence, Lease, LeaseError, Seq,
    StoreMeta, WriteSet,
};

/// The last commit's number, as the commit number of an empty row.
pub(crate) const META_SEQ: &[u8] = b"\x00seq";
/// Commits between two notes of the witness.
const WITNESS_EVERY: u64 = 1000;
/// A fold ends at so many requests or bytes.
const FOLD_REQUESTS: usize = 256;
const FOLD_BYTES: usize = 4 * 1024 * 1024;

/// What can be asked of the writer, with the way to answer.
pub(crate) enum Request {
    Commit {
        set: WriteSet,
        answer: oneshot::Sender<Result<Seq, CommitError>>,
    },
    Claim {
        wish: Claim,
        answer: oneshot::Sender<Result<Lease, LeaseError>>,
    },
    Renew {
        lease: Lease,
        until: SystemTime,
        answer: oneshot::Sender<Result<Lease, LeaseError>>,
    },
    Release {
        lease: Lease,
        answer: oneshot::Sender<Result<(), LeaseError>>,
    },
    /// From now on whatever lands is laid down in `tap` as well.
    Tap {
        tap: Sender<Vec<Change>>,
        answer: Sender<()>,
    },
    /// All rows are written anew; whoever commits waits meanwhile.
    Rewrite {
        dir: PathBuf,
        backend: Backend,
        answer: Sender<Result<Rewritten, BackupError>>,
    },
    /// No longer. The answer: the last commit that was laid down, or why the store stopped.
    Untap {
        answer: Sender<Result<Seq, Stopped>>,
    },
}

/// A lease someone wants.
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) holder: String,
    pub(crate) now: SystemTime,
    pub(crate) until: SystemTime,
}

pub(crate) struct Writer {
    pub(crate) medium: Arc<Slot>,
    pub(crate) flight: Arc<Flight>,
    pub(crate) poison: Poison,
    pub(crate) last: Seq,
    pub(crate) terms: Terms,
    /// `None` only for a store without a directory, as is the witness.
    pub(crate) anchor: Option<Anchor>,
    pub(crate) witness: Option<(Witness, StoreMeta)>,
    pub(crate) witnessed: Seq,
    /// Where a backup wants what lands.
    pub(crate) tap: Option<Sender<Vec<Change>>>,
}

/// An answer held back until the flush.
enum Pending {
    Commit(oneshot::Sender<Result<Seq, CommitError>>, Seq),
    Claim(oneshot::Sender<Result<Lease, LeaseError>>, Lease),
}

/// The changes of one fold; a later write set sees those of an earlier one.
#[derive(Default)]
struct Fold {
    staged: BTreeMap<Vec<u8>, Option<(Seq, Vec<u8>)>>,
    pending: Vec<Pending>,
    bytes: usize,
}

impl Writer {
    /// Serves until the store is dropped.
    pub(crate) fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut fold = Fold::default();
            self.take(first, &mut fold);
            while fold.pending.len() < FOLD_REQUESTS && fold.bytes < FOLD_BYTES {
                match requests.try_recv() {
                    Ok(next) => self.take(next, &mut fold),
                    Err(_) => break,
                }
            }
            self.land(fold);
            if self.last.0 - self.witnessed.0 >= WITNESS_EVERY {
                self.bear_witness();
            }
        }
        if self.last > self.witnessed {
            self.bear_witness();
        }
    }

    /// Rows are safe without it: a failure is told and tried again later.
    fn bear_witness(&mut self) {
        if self.stay().is_err() {
            return;
        }
        if let Some((witness, meta)) = &self.witness {
            // Asked again in between: put into another directory, the note would say of that one that it lost its latest commits.
            let noted = witness.draft(meta, self.last).and_then(|draft| {
                self.stay().map_err(io::Error::other)?;
                draft.put()
            });
            if let Err(error) = noted {
                tracing::warn!(%error, "witness.json could not be written");
            }
            self.witnessed = self.last;
        }
    }

    /// Refuses once the store has stopped, and stops it where the directory isn't the one that was opened.
    fn stay(&self) -> Result<(), CommitError> {
        self.alive()?;
        let held = self.anchor.as_ref().map_or(Ok(()), Anchor::check);
        held.map_err(|moved| {
            tracing::error!(%moved, "the store stops");
            self.poison
                .get_or_init(|| Stopped::Moved(moved))
                .clone()
                .into()
        })
    }

    /// Refuses a request at once or stages it. A receiver that is gone needs no answer.
    fn take(&mut self, request: Request, fold: &mut Fold) {
        match request {
            Request::Commit { set, answer } => match self.stage(set, fold) {
                Ok(seq) => fold.pending.push(Pending::Commit(answer, seq)),
                Err(refusal) => drop(answer.send(Err(refusal))),
            },
            Request::Claim { wish, answer } => match self.claim(wish) {
                Ok(lease) => fold.pending.push(Pending::Claim(answer, lease)),
                Err(refusal) => drop(answer.send(Err(refusal))),
            },
            Request::Renew {
                lease,
                until,
                answer,
            } => drop(answer.send(self.renew(lease, until))),
            Request::Release { lease, answer } => drop(answer.send(self.release(&lease))),
            Request::Tap { tap, answer } => {
                self.tap = Some(tap);
                // A backup that was given up needs no answer.
                let _ = answer.send(());
            }
            Request::Rewrite {
                dir,
                backend,
                answer,
            } => {
                self.land(std::mem::take(fold));
                // Whoever asked and is gone finds the rows as they are.
                drop(answer.send(self.rewrite(&dir, backend)));
            }
            Request::Untap { answer } => {
                // What was staged before is part of what is asked for.
                self.land(std::mem::take(fold));
                self.tap = None;
                let last = self
                    .poison
                    .get()
                    .map_or(Ok(self.last), |why| Err(why.clone()));
                drop(answer.send(last));
            }
        }
    }

    fn rewrite(&self, dir: &Path, backend: Backend) -> Result<Rewritten, BackupError> {
        let stay = || {
            let stays = self.stay();
            stays.map_err(|stopped| BackupError::Refused(stopped.to_string()))
        };
        stay()?;
        let rewritten = swap::rewrite_open(dir, backend, &self.medium, &stay, &mut |_| Ok(()));
        if let (Err(error), true) = (&rewritten, self.medium.is_empty()) {
            self.poisoned_by(error.to_string());
        }
        rewritten
    }

    fn stage(&mut self, set: WriteSet, fold: &mut Fold) -> Result<Seq, CommitError> {
        self.alive()?;
        for expect in &set.expect {
            let holds = match expect.is {
                Expectation::Held(fence) => std::str::from_utf8(&expect.key)
                    .is_ok_and(|name| self.terms.is_current(name, fence)),
                Expectation::Absent => self.current(&expect.key, fold)?.is_none(),
                Expectation::At(seq) => self.current(&expect.key, fold)? == Some(seq),
            };
            if !holds {
                return Err(CommitError::Conflict {
                    key: expect.key.clone(),
                });
            }
        }
        let seq = self.next();
        fold.bytes += set.weight();
        for (key, value) in set.puts {
            fold.staged.insert(row_key(&key), Some((seq, value)));
        }
        for key in set.deletes {
            fold.staged.insert(row_key(&key), None);
        }
        Ok(seq)
    }

    /// The commit a row was last written by, with what this fold has staged.
    fn current(&self, key: &[u8], fold: &Fold) -> Result<Option<Seq>, CommitError> {
        let raw = row_key(key);
        if let Some(staged) = fold.staged.get(&raw) {
            return Ok(staged.as_ref().map(|(seq, _)| *seq));
        }
        match self.medium.read(&raw) {
            Ok(Some(found)) => Ok(Some(frame::open(&raw, &found)?.seq)),
            Ok(None) => Ok(None),
            Err(MediumError::Damaged(reason)) => Err(Damaged {
                key: key.to_vec(),
                reason,
            }
            .into()),
            Err(MediumError::Failed(reason) | MediumError::Full(reason)) => {
                Err(self.poisoned_by(reason))
            }
        }
    }

    fn claim(&mut self, wish: Claim) -> Result<Lease, LeaseError> {
        self.alive()?;
        if let Some(other) = self.terms.barring(&wish.name, wish.now) {
            return Err(LeaseError::Held {
                name: wish.name,
                holder: other.holder.clone(),
                until: other.until,
            });
        }
        let fence = Fence(self.next().0);
        let lease = Lease {
            name: wish.name,
            holder: wish.holder,
            fence,
            until: wish.until,
        };
        self.terms.set(lease.clone());
        Ok(lease)
    }

    fn renew(&mut self, lease: Lease, until: SystemTime) -> Result<Lease, LeaseError> {
        self.held(&lease)?;
        let renewed = Lease { until, ..lease };
        self.terms.set(renewed.clone());
        Ok(renewed)
    }

    fn release(&mut self, lease: &Lease) -> Result<(), LeaseError> {
        self.held(lease)?;
        self.terms.remove(&lease.name);
        Ok(())
    }

    fn held(&self, lease: &Lease) -> Result<(), LeaseError> {
        self.alive()?;
        if self.terms.is_current(&lease.name, lease.fence) {
            Ok(())
        } else {
            Err(LeaseError::Lost {
                name: lease.name.clone(),
            })
        }
    }

    fn next(&mut self) -> Seq {
        self.last = Seq(self.last.0 + 1);
        self.last
    }

    fn alive(&self) -> Result<(), CommitError> {
        match self.poison.get() {
            Some(stopped) => Err(stopped.clone().into()),
            None => Ok(()),
        }
    }

    /// Stops the store for a write that failed.
    fn poisoned_by(&self, reason: String) -> CommitError {
        tracing::error!(reason, "the store stops: a write could not be flushed");
        self.poison
            .get_or_init(|| Stopped::Unflushed(reason.clone()));
        CommitError::Io(reason)
    }

    /// Writes the fold, flushes, answers.
    fn land(&self, fold: Fold) {
        if fold.pending.is_empty() {
            return;
        }
        let outcome = self.stay().and_then(|()| self.write(&fold.staged));
        for pending in fold.pending {
            match (pending, &outcome) {
                (Pending::Commit(answer, seq), Ok(())) => drop(answer.send(Ok(seq))),
                (Pending::Commit(answer, _), Err(error)) => drop(answer.send(Err(error.clone()))),
                (Pending::Claim(answer, lease), Ok(())) => drop(answer.send(Ok(lease))),
                (Pending::Claim(answer, _), Err(error)) => {
                    drop(answer.send(Err(error.clone().into())));
                }
            }
        }
    }

    fn write(&self, staged: &BTreeMap<Vec<u8>, Option<(Seq, Vec<u8>)>>) -> Result<(), CommitError> {
        let mut changes: Vec<Change> = staged
            .iter()
            .map(|(key, row)| {
                (
                    key.clone(),
                    row.as_ref()
                        .map(|(seq, value)| frame::seal(key, *seq, value)),
                )
            })
            .collect();
        changes.push((
            META_SEQ.to_vec(),
            Some(frame::seal(META_SEQ, self.last, &[])),
        ));
        self.flight.begin(staged.keys().cloned().collect());
        let written = self
            .medium
            .write_durably(&changes)
            .map_err(|error| self.poisoned_by(error.to_string()));
        self.flight.end();
        if let (Ok(()), Some(tap)) = (&written, &self.tap) {
            // A backup that was given up takes no more.
            let _ = tap.send(changes);
        }
        written
    }
}
