//! Record ids: Salesforce gives 15 characters, where case matters, or 18, where a suffix tells the case.
//!
//! Everything that leaves this connector has 18. From here to `records`, `batches` and `answers`.

/// The 18-character form; none if it isn't an id.
pub(crate) fn long(id: &str) -> Option<String> {
    if !matches!(id.len(), 15 | 18) || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let body = id.get(..15)?;
    let suffix: Option<String> = body.as_bytes().chunks(5).map(letter).collect();
    Some(format!("{body}{}", suffix?))
}

/// The letter that tells which of five characters are capitals.
fn letter(five: &[u8]) -> Option<char> {
    let bits = five
        .iter()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_uppercase())
        .map(|(place, _)| 1_usize << place);
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".chars().nth(bits.sum())
}

/// Whether two ids name one record.
pub(crate) fn same(one: &str, other: &str) -> bool {
    long(one).is_some_and(|one| long(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors() {
        assert_eq!(
            long("a0BA0000000L2ZC").as_deref(),
            Some("a0BA0000000L2ZCMA0")
        );
        assert_eq!(
            long("AaaAABbbBBCccCC").as_deref(),
            Some("AaaAABbbBBCccCCZZZ")
        );
        assert_eq!(
            long("a0BA0000000L2ZCMA0").as_deref(),
            Some("a0BA0000000L2ZCMA0")
        );
        for bad in [
            "",
            "short",
            "a0BA0000000L2Z'",
            "a0BA0000000L2ZCMA",
            "a0BA0000000L2Zé",
        ] {
            assert_eq!(long(bad), None, "{bad}");
        }
        assert!(same("a0BA0000000L2ZC", "a0BA0000000L2ZCMA0"));
        assert!(!same("a0BA0000000L2ZC", "a0bA0000000L2ZC"));
        assert!(!same("x", "x"));
    }
}
