//! Ordered keys from typed segments.
//!
//! Responsible for: one encoding in which no segment can run into the next and byte order is segment order.
//! Never: joins strings by a separator. Flow: callers build a [`Key`], the store sees bytes.
//!
//! Encoding: every segment is a tag byte and its content. Text and bytes have 0x00 escaped as 0x00 0xFF and end in
//! 0x00 0x01, so a shorter text sorts before its extensions; numbers are eight bytes, big end first.

use std::fmt::Write as _;
use std::ops::Deref;

const TEXT: u8 = 0x02;
const NUMBER: u8 = 0x03;
const BYTES: u8 = 0x04;
const END: [u8; 2] = [0x00, 0x01];

/// A key, or the prefix of a family of keys: `Key::new("link").text(connection).number(7)`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// The first segment, which says what kind of row this is.
    #[must_use]
    pub fn new(kind: &'static str) -> Self {
        Self(Vec::with_capacity(64)).text(kind)
    }

    /// Appends text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.escaped(TEXT, text.as_bytes())
    }

    /// Appends bytes.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        self.escaped(BYTES, bytes)
    }

    /// Appends a number; keys sort by its value.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.0.push(NUMBER);
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// All keys that begin with these segments.
    #[must_use]
    pub fn range(&self) -> KeyRange {
        KeyRange::prefix(self.0.clone())
    }

    fn escaped(mut self, tag: u8, content: &[u8]) -> Self {
        self.0.push(tag);
        for &byte in content {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xFF);
            }
        }
        self.0.extend_from_slice(&END);
        self
    }
}

impl Deref for Key {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Key> for Vec<u8> {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl From<&Key> for Vec<u8> {
    fn from(key: &Key) -> Self {
        key.0.clone()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&readable(&self.0))
    }
}

/// Which keys a scan covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// First key covered.
    pub(crate) start: Vec<u8>,
    /// First key after `start` not covered; `None`: to the end.
    pub(crate) end: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub fn all() -> Self {
        Self {
            start: Vec::new(),
            end: None,
        }
    }

    /// Keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let start = prefix.into();
        let end = after_prefix(&start);
        Self { start, end }
    }

    /// Keys from `start` up to, not including, `end`.
    #[must_use]
    pub fn between(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self {
            start: start.into(),
            end: Some(end.into()),
        }
    }
}

/// The first key after all that begin with `prefix`.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// One decoded segment of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Text.
    Text(String),
    /// A number.
    Number(u64),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// The segments of a key built by [`Key`]; `None` for other bytes.
#[must_use]
pub fn segments(key: &[u8]) -> Option<Vec<Segment>> {
    let mut found = Vec::new();
    let mut rest = key;
    while let Some((&tag, content)) = rest.split_first() {
        match tag {
            NUMBER => {
                let (number, tail) = content.split_first_chunk::<8>()?;
                found.push(Segment::Number(u64::from_be_bytes(*number)));
                rest = tail;
            }
            TEXT | BYTES => {
                let (plain, tail) = unescape(content)?;
                found.push(match tag {
                    TEXT => Segment::Text(String::from_utf8(plain).ok()?),
                    _ => Segment::Bytes(plain),
                });
                rest = tail;
            }
            _ => return None,
        }
    }
    Some(found)
}

fn unescape(mut content: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut plain = Vec::new();
    loop {
        let (&byte, rest) = content.split_first()?;
        content = rest;
        if byte != 0 {
            plain.push(byte);
            continue;
        }
        let (&mark, rest) = content.split_first()?;
        content = rest;
        match mark {
            0xFF => plain.push(0),
            0x01 => return Some((plain, content)),
            _ => return None,
        }
    }
}

/// A key for people: `link/xero-1/7`, or its bytes in hexadecimal.
#[must_use]
pub fn readable(key: &[u8]) -> String {
    match segments(key) {
        Some(found) if !found.is_empty() => {
            let parts: Vec<String> = found
                .into_iter()
                .map(|segment| match segment {
                    Segment::Text(text) => text,
                    Segment::Number(number) => number.to_string(),
                    Segment::Bytes(bytes) => hex(&bytes),
                })
                .collect();
            parts.join("/")
        }
        _ => match std::str::from_utf8(key) {
            Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
            _ => hex(key),
        },
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_reads_as_its_segments() {
        let key = Key::new("link").text("xero-1").bytes(&[0, 255]).number(7);
        assert_eq!(readable(&key), "link/xero-1/00ff/7");
        assert_eq!(readable(&[0x09, 0x00]), "0900");
    }

    #[test]
    fn a_prefix_of_segments_covers_no_neighbour() {
        let range = Key::new("link").text("a").range();
        let inside = Key::new("link").text("a").number(u64::MAX);
        let neighbour = Key::new("link").text("ab").number(0);
        let covers = |key: &[u8]| {
            key >= &range.start[..] && range.end.as_deref().is_none_or(|end| key < end)
        };
        assert!(covers(&inside));
        assert!(!covers(&neighbour));
    }

    #[test]
    fn the_end_of_a_prefix_of_all_ones_is_the_end_of_everything() {
        assert_eq!(after_prefix(&[0xFF, 0xFF]), None);
        assert_eq!(after_prefix(&[0x01, 0xFF]), Some(vec![0x02]));
    }

    proptest! {
        #[test]
        fn order_is_segment_order_and_decoding_returns_them(
            a in ("[\u{0}-\u{7f}é€]{0,6}", any::<u64>()),
            b in ("[\u{0}-\u{7f}é€]{0,6}", any::<u64>()),
        ) {
            let key = |pair: &(String, u64)| Key::new("k").text(&pair.0).number(pair.1);
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
            prop_assert_eq!(
                segments(&key(&a)),
                Some(vec![Segment::Text("k".into()), Segment::Text(a.0.clone()), Segment::Number(a.1)])
            );
        }
    }
}
