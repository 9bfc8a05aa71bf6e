//! What a permission set gives and shall give. What it gives beyond that is kept: a deployment would take it away.

use std::collections::BTreeMap;

use footbridge_sdk::document::at;
use footbridge_sdk::provisioner::provision::Change;
use serde_json::Value;

use super::parts::change;
use super::wanted::{Access, Set};
use crate::receivables;

/// Rights on an object, in the order of Salesforce's form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OnObject {
    pub(crate) create: bool,
    pub(crate) delete: bool,
    pub(crate) edit: bool,
    pub(crate) read: bool,
    pub(crate) modify_all: bool,
    pub(crate) view_all: bool,
}

/// Rights on a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OnField {
    pub(crate) edit: bool,
    pub(crate) read: bool,
}

/// All that a set gives on objects and fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) objects: BTreeMap<String, OnObject>,
    pub(crate) fields: BTreeMap<String, OnField>,
}

impl Granted {
    /// From the rows of ObjectPermissions and FieldPermissions.
    pub(crate) fn read<'r>(
        objects: impl Iterator<Item = &'r Value>,
        fields: impl Iterator<Item = &'r Value>,
    ) -> Self {
        let flag = |row: &Value, name: &str| at(row, name).flag() == Some(true);
        let name = |row: &Value, name: &str| at(row, name).text().unwrap_or_default().to_owned();
        Self {
            objects: objects
                .map(|row| {
                    let rights = OnObject {
                        create: flag(row, "PermissionsCreate"),
                        delete: flag(row, "PermissionsDelete"),
                        edit: flag(row, "PermissionsEdit"),
                        read: flag(row, "PermissionsRead"),
                        modify_all: flag(row, "PermissionsModifyAllRecords"),
                        view_all: flag(row, "PermissionsViewAllRecords"),
                    };
                    (name(row, "SobjectType"), rights)
                })
                .collect(),
            fields: fields
                .map(|row| {
                    let rights = OnField {
                        edit: flag(row, "PermissionsEdit"),
                        read: flag(row, "PermissionsRead"),
                    };
                    (name(row, "Field"), rights)
                })
                .collect(),
        }
    }

    /// What a set of ours shall give.
    pub(crate) fn wished(set: &Set) -> Self {
        let full = set.access == Access::Full;
        let mut wished = Self::default();
        for kind in receivables::ALL {
            wished.objects.insert(
                kind.object.to_owned(),
                OnObject {
                    create: full,
                    delete: full,
                    edit: full,
                    read: true,
                    modify_all: full,
                    view_all: true,
                },
            );
            let stored = kind.fields.iter().filter(|field| field.name != "Name");
            let stored = stored.map(|field| (field.name, full));
            let formulas = kind.formulas.iter().map(|formula| (formula.name, false));
            for (name, edit) in stored.chain(formulas) {
                wished.fields.insert(
                    format!("{}.{name}", kind.object),
                    OnField { edit, read: true },
                );
            }
        }
        wished
    }

    /// Everything of both.
    pub(crate) fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (name, rights) in &other.objects {
            let here = both.objects.entry(name.clone()).or_default();
            *here = OnObject {
                create: here.create || rights.create,
                delete: here.delete || rights.delete,
                edit: here.edit || rights.edit,
                read: here.read || rights.read,
                modify_all: here.modify_all || rights.modify_all,
                view_all: here.view_all || rights.view_all,
            };
        }
        for (name, rights) in &other.fields {
            let here = both.fields.entry(name.clone()).or_default();
            *here = OnField {
                edit: here.edit || rights.edit,
                read: here.read || rights.read,
            };
        }
        both
    }

    /// What is lacking of `wished`, in words.
    pub(crate) fn lacking(&self, wished: &Self) -> Vec<Change> {
        let all = self.with(wished);
        let objects = wished
            .objects
            .keys()
            .filter(|name| self.objects.get(*name) != all.objects.get(*name))
            .count();
        let fields = wished
            .fields
            .keys()
            .filter(|name| self.fields.get(*name) != all.fields.get(*name))
            .count();
        let mut changes = Vec::new();
        if objects > 0 {
            let old = wished.objects.len() - objects;
            changes.push(change(
                "access to objects",
                old.to_string(),
                wished.objects.len().to_string(),
            ));
        }
        if fields > 0 {
            let old = wished.fields.len() - fields;
            changes.push(change(
                "access to fields",
                old.to_string(),
                wished.fields.len().to_string(),
            ));
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::wanted::{READ, SYNC};

    #[test]
    fn people_may_read_and_the_integration_user_may_write_what_is_no_formula() {
        let (read, sync) = (Granted::wished(&READ), Granted::wished(&SYNC));
        assert!(
            read.objects
                .values()
                .all(|rights| rights.read && !rights.edit && !rights.create)
        );
        assert!(
            read.fields
                .values()
                .all(|rights| rights.read && !rights.edit)
        );
        assert!(sync.fields["Footbridge_Document__c.Status__c"].edit);
        assert!(!sync.fields["Footbridge_Document__c.Overdue__c"].edit);
        assert!(!sync.fields.contains_key("Footbridge_Document__c.Name"));
    }

    #[test]
    fn what_somebody_added_is_kept_and_what_lacks_is_counted() {
        let wished = Granted::wished(&READ);
        let mut there = wished.clone();
        there.fields.insert(
            "Account.Region__c".into(),
            OnField {
                edit: true,
                read: true,
            },
        );
        assert!(there.lacking(&wished).is_empty());
        there.fields.remove("Footbridge_Document__c.Status__c");
        let lacking = there.lacking(&wished);
        assert_eq!(
            (lacking.len(), lacking[0].what.as_str()),
            (1, "access to fields")
        );
        assert!(there.with(&wished).fields["Account.Region__c"].edit);
    }
}
