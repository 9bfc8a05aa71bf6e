//! Our functions for expressions, in one table: the check of calls, the evaluation and the reference read it.
//!
//! Each is pure. A function that is given something missing gives missing, one that is given null gives null, except
//! for those made to handle them. Decimals and dates are texts; `decimals` and `dates` do the arithmetic.

mod call;

use std::collections::BTreeMap;
use std::sync::Arc;

use cel::{Context, ExecutionError, FunctionContext, Value};

use crate::values::{is_filled, is_missing, missing, text};
use crate::{dates, decimals};
use call::{Call, compare, concat, day, default, exact, first, head, join, lookup, truncate};

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
