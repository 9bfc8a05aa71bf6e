//! Operations on text, counted in characters.
//!
//! It never cuts a character in two and never trims what it was not asked to.

/// At most so many characters.
pub(crate) fn truncate(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The filled parts with the separator between them.
pub(crate) fn join<'a>(parts: impl Iterator<Item = &'a str>, separator: &str) -> String {
    parts
        .filter(|part| !part.trim().is_empty())
        .collect::<Vec<_>>()
        .join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_not_bytes() {
        assert_eq!(truncate("Zürich", 3), "Zür");
        assert_eq!(truncate("Zürich", 99), "Zürich");
    }

    #[test]
    fn empty_parts_are_left_out() {
        assert_eq!(
            join(["1 Mill Lane", " ", "", "Leeds"].into_iter(), ", "),
            "1 Mill Lane, Leeds"
        );
    }
}
