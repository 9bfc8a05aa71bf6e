//! The fields of a customer that both sides may hold, each with who owns it unless the operator says otherwise (domain rule 9).
//!
//! What isn't in the table is never merged: the number is our key, the status is the ledger's own business, persons would be deleted
//! by a list that lacks one, and bank details are never read. From here to `values` and `decide`.

use super::policy::Owner;

/// One field of a customer, by its name in the ledger vocabulary; `addresses.billing` and `phones.main` name an entry of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field {
    pub(crate) name: &'static str,
    /// What people call it.
    pub(crate) title: &'static str,
    pub(crate) shape: Shape,
    /// Who owns it where the operator says nothing.
    pub(crate) owner: Owner,
    /// A change of it needs a person's yes where the operator says nothing (invoice fraud).
    pub(crate) approve: bool,
}

/// How values of a field are compared, and where they stand in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Shape {
    /// Text as it is.
    Text,
    /// Case doesn't count.
    Email,
    /// Spaces, dots, dashes and case don't count.
    Code,
    /// An entry of `phones`: only digits count.
    Phone,
    /// An entry of `addresses`, one value as a whole: parts of two addresses make a third that nobody lives at.
    Address,
}

/// Parts of an address, as the ledger vocabulary names them.
pub(crate) const ADDRESS_PARTS: [&str; 9] = [
    "line1",
    "line2",
    "line3",
    "line4",
    "city",
    "region",
    "postal_code",
    "country",
    "attention",
];

const fn field(
    name: &'static str,
    title: &'static str,
    shape: Shape,
    owner: Owner,
    approve: bool,
) -> Field {
    Field {
        name,
        title,
        shape,
        owner,
        approve,
    }
}

/// All of them, in the order in which people read them.
pub(crate) const FIELDS: [Field; 16] = [
    field("name", "name", Shape::Text, Owner::Source, false),
    field("email", "invoice e-mail", Shape::Email, Owner::Ledger, true),
    field("tax_number", "tax number", Shape::Code, Owner::Ledger, true),
    field(
        "account_number",
        "account number",
        Shape::Text,
        Owner::Ledger,
        false,
    ),
    field("currency", "currency", Shape::Code, Owner::Ledger, false),
    field(
        "sales_tax_type",
        "default tax",
        Shape::Text,
        Owner::Ledger,
        false,
    ),
    field(
        "sales_account",
        "default account",
        Shape::Text,
        Owner::Ledger,
        false,
    ),
    field(
        "first_name",
        "first name",
        Shape::Text,
        Owner::Source,
        false,
    ),
    field("last_name", "last name", Shape::Text, Owner::Source, false),
    field(
        "addresses.billing",
        "billing address",
        Shape::Address,
        Owner::Source,
        false,
    ),
    field(
        "addresses.delivery",
        "delivery address",
        Shape::Address,
        Owner::Source,
        false,
    ),
    field("phones.main", "phone", Shape::Phone, Owner::Source, false),
    field(
        "phones.mobile",
        "mobile phone",
        Shape::Phone,
        Owner::Source,
        false,
    ),
    field(
        "phones.direct",
        "direct phone",
        Shape::Phone,
        Owner::Source,
        false,
    ),
    field("phones.fax", "fax", Shape::Phone, Owner::Source, false),
    field(
        "phones.office",
        "office phone",
        Shape::Phone,
        Owner::Source,
        false,
    ),
];

impl Field {
    /// By its name in the ledger vocabulary.
    pub fn named(name: &str) -> Option<Self> {
        FIELDS.into_iter().find(|field| field.name == name)
    }

    /// Its name in the ledger vocabulary.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The list and the kind of its entry, where it stands in one.
    pub(crate) fn entry(self) -> Option<(&'static str, &'static str)> {
        self.name.split_once('.')
    }
}
