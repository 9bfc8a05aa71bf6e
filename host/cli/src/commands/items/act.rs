//! What a person decides about an item, handed to the engine.

use super::{known, say};
use crate::args::{ItemAction, ItemId};
use crate::commands::Output;
use crate::exit::UsageError;
use crate::render::{count, safe, wrapped};
use crate::typed;
use crate::who;
use footbridge_engine::{Answered, Decision, Engine, Refusal, Released, Standing};
use footbridge_model::RequestId;
use footbridge_model::id::RecordId;
use footbridge_model::remedy::{Remedy, page_of_reason};
use footbridge_model::ruling::Choice;
use serde_json::json;

pub(super) async fn run(
    engine: &Engine,
    action: &ItemAction,
    output: Output,
) -> anyhow::Result<()> {
    match action {
        // `items show` is its own file.
        ItemAction::Show { .. } => Ok(()),
        ItemAction::Retry {
            reason: Some(reason),
            ..
        } => {
            let n = engine.look_again_at_all(reason).await?;
            let text = format!("The next sync looks at {} again.", count(n, "record"));
            say(output, &text, &json!({"retry": n}))
        }
        ItemAction::Retry { id, .. } => {
            retry(engine, id.as_deref().unwrap_or_default(), output).await
        }
        ItemAction::Release { request } => release(engine, request, output).await,
        ItemAction::Choose { item, side, field } => {
            let field = field.clone();
            let choice = if side.source {
                Choice::TakeSource { field }
            } else {
                Choice::TakeLedger { field }
            };
            decide(engine, item, choice, output).await
        }
        ItemAction::Link { item, ledger } => {
            let id = RecordId::new(ledger.trim());
            decide(engine, item, Choice::LinkTo { id }, output).await
        }
        ItemAction::CreateAs { item, name } => {
            let name = name.clone();
            decide(engine, item, Choice::CreateAs { name }, output).await
        }
        ItemAction::Approve { item } => decide(engine, item, Choice::GoAhead, output).await,
        ItemAction::Ignore { item, always } => {
            let choice = if *always {
                Choice::IgnoreAlways
            } else {
                Choice::IgnoreOnce
            };
            decide(engine, item, choice, output).await
        }
    }
}

async fn retry(engine: &Engine, id: &str, output: Output) -> anyhow::Result<()> {
    let items = known(engine, id).await?;
    let own = items
        .first()
        .map_or(id, |item| item.subject.record.id.as_str());
    engine.look_again(own).await?;
    let text = format!("The next sync looks at {} again.", safe(own, 160));
    say(output, &text, &json!({"retry": own}))
}

async fn release(engine: &Engine, request: &str, output: Output) -> anyhow::Result<()> {
    let n = match engine.release(&RequestId::new(request)).await? {
        Released::Done(n) => n,
        Released::Unknown => {
            return Err(UsageError(format!("there is no request {request:?}; `footbridge items --reason in-doubt` names those that wait for your word")).into());
        }
        Released::NotWaiting(state) => {
            return Err(UsageError(format!(
                "nothing was released: request {request} {}",
                state.words()
            ))
            .into());
        }
    };
    let text = format!(
        "{} will be planned again by the next sync.",
        count(n, "operation")
    );
    say(output, &text, &json!({"released": n}))
}

async fn decide(
    engine: &Engine,
    item: &ItemId,
    choice: Choice,
    output: Output,
) -> anyhow::Result<()> {
    let decision = the_one(known(engine, &item.id).await?, item)?;
    match engine.answer(&decision, choice.clone(), &who::by()).await? {
        Answered::Kept(follows) => {
            let mut text = String::from("Noted. What the next sync does with it:\n");
            for line in &follows {
                text.push_str(&wrapped(&safe(line, 600), 2));
            }
            if follows.is_empty() {
                text = "Noted. The next sync looks at it again.".to_owned();
            }
            let value = json!({
                "decided": decision.subject,
                "reason": decision.reason,
                "choice": choice,
                "follows": follows,
            });
            say(output, text.trim_end(), &value)
        }
        Answered::Refused(refusal) => {
            let remedies = engine.remedies(&decision);
            Err(UsageError(refused(&refusal, &decision, &remedies)).into())
        }
    }
}

/// The item that is meant, of all parts of a record.
fn the_one(mut items: Vec<Decision>, wanted: &ItemId) -> Result<Decision, UsageError> {
    let id = &wanted.id;
    if let Some(part) = wanted.part {
        items.retain(|item| item.subject.part == part);
        return items
            .pop()
            .ok_or_else(|| UsageError(format!("nothing is known of part {part} of {id:?}")));
    }
    if items.len() > 1 {
        let waits =
            |item: &Decision| matches!(item.standing, Standing::Waiting | Standing::Refused);
        let waiting = items.iter().filter(|item| waits(item)).count();
        if waiting != 1 {
            let parts: Vec<String> = items.iter().map(|i| i.subject.part.to_string()).collect();
            return Err(UsageError(format!(
                "{id:?} has the parts {}; say with --part which one you mean",
                parts.join(", ")
            )));
        }
        items.retain(waits);
    }
    items
        .pop()
        .ok_or_else(|| UsageError(format!("nothing is known of {id:?}")))
}

/// A refusal, with what can be done instead.
fn refused(refusal: &Refusal, item: &Decision, remedies: &[Remedy]) -> String {
    let Refusal::NotTaken { reason } = refusal else {
        return refusal.to_string();
    };
    let names = remedies.iter().map(|remedy| match remedy {
        Remedy::Retry | Remedy::EditMapping => "retry",
        Remedy::Release => "release",
        Remedy::Choose => "choose",
        Remedy::Keep => "choose --ledger",
        Remedy::Link(_) => "link",
        Remedy::CreateAs => "create-as",
        Remedy::GoAhead(_) => "approve",
        Remedy::Ignore => "ignore",
    });
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    let instead = match names.as_slice() {
        [] => "nothing: it needs nothing from you".to_owned(),
        names => format!("items {}", names.join(", items ")),
    };
    let more = page_of_reason(reason).map(|page| format!(", {page} tells more"));
    format!(
        "{refusal}. What can be: {instead}. `footbridge items show {}` has the commands{}",
        typed::quoted(item.subject.record.id.as_str()),
        more.unwrap_or_default()
    )
}
