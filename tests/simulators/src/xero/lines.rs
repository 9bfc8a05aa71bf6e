//! Document lines: defaults from items and accounts, checks, and their amounts and tax.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value, json};

use super::accounts::{AccountStatus, rate_for};
use super::book::{Book, Origin, Writing};
use super::defect::Defect;
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::invoices::Kind;
use super::items::{self, Item};
use super::money::{self, AmountTypes, Discount, Totals, UnitPlaces};
use super::shelf::Key;

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) id: Guid,
    description: Option<String>,
    quantity: Option<Decimal>,
    unit: Option<Decimal>,
    item: Option<String>,
    account: Option<String>,
    tax_type: Option<String>,
    pub(crate) amount: Decimal,
    pub(crate) tax: Decimal,
    discount: Discount,
    tracking: Vec<Element>,
}

/// What the document demands of its lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demands {
    pub(crate) kind: Kind,
    pub(crate) types: AmountTypes,
    pub(crate) completeness: Completeness,
    pub(crate) discounts: Discounts,
}

/// Drafts may lack accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completeness {
    Draft,
    Complete,
}

/// Whether lines may carry discounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discounts {
    Allowed,
    Refused,
}

/// The lines after a write: those with a known `LineItemID` changed, those without created, the others gone.
pub(crate) fn write(
    book: &mut Book,
    writing: &Writing,
    demands: Demands,
    given: &[&Element],
    old: &[Line],
) -> Result<Vec<Line>, Refusals> {
    let mut refusals = Refusals::default();
    let mut lines: Vec<Line> = Vec::new();
    for element in given {
        let id = match element::guid(element, "LineItemID") {
            Ok(id) => id,
            Err(refused) => {
                refusals.append(refused);
                continue;
            }
        };
        let before = id.and_then(|id| old.iter().find(|line| line.id == id));
        let new_id = match (id, before, writing.origin) {
            (Some(_), Some(_), _) if book.has(Defect::LinesRenumbered) => book.new_id(),
            (Some(id), Some(_), _) | (Some(id), None, Origin::Loader) => id,
            (Some(id), None, Origin::Api) => {
                refusals.add(format!(
                    "The line item with the LineItemID {id} could not be found"
                ));
                continue;
            }
            (None, _, _) => book.new_id(),
        };
        match write_one(book, writing.units, demands, element, before, new_id) {
            Ok(line) if lines.iter().any(|other| other.id == line.id) => {
                refusals.add("A LineItemID may be used only once")
            }
            Ok(line) => lines.push(line),
            Err(refused) => refusals.append(refused),
        }
    }
    if book.has(Defect::OmittedLinesKept) {
        let omitted = |line: &&Line| lines.iter().all(|kept| kept.id != line.id);
        let kept: Vec<Line> = old.iter().filter(omitted).cloned().collect();
        lines.extend(kept);
    }
    refusals.into_result(lines)
}

/// Lines kept as they are, checked and taxed again because the document changed around them.
pub(crate) fn review(book: &Book, demands: Demands, old: &[Line]) -> Result<Vec<Line>, Refusals> {
    let mut refusals = Refusals::default();
    let mut lines = Vec::new();
    for line in old {
        match write_one(
            book,
            UnitPlaces::Four,
            demands,
            &Element::new(),
            Some(line),
            line.id,
        ) {
            Ok(line) => lines.push(line),
            Err(refused) => refusals.append(refused),
        }
    }
    refusals.into_result(lines)
}

