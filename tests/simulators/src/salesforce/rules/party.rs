//! Accounts, persons and contacts.

use crate::salesforce::defect::Defect;
use crate::salesforce::dml::{Env, Origin, bin};
use crate::salesforce::error::ApiError;
use crate::salesforce::store::{Record, Store};
use crate::salesforce::value::FieldValue;

/// Names put together from first and last name; an account with a last name is a person.
pub(super) fn name(object: &str, record: &mut Record) {
    let Some(last) = record.text("LastName").map(str::to_owned) else {
        return;
    };
    let full = match record.text("FirstName") {
        Some(first) => format!("{first} {last}"),
        None => last,
    };
    record.set("Name", FieldValue::Text(full));
    if object == "Account" {
        record.set("IsPersonAccount", FieldValue::Flag(true));
    }
}

/// A person account has a contact behind it, which follows its name and address of e-mail.
pub(super) fn after_account(
    store: &mut Store,
    old: Option<&Record>,
    record: &Record,
) -> Result<(), ApiError> {
    if !record.get("IsPersonAccount").is_true() {
        return Ok(());
    }
    let contact_id = record.text("PersonContactId").map(str::to_owned);
    let mut contact = contact_id
        .as_deref()
        .and_then(|id| store.get("Contact", id))
        .cloned()
        .unwrap_or_else(|| {
            let mut contact = Record::default();
            let id = contact_id
                .clone()
                .unwrap_or_else(|| store.fresh_id("Contact"));
            contact.set("Id", FieldValue::Text(id));
            contact.set("AccountId", FieldValue::text(record.id()));
            contact.set("IsPersonAccount", FieldValue::Flag(true));
            contact.set("IsDeleted", FieldValue::Flag(false));
            contact.set("HasOptedOutOfEmail", FieldValue::Flag(false));
            for field in ["CreatedDate", "CreatedById", "OwnerId"] {
                contact.set(field, record.get(field).clone());
            }
            contact
        });
    for field in [
        "FirstName",
        "LastName",
        "Salutation",
        "Name",
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
    ] {
        contact.set(field, record.get(field).clone());
    }
    contact.set("Email", record.get("PersonEmail").clone());
    contact.set("MobilePhone", record.get("PersonMobilePhone").clone());
    let id = contact.id().to_owned();
    store.put("Contact", contact);
    if old.is_none() || contact_id.is_none() {
        let mut linked = record.clone();
        linked.set("PersonContactId", FieldValue::Text(id));
        store.put("Account", linked);
    }
    Ok(())
}

/// An account with won deals stays.
pub(super) fn before_delete(store: &Store, account: &Record) -> Result<(), ApiError> {
    let deals = store.with("Opportunity", "AccountId", &FieldValue::text(account.id()));
    let kept = !store.has(Defect::WonAccountDeleted);
    if kept && deals.iter().any(|deal| deal.get("IsWon").is_true()) {
        return Err(ApiError::about(
            "DELETE_FAILED",
            format!(
                "Your attempt to delete {} could not be completed because some opportunities in that account were closed won.",
                account.text("Name").unwrap_or_default()
            ),
            &[],
        ));
    }
    Ok(())
}

/// Contacts and deals go with their account.
pub(super) fn after_delete(
    store: &mut Store,
    env: Env<'_>,
    account: &Record,
) -> Result<(), ApiError> {
    let env = Env {
        origin: Origin::Api,
        ..env
    };
    let id = FieldValue::text(account.id());
    let contacts: Vec<Record> = store
        .with("Contact", "AccountId", &id)
        .into_iter()
        .cloned()
        .collect();
    let deals: Vec<Record> = store
        .with("Opportunity", "AccountId", &id)
        .into_iter()
        .cloned()
        .collect();
    for contact in contacts {
        bin(store, env, "Contact", &contact);
    }
    for deal in deals {
        bin(store, env, "Opportunity", &deal);
        super::deal::after_delete(store, env, &deal);
    }
    Ok(())
}
