//! `footbridge plan`: what a sync would do, as a page and as JSON; saved, approved and applied. Without a subcommand nothing is written
//! to either side.
//!
//! `page` and `diff` word a plan; `saved` is what people do with kept ones; `file` is a plan that is handed round.

mod diff;
mod file;
mod page;
pub(crate) mod saved;

use page::{Part, Shown, words};

use crate::args::{self, PlanAction};
use crate::commands::{Output, print_json, show};
use crate::compose::Composition;
use crate::config::Config;
use crate::exit::Exit;
use crate::who;
use footbridge_engine::Preview;
use footbridge_engine::saved::picked;
use footbridge_model::plan::{Note, Plan};
use footbridge_plan::rails::same_id;

pub(crate) async fn run(
    config: &Config,
    args: &args::Plan,
    output: Output,
) -> anyhow::Result<Exit> {
    match &args.action {
        None => preview(config, args, output).await,
        Some(PlanAction::List(flow)) => saved::list(config, flow, output).await,
        Some(PlanAction::Show(plan)) => saved::one(config, plan, output).await,
        Some(PlanAction::Approve(approve)) => saved::approve(config, approve, output).await,
        Some(PlanAction::Apply(plan)) => saved::apply(config, plan, output).await,
        Some(PlanAction::Withdraw(plan)) => saved::withdraw(config, plan, output).await,
    }
}

async fn preview(config: &Config, args: &args::Plan, output: Output) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    if let Some(out) = &args.out {
        file::is_free(out)?;
    }
    let composition = Composition::open(config, name, flow).await?;
    let engine = &composition.engine;
    let keeps = args.save || args.out.is_some();
    let result = match keeps {
        true => engine.plan_to_approve().await,
        false => engine.plan().await,
    };
    composition.progress.finish();
    let mut preview = result?;
    let part = match args.only.as_slice() {
        [] => Part::Whole,
        only => narrow(&mut preview, only)?,
    };
    let mut kept = None;
    if keeps {
        let plan = engine.to_save(&preview).await?;
        let row = engine.save_plan(&plan, &who::by()).await?;
        if let Some(out) = &args.out {
            file::write(config, out, &plan)?;
        }
        kept = Some(row);
    }
    let shown = Shown {
        flow: name,
        preview: &preview,
        saved: kept.as_ref().map(|kept| kept.id.as_str()),
        file: args.out.as_deref(),
    };
    match output {
        Output::Json => print_json(&shown)?,
        Output::Text => show(&words(&shown, part))?,
    }
    Ok(Exit::Done)
}

/// Leaves in a preview what is about these records or operations, with what that needs.
fn narrow(preview: &mut Preview, ids: &[String]) -> anyhow::Result<Part> {
    let mut whole: Plan = preview.plan.clone();
    if let Some(back) = &preview.reflected {
        whole.ops.extend(back.ops.iter().cloned());
    }
    let about = |note: &Note| {
        let record = note.subject.record.id.as_str();
        ids.iter().any(|id| same_id(id, record))
    };
    let plan = &mut preview.plan;
    plan.skips.retain(about);
    plan.holds.retain(about);
    preview.asks.retain(about);
    if let Some(back) = &mut preview.reflected {
        back.holds.retain(about);
    }
    let back_notes = preview.reflected.iter().flat_map(|back| &back.holds);
    let noted: Vec<&str> = (plan.skips.iter().chain(&plan.holds).chain(back_notes))
        .map(|note| note.subject.record.id.as_str())
        .collect();
    // Who waits or needs nothing has no operation, and is no stranger.
    let strangers: Vec<String> = (ids.iter())
        .filter(|id| !noted.iter().any(|record| same_id(id, record)))
        .cloned()
        .collect();
    let mut chosen = picked(&whole, &strangers)?;
    for id in ids {
        chosen.extend(picked(&whole, std::slice::from_ref(id)).unwrap_or_default());
    }
    plan.ops.retain(|op| chosen.contains(&op.id));
    plan.bills.retain(|bill| chosen.contains(&bill.op));
    if let Some(back) = &mut preview.reflected {
        back.ops.retain(|op| chosen.contains(&op.id));
        back.count();
    }
    Ok(Part::Of)
}
