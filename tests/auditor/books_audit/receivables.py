"""Payments, credit notes, overpayments and prepayments as Xero has them, read with xero-python alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Callable, Dict, List, Optional, Set

from xero_python.accounting import AccountingApi

from .ledger import PAGE, day, text

REFUNDS = {
    "ARCREDITPAYMENT": "credit-note",
    "AROVERPAYMENTPAYMENT": "overpayment",
    "ARPREPAYMENTPAYMENT": "prepayment",
}


@dataclass
class Payment:
    """Money of the receivable side: received for an invoice, or given back of a credit."""

    id: str
    document: str
    document_kind: str
    date: Optional[str]
    amount: Decimal
    account: Optional[str] = None
    deleted: bool = False
    reconciled: bool = False

    def is_refund(self) -> bool:
        return self.document_kind != "invoice"


@dataclass
class Allocation:
    id: Optional[str]
    invoice: str
    amount: Decimal
    date: Optional[str] = None


@dataclass
class Credit:
    """A credit note, an overpayment or a prepayment of a customer."""

    id: str
    kind: str
    contact_id: str
    status: str
    date: Optional[str]
    currency: str
    total: Decimal
    remaining: Decimal
    sub_total: Decimal = Decimal(0)
    total_tax: Decimal = Decimal(0)
    rate: Decimal = Decimal(1)
    number: Optional[str] = None
    reference: Optional[str] = None
    fully_paid_on: Optional[str] = None
    accounts: Set[str] = field(default_factory=set)
    allocations: List[Allocation] = field(default_factory=list)


@dataclass
class Receivables:
    payments: Dict[str, Payment]
    credits: Dict[str, Credit]


def read(api: AccountingApi, tenant: str = "") -> Receivables:
    """All of the receivable side, deleted payments too."""
    payments = [_payment(p) for p in _all(lambda page: api.get_payments(tenant, page=page, page_size=PAGE).payments)]
    notes = _all(lambda page: api.get_credit_notes(tenant, page=page, page_size=PAGE, unitdp=4).credit_notes)
    over = _all(lambda page: api.get_overpayments(tenant, page=page, page_size=PAGE, unitdp=4).overpayments)
    pre = _all(lambda page: api.get_prepayments(tenant, page=page, page_size=PAGE, unitdp=4).prepayments)
    credits = [_credit("credit-note", n, n.credit_note_id) for n in notes if n.type == "ACCRECCREDIT"]
    credits += [_credit("overpayment", o, o.overpayment_id) for o in over if o.type in ("RECEIVE-OVERPAYMENT", "AROVERPAYMENT")]
    credits += [_credit("prepayment", p, p.prepayment_id) for p in pre if p.type in ("RECEIVE-PREPAYMENT", "ARPREPAYMENT")]
    return Receivables({p.id: p for p in payments if p is not None}, {c.id: c for c in credits})


def _all(page_of: Callable[[int], List[Any]]) -> List[Any]:
    found: List[Any] = []
    while True:
        page = page_of(len(found) // PAGE + 1)
        found.extend(page)
        if len(page) < PAGE:
            return found


def _payment(p: Any) -> Optional[Payment]:
    """None for the payable side."""
    if p.payment_type == "ACCRECPAYMENT":
        kind = "invoice"
    elif p.payment_type in REFUNDS:
        kind = REFUNDS[p.payment_type]
    else:
        return None
    # A refund shows its credit under its own name or as if it were an invoice.
    shown = {
        "credit-note": p.credit_note and p.credit_note.credit_note_id,
        "overpayment": p.overpayment and p.overpayment.overpayment_id,
        "prepayment": p.prepayment and p.prepayment.prepayment_id,
    }
    document = shown.get(kind) or (p.invoice and p.invoice.invoice_id)
    if not document:
        raise ValueError("payment %s names no document" % p.payment_id)
    return Payment(
        id=p.payment_id,
        document=document,
        document_kind=kind,
        date=day(p.date),
        amount=p.amount,
        account=(p.account and p.account.code) or None,
        deleted=p.status == "DELETED",
        reconciled=bool(p.is_reconciled),
    )


def _credit(kind: str, c: Any, key: str) -> Credit:
    allocations = [Allocation(a.allocation_id, a.invoice.invoice_id, a.amount, day(a.date)) for a in c.allocations or []]
    return Credit(
        id=key,
        kind=kind,
        contact_id=c.contact.contact_id,
        status=c.status,
        date=day(c.date),
        currency=text(c.currency_code),
        total=c.total,
        remaining=c.remaining_credit,
        sub_total=c.sub_total,
        total_tax=c.total_tax,
        rate=c.currency_rate or Decimal(1),
        number=getattr(c, "credit_note_number", None) or None,
        reference=c.reference or None,
        fully_paid_on=day(getattr(c, "fully_paid_on_date", None)),
        accounts={line.account_code for line in c.line_items or [] if line.account_code},
        allocations=allocations,
    )
