//! Our functions for expressions, in one table: the check of calls, the evaluation and the reference read it.
//!
//! Each is pure. A function that is given something missing gives missing, one that is given null gives null, except
//! for those made to handle them. Decimals and dates are texts; `decimals` and `dates` do the arithmetic.

use std::collections::BTreeMap;
use std::sync::Arc;

use cel::{Context, ExecutionError, FunctionContext, Value};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::decimals::{self, MOST_PLACES, Rounding};
use crate::values::{self, is_filled, is_missing, missing, text};
use crate::{dates, texts};

/// The mapping's look-up tables: name, then key, then value.
pub type Tables = BTreeMap<String, BTreeMap<String, String>>;

/// A function that expressions can call.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its parameters as the reference shows them; optional ones in brackets.
    pub parameters: &'static str,
    /// What it gives, in one sentence.
    pub about: &'static str,
    pub(crate) least: usize,
    pub(crate) most: usize,
    gaps: Gaps,
    run: fn(&Call<'_>) -> Result<Value, String>,
}

/// What happens to arguments that are missing or null.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gaps {
    /// The result is missing or null too.
    PassOn,
    /// The function is made for them.
    Handled,
}

struct Call<'a> {
    arguments: &'a [Value],
    tables: &'a Tables,
}

const fn function(
    name: &'static str,
    parameters: &'static str,
    (least, most): (usize, usize),
    gaps: Gaps,
    run: fn(&Call<'_>) -> Result<Value, String>,
    about: &'static str,
) -> Function {
    Function {
        name,
        parameters,
        about,
        least,
        most,
        gaps,
        run,
    }
}

const MANY: usize = usize::MAX;

use Gaps::{Handled, PassOn};

/// All of them, in the order of the reference.
pub const FUNCTIONS: &[Function] = &[
    function(
        "default",
        "value, fallback",
        (2, 2),
        Handled,
        default,
        "the value, or the fallback if the value is missing or null",
    ),
    function(
        "first",
        "value, ...",
        (1, MANY),
        Handled,
        first,
        "the first value that is filled; missing if none is",
    ),
    function(
        "filled",
        "value",
        (1, 1),
        Handled,
        |call| Ok(Value::Bool(call.arguments.iter().all(is_filled))),
        "whether the value is there: not missing, null, blank text or an empty list",
    ),
    function(
        "missing",
        "value",
        (1, 1),
        Handled,
        |call| Ok(Value::Bool(call.arguments.iter().all(is_missing))),
        "whether the record does not carry the value at all; null and '' are there",
    ),
    function(
        "leave_out",
        "",
        (0, 0),
        Handled,
        |_| Ok(missing()),
        "the missing value: a field given it is left out of the draft",
    ),
    function(
        "head",
        "list",
        (1, 1),
        PassOn,
        head,
        "the first element; missing if the list is empty",
    ),
    function(
        "lookup",
        "table, key [, fallback]",
        (2, 3),
        Handled,
        lookup,
        "the table's value for the key; without an entry the fallback, or else a problem of this record",
    ),
    function(
        "add",
        "a, b",
        (2, 2),
        PassOn,
        |call| exact(decimals::add(call.decimal(0)?, call.decimal(1)?)),
        "a + b, exactly",
    ),
    function(
        "sub",
        "a, b",
        (2, 2),
        PassOn,
        |call| exact(decimals::sub(call.decimal(0)?, call.decimal(1)?)),
        "a - b, exactly",
    ),
    function(
        "mul",
        "a, b",
        (2, 2),
        PassOn,
        |call| exact(decimals::mul(call.decimal(0)?, call.decimal(1)?)),
        "a * b, exactly",
    ),
    function(
        "div",
        "a, b, places [, rounding]",
        (3, 4),
        PassOn,
        |call| {
            exact(decimals::div(
                call.decimal(0)?,
                call.decimal(1)?,
                call.places(2)?,
                call.rounding(3)?,
            ))
        },
        "a / b to so many places, rounded 'half-up' (the default) or 'half-even'",
    ),
    function(
        "round",
        "a, places [, rounding]",
        (2, 3),
        PassOn,
        |call| {
            exact(Ok(decimals::round(
                call.decimal(0)?,
                call.places(1)?,
                call.rounding(2)?,
            )))
        },
        "a with at most so many places, rounded 'half-up' (the default) or 'half-even'",
    ),
    function(
        "compare",
        "a, b",
        (2, 2),
        PassOn,
        compare,
        "-1, 0 or 1 as the decimal a is less than, equal to or greater than b",
    ),
    function(
        "add_days",
        "date, days",
        (2, 2),
        PassOn,
        |call| day(dates::add_days(call.date(0)?, call.whole(1)?)),
        "the date so many days later",
    ),
    function(
        "add_months",
        "date, months",
        (2, 2),
        PassOn,
        |call| day(dates::add_months(call.date(0)?, call.whole(1)?)),
        "the same day so many months later, or the last day of that month if it has no such day",
    ),
    function(
        "end_of_month",
        "date",
        (1, 1),
        PassOn,
        |call| day(dates::end_of_month(call.date(0)?)),
        "the last day of the date's month",
    ),
    function(
        "days_between",
        "from, to",
        (2, 2),
        PassOn,
        |call| {
            Ok(Value::Int(dates::days_between(
                call.date(0)?,
                call.date(1)?,
            )))
        },
        "how many days `to` lies after `from`",
    ),
    function(
        "trim",
        "text",
        (1, 1),
        PassOn,
        |call| Ok(text(call.text(0)?.trim())),
        "the text without blanks around it",
    ),
    function(
        "upper",
        "text",
        (1, 1),
        PassOn,
        |call| Ok(text(call.text(0)?.to_uppercase())),
        "the text in capitals",
    ),
    function(
        "lower",
        "text",
        (1, 1),
        PassOn,
        |call| Ok(text(call.text(0)?.to_lowercase())),
        "the text in small letters",
    ),
    function(
        "truncate",
        "text, most",
        (2, 2),
        PassOn,
        truncate,
        "at most so many characters of the text",
    ),
    function(
        "concat",
        "text, ...",
        (1, MANY),
        PassOn,
        concat,
        "the texts one after the other",
    ),
    function(
        "join",
        "list, separator",
        (2, 2),
        PassOn,
        join,
        "the filled texts of the list with the separator between them",
    ),
];

/// Standard functions of CEL that are let through: name, parameters (the text they are called on included), what for.
pub const STANDARD: &[(&str, usize, &str)] = &[
    ("size", 1, "characters of a text, elements of a list"),
    ("contains", 2, "`text.contains(part)`"),
    ("startsWith", 2, "`text.startsWith(part)`"),
    ("endsWith", 2, "`text.endsWith(part)`"),
    ("string", 1, "a whole number as text"),
    ("int", 1, "a text of digits as a whole number"),
];

/// The table's entry of that name.
pub(crate) fn named(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// What expressions see besides the record's own fields.
pub(crate) const VARIABLES: [&str; 2] = ["local_date", "as_of"];

/// Adds all functions to a root context.
pub(crate) fn register(
    context: &mut Context<'_, '_>,
    tables: &Arc<Tables>,
) -> Result<(), cel::DeclarationError> {
    for function in FUNCTIONS {
        let tables = Arc::clone(tables);
        context.add_function(function.name, move |call: &FunctionContext<'_, '_>| {
            function.call(call, &tables)
        })?;
    }
    Ok(())
}

impl Function {
    fn call(
        &self,
        context: &FunctionContext<'_, '_>,
        tables: &Tables,
    ) -> Result<Value, ExecutionError> {
        let arguments = context
            .this
            .iter()
            .chain(&context.args)
            .map(|value| Value::try_from(value.as_ref()));
        let arguments: Vec<Value> = arguments.collect::<Result<_, _>>()?;
        if self.gaps == PassOn {
            if arguments.iter().any(is_missing) {
                return Ok(missing());
            }
            if arguments.contains(&Value::Null) {
                return Ok(Value::Null);
            }
        }
        (self.run)(&Call {
            arguments: &arguments,
            tables,
        })
        .map_err(|message| context.error(message))
    }
}

impl Call<'_> {
    fn value(&self, at: usize) -> Result<&Value, String> {
        self.arguments
            .get(at)
            .ok_or_else(|| format!("parameter {} is not given", at + 1))
    }

    fn text(&self, at: usize) -> Result<&str, String> {
        match self.value(at)? {
            Value::String(text) => Ok(text),
            other => Err(format!(
                "parameter {} must be text, found {}",
                at + 1,
                values::words(other)
            )),
        }
    }

    fn decimal(&self, at: usize) -> Result<Decimal, String> {
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

    fn whole(&self, at: usize) -> Result<i64, String> {
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

    fn places(&self, at: usize) -> Result<u32, String> {
        let places = self.whole(at)?;
        let fitting = u32::try_from(places)
            .ok()
            .filter(|places| *places <= MOST_PLACES);
        fitting.ok_or_else(|| format!("there can be 0 to {MOST_PLACES} places, not {places}"))
    }

    fn rounding(&self, at: usize) -> Result<Rounding, String> {
        if at < self.arguments.len() {
            Rounding::named(self.text(at)?)
        } else {
            Ok(Rounding::HalfUp)
        }
    }

    fn date(&self, at: usize) -> Result<NaiveDate, String> {
        dates::parse(self.text(at)?)
    }
}

fn exact(number: Result<Decimal, String>) -> Result<Value, String> {
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

fn day(date: Result<NaiveDate, String>) -> Result<Value, String> {
    date.map(|date| text(date.format("%Y-%m-%d").to_string()))
}

fn default(call: &Call<'_>) -> Result<Value, String> {
    let value = call.value(0)?;
    let gone = is_missing(value) || *value == Value::Null;
    Ok(if gone { call.value(1)? } else { value }.clone())
}

fn first(call: &Call<'_>) -> Result<Value, String> {
    Ok(call
        .arguments
        .iter()
        .find(|value| is_filled(value))
        .cloned()
        .unwrap_or_else(missing))
}

fn head(call: &Call<'_>) -> Result<Value, String> {
    match call.value(0)? {
        Value::List(list) => Ok(list.first().cloned().unwrap_or_else(missing)),
        other => Err(format!(
            "parameter 1 must be a list, found {}",
            values::words(other)
        )),
    }
}

fn lookup(call: &Call<'_>) -> Result<Value, String> {
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

fn compare(call: &Call<'_>) -> Result<Value, String> {
    Ok(Value::Int(match call.decimal(0)?.cmp(&call.decimal(1)?) {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    }))
}

fn truncate(call: &Call<'_>) -> Result<Value, String> {
    let most = usize::try_from(call.whole(1)?)
        .map_err(|_| "parameter 2 must not be negative".to_owned())?;
    Ok(text(texts::truncate(call.text(0)?, most)))
}

fn concat(call: &Call<'_>) -> Result<Value, String> {
    let parts: Result<Vec<&str>, String> =
        (0..call.arguments.len()).map(|at| call.text(at)).collect();
    Ok(text(parts?.concat()))
}

fn join(call: &Call<'_>) -> Result<Value, String> {
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
