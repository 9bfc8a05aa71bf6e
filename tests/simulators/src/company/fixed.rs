//! The fixed core of the company: the same deals and customers whatever the seed.
//!
//! Each deal here is there to try one rule. A small company gets fewer of each kind, the deals of the
//! story first. Next: [`super::filler`] adds everyday deals up to the number asked for.

use chrono::{DateTime, Duration, Utc};
use rust_decimal::Decimal;

use super::blueprint::{Blueprint, Course, Customer, CustomerIx, Deal, InXero, Line, Reason};
use super::catalogue::{Currency, UNCODED};
use super::money::cents;
use super::names::hostile;

/// Adds the core's customers and deals for a company of `size` won deals.
pub(crate) fn add(book: &mut Blueprint, size: usize, as_of: DateTime<Utc>) {
    let mut core = Core {
        book,
        size,
        as_of,
        won: 0,
    };
    core.story();
    core.items_to_fix();
    core.shapes();
    core.customers();
    core.groups();
}

/// The core never takes more than half of the deals; a pair of namesakes stays together or away.
pub(crate) fn share(size: usize, built: usize) -> usize {
    match built.min(size / 2) {
        4 => 3,
        share => share,
    }
}

struct Core<'a> {
    book: &'a mut Blueprint,
    size: usize,
    as_of: DateTime<Utc>,
    won: i64,
}

