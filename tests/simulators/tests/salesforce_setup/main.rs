//! Custom objects, fields and permissions that come at run time: deployments, the Tooling API, field-level
//! security, formulas.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod package;
#[path = "../salesforce/mod.rs"]
mod salesforce;

use package::{HEAD, NS, OBJECT, field, formula, manifest, permission_set, whole};
use salesforce::Org;
use serde_json::{Value, json};

fn problems(result: &Value) -> Vec<String> {
    result["details"]["componentFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            format!(
                "{}: {}",
                message["fullName"].as_str().unwrap(),
                message["problem"].as_str().unwrap()
            )
        })
        .collect()
}

async fn ready() -> Org {
    let mut org = Org::new();
    org.log_in().await;
    let result = org.deploy(&whole(), json!({})).await;
    assert_eq!(result["status"], "Succeeded", "{:?}", problems(&result));
    assert_eq!(org.assign().await.status, 201);
    org
}

#[tokio::test]
async fn a_deployment_goes_through_its_states() {
    let mut org = Org::new();
    org.log_in().await;
    let queued = org.upload(&whole(), json!({"singlePackage": true})).await;
    assert_eq!(queued.body["deployResult"]["status"], "Pending");
    let id = queued.body["id"].as_str().unwrap().to_owned();
    let path = format!("/metadata/deployRequest/{id}");
    let mut states = Vec::new();
    for _ in 0..3 {
        let seen = org.get(&path).await;
        assert_eq!(seen.body["deployResult"].get("details"), None);
        states.push(
            seen.body["deployResult"]["status"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(states, ["Pending", "InProgress", "Succeeded"]);
    let seen = org.get(&format!("{path}?includeDetails=true")).await.body["deployResult"].clone();
    // Object, ten fields, list view, permission set, layout, folder, report.
    assert_eq!(seen["numberComponentsDeployed"], 16, "{seen}");
    assert_eq!(seen["numberComponentErrors"], 0);

    let again = org.deploy(&whole(), json!({})).await;
    let successes = again["details"]["componentSuccesses"].as_array().unwrap();
    assert!(
        successes.iter().all(|message| message["changed"] == false),
        "the same again changes nothing: {successes:?}"
    );

    // Nobody looks: it takes effect all the same.
    let mut org = Org::new();
    org.log_in().await;
    org.upload(&whole(), json!({"singlePackage": true})).await;
    let fields = "SELECT DeveloperName FROM CustomField WHERE DeveloperName = 'Due_Date'";
    assert_eq!(org.tooling(fields).await.body["size"], 0);
    org.simulator.clock().advance(chrono::Duration::minutes(1));
    assert_eq!(org.tooling(fields).await.body["size"], 1);

    let queued = org.upload(&whole(), json!({"singlePackage": true})).await;
    let path = format!(
        "/metadata/deployRequest/{}",
        queued.body["id"].as_str().unwrap()
    );
    let cancel = json!({"deployResult": {"status": "Canceling"}});
    assert_eq!(org.patch(&path, cancel).await.status, 202);
    assert_eq!(
        org.get(&path).await.body["deployResult"]["status"],
        "Canceled"
    );
}

#[tokio::test]
async fn a_check_changes_nothing_and_a_failure_rolls_back() {
    let mut org = Org::new();
    org.log_in().await;
    let checked = org.deploy(&whole(), json!({"checkOnly": true})).await;
    assert_eq!(
        (&checked["status"], &checked["checkOnly"]),
        (&json!("Succeeded"), &json!(true))
    );
    assert_eq!(
        org.tooling("SELECT Id FROM CustomObject").await.body["size"],
        0
    );

    let mut files = whole();
    files[2].1 = permission_set(&["Key__c", "Nope__c"]);
    let failed = org.deploy(&files, json!({})).await;
    assert_eq!(failed["status"], "Failed");
    assert_eq!(
        problems(&failed),
        ["Footbridge: In field: field - no CustomField named Accounting_Document__c.Nope__c found"]
    );
    assert_eq!(
        org.tooling("SELECT Id FROM CustomObject").await.body["size"],
        0,
        "all or nothing"
    );
    let partial = org.deploy(&files, json!({"rollbackOnError": false})).await;
    assert_eq!(partial["status"], "SucceededPartial");
    assert_eq!(
        org.tooling("SELECT Id FROM CustomObject").await.body["size"],
        1
    );
}

#[tokio::test]
async fn bad_components_are_refused_by_name() {
    let mut org = Org::new();
    org.log_in().await;
    let one = |part: String| {
        vec![
            ("package.xml", manifest(&[("CustomObject", &["Account"])])),
            (
                "objects/Account.object",
                format!("{HEAD}<CustomObject {NS}>{part}</CustomObject>"),
            ),
        ]
    };
    for (part, problem) in [
        (
            field("Bad__c", "<type>Text</type>"),
            "Must specify 'length' for a CustomField of type Text",
        ),
        (
            field("Bad", "<type>Date</type>"),
            "fullName must end with: __c",
        ),
        (
            field(
                "Bad__c",
                "<type>Lookup</type><referenceTo>Nope__c</referenceTo>",
            ),
            "referenceTo value of 'Nope__c' does not resolve to a valid sObject type",
        ),
        (
            field("Bad__c", "<type>Date</type><unique>true</unique>"),
            "Can not specify 'externalId' or 'unique'",
        ),
        (
            formula("Bad__c", "<type>Checkbox</type>", "FROBNICATE(Name)"),
            "Unknown function FROBNICATE. Check spelling.",
        ),
        (
            formula("Bad__c", "<type>Checkbox</type>", "Nope__c > 1"),
            "Field Nope__c does not exist. Check spelling.",
        ),
        (
            formula("Bad__c", "<type>Checkbox</type>", "1 + 1"),
            "Formula result is data type (Number), incompatible with expected data type (Boolean).",
        ),
        (
            formula(
                "Bad__c",
                "<type>Text</type>",
                "IF(Industry = 'Retail', 'a', 'b')",
            ),
            "Field Industry is a picklist field. Picklist fields are only supported in certain functions.",
        ),
        (
            formula("Bad__c", "<type>Text</type>", "TEXT(Name)"),
            "Incorrect parameter type for function 'TEXT()'. Expected Number, Date, DateTime, Picklist, received Text",
        ),
        (
            formula("Bad__c", "<type>Text</type>", "Description"),
            "You referenced an unsupported field type",
        ),
    ] {
        let failed = org.deploy(&one(part), json!({})).await;
        let said = problems(&failed);
        assert!(said[0].contains(problem), "{problem}: {said:?}");
    }
    let files = vec![
        (
            "package.xml",
            manifest(&[("CustomObject", &["Missing__c"])]),
        ),
        (
            "objects/Account.object",
            format!(
                "{HEAD}<CustomObject {NS}>{}</CustomObject>",
                field("Good__c", "<type>Date</type>")
            ),
        ),
    ];
    assert_eq!(
        problems(&org.deploy(&files, json!({})).await),
        [
            "Account.Good__c: Not in package.xml",
            "Missing__c: An object 'Missing__c' of type CustomObject was named in package.xml, but was not found in zipped directory",
        ]
    );
    let bare = vec![
        (
            "package.xml",
            manifest(&[("Layout", &["Account-Account Layout"])]),
        ),
        (
            "layouts/Account-Account Layout.layout",
            format!(
                "{HEAD}<Layout {NS}><relatedLists><relatedList>RelatedContactList</relatedList></relatedLists></Layout>"
            ),
        ),
    ];
    assert_eq!(
        problems(&org.deploy(&bare, json!({})).await),
        ["Account-Account Layout: Layout must contain an item for required layout field: Name"]
    );
    let nothing = org.upload(&[], json!({"singlePackage": true})).await;
    assert_eq!(nothing.status, 201);
    let json_only = org
        .post("/metadata/deployRequest", json!({"deployOptions": {}}))
        .await;
    assert_eq!(json_only.status, 415);

    let mut org = Org::with(|options| options.set("metadata-rights", "missing").unwrap());
    org.log_in().await;
    let refused = org.upload(&whole(), json!({})).await;
    assert_eq!(
        (refused.status, &refused.body[0]["errorCode"]),
        (403, &json!("INSUFFICIENT_ACCESS"))
    );
}

#[tokio::test]
async fn new_objects_and_fields_are_invisible_until_a_permission_set_is_assigned() {
    let mut org = Org::new();
    org.log_in().await;
    org.deploy(&whole(), json!({})).await;
    let select = format!("SELECT Id, Key__c FROM {OBJECT}");
    let hidden = org.query(&select).await;
    assert_eq!(
        (hidden.status, &hidden.body[0]["errorCode"]),
        (400, &json!("INVALID_TYPE"))
    );
    assert_eq!(
        org.get(&format!("/sobjects/{OBJECT}/describe"))
            .await
            .status,
        404
    );
    assert_eq!(
        org.post(&format!("/sobjects/{OBJECT}"), json!({"Name": "x"}))
            .await
            .status,
        404
    );
    // The set-up shows what is there, the definitions only what is seen.
    let there = format!(
        "SELECT DeveloperName FROM CustomField WHERE TableEnumOrId = '{}'",
        org.tooling("SELECT Id FROM CustomObject").await.body["records"][0]["Id"]
            .as_str()
            .unwrap()
            .get(..15)
            .unwrap()
    );
    assert_eq!(org.tooling(&there).await.body["size"], 10);
    let seen = format!(
        "SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = '{OBJECT}'"
    );
    assert_eq!(org.tooling(&seen).await.body["size"], 0);

    assert_eq!(org.assign().await.status, 201);
    assert_eq!(org.query(&select).await.status, 200);
    assert!(org.tooling(&seen).await.body["size"].as_u64().unwrap() > 10);
    let described = org.get(&format!("/sobjects/{OBJECT}/describe")).await.body;
    let find = |name: &str| {
        described["fields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|field| field["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (
            &find("Overdue__c")["calculated"],
            &find("Overdue__c")["createable"]
        ),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (&find("Key__c")["externalId"], &find("Key__c")["unique"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(find("Account__c")["relationshipName"], "Account__r");

    // One field less in the set: gone from describe and queries.
    let mut files = whole();
    files[2].1 = permission_set(&["Key__c"]);
    org.deploy(&files, json!({})).await;
    let gone = org.query(&format!("SELECT Status__c FROM {OBJECT}")).await;
    assert!(
        gone.text
            .contains("No such column 'Status__c' on entity 'Accounting_Document__c'"),
        "{}",
        gone.text
    );
    let refused = org
        .post(&format!("/sobjects/{OBJECT}"), json!({"Status__c": "x"}))
        .await;
    assert_eq!(refused.body[0]["errorCode"], "INVALID_FIELD");
    let kept = org
        .query("SELECT Id, PermissionsRead, Field FROM FieldPermissions")
        .await;
    assert_eq!(kept.body["totalSize"], 1);
    let assigned = org.query("SELECT Id FROM PermissionSetAssignment").await;
    let id = assigned.body["records"][0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    org.delete(&format!("/sobjects/PermissionSetAssignment/{id}"))
        .await;
    assert_eq!(org.query(&select).await.status, 400, "taken away again");
}

#[tokio::test]
async fn records_of_new_objects_are_like_any_other() {
    let org = ready().await;
    let account = org.load("Account", json!({"Name": "Tidewater"}));
    let path = format!("/sobjects/{OBJECT}");
    let made = org
        .post(&path, json!({"Name": "INV-1", "Kind__c": "Invoice", "Key__c": "org:invoice:1", "Account__c": account, "Amount_Due__c": 12.34567}))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.body["id"].as_str().unwrap().to_owned();
    let twice = org
        .post(
            &path,
            json!({"Kind__c": "Invoice", "Key__c": "ORG:invoice:1"}),
        )
        .await;
    assert_eq!(twice.body[0]["errorCode"], "DUPLICATE_VALUE");
    let long = org
        .post(
            &path,
            json!({"Kind__c": "Invoice", "Status__c": "x".repeat(41)}),
        )
        .await;
    assert_eq!(long.body[0]["errorCode"], "STRING_TOO_LONG");
    let computed = org
        .patch(&format!("{path}/{id}"), json!({"Overdue__c": true}))
        .await;
    assert_eq!(
        computed.body[0]["errorCode"],
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    );
    let upserted = org
        .patch(
            &format!("{path}/Key__c/org%3Ainvoice%3A2"),
            json!({"Kind__c": "Credit Note", "Account__c": account}),
        )
        .await;
    assert_eq!(upserted.status, 201, "{}", upserted.text);
    let rows = json!({"allOrNone": false, "records": [
        {"attributes": {"type": OBJECT}, "Kind__c": "Invoice", "Key__c": "org:invoice:3"},
        {"attributes": {"type": OBJECT}, "Kind__c": "Nonsense"},
    ]});
    let rows = org.post("/composite/sobjects", rows).await;
    assert_eq!(
        (&rows.body[0]["success"], &rows.body[1]["success"]),
        (&json!(true), &json!(false))
    );

    let read = org
        .get(&format!("{path}/{id}?fields=Name,Amount_Due__c,Overdue__c"))
        .await
        .body;
    assert_eq!(
        (read["Amount_Due__c"].to_string(), &read["Overdue__c"]),
        ("12.3457".to_owned(), &json!(false))
    );
    let nested = org
        .query("SELECT Name, (SELECT Name, Account__r.Name FROM Accounting_Documents__r ORDER BY Name) FROM Account")
        .await;
    let children = &nested.body["records"][0]["Accounting_Documents__r"];
    assert_eq!(children["totalSize"], 2);
    assert_eq!(children["records"][0]["Account__r"]["Name"], "Tidewater");
    // A name that was not given is the id.
    assert!(
        children["records"][0]["Name"]
            .as_str()
            .unwrap()
            .starts_with('a'),
        "{children}"
    );
    let (start, end) = ("2026-09-14T09:00:00Z", "2026-09-14T10:00:00Z");
    let updated = org
        .get(&format!("{path}/updated?start={start}&end={end}"))
        .await;
    assert_eq!(updated.body["ids"].as_array().unwrap().len(), 3);
    org.delete(&format!("/sobjects/Account/{account}")).await;
    let orphan = org.get(&format!("{path}/{id}")).await.body;
    assert_eq!(orphan["Account__c"], Value::Null, "the lookup is emptied");
}

#[tokio::test]
async fn formulas_are_worked_out_when_they_are_read() {
    let org = ready().await;
    for (key, due, amount) in [
        ("a", json!("2026-09-10"), json!(5)),
        ("b", json!("2026-09-14"), json!(5)),
        ("c", json!(null), json!(5)),
        ("d", json!("2026-08-01"), json!(null)),
    ] {
        let made = org.post(&format!("/sobjects/{OBJECT}"), json!({"Name": key, "Kind__c": "Invoice", "Due_Date__c": due, "Amount_Due__c": amount})).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let all = format!(
        "SELECT Name, Overdue__c, Days_Overdue__c, Age_Bucket__c, SystemModstamp FROM {OBJECT} ORDER BY Name"
    );
    let shown = |body: &Value| -> Vec<String> {
        body["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                format!(
                    "{} {} {} {}",
                    row["Name"].as_str().unwrap(),
                    row["Overdue__c"],
                    row["Days_Overdue__c"],
                    row["Age_Bucket__c"].as_str().unwrap()
                )
            })
            .collect()
    };
    let before = org.query(&all).await.body;
    assert_eq!(
        shown(&before),
        [
            "a true 4.0 1-30",
            "b false 0.0 Current",
            "c false 0.0 Current",
            "d false 0.0 Current"
        ]
    );
    // Midnight passes in London: nothing was written, and yet another document is overdue.
    org.simulator.clock().advance(chrono::Duration::hours(14));
    let mut org = org;
    org.log_in().await;
    let after = org.query(&all).await.body;
    assert_eq!(shown(&after)[..2], ["a true 5.0 1-30", "b true 1.0 1-30"]);
    assert_eq!(
        before["records"][1]["SystemModstamp"],
        after["records"][1]["SystemModstamp"]
    );
    let found = org
        .query(&format!(
            "SELECT COUNT() FROM {OBJECT} WHERE Overdue__c = true AND Days_Overdue__c > 1"
        ))
        .await;
    assert_eq!(found.body["totalSize"], 1);
    let summed = org
        .query(&format!(
            "SELECT Age_Bucket__c, SUM(Amount_Due__c) s FROM {OBJECT} GROUP BY Age_Bucket__c"
        ))
        .await;
    assert_eq!(summed.body["records"][0]["s"].to_string(), "10.0");
}

#[tokio::test]
async fn the_tooling_api_makes_fields_and_shows_what_a_difference_needs() {
    let mut org = Org::new();
    org.log_in().await;
    let new = json!({"FullName": "Account.Ledger_Id__c", "Metadata": {"type": "Text", "label": "Ledger Id", "length": 36, "externalId": true, "unique": true}});
    let made = org.post("/tooling/sobjects/CustomField", new.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("00N"));
    assert_eq!(
        org.post("/tooling/sobjects/CustomField", new).await.body[0]["errorCode"],
        "DUPLICATE_DEVELOPER_NAME"
    );
    assert!(
        org.query("SELECT Ledger_Id__c FROM Account")
            .await
            .text
            .contains("No such column"),
        "field-level security"
    );
    let one = org.tooling("SELECT Id, FullName, Metadata FROM CustomField WHERE DeveloperName = 'Ledger_Id' AND TableEnumOrId = 'Account'").await;
    assert_eq!(one.body["records"][0]["Metadata"]["length"], 36);
    let bad =
        json!({"FullName": "Account.Second__c", "Metadata": {"type": "Text", "label": "Second"}});
    assert_eq!(
        org.post("/tooling/sobjects/CustomField", bad).await.status,
        400
    );
    let change = json!({"Metadata": {"type": "Text", "label": "Ledger Id", "length": 60, "externalId": true, "unique": true}});
    assert_eq!(
        org.patch(&format!("/tooling/sobjects/CustomField/{id}"), change)
            .await
            .status,
        204
    );
    assert_eq!(
        org.get(&format!("/tooling/sobjects/CustomField/{id}"))
            .await
            .body["Metadata"]["length"],
        60
    );
    assert_eq!(
        org.delete(&format!("/tooling/sobjects/CustomField/{id}"))
            .await
            .status,
        204
    );
    assert_eq!(
        org.get(&format!("/tooling/sobjects/CustomField/{id}"))
            .await
            .status,
        404
    );

    org.deploy(&whole(), json!({})).await;
    let several = org.tooling("SELECT FullName FROM CustomField").await;
    assert_eq!(several.body[0]["errorCode"], "MALFORMED_QUERY");
    assert_eq!(
        org.tooling("SELECT Id FROM FieldDefinition").await.body[0]["errorCode"],
        "MALFORMED_QUERY"
    );
    let layout = org
        .tooling("SELECT Id, FullName, Metadata FROM Layout WHERE TableEnumOrId = 'Account'")
        .await
        .body["records"][0]
        .clone();
    assert_eq!(
        layout["Metadata"]["relatedLists"]["relatedList"],
        format!("{OBJECT}.Account__c")
    );
    for (soql, count) in [
        (
            "SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName = 'Account'",
            1,
        ),
        (
            "SELECT Name FROM PermissionSet WHERE Name = 'Footbridge'",
            1,
        ),
        (
            "SELECT DeveloperName FROM ListView WHERE SobjectType = 'Accounting_Document__c'",
            1,
        ),
        (
            "SELECT DeveloperName FROM Report WHERE FolderName = 'Accounting'",
            1,
        ),
        (
            "SELECT DataType FROM FieldDefinition WHERE EntityDefinitionId = 'Account' AND QualifiedApiName = 'Name'",
            1,
        ),
    ] {
        let found = org.tooling(soql).await;
        assert_eq!(found.body["size"], count, "{soql}: {}", found.text);
    }
}

#[tokio::test]
async fn what_was_deployed_is_taken_away_again() {
    let org = ready().await;
    org.post(
        &format!("/sobjects/{OBJECT}"),
        json!({"Kind__c": "Invoice"}),
    )
    .await;
    let remove = |types: &[(&str, &[&str])]| {
        vec![
            ("package.xml", manifest(&[])),
            ("destructiveChanges.xml", manifest(types)),
        ]
    };
    let used = org
        .deploy(
            &remove(&[("CustomField", &["Accounting_Document__c.Overdue__c"])]),
            json!({}),
        )
        .await;
    assert!(
        problems(&used)[0].contains("is referenced elsewhere"),
        "{:?}",
        problems(&used)
    );
    let assigned = org
        .deploy(&remove(&[("PermissionSet", &["Footbridge"])]), json!({}))
        .await;
    assert!(problems(&assigned)[0].contains("assigned"));

    let row = org
        .query("SELECT Id FROM PermissionSetAssignment")
        .await
        .body["records"][0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    org.delete(&format!("/sobjects/PermissionSetAssignment/{row}"))
        .await;
    let all = remove(&[
        ("CustomObject", &[OBJECT]),
        ("PermissionSet", &["Footbridge"]),
        ("Report", &["Accounting/Open_Documents", "Accounting"]),
        ("CustomField", &["Account.Never__c"]),
    ]);
    let gone = org.deploy(&all, json!({})).await;
    assert_eq!(gone["status"], "Succeeded", "{:?}", problems(&gone));
    let warning = gone["details"]["componentSuccesses"]
        .as_array()
        .unwrap()
        .iter()
        .find(|message| message["fullName"] == "Account.Never__c")
        .unwrap()
        .clone();
    assert_eq!(
        (&warning["problemType"], &warning["problem"]),
        (
            &json!("Warning"),
            &json!("No CustomField named: Account.Never__c found")
        )
    );
    for soql in [
        "SELECT Id FROM CustomObject",
        "SELECT Id FROM CustomField",
        "SELECT Id FROM Report",
        "SELECT Id FROM ListView",
        "SELECT Id FROM PermissionSet",
    ] {
        assert_eq!(org.tooling(soql).await.body["size"], 0, "{soql}");
    }
    let layout = org
        .tooling("SELECT Id, Metadata FROM Layout WHERE TableEnumOrId = 'Account'")
        .await;
    assert_eq!(
        layout.body["records"][0]["Metadata"]["relatedLists"],
        json!([])
    );
    assert_eq!(
        org.deploy(&whole(), json!({})).await["status"],
        "Succeeded",
        "and comes back"
    );
    org.assign().await;
    assert_eq!(
        org.query(&format!("SELECT COUNT() FROM {OBJECT}"))
            .await
            .body["totalSize"],
        0
    );
}
