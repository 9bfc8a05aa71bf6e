//! Contacts: uniqueness of names and numbers, archiving, and how they are shown.
//!
//! Messages come from the published spec or from recorded answers; see ASSUMPTIONS.md.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::book::{Book, Origin, Verb, Writing, put};
use super::dates;
use super::defect::Defect;
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::invoices::{Kind, Status};
use super::money;
use super::options::AddressWrite;
use super::shelf::{Key, Shelved};
use super::where_eval::Fields;

pub(crate) const ARCHIVED: &str = "The specified contact details matched an archived contact. Archived contacts cannot currently be edited via the API.";
pub(crate) const UNIDENTIFIED: &str = "The Contact must contain at least 1 of the following elements to identify the contact: Name, ContactID, ContactNumber";

#[derive(Clone, Debug)]
pub(crate) struct Contact {
    id: Guid,
    pub(crate) name: String,
    pub(crate) number: Option<String>,
    pub(crate) status: ContactStatus,
    texts: Element,
    addresses: [Element; 2],
    phones: [Element; 4],
    persons: Vec<Element>,
    pub(crate) terms: Option<Element>,
    pub(crate) is_customer: bool,
    pub(crate) is_supplier: bool,
    merged_to: Option<Guid>,
    updated: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContactStatus {
    Active,
    Archived,
}

/// How much of a contact is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContactView {
    /// One contact, an answer to a write, or a page.
    Full,
    /// A list without pages.
    Brief,
    /// `summaryOnly=true`.
    Summary,
}

pub(crate) static FIELDS: Fields = Fields {
    name: "Contact",
    plain: &[
        "Name",
        "ContactNumber",
        "AccountNumber",
        "ContactStatus",
        "FirstName",
        "LastName",
        "CompanyNumber",
        "EmailAddress",
        "TaxNumber",
        "IsSupplier",
        "IsCustomer",
        "DefaultCurrency",
        "UpdatedDateUTC",
        "HasAttachments",
    ],
    guids: &["ContactID"],
    nested: &[],
};

/// Text members and the longest text each takes.
const TEXTS: [(&str, usize); 16] = [
    ("AccountNumber", 50),
    ("FirstName", 255),
    ("LastName", 255),
    ("CompanyNumber", 50),
    ("EmailAddress", 255),
    ("BankAccountDetails", 255),
    ("TaxNumber", 50),
    ("TaxNumberType", 4),
    ("AccountsReceivableTaxType", 50),
    ("AccountsPayableTaxType", 50),
    ("DefaultCurrency", 3),
    ("XeroNetworkKey", 255),
    ("SalesDefaultAccountCode", 50),
    ("PurchasesDefaultAccountCode", 50),
    ("SalesDefaultLineAmountType", 10),
    ("PurchasesDefaultLineAmountType", 10),
];

const ADDRESS_TYPES: [&str; 2] = ["STREET", "POBOX"];
const ADDRESS_TEXTS: [(&str, usize); 9] = [
    ("AddressLine1", 500),
    ("AddressLine2", 500),
    ("AddressLine3", 500),
    ("AddressLine4", 500),
    ("City", 255),
    ("Region", 255),
    ("PostalCode", 50),
    ("Country", 50),
    ("AttentionTo", 255),
];
const PHONE_TYPES: [&str; 4] = ["DEFAULT", "DDI", "FAX", "MOBILE"];
const PHONE_TEXTS: [(&str, usize); 3] = [
    ("PhoneNumber", 50),
    ("PhoneAreaCode", 10),
    ("PhoneCountryCode", 20),
];

impl Shelved for Contact {
    fn id(&self) -> Guid {
        self.id
    }

    fn updated(&self) -> DateTime<Utc> {
        self.updated
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        if self.status == ContactStatus::Active {
            keys.push(Key::new("Name", &self.name));
        }
        keys.extend(
            self.number
                .iter()
                .map(|number| Key::new("ContactNumber", number)),
        );
        keys
    }
}

