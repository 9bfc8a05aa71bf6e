//! Reads the `where` parameter: the documented operators of Xero's filter language, nothing more.
//!
//! `==  !=  <  <=  >  >=  AND  OR  && ||`, parentheses, `DateTime(y,m,d[,h,m,s])`, `Guid("...")`,
//! `true`, `false`, `null`, numbers, strings, dotted fields and the methods `Contains`, `StartsWith`,
//! `EndsWith`, `ToLower`, `ToUpper`. Anything else is a [`WhereError`], which is answered with 400.
//! Next: [`super::where_eval`].

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::guid::Guid;

/// What Xero answers about a filter it cannot read (400 `QueryParseException`).
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum WhereError {
    #[error("Syntax error at position {0}: {1}")]
    Syntax(usize, String),
    #[error("No property or field '{0}' exists in type '{1}'")]
    UnknownField(String, &'static str),
    #[error("Operator '{0}' incompatible with operand types '{1}' and '{2}'")]
    Incompatible(&'static str, &'static str, &'static str),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Compare(Operand, Comparison, Operand),
    /// `field.Contains("x")` and its kin, standing alone.
    Test(Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Field(Vec<String>),
    Text(String),
    Number(Decimal),
    Instant(DateTime<Utc>),
    Guid(Guid),
    Bool(bool),
    Null,
    Method(Box<Operand>, Method, Option<Box<Operand>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Contains,
    StartsWith,
    EndsWith,
    ToLower,
    ToUpper,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(Decimal),
    Symbol(&'static str),
}

const SYMBOLS: [&str; 12] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "(", ")", ",", ".",
];

fn tokens(source: &str) -> Result<Vec<(usize, Token)>, WhereError> {
    let mut found = Vec::new();
    let mut rest = source;
    loop {
        rest = rest.trim_start();
        let at = source.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return Ok(found);
        };
        let syntax = |what: &str| WhereError::Syntax(at, what.to_owned());
        let (token, used) = if first == '"' {
            let end = rest
                .get(1..)
                .and_then(|inner| inner.find('"'))
                .ok_or_else(|| syntax("unterminated string literal"))?;
            (
                Token::Text(rest.get(1..=end).unwrap_or_default().to_owned()),
                end + 2,
            )
        } else if first.is_ascii_digit()
            || (first == '-'
                && rest
                    .get(1..2)
                    .is_some_and(|c| c.as_bytes().iter().all(u8::is_ascii_digit)))
        {
            let end = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| !c.is_ascii_digit() && *c != '.')
                .map_or(rest.len(), |(i, _)| i);
            let digits = rest.get(..end).unwrap_or_default();
            (
                Token::Number(digits.parse().map_err(|_| syntax("invalid number"))?),
                end,
            )
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = rest
                .char_indices()
                .find(|(_, c)| !c.is_ascii_alphanumeric() && *c != '_')
                .map_or(rest.len(), |(i, _)| i);
            (
                Token::Word(rest.get(..end).unwrap_or_default().to_owned()),
                end,
            )
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            (Token::Symbol(symbol), symbol.len())
        } else {
            return Err(syntax(&format!("invalid character '{first}'")));
        };
        found.push((at, token));
        rest = rest.get(used..).unwrap_or_default();
    }
}

/// Reads a filter.
pub(crate) fn parse(source: &str) -> Result<Expression, WhereError> {
    let mut parser = Parser {
        tokens: tokens(source)?,
        next: 0,
        end: source.len(),
        depth: 0,
    };
    let expression = parser.or()?;
    match parser.tokens.get(parser.next) {
        None => Ok(expression),
        Some((at, _)) => Err(WhereError::Syntax(
            *at,
            "unexpected text after the filter".to_owned(),
        )),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
    depth: u8,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn syntax<T>(&self, what: &str) -> Result<T, WhereError> {
        let at = self.tokens.get(self.next).map_or(self.end, |(at, _)| *at);
        Err(WhereError::Syntax(at, what.to_owned()))
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(s)) if *s == symbol);
        self.next += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn need(&mut self, symbol: &'static str) -> Result<(), WhereError> {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            self.syntax(&format!("'{symbol}' expected"))
        }
    }

    fn or(&mut self) -> Result<Expression, WhereError> {
        let mut left = self.and()?;
        while self.take_word("OR") || self.take_symbol("||") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, WhereError> {
        let mut left = self.term()?;
        while self.take_word("AND") || self.take_symbol("&&") {
            left = Expression::And(Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Expression, WhereError> {
        if self.take_symbol("(") {
            self.depth += 1;
            if self.depth > 50 {
                return self.syntax("the filter is nested too deeply");
            }
            let inner = self.or()?;
            self.need(")")?;
            self.depth -= 1;
            return Ok(inner);
        }
        let left = self.operand()?;
        let comparison = match self.peek() {
            Some(Token::Symbol("==")) => Comparison::Equal,
            Some(Token::Symbol("!=")) => Comparison::NotEqual,
            Some(Token::Symbol("<=")) => Comparison::LessOrEqual,
            Some(Token::Symbol(">=")) => Comparison::GreaterOrEqual,
            Some(Token::Symbol("<")) => Comparison::Less,
            Some(Token::Symbol(">")) => Comparison::Greater,
            _ => {
                let tests = matches!(
                    left,
                    Operand::Field(_)
                        | Operand::Method(
                            _,
                            Method::Contains | Method::StartsWith | Method::EndsWith,
                            _
                        )
                );
                return if tests {
                    Ok(Expression::Test(left))
                } else {
                    self.syntax("comparison expected")
                };
            }
        };
        self.next += 1;
        Ok(Expression::Compare(left, comparison, self.operand()?))
    }

    fn operand(&mut self) -> Result<Operand, WhereError> {
        let token = self.peek().cloned();
        self.next += 1;
        let mut operand = match token {
            Some(Token::Text(text)) => Operand::Text(text),
            Some(Token::Number(number)) => Operand::Number(number),
            Some(Token::Word(word)) => match word.as_str() {
                "true" | "True" => Operand::Bool(true),
                "false" | "False" => Operand::Bool(false),
                "null" => Operand::Null,
                "DateTime" if self.peek() == Some(&Token::Symbol("(")) => self.date_time()?,
                "Guid" if self.peek() == Some(&Token::Symbol("(")) => self.guid()?,
                _ => Operand::Field(vec![word]),
            },
            _ => {
                self.next -= 1;
                return self.syntax("expression expected");
            }
        };
        while self.take_symbol(".") {
            let Some(Token::Word(name)) = self.peek().cloned() else {
                return self.syntax("identifier expected");
            };
            self.next += 1;
            operand = self.member(operand, name)?;
        }
        Ok(operand)
    }

    fn member(&mut self, of: Operand, name: String) -> Result<Operand, WhereError> {
        if !self.take_symbol("(") {
            return match of {
                Operand::Field(mut path) => {
                    path.push(name);
                    Ok(Operand::Field(path))
                }
                _ => self.syntax("only fields have members"),
            };
        }
        let (method, takes_text) = match name.as_str() {
            "Contains" => (Method::Contains, true),
            "StartsWith" => (Method::StartsWith, true),
            "EndsWith" => (Method::EndsWith, true),
            "ToLower" => (Method::ToLower, false),
            "ToUpper" => (Method::ToUpper, false),
            _ => return self.syntax(&format!("no method '{name}'")),
        };
        let argument = if takes_text {
            Some(Box::new(self.operand()?))
        } else {
            None
        };
        self.need(")")?;
        Ok(Operand::Method(Box::new(of), method, argument))
    }

    fn date_time(&mut self) -> Result<Operand, WhereError> {
        self.need("(")?;
        let mut parts: Vec<u32> = Vec::new();
        loop {
            let Some(Token::Number(number)) = self.peek().cloned() else {
                return self.syntax("number expected");
            };
            let Ok(part) = u32::try_from(number) else {
                return self.syntax("whole number expected");
            };
            self.next += 1;
            parts.push(part);
            if !self.take_symbol(",") {
                break;
            }
        }
        self.need(")")?;
        let part = |index: usize| parts.get(index).copied().unwrap_or(0);
        let instant = (parts.len() == 3 || parts.len() == 6)
            .then(|| i32::try_from(part(0)).ok())
            .flatten()
            .and_then(|year| NaiveDate::from_ymd_opt(year, part(1), part(2)))
            .and_then(|date| date.and_hms_opt(part(3), part(4), part(5)));
        match instant {
            Some(instant) => Ok(Operand::Instant(instant.and_utc())),
            None => self.syntax("no such DateTime"),
        }
    }

    fn guid(&mut self) -> Result<Operand, WhereError> {
        self.need("(")?;
        let Some(Token::Text(text)) = self.peek().cloned() else {
            return self.syntax("string expected");
        };
        let Ok(guid) = text.parse() else {
            return self.syntax("Guid should contain 32 digits with 4 dashes");
        };
        self.next += 1;
        self.need(")")?;
        Ok(Operand::Guid(guid))
    }
}
