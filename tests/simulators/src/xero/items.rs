//! Items: unique codes, prices and the accounts they point to.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::accounts::rate_for;
use super::book::{Book, Origin, Verb, Writing, put};
use super::dates;
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::money::{self, UnitPlaces};
use super::shelf::{Key, Shelved};
use super::where_eval::Fields;

#[derive(Clone, Debug)]
pub(crate) struct Item {
    id: Guid,
    code: String,
    name: String,
    pub(crate) description: Option<String>,
    purchase_description: Option<String>,
    pub(crate) sales: ItemSide,
    pub(crate) purchases: ItemSide,
    is_sold: bool,
    is_purchased: bool,
    updated: DateTime<Utc>,
}

/// What an item costs on one side, and where it is booked.
#[derive(Clone, Debug, Default)]
pub(crate) struct ItemSide {
    pub(crate) unit: Option<Decimal>,
    pub(crate) account: Option<String>,
    pub(crate) tax_type: Option<String>,
}

pub(crate) static FIELDS: Fields = Fields {
    name: "Item",
    plain: &[
        "Code",
        "Name",
        "Description",
        "IsSold",
        "IsPurchased",
        "UpdatedDateUTC",
    ],
    guids: &["ItemID"],
    nested: &[],
};

impl Shelved for Item {
    fn id(&self) -> Guid {
        self.id
    }

    fn updated(&self) -> DateTime<Utc> {
        self.updated
    }

    fn keys(&self) -> Vec<Key> {
        vec![Key::new("Code", &self.code)]
    }
}

/// The item with a code.
pub(crate) fn by_code<'a>(book: &'a Book, code: &str) -> Option<&'a Item> {
    book.items.by_key(&Key::new("Code", code))
}

/// Creates or changes one item.
pub(crate) fn write(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
) -> Result<Guid, Refusals> {
    let mut refusals = Refusals::default();
    let id = writing.target.or(element::guid(element, "ItemID")?);
    let code = element::filled(element, "Code");
    let old = match id {
        Some(id) => book.items.get(id).cloned(),
        None => code
            .as_deref()
            .and_then(|code| by_code(book, code))
            .cloned(),
    };
    if id.is_some() && old.is_none() && writing.origin == Origin::Api {
        return Err(Refusals::one("Item could not be found"));
    }
    let Some(code) = code.or_else(|| old.as_ref().map(|old| old.code.clone())) else {
        return Err(Refusals::one("Price List Item Code must be supplied"));
    };
    if old.is_some() && writing.verb == Verb::Create && writing.origin == Origin::Api {
        return Err(Refusals::one(format!(
            "Price List Item with Code '{code}' already exists"
        )));
    }
    let item_id = match (&old, id) {
        (Some(old), _) => old.id,
        (None, Some(id)) => id,
        (None, None) => book.new_id(),
    };
    if by_code(book, &code).is_some_and(|other| other.id != item_id) {
        refusals.add(format!("Price List Item with Code '{code}' already exists"));
    }
    if code.chars().count() > 30 {
        refusals.add("Price List Item Code must not be longer than 30 characters");
    }
    let name = element::text(element, "Name")
        .or_else(|| old.as_ref().map(|old| old.name.clone()))
        .unwrap_or_default();
    if name.chars().count() > 50 {
        refusals.add("Price List Item Name must not be longer than 50 characters");
    }
    let kept = |get: fn(&Item) -> Option<String>| old.as_ref().and_then(get);
    let description =
        element::text(element, "Description").or_else(|| kept(|old| old.description.clone()));
    let purchase_description = element::text(element, "PurchaseDescription")
        .or_else(|| kept(|old| old.purchase_description.clone()));
    let mut side = |field: &str, before: Option<&ItemSide>| match element::object(element, field) {
        None => Ok(before.cloned().unwrap_or_default()),
        Some(given) => read_side(book, writing.units, given, &mut refusals),
    };
    let sales = side("SalesDetails", old.as_ref().map(|old| &old.sales))?;
    let purchases = side("PurchaseDetails", old.as_ref().map(|old| &old.purchases))?;
    let item = Item {
        id: item_id,
        code,
        name,
        description: description.filter(|text| !text.is_empty()),
        purchase_description: purchase_description.filter(|text| !text.is_empty()),
        sales,
        purchases,
        is_sold: element::truth(element, "IsSold")
            .or_else(|| old.as_ref().map(|old| old.is_sold))
            .unwrap_or(true),
        is_purchased: element::truth(element, "IsPurchased")
            .or_else(|| old.as_ref().map(|old| old.is_purchased))
            .unwrap_or(true),
        updated: super::contacts::stamp_of(writing, element),
    };
    let item = refusals.into_result(item)?;
    put!(book, items, item, writing.now);
    Ok(item_id)
}

fn read_side(
    book: &Book,
    units: UnitPlaces,
    given: &Element,
    refusals: &mut Refusals,
) -> Result<ItemSide, Refusals> {
    let account = element::filled(given, "AccountCode");
    if let Some(code) = account
        .as_deref()
        .filter(|code| book.accounts.by_key(&Key::new("Code", code)).is_none())
    {
        refusals.add(format!(
            "Account code '{code}' is not a valid code for this document."
        ));
    }
    let tax_type = element::filled(given, "TaxType");
    if let Some(tax_type) = tax_type
        .as_deref()
        .filter(|tax_type| rate_for(book, tax_type).is_none())
    {
        refusals.add(format!("The TaxType code '{tax_type}' does not exist or cannot be used for this type of transaction."));
    }
    Ok(ItemSide {
        unit: element::decimal(given, "UnitPrice")?.map(|unit| units.round(unit)),
        account,
        tax_type,
    })
}

impl Item {
    pub(crate) fn render(&self, units: UnitPlaces) -> Map<String, Value> {
        let side = |side: &ItemSide| {
            let mut fields = Element::new();
            if let Some(unit) = side.unit {
                fields.insert("UnitPrice".to_owned(), money::number(unit, units.count()));
            }
            for (name, text) in [("AccountCode", &side.account), ("TaxType", &side.tax_type)] {
                if let Some(text) = text {
                    fields.insert(name.to_owned(), json!(text));
                }
            }
            fields
        };
        let mut fields = Element::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("ItemID", json!(self.id.to_string()));
        set("Code", json!(self.code));
        set("Name", json!(self.name));
        for (name, text) in [
            ("Description", &self.description),
            ("PurchaseDescription", &self.purchase_description),
        ] {
            if let Some(text) = text {
                set(name, json!(text));
            }
        }
        set("SalesDetails", json!(side(&self.sales)));
        set("PurchaseDetails", json!(side(&self.purchases)));
        set("IsTrackedAsInventory", json!(false));
        set("IsSold", json!(self.is_sold));
        set("IsPurchased", json!(self.is_purchased));
        set("UpdatedDateUTC", json!(dates::stamp(self.updated)));
        fields
    }

    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}
