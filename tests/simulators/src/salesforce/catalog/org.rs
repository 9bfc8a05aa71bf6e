//! The organisation itself: Organization, User, RecordType, CurrencyType.

use super::{Owned, flag, instant, open_picklist, system};
use crate::salesforce::schema::{Access, FieldDef, FieldKind, ObjectDef, Writable};

pub(super) fn objects() -> Vec<ObjectDef> {
    let read_only = |field: FieldDef| field.access(Access::ReadOnly);
    let mut organisation = system(Owned::ByNobody);
    organisation.retain(|field| field.name != "IsDeleted");
    organisation.extend(
        [
            FieldDef::text("Name", 80),
            flag("IsSandbox"),
            FieldDef::text("OrganizationType", 40),
            FieldDef::text("InstanceName", 5),
            FieldDef::text("DefaultLocaleSidKey", 40),
            FieldDef::text("LanguageLocaleKey", 40),
            FieldDef::text("TimeZoneSidKey", 40),
            FieldDef::text("NamespacePrefix", 15),
            FieldDef::text("Country", 80),
            FieldDef::new("FiscalYearStartMonth", FieldKind::Whole { digits: 9 }),
            instant("TrialExpirationDate"),
        ]
        .map(read_only),
    );
    let mut user = system(Owned::ByNobody);
    user.retain(|field| field.name != "IsDeleted");
    user.extend([
        FieldDef::text("Username", 80).required(),
        FieldDef::text("FirstName", 40),
        FieldDef::text("LastName", 80).required(),
        FieldDef::text("Name", 121).access(Access::ReadOnly),
        FieldDef::new("Email", FieldKind::Email).required(),
        flag("IsActive"),
        FieldDef::new("UserType", open_picklist(&["Standard"])).access(Access::ReadOnly),
        FieldDef::text("TimeZoneSidKey", 40),
    ]);
    let mut record_type = system(Owned::ByNobody);
    record_type.retain(|field| field.name != "IsDeleted");
    record_type.extend([
        FieldDef::text("Name", 80).required(),
        FieldDef::text("DeveloperName", 80).required(),
        FieldDef::text("SobjectType", 40).required(),
        flag("IsActive"),
        flag("IsPersonType").access(Access::ReadOnly),
    ]);
    vec![
        ObjectDef::new(
            "Organization",
            "Organizations",
            "00D",
            Writable::No,
            organisation,
        ),
        ObjectDef::new("User", "Users", "005", Writable::No, user),
        ObjectDef::new(
            "RecordType",
            "Record Types",
            "012",
            Writable::No,
            record_type,
        ),
    ]
}

pub(super) fn currency_type() -> ObjectDef {
    let mut fields = system(Owned::ByNobody);
    fields.retain(|field| field.name != "IsDeleted");
    fields.extend([
        FieldDef::text("IsoCode", 3).required(),
        FieldDef::new(
            "ConversionRate",
            FieldKind::Number {
                precision: 18,
                scale: 6,
            },
        )
        .required(),
        FieldDef::new("DecimalPlaces", FieldKind::Whole { digits: 1 }).required(),
        flag("IsActive"),
        flag("IsCorporate").access(Access::ReadOnly),
    ]);
    ObjectDef::new(
        "CurrencyType",
        "Currency Types",
        "01L",
        Writable::No,
        fields,
    )
}
