//! Path patterns compared with each other: what two have in common, and whether one goes beyond another.
//!
//! `*` stands for one segment, a final `**` for any rest, also none. It matches no request: `broker/grant.rs` does.

/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 512;

/// Whether a text is a pattern in its one form.
pub(crate) fn is_valid(pattern: &str) -> bool {
    let Some(rest) = pattern.strip_prefix('/') else {
        return false;
    };
    if pattern.len() > MAX_PATTERN {
        return false;
    }
    let segments: Vec<&str> = match rest {
        "" => Vec::new(),
        rest => rest.split('/').collect(),
    };
    let last = segments.len().saturating_sub(1);
    segments
        .iter()
        .enumerate()
        .all(|(n, segment)| match *segment {
            "*" => true,
            "**" => n == last,
            segment => {
                !segment
                    .trim_matches(|c: char| c == '.' || c.is_whitespace())
                    .is_empty()
                    && !segment
                        .chars()
                        .any(|c| c.is_control() || matches!(c, '*' | '\\' | '%' | '?' | '#' | ';'))
            }
        })
}

fn segments(pattern: &str) -> Vec<&str> {
    pattern.split('/').filter(|s| !s.is_empty()).collect()
}

/// The pattern of all paths that both cover. Two such patterns have one in common, or none.
pub(crate) fn meet(a: &str, b: &str) -> Option<String> {
    let (a, b) = (segments(a), segments(b));
    let (mut left, mut right) = (a.as_slice(), b.as_slice());
    let mut both: Vec<&str> = Vec::new();
    loop {
        match (left, right) {
            ([], []) | (["**"], []) | ([], ["**"]) => break,
            (["**"], rest) | (rest, ["**"]) => {
                both.extend(rest);
                break;
            }
            ([l, left_rest @ ..], [r, right_rest @ ..]) => {
                both.push(match (*l, *r) {
                    ("*", other) | (other, "*") => other,
                    (l, r) if l == r => l,
                    _ => return None,
                });
                (left, right) = (left_rest, right_rest);
            }
            _ => return None,
        }
    }
    Some(format!("/{}", both.join("/")))
}

/// Whether every path of `narrow` is one of `wide`.
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    meet(wide, narrow).is_some_and(|both| segments(&both) == segments(narrow))
}
