//! The frame around every stored value.
//!
//! Responsible for: version, commit number, length and checksum, checked on every read. Never: touches a disk.
//! Flow: `writer` frames, `local` opens.
//!
//! Layout: version (1) | seq (8) | length (4) | crc32c over key, seq and value (4) | value; numbers big end first.
//! The key is in the checksum so that a value under the wrong key is found too.

use crate::{Damaged, Seq, Versioned};

const VERSION: u8 = 1;

/// The bytes to store for a row.
pub(crate) fn seal(key: &[u8], seq: Seq, value: &[u8]) -> Vec<u8> {
    let seq = seq.0.to_be_bytes();
    // A value is at most MAX_VALUE_LEN long, which `check_shape` holds.
    let len = u32::try_from(value.len()).unwrap_or(u32::MAX);
    let mut frame = Vec::with_capacity(17 + value.len());
    frame.push(VERSION);
    frame.extend_from_slice(&seq);
    frame.extend_from_slice(&len.to_be_bytes());
    frame.extend_from_slice(&checksum(key, &seq, value).to_be_bytes());
    frame.extend_from_slice(value);
    frame
}

/// The row in a frame, or what is wrong with it. `key` is the key the frame was found under.
pub(crate) fn open(key: &[u8], frame: &[u8]) -> Result<Versioned, Damaged> {
    let damaged = |reason: String| Damaged {
        key: key.get(1..).unwrap_or_default().to_vec(),
        reason,
    };
    let short = || damaged(format!("it is cut short at {} bytes", frame.len()));
    let (&version, rest) = frame.split_first().ok_or_else(short)?;
    if version != VERSION {
        return Err(damaged(format!(
            "its frame has version {version}, this program knows {VERSION}"
        )));
    }
    let (seq, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
    let (len, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let (sum, value) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let len = u32::from_be_bytes(*len);
    if usize::try_from(len).ok() != Some(value.len()) {
        return Err(damaged(format!(
            "it should have {len} bytes and has {}",
            value.len()
        )));
    }
    if checksum(key, seq, value) != u32::from_be_bytes(*sum) {
        return Err(damaged("its checksum does not match".to_owned()));
    }
    Ok(Versioned {
        value: value.to_vec(),
        seq: Seq(u64::from_be_bytes(*seq)),
    })
}

fn checksum(key: &[u8], seq: &[u8; 8], value: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(key), seq), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_opens_only_whole_unchanged_and_under_its_key() {
        let sealed = seal(b"\x01key", Seq(7), b"value");
        assert_eq!(
            open(b"\x01key", &sealed).unwrap(),
            Versioned {
                value: b"value".to_vec(),
                seq: Seq(7)
            }
        );
        assert_eq!(open(b"\x01kez", &sealed).unwrap_err().key, b"kez");
        for cut in 0..sealed.len() {
            open(b"\x01key", &sealed[..cut]).unwrap_err();
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x10;
            open(b"\x01key", &changed).unwrap_err();
        }
    }
}
