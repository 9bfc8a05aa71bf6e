//! Plays a schedule step by step, asks the properties, and tells the story.
//!
//! A step that fails to be carried out is part of the story; only a property that speaks ends it. Next: `property`, `shrink`.

use crate::act::act;
use crate::property::{self, Broken, Rested};
use crate::records::{DOCUMENT, PAYMENT, Records, text};
use crate::schedule::{Schedule, Side, Step};
use crate::world::{Run, World, pick};
use chrono::Duration;
use footbridge_engine::{Released, RunReport};
use footbridge_model::request::RequestState;
use footbridge_scenarios::Setting;
use footbridge_simulators::faults::FaultRule;
use std::sync::atomic::Ordering;

/// Runs until both sides must be at rest.
const MOST_RUNS: usize = 24;

/// What came of a schedule.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Step by step, for people.
    pub story: Vec<String>,
    /// The property that was broken, with all that it says.
    pub broken: Option<Broken>,
    /// What both sides hold at the end, without ids and stamps.
    pub digest: String,
    /// What happened, counted.
    pub tally: Tally,
}

/// What happened in a story, so that a report shows that something did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they say it themselves")]
pub struct Tally {
    pub steps: usize,
    pub acts: usize,
    pub acts_refused: usize,
    pub runs: usize,
    pub runs_killed: usize,
    pub runs_failed: usize,
    pub faults_struck: usize,
    pub quiet_phases: usize,
    pub released: usize,
    pub unresolved_writes_seen: usize,
    pub won_deals: usize,
    pub invoices: usize,
    pub waiting: usize,
    pub records_shown: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.steps += other.steps;
        self.acts += other.acts;
        self.acts_refused += other.acts_refused;
        self.runs += other.runs;
        self.runs_killed += other.runs_killed;
        self.runs_failed += other.runs_failed;
        self.faults_struck += other.faults_struck;
        self.quiet_phases += other.quiet_phases;
        self.released += other.released;
        self.unresolved_writes_seen += other.unresolved_writes_seen;
        self.won_deals += other.won_deals;
        self.invoices += other.invoices;
        self.waiting += other.waiting;
        self.records_shown += other.records_shown;
    }
}

/// A moment at which a test may do what the program never would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A run has ended; what is done now counts as the program's.
    Ran,
    /// Both sides are at rest, the properties are about to be asked.
    AtRest,
}

/// Plays a schedule.
///
/// # Errors
/// The world can't be made; nothing that happens in it is one.
pub async fn play(schedule: &Schedule, setting: &Setting) -> anyhow::Result<Outcome> {
    play_with(schedule, setting, &mut |_, _| {}).await
}

/// The same, with someone who meddles.
///
/// # Errors
/// The world can't be made.
pub async fn play_with(
    schedule: &Schedule,
    setting: &Setting,
    meddle: &mut dyn FnMut(&mut World, Moment),
) -> anyhow::Result<Outcome> {
    let world = World::start(&schedule.world, setting).await?;
    let mut player = Player {
        world,
        story: Vec::new(),
        tally: Tally::default(),
        meddle,
    };
    let mut broken = None;
    for (number, step) in schedule.steps.iter().enumerate() {
        let words = serde_json::to_string(step)?;
        let at = player.world.clock.now().format("%Y-%m-%d %H:%M:%S");
        player
            .story
            .push(format!("{:>3}  {at}  {words}", number + 1));
        player.tally.steps += 1;
        if let Err(found) = player.step(step).await? {
            player
                .story
                .push(format!("     BROKEN  {}", found.property));
            broken = Some(found);
            break;
        }
    }
    player.count();
    player.world.stop().await;
    Ok(Outcome {
        digest: digest(&player.world.records()),
        story: player.story,
        broken,
        tally: player.tally,
    })
}

struct Player<'m> {
    world: World,
    story: Vec<String>,
    tally: Tally,
    meddle: &'m mut dyn FnMut(&mut World, Moment),
}

type Held = Result<(), Broken>;

