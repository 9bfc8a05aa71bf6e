//! Applies a filter read by [`super::where_parse`], and the `order` parameter, to records as JSON.
//!
//! Text compares without regard to case. A field that is absent is null; a method on null is false.
//! GUID fields must be compared with `Guid("...")`, as in Xero.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::dates;
use super::guid::Guid;
use super::money;
use super::where_parse::{Comparison, Expression, Method, Operand, WhereError};

/// The fields of a type, as far as filters may name them.
#[derive(Debug)]
pub(crate) struct Fields {
    /// The type's name in messages.
    pub(crate) name: &'static str,
    pub(crate) plain: &'static [&'static str],
    pub(crate) guids: &'static [&'static str],
    /// Members that are records themselves.
    pub(crate) nested: &'static [(&'static str, &'static Fields)],
}

#[derive(Clone, Debug)]
enum Datum {
    Text(String),
    Number(Decimal),
    Instant(DateTime<Utc>),
    Guid(Guid),
    Bool(bool),
    Null,
}

impl Datum {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "String",
            Self::Number(_) => "Decimal",
            Self::Instant(_) => "DateTime",
            Self::Guid(_) => "Guid",
            Self::Bool(_) => "Boolean",
            Self::Null => "Object",
        }
    }
}

/// Whether `record` passes the filter.
pub(crate) fn passes(
    expression: &Expression,
    fields: &'static Fields,
    record: &Map<String, Value>,
) -> Result<bool, WhereError> {
    Ok(match expression {
        // Both sides are looked at, so that an error never depends on the data.
        Expression::And(left, right) => {
            let (left, right) = (
                passes(left, fields, record)?,
                passes(right, fields, record)?,
            );
            left && right
        }
        Expression::Or(left, right) => {
            let (left, right) = (
                passes(left, fields, record)?,
                passes(right, fields, record)?,
            );
            left || right
        }
        Expression::Test(operand) => match datum(operand, fields, record)? {
            Datum::Bool(answer) => answer,
            Datum::Null => false,
            other => return Err(WhereError::Incompatible("where", "Boolean", other.kind())),
        },
        Expression::Compare(left, comparison, right) => {
            let (left, right) = (datum(left, fields, record)?, datum(right, fields, record)?);
            compare(&left, *comparison, &right)?
        }
    })
}

fn datum(
    operand: &Operand,
    fields: &'static Fields,
    record: &Map<String, Value>,
) -> Result<Datum, WhereError> {
    Ok(match operand {
        Operand::Text(text) => Datum::Text(text.clone()),
        Operand::Number(number) => Datum::Number(*number),
        Operand::Instant(instant) => Datum::Instant(*instant),
        Operand::Guid(guid) => Datum::Guid(*guid),
        Operand::Bool(value) => Datum::Bool(*value),
        Operand::Null => Datum::Null,
        Operand::Field(path) => field(path, fields, record)?,
        Operand::Method(of, method, argument) => {
            let argument = argument
                .as_deref()
                .map(|a| datum(a, fields, record))
                .transpose()?;
            apply(datum(of, fields, record)?, *method, argument)?
        }
    })
}

fn field(
    path: &[String],
    fields: &'static Fields,
    record: &Map<String, Value>,
) -> Result<Datum, WhereError> {
    let unknown = |name: &String| WhereError::UnknownField(name.clone(), fields.name);
    let Some((name, rest)) = path.split_first() else {
        return Ok(Datum::Null);
    };
    if rest.is_empty() {
        let value = record.get(name).unwrap_or(&Value::Null);
        if fields.guids.contains(&name.as_str()) {
            let guid = value.as_str().and_then(|text| text.parse().ok());
            return Ok(guid.map_or(Datum::Null, Datum::Guid));
        }
        if fields.plain.contains(&name.as_str()) {
            return Ok(plain(value));
        }
        return Err(unknown(name));
    }
    let nested = fields.nested.iter().find(|(known, _)| known == name);
    let Some((_, inner)) = nested else {
        return Err(unknown(name));
    };
    let empty = Map::new();
    let value = record
        .get(name)
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    field(rest, inner, value)
}

fn plain(value: &Value) -> Datum {
    match value {
        Value::Bool(value) => Datum::Bool(*value),
        Value::Number(_) => money::decimal(value).map_or(Datum::Null, Datum::Number),
        Value::String(text) if text.starts_with("/Date(") => {
            dates::read_instant(text).map_or(Datum::Null, Datum::Instant)
        }
        Value::String(text) => Datum::Text(text.clone()),
        _ => Datum::Null,
    }
}

