// Drives the Salesforce simulator with jsforce, as anyone would use it.
// Needs SALESFORCE_URL; prints one line per check and ends with "OK"; any surprise is an exception.
import assert from "node:assert/strict";
import { strToU8, zipSync } from "fflate";
import jsforce from "jsforce";

const base = process.env.SALESFORCE_URL;
const checked = (what) => console.log(`jsforce: ${what}`);

const oauth2 = new jsforce.OAuth2({
  loginUrl: base,
  clientId: "footbridge-salesforce-demo",
  clientSecret: "salesforce-demo-secret",
});
const signedIn = new jsforce.Connection({ oauth2, instanceUrl: base });
await signedIn.authorize({ grant_type: "client_credentials" });
assert.ok(signedIn.accessToken);
checked("client credentials");

const conn = new jsforce.Connection({
  instanceUrl: signedIn.instanceUrl,
  accessToken: signedIn.accessToken,
  version: "60.0",
});
const organisation = await conn.query("SELECT Id, Name, IsSandbox FROM Organization");
assert.equal(organisation.records[0].IsSandbox, false);
assert.equal((await conn.identity()).organization_id, organisation.records[0].Id);

// 250 accounts: jsforce cuts them into collections of 200.
const accounts = Array.from({ length: 250 }, (_, index) => ({ Name: `Customer ${String(index).padStart(3, "0")}` }));
const created = await conn.sobject("Account").create(accounts, { allowRecursive: true });
assert.equal(created.length, 250);
assert.ok(created.every((row) => row.success && row.id.length === 18));
assert.equal(await conn.sobject("Account").count({ Name: { $like: "Customer%" } }), 250);
checked("create collections");

const deal = await conn.sobject("Opportunity").create({
  Name: "Big deal",
  AccountId: created[0].id,
  StageName: "Prospecting",
  CloseDate: "2030-01-31",
});
const product = await conn.sobject("Product2").create({ Name: "Widget", ProductCode: "W-1", IsActive: true });
const [book] = await conn.sobject("Pricebook2").find({ IsStandard: true }, "Id");
const entry = await conn.sobject("PricebookEntry").create({
  Product2Id: product.id, Pricebook2Id: book.Id, UnitPrice: 19.99, IsActive: true,
});
const lines = Array.from({ length: 140 }, (_, index) => ({
  OpportunityId: deal.id, PricebookEntryId: entry.id, Quantity: 3, UnitPrice: 19.99, SortOrder: index,
}));
assert.ok((await conn.sobject("OpportunityLineItem").create(lines)).every((row) => row.success));
checked("lines");

const nested = await conn.query(
  "SELECT Id, Amount, Account.Name, (SELECT Id, TotalPrice FROM OpportunityLineItems ORDER BY SortOrder) FROM Opportunity",
);
const [big] = nested.records;
assert.equal(big.Account.Name, "Customer 000");
assert.equal(big.Amount, 8395.8);
let page = big.OpportunityLineItems;
let seen = page.records.length;
assert.ok(!page.done, "140 children do not fit one page");
while (!page.done) {
  page = await conn.queryMore(page.nextRecordsUrl);
  seen += page.records.length;
}
assert.equal(seen, 140);
checked("nested query with child pages");

const names = await conn.query("SELECT Name FROM Account ORDER BY Name DESC").run({ autoFetch: true, maxFetch: 1000 });
assert.equal(names.records?.length ?? names.length, 250);
const found = await conn
  .sobject("Account")
  .find({ CreatedDate: { $gte: jsforce.Date.YESTERDAY }, Name: { $in: ["Customer 001", "customer 002"] } }, "Id, Name")
  .sort({ Name: 1 })
  .limit(5);
assert.deepEqual(found.map((record) => record.Name), ["Customer 001", "Customer 002"]);
checked("query builder and pages");

const won = await conn.sobject("Opportunity").update({ Id: deal.id, StageName: "Closed Won" });
assert.ok(won.success);
const after = await conn.sobject("Opportunity").retrieve(deal.id);
assert.equal(after.IsWon, true);
assert.equal(after.CloseDate, new Date().toISOString().slice(0, 10));
assert.match(after.SystemModstamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$/);
const histories = await conn.query(`SELECT StageName FROM OpportunityHistory WHERE OpportunityId = '${deal.id}' ORDER BY CreatedDate`);
assert.ok(histories.records.some((row) => row.StageName === "Closed Won"));
checked("winning");

const several = await conn.sobject("Account").update([
  { Id: created[1].id, Phone: "0113 496 0000" },
  { Id: created[2].id, Name: "x".repeat(300) },
]);
assert.equal(several[0].success, true);
assert.equal(several[1].errors[0].statusCode, "STRING_TOO_LONG");
const upserted = await conn.sobject("Account").upsert(
  [{ Xero_Contact_Id__c: "c-1", Name: "Upserted" }, { Xero_Contact_Id__c: "c-1", Name: "Again" }],
  "Xero_Contact_Id__c",
);
assert.deepEqual(upserted.map((row) => row.created), [true, false]);
const retrieved = await conn.sobject("Account").retrieve([created[1].id, created[2].id]);
assert.equal(retrieved[0].Phone, "0113 496 0000");
checked("update, upsert, retrieve");

