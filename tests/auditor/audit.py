#!/usr/bin/env python3
"""Audits what a sync left in Xero, or with --reflected in Salesforce, through the public APIs alone. See README.md.

Prints one JSON object. Exit code 0: both sides agree; 1: they do not; 2: the audit could not be made.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections import Counter
from typing import Any, Dict, List, Optional
from zoneinfo import ZoneInfo

from books_audit import bystanders, compare, compare_back, crm, expected, ledger, policy, receivables, reflected, reflection


def arguments(given: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--xero-url", required=True, help="base URL of the Xero API, without /api.xro/2.0")
    parser.add_argument("--xero-token-url", required=True)
    parser.add_argument("--xero-client-id", default="footbridge-xero-demo")
    parser.add_argument("--xero-client-secret", default="xero-demo-secret")
    parser.add_argument("--xero-tenant", default="", help="organisation id; a custom connection needs none")
    parser.add_argument("--other-client-id", help="client of a second organisation that must stay untouched")
    parser.add_argument("--other-client-secret")
    parser.add_argument("--salesforce-url", required=True, help="base URL of the Salesforce organisation")
    parser.add_argument("--salesforce-client-id", default="footbridge-salesforce-demo")
    parser.add_argument("--salesforce-client-secret", default="salesforce-demo-secret")
    parser.add_argument("--policy", required=True, help="the firm's choices, policy.json")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--snapshot", metavar="FILE", help="write the state of both sides to FILE and stop")
    mode.add_argument("--before", metavar="FILE", help="a snapshot taken before the sync")
    mode.add_argument("--reflected", action="store_true", help="audit what came back to Salesforce instead")
    return parser.parse_args(given)


def audit(options: argparse.Namespace) -> Dict[str, Any]:
    """The report; reads both systems once."""
    rules = policy.read(options.policy)
    salesforce = crm.connect(options.salesforce_url, options.salesforce_client_id, options.salesforce_client_secret)
    deals = crm.read(salesforce, rules.write_back)
    xero = ledger.connect(options.xero_url, options.xero_token_url, options.xero_client_id, options.xero_client_secret)
    books = ledger.read(xero, options.xero_tenant)
    if options.reflected:
        money = receivables.read(xero, options.xero_tenant)
        return verdict_back(deals, books, money, reflected.read(salesforce), rules, dt.datetime.now(dt.timezone.utc))
    other = None
    if options.other_client_id:
        api = ledger.connect(options.xero_url, options.xero_token_url, options.other_client_id, options.other_client_secret)
        other = ledger.read(api)
    if options.snapshot:
        bystanders.write(options.snapshot, bystanders.take(deals, books, other))
        return {"snapshot": options.snapshot, "contacts": len(books.contacts), "invoices": len(books.invoices)}
    before = bystanders.read(options.before) if options.before else None
    return verdict(deals, books, other, before, rules, dt.datetime.now(dt.timezone.utc))


def verdict(
    deals: crm.Crm,
    books: ledger.Ledger,
    other: Optional[ledger.Ledger],
    before: Optional[Dict[str, Any]],
    rules: policy.Policy,
    now: dt.datetime,
) -> Dict[str, Any]:
    """Expected against found. Without a snapshot, what has no link to a deal counts as having been there."""
    if before is not None:
        then = bystanders.earlier(books, before)
    else:
        unlinked = {key: i for key, i in books.invoices.items() if not expected.deal_ids(i.url)}
        then = bystanders.dataclasses.replace(books, invoices=unlinked)
    wanted = expected.work_out(deals, then, rules)
    report, found = compare.invoices(wanted, deals, books, set(then.invoices), rules, now)
    created = compare.contacts(report, wanted, books, set(then.contacts))
    right = compare.write_backs(report, deals, found, (before or {}).get("deals"), rules)
    touched: Optional[int] = None
    if before is not None:
        adopted = {
            invoice.customer.contact.id: invoice.customer.account_id
            for of_deal in wanted.invoices.values()
            for invoice in of_deal
            if invoice.customer.contact is not None
        }
        touched = bystanders.touched(report, before, deals, books, other, adopted, rules)
    return {
        "deals": wanted.won,
        "expected": sum(map(len, wanted.invoices.values())),
        "found": sum(map(len, found.values())),
        "contacts_created": created,
        "write_backs": right,
        **report.counts,
        "bystanders_touched": touched,
        "held": len(wanted.held),
        "held_by_reason": dict(sorted(Counter(wanted.held.values()).items())),
        "held_deals": dict(sorted(wanted.held.items())),
        "control_account": compare.control_accounts(wanted, found),
        "verdict": "disagree" if report.findings else "agree",
        "findings": report.findings,
    }


def verdict_back(
    deals: crm.Crm,
    books: ledger.Ledger,
    money: receivables.Receivables,
    there: reflected.Reflected,
    rules: policy.Policy,
    now: dt.datetime,
) -> Dict[str, Any]:
    """What Xero says against what Salesforce shows of it."""
    today = now.astimezone(ZoneInfo(books.time_zone)).date()
    wanted = reflection.work_out(books, money, today, rules.write_off_accounts)
    compare_back.link_deals(wanted, books, set(deals.deals))
    report = compare_back.compare(wanted, there, books, {a.id for a in deals.accounts.values() if not a.deleted})
    control = compare_back.control_accounts(report, wanted, there, books)
    statuses = Counter(document.status for document in wanted.documents.values())
    return {
        **report.counts,
        "balances_expected": len(wanted.balances),
        "statuses": dict(sorted(statuses.items())),
        "receivables_control_account": control,
        "verdict": "disagree" if report.findings else "agree",
        "findings": report.findings,
    }


def main() -> int:
    try:
        report = audit(arguments())
    except (OSError, ValueError, KeyError) as problem:
        print("the audit could not be made: %s: %s" % (type(problem).__name__, problem), file=sys.stderr)
        return 2
    print(json.dumps(report, indent=2, default=str, ensure_ascii=False))
    return 0 if report.get("verdict", "agree") == "agree" else 1


if __name__ == "__main__":
    sys.exit(main())
