//! Accounts and tax rates: the chart a book opens with, reading, and the rules both are checked by.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::book::{Book, Origin, Verb, Writing, put};
use super::chart::{self, Applies, Country, Payable};
use super::dates;
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::money;
use super::shelf::{Key, Shelved};
use super::where_eval::Fields;

#[derive(Clone, Debug)]
pub(crate) struct Account {
    id: Guid,
    pub(crate) code: Option<String>,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) status: AccountStatus,
    pub(crate) tax_type: String,
    pub(crate) system: String,
    pub(crate) payable: Payable,
    description: String,
    pub(crate) currency: Option<String>,
    updated: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountStatus {
    Active,
    Archived,
}

pub(crate) static FIELDS: Fields = Fields {
    name: "Account",
    plain: &[
        "Code",
        "Name",
        "Type",
        "Status",
        "TaxType",
        "Class",
        "SystemAccount",
        "EnablePaymentsToAccount",
        "Description",
        "UpdatedDateUTC",
        "CurrencyCode",
    ],
    guids: &["AccountID"],
    nested: &[],
};

pub(crate) static RATE_FIELDS: Fields = Fields {
    name: "TaxRate",
    plain: &[
        "Name",
        "TaxType",
        "Status",
        "ReportTaxType",
        "DisplayTaxRate",
        "EffectiveRate",
        "CanApplyToAssets",
        "CanApplyToEquity",
        "CanApplyToExpenses",
        "CanApplyToLiabilities",
        "CanApplyToRevenue",
    ],
    guids: &[],
    nested: &[],
};

impl Shelved for Account {
    fn id(&self) -> Guid {
        self.id
    }

    fn updated(&self) -> DateTime<Utc> {
        self.updated
    }

    fn keys(&self) -> Vec<Key> {
        self.code
            .iter()
            .map(|code| Key::new("Code", code))
            .collect()
    }
}

impl Account {
    pub(crate) fn class(&self) -> &'static str {
        chart::class_of(&self.kind)
    }

    /// Whether document lines may name it.
    pub(crate) fn takes_lines(&self) -> bool {
        self.kind != "BANK" && !matches!(self.system.as_str(), "DEBTORS" | "CREDITORS")
    }

    pub(crate) fn takes_payments(&self) -> bool {
        self.kind == "BANK" || self.payable == Payable::Yes
    }

    pub(crate) fn render(&self) -> Map<String, Value> {
        let status = match self.status {
            AccountStatus::Active => "ACTIVE",
            AccountStatus::Archived => "ARCHIVED",
        };
        let mut fields = element::Element::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("AccountID", json!(self.id.to_string()));
        if let Some(code) = &self.code {
            set("Code", json!(code));
        }
        set("Name", json!(self.name));
        set("Status", json!(status));
        set("Type", json!(self.kind));
        set("TaxType", json!(self.tax_type));
        set("Class", json!(self.class()));
        set(
            "EnablePaymentsToAccount",
            json!(self.payable == Payable::Yes),
        );
        set("ShowInExpenseClaims", json!(false));
        set("HasAttachments", json!(false));
        set("AddToWatchlist", json!(false));
        set("UpdatedDateUTC", json!(dates::stamp(self.updated)));
        if !self.description.is_empty() {
            set("Description", json!(self.description));
        }
        if !self.system.is_empty() {
            set("SystemAccount", json!(self.system));
        }
        if self.kind == "BANK" {
            set("BankAccountNumber", json!("00000012345678"));
            set("BankAccountType", json!("BANK"));
            set("CurrencyCode", json!(self.currency));
        }
        fields
    }
}

/// A tax rate.
#[derive(Clone, Debug)]
pub(crate) struct TaxRate {
    pub(crate) tax_type: String,
    name: String,
    pub(crate) percent: Decimal,
    report: String,
    pub(crate) active: bool,
    classes: Vec<&'static str>,
    components: Vec<(String, Decimal)>,
}

impl TaxRate {
    pub(crate) fn of_country(country: Country) -> Vec<Self> {
        let to_rate = |rate: &chart::Rate| Self {
            tax_type: rate.tax_type.to_owned(),
            name: rate.name.to_owned(),
            percent: rate.percent(),
            report: rate.report.to_owned(),
            active: true,
            classes: match rate.applies {
                Applies::Sales => vec!["ASSET", "EQUITY", "LIABILITY", "REVENUE"],
                Applies::Purchases => vec!["ASSET", "EQUITY", "LIABILITY", "EXPENSE"],
                Applies::Everywhere => vec!["ASSET", "EQUITY", "LIABILITY", "REVENUE", "EXPENSE"],
            },
            components: vec![("Tax".to_owned(), rate.percent())],
        };
        country.tax_rates().iter().map(to_rate).collect()
    }

