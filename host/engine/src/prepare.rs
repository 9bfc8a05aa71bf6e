//! Prepare: operations are packed into write requests by their connector. One that can't be written fails alone.
//!
//! Pure on the connector's side, so it may be asked again: nothing is stored or sent here. `execute` goes on with the requests.

use crate::engine::Engine;
use crate::ports::CallError;
use footbridge_model::failure::Problem;
use footbridge_model::id::{ConnectionId, OpId};
use footbridge_model::plugin::{Operation, WriteRequest};

/// So many refusals are told apart in one wave; beyond them a whole group gets the words of its first.
const MOST_REFUSALS: usize = 500;

/// What came of packing.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// The requests, each operation in exactly one.
    pub(crate) requests: Vec<WriteRequest>,
    /// Operations that can't be written, with why.
    pub(crate) refused: Vec<(OpId, Problem)>,
}

impl Engine {
    /// Packs operations. A connector that refuses them all because of one gets the others again: without the one that it names,
    /// or in halves where it names none.
    pub(crate) async fn prepare(
        &self,
        connection: &ConnectionId,
        operations: Vec<Operation>,
    ) -> Prepared {
        let mut prepared = Prepared::default();
        let mut refusals = 0;
        let mut groups = vec![operations];
        while let Some(mut group) = groups.pop() {
            if group.is_empty() {
                continue;
            }
            let problem = match self.connector(connection).prepare(group.clone()).await {
                Ok(requests) => {
                    prepared.requests.extend(requests);
                    continue;
                }
                Err(CallError::Failure(failure)) => failure.problem,
                Err(error @ CallError::Plugin { .. }) => {
                    Problem::new("internal", error.to_string())
                }
            };
            refusals += 1;
            let named = problem
                .extra
                .as_deref()
                .and_then(|extra| extra.strip_prefix("operation "))
                .and_then(|id| group.iter().position(|operation| operation.id == id));
            let refused = match named {
                _ if group.len() == 1 || refusals > MOST_REFUSALS => std::mem::take(&mut group),
                Some(at) => vec![group.remove(at)],
                None => {
                    groups.push(group.split_off(group.len() / 2));
                    Vec::new()
                }
            };
            groups.push(group);
            for operation in refused {
                prepared
                    .refused
                    .push((OpId::new(operation.id), problem.clone()));
            }
        }
        prepared
    }
}
