//! Names of customers: plain ones from word lists, hostile ones by hand, none twice.
//!
//! Two names never differ only by case, spaces, punctuation or a legal form, except where the core
//! asks for exactly that; otherwise a filler customer would be held by accident. Next: [`super::fixed`].

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

const FIRST: [&str; 40] = [
    "Amber",
    "Ashdown",
    "Beacon",
    "Birch",
    "Blackthorn",
    "Bramley",
    "Calder",
    "Cedar",
    "Chiltern",
    "Cobalt",
    "Copper",
    "Crofton",
    "Dunmore",
    "Eastgate",
    "Elm",
    "Fairfield",
    "Fenwick",
    "Foxglove",
    "Garnet",
    "Granby",
    "Harrow",
    "Hazel",
    "Ironbridge",
    "Juniper",
    "Kestrel",
    "Langley",
    "Larch",
    "Linden",
    "Marlow",
    "Mercia",
    "Norwood",
    "Oakham",
    "Pendle",
    "Quarry",
    "Redhill",
    "Saxon",
    "Tamar",
    "Thornbury",
    "Wharfe",
    "Yarrow",
];
const SECOND: [&str; 32] = [
    "Architects",
    "Bakery",
    "Biotech",
    "Boats",
    "Brewing",
    "Catering",
    "Ceramics",
    "Cinemas",
    "Couriers",
    "Dental",
    "Electrics",
    "Farms",
    "Fabrication",
    "Fitness",
    "Florists",
    "Foods",
    "Furniture",
    "Gardens",
    "Glass",
    "Hotels",
    "Interiors",
    "Joinery",
    "Laundry",
    "Leisure",
    "Motors",
    "Optics",
    "Packaging",
    "Plumbing",
    "Print",
    "Roofing",
    "Textiles",
    "Vets",
];
const FORM: [&str; 6] = ["Ltd", "Limited", "LLP", "plc", "Partners", "& Sons"];
const FORENAMES: [&str; 20] = [
    "Aisha", "Ben", "Carys", "Dev", "Elena", "Femi", "Grace", "Hamish", "Iris", "Jonah", "Kezia",
    "Liam", "Mina", "Nadia", "Owen", "Priya", "Rhys", "Sofia", "Tariq", "Una",
];
const SURNAMES: [&str; 24] = [
    "Abbott", "Begum", "Carter", "Davies", "Ellis", "Fraser", "Gill", "Hussain", "Iqbal", "Jones",
    "Khan", "Lewis", "Mehta", "Nolan", "O'Connor", "Patel", "Quinn", "Roberts", "Singh", "Taylor",
    "Usman", "Vaughan", "Walsh", "Young",
];

/// Names that break careless code: markup, quotes, an emoji, right-to-left text, a formula, 255 characters.
pub(crate) fn hostile() -> [String; 7] {
    let mut longest = "Longbottom and Descendants of the Upper Valley Works ".repeat(5);
    longest.truncate(249);
    [
        "<script>alert('paid')</script> Signs".to_owned(),
        "Rocket 🚀 Lollies 🍭".to_owned(),
        "מאפיית השלום Bakers".to_owned(),
        "Reversed \u{202E}dlof\u{202C} Mills".to_owned(),
        r#"O'Neil "Q" \ Daughters; DROP TABLE"#.to_owned(),
        "=2+5 Formula Foods {{name}}".to_owned(),
        format!("{} Trust", longest.trim_end()),
    ]
}

/// What is left of a name when case, spaces, punctuation and legal form don't count.
pub(crate) fn folded(name: &str) -> String {
    let words: String = name
        .to_lowercase()
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter
            } else {
                ' '
            }
        })
        .collect();
    let mut words: Vec<&str> = words.split_whitespace().collect();
    while words.len() > 1
        && words
            .last()
            .is_some_and(|word| ["ltd", "limited", "plc", "llc", "llp", "inc"].contains(word))
    {
        words.pop();
    }
    words.concat()
}

/// Hands out names nobody has yet.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// Marks a hand-written name as taken.
    pub(crate) fn reserve(&mut self, name: &str) {
        self.taken.insert(folded(name));
    }

    /// A firm's name.
    pub(crate) fn firm(&mut self, rng: &mut StdRng) -> String {
        self.fresh(rng, |rng| {
            let stem = format!("{} {}", pick(rng, &FIRST), pick(rng, &SECOND));
            (stem.clone(), format!("{stem} {}", pick(rng, &FORM)))
        })
    }

    /// A person's first and last name; a second Aisha Khan is Aisha Khan 2.
    pub(crate) fn person(&mut self, rng: &mut StdRng) -> (String, String) {
        let first = pick(rng, &FORENAMES).to_owned();
        let last = self.fresh(rng, |rng| {
            let last = pick(rng, &SURNAMES).to_owned();
            (format!("{first} {last}"), last)
        });
        (first, last)
    }

    /// Draws (key, name) until the key is new; after a few draws a running number makes it so.
    fn fresh(
        &mut self,
        rng: &mut StdRng,
        draw: impl Fn(&mut StdRng) -> (String, String),
    ) -> String {
        for _ in 0..4 {
            let (key, name) = draw(rng);
            if self.taken.insert(folded(&key)) {
                return name;
            }
        }
        let (key, name) = draw(rng);
        let mut number = 2_u32;
        while !self.taken.insert(folded(&format!("{key} {number}"))) {
            number += 1;
        }
        // The number stands before the legal form, where a form does not hide it.
        match name.strip_prefix(&key) {
            Some(form) => format!("{key} {number}{form}"),
            None => format!("{name} {number}"),
        }
    }
}

/// One of several; the lists above are never empty.
pub(crate) fn pick<'a>(rng: &mut StdRng, from: &'a [&'a str]) -> &'a str {
    from.choose(rng).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn names_stay_apart_when_folded() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut names = Names::default();
        let mut seen = BTreeSet::new();
        for _ in 0..4_000 {
            assert!(seen.insert(folded(&names.firm(&mut rng))));
        }
        for _ in 0..600 {
            let (first, last) = names.person(&mut rng);
            assert!(seen.insert(folded(&format!("{first} {last}"))));
        }
    }

    #[test]
    fn the_legal_form_does_not_count() {
        assert_eq!(folded("Smith & Co. Ltd"), folded("SMITH &  CO Limited"));
        assert_ne!(folded("Smith & Co (Leeds) Ltd"), folded("Smith & Co Ltd"));
    }

    #[test]
    fn the_longest_name_has_255_characters_and_none_folds_to_nothing() {
        let names = hostile();
        assert!(
            names.iter().any(|name| name.len() == 255),
            "{:?}",
            names.iter().map(String::len).collect::<Vec<_>>()
        );
        assert!(
            names
                .iter()
                .all(|name| !folded(name).is_empty() && name.chars().count() <= 255)
        );
    }
}
