//! The company as people would describe it: customers and deals, before they become records of a vendor.
//!
//! A deal carries what its author intends to happen to it, so that a test can compare; the records made
//! of it do not. Next: [`super::fixed`] and [`super::filler`] fill it, [`super::crm`] and
//! [`super::books`] render it.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::catalogue::{Currency, Family, Product};
use super::money::half_up;

/// Why a won deal has no invoice; the codes are shared with the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// It became won before the flow went live.
    BeforeGoLive,
    /// Its amount is zero.
    ZeroAmount,
    /// Its amount is negative.
    NegativeAmount,
    /// Its amount is not the sum of its lines.
    AmountDiffers,
    /// An invoice we did not make has its customer and total.
    LooksAlreadyInvoiced,
    /// A contact with almost the customer's name exists.
    CustomerLooksExisting,
    /// Someone else has the customer's name.
    CustomerNameClash,
    /// The customer's contact was merged into another.
    CustomerMerged,
    /// A tax number from a country no rule speaks of.
    ForeignTaxNumber,
}

impl Reason {
    /// The code as reports show it.
    pub fn code(self) -> &'static str {
        match self {
            Self::BeforeGoLive => "before-go-live",
            Self::ZeroAmount => "zero-amount",
            Self::NegativeAmount => "negative-amount",
            Self::AmountDiffers => "amount-differs",
            Self::LooksAlreadyInvoiced => "looks-already-invoiced",
            Self::CustomerLooksExisting => "customer-looks-existing",
            Self::CustomerNameClash => "customer-name-clash",
            Self::CustomerMerged => "customer-merged",
            Self::ForeignTaxNumber => "foreign-tax-number",
        }
    }
}

/// What should happen to a won deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// One invoice (of its first part, if it is billed in parts).
    Billed,
    /// None, and why.
    Held(Reason),
}

/// Position of a customer in [`Blueprint::customers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CustomerIx(pub(crate) usize);

/// A firm or a person.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    Firm(String),
    Person { first: String, last: String },
}

impl Who {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Firm(name) => name.clone(),
            Self::Person { first, last } => format!("{first} {last}"),
        }
    }
}

/// What Xero knows of a customer before the first sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InXero {
    Nowhere,
    /// A contact that carries the account's id, perhaps with a tax type of its own.
    Linked(Option<&'static str>),
    /// An active contact of exactly this name without a number.
    SameName,
    /// An active contact of almost this name.
    Lookalike(String),
    /// An archived contact of this name.
    ArchivedNamesake,
    /// A contact that carried the account's id and was merged into one of another name.
    MergedInto(String),
}

/// A customer: one Salesforce account.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) who: Who,
    /// Country code and name of the billing address.
    pub(crate) country: (&'static str, &'static str),
    pub(crate) tax_number: Option<String>,
    pub(crate) terms_days: Option<u32>,
    /// The parent account that is billed for this one.
    pub(crate) billed_parent: Option<CustomerIx>,
    pub(crate) in_xero: InXero,
}

impl Customer {
    /// A British firm nobody in Xero has heard of.
    pub(crate) fn firm(name: &str) -> Self {
        Self {
            who: Who::Firm(name.to_owned()),
            country: ("GB", "United Kingdom"),
            tax_number: None,
            terms_days: None,
            billed_parent: None,
            in_xero: InXero::Nowhere,
        }
    }

    pub(crate) fn in_xero(mut self, in_xero: InXero) -> Self {
        self.in_xero = in_xero;
        self
    }
}

/// One line of a deal.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Position in the catalogue.
    pub(crate) product: usize,
    pub(crate) quantity: Decimal,
    pub(crate) unit_price: Decimal,
    /// `Tax_Treatment__c`.
    pub(crate) treatment: Option<&'static str>,
}

impl Line {
    /// So many of a product at its list price.
    pub(crate) fn listed(
        products: &[Product],
        product: usize,
        quantity: Decimal,
        currency: Currency,
    ) -> Self {
        let pounds = products
            .get(product)
            .map_or(Decimal::ONE, |product| product.pounds);
        Self {
            product,
            quantity,
            unit_price: currency.price(pounds),
            treatment: None,
        }
    }

    pub(crate) fn priced(product: usize, quantity: Decimal, unit_price: Decimal) -> Self {
        Self {
            product,
            quantity,
            unit_price,
            treatment: None,
        }
    }

