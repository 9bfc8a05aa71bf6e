//! Bank transactions: money spent and received outside invoices, and the only way in which overpayments
//! and prepayments come about.
//!
//! An overpayment or prepayment has the id of its own kind and lives in [`super::credits`]; the bank
//! transaction names it. Transfers are not simulated.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::accounts::AccountStatus;
use super::book::{Book, Origin, Writing, put};
use super::contacts::{self, ContactView, stamp_of};
use super::credit_notes;
use super::credits::{Credit, Form};
use super::dates;
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::invoices::{self, Kind, Status};
use super::lines::{self, Completeness, Demands, Discounts};
use super::money::{AmountTypes, Totals, UnitPlaces};
use super::shelf::{Key, Shelved};
use super::where_eval::Fields;

#[derive(Clone, Debug)]
pub(crate) struct BankTransaction {
    id: Guid,
    /// Its figures, contact and lines, and the credit it made where it made one.
    body: Credit,
    made: Option<Form>,
    account: Guid,
    reconciled: bool,
    url: Option<String>,
    updated: DateTime<Utc>,
}

pub(crate) static FIELDS: Fields = Fields {
    name: "BankTransaction",
    plain: &[
        "Type",
        "Reference",
        "Status",
        "Date",
        "LineAmountTypes",
        "CurrencyCode",
        "CurrencyRate",
        "SubTotal",
        "TotalTax",
        "Total",
        "IsReconciled",
        "UpdatedDateUTC",
    ],
    guids: &["BankTransactionID", "OverpaymentID", "PrepaymentID"],
    nested: &[
        ("Contact", &contacts::FIELDS),
        ("BankAccount", &super::accounts::FIELDS),
    ],
};

impl Shelved for BankTransaction {
    fn id(&self) -> Guid {
        self.id
    }

    fn updated(&self) -> DateTime<Utc> {
        self.updated
    }

    fn keys(&self) -> Vec<Key> {
        Vec::new()
    }
}

fn parse(text: &str) -> Option<(Kind, Option<Form>)> {
    let (way, form) = text.split_once('-').unwrap_or((text, ""));
    let kind = match way {
        "RECEIVE" => Kind::Receivable,
        "SPEND" => Kind::Payable,
        _ => return None,
    };
    let form = match form {
        "" => None,
        "OVERPAYMENT" => Some(Form::Overpayment),
        "PREPAYMENT" => Some(Form::Prepayment),
        _ => return None,
    };
    Some((kind, form))
}

/// Makes a bank transaction, with its overpayment or prepayment, or deletes the one that is the target.
pub(crate) fn write(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
) -> Result<Guid, Refusals> {
    let id = writing
        .target
        .or(element::guid(element, "BankTransactionID")?);
    if let Some(old) = id.and_then(|id| book.bank.get(id)).cloned() {
        return delete(book, writing, old, element);
    }
    if id.is_some() && writing.origin == Origin::Api {
        return Err(Refusals::one(invoices::NOT_FOUND));
    }
    let Some((kind, made)) = element::filled(element, "Type").and_then(|text| parse(&text)) else {
        return Err(Refusals::one("Bank transaction Type is not valid"));
    };
    let mut refusals = Refusals::default();
    let account = bank_account(book, element)?;
    let Some((account, account_currency)) = account else {
        return Err(Refusals::one(
            "The bank account could not be found or is not a bank account",
        ));
    };
    let contact = match element::object(element, "Contact") {
        None => Err(Refusals::one(
            "A Contact must be specified for this type of transaction",
        )),
        Some(contact) => contacts::named_by_document(book, writing, contact),
    };
    let contact = contact.unwrap_or_else(|refused| {
        refusals.append(refused);
        Guid::ZERO
    });
    let own_id = match made {
        Some(form) => element::guid(element, form.id_member())?,
        None => None,
    };
    let mut body = Credit {
        id: match own_id {
            Some(id) => id,
            None => book.new_id(),
        },
        form: made.unwrap_or(Form::Overpayment),
        kind,
        number: String::new(),
        contact,
        date: element::date(element, "Date")?.unwrap_or_else(|| book.today(writing.now)),
        status: Status::Authorised,
        types: AmountTypes::default(),
        lines: Vec::new(),
        totals: Totals::default(),
        currency: element::filled(element, "CurrencyCode")
            .or(account_currency)
            .unwrap_or_else(|| book.base_currency().to_owned()),
        rate: Decimal::ONE,
        reference: element::text(element, "Reference").unwrap_or_default(),
        branding: None,
        sent: false,
        allocations: Vec::new(),
        refunded: Decimal::ZERO,
        fully_paid_on: None,
        updated: stamp_of(writing, element),
    };
    set_lines(book, writing, made, &mut body, element, &mut refusals)?;
    credit_notes::set_currency(book, &mut body, None, element, &mut refusals)?;
    invoices::check_lock(book, writing, body.date, &mut refusals);
    let id = match id {
        Some(id) => id,
        None => book.new_id(),
    };
    let transaction = BankTransaction {
        id,
        body: body.clone(),
        made,
        account,
        reconciled: element::truth(element, "IsReconciled").unwrap_or(false),
        url: element::filled(element, "Url"),
        updated: body.updated,
    };
    let transaction = refusals.into_result(transaction)?;
    if made.is_some() {
        put!(book, credits, body, writing.now);
    }
    put!(book, bank, transaction, writing.now);
    contacts::note_use(book, writing, contact, kind);
    Ok(id)
}

