//! Alias: a draft may refer to a record by a shorter form of its id, as a text field or a formula of the CRM holds it. Which record is meant
//! only the connector can tell: it is asked for the id, and answers with the record under its own.
//!
//! An id that merely begins alike is never taken for it. From `transform` to `gather`.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys;
use crate::transform::references;
use footbridge_model::document::Document;
use footbridge_plan::input::Source;
use std::collections::{BTreeMap, BTreeSet};

/// An object and an id.
type Named = (String, String);

impl Engine {
    /// Reads the records that these drafts refer to and that aren't known yet, and has every reference name its record by its own id.
    ///
    /// # Returns
    /// All records that are referred to.
    pub(crate) async fn referred_records(
        &self,
        sides: &Sides,
        deals: &mut [Source],
    ) -> Result<BTreeSet<Named>, EngineError> {
        let mut wanted = BTreeSet::new();
        for deal in deals.iter() {
            for (_, draft) in deal.drafts.iter().flatten() {
                references(draft, &mut wanted);
            }
        }
        let mut own: BTreeMap<Named, String> = BTreeMap::new();
        let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for named in &wanted {
            let (object, id) = named;
            let key = keys::record(&sides.source, object, id);
            if self.state.store.get(&key).await?.is_some() {
                continue;
            }
            let alias = keys::alias(&sides.source, object, id);
            let known = self.state.get::<String>(&alias).await?;
            let known = known.map_or_else(|| id.clone(), |(known, _)| known);
            let key = keys::record(&sides.source, object, &known);
            if self.state.store.get(&key).await?.is_none() {
                missing.entry(object).or_default().push(known.clone());
            }
            if known != *id {
                own.insert(named.clone(), known);
            }
        }
        let mut changes = Changes::default();
        for (object, asked) in missing {
            let fields = self.fields_of(object).to_vec();
            let (side, source) = (&sides.source, self.source.as_ref());
            let whole = asked.clone();
            let found = self.fetch_missing(side, source, object, whole, &fields);
            let found = found.await?;
            // Both forms of an id were asked for, and one answer tells nothing of the shorter one: that is asked for alone.
            let open = unanswered(&asked, &found);
            let again = self.fetch_missing(side, source, object, open.clone(), &fields);
            let again = again.await?;
            let all = meant(&asked, &found).into_iter();
            for (asked, id) in all.chain(meant(&open, &again)) {
                changes.put(&keys::alias(&sides.source, object, asked), id)?;
                own.insert((object.to_owned(), asked.to_owned()), id.clone());
            }
        }
        self.state.commit(changes.into_set()).await?;
        if own.is_empty() {
            return Ok(wanted);
        }
        for deal in deals.iter_mut() {
            for (_, draft) in deal.drafts.iter_mut().flatten() {
                rename(draft, &own);
            }
        }
        let renamed = wanted.into_iter().map(|named| match own.get(&named) {
            Some(id) => (named.0, id.clone()),
            None => named,
        });
        Ok(renamed.collect())
    }
}

/// What nothing was told of, and a record that was asked for by its own id begins with.
fn unanswered(asked: &[String], found: &[String]) -> Vec<String> {
    let begins = |id: &String| {
        let mut told = found.iter().filter(|told| asked.contains(told));
        told.any(|told| told.starts_with(id.as_str()))
    };
    let open = asked
        .iter()
        .filter(|id| !id.is_empty() && !found.contains(id) && begins(id));
    open.cloned().collect()
}

/// Of what was asked for and isn't there under that id: the record that was told instead.
fn meant<'a>(asked: &'a [String], found: &'a [String]) -> Vec<(&'a str, &'a String)> {
    let told = found.iter().filter(|id| !asked.contains(id));
    let of = |id: &'a String| {
        let mut fit = asked.iter().filter(|asked| {
            !asked.is_empty() && !found.contains(asked) && id.starts_with(asked.as_str())
        });
        match (fit.next(), fit.next()) {
            (Some(asked), None) => Some((asked.as_str(), id)),
            _ => None,
        }
    };
    let pairs: Vec<_> = told.filter_map(of).collect();
    let once = |asked: &str| pairs.iter().filter(|(one, _)| *one == asked).count() == 1;
    let all = pairs.iter().copied();
    all.filter(|(asked, _)| once(asked)).collect()
}

fn rename(draft: &mut Document, own: &BTreeMap<Named, String>) {
    match draft {
        Document::Object(map) => {
            if let Some(Document::Object(reference)) = map.get_mut("$ref") {
                let text = |field: &str| match reference.get(field) {
                    Some(Document::Text(text)) => Some(text.clone()),
                    _ => None,
                };
                let named = text("object").zip(text("id"));
                if let Some(id) = named.and_then(|named| own.get(&named)) {
                    reference.insert("id".to_owned(), Document::Text(id.clone()));
                }
                return;
            }
            map.values_mut().for_each(|value| rename(value, own));
        }
        Document::List(items) => items.iter_mut().for_each(|item| rename(item, own)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn only_what_was_told_in_answer_is_meant() {
        let none: [(&str, &str); 0] = [];
        let cases = [
            (vec!["0017"], vec!["0017AB"], vec![("0017", "0017AB")]),
            (vec!["0017", "0017AB"], vec!["0017AB"], none.to_vec()),
            (vec!["0017"], vec!["0018AB"], none.to_vec()),
            (vec!["0017"], vec!["0017AB", "0017CD"], none.to_vec()),
            (vec!["0017", "0017A"], vec!["0017AB"], none.to_vec()),
            (
                vec!["0017", "0018"],
                vec!["0018", "0017AB"],
                vec![("0017", "0017AB")],
            ),
            (vec![""], vec!["0017AB"], none.to_vec()),
        ];
        for (asked, found, wanted) in cases {
            let owned = |all: &[&str]| all.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
            let (all, told) = (owned(&asked), owned(&found));
            let pairs: Vec<_> = meant(&all, &told)
                .into_iter()
                .map(|(asked, id)| (asked, id.as_str()))
                .collect();
            assert_eq!(pairs, wanted, "{asked:?} {found:?}");
        }
    }
}
