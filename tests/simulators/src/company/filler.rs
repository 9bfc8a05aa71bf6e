//! Everyday deals: as many as are missing to the number asked for, in fixed proportions.
//!
//! How many there are of each kind depends on the size alone; who buys what, when and for how much on
//! the seed. Next: [`super::crm`].

use chrono::{DateTime, Duration, Utc};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rust_decimal::Decimal;

use super::blueprint::{
    Blueprint, Course, Customer, CustomerIx, Deal, Kind, Line, Outcome, Reason, Who,
};
use super::catalogue::{Currency, Family, PRODUCTS};
use super::money::cents;
use super::names::Names;

/// Countries of the European Union the firm sells to, with the shape of their tax numbers.
const EUROPE: [(&str, &str, &str); 7] = [
    ("FR", "France", "FR40"),
    ("DE", "Germany", "DE"),
    ("IE", "Ireland", "IE64"),
    ("NL", "Netherlands", "NL00"),
    ("ES", "Spain", "ESB"),
    ("IT", "Italy", "IT00"),
    ("BE", "Belgium", "BE0"),
];

/// Adds won deals up to `size`, then some open and lost ones.
pub(crate) fn add(
    book: &mut Blueprint,
    size: usize,
    go_live: DateTime<Utc>,
    as_of: DateTime<Utc>,
    rng: &mut StdRng,
) {
    let mut names = Names::default();
    for customer in &book.customers {
        names.reserve(&customer.who.name());
    }
    names.reserve("Cobden Estates Group");
    let slots = slots(book, size, rng);
    let people = (25 * size).div_ceil(400).min(25);
    let mut filler = Filler {
        book,
        names,
        rng,
        go_live,
        as_of,
        people,
        regulars: Vec::new(),
    };
    for slot in slots {
        filler.won(slot);
    }
    for index in 0..size.div_ceil(10) {
        filler.pending(if index.is_multiple_of(2) {
            Course::Open
        } else {
            Course::Lost
        });
    }
}

/// What is decided about a deal before its details.
#[derive(Clone, Copy, Debug)]
struct Slot {
    kind: Kind,
    currency: Currency,
    buyer: Buyer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Buyer {
    New,
    /// A customer that bought before.
    Regular,
}

/// `per_mille` of `size`, rounded to the nearest.
fn part(size: usize, per_mille: usize) -> usize {
    (size * per_mille + 500) / 1_000
}

/// Kinds, currencies and renewals in their proportions of the whole, less what the core has already.
fn slots(book: &Blueprint, size: usize, rng: &mut StdRng) -> Vec<Slot> {
    let won: Vec<&Deal> = book.deals.iter().filter(|deal| deal.is_won()).collect();
    let missing = size.saturating_sub(won.len());
    let mut kinds = Vec::with_capacity(missing);
    for (kind, per_mille) in [
        (Kind::History, 20),
        (Kind::AmountOnly, 80),
        (Kind::Staged, 50),
        (Kind::Reopened, 20),
    ] {
        let there = won.iter().filter(|deal| deal.kind == kind).count();
        kinds.extend(std::iter::repeat_n(
            kind,
            part(size, per_mille).saturating_sub(there),
        ));
    }
    kinds.resize(missing, Kind::Plain);
    let mut currencies = Vec::with_capacity(missing);
    for (currency, per_mille) in [
        (Currency::Eur, 140),
        (Currency::Usd, 60),
        (Currency::Jpy, 20),
    ] {
        let there = won.iter().filter(|deal| deal.currency == currency).count();
        currencies.extend(std::iter::repeat_n(
            currency,
            part(size, per_mille).saturating_sub(there),
        ));
    }
    currencies.resize(missing, Currency::Gbp);
    kinds.shuffle(rng);
    currencies.shuffle(rng);
    let mut slots: Vec<Slot> = kinds
        .into_iter()
        .zip(currencies)
        .map(|(kind, currency)| Slot {
            kind,
            currency,
            buyer: Buyer::New,
        })
        .collect();
    // The last plain ones in pounds come from customers that bought before.
    slots
        .iter_mut()
        .rev()
        .filter(|slot| slot.kind == Kind::Plain && slot.currency == Currency::Gbp)
        .take(part(size, 30))
        .for_each(|slot| slot.buyer = Buyer::Regular);
    slots
}

struct Filler<'a> {
    book: &'a mut Blueprint,
    names: Names,
    rng: &'a mut StdRng,
    go_live: DateTime<Utc>,
    as_of: DateTime<Utc>,
    /// Person accounts still to come.
    people: usize,
    /// British customers whose deal is billed, each good for one renewal.
    regulars: Vec<CustomerIx>,
}

