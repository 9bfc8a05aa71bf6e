//! What objects and fields exist: data, so that the company can add its own fields.
//!
//! It holds no records and no behaviour of single objects. Names are looked up without regard to case
//! and answered as defined. Next: [`super::catalog`] defines the standard ones, [`super::check`] and
//! [`super::describe`] read them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::formula::Formula;
use super::value::FieldValue;

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    /// The record's id.
    Id,
    /// One line of text with at most `length` characters.
    Text {
        /// Characters.
        length: usize,
    },
    /// Text that cannot be filtered or sorted by.
    LongText {
        /// Characters.
        length: usize,
    },
    /// E-mail address (80 characters).
    Email,
    /// Telephone number (40 characters).
    Phone,
    /// Web address (255 characters).
    Url,
    /// Whole number of at most `digits` digits.
    Whole {
        /// Digits.
        digits: u32,
    },
    /// Decimal number.
    Number {
        /// Digits in all.
        precision: u32,
        /// Digits after the point.
        scale: u32,
    },
    /// Amount of money.
    Currency {
        /// Digits in all.
        precision: u32,
        /// Digits after the point.
        scale: u32,
    },
    /// Percentage.
    Percent {
        /// Digits in all.
        precision: u32,
        /// Digits after the point.
        scale: u32,
    },
    /// True or false, never null.
    Checkbox,
    /// Day without time or zone.
    Date,
    /// Instant, to the second.
    DateTime,
    /// One of several values.
    Picklist {
        /// The values.
        values: Vec<String>,
        /// Whether others are refused.
        strictness: Strictness,
    },
    /// Another record's id.
    Reference {
        /// Object pointed at.
        to: String,
        /// Name of the path to it (`Account`), where there is one.
        relationship: Option<String>,
        /// Name under which the other object finds these records (`Opportunities`), where there is one.
        children: Option<String>,
    },
    /// Compound address over `{prefix}Street` and so on.
    Address {
        /// `Billing`, `Shipping`, `Mailing`.
        prefix: String,
    },
    /// JSON of any shape: the `Metadata` of the Tooling API.
    Complex,
}

/// Whether a picklist refuses other values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Others are refused.
    Restricted,
    /// Others are accepted.
    Open,
}

/// Who may write a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Clients may always write it.
    Write,
    /// Clients may write it on create only.
    CreateOnly,
    /// The organisation writes it.
    ReadOnly,
}

/// Whether a field finds a record from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// No.
    None,
    /// External id, not unique: an upsert may meet several (300).
    External,
    /// External id and unique.
    UniqueExternal,
    /// Unique only.
    Unique,
}

/// Whether a value must be there on create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// May be null.
    Optional,
    /// Refused when missing.
    Required,
}

/// Who sees a field or an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Everyone.
    Everyone,
    /// Those whom a permission set grants it.
    Granted,
}

/// What a user may do with an object's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Sees it.
    pub read: bool,
    /// Creates records.
    pub create: bool,
    /// Changes records.
    pub edit: bool,
    /// Deletes records.
    pub delete: bool,
}

/// One field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDef {
    /// API name.
    pub name: String,
    /// Label shown to people.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it must be there.
    pub need: Need,
    /// Who may write it.
    pub access: Access,
    /// Whether it finds a record.
    pub key: Key,
    /// Who sees it.
    pub visibility: Visibility,
    /// What it is worked out from, if it is.
    pub formula: Option<Arc<Formula>>,
}

impl FieldDef {
    /// An optional, writable field without a key; the label is the name in words.
    pub fn new(name: &str, kind: FieldKind) -> Self {
        Self {
            name: name.to_owned(),
            label: label_of(name),
            kind,
            need: Need::Optional,
            access: Access::Write,
            key: Key::None,
            visibility: Visibility::Everyone,
            formula: None,
        }
    }

    /// A text field.
    pub fn text(name: &str, length: usize) -> Self {
        Self::new(name, FieldKind::Text { length })
    }

    /// A lookup without names for its paths, as for `OwnerId` one gives them.
    pub fn reference(
        name: &str,
        to: &str,
        relationship: Option<&str>,
        children: Option<&str>,
    ) -> Self {
        Self::new(
            name,
            FieldKind::Reference {
                to: to.to_owned(),
                relationship: relationship.map(str::to_owned),
                children: children.map(str::to_owned),
            },
        )
    }

