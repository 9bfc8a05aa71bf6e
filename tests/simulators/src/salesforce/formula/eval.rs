//! The value of a formula for one record, now.
//!
//! What cannot be worked out (a division by zero, a day that does not exist) is Salesforce's `#Error!`,
//! which its API answers as null.

use std::cmp::Ordering;

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::{Blanks, Expr, Formula, Function, Operator};
use crate::salesforce::schema::{FieldDef, FieldKind};
use crate::salesforce::store::{Record, Store};
use crate::salesforce::value::FieldValue;

/// Formulas that may refer to each other in a chain.
const DEPTH: u32 = 10;

/// What surrounds an evaluation.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) store: &'a Store,
    /// Defined name of the record's object.
    pub(crate) object: &'a str,
    pub(crate) record: &'a Record,
    /// The user's date.
    pub(crate) today: NaiveDate,
}

/// `#Error!`
struct Failed;

/// The value of a formula field, in the field's type and scale.
pub(crate) fn value(scene: Scene<'_>, field: &FieldDef, formula: &Formula) -> FieldValue {
    at_depth(scene, field, formula, 0)
}

fn at_depth(scene: Scene<'_>, field: &FieldDef, formula: &Formula, depth: u32) -> FieldValue {
    let run = Run {
        scene,
        blanks: formula.blanks,
        depth,
    };
    let worked_out = if depth > DEPTH {
        FieldValue::Null
    } else {
        run.of(&formula.expression).unwrap_or(FieldValue::Null)
    };
    match (worked_out, &field.kind) {
        (FieldValue::Null, FieldKind::Checkbox) => FieldValue::Flag(false),
        (FieldValue::Number(number) | FieldValue::Whole(number), _) => field.number(number),
        (FieldValue::Text(text), _) if text.is_empty() => FieldValue::Null,
        (other, _) => other,
    }
}

struct Run<'a> {
    scene: Scene<'a>,
    blanks: Blanks,
    depth: u32,
}

