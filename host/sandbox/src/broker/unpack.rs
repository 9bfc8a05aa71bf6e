//! Bodies of answers, unpacked piece by piece under two limits: how much, and how much more than came in.
//!
//! It never holds more than the limit, whatever the packed form promises. Next: `wire.rs` hands the whole body on.

use flate2::write::MultiGzDecoder;
use std::io::{Error, Write};

/// Largest answer, unpacked, in bytes.
pub(crate) const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// Up to here no ratio is looked at: small answers that repeat themselves pack very well.
const FREE: usize = 1024 * 1024;
/// Most bytes that one packed byte may become in larger answers. Long lists of JSON records reach about 40.
const MAX_RATIO: usize = 200;

/// Takes the pieces of a body as they come.
pub(crate) enum Unpacker {
    Plain(Room),
    Gzip(Box<MultiGzDecoder<Room>>),
}

/// What was unpacked so far.
#[derive(Default)]
pub(crate) struct Room {
    bytes: Vec<u8>,
    /// Packed bytes that came in; `None` if nothing is packed.
    packed: Option<usize>,
}

impl Unpacker {
    /// For a body with this `content-encoding`.
    pub(crate) fn new(encoding: Option<&str>) -> Result<Self, String> {
        match encoding.map(str::trim) {
            None | Some("" | "identity") => Ok(Self::Plain(Room::default())),
            Some("gzip" | "x-gzip") => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(Room {
                packed: Some(0),
                ..Room::default()
            })))),
            Some(other) => {
                let other: String = other.chars().take(40).collect();
                Err(format!(
                    "the answer is packed as {other:?}, which was not asked for"
                ))
            }
        }
    }

    /// One more piece.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<(), String> {
        let taken = match self {
            Self::Plain(room) => room.write_all(piece),
            Self::Gzip(decoder) => {
                let room = decoder.get_mut();
                room.packed = room.packed.map(|packed| packed + piece.len());
                decoder.write_all(piece)
            }
        };
        taken.map_err(|error| error.to_string())
    }

    /// The whole body.
    pub(crate) fn finish(self) -> Result<Vec<u8>, String> {
        match self {
            Self::Plain(room) => Ok(room.bytes),
            // Nothing came: some servers pack nothing as nothing.
            Self::Gzip(decoder) if decoder.get_ref().packed == Some(0) => Ok(Vec::new()),
            Self::Gzip(decoder) => match decoder.finish() {
                Ok(room) => Ok(room.bytes),
                Err(error) => Err(format!("the answer's gzip is cut or damaged: {error}")),
            },
        }
    }
}

impl Write for Room {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        let length = self.bytes.len() + piece.len();
        if length > MAX_ANSWER {
            return Err(Error::other(format!(
                "the answer is larger than {} MiB",
                MAX_ANSWER >> 20
            )));
        }
        let ratio = self.packed.map(|packed| length / packed.max(1));
        if length > FREE && ratio.is_some_and(|ratio| ratio >= MAX_RATIO) {
            return Err(Error::other(format!(
                "the answer is packed more than {MAX_RATIO} to 1, as only bombs are"
            )));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The one value of a header; several are read as one, joined.
pub(crate) fn find<'a>(headers: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    let mut found = headers.iter().filter(|(name, _)| name == wanted);
    let first = found.next()?;
    // Two encodings one over the other are none that was asked for.
    Some(found.next().map_or(first.1.as_str(), |_| "several"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(encoding: Option<&str>, body: &[u8], piece: usize) -> Result<Vec<u8>, String> {
        let mut unpacker = Unpacker::new(encoding)?;
        for piece in body.chunks(piece) {
            unpacker.take(piece)?;
        }
        unpacker.finish()
    }

    #[test]
    fn what_was_packed_comes_back_whatever_the_pieces() {
        let text = "{\"a\":\"b\"}".repeat(1000);
        for piece in [1, 7, 100, 100_000] {
            assert_eq!(
                unpacked(Some("gzip"), &packed(text.as_bytes()), piece),
                Ok(text.clone().into_bytes())
            );
            assert_eq!(
                unpacked(None, text.as_bytes(), piece),
                Ok(text.clone().into_bytes())
            );
        }
        assert_eq!(unpacked(Some("gzip"), b"", 1), Ok(Vec::new()));
        let cut = packed(text.as_bytes());
        assert!(unpacked(Some("gzip"), &cut[..cut.len() - 4], 9).is_err());
        assert!(unpacked(Some("gzip"), b"no gzip at all", 9).is_err());
        for encoding in ["br", "deflate", "gzip, gzip", "zstd", "several"] {
            assert!(unpacked(Some(encoding), b"x", 9).is_err(), "{encoding}");
        }
    }

    #[test]
    fn bombs_are_stopped_by_ratio_and_by_size() {
        let bomb = packed(&vec![b' '; 64 << 20]);
        let refused = unpacked(Some("gzip"), &bomb, 1400).unwrap_err();
        assert!(refused.contains("200 to 1"), "{refused}");
        // Too little repetition for the ratio, too much for the size.
        let mut seed = 1u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8 & 15
        })
        .take(MAX_ANSWER + 1)
        .collect();
        let refused = unpacked(Some("gzip"), &packed(&noise), 1400).unwrap_err();
        assert!(refused.contains("16 MiB"), "{refused}");
        let refused = unpacked(None, &noise, 1400).unwrap_err();
        assert!(refused.contains("16 MiB"), "{refused}");
        // A small answer may repeat itself as it likes.
        assert!(unpacked(Some("gzip"), &packed(&vec![b' '; FREE]), 1400).is_ok());
    }
}
