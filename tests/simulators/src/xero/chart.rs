//! What a new organisation of each country has: zone, base currency, tax rates and chart of accounts,
//! cut down to what sales documents need.

use rust_decimal::Decimal;

/// Where an organisation is at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Country {
    /// GBP, VAT, London.
    UnitedKingdom,
    /// AUD, GST, Sydney.
    Australia,
    /// NZD, GST, Auckland.
    NewZealand,
    /// USD, sales tax, Los Angeles.
    UnitedStates,
}

impl Country {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::UnitedKingdom => "GB",
            Self::Australia => "AU",
            Self::NewZealand => "NZ",
            Self::UnitedStates => "US",
        }
    }

    /// `Version` of the organisation.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::UnitedKingdom => "UK",
            other => other.code(),
        }
    }

    pub(crate) fn currency(self) -> &'static str {
        match self {
            Self::UnitedKingdom => "GBP",
            Self::Australia => "AUD",
            Self::NewZealand => "NZD",
            Self::UnitedStates => "USD",
        }
    }

    pub(crate) fn timezone(self) -> &'static str {
        match self {
            Self::UnitedKingdom => "GMTSTANDARDTIME",
            Self::Australia => "AUSEASTERNSTANDARDTIME",
            Self::NewZealand => "NEWZEALANDSTANDARDTIME",
            Self::UnitedStates => "PACIFICSTANDARDTIME",
        }
    }

    pub(crate) fn sales_tax_basis(self) -> &'static str {
        match self {
            Self::UnitedKingdom => "ACCRUAL",
            Self::Australia => "ACCRUALS",
            Self::NewZealand => "INVOICE",
            Self::UnitedStates => "NONE",
        }
    }

    /// Last day and month of the financial year.
    pub(crate) fn year_end(self) -> (u32, u32) {
        match self {
            Self::UnitedKingdom | Self::NewZealand => (31, 3),
            Self::Australia => (30, 6),
            Self::UnitedStates => (31, 12),
        }
    }

    pub(crate) fn tax_rates(self) -> &'static [Rate] {
        match self {
            Self::UnitedKingdom => UK_RATES,
            Self::Australia => AU_RATES,
            Self::NewZealand => NZ_RATES,
            Self::UnitedStates => US_RATES,
        }
    }

    /// Tax types a sales account and an expense account start with.
    pub(crate) fn default_tax(self) -> (&'static str, &'static str) {
        match self {
            Self::UnitedKingdom | Self::NewZealand => ("OUTPUT2", "INPUT2"),
            Self::Australia => ("OUTPUT", "INPUT"),
            Self::UnitedStates => ("NONE", "NONE"),
        }
    }
}

/// On which accounts a tax rate may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applies {
    Sales,
    Purchases,
    Everywhere,
}

/// A tax rate of a new organisation; the rate is in hundredths of a percent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) tax_type: &'static str,
    pub(crate) name: &'static str,
    hundredths: i64,
    pub(crate) report: &'static str,
    pub(crate) applies: Applies,
}

impl Rate {
    pub(crate) fn percent(self) -> Decimal {
        Decimal::new(self.hundredths, 2).normalize()
    }
}

const fn rate(
    tax_type: &'static str,
    name: &'static str,
    hundredths: i64,
    report: &'static str,
    applies: Applies,
) -> Rate {
    Rate {
        tax_type,
        name,
        hundredths,
        report,
        applies,
    }
}

const NO_TAX: Rate = rate("NONE", "No Tax", 0, "NONE", Applies::Everywhere);

const UK_RATES: &[Rate] = &[
    rate(
        "OUTPUT2",
        "20% (VAT on Income)",
        2000,
        "OUTPUT",
        Applies::Sales,
    ),
    rate(
        "INPUT2",
        "20% (VAT on Expenses)",
        2000,
        "INPUT",
        Applies::Purchases,
    ),
    rate(
        "RROUTPUT",
        "5% (VAT on Income)",
        500,
        "OUTPUT",
        Applies::Sales,
    ),
    rate(
        "RRINPUT",
        "5% (VAT on Expenses)",
        500,
        "INPUT",
        Applies::Purchases,
    ),
    rate(
        "ZERORATEDOUTPUT",
        "Zero Rated Income",
        0,
        "OUTPUT",
        Applies::Sales,
    ),
    rate(
        "ZERORATEDINPUT",
        "Zero Rated Expenses",
        0,
        "INPUT",
        Applies::Purchases,
    ),
    rate("EXEMPTOUTPUT", "Exempt Income", 0, "OUTPUT", Applies::Sales),
    rate(
        "EXEMPTINPUT",
        "Exempt Expenses",
        0,
        "INPUT",
        Applies::Purchases,
    ),
    rate(
        "ECZROUTPUTSERVICES",
        "Zero Rated EC Services",
        0,
        "ECOUTPUTSERVICES",
        Applies::Sales,
    ),
    rate(
        "DRCHARGESUPPLY20",
        "Domestic Reverse Charge @ 20% (VAT on Income)",
        0,
        "DRCHARGESUPPLY",
        Applies::Sales,
    ),
    NO_TAX,
];