    pub(crate) fn treated(mut self, treatment: &'static str) -> Self {
        self.treatment = Some(treatment);
        self
    }

    /// Quantity times price, to the cent.
    pub(crate) fn total(&self) -> Decimal {
        half_up(self.quantity * self.unit_price, 2)
    }
}

/// How a deal's life went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    Open,
    Lost,
    /// Won at this instant.
    Won(DateTime<Utc>),
    /// Won at the first instant, reopened, won again at the second.
    WonAgain(DateTime<Utc>, DateTime<Utc>),
    /// Won at the first instant, before go-live; edited, but not its stage, at the second.
    WonThenEdited(DateTime<Utc>, DateTime<Utc>),
}

impl Course {
    /// The instant at which it last became won.
    pub(crate) fn won_at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Open | Self::Lost => None,
            Self::Won(at) | Self::WonAgain(_, at) | Self::WonThenEdited(at, _) => Some(at),
        }
    }
}

/// What kind of deal it is, for proportions and stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Lines, billed whole.
    Plain,
    /// No lines, only an amount.
    AmountOnly,
    /// Billed in parts.
    Staged,
    /// Won, reopened and won again.
    Reopened,
    /// Won before go-live.
    History,
}

/// A deal.
#[derive(Clone, Debug)]
pub(crate) struct Deal {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) customer: CustomerIx,
    /// `Bill_To_Account__c`.
    pub(crate) bill_to: Option<CustomerIx>,
    pub(crate) currency: Currency,
    pub(crate) lines: Vec<Line>,
    pub(crate) amount: Decimal,
    pub(crate) billing_plan: Option<&'static str>,
    pub(crate) purchase_order: Option<String>,
    pub(crate) renewal: Option<CustomerIx>,
    pub(crate) course: Course,
    /// Meaningful for won deals only.
    pub(crate) outcome: Outcome,
}

impl Deal {
    /// A deal with lines in pounds that is billed whole; its amount is the sum of its lines.
    pub(crate) fn of_lines(
        name: &str,
        customer: CustomerIx,
        lines: Vec<Line>,
        course: Course,
    ) -> Self {
        let amount = lines.iter().map(Line::total).sum();
        Self {
            name: name.to_owned(),
            kind: Kind::Plain,
            customer,
            bill_to: None,
            currency: Currency::Gbp,
            lines,
            amount,
            billing_plan: None,
            purchase_order: None,
            renewal: None,
            course,
            outcome: Outcome::Billed,
        }
    }

    /// A deal without lines.
    pub(crate) fn of_amount(
        name: &str,
        customer: CustomerIx,
        amount: Decimal,
        course: Course,
    ) -> Self {
        Self {
            amount,
            kind: Kind::AmountOnly,
            ..Self::of_lines(name, customer, Vec::new(), course)
        }
    }

    pub(crate) fn held(mut self, reason: Reason) -> Self {
        self.outcome = Outcome::Held(reason);
        self
    }

    pub(crate) fn ordered(mut self, purchase_order: &str) -> Self {
        self.purchase_order = Some(purchase_order.to_owned());
        self
    }

    pub(crate) fn staged(mut self) -> Self {
        self.kind = Kind::Staged;
        self.billing_plan = Some("30,70");
        self
    }

    pub(crate) fn is_won(&self) -> bool {
        self.course.won_at().is_some()
    }
}

/// The whole firm.
#[derive(Debug, Default)]
pub(crate) struct Blueprint {
    pub(crate) products: Vec<Product>,
    pub(crate) customers: Vec<Customer>,
    /// In the order of their ids; won, open and lost ones.
    pub(crate) deals: Vec<Deal>,
    /// Deals for which someone raised an invoice in Xero by hand: days before as_of.
    pub(crate) hand_raised: Vec<(usize, i64)>,
}

impl Blueprint {
    pub(crate) fn add(&mut self, customer: Customer) -> CustomerIx {
        self.customers.push(customer);
        CustomerIx(self.customers.len() - 1)
    }

    /// Products of one family, by position.
    pub(crate) fn of_family(&self, family: Family) -> Vec<usize> {
        (0..self.products.len())
            .filter(|index| {
                self.products
                    .get(*index)
                    .is_some_and(|product| product.family == family)
            })
            .collect()
    }
}
