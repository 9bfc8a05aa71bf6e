//! What a mapping reads and writes, for the host to compare with schemas and the grant.
//!
//! It never runs an expression: `reads` found the paths in the syntax trees.

use std::collections::{BTreeMap, BTreeSet};

use footbridge_sdk::mapping::{Description, Source, Target};

use crate::expression::Expression;
use crate::reads::deepest;
use crate::settings::{FieldMap, FieldSource, Mapping, Part};

/// The description of a mapping: one source per object, one target per kind, both in alphabetical order.
#[must_use]
pub fn describe(mapping: &Mapping) -> Description {
    let mut reads: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut writes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for map in &mapping.maps {
        let mut found = Found {
            reads: reads.entry(&map.from).or_default(),
            writes: writes.entry(map.to.name).or_default(),
        };
        found.expressions(map.when.as_ref());
        found.fields(&map.fields);
    }
    Description {
        reads: reads
            .into_iter()
            .map(|(object, paths)| Source {
                object: object.to_owned(),
                paths: deepest(paths),
            })
            .collect(),
        writes: writes
            .into_iter()
            .map(|(object, paths)| Target {
                object: object.to_owned(),
                paths: paths.into_iter().collect(),
            })
            .collect(),
    }
}

struct Found<'a> {
    reads: &'a mut BTreeSet<String>,
    writes: &'a mut BTreeSet<String>,
}

impl Found<'_> {
    fn expressions<'e>(&mut self, expressions: impl IntoIterator<Item = &'e Expression>) {
        for expression in expressions {
            self.reads.extend(expression.reads.iter().cloned());
        }
    }

    fn fields(&mut self, fields: &[FieldMap]) {
        for field in fields {
            match &field.value {
                FieldSource::Expression(expression)
                | FieldSource::Reference { id: expression, .. } => {
                    self.expressions([expression]);
                    self.writes.insert(field.path.clone());
                }
                FieldSource::List(parts) => parts.iter().for_each(|part| self.part(part)),
            }
        }
    }

    fn part(&mut self, part: &Part) {
        self.expressions(&part.when);
        if let Some(each) = &part.each {
            self.reads.insert(each.list.clone());
            self.expressions(&each.order_by);
        }
        self.fields(&part.fields);
    }
}
