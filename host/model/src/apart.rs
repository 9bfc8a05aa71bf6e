//! Two long texts that begin alike, made short so that people see where they differ.
//!
//! It decides nothing, and cuts no end off: whoever shows a text knows how much room it has.

/// Of what two long texts both begin with, so much stays at the beginning,
const BEGINS: usize = 12;
/// and so much before the first difference.
const BEFORE: usize = 12;

/// Two texts of which one has more than `most` characters, without the middle of what both begin with.
pub fn apart(old: &str, new: &str, most: usize) -> (String, String) {
    let common = (old.chars().zip(new.chars()))
        .take_while(|(old, new)| old == new)
        .count();
    let fits = |text: &str| text.chars().count() <= most;
    let left_out = common.saturating_sub(BEGINS + BEFORE);
    if (fits(old) && fits(new)) || left_out <= 1 {
        return (old.to_owned(), new.to_owned());
    }
    let cut = |text: &str| {
        let begins = text.chars().take(BEGINS);
        let rest = text.chars().skip(BEGINS + left_out);
        begins.chain(std::iter::once('…')).chain(rest).collect()
    };
    (cut(old), cut(new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_stays() {
        let long = "Consulting and travel for the northern branches, ".repeat(3);
        let (old, new) = apart(&format!("{long}March"), &format!("{long}April"), 60);
        assert_eq!(old, "Consulting a…n branches, March");
        assert_eq!(new, "Consulting a…n branches, April");
        let short = ("short".to_owned(), long.clone());
        assert_eq!(apart("short", &long, 60), short);
        assert_eq!(apart("a", "b", 60), ("a".to_owned(), "b".to_owned()));
        let (old, new) = apart(&long, &format!("{long}x"), 60);
        assert_eq!(new, format!("{old}x"));
    }
}
