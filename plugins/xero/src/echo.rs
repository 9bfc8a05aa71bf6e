//! Whether an element of an answer is about the element that was sent: by what Xero echoes of our own keys.
//!
//! Never trusts a position alone: half an answer, or one for another request, would put an invoice's id on the wrong
//! deal. From here to `answers`.

use footbridge_sdk::document::{Field, at};
use serde_json::Value;

use crate::objects::Kind;

/// Whether `answered` echoes `sent`. The id decides for updates; for creations the keys that we chose must all come
/// back, and at least one must have been sent.
pub(crate) fn matches(kind: Kind, sent: &Value, answered: &Value) -> bool {
    let id = at(sent, kind.id_field()).text();
    if let Some(id) = id {
        return at(answered, kind.id_field())
            .text()
            .is_some_and(|echo| echo.eq_ignore_ascii_case(id));
    }
    let keys: &[&str] = match kind {
        Kind::Customer => &["ContactNumber", "Name"],
        Kind::Invoice => &["Url", "InvoiceNumber", "Contact.ContactID"],
        Kind::Item | Kind::Account | Kind::TaxRate => &[],
    };
    let mut compared = 0;
    for key in keys {
        let Field::Text(ours) = at(sent, key) else {
            continue;
        };
        // Xero trims; a contact's id comes in either case.
        let same = at(answered, key).text().is_some_and(|echo| {
            if *key == "Contact.ContactID" {
                echo.eq_ignore_ascii_case(ours)
            } else {
                echo.trim() == ours.trim()
            }
        });
        if !same {
            return false;
        }
        compared += 1;
    }
    compared > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn echoes() {
        let sent = json!({"Url": "https://e.com/1", "Contact": {"ContactID": "ab"}});
        let cases = [
            (
                json!({"Url": "https://e.com/1", "Contact": {"ContactID": "AB"}, "InvoiceNumber": "INV-1"}),
                true,
            ),
            (
                json!({"Url": "https://e.com/2", "Contact": {"ContactID": "ab"}}),
                false,
            ),
            (
                json!({"Url": "https://e.com/1", "Contact": {"ContactID": "cd"}}),
                false,
            ),
            (json!({"Contact": {"ContactID": "ab"}}), false),
            (json!({}), false),
            (json!(null), false),
        ];
        for (answered, wanted) in cases {
            assert_eq!(
                matches(Kind::Invoice, &sent, &answered),
                wanted,
                "{answered}"
            );
        }
        let update = json!({"InvoiceID": "ab", "Url": "x"});
        assert!(matches(Kind::Invoice, &update, &json!({"InvoiceID": "AB"})));
        assert!(!matches(
            Kind::Invoice,
            &update,
            &json!({"InvoiceID": "CD", "Url": "x"})
        ));
        assert!(
            !matches(Kind::Customer, &json!({}), &json!({})),
            "nothing in common proves nothing"
        );
    }
}