/// The contact with that ContactNumber.
pub(crate) fn by_number<'a>(book: &'a Book, number: &str) -> Option<&'a Contact> {
    book.contacts.by_key(&Key::new("ContactNumber", number))
}

/// `UpdatedDateUTC` of a record being written: now, or what the loader says.
pub(crate) fn stamp_of(writing: &Writing, element: &Element) -> DateTime<Utc> {
    let explicit = match writing.origin {
        Origin::Api => None,
        Origin::Loader => {
            element::text(element, "UpdatedDateUTC").and_then(|text| dates::read_instant(&text))
        }
    };
    explicit.unwrap_or(writing.now)
}

/// Creates or changes one contact.
pub(crate) fn write(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
) -> Result<Guid, Refusals> {
    let id = writing.target.or(element::guid(element, "ContactID")?);
    let number = element::filled(element, "ContactNumber");
    let existing = match (id, &number) {
        (Some(id), _) => match book.contacts.get(id) {
            Some(contact) => Some(contact),
            None if writing.origin == Origin::Loader => None,
            None => {
                return Err(Refusals::one(
                    "The contact with the specified ContactID could not be found",
                ));
            }
        },
        (None, Some(_)) if book.has(Defect::ContactNumberNoKey) => None,
        (None, Some(number)) if writing.verb == Verb::Upsert => by_number(book, number),
        _ => None,
    };
    if let Some(old) = existing.cloned() {
        if writing.verb == Verb::Create && writing.origin == Origin::Api {
            return Err(Refusals::one(
                "ContactID must be empty when a contact is created; use POST to update",
            ));
        }
        return change(book, writing, old, element);
    }
    let new_id = match id {
        Some(id) => id,
        None => book.new_id(),
    };
    let fresh = Contact {
        id: new_id,
        name: String::new(),
        number: None,
        status: ContactStatus::Active,
        texts: Element::new(),
        addresses: ADDRESS_TYPES
            .each_ref()
            .map(|kind| blank("AddressType", kind, &ADDRESS_TEXTS)),
        phones: PHONE_TYPES
            .each_ref()
            .map(|kind| blank("PhoneType", kind, &PHONE_TEXTS)),
        persons: Vec::new(),
        terms: None,
        is_customer: false,
        is_supplier: false,
        merged_to: None,
        updated: writing.now,
    };
    change(book, writing, fresh, element)
}

/// An address or phone that holds nothing.
fn blank(kind: &str, value: &str, texts: &[(&str, usize)]) -> Element {
    let mut fields = Element::new();
    fields.insert(kind.to_owned(), json!(value));
    for (name, _) in texts {
        if !name.starts_with("AddressLine") && *name != "AttentionTo" {
            fields.insert((*name).to_owned(), json!(""));
        }
    }
    fields
}

