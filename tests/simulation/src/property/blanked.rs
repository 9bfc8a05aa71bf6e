//! Nothing blanked: in a run, no field that held a value becomes empty, unless somebody emptied its counterpart.

use crate::records::{Records, text};
use crate::world::World;
use serde_json::Value;

pub(crate) const NAME: &str = "nothing is blanked";

/// What is emptied by the sides themselves: sums of others' records, and what is computed.
const COMPUTED: [&str; 6] = [
    "Balances",
    "ExpectedRevenue",
    "HasOverdueActivity",
    "LastActivityDate",
    "FiscalYear",
    "Fiscal",
];
/// What a deal shows of its invoice.
const SHOWN: [&str; 3] = [
    "Xero_Invoice_Id__c",
    "Xero_Invoice_Number__c",
    "Xero_Invoice_Link__c",
];

pub(crate) fn asked(world: &World, before: &Records, after: &Records) -> Vec<String> {
    let mut says = Vec::new();
    for (object, id, old, new) in before.in_both(after) {
        let family = match object {
            "Contacts" => world.witness.family(id),
            "Account" => id,
            "Opportunity" | "OpportunityLineItem" => "",
            "Invoices" if !is_gone(new) => "",
            _ => continue,
        };
        let emptied = |one: &str| {
            let all = &world.witness.emptied;
            all.contains(one) || all.iter().any(|other| world.witness.family(other) == one)
        };
        if !family.is_empty() && (emptied(family) || emptied(id)) {
            continue;
        }
        let mut found = Vec::new();
        compare("", old, new, &mut found);
        for path in found {
            let field = path.split('.').next().unwrap_or_default();
            let shown = SHOWN.contains(&field) && names_nothing(before, after, old);
            // What an invoice tells of its customer is a copy, taken when it was last saved; the customer is judged itself.
            let copied = object == "Invoices" && field == "Contact" && path != "Contact.ContactID";
            if !COMPUTED.contains(&field) && !shown && !copied {
                let was = text(old, &path);
                says.push(format!("{object} {id}: {path} held {was:?} and is empty"));
            }
        }
    }
    says
}

fn is_gone(invoice: &Value) -> bool {
    ["VOIDED", "DELETED"].contains(&text(invoice, "Status").as_str())
}

/// Whether the invoice that a deal shows is none any more.
fn names_nothing(before: &Records, after: &Records, deal: &Value) -> bool {
    let id = text(deal, "Xero_Invoice_Id__c");
    let gone = |records: &Records| records.get("Invoices", &id).is_none_or(is_gone);
    gone(before) || gone(after)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Paths of what held something and holds nothing now. Lists are compared where they have as many entries as before.
fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    if is_empty(old) {
        return;
    }
    if is_empty(new) {
        found.push(path.to_owned());
        return;
    }
    let join = |step: &str| {
        if path.is_empty() {
            step.to_owned()
        } else {
            format!("{path}.{step}")
        }
    };
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, old) in old {
                compare(
                    &join(name),
                    old,
                    new.get(name).unwrap_or(&Value::Null),
                    found,
                );
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&join(&at.to_string()), old, new, found);
            }
        }
        _ => {}
    }
}
