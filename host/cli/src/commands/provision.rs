//! `footbridge provision`: what the far side lacks, as a diff in plain words; done after a yes, looked at again, told.
//!
//! It holds no rule of its own: the connector says what is missing, the engine carries it out and keeps the journal.

use crate::args;
use crate::commands::plugin::ask::answer_or_yes;
use crate::commands::{Output, print_json, show};
use crate::compose::{self, Surroundings};
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::provisioning;
use crate::render::{count, safe, wrapped};
use footbridge_engine::provision::{Provisioning, Step};
use footbridge_model::provision::{Findings, Part, PartKind, PartState, Wish};
use footbridge_sandbox::SystemClock;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::IsTerminal;
use std::sync::Arc;

/// Whether anything was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Did {
    Look,
    Change,
}

/// What it says with `--json`.
#[derive(Serialize)]
struct Told<'t> {
    connection: &'t str,
    organisation: &'t str,
    wish: Wish,
    /// Whether something was done.
    changed: bool,
    /// Whether nothing is left that could be done from here.
    done: bool,
    parts: &'t [Part],
    notes: &'t [String],
}

pub(crate) async fn run(
    config: &Config,
    args: &args::Provision,
    output: Output,
) -> anyhow::Result<Exit> {
    if output == Output::Json && !args.yes && !args.dry_run {
        return Err(UsageError(
            "JSON asks no questions: add --dry-run to see what would be done, or --yes to do it"
                .to_owned(),
        )
        .into());
    }
    let sandbox = compose::sandbox(config)?;
    compose::install_bundled(&sandbox).await?;
    let surroundings = Surroundings {
        sandbox,
        clock: Arc::new(SystemClock),
    };
    let (provisioning, connection) =
        provisioning::open(config, args.connection.as_deref(), &surroundings)?;
    let wish = if args.remove {
        Wish::Absent
    } else {
        Wish::Present
    };
    let organisation = provisioning.organisation().await?.name;
    let found = provisioning.survey(wish).await?;
    let name = connection.name.as_str();
    let head = (name, organisation.as_str());
    if args.dry_run || !may_act(&found) {
        let exit = standing(&found);
        tell(head, wish, &found, Did::Look, output)?;
        return Ok(exit);
    }
    if output == Output::Text {
        show(&shown(head, wish, &found))?;
    }
    if !args.yes && !answer_or_yes("", &question(wish, &found), "nothing was changed")? {
        show("Nothing was changed.\n")?;
        return Ok(Exit::Done);
    }
    let made = carried_out(&provisioning, wish, &found).await?;
    match output {
        Output::Json => tell(head, wish, &made, Did::Change, output)?,
        Output::Text => show(&ended(wish, &found, &made))?,
    }
    Ok(standing(&made))
}

/// Whether anything can be done: it would be, or it is under way already.
fn may_act(found: &Findings) -> bool {
    !found.next.is_empty() || found.under_way.is_some()
}

/// How a look ends: by what is left for a person, or refused as a whole.
fn standing(found: &Findings) -> Exit {
    let left = found
        .parts
        .iter()
        .any(|part| matches!(part.state, PartState::Cannot(_)));
    let open = found.parts.iter().any(Part::is_open);
    match (left, open && !may_act(found)) {
        (_, true) => Exit::Failed,
        (true, false) => Exit::Waiting,
        (false, false) => Exit::Done,
    }
}

async fn carried_out(
    provisioning: &Provisioning,
    wish: Wish,
    found: &Findings,
) -> anyhow::Result<Findings> {
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        bar.set_style(style);
    }
    let follow = |step: &Step| {
        bar.set_message(match step {
            Step::Sending { parts } => format!("sending {}", count(*parts, "part")),
            Step::Waiting { total: 0, .. } => "waiting for the far side to begin".to_owned(),
            Step::Waiting { done, total } => format!("{done} of {total} steps done"),
            Step::Looking => "reading how it is set up".to_owned(),
        });
        bar.tick();
    };
    let made = provisioning.carry_out(wish, &found.parts, &follow).await;
    bar.finish_and_clear();
    Ok(made?)
}

fn tell(
    (connection, organisation): (&str, &str),
    wish: Wish,
    found: &Findings,
    did: Did,
    output: Output,
) -> anyhow::Result<()> {
    match output {
        Output::Json => print_json(&Told {
            connection,
            organisation,
            wish,
            changed: did == Did::Change,
            done: found.is_done(),
            parts: &found.parts,
            notes: &found.notes,
        }),
        Output::Text => show(&shown((connection, organisation), wish, found)),
    }
}

