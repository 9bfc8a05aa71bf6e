//! Lead to cash in Rust: a won deal becomes an invoice, its account a customer.
//!
//! [`customer`] and [`invoice`] say what goes where; change those two. Below them is what they are written with.
//!
//! * Amounts, quantities and rates are texts such as `"12.3456"` from end to end. Never make a float of one.
//! * Missing, null and `""` are three things: `None` was not read and is left out of the draft, `Value::Null` is known to be
//!   empty and clears the target's field, `""` is a text.
//! * Not decided here but by the flow's rules: which deals count, numbers, dates and status of invoices, tax.

use chrono::{Datelike, NaiveDate, TimeDelta};
use exports::footbridge::plugin::transform::{
    Batch, Description, Draft, Guest, Input, Source, Target,
};
use footbridge::plugin::types::Problem;
use rust_decimal::Decimal;
use serde_json::{Value, json};

wit_bindgen::generate!({ path: "wit", world: "mapping" });

/// The fields that are read, by object.
const READS: &[(&str, &str)] = &[
    (
        "Account",
        "BillingCity BillingCountry BillingCountryCode BillingPostalCode BillingState BillingStreet \
         Contacts[].Department Contacts[].Email Id Name Tax_Number__c",
    ),
    (
        "Opportunity",
        "Account.Bill_Parent__c Account.ParentId Account.Payment_Terms_Days__c AccountId Amount \
         Bill_To_Account__c CurrencyIsoCode Name OpportunityLineItems[].Description \
         OpportunityLineItems[].Discount OpportunityLineItems[].Product2.Name \
         OpportunityLineItems[].Product2.ProductCode OpportunityLineItems[].ProductCode \
         OpportunityLineItems[].Quantity OpportunityLineItems[].SortOrder \
         OpportunityLineItems[].Tax_Treatment__c OpportunityLineItems[].UnitPrice PO_Number__c",
    ),
];

/// The fields that are written, by target object.
const WRITES: &[(&str, &str)] = &[
    (
        "customer",
        "addresses[].city addresses[].country addresses[].kind addresses[].line1 \
         addresses[].postal_code addresses[].region email name number tax_number",
    ),
    (
        "invoice",
        "amounts currency customer due_date lines[].account lines[].description \
         lines[].discount_rate lines[].item lines[].quantity lines[].treatment \
         lines[].unit_amount reference",
    ),
];

/// The sales account of lines without an item. Change it to yours.
const SALES_ACCOUNT: &str = "200";

fn customer(account: &Value) -> Result<Value, Problem> {
    Ok(given([
        ("name", text("name", needed("name", account.get("Name"))?)?),
        ("number", text("number", account.get("Id"))?),
        (
            "tax_number",
            text("tax_number", account.get("Tax_Number__c"))?,
        ),
        ("email", text("email", payables_email(account)?)?),
        ("addresses", billing_addresses(account)?),
    ]))
}

/// The first e-mail in the accounts-payable department. Nobody else's: a purchaser's address is worse than none.
fn payables_email(account: &Value) -> Result<Option<&Value>, Problem> {
    let contacts = list("invalid-value", "email", account, "Contacts")?;
    let payables = |contact: &&Value| {
        contact.get("Department").and_then(Value::as_str) == Some("Accounts Payable")
            && filled(contact.get("Email"))
    };
    Ok(contacts
        .iter()
        .find(payables)
        .and_then(|contact| contact.get("Email")))
}

fn billing_addresses(account: &Value) -> Result<Option<Value>, Problem> {
    let of = |field| account.get(field);
    if !filled(of("BillingStreet")) && !filled(of("BillingCity")) {
        return Ok(None);
    }
    let address = element(
        "addresses",
        [
            ("kind", Some(&json!("billing"))),
            ("line1", of("BillingStreet")),
            ("city", of("BillingCity")),
            ("region", of("BillingState")),
            ("postal_code", of("BillingPostalCode")),
            (
                "country",
                first([of("BillingCountryCode"), of("BillingCountry")]),
            ),
        ],
    )?;
    Ok(Some(json!([address])))
}

fn invoice(deal: &Value, local_date: &str) -> Result<Value, Problem> {
    let terms = deal
        .pointer("/Account/Payment_Terms_Days__c")
        .filter(|days| !days.is_null());
    // The customer's purchase order is what their bookkeeper looks for.
    let label = first([deal.get("PO_Number__c"), deal.get("Name")]);
    Ok(given([
        (
            "customer",
            Some(reference("customer", "Account", billed_account(deal))?),
        ),
        ("reference", text("reference", label)?),
        ("currency", text("currency", deal.get("CurrencyIsoCode"))?),
        ("amounts", Some(json!("exclusive"))),
        (
            "due_date",
            Some(add_days(
                "due_date",
                local_date,
                terms.unwrap_or(&json!("30")),
            )?),
        ),
        ("lines", Some(lines(deal)?)),
    ]))
}

