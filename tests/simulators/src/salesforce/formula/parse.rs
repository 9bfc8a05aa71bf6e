//! Text to an expression.

use rust_decimal::Decimal;

use super::{Expr, Function, Operator};

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(Decimal),
    Text(String),
    Name(String),
    Sign(&'static str),
}

/// Signs, the longer ones first.
const SIGNS: [&str; 18] = [
    "<>", "!=", "<=", ">=", "==", "&&", "||", "<", ">", "=", "+", "-", "*", "/", "(", ")", ",", "&",
];

/// Parses a whole formula.
pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
    };
    let expression = parser.any_of(0)?;
    match parser.peek() {
        None => Ok(expression),
        Some(token) => Err(format!("Syntax error. Extra {}", shown(token))),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Number(number) => format!("'{number}'"),
        Token::Text(text) => format!("'{text}'"),
        Token::Name(name) => format!("'{name}'"),
        Token::Sign(sign) => format!("'{sign}'"),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("/*") {
            let end = after.find("*/").ok_or("Syntax error. Missing '*/'")?;
            rest = after.get(end + 2..).unwrap_or_default();
        } else if first == '"' || first == '\'' {
            let (value, after) = quoted(rest, first)?;
            tokens.push(Token::Text(value));
            rest = after;
        } else if first.is_ascii_digit() {
            let end = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            let number = number
                .parse()
                .map_err(|_| format!("Syntax error. Found '{number}'"))?;
            tokens.push(Token::Number(number));
            rest = after;
        } else if first.is_ascii_alphabetic() || first == '$' {
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | '$'))
                .unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            tokens.push(Token::Name(name.to_owned()));
            rest = after;
        } else {
            let sign = SIGNS
                .into_iter()
                .find(|sign| rest.starts_with(sign))
                .ok_or_else(|| format!("Syntax error. Found '{first}'"))?;
            tokens.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped)) => value.push(escaped),
                None => break,
            },
            c if c == quote => {
                let after = text.get(at + 1..).unwrap_or_default();
                return Ok((value, after));
            }
            c => value.push(c),
        }
    }
    Err(format!("Syntax error. Missing '{quote}'"))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

/// Operators by how loosely they bind.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("||", Operator::Or)],
    &[("&&", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("=", Operator::Equal),
        ("<>", Operator::NotEqual),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[
        ("+", Operator::Plus),
        ("-", Operator::Minus),
        ("&", Operator::Join),
    ],
    &[("*", Operator::Times), ("/", Operator::Over)],
];

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) {
            Ok(())
        } else {
            Err(format!("Syntax error. Missing '{sign}'"))
        }
    }

    fn any_of(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = LEVELS.get(level) else {
            return self.single();
        };
        let mut left = self.any_of(level + 1)?;
        while let Some((_, operator)) = operators
            .iter()
            .find(|(sign, _)| matches!(self.peek(), Some(Token::Sign(found)) if found == sign))
        {
            self.at += 1;
            let right = self.any_of(level + 1)?;
            left = Expr::Binary(*operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Expr, String> {
        if self.take("-") {
            return Ok(Expr::Negative(Box::new(self.single()?)));
        }
        if self.take("+") {
            return self.single();
        }
        if self.take("(") {
            let inner = self.any_of(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let Some(token) = self.tokens.get(self.at).cloned() else {
            return Err("Syntax error. Found end of formula".to_owned());
        };
        self.at += 1;
        match token {
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Sign(sign) => Err(format!("Syntax error. Found '{sign}'")),
            Token::Name(name) if self.take("(") => self.call(&name),
            Token::Name(name) => Ok(match name.to_ascii_uppercase().as_str() {
                "TRUE" => Expr::Flag(true),
                "FALSE" => Expr::Flag(false),
                "NULL" => Expr::Null,
                _ => Expr::Field(name.split('.').map(str::to_owned).collect()),
            }),
        }
    }

    fn call(&mut self, name: &str) -> Result<Expr, String> {
        let function = Function::parse(name)
            .ok_or_else(|| format!("Unknown function {name}. Check spelling."))?;
        let mut given = Vec::new();
        if !self.take(")") {
            loop {
                given.push(self.any_of(0)?);
                if self.take(")") {
                    break;
                }
                self.expect(",")?;
            }
        }
        if function == Function::Not {
            return match given.as_slice() {
                [one] => Ok(Expr::Not(Box::new(one.clone()))),
                _ => Err(super::types::wrong_count(function, "1", given.len())),
            };
        }
        Ok(Expr::Call(function, given))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_said() {
        for (text, problem) in [
            (
                "IDONTEXIST(' ')",
                "Unknown function IDONTEXIST. Check spelling.",
            ),
            ("IF(TRUE, 1, 2", "Syntax error. Missing ','"),
            ("1 +", "Syntax error. Found end of formula"),
            ("1 2", "Syntax error. Extra '2'"),
            ("\"open", "Syntax error. Missing '\"'"),
            ("a # b", "Syntax error. Found '#'"),
        ] {
            assert_eq!(parse(text).unwrap_err(), problem, "{text}");
        }
    }

    #[test]
    fn operators_bind_as_usual() {
        let shown = |text: &str| format!("{:?}", parse(text).unwrap());
        assert_eq!(
            shown("1 + 2 * 3 = 7 && TRUE"),
            shown("((1 + (2 * 3)) = 7) && TRUE")
        );
        assert_eq!(shown("10 - 3 - 2"), shown("(10 - 3) - 2"));
        assert_eq!(shown("a /* why */ <> 'x'"), shown("a != \"x\""));
    }
}
