//! A round's world: both simulators with the believable company, and a folder with what `footbridge init` would write.
//!
//! The simulators behave adversely where the vendors' behaviour isn't known (their defaults). Only Xero's 60 calls a minute are lifted:
//! a round starts the program ten times a minute, which nobody does. Times of the in-doubt rule are scaled, their order is not:
//! time-out < delay of a commit < in flight < resend window < settle.

use crate::binary::root;
use anyhow::Context;
use chrono::{SecondsFormat, Utc};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::{Company, CompanyOptions, build};
use footbridge_simulators::salesforce::SalesforceSimulator;
use footbridge_simulators::server::Running;
use footbridge_simulators::xero::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, XeroSimulator};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Until a request without a whole answer is given up.
pub const TIME_OUT: Duration = Duration::from_secs(2);
/// Before the first look at what got no answer.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// How long the far side may still be working.
pub const IN_FLIGHT: Duration = Duration::from_secs(5);
/// How long the same bytes may be sent again.
pub const RESEND_WINDOW: Duration = Duration::from_secs(9);
/// When reading back may decide.
pub const SETTLE: Duration = Duration::from_secs(11);
/// The simulated Xero's lists show a write after this long.
pub const LIST_LAG: Duration = Duration::from_millis(1_000);

/// Both companies, served.
pub struct World {
    /// What the author of each deal intends.
    pub company: Company,
    /// The simulated Xero.
    pub xero: XeroSimulator,
    /// The simulated Salesforce.
    pub salesforce: SalesforceSimulator,
    xero_server: Running,
    salesforce_server: Running,
}

impl World {
    /// Fills and serves both.
    ///
    /// # Errors
    /// A simulator refused a record or can't listen.
    pub async fn start(deals: usize, seed: u64) -> anyhow::Result<Self> {
        let company = build(CompanyOptions {
            deals,
            seed,
            as_of: Utc::now(),
        });
        let clock = SimClock::system();
        let mut options = company.xero_options();
        options.limits.per_minute = 100_000;
        let xero = XeroSimulator::new(options, clock.clone());
        let salesforce = SalesforceSimulator::new(company.salesforce_options(), clock);
        company
            .seed_into(&salesforce, &xero)
            .context("the simulators refused the company")?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Self {
            xero_server: xero.serve(any).await.context("Xero can't listen")?,
            salesforce_server: salesforce
                .serve(any)
                .await
                .context("Salesforce can't listen")?,
            company,
            xero,
            salesforce,
        })
    }

    /// Where the simulated Xero is.
    pub fn xero_url(&self) -> &str {
        &self.xero_server.base_url
    }

    /// Where the simulated Salesforce is.
    pub fn salesforce_url(&self) -> &str {
        &self.salesforce_server.base_url
    }

    /// Writes that both let in since the last reset.
    pub fn writes(&self) -> u64 {
        self.xero.counts().writes + self.salesforce.counts().writes
    }

    /// Counts writes from nought again.
    pub fn reset_writes(&self) {
        self.xero.reset_counts();
        self.salesforce.reset_counts();
    }

    /// Removes the faults that have not struck yet.
    pub fn heal(&self) {
        self.xero.faults().clear();
        self.salesforce.faults().clear();
    }

    /// The newcomer's files.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn write_files(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let options = self.company.salesforce_options();
        let go_live = self.company.go_live;
        write_files(
            folder,
            [self.salesforce_url(), self.xero_url()],
            [&options.client_id, &options.client_secret],
            &go_live.to_rfc3339_opts(SecondsFormat::Secs, true),
        )
    }
}

/// A folder in which the bundled plugins are installed and nothing was synced: a start from it needs no compilation.
///
/// # Errors
/// The folder can't be written.
pub(crate) fn write_empty(folder: &Path) -> anyhow::Result<PathBuf> {
    let nowhere = "http://127.0.0.1:9";
    write_files(folder, [nowhere; 2], ["nobody"; 2], "2026-01-01T00:00:00Z")
}

fn write_files(
    folder: &Path,
    [salesforce, xero]: [&str; 2],
    [client, secret]: [&str; 2],
    go_live: &str,
) -> anyhow::Result<PathBuf> {
    let templates = root().join("templates");
    let read = |name: &str| {
        std::fs::read_to_string(templates.join(name)).with_context(|| format!("templates/{name}"))
    };
    let kept = |name: &str, text: &str| -> anyhow::Result<String> {
        let path = folder.join(name);
        std::fs::write(&path, text)?;
        Ok(format!("{{ file = {:?} }}", path.display().to_string()))
    };
    let time_out = format!("timeout-seconds = {}", TIME_OUT.as_secs());
    let config = read("footbridge.toml")?
        .replace("{{salesforce-url}}", salesforce)
        .replace("{{salesforce-client}}", client)
        .replace(
            "{{salesforce-secret}}",
            &format!("{}\n{time_out}", kept("salesforce.secret", secret)?),
        )
        .replace("{{xero-client}}", DEMO_CLIENT_ID)
        .replace("{{xero-secret}}", &kept("xero.secret", DEMO_CLIENT_SECRET)?)
        .replace(
            "{{xero-urls}}",
            &format!("base-url = \"{xero}\"\ntoken-url = \"{xero}/connect/token\"\n{time_out}"),
        )
        .replace("{{go-live}}", go_live);
    // A round starts from nothing and runs unattended.
    let rails = "\n[flows.deals-to-invoices.rails]\nfirst-run = \"write\"\n";
    let timing = format!(
        "{rails}\n[timing]\nin-flight-seconds = {}\nresend-window-seconds = {}\nsettle-seconds = {}\npatience-seconds = {}\n",
        IN_FLIGHT.as_secs(),
        RESEND_WINDOW.as_secs(),
        SETTLE.as_secs(),
        PATIENCE.as_secs(),
    );
    let file = folder.join("footbridge.toml");
    std::fs::write(&file, config + &timing)?;
    std::fs::write(
        folder.join("lead-to-cash.toml"),
        read("mappings/lead-to-cash.toml")?,
    )?;
    Ok(file)
}
