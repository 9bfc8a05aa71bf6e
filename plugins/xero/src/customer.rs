//! A contact of Xero's as a `customer` of the ledger vocabulary, and a customer draft as a contact.
//!
//! Never reads or writes bank details, balances or groups: the books' rules keep them out. From here to `batches` (out)
//! and `objects` (in).

use footbridge_sdk::connector::Problem;
use footbridge_sdk::document::{Field, Structure, at, field};
use serde_json::{Value, json};

use crate::columns::{
    Column, Reading, Shape, both, only_known, their_word, write as write_columns, wrong,
};

/// The plain columns.
pub(crate) const COLUMNS: &[Column] = &[
    both("name", "Name", Shape::Text),
    both("number", "ContactNumber", Shape::Text),
    both("account_number", "AccountNumber", Shape::Text),
    both("email", "EmailAddress", Shape::Text),
    both("tax_number", "TaxNumber", Shape::Text),
    both("currency", "DefaultCurrency", Shape::Text),
    both("sales_tax_type", "AccountsReceivableTaxType", Shape::Text),
    both("sales_account", "SalesDefaultAccountCode", Shape::Text),
    both("first_name", "FirstName", Shape::Text),
    both("last_name", "LastName", Shape::Text),
];

const STATUS: &[(&str, &str)] = &[
    ("active", "ACTIVE"),
    ("archived", "ARCHIVED"),
    ("archived", "GDPRREQUEST"),
];
const ADDRESS_KINDS: &[(&str, &str)] = &[("billing", "POBOX"), ("delivery", "STREET")];
/// Columns of an address: all that it has, since nothing tells whether an entry that is written replaces the one there or merges with it.
pub(crate) const ADDRESS: &[Column] = &[
    both("line1", "AddressLine1", Shape::Text),
    both("line2", "AddressLine2", Shape::Text),
    both("line3", "AddressLine3", Shape::Text),
    both("line4", "AddressLine4", Shape::Text),
    both("city", "City", Shape::Text),
    both("region", "Region", Shape::Text),
    both("postal_code", "PostalCode", Shape::Text),
    both("country", "Country", Shape::Text),
    both("attention", "AttentionTo", Shape::Text),
];
const PHONE_KINDS: &[(&str, &str)] = &[
    ("main", "DEFAULT"),
    ("mobile", "MOBILE"),
    ("direct", "DDI"),
    ("fax", "FAX"),
    ("office", "OFFICE"),
];
/// Columns of a person.
pub(crate) const PERSON: &[Column] = &[
    both("first_name", "FirstName", Shape::Text),
    both("last_name", "LastName", Shape::Text),
    both("email", "EmailAddress", Shape::Text),
];

/// Reads a contact.
pub(crate) fn read(contact: &Value) -> Structure {
    let mut reading = Reading::default();
    reading.columns(contact, COLUMNS);
    match at(contact, "MergedToContactID") {
        Field::Text(winner) if !winner.starts_with("00000000") => {
            reading.put("status", json!("merged"))
        }
        _ => reading.word(contact, "status", "ContactStatus", STATUS),
    }
    rows(
        &mut reading,
        contact,
        "Addresses",
        "addresses",
        |row, part| {
            part.word(row, "kind", "AddressType", ADDRESS_KINDS);
            part.columns(row, ADDRESS);
        },
    );
    rows(&mut reading, contact, "Phones", "phones", |row, part| {
        part.word(row, "kind", "PhoneType", PHONE_KINDS);
        if let Some(number) = phone(row) {
            part.put("number", json!(number));
        }
    });
    rows(
        &mut reading,
        contact,
        "ContactPersons",
        "persons",
        |row, part| part.columns(row, PERSON),
    );
    reading.finish()
}

