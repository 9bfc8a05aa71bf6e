//! Reading one element of a request, and the messages it is refused with.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::dates;
use super::guid::Guid;
use super::money;

/// An element of a request as it came.
pub(crate) type Element = Map<String, Value>;

/// Why an element is refused: Xero's `ValidationErrors[].Message`s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusals(pub(crate) Vec<String>);

impl Refusals {
    pub(crate) fn one(message: impl Into<String>) -> Self {
        Self(vec![message.into()])
    }

    pub(crate) fn add(&mut self, message: impl Into<String>) {
        let message = message.into();
        if !self.0.contains(&message) {
            self.0.push(message);
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        for message in other.0 {
            self.add(message);
        }
    }

    /// `value` if nothing was refused.
    pub(crate) fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

/// A field that is there and not null.
pub(crate) fn given<'a>(element: &'a Element, field: &str) -> Option<&'a Value> {
    element.get(field).filter(|value| !value.is_null())
}

/// A text field, trimmed; an empty one is given, as empty.
pub(crate) fn text(element: &Element, field: &str) -> Option<String> {
    match given(element, field)? {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text field that is not empty.
pub(crate) fn filled(element: &Element, field: &str) -> Option<String> {
    text(element, field).filter(|text| !text.is_empty())
}

/// A GUID field; one of zeros is as good as none.
pub(crate) fn guid(element: &Element, field: &str) -> Result<Option<Guid>, Refusals> {
    match filled(element, field) {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(Guid::ZERO) => Ok(None),
            Ok(guid) => Ok(Some(guid)),
            Err(_) => Err(Refusals::one(format!(
                "{field} '{text}' is not a valid GUID"
            ))),
        },
    }
}

/// A decimal field.
pub(crate) fn decimal(element: &Element, field: &str) -> Result<Option<Decimal>, Refusals> {
    match given(element, field) {
        None => Ok(None),
        Some(value) => match money::decimal(value) {
            Some(number) => Ok(Some(number)),
            None => Err(Refusals::one(format!("{field} is not a number"))),
        },
    }
}

/// A date field.
pub(crate) fn date(element: &Element, field: &str) -> Result<Option<chrono::NaiveDate>, Refusals> {
    match given(element, field) {
        None | Some(Value::String(_)) if filled(element, field).is_none() => Ok(None),
        None => Ok(None),
        Some(value) => match dates::read_date(value) {
            Some(date) => Ok(Some(date)),
            None => Err(Refusals::one(format!("{field} is not a date"))),
        },
    }
}

/// A truth field; `"true"` is read as well.
pub(crate) fn truth(element: &Element, field: &str) -> Option<bool> {
    match given(element, field)? {
        Value::Bool(value) => Some(*value),
        Value::String(text) => text.to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// A member that is an object.
pub(crate) fn object<'a>(element: &'a Element, field: &str) -> Option<&'a Element> {
    given(element, field)?.as_object()
}

/// The objects of a list member; `None` when the member is absent.
pub(crate) fn objects<'a>(element: &'a Element, field: &str) -> Option<Vec<&'a Element>> {
    let list = given(element, field)?.as_array()?;
    Some(list.iter().filter_map(Value::as_object).collect())
}
