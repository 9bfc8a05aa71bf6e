//! The demo for people: three deals followed across, what waits and its right answer, what to try next.
//!
//! Texts and rows only; every figure comes from the simulators.

use super::Told;
use super::tally::Tally;
use super::world::World;
use crate::render::{count, safe, table, wrapped};
use crate::typed;
use footbridge_engine::Preview;
use footbridge_model::plugin::Action;
use footbridge_simulators::company::Receipts;
use serde_json::Value;
use std::path::Path;

pub(crate) fn opening(world: &World) -> String {
    format!(
        "Two companies are running on this machine: a Salesforce at {} and a Xero at {}.\n\
         {} deals were won. Footbridge reads them through one sandboxed plugin, maps them in a second, and writes invoices through a third.\n\
         No plugin holds a token or a socket. What happens to the invoices then comes back to Salesforce, into objects that Footbridge sets up there first.\n\n",
        world.salesforce_url(),
        world.xero_url(),
        world.company.won.len()
    )
}

pub(crate) fn followed(world: &World, told: &Told) -> String {
    let invoices = world.xero.dump("Invoices");
    let text = |record: &Value, path: &str| -> String {
        let value = path
            .split('.')
            .try_fold(record, |value, step| value.get(step));
        match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    };
    let story = world.company.story();
    let mut out = "Three deals to follow\n".to_owned();
    for deal in &story.follow {
        out.push_str(&format!("\n  {}\n  {}\n", safe(&deal.name, 70), deal.watch));
        let Some(invoice) = invoices
            .iter()
            .find(|i| text(i, "Url").contains(&deal.deal_id))
        else {
            out.push_str("    no invoice yet\n");
            continue;
        };
        out.push_str(&format!(
            "    invoice {} to {}: {} {} net, {} tax, {} in all; reference {:?}\n",
            safe(&text(invoice, "InvoiceNumber"), 30),
            safe(&text(invoice, "Contact.Name"), 50),
            safe(&text(invoice, "CurrencyCode"), 3),
            safe(&text(invoice, "SubTotal"), 20),
            safe(&text(invoice, "TotalTax"), 20),
            safe(&text(invoice, "Total"), 20),
            safe(&text(invoice, "Reference"), 40),
        ));
    }
    let rows: Vec<Vec<String>> = story
        .to_fix
        .iter()
        .filter_map(|item| {
            let decision = told
                .decisions
                .iter()
                .find(|d| d.subject.record.id.as_str() == item.deal_id)?;
            Some(vec![
                safe(&item.name, 34),
                decision.reason.clone(),
                item.right_answer.to_owned(),
            ])
        })
        .collect();
    if !rows.is_empty() {
        out.push_str("\nSome deals wait for a person, each with its right answer\n\n");
        for line in table(&["deal", "why it waits", "the right answer"], &rows).lines() {
            out.push_str(&format!("  {line}\n"));
        }
    }
    out.push('\n');
    out
}

/// The plan of the first sync, in a few lines.
pub(crate) fn planned(preview: &Preview) -> String {
    let plan = &preview.plan;
    let made = |object: &str| {
        let its = plan.ops.iter().filter(|op| op.object.as_str() == object);
        its.filter(|op| op.action == Action::Create).count()
    };
    let changed = (plan.ops.iter())
        .filter(|op| op.action == Action::Update)
        .count();
    let calls: Vec<String> = (preview.calls.iter())
        .map(|(connection, n)| format!("{} to {connection}", count(*n, "write call")))
        .collect();
    let line = format!(
        "First the plan, as `footbridge plan` shows it: {} and {} to create, {} to change, {} waiting with a reason; {}. \
         A flow that has never written refuses to until somebody says yes. The demo says it: `footbridge sync --go`.",
        count(made("invoice"), "invoice"),
        count(made("customer"), "customer"),
        count(changed, "deal"),
        plan.holds.len(),
        calls.join(", "),
    );
    format!("{}\n", wrapped(&line, 0))
}

