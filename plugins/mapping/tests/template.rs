//! The lead-to-cash template as it is shipped: what it reads and writes, and what it makes of deals and accounts.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code, helpers included"
)]

use footbridge_mapping::apply::{Clock, batch};
use footbridge_mapping::describe::describe;
use footbridge_mapping::settings::{Mapping, parse};
use footbridge_sdk::mapping::{Input, Problem};
use serde_json::{Value, json};

const TEMPLATE: &str = include_str!("../../../templates/mappings/lead-to-cash.toml");

fn template() -> Mapping {
    parse(TEMPLATE).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn draft(object: &str, doc: &Value) -> Result<Value, Problem> {
    let clock = Clock {
        as_of: "2026-05-31T23:30:00Z".into(),
        local_date: "2026-06-01".into(),
    };
    let input = Input {
        object: object.into(),
        id: "1".into(),
        doc: doc.to_string(),
    };
    let drafts = batch(&template(), &clock, &[input]).remove(0)?;
    assert_eq!(drafts.len(), 1);
    Ok(serde_json::from_str(&drafts[0].doc).unwrap())
}

fn deal() -> Value {
    json!({
        "Id": "006A", "Name": "Conveyor refit", "AccountId": "001A", "Amount": "110.00", "CurrencyIsoCode": "GBP",
        "PO_Number__c": null, "Bill_To_Account__c": null,
        "Account": {"Name": "Acme", "ParentId": null, "Bill_Parent__c": false, "Payment_Terms_Days__c": null},
        "OpportunityLineItems": [],
    })
}

#[test]
fn it_says_what_it_reads_and_writes() {
    let description = describe(&template());
    let reads: Vec<(&str, String)> = description
        .reads
        .iter()
        .map(|source| (source.object.as_str(), source.paths.join(" ")))
        .collect();
    assert_eq!(
        reads,
        [
            (
                "Account",
                "BillingCity BillingCountry BillingCountryCode BillingPostalCode BillingState BillingStreet Contacts[].Department Contacts[].Email Id Name Tax_Number__c"
                    .to_owned()
            ),
            (
                "Opportunity",
                "Account.Bill_Parent__c Account.ParentId Account.Payment_Terms_Days__c AccountId Amount Bill_To_Account__c CurrencyIsoCode Name \
                 OpportunityLineItems[].Description OpportunityLineItems[].Discount OpportunityLineItems[].Product2.Name \
                 OpportunityLineItems[].Product2.ProductCode OpportunityLineItems[].ProductCode OpportunityLineItems[].Quantity \
                 OpportunityLineItems[].SortOrder OpportunityLineItems[].Tax_Treatment__c OpportunityLineItems[].UnitPrice PO_Number__c"
                    .to_owned()
            ),
        ]
    );
    let writes: Vec<(&str, String)> = description
        .writes
        .iter()
        .map(|target| (target.object.as_str(), target.paths.join(" ")))
        .collect();
    assert_eq!(
        writes,
        [
            (
                "customer",
                "addresses[].city addresses[].country addresses[].kind addresses[].line1 addresses[].postal_code addresses[].region \
                 email name number tax_number"
                    .to_owned()
            ),
            (
                "invoice",
                "amounts currency customer due_date lines[].account lines[].description lines[].discount_rate lines[].item \
                 lines[].quantity lines[].treatment lines[].unit_amount reference"
                    .to_owned()
            ),
        ]
    );
}

#[test]
fn a_deal_without_lines_becomes_one_line_over_its_amount() {
    let wanted = json!({
        "customer": {"$ref": {"object": "Account", "id": "001A"}}, "reference": "Conveyor refit", "currency": "GBP",
        "amounts": "exclusive", "due_date": "2026-07-01",
        "lines": [{"description": "Conveyor refit", "quantity": "1", "unit_amount": "110.00", "account": "200"}],
    });
    assert_eq!(draft("Opportunity", &deal()).unwrap(), wanted);
}

#[test]
fn lines_keep_their_order_and_only_free_text_lines_get_an_account() {
    let mut deal = deal();
    deal["PO_Number__c"] = json!("PO-77");
    deal["Account"]["Payment_Terms_Days__c"] = json!("14");
    deal["OpportunityLineItems"] = json!([
        {"Id": "00kB", "SortOrder": "10", "Quantity": "2", "UnitPrice": "12.3456", "Discount": "10", "Description": null,
         "ProductCode": "BELT", "Product2": {"Name": "Belt", "ProductCode": "BELT"}, "Tax_Treatment__c": "Exempt"},
        {"Id": "00kA", "SortOrder": "9", "Quantity": "0.5", "UnitPrice": "80", "Discount": "0.00", "Description": "Fitting, half a day",
         "ProductCode": null, "Product2": {"Name": "Labour", "ProductCode": null}, "Tax_Treatment__c": null},
    ]);
    let draft = draft("Opportunity", &deal).unwrap();
    assert_eq!(
        (&draft["reference"], &draft["due_date"]),
        (&json!("PO-77"), &json!("2026-06-15"))
    );
    let wanted = json!([
        {"description": "Fitting, half a day", "quantity": "0.5", "unit_amount": "80", "account": "200"},
        {"description": "Belt", "quantity": "2", "unit_amount": "12.3456", "discount_rate": "10", "item": "BELT", "treatment": "Exempt"},
    ]);
    assert_eq!(draft["lines"], wanted);
}

#[test]
fn the_bill_goes_to_the_deals_choice_then_the_parent_then_the_account() {
    let customer = |change: &dyn Fn(&mut Value)| {
        let mut deal = deal();
        change(&mut deal);
        draft("Opportunity", &deal)
            .map(|draft| draft["customer"]["$ref"]["id"].clone())
            .map_err(|problem| problem.code)
    };
    let parent = |deal: &mut Value| deal["Account"]["ParentId"] = json!("001P");
    assert_eq!(
        customer(&parent),
        Ok(json!("001A")),
        "a parent alone is not billed"
    );
    assert_eq!(
        customer(&|deal| {
            parent(deal);
            deal["Account"]["Bill_Parent__c"] = json!(true);
        }),
        Ok(json!("001P"))
    );
    assert_eq!(
        customer(&|deal| deal["Account"]["Bill_Parent__c"] = json!(true)),
        Ok(json!("001A")),
        "no parent to bill"
    );
    assert_eq!(
        customer(&|deal| {
            parent(deal);
            deal["Account"]["Bill_Parent__c"] = json!(true);
            deal["Bill_To_Account__c"] = json!("001B");
        }),
        Ok(json!("001B"))
    );
    assert_eq!(
        customer(&|deal| deal["AccountId"] = Value::Null),
        Err("missing-field".to_owned())
    );
}

#[test]
fn lines_that_were_not_read_never_become_one_line_over_the_amount() {
    let mut deal = deal();
    deal.as_object_mut().unwrap().remove("OpportunityLineItems");
    let problem = draft("Opportunity", &deal).unwrap_err();
    assert_eq!(
        (problem.code.as_str(), problem.field.as_deref()),
        ("missing-field", Some("lines"))
    );
}

#[test]
fn an_account_becomes_a_customer() {
    let mut account = json!({
        "Id": "001A", "Name": "Acme Ltd", "Tax_Number__c": "GB123", "BillingStreet": "1 Mill Lane", "BillingCity": "Leeds",
        "BillingState": null, "BillingPostalCode": "LS1 1AA", "BillingCountry": "United Kingdom",
        "Contacts": [
            {"Name": "Sam", "Email": "sam@example.com", "Department": "Purchasing"},
            {"Name": "AP old", "Email": null, "Department": "Accounts Payable"},
            {"Name": "AP", "Email": "ap@example.com", "Department": "Accounts Payable"},
        ],
    });
    let wanted = json!({
        "name": "Acme Ltd", "number": "001A", "tax_number": "GB123", "email": "ap@example.com",
        "addresses": [{"kind": "billing", "line1": "1 Mill Lane", "city": "Leeds", "postal_code": "LS1 1AA", "country": "United Kingdom"}],
    });
    assert_eq!(draft("Account", &account).unwrap(), wanted);
    account["Contacts"] = json!([]);
    account["BillingStreet"] = Value::Null;
    account["BillingCity"] = Value::Null;
    account["Tax_Number__c"] = Value::Null;
    let wanted = json!({ "name": "Acme Ltd", "number": "001A", "tax_number": null });
    assert_eq!(draft("Account", &account).unwrap(), wanted);
}