    pub(crate) fn applies_to(&self, class: &str) -> bool {
        self.classes.contains(&class)
    }

    pub(crate) fn render(&self) -> Map<String, Value> {
        let can = |class: &str| Value::Bool(self.applies_to(class));
        let rate = money::number(self.percent, 4);
        let components: Vec<Value> = self
            .components
            .iter()
            .map(|(name, percent)| json!({"Name": name, "Rate": money::number(*percent, 4), "IsCompound": false, "IsNonRecoverable": false}))
            .collect();
        let value = json!({
            "Name": self.name, "TaxType": self.tax_type, "ReportTaxType": self.report,
            "CanApplyToAssets": can("ASSET"), "CanApplyToEquity": can("EQUITY"), "CanApplyToExpenses": can("EXPENSE"),
            "CanApplyToLiabilities": can("LIABILITY"), "CanApplyToRevenue": can("REVENUE"),
            "DisplayTaxRate": rate.clone(), "EffectiveRate": rate, "Status": if self.active { "ACTIVE" } else { "DELETED" },
            "TaxComponents": components,
        });
        value.as_object().cloned().unwrap_or_default()
    }
}

/// Fills a new book's chart.
pub(crate) fn open_chart(book: &mut Book, now: DateTime<Utc>) {
    let (sales_tax, purchase_tax) = book.setup.country.default_tax();
    let no_tax = if book.setup.country == Country::Australia {
        "BASEXCLUDED"
    } else {
        "NONE"
    };
    for start in chart::START_ACCOUNTS {
        let tax_type = match chart::class_of(start.kind) {
            "REVENUE" => sales_tax,
            "EXPENSE" => purchase_tax,
            _ => no_tax,
        };
        let account = Account {
            id: book.new_id(),
            code: Some(start.code.to_owned()),
            name: start.name.to_owned(),
            kind: start.kind.to_owned(),
            status: AccountStatus::Active,
            tax_type: tax_type.to_owned(),
            system: start.system.to_owned(),
            payable: start.payments,
            description: String::new(),
            currency: (start.kind == "BANK").then(|| book.base_currency().to_owned()),
            updated: now,
        };
        let long_ago = now - chrono::TimeDelta::days(1);
        put!(book, accounts, account, long_ago);
    }
}

/// Creates or changes one account.
pub(crate) fn write(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
) -> Result<Guid, Refusals> {
    let mut refusals = Refusals::default();
    let id = writing.target.or(element::guid(element, "AccountID")?);
    let code = element::filled(element, "Code");
    let old = match id {
        Some(id) => book.accounts.get(id).cloned(),
        None if writing.origin == Origin::Loader => code
            .as_deref()
            .and_then(|code| book.accounts.by_key(&Key::new("Code", code)).cloned()),
        None => None,
    };
    if id.is_some() && old.is_none() && writing.origin == Origin::Api {
        return Err(Refusals::one("Account could not be found"));
    }
    if old.is_some() && writing.verb == Verb::Create && writing.origin == Origin::Api {
        return Err(Refusals::one("Please enter a unique Code."));
    }
    let new_id = match (&old, id) {
        (Some(old), _) => old.id,
        (None, Some(id)) => id,
        (None, None) => book.new_id(),
    };
    let code = code.or_else(|| old.as_ref().and_then(|old| old.code.clone()));
    let name = element::filled(element, "Name")
        .or_else(|| old.as_ref().map(|old| old.name.clone()))
        .unwrap_or_default();
    let kind = element::filled(element, "Type")
        .or_else(|| old.as_ref().map(|old| old.kind.clone()))
        .unwrap_or_default();
    if name.is_empty() {
        refusals.add("Account Name cannot be empty");
    }
    if kind.is_empty() {
        refusals.add("Account type cannot be empty");
    }
    if code.is_none() && kind != "BANK" {
        refusals.add("Account code cannot be empty");
    }
    let taken =
        |account: &&Account| account.id != new_id && account.status == AccountStatus::Active;
    if code
        .as_deref()
        .and_then(|code| book.accounts.by_key(&Key::new("Code", code)))
        .is_some_and(|a| taken(&a))
    {
        refusals.add("Please enter a unique Code.");
    }
    if book
        .accounts
        .all()
        .filter(taken)
        .any(|account| account.name.eq_ignore_ascii_case(&name))
    {
        refusals.add("Please enter a unique Name.");
    }
    let (sales_tax, purchase_tax) = book.setup.country.default_tax();
    let usual = match chart::class_of(&kind) {
        "REVENUE" => sales_tax,
        "EXPENSE" => purchase_tax,
        _ => "NONE",
    };
    let tax_type = element::filled(element, "TaxType")
        .or_else(|| old.as_ref().map(|old| old.tax_type.clone()))
        .unwrap_or_else(|| usual.to_owned());
    if rate_for(book, &tax_type).is_none_or(|rate| !rate.applies_to(chart::class_of(&kind))) {
        refusals.add(format!("The TaxType code '{tax_type}' does not exist or cannot be used for this type of transaction."));
    }
    let status = match element::filled(element, "Status").as_deref() {
        Some("ARCHIVED") => AccountStatus::Archived,
        Some(_) => AccountStatus::Active,
        None => old.as_ref().map_or(AccountStatus::Active, |old| old.status),
    };
    let payable = match element::truth(element, "EnablePaymentsToAccount") {
        Some(true) => Payable::Yes,
        Some(false) => Payable::No,
        None => old.as_ref().map_or(Payable::No, |old| old.payable),
    };
    let currency = element::filled(element, "CurrencyCode")
        .or_else(|| old.as_ref().and_then(|old| old.currency.clone()));
    let currency = currency.or_else(|| (kind == "BANK").then(|| book.base_currency().to_owned()));
    let description = element::text(element, "Description")
        .or_else(|| old.as_ref().map(|old| old.description.clone()));
    let system = match (&old, writing.origin) {
        (Some(old), _) => old.system.clone(),
        (None, Origin::Loader) => element::filled(element, "SystemAccount").unwrap_or_default(),
        (None, Origin::Api) => String::new(),
    };
    let account = Account {
        id: new_id,
        code,
        name,
        kind,
        status,
        tax_type,
        system,
        payable,
        description: description.unwrap_or_default(),
        currency,
        updated: super::contacts::stamp_of(writing, element),
    };
    let account = refusals.into_result(account)?;
    put!(book, accounts, account, writing.now);
    Ok(new_id)
}

