"""What must be in Salesforce of what Xero says: one record per receivable document, per payment and allocation, and per customer and currency.

This is the auditor's own reading of rules 8, 12 and 13; nothing here looks at either system.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Dict, List, Optional, Set, Tuple

from . import arithmetic
from .ledger import Invoice, Ledger
from .receivables import Credit, Payment, Receivables

ZERO = Decimal(0)
GONE = ("VOIDED", "DELETED")
OPEN = "AUTHORISED"
RAISED = ("AUTHORISED", "PAID")


@dataclass
class Document:
    key: str
    kind: str
    ledger_id: str
    customer: str
    status: str
    currency: str
    total: Decimal
    base_total: Decimal
    sub_total: Decimal
    total_tax: Decimal
    date: Optional[str] = None
    due_date: Optional[str] = None
    fully_paid_on: Optional[str] = None
    number: Optional[str] = None
    reference: Optional[str] = None
    amount_due: Decimal = ZERO
    amount_paid: Decimal = ZERO
    amount_credited: Decimal = ZERO
    amount_deducted: Decimal = ZERO
    remaining_credit: Decimal = ZERO
    base_amount_due: Decimal = ZERO
    days_to_pay: Optional[int] = None
    # Where the invoice carries the link of a deal.
    deal: Optional[str] = None
    # A deleted document that was deleted before anybody could copy it need not be there.
    required: bool = True


@dataclass
class Movement:
    """A payment, a refund or an allocation."""

    key: str
    kind: str
    status: str
    # One of them: an allocation is between two documents.
    documents: List[str]
    amount: Decimal
    currency: str
    date: Optional[str]
    # At the document's own rate: gains and losses of exchange are the ledger's business.
    base_amount: Decimal
    required: bool = True


@dataclass
class Balance:
    key: str
    customer: str
    currency: str
    invoiced_due: Decimal = ZERO
    unallocated_credits: Decimal = ZERO
    overdue: Decimal = ZERO
    base_balance: Decimal = ZERO
    open_documents: int = 0

    @property
    def balance(self) -> Decimal:
        return self.invoiced_due - self.unallocated_credits


@dataclass
class Control:
    """The receivables control account of a currency: what moved, and what must be left of it."""

    invoiced: Decimal = ZERO
    paid: Decimal = ZERO
    credited: Decimal = ZERO
    deducted: Decimal = ZERO
    issued: Decimal = ZERO
    allocated: Decimal = ZERO
    refunded: Decimal = ZERO
    due_in_xero: Decimal = ZERO
    unallocated_in_xero: Decimal = ZERO

    @property
    def due(self) -> Decimal:
        return self.invoiced - self.paid - self.credited - self.deducted

    @property
    def unallocated(self) -> Decimal:
        return self.issued - self.allocated - self.refunded


@dataclass
class Reflection:
    documents: Dict[str, Document] = field(default_factory=dict)
    movements: Dict[str, Movement] = field(default_factory=dict)
    balances: Dict[str, Balance] = field(default_factory=dict)
    control: Dict[str, Control] = field(default_factory=lambda: defaultdict(Control))


def work_out(books: Ledger, money: Receivables, today: dt.date, write_off_accounts: List[str]) -> Reflection:
    """The expected records; `today` is the organisation's."""
    return _Work(books, money, today, set(write_off_accounts)).done()


