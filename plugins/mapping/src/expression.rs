//! Compiles and evaluates expressions: CEL with our functions, checked before any record is seen.
//!
//! It never lets through what could only fail later: unknown functions, wrong numbers of parameters, unknown tables,
//! binary floating-point literals. `settings` calls [`compile`]; `apply` calls [`Expression::evaluate`].

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr, LiteralValue, SourceInfo, operators};
use cel::{Context, Env, ExecutionError, FunctionContext, IdedExpr, Value};
use footbridge_sdk::failure::Code;

use crate::decimals::Rounding;
use crate::functions::{self, FUNCTIONS, STANDARD, Tables};
use crate::reads;
use crate::rewrite::{ELEMENTS, FIELD, KNOWN, rewrite};
use crate::suggest::{listed, nearest};
use crate::values::{self, MISSING, is_missing, missing};

/// A compiled expression.
#[derive(Debug)]
pub struct Expression {
    tree: IdedExpr,
    /// As it was written.
    pub(crate) source: String,
    /// The source paths that it reads.
    pub(crate) reads: BTreeSet<String>,
    /// Its value, if it is nothing but a literal.
    pub(crate) literal: Option<Value>,
}

/// What is wrong with an expression.
#[derive(Debug)]
pub struct Fault {
    /// The code of the registry.
    pub code: Code,
    /// What was found and what is accepted.
    pub message: String,
    /// How many lines below the expression's first.
    pub line: usize,
}

/// Why an expression has no value for a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed(pub(crate) String);

static ENVIRONMENT: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// The operators of CEL as its syntax tree names them; macros expand to them too.
const OPERATORS: &[&str] = &[
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::IN,
    operators::NOT_STRICTLY_FALSE,
];

/// Macros of CEL, for suggestions and the reference.
pub const MACROS: &[&str] = &["has", "all", "exists", "exists_one", "filter", "map"];

/// Compiles an expression. `element` is the name that stands for a list's element, with the list's path.
///
/// # Errors
/// Every fault that was found.
pub fn compile(
    source: &str,
    element: Option<(&str, &str)>,
    tables: &Tables,
) -> Result<Expression, Vec<Fault>> {
    let program = ENVIRONMENT.compile(source).map_err(|errors| {
        let fault = |error: &cel::ParseError| Fault {
            code: Code::InvalidValue,
            message: format!("the expression can't be read: {}", error.msg),
            line: usize::try_from(error.pos.0).unwrap_or(1).saturating_sub(1),
        };
        errors.errors.iter().map(fault).collect::<Vec<_>>()
    })?;
    let mut check = Check {
        places: program.source_info(),
        tables,
        faults: Vec::new(),
    };
    check.expression(program.expression());
    if !check.faults.is_empty() {
        return Err(check.faults);
    }
    let literal = match &program.expression().expr {
        Expr::Literal(literal) => Value::try_from(literal.to_val().as_ref()).ok(),
        _ => None,
    };
    Ok(Expression {
        tree: rewrite(program.expression()),
        source: source.to_owned(),
        reads: reads::of(program.expression(), element),
        literal,
    })
}

/// A context with all functions and no variables.
///
/// # Errors
/// If a name of ours is one of CEL's own.
pub(crate) fn context<'v>(
    tables: &Arc<Tables>,
) -> Result<Context<'static, 'v>, cel::DeclarationError> {
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    functions::register(&mut context, tables)?;
    context.add_function(FIELD, |call: &FunctionContext<'_, '_>| {
        let [structure, name] = call.args.as_slice() else {
            return Err(call.error("takes a structure and a name"));
        };
        field(
            &Value::try_from(structure.as_ref())?,
            &Value::try_from(name.as_ref())?,
        )
        .map_err(|message| call.error(message))
    })?;
    context.add_function(ELEMENTS, |call: &FunctionContext<'_, '_>| {
        let list = call
            .args
            .first()
            .map(|list| Value::try_from(list.as_ref()))
            .transpose()?;
        match list {
            Some(Value::Null) => Ok(Value::List(Arc::default())),
            Some(value) if is_missing(&value) => Err(call.error("the list was not read")),
            Some(value) => Ok(value),
            None => Err(call.error("takes a list")),
        }
    })?;
    context.add_function(KNOWN, |call: &FunctionContext<'_, '_>| {
        let value = call
            .args
            .first()
            .map(|value| Value::try_from(value.as_ref()))
            .transpose()?;
        value
            .filter(|value| !is_missing(value))
            .ok_or_else(|| call.error(MISSING))
    })?;
    Ok(context)
}