    /// The same with another label.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    /// The same, refused when missing.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.need = Need::Required;
        self
    }

    /// The same with another access.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// The same, finding records.
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    pub(crate) fn is_indexed(&self) -> bool {
        self.key != Key::None || matches!(self.kind, FieldKind::Reference { .. })
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// What a new record has where the client gave nothing.
    pub(crate) fn initial(&self) -> FieldValue {
        match self.kind {
            FieldKind::Checkbox => FieldValue::Flag(false),
            _ => FieldValue::Null,
        }
    }

    /// Wraps a number as this field prints it, rounded half up to its scale.
    pub(crate) fn number(&self, number: Decimal) -> FieldValue {
        let away = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
        match self.kind {
            FieldKind::Whole { .. } => FieldValue::Whole(number.round_dp_with_strategy(0, away)),
            FieldKind::Number { scale, .. }
            | FieldKind::Currency { scale, .. }
            | FieldKind::Percent { scale, .. } => {
                FieldValue::Number(number.round_dp_with_strategy(scale, away))
            }
            _ => FieldValue::Number(number),
        }
    }
}

fn label_of(name: &str) -> String {
    let mut label = String::new();
    let mut before = ' ';
    for character in name.trim_end_matches("__c").chars() {
        if character == '_' {
            label.push(' ');
        } else {
            if character.is_ascii_uppercase() && before.is_ascii_lowercase() {
                label.push(' ');
            }
            label.push(character);
        }
        before = character;
    }
    match label.strip_suffix(" Id") {
        Some(stem) => format!("{stem} ID"),
        None => label,
    }
}

/// What clients may do with an object's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writable {
    /// Create, update, delete.
    Yes,
    /// Read only.
    No,
    /// What permission sets say.
    Granted(Rights),
}

impl Writable {
    pub(crate) fn rights(self) -> Rights {
        let all = |may| Rights {
            read: true,
            create: may,
            edit: may,
            delete: may,
        };
        match self {
            Self::Yes => all(true),
            Self::No => all(false),
            Self::Granted(rights) => rights,
        }
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectDef {
    /// API name.
    pub name: String,
    /// Label.
    pub label: String,
    /// Label of several.
    pub plural: String,
    /// First three characters of its ids.
    pub prefix: String,
    /// What clients may do.
    pub writable: Writable,
    /// Who sees it.
    pub visibility: Visibility,
    /// Format of names that count by themselves.
    pub(crate) name_format: Option<String>,
    /// Whether reports can be made on it.
    pub(crate) reports: bool,
    fields: Vec<FieldDef>,
    by_name: BTreeMap<String, usize>,
}

impl ObjectDef {
    pub(crate) fn new(
        name: &str,
        plural: &str,
        prefix: &str,
        writable: Writable,
        fields: Vec<FieldDef>,
    ) -> Self {
        let mut object = Self {
            name: name.to_owned(),
            label: label_of(name),
            plural: plural.to_owned(),
            prefix: prefix.to_owned(),
            writable,
            visibility: Visibility::Everyone,
            name_format: None,
            reports: true,
            fields: Vec::new(),
            by_name: BTreeMap::new(),
        };
        for field in fields {
            object.put(field);
        }
        object
    }

    pub(crate) fn fields(&self) -> &[FieldDef] {
        &self.fields
    }

    pub(crate) fn field(&self, name: &str) -> Option<&FieldDef> {
        self.by_name
            .get(&name.to_ascii_lowercase())
            .and_then(|index| self.fields.get(*index))
    }

    /// The reference field whose path is called `name`.
    pub(crate) fn path(&self, name: &str) -> Option<(&FieldDef, &str)> {
        self.fields.iter().find_map(|field| match &field.kind {
            FieldKind::Reference {
                to,
                relationship: Some(path),
                ..
            } if path.eq_ignore_ascii_case(name) => Some((field, to.as_str())),
            _ => None,
        })
    }

    pub(crate) fn put(&mut self, field: FieldDef) {
        let key = field.name.to_ascii_lowercase();
        if let Some(existing) = self
            .by_name
            .get(&key)
            .and_then(|index| self.fields.get_mut(*index))
        {
            *existing = field;
        } else {
            self.by_name.insert(key, self.fields.len());
            self.fields.push(field);
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.fields
            .retain(|field| !field.name.eq_ignore_ascii_case(name));
        self.by_name = self
            .fields
            .iter()
            .enumerate()
            .map(|(index, field)| (field.name.to_ascii_lowercase(), index))
            .collect();
    }
}

/// All objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    objects: BTreeMap<String, Arc<ObjectDef>>,
}

/// The records of another object that point at one record.
pub(crate) struct Children<'a> {
    pub(crate) object: &'a ObjectDef,
    pub(crate) field: &'a FieldDef,
    pub(crate) relationship: &'a str,
}

impl Schema {
    pub(crate) fn put(&mut self, object: ObjectDef) {
        self.objects
            .insert(object.name.to_ascii_lowercase(), Arc::new(object));
    }

