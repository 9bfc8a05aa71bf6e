//! What this connector knows, from the same table that queries use.
//!
//! Pure. From here to the host, which caches it by the plugin's digest.

use footbridge_sdk::connector::schema::{Description, Field, FieldType, Object};

use crate::batches::ROWS;
use crate::objects::{self, Known};
use crate::receivables::{self, Kind, Needed, Shape};

/// Describes the connector. Salesforce's own objects are open: a mapping names custom fields by their paths. The kinds of the
/// receivables vocabulary are not: their fields are those that `provision` makes.
pub(crate) fn describe() -> Description {
    let objects = objects::ALL
        .iter()
        .map(|object| Object {
            name: object.name.to_owned(),
            fields: lists(object.fields)
                .chain(object.fields.iter().map(field))
                .collect(),
            open: true,
            natural_keys: object
                .natural_keys
                .iter()
                .map(|key| (*key).to_owned())
                .collect(),
            batch_size: u32::try_from(ROWS).unwrap_or(0),
            unique_keys: Vec::new(),
            feed: true,
        })
        .chain(receivables::ALL.into_iter().map(kind))
        .collect();
    Description {
        provider: "salesforce".to_owned(),
        objects,
        extra: None,
    }
}

fn kind(kind: &Kind) -> Object {
    let fields = kind.fields.iter().map(|field| Field {
        path: field.word.to_owned(),
        type_: field.field_type(),
        max_length: field
            .max_length()
            .map(|length| u32::try_from(length).unwrap_or(u32::MAX)),
        required: field.needed == Needed::Always,
        money: field.shape == Shape::Amount,
    });
    Object {
        name: kind.word.to_owned(),
        fields: fields.collect(),
        open: false,
        natural_keys: vec!["key".to_owned()],
        batch_size: u32::try_from(ROWS).unwrap_or(0),
        unique_keys: vec!["key".to_owned()],
        feed: true,
    }
}

fn field(known: &Known) -> Field {
    Field {
        path: known.path.to_owned(),
        type_: known.field_type,
        max_length: None,
        required: false,
        money: known.money,
    }
}

/// The child lists themselves, each once.
fn lists(fields: &[Known]) -> impl Iterator<Item = Field> {
    let mut names: Vec<&str> = fields
        .iter()
        .filter_map(|known| known.path.split_once("[]."))
        .map(|split| split.0)
        .collect();
    names.dedup();
    names.into_iter().map(|name| Field {
        path: name.to_owned(),
        type_: FieldType::List,
        max_length: None,
        required: false,
        money: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_keys_exist_once() {
        for object in describe().objects {
            let mut paths: Vec<&str> = object
                .fields
                .iter()
                .map(|field| field.path.as_str())
                .collect();
            assert!(
                object
                    .natural_keys
                    .iter()
                    .all(|key| paths.contains(&key.as_str()))
            );
            assert!(
                !object.open
                    || ["Id", "IsDeleted", "SystemModstamp"]
                        .iter()
                        .all(|needed| paths.contains(needed)),
                "{}",
                object.name
            );
            paths.sort_unstable();
            let count = paths.len();
            paths.dedup();
            assert_eq!(paths.len(), count, "{}", object.name);
        }
    }
}
