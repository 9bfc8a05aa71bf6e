//! Gather for customers: both records of each, its links, and whoever could be in the way. All from the mirror; no far side is asked.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::gather::record_key;
use crate::mirror::{Changes, Mirrored};
use crate::ruling::{Rulings, add, named};
use crate::state::keys;
use footbridge_model::id::{RecordId, RecordKey};
use footbridge_model::link::{Link, Role};
use footbridge_model::plan::AsOf;
use footbridge_model::plugin::Presence;
use footbridge_model::ruling::Ruling;
use footbridge_plan::exact_name;
use footbridge_plan::input::Source;
use footbridge_plan::merge::{CustomerPolicy, MergeInput, SeenCustomer};
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    pub(super) async fn gather_customers<'a>(
        &self,
        policy: &'a CustomerPolicy,
        as_of: AsOf,
        sides: &Sides,
        due: Vec<(String, String)>,
        tried: &[Ruling],
    ) -> Result<MergeInput<'a>, EngineError> {
        let customers = self.due_customers(as_of, sides, due).await?;
        let links = self.links_of_customers(sides, &customers).await?;
        let mut rulings = self.rulings_of(customers.iter()).await?;
        for ruling in tried {
            add(&mut rulings, ruling.clone());
        }
        let observed = self
            .customers_seen(sides, &customers, &links, &rulings)
            .await?;
        // Of whom the ledger merged, the one that remains may be somebody else's.
        let mut all: BTreeMap<String, Link> = links
            .into_iter()
            .map(|link| (link.id.clone(), link))
            .collect();
        for id in observed.keys() {
            self.add_links(&record_key(&sides.ledger, "customer", id), &mut all)
                .await?;
        }
        Ok(MergeInput {
            flow: self.flow.name.clone(),
            as_of,
            policy,
            source: sides.source.clone(),
            ledger: sides.ledger.clone(),
            rulings,
            unresolved: self.unresolved(sides).await?,
            links: all.into_values().collect(),
            observed,
            customers,
            hidden: BTreeSet::new(),
        })
    }

    /// The due records as they are known. One that the mirror doesn't have comes back with its next change.
    async fn due_customers(
        &self,
        as_of: AsOf,
        sides: &Sides,
        due: Vec<(String, String)>,
    ) -> Result<Vec<Source>, EngineError> {
        let mut by_object: BTreeMap<String, Vec<Mirrored>> = BTreeMap::new();
        let mut changes = Changes::default();
        for (object, id) in due {
            match self.state.mirrored(&sides.source, &object, &id).await? {
                Some(record) => by_object.entry(object).or_default().push(record),
                None => changes.delete(&keys::due(self.flow.name.as_str(), &object, &id)),
            }
        }
        self.state.commit(changes.into_set()).await?;
        let mut customers = Vec::new();
        for (object, records) in by_object {
            customers.extend(self.drafts(as_of, sides, &object, records).await?);
        }
        Ok(customers)
    }

    async fn links_of_customers(
        &self,
        sides: &Sides,
        customers: &[Source],
    ) -> Result<Vec<Link>, EngineError> {
        let mut links = BTreeMap::new();
        for customer in customers {
            self.add_links(&customer.record, &mut links).await?;
            if let Presence::MergedInto(master) = &customer.presence {
                let heir = RecordKey {
                    id: RecordId::new(master.clone()),
                    ..customer.record.clone()
                };
                self.add_links(&heir, &mut links).await?;
            }
        }
        let contacts: BTreeSet<RecordKey> = links
            .values()
            .flat_map(|link: &Link| &link.members)
            .map(|member| member.record.clone())
            .filter(|record| record.connection == sides.ledger.0)
            .collect();
        for contact in contacts {
            self.add_links(&contact, &mut links).await?;
        }
        Ok(links.into_values().collect())
    }

    async fn add_links(
        &self,
        record: &RecordKey,
        links: &mut BTreeMap<String, Link>,
    ) -> Result<(), EngineError> {
        for id in self.link_ids(record).await? {
            if links.contains_key(&id) {
                continue;
            }
            let link = self.state.link(&id).await?;
            links.extend(
                link.filter(|link| link.role == Role::Customer)
                    .map(|link| (id, link)),
            );
        }
        Ok(())
    }

    /// The ledger's customers: linked ones, those that remain of merged ones, those that people named, and those of the names in the
    /// drafts.
    async fn customers_seen(
        &self,
        sides: &Sides,
        customers: &[Source],
        links: &[Link],
        rulings: &Rulings,
    ) -> Result<BTreeMap<String, SeenCustomer>, EngineError> {
        let ledger = &sides.ledger;
        let mut wanted: BTreeSet<String> = links
            .iter()
            .flat_map(|link| &link.members)
            .filter(|member| member.record.connection == ledger.0)
            .map(|member| member.record.id.to_string())
            .collect();
        let named = named(rulings).filter(|(object, _)| *object == "customer");
        wanted.extend(named.map(|(_, id)| id.to_owned()));
        for customer in customers {
            let drafts = customer.drafts.iter().flatten();
            for (_, draft) in drafts.filter(|(object, _)| object == "customer") {
                if let Some(name) = draft.text("name") {
                    let exact = exact_name(name);
                    let ids = self.state.by_index(ledger, "customer", "exact", &exact);
                    wanted.extend(ids.await?);
                }
            }
        }
        let mut seen = BTreeMap::new();
        while let Some(id) = wanted.pop_first() {
            if seen.contains_key(&id) {
                continue;
            }
            let Some(record) = self.state.mirrored(ledger, "customer", &id).await? else {
                continue;
            };
            if let Presence::MergedInto(winner) = &record.presence {
                wanted.insert(winner.clone());
            }
            seen.insert(
                id,
                SeenCustomer {
                    version: record.version,
                    presence: record.presence,
                    doc: record.doc,
                },
            );
        }
        Ok(seen)
    }
}
