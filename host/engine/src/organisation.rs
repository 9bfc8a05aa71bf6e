//! Organisation: who answers on a connection. It stays with the one that it first answered for.
//!
//! Nothing is read or written for another organisation than the pinned one; that is an error, never a question.

use crate::engine::{Engine, Mixed, Sides};
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::ports::Connector;
use crate::state::rows::Pin;
use crate::state::{State, decode, keys};
use footbridge_model::document::Document;
use footbridge_model::id::{ConnectionId, OrganisationId};
use footbridge_model::ledger::Organisation;
use footbridge_model::plugin::OrganisationFound;
use footbridge_store::Store;
use std::sync::Arc;

/// The organisation that a connection is pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The far side's id of it.
    pub id: String,
    /// Its name when it last answered.
    pub name: String,
    /// Whether it was a sandbox or demo company.
    pub test: bool,
}

/// The pin that a store holds for a connection. For connecting again: it must be to the same.
///
/// # Errors
/// The store can't be read.
pub async fn pinned(
    store: &Arc<dyn Store>,
    connection: &ConnectionId,
) -> Result<Option<Pinned>, EngineError> {
    let key = keys::pin(connection);
    let Some(row) = store.get(&key).await? else {
        return Ok(None);
    };
    let pin: Pin = decode(&key, &row.value)?;
    Ok(Some(Pinned {
        id: pin.organisation,
        name: pin.name,
        test: pin.test,
    }))
}

/// What an organisation calls itself.
fn kind(test: bool) -> &'static str {
    if test {
        "a sandbox or demo company"
    } else {
        "a live organisation"
    }
}

impl Engine {
    /// Who answers on both connections. A connection stays with the organisation that it first answered for.
    pub(crate) async fn sides(&self) -> Result<Sides, EngineError> {
        let (source, crm) = self.side(&self.flow.source, self.source.as_ref()).await?;
        let (ledger, found) = self.side(&self.flow.ledger, self.ledger.as_ref()).await?;
        let organisation = Document::from_plugin(&found.doc)
            .and_then(|doc| doc.to::<Organisation>())
            .map_err(|e| EngineError::Record {
                connection: self.flow.ledger.to_string(),
                object: "organisation".to_owned(),
                id: found.id.clone(),
                why: e.to_string(),
            })?;
        let sides = [(&source.0, &crm), (&ledger.0, &found)];
        let named = |test: bool| {
            let one = sides.iter().find(|(_, found)| found.test == test);
            one.map(|(connection, found)| ((*connection).clone(), found.name.clone()))
        };
        let mixed = match (named(true), named(false)) {
            (Some(test), Some(live)) => Some(Mixed { test, live }),
            _ => None,
        };
        Ok(Sides {
            source,
            ledger,
            organisation,
            mixed,
        })
    }

    /// A sandbox beside a live organisation is written to only once that organisation's name was typed (domain rule 14).
    pub(crate) fn may_pair(&self, sides: &Sides) -> Result<(), EngineError> {
        let Some(Mixed { test, live }) = &sides.mixed else {
            return Ok(());
        };
        if self.flow.mixed.as_deref() == Some(live.1.as_str()) {
            return Ok(());
        }
        let words = |(connection, name): &(ConnectionId, String), test| {
            format!("{connection}, which is {} called {name:?},", kind(test))
        };
        Err(EngineError::Mixed {
            flow: self.flow.name.to_string(),
            test: words(test, true),
            live: words(live, false).trim_end_matches(',').to_owned(),
            name: live.1.clone(),
        })
    }

    pub(crate) async fn side(
        &self,
        connection: &ConnectionId,
        connector: &dyn Connector,
    ) -> Result<(keys::Side, OrganisationFound), EngineError> {
        let found = connector.discover().await.map_err(|e| {
            EngineError::call(connection.as_str(), "asking which organisation it is", e)
        })?;
        let all = self.flow.pinned.iter();
        let named = all.filter(|(name, _)| name == connection);
        let named: Vec<&str> = named.map(|(_, id)| id.as_str()).collect();
        pin(&self.state, connection, &named, found).await
    }
}

/// Of the organisations that answered the one that the connection is pinned to, by the configuration or by an earlier run.
pub(crate) async fn pin(
    state: &State,
    connection: &ConnectionId,
    named: &[&str],
    mut found: Vec<OrganisationFound>,
) -> Result<(keys::Side, OrganisationFound), EngineError> {
    let key = keys::pin(connection);
    let before = state.get::<Pin>(&key).await?.map(|(pin, _)| pin);
    let stored = before.as_ref().map(|pin| pin.organisation.as_str());
    let wrong = |found: &[OrganisationFound], pinned: &str| EngineError::WrongOrganisation {
        connection: connection.to_string(),
        found: found
            .iter()
            .map(|o| format!("{} ({})", o.name, o.id))
            .collect::<Vec<_>>()
            .join(", "),
        pinned: pinned.to_owned(),
    };
    for pinned in named.iter().copied().chain(stored) {
        if !found.iter().any(|o| o.id == pinned) {
            return Err(wrong(&found, pinned));
        }
        found.retain(|o| o.id == pinned);
    }
    let [one] = found.as_slice() else {
        return Err(EngineError::Organisations {
            connection: connection.to_string(),
            count: found.len(),
            names: found
                .iter()
                .map(|o| format!("{} ({})", o.id, o.name))
                .collect::<Vec<_>>()
                .join(", "),
        });
    };
    if let Some(before) = before.filter(|before| before.test != one.test) {
        return Err(EngineError::OrganisationTurned {
            connection: connection.to_string(),
            name: one.name.clone(),
            was: kind(before.test),
            is: kind(one.test),
        });
    }
    let mut changes = Changes::default();
    let pin = Pin {
        organisation: one.id.clone(),
        name: one.name.clone(),
        test: one.test,
        doc: one.doc.clone(),
    };
    changes.put(&key, &pin)?;
    state.commit(changes.into_set()).await?;
    Ok((
        (connection.clone(), OrganisationId::new(one.id.clone())),
        one.clone(),
    ))
}
