//! `footbridge plan`: a bookkeeper's page of what a sync would do and why, what it would cost, what waits. Nothing is written to either side.
//!
//! Words only; every figure is the planner's.

use crate::args;
use crate::commands::sync::RECEIVABLES;
use crate::commands::{Output, print_json, show};
use crate::compose::Composition;
use crate::config::Config;
use crate::exit::Exit;
use crate::render::{columns, count, safe, wrapped};
use footbridge_engine::{Preview, ReflectPreview};
use footbridge_model::id::ConnectionId;
use footbridge_model::link::Role;
use footbridge_model::plan::{Bill, Note, Op, Plan};
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::BTreeMap;

/// So many invoices, customers and waiting deals are shown; `--json` has all.
const ROWS: usize = 20;
/// So many lines of an invoice.
const LINES: usize = 6;

/// What is left of a connection's budget after the plan.
#[derive(Debug, Serialize)]
struct Left {
    minute: Option<u32>,
    day: Option<u32>,
}

/// What a plan prints as JSON.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    flow: &'a str,
    #[serde(flatten)]
    preview: &'a Preview,
    /// Calls left, by connection.
    budget: BTreeMap<String, Left>,
}

pub(crate) async fn run(
    config: &Config,
    args: &args::Flow,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = Composition::open(config, name, flow).await?;
    let result = composition.engine.plan().await;
    composition.progress.finish();
    let preview = result?;
    let budget = [&flow.source, &flow.ledger].map(|connection| {
        let left = composition
            .broker
            .left(&ConnectionId::new(connection.clone()));
        let left = Left {
            minute: left.as_ref().and_then(|left| left.minute),
            day: left.as_ref().and_then(|left| left.day),
        };
        (connection.clone(), left)
    });
    let shown = Shown {
        flow: name,
        preview: &preview,
        budget: budget.into_iter().collect(),
    };
    match output {
        Output::Json => print_json(&shown)?,
        Output::Text => show(&words(&shown))?,
    }
    Ok(Exit::Done)
}

fn words(shown: &Shown<'_>) -> String {
    let plan = &shown.preview.plan;
    let mut text = format!(
        "Plan of {} for {}\nas of {}, {} there. It holds until midnight there. Nothing has been written.\n\n",
        shown.flow,
        safe(&shown.preview.organisation, 60),
        plan.as_of.instant.format("%Y-%m-%d %H:%M UTC"),
        plan.as_of.local_date
    );
    text.push_str(&invoices(shown.preview));
    text.push_str(&customers(shown.preview));
    text.push_str(&changes(plan));
    let updates = plan
        .ops
        .iter()
        .filter(|op| op.target.is_some() || op.object.as_str() == "Opportunity")
        .filter(|op| op.link.role != Role::Customer)
        .count();
    if updates > 0 {
        text.push_str(&format!(
            "{} in Salesforce to show the invoice's id, number and link\n\n",
            count(updates, "deal")
        ));
    }
    if !plan.adoptions.is_empty() {
        text.push_str(&format!(
            "{} recognised and linked; nothing is written to them\n\n",
            count(plan.adoptions.len(), "existing record")
        ));
    }
    let back = shown.preview.reflected.as_ref();
    text.push_str(&back.map(way_back).unwrap_or_default());
    if plan.ops.is_empty() && back.is_none_or(|back| writes(back) == 0) {
        text.push_str("Nothing would be written.\n\n");
    }
    text.push_str(&waiting(&plan.holds));
    text.push_str(&nothing_needed(&plan.skips));
    text.push_str(&cost(shown));
    text
}

