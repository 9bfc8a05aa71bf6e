//! Ids of the company's records: the same number gives the same id, whatever the seed.
//!
//! Salesforce ids are 18 characters with a right suffix, Xero ids are GUIDs. They never meet those the
//! simulators hand out themselves, which start elsewhere. Next: [`super::blueprint`] numbers the records.

use sha2::{Digest, Sha256};

const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The 18-character Salesforce id with this key prefix and number.
pub(crate) fn salesforce(prefix: &str, number: usize) -> String {
    let base = format!("{prefix}Fb0{number:09}");
    let suffix: String = base
        .as_bytes()
        .chunks(5)
        .filter_map(|chunk| {
            let bits = chunk
                .iter()
                .enumerate()
                .filter(|(_, byte)| byte.is_ascii_uppercase())
                .fold(0_usize, |bits, (position, _)| bits | (1 << position));
            SUFFIX.get(bits).map(|byte| char::from(*byte))
        })
        .collect();
    base + &suffix
}

/// The GUID of the `number`th Xero record of a kind.
pub(crate) fn xero(kind: &str, number: usize) -> String {
    let digest = Sha256::digest(format!("{kind}/{number}").as_bytes());
    let hex: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    // Version 4, variant 8, so that strict readers take it for a GUID.
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_vendors_shapes() {
        let id = salesforce("006", 42);
        assert_eq!(id, "006Fb0000000042IAA");
        let guid = xero("contact", 1);
        assert_eq!(guid.len(), 36);
        assert_eq!(
            guid.split('-').map(str::len).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
        assert_ne!(guid, xero("contact", 2));
    }
}
