//! Takes known secrets out of answers before anyone reads them, in whatever form they come back.
//!
//! Looked for are the secret itself, its hex, and its base64 at each of the three places it can begin within longer
//! text; each of them also with any characters escaped as URLs, JSON, HTML or forms do it. A hit is a finding: the far
//! side, or something between, repeats credentials. Secrets under 8 bytes are too short to look for. It never says
//! which secret it found. Next: `exchange.rs` reads what is left.

use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

/// What stands in the place of a secret.
const MARK: &[u8] = b"[redacted]";
/// Shortest secret that is looked for, in bytes.
const SHORTEST: usize = 8;

/// How the bytes of a form compare with those of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    /// Byte by byte.
    Plain,
    /// `-` and `+`, `_` and `/` are the same.
    Base64,
    /// In either case.
    Hex,
}

struct Form {
    bytes: Zeroizing<Vec<u8>>,
    alphabet: Alphabet,
}

/// The forms to look for.
pub(crate) struct Scrubber {
    /// At most 64, longest first so that a form that holds another one goes whole.
    forms: Vec<Form>,
    /// For each byte, the forms that may begin with it and those that may have it second: one bit each.
    first: Box<[u64; 256]>,
    second: Box<[u64; 256]>,
}

impl Scrubber {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut forms: Vec<Form> = Vec::new();
        for secret in secrets {
            let text = secret.expose().as_bytes();
            if text.len() < SHORTEST || forms.iter().any(|form| *form.bytes == *text) {
                continue;
            }
            let mut add = |bytes: Vec<u8>, alphabet| {
                let bytes = Zeroizing::new(bytes);
                forms.push(Form { bytes, alphabet });
            };
            add(text.to_vec(), Alphabet::Plain);
            add(hex(text), Alphabet::Hex);
            for skipped in 0..3 {
                add(base64_within(text, skipped), Alphabet::Base64);
            }
        }
        forms.sort_by_key(|form| std::cmp::Reverse(form.bytes.len()));
        forms.truncate(64);
        let mut scrubber = Self {
            forms,
            first: Box::new([0; 256]),
            second: Box::new([0; 256]),
        };
        for (number, form) in scrubber.forms.iter().enumerate() {
            let bit = 1u64 << number;
            for (table, wanted) in [
                (&mut scrubber.first, form.bytes.first()),
                (&mut scrubber.second, form.bytes.get(1)),
            ] {
                for (byte, forms) in (0u8..=255).zip(table.iter_mut()) {
                    let escape = matches!(byte, b'%' | b'\\' | b'&' | b'+');
                    if escape || wanted.is_some_and(|w| same(form.alphabet, *w, byte)) {
                        *forms |= bit;
                    }
                }
            }
        }
        scrubber
    }

    /// Replaces every form of every secret; says how many there were.
    pub(crate) fn scrub(&self, bytes: &mut Vec<u8>) -> usize {
        let mut hits = 0;
        let mut clean = Vec::new();
        let (mut at, mut kept) = (0, 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match self.found(rest) {
                Some(length) => {
                    clean.extend_from_slice(bytes.get(kept..at).unwrap_or_default());
                    clean.extend_from_slice(MARK);
                    at += length;
                    kept = at;
                    hits += 1;
                }
                None => at += 1,
            }
        }
        if hits > 0 {
            clean.extend_from_slice(bytes.get(kept..).unwrap_or_default());
            *bytes = clean;
        }
        hits
    }

    /// The same for text.
    pub(crate) fn scrub_text(&self, text: &mut String) -> usize {
        let mut bytes = std::mem::take(text).into_bytes();
        let hits = self.scrub(&mut bytes);
        *text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        hits
    }

    /// Whether a secret stands in a header's name, which has lost its capitals.
    pub(crate) fn stands_in_name(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.forms.iter().any(|form| {
            let wanted = Zeroizing::new(form.bytes.to_ascii_lowercase());
            memchr::memmem::find(name.as_bytes(), &wanted).is_some()
        })
    }

    /// How many bytes at the beginning of `rest` are a form of a secret.
    fn found(&self, rest: &[u8]) -> Option<usize> {
        let of = |table: &[u64; 256], byte: Option<&u8>| {
            byte.and_then(|byte| table.get(usize::from(*byte)).copied())
        };
        let (first, second) = (rest.first(), rest.get(1));
        let escaped = matches!(first, Some(b'%' | b'\\' | b'&'));
        let mut may = of(&self.first, first)?;
        if !escaped {
            may &= of(&self.second, second).unwrap_or(0);
        }
        if may == 0 {
            return None;
        }
        self.forms
            .iter()
            .enumerate()
            .filter(|(number, _)| may & (1u64 << number) != 0)
            .find_map(|(_, form)| stands_at(form, rest))
    }
}