class _Work:
    def __init__(self, books: Ledger, money: Receivables, today: dt.date, given_up: Set[str]) -> None:
        self.books, self.money, self.today, self.given_up = books, money, today, given_up
        self.paid: Dict[str, List[Payment]] = defaultdict(list)
        for payment in money.payments.values():
            if not payment.deleted:
                self.paid[payment.document].append(payment)
        self.credited: Dict[str, List[Tuple[Credit, Decimal]]] = defaultdict(list)
        for credit in money.credits.values():
            for allocation in credit.allocations:
                self.credited[allocation.invoice].append((credit, allocation.amount))
        self.result = Reflection()

    def done(self) -> Reflection:
        invoices = {key: i for key, i in self.books.invoices.items() if i.kind == "ACCREC"}
        for invoice in invoices.values():
            self._invoice(invoice)
        for credit in self.money.credits.values():
            self._credit(credit)
        for payment in self.money.payments.values():
            self._payment(payment, invoices)
        for credit in self.money.credits.values():
            self._allocations(credit, invoices)
        return self.result

    def _key(self, kind: str, ledger_id: str) -> str:
        return "%s/%s/%s" % (self.books.organisation.lower(), kind, ledger_id.lower())

    def _base(self, amount: Decimal, rate: Decimal) -> Decimal:
        return arithmetic.half_up(amount / rate, arithmetic.places(self.books.base_currency))

    def _invoice(self, invoice: Invoice) -> None:
        status = self.invoice_status(invoice)
        due = invoice.amount_due if status not in ("voided", "deleted") else ZERO
        document = Document(
            key=self._key("invoice", invoice.id),
            kind="invoice",
            ledger_id=invoice.id,
            customer=invoice.contact_id,
            status=status,
            currency=invoice.currency,
            total=invoice.total,
            sub_total=invoice.sub_total,
            total_tax=invoice.total_tax,
            base_total=self._base(invoice.total, invoice.rate),
            date=invoice.date,
            due_date=invoice.due_date,
            fully_paid_on=invoice.fully_paid_on,
            number=invoice.number,
            reference=invoice.reference,
            amount_due=due,
            amount_paid=invoice.amount_paid,
            amount_credited=invoice.amount_credited,
            amount_deducted=invoice.amount_deducted,
            base_amount_due=self._base(due, invoice.rate),
            days_to_pay=_days(invoice.date, invoice.fully_paid_on) if status == "paid" else None,
            required=invoice.status != "DELETED",
        )
        self.result.documents[document.key] = document
        if invoice.status not in RAISED:
            return
        control = self.result.control[invoice.currency]
        control.invoiced += invoice.total
        control.deducted += invoice.amount_deducted
        control.due_in_xero += invoice.amount_due
        if invoice.status == OPEN:
            balance = self._balance(invoice.contact_id, invoice.currency)
            balance.invoiced_due += invoice.amount_due
            balance.base_balance += document.base_amount_due
            balance.open_documents += 1
            if invoice.due_date is not None and dt.date.fromisoformat(invoice.due_date) < self.today:
                balance.overdue += invoice.amount_due

    def invoice_status(self, invoice: Invoice) -> str:
        """Paid is what Xero calls paid; what it was settled with tells the rest."""
        early = {"DRAFT": "draft", "SUBMITTED": "draft", "VOIDED": "voided", "DELETED": "deleted"}
        if invoice.status in early:
            return early[invoice.status]
        credits, payments = self.credited[invoice.id], self.paid[invoice.id]
        if invoice.status == OPEN:
            return "part-paid" if credits or payments else "awaiting-payment"
        given_up = any(payment.account in self.given_up for payment in payments)
        given_up |= any(credit.accounts and credit.accounts <= self.given_up for credit, _ in credits)
        if given_up:
            return "written-off"
        # An overpayment or a prepayment is the customer's money, come earlier.
        money = payments or any(credit.kind != "credit-note" for credit, _ in credits)
        return "credited" if credits and not money else "paid"

    def _credit(self, credit: Credit) -> None:
        status = self.credit_status(credit)
        document = Document(
            key=self._key(credit.kind, credit.id),
            kind=credit.kind,
            ledger_id=credit.id,
            customer=credit.contact_id,
            status=status,
            currency=credit.currency,
            total=credit.total,
            sub_total=credit.sub_total,
            total_tax=credit.total_tax,
            base_total=self._base(credit.total, credit.rate),
            date=credit.date,
            fully_paid_on=credit.fully_paid_on,
            number=credit.number,
            reference=credit.reference,
            remaining_credit=credit.remaining,
            required=credit.status != "DELETED",
        )
        self.result.documents[document.key] = document
        if credit.status not in RAISED:
            return
        control = self.result.control[credit.currency]
        control.issued += credit.total
        control.unallocated_in_xero += credit.remaining
        if credit.remaining:
            balance = self._balance(credit.contact_id, credit.currency)
            balance.unallocated_credits += credit.remaining
            balance.base_balance -= self._base(credit.remaining, credit.rate)
            balance.open_documents += 1

    def credit_status(self, credit: Credit) -> str:
        early = {"DRAFT": "draft", "SUBMITTED": "draft", "VOIDED": "voided", "DELETED": "deleted"}
        if credit.status in early:
            return early[credit.status]
        if credit.remaining:
            return "credit-unallocated"
        # Where some went back to the customer, that is what there is to know.
        return "refunded" if self.paid[credit.id] else "credited"

    def _payment(self, payment: Payment, invoices: Dict[str, Invoice]) -> None:
        document = invoices.get(payment.document) or self.money.credits.get(payment.document)
        if document is None:
            raise ValueError("payment %s is on a document that Xero does not show" % payment.id)
        movement = Movement(
            key=self._key("payment", payment.id),
            kind="refund" if payment.is_refund() else "payment",
            status="reversed" if payment.deleted else "recorded",
            documents=[self._key(payment.document_kind, payment.document)],
            amount=payment.amount,
            currency=document.currency,
            date=payment.date,
            base_amount=self._base(payment.amount, document.rate),
            required=not payment.deleted,
        )
        self.result.movements[movement.key] = movement
        if payment.deleted:
            return
        control = self.result.control[document.currency]
        if payment.is_refund():
            control.refunded += payment.amount
        else:
            control.paid += payment.amount

    def _allocations(self, credit: Credit, invoices: Dict[str, Invoice]) -> None:
        for allocation in credit.allocations:
            control = self.result.control[credit.currency]
            control.allocated += allocation.amount
            control.credited += allocation.amount
            if allocation.id is None:
                continue
            key = self._key("allocation", allocation.id)
            documents = [self._key("invoice", allocation.invoice), self._key(credit.kind, credit.id)]
            base = self._base(allocation.amount, invoices[allocation.invoice].rate)
            self.result.movements[key] = Movement(
                key, "allocation", "recorded", documents, allocation.amount, credit.currency, allocation.date, base
            )

    def _balance(self, customer: str, currency: str) -> Balance:
        key = "%s/%s/%s" % (self.books.organisation.lower(), customer.lower(), currency)
        return self.result.balances.setdefault(key, Balance(key, customer, currency))


def _days(date: Optional[str], paid_on: Optional[str]) -> Optional[int]:
    if date is None or paid_on is None:
        return None
    return (dt.date.fromisoformat(paid_on) - dt.date.fromisoformat(date)).days
