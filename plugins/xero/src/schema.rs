//! What this connector knows: objects, fields, keys and batch sizes, from the same tables that reading and writing use.
//!
//! Pure. From here to the host, which caches it by the plugin's digest.

use footbridge_sdk::connector::Problem;
use footbridge_sdk::connector::schema::{Description, Field, FieldType, Object};
use footbridge_sdk::document::{self, Structure, at, field};
use footbridge_sdk::failure::{Code, problem_at};

use crate::batches::ELEMENTS;
use crate::columns::{Column, Shape};
use crate::objects::Kind;
use crate::{catalogue, credit, customer, invoice, payment};

/// Fields whose length Xero limits, by object and path.
const LENGTHS: &[(Kind, &str, u32)] = &[
    (Kind::Customer, "name", 255),
    (Kind::Customer, "number", 50),
    (Kind::Customer, "account_number", 50),
    (Kind::Customer, "email", 255),
    (Kind::Customer, "tax_number", 50),
    (Kind::Customer, "first_name", 255),
    (Kind::Customer, "last_name", 255),
    (Kind::Customer, "addresses[].line1", 500),
    (Kind::Customer, "addresses[].line2", 500),
    (Kind::Customer, "addresses[].line3", 500),
    (Kind::Customer, "addresses[].line4", 500),
    (Kind::Customer, "addresses[].city", 255),
    (Kind::Customer, "addresses[].region", 255),
    (Kind::Customer, "addresses[].postal_code", 50),
    (Kind::Customer, "addresses[].country", 50),
    (Kind::Customer, "addresses[].attention", 255),
    (Kind::Customer, "phones[].number", 50),
    (Kind::Invoice, "number", 255),
    (Kind::Invoice, "reference", 255),
    (Kind::Invoice, "lines[].description", 4000),
    (Kind::Invoice, "lines[].item", 30),
    (Kind::Item, "code", 30),
    (Kind::Item, "name", 50),
];

/// Fields that a creation must carry.
const REQUIRED: &[(Kind, &str)] = &[
    (Kind::Customer, "name"),
    (Kind::Invoice, "customer"),
    (Kind::Invoice, "date"),
    (Kind::Invoice, "due_date"),
    (Kind::Invoice, "amounts"),
    (Kind::Invoice, "status"),
    (Kind::Invoice, "lines"),
    (Kind::Invoice, "lines[].description"),
    (Kind::Invoice, "lines[].quantity"),
    (Kind::Invoice, "lines[].unit_amount"),
    (Kind::Invoice, "lines[].account"),
    (Kind::Invoice, "lines[].tax_type"),
];

/// Decimals that are no amounts of money.
const NO_MONEY: &[&str] = &[
    "currency_rate",
    "lines[].quantity",
    "lines[].discount_rate",
    "rate",
];

/// The first text of a document that is longer than Xero takes: Xero would refuse it, in every run anew.
pub(crate) fn too_long(kind: Kind, doc: &Structure) -> Option<Problem> {
    LENGTHS
        .iter()
        .filter(|(of, _, _)| *of == kind)
        .find_map(|(_, path, most)| {
            let longest = match path.split_once("[].") {
                Some((list, part)) => match doc.get(list).map(field) {
                    Some(document::Field::List(rows)) => {
                        rows.iter().map(|row| length(at(row, part))).max()
                    }
                    _ => None,
                },
                None => doc.get(*path).map(|value| length(field(value))),
            };
            let found = longest.filter(|found| u32::try_from(*found).is_ok_and(|n| n > *most))?;
            Some(problem_at(
                Code::TooLong,
                path,
                format!("It has {found} characters, and Xero takes {most}. Shorten it, or cut it in the mapping"),
            ))
        })
}

fn length(value: document::Field<'_>) -> usize {
    match value {
        document::Field::Text(text) => text.trim().chars().count(),
        _ => 0,
    }
}

