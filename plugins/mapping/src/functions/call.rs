//! A call of one of our functions: its parameters by type, and what the functions do with them.
//!
//! It never guesses a type: a parameter of the wrong one is an error that says what was found.

use cel::Value;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::Tables;
use crate::decimals::{self, MOST_PLACES, Rounding};
use crate::values::{self, is_filled, is_missing, missing, text};
use crate::{dates, texts};

/// A call with its evaluated parameters.
pub(super) struct Call<'a> {
    pub(super) arguments: &'a [Value],
    pub(super) tables: &'a Tables,
}

impl Call<'_> {
    pub(super) fn value(&self, at: usize) -> Result<&Value, String> {
        self.arguments
            .get(at)
            .ok_or_else(|| format!("parameter {} is not given", at + 1))
    }

    pub(super) fn text(&self, at: usize) -> Result<&str, String> {
        match self.value(at)? {
            Value::String(text) => Ok(text),
            other => Err(format!(
                "parameter {} must be text, found {}",
                at + 1,
                values::words(other)
            )),
        }
    }

    pub(super) fn decimal(&self, at: usize) -> Result<Decimal, String> {
        match self.value(at)? {
            Value::Int(number) => Ok(Decimal::from(*number)),
            Value::String(text) => decimals::parse(text),
            other => Err(format!(
                "parameter {} must be a decimal, found {}",
                at + 1,
                values::words(other)
            )),
        }
    }

    pub(super) fn whole(&self, at: usize) -> Result<i64, String> {
        let number = self.decimal(at)?;
        let whole = if number.is_integer() {
            number.to_i64()
        } else {
            None
        };
        whole.ok_or_else(|| {
            format!(
                "parameter {} must be a whole number, found {number}",
                at + 1
            )
        })
    }

    pub(super) fn places(&self, at: usize) -> Result<u32, String> {
        let places = self.whole(at)?;
        let fitting = u32::try_from(places)
            .ok()
            .filter(|places| *places <= MOST_PLACES);
        fitting.ok_or_else(|| format!("there can be 0 to {MOST_PLACES} places, not {places}"))
    }

    pub(super) fn rounding(&self, at: usize) -> Result<Rounding, String> {
        if at < self.arguments.len() {
            Rounding::named(self.text(at)?)
        } else {
            Ok(Rounding::HalfUp)
        }
    }

    pub(super) fn date(&self, at: usize) -> Result<NaiveDate, String> {
        dates::parse(self.text(at)?)
    }
}

pub(super) fn exact(number: Result<Decimal, String>) -> Result<Value, String> {
    number.map(|number| {
        text(
            if number.is_zero() {
                number.abs()
            } else {
                number
            }
            .to_string(),
        )
    })
}

pub(super) fn day(date: Result<NaiveDate, String>) -> Result<Value, String> {
    date.map(|date| text(date.format("%Y-%m-%d").to_string()))
}

pub(super) fn default(call: &Call<'_>) -> Result<Value, String> {
    let value = call.value(0)?;
    let gone = is_missing(value) || *value == Value::Null;
    Ok(if gone { call.value(1)? } else { value }.clone())
}

pub(super) fn first(call: &Call<'_>) -> Result<Value, String> {
    Ok(call
        .arguments
        .iter()
        .find(|value| is_filled(value))
        .cloned()
        .unwrap_or_else(missing))
}

pub(super) fn head(call: &Call<'_>) -> Result<Value, String> {
    match call.value(0)? {
        Value::List(list) => Ok(list.first().cloned().unwrap_or_else(missing)),
        other => Err(format!(
            "parameter 1 must be a list, found {}",
            values::words(other)
        )),
    }
}

pub(super) fn lookup(call: &Call<'_>) -> Result<Value, String> {
    let name = call.text(0)?;
    let table = call
        .tables
        .get(name)
        .ok_or_else(|| format!("there is no table \"{name}\""))?;
    let key = call.value(1)?;
    let found = match key {
        Value::String(key) => table.get(key.as_str()),
        _ => None,
    };
    match (found, call.arguments.get(2)) {
        (Some(value), _) => Ok(text(value.as_str())),
        (None, Some(fallback)) => Ok(fallback.clone()),
        (None, None) if is_missing(key) => Ok(missing()),
        (None, None) => Err(format!(
            "the table \"{name}\" has no entry for {}; add one, or give a third parameter",
            values::words(key)
        )),
    }
}

pub(super) fn compare(call: &Call<'_>) -> Result<Value, String> {
    Ok(Value::Int(match call.decimal(0)?.cmp(&call.decimal(1)?) {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    }))
}

pub(super) fn truncate(call: &Call<'_>) -> Result<Value, String> {
    let most = usize::try_from(call.whole(1)?)
        .map_err(|_| "parameter 2 must not be negative".to_owned())?;
    Ok(text(texts::truncate(call.text(0)?, most)))
}

pub(super) fn concat(call: &Call<'_>) -> Result<Value, String> {
    let parts: Result<Vec<&str>, String> =
        (0..call.arguments.len()).map(|at| call.text(at)).collect();
    Ok(text(parts?.concat()))
}

pub(super) fn join(call: &Call<'_>) -> Result<Value, String> {
    let Value::List(list) = call.value(0)? else {
        return Err(format!(
            "parameter 1 must be a list, found {}",
            values::words(call.value(0)?)
        ));
    };
    let parts: Result<Vec<&str>, String> = list
        .iter()
        .filter(|part| is_filled(part))
        .map(|part| match part {
            Value::String(text) => Ok(text.as_str()),
            other => Err(format!(
                "only texts can be joined, found {}",
                values::words(other)
            )),
        })
        .collect();
    Ok(text(texts::join(parts?.into_iter(), call.text(1)?)))
}
