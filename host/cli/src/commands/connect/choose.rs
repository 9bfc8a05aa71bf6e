//! Which organisation: the one that was pinned before, the one that was named, the only one, or the one that a person picks.
//!
//! A connection never changes its organisation. It asks a question only on a terminal.

use super::Before;
use crate::commands::{Output, show};
use crate::exit::UsageError;
use crate::render::safe;
use footbridge_engine::Pinned;
use footbridge_model::id::ConnectionId;
use footbridge_sandbox::{Chosen, Reachable};
use std::io::{IsTerminal, stdin, stdout};

/// Whom it must be, and who says so.
pub(super) struct Wanted {
    name: String,
    by: &'static str,
}

pub(super) fn wanted(before: &Before, named: Option<&str>) -> Vec<Wanted> {
    let pinned = |pin: &Pinned| pin.id.clone();
    let all = [
        (
            before.configured.clone(),
            "`organisation` in the configuration",
        ),
        (
            before.pinned.as_ref().map(pinned),
            "what its flows did before",
        ),
        (
            before.chosen.as_ref().map(pinned),
            "the last time it was connected",
        ),
        (named.map(str::to_owned), "--organisation"),
    ];
    all.into_iter()
        .filter_map(|(name, by)| Some(Wanted { name: name?, by }))
        .collect()
}

/// One of those that are reached, by everything that is wanted.
pub(super) fn one(
    connection: &ConnectionId,
    reached: &[Reachable],
    wanted: &[Wanted],
    output: Output,
) -> anyhow::Result<Reachable> {
    let is = |one: &Reachable, name: &str| {
        one.id.eq_ignore_ascii_case(name) || one.name.eq_ignore_ascii_case(name)
    };
    let mut left: Vec<&Reachable> = reached.iter().collect();
    for Wanted { name, by } in wanted {
        left.retain(|one| is(one, name));
        if left.is_empty() {
            return Err(swapped(connection, reached, name, by).into());
        }
    }
    match left.as_slice() {
        [] => Err(UsageError(format!(
            "{connection} reaches no organisation. Run the command again and tick one on the consent page"
        ))
        .into()),
        [one] => Ok((*one).clone()),
        several if output == Output::Text && stdin().is_terminal() && stdout().is_terminal() => {
            asked(several)
        }
        several => Err(UsageError(format!(
            "{connection} reaches several organisations. Add --organisation with one of: {}",
            list(several.iter().copied())
        ))
        .into()),
    }
}

fn swapped(connection: &ConnectionId, reached: &[Reachable], name: &str, by: &str) -> UsageError {
    UsageError(format!(
        "{connection} is for the organisation {name:?} ({by}), and this consent reaches {}. Nothing was stored. Consent again and choose that one; for another organisation make another connection, or another data directory",
        match reached {
            [] => "none".to_owned(),
            some => list(some.iter()),
        }
    ))
}

fn list<'a>(reached: impl Iterator<Item = &'a Reachable>) -> String {
    let each = reached.map(|one| format!("{} ({})", safe(&one.name, 60), one.id));
    each.collect::<Vec<_>>().join(", ")
}

fn asked(several: &[&Reachable]) -> anyhow::Result<Reachable> {
    let mut text = String::from("Which organisation?\n");
    for (number, one) in (1..).zip(several) {
        text.push_str(&format!(
            "  {number}  {} ({})\n",
            safe(&one.name, 60),
            one.id
        ));
    }
    text.push_str("Its number: ");
    show(&text)?;
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    let chosen = line.trim().parse::<usize>().ok();
    let chosen = chosen.and_then(|number| several.get(number.checked_sub(1)?));
    chosen.map(|one| (*one).clone()).ok_or_else(|| {
        UsageError("that is no number of the list. Nothing was stored".to_owned()).into()
    })
}

/// Whether the organisation is what it was: the same one, and live or demo as before.
pub(super) fn same(
    connection: &ConnectionId,
    before: &Before,
    now: &Chosen,
) -> Result<(), UsageError> {
    let kind = |test: bool| {
        if test {
            "a sandbox or demo company"
        } else {
            "a live organisation"
        }
    };
    for was in [&before.pinned, &before.chosen].into_iter().flatten() {
        if was.id == now.id && was.test != now.test {
            return Err(UsageError(format!(
                "{connection} is for {}, which was {} and is {} now. Nothing was stored. Make another data directory if that is meant: links and numbers of the one are wrong for the other",
                safe(&was.name, 60),
                kind(was.test),
                kind(now.test)
            )));
        }
        if was.id != now.id {
            return Err(UsageError(format!(
                "{connection} is for {} ({}), and {} ({}) answers. Nothing was stored",
                safe(&was.name, 60),
                was.id,
                safe(&now.name, 60),
                now.id
            )));
        }
    }
    Ok(())
}