impl Core<'_> {
    /// How many of what a full company has `full` of.
    fn scaled(&self, full: usize) -> usize {
        (full * self.size).div_ceil(400).clamp(1, full)
    }

    /// Won after go-live: the deals of the core follow each other by five hours.
    fn won(&mut self) -> Course {
        self.won += 1;
        Course::Won(
            self.as_of
                - Duration::hours(6 + (self.won * 5) % 690)
                - Duration::minutes(self.won % 53),
        )
    }

    fn customer(&mut self, customer: Customer) -> CustomerIx {
        self.book.add(customer)
    }

    fn line(&self, product: usize, hundredths: i64) -> Line {
        Line::listed(
            &self.book.products,
            product,
            cents(hundredths),
            Currency::Gbp,
        )
    }

    fn deal(&mut self, deal: Deal) -> usize {
        self.book.deals.push(deal);
        self.book.deals.len() - 1
    }

    /// Three deals to follow through the books.
    fn story(&mut self) {
        // A quarter of an hour at 64.50 and 3 m of cable at 0.1250 both end in half a cent.
        let lines = vec![
            self.line(0, 25),
            self.line(20, 300),
            self.line(1, 200),
            self.line(40, 400),
        ];
        let (customer, course) = (
            self.customer(Customer::firm("Tidewater Cafés Ltd")),
            self.won(),
        );
        self.deal(
            Deal::of_lines("Tidewater: new till points", customer, lines, course)
                .ordered("PO-77120"),
        );

        let lines = vec![
            Line::priced(3, cents(100), cents(250_000)),
            Line::priced(15, cents(400), cents(52_000)),
        ];
        let (customer, course) = (
            self.customer(Customer::firm("Hadrian Wind Services plc")),
            self.won(),
        );
        self.deal(
            Deal::of_lines(
                "Hadrian: control room, 30 % deposit",
                customer,
                lines,
                course,
            )
            .ordered("HWS/2231")
            .staged(),
        );

        let firm = Customer {
            country: ("DE", "Germany"),
            tax_number: Some("DE811907980".to_owned()),
            terms_days: Some(14),
            ..Customer::firm("Müller & Söhne GmbH")
        };
        let lines = vec![
            Line::listed(&self.book.products, 13, cents(300), Currency::Eur),
            Line::listed(&self.book.products, 22, cents(1_250), Currency::Eur),
        ];
        let (customer, course) = (self.customer(firm), self.won());
        let deal =
            Deal::of_lines("Müller: line design", customer, lines, course).ordered("4500018832");
        self.deal(Deal {
            currency: Currency::Eur,
            ..deal
        });
    }

    /// Every kind of item that waits for a person.
    fn items_to_fix(&mut self) {
        for town in ["Leeds", "York"] {
            let lines = vec![self.line(2, 800)];
            let (customer, course) = (self.customer(Customer::firm("Smith & Co")), self.won());
            self.deal(
                Deal::of_lines(
                    &format!("Smith & Co, {town}: fitting"),
                    customer,
                    lines,
                    course,
                )
                .held(Reason::CustomerNameClash),
            );
        }

        let lines = vec![self.line(5, 200), self.line(24, 1_000)];
        let (customer, course) = (
            self.customer(Customer::firm("Orchard Street Clinic")),
            self.won(),
        );
        let mut differs = Deal::of_lines("Orchard Street: maintenance", customer, lines, course)
            .held(Reason::AmountDiffers);
        differs.amount += cents(1_000);
        self.deal(differs);

        let (customer, course) = (
            self.customer(Customer::firm("Penrose Galleries")),
            self.won(),
        );
        let refund = Deal::of_amount(
            "Penrose: refund of deposit",
            customer,
            cents(-25_000),
            course,
        );
        self.deal(refund.held(Reason::NegativeAmount));

        self.hand_raised(0);
        self.lookalike(0);
        self.archived_namesake(0);

        let merged = Customer::firm("Cobden Mills Ltd")
            .in_xero(InXero::MergedInto("Cobden Estates Group".to_owned()));
        let lines = vec![self.line(17, 100)];
        let (customer, course) = (self.customer(merged), self.won());
        self.deal(
            Deal::of_lines("Cobden Mills: commissioning", customer, lines, course)
                .held(Reason::CustomerMerged),
        );

        for (country, number, name) in [
            (("NO", "Norway"), "NO923609016MVA", "Fjordkraft Marin AS"),
            (
                ("CH", "Switzerland"),
                "CHE-116.281.710 MWST",
                "Alpenblick Hotels AG",
            ),
        ] {
            let firm = Customer {
                country,
                tax_number: Some(number.to_owned()),
                ..Customer::firm(name)
            };
            let lines = vec![Line::listed(
                &self.book.products,
                1,
                cents(500),
                Currency::Eur,
            )];
            let (customer, course) = (self.customer(firm), self.won());
            let deal = Deal::of_lines(&format!("{name}: advice"), customer, lines, course)
                .held(Reason::ForeignTaxNumber);
            self.deal(Deal {
                currency: Currency::Eur,
                ..deal
            });
        }

        let (customer, course) = (self.customer(Customer::firm("Goodwill Garage")), self.won());
        self.deal(
            Deal::of_amount("Goodwill: free trial", customer, Decimal::ZERO, course)
                .held(Reason::ZeroAmount),
        );

        let lines = vec![Line::priced(18, cents(100), cents(-48_000))];
        let (customer, course) = (self.customer(Customer::firm("Backwater Boats")), self.won());
        self.deal(
            Deal::of_lines("Backwater: audit taken back", customer, lines, course)
                .held(Reason::NegativeAmount),
        );
    }

    /// Deals of unusual shape, all billed.
    fn shapes(&mut self) {
        let many = (0..140)
            .map(|index| {
                self.line(
                    index % UNCODED,
                    25 * (1 + i64::try_from(index).unwrap_or(0) % 37),
                )
            })
            .collect();
        let (customer, course) = (
            self.customer(Customer::firm("Cathedral Quarter Developments Ltd")),
            self.won(),
        );
        self.deal(
            Deal::of_lines(
                "Cathedral Quarter: fit-out, 140 positions",
                customer,
                many,
                course,
            )
            .ordered("CQD-0140"),
        );

        let halves = (20..40)
            .step_by(2)
            .map(|product| self.line(product, 300))
            .chain((0..20).step_by(2).map(|product| self.line(product, 25)))
            .collect();
        let (customer, course) = (
            self.customer(Customer::firm("Halfpenny Hardware")),
            self.won(),
        );
        self.deal(Deal::of_lines(
            "Halfpenny: parts and quarters of an hour",
            customer,
            halves,
            course,
        ));

        let mixed = vec![
            self.line(1, 100).treated("Exempt"),
            self.line(21, 1_000).treated("Zero"),
            // Ten pence at 5 % is half a penny of tax.
            Line::priced(49, cents(100), cents(10)).treated("Reduced"),
            self.line(46, 12_345),
            self.line(50, 100),
            self.line(54, 200),
            self.line(57, 600),
            self.line(25, 700),
        ];
        let (customer, course) = (
            self.customer(Customer::firm("Allsorts Academy Trust")),
            self.won(),
        );
        self.deal(
            Deal::of_lines("Allsorts: every rate of tax", customer, mixed, course)
                .ordered("AAT 5/77"),
        );

        let lines = vec![self.line(UNCODED, 300), self.line(2, 150)];
        let (customer, course) = (
            self.customer(Customer::firm("Workbench Collective")),
            self.won(),
        );
        self.deal(Deal::of_lines(
            "Workbench: materials without a code",
            customer,
            lines,
            course,
        ));

        // 30 % of 33.35 is 10.005.
        let lines = vec![Line::priced(0, cents(100), cents(3_335))];
        let (customer, course) = (self.customer(Customer::firm("Oddment Crafts")), self.won());
        self.deal(
            Deal::of_lines(
                "Oddment: a deposit of half a penny more",
                customer,
                lines,
                course,
            )
            .staged(),
        );

        let lines = vec![self.line(4, 300)];
        let payer = self.customer(Customer {
            terms_days: Some(60),
            ..Customer::firm("Northbank Facilities Management Ltd")
        });
        let (customer, course) = (
            self.customer(Customer::firm("Northbank Library")),
            self.won(),
        );
        let deal = Deal::of_lines("Northbank Library: lift service", customer, lines, course)
            .ordered("NFM-88");
        self.deal(Deal {
            bill_to: Some(payer),
            ..deal
        });
    }

    /// Customers that Xero knows, and customers whose names break things.
    fn customers(&mut self) {
        for (index, tax_type) in [None, Some("ZERORATEDOUTPUT"), None]
            .into_iter()
            .enumerate()
        {
            let name = [
                "Lantern Theatre",
                "Lifeboat Charity Shop",
                "Limestone Quarries",
            ]
            .get(index)
            .copied()
            .unwrap_or_default();
            let lines = vec![self.line(6, 200), self.line(26, 400)];
            let (customer, course) = (
                self.customer(Customer::firm(name).in_xero(InXero::Linked(tax_type))),
                self.won(),
            );
            self.deal(Deal::of_lines(
                &format!("{name}: survey"),
                customer,
                lines,
                course,
            ));
        }
        for name in ["Samphire Seafoods", "Sandpiper Nurseries"] {
            let lines = vec![self.line(8, 400)];
            let (customer, course) = (
                self.customer(Customer::firm(name).in_xero(InXero::SameName)),
                self.won(),
            );
            self.deal(Deal::of_lines(
                &format!("{name}: support"),
                customer,
                lines,
                course,
            ));
        }
        // This account took in another in Salesforce; the deal stays with it.
        let lines = vec![self.line(10, 200)];
        let (customer, course) = (self.customer(Customer::firm(SALESFORCE_WINNER)), self.won());
        self.deal(Deal::of_lines(
            "Unity Bearings: data migration",
            customer,
            lines,
            course,
        ));

        for name in hostile() {
            let lines = vec![self.line(12, 125), self.line(30, 300)];
            let (customer, course) = (self.customer(Customer::firm(&name)), self.won());
            let short: String = name.chars().take(40).collect();
            self.deal(Deal::of_lines(
                &format!("Design for {short}"),
                customer,
                lines,
                course,
            ));
        }
    }

    /// Groups of which a full company has several.
    fn groups(&mut self) {
        for index in 0..self.scaled(GROUPS.len()) {
            let name = GROUPS.get(index).copied().unwrap_or_default();
            let parent = self.customer(Customer::firm(&format!("{name} Group Holdings plc")));
            for site in ["North", "South"].iter().take(1 + index % 2) {
                let lines = vec![self.line(14, 200), self.line(32, 1_000)];
                let child = Customer {
                    billed_parent: Some(parent),
                    ..Customer::firm(&format!("{name} {site} Depot"))
                };
                let (customer, course) = (self.customer(child), self.won());
                self.deal(Deal::of_lines(
                    &format!("{name} {site}: project"),
                    customer,
                    lines,
                    course,
                ));
            }
        }
        for index in 1..self.scaled(HAND_RAISED.len()) {
            self.hand_raised(index);
        }
        for index in 1..self.scaled(LOOKALIKES.len()) {
            self.lookalike(index);
        }
        for index in 1..self.scaled(ARCHIVED.len()) {
            self.archived_namesake(index);
        }
    }

    fn hand_raised(&mut self, index: usize) {
        let name = HAND_RAISED.get(index).copied().unwrap_or_default();
        let in_xero = if index.is_multiple_of(2) {
            InXero::Linked(None)
        } else {
            InXero::SameName
        };
        let days = 4 + i64::try_from(index).unwrap_or_default() * 3;
        let lines = vec![
            self.line(2 * (index % 10), 700 + days * 25),
            self.line(20 + index, 1_100),
        ];
        let (customer, course) = (
            self.customer(Customer::firm(name).in_xero(in_xero)),
            self.won(),
        );
        let deal = self.deal(
            Deal::of_lines(&format!("{name}: call-out"), customer, lines, course)
                .held(Reason::LooksAlreadyInvoiced),
        );
        self.book.hand_raised.push((deal, days));
    }

    fn lookalike(&mut self, index: usize) {
        let (name, known) = LOOKALIKES.get(index).copied().unwrap_or_default();
        let lines = vec![self.line(16, 300)];
        let customer = Customer::firm(name).in_xero(InXero::Lookalike(known.to_owned()));
        let (customer, course) = (self.customer(customer), self.won());
        self.deal(
            Deal::of_lines(&format!("{name}: commissioning"), customer, lines, course)
                .held(Reason::CustomerLooksExisting),
        );
    }

    fn archived_namesake(&mut self, index: usize) {
        let name = ARCHIVED.get(index).copied().unwrap_or_default();
        let lines = vec![self.line(18, 600)];
        let (customer, course) = (
            self.customer(Customer::firm(name).in_xero(InXero::ArchivedNamesake)),
            self.won(),
        );
        self.deal(
            Deal::of_lines(&format!("{name}: safety audit"), customer, lines, course)
                .held(Reason::CustomerNameClash),
        );
    }
}

