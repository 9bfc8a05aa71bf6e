//! Gather: everything the planner may know, read from the mirror and the links. What it needs is found by index, never by reading all.
//!
//! It decides nothing. Records that a draft refers to and the feed hasn't brought are fetched by id.

use crate::engine::Underway;
use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::merge::Merged;
use crate::mirror::{Mirrored, last_text};
use crate::ruling::{Rulings, add, named};
use crate::state::keys::{self, Side};
use crate::state::rows::Due;
use footbridge_model::id::{ObjectName, RecordId, RecordKey};
use footbridge_model::link::Link;
use footbridge_model::plan::AsOf;
use footbridge_model::ruling::Ruling;
use footbridge_plan::PlanInput;
use footbridge_plan::input::{Observed, Source};
use footbridge_plan::policy::NumberMode;
use footbridge_plan::sent::Sent;
use footbridge_store::key::{Segment, segments};
use std::collections::{BTreeMap, BTreeSet};

/// A deal's billing has at most so many parts.
pub(crate) const MOST_PARTS: u32 = 36;

/// What was gathered for one planning round.
pub(crate) struct Gathered {
    pub(crate) deals: Vec<Source>,
    pub(crate) customers: BTreeMap<(String, String), Source>,
    pub(crate) observed: Observed,
    pub(crate) links: Vec<Link>,
    pub(crate) rulings: Rulings,
    pub(crate) unresolved: BTreeSet<(String, String, String)>,
    /// What was last written to the deals, by link.
    pub(crate) sent: BTreeMap<String, Sent>,
    pub(crate) next_number: u64,
    /// Deals that the CRM no longer shows.
    pub(crate) hidden: BTreeSet<RecordId>,
    /// What a customers' round changes besides.
    pub(crate) merged: Merged,
}

impl Engine {
    /// Ids of deals to look at: changed ones, ones that wait, and refused ones of which the cause may be gone. Sorted.
    pub(crate) async fn deals_to_look_at(&self) -> Result<Vec<String>, EngineError> {
        let flow = self.flow.name.as_str();
        let object = &self.flow.policy.deal.object;
        let mut ids = BTreeSet::new();
        for (key, _) in self
            .state
            .all::<Due>(&keys::dues(flow, object).range())
            .await?
        {
            ids.extend(last_text(&key));
        }
        for key in self.state.keys(&keys::all_waiting(flow).range()).await? {
            ids.extend(last_text(&key));
        }
        ids.extend(self.changed_since_refused().await?);
        Ok(ids.into_iter().collect())
    }

    /// All that matters for these deals.
    pub(crate) async fn gather(
        &self,
        as_of: AsOf,
        sides: &Sides,
        ids: &[String],
    ) -> Result<Gathered, EngineError> {
        self.gather_with(as_of, sides, ids, &[]).await
    }

