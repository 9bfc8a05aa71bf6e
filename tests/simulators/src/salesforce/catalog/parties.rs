//! Customers: Account and Contact, with the person-account fields where they exist.

use super::{Owned, address, flag, money, open_picklist, system};
use crate::salesforce::schema::{Access, FieldDef, FieldKind, ObjectDef, Writable};

pub(super) fn objects() -> Vec<ObjectDef> {
    vec![account(), contact()]
}

fn account() -> ObjectDef {
    let mut fields = system(Owned::ByUser);
    fields.extend([
        FieldDef::text("Name", 255).required().label("Account Name"),
        FieldDef::new(
            "Type",
            open_picklist(&[
                "Prospect",
                "Customer - Direct",
                "Customer - Channel",
                "Partner",
                "Other",
            ]),
        )
        .label("Account Type"),
        FieldDef::reference("ParentId", "Account", Some("Parent"), Some("ChildAccounts"))
            .label("Parent Account ID"),
        FieldDef::reference("MasterRecordId", "Account", Some("MasterRecord"), None)
            .access(Access::ReadOnly),
        FieldDef::reference("RecordTypeId", "RecordType", Some("RecordType"), None),
        FieldDef::text("AccountNumber", 40),
        FieldDef::text("Site", 80),
        FieldDef::new("Phone", FieldKind::Phone),
        FieldDef::new("Fax", FieldKind::Phone),
        FieldDef::new("Website", FieldKind::Url),
        FieldDef::new(
            "Industry",
            open_picklist(&[
                "Agriculture",
                "Banking",
                "Construction",
                "Consulting",
                "Education",
                "Retail",
                "Technology",
                "Other",
            ]),
        ),
        money("AnnualRevenue"),
        FieldDef::new("NumberOfEmployees", FieldKind::Whole { digits: 8 }),
        FieldDef::new("Description", FieldKind::LongText { length: 32_000 }),
    ]);
    fields.extend(address("Billing"));
    fields.extend(address("Shipping"));
    ObjectDef::new("Account", "Accounts", "001", Writable::Yes, fields)
}

fn contact() -> ObjectDef {
    let mut fields = system(Owned::ByUser);
    fields.extend([
        FieldDef::reference("AccountId", "Account", Some("Account"), Some("Contacts"))
            .label("Account ID"),
        FieldDef::reference("MasterRecordId", "Contact", Some("MasterRecord"), None)
            .access(Access::ReadOnly),
        FieldDef::reference("ReportsToId", "Contact", Some("ReportsTo"), None),
        FieldDef::text("Salutation", 40),
        FieldDef::text("FirstName", 40),
        FieldDef::text("LastName", 80).required(),
        FieldDef::text("Name", 121)
            .access(Access::ReadOnly)
            .label("Full Name"),
        FieldDef::new("Email", FieldKind::Email),
        FieldDef::new("Phone", FieldKind::Phone).label("Business Phone"),
        FieldDef::new("MobilePhone", FieldKind::Phone),
        FieldDef::text("Title", 128),
        FieldDef::text("Department", 80),
        FieldDef::new("Description", FieldKind::LongText { length: 32_000 }),
        flag("HasOptedOutOfEmail").label("Email Opt Out"),
    ]);
    fields.extend(address("Mailing"));
    ObjectDef::new("Contact", "Contacts", "003", Writable::Yes, fields)
}

/// What exists only where person accounts are enabled.
pub(super) fn person_fields() -> Vec<(&'static str, Vec<FieldDef>)> {
    let mut account = vec![
        flag("IsPersonAccount")
            .access(Access::ReadOnly)
            .label("Is Person Account"),
        FieldDef::text("Salutation", 40),
        FieldDef::text("FirstName", 40),
        FieldDef::text("LastName", 80),
        FieldDef::reference("PersonContactId", "Contact", Some("PersonContact"), None)
            .access(Access::ReadOnly),
        FieldDef::new("PersonEmail", FieldKind::Email),
        FieldDef::new("PersonMobilePhone", FieldKind::Phone),
        FieldDef::text("PersonTitle", 80),
    ];
    account.extend(address("PersonMailing"));
    vec![
        ("Account", account),
        (
            "Contact",
            vec![
                flag("IsPersonAccount")
                    .access(Access::ReadOnly)
                    .label("Is Person Account"),
            ],
        ),
    ]
}
