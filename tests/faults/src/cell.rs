//! A cell: the story is played as far as the row's chapter, the fault strikes there, and runs follow until nothing is left to do; then
//! the person decides what waits, runs follow again, and the verdict is taken. A last run must write nothing.
//!
//! What it believes of the product is only "nothing is left" and for what it waits. Next: `verdict` counts the effects.

use crate::audited;
use crate::column::Column;
use crate::life::{At, Life};
use crate::person;
use crate::row::{Chapter, Row};
use crate::set_up;
use crate::verdict;
use crate::world::{AMENDED, DEALS, NEWTOWN, PHONE, Time, World};
use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use footbridge::compose::Kit;
use footbridge::provisioning::provision;
use footbridge_crash::auditor::Auditor;
use footbridge_engine::{Decision, Engine, RunReport, Standing};
use footbridge_model::plan::reason;
use footbridge_sandbox::Sandbox;
use footbridge_simulators::faults::FaultRule;
use footbridge_simulators::salesforce::options::{
    DuplicateRule, OnAllowSave, RewriteRule, Rewritten,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Runs until nothing is left; more means that it never comes to rest.
const MOST_RUNS: usize = 60;

/// So often a cell is played anew whose fault struck at another request than its row's.
const MOST_TRIES: usize = 6;
/// What such a cell says.
const ELSEWHERE: &str = "it died at another request";

/// So long after the run began the first request surely still runs, under that column.
const STILL_RUNS: TimeDelta = TimeDelta::seconds(114);

/// What became of a cell.
#[derive(Debug, Clone)]
pub struct Played {
    /// The kind of write.
    pub row: &'static str,
    /// The fault.
    pub column: Column,
    /// How it went.
    pub outcome: Outcome,
}

/// How a cell went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// One effect each, nothing lost, nothing in doubt, right to the cent.
    Right {
        /// What waited for a person meanwhile, by reason; empty where nobody was needed.
        waited_for: Vec<String>,
    },
    /// Not so.
    Wrong(Vec<String>),
    /// Not so, in a way that is known and told in README.md, and in no other.
    Known(&'static str),
    /// It can't happen to such a write.
    Cannot(&'static str),
    /// It can't be played on this machine.
    Skipped(String),
}

/// Plays a cell under simulated time.
/// With an auditor it begins lately, goes on until payments are there, and the auditor has the last word.
pub async fn play(
    row: &'static Row,
    column: Column,
    sandbox: &Sandbox,
    auditor: Option<&Auditor>,
) -> Played {
    let outcome = match column.cannot(row) {
        Some(why) => Outcome::Cannot(why),
        None => {
            let (mut wrong, mut waited_for) = (Vec::new(), Vec::new());
            // Requests that need nothing of each other leave in any order: one that died at another is played anew.
            for _ in 0..MOST_TRIES {
                let played = played(row, column, sandbox, auditor).await;
                (wrong, waited_for) = played.unwrap_or_else(|error| {
                    (vec![format!("it can't be played: {error:#}")], Vec::new())
                });
                if !wrong.iter().any(|wrong| wrong.starts_with(ELSEWHERE)) {
                    break;
                }
            }
            match column.known(row) {
                Some(known) if known.is(&wrong) => Outcome::Known(known.why),
                Some(_) if wrong.is_empty() => Outcome::Wrong(vec![
                    "it comes out right and is registered as wrong: `Column::known`".to_owned(),
                ]),
                None if wrong.is_empty() => Outcome::Right { waited_for },
                _ => Outcome::Wrong(wrong),
            }
        }
    };
    Played {
        row: row.name,
        column,
        outcome,
    }
}

async fn played(
    row: &Row,
    column: Column,
    sandbox: &Sandbox,
    auditor: Option<&Auditor>,
) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let time = match auditor {
        Some(_) => Time::recent(),
        None => Time::usual(),
    };
    let mut cell = Cell {
        world: World::start(time).await?,
        sandbox,
        told: Vec::new(),
        sent: Vec::new(),
        wrong: Vec::new(),
        waited_for: Vec::new(),
    };
    cell.world.host.step(column.skew());
    if let Some(auditor) = auditor {
        audited::snapshot(auditor, &cell.world).await?;
    }
    if column == Column::RotatedToken {
        person::lets_both_in(&cell.world, sandbox).await?;
    }
    if row.is_set_up() {
        set_up::strike(&mut cell, row, column).await?;
    } else {
        cell.set_up().await?;
        for &chapter in row.story() {
            cell.tell(chapter)?;
            if chapter == row.chapter {
                cell.strike(row, column).await?;
                break;
            }
            cell.until_quiet().await?;
        }
    }
    if let Some(auditor) = auditor {
        if row.chapter < Chapter::Paid {
            cell.tell(Chapter::Paid)?;
            cell.until_quiet().await?;
        }
        let found = audited::findings(auditor, &cell.world).await?;
        cell.wrong.extend(found);
    }
    Ok((cell.wrong, cell.waited_for))
}

/// A cell as it goes on.
pub(crate) struct Cell<'s> {
    pub(crate) world: World,
    pub(crate) sandbox: &'s Sandbox,
    /// The chapters that were told.
    pub(crate) told: Vec<Chapter>,
    /// Paths of the requests that left since the fault was put in its place.
    pub(crate) sent: Vec<String>,
    pub(crate) wrong: Vec<String>,
    pub(crate) waited_for: Vec<String>,
}

