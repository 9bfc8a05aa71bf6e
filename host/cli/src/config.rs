//! `footbridge.toml`: read whole and checked before anything starts. An error names file, line, key, what was found and what is accepted.
//!
//! No secret stands in it, only where secrets are found.

mod lenient;

pub(crate) use lenient::Bare;

use crate::customers::Customers;
use crate::exit::UsageError;
use crate::typed;
use chrono::{DateTime, Utc};
use footbridge_engine::config::{Timing, Unproven};
use footbridge_engine::{FlowConfig, ReflectConfig, TransformGrant};
use footbridge_model::id::{ConnectionId, FlowName};
use footbridge_model::receivable::DocumentKind;
use footbridge_plan::FlowPolicy;
use footbridge_plan::policy::{Billing, DealPaths, TaxRule, WriteBack};
use footbridge_plan::rails::{Pilot, Rails};
use footbridge_plan::reflect::input::ReflectPolicy;
use footbridge_sandbox::{Connection, Publisher};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Every open document is read again within so many days, unless the flow says otherwise.
const SWEEP_DAYS: u32 = 7;
/// Longest time that a change may go unseen.
const MOST_SWEEP_DAYS: u32 = 90;

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The data directory, relative to this file. `footbridge-data`.
    #[serde(default = "default_data")]
    pub(crate) data: PathBuf,
    /// The key that seals tokens, relative to this file; never inside the data directory. `footbridge.key`.
    #[serde(default = "default_key")]
    pub(crate) key: PathBuf,
    /// `sled` or `redb`.
    #[serde(default)]
    pub(crate) store: StoreKind,
    /// Times of the in-doubt rule.
    #[serde(default)]
    pub(crate) timing: Times,
    /// How long what was sent and answered is kept.
    #[serde(default)]
    pub(crate) retention: Retention,
    /// Plugins that don't come along.
    #[serde(default)]
    pub(crate) plugins: Plugins,
    /// Connections by name.
    pub(crate) connections: BTreeMap<String, Connection>,
    /// Flows by name.
    pub(crate) flows: BTreeMap<String, Flow>,
    /// The folder that relative paths start from.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// Plugins that don't come along: where new ones are looked for, and whose they may be.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Plugins {
    /// The watched folder, relative to this file. `plugins/inbox` in the data directory.
    pub(crate) folder: Option<PathBuf>,
    /// Pinned keys by the plugins' ids.
    pub(crate) publishers: BTreeMap<String, Publisher>,
}

/// How long what was sent and answered is kept.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Retention {
    /// Bodies of settled requests, their answers, and saved plans: so many days, from 1 on. For good.
    pub(crate) bodies_days: Option<NonZeroU16>,
}

/// The embedded stores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StoreKind {
    /// The default.
    #[default]
    Sled,
    /// The alternative.
    Redb,
}

/// Times of the in-doubt rule, in seconds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Times {
    /// How long the same bytes may be sent again under the same key. 300.
    pub(crate) resend_window_seconds: Option<u64>,
    /// How long the far side may still work on a request that nobody waits for. 120.
    pub(crate) in_flight_seconds: Option<u64>,
    /// When reading back may decide. 600.
    pub(crate) settle_seconds: Option<u64>,
    /// Wait before looking at what got no answer. 5.
    pub(crate) patience_seconds: Option<u64>,
    /// `ask` or `resend`.
    pub(crate) unproven_absence: Option<Absence>,
    /// Write requests under way at once on a connection. 4.
    pub(crate) concurrency: Option<usize>,
}

/// What an absence that can't be proven leads to.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Absence {
    /// A person decides.
    Ask,
    /// It counts as proof.
    Resend,
}

/// One flow.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Flow {
    /// The CRM's connection.
    pub(crate) source: String,
    /// The ledger's connection.
    pub(crate) ledger: String,
    /// The installed transform; `mapping` is the declarative one that comes along.
    #[serde(default = "default_transform")]
    pub(crate) transform: String,
    /// The transform's settings file, relative to this file; for `mapping` the TOML mapping.
    pub(crate) mapping: PathBuf,
    /// Objects that become customers, and how their changes are followed.
    pub(crate) customers: Customers,
    /// The live organisation's name, typed, where the other side is a sandbox or demo company.
    pub(crate) mixed: Option<String>,
    /// Opens a record of the CRM: the id is appended.
    pub(crate) record_url: String,
    /// Only deals that became won at or after this instant are billed.
    #[serde(deserialize_with = "instant")]
    pub(crate) go_live: DateTime<Utc>,
    /// Where the deal says what is needed.
    pub(crate) deal: DealPaths,
    /// What to bill and how.
    pub(crate) billing: Billing,
    /// Tax rules, first match wins.
    #[serde(default)]
    pub(crate) tax_rules: Vec<TaxRule>,
    /// What is written on the deal.
    pub(crate) write_back: Option<WriteBack>,
    /// The way back: what customers owe and paid is shown in the CRM. Off where it is missing.
    pub(crate) reflect: Option<Reflect>,
    /// What is carried out without asking.
    #[serde(default)]
    pub(crate) rails: Rails,
}