impl Player<'_> {
    fn tell(&mut self, what: impl std::fmt::Display) {
        self.story.push(format!("       {what}"));
    }

    async fn step(&mut self, step: &Step) -> anyhow::Result<Held> {
        match step {
            Step::Pass { minutes } => {
                let by = Duration::minutes((*minutes).clamp(0, 200_000));
                self.world.network.pass(by).await;
            }
            Step::Sync => return Ok(self.run(None).await?.map(|_| ())),
            Step::Killed { point } => return Ok(self.run(Some(*point)).await?.map(|_| ())),
            Step::Restart => self.world.stop().await,
            Step::Quiet => return self.quiet().await,
            Step::Fault {
                side,
                fault,
                skip,
                times,
                only_writes,
            } => {
                let (faults, methods) = match side {
                    Side::Xero => (self.world.xero.faults().clone(), ["PUT", "POST"].as_slice()),
                    Side::Salesforce => (self.world.salesforce.faults(), ["PATCH"].as_slice()),
                };
                let rule = FaultRule {
                    skip: *skip,
                    times: *times,
                    ..FaultRule::next(fault.clone())
                };
                if *only_writes {
                    for method in methods {
                        // Tokens are asked for elsewhere.
                        let path = if *side == Side::Xero {
                            "/api.xro/"
                        } else {
                            "/services/data/"
                        };
                        faults.inject(FaultRule {
                            method: Some((*method).to_owned()),
                            path_contains: Some(path.to_owned()),
                            ..rule.clone()
                        });
                    }
                } else {
                    faults.inject(rule);
                }
                self.world.witness.for_all += 1;
            }
            Step::Late { seconds } => {
                self.world.network.delay_next(Duration::seconds(*seconds));
                self.world.witness.for_all += 1;
            }
            Step::HostClock { seconds } => {
                self.world.host_clock(*seconds);
                self.world.witness.for_all += 1;
            }
            Step::Retry { deal } => {
                let program = self.world.program().await?;
                if let Some(id) = pick(&self.world.deals, *deal) {
                    let known = program.look_again(&id).await?;
                    self.tell(if known {
                        "asked"
                    } else {
                        "nothing is known of it"
                    });
                }
            }
            Step::Release => {
                let released = self.release().await?;
                self.tell(format!("{released} are released"));
            }
            person => match act(&mut self.world, person) {
                Some(Ok(told)) => {
                    self.tally.acts += 1;
                    self.tell(told);
                }
                Some(Err(why)) => {
                    self.tally.acts_refused += 1;
                    self.tell(why);
                }
                None => anyhow::bail!("nobody carries out {person:?}"),
            },
        }
        Ok(Ok(()))
    }

    /// One run, held against what people did. The report, where it came through.
    async fn run(
        &mut self,
        point: Option<usize>,
    ) -> anyhow::Result<Result<Option<RunReport>, Broken>> {
        let before = self.world.records();
        let now = self.world.clock.now();
        self.world.witness.before_run(&before, now);
        self.tally.runs += 1;
        let run = match point {
            None => self.world.run().await?,
            Some(point) => {
                self.world.witness.for_all += 1;
                self.world.run_until(point).await?
            }
        };
        let report = match run {
            Run::Through(report) => {
                let applied: usize = report.applied.values().sum();
                self.tell(format!(
                    "came through: {applied} applied, {} adopted, {} recovered, {} failed, {} in doubt, held {:?}",
                    report.adopted, report.recovered, report.failed, report.in_doubt, report.held
                ));
                if let Some(why) = report.reflected.as_ref().and_then(|r| r.problem.as_ref()) {
                    self.tell(format!("the way back could not go on: {why}"));
                }
                Some(*report)
            }
            Run::Failed(why) => {
                self.tally.runs_failed += 1;
                self.world.witness.for_all += 1;
                self.tell(format!("failed: {why}"));
                None
            }
            Run::Killed => {
                self.tally.runs_killed += 1;
                self.tell("killed");
                None
            }
        };
        (self.meddle)(&mut self.world, Moment::Ran);
        let after = self.world.records();
        self.world.witness.after_run(&before, &after);
        Ok(property::after_run(&self.world, &before, &after).map(|()| report))
    }

    /// Everything heals, and the program runs until nothing changes any more. Then both sides are looked at.
    async fn quiet(&mut self) -> anyhow::Result<Held> {
        self.tally.quiet_phases += 1;
        self.world.heals();
        let mut nights = 0;
        let mut last = String::new();
        for number in 0..MOST_RUNS {
            let by = if number % 4 == 3 { 700 } else { 150 };
            self.world.network.pass(Duration::seconds(by)).await;
            self.world.xero.reset_counts();
            self.world.salesforce.reset_counts();
            let report = match self.run(None).await? {
                Ok(report) => report,
                Err(broken) => return Ok(Err(broken)),
            };
            let writes = self.world.xero.counts().writes + self.world.salesforce.counts().writes;
            let released = self.release().await?;
            last = format!("the last run wrote {writes} times: {report:?}");
            let idle = report.is_some_and(|report| {
                let problem = report.reflected.and_then(|reflected| reflected.problem);
                report.in_doubt == 0 && report.recovered == 0 && problem.is_none()
            });
            if !idle || writes > 0 || released > 0 || !self.world.network.is_quiet() {
                continue;
            }
            if nights < 2 {
                // What no list tells of is found within the sweep's days.
                nights += 1;
                let hours = 25 * i64::from(self.world.setup.sweep_days.max(1));
                self.world.network.pass(Duration::hours(hours)).await;
                continue;
            }
            return self.verdict().await;
        }
        Ok(Err(property::converges::never(MOST_RUNS, &last)))
    }

    async fn verdict(&mut self) -> anyhow::Result<Held> {
        (self.meddle)(&mut self.world, Moment::AtRest);
        let program = self.world.program().await?;
        let rested = Rested {
            records: self.world.records(),
            preview: program.plan().await,
            decisions: program.decisions().await?,
            unsettled: program.unsettled().await?,
        };
        let held = property::at_rest(&self.world, &rested);
        property::settled(&mut self.world, &rested);
        self.world.witness.rests();
        Ok(held)
    }

    /// A person looks whether anything can still arrive, and then says of what the program asks about that it isn't there.
    async fn release(&mut self) -> anyhow::Result<usize> {
        if !self.world.network.is_quiet() {
            return Ok(0);
        }
        let program = self.world.program().await?;
        let mut released = 0;
        for request in program.open_requests().await? {
            if request.state == RequestState::NeedsPerson
                && let Released::Done(_) = program.release(&request.id).await?
            {
                released += 1;
            }
        }
        self.tally.released += released;
        Ok(released)
    }

    fn count(&mut self) {
        let records = self.world.records();
        self.tally.faults_struck =
            self.world.xero.faults().fired().len() + self.world.salesforce.faults().fired().len();
        self.tally.unresolved_writes_seen = self.world.observer.looked_at.load(Ordering::Relaxed);
        self.tally.won_deals = self.world.witness.won.len();
        let ours = |(_, invoice): &(&str, &serde_json::Value)| !text(invoice, "Url").is_empty();
        self.tally.invoices = records.of("Invoices").filter(ours).count();
        self.tally.waiting = self.tally.won_deals.saturating_sub(self.tally.invoices);
        self.tally.records_shown = records.live(DOCUMENT).count() + records.live(PAYMENT).count();
    }
}

