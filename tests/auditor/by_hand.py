#!/usr/bin/env python3
"""Enters the expected invoices as a patient person with two API clients would. For tests only.

It proves that the auditor can say "agree", and that the simulators and the auditor count alike, without
any of the product. `--spoil KIND` then makes one mistake that the auditor must find.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Dict, List

from xero_python.accounting import AccountingApi, Contact, Contacts, CurrencyCode, Invoice, Invoices, LineAmountTypes, LineItem

import audit
from books_audit import crm, ledger, policy
from books_audit.expected import ExpectedInvoice, work_out

BATCH = 50
SPOILS = ("none", "duplicate", "cent", "bystander", "write-back")


def enter(options) -> int:
    rules = policy.read(options.policy)
    salesforce = crm.connect(options.salesforce_url, options.salesforce_client_id, options.salesforce_client_secret)
    xero = ledger.connect(options.xero_url, options.xero_token_url, options.xero_client_id, options.xero_client_secret)
    deals, books = crm.read(salesforce, rules.write_back), ledger.read(xero)
    wanted = [invoice for of_deal in work_out(deals, books, rules).invoices.values() for invoice in of_deal]
    contacts = _contacts(xero, wanted)
    today = rules.as_of.date()
    bodies = [_body(invoice, contacts[invoice.customer.account_id], today) for invoice in wanted]
    if options.spoil == "cent":
        line = bodies[0].line_items[0]
        line.unit_amount += Decimal("0.01") / line.quantity
    if options.spoil == "duplicate":
        bodies.append(bodies[0])
        wanted.append(wanted[0])
    made = []
    for start in range(0, len(bodies), BATCH):
        batch = Invoices(invoices=bodies[start:start + BATCH])
        made += xero.create_invoices("", batch, summarize_errors=False, unitdp=4).invoices
    refused = [invoice.validation_errors for invoice in made if invoice.has_errors]
    if refused:
        raise ValueError("%d invoices were refused, the first for %s" % (len(refused), refused[0]))
    rows = {}
    for invoice, entered in zip(wanted, made):
        link = "https://go.xero.com/view?id=" + entered.invoice_id
        values = (entered.invoice_id, entered.invoice_number, link)
        rows[invoice.deal.id] = {"Id": invoice.deal.id, **dict(zip((rules.write_back[k] for k in ("id", "number", "link")), values))}
    if options.spoil == "write-back":
        rows.popitem()
    for answer in _update(salesforce, list(rows.values())):
        if not answer["success"]:
            raise ValueError("a write-back was refused: %s" % answer)
    if options.spoil == "bystander":
        key = next(i.id for i in books.invoices.values() if i.status == "DRAFT")
        xero.update_invoice("", key, Invoices(invoices=[Invoice(status="DELETED")]))
    print("%d contacts, %d invoices" % (len(contacts), len(made)))
    return 0


def _update(salesforce, rows: List[dict]) -> List[dict]:
    """Collections of 200, through the client's own session."""
    answers: List[dict] = []
    for start in range(0, len(rows), 200):
        records = [{"attributes": {"type": "Opportunity"}, **row} for row in rows[start:start + 200]]
        body = {"allOrNone": False, "records": records}
        answers += salesforce.restful("composite/sobjects", method="PATCH", json=body)
    return answers


def _contacts(xero: AccountingApi, wanted: List[ExpectedInvoice]) -> Dict[str, str]:
    """Account id to contact id, creating and adopting what is needed."""
    bodies: Dict[str, Contact] = {}
    for customer in (invoice.customer for invoice in wanted):
        known = customer.contact
        if known is None:
            bodies[customer.account_id] = Contact(name=customer.name, contact_number=customer.account_id)
        elif not known.number:
            bodies[customer.account_id] = Contact(contact_id=known.id, contact_number=customer.account_id)
    ids = {i.customer.account_id: i.customer.contact.id for i in wanted if i.customer.contact is not None}
    todo = list(bodies.values())
    for start in range(0, len(todo), BATCH):
        batch = Contacts(contacts=todo[start:start + BATCH])
        for contact in xero.update_or_create_contacts("", batch, summarize_errors=False).contacts:
            if contact.has_validation_errors:
                raise ValueError("contact %s was refused: %s" % (contact.name, contact.validation_errors))
            ids[contact.contact_number] = contact.contact_id
    return ids


def _body(invoice: ExpectedInvoice, contact_id: str, today) -> Invoice:
    whole = invoice.parts == 1 and bool(invoice.deal.lines)
    lines = []
    for position, line in enumerate(invoice.lines):
        source = invoice.deal.lines[position] if whole else None
        lines.append(
            LineItem(
                description="Position %d" % (position + 1),
                quantity=source.quantity if source else Decimal(1),
                unit_amount=source.unit_price if source else line.amount,
                account_code=line.account,
                tax_type=line.tax_type,
                item_code=line.item,
            )
        )
    return Invoice(
        type="ACCREC",
        contact=Contact(contact_id=contact_id),
        date=today,
        due_date=today,
        currency_code=CurrencyCode(invoice.currency),
        line_amount_types=LineAmountTypes.EXCLUSIVE,
        line_items=lines,
        reference=invoice.reference,
        status="AUTHORISED",
        url="https://crm.example.com/lightning/r/Opportunity/%s/view?part=%d" % (invoice.deal.id, invoice.part),
    )


def main() -> int:
    given = sys.argv[1:]
    spoil = "none"
    if "--spoil" in given:
        at = given.index("--spoil")
        spoil = given[at + 1]
        del given[at:at + 2]
    if spoil not in SPOILS:
        print("--spoil is one of %s" % ", ".join(SPOILS), file=sys.stderr)
        return 2
    options = audit.arguments(given)
    options.spoil = spoil
    return enter(options)


if __name__ == "__main__":
    sys.exit(main())
