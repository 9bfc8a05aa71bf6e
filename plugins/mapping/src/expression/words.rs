//! CEL's errors told in the words of the reference, or as the missing value that caused them.
//!
//! It never hides an error but those that come from something missing.

use cel::{ExecutionError, Value};

use crate::rewrite::KNOWN;
use crate::values::{MISSING, is_missing, missing};

/// CEL's error as a missing value or in our words.
pub(super) fn told(error: &ExecutionError) -> Result<Value, String> {
    match error {
        ExecutionError::FunctionError { function, .. } if function == KNOWN => Ok(missing()),
        ExecutionError::FunctionError { function, message } if function.starts_with('@') => {
            Err(message.clone())
        }
        ExecutionError::FunctionError { function, message } => {
            Err(format!("{function}: {message}"))
        }
        ExecutionError::NoSuchOverload(overload) => not_applicable(
            overload.function(),
            overload.argument_types().iter().map(String::as_str),
        ),
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            not_applicable(sign(operator), [left, right].map(type_name))
        }
        ExecutionError::ValuesNotComparable(left, right) => {
            not_applicable("compared", [left, right].map(type_name))
        }
        ExecutionError::UnexpectedType { got, want } if want == "bool" => Err(format!(
            "a condition must be true or false, found {}",
            type_words(got)
        )),
        other => Err(other.to_string()),
    }
}

fn not_applicable<'n>(
    operator: &str,
    operands: impl IntoIterator<Item = &'n str>,
) -> Result<Value, String> {
    let operands: Vec<&str> = operands.into_iter().collect();
    if operands.contains(&MISSING) {
        return Ok(missing());
    }
    let words: Vec<&str> = operands.into_iter().map(type_words).collect();
    Err(format!(
        "`{}` can't be applied to {}",
        operator.trim_matches('_'),
        words.join(" and ")
    ))
}

/// The sign of an operator that an error names.
fn sign(operator: &str) -> &str {
    match operator {
        "add" => "+",
        "sub" => "-",
        "mul" => "*",
        "div" => "/",
        "rem" => "%",
        other => other,
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Int(_) => "int",
        Value::Bool(_) => "bool",
        Value::Null => "null_type",
        Value::List(_) => "list",
        Value::Map(_) => "map",
        _ if is_missing(value) => MISSING,
        _ => "a value of another type",
    }
}

/// CEL's type names in the words of the reference.
fn type_words(name: &str) -> &str {
    match name {
        "string" => "text",
        "int" => "a whole number",
        "bool" => "true or false",
        "null_type" => "null",
        "list" => "a list",
        "map" => "a structure",
        MISSING => "a missing value",
        other => other,
    }
}
