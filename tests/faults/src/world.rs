//! A cell's world: both simulators with three customers and three won deals, and the files that a newcomer would have, the way back
//! switched on. Small, so that every kind of write is one request of three rows.
//!
//! It decides nothing about what must come of it. Next: `story` tells what happens in it.

use crate::clock::HostClock;
use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use footbridge::compose::Surroundings;
use footbridge::config::Config;
use footbridge::template::{Fill, MAPPING, filled};
use footbridge_sandbox::Sandbox;
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::add_fields;
use footbridge_simulators::faults::Faults;
use footbridge_simulators::salesforce::options::{Currencies, PersonAccounts};
use footbridge_simulators::salesforce::{SalesforceOptions, SalesforceSimulator};
use footbridge_simulators::server::Running;
use footbridge_simulators::xero::{
    Country, Credential, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, OrganisationSetup, PKCE_CLIENT_ID,
    XeroOptions, XeroSimulator,
};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// Net amount of each customer's deal: a plain one and two whose tax is rounded.
pub(crate) const DEALS: [(&str, &str); 3] = [
    ("Acme Ltd", "500.00"),
    ("Bolt & Sons", "1234.58"),
    ("Cedar House", "99.99"),
];
/// What the deals come to once they were changed.
pub(crate) const AMENDED: [&str; 3] = ["510.00", "1234.61", "100.01"];
/// Where the customers are, and where they move.
pub(crate) const TOWN: &str = "Town";
pub(crate) const NEWTOWN: &str = "Newtown";
/// Their telephone, once they have one.
pub(crate) const PHONE: &str = "7946 0001";
/// Until a request without a whole answer is given up, in real seconds: connections are real, only time is not.
pub(crate) const TIME_OUT: u64 = 5;

/// Whose time goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    /// The cell's own, from here on.
    Simulated(DateTime<Utc>),
    /// The machine's, with the times of the in-doubt rule scaled; for programs of their own.
    Real,
}

impl Time {
    /// Monday, 5 October 2026, an hour before nine.
    pub(crate) fn usual() -> Self {
        Self::Simulated(DateTime::from_timestamp(1_791_187_200, 0).unwrap_or_default())
    }

    /// Four weeks ago, for an auditor who goes by the machine's clock.
    pub(crate) fn recent() -> Self {
        Self::Simulated(Utc::now() - TimeDelta::weeks(4))
    }
}

/// Both companies, served.
pub(crate) struct World {
    pub(crate) clock: SimClock,
    pub(crate) host: Arc<HostClock>,
    pub(crate) xero: XeroSimulator,
    pub(crate) salesforce: SalesforceSimulator,
    pub(crate) accounts: Vec<String>,
    pub(crate) deals: Vec<String>,
    pub(crate) folder: TempDir,
    xero_server: Running,
    salesforce_server: Running,
    client: (String, String),
}

impl World {
    /// Starts and fills both, and writes the files.
    pub(crate) async fn start(time: Time) -> anyhow::Result<Self> {
        let clock = match time {
            Time::Simulated(from) => SimClock::at(from),
            Time::Real => SimClock::system(),
        };
        let options = SalesforceOptions {
            currencies: Currencies::Multi,
            person_accounts: PersonAccounts::Off,
            ..SalesforceOptions::default()
        };
        let client = (options.client_id.clone(), options.client_secret.clone());
        let salesforce = SalesforceSimulator::new(options, clock.clone());
        add_fields(&salesforce)?;
        let firm = OrganisationSetup::new("The Firm Ltd", Country::UnitedKingdom);
        let mut options = XeroOptions {
            organisations: vec![firm],
            credentials: vec![Credential::new(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, 0)],
            ..XeroOptions::default()
        };
        if time == Time::Real {
            // A program that is started ten times a minute, as nobody does.
            options.limits.per_minute = 100_000;
        }
        let xero = XeroSimulator::new(options, clock.clone());
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut world = Self {
            xero_server: xero.serve(any).await?,
            salesforce_server: salesforce.serve(any).await?,
            host: Arc::new(HostClock::new(clock.clone())),
            accounts: Vec::new(),
            deals: Vec::new(),
            folder: tempfile::Builder::new()
                .prefix("footbridge-faults-")
                .tempdir()?,
            clock,
            xero,
            salesforce,
            client,
        };
        world.fill()?;
        if time != Time::Real {
            // What is there was there an hour before: Xero's lists show a write only after a while.
            world.clock.advance(TimeDelta::hours(1));
        }
        world.write_files(time)?;
        Ok(world)
    }

    fn fill(&mut self) -> anyhow::Result<()> {
        let now = self.clock.now();
        for (name, amount) in DEALS {
            let account = self.load(
                "Account",
                json!({"Name": name, "CurrencyIsoCode": "GBP", "BillingCity": TOWN, "BillingCountryCode": "GB"}),
            )?;
            let (created, won) = (
                stamp(now - TimeDelta::days(20)),
                stamp(now - TimeDelta::hours(2)),
            );
            let deal = self.load(
                "Opportunity",
                json!({
                    "Name": format!("Deal of {name}"), "AccountId": account, "CurrencyIsoCode": "GBP", "StageName": "Closed Won",
                    "CloseDate": now.date_naive().to_string(), "Amount": amount, "Pricebook2Id": self.salesforce.standard_pricebook_id(),
                    "CreatedDate": created, "LastModifiedDate": won, "SystemModstamp": won, "LastStageChangeDate": won,
                }),
            )?;
            self.salesforce.state_amount(&deal, amount.parse()?);
            self.accounts.push(account);
            self.deals.push(deal);
        }
        Ok(())
    }