/// The way back of a flow.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Reflect {
    /// Codes of ledger accounts that stand for giving up: what is settled against them is shown as written off.
    pub(crate) write_off_accounts: BTreeSet<String>,
    /// Every open document is read again within so many days. 7.
    pub(crate) sweep_days: Option<u32>,
    /// What opens a document in the ledger.
    pub(crate) links: Links,
}

/// Opens a document in the ledger, by kind: the id is appended.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Links {
    /// The write-back's, where it isn't given.
    pub(crate) invoice: Option<String>,
    /// None, where it isn't given; the same for those below.
    pub(crate) credit_note: Option<String>,
    pub(crate) overpayment: Option<String>,
    pub(crate) prepayment: Option<String>,
}

impl Reflect {
    fn config(&self, write_back: Option<&WriteBack>) -> ReflectConfig {
        let links = &self.links;
        let of_write_back = write_back.map(|back| back.invoice_url.clone());
        let links = [
            (
                DocumentKind::Invoice,
                links.invoice.clone().or(of_write_back),
            ),
            (DocumentKind::CreditNote, links.credit_note.clone()),
            (DocumentKind::Overpayment, links.overpayment.clone()),
            (DocumentKind::Prepayment, links.prepayment.clone()),
        ];
        ReflectConfig {
            policy: ReflectPolicy {
                write_off_accounts: self.write_off_accounts.clone(),
                links: links
                    .into_iter()
                    .filter_map(|(kind, link)| Some((kind.as_str().to_owned(), link?)))
                    .collect(),
            },
            sweep_days: self.sweep_days.unwrap_or(SWEEP_DAYS),
        }
    }
}

fn default_data() -> PathBuf {
    PathBuf::from("footbridge-data")
}

fn default_key() -> PathBuf {
    PathBuf::from("footbridge.key")
}

fn default_transform() -> String {
    "mapping".to_owned()
}

/// An instant as text.
fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!(
            "{text:?} is no instant. Write date, time and zone, such as \"2026-10-01T00:00:00Z\""
        ))
    })
}

