//! The renderer for CSV: RFC 4180, and nothing in it that a spreadsheet takes for a formula.
//!
//! Control characters but tabs and line breaks, and characters that turn or hide text, are replaced: a file may be looked at in a terminal. A field that begins with what starts a formula gets an apostrophe before it, as spreadsheets themselves write text.

use crate::render::harmless;

/// One row, with its line end.
pub(crate) fn row<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let fields: Vec<String> = fields.into_iter().map(field).collect();
    format!("{}\r\n", fields.join(","))
}

fn field(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' | '\r' | '\n' => c,
        c if harmless(c) => c,
        _ => '\u{FFFD}',
    };
    let text: String = text.chars().map(shown).collect();
    let safe = match text.chars().next() {
        Some(
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\u{FF1D}' | '\u{FF0B}' | '\u{FF0D}'
            | '\u{FF20}',
        ) => {
            format!("'{text}")
        }
        _ => text,
    };
    if safe.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn quotes_lines_and_formulas() {
        for (fields, want) in [
            (vec!["a", "b"], "a,b\r\n"),
            (
                vec!["a,b", "c\"d", "e\nf"],
                "\"a,b\",\"c\"\"d\",\"e\nf\"\r\n",
            ),
            (vec!["=1+1", "+1", "-1", "@x"], "'=1+1,'+1,'-1,'@x\r\n"),
            (vec!["\t=1", "\r=1"], "'\t=1,\"'\r=1\"\r\n"),
            (
                vec!["=HYPERLINK(\"http://x\",\"y\")"],
                "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\r\n",
            ),
            (vec!["", "1=1"], ",1=1\r\n"),
            (
                vec!["\u{1b}[2J\u{7}", "a\u{202e}b"],
                "\u{FFFD}[2J\u{FFFD},a\u{FFFD}b\r\n",
            ),
        ] {
            assert_eq!(row(fields), want);
        }
    }
}
