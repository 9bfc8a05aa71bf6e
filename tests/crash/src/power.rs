//! A power cut, played after the program was killed. SIGKILL leaves what was written in the page cache; a power cut doesn't: of what was not
//! synced, some has arrived on the disk, some hasn't, some in part.
//!
//! What was written and not yet synced is known from the notes of `tests/crash/power`, a library that the program is started with. It never
//! undoes what was synced, except where it is asked to ([`lose_the_end`]): a disk that forgets what it had confirmed.
//! Not played: names of files that were made or renamed and whose folder was not synced; they are taken to have arrived.

use crate::binary;
use anyhow::{Context, bail};
use rand::Rng;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// The library that takes notes.
#[derive(Debug, Clone)]
pub struct Power {
    library: PathBuf,
}

impl Power {
    /// Builds it.
    ///
    /// # Errors
    /// It can't be built; cargo's own words went to standard error.
    pub fn prepare() -> anyhow::Result<Self> {
        let library = binary::built(
            "footbridge-crash-power",
            &format!(
                "{}footbridge_crash_power{}",
                std::env::consts::DLL_PREFIX,
                std::env::consts::DLL_SUFFIX
            ),
        )?;
        Ok(Self { library })
    }

    /// What a program is started with that shall be noted.
    pub fn environment(&self, folder: &Path, notes: &Path) -> Vec<(&'static str, OsString)> {
        vec![
            ("LD_PRELOAD", self.library.clone().into()),
            ("FOOTBRIDGE_POWER_FOLDER", folder.into()),
            ("FOOTBRIDGE_POWER_NOTES", notes.into()),
        ]
    }
}

/// What was undone.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Writes that were not synced.
    pub unsynced: usize,
    /// Of those, writes that did not arrive, or not whole.
    pub undone: usize,
    /// Syncs that were noted: none means that nothing was noted at all.
    pub syncs: usize,
}

#[derive(Debug)]
struct Note {
    position: u64,
    inode: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Written {
        offset: usize,
        length: usize,
        old: Vec<u8>,
        size_before: usize,
    },
    Truncated {
        size: usize,
        old: Vec<u8>,
        size_before: usize,
    },
    Synced {
        /// Notes of the file before this position are on the disk.
        up_to: u64,
    },
}

/// Cuts the power: each write below `folder` that the notes don't show as synced has arrived, or not, or in part.
///
/// # Errors
/// The notes or a file can't be read or written.
pub fn cut(folder: &Path, notes: &Path, dice: &mut StdRng) -> anyhow::Result<Cut> {
    let notes = read(notes)?;
    let mut cut = Cut {
        syncs: syncs(&notes).len(),
        ..Cut::default()
    };
    // Now and then nothing arrived: the plain end of a log.
    let all_lost = dice.random_ratio(1, 3);
    for (inode, path) in files(folder)? {
        let own: Vec<&Note> = notes.iter().filter(|note| note.inode == inode).collect();
        let synced = own.iter().filter_map(|note| match note.what {
            What::Synced { up_to } => Some(up_to),
            _ => None,
        });
        let from = synced.max().unwrap_or(0);
        let open = changes(&own, from);
        if open.is_empty() {
            continue;
        }
        let mut content = std::fs::read(&path)?;
        let redo = undo(&mut content, &open);
        for (note, new) in open.iter().zip(redo.into_iter().rev()) {
            cut.unsynced += 1;
            let arrived = match all_lost {
                true => Arrived::Not,
                false => Arrived::drawn(dice),
            };
            cut.undone += usize::from(arrived != Arrived::Whole);
            again(&mut content, note, new, arrived, dice);
        }
        std::fs::write(&path, content).with_context(|| path.display().to_string())?;
    }
    Ok(cut)
}

