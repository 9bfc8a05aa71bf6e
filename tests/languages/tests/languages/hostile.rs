//! Records that nobody hopes for: every field that the mapping reads, with every value that could lead a language astray.

use crate::support::Record;
use serde_json::{Value, json};

/// Texts, numbers as the host writes them out, and what is neither.
fn values() -> Vec<Option<Value>> {
    let texts = [
        "",
        " \t\n",
        // White space to some languages only.
        "\u{85}",
        "\u{feff}",
        "\u{1c}\u{1f}",
        "\u{200b}",
        "\u{3000}",
        "🚀 👩\u{200d}👩\u{200d}👧 e\u{301}",
        "\u{202e}dlof\u{202c} שלום",
        "\"O'Neil\" \\ \u{7f} \u{2028} \u{0} </script> {{name}} \r\n",
        "__proto__",
        "true",
        "null",
        "0",
        "-0.000000",
        "12.345678",
        "-12.345678",
        "0.0000001",
        "1500000000000000000000",
        "9007199254740993.1",
        "1234567890123456789012345678",
        "12345678901234567890123456789012",
        "0.30",
        "-40",
        "45.0",
        "45.5",
        "4000000",
        "-4000000",
        // No decimals.
        "1,5",
        "+1",
        "1e3",
        ".5",
        "5.",
        "1_000",
        "５",
        "NaN",
        "Infinity",
        "0x10",
        "12\n",
    ];
    let mut all = vec![None, Some(Value::Null), Some(json!("ä".repeat(255)))];
    all.extend(texts.map(|text| Some(json!(text))));
    all.extend([json!(true), json!(false)].map(Some));
    all
}

/// One record for each field and value, and lists in every order.
pub(crate) fn records() -> Vec<Record> {
    let line = |n: usize| {
        json!({
            "SortOrder": n.to_string(), "Quantity": "1.000000", "UnitPrice": "19.990000", "Discount": null, "Description": "Work",
            "ProductCode": null, "Product2": {"Name": "Labour", "ProductCode": null}, "Tax_Treatment__c": null,
        })
    };
    let deal = json!({
        "Id": "006A", "Name": "Refit", "AccountId": "001A", "Amount": "110.00", "CurrencyIsoCode": "GBP", "PO_Number__c": null,
        "Bill_To_Account__c": null, "OpportunityLineItems": [line(2), line(1)],
        "Account": {"ParentId": "001P", "Bill_Parent__c": false, "Payment_Terms_Days__c": "14"},
    });
    let mut bare = deal.clone();
    bare["OpportunityLineItems"] = json!([]);
    let account = json!({
        "Id": "001A", "Name": "Acme", "Tax_Number__c": "GB1", "BillingStreet": "1 Mill Lane", "BillingCity": "Leeds",
        "BillingState": null, "BillingPostalCode": "LS1", "BillingCountryCode": null, "BillingCountry": "United Kingdom",
        "Contacts": [{"Department": "Purchasing", "Email": "p@x"}, {"Department": "Accounts Payable", "Email": "a@x"}],
    });
    let mut records = Vec::new();
    for field in [
        "/Name",
        "/AccountId",
        "/CurrencyIsoCode",
        "/PO_Number__c",
        "/Bill_To_Account__c",
        "/Account",
        "/Account/ParentId",
        "/Account/Payment_Terms_Days__c",
        "/OpportunityLineItems",
        "/OpportunityLineItems/0/SortOrder",
        "/OpportunityLineItems/0/Quantity",
        "/OpportunityLineItems/0/UnitPrice",
        "/OpportunityLineItems/0/Discount",
        "/OpportunityLineItems/0/Description",
        "/OpportunityLineItems/0/ProductCode",
        "/OpportunityLineItems/0/Product2",
        "/OpportunityLineItems/0/Product2/Name",
        "/OpportunityLineItems/0/Product2/ProductCode",
        "/OpportunityLineItems/0/Tax_Treatment__c",
    ] {
        vary("Opportunity", &deal, field, &mut records);
    }
    let mut parent = deal.clone();
    parent["Account"]["Bill_Parent__c"] = json!(true);
    vary("Opportunity", &parent, "/Account/ParentId", &mut records);
    for field in ["/Name", "/Amount"] {
        vary("Opportunity", &bare, field, &mut records);
    }
    for field in [
        "/Id",
        "/Name",
        "/Tax_Number__c",
        "/BillingStreet",
        "/BillingCity",
        "/BillingState",
        "/BillingPostalCode",
        "/BillingCountryCode",
        "/BillingCountry",
        "/Contacts",
        "/Contacts/1/Department",
        "/Contacts/1/Email",
    ] {
        vary("Account", &account, field, &mut records);
    }
    let nowhere = json!({"Id": "001A", "Name": "Acme", "BillingCity": null, "BillingStreet": null, "Contacts": null});
    for field in ["/BillingStreet", "/BillingCity"] {
        vary("Account", &nowhere, field, &mut records);
    }
    records.extend(orders(&deal, &line(0)));
    records.push(("Lead".to_owned(), "00Q".to_owned(), "{}".to_owned()));
    records
}

fn vary(object: &str, base: &Value, field: &str, records: &mut Vec<Record>) {
    for (n, value) in values().into_iter().enumerate() {
        let mut record = base.clone();
        let (parent, key) = field.rsplit_once('/').unwrap();
        let parent = record.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => parent.insert(key.to_owned(), value),
            None => parent.remove(key),
        };
        records.push((
            object.to_owned(),
            format!("{field} {n}"),
            record.to_string(),
        ));
    }
}

/// Lines whose order only exact decimals tell, and some without one, rotated.
fn orders(deal: &Value, line: &Value) -> Vec<Record> {
    let orders = [
        json!("10"),
        json!("9.5"),
        json!("-1"),
        json!(null),
        json!("9007199254740993"),
        json!("9007199254740992"),
        json!("0.1000000000000000000000000001"),
        json!("0.1"),
        json!(" "),
        json!("9.50"),
        json!("-0"),
        json!("0.0"),
    ];
    let rotated = (0..orders.len()).map(|start| {
        let mut deal = deal.clone();
        let lines = (0..orders.len()).map(|n| {
            let mut line = line.clone();
            line["SortOrder"] = orders[(start + n) % orders.len()].clone();
            line["Description"] = json!(format!("line {n}"));
            line
        });
        deal["OpportunityLineItems"] = lines.collect();
        (
            "Opportunity".to_owned(),
            format!("rotated by {start}"),
            deal.to_string(),
        )
    });
    rotated.collect()
}
