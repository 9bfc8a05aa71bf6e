//! Rulings: what people decided about items, kept until the planner no longer needs it.
//!
//! It obeys nothing; the planner reads rulings with its input. `items` checks them before. Next: `gather`.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::{Due, Happened};
use footbridge_model::id::RecordKey;
use footbridge_model::remedy::{Remedy, allows};
use footbridge_model::ruling::{Choice, Ruling};
use footbridge_plan::input::Source;
use std::collections::BTreeMap;

/// Rulings by record and part.
pub(crate) type Rulings = BTreeMap<(RecordKey, u32), Vec<Ruling>>;

impl Engine {
    /// Keeps a ruling, and journals it; an earlier one about the same reason and field is replaced. The next run looks at the record again.
    pub async fn rule(&self, ruling: Ruling) -> Result<(), EngineError> {
        let flow = self.flow.name.as_str();
        let record = ruling.record.clone();
        let key = keys::ruling(flow, &record, ruling.part);
        let mut all = Rulings::new();
        if let Some((known, _)) = self.state.get::<Vec<Ruling>>(&key).await? {
            all.insert((record.clone(), ruling.part), known);
        }
        let (part, said) = (ruling.part, words(&ruling));
        add(&mut all, ruling);
        let mut changes = Changes::default();
        if let Some(all) = all.get(&(record.clone(), part)) {
            changes.put(&key, all)?;
        }
        self.journal(&mut changes, Happened::Ruled, said, None, Some(&record))?;
        let due = keys::due(flow, record.object.as_str(), record.id.as_str());
        if self.state.store.get(&due).await?.is_none() {
            let version = "decided".to_owned();
            changes.put(&due, &Due { version })?;
        }
        self.state.commit(changes.into_set()).await
    }

    /// Adds to the changes that nothing about a record is ignored any more, that no record of the ledger is named for it, and that its
    /// customer is given no other name: what is linked already stays so.
    pub(crate) async fn withdraw(
        &self,
        record: &RecordKey,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let range = keys::rulings_of(self.flow.name.as_str(), record).range();
        for (key, mut all) in self.state.all::<Vec<Ruling>>(&range).await? {
            let before = all.len();
            all.retain(|ruling| !ends_by_looking_again(&ruling.choice));
            if all.is_empty() {
                changes.delete(&key);
            } else if all.len() < before {
                changes.put_at(key, &all)?;
            }
        }
        Ok(())
    }

    /// Adds to the changes that no name is kept which was given to the customer of this part: it is made, and called so in the ledger.
    pub(crate) async fn forget_names(
        &self,
        record: &RecordKey,
        part: u32,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let key = keys::ruling(self.flow.name.as_str(), record, part);
        let Some((mut all, _)) = self.state.get::<Vec<Ruling>>(&key).await? else {
            return Ok(());
        };
        let before = all.len();
        all.retain(|ruling| !matches!(ruling.choice, Choice::CreateAs { .. }));
        if all.is_empty() {
            changes.delete(&key);
        } else if all.len() < before {
            changes.put(&key, &all)?;
        }
        Ok(())
    }

    /// The version at which a source record was read last: what a person sees who decides about it now.
    pub async fn version_of(&self, record: &RecordKey) -> Result<Option<String>, EngineError> {
        let side = (record.connection.clone(), record.organisation.clone());
        let (object, id) = (record.object.as_str(), record.id.as_str());
        let known = self.state.mirrored(&side, object, id).await?;
        Ok(known.map(|known| known.version))
    }

    /// What was decided about these records.
    pub(crate) async fn rulings_of<'a>(
        &self,
        sources: impl Iterator<Item = &'a Source>,
    ) -> Result<Rulings, EngineError> {
        let mut found = Rulings::new();
        for source in sources {
            found.extend(self.rulings_about(&source.record).await?);
        }
        Ok(found)
    }

    /// What was decided about a record, by part.
    pub(crate) async fn rulings_about(&self, record: &RecordKey) -> Result<Rulings, EngineError> {
        let range = keys::rulings_of(self.flow.name.as_str(), record).range();
        let mut found = Rulings::new();
        for (_, all) in self.state.all::<Vec<Ruling>>(&range).await? {
            if let Some(first) = all.first() {
                found.insert((first.record.clone(), first.part), all);
            }
        }
        Ok(found)
    }
}