/// The folder that relative paths of a configuration start from.
fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// The first thing that is wrong: file, line, key, what was found, what is accepted.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).map_err(|e| {
            UsageError(format!(
                "{} can't be read: {e}. `footbridge init` writes one to start from; `--config FILE` names another",
                file.display()
            ))
        })?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|e| UsageError(format!("{}: {}", file.display(), e.to_string().trim_end())))?;
        config.folder = folder_of(file);
        for (name, connection) in &mut config.connections {
            connection.name = ConnectionId::new(name.clone());
            connection.find_secrets_in(&config.folder);
        }
        config.check(file)?;
        Ok(config)
    }

    fn check(&self, file: &Path) -> Result<(), UsageError> {
        let names: Vec<&str> = self.connections.keys().map(String::as_str).collect();
        let wrong = |what: String| UsageError(format!("{}: {what}", file.display()));
        for (flow, config) in &self.flows {
            for (key, connection) in [("source", &config.source), ("ledger", &config.ledger)] {
                if !self.connections.contains_key(connection) {
                    return Err(wrong(format!(
                        "[flows.{flow}] {key} = {connection:?} is not a connection. Connections are: {}",
                        names.join(", ")
                    )));
                }
            }
            let days = config
                .reflect
                .as_ref()
                .and_then(|reflect| reflect.sweep_days);
            if days.is_some_and(|days| !(1..=MOST_SWEEP_DAYS).contains(&days)) {
                return Err(wrong(format!(
                    "[flows.{flow}.reflect] sweep-days = {} is out of range; 1 to {MOST_SWEEP_DAYS} days are accepted",
                    days.unwrap_or_default()
                )));
            }
            let empty = match &config.rails.pilot {
                Some(Pilot::Where(fields)) if fields.is_empty() => {
                    Some("where = {} lets every deal through; name a field and what it says")
                }
                Some(Pilot::Only(ids)) if ids.is_empty() => {
                    Some("only = [] lets no deal through; name deals by their ids")
                }
                _ => None,
            };
            if let Some(what) = empty {
                return Err(wrong(format!(
                    "[flows.{flow}.rails] pilot: {what}, or take pilot out"
                )));
            }
            if config.source == config.ledger {
                return Err(wrong(format!(
                    "[flows.{flow}] source and ledger are both {:?}; name two connections",
                    config.source
                )));
            }
        }
        let mut used: BTreeMap<&str, &str> = BTreeMap::new();
        for (flow, config) in &self.flows {
            for connection in [&config.source, &config.ledger] {
                if let Some(other) = used.insert(connection, flow) {
                    return Err(wrong(format!(
                        "[flows.{other}] and [flows.{flow}] share the connection {connection:?}: of what changes there, the one would not hear what the other has read. Add a second [connections.NAME] for the same account and use that in [flows.{flow}]"
                    )));
                }
            }
        }
        if self.flows.is_empty() {
            return Err(wrong(
                "there is no [flows.NAME] table; `footbridge init` writes one to start from"
                    .to_owned(),
            ));
        }
        if self.key_file().starts_with(self.data_dir()) {
            return Err(wrong(format!(
                "key = {:?} lies inside the data directory, so a copy of the data would carry the key. Put it elsewhere",
                self.key
            )));
        }
        Ok(())
    }

    /// The data directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.join(&self.data)
    }

    /// The key file.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.join(&self.key)
    }

    /// The folder that plugins may be put into to be looked at.
    pub(crate) fn inbox(&self) -> PathBuf {
        match &self.plugins.folder {
            Some(folder) => self.folder.join(folder),
            None => self.data_dir().join("plugins").join("inbox"),
        }
    }

    /// The settings of the flow's transform.
    pub(crate) fn mapping_file(&self, flow: &Flow) -> PathBuf {
        self.folder.join(&flow.mapping)
    }

    /// The connection that is meant.
    pub(crate) fn connection(&self, name: &str) -> Result<&Connection, UsageError> {
        self.connections.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.connections.keys().map(String::as_str).collect();
            UsageError(format!(
                "there is no connection {name:?}. Connections are: {}",
                names.join(", ")
            ))
        })
    }

    /// The flow that is meant. Of several, commands that are printed name it from here on.
    pub(crate) fn flow(&self, name: Option<&str>) -> Result<(&str, &Flow), UsageError> {
        let (name, flow) = self.meant(name)?;
        if self.flows.len() > 1 {
            typed::about(name);
        }
        Ok((name, flow))
    }

    fn meant(&self, name: Option<&str>) -> Result<(&str, &Flow), UsageError> {
        let names: Vec<&str> = self.flows.keys().map(String::as_str).collect();
        match name {
            Some(name) => self
                .flows
                .get_key_value(name)
                .map(|(name, flow)| (name.as_str(), flow))
                .ok_or_else(|| {
                    UsageError(format!(
                        "there is no flow {name:?}. Flows are: {}",
                        names.join(", ")
                    ))
                }),
            None => match self.flows.iter().collect::<Vec<_>>().as_slice() {
                [(name, flow)] => Ok((name.as_str(), flow)),
                _ => Err(UsageError(format!(
                    "which flow? Add --flow with one of: {}",
                    names.join(", ")
                ))),
            },
        }
    }

    /// A flow as the engine takes it.
    pub(crate) fn engine_flow(
        &self,
        name: &str,
        flow: &Flow,
        granted: TransformGrant,
        chosen: impl Fn(&ConnectionId) -> Option<String>,
    ) -> anyhow::Result<FlowConfig> {
        let settings = std::fs::read_to_string(self.mapping_file(flow)).map_err(|e| {
            UsageError(format!(
                "{}, named by [flows.{name}] mapping = {:?}, can't be read: {e}",
                self.mapping_file(flow).display(),
                flow.mapping
            ))
        })?;
        let defaults = Timing::default();
        let seconds =
            |given: Option<u64>, default: Duration| given.map_or(default, Duration::from_secs);
        Ok(FlowConfig {
            name: FlowName::new(name),
            source: ConnectionId::new(flow.source.clone()),
            ledger: ConnectionId::new(flow.ledger.clone()),
            customer_objects: flow.customers.objects.clone(),
            settings,
            granted,
            policy: FlowPolicy {
                go_live: flow.go_live,
                deal: flow.deal.clone(),
                billing: flow.billing.clone(),
                tax_rules: flow.tax_rules.clone(),
                write_back: flow.write_back.clone(),
                customers: flow.customers.policy.clone(),
            },
            mixed: flow.mixed.clone(),
            record_url: flow.record_url.clone(),
            rails: flow.rails.clone(),
            reflect: flow
                .reflect
                .as_ref()
                .map(|reflect| reflect.config(flow.write_back.as_ref())),
            pinned: self
                .connections
                .values()
                .flat_map(|c| {
                    let named = [c.organisation.clone(), chosen(&c.name)];
                    named.map(|id| Some((c.name.clone(), id?)))
                })
                .flatten()
                .collect(),
            keyed: self
                .connections
                .values()
                .filter(|c| c.honours_idempotency_keys())
                .map(|c| c.name.clone())
                .collect(),
            timing: Timing {
                resend_window: seconds(self.timing.resend_window_seconds, defaults.resend_window),
                in_flight: seconds(self.timing.in_flight_seconds, defaults.in_flight),
                settle: seconds(self.timing.settle_seconds, defaults.settle),
                patience: seconds(self.timing.patience_seconds, defaults.patience),
                unproven: match self.timing.unproven_absence {
                    Some(Absence::Resend) => Unproven::Resend,
                    Some(Absence::Ask) | None => Unproven::Ask,
                },
                concurrency: self.timing.concurrency.unwrap_or(defaults.concurrency),
            },
        })
    }
}