/// Creates or changes one tax rate; created ones are named TAX001 and on.
pub(crate) fn write_rate(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
) -> Result<String, Refusals> {
    let mut refusals = Refusals::default();
    let Some(name) = element::filled(element, "Name") else {
        return Err(Refusals::one("Name is required"));
    };
    let mut components = Vec::new();
    for component in element::objects(element, "TaxComponents").unwrap_or_default() {
        match (
            element::filled(component, "Name"),
            element::decimal(component, "Rate")?,
        ) {
            (Some(name), Some(rate)) => components.push((name, rate)),
            _ => refusals.add("A tax component needs a Name and a Rate"),
        }
    }
    if components.is_empty() {
        refusals.add("At least one tax component is required");
    }
    let explicit = element::filled(element, "TaxType");
    let existing = book.tax_rates.iter().position(|rate| match &explicit {
        Some(tax_type) => rate.tax_type == *tax_type,
        None => rate.name.eq_ignore_ascii_case(&name),
    });
    if existing.is_some() && writing.verb == Verb::Create && writing.origin == Origin::Api {
        refusals.add("Please enter a unique Name.");
    }
    refusals.into_result(())?;
    let percent = components
        .iter()
        .fold(Decimal::ZERO, |sum, (_, rate)| sum.saturating_add(*rate));
    let old = existing.and_then(|index| book.tax_rates.get(index));
    let users = book
        .tax_rates
        .iter()
        .filter(|rate| rate.tax_type.starts_with("TAX"))
        .count();
    let tax_type = match (old, explicit, writing.origin) {
        (Some(old), _, _) => old.tax_type.clone(),
        (None, Some(tax_type), Origin::Loader) => tax_type,
        _ => format!("TAX{:03}", users + 1),
    };
    let classes = match element::filled(element, "ReportTaxType").as_deref() {
        Some("INPUT") => vec!["ASSET", "EQUITY", "LIABILITY", "EXPENSE"],
        Some("OUTPUT") => vec!["ASSET", "EQUITY", "LIABILITY", "REVENUE"],
        _ => vec!["ASSET", "EQUITY", "LIABILITY", "REVENUE", "EXPENSE"],
    };
    let rate = TaxRate {
        tax_type: tax_type.clone(),
        name,
        percent,
        report: element::filled(element, "ReportTaxType")
            .or_else(|| old.map(|old| old.report.clone()))
            .unwrap_or_else(|| "NONE".to_owned()),
        active: element::filled(element, "Status").is_none_or(|status| status == "ACTIVE"),
        classes: old.map_or(classes, |old| old.classes.clone()),
        components,
    };
    match existing.and_then(|index| book.tax_rates.get_mut(index)) {
        Some(place) => *place = rate,
        None => book.tax_rates.push(rate),
    }
    Ok(tax_type)
}

/// An active tax rate.
pub(crate) fn rate_for<'a>(book: &'a Book, tax_type: &str) -> Option<&'a TaxRate> {
    book.tax_rates
        .iter()
        .find(|rate| rate.active && rate.tax_type == tax_type)
}
