"""Drives the Salesforce simulator with simple-salesforce, as anyone would use it.

Needs SALESFORCE_URL; prints one line per check and ends with "OK"; any surprise is an exception.
"""

import datetime
import io
import json
import os
import zipfile

import requests
from simple_salesforce import Salesforce, SalesforceExpiredSession, SalesforceMalformedRequest, format_soql
from simple_salesforce.exceptions import SalesforceResourceNotFound

BASE = os.environ["SALESFORCE_URL"]


class Plain(requests.adapters.HTTPAdapter):
    """simple-salesforce always says https; the simulator has no certificate."""

    def send(self, request, *args, **kwargs):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


def checked(what):
    print(f"simple-salesforce: {what}")


token = requests.post(
    f"{BASE}/services/oauth2/token",
    data={"grant_type": "client_credentials"},
    auth=("footbridge-salesforce-demo", "salesforce-demo-secret"),
    timeout=10,
).json()
session = requests.Session()
session.mount("https://", Plain())
sf = Salesforce(instance_url=token["instance_url"], session_id=token["access_token"], session=session, version="60.0")
checked("client credentials")

account = sf.Account.create({"Name": "O'Brien & Söhne", "BillingCity": "Leeds"})
assert account["success"] and len(account["id"]) == 18, account
found = sf.query(format_soql("SELECT Id, Name, BillingAddress FROM Account WHERE Name = {}", "o'brien & söhne"))
assert found["totalSize"] == 1 and found["records"][0]["BillingAddress"]["city"] == "Leeds", found
checked("escaped text, without regard to case")

records = [{"attributes": {"type": "Contact"}, "LastName": f"Person {n:03}", "AccountId": account["id"]} for n in range(120)]
answers = sf.restful("composite/sobjects", method="POST", json={"allOrNone": False, "records": records})
assert all(row["success"] for row in answers), answers
everyone = sf.query_all("SELECT Id, LastName, Account.Name FROM Contact ORDER BY LastName")
assert len(everyone["records"]) == 120 and everyone["records"][5]["Account"]["Name"] == "O'Brien & Söhne"
nested = sf.query_all("SELECT Id, (SELECT Id FROM Contacts) FROM Account")
assert nested["records"][0]["Contacts"]["totalSize"] == 120, nested
checked("collections, parents and children")

deal = sf.Opportunity.create(
    {"Name": "Deal", "AccountId": account["id"], "StageName": "Prospecting", "CloseDate": "2030-01-31", "Amount": 1234.5}
)
assert sf.Opportunity.update(deal["id"], {"StageName": "Closed Won"}) == 204
read = sf.Opportunity.get(deal["id"])
assert read["IsWon"] and read["Probability"] == 100.0 and read["Amount"] == 1234.5, read
assert read["CloseDate"] == datetime.datetime.now(datetime.timezone.utc).date().isoformat(), read
since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
changed = sf.query(format_soql("SELECT Id FROM Opportunity WHERE SystemModstamp >= {} AND IsWon = {}", since, True))
assert changed["totalSize"] == 1, changed
assert sf.query("SELECT COUNT() FROM Opportunity WHERE CloseDate = TODAY")["totalSize"] in (0, 1)
grouped = sf.query("SELECT StageName, COUNT(Id) n, SUM(Amount) FROM Opportunity GROUP BY StageName")
assert grouped["records"][0]["n"] == 1 and grouped["records"][0]["expr0"] == 1234.5, grouped
checked("winning, instants, aggregates")

assert sf.Account.upsert("Xero_Contact_Id__c/c-77", {"Name": "Upserted"}) == 201
assert sf.Account.upsert("Xero_Contact_Id__c/c-77", {"Name": "Upserted again"}) == 204
assert sf.Account.get_by_custom_id("Xero_Contact_Id__c", "c-77")["Name"] == "Upserted again"
assert any(field["name"] == "Xero_Contact_Id__c" and field["externalId"] for field in sf.Account.describe()["fields"])
checked("upsert, describe")

for refused, code in [
    (lambda: sf.query("SELECT Nope FROM Account"), "INVALID_FIELD"),
    (lambda: sf.query("SELECT Id FROM Nothing"), "INVALID_TYPE"),
    (lambda: sf.Account.create({"Name": "x" * 256}), "STRING_TOO_LONG"),
]:
    try:
        refused()
        raise AssertionError(f"{code} expected")
    except SalesforceMalformedRequest as error:
        assert error.content[0]["errorCode"] == code, error.content
try:
    sf.Account.get("001000000000001AAA")
    raise AssertionError("not found expected")
except SalesforceResourceNotFound:
    pass
checked("errors")

NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


def deployed(files):
    """Deploys over the REST resource (simple-salesforce's own deploy speaks SOAP) and waits."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    at = f"{BASE}/services/data/v60.0/metadata/deployRequest"
    head = {"Authorization": f"Bearer {token['access_token']}"}
    options = json.dumps({"deployOptions": {"singlePackage": True, "rollbackOnError": True}})
    parts = {"json": (None, options, "application/json"), "file": ("deploy.zip", zipped.getvalue(), "application/zip")}
    queued = requests.post(at, headers=head, files=parts, timeout=10)
    assert queued.status_code == 201, queued.text
    for _ in range(10):
        result = requests.get(f"{at}/{queued.json()['id']}?includeDetails=true", headers=head, timeout=10).json()["deployResult"]
        if result["done"]:
            return result
    raise AssertionError("the deployment never ended")


field = '<fields><fullName>Balance__c</fullName><label>Balance</label><type>Number</type><precision>16</precision><scale>4</scale></fields>'
rights = '<fieldPermissions><field>Account.Balance__c</field><editable>true</editable><readable>true</readable></fieldPermissions>'
members = '<types><members>Account.Balance__c</members><name>CustomField</name></types><types><members>Balances</members><name>PermissionSet</name></types>'
result = deployed({
    "package.xml": f"<Package {NS}>{members}<version>60.0</version></Package>",
    "objects/Account.object": f"<CustomObject {NS}>{field}</CustomObject>",
    "permissionsets/Balances.permissionset": f"<PermissionSet {NS}><label>Balances</label>{rights}</PermissionSet>",
})
assert result["status"] == "Succeeded", result
assert not any(described["name"] == "Balance__c" for described in sf.Account.describe()["fields"])
who = sf.query("SELECT Id FROM User")["records"][0]["Id"]
what = sf.query("SELECT Id FROM PermissionSet WHERE Name = 'Balances'")["records"][0]["Id"]
assert sf.PermissionSetAssignment.create({"AssigneeId": who, "PermissionSetId": what})["success"]
assert sf.Account.update(account["id"], {"Balance__c": 12.34567}) == 204
assert sf.Account.get(account["id"])["Balance__c"] == 12.3457
found = sf.toolingexecute("query/?q=SELECT+Id+FROM+CustomField+WHERE+DeveloperName='Balance'")
assert found["size"] == 1, found
checked("deployment, field-level security, tooling query")

assert sf.Account.delete(sf.Account.create({"Name": "Short-lived"})["id"]) == 204
gone = sf.query_all("SELECT Id FROM Account WHERE IsDeleted = true", include_deleted=True)
assert gone["totalSize"] == 1, gone
assert sf.api_usage["api-usage"].used > 0, sf.api_usage
stale = Salesforce(instance_url=BASE, session_id="00D!stale", session=session, version="60.0")
try:
    stale.query("SELECT Id FROM Account")
    raise AssertionError("expired session expected")
except SalesforceExpiredSession:
    pass
print("OK")