    /// Puts an object that another schema holds too.
    pub(crate) fn put_shared(&mut self, object: Arc<ObjectDef>) {
        self.objects
            .insert(object.name.to_ascii_lowercase(), object);
    }

    pub(crate) fn take(&mut self, name: &str) {
        self.objects.remove(&name.to_ascii_lowercase());
    }

    pub(crate) fn shared(&self) -> impl Iterator<Item = &Arc<ObjectDef>> {
        self.objects.values()
    }

    /// A prefix for the ids of a new custom object.
    pub(crate) fn free_prefix(&self) -> Option<String> {
        let taken = |prefix: &String| self.objects.values().any(|object| object.prefix == *prefix);
        (b'0'..=b'z')
            .filter(u8::is_ascii_alphanumeric)
            .flat_map(|a| {
                (b'0'..=b'z')
                    .filter(u8::is_ascii_alphanumeric)
                    .map(move |b| format!("a{}{}", char::from(a), char::from(b)))
            })
            .find(|prefix| !taken(prefix))
    }

    pub(crate) fn object(&self, name: &str) -> Option<&Arc<ObjectDef>> {
        self.objects.get(&name.to_ascii_lowercase())
    }

    pub(crate) fn object_mut(&mut self, name: &str) -> Option<&mut ObjectDef> {
        self.objects
            .get_mut(&name.to_ascii_lowercase())
            .map(Arc::make_mut)
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = &ObjectDef> {
        self.objects.values().map(Arc::as_ref)
    }

    /// The object whose ids begin like this one.
    pub(crate) fn of_id(&self, id: &str) -> Option<&Arc<ObjectDef>> {
        let prefix = id.get(..3)?;
        self.objects.values().find(|object| object.prefix == prefix)
    }

    /// Every named relationship from `parent` to its children.
    pub(crate) fn children<'a>(&'a self, parent: &'a str) -> impl Iterator<Item = Children<'a>> {
        self.objects.values().flat_map(move |object| {
            object
                .fields
                .iter()
                .filter_map(move |field| match &field.kind {
                    FieldKind::Reference {
                        to,
                        children: Some(relationship),
                        ..
                    } if to == parent => Some(Children {
                        object,
                        field,
                        relationship,
                    }),
                    _ => None,
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_their_case_and_labels_read() {
        let object = ObjectDef::new(
            "Deal",
            "Deals",
            "006",
            Writable::Yes,
            vec![FieldDef::text("StageName", 255)],
        );
        assert_eq!(object.field("stagename").unwrap().label, "Stage Name");
        assert_eq!(FieldDef::text("AccountId", 18).label, "Account ID");
        assert_eq!(
            FieldDef::text("Xero_Invoice_Id__c", 36).label,
            "Xero Invoice ID"
        );
    }

    #[test]
    fn numbers_take_the_fields_scale_half_up() {
        let field = FieldDef::new(
            "A",
            FieldKind::Currency {
                precision: 18,
                scale: 2,
            },
        );
        assert_eq!(
            field.number("1.005".parse().unwrap()),
            FieldValue::Number("1.01".parse().unwrap())
        );
        assert_eq!(
            field.number("-1.005".parse().unwrap()),
            FieldValue::Number("-1.01".parse().unwrap())
        );
    }
}