/// Undoes what the last `flushes` syncs with something to sync had confirmed, of the file with most notes: a disk that lost it. Says how many
/// writes that were.
///
/// # Errors
/// The notes or the file can't be read or written, or there were not so many.
pub fn lose_the_end(folder: &Path, notes: &Path, flushes: usize) -> anyhow::Result<usize> {
    let notes = read(notes)?;
    let most = files(folder)?
        .into_iter()
        .map(|(inode, path)| {
            let own: Vec<&Note> = notes.iter().filter(|note| note.inode == inode).collect();
            (own, path)
        })
        .max_by_key(|(own, _)| own.len());
    let Some((own, path)) = most else {
        bail!("nothing was noted below {}", folder.display());
    };
    let synced: Vec<u64> = own
        .iter()
        .filter_map(|note| match note.what {
            What::Synced { up_to } => Some(up_to),
            _ => None,
        })
        .collect();
    // Changes between the same two syncs belong together; a sync of nothing loses nothing.
    let mut begins: BTreeMap<usize, u64> = BTreeMap::new();
    for change in changes(&own, 0) {
        let group = synced.iter().filter(|up_to| **up_to <= change.position);
        begins.entry(group.count()).or_insert(change.position);
    }
    let Some(from) = begins.values().rev().nth(flushes.saturating_sub(1)) else {
        bail!("{} was written {} times only", path.display(), begins.len());
    };
    let open = changes(&own, *from);
    let mut content = std::fs::read(&path)?;
    undo(&mut content, &open);
    std::fs::write(&path, content).with_context(|| path.display().to_string())?;
    Ok(open.len())
}

/// What happens to a write that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrived {
    Whole,
    Not,
    /// The file is as long as if it had, and holds zeros.
    AsZeros,
    /// Some sectors of it.
    InPart,
    /// Some sectors hold neither the old nor the new.
    Garbled,
}

impl Arrived {
    fn drawn(dice: &mut StdRng) -> Self {
        match dice.random_range(0..10) {
            0..3 => Self::Whole,
            3..5 => Self::Not,
            5 => Self::AsZeros,
            6..9 => Self::InPart,
            _ => Self::Garbled,
        }
    }
}

fn changes<'a>(own: &[&'a Note], from: u64) -> Vec<&'a Note> {
    own.iter()
        .copied()
        .filter(|note| note.position >= from && !matches!(note.what, What::Synced { .. }))
        .collect()
}

/// Takes the changes back, the last first; gives what each had written, in that order.
fn undo(content: &mut Vec<u8>, open: &[&Note]) -> Vec<Vec<u8>> {
    let mut written = Vec::new();
    for note in open.iter().rev() {
        match &note.what {
            What::Written {
                offset,
                length,
                old,
                size_before,
            } => {
                let end = (offset + length).min(content.len());
                let new = content.get(*offset..end).unwrap_or_default();
                written.push(new.to_vec());
                put(content, *offset, old);
                content.truncate(*size_before);
            }
            What::Truncated {
                size,
                old,
                size_before,
            } => {
                written.push(Vec::new());
                content.resize(*size_before, 0);
                put(content, *size, old);
            }
            What::Synced { .. } => {}
        }
    }
    written
}

/// Does a change again, as far as it arrived.
fn again(content: &mut Vec<u8>, note: &Note, new: Vec<u8>, arrived: Arrived, dice: &mut StdRng) {
    match (&note.what, arrived) {
        (_, Arrived::Not) | (What::Synced { .. }, _) => {}
        (What::Truncated { size, .. }, _) => content.resize(*size, 0),
        (What::Written { offset, .. }, Arrived::Whole) => put(content, *offset, &new),
        (What::Written { offset, .. }, Arrived::AsZeros) => {
            if content.len() < offset + new.len() {
                content.resize(offset + new.len(), 0);
            }
        }
        (What::Written { offset, .. }, Arrived::InPart) => {
            for (n, sector) in new.chunks(SECTOR).enumerate() {
                if dice.random() {
                    put(content, offset + n * SECTOR, sector);
                }
            }
        }
        (What::Written { offset, .. }, Arrived::Garbled) => {
            for (n, sector) in new.chunks(SECTOR).enumerate() {
                let mut sector = sector.to_vec();
                if dice.random_ratio(1, 8) {
                    sector.iter_mut().for_each(|byte| *byte = dice.random());
                }
                put(content, offset + n * SECTOR, &sector);
            }
        }
    }
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if content.len() < offset + bytes.len() {
        content.resize(offset + bytes.len(), 0);
    }
    if let Some(place) = content.get_mut(offset..offset + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn syncs(notes: &[Note]) -> Vec<&Note> {
    let sync = |note: &&Note| matches!(note.what, What::Synced { .. });
    notes.iter().filter(sync).collect()
}

/// Plain files below a folder by their inodes.
fn files(folder: &Path) -> anyhow::Result<BTreeMap<u64, PathBuf>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.insert(std::fs::metadata(&path)?.ino(), path);
        }
    }
    Ok(found)
}

