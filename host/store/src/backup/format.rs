//! The file of a backup, byte by byte.
//!
//! Responsible for: one encoding in which a cut, a flipped bit and a stranger's file are told apart from a whole backup.
//! Never: decides what goes in. Flow: `take` seals, `read` opens.
//!
//! Layout: a line of text, then records: kind (1) | length (4) | crc32c over both and the content (4) | content; numbers big
//! end first. First the header, then rows, changes and bodies in the order in which they must be applied, last the trailer
//! with counts and the SHA-256 of everything before it. A row's value stands in the frame that it is stored in.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::key::hex;
use crate::{BodyDigest, StoreMeta, frame};

/// The format this program writes; it reads this and older ones.
pub(crate) const FORMAT: u32 = 1;
/// What a backup begins with.
pub(crate) const MAGIC: &[u8] = b"footbridge-backup\n";

/// The first record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u32,
    pub(crate) store: StoreMeta,
    pub(crate) backend: String,
    /// Seconds since 1970, UTC.
    pub(crate) taken_at: u64,
}

/// All that is read of a header before its format is known.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// How much of each there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) rows: u64,
    pub(crate) changes: u64,
    pub(crate) bodies: u64,
}

/// The last record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trailer {
    /// The commit that the rows are of, once all changes are applied.
    pub(crate) commit: u64,
    pub(crate) counts: Counts,
    /// SHA-256 of every byte before this record.
    pub(crate) digest: String,
}

/// What lies between header and trailer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// A stored row as it was found: key and frame.
    Row(Vec<u8>, Vec<u8>),
    /// A stored row as it was written while the backup was taken; no frame: it was removed.
    Change(Vec<u8>, Option<Vec<u8>>),
    /// A body.
    Body(BodyDigest, Vec<u8>),
}

const HEADER: u8 = b'H';
const ROW: u8 = b'R';
const PUT: u8 = b'P';
const DELETE: u8 = b'D';
const BODY: u8 = b'B';
const TRAILER: u8 = b'T';

/// Why a file can't be read on.
#[derive(Debug)]
pub(crate) enum Fault {
    Io(io::Error),
    NotABackup,
    Newer(u32),
    CutShort,
    Broken(String),
}

/// Writes a backup.
pub(crate) struct Sealer<W> {
    out: W,
    digest: Sha256,
    counts: Counts,
}

impl<W: Write> Sealer<W> {
    pub(crate) fn new(mut out: W, header: &Header) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        let mut sealer = Self {
            out,
            digest: Sha256::new_with_prefix(MAGIC),
            counts: Counts::default(),
        };
        sealer.write(HEADER, &[&serde_json::to_vec(header)?])?;
        Ok(sealer)
    }

    pub(crate) fn record(&mut self, record: &Record) -> io::Result<()> {
        match record {
            Record::Row(key, frame) => {
                self.counts.rows += 1;
                self.write(ROW, &[&length(key)?, key, frame])
            }
            Record::Change(key, Some(frame)) => {
                self.counts.changes += 1;
                self.write(PUT, &[&length(key)?, key, frame])
            }
            Record::Change(key, None) => {
                self.counts.changes += 1;
                self.write(DELETE, &[key])
            }
            Record::Body(digest, bytes) => {
                self.counts.bodies += 1;
                self.write(BODY, &[digest.bytes(), bytes])
            }
        }
    }

    /// Writes the trailer and gives the writer back.
    pub(crate) fn finish(mut self, commit: u64) -> io::Result<W> {
        let trailer = Trailer {
            commit,
            counts: self.counts,
            digest: hex(&self.digest.clone().finalize()),
        };
        self.write(TRAILER, &[&serde_json::to_vec(&trailer)?])?;
        Ok(self.out)
    }

    fn write(&mut self, kind: u8, parts: &[&[u8]]) -> io::Result<()> {
        let len = length_of(parts.iter().map(|part| part.len()).sum())?;
        let mut sum = crc32c::crc32c_append(crc32c::crc32c(&[kind]), &len);
        for part in parts {
            sum = crc32c::crc32c_append(sum, part);
        }
        let sum = sum.to_be_bytes();
        for part in [&[kind][..], &len, &sum]
            .into_iter()
            .chain(parts.iter().copied())
        {
            self.out.write_all(part)?;
            self.digest.update(part);
        }
        Ok(())
    }
}

fn length_of(len: usize) -> io::Result<[u8; 4]> {
    let len = u32::try_from(len).map_err(|_| io::Error::other("a record of over 4 GiB"))?;
    Ok(len.to_be_bytes())
}

fn length(part: &[u8]) -> io::Result<[u8; 4]> {
    length_of(part.len())
}

/// Reads a backup, record by record. Nothing that it gives may be used before it gave the trailer.
pub(crate) struct Opener<R> {
    input: R,
    digest: Sha256,
    counts: Counts,
    latest: u64,
    /// Bytes before the record that is read now.
    pub(crate) at: u64,
}

/// What comes next.
pub(crate) enum Next {
    Record(Record),
    End(Trailer),
}

