"""What Xero says, read with xero-python alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Dict, List, Optional

import requests
from xero_python.accounting import AccountingApi
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token

PAGE = 1000
ZONES = {
    "GMTSTANDARDTIME": "Europe/London",
    "WESTEUROPESTANDARDTIME": "Europe/Berlin",
    "AUSEASTERNSTANDARDTIME": "Australia/Sydney",
    "NEWZEALANDSTANDARDTIME": "Pacific/Auckland",
    "EASTERNSTANDARDTIME": "America/New_York",
    "PACIFICSTANDARDTIME": "America/Los_Angeles",
}
LIVE = ("DRAFT", "SUBMITTED", "AUTHORISED", "PAID")


@dataclass
class Contact:
    id: str
    name: str
    number: Optional[str] = None
    status: str = "ACTIVE"
    merged_to: Optional[str] = None
    sales_tax_type: Optional[str] = None
    email: Optional[str] = None
    tax_number: Optional[str] = None


@dataclass
class InvoiceLine:
    amount: Decimal
    tax: Decimal
    tax_type: Optional[str] = None
    account: Optional[str] = None
    item: Optional[str] = None
    quantity: Optional[Decimal] = None
    unit: Optional[Decimal] = None
    description: Optional[str] = None


@dataclass
class Invoice:
    id: str
    number: Optional[str]
    contact_id: str
    kind: str
    status: str
    date: Optional[str]
    due_date: Optional[str]
    currency: str
    sub_total: Decimal
    total_tax: Decimal
    total: Decimal
    amounts: str = "exclusive"
    reference: Optional[str] = None
    url: Optional[str] = None
    lines: List[InvoiceLine] = field(default_factory=list)
    amount_due: Decimal = Decimal(0)
    amount_paid: Decimal = Decimal(0)
    amount_credited: Decimal = Decimal(0)
    amount_deducted: Decimal = Decimal(0)
    rate: Decimal = Decimal(1)
    fully_paid_on: Optional[str] = None

    def is_live_sale(self) -> bool:
        return self.kind == "ACCREC" and self.status in LIVE


@dataclass
class Item:
    code: str
    account: Optional[str] = None
    tax_type: Optional[str] = None


@dataclass
class LedgerAccount:
    code: str
    account_class: str
    tax_type: Optional[str] = None
    active: bool = True


@dataclass
class Rate:
    tax_type: str
    percent: Decimal
    active: bool = True
    classes: List[str] = field(default_factory=lambda: ["REVENUE"])


@dataclass
class Ledger:
    organisation: str
    country: str
    base_currency: str
    time_zone: str
    lock_dates: List[str]
    currencies: List[str]
    contacts: Dict[str, Contact]
    invoices: Dict[str, Invoice]
    items: Dict[str, Item]
    accounts: Dict[str, LedgerAccount]
    rates: Dict[str, Rate]


def connect(base_url: str, token_url: str, client_id: str, client_secret: str) -> AccountingApi:
    """xero-python against any base URL, with a token by client credentials."""
    answer = requests.post(
        token_url, data={"grant_type": "client_credentials"}, auth=(client_id, client_secret), timeout=60
    )
    answer.raise_for_status()
    given = answer.json()
    token = {key: given[key] for key in ("access_token", "expires_in", "token_type")}
    token["scope"] = given.get("scope", "").split()
    configuration = Configuration(oauth2_token=OAuth2Token(client_id=client_id, client_secret=client_secret))
    client = ApiClient(configuration, oauth2_token_getter=lambda: token, oauth2_token_saver=lambda new: None)
    return AccountingApi(client, base_url=base_url.rstrip("/") + "/api.xro/2.0")


def read(api: AccountingApi, tenant: str = "") -> Ledger:
    """The whole organisation, as far as the rules ask for it. A custom connection needs no tenant."""
    organisation = api.get_organisations(tenant).organisations[0]
    zone = text(organisation.timezone)
    if zone not in ZONES:
        raise ValueError("no IANA name known for the organisation's time zone %r" % zone)
    locks = [organisation.period_lock_date, organisation.end_of_year_lock_date]
    return Ledger(
        organisation=organisation.organisation_id,
        country=text(organisation.country_code),
        base_currency=text(organisation.base_currency),
        time_zone=ZONES[zone],
        lock_dates=[day(lock) for lock in locks if lock],
        currencies=[text(currency.code) for currency in api.get_currencies(tenant).currencies],
        contacts={c.contact_id: _contact(c) for c in _contacts(api, tenant)},
        invoices={i.invoice_id: _invoice(i) for i in _invoices(api, tenant)},
        items={i.code: _item(i) for i in api.get_items(tenant, unitdp=4).items},
        accounts={a.code: _account(a) for a in api.get_accounts(tenant).accounts if a.code},
        rates={r.tax_type: _rate(r) for r in api.get_tax_rates(tenant).tax_rates},
    )


def _contacts(api: AccountingApi, tenant: str) -> List[Any]:
    found: List[Any] = []
    while True:
        page = len(found) // PAGE + 1
        answer = api.get_contacts(tenant, page=page, page_size=PAGE, include_archived=True).contacts
        found.extend(answer)
        if len(answer) < PAGE:
            return found


def _invoices(api: AccountingApi, tenant: str) -> List[Any]:
    found: List[Any] = []
    while True:
        page = len(found) // PAGE + 1
        answer = api.get_invoices(tenant, page=page, page_size=PAGE, unitdp=4, include_archived=True).invoices
        found.extend(answer)
        if len(answer) < PAGE:
            return found


def text(value: Any) -> str:
    """The text of an enumeration member or of text."""
    return str(getattr(value, "value", value))


def day(value: Any) -> Optional[str]:
    """A date as text; a date that came as an instant is its day."""
    if value is None:
        return None
    return str(value.date() if isinstance(value, dt.datetime) else value)


def _contact(c: Any) -> Contact:
    return Contact(
        id=c.contact_id,
        name=c.name,
        number=c.contact_number or None,
        status=c.contact_status,
        merged_to=c.merged_to_contact_id or None,
        sales_tax_type=c.accounts_receivable_tax_type or None,
        email=c.email_address or None,
        tax_number=c.tax_number or None,
    )


def _invoice(i: Any) -> Invoice:
    lines = [
        InvoiceLine(
            amount=line.line_amount,
            tax=line.tax_amount or Decimal(0),
            tax_type=line.tax_type,
            account=line.account_code,
            item=line.item_code,
            quantity=line.quantity,
            unit=line.unit_amount,
            description=line.description,
        )
        for line in i.line_items or []
    ]
    amounts = {"Exclusive": "exclusive", "Inclusive": "inclusive", "NoTax": "no-tax"}
    return Invoice(
        id=i.invoice_id,
        number=i.invoice_number,
        contact_id=i.contact.contact_id,
        kind=i.type,
        status=i.status,
        date=day(i.date),
        due_date=day(i.due_date),
        currency=text(i.currency_code),
        sub_total=i.sub_total,
        total_tax=i.total_tax,
        total=i.total,
        amounts=amounts[text(i.line_amount_types)],
        reference=i.reference or None,
        url=i.url or None,
        lines=lines,
        amount_due=i.amount_due or Decimal(0),
        amount_paid=i.amount_paid or Decimal(0),
        amount_credited=i.amount_credited or Decimal(0),
        amount_deducted=i.cis_deduction or Decimal(0),
        rate=i.currency_rate or Decimal(1),
        fully_paid_on=day(i.fully_paid_on_date),
    )


def _item(i: Any) -> Item:
    sales = i.sales_details
    return Item(i.code, (sales and sales.account_code) or None, (sales and sales.tax_type) or None)


def _account(a: Any) -> LedgerAccount:
    return LedgerAccount(a.code, text(a._class), a.tax_type or None, text(a.status) == "ACTIVE")


def _rate(r: Any) -> Rate:
    classes = {
        "REVENUE": r.can_apply_to_revenue,
        "EXPENSE": r.can_apply_to_expenses,
        "ASSET": r.can_apply_to_assets,
        "LIABILITY": r.can_apply_to_liabilities,
        "EQUITY": r.can_apply_to_equity,
    }
    return Rate(r.tax_type, r.effective_rate, r.status == "ACTIVE", [name for name, can in classes.items() if can])
