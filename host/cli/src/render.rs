//! Text for terminals. Everything that came from outside passes [`safe`], which leaves nothing that moves a cursor, hides text or turns it round.
//!
//! It knows no command: they build tables and sentences from it.

use crate::typed;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

/// Text from outside, made harmless for a terminal and cut to `width` characters.
pub(crate) fn safe(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut all = text.chars().peekable();
    let mut count = 0usize;
    while let Some(c) = all.next() {
        count = count.saturating_add(1);
        if count > width {
            out.pop();
            out.push('…');
            break;
        }
        let joins = is_joiner(c)
            && out.chars().last().is_some_and(may_be_joined)
            && all.peek().copied().is_some_and(may_be_joined);
        out.push(if harmless(c) || joins { c } else { '\u{FFFD}' });
    }
    out
}

/// The same of a value or an answer of others: a command that it names is none of ours, and stays as it is.
pub(crate) fn theirs(text: &str, width: usize) -> String {
    typed::of_others(&safe(text, width))
}

/// Not a control character, nor one that turns or hides text (bidirectional marks, zero-width, tags).
pub(crate) fn harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// What families of emoji, Persian and Indian words are written with.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// From Hebrew on: between Latin, Greek or Cyrillic letters a joiner only deceives.
fn may_be_joined(c: char) -> bool {
    c >= '\u{0590}' && harmless(c) && c != '\u{FFFD}'
}

/// Columns that text takes on a terminal: an emoji or a Chinese character takes two.
pub(crate) fn columns(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// How wide a line may be: the terminal, or `COLUMNS`, else 120.
pub(crate) fn width() -> usize {
    let told = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    told.or_else(terminal).unwrap_or(120).clamp(40, 160)
}

/// Text broken between words, every line after `indent` columns. A word that is too long stays whole.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let room = width().saturating_sub(indent).max(20);
    let margin = " ".repeat(indent);
    let mut out = String::new();
    let mut line = String::new();
    let text = typed::in_text(text);
    for word in words(&text) {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > room {
            let _ = writeln!(out, "{margin}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{margin}{line}");
    out
}

/// The words of a text. A command in backticks is one: a part of it, pasted, would be another command.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let plain = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let command = rest
            .find("`footbridge ")
            .filter(|at| *at < plain)
            .and_then(|at| at.checked_add(1))
            .and_then(|from| Some(from + rest.get(from..)?.find('`')?));
        let from = command.unwrap_or(0);
        let end = rest
            .get(from..)
            .and_then(|tail| tail.find(char::is_whitespace));
        let (word, left) = rest.split_at(end.map_or(rest.len(), |end| from + end));
        rest = left;
        Some(word)
    })
}

/// A table with a head, columns as wide as their content; the last one is broken between words. Cells must be safe already.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|title| columns(title)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    let head: Vec<String> = head.iter().map(|title| (*title).to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let mut text = String::new();
        let last = row.len().saturating_sub(1);
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if column == last {
                let indent = columns(&text);
                text.push_str(wrapped(cell, indent).trim_start_matches(' '));
            } else {
                let padding = " ".repeat(width.saturating_sub(columns(cell)) + 2);
                text.push_str(cell);
                text.push_str(&padding);
            }
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

/// `1 deal`, `2 deals`.
pub(crate) fn count(n: usize, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_moves_the_cursor_or_turns_text() {
        assert_eq!(
            safe("a\u{1b}[2Jb\r\nc", 80),
            "a\u{FFFD}[2Jb\u{FFFD}\u{FFFD}c"
        );
        assert_eq!(
            safe("evil\u{202E}txt\u{200B}", 80),
            "evil\u{FFFD}txt\u{FFFD}"
        );
        let family = "👩\u{200D}👩\u{200D}👧 نمی\u{200C}خواهم";
        assert_eq!(safe(family, 80), family);
        assert_eq!(
            safe("pa\u{200D}y, 👩\u{200D}\u{200D}👧, 👧\u{200D}", 80),
            "pa\u{FFFD}y, 👩\u{FFFD}\u{FFFD}👧, 👧\u{FFFD}"
        );
        assert_eq!(safe("Ünïcode 😀 <script>", 80), "Ünïcode 😀 <script>");
        assert_eq!(safe("abcdef", 4), "abc…");
        assert_eq!(safe("abcd", 4), "abcd");
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![
            vec!["x".to_owned(), "1".to_owned()],
            vec!["🚀🚀".to_owned(), "22".to_owned()],
        ];
        assert_eq!(table(&["name", "n"], &rows), "name  n\nx     1\n🚀🚀  22\n");
    }

    #[test]
    fn a_command_is_never_broken() {
        let text = format!(
            "{}(`footbridge plan apply 5f0c1a2b --only 006Hs00001abcdEFGH`), then",
            "word ".repeat(12)
        );
        let told = wrapped(&text, 2);
        let whole = "(`footbridge plan apply 5f0c1a2b --only 006Hs00001abcdEFGH`), then\n";
        assert!(told.ends_with(whole), "{told}");
        let open = "`footbridge plan that nobody closes";
        assert_eq!(words(open).collect::<Vec<_>>().join(" "), open);
    }

    #[test]
    fn the_last_column_is_broken_between_words() {
        let long = "word ".repeat(40);
        let rows = vec![vec!["x".to_owned(), long]];
        let text = table(&["name", "why"], &rows);
        assert!(text.lines().count() > 2, "{text}");
        for line in text.lines().skip(2) {
            assert!(line.starts_with("      word"), "{line:?}");
            assert!(columns(line) <= width(), "{line:?}");
        }
    }
}