impl<R: Read> Opener<R> {
    /// Reads up to the first record after the header.
    pub(crate) fn new(mut input: R) -> Result<(Self, Header), Fault> {
        let mut magic = Vec::new();
        let wanted = MAGIC.len();
        fill(&mut input, wanted, &mut magic).map_err(Fault::Io)?;
        if magic != MAGIC {
            // A beginning of ours and nothing else is one that was cut, be it before its first byte.
            return Err(match MAGIC.starts_with(&magic) {
                true => Fault::CutShort,
                false => Fault::NotABackup,
            });
        }
        let mut opener = Self {
            input,
            digest: Sha256::new_with_prefix(MAGIC),
            counts: Counts::default(),
            latest: 0,
            at: u64::try_from(wanted).unwrap_or_default(),
        };
        let (kind, content, _) = opener.read()?;
        if kind != HEADER {
            return Err(Fault::Broken("it has no header".to_owned()));
        }
        let Version { format } = parse(&content, "its header")?;
        if format > FORMAT {
            return Err(Fault::Newer(format));
        }
        let header = parse(&content, "its header")?;
        opener.step(&content);
        Ok((opener, header))
    }

    pub(crate) fn next(&mut self) -> Result<Next, Fault> {
        let (kind, content, before) = self.read()?;
        let next = match kind {
            TRAILER => Next::End(self.trailer(&content, &before)?),
            ROW => {
                self.counts.rows += 1;
                let (key, frame) = self.row(&content)?;
                Next::Record(Record::Row(key, frame))
            }
            PUT => {
                self.counts.changes += 1;
                let (key, frame) = self.row(&content)?;
                Next::Record(Record::Change(key, Some(frame)))
            }
            DELETE => {
                self.counts.changes += 1;
                Next::Record(Record::Change(content.clone(), None))
            }
            BODY => {
                self.counts.bodies += 1;
                let (digest, bytes) = content
                    .split_first_chunk::<32>()
                    .ok_or_else(|| Fault::Broken("a body is too short".to_owned()))?;
                let found = BodyDigest::of(bytes);
                if found.bytes() != digest {
                    return Err(Fault::Broken(format!(
                        "the body {found} has another digest"
                    )));
                }
                Next::Record(Record::Body(found, bytes.to_vec()))
            }
            other => {
                return Err(Fault::Broken(format!(
                    "a record of the unknown kind {other}"
                )));
            }
        };
        self.step(&content);
        Ok(next)
    }

    fn row(&mut self, content: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        let broken = |what: &str| Fault::Broken(what.to_owned());
        let (len, rest) = content
            .split_first_chunk::<4>()
            .ok_or_else(|| broken("a row is too short"))?;
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        let (key, sealed) = rest
            .split_at_checked(len)
            .ok_or_else(|| broken("a row is too short"))?;
        let row = frame::open(key, sealed).map_err(|damaged| Fault::Broken(damaged.reason))?;
        self.latest = self.latest.max(row.seq.0);
        Ok((key.to_vec(), sealed.to_vec()))
    }

    fn trailer(&mut self, content: &[u8], before: &Sha256) -> Result<Trailer, Fault> {
        let trailer: Trailer = parse(content, "its last record")?;
        if trailer.digest != hex(&before.clone().finalize()) {
            return Err(Fault::Broken("its digest does not match".to_owned()));
        }
        if trailer.counts != self.counts {
            return Err(Fault::Broken("records are missing".to_owned()));
        }
        if trailer.commit < self.latest {
            return Err(Fault::Broken("it holds a row of a later commit".to_owned()));
        }
        let mut more = Vec::new();
        fill(&mut self.input, 1, &mut more).map_err(Fault::Io)?;
        match more.is_empty() {
            true => Ok(trailer),
            false => Err(Fault::Broken(
                "something follows its last record".to_owned(),
            )),
        }
    }

    /// A record that passed its check, and the digest of everything before it.
    fn read(&mut self) -> Result<(u8, Vec<u8>, Sha256), Fault> {
        let mut head = Vec::new();
        fill(&mut self.input, 9, &mut head).map_err(Fault::Io)?;
        let Ok(head) = <[u8; 9]>::try_from(head.as_slice()) else {
            return Err(Fault::CutShort);
        };
        let [kind, a, b, c, d, sum @ ..] = head;
        let len = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let mut content = Vec::new();
        fill(&mut self.input, len, &mut content).map_err(Fault::Io)?;
        if content.len() < len {
            return Err(Fault::CutShort);
        }
        let found = crc32c::crc32c_append(crc32c::crc32c(&[kind, a, b, c, d]), &content);
        if found != u32::from_be_bytes(sum) {
            return Err(Fault::Broken("a checksum does not match".to_owned()));
        }
        let before = self.digest.clone();
        self.digest.update(head);
        self.digest.update(&content);
        Ok((kind, content, before))
    }

    fn step(&mut self, content: &[u8]) {
        self.at += 9 + u64::try_from(content.len()).unwrap_or_default();
    }
}

/// Reads as much as is wanted and there; memory grows with what is there, not with what a length claims.
fn fill(input: &mut impl Read, wanted: usize, into: &mut Vec<u8>) -> io::Result<()> {
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    input.take(wanted).read_to_end(into).map(drop)
}

fn parse<T: serde::de::DeserializeOwned>(content: &[u8], what: &str) -> Result<T, Fault> {
    serde_json::from_slice(content)
        .map_err(|error| Fault::Broken(format!("{what} can't be read: {error}")))
}
