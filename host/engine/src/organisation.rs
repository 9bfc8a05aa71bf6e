//! Organisation: who answers on a connection. It stays with the one that it first answered for.
//!
//! Nothing is read or written for another organisation than the pinned one; that is an error, never a question.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::ports::Connector;
use crate::state::keys;
use crate::state::rows::Pin;
use footbridge_model::document::Document;
use footbridge_model::id::{ConnectionId, OrganisationId};
use footbridge_model::ledger::Organisation;
use footbridge_model::plugin::OrganisationFound;

impl Engine {
    /// Who answers on both connections. A connection stays with the organisation that it first answered for.
    pub(crate) async fn sides(&self) -> Result<Sides, EngineError> {
        let (source, _) = self.side(&self.flow.source, self.source.as_ref()).await?;
        let (ledger, found) = self.side(&self.flow.ledger, self.ledger.as_ref()).await?;
        let organisation = Document::from_plugin(&found.doc)
            .and_then(|doc| doc.to::<Organisation>())
            .map_err(|e| EngineError::Record {
                connection: self.flow.ledger.to_string(),
                object: "organisation".to_owned(),
                id: found.id.clone(),
                why: e.to_string(),
            })?;
        Ok(Sides {
            source,
            ledger,
            organisation,
        })
    }

    pub(crate) async fn side(
        &self,
        connection: &ConnectionId,
        connector: &dyn Connector,
    ) -> Result<(keys::Side, OrganisationFound), EngineError> {
        let mut found = connector.discover().await.map_err(|e| {
            EngineError::call(connection.as_str(), "asking which organisation it is", e)
        })?;
        let key = keys::pin(connection);
        let stored = self
            .state
            .get::<Pin>(&key)
            .await?
            .map(|(pin, _)| pin.organisation);
        let named = self
            .flow
            .pinned
            .iter()
            .find(|(name, _)| name == connection)
            .map(|(_, id)| id.clone());
        let wrong = |found: &[OrganisationFound], pinned: &str| EngineError::WrongOrganisation {
            connection: connection.to_string(),
            found: found
                .iter()
                .map(|o| format!("{} ({})", o.name, o.id))
                .collect::<Vec<_>>()
                .join(", "),
            pinned: pinned.to_owned(),
        };
        for pinned in [&named, &stored].into_iter().flatten() {
            if !found.iter().any(|o| o.id == *pinned) {
                return Err(wrong(&found, pinned));
            }
            found.retain(|o| o.id == *pinned);
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
        let mut changes = Changes::default();
        let pin = Pin {
            organisation: one.id.clone(),
            name: one.name.clone(),
            test: one.test,
            doc: one.doc.clone(),
        };
        changes.put(&key, &pin)?;
        self.state.commit(changes.into_set()).await?;
        Ok((
            (connection.clone(), OrganisationId::new(one.id.clone())),
            one.clone(),
        ))
    }
}
