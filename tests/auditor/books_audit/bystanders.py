"""What nobody asked to change, before and after: a snapshot of both systems and what differs from it."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from typing import Any, Dict, Optional

from .compare import Report
from .crm import Crm
from .ledger import Contact, Invoice, InvoiceLine, Ledger
from .policy import Policy

FORMAT = 1
_OF_LINES = ("amount", "tax", "quantity", "unit")
_MONEY = ("sub_total", "total_tax", "total", "amount_due", "amount_paid", "amount_credited", "amount_deducted", "rate") + _OF_LINES


def take(crm: Crm, ledger: Ledger, other: Optional[Ledger]) -> Dict[str, Any]:
    """The records as plain JSON."""
    return {
        "format": FORMAT,
        "contacts": {key: dataclasses.asdict(value) for key, value in ledger.contacts.items()},
        "invoices": {key: dataclasses.asdict(value) for key, value in ledger.invoices.items()},
        "accounts": {key: dataclasses.asdict(value) for key, value in crm.accounts.items()},
        "deals": {key: deal.raw for key, deal in crm.deals.items()},
        "other_organisation": None if other is None else _of_other(other),
    }


def _of_other(other: Ledger) -> Dict[str, Any]:
    return {
        "contacts": {key: dataclasses.asdict(value) for key, value in other.contacts.items()},
        "invoices": {key: dataclasses.asdict(value) for key, value in other.invoices.items()},
    }


def plain(value: Any) -> Any:
    """JSON without floats: a decimal is its digits."""
    return json.loads(json.dumps(value, default=str), parse_float=Decimal)


def write(path: str, snapshot: Dict[str, Any]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(snapshot, file, default=str, indent=1, sort_keys=True)


def read(path: str) -> Dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        snapshot = json.load(file)
    if snapshot.get("format") != FORMAT:
        raise ValueError("%s is no snapshot of this auditor" % path)
    return snapshot


def earlier(ledger: Ledger, snapshot: Dict[str, Any]) -> Ledger:
    """The ledger with the contacts and invoices that it had when the snapshot was taken."""
    contacts = {key: Contact(**value) for key, value in snapshot["contacts"].items()}
    invoices = {key: _invoice(value) for key, value in snapshot["invoices"].items()}
    return dataclasses.replace(ledger, contacts=contacts, invoices=invoices)


def _invoice(value: Dict[str, Any]) -> Invoice:
    fields = {key: Decimal(v) if key in _MONEY and v is not None else v for key, v in value.items()}
    fields["lines"] = [
        InvoiceLine(**{key: Decimal(v) if key in _MONEY and v is not None else v for key, v in line.items()})
        for line in value["lines"]
    ]
    return Invoice(**fields)


def touched(
    report: Report, snapshot: Dict[str, Any], crm: Crm, ledger: Ledger, other: Optional[Ledger], adopted: Dict[str, str], policy: Policy
) -> int:
    """Records of before that are not as they were. `adopted`: contact id to the account id it may have got."""
    now = plain(take(crm, ledger, other))
    count = 0
    for kind in ("invoices", "contacts", "accounts", "deals"):
        for key, was in snapshot[kind].items():
            is_now = now[kind].get(key)
            if is_now is None or _without(kind, key, was, adopted, policy) != _without(kind, key, is_now, adopted, policy):
                count += 1
                report.find("bystander", key, "%s %s changed or went: %s" % (kind, key, _difference(was, is_now)))
    if other is not None and snapshot["other_organisation"] is not None:
        if snapshot["other_organisation"] != now["other_organisation"]:
            count += 1
            report.find("bystander", other.organisation, "the other organisation is not as it was")
    return count


def _without(kind: str, key: str, record: Dict[str, Any], adopted: Dict[str, str], policy: Policy) -> Dict[str, Any]:
    """The record without what a right sync may change."""
    kept = dict(record)
    if kind == "deals":
        for name in list(policy.write_back.values()) + ["SystemModstamp"]:
            kept.pop(name, None)
    if kind == "contacts" and key in adopted and kept.get("number") in (None, adopted[key]):
        kept.pop("number", None)
    return kept


def _difference(was: Dict[str, Any], is_now: Optional[Dict[str, Any]]) -> str:
    if is_now is None:
        return "gone"
    names = sorted(name for name in set(was) | set(is_now) if was.get(name) != is_now.get(name))
    return ", ".join("%s %r -> %r" % (name, was.get(name), is_now.get(name)) for name in names)