impl Filler<'_> {
    fn won(&mut self, slot: Slot) {
        let (customer, renewal) = match slot.buyer {
            Buyer::Regular if !self.regulars.is_empty() => {
                let index = self.rng.random_range(0..self.regulars.len());
                let regular = self.regulars.swap_remove(index);
                (regular, Some(regular))
            }
            _ => (self.new_customer(slot), None),
        };
        let course = self.course(slot.kind);
        let name = self.customer_name(customer);
        let title: String = format!(
            "{name}: {}",
            TITLES.choose(self.rng).copied().unwrap_or("order")
        )
        .chars()
        .take(120)
        .collect();
        let mut deal = match slot.kind {
            Kind::AmountOnly => {
                let amount = self.amount(slot.currency);
                Deal::of_amount(&title, customer, amount, course)
            }
            Kind::Staged => {
                let lines = self.divisible_lines(slot.currency);
                Deal::of_lines(&title, customer, lines, course).staged()
            }
            Kind::Plain | Kind::Reopened | Kind::History => {
                let lines = self.lines(slot.currency, customer);
                Deal {
                    kind: slot.kind,
                    ..Deal::of_lines(&title, customer, lines, course)
                }
            }
        };
        deal.currency = slot.currency;
        deal.renewal = renewal;
        if self.rng.random_ratio(3, 5) {
            deal.purchase_order = Some(format!("PO-{:05}", self.rng.random_range(1..100_000)));
        }
        if slot.kind == Kind::History {
            deal.outcome = Outcome::Held(Reason::BeforeGoLive);
        } else if slot.currency == Currency::Gbp && renewal.is_none() {
            self.regulars.push(customer);
        }
        self.book.deals.push(deal);
    }

    /// An open or lost deal of someone who has not bought.
    fn pending(&mut self, course: Course) {
        let slot = Slot {
            kind: Kind::Plain,
            currency: Currency::Gbp,
            buyer: Buyer::New,
        };
        let customer = self.new_customer(slot);
        let lines = self.lines(slot.currency, customer);
        let title = format!("{}: enquiry", self.customer_name(customer));
        self.book
            .deals
            .push(Deal::of_lines(&title, customer, lines, course));
    }

    fn customer_name(&self, customer: CustomerIx) -> String {
        self.book
            .customers
            .get(customer.0)
            .map(|customer| customer.who.name())
            .unwrap_or_default()
    }

    fn new_customer(&mut self, slot: Slot) -> CustomerIx {
        let who = if slot.currency == Currency::Gbp && self.people > 0 && slot.kind != Kind::History
        {
            self.people -= 1;
            let (first, last) = self.names.person(self.rng);
            Who::Person { first, last }
        } else {
            Who::Firm(self.names.firm(self.rng))
        };
        let (country, tax_number) = self.home(slot.currency, &who);
        let terms_days = [None, None, Some(7), Some(14), Some(30), Some(60)]
            .choose(self.rng)
            .copied()
            .flatten();
        self.book.add(Customer {
            who,
            country,
            tax_number,
            terms_days,
            ..Customer::firm("")
        })
    }

    /// Country and tax number that go with a currency.
    fn home(
        &mut self,
        currency: Currency,
        who: &Who,
    ) -> ((&'static str, &'static str), Option<String>) {
        let digits = self.rng.random_range(100_000_000_u32..999_999_999);
        match currency {
            Currency::Gbp => {
                let known = matches!(who, Who::Firm(_)) && self.rng.random_ratio(1, 3);
                (
                    ("GB", "United Kingdom"),
                    known.then(|| format!("GB{digits}")),
                )
            }
            Currency::Eur => {
                let (code, name, prefix) = EUROPE
                    .choose(self.rng)
                    .copied()
                    .unwrap_or(("IE", "Ireland", "IE64"));
                let known = self.rng.random_ratio(3, 4);
                ((code, name), known.then(|| format!("{prefix}{digits}")))
            }
            Currency::Usd => (("US", "United States"), None),
            Currency::Jpy => (("JP", "Japan"), None),
        }
    }

    fn course(&mut self, kind: Kind) -> Course {
        let recent = |rng: &mut StdRng, from: DateTime<Utc>, to: DateTime<Utc>| {
            from + Duration::seconds(rng.random_range(0..(to - from).num_seconds().max(1)))
        };
        let (first, last) = (
            self.go_live + Duration::hours(2),
            self.as_of - Duration::hours(2),
        );
        match kind {
            Kind::History => {
                let won = self.go_live - Duration::hours(self.rng.random_range(24..17 * 30 * 24));
                if self.rng.random_ratio(1, 2) {
                    Course::WonThenEdited(won, recent(self.rng, first, last))
                } else {
                    Course::Won(won)
                }
            }
            Kind::Reopened => {
                let middle = first + (last - first) / 2;
                Course::WonAgain(
                    recent(self.rng, first, middle),
                    recent(self.rng, middle + Duration::hours(1), last),
                )
            }
            Kind::Plain | Kind::AmountOnly | Kind::Staged => {
                Course::Won(recent(self.rng, first, last))
            }
        }
    }

    /// One to six lines, mostly few.
    fn lines(&mut self, currency: Currency, customer: CustomerIx) -> Vec<Line> {
        let count = [1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6]
            .choose(self.rng)
            .copied()
            .unwrap_or(1);
        let british = self
            .book
            .customers
            .get(customer.0)
            .is_some_and(|customer| customer.country.0 == "GB");
        let services = self.book.of_family(Family::Service);
        (0..count)
            .map(|_| {
                if currency == Currency::Jpy {
                    // Whole yen, and whole yen of tax.
                    let product = services.choose(self.rng).copied().unwrap_or(0);
                    let quantity = Decimal::from(self.rng.random_range(1..9_u32));
                    return Line::listed(&self.book.products, product, quantity, currency);
                }
                let product = self.rng.random_range(0..PRODUCTS);
                let quantity = cents(25 * self.rng.random_range(1..80_i64));
                let line = Line::listed(&self.book.products, product, quantity, currency);
                match self.rng.random_range(0..40_u32) {
                    0 if british => line.treated("Exempt"),
                    1 if british => line.treated("Zero"),
                    2 if british => line.treated("Reduced"),
                    _ => line,
                }
            })
            .collect()
    }

    /// Lines of services whose 30 % are whole, so that any way of dividing them gives the same parts.
    fn divisible_lines(&mut self, currency: Currency) -> Vec<Line> {
        let step = if currency == Currency::Jpy {
            10_000
        } else {
            50
        };
        let services = self.book.of_family(Family::Service);
        (0..self.rng.random_range(1..3_u32))
            .map(|_| {
                let product = services.choose(self.rng).copied().unwrap_or(0);
                let price = Decimal::from(step * self.rng.random_range(2..60_i64));
                Line::priced(
                    product,
                    Decimal::from(self.rng.random_range(1..4_u32)),
                    price,
                )
            })
            .collect()
    }

    fn amount(&mut self, currency: Currency) -> Decimal {
        match currency {
            Currency::Jpy => Decimal::from(5 * self.rng.random_range(2_000..200_000_i64)),
            _ => cents(self.rng.random_range(4_000..900_000_i64)),
        }
    }
}

const TITLES: [&str; 8] = [
    "annual service",
    "upgrade",
    "new site",
    "spare parts",
    "training week",
    "emergency repair",
    "autumn order",
    "refit",
];