/// The account that another was merged into, in Salesforce.
pub(crate) const SALESFORCE_WINNER: &str = "Unity Bearings Ltd";

const GROUPS: [&str; 6] = [
    "Ashgrove",
    "Bellweather",
    "Castlegate",
    "Drummond",
    "Everglade",
    "Farringford",
];

const HAND_RAISED: [&str; 15] = [
    "Abacus Accountancy",
    "Bramble Bistro",
    "Corner Cycles",
    "Dove Dairy",
    "Ember Stoves",
    "Fleetwood Ferries",
    "Gosling Garages",
    "Heron Housing",
    "Ivy Inns",
    "Jackdaw Jewellers",
    "Kiln Kitchens",
    "Lapwing Logistics",
    "Magpie Mills",
    "Nettle Nurseries",
    "Otter Outfitters",
];

const LOOKALIKES: [(&str, &str); 9] = [
    ("Alder Print Ltd", "Alder Print Limited"),
    ("Bishop Removals Limited", "Bishop Removals Ltd"),
    ("Crane Lifting Ltd.", "Crane Lifting Limited"),
    ("Dale Dental Ltd", "Dale Dental Limited"),
    ("Ewe & Ram Limited", "Ewe & Ram Ltd"),
    ("Fern Hill Farm Ltd", "Fern  Hill Farm Limited"),
    ("Gable Roofing Limited", "Gable Roofing, Ltd"),
    ("Hythe Harbour Ltd", "HYTHE HARBOUR LIMITED"),
    ("Inkwell Media Ltd", "Inkwell Media"),
];

const ARCHIVED: [&str; 4] = [
    "Rosewood Care Homes",
    "Silverdale School",
    "Thistle Taxis",
    "Umber Pottery",
];
