//! The standard objects and fields of the simulated organisation.
//!
//! Names, lengths and access follow the published object reference. Currency and person-account fields
//! exist only where the organisation has them. Next: [`super::describe`], [`super::check`].

mod org;
mod parties;
mod sales;

use super::metadata;
use super::options::{Currencies, PersonAccounts, SalesforceOptions};
use super::schema::{Access, FieldDef, FieldKind, Schema, Strictness};

/// The schema of an organisation with these options, before the company adds its own fields.
pub(crate) fn schema(options: &SalesforceOptions) -> Schema {
    let mut schema = Schema::default();
    for object in org::objects()
        .into_iter()
        .chain(parties::objects())
        .chain(sales::objects())
        .chain(metadata::catalog(&set_up_base()))
    {
        schema.put(object);
    }
    if options.person_accounts == PersonAccounts::On {
        for (object, fields) in parties::person_fields() {
            if let Some(object) = schema.object_mut(object) {
                fields.into_iter().for_each(|field| object.put(field));
            }
        }
    }
    if options.currencies == Currencies::Multi {
        schema.put(org::currency_type());
        for (name, access) in [
            ("Account", Access::Write),
            ("Contact", Access::Write),
            ("Opportunity", Access::Write),
            ("OpportunityLineItem", Access::ReadOnly),
            ("OpportunityHistory", Access::ReadOnly),
            ("Product2", Access::Write),
            ("PricebookEntry", Access::CreateOnly),
            ("User", Access::Write),
        ] {
            if let Some(object) = schema.object_mut(name) {
                object.put(currency_code().access(access));
            }
        }
    }
    schema
}

/// What set-up records have.
fn set_up_base() -> Vec<FieldDef> {
    system(Owned::ByNobody)
}

/// What every custom object has.
pub(crate) fn custom_base() -> Vec<FieldDef> {
    let mut fields = system(Owned::ByUser);
    fields.push(FieldDef::text("Name", 80));
    fields
}

fn currency_code() -> FieldDef {
    FieldDef::new(
        "CurrencyIsoCode",
        open_picklist(&["GBP", "EUR", "USD", "JPY", "AUD", "NZD", "KWD"]),
    )
    .label("Currency ISO Code")
}

/// Ownership and stamps that every business object has.
fn system(owned: Owned) -> Vec<FieldDef> {
    let mut fields = vec![
        FieldDef::new("Id", FieldKind::Id).access(Access::ReadOnly),
        flag("IsDeleted").access(Access::ReadOnly).label("Deleted"),
        instant("CreatedDate"),
        FieldDef::reference("CreatedById", "User", Some("CreatedBy"), None)
            .access(Access::ReadOnly),
        instant("LastModifiedDate"),
        FieldDef::reference("LastModifiedById", "User", Some("LastModifiedBy"), None)
            .access(Access::ReadOnly),
        instant("SystemModstamp"),
    ];
    if owned == Owned::ByUser {
        fields.push(FieldDef::reference("OwnerId", "User", Some("Owner"), None));
    }
    fields
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owned {
    ByUser,
    ByNobody,
}

fn instant(name: &str) -> FieldDef {
    FieldDef::new(name, FieldKind::DateTime).access(Access::ReadOnly)
}

fn flag(name: &str) -> FieldDef {
    FieldDef::new(name, FieldKind::Checkbox)
}

fn money(name: &str) -> FieldDef {
    FieldDef::new(
        name,
        FieldKind::Currency {
            precision: 18,
            scale: 2,
        },
    )
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn open_picklist(values: &[&str]) -> FieldKind {
    FieldKind::Picklist {
        values: strings(values),
        strictness: Strictness::Open,
    }
}

fn restricted_picklist(values: &[&str]) -> FieldKind {
    FieldKind::Picklist {
        values: strings(values),
        strictness: Strictness::Restricted,
    }
}

/// Street, city and so on under one prefix, and their compound.
fn address(prefix: &str) -> Vec<FieldDef> {
    let part = |name: &str, length| FieldDef::text(&format!("{prefix}{name}"), length);
    vec![
        part("Street", 255),
        part("City", 40),
        part("State", 80),
        part("PostalCode", 20),
        part("Country", 80),
        FieldDef::new(
            &format!("{prefix}Address"),
            FieldKind::Address {
                prefix: prefix.to_owned(),
            },
        )
        .access(Access::ReadOnly),
    ]
}