/// How many bytes of `rest` the form takes there at most, escapes resolved. A byte can be read in several ways (`&` alone,
/// or the beginning of `&amp;`), so all places that a reading may have come to are followed.
fn stands_at(form: &Form, rest: &[u8]) -> Option<usize> {
    let mut places = vec![0];
    let mut next = Vec::new();
    for wanted in form.bytes.iter() {
        next.clear();
        for place in &places {
            let tail = rest.get(*place..).unwrap_or_default();
            for length in readings(form.alphabet, *wanted, tail).into_iter().flatten() {
                if !next.contains(&(place + length)) {
                    next.push(place + length);
                }
            }
        }
        if next.is_empty() {
            return None;
        }
        std::mem::swap(&mut places, &mut next);
    }
    places.into_iter().max()
}

/// How many bytes at the beginning of `tail` stand for the byte: as it is, escaped, escaped twice (`%252B`, `\\u002b`).
fn readings(alphabet: Alphabet, wanted: u8, tail: &[u8]) -> [Option<usize>; 3] {
    let fits = |read: Option<(u8, usize)>| {
        read.and_then(|(byte, length)| same(alphabet, wanted, byte).then_some(length))
    };
    let Some(first) = tail.first() else {
        return [None; 3];
    };
    let once = match first {
        b'+' => Some((b' ', 1)),
        b'%' => percent(tail),
        b'\\' => backslash(tail),
        b'&' => entity(tail),
        _ => None,
    };
    let twice = match (first, once) {
        (b'%', Some((b'%', length))) => tail
            .get(length..length + 2)
            .and_then(|digits| number(digits, 16))
            .map(|byte| (byte, length + 2)),
        (b'\\', Some((b'\\', 2))) => tail
            .get(1..)
            .and_then(backslash)
            .map(|(byte, more)| (byte, 1 + more)),
        _ => None,
    };
    [fits(Some((*first, 1))), fits(once), fits(twice)]
}

fn same(alphabet: Alphabet, wanted: u8, found: u8) -> bool {
    match alphabet {
        Alphabet::Plain => wanted == found,
        Alphabet::Hex => wanted == found.to_ascii_lowercase(),
        Alphabet::Base64 => {
            let plain = match found {
                b'-' => b'+',
                b'_' => b'/',
                other => other,
            };
            wanted == plain
        }
    }
}

/// `%2B`.
fn percent(tail: &[u8]) -> Option<(u8, usize)> {
    Some((number(tail.get(1..3)?, 16)?, 3))
}

/// `\/`, `\"`, `\\`, `\u002b`, `\x2b`.
fn backslash(tail: &[u8]) -> Option<(u8, usize)> {
    match *tail.get(1)? {
        b'u' => Some((number(tail.get(2..6)?, 16)?, 6)),
        b'x' => Some((number(tail.get(2..4)?, 16)?, 4)),
        b'n' => Some((b'\n', 2)),
        b't' => Some((b'\t', 2)),
        other => Some((other, 2)),
    }
}

/// `&#43;`, `&#x2b;`, `&amp;` and its few named siblings.
fn entity(tail: &[u8]) -> Option<(u8, usize)> {
    const NAMED: &[(&[u8], u8)] = &[
        (b"&amp;", b'&'),
        (b"&lt;", b'<'),
        (b"&gt;", b'>'),
        (b"&quot;", b'"'),
        (b"&apos;", b'\''),
    ];
    if let Some((name, byte)) = NAMED.iter().find(|(name, _)| tail.starts_with(name)) {
        return Some((*byte, name.len()));
    }
    let end = tail.iter().take(9).position(|byte| *byte == b';')?;
    let digits = tail.get(2..end).filter(|_| tail.get(1) == Some(&b'#'))?;
    let byte = match digits.strip_prefix(b"x").or(digits.strip_prefix(b"X")) {
        Some(hex) => number(hex, 16)?,
        None => number(digits, 10)?,
    };
    Some((byte, end + 1))
}

fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u8::try_from(u32::from_str_radix(text, radix).ok()?)
        .ok()
        .filter(|_| plain)
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// What base64 of longer text holds for certain if `bytes` begin there after `skipped` bytes (modulo 3) of something
/// else: the characters that no neighbour has a part in.
fn base64_within(bytes: &[u8], skipped: usize) -> Vec<u8> {
    let mut padded = Zeroizing::new(vec![0; skipped]);
    padded.extend_from_slice(bytes);
    let encoded = Zeroizing::new(STANDARD_NO_PAD.encode(&*padded).into_bytes());
    // 8 bits of each neighbour spread over 6-bit characters.
    let begin = (skipped * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    encoded.get(begin..end).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

    const RAW: &str = "to/ken+with=odd&signs\"and\\more~é";

    fn forms() -> Vec<String> {
        let every = |one: fn(u8) -> String| RAW.bytes().map(one).collect::<String>();
        let json: String = RAW
            .chars()
            .map(|c| match c {
                'é' => "Ã©".to_owned(),
                c => format!("\\u{:04x}", u32::from(c)),
            })
            .collect();
        let mut forms = vec![
            RAW.to_owned(),
            RAW.replace('/', "\\/").replace('"', "\\\""),
            RAW.replace('\\', "\\\\").replace('"', "\\\""),
            RAW.replace('&', "&amp;").replace('"', "&quot;"),
            RAW.replace('+', "&#43;").replace('/', "&#x2F;"),
            every(|b| format!("%{b:02X}")),
            every(|b| format!("%{b:02x}")),
            every(|b| format!("%25{b:02x}")),
            every(|b| format!("{b:02x}")),
            every(|b| format!("{b:02X}")),
            url::form_urlencoded::byte_serialize(RAW.as_bytes()).collect(),
            json.replace("Ã©", "é"),
        ];
        for before in ["", "a", "ab", "Bearer ", "client:"] {
            let longer = format!("{before}{RAW}");
            forms.push(STANDARD.encode(&longer));
            forms.push(URL_SAFE.encode(&longer));
            forms.push(URL_SAFE_NO_PAD.encode(format!("{longer}:x")));
            forms.push(STANDARD.encode(&longer).replace('/', "\\/"));
            forms.push(STANDARD.encode(&longer).replace('+', "%2B"));
        }
        forms
    }

    #[test]
    fn every_form_of_a_secret_goes() {
        let secrets = [Secret::new(RAW), Secret::new("short")];
        let scrubber = Scrubber::new(&secrets);
        for form in forms() {
            let mut text = format!("a {form} b {form}");
            assert_eq!(scrubber.scrub_text(&mut text), 2, "{form}: {text}");
            assert!(
                text.starts_with("a ") && text.contains("[redacted]"),
                "{text}"
            );
            assert!(text.len() < 2 * form.len(), "{form}: {text}");
        }
        let mut innocent = "a short story, 100 % \\ &amp; +".to_owned();
        assert_eq!(scrubber.scrub_text(&mut innocent), 0);
        assert_eq!(innocent, "a short story, 100 % \\ &amp; +");
        let mut whole = RAW.to_owned();
        assert_eq!(scrubber.scrub_text(&mut whole), 1);
        assert_eq!(whole, "[redacted]");
    }

    #[test]
    fn nothing_is_found_in_what_is_cut_or_in_bytes_of_any_kind() {
        let scrubber = Scrubber::new(&[Secret::new(RAW)]);
        for form in forms() {
            for end in 0..form.len() {
                let mut cut = form.as_bytes()[..end].to_vec();
                scrubber.scrub(&mut cut);
            }
        }
        let mut all: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        assert_eq!(scrubber.scrub(&mut all), 0);
        assert_eq!(all.len(), 70_000);
    }

    #[test]
    fn secrets_side_by_side_and_within_each_other_all_go() {
        let scrubber = Scrubber::new(&[
            Secret::new("first-secret"),
            Secret::new("first-secret-and-more"),
            Secret::new("second-secret"),
        ]);
        let mut text = "first-secretsecond-secretfirst-secret-and-more".to_owned();
        assert_eq!(scrubber.scrub_text(&mut text), 3);
        assert_eq!(text, "[redacted][redacted][redacted]");
        assert!(scrubber.stands_in_name("x-first-secret"));
        assert!(Scrubber::new(&[Secret::new("First-Secret")]).stands_in_name("first-secret"));
        assert!(!scrubber.stands_in_name("x-first"));
    }
}
