//! Text for terminals. Everything that came from outside passes [`safe`], which leaves nothing that moves a cursor, hides text or turns it round.
//!
//! It knows no command: they build tables and sentences from it.

use std::fmt::Write as _;

/// Text from outside, made harmless for a terminal and cut to `width` characters.
pub(crate) fn safe(text: &str, width: usize) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count + 1 > width {
            out.pop();
            out.push('…');
            break;
        }
        out.push(if harmless(c) { c } else { '\u{FFFD}' });
    }
    out
}

/// Not a control character, nor one that turns or hides text (bidirectional marks, zero-width, tags).
fn harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// A table with a head, columns as wide as their content. Cells must be safe already.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(column, title)| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
                .max(title.chars().count())
        })
        .collect();
    let mut out = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            let _ = write!(text, "{cell:<width$}  ");
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(&mut head.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
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
        assert_eq!(safe("Ünïcode 😀 <script>", 80), "Ünïcode 😀 <script>");
        assert_eq!(safe("abcdef", 4), "abc…");
        assert_eq!(safe("abcd", 4), "abcd");
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![
            vec!["x".to_owned(), "1".to_owned()],
            vec!["long".to_owned(), "22".to_owned()],
        ];
        assert_eq!(table(&["name", "n"], &rows), "name  n\nx     1\nlong  22\n");
    }
}
