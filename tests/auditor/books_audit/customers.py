"""Who is billed, and which Xero contact that is: linked, adopted, new, or a question for a person."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Set

from .crm import Account, Crm, Deal
from .ledger import Contact

LEGAL_FORMS = ("ltd", "limited", "plc", "llc")


@dataclass(frozen=True)
class Customer:
    """The answer for one account: a contact that exists, or one to be created, or a reason."""

    account_id: str
    name: str
    contact: Optional[Contact] = None
    reason: Optional[str] = None


def billed_account(deal: Deal, crm: Crm) -> Optional[Account]:
    """The deal's bill-to, else the parent where the account says so, else the account."""
    account = crm.accounts.get(deal.bill_to_id or deal.account_id or "")
    if account is not None and not deal.bill_to_id and account.bill_parent and account.parent_id:
        return crm.accounts.get(account.parent_id)
    return account


def exact(name: str) -> str:
    """Xero compares names without regard to case."""
    return name.strip().casefold()


def loose(name: str) -> str:
    """A name without case, spaces, punctuation and legal form."""
    text = unicodedata.normalize("NFKC", name).casefold()
    words = "".join(c if c.isalnum() else " " if c.isspace() else "" for c in text).split()
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words.pop()
    return "".join(words)


class Directory:
    """The ledger's contacts by the ways they are found."""

    def __init__(self, contacts: Iterable[Contact]) -> None:
        self.by_number: Dict[str, Contact] = {}
        self.by_name: Dict[str, List[Contact]] = defaultdict(list)
        self.by_loose: Dict[str, List[Contact]] = defaultdict(list)
        for contact in contacts:
            if contact.number:
                self.by_number[contact.number] = contact
            self.by_name[exact(contact.name)].append(contact)
            self.by_loose[loose(contact.name)].append(contact)

    def needs_contact(self, account: Account) -> bool:
        return account.id not in self.by_number

    def find(self, account: Account, namesakes: Set[str]) -> Customer:
        """`namesakes`: exact names that more than one account in need of a contact has."""
        linked = self.by_number.get(account.id)
        if linked is not None:
            return Customer(account.id, account.name, linked, _gone(linked))
        if exact(account.name) in namesakes:
            return Customer(account.id, account.name, reason="customer-name-clash")
        same = self.by_name[exact(account.name)]
        active = [contact for contact in same if contact.status == "ACTIVE"]
        if active:
            if len(active) == 1 and not active[0].number:
                return Customer(account.id, account.name, active[0])
            return Customer(account.id, account.name, reason="customer-name-clash")
        if same:
            return Customer(account.id, account.name, reason="customer-name-clash")
        near = self.by_loose[loose(account.name)]
        if any(contact.status == "ACTIVE" and not contact.number for contact in near):
            return Customer(account.id, account.name, reason="customer-looks-existing")
        return Customer(account.id, account.name)


def _gone(contact: Contact) -> Optional[str]:
    if contact.status == "ACTIVE":
        return None
    return "customer-merged" if contact.merged_to else "customer-gone"
