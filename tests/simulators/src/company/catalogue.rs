//! What the firm sells: 60 products, their prices in four currencies, and the ledger they post to.
//!
//! It decides no tax: it only says which type an item or account carries in Xero. Next:
//! [`super::blueprint`] puts products on deals, [`super::books`] and [`super::crm`] render them.

use rust_decimal::Decimal;

use super::money::half_up;

/// A currency the firm sells in; Xero is subscribed to all four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Currency {
    Gbp,
    Eur,
    Usd,
    Jpy,
}

impl Currency {
    pub(crate) const ALL: [Self; 4] = [Self::Gbp, Self::Eur, Self::Usd, Self::Jpy];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Gbp => "GBP",
            Self::Eur => "EUR",
            Self::Usd => "USD",
            Self::Jpy => "JPY",
        }
    }

    /// The list price in this currency of what costs `pounds`; yen are whole and divisible by five,
    /// so that 20 % of them is whole too.
    pub(crate) fn price(self, pounds: Decimal) -> Decimal {
        match self {
            Self::Gbp => pounds,
            Self::Eur => half_up(pounds * Decimal::new(117, 2), pounds.scale()),
            Self::Usd => half_up(pounds * Decimal::new(127, 2), pounds.scale()),
            Self::Jpy => {
                half_up(pounds * Decimal::from(38), 0).max(Decimal::ONE) * Decimal::from(5)
            }
        }
    }
}

/// A group of products that post and are taxed alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Service,
    Goods,
    Book,
    Energy,
    Training,
    Hire,
    Plant,
    Uncoded,
}

impl Family {
    /// Sales account and, where the item carries one itself, sales tax type.
    pub(crate) fn posting(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Service | Self::Uncoded => ("200", Some("OUTPUT2")),
            Self::Goods => ("210", Some("OUTPUT2")),
            Self::Book => ("210", Some("ZERORATEDOUTPUT")),
            Self::Energy => ("210", Some("RROUTPUT")),
            Self::Training => ("220", Some("EXEMPTOUTPUT")),
            // These leave the tax type to their account.
            Self::Hire => ("260", None),
            Self::Plant => ("230", None),
        }
    }

    fn of(index: usize) -> Self {
        match index {
            0..20 => Self::Service,
            20..40 => Self::Goods,
            40..46 => Self::Book,
            46..50 => Self::Energy,
            50..54 => Self::Training,
            54..57 => Self::Hire,
            57..59 => Self::Plant,
            _ => Self::Uncoded,
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Service => "SRV",
            Self::Goods => "GDS",
            Self::Book => "BKS",
            Self::Energy => "NRG",
            Self::Training => "TRN",
            Self::Hire => "HIR",
            Self::Plant => "PLT",
            Self::Uncoded => "",
        }
    }
}

/// One product; its position in [`products`] is its number everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) family: Family,
    /// `Product2.ProductCode` and `Item.Code`; one product has none.
    pub(crate) code: Option<String>,
    pub(crate) name: &'static str,
    /// Net list price in pounds, two or four places.
    pub(crate) pounds: Decimal,
}

/// The product without a code.
pub(crate) const UNCODED: usize = 59;
/// How many products there are.
pub(crate) const PRODUCTS: usize = 60;

const NAMES: [&str; PRODUCTS] = [
    "Consulting, hour",
    "Consulting, day",
    "Installation, hour",
    "Installation, day",
    "Maintenance visit, hour",
    "Maintenance visit, day",
    "Site survey, hour",
    "Site survey, day",
    "Remote support, hour",
    "Remote support, day",
    "Data migration, hour",
    "Data migration, day",
    "Design, hour",
    "Design, day",
    "Project management, hour",
    "Project management, day",
    "Commissioning, hour",
    "Commissioning, day",
    "Safety audit, hour",
    "Safety audit, day",
    "Cable per metre",
    "Cable per metre, armoured",
    "Bracket",
    "Bracket, heavy duty",
    "Filter",
    "Filter, fine",
    "Sensor",
    "Sensor, outdoor",
    "Panel",
    "Panel, insulated",
    "Valve",
    "Valve, brass",
    "Gasket",
    "Gasket, silicone",
    "Relay",
    "Relay, solid state",
    "Fuse",
    "Fuse, slow",
    "Label",
    "Label, engraved",
    "Handbook: Pumps",
    "Handbook: Wiring",
    "Handbook: Safety",
    "Handbook: Drainage",
    "Handbook: Heating",
    "Handbook: Lifts",
    "Heat, per kWh",
    "Power, per kWh",
    "Gas, per kWh",
    "Energy saving materials, fitted",
    "Course: First aid at work",
    "Course: Working at height",
    "Course: Manual handling",
    "Course: Apprentice year",
    "Hire: Scaffold, week",
    "Hire: Lift, day",
    "Hire: Generator, day",
    "Seedlings, tray",
    "Fruit trees",
    "Workshop materials, assorted",
];

/// All products, in order.
pub(crate) fn products() -> Vec<Product> {
    NAMES
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let family = Family::of(index);
            let prefix = family.prefix();
            Product {
                family,
                code: (!prefix.is_empty()).then(|| format!("{prefix}-{:03}", index + 1)),
                name,
                pounds: pounds(family, index),
            }
        })
        .collect()
}

/// Two places where time is sold, four where small parts and energy are.
fn pounds(family: Family, index: usize) -> Decimal {
    let step = i64::try_from(index).unwrap_or_default();
    match family {
        // 64.50, 68.50 ... an hour: a quarter of it ends in half a cent. Eight hours make a day.
        Family::Service if index.is_multiple_of(2) => Decimal::new(6_450 + step * 200, 2),
        Family::Service => Decimal::new((6_450 + (step - 1) * 200) * 8, 2),
        Family::Goods => Decimal::new(1_250 + (step - 20) * 4_325, 4),
        Family::Book => Decimal::new(1_295 + (step - 40) * 150, 2),
        Family::Energy => Decimal::new(835 + (step - 46) * 1_010, 4),
        Family::Training => Decimal::new(18_500 + (step - 50) * 7_500, 2),
        Family::Hire => Decimal::new(4_250 + (step - 54) * 1_975, 2),
        Family::Plant => Decimal::new(1_125 + (step - 57) * 1_370, 2),
        Family::Uncoded => Decimal::new(1_875, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_products_one_without_code() {
        let products = products();
        assert_eq!(products.len(), PRODUCTS);
        assert_eq!(
            products
                .iter()
                .filter(|product| product.code.is_none())
                .count(),
            1
        );
        assert!(products[UNCODED].code.is_none());
        assert!(
            products
                .iter()
                .filter(|product| product.pounds.scale() == 4)
                .count()
                >= 20
        );
        assert!(
            products
                .iter()
                .all(|product| product.pounds > Decimal::ZERO && product.name.len() <= 50)
        );
    }

    #[test]
    fn yen_are_whole_and_tax_on_them_too() {
        for product in products() {
            let yen = Currency::Jpy.price(product.pounds);
            assert!((yen / Decimal::from(5)).fract().is_zero(), "{yen}");
        }
    }
}