const AU_RATES: &[Rate] = &[
    rate("OUTPUT", "GST on Income", 1000, "OUTPUT", Applies::Sales),
    rate(
        "INPUT",
        "GST on Expenses",
        1000,
        "INPUT",
        Applies::Purchases,
    ),
    rate(
        "EXEMPTOUTPUT",
        "GST Free Income",
        0,
        "EXEMPTOUTPUT",
        Applies::Sales,
    ),
    rate(
        "EXEMPTEXPENSES",
        "GST Free Expenses",
        0,
        "EXEMPTEXPENSES",
        Applies::Purchases,
    ),
    rate(
        "EXEMPTEXPORT",
        "GST Free Exports",
        0,
        "EXEMPTEXPORT",
        Applies::Sales,
    ),
    rate(
        "BASEXCLUDED",
        "BAS Excluded",
        0,
        "BASEXCLUDED",
        Applies::Everywhere,
    ),
];

const NZ_RATES: &[Rate] = &[
    rate(
        "OUTPUT2",
        "15% GST on Income",
        1500,
        "OUTPUT",
        Applies::Sales,
    ),
    rate(
        "INPUT2",
        "15% GST on Expenses",
        1500,
        "INPUT",
        Applies::Purchases,
    ),
    rate("ZERORATED", "Zero Rated", 0, "OUTPUT", Applies::Sales),
    rate("NONE", "No GST", 0, "NONE", Applies::Everywhere),
];

const US_RATES: &[Rate] = &[
    rate(
        "TAX001",
        "Sales Tax 8.25%",
        825,
        "USSALESTAX",
        Applies::Everywhere,
    ),
    rate("NONE", "Tax Exempt", 0, "NONE", Applies::Everywhere),
];

/// An account of a new organisation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartAccount {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) system: &'static str,
    pub(crate) payments: Payable,
}

/// Whether payments may be booked to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payable {
    Yes,
    No,
}

const fn account(
    code: &'static str,
    name: &'static str,
    kind: &'static str,
    system: &'static str,
    payments: Payable,
) -> StartAccount {
    StartAccount {
        code,
        name,
        kind,
        system,
        payments,
    }
}

pub(crate) const START_ACCOUNTS: &[StartAccount] = &[
    account("090", "Business Bank Account", "BANK", "", Payable::No),
    account("200", "Sales", "REVENUE", "", Payable::No),
    account("210", "Service Income", "REVENUE", "", Payable::No),
    account("260", "Other Revenue", "REVENUE", "", Payable::No),
    account("310", "Cost of Goods Sold", "DIRECTCOSTS", "", Payable::No),
    account("400", "Advertising & Marketing", "EXPENSE", "", Payable::No),
    account(
        "610",
        "Accounts Receivable",
        "CURRENT",
        "DEBTORS",
        Payable::No,
    ),
    account(
        "800",
        "Accounts Payable",
        "CURRLIAB",
        "CREDITORS",
        Payable::No,
    ),
    account("820", "Tax", "CURRLIAB", "GST", Payable::No),
    account("860", "Rounding", "CURRLIAB", "ROUNDING", Payable::No),
    account("880", "Receipts Clearing", "CURRENT", "", Payable::Yes),
    account(
        "497",
        "Bank Revaluations",
        "EXPENSE",
        "BANKCURRENCYGAIN",
        Payable::No,
    ),
];

/// `Class` of an account type.
pub(crate) fn class_of(kind: &str) -> &'static str {
    match kind {
        "REVENUE" | "SALES" | "OTHERINCOME" => "REVENUE",
        "EXPENSE" | "DIRECTCOSTS" | "OVERHEADS" | "DEPRECIATN" => "EXPENSE",
        "CURRLIAB" | "LIABILITY" | "TERMLIAB" | "PAYG" => "LIABILITY",
        "EQUITY" => "EQUITY",
        _ => "ASSET",
    }
}

/// Units of a currency per pound sterling, in ten-thousandths: the fixed "day rates" of the simulator.
const PER_POUND: [(&str, i64); 6] = [
    ("GBP", 10_000),
    ("EUR", 11_700),
    ("USD", 13_100),
    ("JPY", 1_940_000),
    ("AUD", 20_100),
    ("NZD", 22_300),
];

/// The day rate of `currency` for one unit of `base`, 6 places; `None` for a currency not in the table.
pub(crate) fn day_rate(base: &str, currency: &str) -> Option<Decimal> {
    let per_pound = |wanted: &str| {
        PER_POUND
            .iter()
            .find(|(code, _)| *code == wanted)
            .map(|(_, rate)| Decimal::new(*rate, 4))
    };
    Some(super::money::round(
        per_pound(currency)?.checked_div(per_pound(base)?)?,
        6,
    ))
}