    /// The same, as if these rulings were given as well.
    pub(crate) fn gather_with<'a>(
        &'a self,
        as_of: AsOf,
        sides: &'a Sides,
        ids: &'a [String],
        tried: &'a [Ruling],
    ) -> Underway<'a, Gathered> {
        Box::pin(async move {
            let object = self.flow.policy.deal.object.clone();
            let mut records = Vec::with_capacity(ids.len());
            for id in ids {
                records.extend(self.state.mirrored(&sides.source, &object, id).await?);
            }
            let mut deals = self.drafts(as_of, sides, &object, records).await?;
            let wanted = self.referred_records(sides, &mut deals).await?;
            let customers = self.referred(as_of, sides, wanted).await?;
            let mut rulings = self
                .rulings_of(deals.iter().chain(customers.values()))
                .await?;
            for ruling in tried {
                add(&mut rulings, ruling.clone());
            }
            let links = self.links_of(sides, &deals, &customers, &rulings).await?;
            let mut gathered = Gathered {
                sent: self.sent_to_deals(sides, &links).await?,
                links,
                rulings,
                unresolved: self.unresolved(sides).await?,
                next_number: self.next_number().await?,
                hidden: BTreeSet::new(),
                deals,
                customers,
                observed: Observed::default(),
                merged: Merged::default(),
            };
            self.observe(as_of, sides, &mut gathered).await?;
            Ok(gathered)
        })
    }

    async fn referred(
        &self,
        as_of: AsOf,
        sides: &Sides,
        wanted: BTreeSet<(String, String)>,
    ) -> Result<BTreeMap<(String, String), Source>, EngineError> {
        let mut by_object: BTreeMap<String, Vec<Mirrored>> = BTreeMap::new();
        for (object, id) in wanted {
            if let Some(record) = self.state.mirrored(&sides.source, &object, &id).await? {
                by_object.entry(object).or_default().push(record);
            }
        }
        let mut found = BTreeMap::new();
        for (object, records) in by_object {
            for source in self.drafts(as_of, sides, &object, records).await? {
                found.insert((object.clone(), source.record.id.to_string()), source);
            }
        }
        Ok(found)
    }

    async fn links_of(
        &self,
        sides: &Sides,
        deals: &[Source],
        customers: &BTreeMap<(String, String), Source>,
        rulings: &Rulings,
    ) -> Result<Vec<Link>, EngineError> {
        let mut ids = BTreeSet::new();
        for source in deals.iter().chain(customers.values()) {
            ids.extend(self.link_ids(&source.record).await?);
        }
        // A ledger customer that is another account's must not be taken for this one's.
        for customer in customers.values() {
            for id in self.candidates(&sides.ledger, customer).await? {
                let record = record_key(&sides.ledger, "customer", &id);
                ids.extend(self.link_ids(&record).await?);
            }
        }
        // Nor must one that a person named.
        for (object, id) in named(rulings) {
            let record = record_key(&sides.ledger, object, id);
            ids.extend(self.link_ids(&record).await?);
        }
        let mut links = Vec::with_capacity(ids.len());
        for id in ids {
            links.extend(self.state.link(&id).await?);
        }
        Ok(links)
    }

    pub(crate) async fn link_ids(&self, record: &RecordKey) -> Result<Vec<String>, EngineError> {
        let range = keys::memberships(record).range();
        let rows = self.state.keys(&range).await?;
        Ok(rows.iter().filter_map(|key| last_text(key)).collect())
    }

    /// How many parts a deal may have: one, or as many as its billing plan has entries.
    pub(crate) fn parts_of(&self, deal: &Source) -> u32 {
        let path = self.flow.policy.deal.parts.as_deref();
        let text = path.and_then(|path| deal.doc.text(path)).unwrap_or("");
        let entries = text.split(',').count();
        u32::try_from(entries)
            .unwrap_or(MOST_PARTS)
            .clamp(1, MOST_PARTS)
    }

    pub(crate) async fn unresolved(
        &self,
        sides: &Sides,
    ) -> Result<BTreeSet<(String, String, String)>, EngineError> {
        let mut found = BTreeSet::new();
        for side in [&sides.source, &sides.ledger] {
            for key in self.state.keys(&keys::targets(side).range()).await? {
                let texts: Vec<String> = segments(&key)
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|segment| match segment {
                        Segment::Text(text) => Some(text),
                        _ => None,
                    })
                    .collect();
                if let [_, _, _, object, field, value] = texts.as_slice() {
                    found.insert((object.clone(), field.clone(), value.clone()));
                }
            }
        }
        Ok(found)
    }

    async fn next_number(&self) -> Result<u64, EngineError> {
        let first = match &self.flow.policy.billing.number {
            NumberMode::Counter { first, .. } => *first,
            _ => 1,
        };
        let key = keys::counter(self.flow.name.as_str());
        Ok(self
            .state
            .get::<u64>(&key)
            .await?
            .map_or(first, |(next, _)| next.max(first)))
    }
}

impl Gathered {
    /// As the planner takes it.
    pub(crate) fn input<'a>(
        &self,
        engine: &'a Engine,
        sides: &'a Sides,
        as_of: AsOf,
    ) -> PlanInput<'a> {
        PlanInput {
            flow: engine.flow.name.clone(),
            as_of,
            policy: &engine.flow.policy,
            organisation: &sides.organisation,
            source: sides.source.clone(),
            ledger: sides.ledger.clone(),
            deals: self.deals.clone(),
            customers: self.customers.clone(),
            observed: self.observed.clone(),
            links: self.links.clone(),
            rulings: self.rulings.clone(),
            unresolved: self.unresolved.clone(),
            sent: self.sent.clone(),
            namesakes: Vec::new(),
            next_number: self.next_number,
            record_url: engine.flow.record_url.clone(),
        }
    }
}

/// The record key of a ledger record.
pub(crate) fn record_key(side: &Side, object: &str, id: &str) -> RecordKey {
    RecordKey {
        connection: side.0.clone(),
        organisation: side.1.clone(),
        object: ObjectName::new(object),
        id: RecordId::new(id),
    }
}
