//! The nearest accepted name for one that is not.
//!
//! It never suggests something far-fetched: silence is better than a wrong hint.

/// ` (did you mean "name"?)`, or nothing.
pub(crate) fn nearest<'a>(found: &str, accepted: impl IntoIterator<Item = &'a str>) -> String {
    let scored = accepted.into_iter().map(|name| {
        (
            strsim::damerau_levenshtein(&found.to_lowercase(), &name.to_lowercase()),
            name,
        )
    });
    match scored.min() {
        Some((distance, name)) if distance <= 1 + found.chars().count() / 3 => {
            format!(" (did you mean \"{name}\"?)")
        }
        _ => String::new(),
    }
}

/// The names as an enumeration for a message.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        assert_eq!(
            nearest("unit_amuont", ["quantity", "unit_amount"]),
            " (did you mean \"unit_amount\"?)"
        );
        assert_eq!(
            nearest("Reference", ["reference"]),
            " (did you mean \"reference\"?)"
        );
        assert_eq!(nearest("colour", ["quantity", "unit_amount"]), "");
    }
}
