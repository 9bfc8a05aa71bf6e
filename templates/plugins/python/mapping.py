"""Lead to cash in Python: a won deal becomes an invoice, its account a customer.

`customer` and `invoice` say what goes where; change those two. Below them is what they are written with.

* Amounts, quantities and rates are texts such as "12.3456" from end to end. Never make a float of one.
* Missing, null and "" are three things: `MISSING` was not read and is left out of the draft, `None` is known to be empty
  and clears the target's field, "" is a text.
* Not decided here but by the flow's rules: which deals count, numbers, dates and status of invoices, tax.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.exports.transform import Description, Draft, Source, Target
from wit_world.imports.types import Problem

READS = {
    "Account": [
        "BillingCity", "BillingCountry", "BillingCountryCode", "BillingPostalCode", "BillingState", "BillingStreet",
        "Contacts[].Department", "Contacts[].Email", "Id", "Name", "Tax_Number__c",
    ],
    "Opportunity": [
        "Account.Bill_Parent__c", "Account.ParentId", "Account.Payment_Terms_Days__c", "AccountId", "Amount",
        "Bill_To_Account__c", "CurrencyIsoCode", "Name", "OpportunityLineItems[].Description",
        "OpportunityLineItems[].Discount", "OpportunityLineItems[].Product2.Name",
        "OpportunityLineItems[].Product2.ProductCode", "OpportunityLineItems[].ProductCode",
        "OpportunityLineItems[].Quantity", "OpportunityLineItems[].SortOrder", "OpportunityLineItems[].Tax_Treatment__c",
        "OpportunityLineItems[].UnitPrice", "PO_Number__c",
    ],
}

WRITES = {
    "customer": [
        "addresses[].city", "addresses[].country", "addresses[].kind", "addresses[].line1", "addresses[].postal_code",
        "addresses[].region", "email", "name", "number", "tax_number",
    ],
    "invoice": [
        "amounts", "currency", "customer", "due_date", "lines[].account", "lines[].description", "lines[].discount_rate",
        "lines[].item", "lines[].quantity", "lines[].treatment", "lines[].unit_amount", "reference",
    ],
}

# The sales account of lines without an item. Change it to yours.
SALES_ACCOUNT = "200"

MISSING = object()


def customer(account):
    return given({
        "name": needed("name", text("name", get(account, "Name"))),
        "number": text("number", get(account, "Id")),
        "tax_number": text("tax_number", get(account, "Tax_Number__c")),
        "email": text("email", get(payables_contact(account), "Email")),
        "addresses": billing_addresses(account),
    })


def payables_contact(account):
    """The first of the accounts-payable department with an e-mail. Nobody else's: a purchaser's address is worse than none."""
    contacts = listed("invalid-value", "email", account, "Contacts")
    payable = (c for c in contacts if get(c, "Department") == "Accounts Payable" and filled(get(c, "Email")))
    return next(payable, MISSING)


def billing_addresses(account):
    if not filled(get(account, "BillingStreet")) and not filled(get(account, "BillingCity")):
        return MISSING
    return [element("addresses", {
        "kind": "billing",
        "line1": get(account, "BillingStreet"),
        "city": get(account, "BillingCity"),
        "region": get(account, "BillingState"),
        "postal_code": get(account, "BillingPostalCode"),
        "country": first(get(account, "BillingCountryCode"), get(account, "BillingCountry")),
    })]


def invoice(deal, local_date):
    terms = get(deal, "Account", "Payment_Terms_Days__c")
    return given({
        "customer": reference("customer", "Account", billed_account(deal)),
        # The customer's purchase order is what their bookkeeper looks for.
        "reference": text("reference", first(get(deal, "PO_Number__c"), get(deal, "Name"))),
        "currency": text("currency", get(deal, "CurrencyIsoCode")),
        "amounts": "exclusive",
        "due_date": add_days("due_date", local_date, "30" if terms in (MISSING, None) else terms),
        "lines": lines(deal),
    })


def billed_account(deal):
    """The deal's own choice, else the account's parent if the account says so, else the account."""
    if filled(get(deal, "Bill_To_Account__c")):
        return deal["Bill_To_Account__c"]
    parent = get(deal, "Account", "ParentId")
    if get(deal, "Account", "Bill_Parent__c") is True and filled(parent):
        return parent
    return get(deal, "AccountId")


def lines(deal):
    """One line for each of the deal's, in its order; without any, one over its amount.

    Lines that were not read are a problem, or the deal would be billed without them.
    """
    items = listed("missing-field", "lines", deal, "OpportunityLineItems")
    if not items:
        return [line(get(deal, "Name"), "1", get(deal, "Amount"))]
    return [
        line(
            first(get(item, "Description"), get(item, "Product2", "Name")),
            get(item, "Quantity"),
            get(item, "UnitPrice"),
            item=first(get(item, "ProductCode"), get(item, "Product2", "ProductCode")),
            discount=get(item, "Discount"),
            treatment=get(item, "Tax_Treatment__c"),
        )
        for item in sorted(items, key=position)
    ]


def line(description, quantity, unit_amount, item=MISSING, discount=MISSING, treatment=MISSING):
    rate = decimal("lines[].discount_rate", discount)
    return element("lines", {
        "description": needed("lines[].description", description),
        "quantity": needed("lines[].quantity", decimal("lines[].quantity", quantity)),
        "unit_amount": needed("lines[].unit_amount", decimal("lines[].unit_amount", unit_amount)),
        # Per cent. None and nought are left out.
        "discount_rate": MISSING if rate in (MISSING, None) or Decimal(rate) == 0 else rate,
        "item": item,
        # With an item, its account in the ledger is used.
        "account": MISSING if filled(item) else SALES_ACCOUNT,
        "treatment": treatment,
    })


def position(item):
    """By SortOrder; lines without one come last, in the order they had (sorting is stable)."""
    order = decimal("lines", get(item, "SortOrder"))
    return (1, Decimal(0)) if order in (MISSING, None) else (0, Decimal(order))


# --- What they are written with ----------------------------------------------------------------------------------------


@dataclass
class Wrong(Exception):
    code: str
    field: str | None
    message: str


def get(record, *path):
    """What stands at a path: MISSING if it was not read, None where it goes through None."""
    for key in path:
        record = record.get(key, MISSING) if isinstance(record, dict) else None if record is None else MISSING
    return record


def filled(value):
    """Neither missing, None, blank text nor an empty list."""
    if isinstance(value, str):
        # Python alone takes these four separators for white space.
        return any(not character.isspace() or character in "\x1c\x1d\x1e\x1f" for character in value)
    return value not in (MISSING, None, [])


def first(*values):
    return next(filter(filled, values), MISSING)


def text(field, value):
    if value in (MISSING, None) or isinstance(value, str):
        return value
    raise Wrong("invalid-value", field, f"{field}: found what is no text. Correct it in the source.")


def needed(field, value):
    if value not in (MISSING, None, ""):
        return value
    raise Wrong("missing-field", field, f"{field} is needed and empty. Fill it in the source.")


def decimal(field, value):
    """A decimal stays the text that it is. 28 digits are what the ledger's rules keep exactly."""
    if value in (MISSING, None):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) and sum(map(str.isdigit, value)) <= 28:
        return value
    raise Wrong("invalid-value", field, f"{field}: found {words(value)}, which is no decimal such as 12.50. Correct it in the source.")