fn apply(of: Datum, method: Method, argument: Option<Datum>) -> Result<Datum, WhereError> {
    let text = match of {
        Datum::Text(text) => text,
        Datum::Null => {
            return Ok(if argument.is_some() {
                Datum::Bool(false)
            } else {
                Datum::Null
            });
        }
        other => {
            return Err(WhereError::UnknownField(
                format!("{method:?}"),
                other.kind(),
            ));
        }
    };
    let lower = text.to_lowercase();
    let part = match argument {
        Some(Datum::Text(part)) => part.to_lowercase(),
        Some(other) => return Err(WhereError::Incompatible("Contains", "String", other.kind())),
        None => String::new(),
    };
    Ok(match method {
        Method::ToLower => Datum::Text(lower),
        Method::ToUpper => Datum::Text(text.to_uppercase()),
        Method::Contains => Datum::Bool(lower.contains(&part)),
        Method::StartsWith => Datum::Bool(lower.starts_with(&part)),
        Method::EndsWith => Datum::Bool(lower.ends_with(&part)),
    })
}

fn compare(left: &Datum, comparison: Comparison, right: &Datum) -> Result<bool, WhereError> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let ordering = match (left, right) {
        (Datum::Null, Datum::Null) => Some(Ordering::Equal),
        (Datum::Null, _) | (_, Datum::Null) => None,
        (Datum::Text(a), Datum::Text(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        (Datum::Number(a), Datum::Number(b)) => Some(a.cmp(b)),
        (Datum::Instant(a), Datum::Instant(b)) => Some(a.cmp(b)),
        (Datum::Guid(a), Datum::Guid(b)) if matches!(comparison, Equal | NotEqual) => {
            Some(a.cmp(b))
        }
        (Datum::Bool(a), Datum::Bool(b)) if matches!(comparison, Equal | NotEqual) => {
            Some(a.cmp(b))
        }
        (a, b) => {
            return Err(WhereError::Incompatible(
                comparison.symbol(),
                a.kind(),
                b.kind(),
            ));
        }
    };
    Ok(match (comparison, ordering) {
        (NotEqual, None) => true,
        (_, None) => false,
        (Equal, Some(o)) => o.is_eq(),
        (NotEqual, Some(o)) => o.is_ne(),
        (Less, Some(o)) => o.is_lt(),
        (LessOrEqual, Some(o)) => o.is_le(),
        (Greater, Some(o)) => o.is_gt(),
        (GreaterOrEqual, Some(o)) => o.is_ge(),
    })
}

/// One term of `order`.
#[derive(Debug)]
pub(crate) struct OrderTerm {
    path: Vec<String>,
    descending: Descending,
}

#[derive(Debug, PartialEq, Eq)]
enum Descending {
    Yes,
    No,
}

/// Reads `Name ASC, Date DESC`.
pub(crate) fn parse_order(
    text: &str,
    fields: &'static Fields,
) -> Result<Vec<OrderTerm>, WhereError> {
    let mut terms = Vec::new();
    for (index, term) in text.split(',').enumerate() {
        let words: Vec<&str> = term.split_whitespace().collect();
        let (name, descending) = match words.as_slice() {
            [name] => (*name, Descending::No),
            [name, way] if way.eq_ignore_ascii_case("ASC") => (*name, Descending::No),
            [name, way] if way.eq_ignore_ascii_case("DESC") => (*name, Descending::Yes),
            _ => {
                return Err(WhereError::Syntax(
                    index,
                    format!("cannot order by '{}'", term.trim()),
                ));
            }
        };
        let path: Vec<String> = name.split('.').map(str::to_owned).collect();
        field(&path, fields, &Map::new())?;
        terms.push(OrderTerm { path, descending });
    }
    Ok(terms)
}

/// Compares two records by `order`.
pub(crate) fn by_order(
    terms: &[OrderTerm],
    fields: &'static Fields,
    a: &Map<String, Value>,
    b: &Map<String, Value>,
) -> Ordering {
    for term in terms {
        let get = |record| field(&term.path, fields, record).unwrap_or(Datum::Null);
        let ordering = match (get(a), get(b)) {
            (Datum::Null, Datum::Null) => Ordering::Equal,
            (Datum::Null, _) => Ordering::Less,
            (_, Datum::Null) => Ordering::Greater,
            (Datum::Text(a), Datum::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
            (Datum::Number(a), Datum::Number(b)) => a.cmp(&b),
            (Datum::Instant(a), Datum::Instant(b)) => a.cmp(&b),
            (Datum::Guid(a), Datum::Guid(b)) => a.cmp(&b),
            (Datum::Bool(a), Datum::Bool(b)) => a.cmp(&b),
            _ => Ordering::Equal,
        };
        let ordering = if term.descending == Descending::Yes {
            ordering.reverse()
        } else {
            ordering
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::super::where_parse::parse;
    use super::*;

    static CONTACT: Fields = Fields {
        name: "Contact",
        plain: &["Name"],
        guids: &["ContactID"],
        nested: &[],
    };
    static INVOICE: Fields = Fields {
        name: "Invoice",
        plain: &[
            "Type",
            "Status",
            "Date",
            "DueDate",
            "AmountDue",
            "Reference",
            "SentToContact",
        ],
        guids: &["InvoiceID"],
        nested: &[("Contact", &CONTACT)],
    };

    fn ask(filter: &str) -> Result<bool, String> {
        let record = serde_json::json!({
            "Type": "ACCREC", "Status": "AUTHORISED", "Date": "/Date(1789344000000+0000)/", "AmountDue": 24.15, "SentToContact": false,
            "InvoiceID": "01234567-89ab-4def-8123-456789abcdef", "Contact": { "Name": "Smith & Co (Leeds)" }
        });
        let expression = parse(filter).map_err(|error| error.to_string())?;
        passes(&expression, &INVOICE, record.as_object().unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn filters_mean_what_the_documentation_says() {
        let cases = [
            (r#"Type=="ACCREC" AND Status=="AUTHORISED""#, true),
            (r#"Type == "accrec""#, true),
            (r#"Status!="VOIDED"&&Status!="DELETED""#, true),
            (r#"Status=="PAID" OR Status=="VOIDED""#, false),
            (r#"Status=="PAID" OR Type=="ACCREC" AND AmountDue>24"#, true),
            (
                r#"(Status=="PAID" OR Type=="ACCREC") AND AmountDue>24.15"#,
                false,
            ),
            ("AmountDue>=24.15 AND AmountDue<=24.15", true),
            ("AmountDue < -1", false),
            ("Date == DateTime(2026,09,14)", true),
            (
                "Date >= DateTime(2026,9,14) AND Date < DateTime(2026,9,14,0,0,1)",
                true,
            ),
            (
                r#"InvoiceID==Guid("01234567-89AB-4def-8123-456789abcdef")"#,
                true,
            ),
            (r#"Contact.Name.Contains("(LEEDS)")"#, true),
            (r#"Contact.Name.ToLower().StartsWith("smith")"#, true),
            (r#"Contact.Name.EndsWith("Leeds")"#, false),
            ("Reference==null", true),
            ("Reference!=null AND Reference.Contains(\"x\")", false),
            ("DueDate < DateTime(2030,1,1)", false),
            ("SentToContact==false", true),
        ];
        for (filter, expected) in cases {
            assert_eq!(ask(filter), Ok(expected), "{filter}");
        }
    }

    #[test]
    fn what_is_not_documented_is_refused() {
        for filter in [
            "",
            "Type",
            "type==\"ACCREC\"",
            "Type=\"ACCREC\"",
            "Type==",
            "(Type==\"ACCREC\"",
            "Type==\"ACCREC",
            "Nothing==1",
            "Contact.Nothing==1",
            "Type==\"A\" XOR Type==\"B\"",
            "Date==DateTime(2026,13,1)",
            "InvoiceID==\"01234567-89ab-4def-8123-456789abcdef\"",
            "InvoiceID==Guid(\"x\")",
            "AmountDue==\"24\"",
            "Type.Length()==3",
            "Type==\"A\"; drop",
            "AmountDue.Contains(\"2\")",
        ] {
            let answer = ask(filter);
            assert!(answer.is_err(), "{filter}: {answer:?}");
        }
        assert_eq!(
            ask("Nothing==1").unwrap_err(),
            "No property or field 'Nothing' exists in type 'Invoice'"
        );
    }

    #[test]
    fn records_are_put_in_order() {
        let a = serde_json::json!({"AmountDue": 2, "Status": "b"});
        let b = serde_json::json!({"AmountDue": 10, "Status": "B"});
        let order = |text| {
            by_order(
                &parse_order(text, &INVOICE).unwrap(),
                &INVOICE,
                a.as_object().unwrap(),
                b.as_object().unwrap(),
            )
        };
        assert_eq!(order("AmountDue"), Ordering::Less);
        assert_eq!(order("Status ASC, AmountDue DESC"), Ordering::Greater);
        assert!(parse_order("AmountDue SIDEWAYS", &INVOICE).is_err());
        assert!(parse_order("Nothing", &INVOICE).is_err());
    }
}