    fn load(&self, object: &str, record: Value) -> anyhow::Result<String> {
        let loaded = self.salesforce.load(object, record)?;
        let id = loaded.get("Id").and_then(Value::as_str);
        Ok(id.context("a record without id")?.to_owned())
    }

    /// Somebody changes a record of Salesforce.
    pub(crate) fn edit(&self, object: &str, id: &str, fields: &Value) -> anyhow::Result<()> {
        let fields = fields.as_object().cloned().unwrap_or_default();
        Ok(self.salesforce.edit(object, id, fields)?)
    }

    fn write_files(&self, time: Time) -> anyhow::Result<()> {
        let folder = self.folder.path();
        let secret = |name: &str, text: &str| -> anyhow::Result<String> {
            let path = folder.join(name);
            std::fs::write(&path, text)?;
            Ok(format!("{{ file = {:?} }}", path.display().to_string()))
        };
        let xero = &self.xero_server.base_url;
        let time_out = format!("timeout-seconds = {TIME_OUT}");
        let text = filled(&Fill {
            salesforce_url: &self.salesforce_server.base_url,
            salesforce_client: &self.client.0,
            salesforce_secret: &format!(
                "{}\n{time_out}",
                secret("salesforce.secret", &self.client.1)?
            ),
            xero_client: DEMO_CLIENT_ID,
            xero_secret: &secret("xero.secret", DEMO_CLIENT_SECRET)?,
            xero_urls: &format!(
                "base-url = \"{xero}\"\ntoken-url = \"{xero}/connect/token\"\n{time_out}"
            ),
            go_live: &stamp(self.clock.now() - TimeDelta::days(3)),
        });
        let timing = match time {
            Time::Simulated(_) => "",
            Time::Real => {
                "\n[timing]\nin-flight-seconds = 4\nresend-window-seconds = 20\nsettle-seconds = 22\npatience-seconds = 1\n"
            }
        };
        let text = text
            .replace(
                "[flows.deals-to-invoices.billing]\n",
                "[flows.deals-to-invoices.billing]\nchanged-authorised = \"update\"\n",
            )
            .replace(
                "customers = [\"Account\"]\n",
                "customers = { objects = [\"Account\"], back = { \"phones.main\" = \"Phone\" }, fields = { \"phones.main\" = { owner = \"newest\" } } }\n",
            );
        let flow = "\n[flows.deals-to-invoices.reflect]\n\n[flows.deals-to-invoices.rails]\nfirst-run = \"write\"\n";
        std::fs::write(self.config(), text + flow + timing)?;
        std::fs::write(folder.join("lead-to-cash.toml"), MAPPING)?;
        Ok(())
    }

    /// The configuration, with both connections by a person's consent instead of the app's own credentials.
    pub(crate) fn connect_by_consent(&self) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(self.config())?;
        let mut config: toml::Table = text.parse()?;
        let url = &self.xero_server.base_url;
        for name in ["salesforce", "xero"] {
            let connection = config
                .get_mut("connections")
                .and_then(|all| all.get_mut(name))
                .and_then(toml::Value::as_table_mut)
                .context("the template's connection")?;
            let mut set = |key: &str, value: toml::Value| connection.insert(key.to_owned(), value);
            set("auth", "code".into());
            if name == "xero" {
                set("client-id", PKCE_CLIENT_ID.into());
                set(
                    "authorize-url",
                    format!("{url}/identity/connect/authorize").into(),
                );
                set("revoke-url", format!("{url}/connect/revocation").into());
                connection.remove("client-secret");
            }
        }
        std::fs::write(self.config(), toml::to_string(&config)?)?;
        Ok(())
    }

    /// The configuration's file.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("footbridge.toml")
    }

    /// The configuration, read.
    pub(crate) fn read_config(&self) -> anyhow::Result<Config> {
        Config::read(&self.config())
    }

    /// Where Salesforce and Xero are.
    pub(crate) fn urls(&self) -> [&str; 2] {
        [&self.salesforce_server.base_url, &self.xero_server.base_url]
    }

    /// What the host runs in.
    pub(crate) fn surroundings(&self, sandbox: &Sandbox) -> Surroundings {
        Surroundings {
            sandbox: sandbox.clone(),
            clock: Arc::clone(&self.host) as _,
        }
    }

    /// The faults of both sides.
    pub(crate) fn faults(&self) -> [Faults; 2] {
        [self.xero.faults().clone(), self.salesforce.faults()]
    }

    /// Writes that both let in since the last reset.
    pub(crate) fn writes(&self) -> u64 {
        self.xero.counts().writes + self.salesforce.counts().writes
    }

    /// Counts writes from nought again.
    pub(crate) fn reset_writes(&self) {
        self.xero.reset_counts();
        self.salesforce.reset_counts();
    }

    /// Everything at the far sides works as it should again.
    pub(crate) fn heal(&self) {
        for faults in self.faults() {
            faults.clear();
        }
        self.salesforce.set_duplicate_rules(Vec::new());
        self.salesforce.set_rewrite_rules(Vec::new());
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
