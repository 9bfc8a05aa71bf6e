//! A plan as a page for a bookkeeper: what would be created and changed, what waits and why, and what it costs. Nothing is done here.
//!
//! Words only; every figure is the planner's. `diff` words one operation.

use super::diff::{ById, Why, fields, lines};
use crate::commands::sync::RECEIVABLES;
use crate::render::{columns, count, safe, theirs, wrapped};
use footbridge_engine::saved::SavedPlan;
use footbridge_engine::{Preview, ReflectPreview};
use footbridge_model::plan::{Bill, Note, Op, Plan, reason};
use footbridge_model::plugin::Action;
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// So many invoices, customers, changes and waiting deals are shown; `--json` has all.
const ROWS: usize = 20;
/// So many lines of an invoice.
const LINES: usize = 6;

/// What a plan prints as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'a> {
    pub(crate) flow: &'a str,
    #[serde(flatten)]
    pub(crate) preview: &'a Preview,
    /// The id under which it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) saved: Option<&'a str>,
    /// The file that it was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<&'a Path>,
}

/// Whether all of a plan is shown or what somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Of,
}

/// A previewed plan.
pub(crate) fn words(shown: &Shown<'_>, part: Part) -> String {
    let preview = shown.preview;
    let of = match part {
        Part::Whole => "",
        Part::Of => ", only what was asked for",
    };
    let name = format!(
        "Plan of {}{of} for {}",
        safe(shown.flow, 60),
        safe(&preview.organisation, 60)
    );
    let until = "It holds until midnight there. Nothing has been written.";
    let mut text = head(&name, &preview.plan, until);
    text.push_str(&forward(&preview.plan, &preview.asks));
    let back = preview.reflected.as_ref();
    text.push_str(&back.map(way_back).unwrap_or_default());
    if preview.plan.ops.is_empty() && back.is_none_or(|back| back.ops.is_empty()) {
        text.push_str(match waiting_for_a_yes(&preview.plan) {
            0 => "Nothing would be written.\n\n",
            _ => "A sync would write nothing of it before somebody says yes.\n\n",
        });
    }
    text.push_str(&held("record", &preview.plan.holds));
    text.push_str(&match part {
        Part::Whole => nothing_needed(&preview.plan.skips),
        Part::Of => notes("need nothing now", "record", &preview.plan.skips),
    });
    if part == Part::Whole {
        text.push_str(&cost(shown));
    }
    text.push_str(&next(shown, part));
    text
}

/// What a plan is called, as of when, and a word on how it stands.
pub(super) fn head(name: &str, plan: &Plan, how: &str) -> String {
    let at = plan.as_of.instant.format("%Y-%m-%d %H:%M UTC");
    let when = format!("as of {at}, {} there. {how}", plan.as_of.local_date);
    format!("{}{}\n", wrapped(name, 0), wrapped(&when, 0))
}

/// A saved plan, as it was saved.
pub(super) fn saved(saved: &SavedPlan) -> String {
    let is_back = |op: &&Op| footbridge_model::receivable::is_receivable(op.object.as_str());
    let (back, there): (Vec<Op>, Vec<Op>) =
        (saved.plan.ops.iter().cloned()).partition(|op| is_back(&op));
    let plan = Plan {
        ops: there,
        ..saved.plan.clone()
    };
    let mut text = forward(&plan, &saved.asks);
    text.push_str(&changes_back(&back));
    text.push_str(&held("record", &saved.plan.holds));
    text
}

fn forward(plan: &Plan, asks: &[Note]) -> String {
    let ops: ById<'_> = plan.ops.iter().map(|op| (&op.id, op)).collect();
    let mut text = invoices(plan, &ops, asks);
    text.push_str(&customers(plan, &ops));
    text.push_str(&changed(plan, &ops));
    if !plan.adoptions.is_empty() {
        text.push_str(&format!(
            "{} recognised and linked; nothing is written to them\n\n",
            count(plan.adoptions.len(), "existing record")
        ));
    }
    text
}

