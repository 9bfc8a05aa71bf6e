//! Changes an expression's syntax tree so that paths into the record become single variables, looked up lazily, and
//! a missing field is a value instead of an error.
//!
//! It changes no meaning but that one. Names bound by macros (`c` in `Contacts.exists(c, ...)`) stay what they are;
//! fields of theirs go through [`FIELD`].

use cel::IdedExpr;
use cel::common::ast::operators::{EQUALS, INDEX, LOGICAL_NOT, NOT_EQUALS};
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue};
use cel::common::types::CelString;

use crate::functions;

/// The hidden function that selects a field of a structure inside a macro.
pub(crate) const FIELD: &str = "@field";

/// The hidden function around a list that a macro goes through: null is an empty list.
pub(crate) const ELEMENTS: &str = "@elements";

/// The hidden function around what is compared for equality, which CEL would call unequal if it is missing.
pub(crate) const KNOWN: &str = "@known";

/// The rewritten expression.
pub(crate) fn rewrite(expression: &IdedExpr) -> IdedExpr {
    Rewriter { locals: Vec::new() }.expression(expression)
}

struct Rewriter {
    /// Names bound by the macros around.
    locals: Vec<String>,
}

impl Rewriter {
    fn expression(&mut self, from: &IdedExpr) -> IdedExpr {
        let expr = match &from.expr {
            Expr::Select(select) => {
                let operand = self.expression(&select.operand);
                let value = self.select(from.id, operand, &select.field);
                if !select.test {
                    return value;
                }
                let missing = call(from.id, "missing", vec![value]);
                return call(from.id, LOGICAL_NOT, vec![missing]);
            }
            Expr::Call(original) => {
                let target = original
                    .target
                    .as_deref()
                    .map(|target| self.expression(target));
                let args: Vec<IdedExpr> = original
                    .args
                    .iter()
                    .map(|arg| self.expression(arg))
                    .collect();
                if let (
                    INDEX,
                    [
                        operand,
                        IdedExpr {
                            expr: Expr::Literal(LiteralValue::String(key)),
                            ..
                        },
                    ],
                ) = (original.func_name.as_str(), args.as_slice())
                {
                    return self.select(from.id, operand.clone(), key.inner());
                }
                let args = match original.func_name.as_str() {
                    EQUALS | NOT_EQUALS => args.into_iter().map(known).collect(),
                    _ => args,
                };
                // `Name.trim()` is `trim(Name)`.
                let (target, args) = match target {
                    Some(target) if functions::named(&original.func_name).is_some() => {
                        (None, std::iter::once(target).chain(args).collect())
                    }
                    other => (other, args),
                };
                Expr::Call(CallExpr {
                    func_name: original.func_name.clone(),
                    target: target.map(Box::new),
                    args,
                })
            }
            Expr::Comprehension(original) => {
                Expr::Comprehension(Box::new(self.comprehension(original)))
            }
            Expr::List(original) => {
                let mut list = original.clone();
                list.elements = original
                    .elements
                    .iter()
                    .map(|element| self.expression(element))
                    .collect();
                Expr::List(list)
            }
            Expr::Map(original) => {
                let mut map = original.clone();
                for entry in &mut map.entries {
                    if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                        entry.key = self.expression(&entry.key);
                        entry.value = self.expression(&entry.value);
                    }
                }
                Expr::Map(map)
            }
            other => other.clone(),
        };
        IdedExpr { id: from.id, expr }
    }

    fn select(&self, id: u64, operand: IdedExpr, field: &str) -> IdedExpr {
        match &operand.expr {
            Expr::Ident(path) if !self.locals.contains(path) => IdedExpr {
                id,
                expr: Expr::Ident(format!("{path}.{field}")),
            },
            _ => {
                let name = Expr::Literal(LiteralValue::String(CelString::from(field.to_owned())));
                call(id, FIELD, vec![operand, IdedExpr { id, expr: name }])
            }
        }
    }

    fn comprehension(&mut self, from: &ComprehensionExpr) -> ComprehensionExpr {
        let range = self.expression(&from.iter_range);
        let accu_init = self.expression(&from.accu_init);
        let outside = self.locals.len();
        self.locals
            .extend([from.iter_var.clone(), from.accu_var.clone()]);
        self.locals.extend(from.iter_var2.clone());
        let inside = ComprehensionExpr {
            iter_range: call(range.id, ELEMENTS, vec![range]),
            iter_var: from.iter_var.clone(),
            iter_var2: from.iter_var2.clone(),
            accu_var: from.accu_var.clone(),
            accu_init,
            loop_cond: self.expression(&from.loop_cond),
            loop_step: self.expression(&from.loop_step),
            result: self.expression(&from.result),
        };
        self.locals.truncate(outside);
        inside
    }
}

fn known(operand: IdedExpr) -> IdedExpr {
    match operand.expr {
        Expr::Literal(_) => operand,
        _ => call(operand.id, KNOWN, vec![operand]),
    }
}

fn call(id: u64, name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr {
        id,
        expr: Expr::Call(CallExpr {
            func_name: name.to_owned(),
            target: None,
            args,
        }),
    }
}