fn invoices(preview: &Preview) -> String {
    let plan = &preview.plan;
    let ops: BTreeMap<_, &Op> = plan.ops.iter().map(|op| (&op.id, op)).collect();
    if plan.bills.is_empty() {
        return String::new();
    }
    let mut text = format!("{} to create\n", count(plan.bills.len(), "invoice"));
    for bill in plan.bills.iter().take(ROWS) {
        if let Some(op) = ops.get(&bill.op) {
            text.push('\n');
            text.push_str(&invoice(op, bill));
        }
    }
    text.push_str(&more(plan.bills.len(), 2));
    for (currency, (n, net, tax, total)) in sums(&plan.bills) {
        let line = format!(
            "together {}: {net} net, {tax} tax, {total} in all, on {}",
            safe(currency, 3),
            count(n, "invoice")
        );
        text.push_str(&wrapped(&line, 2));
    }
    text.push('\n');
    text
}

fn invoice(op: &Op, bill: &Bill) -> String {
    let field = |path: &str| op.doc.text(path).unwrap_or_default();
    let part = match op.subject.part {
        0 | 1 => String::new(),
        part => format!(", part {part}"),
    };
    let new = if op.after.is_empty() {
        ""
    } else {
        " (new customer)"
    };
    let number = match field("number") {
        "" => "the ledger's next number".to_owned(),
        number => format!("number {}", safe(number, 40)),
    };
    let reference = match field("reference") {
        "" => String::new(),
        reference => format!(", reference {}", safe(reference, 60)),
    };
    let mut text = wrapped(&format!("{}{part}", safe(&op.subject.title, 80)), 2);
    text.push_str(&wrapped(
        &format!("to {}{new}", safe(&bill.customer, 80)),
        4,
    ));
    text.push_str(&wrapped(
        &format!(
            "dated {}, due {}, {number}, {}{reference}",
            field("date"),
            field("due_date"),
            field("status")
        ),
        4,
    ));
    let shown = || bill.lines.iter().take(LINES);
    let amounts = shown().map(|line| columns(&line.amount)).max().unwrap_or(0);
    for line in shown() {
        let amount = &line.amount;
        let tax = format!(
            "{} % {} by {}",
            line.tax_rate,
            safe(&line.tax_type, 24),
            safe(&line.tax_from, 40)
        );
        let indent = 6 + amounts.saturating_sub(columns(amount));
        let line = format!("{amount} {}: {tax}", safe(&line.description, 60));
        text.push_str(&wrapped(&line, indent));
    }
    if let Some(rest) = bill.lines.len().checked_sub(LINES).filter(|rest| *rest > 0) {
        text.push_str(&format!("      ... and {}\n", count(rest, "more line")));
    }
    text.push_str(&wrapped(
        &format!(
            "{} {} net + {} tax = {}",
            safe(&bill.currency, 3),
            bill.sub_total,
            bill.total_tax,
            bill.total
        ),
        4,
    ));
    text
}

/// Sums by currency. An amount that can't be read is the planner's mistake and counts as nothing here; each invoice shows its own.
fn sums(bills: &[Bill]) -> BTreeMap<&str, (usize, Decimal, Decimal, Decimal)> {
    let mut sums: BTreeMap<&str, (usize, Decimal, Decimal, Decimal)> = BTreeMap::new();
    for bill in bills {
        let amount = |text: &str| text.parse::<Decimal>().unwrap_or_default();
        let sum = sums.entry(&bill.currency).or_default();
        sum.0 += 1;
        sum.1 = sum.1.saturating_add(amount(&bill.sub_total));
        sum.2 = sum.2.saturating_add(amount(&bill.total_tax));
        sum.3 = sum.3.saturating_add(amount(&bill.total));
    }
    sums
}

fn customers(preview: &Preview) -> String {
    let names: Vec<String> = preview
        .plan
        .ops
        .iter()
        .filter(|op| op.object.as_str() == "customer" && op.target.is_none())
        .map(|op| safe(op.doc.text("name").unwrap_or_default(), 80))
        .collect();
    if names.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "{} to create, for the ledger has none of that name or number\n",
        count(names.len(), "customer")
    );
    for name in names.iter().take(ROWS) {
        text.push_str(&wrapped(name, 2));
    }
    text.push_str(&more(names.len(), 2));
    text.push('\n');
    text
}

