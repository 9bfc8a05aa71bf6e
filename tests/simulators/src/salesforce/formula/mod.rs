//! Formula fields: parsed and typed when they are deployed, worked out whenever they are read.
//!
//! Only what a documented, small part of the language does; a function that is not here fails the
//! deployment instead of giving a wrong value. Flow: [`parse`], [`types`] against the schema, [`eval`].

mod eval;
mod parse;
mod types;

use rust_decimal::Decimal;

use super::schema::{FieldKind, ObjectDef, Schema};
pub(crate) use eval::{Scene, value};

/// A formula that compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// As it was deployed.
    pub(crate) text: String,
    pub(crate) blanks: Blanks,
    expression: Expr,
}

/// How an empty number counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Blanks {
    #[default]
    AsZero,
    AsBlank,
}

#[derive(Clone, Debug, PartialEq)]
enum Expr {
    Null,
    Number(Decimal),
    Text(String),
    Flag(bool),
    /// `Account__r.Name` in its parts.
    Field(Vec<String>),
    Call(Function, Vec<Expr>),
    Negative(Box<Expr>),
    Not(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Over,
    Join,
}

macro_rules! functions {
    ($($variant:ident = $name:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Function {
            $($variant,)*
        }

        impl Function {
            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            fn parse(name: &str) -> Option<Self> {
                match name.to_ascii_uppercase().as_str() {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

functions! {
    Abs = "ABS",
    And = "AND",
    BlankValue = "BLANKVALUE",
    Case = "CASE",
    Date = "DATE",
    Day = "DAY",
    If = "IF",
    IsBlank = "ISBLANK",
    IsPickval = "ISPICKVAL",
    Left = "LEFT",
    Len = "LEN",
    Max = "MAX",
    Min = "MIN",
    Month = "MONTH",
    Not = "NOT",
    Or = "OR",
    Round = "ROUND",
    Text = "TEXT",
    Today = "TODAY",
    Year = "YEAR",
}

impl Formula {
    /// Compiles a formula of `object` whose result a field of `kind` shall hold; the error is the problem
    /// in Salesforce's words.
    pub(crate) fn compile(
        schema: &Schema,
        object: &ObjectDef,
        kind: &FieldKind,
        text: &str,
        blanks: Blanks,
    ) -> Result<Self, String> {
        let expression = parse::parse(text)?;
        types::check(schema, object, kind, &expression)?;
        Ok(Self {
            text: text.to_owned(),
            blanks,
            expression,
        })
    }
}
