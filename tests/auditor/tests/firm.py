"""A tiny firm for the tests: one of everything, right unless a test bends it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Dict, List, Optional

from books_audit import policy
from books_audit.crm import Account, Crm, Deal, Line
from books_audit.ledger import Contact, Invoice, InvoiceLine, Item, Ledger, LedgerAccount, Rate

NOW = dt.datetime(2026, 11, 22, 20, 0, tzinfo=dt.timezone.utc)
WON = "2026-11-10T09:00:00.000+0000"
EU = ["DE", "FR", "IE"]
DEAL = "006Fb0000000001IAA"
ACCOUNT = "001Fb0000000001IAA"


def rules(**changes: Any) -> policy.Policy:
    given: Dict[str, Any] = {
        "go_live": "2026-10-23T20:00:00Z",
        "as_of": "2026-11-22T20:00:00Z",
        "default_account": "200",
        "tax_rules": [
            {"name": "exempt", "treatment": "Exempt", "tax_type": "EXEMPTOUTPUT"},
            {"name": "reverse charge", "countries": EU, "tax_number": "present", "tax_type": "ECZROUTPUTSERVICES"},
        ],
    }
    given.update(changes)
    return policy.of(given)


def deal(**changes: Any) -> Deal:
    values: Dict[str, Any] = dict(
        id=DEAL,
        name="A deal",
        account_id=ACCOUNT,
        amount=Decimal("100.00"),
        won=True,
        currency="GBP",
        lines=[Line(Decimal(1), Decimal("100"), "SRV")],
        history=[("2026-10-01T09:00:00.000+0000", "Prospecting"), (WON, "Closed Won")],
    )
    values.update(changes)
    made = Deal(**values)
    names = ("Xero_Invoice_Id__c", "Xero_Invoice_Number__c", "Xero_Invoice_Link__c")
    made.raw = {"Id": made.id, "Name": made.name, **dict.fromkeys(names), **made.raw}
    return made


def crm(deals: Optional[List[Deal]] = None, accounts: Optional[List[Account]] = None) -> Crm:
    accounts = accounts or [Account(ACCOUNT, "Acme Ltd", "GB")]
    deals = [deal()] if deals is None else deals
    return Crm({d.id: d for d in deals}, {a.id: a for a in accounts}, {"Closed Won"})


def ledger(contacts: Any = (), invoices: Any = (), **changes: Any) -> Ledger:
    values: Dict[str, Any] = dict(
        organisation="org",
        country="GB",
        base_currency="GBP",
        time_zone="Europe/London",
        lock_dates=["2026-09-30"],
        currencies=["GBP", "EUR"],
        contacts={c.id: c for c in contacts},
        invoices={i.id: i for i in invoices},
        items={"SRV": Item("SRV", "200", "OUTPUT2"), "BARE": Item("BARE", "230", None)},
        accounts={
            "200": LedgerAccount("200", "REVENUE", "OUTPUT2"),
            "230": LedgerAccount("230", "REVENUE", "ZERORATEDOUTPUT"),
        },
        rates={
            "OUTPUT2": Rate("OUTPUT2", Decimal(20)),
            "ZERORATEDOUTPUT": Rate("ZERORATEDOUTPUT", Decimal(0)),
            "EXEMPTOUTPUT": Rate("EXEMPTOUTPUT", Decimal(0)),
            "ECZROUTPUTSERVICES": Rate("ECZROUTPUTSERVICES", Decimal(0)),
            "INPUT2": Rate("INPUT2", Decimal(20), True, ["EXPENSE"]),
        },
    )
    values.update(changes)
    return Ledger(**values)


def linked(**changes: Any) -> Contact:
    return Contact(**{"id": "c1", "name": "Acme Ltd", "number": ACCOUNT, **changes})


def invoice(**changes: Any) -> Invoice:
    """The invoice the usual deal calls for."""
    values: Dict[str, Any] = dict(
        id="i1",
        number="INV-1",
        contact_id="c1",
        kind="ACCREC",
        status="AUTHORISED",
        date="2026-11-22",
        due_date="2026-12-22",
        currency="GBP",
        sub_total=Decimal("100.00"),
        total_tax=Decimal("20.00"),
        total=Decimal("120.00"),
        url="https://crm.example/lightning/r/Opportunity/%s/view" % DEAL,
        lines=[InvoiceLine(Decimal("100.00"), Decimal("20.00"), "OUTPUT2", "200", "SRV", description="Service")],
    )
    values.update(changes)
    return Invoice(**values)