/// The deal's own choice, else the account's parent if the account says so, else the account.
fn billed_account(deal: &Value) -> Option<&Value> {
    let own = deal.get("Bill_To_Account__c");
    let parent = deal.pointer("/Account/ParentId");
    if filled(own) {
        own
    } else if deal.pointer("/Account/Bill_Parent__c") == Some(&json!(true)) && filled(parent) {
        parent
    } else {
        deal.get("AccountId")
    }
}

/// One line for each of the deal's, in its order; without any, one over its amount. Lines that were not read are a problem,
/// or the deal would be billed without them.
fn lines(deal: &Value) -> Result<Value, Problem> {
    let items = list("missing-field", "lines", deal, "OpportunityLineItems")?;
    if items.is_empty() {
        return Ok(json!([Line {
            description: deal.get("Name"),
            quantity: Some(&json!("1")),
            unit_amount: deal.get("Amount"),
            ..Line::default()
        }
        .element()?]));
    }
    let lines = in_order(items)?.into_iter().map(|item| {
        Line {
            description: first([item.get("Description"), item.pointer("/Product2/Name")]),
            quantity: item.get("Quantity"),
            unit_amount: item.get("UnitPrice"),
            item: first([
                item.get("ProductCode"),
                item.pointer("/Product2/ProductCode"),
            ]),
            discount: item.get("Discount"),
            treatment: item.get("Tax_Treatment__c"),
        }
        .element()
    });
    lines.collect()
}

/// By SortOrder; lines without one come last, in the order they had.
fn in_order(items: &[Value]) -> Result<Vec<&Value>, Problem> {
    let keyed = items.iter().map(|item| {
        let order = item.get("SortOrder").filter(|order| !order.is_null());
        let order = order.map(|order| decimal("lines", order)).transpose()?;
        Ok(((order.is_none(), order), item))
    });
    let mut keyed = keyed.collect::<Result<Vec<_>, Problem>>()?;
    keyed.sort_by_key(|(key, _)| *key);
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// What a line is made of.
#[derive(Default)]
struct Line<'a> {
    description: Option<&'a Value>,
    quantity: Option<&'a Value>,
    unit_amount: Option<&'a Value>,
    item: Option<&'a Value>,
    discount: Option<&'a Value>,
    treatment: Option<&'a Value>,
}

impl Line<'_> {
    fn element(self) -> Result<Value, Problem> {
        let description = needed("lines[].description", self.description)?;
        let quantity = needed(
            "lines[].quantity",
            amount("lines[].quantity", self.quantity)?,
        )?;
        let unit_amount = needed(
            "lines[].unit_amount",
            amount("lines[].unit_amount", self.unit_amount)?,
        )?;
        // Per cent. None and nought are left out.
        let discount = match self.discount {
            Some(rate) if !rate.is_null() && !decimal("lines[].discount_rate", rate)?.is_zero() => {
                Some(rate)
            }
            _ => None,
        };
        // With an item, its account in the ledger is used.
        let account = (!filled(self.item)).then(|| json!(SALES_ACCOUNT));
        element(
            "lines",
            [
                ("description", description),
                ("quantity", quantity),
                ("unit_amount", unit_amount),
                ("discount_rate", discount),
                ("item", self.item),
                ("account", account.as_ref()),
                ("treatment", self.treatment),
            ],
        )
    }
}

// --- What they are written with ------------------------------------------------------------------------------------------

/// Neither missing, null, blank text nor an empty list.
fn filled(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(_) => true,
    }
}

fn first<'a, const N: usize>(values: [Option<&'a Value>; N]) -> Option<&'a Value> {
    values.into_iter().find(|value| filled(*value)).flatten()
}

fn text(field: &str, value: Option<&Value>) -> Result<Option<Value>, Problem> {
    match value {
        None | Some(Value::Null | Value::String(_)) => Ok(value.cloned()),
        Some(_) => Err(problem(
            "invalid-value",
            field,
            format!("{field}: found what is no text. Correct it in the source."),
        )),
    }
}

fn needed<'a>(field: &str, value: Option<&'a Value>) -> Result<Option<&'a Value>, Problem> {
    match value {
        None | Some(Value::Null) => Err(nothing(field)),
        Some(Value::String(text)) if text.is_empty() => Err(nothing(field)),
        Some(_) => Ok(value),
    }
}

fn nothing(field: &str) -> Problem {
    problem(
        "missing-field",
        field,
        format!("{field} is needed and empty. Fill it in the source."),
    )
}

/// A decimal stays the text that it is. 28 digits are what the ledger's rules keep exactly.
fn amount<'a>(field: &str, value: Option<&'a Value>) -> Result<Option<&'a Value>, Problem> {
    match value {
        None | Some(Value::Null) => {}
        Some(given) => {
            decimal(field, given)?;
        }
    }
    Ok(value)
}