impl Run<'_> {
    fn of(&self, formula: &Expr) -> Result<FieldValue, Failed> {
        Ok(match formula {
            Expr::Null => FieldValue::Null,
            Expr::Number(number) => FieldValue::Number(*number),
            Expr::Text(text) => FieldValue::text(text.as_str()),
            Expr::Flag(flag) => FieldValue::Flag(*flag),
            Expr::Field(path) => self.field(path),
            Expr::Negative(inner) => match self.of(inner)?.as_number() {
                Some(number) => FieldValue::Number(-number),
                None => FieldValue::Null,
            },
            Expr::Not(inner) => FieldValue::Flag(!self.of(inner)?.is_true()),
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right)?,
            Expr::Call(function, given) => self.call(*function, given)?,
        })
    }

    fn field(&self, path: &[String]) -> FieldValue {
        let store = self.scene.store;
        let Some((last, before)) = path.split_last() else {
            return FieldValue::Null;
        };
        let mut record = self.scene.record;
        let mut object = store.schema.object(self.scene.object);
        for part in before {
            let next = object
                .and_then(|def| def.path(part))
                .and_then(|(field, to)| {
                    let id = record.text(&field.name)?;
                    let target = store.schema.object(to)?;
                    Some((target, store.get(&target.name, id)?))
                });
            let Some((target, found)) = next else {
                return self.blank(&FieldKind::Id);
            };
            object = Some(target);
            record = found;
        }
        let Some((def, field)) = object.and_then(|def| Some((def, def.field(last)?))) else {
            return FieldValue::Null;
        };
        let value = match &field.formula {
            Some(formula) => {
                let scene = Scene {
                    object: &def.name,
                    record,
                    ..self.scene
                };
                at_depth(scene, field, formula, self.depth + 1)
            }
            None => record.get(&field.name).clone(),
        };
        if value.is_null() {
            self.blank(&field.kind)
        } else {
            value
        }
    }

    fn blank(&self, kind: &FieldKind) -> FieldValue {
        let number = matches!(
            kind,
            FieldKind::Whole { .. }
                | FieldKind::Number { .. }
                | FieldKind::Currency { .. }
                | FieldKind::Percent { .. }
        );
        if number && self.blanks == Blanks::AsZero {
            FieldValue::Number(Decimal::ZERO)
        } else {
            FieldValue::Null
        }
    }

    fn binary(&self, operator: Operator, left: &Expr, right: &Expr) -> Result<FieldValue, Failed> {
        use Operator as O;
        if matches!(operator, O::And | O::Or) {
            let first = self.of(left)?.is_true();
            let decided = first == (operator == O::Or);
            return Ok(FieldValue::Flag(if decided {
                first
            } else {
                self.of(right)?.is_true()
            }));
        }
        let (a, b) = (self.of(left)?, self.of(right)?);
        let order = || a.order(&b);
        Ok(match operator {
            O::Equal => FieldValue::Flag(equal(&a, &b)),
            O::NotEqual => FieldValue::Flag(!equal(&a, &b)),
            O::Less => FieldValue::Flag(order() == Some(Ordering::Less)),
            O::LessOrEqual => FieldValue::Flag(order().is_some_and(Ordering::is_le)),
            O::Greater => FieldValue::Flag(order() == Some(Ordering::Greater)),
            O::GreaterOrEqual => FieldValue::Flag(order().is_some_and(Ordering::is_ge)),
            O::Join => FieldValue::text(format!("{}{}", text_of(&a), text_of(&b))),
            O::Plus => plus(&a, &b)?,
            O::Minus => minus(&a, &b)?,
            O::Times => numbers(&a, &b, Decimal::checked_mul)?,
            O::Over => numbers(&a, &b, Decimal::checked_div)?,
            O::And | O::Or => FieldValue::Null,
        })
    }

    fn call(&self, function: Function, given: &[Expr]) -> Result<FieldValue, Failed> {
        use Function as F;
        Ok(match (function, given) {
            (F::Today, _) => FieldValue::Date(self.scene.today),
            (F::And, _) => {
                for one in given {
                    if !self.of(one)?.is_true() {
                        return Ok(FieldValue::Flag(false));
                    }
                }
                FieldValue::Flag(true)
            }
            (F::Or, _) => {
                for one in given {
                    if self.of(one)?.is_true() {
                        return Ok(FieldValue::Flag(true));
                    }
                }
                FieldValue::Flag(false)
            }
            (F::If, [condition, yes, no]) => {
                if self.of(condition)?.is_true() {
                    self.of(yes)?
                } else {
                    self.of(no)?
                }
            }
            (F::IsBlank, [one]) => FieldValue::Flag(self.is_blank(one)?),
            (F::BlankValue, [one, instead]) => {
                if self.is_blank(one)? {
                    self.of(instead)?
                } else {
                    self.of(one)?
                }
            }
            (F::IsPickval, [field, text]) => {
                let (field, text) = (self.of(field)?, self.of(text)?);
                FieldValue::Flag(text_of(&field) == text_of(&text))
            }
            (F::Text, [one]) => FieldValue::text(text_of(&self.of(one)?)),
            (F::Case, [subject, rest @ .., otherwise]) => {
                let subject = self.of(subject)?;
                for pair in rest.chunks(2) {
                    if let [wanted, result] = pair
                        && equal(&subject, &self.of(wanted)?)
                    {
                        return self.of(result);
                    }
                }
                self.of(otherwise)?
            }
            (F::Len, [one]) => {
                let length = text_of(&self.of(one)?).chars().count();
                FieldValue::Number(Decimal::from(length))
            }
            (F::Left, [text, length]) => {
                let length = self.of(length)?.as_number().unwrap_or_default();
                let length = length.to_usize().unwrap_or(0);
                let text = text_of(&self.of(text)?);
                FieldValue::text(text.chars().take(length).collect::<String>())
            }
            (F::Year | F::Month | F::Day, [one]) => match self.of(one)?.as_date() {
                None => FieldValue::Null,
                Some(date) => FieldValue::Number(match function {
                    F::Year => Decimal::from(date.year()),
                    F::Month => Decimal::from(date.month()),
                    _ => Decimal::from(date.day()),
                }),
            },
            (F::Date, [year, month, day]) => {
                let whole = |one: &Expr| Ok(self.of(one)?.as_number().and_then(|n| n.to_i32()));
                let (year, month, day) = (whole(year)?, whole(month)?, whole(day)?);
                let small = |number: Option<i32>| number.and_then(|n| u32::try_from(n).ok());
                let date = year
                    .zip(small(month))
                    .zip(small(day))
                    .and_then(|((year, month), day)| NaiveDate::from_ymd_opt(year, month, day));
                FieldValue::Date(date.ok_or(Failed)?)
            }
            (F::Abs, [one]) => match self.of(one)?.as_number() {
                Some(number) => FieldValue::Number(number.abs()),
                None => FieldValue::Null,
            },
            (F::Round, [one, places]) => {
                let places = self.of(places)?.as_number().unwrap_or_default();
                let away = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
                match (self.of(one)?.as_number(), places.to_u32()) {
                    (Some(number), Some(places)) => {
                        FieldValue::Number(number.round_dp_with_strategy(places, away))
                    }
                    (None, _) => FieldValue::Null,
                    (_, None) => return Err(Failed),
                }
            }
            (F::Max | F::Min, _) => {
                let mut best: Option<Decimal> = None;
                for one in given {
                    let Some(number) = self.of(one)?.as_number() else {
                        return Ok(FieldValue::Null);
                    };
                    best = Some(match (best, function) {
                        (None, _) => number,
                        (Some(best), F::Max) => best.max(number),
                        (Some(best), _) => best.min(number),
                    });
                }
                best.map_or(FieldValue::Null, FieldValue::Number)
            }
            _ => return Err(Failed),
        })
    }

    /// Whether a value is empty, whatever empty numbers count as.
    fn is_blank(&self, one: &Expr) -> Result<bool, Failed> {
        let strict = Run {
            blanks: Blanks::AsBlank,
            ..*self
        };
        let value = strict.of(one)?;
        Ok(value.is_null() || value.as_text().is_some_and(str::is_empty))
    }
}

