//! Acts in Salesforce. Each tells the witness whom it touched, and when a deal was won.

use super::{Told, refused};
use crate::records::{Records, money, text};
use crate::schedule::{Side, Step};
use crate::world::{World, fields, pick};
use chrono::Duration;
use serde_json::{Value, json};

pub(super) fn act(world: &mut World, step: &Step) -> Option<Told> {
    Some(match step {
        Step::Win { deal } => win(world, *deal),
        Step::Lose { deal } => stage(world, *deal, "Closed Lost"),
        Step::Reopen { deal } => stage(world, *deal, "Prospecting"),
        Step::Amount { deal, to } => amount(world, *deal, *to),
        Step::Price { deal, line, to } => price(world, *deal, *line, *to),
        Step::AddLine { deal, price } => add_line(world, *deal, *price),
        Step::DropLine { deal, line } => drop_line(world, *deal, *line),
        Step::DealText { deal, field, to } => edit_deal(world, *deal, json!({field: to})),
        Step::CloseDate { deal, days } => {
            let date = world.clock.now().date_naive() + Duration::days(*days);
            edit_deal(world, *deal, json!({"CloseDate": date.to_string()}))
        }
        Step::MoveDeal { deal, account } => move_deal(world, *deal, *account),
        Step::DeleteDeal { deal } => delete_deal(world, *deal),
        Step::UndeleteDeal { deal } => undelete_deal(world, *deal),
        Step::NewDeal { deal } => world
            .new_deal(deal)
            .map(|id| format!("{id} is entered"))
            .map_err(refused),
        Step::BulkEdit { text } => bulk_edit(world, text),
        Step::NewAccount { account } => world
            .new_account(account)
            .map(|()| format!("{} is entered", account.name))
            .map_err(refused),
        Step::AccountText { account, field, to } => account_text(world, *account, field, to),
        Step::MergeAccounts { into, from } => merge(world, *into, *from),
        _ => return None,
    })
}

/// The deal at a place, and the account that it is of.
fn deal_at(world: &World, place: usize) -> Result<(String, Value), String> {
    let id = pick(&world.deals, place).ok_or("there is no deal")?;
    let records = world.records();
    let deal = records.get("Opportunity", &id).cloned();
    Ok((id, deal.ok_or("the deal is gone")?))
}

fn touch(world: &mut World, deal: &Value) {
    world.witness.touched(&text(deal, "AccountId"));
}

fn edit_deal(world: &mut World, place: usize, change: Value) -> Told {
    let (id, deal) = deal_at(world, place)?;
    let told = format!("{} becomes {change}", text(&deal, "Name"));
    world
        .salesforce
        .edit("Opportunity", &id, fields(change))
        .map_err(refused)?;
    touch(world, &deal);
    Ok(told)
}

fn win(world: &mut World, place: usize) -> Told {
    let (id, deal) = deal_at(world, place)?;
    if text(&deal, "IsWon") == "true" {
        return Err(format!("{} is won already", text(&deal, "Name")));
    }
    let told = stage(world, place, "Closed Won")?;
    if !world.witness.history.contains(&id) {
        world.witness.won.insert(id);
    }
    Ok(told)
}

fn stage(world: &mut World, place: usize, stage: &str) -> Told {
    edit_deal(world, place, json!({"StageName": stage}))
}

fn lines(records: &Records, deal: &str) -> Vec<String> {
    let lines = records
        .live("OpportunityLineItem")
        .filter(|(_, line)| text(line, "OpportunityId") == deal);
    lines.map(|(id, _)| id.to_owned()).collect()
}

fn amount(world: &mut World, place: usize, to: i64) -> Told {
    let (id, _) = deal_at(world, place)?;
    if !lines(&world.records(), &id).is_empty() {
        return Err("its amount is what its lines add up to".to_owned());
    }
    edit_deal(world, place, json!({"Amount": money(to)}))
}

