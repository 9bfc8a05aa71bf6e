"""The tax type of a line: a rule of the flow, else the contact's, else the item's, else the account's."""

from __future__ import annotations

from typing import Optional

from .crm import Account, Line
from .ledger import Contact, Ledger
from .policy import Policy


class Held(Exception):
    """The deal waits; the argument is the reason's code."""


def account_of(line: Optional[Line], ledger: Ledger, policy: Policy) -> str:
    """The item's sales account, else the account the firm chose."""
    code = policy.default_account
    if line is not None and line.product_code:
        item = ledger.items.get(line.product_code)
        if item is None:
            raise Held("item-not-found")
        code = item.account or code
    account = ledger.accounts.get(code)
    if account is None or not account.active:
        raise Held("no-account")
    return code


def type_of(
    line: Optional[Line],
    customer: Account,
    contact: Optional[Contact],
    account: str,
    ledger: Ledger,
    policy: Policy,
) -> str:
    """The winner, if it fits the account."""
    winner = chosen(line, customer, contact, account, ledger, policy)
    rate = ledger.rates.get(winner)
    if rate is None or not rate.active or ledger.accounts[account].account_class not in rate.classes:
        raise Held("tax-type-unfit")
    return winner


def chosen(
    line: Optional[Line],
    customer: Account,
    contact: Optional[Contact],
    account: str,
    ledger: Ledger,
    policy: Policy,
) -> str:
    """The winner, whether it fits or not."""
    country = customer.country or ledger.country
    treatment = line.treatment if line is not None else None
    for rule in policy.tax_rules:
        if rule.speaks_of(country, bool(customer.tax_number), treatment):
            return rule.tax_type
    if customer.tax_number and country != ledger.country:
        raise Held("foreign-tax-number")
    if contact is not None and contact.sales_tax_type:
        return contact.sales_tax_type
    item = ledger.items.get(line.product_code or "") if line is not None else None
    if item is not None and item.tax_type:
        return item.tax_type
    return ledger.accounts[account].tax_type or "NONE"
