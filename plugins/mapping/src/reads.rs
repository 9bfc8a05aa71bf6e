//! Which source paths an expression reads, found in its syntax tree without running it.
//!
//! It errs on the side of more: both arms of a condition count. The host compares the paths with the schema and the
//! grant, so a path that is read and not reported here would be a hole; `apply` can only reach what was granted.

use std::collections::{BTreeSet, HashMap};

use cel::IdedExpr;
use cel::common::ast::operators::{ADD, CONDITIONAL, INDEX};
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue};

use crate::functions::VARIABLES;

/// Where a value comes from: a path, put into so many lists on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    path: String,
    wrapped: usize,
}

impl Origin {
    fn field(mut self, name: &str) -> Self {
        self.path = format!("{}.{name}", self.path);
        self
    }

    fn element(mut self) -> Self {
        if self.wrapped > 0 {
            self.wrapped -= 1;
        } else {
            self.path.push_str("[]");
        }
        self
    }
}

/// The paths that the expression reads. `element` is the name that stands for a list's element, with the list's path.
pub(crate) fn of(expression: &IdedExpr, element: Option<(&str, &str)>) -> BTreeSet<String> {
    let mut reader = Reader::default();
    if let Some((name, list)) = element {
        reader.locals.insert(
            name.to_owned(),
            vec![Origin {
                path: format!("{list}[]"),
                wrapped: 0,
            }],
        );
    }
    let result = reader.visit(expression);
    reader.read(result);
    reader.paths
}

/// Leaves out each path that another one goes deeper from: who reads `Contacts[].Email` has read `Contacts`.
pub(crate) fn deepest(paths: BTreeSet<String>) -> Vec<String> {
    let deeper = |path: &String| {
        paths.iter().any(|other| {
            other
                .strip_prefix(path.as_str())
                .is_some_and(|rest| rest.starts_with('.') || rest.starts_with("[]"))
        })
    };
    paths.iter().filter(|path| !deeper(path)).cloned().collect()
}

#[derive(Default)]
struct Reader {
    locals: HashMap<String, Vec<Origin>>,
    paths: BTreeSet<String>,
}

impl Reader {
    fn read(&mut self, origins: Vec<Origin>) {
        for origin in origins {
            let path = origin.path.strip_suffix("[]").unwrap_or(&origin.path);
            self.paths.insert(path.to_owned());
        }
    }

