//! Query text to tokens.

use crate::salesforce::error::ApiError;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Word(String),
    /// Begins with a digit or a sign: a number, a date or an instant.
    Digits(String),
    /// Raw text between quotes, escapes not yet read.
    Quoted(String),
    Sign(&'static str),
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: usize,
}

impl Token {
    pub(super) fn shown(&self) -> String {
        match &self.kind {
            Kind::Word(text) | Kind::Digits(text) => text.clone(),
            Kind::Quoted(text) => format!("'{text}'"),
            Kind::Sign(sign) => (*sign).to_owned(),
            Kind::End => "<EOF>".to_owned(),
        }
    }
}

const SIGNS: [&str; 12] = [
    "!=", "<>", "<=", ">=", "<", ">", "=", "(", ")", ",", ".", ":",
];

pub(super) fn tokens(query: &str) -> Result<Vec<Token>, ApiError> {
    let characters: Vec<char> = query.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = characters.get(at) {
        let start = at;
        let rest = characters.get(at..).unwrap_or_default();
        let while_any = |allowed: fn(char) -> bool| -> String {
            rest.iter().copied().take_while(|c| allowed(*c)).collect()
        };
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        let kind = if c.is_ascii_alphabetic() || c == '_' {
            let word = while_any(|c| c.is_ascii_alphanumeric() || c == '_');
            at += word.chars().count();
            Kind::Word(word)
        } else if c.is_ascii_digit()
            || ((c == '-' || c == '+') && rest.get(1).is_some_and(char::is_ascii_digit))
        {
            let digits: String = std::iter::once(c)
                .chain(
                    rest.iter()
                        .skip(1)
                        .copied()
                        .take_while(|c| c.is_ascii_alphanumeric() || ":.+-".contains(*c)),
                )
                .collect();
            at += digits.chars().count();
            Kind::Digits(digits)
        } else if c == '\'' {
            let mut text = String::new();
            let mut escaped = false;
            let mut closed = false;
            for c in rest.iter().skip(1) {
                if *c == '\'' && !escaped {
                    closed = true;
                    break;
                }
                escaped = *c == '\\' && !escaped;
                text.push(*c);
            }
            if !closed {
                return Err(super::at(
                    query,
                    start,
                    "MALFORMED_QUERY",
                    "line unterminated string literal",
                ));
            }
            at += text.chars().count() + 2;
            Kind::Quoted(text)
        } else {
            let sign = SIGNS.into_iter().find(|sign| {
                sign.chars()
                    .zip(rest.iter().map(Some).chain(std::iter::repeat(None)))
                    .all(|(a, b)| Some(&a) == b)
            });
            let Some(sign) = sign else {
                return Err(super::at(
                    query,
                    start,
                    "MALFORMED_QUERY",
                    &format!("unexpected token: '{c}'"),
                ));
            };
            at += sign.len();
            Kind::Sign(sign)
        };
        tokens.push(Token { kind, at: start });
    }
    tokens.push(Token {
        kind: Kind::End,
        at: characters.len(),
    });
    Ok(tokens)
}

/// Reads the escapes of a quoted text; `None` where one is unknown. In a `LIKE` pattern `\%` and `\_`
/// stay escaped for the matcher, elsewhere they are the character.
pub(super) fn unescaped(raw: &str, use_as: QuotedUse) -> Option<String> {
    let mut text = String::new();
    let mut characters = raw.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match characters.next()? {
            'n' | 'N' => text.push('\n'),
            'r' | 'R' => text.push('\r'),
            't' | 'T' => text.push('\t'),
            'b' | 'B' => text.push('\u{8}'),
            'f' | 'F' => text.push('\u{c}'),
            'u' => {
                let hex: String = characters.by_ref().take(4).collect();
                text.push(
                    u32::from_str_radix(&hex, 16)
                        .ok()
                        .and_then(char::from_u32)?,
                );
            }
            '\\' if use_as == QuotedUse::Pattern => text.push_str("\\\\"),
            same @ ('\'' | '"' | '\\') => text.push(same),
            wild @ ('%' | '_') => {
                if use_as == QuotedUse::Pattern {
                    text.push('\\');
                }
                text.push(wild);
            }
            _ => return None,
        }
    }
    Some(text)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuotedUse {
    Value,
    Pattern,
}
