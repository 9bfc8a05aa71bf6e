//! Whether an element of an answer is about the element that was sent: by what Xero echoes of our own keys.
//!
//! Never trusts a position alone: half an answer, or one for another request, would put an invoice's id on the wrong
//! deal. From here to `answers`.

use footbridge_sdk::document::{Field, at};
use serde_json::Value;

use crate::objects::Kind;

/// Whether a written record echoes `sent`. The id decides for updates; for creations the keys that we chose must all
/// come back, and at least one must have been sent.
pub(crate) fn matches(kind: Kind, sent: &Value, answered: &Value) -> bool {
    let keys: &[&str] = match kind {
        Kind::Customer => &["ContactNumber", "Name"],
        Kind::Invoice => &["Url", "InvoiceNumber", "Contact.ContactID"],
        _ => &[],
    };
    by_id(kind, sent, answered).unwrap_or_else(|| {
        let echoes: Vec<Echo> = keys
            .iter()
            .map(|key| compare(key, sent, answered))
            .collect();
        echoes.contains(&Echo::Same)
            && !echoes.contains(&Echo::Differs)
            && !echoes.contains(&Echo::Absent)
    })
}

/// Whether a refused record echoes `sent`. Of those Xero echoes only what it understood: no key of ours may differ and
/// one must be there. The customer isn't compared, since an unknown one is a reason to refuse.
pub(crate) fn matches_refused(kind: Kind, sent: &Value, answered: &Value) -> bool {
    let keys: &[&str] = match kind {
        Kind::Customer => &["ContactNumber", "Name"],
        Kind::Invoice => &["Url", "InvoiceNumber"],
        _ => &[],
    };
    by_id(kind, sent, answered).unwrap_or_else(|| {
        let echoes: Vec<Echo> = keys
            .iter()
            .map(|key| compare(key, sent, answered))
            .collect();
        echoes.contains(&Echo::Same) && !echoes.contains(&Echo::Differs)
    })
}

/// What became of one key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Echo {
    NotSent,
    Absent,
    Same,
    Differs,
}

/// For an update: whether the id came back.
fn by_id(kind: Kind, sent: &Value, answered: &Value) -> Option<bool> {
    let id = at(sent, kind.id_field()).text()?;
    Some(
        at(answered, kind.id_field())
            .text()
            .is_some_and(|echo| echo.eq_ignore_ascii_case(id)),
    )
}

/// Xero trims texts; a contact's id comes in either case.
fn compare(key: &str, sent: &Value, answered: &Value) -> Echo {
    let Field::Text(ours) = at(sent, key) else {
        return Echo::NotSent;
    };
    let Field::Text(theirs) = at(answered, key) else {
        return Echo::Absent;
    };
    let same = if key == "Contact.ContactID" {
        theirs.eq_ignore_ascii_case(ours)
    } else {
        theirs.trim() == ours.trim()
    };
    if same { Echo::Same } else { Echo::Differs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_may_echo_less_but_nothing_else() {
        let sent = json!({"Url": "https://e.com/1", "InvoiceNumber": "INV-1", "Contact": {"ContactID": "ab"}});
        let cases = [
            (
                json!({"Url": "https://e.com/1", "Contact": {"ContactID": "00000000"}}),
                true,
            ),
            (json!({"InvoiceNumber": "INV-1"}), true),
            (
                json!({"Url": "https://e.com/1", "InvoiceNumber": "INV-2"}),
                false,
            ),
            (json!({"Contact": {"ContactID": "ab"}}), false),
            (json!({}), false),
        ];
        for (answered, wanted) in cases {
            assert_eq!(
                matches_refused(Kind::Invoice, &sent, &answered),
                wanted,
                "{answered}"
            );
        }
    }

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