/// Describes the connector.
pub(crate) fn describe() -> Description {
    let objects = vec![
        object(
            Kind::Customer,
            customer_fields(),
            &["number", "name"],
            ELEMENTS,
            &["number", "name"],
        ),
        object(
            Kind::Invoice,
            invoice_fields(),
            &["url", "number"],
            ELEMENTS,
            &["number"],
        ),
        object(
            Kind::CreditNote,
            [credit_fields(), columns("", credit::NUMBER)].concat(),
            &["number", "customer"],
            0,
            &["number"],
        ),
        object(Kind::Overpayment, credit_fields(), &["customer"], 0, &[]),
        object(Kind::Prepayment, credit_fields(), &["customer"], 0, &[]),
        object(Kind::Payment, payment_fields(), &["document"], 0, &[]),
        object(
            Kind::Item,
            columns("", catalogue::ITEM),
            &["code"],
            0,
            &["code"],
        ),
        object(
            Kind::Account,
            with(
                columns("", catalogue::ACCOUNT),
                &[("class", FieldType::Text), ("status", FieldType::Text)],
            ),
            &["code"],
            0,
            &["code"],
        ),
        object(
            Kind::TaxRate,
            with(
                columns("", catalogue::TAX_RATE),
                &[("status", FieldType::Text)],
            ),
            &["tax_type"],
            0,
            &["tax_type"],
        ),
    ];
    Description {
        provider: "xero".to_owned(),
        objects,
        extra: None,
    }
}

type Fields = Vec<(String, FieldType)>;

fn customer_fields() -> Fields {
    use FieldType::{List, Text};
    let fields = with(
        columns("", customer::COLUMNS),
        &[
            ("status", Text),
            ("addresses", List),
            ("addresses[].kind", Text),
        ],
    );
    let fields = [fields, columns("addresses[].", customer::ADDRESS)].concat();
    let fields = with(
        fields,
        &[
            ("phones", List),
            ("phones[].kind", Text),
            ("phones[].number", Text),
            ("persons", List),
        ],
    );
    [fields, columns("persons[].", customer::PERSON)].concat()
}

fn invoice_fields() -> Fields {
    use FieldType::{Id, List, Text};
    let more = [
        ("customer", Id),
        ("status", Text),
        ("amounts", Text),
        ("kind", Text),
        ("lines", List),
    ];
    let credits = [
        ("credits", List),
        ("credits[].kind", Text),
        ("credits[].id", Id),
        ("credits[].amount", FieldType::Decimal),
    ];
    let fields = [
        with(columns("", invoice::COLUMNS), &more),
        columns("lines[].", invoice::LINE),
    ];
    with(settlements(fields.concat()), &credits)
}

/// The payments within a document.
fn settlements(fields: Fields) -> Fields {
    use FieldType::{Id, List};
    let fields = with(fields, &[("payments", List), ("payments[].id", Id)]);
    [fields, columns("payments[].", credit::SETTLED)].concat()
}

fn credit_fields() -> Fields {
    use FieldType::{Id, List, Text};
    let more = [
        ("kind", Text),
        ("status", Text),
        ("customer", Id),
        ("allocations", List),
        ("allocations[].id", Id),
        ("allocations[].invoice", Id),
        ("accounts", List),
    ];
    let fields = with(columns("", credit::COLUMNS), &more);
    settlements([fields, columns("allocations[].", credit::SETTLED)].concat())
}

fn payment_fields() -> Fields {
    use FieldType::{Boolean, Id, Text};
    let more = [
        ("document", Id),
        ("document_kind", Text),
        ("document_number", Text),
        ("customer", Id),
        ("currency", Text),
        ("status", Text),
        ("kind", Text),
        ("payable", Boolean),
        ("batch", Id),
    ];
    with(columns("", payment::COLUMNS), &more)
}

fn columns(prefix: &str, columns: &[Column]) -> Fields {
    let shape = |column: &Column| match column.shape {
        Shape::Text => FieldType::Text,
        Shape::Decimal => FieldType::Decimal,
        Shape::Date => FieldType::Date,
        Shape::Flag => FieldType::Boolean,
    };
    columns
        .iter()
        .map(|column| (format!("{prefix}{}", column.ours), shape(column)))
        .collect()
}