/// What the customers did between the two syncs; what nobody did is left out.
pub(crate) fn paying(paid: &Receipts) -> String {
    let counted = |count: usize, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {more}")),
    };
    let did: Vec<String> = [
        counted(paid.payments, "payment", "payments"),
        counted(paid.batches, "batch among them", "batches among them"),
        counted(
            paid.bounced,
            "taken back by the bank",
            "taken back by the bank",
        ),
        counted(paid.overpayments, "overpayment", "overpayments"),
        counted(paid.prepayments, "prepayment", "prepayments"),
        counted(paid.refunds, "refund", "refunds"),
        counted(paid.credit_notes, "credit note", "credit notes"),
        counted(paid.written_off, "invoice given up", "invoices given up"),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!(
        "Some weeks pass, and the customers pay: {}.\n\
         A second sync carries all of it back to Salesforce, where a deal's people see it.\n\n",
        did.join(", ")
    )
}

pub(crate) fn figures(tally: &Tally) -> String {
    let held: usize = tally.held.values().sum();
    let reasons: Vec<String> = tally
        .held
        .iter()
        .map(|(reason, n)| format!("{n} {reason}"))
        .collect();
    let verdict = if tally.agrees() {
        "Nothing twice, nothing lost, every total to the cent, every payment back in Salesforce, and a last sync had nothing to write."
    } else {
        "SOMETHING DOES NOT ADD UP. See the figures above."
    };
    format!(
        "Counted in the simulators\n\
         \x20 {} won deals: {} invoices, {} new contacts, {} deals show their invoice\n\
         \x20 {held} without an invoice: {}\n\
         \x20 duplicates {}, lost {}, totals that differ {}, in doubt {}\n\
         \x20 calls: Xero {} reads and {} writes, Salesforce {} reads and {} writes; {:.1} s\n\
         \x20 then the customers paid: {} of {} payments and {} of {} documents stand in Salesforce as in Xero, {} balances differ\n\
         \x20 calls for that: Xero {} reads and {} writes, Salesforce {} reads and {} writes; {:.1} s\n\
         \x20 last sync, with nothing to do: {} writes to Xero, {} to Salesforce\n\
         {verdict}\n",
        tally.deals,
        tally.invoices_created,
        tally.contacts_created,
        tally.write_backs,
        reasons.join(", "),
        tally.duplicates,
        tally.lost,
        tally.total_mismatches,
        tally.in_doubt,
        tally.calls.xero.read,
        tally.calls.xero.write,
        tally.calls.salesforce.read,
        tally.calls.salesforce.write,
        tally.seconds,
        tally.back.payments_reflected,
        tally.back.payments_expected,
        tally.back.documents_reflected,
        tally.back.documents_expected,
        tally.back.balance_mismatches,
        tally.way_back.calls.xero.read,
        tally.way_back.calls.xero.write,
        tally.way_back.calls.salesforce.read,
        tally.way_back.calls.salesforce.write,
        tally.way_back.seconds,
        tally.idle_run.xero_writes,
        tally.idle_run.salesforce_writes,
    )
}

/// What to do while the simulators stay.
pub(crate) fn staying(world: &World, config: &Path) -> String {
    let config = config.display().to_string();
    let config = typed::quoted(&config);
    format!(
        "\nThe simulators stay at {} (Xero) and {} (Salesforce) until Ctrl-C. Try in another terminal:\n\
         \x20 footbridge -c {config} items     what waits, and why\n\
         \x20 footbridge -c {config} plan      what a sync would do now; `plan --save` keeps it for approval\n\
         \x20 footbridge -c {config} status    how things stand\n\
         \x20 footbridge -c {config} doctor    is everything there that a sync needs\n",
        world.xero_url(),
        world.salesforce_url(),
    )
}

pub(crate) fn next() -> String {
    "\nTry next\n\
     \x20 footbridge demo --keep demo-books                the same, and the simulators stay; then, in another terminal,\n\
     \x20 footbridge -c demo-books/footbridge.toml items   what waits, and why\n\
     \x20 footbridge -c demo-books/footbridge.toml plan    what a sync would do now\n\
     \x20 footbridge init --directory books                a configuration for your own two accounts\n"
        .to_owned()
}
