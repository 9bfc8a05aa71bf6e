//! Observe: what the ledger holds, as far as it can matter for the deals of a round. Found by index in the mirror.
//!
//! It decides nothing. A record that can't be read as a whole isn't shown to the planner; what depends on it is made to wait (`trust`).

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::gather::Gathered;
use crate::mirror::{Mirrored, last_text};
use crate::ruling::{given_names, named};
use crate::state::keys::{self, Side};
use crate::trust;
use footbridge_model::document::Document;
use footbridge_model::failure::Problem;
use footbridge_model::ledger::{Account, Item, TaxRate};
use footbridge_model::link::Role;
use footbridge_model::plan::{AsOf, billing_key};
use footbridge_plan::input::{Seen, Source};
use footbridge_plan::policy::NumberMode;
use footbridge_plan::{exact_name, loose_name, other_names};
use footbridge_store::KeyRange;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// So many numbers of a counter in a row may be taken before it is left to the far side to refuse one.
const MOST_TAKEN: usize = 10_000;

/// A source record that waits if a ledger record can't be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Dependent {
    /// A deal, by its id.
    Deal(String),
    /// A customer, by object and id.
    Customer((String, String)),
}

/// Ledger records by id, with what depends on each.
type Wanted = BTreeMap<String, BTreeSet<Dependent>>;

impl Engine {
    /// Fills in what the ledger holds.
    pub(crate) async fn observe(
        &self,
        as_of: AsOf,
        sides: &Sides,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        let ledger = &sides.ledger;
        let observed = &mut gathered.observed;
        observed.items = self
            .small(ledger, "item", |item: &Item| Some(item.code.clone()))
            .await?;
        observed.accounts = self
            .small(ledger, "account", |account: &Account| account.code.clone())
            .await?;
        observed.tax_rates = self
            .small(ledger, "tax-rate", |rate: &TaxRate| {
                Some(rate.tax_type.clone())
            })
            .await?;
        let (mut customers, mut invoices) = linked(sides, gathered);
        for (reference, customer) in &gathered.customers {
            for id in self.candidates(ledger, customer).await? {
                let dependent = Dependent::Customer(reference.clone());
                customers.entry(id).or_default().insert(dependent);
            }
        }
        for (object, id) in named(&gathered.rulings) {
            let wanted = match object {
                "customer" => &mut customers,
                _ => &mut invoices,
            };
            wanted.entry(id.to_owned()).or_default();
        }
        for (reference, name) in given_names(&gathered.rulings) {
            for id in self.called_like(ledger, name).await? {
                let dependent = Dependent::Customer(reference.clone());
                customers.entry(id).or_default().insert(dependent);
            }
        }
        for id in self.called_as_proposed(ledger, gathered).await? {
            customers.entry(id).or_default();
        }
        let days = i64::from(self.flow.policy.billing.already_invoiced_days) + 1;
        let since = as_of.local_date - chrono::Duration::days(days);
        for (customer, dependents) in &customers {
            for id in self.invoices_since(ledger, customer, since).await? {
                invoices.entry(id).or_default().extend(dependents.clone());
            }
        }
        for deal in &gathered.deals {
            for id in self.invoices_like(ledger, deal).await? {
                let dependent = Dependent::Deal(deal.record.id.to_string());
                invoices.entry(id).or_default().insert(dependent);
            }
        }
        for id in self.numbers_taken(ledger, gathered).await? {
            invoices.entry(id).or_default();
        }
        for (id, dependents) in customers {
            match self
                .seen(ledger, "customer", &id, trust::OF_CUSTOMER)
                .await?
            {
                Some(Ok(seen)) => {
                    gathered.observed.customers.insert(id, seen);
                }
                Some(Err(problem)) => gathered.make_wait(dependents, &problem),
                None => {}
            }
        }
        for (id, dependents) in invoices {
            match self.seen(ledger, "invoice", &id, trust::OF_INVOICE).await? {
                Some(Ok(seen)) => {
                    gathered.observed.invoices.insert(id, seen);
                }
                Some(Err(problem)) => gathered.make_wait(dependents, &problem),
                None => {}
            }
        }
        Ok(())
    }

