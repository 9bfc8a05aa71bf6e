"""The records that came back to Salesforce, read with simple-salesforce and SOQL alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Dict, List, Optional, Tuple

from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceResourceNotFound

MONEY = "money"
DATE = "date"
TEXT = "text"
COUNT = "count"

# Field of the expected record -> (field in Salesforce, its shape).
DOCUMENT: Dict[str, Tuple[str, str]] = {
    "kind": ("Kind__c", TEXT),
    "ledger_id": ("Ledger_Id__c", TEXT),
    "customer": ("Customer__c", TEXT),
    "status": ("Status__c", TEXT),
    "currency": ("Currency__c", TEXT),
    "number": ("Number__c", TEXT),
    "reference": ("Reference__c", TEXT),
    "date": ("Date__c", DATE),
    "due_date": ("Due_Date__c", DATE),
    "fully_paid_on": ("Fully_Paid_On__c", DATE),
    "sub_total": ("Sub_Total__c", MONEY),
    "total_tax": ("Total_Tax__c", MONEY),
    "total": ("Total__c", MONEY),
    "amount_due": ("Amount_Due__c", MONEY),
    "amount_paid": ("Amount_Paid__c", MONEY),
    "amount_credited": ("Amount_Credited__c", MONEY),
    "amount_deducted": ("Amount_Deducted__c", MONEY),
    "remaining_credit": ("Remaining_Credit__c", MONEY),
    "base_total": ("Base_Total__c", MONEY),
    "base_amount_due": ("Base_Amount_Due__c", MONEY),
    "days_to_pay": ("Days_To_Pay__c", COUNT),
}
MOVEMENT: Dict[str, Tuple[str, str]] = {
    "kind": ("Kind__c", TEXT),
    "status": ("Status__c", TEXT),
    "currency": ("Currency__c", TEXT),
    "date": ("Date__c", DATE),
    "amount": ("Amount__c", MONEY),
    "base_amount": ("Base_Amount__c", MONEY),
}
BALANCE: Dict[str, Tuple[str, str]] = {
    "customer": ("Customer__c", TEXT),
    "currency": ("Currency__c", TEXT),
    "invoiced_due": ("Invoiced_Due__c", MONEY),
    "unallocated_credits": ("Unallocated_Credits__c", MONEY),
    "balance": ("Balance__c", MONEY),
    "base_balance": ("Base_Balance__c", MONEY),
    "overdue": ("Overdue__c", MONEY),
    "open_documents": ("Open_Documents__c", COUNT),
}


@dataclass
class Record:
    """A record as Salesforce has it: plain values under the names of the expected ones."""

    id: str
    key: str
    values: Dict[str, Any]
    account: Optional[str] = None
    deal: Optional[str] = None
    # Key of the document that a payment belongs to.
    document: Optional[str] = None


@dataclass
class Reflected:
    documents: List[Record] = field(default_factory=list)
    movements: List[Record] = field(default_factory=list)
    balances: List[Record] = field(default_factory=list)
    # Objects and fields that Salesforce does not have.
    absent: List[str] = field(default_factory=list)


def read(sf: Salesforce) -> Reflected:
    """All records of the three objects; what is not provisioned is named instead."""
    found = Reflected()
    found.documents = _read(sf, found, "Footbridge_Document__c", DOCUMENT, ["Account__c", "Opportunity__c"])
    found.movements = _read(sf, found, "Footbridge_Payment__c", MOVEMENT, ["Document__c"])
    found.balances = _read(sf, found, "Footbridge_Balance__c", BALANCE, ["Account__c"])
    return found


def _read(sf: Salesforce, found: Reflected, name: str, fields: Dict[str, Tuple[str, str]], lookups: List[str]) -> List[Record]:
    try:
        there = {f["name"] for f in getattr(sf, name).describe()["fields"]}
    except SalesforceResourceNotFound:
        found.absent.append(name)
        return []
    wanted = ["Key__c"] + [column for column, _ in fields.values()] + lookups
    found.absent += ["%s.%s" % (name, column) for column in wanted if column not in there]
    columns = ["Id"] + [column for column in wanted if column in there]
    if "Document__c" in columns:
        columns[columns.index("Document__c")] = "Document__r.Key__c"
    rows = sf.query_all_iter("SELECT %s FROM %s" % (", ".join(columns), name))
    return [_record(row, fields) for row in rows]


def _record(row: Dict[str, Any], fields: Dict[str, Tuple[str, str]]) -> Record:
    values = {ours: plain(row[column], shape) for ours, (column, shape) in fields.items() if column in row}
    document = row.get("Document__r")
    return Record(
        id=row["Id"],
        key=row.get("Key__c") or "",
        values=values,
        account=row.get("Account__c"),
        deal=row.get("Opportunity__c"),
        document=document["Key__c"] if document else None,
    )


def plain(value: Any, shape: str) -> Any:
    """Money that is not there is nothing; text that is not there is none."""
    if shape == MONEY:
        return Decimal(0) if value is None else Decimal(value)
    if shape == COUNT:
        return None if value is None else int(Decimal(value))
    return value or None
