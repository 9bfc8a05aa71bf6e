//! Looks through a syntax tree for what must not be run: unknown functions and tables, wrong numbers of parameters,
//! binary floating-point literals.
//!
//! It never changes the tree and never stops at the first fault.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue, SourceInfo, operators};
use footbridge_sdk::failure::Code;

use super::{Fault, MACROS};
use crate::decimals::Rounding;
use crate::functions::{self, FUNCTIONS, STANDARD, Tables};
use crate::suggest::{listed, nearest};

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

/// Every fault of the expression.
pub(super) fn faults(expression: &IdedExpr, places: &SourceInfo, tables: &Tables) -> Vec<Fault> {
    let mut check = Check {
        places,
        tables,
        faults: Vec::new(),
    };
    check.expression(expression);
    check.faults
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
    use crate::expression::compile;

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
