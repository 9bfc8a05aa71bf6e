//! The types of a formula against the schema: what a deployment is refused for.

use super::{Expr, Function, Operator};
use crate::salesforce::schema::{FieldKind, ObjectDef, Schema};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    /// `NULL`: fits everywhere.
    Any,
    Number,
    Text,
    Date,
    DateTime,
    Boolean,
    Picklist,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Any => "Null",
            Self::Number => "Number",
            Self::Text => "Text",
            Self::Date => "Date",
            Self::DateTime => "DateTime",
            Self::Boolean => "Boolean",
            Self::Picklist => "Picklist",
        }
    }

    fn fits(self, wanted: Self) -> bool {
        self == wanted || self == Self::Any
    }
}

struct Checker<'a> {
    schema: &'a Schema,
    object: &'a ObjectDef,
}

/// Whether the formula may be the value of a field of `kind`.
pub(super) fn check(
    schema: &Schema,
    object: &ObjectDef,
    kind: &FieldKind,
    formula: &Expr,
) -> Result<(), String> {
    let result = Checker { schema, object }.of(formula)?;
    let wanted = of_kind(kind).ok_or("Formula fields cannot be of this type")?;
    if result.fits(wanted) {
        return Ok(());
    }
    Err(format!(
        "Formula result is data type ({}), incompatible with expected data type ({}).",
        result.name(),
        wanted.name()
    ))
}

fn of_kind(kind: &FieldKind) -> Option<Type> {
    Some(match kind {
        FieldKind::Whole { .. }
        | FieldKind::Number { .. }
        | FieldKind::Currency { .. }
        | FieldKind::Percent { .. } => Type::Number,
        FieldKind::Checkbox => Type::Boolean,
        FieldKind::Date => Type::Date,
        FieldKind::DateTime => Type::DateTime,
        FieldKind::Text { .. }
        | FieldKind::Id
        | FieldKind::Reference { .. }
        | FieldKind::Email
        | FieldKind::Phone
        | FieldKind::Url => Type::Text,
        FieldKind::Picklist { .. } => Type::Picklist,
        FieldKind::LongText { .. } | FieldKind::Address { .. } | FieldKind::Complex => return None,
    })
}

/// The refusal of a number of parameters.
pub(super) fn wrong_count(function: Function, wanted: &str, given: usize) -> String {
    format!(
        "Incorrect number of parameters for function '{}()'. Expected {wanted}, received {given}",
        function.name()
    )
}

