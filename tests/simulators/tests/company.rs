//! The believable company holds its proportions at every size and seed, is the same each time, and has
//! as many deals of each reason as were counted by hand.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::{Company, CompanyOptions, Kind, Outcome, build};
use footbridge_simulators::salesforce::SalesforceSimulator;
use footbridge_simulators::xero::XeroSimulator;
use rust_decimal::Decimal;
use serde_json::Value;

fn as_of() -> DateTime<Utc> {
    "2026-11-22T20:15:30.987Z".parse().unwrap()
}

fn company(deals: usize, seed: u64) -> Company {
    build(CompanyOptions {
        deals,
        seed,
        as_of: as_of(),
    })
}

fn records<'a>(of: &'a [(&'static str, Vec<Value>)], name: &str) -> &'a [Value] {
    of.iter()
        .find(|(object, _)| *object == name)
        .map(|(_, records)| records.as_slice())
        .unwrap()
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn amount(record: &Value, field: &str) -> Decimal {
    record.get(field).unwrap().to_string().parse().unwrap()
}

#[test]
fn the_same_options_give_the_same_company() {
    assert_eq!(company(420, 7), company(420, 7));
    assert_ne!(company(420, 7).salesforce, company(420, 8).salesforce);
}

#[test]
fn the_number_of_won_deals_is_the_one_asked_for() {
    for deals in [1, 2, 3, 8, 9, 10, 25, 60, 99, 100, 137, 420, 1_000, 2_500] {
        let company = company(deals, 3);
        assert_eq!(company.won.len(), deals);
        let opportunities = records(&company.salesforce, "Opportunity");
        assert_eq!(
            opportunities
                .iter()
                .filter(|deal| text(deal, "StageName") == "Closed Won")
                .count(),
            deals
        );
    }
}

#[test]
fn proportions_hold_at_every_size_and_seed() {
    for deals in [420, 1_000] {
        for seed in 1..=5 {
            let company = company(deals, seed);
            let count = |kind: Kind| company.won.iter().filter(|deal| deal.kind == kind).count();
            let part = |per_mille: usize| (deals * per_mille + 500) / 1_000;
            assert_eq!(count(Kind::History), part(20));
            assert_eq!(count(Kind::AmountOnly), part(80));
            assert_eq!(count(Kind::Staged), part(50));
            assert_eq!(count(Kind::Reopened), part(20));
            assert_eq!(
                company.won.iter().filter(|deal| deal.renewal).count(),
                part(30)
            );
            let currency = |code: &str| {
                company
                    .won
                    .iter()
                    .filter(|deal| deal.currency == code)
                    .count()
            };
            assert_eq!(
                [currency("EUR"), currency("USD"), currency("JPY")],
                [part(140), part(60), part(20)]
            );
            let accounts = records(&company.salesforce, "Account");
            let people = accounts
                .iter()
                .filter(|account| account.get("IsPersonAccount").is_some())
                .count();
            assert_eq!(people, 25);
            let groups: BTreeSet<&str> = accounts
                .iter()
                .map(|account| text(account, "ParentId"))
                .filter(|id| !id.is_empty())
                .collect();
            assert_eq!(groups.len(), 6);
            assert_eq!(
                accounts
                    .iter()
                    .filter(|account| account.get("MasterRecordId").is_some())
                    .count(),
                1
            );
            assert_eq!(records(&company.salesforce, "Product2").len(), 60);
            assert_eq!(records(&company.xero, "Items").len(), 59);
            // 12 % of the invoices there will be began in Xero.
            let began = records(&company.xero, "Invoices").len();
            let share = began * 1_000 / (began + company.billed());
            assert!((115..=125).contains(&share), "{share} per mille");
        }
    }
}

#[test]
fn reasons_are_as_many_as_counted_by_hand() {
    // The same whatever the seed; only history grows with the size.
    for (deals, history) in [(420, 8), (1_000, 20)] {
        for seed in 1..=5 {
            let expected: BTreeMap<&str, usize> = [
                ("amount-differs", 1),
                ("before-go-live", history),
                ("customer-looks-existing", 9),
                ("customer-merged", 1),
                ("customer-name-clash", 2 + 4),
                ("foreign-tax-number", 2),
                ("looks-already-invoiced", 15),
                ("negative-amount", 2),
                ("zero-amount", 1),
            ]
            .into_iter()
            .collect();
            let company = company(deals, seed);
            assert_eq!(company.held_by_reason(), expected);
            assert_eq!(company.billed(), deals - 37 - history);
            assert_eq!(company.story().follow.len(), 3);
            assert_eq!(company.story().to_fix.len(), 8);
        }
    }
}

#[test]
fn amounts_are_the_sums_of_their_lines_but_for_one_deal() {
    let company = company(420, 2);
    let mut sums: BTreeMap<&str, (Decimal, usize)> = BTreeMap::new();
    for line in records(&company.salesforce, "OpportunityLineItem") {
        let exact = amount(line, "Quantity") * amount(line, "UnitPrice");
        let away = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
        assert_eq!(
            amount(line, "TotalPrice"),
            exact.round_dp_with_strategy(2, away)
        );
        let sum = sums.entry(text(line, "OpportunityId")).or_default();
        sum.0 += amount(line, "TotalPrice");
        sum.1 += 1;
    }
    let differing: Vec<&str> = records(&company.salesforce, "Opportunity")
        .iter()
        .filter(|deal| {
            sums.get(text(deal, "Id"))
                .is_some_and(|sum| sum.0 != amount(deal, "Amount"))
        })
        .map(|deal| text(deal, "Name"))
        .collect();
    assert_eq!(differing, ["Orchard Street: maintenance"]);
    assert_eq!(sums.values().filter(|sum| sum.1 == 140).count(), 1);
    // Half cents: lines whose exact total lies in the middle between two cents.
    let half = Decimal::new(5, 3);
    let halves = records(&company.salesforce, "OpportunityLineItem")
        .iter()
        .filter(|line| {
            let exact = amount(line, "Quantity") * amount(line, "UnitPrice");
            exact - exact.trunc_with_scale(2) == half
        });
    assert!(halves.count() >= 10);
}

#[test]
fn names_of_billed_customers_stay_apart_and_hostile_ones_are_there() {
    let company = company(1_000, 4);
    let accounts = records(&company.salesforce, "Account");
    let mut seen = BTreeMap::new();
    for account in accounts {
        *seen
            .entry(text(account, "Name").to_lowercase())
            .or_insert(0) += 1;
    }
    let twice: Vec<_> = seen
        .iter()
        .filter(|(_, count)| **count > 1)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(twice, ["smith & co"]);
    for piece in ["<script>", "🚀", "\u{202E}", "השלום", "\"Q\"", "{{name}}"] {
        assert!(
            accounts
                .iter()
                .any(|account| text(account, "Name").contains(piece)),
            "{piece}"
        );
    }
    assert!(
        accounts
            .iter()
            .any(|account| text(account, "Name").chars().count() == 255)
    );
}

#[test]
fn winning_decides_by_the_stage_and_not_by_the_close_date() {
    let company = company(420, 5);
    let deals = records(&company.salesforce, "Opportunity");
    let mut misleading = 0;
    for note in &company.won {
        let deal = deals
            .iter()
            .find(|deal| text(deal, "Id") == note.id)
            .unwrap();
        let won =
            DateTime::parse_from_str(text(deal, "LastStageChangeDate"), "%Y-%m-%dT%H:%M:%S%.f%z")
                .unwrap();
        let before = note.kind == Kind::History;
        assert_eq!(won < company.go_live, before, "{}", note.name);
        assert!(won < company.as_of);
        let closed: chrono::NaiveDate = text(deal, "CloseDate").parse().unwrap();
        misleading += usize::from((closed < company.go_live.date_naive()) != before);
    }
    assert!(misleading >= 20, "{misleading}");
    let billed: usize = company
        .won
        .iter()
        .filter(|deal| deal.outcome == Outcome::Billed)
        .count();
    assert_eq!(billed, company.billed());
}

#[test]
fn both_simulators_take_the_company_and_hold_what_it_says() {
    for (deals, seed) in [(30, 1), (420, 2)] {
        let company = company(deals, seed);
        let clock = SimClock::at(company.as_of);
        let salesforce = SalesforceSimulator::new(company.salesforce_options(), clock.clone());
        let xero = XeroSimulator::new(company.xero_options(), clock.clone());
        company.seed_into(&salesforce, &xero).unwrap();
        assert_eq!(clock.now(), company.as_of);

        let held = salesforce.dump("Opportunity");
        assert_eq!(
            held.iter().filter(|deal| deal["IsWon"] == true).count(),
            deals
        );
        for deal in records(&company.salesforce, "Opportunity") {
            let kept = held
                .iter()
                .find(|kept| text(kept, "Id") == text(deal, "Id"))
                .unwrap();
            assert_eq!(amount(kept, "Amount"), amount(deal, "Amount"), "{deal}");
            assert_eq!(
                text(kept, "SystemModstamp"),
                text(deal, "SystemModstamp"),
                "{deal}"
            );
            assert_eq!(
                text(kept, "LastStageChangeDate"),
                text(deal, "LastStageChangeDate")
            );
        }
        let lines = salesforce.dump("OpportunityLineItem");
        for line in records(&company.salesforce, "OpportunityLineItem") {
            let kept = lines
                .iter()
                .find(|kept| text(kept, "Id") == text(line, "Id"))
                .unwrap();
            for field in ["UnitPrice", "Quantity", "TotalPrice"] {
                assert_eq!(amount(kept, field), amount(line, field), "{line}");
            }
        }
        // Each stage a deal went through once, those won again twice.
        let mut wins: BTreeMap<String, usize> = BTreeMap::new();
        for row in salesforce.dump("OpportunityHistory") {
            if text(&row, "StageName") == "Closed Won" {
                *wins
                    .entry(text(&row, "OpportunityId").to_owned())
                    .or_default() += 1;
            }
        }
        for note in &company.won {
            let rows = wins[&note.id];
            let expected = if note.kind == Kind::Reopened {
                2..=2
            } else {
                1..=1 + usize::from(note.kind == Kind::History)
            };
            assert!(expected.contains(&rows), "{}: {rows}", note.name);
        }
        for (collection, records) in &company.xero {
            assert!(xero.dump(collection).len() >= records.len(), "{collection}");
        }
        assert_eq!(
            xero.dump("Invoices").len(),
            records(&company.xero, "Invoices").len()
        );
        assert_eq!(xero.dump_of(1, "Invoices").len(), 3);
        assert_eq!(xero.counts().reads + xero.counts().writes, 0);
        assert_eq!(salesforce.counts().reads + salesforce.counts().writes, 0);
    }
}