fn write_one(
    book: &Book,
    units: UnitPlaces,
    demands: Demands,
    element: &Element,
    before: Option<&Line>,
    id: Guid,
) -> Result<Line, Refusals> {
    let mut refusals = Refusals::default();
    let code = element::text(element, "ItemCode")
        .or_else(|| before.and_then(|line| line.item.clone()))
        .filter(|code| !code.is_empty());
    let item = code.as_deref().and_then(|code| items::by_code(book, code));
    let unpriced = book.has(Defect::ItemPriceIgnored);
    if let Some(code) = code.as_deref().filter(|_| item.is_none()) {
        refusals.add(format!("Item code '{code}' is not valid"));
    }
    let side = |item: &Item| match demands.kind {
        Kind::Receivable => item.sales.clone(),
        Kind::Payable => item.purchases.clone(),
    };
    let from_item = item.filter(|_| !unpriced).map(side).unwrap_or_default();

    let description = element::text(element, "Description")
        .or_else(|| before.and_then(|line| line.description.clone()));
    let description = description
        .filter(|text| !text.is_empty())
        .or_else(|| item.and_then(|item| item.description.clone()));
    if description.is_none() {
        refusals.add("Description must be supplied for each line item");
    }
    if description
        .as_ref()
        .is_some_and(|text| text.chars().count() > 4000)
    {
        refusals.add("Description must not be longer than 4000 characters");
    }

    let account_code = element::text(element, "AccountCode")
        .or_else(|| before.and_then(|line| line.account.clone()))
        .filter(|code| !code.is_empty())
        .or_else(|| from_item.account.clone());
    let account = account_code
        .as_deref()
        .and_then(|code| book.accounts.by_key(&Key::new("Code", code)));
    match (&account_code, account) {
        (Some(code), Some(account)) if account.status == AccountStatus::Archived && !book.has(Defect::ArchivedAccountAccepted) => refusals.add(format!(
            "Account code '{code}' has been archived, or has been deleted. Each line item must reference a valid account."
        )),
        (Some(code), account) if account.is_none_or(|account| !account.takes_lines() && !book.has(Defect::BankAccountOnLine)) => {
            refusals.add(format!("Account code '{code}' is not a valid code for this document."));
        }
        _ => {}
    }

    let figures = figures(
        book,
        demands,
        units,
        element,
        before,
        &from_item,
        &mut refusals,
    )?;
    if account_code.is_none()
        && demands.completeness == Completeness::Complete
        && figures.quantity.is_some()
    {
        refusals.add("Account code must be specified");
    }

    let given_tax = element::filled(element, "TaxType")
        .or_else(|| before.and_then(|line| line.tax_type.clone()));
    let usual = from_item
        .tax_type
        .clone()
        .or_else(|| account.map(|account| account.tax_type.clone()));
    let tax_type = match demands.types {
        AmountTypes::NoTax => Some("NONE".to_owned()),
        AmountTypes::Exclusive | AmountTypes::Inclusive => given_tax.or(usual),
    };
    let mut percent = Decimal::ZERO;
    if let Some(tax_type) = tax_type
        .as_deref()
        .filter(|_| demands.types != AmountTypes::NoTax)
    {
        match rate_for(book, tax_type) {
            Some(rate) if account.is_none_or(|account| rate.applies_to(account.class()) || book.has(Defect::AnyTaxForAccount)) => percent = rate.percent,
            _ => refusals.add(format!("The TaxType code '{tax_type}' does not exist or cannot be used for this type of transaction.")),
        }
    }
    let own_tax = match demands.types {
        AmountTypes::NoTax => None,
        _ if book.has(Defect::GivenTaxIgnored) => None,
        AmountTypes::Exclusive | AmountTypes::Inclusive => {
            element::decimal(element, "TaxAmount")?.map(|tax| money::round(tax, 2))
        }
    };
    let Some(tax) = own_tax.or_else(|| tax(book, figures.amount, percent, demands.types)) else {
        return Err(Refusals::one("The line amount is too large"));
    };

    let tracking = match element::objects(element, "Tracking") {
        None => before.map(|line| line.tracking.clone()).unwrap_or_default(),
        Some(given) => tracking(book, &given, &mut refusals),
    };
    refusals.into_result(Line {
        id,
        description,
        quantity: figures.quantity,
        unit: figures.unit,
        item: code,
        account: account_code,
        tax_type,
        amount: figures.amount,
        tax,
        discount: figures.discount,
        tracking,
    })
}

/// The tax of a line.
fn tax(book: &Book, amount: Decimal, percent: Decimal, types: AmountTypes) -> Option<Decimal> {
    let wrongly = |strategy, types| {
        Some(money::exact_tax(amount, percent, types)?.round_dp_with_strategy(2, strategy))
    };
    if book.has(Defect::HalfEvenTax) {
        return wrongly(RoundingStrategy::MidpointNearestEven, types);
    }
    if book.has(Defect::TruncatedTax) {
        return wrongly(RoundingStrategy::ToZero, types);
    }
    if book.has(Defect::TaxAddedToInclusive) && types == AmountTypes::Inclusive {
        return money::line_tax(amount, percent, AmountTypes::Exclusive);
    }
    money::line_tax(amount, percent, types)
}

