//! Lines of a deal: product from the price book entry, and total = quantity x price less discount.
//!
//! Exact decimals, rounded half up to the field's scale. Next: [`super::deal::roll_up`].

use rust_decimal::Decimal;

use crate::salesforce::check::Changes;
use crate::salesforce::defect::Defect;
use crate::salesforce::dml::{Env, Origin};
use crate::salesforce::error::ApiError;
use crate::salesforce::store::{Record, Store};
use crate::salesforce::value::FieldValue;

pub(super) fn before_save(
    store: &Store,
    env: Env<'_>,
    old: Option<&Record>,
    line: &mut Record,
    given: &Changes,
) -> Result<(), ApiError> {
    if old.is_none() {
        take_product(store, env, line)?;
    }
    price(store, old, line, given)
}

fn take_product(store: &Store, env: Env<'_>, line: &mut Record) -> Result<(), ApiError> {
    let Some(entry) = line
        .text("PricebookEntryId")
        .and_then(|id| store.live("PricebookEntry", id))
    else {
        return Ok(());
    };
    let Some(deal) = line
        .text("OpportunityId")
        .and_then(|id| store.live("Opportunity", id))
    else {
        return Ok(());
    };
    let integrity = |message: &str, field: &str| {
        Err(ApiError::about(
            "FIELD_INTEGRITY_EXCEPTION",
            message,
            &[field],
        ))
    };
    let book = deal.get("Pricebook2Id");
    let any_book = store.has(Defect::OtherBookAccepted);
    if !book.is_null() && book != entry.get("Pricebook2Id") && !any_book {
        return integrity(
            "field integrity exception: PricebookEntryId (pricebook entry is in a different pricebook than the one assigned to the opportunity)",
            "PricebookEntryId",
        );
    }
    let any_currency = store.has(Defect::OtherCurrencyAccepted);
    if deal.get("CurrencyIsoCode") != entry.get("CurrencyIsoCode") && !any_currency {
        return integrity(
            "field integrity exception: PricebookEntryId (The pricebook entry currency code does not match the opportunity currency code)",
            "PricebookEntryId",
        );
    }
    let any_price = store.has(Defect::InactivePriceAccepted);
    if env.origin == Origin::Api && !entry.get("IsActive").is_true() && !any_price {
        return integrity(
            "field integrity exception: PricebookEntryId (pricebook entry has been inactivated)",
            "PricebookEntryId",
        );
    }
    let product = entry
        .text("Product2Id")
        .and_then(|id| store.get("Product2", id));
    let product_name = product
        .map(|product| product.get("Name").clone())
        .unwrap_or_default();
    let name = format!(
        "{} {}",
        deal.text("Name").unwrap_or_default(),
        product_name.as_text().unwrap_or_default()
    );
    let copies = [
        ("Product2Id", entry.get("Product2Id").clone()),
        (
            "ProductCode",
            product
                .map(|product| product.get("ProductCode").clone())
                .unwrap_or_default(),
        ),
        ("ListPrice", entry.get("UnitPrice").clone()),
        ("CurrencyIsoCode", deal.get("CurrencyIsoCode").clone()),
        ("Name", FieldValue::Text(name.chars().take(376).collect())),
    ];
    for (field, value) in copies {
        line.set(field, value);
    }
    Ok(())
}

fn price(
    store: &Store,
    old: Option<&Record>,
    line: &mut Record,
    given: &Changes,
) -> Result<(), ApiError> {
    let Some(def) = store.schema.object("OpportunityLineItem") else {
        return Ok(());
    };
    let number = |field: &str, value: Decimal| {
        let value = if field == "TotalPrice" && store.has(Defect::LineTotalCut) {
            value.trunc_with_scale(2)
        } else {
            value
        };
        def.field(field)
            .map(|field| field.number(value))
            .unwrap_or_default()
    };
    let Some(quantity) = line.get("Quantity").as_number() else {
        return Ok(());
    };
    if quantity.is_zero() {
        return Err(ApiError::about(
            "FIELD_INTEGRITY_EXCEPTION",
            "Quantity: Quantity must be nonzero",
            &["Quantity"],
        ));
    }
    let given_number = |field: &str| given.get(field).and_then(FieldValue::as_number);
    let hundred = Decimal::ONE_HUNDRED;
    let discount = line.get("Discount").as_number();
    let discount = discount.filter(|_| !store.has(Defect::DiscountIgnored));
    let kept = (hundred - discount.unwrap_or_default()) / hundred;
    match (given_number("UnitPrice"), given_number("TotalPrice")) {
        // Both given: seeding states what the organisation holds.
        (Some(_), Some(total)) if old.is_none() => {
            line.set("TotalPrice", number("TotalPrice", total))
        }
        (None, Some(total)) if !kept.is_zero() => {
            let unit = total.checked_div(quantity * kept).unwrap_or_default();
            line.set("UnitPrice", number("UnitPrice", unit));
        }
        (_, _) => {
            let Some(unit) = line.get("UnitPrice").as_number() else {
                return Err(ApiError::about(
                    "REQUIRED_FIELD_MISSING",
                    "Required fields are missing: [UnitPrice]",
                    &["UnitPrice"],
                ));
            };
            line.set("TotalPrice", number("TotalPrice", quantity * unit * kept));
        }
    }
    let unit = line.get("UnitPrice").as_number().unwrap_or_default();
    line.set("Subtotal", number("Subtotal", quantity * unit));
    Ok(())
}
