//! Tokens to a query. Keywords in any case; `AND` and `OR` are not mixed without parentheses.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::ast::{
    Condition, Direction, Function, Item, Literal, Negation, Nulls, Operator, Order, Path, Query,
};
use super::lexer::{Kind, Token, tokens};
use crate::salesforce::error::ApiError;

const RESERVED: [&str; 14] = [
    "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "ORDER", "GROUP", "LIMIT", "OFFSET", "LIKE",
    "IN", "HAVING", "USING",
];
const RANGES: [&str; 12] = [
    "TODAY",
    "YESTERDAY",
    "TOMORROW",
    "THIS_WEEK",
    "LAST_WEEK",
    "THIS_MONTH",
    "LAST_MONTH",
    "NEXT_MONTH",
    "THIS_YEAR",
    "LAST_YEAR",
    "LAST_N_DAYS",
    "NEXT_N_DAYS",
];
/// Salesforce answers at most this offset.
const MOST_OFFSET: usize = 2_000;

/// Parses a whole query.
pub(super) fn parse(text: &str) -> Result<Query, ApiError> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
    };
    let query = parser.query()?;
    if parser.peek().kind != Kind::End {
        return Err(parser.unexpected());
    }
    Ok(query)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        const END: &Token = &Token {
            kind: Kind::End,
            at: 0,
        };
        self.tokens
            .get(self.next)
            .or(self.tokens.last())
            .unwrap_or(END)
    }

    fn peek_after(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.next + ahead).map(|token| &token.kind)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn unexpected(&self) -> ApiError {
        let token = self.peek();
        self.malformed(token.at, &format!("unexpected token: '{}'", token.shown()))
    }

    fn malformed(&self, at: usize, message: &str) -> ApiError {
        super::at(self.text, at, "MALFORMED_QUERY", message)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.peek().kind, Kind::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn accept(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.next += 1;
        }
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), ApiError> {
        if self.accept(word) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn accept_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek().kind, Kind::Sign(found) if found == sign);
        if found {
            self.next += 1;
        }
        found
    }

    fn expect_sign(&mut self, sign: &str) -> Result<(), ApiError> {
        if self.accept_sign(sign) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn query(&mut self) -> Result<Query, ApiError> {
        self.expect("SELECT")?;
        let mut select = vec![self.item()?];
        while self.accept_sign(",") {
            select.push(self.item()?);
        }
        self.expect("FROM")?;
        let from = self.path()?;
        let had_as = self.accept("AS");
        let alias = match self.free_word() {
            Some(alias) => Some(alias),
            None if had_as => return Err(self.unexpected()),
            None => None,
        };
        let filter = if self.accept("WHERE") {
            Some(self.conditions()?)
        } else {
            None
        };
        let mut group_by = Vec::new();
        if self.accept("GROUP") {
            self.expect("BY")?;
            group_by.push(self.path()?);
            while self.accept_sign(",") {
                group_by.push(self.path()?);
            }
        }
        let mut order_by = Vec::new();
        if self.accept("ORDER") {
            self.expect("BY")?;
            order_by.push(self.order()?);
            while self.accept_sign(",") {
                order_by.push(self.order()?);
            }
        }
        let limit = if self.accept("LIMIT") {
            Some(self.count()?)
        } else {
            None
        };
        let mut offset = 0;
        if self.accept("OFFSET") {
            let at = self.peek().at;
            offset = self.count()?;
            if offset > MOST_OFFSET {
                let message = format!("Maximum SOQL offset allowed is {MOST_OFFSET}");
                return Err(super::at(
                    self.text,
                    at,
                    "NUMBER_OUTSIDE_VALID_RANGE",
                    &message,
                ));
            }
        }
        Ok(Query {
            select,
            from,
            alias,
            filter,
            group_by,
            order_by,
            limit,
            offset,
        })
    }

    /// A word that is no keyword: an alias.
    fn free_word(&mut self) -> Option<String> {
        let Kind::Word(word) = &self.peek().kind else {
            return None;
        };
        if RESERVED
            .iter()
            .any(|reserved| word.eq_ignore_ascii_case(reserved))
        {
            return None;
        }
        let word = word.clone();
        self.next += 1;
        Some(word)
    }

    fn item(&mut self) -> Result<Item, ApiError> {
        if self.accept_sign("(") {
            let query = self.query()?;
            self.expect_sign(")")?;
            return Ok(Item::Children(query));
        }
        let start = self.peek().at;
        if let (Kind::Word(name), Some(Kind::Sign("("))) =
            (self.peek().kind.clone(), self.peek_after(1))
        {
            self.next += 2;
            let function = match name.to_ascii_uppercase().as_str() {
                "COUNT" if self.accept_sign(")") => return Ok(Item::CountAll),
                "COUNT" => Function::Count,
                "COUNT_DISTINCT" => Function::CountDistinct,
                "SUM" => Function::Sum,
                "MIN" => Function::Min,
                "MAX" => Function::Max,
                _ => return Err(self.malformed(start, &format!("unexpected token: '{name}'"))),
            };
            let path = self.path()?;
            self.expect_sign(")")?;
            let alias = self.free_word();
            return Ok(Item::Aggregate {
                function,
                path,
                alias,
            });
        }
        let path = self.path()?;
        let alias = self.free_word();
        Ok(Item::Field { path, alias })
    }

    fn path(&mut self) -> Result<Path, ApiError> {
        let at = self.peek().at;
        let mut parts = Vec::new();
        loop {
            match &self.peek().kind {
                Kind::Word(word)
                    if !parts.is_empty()
                        || !RESERVED
                            .iter()
                            .any(|known| word.eq_ignore_ascii_case(known)) =>
                {
                    parts.push(word.clone());
                }
                _ => return Err(self.unexpected()),
            }
            self.next += 1;
            if !self.accept_sign(".") {
                return Ok(Path { parts, at });
            }
        }
    }

    fn conditions(&mut self) -> Result<Condition, ApiError> {
        let first = self.condition()?;
        let joined_by = ["AND", "OR"].into_iter().find(|word| self.is_word(word));
        let Some(word) = joined_by else {
            return Ok(first);
        };
        let mut all = vec![first];
        while self.accept(word) {
            all.push(self.condition()?);
        }
        if self.is_word("AND") || self.is_word("OR") {
            return Err(self.unexpected());
        }
        Ok(if word == "AND" {
            Condition::All(all)
        } else {
            Condition::Any(all)
        })
    }

    fn condition(&mut self) -> Result<Condition, ApiError> {
        if self.accept("NOT") {
            return Ok(Condition::Not(Box::new(self.condition()?)));
        }
        if self.accept_sign("(") {
            let inner = self.conditions()?;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        let path = self.path()?;
        let negation = if self.accept("NOT") {
            self.expect("IN")?;
            Some(Negation::NotIn)
        } else {
            self.accept("IN").then_some(Negation::In)
        };
        if let Some(negation) = negation {
            return self.list(path, negation);
        }
        let operator = if self.accept("LIKE") {
            Operator::Like
        } else {
            let Kind::Sign(sign) = self.peek().kind else {
                return Err(self.unexpected());
            };
            let operator = match sign {
                "=" => Operator::Equal,
                "!=" | "<>" => Operator::NotEqual,
                "<" => Operator::Less,
                "<=" => Operator::LessOrEqual,
                ">" => Operator::Greater,
                ">=" => Operator::GreaterOrEqual,
                _ => return Err(self.unexpected()),
            };
            self.next += 1;
            operator
        };
        let at = self.peek().at;
        let value = self.literal()?;
        Ok(Condition::Compare {
            path,
            operator,
            value,
            at,
        })
    }

    fn list(&mut self, path: Path, negation: Negation) -> Result<Condition, ApiError> {
        self.expect_sign("(")?;
        let at = self.peek().at;
        if self.is_word("SELECT") {
            let query = Box::new(self.query()?);
            self.expect_sign(")")?;
            return Ok(Condition::SemiJoin {
                path,
                negation,
                query,
            });
        }
        let mut values = vec![self.literal()?];
        while self.accept_sign(",") {
            values.push(self.literal()?);
        }
        self.expect_sign(")")?;
        Ok(Condition::In {
            path,
            negation,
            values,
            at,
        })
    }

    fn literal(&mut self) -> Result<Literal, ApiError> {
        let token = self.peek().clone();
        let literal = match &token.kind {
            Kind::Quoted(raw) => Literal::Text(raw.clone()),
            Kind::Digits(digits) => digits_literal(digits).ok_or_else(|| self.unexpected())?,
            Kind::Word(word) if word.eq_ignore_ascii_case("null") => Literal::Null,
            Kind::Word(word) if word.eq_ignore_ascii_case("true") => Literal::Flag(true),
            Kind::Word(word) if word.eq_ignore_ascii_case("false") => Literal::Flag(false),
            Kind::Word(word) => {
                let name = word.to_ascii_uppercase();
                if !RANGES.contains(&name.as_str()) {
                    return Err(self.unexpected());
                }
                self.next += 1;
                let counted = name.contains("_N_");
                let count = if counted {
                    self.expect_sign(":")?;
                    Some(i64::try_from(self.count()?).unwrap_or(i64::MAX))
                } else {
                    None
                };
                return Ok(Literal::Range { name, count });
            }
            Kind::Sign(_) | Kind::End => return Err(self.unexpected()),
        };
        self.next += 1;
        Ok(literal)
    }

    fn order(&mut self) -> Result<Order, ApiError> {
        let path = self.path()?;
        let direction = if self.accept("DESC") {
            Direction::Descending
        } else {
            let _optional = self.accept("ASC");
            Direction::Ascending
        };
        let nulls = if self.accept("NULLS") {
            if self.accept("LAST") {
                Nulls::Last
            } else {
                self.expect("FIRST")?;
                Nulls::First
            }
        } else {
            Nulls::First
        };
        Ok(Order {
            path,
            direction,
            nulls,
        })
    }

    fn count(&mut self) -> Result<usize, ApiError> {
        let Kind::Digits(digits) = &self.peek().kind else {
            return Err(self.unexpected());
        };
        let count = digits.parse().map_err(|_| self.unexpected())?;
        let _number = self.take();
        Ok(count)
    }
}

fn digits_literal(digits: &str) -> Option<Literal> {
    if digits.contains('T') {
        let instant: DateTime<Utc> = crate::salesforce::check::instant(digits)?;
        return Some(Literal::Instant(instant));
    }
    if digits.len() == 10 && digits.matches('-').count() == 2 && !digits.starts_with('-') {
        return NaiveDate::parse_from_str(digits, "%Y-%m-%d")
            .ok()
            .map(Literal::Date);
    }
    let plain = digits.strip_prefix('+').unwrap_or(digits);
    plain
        .parse::<Decimal>()
        .or_else(|_| Decimal::from_scientific(plain))
        .ok()
        .map(Literal::Number)
}
