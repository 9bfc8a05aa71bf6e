//! SOQL: text to tokens to a query, bound to the schema, then run over the store.
//!
//! Strict: what Salesforce refuses is refused with its error code and the form of its message. The
//! flow: [`lexer`], [`parser`], [`bind`], [`run`]; pages are cut by [`super::api`].

mod ast;
mod bind;
mod dates;
mod filter;
mod lexer;
mod parser;
mod run;

pub(crate) use run::{Answer, Row, Scope, Viewer, attributes, print, run};

use super::error::ApiError;

/// An error at a place in the query, in Salesforce's form.
fn at(query: &str, column: usize, code: &'static str, message: &str) -> ApiError {
    let before: Vec<char> = query.chars().take(column).collect();
    let row = before.iter().filter(|c| **c == '\n').count() + 1;
    let in_row = before.iter().rev().take_while(|c| **c != '\n').count() + 1;
    let start = column.saturating_sub(40);
    let shown: String = query
        .chars()
        .skip(start)
        .take(80)
        .map(|c| if c == '\n' || c == '\r' { ' ' } else { c })
        .collect();
    let pointer = " ".repeat(column - start);
    ApiError::new(
        code,
        format!("\n{shown}\n{pointer}^\nERROR at Row:{row}:Column:{in_row}\n{message}"),
    )
}
