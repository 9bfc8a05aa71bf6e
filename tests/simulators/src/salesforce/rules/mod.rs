//! What the standard objects do of themselves when they are saved or deleted.
//!
//! One file per family; this one only says which rule concerns which object.

mod deal;
mod line;
mod party;
mod price;

use super::check::Changes;
use super::defect::Defect;
use super::dml::Env;
use super::error::ApiError;
use super::store::{Record, Store};
use super::value::FieldValue;

/// Derives and checks fields of a record about to be saved.
pub(crate) fn before_save(
    store: &Store,
    env: Env<'_>,
    object: &str,
    old: Option<&Record>,
    record: &mut Record,
    given: &Changes,
) -> Result<(), ApiError> {
    match object {
        "Account" | "Contact" | "User" => {
            party::name(object, record);
            Ok(())
        }
        "Opportunity" => deal::before_save(store, env, old, record, given),
        "OpportunityLineItem" => line::before_save(store, env, old, record, given),
        "PricebookEntry" => price::before_save(store, env, old, record),
        custom if custom.ends_with("__c") => {
            name_of_custom(store, custom, record);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A custom record without a name is called by its id, or counts by itself.
fn name_of_custom(store: &Store, object: &str, record: &mut Record) {
    if !record.get("Name").is_null() {
        return;
    }
    let format = store
        .schema
        .object(object)
        .and_then(|def| def.name_format.clone());
    let name = match format {
        None => record.id().to_owned(),
        Some(format) => counted(&format, store.all(object).count() + 1),
    };
    record.set("Name", FieldValue::Text(name));
}

/// `DOC-{0000}` and a number as `DOC-0042`.
fn counted(format: &str, number: usize) -> String {
    let Some((before, rest)) = format.split_once('{') else {
        return number.to_string();
    };
    let (digits, after) = rest.split_once('}').unwrap_or((rest, ""));
    format!("{before}{number:0width$}{after}", width = digits.len())
}

/// Carries a saved record's change to others.
pub(crate) fn after_save(
    store: &mut Store,
    env: Env<'_>,
    object: &str,
    old: Option<&Record>,
    record: &Record,
    given: &Changes,
) -> Result<(), ApiError> {
    match object {
        "Account" => party::after_account(store, old, record),
        "Opportunity" => deal::after_save(store, env, old, record, given),
        "OpportunityLineItem" if store.has(Defect::AmountNotRolledUp) => Ok(()),
        "OpportunityLineItem" => {
            deal::roll_up(store, env, record.text("OpportunityId").unwrap_or_default());
            Ok(())
        }
        "OpportunityContactRole" => {
            deal::primary_contact(store, record);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Refuses the deletion of what is still needed.
pub(crate) fn before_delete(store: &Store, object: &str, record: &Record) -> Result<(), ApiError> {
    match object {
        "Account" => party::before_delete(store, record),
        "Product2" => price::before_delete(store, record),
        _ => Ok(()),
    }
}

/// Deletes what belongs to a deleted record, and rolls up without it.
pub(crate) fn after_delete(
    store: &mut Store,
    env: Env<'_>,
    object: &str,
    record: &Record,
) -> Result<(), ApiError> {
    match object {
        "Account" => party::after_delete(store, env, record),
        "Opportunity" => {
            deal::after_delete(store, env, record);
            Ok(())
        }
        "OpportunityLineItem" if store.has(Defect::AmountAfterDeletion) => Ok(()),
        "OpportunityLineItem" => {
            deal::roll_up(store, env, record.text("OpportunityId").unwrap_or_default());
            Ok(())
        }
        _ => Ok(()),
    }
}