/// What goes from one side to the other of customers that are linked.
fn changes(plan: &Plan) -> String {
    let its = plan
        .ops
        .iter()
        .filter(|op| op.target.is_some() && op.link.role == Role::Customer);
    let its: Vec<&Op> = its.collect();
    if its.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "{} to carry over\n",
        count(its.len(), "change of customers")
    );
    for op in its.iter().take(ROWS) {
        let line = format!("{} (to {})", safe(&op.why, 300), op.connection);
        text.push_str(&wrapped(&line, 2));
    }
    text.push_str(&more(its.len(), 2));
    text.push('\n');
    text
}

fn writes(back: &ReflectPreview) -> usize {
    let counts = back.create.values().chain(back.update.values());
    counts.sum()
}

fn way_back(back: &ReflectPreview) -> String {
    let mut text = String::new();
    if let Some(problem) = &back.problem {
        let line = format!("The way back: {}", safe(problem, 600));
        text.push_str(&wrapped(&line, 0));
        text.push('\n');
    }
    let mut parts = Vec::new();
    for (object, singular) in RECEIVABLES {
        let made = back.create.get(object).copied().unwrap_or(0);
        let changed = back.update.get(object).copied().unwrap_or(0);
        if made > 0 {
            parts.push(format!("{} to show", count(made, singular)));
        }
        if changed > 0 {
            parts.push(format!("{} to bring up to date", count(changed, singular)));
        }
    }
    if !parts.is_empty() {
        text.push_str(&wrapped(&format!("The way back: {}", parts.join(", ")), 0));
        text.push('\n');
    }
    text.push_str(&held("record of the way back", &back.holds));
    text
}

fn waiting(holds: &[Note]) -> String {
    held("deal", holds)
}

fn held(what: &str, holds: &[Note]) -> String {
    if holds.is_empty() {
        return String::new();
    }
    let mut text = format!("{} waiting for you\n", count(holds.len(), what));
    for note in holds.iter().take(ROWS) {
        text.push_str(&wrapped(
            &format!("{} ({})", safe(&note.subject.title, 80), note.reason),
            2,
        ));
        text.push_str(&wrapped(&safe(&note.message, 600), 4));
    }
    text.push_str(&more(holds.len(), 2));
    text.push('\n');
    text
}

fn nothing_needed(skips: &[Note]) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for note in skips {
        *reasons.entry(note.reason.as_str()).or_default() += 1;
    }
    if reasons.is_empty() {
        return String::new();
    }
    let reasons: Vec<String> = reasons
        .iter()
        .map(|(reason, n)| format!("{n} {reason}"))
        .collect();
    format!(
        "{}\n",
        wrapped(&format!("Needs nothing now: {}", reasons.join(", ")), 0)
    )
}

fn cost(shown: &Shown<'_>) -> String {
    let total: usize = shown.preview.calls.values().sum();
    let calls: Vec<String> = shown
        .preview
        .calls
        .iter()
        .map(|(connection, n)| {
            let left = shown.budget.get(connection);
            let day = match left.and_then(|left| left.day) {
                Some(day) => format!(" of {day} left today"),
                None => String::new(),
            };
            format!("{} to {connection}{day}", count(*n, "write call"))
        })
        .collect();
    let what = if total == 0 {
        "There is nothing for `footbridge sync` to write."
    } else {
        "`footbridge sync` does it."
    };
    wrapped(
        &format!("Cost: {}, and a few reads. {what}", calls.join(", ")),
        0,
    )
}

fn more(total: usize, indent: usize) -> String {
    match total.saturating_sub(ROWS) {
        0 => String::new(),
        rest => format!(
            "{}... and {rest} more; --json has all\n",
            " ".repeat(indent)
        ),
    }
}