fn change(
    book: &mut Book,
    writing: &Writing,
    mut contact: Contact,
    element: &Element,
) -> Result<Guid, Refusals> {
    if contact.status == ContactStatus::Archived
        && writing.origin == Origin::Api
        && !book.has(Defect::ArchivedContactEdited)
    {
        return Err(Refusals::one(ARCHIVED));
    }
    let mut refusals = Refusals::default();
    if let Some(name) = element::text(element, "Name") {
        contact.name = name;
    }
    if contact.name.is_empty() {
        refusals.add(UNIDENTIFIED);
    }
    if contact.name.chars().count() > 255 && !book.has(Defect::LongNameAccepted) {
        refusals.add("The Contact Name must not be longer than 255 characters.");
    }
    if let Some(number) = element::text(element, "ContactNumber") {
        contact.number = Some(number).filter(|number| !number.is_empty());
    }
    if contact
        .number
        .as_ref()
        .is_some_and(|number| number.chars().count() > 50)
    {
        refusals.add("The ContactNumber must not be longer than 50 characters.");
    }
    take_texts(&mut contact.texts, element, &TEXTS, &mut refusals);
    for (list, kind, kinds, texts, places) in [
        (
            "Addresses",
            "AddressType",
            ADDRESS_TYPES.as_slice(),
            ADDRESS_TEXTS.as_slice(),
            contact.addresses.as_mut_slice(),
        ),
        (
            "Phones",
            "PhoneType",
            PHONE_TYPES.as_slice(),
            PHONE_TEXTS.as_slice(),
            contact.phones.as_mut_slice(),
        ),
    ] {
        for entry in element::objects(element, list).unwrap_or_default() {
            let wanted = element::filled(entry, kind);
            let position = kinds
                .iter()
                .position(|known| wanted.as_deref() == Some(known));
            match position.and_then(|position| places.get_mut(position)) {
                Some(place) => {
                    let replaces = list == "Addresses"
                        && writing.origin == Origin::Api
                        && book.switches.address_write == AddressWrite::Replaces;
                    if replaces {
                        *place = blank(kind, wanted.as_deref().unwrap_or_default(), texts);
                    }
                    take_texts(place, entry, texts, &mut refusals);
                }
                None => refusals.add(format!("{kind} is not valid")),
            }
        }
    }
    if let Some(persons) = element::objects(element, "ContactPersons") {
        if persons.len() > 5 {
            refusals.add("A contact can have at most 5 additional people");
        }
        contact.persons = persons.into_iter().map(person).collect();
    }
    if let Some(terms) = element::object(element, "PaymentTerms") {
        contact.terms = Some(terms.clone());
    }
    if contact
        .texts
        .get("DefaultCurrency")
        .and_then(Value::as_str)
        .is_some_and(|code| !code.is_empty() && !book.is_subscribed(code))
    {
        refusals.add(format!(
            "Organisation is not subscribed to currency {}",
            element::text(element, "DefaultCurrency").unwrap_or_default()
        ));
    }
    match element::filled(element, "ContactStatus").as_deref() {
        None | Some("ACTIVE") => {}
        Some("ARCHIVED") => contact.status = ContactStatus::Archived,
        Some(_) => refusals.add("ContactStatus is not valid"),
    }
    if writing.origin == Origin::Loader {
        contact.merged_to = element::guid(element, "MergedToContactID")?;
        contact.is_customer = element::truth(element, "IsCustomer").unwrap_or(contact.is_customer);
        contact.is_supplier = element::truth(element, "IsSupplier").unwrap_or(contact.is_supplier);
    }
    let other = |key: Key| {
        book.contacts
            .by_key(&key)
            .is_some_and(|other| other.id != contact.id)
            && !book.has(Defect::DuplicateContactNumberAccepted)
    };
    let name_taken = match book.contacts.by_key(&Key::new("Name", &contact.name)) {
        Some(other) if other.id == contact.id => false,
        Some(_) if book.has(Defect::DuplicateNameAccepted) => false,
        Some(other) => other.name == contact.name || !book.has(Defect::NamesByCase),
        None => {
            let archived = |other: &Contact| other.id != contact.id && other.name == contact.name;
            book.has(Defect::ArchivedNameTaken) && book.contacts.all().any(archived)
        }
    };
    if contact.status == ContactStatus::Active && name_taken {
        refusals.add(format!(
            "The contact name {} is already assigned to another contact. The contact name must be unique across all active contacts.",
            contact.name
        ));
    }
    if let Some(number) = contact
        .number
        .as_deref()
        .filter(|number| other(Key::new("ContactNumber", number)))
    {
        refusals.add(format!("The contact number {number} is already assigned to another contact. The contact number must be unique across all contacts."));
    }
    if !book.has(Defect::NoStampOnUpdate) {
        contact.updated = stamp_of(writing, element);
    }
    let id = contact.id;
    let contact = refusals.into_result(contact)?;
    put!(book, contacts, contact, writing.now);
    Ok(id)
}

