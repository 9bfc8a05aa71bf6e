"""The firm's choices, as the operator made them: `policy.json`. A missing or unknown key is an error."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Dict, List, Optional

PRESENCE = ("any", "present", "absent")


@dataclass(frozen=True)
class TaxRule:
    """All conditions given must hold; the first rule that does wins."""

    name: str
    tax_type: str
    countries: List[str] = field(default_factory=list)
    tax_number: str = "any"
    treatment: Optional[str] = None

    def speaks_of(self, country: str, has_number: bool, treatment: Optional[str]) -> bool:
        if self.countries and country not in self.countries:
            return False
        if self.tax_number == "present" and not has_number or self.tax_number == "absent" and has_number:
            return False
        return self.treatment is None or self.treatment == treatment


@dataclass(frozen=True)
class Policy:
    go_live: dt.datetime
    as_of: dt.datetime
    default_account: str
    tax_rules: List[TaxRule]
    amounts: str = "exclusive"
    no_lines: str = "one-line"
    already_invoiced_days: int = 60
    part_days: List[int] = field(default_factory=lambda: [60])
    tax_filed_to: Optional[dt.date] = None
    our_url_prefix: Optional[str] = None
    invoice_status: Optional[str] = None
    default_terms_days: Optional[int] = None
    # What is settled by payments to these accounts, or by credit notes on them alone, was given up.
    write_off_accounts: List[str] = field(default_factory=list)
    write_back: Dict[str, str] = field(
        default_factory=lambda: {
            "id": "Xero_Invoice_Id__c",
            "number": "Xero_Invoice_Number__c",
            "link": "Xero_Invoice_Link__c",
        }
    )


def instant(text: str) -> dt.datetime:
    """An instant as either vendor or the policy writes it."""
    text = text.replace("Z", "+00:00")
    if len(text) > 5 and text[-5] in "+-" and text[-3] != ":":
        text = text[:-2] + ":" + text[-2:]
    if "." in text:
        head, tail = text.split(".", 1)
        digits = "".join(c for c in tail.split("+")[0].split("-")[0] if c.isdigit())
        text = head + "." + digits[:6].ljust(6, "0") + tail[len(digits):]
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("%r has no time zone" % text)
    return moment.astimezone(dt.timezone.utc)


def read(path: str) -> Policy:
    """Reads the policy; says which key is wrong."""
    with open(path, encoding="utf-8") as file:
        return of(json.load(file))


def of(given: Dict[str, object]) -> Policy:
    known = set(Policy.__dataclass_fields__)
    unknown = sorted(set(given) - known)
    if unknown:
        raise ValueError("policy: unknown %s; known are %s" % (", ".join(unknown), ", ".join(sorted(known))))
    missing = [key for key in ("go_live", "as_of", "default_account", "tax_rules") if key not in given]
    if missing:
        raise ValueError("policy: %s missing" % ", ".join(missing))
    values = dict(given)
    values["go_live"] = instant(str(given["go_live"]))
    values["as_of"] = instant(str(given["as_of"]))
    values["tax_rules"] = [TaxRule(**rule) for rule in given["tax_rules"]]  # type: ignore[union-attr]
    wrong = [rule.name for rule in values["tax_rules"] if rule.tax_number not in PRESENCE]
    if wrong:
        raise ValueError("policy: tax rule %s: tax_number is one of %s" % (wrong[0], ", ".join(PRESENCE)))
    if values.get("tax_filed_to"):
        values["tax_filed_to"] = dt.date.fromisoformat(str(values["tax_filed_to"]))
    policy = Policy(**values)  # type: ignore[arg-type]
    if policy.no_lines not in ("one-line", "hold"):
        raise ValueError("policy: no_lines is one-line or hold")
    return policy
