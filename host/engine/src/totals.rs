//! Totals: whether the ledger came to what was planned of an invoice, and the sentence for people where it didn't.
//!
//! What it doesn't report is not compared. For `settle`.

use footbridge_model::document::Document;
use footbridge_model::money::decimal;
use footbridge_model::plan::Op;
use footbridge_model::plugin::Applied;
use footbridge_plan::bare_money;

/// In words, where the ledger reports other totals than were planned.
pub(crate) fn differ(op: &Op, applied: &Applied) -> Option<String> {
    let reported = Document::from_plugin(&applied.doc).ok()?;
    let currency = reported.text("currency").or(op.doc.text("currency"));
    let currency = currency.unwrap_or_default();
    let differs = ["sub_total", "total"].into_iter().find_map(|field| {
        let planned = decimal(op.doc.text(field)?).ok()?;
        let there = decimal(reported.text(field)?).ok()?;
        (planned != there).then(|| {
            let shown = |amount| bare_money(amount, currency);
            let (there, planned) = (shown(there), shown(planned));
            let field = field.replace('_', "-");
            let whole = format!("{there} {currency}");
            format!(
                "with a {field} of {} instead of {planned}",
                whole.trim_end()
            )
        })
    })?;
    let invoice = match reported.text("number").filter(|number| !number.is_empty()) {
        Some(number) => format!("invoice {number}"),
        None => format!("invoice {} (without a number)", applied.id),
    };
    Some(format!(
        "The ledger holds {invoice} {differs}. Look at it there; correct it or void it, then `footbridge items retry`"
    ))
}