/// Reads the notes; what the kill cut off at their end is passed over: that write had not begun.
fn read(file: &Path) -> anyhow::Result<Vec<Note>> {
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(other) => return Err(other).context(file.display().to_string()),
    };
    let mut notes = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            break;
        };
        let head = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let (kind, figures) = head.split_once(' ').context("a note without figures")?;
        let figures: Vec<u64> = figures
            .split(' ')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .with_context(|| format!("the note {head:?}"))?;
        let size = |figure: u64| usize::try_from(figure).unwrap_or(usize::MAX);
        let bytes = |length: u64| {
            let start = end + 1;
            rest.get(start..start + size(length)).map(<[u8]>::to_vec)
        };
        let position = u64::try_from(at)?;
        let (inode, what, length) = match (kind, figures.as_slice()) {
            ("W", &[inode, offset, length, old_length, size_before]) => {
                let Some(old) = bytes(old_length) else { break };
                let what = What::Written {
                    offset: size(offset),
                    length: size(length),
                    old,
                    size_before: size(size_before),
                };
                (inode, what, old_length)
            }
            ("T", &[inode, cut, old_length, size_before]) => {
                let Some(old) = bytes(old_length) else { break };
                let what = What::Truncated {
                    size: size(cut),
                    old,
                    size_before: size(size_before),
                };
                (inode, what, old_length)
            }
            ("S", &[inode, up_to]) => (inode, What::Synced { up_to }, 0),
            _ => bail!("the note {head:?} is not understood"),
        };
        notes.push(Note {
            position,
            inode,
            what,
        });
        at += end + 1 + size(length);
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    /// A file of 1,200 bytes `a`, synced; then 600 bytes `b` at 900, 100 bytes `c` at 100, not synced.
    fn stage() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (file, notes) = (folder.path().join("data/db"), folder.path().join("notes"));
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let mut content = vec![b'a'; 1_200];
        put(&mut content, 900, &[b'b'; 600]);
        put(&mut content, 100, &[b'c'; 100]);
        std::fs::write(&file, content).unwrap();
        let inode = std::fs::metadata(&file).unwrap().ino();
        let mut text = format!("W {inode} 0 1200 0 0\n");
        let synced = text.len();
        text += &format!(
            "S {inode} {synced}\nW {inode} 900 600 300 1200\n{}",
            "a".repeat(300)
        );
        text += &format!("W {inode} 100 100 100 1500\n{}W {inode} 5", "a".repeat(100));
        std::fs::write(&notes, text).unwrap();
        (folder, file, notes)
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_arrives_in_every_way() {
        let mut outcomes = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let (folder, file, notes) = stage();
            let mut dice = StdRng::seed_from_u64(seed);
            let cut = cut(&folder.path().join("data"), &notes, &mut dice).unwrap();
            assert_eq!((cut.unsynced, cut.syncs), (2, 1));
            let content = std::fs::read(&file).unwrap();
            let untouched = |range: std::ops::Range<usize>| {
                content.get(range).unwrap().iter().all(|byte| *byte == b'a')
            };
            assert!(untouched(0..100) && untouched(200..900), "seed {seed}");
            assert!((1_200..=1_500).contains(&content.len()));
            if cut.undone == 0 {
                assert_eq!(content.get(1_499), Some(&b'b'));
            }
            outcomes.insert((
                content.len(),
                content.get(1_000).copied(),
                content.get(150).copied(),
            ));
        }
        assert!(outcomes.len() > 4, "{outcomes:?}");
        assert!(
            outcomes.contains(&(1_200, Some(b'a'), Some(b'a'))),
            "all lost"
        );
        assert!(
            outcomes.contains(&(1_500, Some(b'b'), Some(b'c'))),
            "all there"
        );
    }

    #[test]
    fn an_end_is_lost_as_far_as_it_is_asked_for() {
        let (folder, file, notes) = stage();
        let inode = std::fs::metadata(&file).unwrap().ino();
        let mut text = std::fs::read_to_string(&notes).unwrap();
        text.truncate(text.len() - format!("W {inode} 5").len());
        text += &format!("S {inode} {}\n", text.len());
        std::fs::write(&notes, text).unwrap();
        let lost = lose_the_end(&folder.path().join("data"), &notes, 1).unwrap();
        assert_eq!(lost, 2);
        assert_eq!(std::fs::read(&file).unwrap(), vec![b'a'; 1_200]);
    }
}
