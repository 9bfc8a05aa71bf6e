//! A seed's schedule. The same seed writes the same schedule on every machine; nothing else is random in a simulation.
//!
//! Next: `play`.

use crate::schedule::{
    Account, Customers, Deal, Numbers, Schedule, Setup, Side, Standing, Status, Step, Switch,
};
use footbridge_simulators::faults::{Fault, LimitKind};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;

const NAMES: [&str; 14] = [
    "Acme",
    "Baker & Daughters",
    "Crane Hire",
    "Dune Interiors",
    "Elm Street Dental",
    "Fjord Seafood",
    "Grove Nurseries",
    "Höfner Musik",
    "Iris Optics",
    "Jute Works",
    "Kestrel Air",
    "Lund & Søn",
    "Mill Lane Café",
    "Northgate Removals",
];

/// The schedule of a seed.
pub fn generate(seed: u64) -> Schedule {
    let mut dice = Dice(StdRng::seed_from_u64(seed));
    let world = dice.setup();
    let mut steps = vec![Step::Sync];
    let chapters = dice.between(1, 2);
    for chapter in 0..chapters {
        if chapter > 0 {
            steps.push(Step::Quiet);
        }
        for _ in 0..dice.between(8, 26) {
            steps.extend(dice.step(&world));
        }
    }
    steps.push(Step::Quiet);
    let mut schedule = Schedule { seed, world, steps };
    with_customers(&mut schedule);
    crate::owners::with_owners(&mut schedule);
    schedule
}

/// Half of the stories follow changes of customers, and tell of more of them. Thrown with dice of its own, so that the rest of each story
/// is what it was before.
fn with_customers(schedule: &mut Schedule) {
    let mut dice = Dice(StdRng::seed_from_u64(schedule.seed ^ 0x6375_7374_6f6d_6572));
    if dice.chance(50) {
        return;
    }
    schedule.world.customers = Customers::Owned;
    let mut steps = Vec::new();
    for step in schedule.steps.drain(..) {
        if matches!(step, Step::Sync | Step::Quiet) && dice.chance(35) {
            steps.push(dice.of_a_customer());
        }
        steps.push(step);
    }
    schedule.steps = steps;
}

pub(crate) struct Dice(pub(crate) StdRng);