fn equal(a: &FieldValue, b: &FieldValue) -> bool {
    match (a, b) {
        // Texts are compared with regard to case; empty and null are the same.
        (FieldValue::Text(_) | FieldValue::Null, FieldValue::Text(_) | FieldValue::Null) => {
            text_of(a) == text_of(b)
        }
        _ => a.order(b) == Some(Ordering::Equal),
    }
}

fn text_of(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => text.clone(),
        FieldValue::Whole(number) | FieldValue::Number(number) => number.normalize().to_string(),
        FieldValue::Date(date) => date.to_string(),
        FieldValue::Instant(instant) => instant.format("%Y-%m-%d %H:%M:%SZ").to_string(),
        FieldValue::Flag(_) | FieldValue::Null => String::new(),
    }
}

fn numbers(
    a: &FieldValue,
    b: &FieldValue,
    operate: impl Fn(Decimal, Decimal) -> Option<Decimal>,
) -> Result<FieldValue, Failed> {
    match (a.as_number(), b.as_number()) {
        (Some(a), Some(b)) => operate(a, b).map(FieldValue::Number).ok_or(Failed),
        _ => Ok(FieldValue::Null),
    }
}

fn later(date: NaiveDate, days: Decimal) -> Result<FieldValue, Failed> {
    let days = days.floor().to_i64().ok_or(Failed)?;
    let days = TimeDelta::try_days(days).ok_or(Failed)?;
    date.checked_add_signed(days)
        .map(FieldValue::Date)
        .ok_or(Failed)
}

fn plus(a: &FieldValue, b: &FieldValue) -> Result<FieldValue, Failed> {
    match (a, b) {
        (FieldValue::Text(_), _) | (_, FieldValue::Text(_)) => {
            Ok(FieldValue::text(format!("{}{}", text_of(a), text_of(b))))
        }
        (FieldValue::Date(date), other) | (other, FieldValue::Date(date)) => {
            match other.as_number() {
                Some(days) => later(*date, days),
                None => Ok(FieldValue::Null),
            }
        }
        _ => numbers(a, b, Decimal::checked_add),
    }
}

fn minus(a: &FieldValue, b: &FieldValue) -> Result<FieldValue, Failed> {
    match (a, b) {
        (FieldValue::Date(a), FieldValue::Date(b)) => {
            Ok(FieldValue::Number(Decimal::from((*a - *b).num_days())))
        }
        (FieldValue::Instant(a), FieldValue::Instant(b)) => {
            let seconds = Decimal::from((*a - *b).num_seconds());
            let days = seconds.checked_div(Decimal::from(86_400));
            days.map(FieldValue::Number).ok_or(Failed)
        }
        (FieldValue::Date(date), other) => match other.as_number() {
            Some(days) => later(*date, -days),
            None => Ok(FieldValue::Null),
        },
        _ => numbers(a, b, Decimal::checked_sub),
    }
}
