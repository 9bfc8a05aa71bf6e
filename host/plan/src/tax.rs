//! Which tax type each line gets, and who decided: rule of the flow, mapping, contact, item, account (domain rule 6).
//!
//! Nothing is charged by default where the source or the customer's tax number says that something is special: then only
//! a rule decides, and without one the deal waits.

use crate::customer::Party;
use crate::draft::DraftLine;
use crate::explain::{Stop, invoice as say};
use crate::index::Index;
use crate::policy::{Amounts, Presence, TaxRule};
use footbridge_model::ledger::{Account, Item};
use rust_decimal::Decimal;

/// The tax of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineTax {
    /// The tax type.
    pub(crate) tax_type: String,
    /// Per cent.
    pub(crate) rate: Decimal,
    /// Who decided, for people: `rule "EU reverse charge"`, `item "A-1"`.
    pub(crate) winner: String,
}

/// Prefixes of tax numbers that are not the country's own code.
const PREFIXES: [(&str, &str); 2] = [("EL", "GR"), ("XI", "GB")];
/// Countries whose tax numbers begin with their code.
const PREFIXED: [&str; 31] = [
    "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK", "IS",
];

/// The tax of a line that has its account and item already.
pub(crate) fn of_line(
    index: &Index<'_>,
    party: &Party,
    number: usize,
    line: &DraftLine,
    item: Option<&Item>,
    account: &Account,
) -> Result<LineTax, Stop> {
    let (tax_type, winner) = decide(index, party, number, line, item, account)?;
    let unfit = |why: &str| say::tax_unfit(number, &tax_type, &winner, why);
    let rate = index
        .input
        .observed
        .tax_rates
        .get(&tax_type)
        .ok_or_else(|| unfit("the ledger has no such tax type"))?;
    if rate
        .status
        .as_deref()
        .is_some_and(|status| status != "active")
    {
        return Err(unfit("it is deleted"));
    }
    if rate.for_revenue == Some(false) {
        return Err(unfit("it is not for sales"));
    }
    if account.class.as_deref() == Some("expense") {
        return Err(unfit("the line's account is for expenses"));
    }
    let per_cent = rate
        .rate
        .filter(|rate| *rate >= Decimal::ZERO)
        .ok_or_else(|| unfit("the ledger reports no rate for it"))?;
    Ok(LineTax {
        rate: per_cent,
        winner,
        tax_type,
    })
}

fn decide(
    index: &Index<'_>,
    party: &Party,
    number: usize,
    line: &DraftLine,
    item: Option<&Item>,
    account: &Account,
) -> Result<(String, String), Stop> {
    let policy = index.input.policy;
    if let Some(rule) = policy
        .tax_rules
        .iter()
        .find(|rule| matches(rule, party, line))
    {
        return Ok((rule.tax_type.clone(), say::winner("rule", &rule.name)));
    }
    if policy.billing.amounts != Amounts::NoTax
        && let Some(tax_number) = foreign(party, &index.input.organisation.country)
    {
        return Err(say::foreign_tax_number(&party.name, tax_number));
    }
    if let Some(treatment) = &line.treatment
        && line.tax_type.is_none()
    {
        return Err(say::treatment_without_rule(number, treatment));
    }
    let contact = party
        .ledger
        .as_ref()
        .and_then(|customer| customer.sales_tax_type.as_deref());
    let account_code = account.code.as_deref().unwrap_or_default();
    let offers = [
        (line.tax_type.as_deref(), "the mapping".to_owned()),
        (contact, say::winner("customer", &party.name)),
        (
            item.and_then(|item| item.sales_tax_type.as_deref()),
            say::winner("item", item.map_or("", |item| item.code.as_str())),
        ),
        (
            account.tax_type.as_deref(),
            say::winner("account", account_code),
        ),
    ];
    offers
        .into_iter()
        .find_map(|(tax_type, winner)| {
            let tax_type = tax_type.filter(|text| !text.trim().is_empty())?;
            Some((tax_type.to_owned(), winner))
        })
        .ok_or_else(|| say::no_tax_type(number))
}

fn matches(rule: &TaxRule, party: &Party, line: &DraftLine) -> bool {
    let country = rule.countries.is_empty()
        || party.country.as_ref().is_some_and(|country| {
            rule.countries
                .iter()
                .any(|c| c.eq_ignore_ascii_case(country))
        });
    let tax_number = match rule.tax_number {
        Presence::Any => true,
        Presence::Present => party.tax_number.is_some(),
        Presence::Absent => party.tax_number.is_none(),
    };
    let treatment = rule.treatment.is_none() || rule.treatment == line.treatment;
    country && tax_number && treatment
}

/// The customer's tax number if it is of another country: by the billing country, or where that isn't known by the
/// number's own prefix.
fn foreign<'a>(party: &'a Party, home: &str) -> Option<&'a str> {
    let tax_number = party.tax_number.as_deref()?;
    let country = match &party.country {
        Some(country) => country.as_str(),
        None => {
            let prefix = tax_number.trim().get(..2)?.to_ascii_uppercase();
            let known = PREFIXES.iter().find(|(p, _)| *p == prefix).map(|(_, c)| *c);
            known.or_else(|| PREFIXED.into_iter().find(|c| *c == prefix))?
        }
    };
    (!country.eq_ignore_ascii_case(home)).then_some(tax_number)
}