/// What the product says after a run.
struct Said {
    report: RunReport,
    engine: Arc<Engine>,
}

impl Cell<'_> {
    /// What happens before a chapter's run.
    pub(crate) fn tell(&mut self, chapter: Chapter) -> anyhow::Result<()> {
        self.told.push(chapter);
        let world = &self.world;
        match chapter {
            Chapter::SetUp | Chapter::Won => {}
            Chapter::Paid => {
                world.clock.advance(TimeDelta::days(2));
                let of = ["600.00", "100.00", "19.99"];
                for (invoice, amount) in by_net(&world.xero.dump("Invoices")).iter().zip(of) {
                    let payment = json!({
                        "Invoice": {"InvoiceID": invoice.get("InvoiceID")}, "Account": {"Code": "090"},
                        "Date": world.clock.now().date_naive().to_string(), "Amount": amount,
                    });
                    world.xero.load("Payments", payment)?;
                }
            }
            Chapter::Moved => {
                world.clock.advance(TimeDelta::minutes(2));
                for account in &world.accounts {
                    world.edit("Account", account, &json!({"BillingCity": NEWTOWN}))?;
                }
            }
            Chapter::Phoned => {
                world.clock.advance(TimeDelta::minutes(2));
                for contact in world.xero.dump("Contacts") {
                    let phone = json!({"PhoneType": "DEFAULT", "PhoneNumber": PHONE});
                    let changed = json!({"ContactID": contact.get("ContactID"), "Phones": [phone]});
                    world.xero.load("Contacts", changed)?;
                }
            }
            Chapter::Amended => {
                world.clock.advance(TimeDelta::minutes(2));
                for (deal, amount) in world.deals.iter().zip(AMENDED) {
                    let amount: serde_json::Number = amount.parse()?;
                    world.edit("Opportunity", deal, &json!({"Amount": amount}))?;
                }
            }
            Chapter::TakenBack => {
                world.clock.advance(TimeDelta::days(2));
                for payment in world.xero.dump("Payments") {
                    let gone = json!({"PaymentID": payment.get("PaymentID"), "Status": "DELETED"});
                    world.xero.load("Payments", gone)?;
                }
            }
        }
        // Lists show what was written just now only after a while.
        world.clock.advance(TimeDelta::minutes(2));
        Ok(())
    }

    /// Salesforce is set up, without a fault; a busy machine may let a read time out.
    async fn set_up(&self) -> anyhow::Result<()> {
        let config = self.world.read_config()?;
        let surroundings = self.world.surroundings(self.sandbox);
        for _ in 0..5 {
            if provision(&config, None, &surroundings).await.is_ok() {
                return Ok(());
            }
        }
        provision(&config, None, &surroundings).await?;
        Ok(())
    }

    async fn strike(&mut self, row: &Row, column: Column) -> anyhow::Result<()> {
        let life = self.arm(row, column)?;
        self.sent.clear();
        let sent = self.world.clock.now();
        if self.run(&life).await?.is_none() && !matches!(column, Column::Crash(_)) {
            bail!("the life ended");
        }
        let earlier = life.sent();
        let due = column.late().map(|late| self.world.clock.now() + late);
        self.world.host.step(column.step());
        self.world.clock.advance(column.pause());
        if column == Column::FirstStillRuns {
            self.tempt(row, sent).await?;
        }
        let mut decisions = self.until_quiet().await?;
        let sends = self.sent.iter().filter(|path| row.is_at(path)).count();
        if column.took_effect() && sends != 1 {
            self.wrong.push(format!(
                "sent {sends} times although the first one took effect and could be found"
            ));
        }
        if let Some(due) = due {
            // The cell isn't over before the request is carried out.
            let left = due - self.world.clock.now();
            self.world.clock.advance(left.max(TimeDelta::seconds(1)));
            tokio::time::sleep(Duration::from_millis(500)).await;
            self.world.clock.advance(TimeDelta::minutes(2));
            decisions = self.until_quiet().await?;
        }
        self.struck(row, column, &life, &earlier);
        self.waits(row, column, &decisions).await?;
        let left = verdict::of(&self.world, &self.told);
        self.wrong.extend(left);
        self.nothing_more().await
    }

    /// Puts the fault in its place.
    fn arm(&self, row: &Row, column: Column) -> anyhow::Result<Arc<Life>> {
        let world = &self.world;
        if let Some((fault, times)) = column.fault() {
            row.faults(world).inject(FaultRule {
                times,
                ..row.struck_by(fault)
            });
        }
        match (column, row.rewritten, row.alike) {
            (Column::Crash(at), _, _) => return Ok(Life::until(at, row.nth)),
            (Column::DuplicateRule, _, None) => {
                let xero = world.xero.clone();
                let deed = Box::new(move || {
                    // Somebody types the customer in just now.
                    let typed = json!({"Name": DEALS.map(|deal| deal.0)[0]});
                    let loaded = xero.load("Contacts", typed);
                    loaded.map(|_| ()).map_err(|refused| refused.to_string())
                });
                return Ok(Life::with(At::IntentStored, row.nth, deed));
            }
            (Column::DuplicateRule, _, Some((object, field))) => {
                world.salesforce.set_duplicate_rules(vec![DuplicateRule {
                    object: object.to_owned(),
                    fields: vec![field.to_owned()],
                    on_allow_save: OnAllowSave::Blocks,
                }]);
            }
            (Column::Trigger, Some((object, field, value)), _) => {
                world.salesforce.set_rewrite_rules(vec![RewriteRule {
                    object: object.to_owned(),
                    field: field.to_owned(),
                    becomes: Rewritten::Value(json!(value)),
                }]);
            }
            _ => {}
        }
        Ok(Life::long())
    }

    /// Runs as often as nobody should while the first request still runs: no second one may leave before it has ended.
    async fn tempt(&mut self, row: &Row, sent: DateTime<Utc>) -> anyhow::Result<()> {
        for _ in 0..6 {
            self.run(&Life::long()).await?;
            if self.world.clock.now() - sent > STILL_RUNS {
                break;
            }
            let arrived = row.arrived(&self.world);
            // Where the vendor itself refuses a second one, sending again early does no harm.
            if row.is_ours_to_keep_single() && arrived > 0 {
                self.wrong.push(format!(
                    "{arrived} more requests reached Xero while the first still ran"
                ));
            }
            self.world.clock.advance(TimeDelta::seconds(8));
        }
        Ok(())
    }

    /// Whether the fault struck, and struck this row.
    fn struck(&mut self, row: &Row, column: Column, life: &Life, earlier: &[String]) {
        if column.fault().is_some() {
            let fired = row.faults(&self.world).fired();
            if !fired.iter().any(|fired| row.is_at(&fired.path)) {
                self.wrong.push("the fault never struck".to_owned());
            }
        }
        if !life.has_done_its_deed() {
            self.wrong.push("the moment never came".to_owned());
        }
        if let Column::Crash(at) = column {
            let before = usize::try_from(row.nth).unwrap_or(usize::MAX) - 1;
            let sent = match at {
                At::BeforeIntent | At::IntentStored | At::Sending => earlier.len() == before,
                _ => earlier.last().is_some_and(|path| row.is_at(path)),
            };
            if !sent {
                self.wrong.push(format!("{ELSEWHERE}: {earlier:?}"));
            }
        }
    }

    /// What waits, waits under the right reason, and the person can end it.
    async fn waits(
        &mut self,
        row: &Row,
        column: Column,
        decisions: &[Decision],
    ) -> anyhow::Result<()> {
        let allowed = column.waits_for(row);
        let mut reasons: Vec<String> = decisions.iter().map(|d| d.reason.clone()).collect();
        reasons.sort();
        reasons.dedup();
        for reason in &reasons {
            if !allowed.contains(&reason.as_str()) {
                let first = decisions.iter().find(|d| d.reason == *reason);
                let message = first.map_or("", |first| first.message.as_str());
                self.wrong.push(format!("waits as {reason:?}: {message}"));
            }
        }
        if reasons.is_empty() && column.must_wait(row) {
            self.wrong.push("nobody was asked".to_owned());
        }
        if decisions.is_empty() {
            return Ok(());
        }
        self.waited_for = reasons;
        self.world.heal();
        let Some(said) = self.run(&Life::long()).await? else {
            bail!("a life without end ended");
        };
        let released = person::decides(&self.world, &said.engine).await?;
        let lost = row.faults(&self.world).fired().len();
        if released > lost {
            self.wrong.push(format!(
                "{released} requests had to be released, and {lost} were lost"
            ));
        }
        drop(said);
        let still = self.until_quiet().await?;
        for decision in still {
            self.wrong.push(format!(
                "still waits as {:?}: {}",
                decision.reason, decision.message
            ));
        }
        Ok(())
    }

    /// A last run writes nothing.
    async fn nothing_more(&mut self) -> anyhow::Result<()> {
        self.world.clock.advance(TimeDelta::minutes(2));
        // What is carried out late has its turn, so that it isn't taken for a write of the last run.
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.world.reset_writes();
        self.run(&Life::long()).await?;
        if self.world.writes() > 0 {
            let writes = self.world.writes();
            self.wrong
                .push(format!("a run with nothing to do wrote {writes} times"));
        }
        Ok(())
    }

    /// Runs until nothing is left to do but by a person; what waits for one.
    pub(crate) async fn until_quiet(&mut self) -> anyhow::Result<Vec<Decision>> {
        let mut last = String::new();
        for n in 0..MOST_RUNS {
            let life = Life::long();
            let Some(said) = self.run(&life).await? else {
                bail!("a life without end ended");
            };
            let open = said.engine.open_requests().await?;
            let asked = open.iter().all(|request| {
                request.state == footbridge_model::request::RequestState::NeedsPerson
            });
            let mut decisions = said.engine.decisions().await?;
            decisions.retain(|d| matches!(d.standing, Standing::Waiting | Standing::Refused));
            // What was refused today counts as failed in each run and is not offered again: a person has to say so.
            let refused = life.sent().is_empty()
                && !decisions.is_empty()
                && decisions
                    .iter()
                    .all(|d| [reason::REJECTED, reason::WAITS_FOR_ANOTHER].contains(&&*d.reason));
            if asked && (is_quiet(&said.report) || refused) {
                return Ok(decisions);
            }
            last = format!("{:?}", said.report);
            drop(said);
            // Half a minute at first; later as a timer would that has better things to do.
            let pause = if n < 20 { 30 } else { 600 };
            self.world.clock.advance(TimeDelta::seconds(pause));
        }
        bail!("not quiet after {MOST_RUNS} runs; the last: {last}")
    }

    /// One run; nothing if the life ended in it.
    async fn run(&mut self, life: &Arc<Life>) -> anyhow::Result<Option<Said>> {
        if life.times(At::Settled) == 0 {
            self.world.xero.reset_counts();
        }
        let config = self.world.read_config()?;
        let kit =
            once_free(|| Kit::open_in(&config, &self.world.surroundings(self.sandbox))).await?;
        let Kit { flow, parts, .. } = life.of_engine(kit);
        let engine = Arc::new(Engine::open(flow, parts).await?);
        let working = Arc::clone(&engine);
        let lived = life.lived(async move { working.sync().await }).await;
        self.wrong.extend(life.wrong());
        self.sent.extend(life.sent());
        match lived {
            None => Ok(None),
            Some(Ok(report)) => Ok(Some(Said { report, engine })),
            // The far side is in trouble, and a timer runs again.
            Some(Err(footbridge_engine::EngineError::Call { .. })) => Ok(Some(Said {
                report: RunReport {
                    failed: 1,
                    ..RunReport::default()
                },
                engine,
            })),
            Some(Err(error)) => Err(error).context("a run failed"),
        }
    }
}

/// Opens a data directory once the life that ended has let go of it: its tasks are ended one after the other.
pub(crate) async fn once_free<T>(open: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    const MOST_LOOKS: usize = 500;
    for _ in 0..MOST_LOOKS {
        match open() {
            Err(error) if format!("{error:#}").contains("is in use by process") => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other,
        }
    }
    open()
}

/// Nothing was written, found out or put off, and the way back was read.
fn is_quiet(report: &RunReport) -> bool {
    report.applied.is_empty()
        && report.adopted == 0
        && report.recovered == 0
        && report.failed == 0
        && report.postponed == 0
        && report
            .reflected
            .as_ref()
            .is_some_and(|back| back.problem.is_none())
}

/// Invoices in the order of the deals.
fn by_net(invoices: &[Value]) -> Vec<Value> {
    let mut sorted: Vec<Value> = invoices.to_vec();
    let place = |invoice: &Value| {
        let name = invoice.pointer("/Contact/Name").and_then(Value::as_str);
        DEALS.iter().position(|deal| Some(deal.0) == name)
    };
    sorted.sort_by_key(place);
    sorted
}
