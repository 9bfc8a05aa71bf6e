//! The believable company: a UK firm of services and goods, as Salesforce and Xero hold it before the
//! first sync.
//!
//! [`build`] is pure: the same options give the same records. A fixed core tries one rule per deal; the
//! seed varies only the everyday filler. Nothing here decides what the product does: each won deal notes
//! what its author intends, and the auditor works it out from the public APIs alone.
//!
//! Reading order: [`blueprint`] (the nouns), [`fixed`] and [`filler`] (who bought what), [`crm`] and
//! [`books`] (the records of each vendor), [`story`]; then [`payers`] and [`receipts`] (what the customers do
//! afterwards, if somebody lets time pass).

mod blueprint;
mod books;
mod catalogue;
mod crm;
mod filler;
mod fixed;
mod ids;
mod money;
mod names;
mod payers;
mod receipts;
mod seed;
mod story;

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, SubsecRound, Utc};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

pub use blueprint::{Kind, Outcome, Reason};
pub use payers::{Payer, Story as PaymentStory};
pub use receipts::{Receipts, WRITE_OFF_ACCOUNT, customers_pay};
pub use seed::{SeedError, add_fields};
pub use story::{Followed, Story, ToFix};

use blueprint::{Blueprint, Deal};

/// The number of won deals of a company nobody sized.
pub const USUAL_DEALS: usize = 420;

/// How the company is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompanyOptions {
    /// Won opportunities in Salesforce, exactly.
    pub deals: usize,
    /// Varies the filler.
    pub seed: u64,
    /// "Now" of the company; the last deal was won some hours before.
    pub as_of: DateTime<Utc>,
}

/// What the author of a won deal intends to happen to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealNote {
    /// The opportunity's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What kind of deal it is.
    pub kind: Kind,
    /// ISO 4217.
    pub currency: &'static str,
    /// Whether its customer had bought before.
    pub renewal: bool,
    /// Billed or held.
    pub outcome: Outcome,
}

/// Records of one collection or object.
pub type Records = Vec<(&'static str, Vec<Value>)>;

/// The company as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Company {
    /// Its "now", to the second.
    pub as_of: DateTime<Utc>,
    /// Deals that became won at or after this instant are billed: 30 days before `as_of`.
    pub go_live: DateTime<Utc>,
    /// The firm's period lock date in Xero: the end of the last quarter.
    pub lock_date: NaiveDate,
    /// Salesforce records in the API's field names, in the order they can be loaded.
    pub salesforce: Records,
    /// Records of the firm's Xero organisation, likewise.
    pub xero: Records,
    /// Records of the AUD subsidiary's Xero organisation, which must stay untouched.
    pub subsidiary: Records,
    /// The won deals, in the order of their ids.
    pub won: Vec<DealNote>,
    story: Story,
}

/// Builds the company.
pub fn build(options: CompanyOptions) -> Company {
    let as_of = options.as_of.trunc_subsecs(0);
    let go_live = as_of - Duration::days(30);
    let mut book = Blueprint {
        products: catalogue::products(),
        ..Blueprint::default()
    };
    fixed::add(&mut book, options.deals, as_of);
    let kept = fixed::share(options.deals, book.deals.len());
    book.deals.truncate(kept);
    book.hand_raised.retain(|(deal, _)| *deal < kept);
    let mut rng = StdRng::seed_from_u64(options.seed);
    filler::add(&mut book, options.deals, go_live, as_of, &mut rng);
    Company {
        as_of,
        go_live,
        lock_date: books::lock_date(as_of),
        salesforce: crm::records(&book, go_live, as_of),
        xero: books::records(&book, as_of),
        subsidiary: books::subsidiary(&book, as_of),
        won: book
            .deals
            .iter()
            .enumerate()
            .filter(|(_, deal)| deal.is_won())
            .map(note)
            .collect(),
        story: story::tell(&book),
    }
}

fn note((index, deal): (usize, &Deal)) -> DealNote {
    DealNote {
        id: crm::deal_id(index),
        name: deal.name.clone(),
        kind: deal.kind,
        currency: deal.currency.code(),
        renewal: deal.renewal.is_some(),
        outcome: deal.outcome,
    }
}

impl Company {
    /// Three deals to follow and up to eight items to fix.
    pub fn story(&self) -> &Story {
        &self.story
    }

    /// How many won deals are meant to have an invoice.
    pub fn billed(&self) -> usize {
        self.won
            .iter()
            .filter(|deal| deal.outcome == Outcome::Billed)
            .count()
    }

    /// How many won deals are meant to wait, by reason.
    pub fn held_by_reason(&self) -> BTreeMap<&'static str, usize> {
        let mut held = BTreeMap::new();
        for deal in &self.won {
            if let Outcome::Held(reason) = deal.outcome {
                *held.entry(reason.code()).or_insert(0) += 1;
            }
        }
        held
    }
}
