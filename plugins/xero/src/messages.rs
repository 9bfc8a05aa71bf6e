//! What Xero's validation messages mean: a kind and a code for each family of them.
//!
//! Never shows less than Xero said: the message is kept whole beside the code. From here to `answers`.

use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::document::at;
use footbridge_sdk::failure::{Code, failure};
use serde_json::Value;

/// Families by words that all must occur, in lower case; the first that fits decides.
const FAMILIES: &[(&[&str], FailureKind, Code)] = &[
    (
        &["matched an archived contact"],
        FailureKind::Rejected,
        Code::Archived,
    ),
    (&["archived"], FailureKind::Rejected, Code::Archived),
    (&["must be unique"], FailureKind::Rejected, Code::NotUnique),
    (
        &["already assigned to another contact"],
        FailureKind::Rejected,
        Code::NotUnique,
    ),
    (&["lock date"], FailureKind::Rejected, Code::LockedPeriod),
    (&["locked"], FailureKind::Rejected, Code::LockedPeriod),
    (
        &["not subscribed to currency"],
        FailureKind::Rejected,
        Code::WrongCurrency,
    ),
    (&["currency"], FailureKind::Rejected, Code::WrongCurrency),
    (
        &["not of valid status"],
        FailureKind::Conflict,
        Code::WrongStatus,
    ),
    (
        &["cannot be edited", "payment"],
        FailureKind::Conflict,
        Code::WrongStatus,
    ),
    (&["status"], FailureKind::Conflict, Code::WrongStatus),
    (&["tax", "type"], FailureKind::Rejected, Code::WrongTaxType),
    (&["taxtype"], FailureKind::Rejected, Code::WrongTaxType),
    (&["tax rate"], FailureKind::Rejected, Code::WrongTaxType),
    (&["item code"], FailureKind::Rejected, Code::NotFound),
    (&["account code"], FailureKind::Rejected, Code::WrongAccount),
    (
        &["account", "not a valid"],
        FailureKind::Rejected,
        Code::WrongAccount,
    ),
    (
        &["account", "does not exist"],
        FailureKind::Rejected,
        Code::WrongAccount,
    ),
    (
        &["could not be found"],
        FailureKind::Rejected,
        Code::NotFound,
    ),
    (&["does not exist"], FailureKind::Rejected, Code::NotFound),
    (&["not found"], FailureKind::Rejected, Code::NotFound),
    (&["exceed", "length"], FailureKind::Rejected, Code::TooLong),
    (&["characters"], FailureKind::Rejected, Code::TooLong),
    (&["required"], FailureKind::Rejected, Code::MissingField),
    (
        &["must be specified"],
        FailureKind::Rejected,
        Code::MissingField,
    ),
];

/// The messages of an element, under either name that Xero gives them.
pub(crate) fn of_element(element: &Value) -> Vec<String> {
    list(element, "ValidationErrors")
}

/// The warnings of an element.
pub(crate) fn warnings(element: &Value) -> Vec<String> {
    list(element, "Warnings")
}

fn list(element: &Value, key: &str) -> Vec<String> {
    at(element, key)
        .list()
        .iter()
        .filter_map(|entry| {
            at(entry, "Message")
                .text()
                .or(at(entry, "Description").text())
        })
        .map(str::to_owned)
        .collect()
}

/// The failure that these messages mean. The most specific family among them decides; all of them are shown.
pub(crate) fn failure_of(messages: &[String]) -> Failure {
    let lower: Vec<String> = messages
        .iter()
        .map(|message| message.to_lowercase())
        .collect();
    let family = FAMILIES.iter().find(|(words, _, _)| {
        lower
            .iter()
            .any(|message| words.iter().all(|word| message.contains(word)))
    });
    let (kind, code) = family.map_or(
        (FailureKind::Rejected, Code::ValidationRule),
        |(_, kind, code)| (*kind, *code),
    );
    let said = if messages.is_empty() {
        "it gave no reason".to_owned()
    } else {
        messages.join(" ")
    };
    failure(kind, code, format!("Xero refused this record: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn families() {
        let cases = [
            (
                "Invoice # must be unique.",
                FailureKind::Rejected,
                "not-unique",
            ),
            (
                "The contact name X is already assigned to another contact. The contact name must be unique across all active contacts.",
                FailureKind::Rejected,
                "not-unique",
            ),
            (
                "The contact number ABC must be unique across all contacts",
                FailureKind::Rejected,
                "not-unique",
            ),
            (
                "The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the API.",
                FailureKind::Rejected,
                "archived",
            ),
            (
                "The document date cannot be before the period lock date",
                FailureKind::Rejected,
                "locked-period",
            ),
            (
                "Organisation is not subscribed to currency EUR",
                FailureKind::Rejected,
                "wrong-currency",
            ),
            (
                "The TaxType code 'NONE2' does not exist or cannot be used for this type of transaction.",
                FailureKind::Rejected,
                "wrong-tax-type",
            ),
            (
                "Account code '999' is not a valid code for this document.",
                FailureKind::Rejected,
                "wrong-account",
            ),
            (
                "Invoice not of valid status for modification",
                FailureKind::Conflict,
                "wrong-status",
            ),
            (
                "This document cannot be edited as it has a payment or credit note allocated to it.",
                FailureKind::Conflict,
                "wrong-status",
            ),
            (
                "Item code 'X' is not valid",
                FailureKind::Rejected,
                "not-found",
            ),
            (
                "The contact could not be found.",
                FailureKind::Rejected,
                "not-found",
            ),
            (
                "The moon is in the wrong phase",
                FailureKind::Rejected,
                "validation-rule",
            ),
        ];
        for (message, kind, code) in cases {
            let failure = failure_of(&[message.to_owned()]);
            assert_eq!(
                (failure.kind, failure.problem.code.as_str()),
                (kind, code),
                "{message}"
            );
            assert!(failure.problem.message.contains(message));
        }
    }

    #[test]
    fn both_names_of_messages_are_read() {
        let element = json!({"ValidationErrors": [{"Message": "a"}, {"Description": "b"}, {}]});
        assert_eq!(of_element(&element), ["a", "b"]);
    }
}
