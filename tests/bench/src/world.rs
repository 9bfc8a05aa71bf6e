//! Both simulated companies for a sync: zero latency, Xero's 60 calls a minute lifted, on threads of their own.
//!
//! Everything else of theirs stays as strict as it is. The product's files are those that `footbridge init` writes.

use anyhow::Context;
use chrono::{SecondsFormat, Utc};
use footbridge::compose::{Composition, Surroundings};
use footbridge::config::Config;
use footbridge::template::{Fill, MAPPING, filled};
use footbridge_sandbox::{Sandbox, SystemClock};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::{Company, CompanyOptions, build};
use footbridge_simulators::salesforce::SalesforceSimulator;
use footbridge_simulators::server::Running;
use footbridge_simulators::xero::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, XeroSimulator};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// What the simulators' threads are called.
pub(crate) const THREADS: &str = "simulator";

/// Both companies, served.
pub(crate) struct World {
    pub(crate) company: Company,
    pub(crate) xero: XeroSimulator,
    pub(crate) salesforce: SalesforceSimulator,
    xero_server: Running,
    salesforce_server: Running,
    runtime: Option<Runtime>,
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl World {
    pub(crate) async fn start(deals: usize) -> anyhow::Result<Self> {
        let company = build(CompanyOptions {
            deals,
            seed: 7,
            as_of: Utc::now(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .thread_name(THREADS)
            .build()?;
        let clock = SimClock::system();
        let mut options = company.xero_options();
        options.limits.per_minute = 1_000_000;
        let xero = XeroSimulator::new(options, clock.clone());
        let salesforce = SalesforceSimulator::new(company.salesforce_options(), clock);
        company
            .seed_into(&salesforce, &xero)
            .context("the simulators refused the company")?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (one, other) = (xero.clone(), salesforce.clone());
        Ok(Self {
            xero_server: runtime.spawn(async move { one.serve(any).await }).await??,
            salesforce_server: runtime
                .spawn(async move { other.serve(any).await })
                .await??,
            company,
            xero,
            salesforce,
            runtime: Some(runtime),
        })
    }

    pub(crate) fn write_files(&self, folder: &Path) -> anyhow::Result<()> {
        let options = self.company.salesforce_options();
        let secret = |name: &str, text: &str| -> anyhow::Result<String> {
            let path = folder.join(name);
            std::fs::write(&path, text)?;
            Ok(format!("{{ file = {:?} }}", path.display().to_string()))
        };
        let xero = &self.xero_server.base_url;
        let go_live = &self.company.go_live;
        let config = filled(&Fill {
            salesforce_url: &self.salesforce_server.base_url,
            salesforce_client: &options.client_id,
            salesforce_secret: &secret("salesforce.secret", &options.client_secret)?,
            xero_client: DEMO_CLIENT_ID,
            xero_secret: &secret("xero.secret", DEMO_CLIENT_SECRET)?,
            xero_urls: &format!("base-url = \"{xero}\"\ntoken-url = \"{xero}/connect/token\""),
            go_live: &go_live.to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        let unasked = "\n[flows.deals-to-invoices.rails]\nfirst-run = \"write\"\n";
        std::fs::write(folder.join("footbridge.toml"), config + unasked)?;
        std::fs::write(folder.join("lead-to-cash.toml"), MAPPING)?;
        Ok(())
    }
}

/// What `footbridge sync` opens, with the plugins that are installed already.
pub(crate) async fn open(folder: &Path, sandbox: &Sandbox) -> anyhow::Result<Composition> {
    let config = Config::read(&folder.join("footbridge.toml"))?;
    let surroundings = Surroundings {
        sandbox: sandbox.clone(),
        clock: Arc::new(SystemClock),
    };
    Composition::open_in(&config, &surroundings).await
}