fn field(structure: &Value, name: &Value) -> Result<Value, String> {
    match (structure, name) {
        (Value::Map(map), Value::String(name)) => Ok(map
            .get(&cel::objects::KeyRef::String(name))
            .cloned()
            .unwrap_or_else(missing)),
        (Value::Null, _) => Ok(Value::Null),
        (other, _) if is_missing(other) => Ok(missing()),
        (other, _) => Err(format!("{} has no fields", values::words(other))),
    }
}

impl Expression {
    /// The value for the record that the context stands for. An operator that meets a missing value makes the whole
    /// expression missing.
    pub(crate) fn evaluate(&self, context: &Context<'_, '_>) -> Result<Value, Failed> {
        context
            .resolve(&self.tree)
            .or_else(|error| told(&error).map_err(|why| self.failed(&why)))
    }

    pub(crate) fn failed(&self, why: &str) -> Failed {
        Failed(format!("{why}, in the expression `{}`", self.source.trim()))
    }
}

/// CEL's error as a missing value or in our words.
fn told(error: &ExecutionError) -> Result<Value, String> {
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

struct Check<'a> {
    places: &'a SourceInfo,
    tables: &'a Tables,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, at: &IdedExpr, code: Code, message: String) {
        let start = self
            .places
            .offset_for(at.id)
            .map_or(0, |(start, _)| start as usize);
        let line = self
            .places
            .source
            .chars()
            .take(start)
            .filter(|character| *character == '\n')
            .count();
        self.faults.push(Fault {
            code,
            message,
            line,
        });
    }

    fn expression(&mut self, at: &IdedExpr) {
        match &at.expr {
            Expr::Literal(LiteralValue::Double(number)) => {
                let number = number.inner();
                let message = format!(
                    "{number} is a binary floating-point number, which can't hold cents exactly; write it in quotes, '{number}', and use add, sub, mul, div"
                );
                self.fault(at, Code::InvalidValue, message);
            }
            Expr::Literal(LiteralValue::UInt(_) | LiteralValue::Bytes(_)) => {
                self.fault(
                    at,
                    Code::InvalidValue,
                    "unsigned numbers and bytes are not supported; use whole numbers and text"
                        .to_owned(),
                );
            }
            Expr::Struct(_) => {
                self.fault(
                    at,
                    Code::InvalidValue,
                    "typed structures are not supported; give the structure's fields in the TOML"
                        .to_owned(),
                );
            }
            Expr::Select(select) => self.expression(&select.operand),
            Expr::Call(call) => {
                let operands: Vec<&IdedExpr> = call
                    .target
                    .as_deref()
                    .into_iter()
                    .chain(&call.args)
                    .collect();
                if !OPERATORS.contains(&call.func_name.as_str()) {
                    self.call(at, &call.func_name, &operands);
                }
                for operand in operands {
                    self.expression(operand);
                }
            }
            Expr::Comprehension(parts) => {
                for part in [
                    &parts.iter_range,
                    &parts.accu_init,
                    &parts.loop_cond,
                    &parts.loop_step,
                    &parts.result,
                ] {
                    self.expression(part);
                }
            }
            Expr::List(list) => list
                .elements
                .iter()
                .for_each(|element| self.expression(element)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.expression(&entry.key);
                        self.expression(&entry.value);
                    }
                }
            }
            Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn call(&mut self, at: &IdedExpr, name: &str, operands: &[&IdedExpr]) {
        let own = functions::named(name)
            .map(|function| (function.least, function.most, function.parameters));
        let standard = STANDARD
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(_, count, _)| (*count, *count, ""));
        let Some((least, most, parameters)) = own.or(standard) else {
            let accepted = || {
                FUNCTIONS
                    .iter()
                    .map(|function| function.name)
                    .chain(STANDARD.iter().map(|(name, ..)| *name))
                    .chain(MACROS.iter().copied())
            };
            let message = if MACROS.contains(&name) {
                format!("{name} is written `list.{name}(element, expression)`, or `has(path)`")
            } else {
                format!(
                    "there is no function \"{name}\"{}; accepted: {}",
                    nearest(name, accepted()),
                    listed(accepted())
                )
            };
            self.fault(at, Code::UnknownFunction, message);
            return;
        };
        if operands.len() < least || operands.len() > most {
            let wanted = if parameters.is_empty() {
                format!("{least}")
            } else {
                format!("({parameters})")
            };
            self.fault(
                at,
                Code::InvalidValue,
                format!("{name} takes {wanted}, found {} parameters", operands.len()),
            );
            return;
        }
        let literal = |at: usize| match operands.get(at).map(|operand| &operand.expr) {
            Some(Expr::Literal(LiteralValue::String(text))) => Some(text.inner().to_owned()),
            _ => None,
        };
        match name {
            "lookup" => match literal(0) {
                Some(table) if self.tables.contains_key(&table) => {}
                Some(table) => {
                    let names = || self.tables.keys().map(String::as_str);
                    let message = format!(
                        "there is no table \"{table}\"{}; tables given: {}",
                        nearest(&table, names()),
                        listed(names())
                    );
                    self.fault(at, Code::NotFound, message);
                }
                None => self.fault(
                    at,
                    Code::InvalidValue,
                    "lookup's first parameter must be a table's name in quotes".to_owned(),
                ),
            },
            "div" | "round" => {
                if let Some(Err(message)) =
                    literal(most - 1).map(|mode| Rounding::named(&mode).map(drop))
                {
                    self.fault(at, Code::InvalidValue, message);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(source: &str) -> String {
        let tables = Tables::from([("terms".to_owned(), std::collections::BTreeMap::new())]);
        let faults = compile(source, None, &tables)
            .map(|_| String::new())
            .unwrap_err();
        faults
            .iter()
            .map(|fault| format!("+{} {}: {}", fault.line, fault.code.as_str(), fault.message))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn faults_name_what_was_found_and_what_is_accepted() {
        let cases = [
            (
                "mul(Amount, 1.5)",
                "+0 invalid-value: 1.5 is a binary floating-point number",
            ),
            (
                "Name\n + tirm(City)",
                "+1 unknown-function: there is no function \"tirm\" (did you mean \"trim\"?)",
            ),
            (
                "double(Amount)",
                "unknown-function: there is no function \"double\"",
            ),
            (
                "round(Amount)",
                "round takes (a, places [, rounding]), found 1 parameters",
            ),
            (
                "round(Amount, 2, 'half-evn')",
                "\"half-evn\" is no way to round; accepted: half-up, half-even",
            ),
            (
                "lookup('trems', Name)",
                "not-found: there is no table \"trems\" (did you mean \"terms\"?); tables given: terms",
            ),
            ("lookup(Name, Name)", "must be a table's name in quotes"),
            (
                "Contacts.filter(c)",
                "filter is written `list.filter(element, expression)`",
            ),
            ("Name +", "the expression can't be read"),
            ("1u", "unsigned numbers"),
            ("Acme{a: 1}", "typed structures"),
            ("Account.?Name", "can't be read"),
        ];
        for (source, wanted) in cases {
            let found = fault(source);
            assert!(found.contains(wanted), "{source}: {found}");
        }
    }
}
