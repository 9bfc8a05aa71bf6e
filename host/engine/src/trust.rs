//! Trust: a field that a connector could not read is unknown, and nothing is planned on what it might have said.
//!
//! A connector lists such fields under `unreadable` of the document and leaves them out of it. A source record with one waits;
//! a ledger record waits with all that depends on it where the field matters to a rule. Accounts, items and tax rates with one are
//! left out, so that lines that need them wait.

use footbridge_model::document::Document;
use footbridge_model::failure::Problem;

/// Fields of a ledger customer that the rules read.
pub(crate) const OF_CUSTOMER: &[&str] = &[
    "name",
    "number",
    "status",
    "sales_tax_type",
    "sales_account",
    "tax_number",
];
/// Fields of a ledger invoice that the rules read.
pub(crate) const OF_INVOICE: &[&str] = &[
    "kind",
    "number",
    "url",
    "customer",
    "date",
    "currency",
    "status",
    "sub_total",
    "total",
];

/// Fields of a document, credit or invoice, that the way back shows or reckons with.
pub(crate) const OF_DOCUMENT: &[&str] = &[
    "kind",
    "number",
    "customer",
    "date",
    "due_date",
    "fully_paid_on",
    "currency",
    "currency_rate",
    "status",
    "sub_total",
    "total_tax",
    "total",
    "amount_due",
    "amount_paid",
    "amount_credited",
    "amount_deducted",
    "remaining_credit",
    "allocations",
    "payments",
    "credits",
];
/// Fields of a payment that it shows.
pub(crate) const OF_PAYMENT: &[&str] = &[
    "document",
    "document_kind",
    "date",
    "amount",
    "currency",
    "status",
    "kind",
    "payable",
    "reconciled",
];

/// The first unreadable field with what was found there. `matter`: only these fields count; none given, all do.
pub(crate) fn unreadable(doc: &Document, matter: &[&str]) -> Option<(String, String)> {
    doc.list("unreadable").iter().find_map(|entry| {
        let field = entry.text("field").unwrap_or("?");
        let top = field.split(['.', '[']).next().unwrap_or(field);
        let counts = matter.is_empty() || matter.contains(&top);
        let found = entry.text("value").unwrap_or("something else").to_owned();
        counts.then(|| (field.to_owned(), found))
    })
}

/// The problem of a record with an unreadable field.
pub(crate) fn problem(what: &str, (field, found): (String, String)) -> Problem {
    let shown: String = found.chars().take(80).collect();
    Problem {
        message: format!("{what} holds {shown:?} in {field:?}, which can't be read"),
        field: Some(field),
        ..Problem::new("unreadable", "")
    }
}