/// Adds a ruling; an earlier one about the same reason and field is replaced. Of two yeses to one state of the record the later one
/// is about what both were shown.
pub(crate) fn add(rulings: &mut Rulings, mut ruling: Ruling) {
    let all = rulings
        .entry((ruling.record.clone(), ruling.part))
        .or_default();
    let is_yes = |ruling: &Ruling| ruling.choice == Choice::GoAhead;
    let same = |known: &&Ruling| {
        (&known.reason, &known.seen, &known.shown.customer)
            == (&ruling.reason, &ruling.seen, &ruling.shown.customer)
            && is_yes(known)
            && is_yes(&ruling)
    };
    let before = all.iter().find(same).map(|known| known.shown.alike.clone());
    ruling.shown.alike.extend(before.unwrap_or_default());
    all.retain(|known| known.reason != ruling.reason || !same_field(known, &ruling));
    all.push(ruling);
}

/// Records of the ledger that rulings name: object and id. Which object an id is of is tried out where the reason allows both.
pub(crate) fn named(rulings: &Rulings) -> impl Iterator<Item = (&'static str, &str)> {
    rulings.values().flatten().flat_map(|ruling| {
        let objects: &'static [&'static str] = match allows(&ruling.reason, &ruling.choice) {
            Some(Remedy::Link(objects)) => objects,
            _ => &[],
        };
        let id = match &ruling.choice {
            Choice::LinkTo { id } => id.as_str(),
            _ => "",
        };
        objects.iter().map(move |object| (*object, id))
    })
}

/// Names that customers of the CRM, by object and id, are to be given in the ledger.
pub(crate) fn given_names(rulings: &Rulings) -> impl Iterator<Item = ((String, String), &str)> {
    let all = rulings.values().flatten();
    all.filter_map(|ruling| match &ruling.choice {
        Choice::CreateAs { name } => {
            let customer = ruling.shown.customer.as_ref()?;
            let reference = (customer.object.to_string(), customer.id.to_string());
            Some((reference, name.as_str()))
        }
        _ => None,
    })
}

fn ends_by_looking_again(choice: &Choice) -> bool {
    matches!(
        choice,
        Choice::IgnoreOnce | Choice::IgnoreAlways | Choice::LinkTo { .. } | Choice::CreateAs { .. }
    )
}

fn same_field(one: &Ruling, other: &Ruling) -> bool {
    one.choice.field() == other.choice.field()
}

/// As the journal tells it.
fn words(ruling: &Ruling) -> String {
    let field = |field: &Option<String>| match field {
        Some(field) => format!(" for {field}"),
        None => String::new(),
    };
    let what = match &ruling.choice {
        Choice::TakeSource { field: of } => format!("the CRM's value counts{}", field(of)),
        Choice::TakeLedger { field: of } => format!("the ledger's value counts{}", field(of)),
        Choice::LinkTo { id } => format!("it is the ledger's {id}"),
        Choice::CreateAs { name } => {
            format!("the customer is created in the ledger as \"{name}\"")
        }
        Choice::GoAhead => match allows(&ruling.reason, &ruling.choice) {
            Some(Remedy::GoAhead(what)) => what.to_owned(),
            _ => "do it".to_owned(),
        },
        Choice::IgnoreOnce => "nothing, until the record changes".to_owned(),
        Choice::IgnoreAlways => "nothing, for good".to_owned(),
    };
    format!(
        "{} decided about {} ({}): {what}",
        ruling.by, ruling.record, ruling.reason
    )
}