const composite = await conn.requestPost("/services/data/v60.0/composite", {
  allOrNone: true,
  compositeRequest: [
    { method: "POST", url: "/services/data/v60.0/sobjects/Contact", referenceId: "ap", body: { LastName: "Payable", AccountId: created[0].id } },
    { method: "PATCH", url: "/services/data/v60.0/sobjects/Contact/@{ap.id}", referenceId: "mail", body: { Email: "ap@customer.example" } },
    { method: "GET", url: "/services/data/v60.0/query?q=SELECT+Email+FROM+Contact+WHERE+Id='@{ap.id}'", referenceId: "read" },
  ],
});
assert.deepEqual(composite.compositeResponse.map((part) => part.httpStatusCode), [201, 204, 200]);
assert.equal(composite.compositeResponse[2].body.records[0].Email, "ap@customer.example");
checked("composite");

const described = await conn.sobject("Opportunity").describe();
assert.equal(described.fields.find((field) => field.name === "Amount").type, "currency");
assert.ok((await conn.describeGlobal()).sobjects.some((object) => object.name === "Account"));
checked("describe");

await assert.rejects(conn.query("SELECT Nope FROM Account"), (error) => error.errorCode === "INVALID_FIELD");
await assert.rejects(conn.query("SELECT Id FROM Account WHERE"), (error) => error.errorCode === "MALFORMED_QUERY");
await assert.rejects(conn.sobject("Account").create({ Name: null }), (error) => error.errorCode === "REQUIRED_FIELD_MISSING");
await assert.rejects(conn.sobject("Account").retrieve("001000000000001AAA"), (error) => error.errorCode === "NOT_FOUND");
checked("errors");

const destroyed = await conn.sobject("Account").destroy(created.slice(100, 110).map((row) => row.id));
assert.ok(destroyed.every((row) => row.success));
assert.equal(await conn.sobject("Account").count({ Name: { $like: "Customer%" } }), 240);
const start = new Date(Date.now() - 3_600_000).toISOString();
const end = new Date(Date.now() + 120_000).toISOString();
assert.equal((await conn.sobject("Account").deleted(start, end)).deletedRecords.length, 10);
assert.ok((await conn.sobject("Account").updated(start, end)).ids.length >= 240);
checked("destroy, deleted, updated");

const ns = 'xmlns="http://soap.sforce.com/2006/04/metadata"';
const packed = (files) => Buffer.from(zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)]))));
const deployed = async (files, options) => {
  const queued = await conn.metadata.deployRest(packed(files), { singlePackage: true, rollbackOnError: true, ...options });
  for (let look = 0; look < 10; look += 1) {
    const { deployResult } = await conn.request(`/metadata/deployRequest/${queued.id}?includeDetails=true`);
    if (deployResult.done) return deployResult;
  }
  throw new Error("the deployment never ended");
};
const noteObject = `<CustomObject ${ns}><label>Note</label><pluralLabel>Notes</pluralLabel><nameField><label>Note</label><type>Text</type></nameField>
  <deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel>
  <fields><fullName>Due__c</fullName><label>Due</label><type>Date</type></fields>
  <fields><fullName>Late__c</fullName><label>Late</label><type>Checkbox</type><formula>Due__c &lt; TODAY()</formula></fields></CustomObject>`;
const noteRights = `<PermissionSet ${ns}><label>Notes</label>
  <fieldPermissions><field>Note__c.Due__c</field><editable>true</editable><readable>true</readable></fieldPermissions>
  <fieldPermissions><field>Note__c.Late__c</field><editable>false</editable><readable>true</readable></fieldPermissions>
  <objectPermissions><object>Note__c</object><allowRead>true</allowRead><allowCreate>true</allowCreate><allowEdit>true</allowEdit>
  <allowDelete>true</allowDelete><viewAllRecords>false</viewAllRecords><modifyAllRecords>false</modifyAllRecords></objectPermissions></PermissionSet>`;
const notes = {
  "package.xml": `<Package ${ns}><types><members>Note__c</members><name>CustomObject</name></types><types><members>Notes</members><name>PermissionSet</name></types><version>60.0</version></Package>`,
  "objects/Note__c.object": noteObject,
  "permissionsets/Notes.permissionset": noteRights,
};
const broken = await deployed({ ...notes, "objects/Note__c.object": noteObject.replace("TODAY", "YESTERDAY") });
assert.equal(broken.status, "Failed");
assert.equal(broken.details.componentFailures[0].problem, "Unknown function YESTERDAY. Check spelling.");
assert.equal((await deployed(notes)).status, "Succeeded");
await assert.rejects(conn.query("SELECT Late__c FROM Note__c"), (error) => error.errorCode === "INVALID_TYPE");
const [rights] = await conn.sobject("PermissionSet").find({ Name: "Notes" }, "Id");
const me = await conn.identity();
assert.ok((await conn.sobject("PermissionSetAssignment").create({ PermissionSetId: rights.Id, AssigneeId: me.user_id })).success);
const late = await conn.sobject("Note__c").create({ Name: "Late", Due__c: "2020-01-01" });
assert.equal((await conn.sobject("Note__c").retrieve(late.id)).Late__c, true);
const tooling = await conn.tooling.query("SELECT DeveloperName FROM CustomField WHERE DeveloperName IN ('Due', 'Late')");
assert.equal(tooling.totalSize, 2);
checked("deployment, permission set, formula, tooling query");

assert.ok(conn.limitInfo.apiUsage.used > 0);
const stale = new jsforce.Connection({ instanceUrl: base, accessToken: "00D!stale", version: "60.0" });
await assert.rejects(stale.query("SELECT Id FROM Account"), (error) => error.errorCode === "INVALID_SESSION_ID");
console.log("OK");