impl Dice {
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        self.0.random_range(least..=most)
    }

    pub(crate) fn place(&mut self) -> usize {
        self.0.random_range(0..12)
    }

    pub(crate) fn chance(&mut self, per_cent: i64) -> bool {
        self.between(1, 100) <= per_cent
    }

    pub(crate) fn one<T: Clone>(&mut self, of: &[T], otherwise: T) -> T {
        of.choose(&mut self.0).cloned().unwrap_or(otherwise)
    }

    fn price(&mut self) -> i64 {
        match self.between(0, 9) {
            0 => 0,
            1 => self.between(1, 99),
            2..=5 => self.between(10, 900) * 100,
            6 => 50_000,
            _ => self.between(100, 500_000),
        }
    }

    fn setup(&mut self) -> Setup {
        let mut names = NAMES.to_vec();
        let mut accounts = Vec::new();
        for _ in 0..self.between(3, 8) {
            let at = self.0.random_range(0..names.len());
            accounts.push(Account {
                name: names.swap_remove(at).to_owned(),
                country: self.one(&["GB", "GB", "GB", "DE", "US"], "GB").to_owned(),
            });
        }
        let way_back = if self.chance(50) {
            Switch::On
        } else {
            Switch::Off
        };
        let known_in_xero = (0..accounts.len()).filter(|_| self.chance(20)).collect();
        let deals = (0..self.between(3, 10))
            .map(|_| self.deal(accounts.len()))
            .collect();
        Setup {
            starts_at_minute: self.one(&[2, 475, 720, 1_380, 1_434], 720),
            starts_on_day: self.one(&[0, 1, 5, 6, 9], 9),
            deals,
            known_in_xero,
            way_back,
            sweep_days: 1,
            status: if self.chance(30) {
                Status::Draft
            } else {
                Status::Authorised
            },
            numbers: if self.chance(25) {
                Numbers::Counter
            } else {
                Numbers::Ledger
            },
            customers: Customers::Once,
            owners: BTreeMap::new(),
            back: BTreeMap::new(),
            xero: self.switches(&[
                ("payment-stamp", &["kept", "bumped"]),
                ("deleted-payments", &["absent", "present"]),
                ("credit-stamp", &["bumped", "kept"]),
                ("refund-document", &["as-invoice", "by-kind"]),
                ("list-lag-ms", &["1000", "0", "45000"]),
                ("minute-window", &["rolling", "fixed"]),
                ("concurrent-headers", &["bare", "named"]),
                ("key-in-flight", &["process", "wait", "conflict"]),
                ("commit-order", &["as-finished", "as-arrived"]),
            ]),
            salesforce: self.switches(&[
                ("number-style", &["java", "plain"]),
                ("stage-date-on-create", &["null", "set"]),
                ("upsert-answer", &["204", "200"]),
                ("limit-header", &["per-app", "plain"]),
                ("amount-without-lines", &["zero", "stays"]),
                ("nested-page", &["500", "2"]),
                ("child-page", &["100", "1"]),
                // Provisioning reads no more than twenty pages of a list.
                (
                    "page",
                    match way_back {
                        Switch::On => &["2000", "200"],
                        Switch::Off => &["2000", "3"],
                    },
                ),
            ]),
            accounts,
        }
    }

    fn switches(&mut self, known: &[(&str, &[&str])]) -> BTreeMap<String, String> {
        let one = |(name, values): &(&str, &[&str])| {
            let value = self.one(values, "");
            ((*name).to_owned(), value.to_owned())
        };
        known.iter().map(one).collect()
    }

    fn deal(&mut self, accounts: usize) -> Deal {
        let lines = match self.between(0, 4) {
            0..=1 => Vec::new(),
            n => (0..n - 1).map(|_| self.price()).collect(),
        };
        let standings = [
            Standing::Open,
            Standing::Open,
            Standing::Won,
            Standing::Won,
            Standing::History,
        ];
        Deal {
            account: self.0.random_range(0..accounts),
            currency: self
                .one(&["GBP", "GBP", "GBP", "EUR", "USD", "JPY"], "GBP")
                .to_owned(),
            amount: self.price(),
            lines,
            standing: self.one(&standings, Standing::Open),
            plan: self.chance(12).then(|| "30,70".to_owned()),
        }
    }

    /// What happens next: mostly one thing, and often a sync after it.
    fn step(&mut self, world: &Setup) -> Vec<Step> {
        let mut steps = Vec::new();
        match self.between(0, 99) {
            0..=13 => steps.push(self.pass()),
            14..=30 => steps.push(Step::Sync),
            31..=37 => steps.push(Step::Killed {
                point: usize::try_from(self.between(1, 30)).unwrap_or(1),
            }),
            38 => steps.push(Step::Restart),
            39..=49 => {
                steps.push(self.trouble());
                if self.chance(70) {
                    steps.push(Step::Sync);
                }
            }
            50..=77 => steps.push(self.in_salesforce(world)),
            78..=97 => steps.push(self.in_xero()),
            98 => steps.push(Step::Retry { deal: self.place() }),
            _ => steps.push(Step::Release),
        }
        steps
    }

    fn pass(&mut self) -> Step {
        let minutes = match self.between(0, 9) {
            0..=3 => self.between(1, 30),
            4..=6 => self.between(30, 600),
            7..=8 => self.between(600, 4_320),
            _ => self.between(4_320, 60_480),
        };
        Step::Pass { minutes }
    }

    fn trouble(&mut self) -> Step {
        if self.chance(15) {
            return Step::Late {
                seconds: self.one(&[5, 20, 60, 100], 20),
            };
        }
        if self.chance(12) {
            return Step::HostClock {
                seconds: self.one(&[-3_700, -400, -70, 0, 0, 90, 400, 3_700], 0),
            };
        }
        let side = if self.chance(65) {
            Side::Xero
        } else {
            Side::Salesforce
        };
        let errors = [500, 502, 503];
        let status = self.one(&errors, 500);
        let kinds = [LimitKind::Minute, LimitKind::Concurrent, LimitKind::Day];
        let after = usize::try_from(self.between(0, 2)).unwrap_or(0);
        let rows = usize::try_from(self.between(1, 2)).unwrap_or(1);
        let all = [
            Fault::TimeOutBefore { ms: 1 },
            Fault::AnswerLostAfterCommit,
            Fault::AnswerLostAfterCommit,
            Fault::ErrorCachedUnderKey { status: 500 },
            Fault::TooManyRequests {
                kind: self.one(&kinds, LimitKind::Minute),
                retry_after: self.chance(70).then_some(13),
            },
            Fault::ServerErrorBefore { status },
            Fault::ServerErrorAfterCommit { status },
            Fault::ServerErrorMidBatch { after },
            Fault::CutBody { after_bytes: 40 },
            Fault::HtmlAnswer { status: 200 },
            Fault::HtmlAnswer { status: 503 },
            Fault::TruncatedJson,
            Fault::ExpiredToken,
            Fault::LockedRow { rows },
        ];
        Step::Fault {
            side,
            fault: self.one(&all, Fault::ExpiredToken),
            skip: u32::try_from(self.between(0, 3)).unwrap_or(0),
            times: u32::try_from(self.between(1, 3)).unwrap_or(1),
            only_writes: self.chance(75),
        }
    }

    fn text(&mut self, words: &[&str]) -> Option<String> {
        let word = self.one(words, "Text").to_owned();
        Some(format!("{word} {}", self.between(1, 999)))
    }

    fn in_salesforce(&mut self, world: &Setup) -> Step {
        let (deal, account) = (self.place(), self.place());
        match self.between(0, 27) {
            0..=6 => Step::Win { deal },
            7 => Step::Lose { deal },
            8 => Step::Reopen { deal },
            9..=10 => Step::Amount {
                deal,
                to: self.price(),
            },
            11..=12 => Step::Price {
                deal,
                line: self.place(),
                to: self.price(),
            },
            13 => Step::AddLine {
                deal,
                price: self.price(),
            },
            14 => Step::DropLine {
                deal,
                line: self.place(),
            },
            15 => Step::DealText {
                deal,
                field: self
                    .one(&["Name", "PO_Number__c", "NextStep", "Description"], "Name")
                    .to_owned(),
                to: self.text(&["Roof", "Spring order", "PO"]),
            },
            16 => Step::DealText {
                deal,
                field: "PO_Number__c".to_owned(),
                to: None,
            },
            17 => Step::CloseDate {
                deal,
                days: self.between(-40, 40),
            },
            18 => Step::MoveDeal { deal, account },
            19 => Step::DeleteDeal { deal },
            20 => Step::UndeleteDeal { deal },
            21..=22 => Step::NewDeal {
                deal: self.deal(world.accounts.len()),
            },
            23 => Step::NewAccount {
                account: Account {
                    name: format!("Newcomer {}", self.between(1, 99_999)),
                    country: "GB".to_owned(),
                },
            },
            24 => Step::AccountText {
                account,
                field: "Name".to_owned(),
                to: self.text(&["Renamed", "Acme", "Grove Nurseries"]),
            },
            25 => Step::AccountText {
                account,
                field: self
                    .one(
                        &["Phone", "BillingStreet", "BillingCity", "Description"],
                        "Phone",
                    )
                    .to_owned(),
                to: if self.chance(75) {
                    self.text(&["12 Quay Street", "Leeds", "0113 496"])
                } else {
                    None
                },
            },
            26 => Step::MergeAccounts {
                into: self.place(),
                from: self.place(),
            },
            _ => Step::BulkEdit {
                text: format!("Call on day {}", self.between(1, 28)),
            },
        }
    }

    fn of_a_customer(&mut self) -> Step {
        let place = self.place();
        let name = format!("Called {}", self.between(1, 99_999));
        let town = format!("Town {}", self.between(1, 99));
        let (at_home, field, to) = match self.between(0, 5) {
            0..=1 => (true, "Name", name),
            2..=3 => (true, "BillingCity", town),
            4 => (false, "Name", name),
            _ => (false, "City", town),
        };
        let (field, to) = (field.to_owned(), Some(to));
        if at_home {
            Step::AccountText {
                account: place,
                field,
                to,
            }
        } else {
            Step::ContactText {
                contact: place,
                field,
                to,
            }
        }
    }

    fn in_xero(&mut self) -> Step {
        let (contact, invoice) = (self.place(), self.place());
        match self.between(0, 17) {
            0 => Step::ContactText {
                contact,
                field: "Name".to_owned(),
                to: self.text(&["Known in Xero as", "Old name"]),
            },
            1 => Step::ContactText {
                contact,
                field: self
                    .one(&["EmailAddress", "FirstName"], "FirstName")
                    .to_owned(),
                to: self.chance(70).then(|| "books@example.com".to_owned()),
            },
            2 => Step::ArchiveContact { contact },
            3..=4 => Step::EditDraft {
                invoice,
                price: self.price() + 1,
            },
            5..=6 => Step::Approve { invoice },
            7..=8 => Step::Void { invoice },
            9..=11 => Step::Pay {
                invoice,
                percent: self.one(&[100, 100, 40, 25, 130], 100),
            },
            12 => Step::TakeBack {
                payment: self.place(),
            },
            13..=14 => Step::Credit {
                invoice,
                percent: self.one(&[100, 50, 10], 10),
                set_against: if self.chance(70) {
                    Switch::On
                } else {
                    Switch::Off
                },
            },
            15 => Step::ByHand {
                contact,
                amount: self.price() + 100,
                like: None,
            },
            _ => Step::ByHand {
                contact,
                amount: self.price() + 100,
                like: Some(self.place()),
            },
        }
    }
}