/// What both sides hold, without ids and stamps: the same for the same seed.
fn digest(records: &Records) -> String {
    let shown: [(&str, &[&str]); 9] = [
        ("Account", &["Name", "IsDeleted"]),
        (
            "Opportunity",
            &[
                "Name",
                "StageName",
                "Amount",
                "Xero_Invoice_Number__c",
                "IsDeleted",
            ],
        ),
        ("Contacts", &["Name", "ContactStatus"]),
        (
            "Invoices",
            &[
                "InvoiceNumber",
                "Contact.Name",
                "Status",
                "Total",
                "AmountDue",
                "DateString",
                "Reference",
            ],
        ),
        ("Payments", &["Date", "Amount", "Status"]),
        (
            "CreditNotes",
            &["CreditNoteNumber", "Total", "RemainingCredit"],
        ),
        (DOCUMENT, &["Name", "Status__c", "Amount_Due__c"]),
        (PAYMENT, &["Name", "Status__c"]),
        (crate::records::BALANCE, &["Name", "Balance__c"]),
    ];
    let mut lines: Vec<String> = Vec::new();
    for (object, fields) in shown {
        for (_, record) in records.of(object) {
            let texts: Vec<String> = fields.iter().map(|field| text(record, field)).collect();
            lines.push(format!("{object} {}", texts.join(" | ")));
        }
    }
    lines.sort();
    blake3::hash(lines.join("\n").as_bytes())
        .to_hex()
        .to_string()
}
