//! The person who decides what can't be proven: looks into the simulated Xero as a bookkeeper would, and only where the invoice
//! isn't there says so with `footbridge items release`.
//!
//! It looks at nothing of the program's but what `footbridge items` shows.

use crate::run::{Ended, Program};
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeMap;

/// How the item's text names the command.
const COMMAND: &str = " items release ";

/// Answers what waits for a person. Returns how many requests were released.
///
/// # Errors
/// The program can't be started or doesn't take the person's word.
pub async fn decide(program: &mut Program, world: &World) -> anyhow::Result<usize> {
    let Ended::Done(items) = program
        .run(&["items", "--reason", "in-doubt"], None)
        .await?
    else {
        return Ok(0);
    };
    let invoices = world.xero.dump("Invoices");
    let mut released = 0;
    for (request, deals) in asked(&items) {
        let there = deals
            .iter()
            .any(|deal| invoices.iter().any(|invoice| url(invoice).contains(*deal)));
        if there {
            // It turned up: the next run adopts it.
            continue;
        }
        // What swallowed it works again; a person would not say "make it again" before that.
        world.heal();
        match program.run(&["items", "release", request], None).await? {
            Ended::Done(_) => released += 1,
            other => anyhow::bail!("the release of {request} was not taken: {other:?}"),
        }
    }
    Ok(released)
}

/// Requests that ask for a person, with their deals.
fn asked(items: &Value) -> BTreeMap<&str, Vec<&str>> {
    let mut asked: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for item in items.as_array().into_iter().flatten() {
        let message = item.pointer("/message").and_then(Value::as_str);
        let deal = item.pointer("/subject/record/id").and_then(Value::as_str);
        let request = message
            .and_then(|text| text.split_once(COMMAND))
            .and_then(|(_, rest)| rest.split('`').next());
        if let (Some(request), Some(deal)) = (request, deal) {
            asked.entry(request).or_default().push(deal);
        }
    }
    asked
}

fn url(invoice: &Value) -> &str {
    invoice
        .get("Url")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_are_read_from_the_words_that_people_see() {
        let items = json!([
            {"message": "sent, effect not known", "subject": {"record": {"id": "1"}}},
            {"message": "If you are sure, `footbridge items release ab12` lets it", "subject": {"record": {"id": "2"}}},
            {"message": "If you are sure, `footbridge items release ab12` lets it", "subject": {"record": {"id": "3"}}},
        ]);
        assert_eq!(asked(&items), BTreeMap::from([("ab12", vec!["2", "3"])]));
    }
}