    /// Customers of the ledger that could be this one: by number, exact name, loose name.
    pub(crate) async fn candidates(
        &self,
        ledger: &Side,
        customer: &Source,
    ) -> Result<Vec<String>, EngineError> {
        let state = &self.state;
        let number = customer.record.id.as_str();
        let mut ids = state.by_index(ledger, "customer", "number", number).await?;
        let drafts = customer.drafts.iter().flatten();
        for (_, draft) in drafts.filter(|(object, _)| object == "customer") {
            if let Some(name) = draft.text("name") {
                ids.extend(self.called_like(ledger, name).await?);
            }
        }
        Ok(ids)
    }

    /// Customers of the ledger that have this name, or nearly.
    async fn called_like(&self, ledger: &Side, name: &str) -> Result<Vec<String>, EngineError> {
        let (state, exact, loose) = (&self.state, exact_name(name), loose_name(name));
        let mut ids = state.by_index(ledger, "customer", "exact", &exact).await?;
        ids.extend(state.by_index(ledger, "customer", "loose", &loose).await?);
        Ok(ids)
    }

    /// Customers of the ledger that have a name which could be proposed where a customer's own may be taken. Most customers are linked
    /// or alone with their name, and cost nothing.
    async fn called_as_proposed(
        &self,
        ledger: &Side,
        gathered: &Gathered,
    ) -> Result<Vec<String>, EngineError> {
        let linked: BTreeSet<(&str, &str)> = (gathered.links.iter())
            .filter(|link| link.role == Role::Customer)
            .flat_map(|link| &link.members)
            .map(|member| (member.record.object.as_str(), member.record.id.as_str()))
            .collect();
        let mut by_name: BTreeMap<String, Vec<(&Document, &str)>> = BTreeMap::new();
        for ((object, id), customer) in &gathered.customers {
            let mut drafts = customer.drafts.iter().flatten();
            if !linked.contains(&(object.as_str(), id.as_str()))
                && let Some((_, draft)) = drafts.find(|(object, _)| object == "customer")
                && let Some(name) = draft.text("name")
            {
                let same = by_name.entry(exact_name(name)).or_default();
                same.push((draft, id.as_str()));
            }
        }
        let mut found = Vec::new();
        for (exact, same) in by_name {
            let taken = self.state.by_index(ledger, "customer", "exact", &exact);
            if same.len() == 1 && taken.await?.is_empty() {
                continue;
            }
            for (draft, id) in same {
                for name in other_names(draft, id) {
                    found.extend(self.called_like(ledger, name.as_str()).await?);
                }
            }
        }
        Ok(found)
    }

    async fn invoices_since(
        &self,
        ledger: &Side,
        customer: &str,
        since: chrono::NaiveDate,
    ) -> Result<Vec<String>, EngineError> {
        let all = keys::index(ledger, "invoice", "customer", customer);
        let from = all.clone().text(&since.to_string());
        // One without a date may be as recent as any.
        let undated = all.clone().text("");
        // Dates are digits and dashes, which come before it: years of invoices are not read again and again.
        let recent = KeyRange::between(from, all.text("~"));
        let mut keys = self.state.keys(&recent).await?;
        keys.extend(self.state.keys(&undated.range()).await?);
        Ok(keys.iter().filter_map(|key| last_text(key)).collect())
    }

    /// Invoices that carry a key or the number of this deal.
    async fn invoices_like(
        &self,
        ledger: &Side,
        deal: &Source,
    ) -> Result<Vec<String>, EngineError> {
        let mut found = Vec::new();
        if let NumberMode::Field(field) = &self.flow.policy.billing.number
            && let Some(number) = deal.doc.text(field)
        {
            let number = number.trim();
            found.extend(
                self.state
                    .by_index(ledger, "invoice", "number", number)
                    .await?,
            );
        }
        for part in 1..=self.parts_of(deal) {
            let key = billing_key(&deal.record, &ledger.1, part);
            found.extend(self.state.by_index(ledger, "invoice", "key", &key).await?);
        }
        Ok(found)
    }

