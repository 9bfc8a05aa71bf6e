//! The Xero connector alone, through sandbox and broker but without the engine: what it reads of an organisation, in how many calls.
//!
//! For what cases can't say because it isn't about deals. Holds no expectation of its own.

use crate::play::CaseClock;
use crate::setting::Setting;
use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use footbridge_engine::ports::Connector;
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::{Criteria, FeedRequest, Found, Item};
use footbridge_sandbox::{
    Broker, BrokerOptions, Connection, InstallationKey, Provider, Secret, SecretSource,
};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::server::Running;
use footbridge_simulators::xero::{
    self, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, OrganisationSetup, Switches, XeroOptions,
    XeroSimulator,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// An organisation and the connector that reads it.
pub struct Ledger {
    /// The organisation, to put records in and to count calls.
    pub xero: XeroSimulator,
    clock: SimClock,
    connector: Arc<dyn Connector>,
    _broker: Arc<Broker>,
    _server: Running,
    _folder: tempfile::TempDir,
}

impl Ledger {
    /// An empty organisation of the United Kingdom, at that instant.
    ///
    /// # Errors
    /// The simulator can't listen, or the connector isn't there.
    pub async fn open(
        setting: &Setting,
        at: DateTime<Utc>,
        switches: Switches,
    ) -> anyhow::Result<Self> {
        let clock = SimClock::at(at);
        let firm = OrganisationSetup::new("The Firm Ltd", xero::Country::UnitedKingdom);
        let options = XeroOptions {
            organisations: vec![firm],
            credentials: vec![xero::Credential::new(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, 0)],
            switches,
            ..XeroOptions::default()
        };
        let xero = XeroSimulator::new(options, clock.clone());
        let server = xero
            .serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await?;
        let folder = tempfile::tempdir()?;
        let secret = SecretSource::Given(Secret::new(DEMO_CLIENT_SECRET.to_owned()));
        let mut connection = Connection::new("xero", Provider::Xero, DEMO_CLIENT_ID, secret);
        connection.base_url = Some(server.base_url.clone());
        connection.token_url = Some(format!("{}/connect/token", server.base_url));
        let broker = Broker::new(
            vec![connection],
            BrokerOptions {
                key: InstallationKey::open_or_create(&folder.path().join("key"))?,
                tokens: None,
                clock: Arc::new(CaseClock(clock.clone())),
                audit: None,
            },
        )?;
        let installed = setting.sandbox.installed("xero")?;
        let connector =
            setting
                .sandbox
                .connector(&installed, &broker, &ConnectionId::new("xero"), None)?;
        Ok(Self {
            xero,
            clock,
            connector,
            _broker: broker,
            _server: server,
            _folder: folder,
        })
    }

    /// Lets time pass, longer than any lag or overlap.
    pub fn later(&self) {
        self.clock.advance(Duration::minutes(20));
    }

    /// Everything that changed since the cursor: the records, the next cursor, and the calls that it took.
    ///
    /// # Errors
    /// The connector says why.
    pub async fn changes(
        &self,
        object: &str,
        cursor: Option<String>,
    ) -> anyhow::Result<(Vec<Item>, Option<String>, u64)> {
        self.xero.reset_counts();
        let (mut items, mut cursor) = (Vec::new(), cursor);
        loop {
            let request = FeedRequest {
                object: object.to_owned(),
                cursor,
                limit: 1000,
                fields: Vec::new(),
            };
            let (page, _) = self.connector.read_changes(request).await?;
            items.extend(page.items);
            cursor = page.next;
            if page.complete {
                return Ok((items, cursor, self.xero.counts().reads));
            }
            anyhow::ensure!(items.len() < 10_000, "pages without end");
        }
    }

    /// Records by id.
    ///
    /// # Errors
    /// The connector says why.
    pub async fn fetch(&self, object: &str, ids: &[&str]) -> anyhow::Result<Found> {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        Ok(self.connector.fetch(object, ids, Vec::new()).await?)
    }

    /// Records by natural key.
    ///
    /// # Errors
    /// The connector says why.
    pub async fn find(&self, object: &str, key: &str, value: &str) -> anyhow::Result<Found> {
        let criteria = Criteria {
            object: object.to_owned(),
            key: key.to_owned(),
            values: vec![value.to_owned()],
            parents: Vec::new(),
            changed_since: None,
            fields: Vec::new(),
        };
        Ok(self.connector.find(criteria).await?)
    }

    /// The id that the simulator gave to a record that it loads.
    ///
    /// # Errors
    /// It refuses the record.
    pub fn load(
        &self,
        collection: &str,
        id: &str,
        record: serde_json::Value,
    ) -> anyhow::Result<String> {
        let loaded = self.xero.load(collection, record)?;
        let id = loaded.get(id).and_then(serde_json::Value::as_str);
        Ok(id.context("a record without id")?.to_owned())
    }
}