fn price(world: &mut World, place: usize, line: usize, to: i64) -> Told {
    let (id, deal) = deal_at(world, place)?;
    let line = pick(&lines(&world.records(), &id), line).ok_or("it has no line")?;
    let change = fields(json!({"UnitPrice": money(to)}));
    world
        .salesforce
        .edit("OpportunityLineItem", &line, change)
        .map_err(refused)?;
    touch(world, &deal);
    Ok(format!(
        "a line of {} costs {} now",
        text(&deal, "Name"),
        money(to)
    ))
}

fn add_line(world: &mut World, place: usize, price: i64) -> Told {
    let (id, deal) = deal_at(world, place)?;
    let line = world
        .line_record(&id, &text(&deal, "CurrencyIsoCode"), price)
        .map_err(refused)?;
    world
        .salesforce
        .create("OpportunityLineItem", line)
        .map_err(refused)?;
    touch(world, &deal);
    Ok(format!(
        "{} has a line more, of {}",
        text(&deal, "Name"),
        money(price)
    ))
}

fn drop_line(world: &mut World, place: usize, line: usize) -> Told {
    let (id, deal) = deal_at(world, place)?;
    let line = pick(&lines(&world.records(), &id), line).ok_or("it has no line")?;
    world
        .salesforce
        .delete("OpportunityLineItem", &line)
        .map_err(refused)?;
    touch(world, &deal);
    Ok(format!("{} has a line less", text(&deal, "Name")))
}

fn move_deal(world: &mut World, place: usize, account: usize) -> Told {
    let to = pick(&world.accounts, account).ok_or("there is no account")?;
    let told = edit_deal(world, place, json!({"AccountId": to}))?;
    world.witness.touched(&to);
    Ok(told)
}

fn delete_deal(world: &mut World, place: usize) -> Told {
    let (id, deal) = deal_at(world, place)?;
    world
        .salesforce
        .delete("Opportunity", &id)
        .map_err(refused)?;
    touch(world, &deal);
    Ok(format!("{} is thrown away", text(&deal, "Name")))
}

fn undelete_deal(world: &mut World, place: usize) -> Told {
    let (id, deal) = deal_at(world, place)?;
    world
        .salesforce
        .undelete("Opportunity", &id)
        .map_err(refused)?;
    touch(world, &deal);
    Ok(format!("{} is taken out of the bin", text(&deal, "Name")))
}

fn bulk_edit(world: &mut World, words: &str) -> Told {
    let change = fields(json!({"NextStep": words}));
    let mut edited = 0;
    for id in world.deals.clone() {
        let done = world.salesforce.edit("Opportunity", &id, change.clone());
        edited += usize::from(done.is_ok());
    }
    world.witness.for_all += 1;
    Ok(format!("{edited} deals are edited at once"))
}

fn account_text(world: &mut World, place: usize, field: &str, to: &Option<String>) -> Told {
    let id = pick(&world.accounts, place).ok_or("there is no account")?;
    let records = world.records();
    let was = records.get("Account", &id).map(|was| text(was, field));
    let was = was.unwrap_or_default();
    let change = fields(json!({field: to}));
    world
        .salesforce
        .edit("Account", &id, change)
        .map_err(refused)?;
    world.witness.touched(&id);
    let said = to.as_deref().unwrap_or_default();
    // What was empty isn't emptied.
    if was != said {
        world.edited(&id, Side::Salesforce, field, said);
    }
    if to.is_none() {
        world.witness.emptied.insert(id.clone());
    }
    Ok(format!(
        "{field} of {id} becomes {}",
        to.as_deref().unwrap_or("empty")
    ))
}

fn merge(world: &mut World, into: usize, from: usize) -> Told {
    let into = pick(&world.accounts, into).ok_or("there is no account")?;
    let from = pick(&world.accounts, from).ok_or("there is no account")?;
    world
        .salesforce
        .merge("Account", &into, &from)
        .map_err(refused)?;
    world.witness.merged(&into, &from);
    Ok(format!("{from} is merged into {into}"))
}