def reference(field, object, id):
    return {"$ref": {"object": object, "id": needed(field, text(field, id))}}


def add_days(field, day, days):
    whole = re.fullmatch(r"(-?[0-9]+)(\.0+)?", decimal(field, days))
    try:
        return (date.fromisoformat(day) + timedelta(days=int(whole[1]))).isoformat()
    except (OverflowError, TypeError):
        raise Wrong("invalid-value", field, f"{field}: {day} and {words(days)} days give no date. Correct the days in the source.")


def listed(code, field, record, name):
    """A list that is None has no elements; one that was not read is a problem."""
    value = get(record, name)
    if value is None or isinstance(value, list):
        return value or []
    raise Wrong(code, field, f"The list {name} was not read in this record.")


def element(name, fields):
    """Lists are written as a whole, so a None in them clears nothing and is left out."""
    texts = {key: text(f"{name}[].{key}", value) for key, value in fields.items()}
    return {key: value for key, value in texts.items() if value not in (MISSING, None)}


def given(fields):
    return {key: value for key, value in fields.items() if value is not MISSING}


def words(value):
    return f'"{value[:80]}"' if isinstance(value, str) else "what is no text"


# --- The contract, wit/transform.wit -----------------------------------------------------------------------------------


def draft(record, local_date):
    match record.object:
        case "Account":
            made, doc = "customer", customer(json.loads(record.doc))
        case "Opportunity":
            made, doc = "invoice", invoice(json.loads(record.doc), local_date)
        case other:
            raise Wrong("unknown-object", None, f"This mapping makes nothing of {other}. Leave it out of the flow.")
    return Draft(made, json.dumps(doc, ensure_ascii=False))


def result(record, local_date):
    """What fails in one record is that record's problem; the others go on."""
    try:
        return Ok([draft(record, local_date)])
    except Wrong as wrong:
        return Err(Problem(wrong.code, wrong.message, wrong.field, None))


class Transform(exports.Transform):
    def describe(self, settings):
        """It takes no settings: what they say is not looked at."""
        return Description([Source(*reads) for reads in READS.items()], [Target(*writes) for writes in WRITES.items()])

    def apply(self, batch):
        return [result(record, batch.local_date) for record in batch.inputs]
