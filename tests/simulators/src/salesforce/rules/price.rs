//! Price books: a product has a standard price before any other, and one price per book (and currency).

use crate::salesforce::dml::Env;
use crate::salesforce::error::ApiError;
use crate::salesforce::options::Currencies;
use crate::salesforce::store::{Record, Store};
use crate::salesforce::value::FieldValue;

pub(super) fn before_save(
    store: &Store,
    env: Env<'_>,
    old: Option<&Record>,
    entry: &mut Record,
) -> Result<(), ApiError> {
    if env.options.currencies == Currencies::Multi && entry.get("CurrencyIsoCode").is_null() {
        entry.set("CurrencyIsoCode", FieldValue::text(&env.options.currency));
    }
    if let Some(product) = entry
        .text("Product2Id")
        .and_then(|id| store.live("Product2", id))
    {
        let (name, code) = (
            product.get("Name").clone(),
            product.get("ProductCode").clone(),
        );
        entry.set("Name", name);
        entry.set("ProductCode", code);
    }
    if old.is_some() {
        return Ok(());
    }
    let same_product: Vec<&Record> = store
        .with("PricebookEntry", "Product2Id", entry.get("Product2Id"))
        .into_iter()
        .filter(|other| other.get("CurrencyIsoCode") == entry.get("CurrencyIsoCode"))
        .collect();
    if same_product
        .iter()
        .any(|other| other.get("Pricebook2Id") == entry.get("Pricebook2Id"))
    {
        return Err(ApiError::about(
            "DUPLICATE_VALUE",
            "This price definition already exists in this price book",
            &[],
        ));
    }
    let is_standard = |record: &Record| {
        record
            .text("Pricebook2Id")
            .and_then(|id| store.live("Pricebook2", id))
            .is_some_and(|book| book.get("IsStandard").is_true())
    };
    if is_standard(entry) || same_product.iter().any(|other| is_standard(other)) {
        return Ok(());
    }
    Err(ApiError::about(
        "STANDARD_PRICE_NOT_DEFINED",
        "Before creating a custom price, create a standard price.",
        &[],
    ))
}

/// A product on a deal stays.
pub(super) fn before_delete(store: &Store, product: &Record) -> Result<(), ApiError> {
    if store
        .with(
            "OpportunityLineItem",
            "Product2Id",
            &FieldValue::text(product.id()),
        )
        .is_empty()
    {
        return Ok(());
    }
    Err(ApiError::about(
        "DELETE_FAILED",
        format!(
            "Your attempt to delete {} could not be completed because it is associated with opportunity products.",
            product.text("Name").unwrap_or_default()
        ),
        &[],
    ))
}
