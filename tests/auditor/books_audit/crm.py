"""What Salesforce says, read with simple-salesforce and SOQL alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Dict, List, Optional, Set, Tuple

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce

VERSION = "60.0"


@dataclass
class Account:
    id: str
    name: str
    country: Optional[str] = None
    tax_number: Optional[str] = None
    parent_id: Optional[str] = None
    bill_parent: bool = False
    terms_days: Optional[int] = None
    deleted: bool = False
    master_id: Optional[str] = None


@dataclass
class Line:
    quantity: Decimal
    unit_price: Decimal
    product_code: Optional[str] = None
    treatment: Optional[str] = None
    discount: Decimal = Decimal(0)


@dataclass
class Deal:
    id: str
    name: str
    account_id: Optional[str]
    amount: Optional[Decimal]
    won: bool
    stage_changed_at: Optional[str] = None
    currency: Optional[str] = None
    purchase_order: Optional[str] = None
    billing_plan: Optional[str] = None
    bill_to_id: Optional[str] = None
    lines: List[Line] = field(default_factory=list)
    # (instant as given, stage), oldest first
    history: List[Tuple[str, str]] = field(default_factory=list)
    # every queried field as answered, for write-backs and bystanders
    raw: Dict[str, Any] = field(default_factory=dict)


@dataclass
class Crm:
    deals: Dict[str, Deal]
    accounts: Dict[str, Account]
    won_stages: Set[str]


class _Plain(HTTPAdapter):
    """simple-salesforce writes https everywhere; a simulator on this machine speaks http."""

    def send(self, request, **options):  # type: ignore[override]
        request.url = "http" + request.url[len("https"):]
        return super().send(request, **options)


def connect(base_url: str, client_id: str, client_secret: str) -> Salesforce:
    """A session by client credentials."""
    answer = requests.post(
        base_url.rstrip("/") + "/services/oauth2/token",
        data={"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret},
        timeout=60,
    )
    answer.raise_for_status()
    session = requests.Session()
    host = base_url.split("://", 1)[1].rstrip("/")
    if base_url.startswith("http://"):
        session.mount("https://" + host, _Plain())
    return Salesforce(
        instance_url="https://" + host,
        session_id=answer.json()["access_token"],
        version=VERSION,
        session=session,
        parse_float=Decimal,
    )


def read(sf: Salesforce, write_back: Dict[str, str]) -> Crm:
    """Everything the rules ask for, deleted accounts too."""
    known = {f["name"] for f in sf.Opportunity.describe()["fields"]}
    wanted = ["Id", "Name", "AccountId", "Amount", "IsWon", "StageName", "LastStageChangeDate", "CloseDate"]
    wanted += ["CurrencyIsoCode", "PO_Number__c", "Billing_Plan__c", "Bill_To_Account__c", "SystemModstamp"]
    wanted += sorted(write_back.values())
    columns = [name for name in wanted if name in known]
    deals = {}
    for row in sf.query_all_iter("SELECT %s FROM Opportunity" % ", ".join(columns)):
        deals[row["Id"]] = _deal({key: value for key, value in row.items() if key != "attributes"})
    _lines(sf, deals)
    rows = sf.query_all_iter("SELECT OpportunityId, StageName, CreatedDate FROM OpportunityHistory ORDER BY CreatedDate")
    for row in rows:
        if row["OpportunityId"] in deals:
            deals[row["OpportunityId"]].history.append((row["CreatedDate"], row["StageName"]))
    stages = sf.query_all_iter("SELECT ApiName, IsWon FROM OpportunityStage")
    return Crm(deals, _accounts(sf), {row["ApiName"] for row in stages if row["IsWon"]})


def _deal(row: Dict[str, Any]) -> Deal:
    return Deal(
        id=row["Id"],
        name=row["Name"],
        account_id=row["AccountId"],
        amount=None if row["Amount"] is None else Decimal(row["Amount"]),
        won=row["IsWon"],
        stage_changed_at=row.get("LastStageChangeDate"),
        currency=row.get("CurrencyIsoCode"),
        purchase_order=row.get("PO_Number__c"),
        billing_plan=row.get("Billing_Plan__c"),
        bill_to_id=row.get("Bill_To_Account__c"),
        raw=row,
    )


def _lines(sf: Salesforce, deals: Dict[str, Deal]) -> None:
    query = (
        "SELECT OpportunityId, ProductCode, Quantity, UnitPrice, Discount, Tax_Treatment__c "
        "FROM OpportunityLineItem ORDER BY OpportunityId, SortOrder"
    )
    for row in sf.query_all_iter(query):
        if row["OpportunityId"] not in deals:
            continue
        deals[row["OpportunityId"]].lines.append(
            Line(
                quantity=Decimal(row["Quantity"]),
                unit_price=Decimal(row["UnitPrice"]),
                product_code=row["ProductCode"],
                treatment=row["Tax_Treatment__c"],
                discount=Decimal(row["Discount"] or 0),
            )
        )


def _accounts(sf: Salesforce) -> Dict[str, Account]:
    query = (
        "SELECT Id, Name, BillingCountryCode, Tax_Number__c, ParentId, Bill_Parent__c, Payment_Terms_Days__c, "
        "IsDeleted, MasterRecordId FROM Account"
    )
    accounts = {}
    for row in sf.query_all_iter(query, include_deleted=True):
        terms = row["Payment_Terms_Days__c"]
        accounts[row["Id"]] = Account(
            id=row["Id"],
            name=row["Name"],
            country=row["BillingCountryCode"],
            tax_number=row["Tax_Number__c"],
            parent_id=row["ParentId"],
            bill_parent=row["Bill_Parent__c"],
            terms_days=None if terms is None else int(terms),
            deleted=row["IsDeleted"],
            master_id=row["MasterRecordId"],
        )
    return accounts
