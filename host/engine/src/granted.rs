//! What a transform was granted: source fields it may see, target objects and fields it may write. A mapping that imports
//! nothing still writes the ledger, so this is held around every call: what wasn't granted is taken out of a record before
//! the transform sees it, and a draft that goes beyond is refused by name while other records go on.
//!
//! It grants nothing itself: `host/sandbox` keeps what the operator gave, the composition root puts it into the flow.
//! Next: `transform.rs` applies it to each batch.

use footbridge_model::document::Document;
use footbridge_model::failure::Problem;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Every object, or every field of an object.
const ALL: &str = "*";

/// Fields by object. `*` as an object stands for every object, `*` as a field for every field of it; a field covers
/// what lies under it (`lines` covers `lines[].quantity`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(BTreeMap<String, BTreeSet<String>>);

impl Fields {
    /// From objects and their fields.
    pub fn new(fields: BTreeMap<String, BTreeSet<String>>) -> Self {
        Self(fields)
    }

    /// Every field of every object.
    pub fn everything() -> Self {
        Self(BTreeMap::from([(
            ALL.to_owned(),
            BTreeSet::from([ALL.to_owned()]),
        )]))
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(BTreeSet::is_empty)
    }

    /// Each object with each of its fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .flat_map(|(object, paths)| paths.iter().map(|path| (object.as_str(), path.as_str())))
    }

    /// Whether the field of the object is in it.
    pub fn has(&self, object: &str, path: &str) -> bool {
        self.of(object).any(|granted| covers(granted, path))
    }

    /// Whether anything of the object is in it.
    pub fn has_object(&self, object: &str) -> bool {
        self.of(object).next().is_some()
    }

    /// What is in both.
    pub fn meet(&self, other: &Self) -> Self {
        let mut both: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (object, path) in self.iter() {
            for (theirs, their_path) in other.iter() {
                let object = match (object, theirs) {
                    (ALL, object) | (object, ALL) => object,
                    (object, theirs) if object == theirs => object,
                    _ => continue,
                };
                let path = if covers(path, their_path) {
                    their_path
                } else if covers(their_path, path) {
                    path
                } else {
                    continue;
                };
                both.entry(object.to_owned())
                    .or_default()
                    .insert(path.to_owned());
            }
        }
        Self(both)
    }

    /// The first object and field that `wide` doesn't have.
    pub fn beyond<'a>(&'a self, wide: &Self) -> Option<(&'a str, &'a str)> {
        self.iter().find(|(object, path)| !wide.has(object, path))
    }

    /// Of paths that are wanted, those that may be read: whole, or the granted part of them.
    pub(crate) fn allowed(&self, object: &str, wanted: &[String]) -> Vec<String> {
        let mut allowed = Vec::new();
        for path in wanted {
            if self.has(object, path) {
                allowed.push(path.clone());
            } else {
                let parts = self.of(object).filter(|granted| covers(path, granted));
                allowed.extend(parts.map(str::to_owned));
            }
        }
        allowed
    }

    fn of(&self, object: &str) -> impl Iterator<Item = &str> {
        let any = (object != ALL).then(|| self.0.get(ALL)).flatten();
        self.0
            .get(object)
            .into_iter()
            .chain(any)
            .flatten()
            .map(String::as_str)
    }
}

/// A transform's grant on one flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformGrant {
    /// The transform's name, for messages.
    pub transform: String,
    /// Source fields it may see.
    pub reads: Fields,
    /// Target objects and fields it may write.
    pub writes: Fields,
}

