//! Takes known secrets out of answers before anyone reads them: raw, base64 and percent-encoded.
//!
//! A hit is a finding: the far side, or something between, repeats credentials. Secrets under 8 bytes are too
//! short to look for. Next: `exchange.rs` reads what is left.

use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// What stands in the place of a secret.
const MARK: &[u8] = b"[redacted]";
/// Shortest secret that is looked for, in bytes.
const SHORTEST: usize = 8;

/// The forms to look for, longest first so that a form that holds another one goes whole.
pub(crate) struct Scrubber(Vec<Zeroizing<Vec<u8>>>);

impl Scrubber {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets {
            let text = secret.expose();
            if text.len() < SHORTEST {
                continue;
            }
            let percent = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            for form in [
                text.to_owned(),
                STANDARD_NO_PAD.encode(text),
                URL_SAFE_NO_PAD.encode(text),
                percent.to_ascii_lowercase(),
                percent,
            ] {
                forms.push(Zeroizing::new(form.into_bytes()));
            }
        }
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self(forms)
    }

    /// Replaces every form of every secret; says how many there were.
    pub(crate) fn scrub(&self, bytes: &mut Vec<u8>) -> usize {
        let mut hits = 0;
        for form in &self.0 {
            let finder = Finder::new(form.as_slice());
            let mut clean = Vec::new();
            let mut rest = bytes.as_slice();
            while let Some((before, after)) = finder
                .find(rest)
                .and_then(|at| Some((rest.get(..at)?, rest.get(at + form.len()..)?)))
            {
                clean.extend_from_slice(before);
                clean.extend_from_slice(MARK);
                rest = after;
                hits += 1;
            }
            if !clean.is_empty() {
                clean.extend_from_slice(rest);
                *bytes = clean;
            }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_goes() {
        let secrets = [Secret::new("to/ken+with=odd&signs"), Secret::new("short")];
        let scrubber = Scrubber::new(&secrets);
        let raw = "to/ken+with=odd&signs";
        let padded = base64::engine::general_purpose::STANDARD.encode(raw);
        for form in [
            raw.to_owned(),
            padded,
            URL_SAFE_NO_PAD.encode(raw),
            "to%2Fken%2Bwith%3Dodd%26signs".to_owned(),
            "to%2fken%2bwith%3dodd%26signs".to_owned(),
        ] {
            let mut text = format!("a {form} b {form}");
            assert_eq!(scrubber.scrub_text(&mut text), 2, "{form}");
            assert!(text.starts_with("a [redacted]"), "{text}");
            assert!(!text.contains("ken"), "{text}");
        }
        let mut innocent = "a short story".to_owned();
        assert_eq!(scrubber.scrub_text(&mut innocent), 0);
        assert_eq!(innocent, "a short story");
        let mut whole = raw.to_owned();
        assert_eq!(scrubber.scrub_text(&mut whole), 1);
        assert_eq!(whole, "[redacted]");
    }
}
