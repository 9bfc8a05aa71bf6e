//! A far side's answer for people: its status, and of a batch the element about one record. Everything passes the renderer.

use crate::render::theirs;
use footbridge_engine::Evidence;
use serde_json::Value;

/// So many lines of an answer are shown unless all are wanted.
const MOST_LINES: usize = 60;
/// Longest line.
const LONGEST_LINE: usize = 400;

/// The answer's lines, made harmless. Of several operations' answers the one at `position`, where that can be told.
pub(super) fn lines(body: &str, evidence: &Evidence) -> Vec<String> {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let element = parsed
        .as_ref()
        .and_then(|body| element(body, evidence.operations, evidence.position?));
    let text = match element.or(parsed.as_ref()) {
        Some(value) => serde_json::to_string_pretty(value).unwrap_or_default(),
        None => body.to_owned(),
    };
    cut(&text)
}

/// All of it.
pub(super) fn whole(body: &str) -> Vec<String> {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let text = parsed.and_then(|value| serde_json::to_string_pretty(&value).ok());
    let text = text.unwrap_or_else(|| body.to_owned());
    text.lines()
        .map(|line| theirs(line, LONGEST_LINE))
        .collect()
}

fn cut(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text
        .lines()
        .take(MOST_LINES)
        .map(|line| theirs(line, LONGEST_LINE))
        .collect();
    let left = text.lines().count().saturating_sub(MOST_LINES);
    if left > 0 {
        lines.push(format!("... {left} more lines; --whole shows them"));
    }
    lines
}

/// The element of a list that has one for each operation: the answer itself, or a list directly in it.
fn element(body: &Value, operations: usize, position: usize) -> Option<&Value> {
    let fits = |value: &&Value| {
        value
            .as_array()
            .is_some_and(|list| list.len() == operations && operations > 0)
    };
    let inner = body
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.values());
    std::iter::once(body).chain(inner).find(fits)?.get(position)
}

#[cfg(test)]
mod tests {
    use super::{cut, element};
    use serde_json::json;

    #[test]
    fn the_element_about_one_record() {
        for (body, operations, position, want) in [
            (json!([{"a": 1}, {"a": 2}]), 2, 1, Some(json!({"a": 2}))),
            (
                json!({"Id": "x", "Invoices": [{"a": 1}]}),
                1,
                0,
                Some(json!({"a": 1})),
            ),
            (json!({"Elements": [{"a": 1}]}), 2, 0, None),
            (json!({"Message": "no"}), 1, 0, None),
            (json!([]), 0, 0, None),
        ] {
            assert_eq!(
                element(&body, operations, position).cloned(),
                want,
                "{body}"
            );
        }
    }

    #[test]
    fn a_long_answer_is_cut_and_a_hostile_one_harmless() {
        let lines = cut(&format!("\u{1b}[2J\u{202e}x\n{}", "y\n".repeat(80)));
        assert_eq!(lines.len(), 61);
        assert_eq!(
            lines.first().map(String::as_str),
            Some("\u{FFFD}[2J\u{FFFD}x")
        );
        assert_eq!(
            lines.last().map(String::as_str),
            Some("... 21 more lines; --whole shows them")
        );
    }
}