/// The decimal, to compare.
fn decimal(field: &str, value: &Value) -> Result<Decimal, Problem> {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let read = value.as_str().and_then(|text| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let count = digits.bytes().filter(u8::is_ascii_digit).count();
        (plain(whole) && plain(fraction) && count <= 28)
            .then(|| Decimal::from_str_exact(text).ok())
            .flatten()
    });
    read.ok_or_else(|| {
        let found = words(value);
        problem(
            "invalid-value",
            field,
            format!("{field}: found {found}, which is no decimal such as 12.50. Correct it in the source."),
        )
    })
}

fn reference(field: &str, object: &str, id: Option<&Value>) -> Result<Value, Problem> {
    let id = text(field, needed(field, id)?)?;
    Ok(json!({ "$ref": { "object": object, "id": id } }))
}

fn add_days(field: &str, date: &str, days: &Value) -> Result<Value, Problem> {
    let count = decimal(field, days)?;
    let moved = || {
        let whole = count
            .is_integer()
            .then(|| i64::try_from(count).ok())
            .flatten()?;
        let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
        date.checked_add_signed(TimeDelta::try_days(whole)?)
            .filter(|date| (1..=9999).contains(&date.year()))
    };
    let moved = moved().ok_or_else(|| {
        let days = words(days);
        problem(
            "invalid-value",
            field,
            format!(
                "{field}: {date} and {days} days give no date. Correct the days in the source."
            ),
        )
    })?;
    Ok(json!(moved.to_string()))
}

/// A list that is null has no elements; one that was not read is a problem.
fn list<'a>(
    code: &str,
    field: &str,
    record: &'a Value,
    name: &str,
) -> Result<&'a [Value], Problem> {
    match record.get(name) {
        Some(Value::Array(list)) => Ok(list),
        Some(Value::Null) => Ok(&[]),
        _ => Err(problem(
            code,
            field,
            format!("The list {name} was not read in this record."),
        )),
    }
}

/// Lists are written as a whole, so a null in them clears nothing and is left out.
fn element<const N: usize>(
    name: &str,
    fields: [(&str, Option<&Value>); N],
) -> Result<Value, Problem> {
    let fields = fields.into_iter().map(|(key, value)| {
        let value = text(&format!("{name}[].{key}"), value)?;
        Ok((key.to_owned(), value))
    });
    let fields = fields.collect::<Result<Vec<_>, Problem>>()?;
    let filled = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.filter(|value| !value.is_null())?)));
    Ok(filled.collect())
}

fn given<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}

fn words(value: &Value) -> String {
    match value.as_str() {
        Some(text) => format!("\"{}\"", text.chars().take(80).collect::<String>()),
        None => "what is no text".to_owned(),
    }
}

fn problem(code: &str, field: &str, message: impl Into<String>) -> Problem {
    Problem {
        code: code.to_owned(),
        message: message.into(),
        field: Some(field.to_owned()),
        extra: None,
    }
}

// --- The contract, wit/transform.wit -------------------------------------------------------------------------------------

struct LeadToCash;

export!(LeadToCash);

impl Guest for LeadToCash {
    /// It takes no settings: what they say is not looked at.
    fn describe(_settings: String) -> Result<Description, Vec<Problem>> {
        let paths = |paths: &str| paths.split_whitespace().map(str::to_owned).collect();
        let source = |&(object, read): &(&str, &str)| Source {
            object: object.to_owned(),
            paths: paths(read),
        };
        let target = |&(object, written): &(&str, &str)| Target {
            object: object.to_owned(),
            paths: paths(written),
        };
        Ok(Description {
            reads: READS.iter().map(source).collect(),
            writes: WRITES.iter().map(target).collect(),
        })
    }

    /// What fails in one record is that record's problem; the others go on.
    fn apply(batch: Batch) -> Vec<Result<Vec<Draft>, Problem>> {
        let drafts = |input: &Input| Ok(vec![draft(input, &batch.local_date)?]);
        batch.inputs.iter().map(drafts).collect()
    }
}

fn draft(input: &Input, local_date: &str) -> Result<Draft, Problem> {
    let record = || {
        serde_json::from_str(&input.doc).map_err(|error| {
            problem(
                "invalid-value",
                "",
                format!("The document is not JSON: {error}."),
            )
        })
    };
    let (object, doc) = match input.object.as_str() {
        "Account" => ("customer", customer(&record()?)?),
        "Opportunity" => ("invoice", invoice(&record()?, local_date)?),
        other => {
            let message =
                format!("This mapping makes nothing of {other}. Leave it out of the flow.");
            return Err(Problem {
                field: None,
                ..problem("unknown-object", "", message)
            });
        }
    };
    Ok(Draft {
        object: object.to_owned(),
        doc: doc.to_string(),
    })
}