/// Reads a list of parts; rows that hold nothing but their kind, as Xero writes for unused slots, are left out.
fn rows(
    reading: &mut Reading,
    contact: &Value,
    theirs: &str,
    ours: &str,
    read_row: impl Fn(&Value, &mut Reading),
) {
    let Field::List(list) = at(contact, theirs) else {
        return;
    };
    let mut found = Vec::new();
    for row in list {
        let mut part = Reading::default();
        read_row(row, &mut part);
        let doc = reading.part(&format!("{ours}[]"), part);
        let holds_something = doc.iter().any(|(key, value)| {
            key != "kind" && !matches!(field(value), Field::Null | Field::Empty)
        });
        if holds_something {
            found.push(Value::Object(doc));
        }
    }
    reading.put(ours, Value::Array(found));
}

fn phone(row: &Value) -> Option<String> {
    let parts: Vec<&str> = ["PhoneCountryCode", "PhoneAreaCode", "PhoneNumber"]
        .into_iter()
        .filter_map(|key| at(row, key).text())
        .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Writes a customer draft as a contact. `target` is the contact's id if it exists.
///
/// # Errors
/// A field that is unknown or of the wrong shape.
pub(crate) fn write(doc: &Structure, target: Option<&str>) -> Result<Value, Problem> {
    only_known(doc, COLUMNS, &["status", "addresses", "phones", "persons"])?;
    if target.is_some() && doc.contains_key("persons") {
        return Err(wrong(
            "persons",
            "the list would replace the persons that the contact has in Xero, and delete those that it doesn't name",
        ));
    }
    let mut contact = Structure::new();
    if let Some(id) = target {
        contact.insert("ContactID".to_owned(), json!(id));
    }
    write_columns(doc, COLUMNS, &mut contact)?;
    if let Some(status) = their_word(doc, "status", STATUS)? {
        contact.insert("ContactStatus".to_owned(), json!(status));
    }
    write_rows(
        doc,
        "addresses",
        "Addresses",
        &mut contact,
        |row, element| {
            let kind = their_word(row, "kind", ADDRESS_KINDS)?
                .ok_or_else(|| wrong("addresses", "an entry has no \"kind\""))?;
            element.insert("AddressType".to_owned(), json!(kind));
            only_known(row, ADDRESS, &["kind"])?;
            write_columns(row, ADDRESS, element)
        },
    )?;
    write_rows(doc, "phones", "Phones", &mut contact, |row, element| {
        const NUMBER: &[Column] = &[both("number", "PhoneNumber", Shape::Text)];
        let kind = their_word(row, "kind", PHONE_KINDS)?.unwrap_or("DEFAULT");
        element.insert("PhoneType".to_owned(), json!(kind));
        only_known(row, NUMBER, &["kind"])?;
        if target.is_some() {
            // The number is whole: what stands in the other two parts of the slot would be dialled before it.
            element.insert("PhoneCountryCode".to_owned(), json!(""));
            element.insert("PhoneAreaCode".to_owned(), json!(""));
        }
        write_columns(row, NUMBER, element)
    })?;
    write_rows(
        doc,
        "persons",
        "ContactPersons",
        &mut contact,
        |row, element| {
            only_known(row, PERSON, &[])?;
            write_columns(row, PERSON, element)
        },
    )?;
    Ok(Value::Object(contact))
}

fn write_rows(
    doc: &Structure,
    ours: &str,
    theirs: &str,
    contact: &mut Structure,
    write_row: impl Fn(&Structure, &mut Structure) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let list = match doc.get(ours).map(field) {
        None | Some(Field::Null) => return Ok(()),
        Some(Field::List(list)) => list,
        Some(_) => return Err(wrong(ours, "it is not a list")),
    };
    let mut written = Vec::new();
    for row in list {
        let Field::Structure(row) = field(row) else {
            return Err(wrong(ours, "an entry is not a structure"));
        };
        let mut element = Structure::new();
        write_row(row, &mut element)?;
        written.push(Value::Object(element));
    }
    contact.insert(theirs.to_owned(), Value::Array(written));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_sdk::document::parse;

    #[test]
    fn a_contact_goes_out_and_comes_back() {
        let text = r#"{"account_number":"A-1","addresses":[{"city":"Leeds","country":"GB","kind":"billing","line1":"1 High St"}],"email":"ap@example.com","name":"Smith & Co","number":"001000000000001AAA","persons":[{"email":"jo@example.com","first_name":"Jo","last_name":"Smith"}],"phones":[{"kind":"main","number":"0113 496 0000"}]}"#;
        let contact = write(&parse(text).unwrap(), None).unwrap();
        assert_eq!(contact["Addresses"][0]["AddressType"], "POBOX");
        assert_eq!(contact.get("ContactID"), None);
        assert_eq!(Value::Object(read(&contact)).to_string(), text);
    }

    #[test]
    fn an_address_is_read_and_written_with_all_its_fields() {
        let billing = json!({
            "AddressType": "POBOX", "AttentionTo": "Zoe", "AddressLine1": "1 High St", "AddressLine2": "Unit 4", "AddressLine3": "Floor 3",
            "AddressLine4": "Block B", "City": "Leeds", "Region": "Yorks", "PostalCode": "LS1", "Country": "GB",
        });
        let read = read(&json!({"Addresses": [billing]}));
        let written = write(&read, Some("ab")).unwrap();
        assert_eq!(written["Addresses"], json!([billing]));
    }

    #[test]
    fn a_phone_without_a_kind_is_the_main_one() {
        let contact = write(&parse(r#"{"phones":[{"number":"1"}]}"#).unwrap(), None).unwrap();
        assert_eq!(
            contact.to_string(),
            r#"{"Phones":[{"PhoneNumber":"1","PhoneType":"DEFAULT"}]}"#
        );
    }

    #[test]
    fn a_changed_phone_takes_its_slot_whole() {
        let phones = parse(r#"{"phones":[{"kind":"main","number":"0113 2"}]}"#).unwrap();
        let mut contact = write(&phones, Some("ab")).unwrap();
        assert_eq!(
            contact.to_string(),
            r#"{"ContactID":"ab","Phones":[{"PhoneAreaCode":"","PhoneCountryCode":"","PhoneNumber":"0113 2","PhoneType":"DEFAULT"}]}"#
        );
        contact["Phones"][0]["PhoneAreaCode"] = json!("");
        assert_eq!(read(&contact)["phones"][0]["number"], "0113 2");
    }

    #[test]
    fn persons_of_a_contact_that_exists_are_never_sent() {
        let doc = parse(r#"{"persons":[{"email":"jo@example.com"}]}"#).unwrap();
        assert_eq!(
            write(&doc, Some("ab")).unwrap_err().field.as_deref(),
            Some("persons")
        );
        assert!(write(&doc, None).is_ok());
    }

    #[test]
    fn unused_slots_are_left_out_and_merged_ones_said() {
        let contact = json!({
            "ContactID": "1", "Name": "A", "ContactStatus": "ARCHIVED", "MergedToContactID": "2222",
            "Addresses": [{"AddressType": "STREET", "City": "", "Country": null}, {"AddressType": "POBOX"}],
            "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "12", "PhoneAreaCode": "", "PhoneCountryCode": "44"}],
        });
        assert_eq!(
            Value::Object(read(&contact)).to_string(),
            r#"{"addresses":[],"name":"A","phones":[{"kind":"main","number":"44 12"}],"status":"merged"}"#
        );
    }

    #[test]
    fn refusals_name_the_field() {
        for (text, field) in [
            (r#"{"bank_account":"1"}"#, "bank_account"),
            (r#"{"status":"gone"}"#, "status"),
            (r#"{"addresses":"x"}"#, "addresses"),
            (r#"{"addresses":[{"line1":"x"}]}"#, "addresses"),
            (r#"{"phones":[{"kind":"pager","number":"1"}]}"#, "kind"),
        ] {
            let problem = write(&parse(text).unwrap(), None).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{text}");
        }
    }
}
