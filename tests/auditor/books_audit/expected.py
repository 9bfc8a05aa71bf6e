"""The invoices that the won deals call for, and the reason of each won deal that calls for none."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Dict, List, Optional, Tuple
from zoneinfo import ZoneInfo

from . import arithmetic
from .crm import Account, Crm, Deal, Line
from .customers import Customer, Directory, billed_account, exact
from .ledger import Ledger
from .policy import Policy, instant
from .tax import Held, account_of, chosen, type_of


@dataclass
class ExpectedLine:
    amount: Decimal
    tax: Decimal
    tax_type: str
    account: str
    item: Optional[str] = None


@dataclass
class ExpectedInvoice:
    deal: Deal
    part: int
    parts: int
    customer: Customer
    currency: str
    reference: Optional[str]
    terms_days: Optional[int]
    amounts: str
    lines: List[ExpectedLine] = field(default_factory=list)

    @property
    def total_tax(self) -> Decimal:
        return sum((line.tax for line in self.lines), Decimal(0))

    @property
    def sub_total(self) -> Decimal:
        gross = sum((line.amount for line in self.lines), Decimal(0))
        return gross - self.total_tax if self.amounts == "inclusive" else gross

    @property
    def total(self) -> Decimal:
        return self.sub_total + self.total_tax


@dataclass
class Expectation:
    invoices: Dict[str, List[ExpectedInvoice]]
    held: Dict[str, str]
    won: int


def work_out(crm: Crm, ledger: Ledger, policy: Policy) -> Expectation:
    """`ledger` as it was before the sync: what is in it was not made by us, but for our own links."""
    reader = _Reader(crm, ledger, policy)
    won = [deal for deal in crm.deals.values() if deal.won]
    held: Dict[str, str] = {}
    billable: List[Tuple[Deal, Account]] = []
    for deal in won:
        try:
            billable.append((deal, reader.billable(deal)))
        except Held as reason:
            held[deal.id] = str(reason)
    needing = {account.id: account for _, account in billable if reader.directory.needs_contact(account)}
    names = Counter(exact(account.name) for account in needing.values())
    namesakes = {name for name, count in names.items() if count > 1}
    invoices: Dict[str, List[ExpectedInvoice]] = {}
    for deal, account in billable:
        try:
            invoices[deal.id] = reader.invoices(deal, account, namesakes)
        except Held as reason:
            held[deal.id] = str(reason)
    return Expectation(invoices, held, len(won))


def became_won(deal: Deal, won_stages: set) -> Optional[dt.datetime]:
    """The last time its stage changed into a won one. An edit that keeps the stage is no change."""
    last: Optional[str] = None
    before: Optional[str] = None
    for at, stage in deal.history:
        if stage in won_stages and before not in won_stages:
            last = at
        before = stage
    moment = last or deal.stage_changed_at
    return instant(moment) if moment else None


class _Reader:
    def __init__(self, crm: Crm, ledger: Ledger, policy: Policy) -> None:
        self.crm = crm
        self.ledger = ledger
        self.policy = policy
        self.directory = Directory(ledger.contacts.values())
        self.zone = ZoneInfo(ledger.time_zone)
        self.today = policy.as_of.astimezone(self.zone).date()
        self.known: Dict[Tuple[str, Decimal, str], List[dt.date]] = defaultdict(list)
        for invoice in ledger.invoices.values():
            if invoice.is_live_sale() and invoice.date and not self._ours(invoice.url):
                key = (invoice.contact_id, invoice.total, invoice.currency)
                self.known[key].append(dt.date.fromisoformat(invoice.date))

    def _ours(self, url: Optional[str]) -> bool:
        prefix = self.policy.our_url_prefix
        if prefix and url and url.startswith(prefix):
            return True
        return any(deal in self.crm.deals for deal in deal_ids(url))

    def billable(self, deal: Deal) -> Account:
        """The account to bill, unless something about the deal alone speaks against it."""
        won_at = became_won(deal, self.crm.won_stages)
        if won_at is None or won_at < self.policy.go_live:
            raise Held("before-go-live")
        amount = deal.amount or Decimal(0)
        if amount == 0:
            raise Held("zero-amount")
        if amount < 0:
            raise Held("negative-amount")
        if deal.lines and sum(map(_amount, deal.lines)) != amount:
            raise Held("amount-differs")
        if not deal.lines and self.policy.no_lines == "hold":
            raise Held("no-lines")
        currency = deal.currency or self.ledger.base_currency
        if currency not in self.ledger.currencies and currency != self.ledger.base_currency:
            raise Held("currency-not-subscribed")
        closed = self.ledger.lock_dates + ([str(self.policy.tax_filed_to)] if self.policy.tax_filed_to else [])
        if any(self.today <= dt.date.fromisoformat(lock) for lock in closed):
            raise Held("locked-period")
        account = billed_account(deal, self.crm)
        if account is None or account.deleted:
            merged = account is not None and account.master_id
            raise Held("customer-merged" if merged else "customer-gone")
        for line in deal.lines or [None]:
            chosen(line, account, None, account_of(line, self.ledger, self.policy), self.ledger, self.policy)
        return account

    def invoices(self, deal: Deal, account: Account, namesakes: set) -> List[ExpectedInvoice]:
        customer = self.directory.find(account, namesakes)
        if customer.reason:
            raise Held(customer.reason)
        plan = percents(deal.billing_plan)
        due = [part for part in range(len(plan)) if self._is_due(deal, part)]
        whole = [self._line(line, deal, account, customer) for line in deal.lines or [None]]
        invoices = []
        for part in due:
            invoice = ExpectedInvoice(
                deal=deal,
                part=part,
                parts=len(plan),
                customer=customer,
                currency=deal.currency or self.ledger.base_currency,
                reference=deal.purchase_order,
                terms_days=self._terms(account),
                amounts=self.policy.amounts,
            )
            for line in whole:
                amount = arithmetic.shares(line.amount, plan)[part]
                tax = arithmetic.line_tax(amount, self.ledger.rates[line.tax_type].percent, self.policy.amounts)
                invoice.lines.append(ExpectedLine(amount, tax, line.tax_type, line.account, line.item))
            invoices.append(invoice)
        if any(self._looks_invoiced(invoice) for invoice in invoices):
            raise Held("looks-already-invoiced")
        return invoices

    def _line(self, line: Optional[Line], deal: Deal, account: Account, customer: Customer) -> ExpectedLine:
        code = account_of(line, self.ledger, self.policy)
        tax_type = type_of(line, account, customer.contact, code, self.ledger, self.policy)
        amount = _amount(line) if line is not None else arithmetic.half_up(deal.amount or Decimal(0))
        return ExpectedLine(amount, Decimal(0), tax_type, code, line.product_code if line is not None else None)

    def _terms(self, account: Account) -> Optional[int]:
        """Days to pay, where the policy says that Salesforce decides them."""
        if self.policy.default_terms_days is None:
            return None
        return self.policy.default_terms_days if account.terms_days is None else account.terms_days

    def _is_due(self, deal: Deal, part: int) -> bool:
        if part == 0:
            return True
        won_at = became_won(deal, self.crm.won_stages)
        days = self.policy.part_days[part - 1] if part <= len(self.policy.part_days) else None
        if won_at is None or days is None:
            return False
        return won_at.astimezone(self.zone).date() + dt.timedelta(days=days) <= self.today

    def _looks_invoiced(self, invoice: ExpectedInvoice) -> bool:
        if invoice.customer.contact is None:
            return False
        dates = self.known.get((invoice.customer.contact.id, invoice.total, invoice.currency), [])
        return any(abs((self.today - date).days) <= self.policy.already_invoiced_days for date in dates)


def _amount(line: Line) -> Decimal:
    return arithmetic.line_amount(line.quantity, line.unit_price, line.discount)


def percents(plan: Optional[str]) -> List[Decimal]:
    """`30,70` is two parts; empty is one."""
    if not plan:
        return [Decimal(100)]
    try:
        parts = [Decimal(part.strip()) for part in plan.split(",")]
    except ArithmeticError:
        raise Held("billing-plan-unclear") from None
    if sum(parts) != 100 or any(part <= 0 for part in parts):
        raise Held("billing-plan-unclear")
    return parts


def deal_ids(url: Optional[str]) -> List[str]:
    """18-character opportunity ids in a link."""
    found, text = [], url or ""
    at = text.find("006")
    while at >= 0:
        piece = text[at:at + 18]
        if len(piece) == 18 and piece.isalnum():
            found.append(piece)
        at = text.find("006", at + 1)
    return found