struct Figures {
    quantity: Option<Decimal>,
    unit: Option<Decimal>,
    amount: Decimal,
    discount: Discount,
}

fn figures(
    book: &Book,
    demands: Demands,
    units: UnitPlaces,
    element: &Element,
    before: Option<&Line>,
    item: &items::ItemSide,
    refusals: &mut Refusals,
) -> Result<Figures, Refusals> {
    let discount = match (
        element::decimal(element, "DiscountRate")?,
        element::decimal(element, "DiscountAmount")?,
    ) {
        (None, None) => before.map_or(Discount::None, |line| line.discount),
        (Some(rate), _) if !rate.is_zero() => Discount::Rate(rate),
        (_, Some(amount)) if !amount.is_zero() => Discount::Amount(money::round(amount, 2)),
        _ => Discount::None,
    };
    if discount != Discount::None && demands.discounts == Discounts::Refused {
        refusals.add("Discounts are not supported on this type of document");
    }
    if let Discount::Rate(rate) = discount
        && (rate.is_sign_negative() || rate > Decimal::ONE_HUNDRED)
    {
        refusals.add("DiscountRate must be between 0 and 100");
    }
    let stated = element::decimal(element, "LineAmount")?.map(|amount| money::round(amount, 2));
    let quantity = element::decimal(element, "Quantity")?
        .map(|quantity| money::round(quantity, 4))
        .or_else(|| before.and_then(|line| line.quantity));
    let unit = element::decimal(element, "UnitAmount")?
        .or_else(|| before.and_then(|line| line.unit))
        .or_else(|| if stated.is_none() { item.unit } else { None })
        .map(|unit| units.round(unit));
    let too_large = || Refusals::one("The line amount is too large");
    let (quantity, unit) = match (quantity, unit, stated) {
        (Some(quantity), Some(unit), _) => (quantity, unit),
        (None, Some(unit), _) => (Decimal::ONE, unit),
        (quantity, None, Some(amount)) => {
            let quantity = quantity.unwrap_or(Decimal::ONE);
            match amount.checked_div(quantity) {
                Some(unit) => (quantity, units.round(unit)),
                None => {
                    return Err(Refusals::one(
                        "Quantity must not be zero when only LineAmount is given",
                    ));
                }
            }
        }
        (quantity, None, None) => {
            // A line of text.
            return Ok(Figures {
                quantity: quantity.filter(|_| false),
                unit: None,
                amount: Decimal::ZERO,
                discount: Discount::None,
            });
        }
    };
    let expected = money::line_amount(quantity, unit, discount).ok_or_else(too_large)?;
    if let Some(stated) =
        stated.filter(|stated| *stated != expected && !book.has(Defect::LineTotalUnchecked))
    {
        refusals.add(format!(
            "The line total {stated:.2} does not match the expected line total {expected:.2}"
        ));
    }
    Ok(Figures {
        quantity: Some(quantity),
        unit: Some(unit),
        amount: expected,
        discount,
    })
}

fn tracking(book: &Book, given: &[&Element], refusals: &mut Refusals) -> Vec<Element> {
    if given.len() > 2 {
        refusals.add("A line item can have at most 2 tracking categories");
    }
    let mut found = Vec::new();
    for element in given {
        let name = element::filled(element, "Name").unwrap_or_default();
        let option = element::filled(element, "Option").unwrap_or_default();
        let known = book
            .setup
            .tracking
            .iter()
            .any(|(category, options)| *category == name && options.contains(&option));
        if !known {
            refusals.add(format!(
                "The tracking category '{name}' has no option '{option}'"
            ));
            continue;
        }
        let mut entry = Element::new();
        entry.insert("Name".to_owned(), json!(name));
        entry.insert("Option".to_owned(), json!(option));
        found.push(entry);
    }
    found
}

/// Totals of a document's lines.
pub(crate) fn totals(book: &Book, lines: &[Line], types: AmountTypes) -> Totals {
    if book.has(Defect::TaxOnTheSum) {
        return totals_by_rate(book, lines, types);
    }
    money::totals(lines.iter().map(|line| (line.amount, line.tax)), types)
}

