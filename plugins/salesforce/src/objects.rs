//! The objects that this connector knows, with the fields that it always reads.
//!
//! One table serves queries, the schema and writing. Fields that exist only in some editions (person accounts, several
//! currencies, record types) are not in it: a mapping asks for them by name. From here to `soql`, `schema`, `batches`.

use footbridge_sdk::connector::schema::FieldType;
use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::failure::{Code, failure};

/// A field that is always read. `[]` in the path stands for the rows of a child list.
pub(crate) struct Known {
    pub(crate) path: &'static str,
    pub(crate) field_type: FieldType,
    /// Whether a decimal is an amount of money.
    pub(crate) money: bool,
}

/// An object.
pub(crate) struct Object {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Known],
    /// Keys that people use for it; not unique in Salesforce.
    pub(crate) natural_keys: &'static [&'static str],
}

const fn known(path: &'static str, field_type: FieldType) -> Known {
    Known {
        path,
        field_type,
        money: false,
    }
}

const fn money(path: &'static str) -> Known {
    Known {
        path,
        field_type: FieldType::Decimal,
        money: true,
    }
}

use FieldType::{Boolean, Date, Decimal, Id, Instant, Text};

const ACCOUNT: &[Known] = &[
    known("Id", Id),
    known("Name", Text),
    known("AccountNumber", Text),
    known("Type", Text),
    known("ParentId", Id),
    known("Phone", Text),
    known("Website", Text),
    known("BillingStreet", Text),
    known("BillingCity", Text),
    known("BillingState", Text),
    known("BillingPostalCode", Text),
    known("BillingCountry", Text),
    known("ShippingStreet", Text),
    known("ShippingCity", Text),
    known("ShippingState", Text),
    known("ShippingPostalCode", Text),
    known("ShippingCountry", Text),
    known("MasterRecordId", Id),
    known("IsDeleted", Boolean),
    known("CreatedDate", Instant),
    known("SystemModstamp", Instant),
];

const CONTACT: &[Known] = &[
    known("Id", Id),
    known("AccountId", Id),
    known("FirstName", Text),
    known("LastName", Text),
    known("Name", Text),
    known("Email", Text),
    known("Phone", Text),
    known("MobilePhone", Text),
    known("MailingStreet", Text),
    known("MailingCity", Text),
    known("MailingState", Text),
    known("MailingPostalCode", Text),
    known("MailingCountry", Text),
    known("MasterRecordId", Id),
    known("IsDeleted", Boolean),
    known("CreatedDate", Instant),
    known("SystemModstamp", Instant),
];

const OPPORTUNITY: &[Known] = &[
    known("Id", Id),
    known("Name", Text),
    known("AccountId", Id),
    known("StageName", Text),
    known("IsWon", Boolean),
    known("IsClosed", Boolean),
    known("CloseDate", Date),
    known("LastStageChangeDate", Instant),
    money("Amount"),
    known("Type", Text),
    known("Description", Text),
    known("Pricebook2Id", Id),
    known("HasOpportunityLineItem", Boolean),
    known("IsDeleted", Boolean),
    known("CreatedDate", Instant),
    known("SystemModstamp", Instant),
    known("Account.Name", Text),
    known("Account.AccountNumber", Text),
    known("Account.Phone", Text),
    known("Account.BillingStreet", Text),
    known("Account.BillingCity", Text),
    known("Account.BillingState", Text),
    known("Account.BillingPostalCode", Text),
    known("Account.BillingCountry", Text),
    known("OpportunityLineItems[].Id", Id),
    known("OpportunityLineItems[].PricebookEntryId", Id),
    known("OpportunityLineItems[].Product2Id", Id),
    known("OpportunityLineItems[].ProductCode", Text),
    known("OpportunityLineItems[].Product2.Name", Text),
    known("OpportunityLineItems[].Product2.ProductCode", Text),
    known("OpportunityLineItems[].Name", Text),
    known("OpportunityLineItems[].Description", Text),
    known("OpportunityLineItems[].Quantity", Decimal),
    money("OpportunityLineItems[].UnitPrice"),
    money("OpportunityLineItems[].ListPrice"),
    money("OpportunityLineItems[].TotalPrice"),
    known("OpportunityLineItems[].Discount", Decimal),
    known("OpportunityLineItems[].ServiceDate", Date),
    known("OpportunityLineItems[].SortOrder", Decimal),
    known("OpportunityHistories[].Id", Id),
    known("OpportunityHistories[].StageName", Text),
    known("OpportunityHistories[].CreatedDate", Instant),
    known("OpportunityContactRoles[].Id", Id),
    known("OpportunityContactRoles[].ContactId", Id),
    known("OpportunityContactRoles[].Role", Text),
    known("OpportunityContactRoles[].IsPrimary", Boolean),
    known("OpportunityContactRoles[].Contact.Name", Text),
    known("OpportunityContactRoles[].Contact.FirstName", Text),
    known("OpportunityContactRoles[].Contact.LastName", Text),
    known("OpportunityContactRoles[].Contact.Email", Text),
];

const PRODUCT: &[Known] = &[
    known("Id", Id),
    known("Name", Text),
    known("ProductCode", Text),
    known("Description", Text),
    known("Family", Text),
    known("IsActive", Boolean),
    known("IsDeleted", Boolean),
    known("CreatedDate", Instant),
    known("SystemModstamp", Instant),
];

/// All of them.
pub(crate) const ALL: &[Object] = &[
    Object {
        name: "Account",
        fields: ACCOUNT,
        natural_keys: &["AccountNumber", "Name"],
    },
    Object {
        name: "Contact",
        fields: CONTACT,
        natural_keys: &["Email"],
    },
    Object {
        name: "Opportunity",
        fields: OPPORTUNITY,
        natural_keys: &["Name"],
    },
    Object {
        name: "Product2",
        fields: PRODUCT,
        natural_keys: &["ProductCode"],
    },
];

/// The object of this name.
pub(crate) fn named(name: &str) -> Result<&'static Object, Failure> {
    ALL.iter().find(|object| object.name == name).ok_or_else(|| {
        failure(
            FailureKind::Misconfigured,
            Code::UnknownObject,
            format!("The Salesforce connector knows no object \"{name}\": use Account, Contact, Opportunity or Product2."),
        )
    })
}
