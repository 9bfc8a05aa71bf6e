//! The organisation itself, what may be done in it, its currencies and tracking categories.

use serde_json::{Map, Value, json};

use super::book::Book;
use super::chart::Country;
use super::dates;
use super::element::{self, Element, Refusals};
use super::money;
use super::options::OrganisationClass;
use super::where_eval::Fields;

pub(crate) static CURRENCY_FIELDS: Fields = Fields {
    name: "Currency",
    plain: &["Code", "Description"],
    guids: &[],
    nested: &[],
};

/// `GET /Organisation`.
pub(crate) fn render(book: &Book) -> Map<String, Value> {
    let country = book.setup.country;
    let (day, month) = country.year_end();
    let demo = book.setup.class == OrganisationClass::Demo;
    let value = json!({
        "OrganisationID": book.id.to_string(), "Name": book.setup.name, "LegalName": book.setup.name, "PaysTax": true, "Version": country.version(),
        "OrganisationType": "COMPANY", "OrganisationEntityType": "COMPANY", "BaseCurrency": country.currency(), "CountryCode": country.code(),
        "IsDemoCompany": demo, "OrganisationStatus": "ACTIVE", "FinancialYearEndDay": day, "FinancialYearEndMonth": month,
        "SalesTaxBasis": country.sales_tax_basis(), "SalesTaxPeriod": if country == Country::UnitedKingdom { "QUARTERLY" } else { "QUARTERLY1" },
        "DefaultSalesTax": "Tax Exclusive", "DefaultPurchasesTax": "Tax Exclusive", "CreatedDateUTC": dates::stamp(book.created),
        "Timezone": country.timezone(), "ShortCode": book.short_code, "Class": if demo { "DEMO" } else { "PREMIUM" }, "Edition": "BUSINESS",
        "Addresses": [], "Phones": [], "ExternalLinks": [], "PaymentTerms": {},
    });
    let mut fields = value.as_object().cloned().unwrap_or_default();
    for (name, lock) in [
        ("PeriodLockDate", book.setup.period_lock),
        ("EndOfYearLockDate", book.setup.end_of_year_lock),
    ] {
        if let Some(lock) = lock {
            fields.insert(name.to_owned(), json!(dates::date(lock)));
        }
    }
    fields
}

/// Changes settings of the organisation through the loader: `Name`, `PeriodLockDate`, `EndOfYearLockDate`,
/// `IsDemoCompany`, `NextInvoiceNumber`, `CISRate`. A lock date or rate of null is lifted.
pub(crate) fn load(book: &mut Book, element: &Element) -> Result<(), Refusals> {
    if let Some(name) = element::filled(element, "Name") {
        book.setup.name = name;
    }
    if element.contains_key("PeriodLockDate") {
        book.setup.period_lock = element::date(element, "PeriodLockDate")?;
    }
    if element.contains_key("EndOfYearLockDate") {
        book.setup.end_of_year_lock = element::date(element, "EndOfYearLockDate")?;
    }
    if let Some(demo) = element::truth(element, "IsDemoCompany") {
        book.setup.class = if demo {
            OrganisationClass::Demo
        } else {
            OrganisationClass::Live
        };
    }
    if element.contains_key("CISRate") {
        book.setup.cis_rate = element::decimal(element, "CISRate")?;
    }
    if let Some(next) = element::decimal(element, "NextInvoiceNumber")? {
        book.next_invoice = u64::try_from(next)
            .map_err(|_| Refusals::one("NextInvoiceNumber must be a whole number"))?;
    }
    Ok(())
}

/// `GET /Organisation/{id}/CISSettings`; `None` outside the United Kingdom.
pub(crate) fn cis_settings(book: &Book) -> Option<Vec<Value>> {
    if book.setup.country != Country::UnitedKingdom {
        return None;
    }
    let mut settings = Map::new();
    settings.insert("CISContractorEnabled".to_owned(), json!(false));
    settings.insert(
        "CISSubContractorEnabled".to_owned(),
        json!(book.setup.cis_rate.is_some()),
    );
    if let Some(percent) = book.setup.cis_rate {
        settings.insert("Rate".to_owned(), money::number(percent, 2));
    }
    Some(vec![Value::Object(settings)])
}

/// `GET /Organisation/Actions`.
pub(crate) fn actions(book: &Book) -> Vec<Value> {
    let multicurrency = book
        .setup
        .currencies
        .iter()
        .any(|code| code != book.base_currency());
    let names = [
        "CreateApprovedInvoice",
        "CreateApprovedBill",
        "CreateDraftInvoice",
        "CreateDraftBill",
        "CreateInvoicePayment",
        "AttachFilesIntoInvoice",
        "CreateRepeatingInvoice",
    ];
    let mut actions: Vec<Value> = names
        .iter()
        .map(|name| json!({"Name": name, "Status": "ALLOWED"}))
        .collect();
    actions.push(json!({"Name": "UseMulticurrency", "Status": if multicurrency { "ALLOWED" } else { "NOT-ALLOWED" }}));
    actions
}

/// `GET /Currencies`.
pub(crate) fn currencies(book: &Book) -> Vec<Map<String, Value>> {
    let mut codes = vec![book.base_currency().to_owned()];
    codes.extend(
        book.setup
            .currencies
            .iter()
            .filter(|code| *code != book.base_currency())
            .cloned(),
    );
    codes.iter().map(|code| currency(code)).collect()
}

fn currency(code: &str) -> Map<String, Value> {
    let description = match code {
        "GBP" => "British Pound",
        "EUR" => "Euro",
        "USD" => "United States Dollar",
        "JPY" => "Japanese Yen",
        "AUD" => "Australian Dollar",
        "NZD" => "New Zealand Dollar",
        other => other,
    };
    let mut fields = Map::new();
    fields.insert("Code".to_owned(), json!(code));
    fields.insert("Description".to_owned(), json!(description));
    fields
}

/// Subscribes the organisation to a currency.
pub(crate) fn subscribe(
    book: &mut Book,
    element: &Element,
) -> Result<Map<String, Value>, Refusals> {
    let code = element::filled(element, "Code")
        .filter(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()));
    let Some(code) = code else {
        return Err(Refusals::one("Currency Code must be three capital letters"));
    };
    if !book.is_subscribed(&code) {
        book.setup.currencies.push(code.clone());
    }
    Ok(currency(&code))
}

/// `GET /TrackingCategories`.
pub(crate) fn tracking(book: &Book) -> Vec<Value> {
    let category = |(name, options): &(String, Vec<String>)| {
        let options: Vec<Value> = options
            .iter()
            .map(|option| json!({"Name": option, "Status": "ACTIVE"}))
            .collect();
        json!({"Name": name, "Status": "ACTIVE", "Options": options})
    };
    book.setup.tracking.iter().map(category).collect()
}
