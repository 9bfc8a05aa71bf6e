//! Both companies and the program between them, all in this process: simulators on loopback, a data directory in memory, one simulated time.
//!
//! It starts and ends the program and carries out nothing else. Next: `act` (what people do), `play`.

use crate::life::{HostClock, Life, Mortal, MortalWay, Network, locked};
use crate::observer::Observer;
use crate::records::{Records, money};
use crate::schedule::{Account, Customers, Deal, Numbers, Setup, Side, Standing, Status, Switch};
use crate::witness::Witness;
use anyhow::Context;
use chrono::{DateTime, Duration, NaiveDate, SecondsFormat, Utc};
use footbridge::compose::{Kit, Surroundings};
use footbridge::config::Config;
use footbridge::provisioning::provision;
use footbridge::template::{Fill, MAPPING, filled};
use footbridge_engine::ports::Clock;
use footbridge_engine::{Engine, RunReport};
use footbridge_scenarios::Setting;
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::add_fields;
use footbridge_simulators::salesforce::options::{Currencies, PersonAccounts};
use footbridge_simulators::salesforce::{SalesforceOptions, SalesforceSimulator};
use footbridge_simulators::server::Running;
use footbridge_simulators::xero::{
    self, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, OrganisationSetup, Switches, XeroOptions,
    XeroSimulator,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Deals won before it are history.
pub(crate) const GO_LIVE: &str = "2026-10-01T00:00:00Z";

/// The world of one story.
pub struct World {
    /// Whose time everything goes by.
    pub clock: SimClock,
    /// The ledger.
    pub xero: XeroSimulator,
    /// The CRM.
    pub salesforce: SalesforceSimulator,
    /// What people did.
    pub witness: Witness,
    /// Ids of the deals, in the order in which they were made.
    pub(crate) deals: Vec<String>,
    /// Ids of the accounts likewise.
    pub(crate) accounts: Vec<String>,
    pub(crate) setup: Setup,
    pub(crate) network: Arc<Network>,
    pub(crate) observer: Arc<Observer>,
    host: Arc<HostClock>,
    program: Option<Program>,
    config: Config,
    surroundings: Surroundings,
    product: String,
    _servers: (Running, Running),
    _folder: tempfile::TempDir,
}

/// The program while it runs.
struct Program {
    engine: Arc<Engine>,
    life: Arc<Life>,
}

/// How a run ended.
pub(crate) enum Run {
    Through(Box<RunReport>),
    Failed(String),
    Killed,
}

/// A folder in memory where there is one: flushing to a disk costs more than everything else together.
fn ground() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

impl World {
    /// Starts and fills both sides.
    pub(crate) async fn start(setup: &Setup, setting: &Setting) -> anyhow::Result<Self> {
        let first = NaiveDate::from_ymd_opt(2026, 10, 25).context("a date")?;
        let first = first.and_hms_opt(0, 0, 0).context("a time")?.and_utc();
        let clock = SimClock::at(
            first
                + Duration::days(setup.starts_on_day.clamp(0, 3_650))
                + Duration::minutes(setup.starts_at_minute.clamp(0, 1_439))
                - Duration::hours(1),
        );
        let salesforce = SalesforceSimulator::new(salesforce_options(setup)?, clock.clone());
        add_fields(&salesforce)?;
        let xero = XeroSimulator::new(xero_options(setup)?, clock.clone());
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let servers = (xero.serve(any).await?, salesforce.serve(any).await?);
        let folder = tempfile::tempdir_in(ground())?;
        write_files(setup, &servers, folder.path())?;
        let config = Config::read(&folder.path().join("footbridge.toml"))?;
        let network = Arc::new(Network::new(clock.clone()));
        let host = Arc::new(HostClock {
            network: Arc::clone(&network),
            wrong_by: Mutex::new(Duration::zero()),
        });
        let data = folder.path().join("footbridge-data");
        std::fs::create_dir_all(&data)?;
        let mut world = Self {
            observer: Arc::new(Observer::new(&data)?),
            surroundings: Surroundings {
                sandbox: setting.sandbox().clone(),
                clock: Arc::clone(&host) as Arc<dyn Clock>,
            },
            witness: Witness::default(),
            deals: Vec::new(),
            accounts: Vec::new(),
            setup: setup.clone(),
            program: None,
            product: String::new(),
            clock,
            xero,
            salesforce,
            network,
            host,
            config,
            _servers: servers,
            _folder: folder,
        };
        world.fill(setup)?;
        world.clock.advance(Duration::hours(1));
        if setup.way_back == Switch::On {
            provision(&world.config, None, &world.surroundings).await?;
        }
        Ok(world)
    }

    fn fill(&mut self, setup: &Setup) -> anyhow::Result<()> {
        let work = json!({"Name": "Work", "IsActive": true});
        self.product = self.load("Product2", work)?;
        for currency in ["GBP", "EUR", "USD", "JPY"] {
            let entry = json!({
                "Product2Id": self.product, "Pricebook2Id": self.salesforce.standard_pricebook_id(),
                "UnitPrice": "1", "CurrencyIsoCode": currency, "IsActive": true,
            });
            self.load("PricebookEntry", entry)?;
        }
        for account in &setup.accounts {
            self.new_account(account)?;
        }
        for account in setup
            .known_in_xero
            .iter()
            .filter_map(|at| setup.accounts.get(*at))
        {
            self.xero.load("Contacts", json!({"Name": account.name}))?;
        }
        for deal in &setup.deals {
            self.old_deal(deal)?;
        }
        Ok(())
    }

    pub(crate) fn new_account(&mut self, account: &Account) -> anyhow::Result<()> {
        let record = json!({
            "Name": account.name, "CurrencyIsoCode": "GBP", "BillingCity": "Town", "Phone": "01234 567",
            "BillingCountryCode": account.country,
        });
        let id = self.salesforce.create("Account", fields(record))?;
        self.witness.touched(&id);
        self.accounts.push(id);
        Ok(())
    }

    /// A deal that was there before the story begins.
    fn old_deal(&mut self, deal: &Deal) -> anyhow::Result<()> {
        let won = match deal.standing {
            Standing::Open => None,
            Standing::Won => Some(self.clock.now() - Duration::days(2)),
            Standing::History => Some("2026-09-10T11:00:00Z".parse()?),
        };
        let created = won.unwrap_or_else(|| self.clock.now()) - Duration::days(20);
        let moved = won.unwrap_or(created);
        let mut record = self.deal_record(deal)?;
        for (field, value) in [
            ("CreatedDate", json!(stamp(created))),
            ("LastModifiedDate", json!(stamp(moved))),
            ("SystemModstamp", json!(stamp(moved))),
            ("LastStageChangeDate", json!(stamp(moved))),
            ("CloseDate", json!(moved.date_naive().to_string())),
        ] {
            record.insert(field.to_owned(), value);
        }
        let id = self.load("Opportunity", Value::Object(record))?;
        for (position, price) in deal.lines.iter().enumerate() {
            let mut line = self.line_record(&id, &deal.currency, *price)?;
            line.insert("SortOrder".to_owned(), json!(position + 1));
            line.insert("SystemModstamp".to_owned(), json!(stamp(created)));
            self.load("OpportunityLineItem", Value::Object(line))?;
        }
        self.remember_deal(deal, id);
        Ok(())
    }

    /// A deal that someone enters now.
    pub(crate) fn new_deal(&mut self, deal: &Deal) -> anyhow::Result<String> {
        let mut record = self.deal_record(deal)?;
        let close = self.clock.now().date_naive() + Duration::days(14);
        record.insert("CloseDate".to_owned(), json!(close.to_string()));
        record.insert("StageName".to_owned(), json!("Prospecting"));
        let id = self.salesforce.create("Opportunity", record)?;
        for price in &deal.lines {
            let line = self.line_record(&id, &deal.currency, *price)?;
            self.salesforce.create("OpportunityLineItem", line)?;
        }
        if deal.standing != Standing::Open {
            let won = fields(json!({"StageName": "Closed Won"}));
            self.salesforce.edit("Opportunity", &id, won)?;
        }
        let deal = Deal {
            standing: match deal.standing {
                Standing::Open => Standing::Open,
                Standing::Won | Standing::History => Standing::Won,
            },
            ..deal.clone()
        };
        self.remember_deal(&deal, id.clone());
        Ok(id)
    }

    fn remember_deal(&mut self, deal: &Deal, id: String) {
        match deal.standing {
            Standing::Open => {}
            Standing::Won => {
                self.witness.won.insert(id.clone());
            }
            Standing::History => {
                self.witness.history.insert(id.clone());
            }
        }
        if let Some(account) = pick(&self.accounts, deal.account) {
            self.witness.touched(&account);
        }
        self.deals.push(id);
    }

    fn deal_record(&self, deal: &Deal) -> anyhow::Result<serde_json::Map<String, Value>> {
        let account = pick(&self.accounts, deal.account).context("there is no account")?;
        let won = deal.standing != Standing::Open;
        let mut record = fields(json!({
            "Name": format!("Deal {}", self.deals.len() + 1), "AccountId": account, "CurrencyIsoCode": deal.currency,
            "StageName": if won { "Closed Won" } else { "Prospecting" },
            "Pricebook2Id": self.salesforce.standard_pricebook_id(), "Billing_Plan__c": deal.plan,
        }));
        if deal.lines.is_empty() {
            record.insert("Amount".to_owned(), json!(money(deal.amount)));
        }
        record.retain(|_, value| !value.is_null());
        Ok(record)
    }

    pub(crate) fn line_record(
        &self,
        deal: &str,
        currency: &str,
        price: i64,
    ) -> anyhow::Result<serde_json::Map<String, Value>> {
        let entries = self.salesforce.dump("PricebookEntry");
        let entry = entries
            .iter()
            .find(|entry| crate::records::text(entry, "CurrencyIsoCode") == currency)
            .with_context(|| format!("nothing is sold in {currency}"))?;
        Ok(fields(json!({
            "OpportunityId": deal, "PricebookEntryId": crate::records::text(entry, "Id"), "Quantity": "1",
            "UnitPrice": money(price), "Description": "Work",
        })))
    }

    fn load(&self, object: &str, record: Value) -> anyhow::Result<String> {
        let loaded = self.salesforce.load(object, record)?;
        Ok(crate::records::text(&loaded, "Id"))
    }

    /// For those who meddle: a deal that they made counts as won.
    pub fn counts_as_won(&mut self, deal: &str) {
        self.witness.won.insert(deal.to_owned());
    }

    /// Everything that both sides hold.
    pub fn records(&self) -> Records {
        Records::read(&self.xero, &self.salesforce)
    }

    /// Whether Xero knew an account before the story began.
    pub(crate) fn was_known(&self, account: &str) -> bool {
        let known = &self.setup.known_in_xero;
        let mut known = known.iter().filter_map(|at| self.accounts.get(*at));
        known.any(|known| known == account)
    }

    /// A customer's value was given on a side.
    pub(crate) fn edited(&mut self, account: &str, side: Side, field: &str, to: &str) {
        if self.was_known(account) {
            self.witness.edited_if_compared(account, side, field, to);
        } else {
            self.witness.edited(account, side, field, to);
        }
    }

    /// The host's clock is wrong by so much.
    pub(crate) fn host_clock(&self, seconds: i64) {
        *locked(&self.host.wrong_by) = Duration::seconds(seconds);
    }

    /// All troubles end.
    pub(crate) fn heals(&self) {
        self.xero.faults().clear();
        self.salesforce.faults().clear();
        self.network.heals();
        self.host_clock(0);
    }

    /// The program, started if it isn't running.
    pub(crate) async fn program(&mut self) -> anyhow::Result<Arc<Engine>> {
        if let Some(program) = &self.program {
            return Ok(Arc::clone(&program.engine));
        }
        let life = Life::until(0);
        let engine = self.begin(&life).await?;
        self.program = Some(Program {
            engine: Arc::clone(&engine),
            life,
        });
        Ok(engine)
    }

    async fn begin(&self, life: &Arc<Life>) -> anyhow::Result<Arc<Engine>> {
        let Kit {
            flow, mut parts, ..
        } = Kit::open_in(&self.config, &self.surroundings)?;
        parts.watch = Arc::clone(life) as Arc<_>;
        let store = Arc::clone(&parts.store);
        parts.store = Arc::new(Mortal {
            store: parts.store,
            life: Arc::clone(life),
            observer: Arc::clone(&self.observer),
        });
        parts.outbound = Arc::new(MortalWay {
            outbound: parts.outbound,
            store,
            life: Arc::clone(life),
            observer: Arc::clone(&self.observer),
            network: Arc::clone(&self.network),
        });
        Ok(Arc::new(Engine::open(flow, parts).await?))
    }

    /// The program ends, and its store is free again.
    pub(crate) async fn stop(&mut self) {
        if let Some(program) = self.program.take() {
            program.life.ends();
            ended(program.engine).await;
        }
    }

    /// One run.
    pub(crate) async fn run(&mut self) -> anyhow::Result<Run> {
        let engine = self.program().await?;
        Ok(match engine.sync().await {
            Ok(report) => Run::Through(Box::new(report)),
            Err(error) => Run::Failed(said(&error)),
        })
    }

    /// One run of a process that is gone at a point of it.
    pub(crate) async fn run_until(&mut self, point: usize) -> anyhow::Result<Run> {
        self.stop().await;
        let life = Life::until(point.max(1));
        let engine = self.begin(&life).await?;
        let running = Arc::clone(&engine);
        let mut run = tokio::spawn(async move { running.sync().await });
        let through = tokio::select! {
            biased;
            () = life.end.notified() => None,
            ended = &mut run => Some(ended?),
        };
        let run = match through {
            Some(Ok(report)) => Run::Through(Box::new(report)),
            Some(Err(error)) => Run::Failed(said(&error)),
            None => {
                run.abort();
                let _cancelled = run.await;
                Run::Killed
            }
        };
        life.ends();
        ended(engine).await;
        Ok(run)
    }
}

/// Waits until nothing of a process is left.
async fn ended(engine: Arc<Engine>) {
    let gone = Arc::downgrade(&engine);
    drop(engine);
    while gone.strong_count() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// An error with its causes, on one line.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// One of a list that is gone round.
pub(crate) fn pick(of: &[String], place: usize) -> Option<String> {
    let place = place.checked_rem(of.len())?;
    of.get(place).cloned()
}

/// The fields of a record.
pub(crate) fn fields(record: Value) -> serde_json::Map<String, Value> {
    match record {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn salesforce_options(setup: &Setup) -> anyhow::Result<SalesforceOptions> {
    let mut options = SalesforceOptions {
        currencies: Currencies::Multi,
        person_accounts: PersonAccounts::Off,
        daily_calls: 1_000_000,
        ..SalesforceOptions::default()
    };
    for (name, value) in &setup.salesforce {
        options.set(name, value)?;
    }
    Ok(options)
}

fn xero_options(setup: &Setup) -> anyhow::Result<XeroOptions> {
    let mut switches = Switches::default();
    for (name, value) in &setup.xero {
        switches.set(name, value)?;
    }
    let firm = OrganisationSetup::new("The Firm Ltd", xero::Country::UnitedKingdom);
    Ok(XeroOptions {
        organisations: vec![firm],
        credentials: vec![xero::Credential::new(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, 0)],
        switches,
        ..XeroOptions::default()
    })
}

/// What `footbridge init` writes, filled in, one write at a time.
fn write_files(setup: &Setup, servers: &(Running, Running), folder: &Path) -> anyhow::Result<()> {
    let secret = |name: &str, text: &str| -> anyhow::Result<String> {
        let path = folder.join(name);
        std::fs::write(&path, text)?;
        Ok(format!("{{ file = {:?} }}", path.display().to_string()))
    };
    let (xero, salesforce) = (&servers.0.base_url, &servers.1.base_url);
    let options = SalesforceOptions::default();
    let text = filled(&Fill {
        salesforce_url: salesforce,
        salesforce_client: &options.client_id,
        salesforce_secret: &secret("salesforce.secret", &options.client_secret)?,
        xero_client: DEMO_CLIENT_ID,
        xero_secret: &secret("xero.secret", DEMO_CLIENT_SECRET)?,
        xero_urls: &format!("base-url = \"{xero}\"\ntoken-url = \"{xero}/connect/token\""),
        go_live: GO_LIVE,
    });
    let mut config: toml::Table = text.parse()?;
    let mut timing = toml::Table::new();
    timing.insert("concurrency".to_owned(), toml::Value::Integer(1));
    config.insert("timing".to_owned(), toml::Value::Table(timing));
    let flow = config
        .get_mut("flows")
        .and_then(|flows| flows.get_mut("deals-to-invoices"))
        .and_then(toml::Value::as_table_mut)
        .context("the template's flow")?;
    flow.extend("rails = { first-run = \"write\" }".parse::<toml::Table>()?);
    if setup.customers == Customers::Owned {
        let table = |of: &BTreeMap<String, String>, value: &dyn Fn(&str) -> toml::Value| {
            let all = of.iter().map(|(name, said)| (name.clone(), value(said)));
            toml::Value::Table(all.collect())
        };
        let owner = |owner: &str| {
            toml::Value::Table([("owner".to_owned(), owner.into())].into_iter().collect())
        };
        let mut customers: toml::Table = "objects = [\"Account\"]".parse()?;
        customers.insert("fields".to_owned(), table(&setup.owners, &owner));
        customers.insert("back".to_owned(), table(&setup.back, &|place| place.into()));
        flow.insert("customers".to_owned(), toml::Value::Table(customers));
    }
    if setup.way_back == Switch::On {
        let mut reflect = toml::Table::new();
        let days = toml::Value::Integer(i64::from(setup.sweep_days.max(1)));
        reflect.insert("sweep-days".to_owned(), days);
        flow.insert("reflect".to_owned(), toml::Value::Table(reflect));
    }
    let billing = flow
        .get_mut("billing")
        .and_then(toml::Value::as_table_mut)
        .context("the template's billing")?;
    if setup.status == Status::Draft {
        billing.insert("status".to_owned(), "draft".into());
    }
    if setup.numbers == Numbers::Counter {
        let counter: toml::Table =
            "number = { counter = { prefix = \"SI-\", first = 1, digits = 4 } }".parse()?;
        billing.extend(counter);
    }
    std::fs::write(folder.join("footbridge.toml"), toml::to_string(&config)?)?;
    let mapping = if setup.owners.contains_key("phones.main") {
        with_phones()
    } else {
        MAPPING.to_owned()
    };
    std::fs::write(folder.join("lead-to-cash.toml"), mapping)?;
    Ok(())
}

/// The shipped mapping, which makes no phones, with them.
fn with_phones() -> String {
    const PHONES: &str = "[[map.fields.phones]]\nwhen = \"filled(Phone)\"\n[map.fields.phones.fields]\nkind = \"'main'\"\nnumber = \"Phone\"\n\n";
    const BEFORE: &str = "[[map.fields.addresses]]";
    MAPPING.replacen(BEFORE, &format!("{PHONES}{BEFORE}"), 1)
}
