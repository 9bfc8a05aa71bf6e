//! `footbridge replay`: records are read again and come up in the next sync.

use crate::args;
use crate::commands::{Output, print_json, show};
use crate::compose::Composition;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::render::{count, safe, theirs, wrapped};
use footbridge_engine::{Conditions, Looked, Mode, Replayed, Selection};
use serde_json::json;

/// So many records are named; of more only the count is told.
const MOST_NAMED: usize = 200;

pub(crate) async fn run(
    config: &Config,
    args: &args::Replay,
    output: Output,
) -> anyhow::Result<Exit> {
    let which = &args.which;
    if let (Some(since), Some(until)) = (which.since, which.until)
        && since >= until
    {
        return Err(UsageError(format!(
            "--since {} isn't before --until {}, so nothing lies between them: name the earlier time with --since",
            since.format("%Y-%m-%d %H:%M:%S UTC"),
            until.format("%Y-%m-%d %H:%M:%S UTC"),
        ))
        .into());
    }
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = Composition::open(config, name, flow).await?;
    let selection = match &which.id {
        Some(id) => Selection::One(id.clone()),
        None => Selection::Matching(Conditions {
            reason: which.reason.clone(),
            since: which.since,
            until: which.until,
            holds: which.holds.clone(),
        }),
    };
    let mode = if args.dry_run { Mode::Dry } else { Mode::Do };
    let mut named: Vec<Looked> = Vec::new();
    let mut each = |looked: &Looked| {
        if named.len() < MOST_NAMED {
            named.push(looked.clone());
        }
    };
    let done = composition
        .engine
        .replay(&selection, mode, &mut each)
        .await?;
    if !done.unknown_fields.is_empty() {
        return Err(UsageError(format!(
            "no record has this field: {}. --where takes the fields that the flow reads, spelled as {} has them",
            safe(&done.unknown_fields.join(", "), 200),
            flow.source
        ))
        .into());
    }
    if let (Selection::One(id), Replayed { not_shown: 1.., .. }) = (&selection, &done) {
        return Err(UsageError(format!(
            "{} shows no record {id:?}, or nothing is known of it; what it was is left as it is",
            flow.source
        ))
        .into());
    }
    match output {
        Output::Json => {
            let records: Vec<_> = named
                .iter()
                .map(|looked| json!({"id": looked.id, "title": looked.title, "reason": looked.reason}))
                .collect();
            print_json(&json!({
                "dry_run": args.dry_run,
                "looked_at": done.looked_at,
                "changed": done.changed,
                "not_shown": done.not_shown,
                "not_linked": done.not_linked,
                "records": records,
            }))?;
        }
        Output::Text => show(&words(&named, &done, mode))?,
    }
    Ok(Exit::Done)
}

fn words(named: &[Looked], done: &Replayed, mode: Mode) -> String {
    let mut text = String::new();
    for looked in named {
        let reason = looked
            .reason
            .as_deref()
            .unwrap_or("no sync has looked at it yet");
        text.push_str(&wrapped(
            &format!(
                "{} ({}), {}",
                theirs(&looked.title, 60),
                safe(&looked.id, 160),
                safe(reason, 60)
            ),
            2,
        ));
    }
    let all = done.looked_at + done.not_shown + done.not_linked;
    if all > named.len() {
        text.push_str(&format!("  ... and {} more\n", all - named.len()));
    }
    let records = count(done.looked_at, "record");
    text.push_str(&match mode {
        // What follows says all.
        _ if done.looked_at == 0 && done.not_linked > 0 => String::new(),
        Mode::Dry => format!(
            "{records} would be read again and looked at by the next sync. Nothing was changed.\n"
        ),
        Mode::Do => format!(
            "{records} read again; the next sync looks at {}. {} had something new.\n",
            if done.looked_at == 1 { "it" } else { "them" },
            count(done.changed, "record"),
        ),
    });
    if done.not_linked > 0 {
        let one = done.not_linked == 1;
        text.push_str(&wrapped(
            &format!(
                "{} {} linked with the ledger, so that nothing of {} is followed yet. That comes when the next deal is billed, or an earlier one's invoice recognised.",
                count(done.not_linked, "customer"),
                if one { "isn't" } else { "aren't" },
                if one { "it" } else { "them" },
            ),
            0,
        ));
    }
    if done.not_shown > 0 {
        text.push_str(&wrapped(
            &format!(
                "{} can't be seen there now and is left as it is.",
                count(done.not_shown, "record")
            ),
            0,
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_that_is_not_linked_is_not_said_to_be_looked_at() {
        let done = |looked_at, not_linked| Replayed {
            looked_at,
            not_linked,
            ..Replayed::default()
        };
        let alone = words(&[], &done(0, 1), Mode::Do);
        assert!(!alone.contains("the next sync looks at"), "{alone}");
        assert!(alone.contains("1 customer isn't linked"), "{alone}");
        let both = words(&[], &done(2, 2), Mode::Dry);
        assert!(both.contains("2 records would be read again"), "{both}");
        assert!(both.contains("2 customers aren't linked"), "{both}");
    }
}
