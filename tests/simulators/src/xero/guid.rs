//! Identifiers as Xero writes them: lower-case, hyphenated GUIDs of version 4.

use std::fmt;
use std::str::FromStr;

/// A GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(u128);

/// The text is no hyphenated GUID.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not a GUID (8-4-4-4-12 hexadecimal digits)")]
pub struct NotAGuid(String);

impl Guid {
    /// All zeros: what Xero echoes for a record that was not created.
    pub const ZERO: Self = Self(0);

    /// A version 4 GUID from 128 random bits.
    pub fn from_random(bits: u128) -> Self {
        let versioned = (bits & !(0xf << 76)) | (0x4 << 76);
        Self((versioned & !(0x3 << 62)) | (0x2 << 62))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            n >> 96,
            (n >> 80) & 0xffff,
            (n >> 64) & 0xffff,
            (n >> 48) & 0xffff,
            n & 0xffff_ffff_ffff
        )
    }
}

impl FromStr for Guid {
    type Err = NotAGuid;

    fn from_str(text: &str) -> Result<Self, NotAGuid> {
        let error = || NotAGuid(text.to_owned());
        let groups: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        if lengths != [8, 4, 4, 4, 12] {
            return Err(error());
        }
        let digits = groups.concat();
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(error());
        }
        u128::from_str_radix(&digits, 16)
            .map(Self)
            .map_err(|_| error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_survives_its_text() {
        let guid = Guid::from_random(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(guid.to_string(), "01234567-89ab-4def-8123-456789abcdef");
        assert_eq!(
            guid.to_string().to_uppercase().parse::<Guid>().unwrap(),
            guid
        );
        for wrong in [
            "",
            "x",
            "0123456789ab4def8123456789abcdef",
            "+1234567-89ab-4def-8123-456789abcdef",
        ] {
            assert!(wrong.parse::<Guid>().is_err(), "{wrong}");
        }
    }
}