fn take_texts(
    into: &mut Element,
    from: &Element,
    texts: &[(&str, usize)],
    refusals: &mut Refusals,
) {
    for (name, longest) in texts {
        let Some(text) = element::text(from, name) else {
            continue;
        };
        if text.chars().count() > *longest {
            refusals.add(format!(
                "The {name} must not be longer than {longest} characters."
            ));
        }
        into.insert((*name).to_owned(), Value::String(text));
    }
}

fn person(given: &Element) -> Element {
    let mut person = Element::new();
    for name in ["FirstName", "LastName", "EmailAddress"] {
        person.insert(
            name.to_owned(),
            json!(element::text(given, name).unwrap_or_default()),
        );
    }
    person.insert(
        "IncludeInEmails".to_owned(),
        json!(element::truth(given, "IncludeInEmails").unwrap_or(false)),
    );
    person
}

/// The contact a document names: found by id, number or name, or created from its name. Members
/// besides the identifying ones change the contact, and persons that are not repeated are deleted.
pub(crate) fn named_by_document(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
) -> Result<Guid, Refusals> {
    let name = element::filled(element, "Name");
    let number = element::filled(element, "ContactNumber");
    let found = match (element::guid(element, "ContactID")?, &number, &name) {
        (Some(id), _, _) => match book.contacts.get(id) {
            Some(contact) => Some(contact),
            None => {
                return Err(Refusals::one(
                    "The contact with the specified ContactID could not be found",
                ));
            }
        },
        (None, Some(number), _) if by_number(book, number).is_some() => by_number(book, number),
        (None, _, Some(name)) => book.contacts.by_key(&Key::new("Name", name)).or_else(|| {
            book.contacts
                .all()
                .find(|contact| contact.name.eq_ignore_ascii_case(name))
        }),
        _ => return Err(Refusals::one(UNIDENTIFIED)),
    };
    let Some(contact) = found.cloned() else {
        return write(
            book,
            &Writing {
                verb: Verb::Create,
                target: None,
                ..writing.clone()
            },
            element,
        );
    };
    if writing.origin == Origin::Loader {
        return Ok(contact.id);
    }
    if contact.status == ContactStatus::Archived && !book.has(Defect::ArchivedContactAccepted) {
        return Err(Refusals::one(ARCHIVED));
    }
    let id = contact.id;
    let identifying = ["ContactID", "ContactNumber"];
    let only_identified = element.iter().all(|(field, value)| {
        identifying.contains(&field.as_str())
            || value.is_null()
            || (field == "Name"
                && value
                    .as_str()
                    .is_some_and(|given| given.trim() == contact.name))
    });
    if !only_identified {
        let mut full = element.clone();
        if !book.has(Defect::PersonsKept) {
            full.entry("ContactPersons").or_insert_with(|| json!([]));
        }
        let writing = Writing {
            verb: Verb::Upsert,
            target: Some(id),
            ..writing.clone()
        };
        change(book, &writing, contact, &full)?;
    }
    Ok(id)
}

/// Notes that a contact is used on documents of a kind; as in Xero this does not touch the stamp.
pub(crate) fn note_use(book: &mut Book, writing: &Writing, id: Guid, kind: Kind) {
    let Some(mut contact) = book.contacts.get(id).cloned() else {
        return;
    };
    let flag = match kind {
        Kind::Receivable => &mut contact.is_customer,
        Kind::Payable => &mut contact.is_supplier,
    };
    if !*flag {
        *flag = true;
        put!(book, contacts, contact, writing.now);
    }
}

/// What a contact owes and is owed: amounts as they are, whatever their currency, as the specification says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Balance {
    receivable: Decimal,
    receivable_overdue: Decimal,
    payable: Decimal,
    payable_overdue: Decimal,
}