fn with(mut fields: Fields, more: &[(&str, FieldType)]) -> Fields {
    fields.extend(more.iter().map(|(path, kind)| ((*path).to_owned(), *kind)));
    fields
}

fn object(kind: Kind, fields: Fields, natural: &[&str], batch: usize, unique: &[&str]) -> Object {
    let names = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    let field = |(path, field_type): (String, FieldType)| Field {
        max_length: LENGTHS
            .iter()
            .find(|(of, at, _)| *of == kind && *at == path)
            .map(|found| found.2),
        required: REQUIRED.contains(&(kind, path.as_str())),
        money: field_type == FieldType::Decimal && !NO_MONEY.contains(&path.as_str()),
        type_: field_type,
        path,
    };
    Object {
        name: kind.name().to_owned(),
        fields: fields.into_iter().map(field).collect(),
        open: false,
        natural_keys: names(natural),
        batch_size: u32::try_from(batch).unwrap_or(0),
        unique_keys: names(unique),
        feed: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_about_a_field_that_exists_and_no_path_is_twice() {
        let description = describe();
        for kind in Kind::ALL {
            let object = description
                .objects
                .iter()
                .find(|object| object.name == kind.name())
                .unwrap();
            let mut paths: Vec<&str> = object
                .fields
                .iter()
                .map(|field| field.path.as_str())
                .collect();
            for key in object.natural_keys.iter().chain(&object.unique_keys) {
                assert!(paths.contains(&key.as_str()), "{key}");
            }
            for (of, path, _) in LENGTHS.iter().filter(|rule| rule.0 == kind) {
                assert!(paths.contains(path), "{of:?} {path}");
            }
            for (of, path) in REQUIRED.iter().filter(|rule| rule.0 == kind) {
                assert!(paths.contains(path), "{of:?} {path}");
            }
            paths.sort_unstable();
            let count = paths.len();
            paths.dedup();
            assert_eq!(paths.len(), count);
        }
    }

    #[test]
    fn what_is_too_long_is_named() {
        let doc = |text: &str| document::parse(text).unwrap();
        let long = |n: usize| "\u{e9}".repeat(n);
        for (kind, text, found) in [
            (
                Kind::Customer,
                format!(r#"{{"name":"{}"}}"#, long(255)),
                None,
            ),
            (
                Kind::Customer,
                format!(r#"{{"name":" {} "}}"#, long(255)),
                None,
            ),
            (
                Kind::Customer,
                format!(r#"{{"name":"{}"}}"#, long(256)),
                Some("name"),
            ),
            (
                Kind::Customer,
                format!(r#"{{"addresses":[{{}},{{"city":"{}"}}]}}"#, long(256)),
                Some("addresses[].city"),
            ),
            (
                Kind::Invoice,
                format!(r#"{{"lines":[{{"description":"{}"}}]}}"#, long(4000)),
                None,
            ),
            (
                Kind::Invoice,
                format!(r#"{{"lines":[{{"description":"{}"}}]}}"#, long(4001)),
                Some("lines[].description"),
            ),
            (
                Kind::Customer,
                r#"{"name":null,"phones":"x"}"#.to_owned(),
                None,
            ),
        ] {
            let problem = too_long(kind, &doc(&text));
            assert_eq!(problem.and_then(|problem| problem.field).as_deref(), found);
        }
    }

    #[test]
    fn amounts_are_money_and_quantities_are_not() {
        let description = describe();
        let invoice = description
            .objects
            .iter()
            .find(|object| object.name == "invoice")
            .unwrap();
        let money = |path: &str| {
            invoice
                .fields
                .iter()
                .find(|field| field.path == path)
                .unwrap()
                .money
        };
        assert!(money("total") && money("lines[].unit_amount") && money("lines[].tax_amount"));
        assert!(!money("lines[].quantity") && !money("currency_rate") && !money("number"));
    }
}
