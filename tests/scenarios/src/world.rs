//! Both companies of a case: the simulators filled with what it says, and the files that a newcomer would have.
//!
//! It decides nothing about what must come of it. Next: `play`.

use crate::case::{Account, Allocation, Case, Country, Deal, Product};
use anyhow::Context;
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use footbridge::template::{Fill, MAPPING, filled};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::add_fields;
use footbridge_simulators::salesforce::options::{
    Currencies, PersonAccounts, RewriteRule, Rewritten,
};
use footbridge_simulators::salesforce::schema::FieldDef;
use footbridge_simulators::salesforce::{SalesforceOptions, SalesforceSimulator};
use footbridge_simulators::server::Running;
use footbridge_simulators::xero::{
    self, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, OrganisationSetup, XeroOptions, XeroSimulator,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

/// The simulators with what a case put into them.
pub(crate) struct World {
    pub(crate) clock: SimClock,
    pub(crate) xero: XeroSimulator,
    pub(crate) salesforce: SalesforceSimulator,
    /// Ids in Salesforce by the case's keys.
    pub(crate) ids: BTreeMap<String, String>,
    /// What someone else made in Xero, as it was then.
    pub(crate) foreign: Vec<(String, Value)>,
    xero_server: Running,
    salesforce_server: Running,
    client: (String, String),
}

impl World {
    /// Starts and fills both.
    pub(crate) async fn start(case: &Case) -> anyhow::Result<Self> {
        let clock = SimClock::system();
        // What is there was there an hour before: Xero's lists show a write only after a while.
        clock.advance(case.as_of - clock.now() - Duration::hours(1));
        let options = SalesforceOptions {
            currencies: Currencies::Multi,
            person_accounts: PersonAccounts::Off,
            rewrite_rules: case
                .triggers
                .iter()
                .map(|trigger| RewriteRule {
                    object: trigger.object.clone(),
                    field: trigger.field.clone(),
                    becomes: Rewritten::Value(json!(trigger.becomes)),
                })
                .collect(),
            ..SalesforceOptions::default()
        };
        let client = (options.client_id.clone(), options.client_secret.clone());
        let salesforce = SalesforceSimulator::new(options, clock.clone());
        add_fields(&salesforce)?;
        salesforce.add_field("Account", FieldDef::text("Billing_Email__c", 80))?;
        let country = match case.country {
            Country::UK => xero::Country::UnitedKingdom,
            Country::AU => xero::Country::Australia,
            Country::NZ => xero::Country::NewZealand,
            Country::US => xero::Country::UnitedStates,
        };
        let firm = OrganisationSetup::new("The Firm Ltd", country);
        let xero = XeroSimulator::new(
            XeroOptions {
                organisations: vec![firm],
                credentials: vec![xero::Credential::new(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, 0)],
                ..XeroOptions::default()
            },
            clock.clone(),
        );
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut world = Self {
            xero_server: xero.serve(any).await?,
            salesforce_server: salesforce.serve(any).await?,
            ids: BTreeMap::new(),
            foreign: Vec::new(),
            clock,
            xero,
            salesforce,
            client,
        };
        world.fill(case)?;
        world.clock.advance(Duration::hours(1));
        Ok(world)
    }

    fn fill(&mut self, case: &Case) -> anyhow::Result<()> {
        let work = Product {
            name: "Work".to_owned(),
            code: None,
            account: None,
            tax_type: None,
            only_in_salesforce: false,
        };
        for product in std::iter::once(&work).chain(&case.products) {
            self.product(product)?;
        }
        for account in &case.accounts {
            self.account(account)?;
        }
        for (collection, records) in &case.xero {
            self.in_xero(collection, records)?;
        }
        for deal in &case.deals {
            for n in 1..=deal.repeat {
                self.deal(case, deal, n)?;
            }
        }
        Ok(())
    }

    fn product(&mut self, product: &Product) -> anyhow::Result<()> {
        let id = self.load(
            "Product2",
            json!({"Name": product.name, "ProductCode": product.code, "IsActive": true}),
        )?;
        self.ids.insert(format!("product {}", product.name), id);
        if let (Some(code), false) = (&product.code, product.only_in_salesforce) {
            let item = json!({
                "Code": code, "Name": product.name, "IsSold": true,
                "SalesDetails": {"AccountCode": product.account, "TaxType": product.tax_type},
            });
            self.xero.load("Items", without_nulls(item))?;
        }
        Ok(())
    }

    fn account(&mut self, account: &Account) -> anyhow::Result<()> {
        let mut record = self.resolved(&account.fields)?;
        record.insert("Name".to_owned(), json!(account.name));
        record.insert("CurrencyIsoCode".to_owned(), json!("GBP"));
        if let Some(country) = &account.country {
            record.insert("BillingCity".to_owned(), json!("Town"));
            record.insert("BillingCountryCode".to_owned(), json!(country));
        }
        let id = self.load("Account", Value::Object(record))?;
        self.ids.insert(account.key.clone(), id);
        Ok(())
    }

    fn deal(&mut self, case: &Case, deal: &Deal, n: usize) -> anyhow::Result<()> {
        let key = if deal.repeat > 1 {
            format!("{}-{n}", deal.key)
        } else {
            deal.key.clone()
        };
        let created = deal.won.unwrap_or(case.as_of) - Duration::days(20);
        let moved = deal.won.unwrap_or(created);
        let standard = self.salesforce.standard_pricebook_id();
        let mut record = json!({
            "Name": format!("Deal {key}"), "AccountId": self.id(&deal.account)?, "CurrencyIsoCode": deal.currency,
            "StageName": if deal.won.is_some() { "Closed Won" } else { "Prospecting" }, "CloseDate": moved.date_naive().to_string(),
            "Amount": deal.amount, "Pricebook2Id": standard, "CreatedDate": stamp(created), "LastModifiedDate": stamp(moved),
            "SystemModstamp": stamp(moved), "LastStageChangeDate": stamp(moved),
        });
        if let Some(fields) = record.as_object_mut() {
            fields.extend(self.resolved(&deal.fields)?);
        }
        let id = self.load("Opportunity", without_nulls(record))?;
        self.ids.insert(key, id.clone());
        self.lines(deal, &id, created)?;
        if let (Some(amount), false) = (&deal.amount, deal.lines.is_empty()) {
            self.salesforce.state_amount(&id, amount.parse()?);
        }
        Ok(())
    }

    /// Lines are put in last first, so that only their sort order tells how they stand.
    fn lines(&mut self, deal: &Deal, id: &str, created: DateTime<Utc>) -> anyhow::Result<()> {
        let all: Vec<(usize, &crate::case::Line)> = deal
            .lines
            .iter()
            .flat_map(|line| (1..=line.repeat).map(move |n| (n, line)))
            .collect();
        for (position, (n, line)) in all.into_iter().enumerate().rev() {
            let entry = self.entry(&line.product, &deal.currency)?;
            let description = line
                .description
                .as_ref()
                .map(|text| text.replace("{n}", &n.to_string()));
            let record = json!({
                "OpportunityId": id, "PricebookEntryId": entry, "Description": description, "Quantity": line.quantity,
                "UnitPrice": line.price, "Discount": line.discount, "Tax_Treatment__c": line.treatment, "SortOrder": position + 1,
                "CurrencyIsoCode": deal.currency, "CreatedDate": stamp(created), "LastModifiedDate": stamp(created), "SystemModstamp": stamp(created),
            });
            self.load("OpportunityLineItem", without_nulls(record))?;
        }
        Ok(())
    }

    fn entry(&mut self, product: &str, currency: &str) -> anyhow::Result<String> {
        let key = format!("entry {product} {currency}");
        if let Some(id) = self.ids.get(&key) {
            return Ok(id.clone());
        }
        let record = json!({
            "Product2Id": self.id(&format!("product {product}"))?, "Pricebook2Id": self.salesforce.standard_pricebook_id(),
            "UnitPrice": "1", "CurrencyIsoCode": currency, "IsActive": true,
        });
        let id = self.load("PricebookEntry", record)?;
        self.ids.insert(key, id.clone());
        Ok(id)
    }

    /// Puts records of someone else into Xero and remembers them.
    pub(crate) fn in_xero(
        &mut self,
        collection: &str,
        records: &[toml::Table],
    ) -> anyhow::Result<()> {
        for record in records {
            let record = Value::Object(self.resolved(record)?);
            let loaded = self.xero.load(collection, record)?;
            self.foreign.push((collection.to_owned(), loaded));
        }
        Ok(())
    }

    /// Changes records of Xero as someone does there, whoever made them.
    pub(crate) fn edit_xero(
        &self,
        collection: &str,
        records: &[toml::Table],
    ) -> anyhow::Result<()> {
        for record in records {
            let record = Value::Object(self.resolved(record)?);
            self.xero.load(collection, record)?;
        }
        Ok(())
    }

    /// Sets a credit against an invoice, as someone does in Xero.
    pub(crate) fn allocate(&self, allocation: &Allocation) -> anyhow::Result<()> {
        let id = |reference: &str| self.referred(reference.trim_start_matches('@'));
        let set = json!({
            "Invoice": {"InvoiceID": id(&allocation.invoice)?}, "Amount": allocation.amount,
            "Date": self.clock.now().date_naive().to_string(),
        });
        self.xero.allocate(&id(&allocation.credit)?, set)?;
        Ok(())
    }

    fn load(&self, object: &str, record: Value) -> anyhow::Result<String> {
        let loaded = self.salesforce.load(object, record)?;
        let id = loaded.get("Id").and_then(Value::as_str);
        Ok(id.context("a record without id")?.to_owned())
    }

    /// The id in Salesforce of what the case calls `key`.
    pub(crate) fn id(&self, key: &str) -> anyhow::Result<&str> {
        self.ids
            .get(key)
            .map(String::as_str)
            .with_context(|| format!("the case has no {key:?}"))
    }

    /// A record with its references replaced: `@acme` is the id in Salesforce, `@contact Acme Ltd` the id in Xero, `@url roof` what
    /// Footbridge wrote as Url of the deal's invoice.
    pub(crate) fn resolved(&self, record: &toml::Table) -> anyhow::Result<Map<String, Value>> {
        let value = self.resolve(serde_json::to_value(record)?)?;
        Ok(value.as_object().cloned().unwrap_or_default())
    }

    fn resolve(&self, value: Value) -> anyhow::Result<Value> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix('@') {
                Some(reference) => json!(self.referred(reference)?),
                None => Value::String(text),
            },
            Value::Array(all) => Value::Array(
                all.into_iter()
                    .map(|one| self.resolve(one))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(all) => {
                let fields = all
                    .into_iter()
                    .map(|(name, one)| Ok((name, self.resolve(one)?)));
                Value::Object(fields.collect::<anyhow::Result<_>>()?)
            }
            other => other,
        })
    }

    fn referred(&self, reference: &str) -> anyhow::Result<String> {
        let of = |collection: &str, key: &str, found: &str, wanted: &str| {
            let all = self.xero.dump(collection);
            let one = all.iter().find(|r| {
                r.get(key)
                    .and_then(Value::as_str)
                    .is_some_and(|text| text.contains(wanted))
            });
            one.and_then(|r| r.get(found))
                .and_then(Value::as_str)
                .map(str::to_owned)
                .with_context(|| format!("Xero has no {wanted:?} in {collection}"))
        };
        const NAMED: [(&str, &str, &str, &str); 6] = [
            ("contact ", "Contacts", "Name", "ContactID"),
            ("invoice ", "Invoices", "InvoiceNumber", "InvoiceID"),
            ("payment ", "Payments", "Reference", "PaymentID"),
            ("credit-note ", "CreditNotes", "Reference", "CreditNoteID"),
            ("overpayment ", "Overpayments", "Reference", "OverpaymentID"),
            ("prepayment ", "Prepayments", "Reference", "PrepaymentID"),
        ];
        let named = NAMED
            .iter()
            .find_map(|named| Some((named, reference.strip_prefix(named.0)?)));
        if let Some(((_, collection, key, id), wanted)) = named {
            of(collection, key, id, wanted)
        } else if let Some(deal) = reference.strip_prefix("url ") {
            of("Invoices", "Url", "Url", self.id(deal)?)
        } else {
            Ok(self.id(reference)?.to_owned())
        }
    }

    /// What `footbridge init` writes, filled in, with what the case says otherwise.
    pub(crate) fn write_files(&self, case: &Case, folder: &Path) -> anyhow::Result<()> {
        let secret = |name: &str, text: &str| -> anyhow::Result<String> {
            let path = folder.join(name);
            std::fs::write(&path, text)?;
            Ok(format!("{{ file = {:?} }}", path.display().to_string()))
        };
        let xero = &self.xero_server.base_url;
        let text = filled(&Fill {
            salesforce_url: &self.salesforce_server.base_url,
            salesforce_client: &self.client.0,
            salesforce_secret: &secret("salesforce.secret", &self.client.1)?,
            xero_client: DEMO_CLIENT_ID,
            xero_secret: &secret("xero.secret", DEMO_CLIENT_SECRET)?,
            xero_urls: &format!("base-url = \"{xero}\"\ntoken-url = \"{xero}/connect/token\""),
            go_live: "2026-10-01T00:00:00Z",
        });
        let mut config: toml::Table = text.parse()?;
        let flow = config
            .get_mut("flows")
            .and_then(|flows| flows.get_mut("deals-to-invoices"))
            .and_then(toml::Value::as_table_mut)
            .context("the template's flow")?;
        // A case is about what a run does; that the first one asks is another test's.
        let goes: toml::Table = "rails = { first-run = \"write\" }".parse()?;
        lay_over(flow, &goes);
        lay_over(flow, &case.flow);
        std::fs::write(folder.join("footbridge.toml"), toml::to_string(&config)?)?;
        let mut mapping = MAPPING.to_owned();
        for (old, new) in &case.mapping {
            anyhow::ensure!(mapping.contains(old), "the mapping does not say {old:?}");
            mapping = mapping.replace(old, new);
        }
        std::fs::write(folder.join("lead-to-cash.toml"), mapping)?;
        Ok(())
    }
}

/// Tables over tables; everything else is replaced.
fn lay_over(under: &mut toml::Table, over: &toml::Table) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(toml::Value::Table(under)), toml::Value::Table(over)) => lay_over(under, over),
            _ => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(all) => Value::Object(
            all.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