impl Checker<'_> {
    fn of(&self, formula: &Expr) -> Result<Type, String> {
        Ok(match formula {
            Expr::Null => Type::Any,
            Expr::Number(_) => Type::Number,
            Expr::Text(_) => Type::Text,
            Expr::Flag(_) => Type::Boolean,
            Expr::Field(path) => self.field(path)?,
            Expr::Negative(inner) => {
                self.want(inner, Type::Number, "operator '-'")?;
                Type::Number
            }
            Expr::Not(inner) => {
                self.want(inner, Type::Boolean, "function 'NOT()'")?;
                Type::Boolean
            }
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right)?,
            Expr::Call(function, given) => self.call(*function, given)?,
        })
    }

    fn field(&self, path: &[String]) -> Result<Type, String> {
        let shown = path.join(".");
        let unknown = || format!("Field {shown} does not exist. Check spelling.");
        let (last, before) = path.split_last().ok_or_else(unknown)?;
        let mut object = self.object;
        for part in before {
            let (_, to) = object.path(part).ok_or_else(unknown)?;
            object = self.schema.object(to).ok_or_else(unknown)?;
        }
        let field = object.field(last).ok_or_else(unknown)?;
        of_kind(&field.kind).ok_or_else(|| {
            format!(
                "You referenced an unsupported field type called \"Long Text Area\" using the following field: {shown}"
            )
        })
    }

    /// The type of a value where picklists are not allowed.
    fn plain(&self, formula: &Expr) -> Result<Type, String> {
        let found = self.of(formula)?;
        if found == Type::Picklist
            && let Expr::Field(path) = formula
        {
            return Err(format!(
                "Field {} is a picklist field. Picklist fields are only supported in certain functions.",
                path.join(".")
            ));
        }
        Ok(found)
    }

    fn want(&self, formula: &Expr, wanted: Type, place: &str) -> Result<(), String> {
        let found = self.plain(formula)?;
        if found.fits(wanted) {
            return Ok(());
        }
        Err(format!(
            "Incorrect parameter type for {place}. Expected {}, received {}",
            wanted.name(),
            found.name()
        ))
    }

    fn binary(&self, operator: Operator, left: &Expr, right: &Expr) -> Result<Type, String> {
        use Operator::{And, Equal, Join, Less, Minus, NotEqual, Or, Over, Plus, Times};
        let place = format!("operator '{}'", sign(operator));
        match operator {
            Or | And => {
                self.want(left, Type::Boolean, &place)?;
                self.want(right, Type::Boolean, &place)?;
                Ok(Type::Boolean)
            }
            Equal
            | NotEqual
            | Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => {
                let wanted = self.plain(left)?;
                let ordered = !matches!(operator, Equal | NotEqual);
                if ordered && wanted == Type::Boolean {
                    return Err(format!(
                        "Incorrect parameter type for {place}. Expected Number, Date, DateTime, received Boolean"
                    ));
                }
                if wanted == Type::Any {
                    self.plain(right)?;
                } else {
                    self.want(right, wanted, &place)?;
                }
                Ok(Type::Boolean)
            }
            Plus | Minus => {
                let (a, b) = (self.plain(left)?, self.plain(right)?);
                match (a, b) {
                    (Type::Date | Type::DateTime, Type::Number | Type::Any) => Ok(a),
                    (Type::Number | Type::Any, Type::Date | Type::DateTime) if operator == Plus => {
                        Ok(b)
                    }
                    (Type::Date, Type::Date) | (Type::DateTime, Type::DateTime)
                        if operator == Minus =>
                    {
                        Ok(Type::Number)
                    }
                    (Type::Text, Type::Text | Type::Any) | (Type::Any, Type::Text)
                        if operator == Plus =>
                    {
                        Ok(Type::Text)
                    }
                    _ => {
                        self.want(left, Type::Number, &place)?;
                        self.want(right, Type::Number, &place)?;
                        Ok(Type::Number)
                    }
                }
            }
            Times | Over => {
                self.want(left, Type::Number, &place)?;
                self.want(right, Type::Number, &place)?;
                Ok(Type::Number)
            }
            Join => {
                self.want(left, Type::Text, &place)?;
                self.want(right, Type::Text, &place)?;
                Ok(Type::Text)
            }
        }
    }

    fn call(&self, function: Function, given: &[Expr]) -> Result<Type, String> {
        use Function as F;
        let place = format!("function '{}()'", function.name());
        let count = |wanted: usize| {
            if given.len() == wanted {
                Ok(())
            } else {
                Err(wrong_count(function, &wanted.to_string(), given.len()))
            }
        };
        let all = |wanted: Type| {
            given
                .iter()
                .try_for_each(|one| self.want(one, wanted, &place))
        };
        Ok(match function {
            F::Today => {
                count(0)?;
                Type::Date
            }
            F::And | F::Or => {
                all(Type::Boolean)?;
                Type::Boolean
            }
            F::Not => Type::Boolean,
            F::Abs => {
                count(1)?;
                all(Type::Number)?;
                Type::Number
            }
            F::Round => {
                count(2)?;
                all(Type::Number)?;
                Type::Number
            }
            F::Max | F::Min => {
                if given.is_empty() {
                    return Err(wrong_count(function, "1 or more", 0));
                }
                all(Type::Number)?;
                Type::Number
            }
            F::Date => {
                count(3)?;
                all(Type::Number)?;
                Type::Date
            }
            F::Year | F::Month | F::Day => {
                count(1)?;
                all(Type::Date)?;
                Type::Number
            }
            F::Len => {
                count(1)?;
                all(Type::Text)?;
                Type::Number
            }
            F::Left => {
                count(2)?;
                if let [text, length] = given {
                    self.want(text, Type::Text, &place)?;
                    self.want(length, Type::Number, &place)?;
                }
                Type::Text
            }
            F::IsBlank => {
                count(1)?;
                for one in given {
                    self.plain(one)?;
                }
                Type::Boolean
            }
            F::Text => {
                count(1)?;
                for one in given {
                    let found = self.of(one)?;
                    if matches!(found, Type::Text | Type::Boolean) {
                        return Err(format!(
                            "Incorrect parameter type for {place}. Expected Number, Date, DateTime, Picklist, received {}",
                            found.name()
                        ));
                    }
                }
                Type::Text
            }
            F::IsPickval => {
                count(2)?;
                if let [field, text] = given {
                    let found = self.of(field)?;
                    if found != Type::Picklist {
                        return Err(format!(
                            "Incorrect parameter type for {place}. Expected Picklist, received {}",
                            found.name()
                        ));
                    }
                    self.want(text, Type::Text, &place)?;
                }
                Type::Boolean
            }
            F::If => {
                count(3)?;
                let [condition, yes, no] = given else {
                    return Ok(Type::Any);
                };
                self.want(condition, Type::Boolean, &place)?;
                let found = self.plain(yes)?;
                self.same(found, no, &place)?
            }
            F::BlankValue => {
                count(2)?;
                let [value, instead] = given else {
                    return Ok(Type::Any);
                };
                let found = self.plain(value)?;
                self.same(found, instead, &place)?
            }
            F::Case => {
                if given.len() < 4 || given.len() % 2 == 1 {
                    return Err(wrong_count(
                        function,
                        "an even number from 4 up",
                        given.len(),
                    ));
                }
                let mut subject = Type::Any;
                let mut result = Type::Any;
                for (index, one) in given.iter().enumerate() {
                    if index == 0 {
                        subject = self.of(one)?;
                        if subject == Type::Picklist {
                            subject = Type::Text;
                        }
                    } else if index % 2 == 1 && index + 1 < given.len() {
                        self.want(one, subject, &place)?;
                    } else {
                        result = self.same(result, one, &place)?;
                    }
                }
                result
            }
        })
    }

    /// `found`, or the other's type where `found` is the type of `NULL`.
    fn same(&self, found: Type, other: &Expr, place: &str) -> Result<Type, String> {
        if found == Type::Any {
            return self.plain(other);
        }
        self.want(other, found, place)?;
        Ok(found)
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Or => "||",
        Operator::And => "&&",
        Operator::Equal => "=",
        Operator::NotEqual => "<>",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::Plus => "+",
        Operator::Minus => "-",
        Operator::Times => "*",
        Operator::Over => "/",
        Operator::Join => "&",
    }
}