/// The balances of all contacts at an organisation's date.
pub(crate) fn balances(book: &Book, today: NaiveDate) -> HashMap<Guid, Balance> {
    let mut balances: HashMap<Guid, Balance> = HashMap::new();
    for invoice in book
        .invoices
        .all()
        .filter(|invoice| invoice.status == Status::Authorised)
    {
        let balance = balances.entry(invoice.contact).or_default();
        let due = invoice.due_amount();
        let overdue = if invoice.due.is_some_and(|date| date < today) {
            due
        } else {
            Decimal::ZERO
        };
        let (open, late) = match invoice.kind {
            Kind::Receivable => (&mut balance.receivable, &mut balance.receivable_overdue),
            Kind::Payable => (&mut balance.payable, &mut balance.payable_overdue),
        };
        *open = open.saturating_add(due);
        *late = late.saturating_add(overdue);
    }
    balances
}

impl Contact {
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.texts
            .get(field)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// Whether `searchTerm` finds it.
    pub(crate) fn is_found_by(&self, term: &str) -> bool {
        let in_texts = ["FirstName", "LastName", "CompanyNumber", "EmailAddress"]
            .iter()
            .filter_map(|field| self.text(field));
        in_texts
            .chain([self.name.as_str()])
            .chain(self.number.as_deref())
            .any(|text| text.to_lowercase().contains(term))
    }

    /// As a member of a document in a list.
    pub(crate) fn render_named(&self) -> Map<String, Value> {
        let value = json!({
            "ContactID": self.id.to_string(), "Name": self.name, "Addresses": [], "Phones": [], "ContactGroups": [], "ContactPersons": [],
            "HasValidationErrors": false,
        });
        value.as_object().cloned().unwrap_or_default()
    }

    pub(crate) fn render(
        &self,
        view: ContactView,
        balance: Option<&Balance>,
    ) -> Map<String, Value> {
        let mut fields = Element::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("ContactID", json!(self.id.to_string()));
        if let Some(number) = &self.number {
            set("ContactNumber", json!(number));
        }
        let status = match self.status {
            ContactStatus::Active => "ACTIVE",
            ContactStatus::Archived => "ARCHIVED",
        };
        set("ContactStatus", json!(status));
        set("Name", json!(self.name));
        for (name, value) in &self.texts {
            if value.as_str().is_some_and(|text| !text.is_empty()) {
                set(name, value.clone());
            }
        }
        set("IsSupplier", json!(self.is_supplier));
        set("IsCustomer", json!(self.is_customer));
        set("UpdatedDateUTC", json!(dates::stamp(self.updated)));
        set("HasValidationErrors", json!(false));
        if view == ContactView::Summary {
            return fields;
        }
        set(
            "EmailAddress",
            json!(self.text("EmailAddress").unwrap_or_default()),
        );
        set(
            "BankAccountDetails",
            json!(self.text("BankAccountDetails").unwrap_or_default()),
        );
        set("Addresses", json!(self.addresses));
        set("Phones", json!(self.phones));
        set("ContactGroups", json!([]));
        set("ContactPersons", json!([]));
        set("HasAttachments", json!(false));
        if view == ContactView::Brief {
            return fields;
        }
        if let Some(merged) = self.merged_to {
            set("MergedToContactID", json!(merged.to_string()));
        }
        set("ContactPersons", json!(self.persons));
        set("SalesTrackingCategories", json!([]));
        set("PurchasesTrackingCategories", json!([]));
        if let Some(terms) = &self.terms {
            set("PaymentTerms", json!(terms));
        }
        if let Some(balance) = balance {
            let side = |open, late| json!({"Outstanding": money::number(open, 2), "Overdue": money::number(late, 2)});
            set(
                "Balances",
                json!({
                    "AccountsReceivable": side(balance.receivable, balance.receivable_overdue),
                    "AccountsPayable": side(balance.payable, balance.payable_overdue),
                }),
            );
        }
        fields
    }
}