    /// Invoices that hold the next numbers of our counter, until as many are free as this round can need.
    async fn numbers_taken(
        &self,
        ledger: &Side,
        gathered: &Gathered,
    ) -> Result<Vec<String>, EngineError> {
        let NumberMode::Counter { prefix, digits, .. } = &self.flow.policy.billing.number else {
            return Ok(Vec::new());
        };
        let parts = gathered.deals.iter().map(|deal| self.parts_of(deal));
        let mut needed: u64 = parts.map(u64::from).sum();
        let mut found = Vec::new();
        let mut value = gathered.next_number;
        while needed > 0 && found.len() < MOST_TAKEN {
            let number = format!("{prefix}{value:0width$}", width = usize::from(*digits));
            let taken = self
                .state
                .by_index(ledger, "invoice", "number", &number)
                .await?;
            if taken.is_empty() {
                needed -= 1;
            }
            found.extend(taken);
            value = value.saturating_add(1);
        }
        Ok(found)
    }

    /// All records of a small object. One that doesn't fit, or has a field that could not be read, is left out: lines that need
    /// it wait because the ledger seems not to have it.
    async fn small<T: DeserializeOwned>(
        &self,
        side: &Side,
        object: &str,
        key: impl Fn(&T) -> Option<String>,
    ) -> Result<BTreeMap<String, T>, EngineError> {
        let mut found = BTreeMap::new();
        for record in self.state.all_mirrored(side, object).await? {
            match typed::<T>(object, &record, &[]) {
                Ok(value) => found.extend(key(&value).map(|key| (key, value))),
                Err(problem) => {
                    tracing::warn!(connection = %side.0, object, id = record.id, problem = problem.message, "left out");
                }
            }
        }
        Ok(found)
    }

    async fn seen<T: DeserializeOwned>(
        &self,
        side: &Side,
        object: &str,
        id: &str,
        matter: &[&str],
    ) -> Result<Option<Result<Seen<T>, Problem>>, EngineError> {
        let Some(record) = self.state.mirrored(side, object, id).await? else {
            return Ok(None);
        };
        Ok(Some(typed(object, &record, matter).map(|value| Seen {
            version: record.version,
            presence: record.presence,
            value,
        })))
    }
}

/// Ledger customers and invoices that are linked, with the source records of their links.
fn linked(sides: &Sides, gathered: &Gathered) -> (Wanted, Wanted) {
    let (mut customers, mut invoices) = (Wanted::new(), Wanted::new());
    for link in &gathered.links {
        let (ours, theirs): (Vec<_>, Vec<_>) = link
            .members
            .iter()
            .map(|member| &member.record)
            .partition(|record| record.connection == sides.source.0);
        for record in theirs {
            let wanted = match record.object.as_str() {
                "customer" => customers.entry(record.id.to_string()).or_default(),
                _ => invoices.entry(record.id.to_string()).or_default(),
            };
            wanted.extend(ours.iter().map(|source| {
                if record.object.as_str() == "customer" {
                    Dependent::Customer((source.object.to_string(), source.id.to_string()))
                } else {
                    Dependent::Deal(source.id.to_string())
                }
            }));
        }
    }
    (customers, invoices)
}

impl Gathered {
    /// These records wait: what they depend on in the ledger can't be read.
    fn make_wait(&mut self, dependents: BTreeSet<Dependent>, problem: &Problem) {
        for dependent in dependents {
            let sources: Vec<&mut Source> = match &dependent {
                Dependent::Customer(reference) => {
                    self.customers.get_mut(reference).into_iter().collect()
                }
                Dependent::Deal(id) => self
                    .deals
                    .iter_mut()
                    .filter(|deal| deal.record.id.as_str() == id)
                    .collect(),
            };
            for source in sources {
                source.drafts = Err(problem.clone());
            }
        }
    }
}

pub(crate) fn typed<T: DeserializeOwned>(
    object: &str,
    record: &Mirrored,
    matter: &[&str],
) -> Result<T, Problem> {
    let what = format!("the ledger's {object} {}", record.id);
    if let Some(field) = trust::unreadable(&record.doc, matter) {
        return Err(trust::problem(&what, field));
    }
    record
        .doc
        .to()
        .map_err(|error| Problem::new("unreadable", format!("{what} can't be used: {error}")))
}
