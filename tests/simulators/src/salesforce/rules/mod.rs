//! What the standard objects do of themselves when they are saved or deleted.
//!
//! One file per family; this one only says which rule concerns which object.

mod deal;
mod line;
mod party;
mod price;

use super::check::Changes;
use super::dml::Env;
use super::error::ApiError;
use super::store::{Record, Store};

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
        _ => Ok(()),
    }
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
        "OpportunityLineItem" => {
            deal::roll_up(store, env, record.text("OpportunityId").unwrap_or_default());
            Ok(())
        }
        _ => Ok(()),
    }
}