    /// Reads what the expression needs to be evaluated, and gives the origins of its result.
    fn visit(&mut self, expression: &IdedExpr) -> Vec<Origin> {
        match &expression.expr {
            Expr::Ident(name) => match self.locals.get(name) {
                Some(origins) => origins.clone(),
                None if VARIABLES.contains(&name.as_str()) => Vec::new(),
                None => vec![Origin {
                    path: name.clone(),
                    wrapped: 0,
                }],
            },
            Expr::Select(select) => {
                let operand = self.visit(&select.operand);
                operand
                    .into_iter()
                    .map(|origin| origin.field(&select.field))
                    .collect()
            }
            Expr::Call(call) => self.visit_call(call),
            Expr::Comprehension(comprehension) => self.visit_comprehension(comprehension),
            Expr::List(list) => {
                let elements: Vec<Origin> = list
                    .elements
                    .iter()
                    .flat_map(|element| self.visit(element))
                    .collect();
                elements
                    .into_iter()
                    .map(|origin| Origin {
                        wrapped: origin.wrapped + 1,
                        ..origin
                    })
                    .collect()
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        for part in [&entry.key, &entry.value] {
                            let origins = self.visit(part);
                            self.read(origins);
                        }
                    }
                }
                Vec::new()
            }
            Expr::Struct(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
        }
    }

    fn visit_call(&mut self, call: &CallExpr) -> Vec<Origin> {
        let operands: Vec<&IdedExpr> = call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect();
        match (call.func_name.as_str(), operands.as_slice()) {
            (INDEX, [operand, index]) => {
                let origins = self.visit(operand);
                if let Expr::Literal(LiteralValue::String(key)) = &index.expr {
                    return origins
                        .into_iter()
                        .map(|origin| origin.field(key.inner()))
                        .collect();
                }
                let used = self.visit(index);
                self.read(used);
                origins.into_iter().map(Origin::element).collect()
            }
            ("head", [list]) => self.visit(list).into_iter().map(Origin::element).collect(),
            (CONDITIONAL, [condition, arms @ ..]) => {
                let used = self.visit(condition);
                self.read(used);
                arms.iter().flat_map(|arm| self.visit(arm)).collect()
            }
            (ADD | "default" | "first", operands) => operands
                .iter()
                .flat_map(|operand| self.visit(operand))
                .collect(),
            (_, operands) => {
                for operand in operands {
                    let used = self.visit(operand);
                    self.read(used);
                }
                Vec::new()
            }
        }
    }

    fn visit_comprehension(&mut self, comprehension: &ComprehensionExpr) -> Vec<Origin> {
        let elements: Vec<Origin> = self
            .visit(&comprehension.iter_range)
            .into_iter()
            .map(Origin::element)
            .collect();
        let outer = self.locals.clone();
        let start = self.visit(&comprehension.accu_init);
        self.locals.insert(comprehension.iter_var.clone(), elements);
        if let Some(second) = &comprehension.iter_var2 {
            self.locals.insert(second.clone(), Vec::new());
        }
        self.locals.insert(comprehension.accu_var.clone(), start);
        let used = self.visit(&comprehension.loop_cond);
        self.read(used);
        let step = self.visit(&comprehension.loop_step);
        self.locals.insert(comprehension.accu_var.clone(), step);
        let result = self.visit(&comprehension.result);
        self.locals = outer;
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(source: &str) -> Vec<String> {
        let program = cel::Env::stdlib().compile(source).unwrap();
        deepest(of(
            program.expression(),
            Some(("line", "OpportunityLineItems")),
        ))
    }

    #[test]
    fn paths_are_found_through_functions_conditions_and_lists() {
        let cases: &[(&str, &[&str])] = &[
            ("Name", &["Name"]),
            ("'constant'", &[]),
            ("local_date", &[]),
            (
                "Account.Payment_Terms_Days__c",
                &["Account.Payment_Terms_Days__c"],
            ),
            ("Account['Name']", &["Account.Name"]),
            (
                "line.Product2.Name",
                &["OpportunityLineItems[].Product2.Name"],
            ),
            ("filled(A) ? B.C : D", &["A", "B.C", "D"]),
            (
                "first(Bill_To__r, Account).Name",
                &["Account.Name", "Bill_To__r.Name"],
            ),
            (
                "add_days(local_date, default(Account.Terms, 30))",
                &["Account.Terms"],
            ),
            (
                "head(Contacts.filter(c, c.Department == 'AP')).Email",
                &["Contacts[].Department", "Contacts[].Email"],
            ),
            (
                "Contacts.filter(c, c.Old)[0].Email",
                &["Contacts[].Email", "Contacts[].Old"],
            ),
            ("Contacts[0].Email", &["Contacts[].Email"]),
            (
                "Contacts.exists(c, c.Email == Owner.Email)",
                &["Contacts[].Email", "Owner.Email"],
            ),
            ("join(Contacts.map(c, c.Name), ', ')", &["Contacts[].Name"]),
            (
                "Contacts.map(c, c.Account)[0].Name",
                &["Contacts[].Account.Name"],
            ),
            (
                "Contacts.all(line, line.Email != '')",
                &["Contacts[].Email"],
            ),
            (
                "size(OpportunityLineItems) == 0 ? Amount : sub(Amount, '1')",
                &["Amount", "OpportunityLineItems"],
            ),
            ("has(Account.Site)", &["Account.Site"]),
            ("{'a': Name}.a", &["Name"]),
            ("[A, B][1]", &["A", "B"]),
        ];
        for (source, wanted) in cases {
            assert_eq!(reads(source), *wanted, "{source}");
        }
    }
}
