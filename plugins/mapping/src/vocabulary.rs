//! The kinds and fields of the ledger vocabulary (`wit/README.md`) that a mapping may write, and who decides them.
//!
//! A test compares it with the contract's table, so that neither can change alone.

/// A kind of record that drafts can be made for.
#[derive(Debug)]
pub struct Kind {
    /// Its name, for example `invoice`.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

/// A field of a kind.
#[derive(Debug)]
pub struct Field {
    /// Its name in documents.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Who gives it its value.
    pub source: Source,
}

/// What a field holds.
#[derive(Debug)]
pub enum Shape {
    /// Text.
    Text,
    /// A decimal string.
    Decimal,
    /// `YYYY-MM-DD`.
    Date,
    /// `true` or `false`.
    Boolean,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A reference to another record's counterpart.
    Reference,
    /// A list of structures.
    List(&'static [Field]),
}

/// Who gives a field its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The mapping, which can't do without it.
    Needed,
    /// The mapping, if it wants to.
    Optional,
    /// The host's rules.
    Host,
    /// The ledger computes or keeps it.
    Ledger,
}

use Shape::{Boolean, Choice, Date, Decimal, List, Reference, Text};
use Source::{Host, Ledger, Needed, Optional};

const fn field(name: &'static str, shape: Shape, source: Source) -> Field {
    Field {
        name,
        shape,
        source,
    }
}

const CUSTOMER: &[Field] = &[
    field("name", Text, Needed),
    field("number", Text, Optional),
    field("account_number", Text, Optional),
    field("email", Text, Optional),
    field("tax_number", Text, Optional),
    field("status", Choice(&["active", "archived", "merged"]), Host),
    field("currency", Text, Optional),
    field("sales_tax_type", Text, Optional),
    field("sales_account", Text, Optional),
    field("addresses", List(ADDRESS), Optional),
    field("phones", List(PHONE), Optional),
    field("persons", List(PERSON), Optional),
    field("first_name", Text, Optional),
    field("last_name", Text, Optional),
];

const ADDRESS: &[Field] = &[
    field("kind", Choice(&["billing", "delivery"]), Needed),
    field("line1", Text, Optional),
    field("line2", Text, Optional),
    field("line3", Text, Optional),
    field("line4", Text, Optional),
    field("city", Text, Optional),
    field("region", Text, Optional),
    field("postal_code", Text, Optional),
    field("country", Text, Optional),
    field("attention", Text, Optional),
];

const PHONE: &[Field] = &[field("kind", Text, Optional), field("number", Text, Needed)];

const PERSON: &[Field] = &[
    field("first_name", Text, Optional),
    field("last_name", Text, Optional),
    field("email", Text, Optional),
];

const INVOICE: &[Field] = &[
    field("customer", Reference, Needed),
    field("number", Text, Optional),
    field("reference", Text, Optional),
    field("url", Text, Host),
    field("date", Date, Optional),
    field("due_date", Date, Needed),
    field("currency", Text, Optional),
    field(
        "amounts",
        Choice(&["exclusive", "inclusive", "no-tax"]),
        Needed,
    ),
    field(
        "status",
        Choice(&[
            "draft",
            "submitted",
            "authorised",
            "paid",
            "voided",
            "deleted",
        ]),
        Host,
    ),
    field("lines", List(LINE), Needed),
    field("sub_total", Decimal, Ledger),
    field("total_tax", Decimal, Ledger),
    field("total", Decimal, Ledger),
    field("amount_due", Decimal, Ledger),
    field("amount_paid", Decimal, Ledger),
    field("amount_credited", Decimal, Ledger),
    field("amount_deducted", Decimal, Ledger),
    field("fully_paid_on", Date, Ledger),
    field("currency_rate", Decimal, Ledger),
    field("sent", Boolean, Ledger),
    field("kind", Choice(&["receivable", "payable"]), Host),
    field("customer_name", Text, Ledger),
    field("payments", List(SETTLEMENT), Ledger),
    field("credits", List(CREDIT), Ledger),
];

/// A payment as its invoice lists it.
const SETTLEMENT: &[Field] = &[
    field("id", Text, Ledger),
    field("amount", Decimal, Ledger),
    field("date", Date, Ledger),
];

/// A credit as an invoice lists what it took.
const CREDIT: &[Field] = &[
    field(
        "kind",
        Choice(&["credit-note", "overpayment", "prepayment"]),
        Ledger,
    ),
    field("id", Text, Ledger),
    field("amount", Decimal, Ledger),
];

const LINE: &[Field] = &[
    field("treatment", Text, Optional),
    field("id", Text, Host),
    field("description", Text, Needed),
    field("quantity", Decimal, Needed),
    field("unit_amount", Decimal, Needed),
    field("discount_rate", Decimal, Optional),
    field("item", Text, Optional),
    field("account", Text, Optional),
    field("tax_type", Text, Optional),
    field("tax_amount", Decimal, Ledger),
    field("line_amount", Decimal, Ledger),
];

const ITEM: &[Field] = &[
    field("code", Text, Needed),
    field("name", Text, Optional),
    field("description", Text, Optional),
    field("sales_account", Text, Optional),
    field("sales_tax_type", Text, Optional),
    field("unit_price", Decimal, Optional),
    field("sold", Boolean, Optional),
];

/// All kinds that a mapping may write.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "customer",
        fields: CUSTOMER,
    },
    Kind {
        name: "invoice",
        fields: INVOICE,
    },
    Kind {
        name: "item",
        fields: ITEM,
    },
];

/// The kind of that name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl Shape {
    /// The shape in words, for messages and the reference.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Text => "text".to_owned(),
            Decimal => "a decimal such as '12.50'".to_owned(),
            Date => "a date, YYYY-MM-DD".to_owned(),
            Boolean => "true or false".to_owned(),
            Choice(accepted) => format!("one of {}", accepted.join(", ")),
            Reference => "a reference { ref = { object, id } }".to_owned(),
            List(_) => "a list".to_owned(),
        }
    }
}

impl Source {
    /// Who decides, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Needed => "needed",
            Optional => "optional",
            Host => "decided by the host's rules; a mapping can't set it",
            Ledger => "computed by the ledger; a mapping can't set it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in backticks of a row's second cell, nested ones (in parentheses) left out.
    fn names(cell: &str) -> Vec<String> {
        let mut depth = 0;
        let mut outer = String::new();
        for character in cell.chars() {
            match character {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ if depth == 0 => outer.push(character),
                _ => {}
            }
        }
        outer
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    fn contract_fields(kind: &str) -> Vec<String> {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/README.md");
        let text = std::fs::read_to_string(readme).unwrap();
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| `{kind}` |")))
            .unwrap()
            .to_owned();
        names(row.split('|').nth(2).unwrap())
    }

    #[test]
    fn the_contract_names_the_same_fields() {
        for kind in KINDS {
            let ours: Vec<_> = kind
                .fields
                .iter()
                .map(|field| field.name.to_owned())
                .collect();
            assert_eq!(ours, contract_fields(kind.name), "{}", kind.name);
        }
        let lines: Vec<_> = LINE.iter().map(|field| field.name.to_owned()).collect();
        assert_eq!(lines, contract_fields("invoice.lines[]"));
    }
}
