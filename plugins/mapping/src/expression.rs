//! Compiles and evaluates expressions: CEL with our functions, checked before any record is seen.
//!
//! It never lets through what could only fail later: unknown functions, wrong numbers of parameters, unknown tables,
//! binary floating-point literals. `settings` calls [`compile`]; `apply` calls [`Expression::evaluate`].

mod check;
mod words;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use cel::common::ast::Expr;
use cel::{Context, Env, FunctionContext, IdedExpr, Value};
use footbridge_sdk::failure::Code;

use crate::functions::{self, Tables};
use crate::reads;
use crate::rewrite::{ELEMENTS, FIELD, KNOWN, rewrite};
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
    let faults = check::faults(program.expression(), program.source_info(), tables);
    if !faults.is_empty() {
        return Err(faults);
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
            .or_else(|error| words::told(&error).map_err(|why| self.failed(&why)))
    }

    pub(crate) fn failed(&self, why: &str) -> Failed {
        Failed(format!("{why}, in the expression `{}`", self.told()))
    }

    /// Its text in one line, as messages quote it.
    pub(crate) fn told(&self) -> String {
        let words: Vec<&str> = self.source.split_whitespace().collect();
        words.join(" ")
    }
}
