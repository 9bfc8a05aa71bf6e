//! Puts the company into the simulators, and says how these must be started to hold it.
//!
//! Salesforce gets the firm's own fields first. Nothing here is a call of an API, and nothing is
//! counted. Where an organisation holds what its own rules would not let anyone write (a deal whose
//! amount is not the sum of its lines), the stored value is set last.

use chrono::Duration;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{Company, Records, crm};
use crate::salesforce::options::{Currencies, PersonAccounts};
use crate::salesforce::schema::{FieldDef, FieldKind, Strictness};
use crate::salesforce::{self, SalesforceOptions, SalesforceSimulator};
use crate::xero::{self, Country, OrganisationSetup, XeroOptions, XeroSimulator};

/// A simulator did not take a record.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Salesforce refused it.
    #[error("Salesforce did not take {object} {id}")]
    Salesforce {
        /// Its object.
        object: &'static str,
        /// Its id.
        id: String,
        /// Why.
        source: salesforce::LoadError,
    },
    /// A field of the firm's own could not be added.
    #[error("Salesforce did not take a field of the firm")]
    Field(#[source] salesforce::LoadError),
    /// Salesforce has no standard price book to sell from.
    #[error("the simulated Salesforce has no standard price book")]
    NoPriceBook,
    /// Xero refused it.
    #[error("Xero did not take {collection} {id}")]
    Xero {
        /// Its collection.
        collection: &'static str,
        /// Its id or code.
        id: String,
        /// Why.
        source: xero::LoadError,
    },
}

impl Company {
    /// A Salesforce with several currencies and person accounts.
    pub fn salesforce_options(&self) -> SalesforceOptions {
        SalesforceOptions {
            currencies: Currencies::Multi,
            person_accounts: PersonAccounts::On,
            organisation_name: "Harbour & Hill Services".to_owned(),
            ..SalesforceOptions::default()
        }
    }

    /// A Xero with the firm's organisation and its Australian subsidiary's.
    pub fn xero_options(&self) -> XeroOptions {
        let firm = OrganisationSetup {
            period_lock: Some(self.lock_date),
            // What began in Xero has lower numbers.
            next_invoice: 5_001,
            ..OrganisationSetup::new("Harbour & Hill Services Ltd", Country::UnitedKingdom)
        };
        let subsidiary =
            OrganisationSetup::new("Harbour & Hill Australia Pty Ltd", Country::Australia);
        XeroOptions {
            organisations: vec![firm, subsidiary],
            ..XeroOptions::default()
        }
    }

    /// Fills both simulators, which were started with the options above. Their clocks must not be
    /// before `as_of`.
    ///
    /// # Errors
    /// A simulator refused a record.
    pub fn seed_into(
        &self,
        salesforce: &SalesforceSimulator,
        xero: &XeroSimulator,
    ) -> Result<(), SeedError> {
        self.seed_salesforce(salesforce)?;
        // Lists show a write only after a while: these were written an hour ago.
        xero.clock().advance(Duration::hours(-1));
        let seeded =
            seed_xero(xero, 0, &self.xero).and_then(|()| seed_xero(xero, 1, &self.subsidiary));
        xero.clock().advance(Duration::hours(1));
        seeded
    }

    fn seed_salesforce(&self, salesforce: &SalesforceSimulator) -> Result<(), SeedError> {
        add_fields(salesforce)?;
        let standard = salesforce
            .standard_pricebook_id()
            .ok_or(SeedError::NoPriceBook)?;
        for (object, records) in &self.salesforce {
            for record in records {
                let id = text(record, "Id");
                if *object == "Pricebook2" && id == crm::price_book_id() {
                    // Every organisation has this one already.
                    continue;
                }
                salesforce
                    .load(object, in_book(record, &standard))
                    .map_err(|source| SeedError::Salesforce { object, id, source })?;
            }
        }
        self.restore_amounts(salesforce);
        Ok(())
    }

    /// Loading lines rolled them up; where a deal states another amount, it keeps that.
    fn restore_amounts(&self, salesforce: &SalesforceSimulator) {
        let deals = self
            .salesforce
            .iter()
            .filter(|(object, _)| *object == "Opportunity")
            .flat_map(|(_, deals)| deals);
        for deal in deals {
            let stated = deal
                .get("Amount")
                .and_then(|amount| amount.to_string().parse::<Decimal>().ok());
            if let Some(stated) = stated {
                salesforce.state_amount(&text(deal, "Id"), stated);
            }
        }
    }
}

/// Adds the fields that a firm which uses Footbridge has made in its Salesforce.
///
/// # Errors
/// An object is missing.
pub fn add_fields(salesforce: &SalesforceSimulator) -> Result<(), SeedError> {
    for (object, field) in fields() {
        salesforce
            .add_field(object, field)
            .map_err(SeedError::Field)?;
    }
    Ok(())
}

fn seed_xero(
    xero: &XeroSimulator,
    organisation: usize,
    records: &Records,
) -> Result<(), SeedError> {
    for (collection, records) in records {
        for record in records {
            xero.load_into(organisation, collection, record.clone())
                .map_err(|source| SeedError::Xero {
                    collection,
                    id: ["ContactID", "InvoiceID", "Code"]
                        .map(|name| text(record, name))
                        .concat(),
                    source,
                })?;
        }
    }
    Ok(())
}

fn text(record: &Value, field: &str) -> String {
    record
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The record with the organisation's own standard price book instead of the company's.
fn in_book(record: &Value, standard: &str) -> Value {
    let mut record = record.clone();
    if let Some(book) = record
        .get_mut("Pricebook2Id")
        .filter(|book| book.as_str() == Some(&crm::price_book_id()))
    {
        *book = Value::String(standard.to_owned());
    }
    record
}

/// The firm's own fields, and standard ones it has set up otherwise: prices with four places, and
/// country codes.
fn fields() -> Vec<(&'static str, FieldDef)> {
    let price = || {
        FieldDef::new(
            "UnitPrice",
            FieldKind::Currency {
                precision: 18,
                scale: 4,
            },
        )
    };
    let treatments = ["Exempt", "Zero", "Reduced"].map(str::to_owned).to_vec();
    vec![
        ("Opportunity", FieldDef::text("Xero_Invoice_Id__c", 36)),
        ("Opportunity", FieldDef::text("Xero_Invoice_Number__c", 255)),
        (
            "Opportunity",
            FieldDef::new("Xero_Invoice_Link__c", FieldKind::Url),
        ),
        ("Opportunity", FieldDef::text("PO_Number__c", 80)),
        ("Opportunity", FieldDef::text("Billing_Plan__c", 80)),
        (
            "Opportunity",
            FieldDef::reference(
                "Bill_To_Account__c",
                "Account",
                Some("Bill_To_Account__r"),
                Some("Billed_Deals__r"),
            ),
        ),
        ("Account", FieldDef::text("Tax_Number__c", 50)),
        (
            "Account",
            FieldDef::new("Bill_Parent__c", FieldKind::Checkbox),
        ),
        (
            "Account",
            FieldDef::new(
                "Payment_Terms_Days__c",
                FieldKind::Number {
                    precision: 3,
                    scale: 0,
                },
            ),
        ),
        ("Account", FieldDef::text("BillingCountryCode", 10)),
        (
            "OpportunityLineItem",
            FieldDef::new(
                "Tax_Treatment__c",
                FieldKind::Picklist {
                    values: treatments,
                    strictness: Strictness::Restricted,
                },
            ),
        ),
        ("OpportunityLineItem", price().label("Sales Price")),
        ("PricebookEntry", price().label("List Price").required()),
    ]
}
