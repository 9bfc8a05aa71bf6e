//! The demo's world: both simulators on this machine, filled with the believable company, and the files of a newcomer.
//!
//! Real limits, real HTTP on loopback. It never looks into the host.

use super::FLOW;
use crate::template::{self, Fill};
use anyhow::Context;
use chrono::{Duration, Utc};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::{
    Company, CompanyOptions, Receipts, WRITE_OFF_ACCOUNT, build, customers_pay,
};
use footbridge_simulators::defects::Defects;
use footbridge_simulators::salesforce::SalesforceSimulator;
use footbridge_simulators::server::Running;
use footbridge_simulators::xero::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, XeroSimulator};
use serde::Serialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

/// The way back, which a newcomer's file has behind marks; with the company's account for bad debts.
fn way_back() -> String {
    format!("\n[flows.{FLOW}.reflect]\nwrite-off-accounts = [{WRITE_OFF_ACCOUNT:?}]\n")
}

/// Calls that the simulators counted; token calls aside.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Calls {
    pub(crate) xero: Side,
    pub(crate) salesforce: Side,
}

/// Reads and writes.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Side {
    pub(crate) read: u64,
    pub(crate) write: u64,
}

/// How far the customers' story runs, in days: invoices are due in about 30, and most people pay within some weeks of that.
const STORY_DAYS: i64 = 75;
/// Xero's lists show a change a moment later.
const LIST_LAG: std::time::Duration = std::time::Duration::from_millis(1_100);

/// Both companies.
pub(crate) struct World {
    pub(crate) company: Company,
    pub(crate) xero: XeroSimulator,
    pub(crate) salesforce: SalesforceSimulator,
    xero_server: Running,
    salesforce_server: Running,
    client: (String, String),
    seed: u64,
}

impl World {
    /// Fills and serves both simulators.
    pub(crate) async fn start(deals: usize, seed: u64) -> anyhow::Result<Self> {
        let company = build(CompanyOptions {
            deals,
            seed,
            as_of: Utc::now(),
        });
        let clock = SimClock::system();
        // Honest ones, whatever a test's environment asks of simulators.
        let mut options = company.salesforce_options();
        options.defects = Defects::none();
        let client = (options.client_id.clone(), options.client_secret.clone());
        let salesforce = SalesforceSimulator::new(options, clock.clone());
        let mut options = company.xero_options();
        options.defects = Defects::none();
        let xero = XeroSimulator::new(options, clock);
        company
            .seed_into(&salesforce, &xero)
            .context("the simulators refused the company")?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Self {
            xero_server: xero
                .serve(any)
                .await
                .context("the Xero simulator can't listen")?,
            salesforce_server: salesforce
                .serve(any)
                .await
                .context("the Salesforce simulator can't listen")?,
            company,
            xero,
            salesforce,
            client,
            seed,
        })
    }

    /// What `init` writes, with the simulators' addresses filled in.
    pub(crate) fn write_files(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        let xero_urls = format!(
            "base-url = \"{0}\"\ntoken-url = \"{0}/connect/token\"\nauthorize-url = \"{0}/identity/connect/authorize\"\nrevoke-url = \"{0}/connect/revocation\"",
            self.xero_url()
        );
        let secrets = [
            ("salesforce.secret", self.client.1.as_str()),
            ("xero.secret", DEMO_CLIENT_SECRET),
        ];
        for (name, secret) in secrets {
            std::fs::write(folder.join(name), secret)?;
        }
        // Relative to the configuration, so that the folder can be used from anywhere.
        let secret = |name: &str| format!("{{ file = {name:?} }}");
        let config = template::filled(&Fill {
            salesforce_url: self.salesforce_url(),
            salesforce_client: &self.client.0,
            salesforce_secret: &secret("salesforce.secret"),
            xero_client: DEMO_CLIENT_ID,
            xero_secret: &secret("xero.secret"),
            xero_urls: &xero_urls,
            go_live: &self
                .company
                .go_live
                .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        });
        let config = config + &way_back();
        std::fs::write(folder.join("footbridge.toml"), config)?;
        std::fs::write(folder.join("lead-to-cash.toml"), template::MAPPING)?;
        Ok(())
    }

    /// The customers do what they do until some weeks from now: pay, in parts, too much, bounce, claim back, never.
    pub(crate) async fn customers_pay(&self) -> anyhow::Result<Receipts> {
        let until = Utc::now() + Duration::days(STORY_DAYS);
        let paid = customers_pay(&self.xero, self.seed, until)
            .context("the Xero simulator refused what the customers paid")?;
        tokio::time::sleep(LIST_LAG).await;
        Ok(paid)
    }

    /// Where the Xero simulator is.
    pub(crate) fn xero_url(&self) -> &str {
        &self.xero_server.base_url
    }

    /// Where the Salesforce simulator is.
    pub(crate) fn salesforce_url(&self) -> &str {
        &self.salesforce_server.base_url
    }

    /// Calls since the last reset, as the simulators counted them.
    pub(crate) fn calls(&self) -> Calls {
        let (xero, salesforce) = (self.xero.counts(), self.salesforce.counts());
        Calls {
            xero: Side {
                read: xero.reads,
                write: xero.writes,
            },
            salesforce: Side {
                read: salesforce.reads,
                write: salesforce.writes,
            },
        }
    }

    /// Counts from nought again.
    pub(crate) fn reset_calls(&self) {
        self.xero.reset_counts();
        self.salesforce.reset_counts();
    }
}
