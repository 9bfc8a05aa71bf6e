//! Record ids: 15 case-sensitive characters, and the 18-character form that survives a loss of case.
//!
//! Knows nothing of objects beyond the three-character key prefix. Ids are stored and answered in the
//! 18-character form; both forms are accepted. Next: [`super::store`] keys its tables by them.

/// The alphabet of a suffix character: five case bits, least significant first.
const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
/// Digits of the running number inside an id; both cases occur.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The three suffix characters of a 15-character id, or `None` where it is not 15 letters and digits.
pub fn suffix(id: &str) -> Option<String> {
    let bytes = id.as_bytes();
    if bytes.len() != 15 || !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    bytes
        .chunks(5)
        .map(|chunk| {
            let index = chunk
                .iter()
                .enumerate()
                .filter(|(_, byte)| byte.is_ascii_uppercase())
                .fold(0_usize, |bits, (position, _)| bits | (1 << position));
            SUFFIX.get(index).map(|byte| char::from(*byte))
        })
        .collect()
}

/// The 18-character form of an id given with 15 or 18 characters; 18 characters whose case was lost
/// are repaired from the suffix. `None` where it is no id.
pub fn canonical(id: &str) -> Option<String> {
    match id.len() {
        15 => Some(format!("{id}{}", suffix(id)?)),
        18 => {
            let base = id.get(..15)?;
            let end = id.get(15..)?.to_ascii_uppercase();
            let mut repaired = String::with_capacity(18);
            for (chunk, mark) in base.as_bytes().chunks(5).zip(end.bytes()) {
                let bits = SUFFIX.iter().position(|byte| *byte == mark)?;
                for (position, byte) in chunk.iter().enumerate() {
                    let upper = bits & (1 << position) != 0;
                    let byte = if upper {
                        byte.to_ascii_uppercase()
                    } else {
                        byte.to_ascii_lowercase()
                    };
                    repaired.push(char::from(byte));
                }
            }
            (suffix(&repaired)? == end).then(|| format!("{repaired}{end}"))
        }
        _ => None,
    }
}

/// The id with running number `number` for a key prefix such as `001`.
pub(crate) fn numbered(prefix: &str, number: u64) -> String {
    let mut digits = Vec::with_capacity(9);
    let mut rest = number;
    for _ in 0..9 {
        let index = usize::try_from(rest % 62).unwrap_or(0);
        digits.push(DIGITS.get(index).copied().unwrap_or(b'0'));
        rest /= 62;
    }
    digits.reverse();
    let base = format!("{prefix}gK0{}", String::from_utf8_lossy(&digits));
    let end = suffix(&base).unwrap_or_default();
    format!("{base}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        assert_eq!(suffix("a0BA0000000L2ZC").as_deref(), Some("MA0"));
        assert_eq!(suffix("AaaAABbbBBCccCC").as_deref(), Some("ZZZ"));
        assert_eq!(
            canonical("a0BA0000000L2ZC").as_deref(),
            Some("a0BA0000000L2ZCMA0")
        );
    }

    #[test]
    fn lost_case_is_repaired_and_nonsense_refused() {
        let id = numbered("006", 987_654_321);
        assert_eq!(id.len(), 18);
        assert_eq!(
            canonical(&id.to_ascii_lowercase()).as_deref(),
            Some(id.as_str())
        );
        assert_eq!(canonical(&id[..15]).as_deref(), Some(id.as_str()));
        assert_eq!(canonical("006"), None);
        assert_eq!(canonical("00600000000-2ZC"), None);
        assert_eq!(canonical("006000000000000???"), None);
    }

    #[test]
    fn numbers_make_distinct_ids() {
        let many: std::collections::BTreeSet<_> = (0..5000).map(|n| numbered("001", n)).collect();
        assert_eq!(many.len(), 5000);
    }
}