impl TransformGrant {
    /// A record as the transform may see it. Fields that couldn't be read are not listed unless it may see all.
    pub(crate) fn seen<'a>(&self, object: &str, doc: &'a Document) -> Cow<'a, Document> {
        let granted: Vec<&str> = self.reads.of(object).collect();
        if granted.contains(&ALL) {
            return Cow::Borrowed(doc);
        }
        let kept = part(doc, "", &granted).unwrap_or_else(|| Document::Object(BTreeMap::new()));
        Cow::Owned(kept)
    }

    /// What a draft does that wasn't granted. `seen` is the record it was made of, as the transform saw it, `own` its id.
    pub(crate) fn objection(
        &self,
        object: &str,
        draft: &Document,
        seen: &Document,
        own: &str,
    ) -> Option<Problem> {
        let name = &self.transform;
        let granted: Vec<&str> = self.writes.of(object).collect();
        if granted.is_empty() {
            return Some(problem(
                object.to_owned(),
                format!("The transform {name:?} made a {object:?}, which it was not granted"),
            ));
        }
        if let Some(path) = beyond(draft, "", &granted) {
            return Some(problem(
                format!("{object}.{path}"),
                format!(
                    "The transform {name:?} wrote the field {path:?} of {object:?}, which it was not granted"
                ),
            ));
        }
        let mut references = BTreeSet::new();
        crate::transform::references(draft, &mut references);
        for (target, id) in references {
            if !self.reads.has_object(&target) {
                return Some(problem(
                    format!("{object}.$ref"),
                    format!(
                        "The transform {name:?} refers to a record of {target:?}, an object that it was not granted"
                    ),
                ));
            }
            if id != own && !names(seen, &id) {
                return Some(problem(
                    format!("{object}.$ref"),
                    format!(
                        "The transform {name:?} refers to {target} {id:?}, a record that its input doesn't name"
                    ),
                ));
            }
        }
        None
    }
}

/// The code of what wasn't granted; the planner holds the record under the same name.
fn problem(field: String, message: String) -> Problem {
    Problem {
        field: Some(field),
        ..Problem::new(footbridge_model::plan::reason::NOT_GRANTED, message)
    }
}

/// Whether a path lies at or under a granted one.
fn covers(granted: &str, path: &str) -> bool {
    granted == ALL
        || path
            .strip_prefix(granted)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]"))
}

/// A field's path under another. A name that would read as a path of its own has none.
fn below(path: &str, key: &str) -> Option<String> {
    if key.is_empty() || key == ALL || key.contains(['.', '[', ']']) {
        None
    } else if path.is_empty() {
        Some(key.to_owned())
    } else {
        Some(format!("{path}.{key}"))
    }
}

/// The part of a value that the paths cover; `None` if nothing of it is.
fn part(value: &Document, path: &str, granted: &[&str]) -> Option<Document> {
    if !path.is_empty() && granted.iter().any(|granted| covers(granted, path)) {
        return Some(value.clone());
    }
    if !path.is_empty() && !granted.iter().any(|granted| covers(path, granted)) {
        return None;
    }
    match value {
        Document::Object(fields) => {
            let kept = fields
                .iter()
                .filter_map(|(key, value)| Some((key, part(value, &below(path, key)?, granted)?)));
            Some(Document::Object(
                kept.map(|(key, value)| (key.clone(), value)).collect(),
            ))
        }
        Document::List(items) => {
            let path = format!("{path}[]");
            let kept = items.iter().filter_map(|item| part(item, &path, granted));
            Some(Document::List(kept.collect()))
        }
        // A granted field lies under this one, and this one is a plain value: it was not granted itself.
        Document::Null | Document::Bool(_) | Document::Text(_) => None,
    }
}

/// The first path of a draft that no granted one covers.
fn beyond(value: &Document, path: &str, granted: &[&str]) -> Option<String> {
    if granted.contains(&ALL)
        || (!path.is_empty() && granted.iter().any(|granted| covers(granted, path)))
    {
        return None;
    }
    match value {
        Document::Object(fields) if path.is_empty() || !is_leaf(fields) => {
            fields.iter().find_map(|(key, value)| {
                below(path, key).map_or_else(
                    || Some(format!("{path}.{key}").trim_start_matches('.').to_owned()),
                    |path| beyond(value, &path, granted),
                )
            })
        }
        Document::List(items) => {
            let path = format!("{path}[]");
            match items.is_empty() {
                true => Some(path),
                false => items.iter().find_map(|item| beyond(item, &path, granted)),
            }
        }
        _ => Some(path.to_owned()),
    }
}

/// A reference, or nothing: written as a whole.
fn is_leaf(fields: &BTreeMap<String, Document>) -> bool {
    fields.is_empty() || fields.contains_key("$ref")
}

/// Whether a text stands anywhere in a record as a value of its own.
fn names(doc: &Document, id: &str) -> bool {
    match doc {
        Document::Text(text) => text == id,
        Document::List(items) => items.iter().any(|item| names(item, id)),
        Document::Object(fields) => fields.values().any(|value| names(value, id)),
        Document::Null | Document::Bool(_) => false,
    }
}

#[cfg(test)]
#[path = "granted_tests.rs"]
mod tests;
