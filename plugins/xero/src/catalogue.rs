//! The small lists that invoices refer to: items, accounts and tax rates.
//!
//! Read only. From here to `objects`.

use footbridge_sdk::document::{Field, Structure, at};
use serde_json::Value;

use crate::columns::{Column, Reading, Shape, reported};

/// Columns of an item.
pub(crate) const ITEM: &[Column] = &[
    reported("code", "Code", Shape::Text),
    reported("name", "Name", Shape::Text),
    reported("description", "Description", Shape::Text),
    reported("sales_account", "SalesDetails.AccountCode", Shape::Text),
    reported("sales_tax_type", "SalesDetails.TaxType", Shape::Text),
    reported("unit_price", "SalesDetails.UnitPrice", Shape::Decimal),
    reported("sold", "IsSold", Shape::Flag),
];

/// Columns of an account.
pub(crate) const ACCOUNT: &[Column] = &[
    reported("code", "Code", Shape::Text),
    reported("name", "Name", Shape::Text),
    reported("type", "Type", Shape::Text),
    reported("tax_type", "TaxType", Shape::Text),
];

/// Columns of a tax rate.
pub(crate) const TAX_RATE: &[Column] = &[
    reported("tax_type", "TaxType", Shape::Text),
    reported("name", "Name", Shape::Text),
    reported("rate", "EffectiveRate", Shape::Decimal),
    reported("for_revenue", "CanApplyToRevenue", Shape::Flag),
];

const CLASSES: &[(&str, &str)] = &[
    ("revenue", "REVENUE"),
    ("expense", "EXPENSE"),
    ("asset", "ASSET"),
    ("liability", "LIABILITY"),
    ("equity", "EQUITY"),
];
const ACCOUNT_STATUS: &[(&str, &str)] = &[("active", "ACTIVE"), ("archived", "ARCHIVED")];
const TAX_STATUS: &[(&str, &str)] = &[
    ("active", "ACTIVE"),
    ("deleted", "DELETED"),
    ("deleted", "ARCHIVED"),
];

/// Reads an item.
pub(crate) fn item(element: &Value) -> Structure {
    let mut reading = Reading::default();
    reading.columns(element, ITEM);
    reading.finish()
}

/// Reads an account.
pub(crate) fn account(element: &Value) -> Structure {
    let mut reading = Reading::default();
    reading.columns(element, ACCOUNT);
    reading.word(element, "class", "Class", CLASSES);
    reading.word(element, "status", "Status", ACCOUNT_STATUS);
    reading.finish()
}

/// Reads a tax rate. Where Xero reports no effective rate, the one shown to users stands in.
pub(crate) fn tax_rate(element: &Value) -> Structure {
    let mut reading = Reading::default();
    reading.columns(element, TAX_RATE);
    if matches!(at(element, "EffectiveRate"), Field::Missing | Field::Null) {
        reading.columns(
            element,
            &[reported("rate", "DisplayTaxRate", Shape::Decimal)],
        );
    }
    reading.word(element, "status", "Status", TAX_STATUS);
    reading.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_all_three() {
        let found = item(
            &json!({"Code": "B", "IsSold": true, "SalesDetails": {"UnitPrice": "4.9900", "AccountCode": "200"}}),
        );
        assert_eq!(
            Value::Object(found).to_string(),
            r#"{"code":"B","sales_account":"200","sold":true,"unit_price":"4.99"}"#
        );
        let found = account(
            &json!({"Code": "200", "Type": "REVENUE", "Class": "REVENUE", "Status": "ACTIVE"}),
        );
        assert_eq!(
            Value::Object(found).to_string(),
            r#"{"class":"revenue","code":"200","status":"active","type":"REVENUE"}"#
        );
        let found = tax_rate(
            &json!({"TaxType": "OUTPUT2", "DisplayTaxRate": "20.0000", "Status": "ACTIVE", "CanApplyToRevenue": true}),
        );
        assert_eq!(
            Value::Object(found).to_string(),
            r#"{"for_revenue":true,"rate":"20","status":"active","tax_type":"OUTPUT2"}"#
        );
    }
}