fn invoices(plan: &Plan, ops: &ById<'_>, asks: &[Note]) -> String {
    if plan.bills.is_empty() {
        return String::new();
    }
    let mut text = format!("{} to create\n", count(plan.bills.len(), "invoice"));
    for bill in plan.bills.iter().take(ROWS) {
        if let Some(op) = ops.get(&bill.op) {
            text.push('\n');
            text.push_str(&invoice(op, bill));
            if let Some(ask) = asks.iter().find(|ask| ask.subject == op.subject) {
                let said = format!("! {} ({})", safe(&ask.message, 400), ask.reason);
                text.push_str(&wrapped(&said, 4));
            }
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
    let mut text = wrapped(&format!("+ {}{part}", theirs(&op.subject.title, 80)), 2);
    let deal = safe(op.subject.record.id.as_str(), 60);
    let customer = safe(&bill.customer, 80);
    text.push_str(&wrapped(&format!("{deal} to {customer}{new}"), 4));
    if !bill.why.is_empty() {
        text.push_str(&wrapped(&safe(&bill.why, 200), 4));
    }
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

fn customers(plan: &Plan, ops: &ById<'_>) -> String {
    let made = |op: &&&Op| op.object.as_str() == "customer" && op.action == Action::Create;
    let made: Vec<&Op> = plan.ops.iter().filter(|op| made(&op)).collect();
    if made.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "{} to create, for the ledger has none of that name or number\n",
        count(made.len(), "customer")
    );
    for op in made.iter().take(ROWS) {
        let name = op.doc.text("name").unwrap_or(&op.subject.title);
        let id = safe(op.subject.record.id.as_str(), 60);
        text.push_str(&wrapped(&format!("+ {} ({id})", safe(name, 80)), 2));
        let rest: Vec<String> = (fields(op, ops).into_iter())
            .filter(|field| !field.starts_with("name:"))
            .collect();
        if !rest.is_empty() {
            text.push_str(&wrapped(&rest.join("; "), 6));
        }
    }
    text.push_str(&more(made.len(), 2));
    text.push('\n');
    text
}

/// Everything else that is written: old -> new.
fn changed(plan: &Plan, ops: &ById<'_>) -> String {
    let customer = |op: &&Op| op.object.as_str() == "customer" && op.action == Action::Create;
    let billed: std::collections::BTreeSet<_> = plan.bills.iter().map(|bill| &bill.op).collect();
    let rest: Vec<&Op> = (plan.ops.iter())
        .filter(|op| !billed.contains(&op.id) && !customer(op))
        .collect();
    if rest.is_empty() {
        return String::new();
    }
    let mut text = format!("{} to change\n", count(rest.len(), "record"));
    for op in rest.iter().take(ROWS) {
        // That a new invoice is shown on its deal needs no reason for each of them.
        let why = match op.after.is_empty() {
            true => Why::Told,
            false => Why::Known,
        };
        text.push_str(&lines(op, ops, why));
    }
    text.push_str(&more(rest.len(), 2));
    text.push('\n');
    text
}

fn way_back(back: &ReflectPreview) -> String {
    let mut text = String::new();
    if let Some(problem) = &back.problem {
        let line = format!("The way back: {}", safe(problem, 600));
        text.push_str(&wrapped(&line, 0));
        text.push('\n');
    }
    text.push_str(&changes_back(&back.ops));
    text.push_str(&held("record of the way back", &back.holds));
    text
}

fn changes_back(ops: &[Op]) -> String {
    if ops.is_empty() {
        return String::new();
    }
    let of = |object: &str, action: Action| {
        let its = ops.iter().filter(|op| op.object.as_str() == object);
        its.filter(|op| op.action == action).count()
    };
    let mut parts = Vec::new();
    for (object, singular) in RECEIVABLES {
        let (made, changed) = (of(object, Action::Create), of(object, Action::Update));
        if made > 0 {
            parts.push(format!("{} to show", count(made, singular)));
        }
        if changed > 0 {
            parts.push(format!("{} to bring up to date", count(changed, singular)));
        }
    }
    let mut text = wrapped(&format!("The way back: {}", parts.join(", ")), 0);
    let by_id: ById<'_> = ops.iter().map(|op| (&op.id, op)).collect();
    // What changes says more than what is new.
    let (new, old): (Vec<&Op>, Vec<&Op>) = ops.iter().partition(|op| op.action == Action::Create);
    for op in old.iter().chain(&new).take(ROWS) {
        text.push_str(&lines(op, &by_id, Why::Known));
    }
    text.push_str(&more(ops.len(), 2));
    text.push('\n');
    text
}

fn held(what: &str, holds: &[Note]) -> String {
    notes("waiting", what, holds)
}

fn notes(how: &str, what: &str, notes: &[Note]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let mut text = format!("{} {how}\n", count(notes.len(), what));
    for note in notes.iter().take(ROWS) {
        let id = safe(note.subject.record.id.as_str(), 60);
        let title = theirs(&note.subject.title, 80);
        text.push_str(&wrapped(&format!("{title} ({id}): {}", note.reason), 2));
        text.push_str(&wrapped(&safe(&note.message, 600), 4));
    }
    text.push_str(&more(notes.len(), 2));
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
    let mut text = "Cost, besides a few reads\n".to_owned();
    for (connection, n) in &shown.preview.calls {
        let left = shown.preview.left.get(connection).and_then(|left| left.day);
        let most = left.and_then(|left| usize::try_from(left).ok());
        let day = match left {
            Some(day) => format!("of {day} calls left today"),
            None => "calls left today: unknown before the first call of the day".to_owned(),
        };
        let over = match most.is_some_and(|most| *n > most) {
            true => "; that is more than is left, the rest goes on tomorrow",
            false => "",
        };
        let line = format!("{connection}: {} {day}{over}", count(*n, "write call"));
        text.push_str(&wrapped(&line, 2));
    }
    text.push('\n');
    text
}

fn next(shown: &Shown<'_>, part: Part) -> String {
    let writes: usize = shown.preview.calls.values().sum();
    let mut said = Vec::new();
    if let Some(id) = shown.saved {
        let file = match shown.file {
            Some(file) => format!(" and written to {}", safe(&file.display().to_string(), 200)),
            None => String::new(),
        };
        said.push(format!(
            "Saved as {id}{file}. `footbridge plan approve {0}` says yes to it, `footbridge plan apply {0}` then carries it out.",
            id.get(..8).unwrap_or(id)
        ));
    } else if let Some(refused) = &shown.preview.refused {
        said.push(safe(refused, 1000));
    } else if part == Part::Whole {
        said.push(match writes {
            0 => "There is nothing for `footbridge sync` to write.".to_owned(),
            _ => "`footbridge sync` does it; `footbridge plan --save` keeps it for approval."
                .to_owned(),
        });
    }
    let asked = waiting_for_a_yes(&shown.preview.plan);
    if shown.saved.is_none() && asked > 0 {
        let only = match part {
            Part::Whole => "",
            Part::Of => " with the same `--only`",
        };
        said.push(format!(
            "{} for a yes: `footbridge plan --save`{only} keeps a plan with that in it, to be approved; `footbridge items approve ID` says yes to one.",
            match asked {
                1 => "1 invoice waits".to_owned(),
                n => format!("{n} invoices wait"),
            }
        ));
    }
    said.iter().map(|line| wrapped(line, 0)).collect()
}

/// Invoices that a run lets wait and a plan that is to be approved doesn't.
fn waiting_for_a_yes(plan: &Plan) -> usize {
    let asked = |note: &&Note| note.reason == reason::NEEDS_APPROVAL;
    plan.holds.iter().filter(asked).count()
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
