//! The organisation's set-up as metadata: what a deployment or a Tooling call brings, and how it takes effect.
//!
//! A component is kept as its definition (the children of its XML element as JSON) beside what it does to
//! the schema and to the set-up records. Reading order: [`package`] (a zip's components), [`field`],
//! [`object`], [`permission`], [`layout`], [`report`] (what each does), [`deploy`] (a whole deployment).

mod definition;
pub(crate) mod deploy;
mod field;
mod layout;
mod object;
mod package;
mod permission;
mod report;
mod xml;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::ids;
use super::store::Store;
pub(crate) use definition::typed;
pub(crate) use field::definition_of;
pub(crate) use permission::{catalog, is_permission, sight};

/// What can be deployed. The order is the one in which a deployment takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    ReportFolder,
    CustomObject,
    CustomField,
    CustomTab,
    PermissionSet,
    ListView,
    Layout,
    Report,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ReportFolder => "ReportFolder",
            Self::CustomObject => "CustomObject",
            Self::CustomField => "CustomField",
            Self::CustomTab => "CustomTab",
            Self::PermissionSet => "PermissionSet",
            Self::ListView => "ListView",
            Self::Layout => "Layout",
            Self::Report => "Report",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [
            Self::CustomObject,
            Self::CustomField,
            Self::CustomTab,
            Self::PermissionSet,
            Self::ListView,
            Self::Layout,
            Self::Report,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::ReportFolder => "00l",
            Self::CustomObject => "01I",
            Self::CustomField => "00N",
            Self::CustomTab => "01r",
            Self::PermissionSet => "0PS",
            Self::ListView => "00B",
            Self::Layout => "00h",
            Self::Report => "00O",
        }
    }
}

/// The id of a component: the same for one name for ever.
pub(crate) fn id_of(kind: Kind, full_name: &str) -> String {
    let hash = full_name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    ids::numbered(kind.prefix(), hash % 13_537_086_546_263_552)
}

/// One component as it was last deployed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Component {
    pub(crate) definition: Value,
    pub(crate) created: DateTime<Utc>,
    pub(crate) modified: DateTime<Utc>,
}

/// All that was deployed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metadata {
    components: BTreeMap<(Kind, String), Component>,
}

/// What a deployment works on: tried on a copy, kept when it succeeds.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) metadata: Metadata,
    pub(crate) now: DateTime<Utc>,
    pub(crate) user: String,
    /// Most custom fields that one object takes.
    pub(crate) most_fields: usize,
}

/// What applying a component did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Created,
    Changed,
    Unchanged,
    Deleted,
    /// Asked to delete what is not there.
    Missing,
}

impl Metadata {
    pub(crate) fn get(&self, kind: Kind, full_name: &str) -> Option<&Component> {
        self.components.get(&(kind, full_name.to_owned()))
    }

    pub(crate) fn of(&self, kind: Kind) -> impl Iterator<Item = (&str, &Component)> {
        self.components
            .iter()
            .filter(move |((known, _), _)| *known == kind)
            .map(|((_, name), component)| (name.as_str(), component))
    }

    fn remove(&mut self, kind: Kind, full_name: &str) -> bool {
        self.components
            .remove(&(kind, full_name.to_owned()))
            .is_some()
    }

    /// Keeps a definition and says whether it is new.
    fn keep(
        &mut self,
        kind: Kind,
        full_name: &str,
        definition: &Value,
        now: DateTime<Utc>,
    ) -> Effect {
        let key = (kind, full_name.to_owned());
        let (created, effect) = match self.components.get(&key) {
            Some(old) if old.definition == *definition => return Effect::Unchanged,
            Some(old) => (old.created, Effect::Changed),
            None => (now, Effect::Created),
        };
        self.components.insert(
            key,
            Component {
                definition: definition.clone(),
                created,
                modified: now,
            },
        );
        effect
    }
}

impl Site {
    /// Creates or changes one component; the error is the problem as the deployment shows it.
    pub(crate) fn apply(
        &mut self,
        kind: Kind,
        full_name: &str,
        definition: &Value,
    ) -> Result<Effect, String> {
        let before = self.metadata.get(kind, full_name).is_some();
        let existed = match kind {
            Kind::ReportFolder => report::apply_folder(self, full_name, definition)?,
            Kind::CustomObject => object::apply(self, full_name, definition)?,
            Kind::CustomField => field::apply(self, full_name, definition)?,
            Kind::CustomTab => object::apply_tab(self, full_name, definition)?,
            Kind::PermissionSet => permission::apply(self, full_name, definition)?,
            Kind::ListView => object::apply_list_view(self, full_name, definition)?,
            Kind::Layout => layout::apply(self, full_name, definition)?,
            Kind::Report => report::apply(self, full_name, definition)?,
        };
        let kept = self.metadata.keep(kind, full_name, definition, self.now);
        Ok(match (kept, existed && !before) {
            // What the organisation had without a deployment is changed by the first one.
            (Effect::Created, true) => Effect::Changed,
            (kept, _) => kept,
        })
    }

    /// Deletes one component and what belongs to it.
    pub(crate) fn remove(&mut self, kind: Kind, full_name: &str) -> Result<Effect, String> {
        let existed = match kind {
            Kind::ReportFolder => report::remove_folder(self, full_name)?,
            Kind::CustomObject => object::remove(self, full_name)?,
            Kind::CustomField => field::remove(self, full_name)?,
            Kind::CustomTab => self.metadata.get(Kind::CustomTab, full_name).is_some(),
            Kind::PermissionSet => permission::remove(self, full_name)?,
            Kind::ListView => object::remove_list_view(self, full_name),
            Kind::Layout => layout::remove(self, full_name)?,
            Kind::Report => report::remove(self, full_name),
        };
        self.metadata.remove(kind, full_name);
        Ok(if existed {
            Effect::Deleted
        } else {
            Effect::Missing
        })
    }
}

/// What every organisation has before anything is deployed: the standard layouts.
pub(crate) fn standard(store: &Store, now: DateTime<Utc>) -> Metadata {
    let mut metadata = Metadata::default();
    for (name, definition) in layout::standard(store) {
        metadata.keep(Kind::Layout, &name, &definition, now);
    }
    metadata
}
