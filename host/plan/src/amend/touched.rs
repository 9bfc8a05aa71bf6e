//! Whether a person edited an invoice since our last write: what it holds now against its shadow, field by field.
//!
//! A field that one of the two doesn't report never counts as edited. Approving, sending and paying it are no edits; `stage` sees them.

use footbridge_model::ledger::{Invoice, InvoiceLine};

/// Whether, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touched {
    /// As we left it.
    No,
    /// In these fields.
    In(Vec<&'static str>),
    /// Nobody can tell: what it held after our last write isn't known, or its lines weren't read now.
    Unknown,
}

/// Compares.
pub(crate) fn by(shadow: Option<&Invoice>, now: &Invoice) -> Touched {
    let Some(shadow) = shadow else {
        return Touched::Unknown;
    };
    let (Some(old_lines), Some(lines)) = (&shadow.lines, &now.lines) else {
        return Touched::Unknown;
    };
    let mut fields = Vec::new();
    let pairs = [
        ("reference", &shadow.reference, &now.reference),
        ("link to the deal", &shadow.url, &now.url),
        ("date", &shadow.date, &now.date),
        ("due date", &shadow.due_date, &now.due_date),
        ("currency", &shadow.currency, &now.currency),
        ("kind of amounts", &shadow.amounts, &now.amounts),
    ];
    if shadow.customer != now.customer {
        fields.push("customer");
    }
    fields.extend(
        pairs
            .into_iter()
            .filter(|(_, old, new)| differ(old.as_ref(), new.as_ref()))
            .map(|(name, _, _)| name),
    );
    let submitted = (shadow.status.as_deref(), now.status.as_deref());
    if matches!(
        submitted,
        (Some("draft"), Some("submitted")) | (Some("submitted"), Some("draft"))
    ) {
        fields.push("status");
    }
    if old_lines.len() != lines.len()
        || old_lines
            .iter()
            .zip(lines)
            .any(|(old, new)| edited(old, new))
    {
        fields.push("lines");
    }
    if fields.is_empty() {
        Touched::No
    } else {
        Touched::In(fields)
    }
}

fn edited(old: &InvoiceLine, new: &InvoiceLine) -> bool {
    differ(old.id.as_ref(), new.id.as_ref())
        || differ(old.description.as_ref(), new.description.as_ref())
        || differ(old.quantity.as_ref(), new.quantity.as_ref())
        || differ(old.unit_amount.as_ref(), new.unit_amount.as_ref())
        || old.discount_rate.unwrap_or_default() != new.discount_rate.unwrap_or_default()
        || differ(old.item.as_ref(), new.item.as_ref())
        || differ(old.account.as_ref(), new.account.as_ref())
        || differ(old.tax_type.as_ref(), new.tax_type.as_ref())
}

fn differ<T: PartialEq>(old: Option<&T>, new: Option<&T>) -> bool {
    matches!((old, new), (Some(old), Some(new)) if old != new)
}
