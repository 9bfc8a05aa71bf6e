//! The person: answers what waits, as a bookkeeper would after looking at the far side, once what stood in the way is gone. It also lets
//! the product in, where the connections are by consent.
//!
//! It looks at nothing of the product's but what is shown to people.

use crate::world::World;
use anyhow::Context;
use footbridge::compose::Kit;
use footbridge_engine::{Answered, Engine, Released, Standing};
use footbridge_model::id::{ConnectionId, RequestId};
use footbridge_model::plan::reason;
use footbridge_model::ruling::Choice;
use footbridge_sandbox::Sandbox;
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How the item's text names the command.
const COMMAND: &str = " items release ";

/// Decides everything that waits. How many requests were released.
pub(crate) async fn decides(world: &World, engine: &Engine) -> anyhow::Result<usize> {
    let invoices = world.xero.dump("Invoices");
    let mut released = 0;
    for decision in engine.decisions().await? {
        if !matches!(decision.standing, Standing::Waiting | Standing::Refused) {
            continue;
        }
        let deal = decision.subject.record.id.as_str();
        let asked = decision.message.split_once(COMMAND);
        if let Some(request) = asked.and_then(|(_, rest)| rest.split('`').next()) {
            if !is_billed(&invoices, deal) {
                // Released once for all that it carried.
                if let Released::Done(_) = engine.release(&RequestId::from(request)).await? {
                    released += 1;
                }
            }
            continue;
        }
        if decision.reason == reason::REWRITTEN {
            // What rewrote it is gone. Not everything can be approved; what can't is looked at again.
            let word = engine.answer(&decision, Choice::GoAhead, "person").await?;
            if let Answered::Kept(_) = word {
                continue;
            }
        }
        engine.look_again(deal).await?;
    }
    Ok(released)
}

/// Requests that the program's items ask for and that left nothing at the far side.
pub(crate) fn would_release(world: &World, items: &Value) -> BTreeSet<String> {
    let invoices = world.xero.dump("Invoices");
    let items = items.as_array().into_iter().flatten();
    let asked = items.filter_map(|item| {
        let message = item.pointer("/message")?.as_str()?;
        let deal = item.pointer("/subject/record/id")?.as_str()?;
        let request = message.split_once(COMMAND)?.1.split('`').next()?;
        (!is_billed(&invoices, deal)).then(|| request.to_owned())
    });
    asked.collect()
}

fn is_billed(invoices: &[Value], deal: &str) -> bool {
    invoices.iter().any(|invoice| {
        let url = invoice.get("Url").and_then(Value::as_str);
        url.is_some_and(|url| url.contains(deal))
    })
}

/// Both connections are by consent from now on, with refresh tokens that are replaced at each use.
pub(crate) async fn lets_both_in(world: &World, sandbox: &Sandbox) -> anyhow::Result<()> {
    world.connect_by_consent()?;
    let config = world.read_config()?;
    let kit = Kit::open_in(&config, &world.surroundings(sandbox))?;
    for name in ["xero", "salesforce"] {
        let connection = ConnectionId::new(name);
        let request = kit.broker.ask_consent(&connection)?;
        let back = allow(request.url()).await?;
        let (_, query) = back.split_once('?').context("no answer to the consent")?;
        let code = request.read_query(query)?;
        kit.broker.take_code(&connection, &request, code).await?;
        let reachable = kit.broker.reaches(&connection).await?;
        let first = reachable.first().context("the consent reaches nothing")?;
        kit.broker.choose(&connection, first)?;
        kit.broker.keep(&connection).await?;
    }
    Ok(())
}

/// Answers a consent page; where the browser is sent back to.
async fn allow(link: &str) -> anyhow::Result<String> {
    let (page, query) = link.split_once('?').context("a link without query")?;
    let rest = page.strip_prefix("http://").context("not a link")?;
    let (host, path) = rest.split_once('/').context("a link without path")?;
    let form = format!("{query}&decision=allow&organisation-0=yes");
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let location = answer
        .lines()
        .find_map(|line| line.strip_prefix("location: "));
    Ok(location.context("the page sent nobody back")?.to_owned())
}
