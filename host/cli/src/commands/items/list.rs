//! The list of items, by reason.

use super::{Place, advice, as_json, called};
use crate::args;
use crate::commands::{Output, print_json, show};
use crate::render::{safe, wrapped};
use footbridge_engine::{Counts, Decided, Decision, Engine, Standing, Unsettled};
use footbridge_model::plan::reason;
use footbridge_model::remedy::page_of_reason;
use footbridge_model::ruling::Choice;
use std::collections::BTreeMap;

pub(super) async fn run(
    engine: &Engine,
    args: &args::Items,
    place: &Place,
    output: Output,
) -> anyhow::Result<()> {
    let read = |decision: &Decision| is_listed(decision, args) || (args.ignored && waits(decision));
    let mut decisions = engine.decisions_where(read).await?;
    if args.ignored {
        for decision in &mut decisions {
            ignored_from_now(engine, decision).await?;
        }
        decisions.retain(|decision| is_listed(decision, args));
    }
    match output {
        Output::Json => {
            let all = decisions.iter();
            let all: Vec<_> = all
                .map(|decision| {
                    let advice = advice::of(decision, &engine.remedies(decision), None, place);
                    as_json(decision, advice)
                })
                .collect();
            print_json(&all)
        }
        Output::Text if decisions.is_empty() && args.ignored => show("Nothing is ignored.\n"),
        Output::Text => match args.reason.as_deref().filter(|_| decisions.is_empty()) {
            Some(reason) => show(&none_of(reason, &engine.unsettled().await?)),
            None => show(&words(&decisions, place)),
        },
    }
}

/// No item of the reason that was asked for, which may be another name for one there is.
fn none_of(reason: &str, unsettled: &Unsettled) -> String {
    let others = unsettled.records.iter().chain(&unsettled.way_back);
    let others: Vec<String> = others.map(|(reason, n)| format!("{n} {reason}")).collect();
    let reason = safe(reason, 60);
    match others.as_slice() {
        [] => format!("Nothing waits, for {reason} or anything else.\n"),
        _ => wrapped(
            &format!(
                "Nothing waits for {reason}. What waits: {}.",
                others.join(", ")
            ),
            0,
        ),
    }
}

/// What somebody said to ignore and no sync has looked at since is as good as ignored.
async fn ignored_from_now(engine: &Engine, decision: &mut Decision) -> anyhow::Result<()> {
    if !waits(decision) {
        return Ok(());
    }
    let decided = engine.decided_about(decision).await?;
    let says_so = decided.iter().find(|decided| {
        let ruling = &decided.ruling;
        decided.counts == Counts::Still
            && ruling.reason == decision.reason
            && matches!(ruling.choice, Choice::IgnoreOnce | Choice::IgnoreAlways)
    });
    if let Some(Decided { ruling, .. }) = says_so {
        decision.message = format!(
            "{} decided on {} that nothing is to be done; the next sync obeys ({}). {}",
            ruling.by,
            ruling.at.format("%Y-%m-%d"),
            decision.reason,
            decision.message
        );
        decision.reason = reason::IGNORED.to_owned();
        decision.standing = Standing::Skipped;
    }
    Ok(())
}

fn waits(decision: &Decision) -> bool {
    matches!(decision.standing, Standing::Waiting | Standing::Refused)
}

fn is_listed(decision: &Decision, args: &args::Items) -> bool {
    if args.ignored {
        return decision.reason == reason::IGNORED;
    }
    let waits = waits(decision);
    let for_time = decision.reason == reason::PART_NOT_DUE;
    let asked_for = args.all || args.reason.is_some();
    let wanted = args.reason.as_ref().is_none_or(|r| *r == decision.reason);
    wanted
        && ((waits && !for_time)
            || (asked_for && (for_time || decision.standing == Standing::Skipped)))
}

fn words(decisions: &[Decision], place: &Place) -> String {
    if decisions.is_empty() {
        return "Nothing waits for you. `footbridge status` tells how things stand.\n".to_owned();
    }
    let mut by_reason: BTreeMap<&str, Vec<&Decision>> = BTreeMap::new();
    for decision in decisions {
        by_reason
            .entry(&decision.reason)
            .or_default()
            .push(decision);
    }
    let mut text = String::new();
    for (reason, items) in by_reason {
        text.push_str(&format!(
            "{}: {}    {}\n",
            safe(reason, 60),
            items.len(),
            page_of_reason(reason).unwrap_or_default()
        ));
        for item in items {
            let since = item.at.format("%Y-%m-%d %H:%M UTC");
            text.push_str(&wrapped(&format!("{}, since {since}", called(item)), 2));
            text.push_str(&wrapped(&safe(&item.message, 600), 4));
            if let Some(at) = advice::mapping_line(item, place) {
                text.push_str(&wrapped(&at, 4));
            }
        }
        text.push('\n');
    }
    text.push_str(&wrapped(
        &format!(
            "Every sync looks at what waits again; at what was refused (`rejected`) when its record changes, or once more where the item says so. `footbridge items show ID{}` tells all about one and which commands fit it; after a correction that a sync can't see, `footbridge items retry ID`.",
            place.flow
        ),
        0,
    ));
    text
}
