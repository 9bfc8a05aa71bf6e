"""Expected invoices against those found, to the cent."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Dict, List, Optional, Set, Tuple
from zoneinfo import ZoneInfo

from . import arithmetic
from .crm import Crm, Deal
from .expected import Expectation, ExpectedInvoice, deal_ids
from .ledger import Invoice, Ledger
from .policy import Policy

MONEY = "total-mismatch"


@dataclass
class Report:
    counts: Dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("duplicates", "lost", "total_mismatches", "other_mismatches", "unexpected", "write_back_errors"), 0
        )
    )
    findings: List[Dict[str, Any]] = field(default_factory=list)

    def find(self, kind: str, about: str, message: str) -> None:
        self.findings.append({"kind": kind, "about": about, "message": message})


def invoices(
    expectation: Expectation, crm: Crm, ledger: Ledger, known: Set[str], policy: Policy, now: dt.datetime
) -> Tuple[Report, Dict[str, List[Invoice]]]:
    """`known`: ids of invoices that were there before. Gives the report and what was found per deal."""
    report = Report()
    found: Dict[str, List[Invoice]] = defaultdict(list)
    for invoice in ledger.invoices.values():
        if invoice.id in known:
            continue
        deals = [deal for deal in deal_ids(invoice.url) if deal in crm.deals]
        if invoice.status in ("VOIDED", "DELETED") and deals:
            report.find("voided", deals[0], "invoice %s carries the deal's link and is %s" % (invoice.number, invoice.status))
        elif len(deals) == 1:
            found[deals[0]].append(invoice)
        else:
            report.counts["unexpected"] += 1
            report.find("unexpected", invoice.id, "invoice %s of no deal appeared" % invoice.number)
    rates = {rate.tax_type: rate.percent for rate in ledger.rates.values()}
    window = _window(ledger, policy, now)
    for deal_id in sorted(set(found) | set(expectation.invoices)):
        there = found.get(deal_id, [])
        wanted = list(expectation.invoices.get(deal_id, []))
        _deal(report, crm.deals[deal_id], wanted, there, ledger, rates, window, policy, expectation.held.get(deal_id))
    return report, found


def _deal(
    report: Report,
    deal: Deal,
    wanted: List[ExpectedInvoice],
    there: List[Invoice],
    ledger: Ledger,
    rates: Dict[str, Decimal],
    window: Tuple[dt.date, dt.date],
    policy: Policy,
    reason: Optional[str],
) -> None:
    if not wanted:
        report.counts["unexpected"] += len(there)
        report.find("unexpected", deal.id, "%s has %d invoice(s) although it waits: %s" % (deal.name, len(there), reason or "not won"))
        return
    left = list(there)
    for invoice in wanted:
        if not left:
            report.counts["lost"] += 1
            report.find("lost", deal.id, "%s has no invoice of %s %s" % (deal.name, invoice.total, invoice.currency))
            continue
        best = min(left, key=lambda candidate: abs(candidate.total - invoice.total))
        left.remove(best)
        _invoice(report, invoice, best, ledger, rates, window, policy)
    if left:
        report.counts["duplicates"] += len(left)
        report.find("duplicate", deal.id, "%s has %d invoice(s) too many: %s" % (deal.name, len(left), ", ".join(str(i.number) for i in left)))


def _invoice(
    report: Report,
    wanted: ExpectedInvoice,
    there: Invoice,
    ledger: Ledger,
    rates: Dict[str, Decimal],
    window: Tuple[dt.date, dt.date],
    policy: Policy,
) -> None:
    money = _money(wanted, there, rates)
    if money:
        report.counts["total_mismatches"] += 1
        report.find(MONEY, wanted.deal.id, "%s, invoice %s: %s" % (wanted.deal.name, there.number, "; ".join(money)))
    other = _other(wanted, there, ledger, window, policy)
    if other:
        report.counts["other_mismatches"] += 1
        report.find("mismatch", wanted.deal.id, "%s, invoice %s: %s" % (wanted.deal.name, there.number, "; ".join(other)))


def _differs(what: str, expected: Any, found: Any) -> List[str]:
    return [] if expected == found else ["%s is %s, expected %s" % (what, found, expected)]


def _money(wanted: ExpectedInvoice, there: Invoice, rates: Dict[str, Decimal]) -> List[str]:
    problems = _differs("currency", wanted.currency, there.currency)
    problems += _differs("line amounts", wanted.amounts, there.amounts)
    problems += _differs("sub-total", wanted.sub_total, there.sub_total)
    problems += _differs("tax", wanted.total_tax, there.total_tax)
    problems += _differs("total", wanted.total, there.total)
    if wanted.parts > 1:
        # A part may be one line or many: its sums per account and tax type are what counts.
        return problems + _differs("sums per account and tax type", _sums(wanted.lines), _sums(there.lines))
    problems += _differs("number of lines", len(wanted.lines), len(there.lines))
    for position, (line, found) in enumerate(zip(wanted.lines, there.lines), 1):
        problems += _differs("line %d amount" % position, line.amount, found.amount)
        problems += _differs("line %d tax" % position, line.tax, found.tax)
        problems += _differs("line %d tax type" % position, line.tax_type, found.tax_type)
    # The ledger's own sums must hold as well.
    for position, found in enumerate(there.lines, 1):
        rate = rates.get(found.tax_type or "NONE", Decimal(0))
        problems += _differs(
            "tax of line %d by its own rate" % position, arithmetic.line_tax(found.amount, rate, there.amounts), found.tax
        )
    return problems


def _sums(lines: Any) -> List[Tuple[str, str, Decimal]]:
    sums: Dict[Tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[(line.account, line.tax_type)] += line.amount
    return sorted((account, tax_type, amount) for (account, tax_type), amount in sums.items())


def _other(
    wanted: ExpectedInvoice, there: Invoice, ledger: Ledger, window: Tuple[dt.date, dt.date], policy: Policy
) -> List[str]:
    problems: List[str] = []
    if wanted.parts == 1:
        for position, (line, found) in enumerate(zip(wanted.lines, there.lines), 1):
            problems += _differs("line %d account" % position, line.account, found.account)
            problems += _differs("line %d item" % position, line.item, found.item)
            if not found.description:
                problems.append("line %d says nothing" % position)
    contact = ledger.contacts.get(there.contact_id)
    if wanted.customer.contact is not None:
        problems += _differs("contact", wanted.customer.contact.id, there.contact_id)
    # A contact that was there before may keep its number empty: nothing of theirs has to be touched.
    untouched = contact is not None and wanted.customer.contact is not None and not contact.number
    if not untouched and (contact is None or contact.number != wanted.customer.account_id):
        problems.append("the contact does not carry the account's id %s" % wanted.customer.account_id)
    elif wanted.customer.contact is None and contact.name != wanted.customer.name:
        problems += _differs("contact name", wanted.customer.name, contact.name)
    if there.date is None or not window[0] <= dt.date.fromisoformat(there.date) <= window[1]:
        problems.append("its date %s is not between %s and %s" % (there.date, *window))
    elif wanted.terms_days is not None:
        due = dt.date.fromisoformat(there.date) + dt.timedelta(days=wanted.terms_days)
        problems += _differs("due date", str(due), there.due_date)
    if wanted.reference:
        problems += _differs("reference", wanted.reference, there.reference)
    if policy.invoice_status:
        problems += _differs("status", policy.invoice_status, there.status)
    if policy.our_url_prefix and not (there.url or "").startswith(policy.our_url_prefix):
        problems.append("its link %s does not begin with %s" % (there.url, policy.our_url_prefix))
    return problems


def _window(ledger: Ledger, policy: Policy, now: dt.datetime) -> Tuple[dt.date, dt.date]:
    zone = ZoneInfo(ledger.time_zone)
    return policy.as_of.astimezone(zone).date(), max(now, policy.as_of).astimezone(zone).date()


def contacts(report: Report, expectation: Expectation, ledger: Ledger, known: Set[str]) -> int:
    """New contacts belong to customers of expected invoices, one each. Gives their number."""
    wanted = {
        invoice.customer.account_id
        for of_deal in expectation.invoices.values()
        for invoice in of_deal
        if invoice.customer.contact is None
    }
    new = [contact for contact in ledger.contacts.values() if contact.id not in known]
    seen: Set[str] = set()
    for contact in new:
        if contact.number not in wanted or contact.number in seen:
            report.counts["unexpected"] += 1
            report.find("unexpected", contact.id, "contact %r appeared for no customer that needed one" % contact.name)
        seen.add(contact.number or "")
    return len(new)


def write_backs(report: Report, crm: Crm, found: Dict[str, List[Invoice]], before: Optional[Dict[str, Any]], policy: Policy) -> int:
    """Deals with an invoice name it; the others say what they said before. Gives the number of right ones."""
    names = policy.write_back
    right = 0
    for deal in crm.deals.values():
        said = {key: deal.raw.get(name) for key, name in names.items()}
        there = found.get(deal.id, [])
        if there:
            ok = any(
                all(said[key] == value for key, value in (("id", invoice.id), ("number", invoice.number)) if key in names)
                for invoice in there
            )
            ok = ok and ("link" not in names or bool(said["link"]))
            right += ok
            if not ok:
                report.counts["write_back_errors"] += 1
                report.find("write-back", deal.id, "%s says %s, its invoice is %s" % (deal.name, said, there[0].number))
            continue
        earlier = (before or {}).get(deal.id, {})
        if any(said[key] != earlier.get(name) for key, name in names.items()):
            report.counts["write_back_errors"] += 1
            report.find("write-back", deal.id, "%s names an invoice (%s) but has none" % (deal.name, said))
    return right


def control_accounts(expectation: Expectation, found: Dict[str, List[Invoice]]) -> Dict[str, Dict[str, Any]]:
    """Receivables raised per currency: what the deals call for against what stands in the ledger."""
    accounts: Dict[str, Dict[str, Any]] = {}

    def of(currency: str) -> Dict[str, Any]:
        zero = Decimal("0.00")
        return accounts.setdefault(currency, {"expected_count": 0, "expected": zero, "found_count": 0, "found": zero})

    for wanted in (invoice for of_deal in expectation.invoices.values() for invoice in of_deal):
        account = of(wanted.currency)
        account["expected_count"] += 1
        account["expected"] += wanted.total
    for invoice in (invoice for of_deal in found.values() for invoice in of_deal):
        account = of(invoice.currency)
        account["found_count"] += 1
        account["found"] += invoice.total
    for account in accounts.values():
        account["difference"] = account["found"] - account["expected"]
    return dict(sorted(accounts.items()))
