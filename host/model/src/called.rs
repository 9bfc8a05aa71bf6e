//! The name that a person gives to a customer in the ledger, where its own is taken there.
//!
//! Names come from outside: one that couldn't be written, or would be written otherwise than it was read, is refused before it becomes
//! one of these. It decides nothing. Next: [`crate::ruling`].

use serde::{Deserialize, Serialize};
use std::fmt;

/// So many characters a name may have in the ledger.
pub const LONGEST_NAME: usize = 255;

/// A customer's name in the ledger: neither empty nor too long, on one line, without spaces around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CustomerName(String);

/// Why a text is no customer's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is in it.
    #[error("a customer's name can't be empty")]
    Empty,
    /// The ledger takes no such long one.
    #[error(
        "a customer's name has at most {LONGEST_NAME} characters in the ledger, and this one has {0}"
    )]
    TooLong(usize),
    /// It has a line break, a tab or something else that can't be seen.
    #[error("a customer's name can't have line breaks, tabs or other control characters")]
    Control,
}

impl CustomerName {
    /// The text without the spaces around it, if it can be a name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let name = text.trim();
        if name.chars().any(char::is_control) {
            return Err(NameError::Control);
        }
        match name.chars().count() {
            0 => Err(NameError::Empty),
            1..=LONGEST_NAME => Ok(Self(name.to_owned())),
            count => Err(NameError::TooLong(count)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CustomerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CustomerName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<CustomerName> for String {
    fn from(name: CustomerName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_written_is_a_name() {
        let long = |n: usize| "\u{e9}".repeat(n);
        for (text, want) in [
            (
                " Smith & Co (Leeds) ".to_owned(),
                Ok("Smith & Co (Leeds)".to_owned()),
            ),
            (long(255), Ok(long(255))),
            (format!(" {} ", long(255)), Ok(long(255))),
            (long(256), Err(NameError::TooLong(256))),
            (" \u{a0} ".to_owned(), Err(NameError::Empty)),
            ("Smith\nCo".to_owned(), Err(NameError::Control)),
            ("Smith\u{0}".to_owned(), Err(NameError::Control)),
        ] {
            let name = CustomerName::new(&text).map(String::from);
            assert_eq!(name, want, "{text:?}");
        }
    }

    #[test]
    fn what_is_stored_is_read_again_and_what_is_no_name_is_not() {
        let name = CustomerName::new("Smith & Co (Leeds)").unwrap();
        let text = serde_json::to_string(&name).unwrap();
        assert_eq!(text, "\"Smith & Co (Leeds)\"");
        assert_eq!(serde_json::from_str::<CustomerName>(&text).unwrap(), name);
        assert!(serde_json::from_str::<CustomerName>("\" \"").is_err());
    }
}