/// The diff.
fn shown((connection, organisation): (&str, &str), wish: Wish, found: &Findings) -> String {
    let title = match wish {
        Wish::Present => "What Footbridge needs in",
        Wish::Absent => "What Footbridge made in",
    };
    let mut text = format!(
        "{title} {} ({}):\n\n",
        safe(organisation, 80),
        safe(connection, 40)
    );
    let whole: Vec<&Part> = found
        .parts
        .iter()
        .filter(|part| part.kind == PartKind::Object && part.state != PartState::Present)
        .collect();
    let mut there = 0;
    for part in &found.parts {
        match &part.state {
            PartState::Present => there += 1,
            PartState::Missing if wish == Wish::Present && belongs(part, &whole) => {}
            PartState::Missing => text.push_str(&missing(part, wish, &found.parts)),
            PartState::Differs(changes) => {
                text.push_str(&line('~', part));
                for change in changes {
                    let from = format!(
                        "{}: {} -> {}",
                        safe(&change.what, 60),
                        safe(&change.old, 300),
                        safe(&change.new, 300)
                    );
                    text.push_str(&wrapped(&from, 6));
                }
            }
            PartState::Cannot(problem) => {
                text.push_str(&line('!', part));
                text.push_str(&wrapped(&safe(&problem.message, 1000), 6));
            }
        }
    }
    if there > 0 {
        let word = match wish {
            Wish::Present => "there as it should be",
            Wish::Absent => "gone, or was never there",
        };
        text.push_str(&format!("  = {} {word}\n", count(there, "part")));
    }
    for note in &found.notes {
        text.push('\n');
        text.push_str(&wrapped(&safe(note, 500), 0));
    }
    text.push('\n');
    text.push_str(&closing(wish, found));
    text
}

/// Whether a part comes along with an object that is made.
fn belongs(part: &Part, whole: &[&Part]) -> bool {
    part.kind != PartKind::Object
        && matches!(
            part.kind,
            PartKind::Field | PartKind::Layout | PartKind::Tab | PartKind::ListView
        )
        && whole.iter().any(|object| of(part, object))
}

fn of(part: &Part, object: &Part) -> bool {
    part.name
        .strip_prefix(object.name.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

fn line(mark: char, part: &Part) -> String {
    format!(
        "  {mark} {} {} ({})\n",
        part.kind.shown(),
        safe(&part.label, 80),
        safe(&part.name, 120)
    )
}

fn missing(part: &Part, wish: Wish, parts: &[Part]) -> String {
    let mark = match wish {
        Wish::Present => '+',
        Wish::Absent => '-',
    };
    let mut text = line(mark, part);
    if wish == Wish::Present && part.kind == PartKind::Object {
        let its = |kind: PartKind, one: &str| {
            let found = parts
                .iter()
                .filter(|other| other.kind == kind && of(other, part))
                .count();
            count(found, one)
        };
        text.push_str(&wrapped(
            &format!(
                "with {}, a page layout, a tab and {}",
                its(PartKind::Field, "field"),
                its(PartKind::ListView, "list view")
            ),
            6,
        ));
    }
    if let Some(note) = &part.note {
        text.push_str(&wrapped(&safe(note, 300), 6));
    }
    text
}

fn closing(wish: Wish, found: &Findings) -> String {
    let open = found.parts.iter().filter(|part| part.is_open()).count();
    let left = found
        .parts
        .iter()
        .filter(|part| matches!(part.state, PartState::Cannot(_)))
        .count();
    if open > 0 && !may_act(found) {
        return format!(
            "Nothing is done while {} in the way (marked !). Put it right, then run this again.\n",
            if left == 1 {
                "something is".to_owned()
            } else {
                format!("{left} things are")
            }
        );
    }
    let mut text = match (wish, open) {
        (Wish::Present, 0) => "Everything that can be made from here is there.\n".to_owned(),
        (Wish::Absent, 0) => "Nothing that Footbridge made is left.\n".to_owned(),
        (Wish::Present, open) => {
            format!(
                "{} would be made or changed. Nothing that somebody else made is altered.\n",
                count(open, "part")
            )
        }
        (Wish::Absent, open) => format!(
            "{} would be deleted, WITH THE RECORDS IN THEM. The ledger is not touched; another provisioning and sync bring the records back.\n",
            count(open, "part")
        ),
    };
    if left > 0 {
        text.push_str(&format!(
            "{} left to do by hand (marked !).\n",
            count(left, "thing")
        ));
    }
    text
}

fn question(wish: Wish, found: &Findings) -> String {
    match wish {
        Wish::Present => "Make it so?".to_owned(),
        Wish::Absent => {
            let records: Vec<&str> = found
                .parts
                .iter()
                .filter(|part| part.kind == PartKind::Object && part.is_open())
                .filter_map(|part| part.note.as_deref())
                .collect();
            match records.is_empty() {
                true => "Delete this?".to_owned(),
                false => format!("Delete this, and {}?", safe(&records.join("; "), 400)),
            }
        }
    }
}

fn ended(wish: Wish, before: &Findings, after: &Findings) -> String {
    let open = |parts: &[Part]| parts.iter().filter(|part| part.is_open()).count();
    let done = open(&before.parts).saturating_sub(open(&after.parts));
    let word = match wish {
        Wish::Present => "made or changed",
        Wish::Absent => "deleted",
    };
    let mut text = format!("{} {word}, and looked at again.\n", count(done, "part"));
    text.push_str(&closing(wish, after));
    if wish == Wish::Present {
        text.push_str(&wrapped(
            "To let people see it, assign them the permission set \"Footbridge Read\" (Setup > Permission Sets > Footbridge Read > Manage Assignments).",
            0,
        ));
    }
    text
}
