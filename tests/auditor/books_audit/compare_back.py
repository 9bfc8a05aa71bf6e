"""Xero against what came back to Salesforce, to the cent: documents, payments, balances, and a control account per currency."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Dict, List, Optional, Set

from .expected import deal_ids
from .ledger import Ledger
from .reflected import BALANCE, DOCUMENT, MOVEMENT, Record, Reflected
from .reflection import ZERO, Balance, Document, Reflection

COUNTS = (
    "documents_expected",
    "documents_reflected",
    "payments_expected",
    "payments_reflected",
    "allocations_expected",
    "allocations_reflected",
    "missing",
    "duplicates",
    "strangers",
    "mismatches",
    "arithmetic_errors",
    "balance_mismatches",
)


@dataclass
class Report:
    counts: Dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    findings: List[Dict[str, Any]] = field(default_factory=list)

    def find(self, count: str, about: str, message: str) -> None:
        self.counts[count] += 1
        self.findings.append({"kind": count, "about": about, "message": message})


def compare(wanted: Reflection, there: Reflected, books: Ledger, accounts: Set[str]) -> Report:
    """`accounts`: ids of the accounts that Salesforce has and shows."""
    report = Report()
    for name in there.absent:
        report.findings.append({"kind": "not-provisioned", "about": name, "message": "Salesforce has no %s" % name})
    organisation = books.organisation.lower() + "/"
    documents = _by_key(report, there.documents, organisation)
    _documents(report, wanted, documents, books, accounts)
    movements = _by_key(report, there.movements, organisation)
    _movements(report, wanted, movements)
    _balances(report, wanted, _by_key(report, there.balances, organisation))
    _arithmetic(report, documents)
    return report


def _by_key(report: Report, records: List[Record], organisation: str) -> Dict[str, Record]:
    """Each key once. Records of other organisations are none of ours."""
    found: Dict[str, Record] = {}
    for record in records:
        key = record.key
        if not key.lower().startswith(organisation):
            continue
        head, _, currency = key.rpartition("/")
        folded = head.lower() + "/" + (currency if len(currency) == 3 else currency.lower())
        if folded in found:
            report.find("duplicates", key, "two records have the key %s: %s and %s" % (key, found[folded].id, record.id))
        found[folded] = record
    return found


def _same(wanted: Any, said: Any, ours: str) -> bool:
    if ours in ("ledger_id", "customer") and isinstance(said, str):
        return wanted.lower() == said.lower()
    return (wanted or None) == (said or None)


def _differences(wanted: Any, record: Record, fields: Dict[str, Any]) -> List[str]:
    """Named, with both values. A field that Salesforce does not have was named once already."""
    return [
        "%s is %s, expected %s" % (ours.replace("_", " "), record.values[ours], getattr(wanted, ours))
        for ours in fields
        if ours in record.values and not _same(getattr(wanted, ours), record.values[ours], ours)
    ]


def _documents(report: Report, wanted: Reflection, there: Dict[str, Record], books: Ledger, accounts: Set[str]) -> None:
    for key, document in wanted.documents.items():
        record = there.get(key)
        report.counts["documents_expected"] += document.required
        if record is None:
            if document.required:
                report.find("missing", key, "%s of %s %s is not in Salesforce" % (_called(document), document.total, document.currency))
            continue
        wrong = _differences(document, record, DOCUMENT)
        contact = books.contacts.get(document.customer)
        if contact is not None and contact.number in accounts and record.account != contact.number:
            wrong.append("account is %s, expected %s" % (record.account, contact.number))
        if document.deal is not None and record.deal != document.deal:
            wrong.append("deal is %s, expected %s" % (record.deal, document.deal))
        if wrong:
            report.find("mismatches", key, "%s: %s" % (_called(document), "; ".join(wrong)))
        else:
            report.counts["documents_reflected"] += document.required
    _strangers(report, there, set(wanted.documents), "document")


def _called(document: Document) -> str:
    return "%s %s" % (document.kind, document.number or document.ledger_id)


def _movements(report: Report, wanted: Reflection, there: Dict[str, Record]) -> None:
    for key, movement in wanted.movements.items():
        counted = "allocations" if movement.kind == "allocation" else "payments"
        report.counts[counted + "_expected"] += movement.required
        record = there.get(key)
        what = "%s of %s %s" % (movement.kind, movement.amount, movement.currency)
        if record is None:
            if movement.required:
                report.find("missing", key, "%s of %s is not in Salesforce" % (what, movement.date))
            continue
        wrong = _differences(movement, record, MOVEMENT)
        if (record.document or "").lower() not in movement.documents:
            wrong.append("document is %s, expected %s" % (record.document, " or ".join(movement.documents)))
        if wrong:
            report.find("mismatches", key, "%s: %s" % (what, "; ".join(wrong)))
        else:
            report.counts[counted + "_reflected"] += movement.required
    # What Xero no longer shows at all (a deleted allocation) is kept and says so.
    kept = {key for key, record in there.items() if record.values.get("status") == "reversed" and "/allocation/" in key}
    _strangers(report, there, set(wanted.movements) | kept, "payment")


def _strangers(report: Report, there: Dict[str, Record], known: Set[str], what: str) -> None:
    for key in sorted(set(there) - known):
        report.find("strangers", key, "Salesforce has a %s that Xero does not know" % what)


def _balances(report: Report, wanted: Reflection, there: Dict[str, Record]) -> None:
    """A customer who owes nothing and has nothing left may have no record, or one of zeros."""
    for key in sorted(set(wanted.balances) | set(there)):
        record = there.get(key)
        customer, currency = key.split("/")[1:3]
        balance = wanted.balances.get(key) or Balance(key, customer, currency)
        if record is None:
            if balance.invoiced_due or balance.unallocated_credits:
                report.find("balance_mismatches", key, "%s %s of this customer are nowhere in Salesforce" % (balance.balance, currency))
            continue
        wrong = _differences(balance, record, BALANCE)
        if wrong:
            report.find("balance_mismatches", key, "; ".join(wrong))


def _arithmetic(report: Report, there: Dict[str, Record]) -> None:
    """due + paid + credited + deducted = total, unless voided or deleted."""
    for key, record in sorted(there.items()):
        said = record.values
        if said.get("kind") != "invoice" or said.get("status") in ("voided", "deleted"):
            continue
        parts = ("amount_due", "amount_paid", "amount_credited", "amount_deducted")
        total = sum((said.get(part, ZERO) for part in parts), ZERO)
        if total != said.get("total", ZERO):
            report.find("arithmetic_errors", key, "due, paid, credited and deducted come to %s, the total is %s" % (total, said.get("total")))


def control_accounts(report: Report, wanted: Reflection, there: Reflected, books: Ledger) -> Dict[str, Dict[str, Any]]:
    """Per currency: what moved in Xero, what must be left of it, and what Salesforce's balances and documents say is left."""
    organisation = books.organisation.lower() + "/"
    due: Dict[Optional[str], Decimal] = defaultdict(Decimal)
    unallocated: Dict[Optional[str], Decimal] = defaultdict(Decimal)
    owed: Dict[Optional[str], Decimal] = defaultdict(Decimal)
    for record in there.documents:
        said = record.values
        if not record.key.lower().startswith(organisation):
            continue
        if said.get("status") in ("awaiting-payment", "part-paid", "credit-unallocated"):
            due[said.get("currency")] += said.get("amount_due", ZERO)
            unallocated[said.get("currency")] += said.get("remaining_credit", ZERO)
    for record in there.balances:
        if record.key.lower().startswith(organisation):
            owed[record.values.get("currency")] += record.values.get("balance", ZERO)
    accounts: Dict[str, Dict[str, Any]] = {}
    for currency in sorted(set(wanted.control) | {c for c in [*due, *owed] if c}):
        control = wanted.control[currency]
        accounts[currency] = {
            "invoiced": control.invoiced,
            "paid": control.paid,
            "credited": control.credited,
            "deducted": control.deducted,
            "due": control.due,
            "credits_issued": control.issued,
            "allocated": control.allocated,
            "refunded": control.refunded,
            "unallocated": control.unallocated,
            "due_in_salesforce": due[currency],
            "unallocated_in_salesforce": unallocated[currency],
            "balance": control.due - control.unallocated,
            "balances_in_salesforce": owed[currency],
        }
        for name, mine, theirs in (
            ("due by Xero's own figures", control.due, control.due_in_xero),
            ("unallocated by Xero's own figures", control.unallocated, control.unallocated_in_xero),
            ("due by Salesforce's documents", control.due, due[currency]),
            ("unallocated by Salesforce's documents", control.unallocated, unallocated[currency]),
            ("owed by Salesforce's balances", control.due - control.unallocated, owed[currency]),
        ):
            if mine != theirs:
                report.find("balance_mismatches", currency, "%s is %s, the movements leave %s" % (name, theirs, mine))
    return accounts


def link_deals(wanted: Reflection, books: Ledger, deals: Set[str]) -> None:
    """An invoice whose link names one deal belongs to that deal."""
    of_invoice = {invoice.id: [d for d in deal_ids(invoice.url) if d in deals] for invoice in books.invoices.values()}
    for document in wanted.documents.values():
        named = of_invoice.get(document.ledger_id, [])
        if document.kind == "invoice" and len(named) == 1:
            document.deal = named[0]


