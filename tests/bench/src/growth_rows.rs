//! A store with many links, made of a real one: its rows again and again under other ids.
//!
//! Responsible for: keys and values that refer to each other as those of the pattern do, and look-ups that find as many rows as in
//! the pattern, whatever the size. What waits, is due or is open stays as it is: how much of that there is follows from what people
//! leave undone and not from how many links there are. Bodies stay too: rows of copies name those of the pattern.

use anyhow::{Context, ensure};
use footbridge_store::key::{Segment, segments};
use footbridge_store::{Key, KeyRange, Store, WriteSet};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rows written in one commit.
const BATCH: usize = 4000;
/// Families that are per link, and grow with them.
const GROWING: [&str; 9] = [
    "decision", "event", "index", "link", "member", "ours", "record", "request", "stood",
];
/// Objects of which there are as many as there are deals and customers; others are few.
const MANY: [&str; 4] = ["Account", "Opportunity", "customer", "invoice"];

/// The rows of a real store that grow with its links.
pub(crate) struct Pattern {
    rows: Vec<(Vec<Segment>, String)>,
    /// What is another for each copy.
    ids: BTreeSet<String>,
    links: u64,
}

async fn all(
    store: &Arc<dyn Store>,
    mut each: impl FnMut(Vec<Segment>, Vec<u8>),
) -> anyhow::Result<()> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let rows = store
            .scan(&KeyRange::all(), after.as_deref(), BATCH)
            .await?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        after = Some(last.clone());
        for (key, row) in rows {
            each(segments(&key).context("a key of another kind")?, row.value);
        }
    }
}

fn text(segment: Option<&Segment>) -> &str {
    match segment {
        Some(Segment::Text(text)) => text,
        _ => "",
    }
}

impl Pattern {
    /// How many rows of each family there are.
    pub(crate) async fn families(store: &Arc<dyn Store>) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut found = BTreeMap::new();
        all(store, |key, _| {
            *found.entry(text(key.first()).to_owned()).or_default() += 1
        })
        .await?;
        Ok(found)
    }

    pub(crate) async fn of(store: &Arc<dyn Store>) -> anyhow::Result<Self> {
        let mut pattern = Self {
            rows: Vec::new(),
            ids: BTreeSet::new(),
            links: 0,
        };
        let mut waiting = BTreeSet::new();
        all(store, |key, value| {
            let family = text(key.first());
            if family == "waiting" {
                waiting.insert(text(key.last()).to_owned());
            }
            if !GROWING.contains(&family) {
                return;
            }
            let object = text(key.get(3)).to_owned();
            if matches!(family, "record" | "index") && !MANY.contains(&object.as_str()) {
                return;
            }
            if matches!(family, "record" | "link" | "ours" | "request") {
                pattern.ids.insert(text(key.last()).to_owned());
            }
            pattern.links += u64::from(family == "link");
            pattern
                .rows
                .push((key, String::from_utf8_lossy(&value).into_owned()));
        })
        .await?;
        // A decision of what waits is one of what people leave undone.
        pattern.rows.retain(|(key, _)| {
            text(key.first()) != "decision"
                || !key
                    .iter()
                    .any(|segment| waiting.contains(text(Some(segment))))
        });
        ensure!(pattern.links > 0, "the pattern has no link");
        Ok(pattern)
    }

    /// The text with every id exchanged for the copy's own.
    fn own(&self, text: &str, copy: u64) -> String {
        let mut out = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars().chain(['\0']) {
            if c.is_ascii_alphanumeric() || c == '-' {
                word.push(c);
                continue;
            }
            match self.ids.contains(&word) {
                true => out.push_str(&other(&word, copy)),
                false => out.push_str(&word),
            }
            word.clear();
            if c != '\0' {
                out.push(c);
            }
        }
        out
    }

    fn key(&self, pattern: &[Segment], copy: u64) -> Vec<u8> {
        let family = match GROWING.iter().find(|name| **name == text(pattern.first())) {
            Some(name) => *name,
            None => "other",
        };
        // Names and numbers are of one customer or invoice each: a look-up finds no more than in the pattern.
        let by_name =
            family == "index" && matches!(text(pattern.get(4)), "exact" | "loose" | "number");
        let mut key = Key::new(family);
        for (at, segment) in pattern.iter().enumerate().skip(1) {
            key = match segment {
                Segment::Text(value) if by_name && at == 5 => key.text(&format!("{value} {copy}")),
                Segment::Text(value) => key.text(&self.own(value, copy)),
                Segment::Number(value) if family == "event" && at == 2 => {
                    key.number(value + copy * 10_000_000)
                }
                Segment::Number(value) => key.number(*value),
                Segment::Bytes(value) => key.bytes(value),
            };
        }
        key.into()
    }
}

/// An id of the same shape: letters and digits become digits of a hash, the first three and dashes stay.
fn other(id: &str, copy: u64) -> String {
    let hash = Sha256::digest(format!("{copy} {id}").as_bytes());
    let digits: Vec<char> = hash
        .iter()
        .flat_map(|byte| format!("{byte:02x}").chars().collect::<Vec<_>>())
        .collect();
    id.chars()
        .enumerate()
        .map(|(at, c)| match c {
            '-' => c,
            _ if at < 3 && id.len() < 32 => c,
            _ => digits.get(at % digits.len()).copied().unwrap_or(c),
        })
        .collect()
}

/// Writes the pattern again until there are so many links.
pub(crate) async fn multiply(
    store: &Arc<dyn Store>,
    pattern: &Pattern,
    links: u64,
) -> anyhow::Result<()> {
    let copies = links.div_ceil(pattern.links).max(1);
    let mut set = WriteSet::new();
    for copy in 1..copies {
        let mut named = BTreeSet::new();
        for (key, value) in &pattern.rows {
            let key = pattern.key(key, copy);
            ensure!(named.insert(key.clone()), "two rows of a copy have one key");
            set = set.put(key, pattern.own(value, copy));
            if set.puts.len() >= BATCH {
                store.commit(std::mem::take(&mut set)).await?;
            }
        }
    }
    store.commit(set).await?;
    Ok(())
}