fn bank_account(
    book: &Book,
    element: &Element,
) -> Result<Option<(Guid, Option<String>)>, Refusals> {
    let named = element::object(element, "BankAccount")
        .cloned()
        .unwrap_or_default();
    let account = match (
        element::guid(&named, "AccountID")?,
        element::filled(&named, "Code"),
    ) {
        (Some(id), _) => book.accounts.get(id),
        (None, Some(code)) => book.accounts.by_key(&Key::new("Code", &code)),
        (None, None) => None,
    };
    Ok(account
        .filter(|account| account.kind == "BANK" && account.status == AccountStatus::Active)
        .map(|account| (account.id(), account.currency.clone())))
}

/// Overpayments have one line without tax on the control account, whatever the caller says of both.
fn set_lines(
    book: &mut Book,
    writing: &Writing,
    made: Option<Form>,
    body: &mut Credit,
    element: &Element,
    refusals: &mut Refusals,
) -> Result<(), Refusals> {
    let mut given: Vec<Element> = element::objects(element, "LineItems")
        .unwrap_or_default()
        .into_iter()
        .cloned()
        .collect();
    if given.is_empty() {
        refusals.add("One or more line items must be specified");
    }
    if let Some(text) = element::filled(element, "LineAmountTypes") {
        match AmountTypes::parse(&text) {
            Some(types) => body.types = types,
            None => refusals.add(format!("LineAmountTypes '{text}' is not valid")),
        }
    }
    let mut completeness = Completeness::Complete;
    if made == Some(Form::Overpayment) {
        if given.len() > 1 {
            refusals.add("An overpayment can have only one line item");
        }
        body.types = AmountTypes::NoTax;
        completeness = Completeness::Draft;
        for line in &mut given {
            line.remove("AccountCode");
            line.remove("TaxType");
        }
    }
    let demands = Demands {
        kind: body.kind,
        types: body.types,
        completeness,
        discounts: Discounts::Refused,
    };
    let given: Vec<&Element> = given.iter().collect();
    match lines::write(book, writing, demands, &given, &[]) {
        Ok(mut lines) => {
            if made == Some(Form::Overpayment) {
                let control = match body.kind {
                    Kind::Receivable => "DEBTORS",
                    Kind::Payable => "CREDITORS",
                };
                let code = book
                    .accounts
                    .all()
                    .find(|account| account.system == control)
                    .and_then(|account| account.code.clone());
                for line in &mut lines {
                    line.post_to(code.clone());
                }
            }
            body.totals = lines::totals(book, &lines, body.types);
            body.lines = lines;
        }
        Err(refused) => refusals.append(refused),
    }
    if body.totals.total <= Decimal::ZERO {
        refusals.add("The total of a bank transaction must be greater than zero");
    }
    Ok(())
}

fn delete(
    book: &mut Book,
    writing: &Writing,
    mut old: BankTransaction,
    element: &Element,
) -> Result<Guid, Refusals> {
    if element::filled(element, "Status").as_deref() != Some("DELETED") {
        return Err(Refusals::one(
            "The simulator changes bank transactions only to DELETED",
        ));
    }
    if old.body.status.is_gone() {
        return Err(Refusals::one(
            "This bank transaction has been deleted already",
        ));
    }
    let mut refusals = Refusals::default();
    invoices::check_lock(book, writing, old.body.date, &mut refusals);
    let credit = old
        .made
        .and_then(|_| book.credits.get(old.body.id))
        .cloned();
    if credit.as_ref().is_some_and(Credit::is_used) {
        refusals.add(invoices::NOT_EDITABLE_PAID);
    }
    refusals.into_result(())?;
    if let Some(mut credit) = credit {
        credit.status = Status::Voided;
        credit.updated = writing.now;
        put!(book, credits, credit, writing.now);
    }
    let id = old.id;
    old.body.status = Status::Deleted;
    old.updated = writing.now;
    put!(book, bank, old, writing.now);
    Ok(id)
}

impl BankTransaction {
    /// On its organisation's date.
    pub(crate) fn date(&self) -> NaiveDate {
        self.body.date
    }

    pub(crate) fn render(&self, book: &Book, units: UnitPlaces) -> Map<String, Value> {
        let kind = match (self.made, self.body.kind) {
            (Some(_), _) => self.body.type_name(),
            (None, Kind::Receivable) => "RECEIVE",
            (None, Kind::Payable) => "SPEND",
        };
        let contact = book
            .contacts
            .get(self.body.contact)
            .map(|contact| contact.render(ContactView::Brief, None));
        let account = book.accounts.get(self.account).map(|account| json!({"AccountID": self.account.to_string(), "Code": account.code, "Name": account.name}));
        let lines: Vec<_> = self
            .body
            .lines
            .iter()
            .map(|line| line.render(book, units))
            .collect();
        let amount = |value| super::money::number(value, 2);
        let value = json!({
            "BankTransactionID": self.id.to_string(), "Type": kind, "Contact": contact, "BankAccount": account,
            "Reference": self.body.reference, "DateString": dates::date_text(self.date()), "Date": dates::date(self.date()),
            "Status": self.body.status.name(), "LineAmountTypes": self.body.types.name(), "LineItems": lines,
            "SubTotal": amount(self.body.totals.sub_total), "TotalTax": amount(self.body.totals.total_tax), "Total": amount(self.body.totals.total),
            "CurrencyCode": self.body.currency, "CurrencyRate": super::money::number(self.body.rate, 6), "IsReconciled": self.reconciled,
            "HasAttachments": false, "UpdatedDateUTC": dates::stamp(self.updated),
        });
        let mut fields = value.as_object().cloned().unwrap_or_default();
        if let Some(form) = self.made {
            fields.insert(form.id_member().to_owned(), json!(self.body.id.to_string()));
        }
        if let Some(url) = &self.url {
            fields.insert("Url".to_owned(), json!(url));
        }
        fields
    }
}