/// The totals as somebody works them out who taxes the sum of each rate.
fn totals_by_rate(book: &Book, lines: &[Line], types: AmountTypes) -> Totals {
    let mut sums: std::collections::BTreeMap<&str, Decimal> = std::collections::BTreeMap::new();
    for line in lines {
        let sum = sums.entry(line.tax_type.as_deref().unwrap_or_default());
        let sum = sum.or_default();
        *sum = sum.saturating_add(line.amount);
    }
    let taxed = sums.into_iter().map(|(tax_type, sum)| {
        let percent = rate_for(book, tax_type).map_or(Decimal::ZERO, |rate| rate.percent);
        (sum, tax(book, sum, percent, types).unwrap_or_default())
    });
    money::totals(taxed, types)
}

/// What the discounts of the lines take off.
pub(crate) fn discount_total(lines: &[Line]) -> Decimal {
    let off = |line: &Line| match (line.discount, line.quantity, line.unit) {
        (Discount::None, _, _) | (_, None, _) | (_, _, None) => Decimal::ZERO,
        (Discount::Amount(amount), _, _) => amount,
        (Discount::Rate(_), Some(quantity), Some(unit)) => {
            let gross = money::line_amount(quantity, unit, Discount::None).unwrap_or_default();
            gross.saturating_sub(line.amount)
        }
    };
    lines
        .iter()
        .map(off)
        .fold(Decimal::ZERO, Decimal::saturating_add)
}

/// What `percent` of the labour among the lines comes to, net of tax.
pub(crate) fn labour_deduction(
    book: &Book,
    lines: &[Line],
    types: AmountTypes,
    percent: Decimal,
) -> Decimal {
    let is_labour = |line: &&Line| {
        let code = line.account.as_deref();
        code.and_then(|code| book.accounts.by_key(&Key::new("Code", code)))
            .is_some_and(|account| account.system == "CISLABOURINCOME")
    };
    let net = lines
        .iter()
        .filter(is_labour)
        .map(|line| match types {
            AmountTypes::Inclusive => line.amount.saturating_sub(line.tax),
            AmountTypes::Exclusive | AmountTypes::NoTax => line.amount,
        })
        .fold(Decimal::ZERO, Decimal::saturating_add);
    let deduction = net
        .saturating_mul(percent)
        .checked_div(Decimal::ONE_HUNDRED);
    money::round(deduction.unwrap_or_default(), 2)
}

impl Line {
    /// Posts the line to an account whatever it named.
    pub(crate) fn post_to(&mut self, code: Option<String>) {
        self.account = code;
    }

    pub(crate) fn render(&self, book: &Book, units: UnitPlaces) -> Map<String, Value> {
        let mut fields = Element::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("LineItemID", json!(self.id.to_string()));
        for (name, text) in [
            ("Description", &self.description),
            ("AccountCode", &self.account),
            ("TaxType", &self.tax_type),
            ("ItemCode", &self.item),
        ] {
            if let Some(text) = text {
                set(name, json!(text));
            }
        }
        if let Some(account) = self
            .account
            .as_deref()
            .and_then(|code| book.accounts.by_key(&Key::new("Code", code)))
        {
            let id = account.render().get("AccountID").cloned();
            set("AccountID", id.unwrap_or_default());
        }
        if let Some(item) = self
            .item
            .as_deref()
            .and_then(|code| items::by_code(book, code))
        {
            let id = item
                .render(units)
                .get("ItemID")
                .cloned()
                .unwrap_or_default();
            set(
                "Item",
                json!({"ItemID": id, "Name": item.name(), "Code": item.code()}),
            );
        }
        if let Some(quantity) = self.quantity {
            set("Quantity", money::number(quantity, 4));
        }
        if let Some(unit) = self.unit {
            set("UnitAmount", money::number(unit, units.count()));
        }
        match self.discount {
            Discount::None => {}
            Discount::Rate(rate) => {
                set("DiscountRate", money::number(rate, 2));
            }
            Discount::Amount(amount) => {
                set("DiscountAmount", money::number(amount, 2));
            }
        }
        set("LineAmount", money::number(self.amount, 2));
        set("TaxAmount", money::number(self.tax, 2));
        set("Tracking", json!(self.tracking));
        fields
    }
}
