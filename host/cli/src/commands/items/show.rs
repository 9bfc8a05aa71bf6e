//! `footbridge items show`: one item whole.

use super::{Advice, Place, advice, answer, as_json, called, known};
use crate::commands::{Output, print_json, show};
use crate::exit::UsageError;
use crate::render::{count, safe, wrapped};
use footbridge_engine::{Counts, Decided, Decision, Engine, Evidence, Standing};
use footbridge_model::remedy::page_of_reason;
use footbridge_model::ruling::Choice;
use serde_json::json;

/// How much of the far side's answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// The element about the record.
    Element,
    /// All of it.
    Whole,
}

pub(super) async fn run(
    engine: &Engine,
    (id, part): (&str, Option<u32>),
    wanted: Answered,
    place: &Place,
    output: Output,
) -> anyhow::Result<()> {
    let mut items = known(engine, id).await?;
    items.retain(|item| part.is_none_or(|part| part == item.subject.part));
    if items.is_empty() {
        let part = part.unwrap_or_default();
        return Err(UsageError(format!("nothing is known of part {part} of {id:?}")).into());
    }
    let mut text = String::new();
    let mut all = Vec::new();
    for item in &items {
        let evidence = engine.evidence(item).await?;
        let rulings = engine.decided_about(item).await?;
        let advice = advised(engine, item, evidence.as_ref(), place).await?;
        match output {
            Output::Json => {
                let mut value = as_json(item, advice);
                if let Some(fields) = value.as_object_mut() {
                    fields.insert("evidence".to_owned(), json!(evidence));
                    fields.insert("decided".to_owned(), json!(rulings));
                }
                all.push(value);
            }
            Output::Text => {
                if !text.is_empty() {
                    text.push('\n');
                }
                let known = What {
                    advice,
                    evidence,
                    rulings,
                };
                text.push_str(&words(item, &known, wanted, place));
            }
        }
    }
    match output {
        Output::Json => print_json(&all),
        Output::Text => show(&text),
    }
}

/// What can be done: what an item waits for has to be seen to first.
async fn advised(
    engine: &Engine,
    item: &Decision,
    evidence: Option<&Evidence>,
    place: &Place,
) -> anyhow::Result<Vec<Advice>> {
    let mut all = Vec::new();
    if let Some(first) = engine.first_of(item).await? {
        let evidence = engine.evidence(&first).await?;
        let remedies = engine.remedies(&first);
        all.extend(advice::of_first(
            &first,
            &remedies,
            evidence.as_ref(),
            place,
        ));
    }
    let own = advice::of(item, &engine.remedies(item), evidence, place);
    for one in own {
        if !all.iter().any(|known| known.command == one.command) {
            all.push(one);
        }
    }
    Ok(all)
}

/// What is known about an item beside itself.
struct What {
    advice: Vec<Advice>,
    evidence: Option<Evidence>,
    rulings: Vec<Decided>,
}

fn words(item: &Decision, known: &What, wanted: Answered, place: &Place) -> String {
    let evidence = known.evidence.as_ref();
    let record = &item.subject.record;
    let stands = match item.standing {
        Standing::Waiting => "waits; every sync looks at it again",
        Standing::Refused => "refused; looked at again when it changes or you say so",
        Standing::Skipped => "needs nothing until it changes",
        Standing::Applied => "done",
    };
    let mut text = format!("{}\n", called(item));
    let reason = match page_of_reason(&item.reason) {
        Some(page) => format!("{}, {page}", safe(&item.reason, 60)),
        None => safe(&item.reason, 60),
    };
    let first = item.shown.waits_for.as_ref();
    let facts = [
        ("what", Some(safe(&record.to_string(), 200))),
        ("reason", Some(reason)),
        ("stands", Some(stands.to_owned())),
        ("waits for", first.map(|first| safe(&first.called(), 300))),
        (
            "since",
            Some(item.at.format("%Y-%m-%d %H:%M:%S UTC").to_string()),
        ),
    ];
    for (name, value) in facts {
        let Some(value) = value else { continue };
        text.push_str(&wrapped(&format!("{name}: {value}"), 2));
    }
    text.push('\n');
    text.push_str(&wrapped(&safe(&item.message, 4096), 2));
    if let Some(at) = advice::mapping_line(item, place) {
        text.push_str(&wrapped(&at, 2));
    }
    if let Some(evidence) = evidence {
        text.push('\n');
        text.push_str(&answered(evidence, wanted));
    }
    for known in &known.rulings {
        text.push_str(&wrapped(&decided(known), 2));
    }
    if !known.advice.is_empty() {
        text.push_str("\n  What you can do:\n");
        for one in &known.advice {
            text.push_str(&format!("    {}\n", one.command));
            text.push_str(&wrapped(&one.meaning, 8));
        }
    }
    text
}

fn answered(evidence: &Evidence, wanted: Answered) -> String {
    let at = |at: &chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let mut text = wrapped(
        &format!(
            "Request {} to {}: {} {}, first sent {}, sent {}, last {}. It {}.",
            evidence.request,
            safe(evidence.connection.as_str(), 40),
            evidence.method.name(),
            safe(&evidence.path, 120),
            at(&evidence.started_at),
            count(
                usize::try_from(evidence.sends).unwrap_or(usize::MAX),
                "time"
            ),
            at(&evidence.last_sent_at),
            evidence.state.words(),
        ),
        2,
    );
    match (&evidence.answer, &evidence.erased) {
        (Some(answer), _) => {
            let lines = match wanted {
                Answered::Whole => answer::whole(&answer.body),
                Answered::Element => answer::lines(&answer.body, evidence),
            };
            text.push_str(&format!("  It answered {}:\n", answer.status));
            for line in lines {
                text.push_str(&format!("    {line}\n"));
            }
        }
        (None, Some(digest)) => {
            let said = format!("Its answer is no longer kept (SHA-256 {digest}).");
            text.push_str(&wrapped(&said, 2));
        }
        (None, None) => text.push_str("  No answer to it came.\n"),
    }
    text
}

fn decided(Decided { ruling, counts }: &Decided) -> String {
    let counts = match counts {
        Counts::Still => "",
        Counts::RecordChanged => " It no longer counts: the record has changed since.",
        Counts::ItemChanged => " It no longer counts: the item shows something else by now.",
    };
    let what = match &ruling.choice {
        Choice::TakeSource { field } => format!("the CRM's value counts{}", of(field.as_ref())),
        Choice::TakeLedger { field } => format!("the ledger's value counts{}", of(field.as_ref())),
        Choice::LinkTo { id } => format!("linked with {} of the ledger", safe(id.as_str(), 80)),
        Choice::CreateAs { name } => {
            format!("created in the ledger as {}", safe(name.as_str(), 300))
        }
        Choice::GoAhead => "to go ahead".to_owned(),
        Choice::IgnoreOnce => "to ignore it until it changes".to_owned(),
        Choice::IgnoreAlways => "to ignore it for good".to_owned(),
    };
    format!(
        "Decided: {} by {} on {} ({}).{counts}",
        what,
        safe(&ruling.by, 60),
        ruling.at.format("%Y-%m-%d %H:%M UTC"),
        safe(&ruling.reason, 60)
    )
}

fn of(field: Option<&String>) -> String {
    field.map_or_else(String::new, |field| format!(" in {}", safe(field, 60)))
}
