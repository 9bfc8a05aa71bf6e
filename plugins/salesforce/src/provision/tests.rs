//! The survey over an organisation in a few lines, and what answers mean. The whole way is tested against the simulator (`host/cli`).

use super::*;
use crate::provision::package::unpacked;
use footbridge_sdk::connector::FailureKind;
use footbridge_sdk::connector::http;
use footbridge_sdk::connector::writes::Method;
use footbridge_sdk::provisioner::provision::{Kind, State};
use serde_json::{Value, json};

/// Answers by a piece of the path or of the query; nothing else is there.
fn org(
    rows: &[(&str, Value)],
) -> impl FnMut(&http::Request) -> Result<http::Response, http::Error> {
    move |request| {
        let asked = format!(
            "{} {}",
            request.path,
            request
                .query
                .first()
                .map(|pair| pair.1.as_str())
                .unwrap_or_default()
        );
        let found = rows
            .iter()
            .find(|(piece, _)| asked.contains(piece))
            .map(|(_, body)| body.clone());
        let (status, body) = match (request.path.as_str(), found) {
            (path, Some(body)) if path.ends_with("/query") => (
                200,
                json!({"totalSize": "1", "done": true, "records": body}),
            ),
            (path, None) if path.ends_with("/query") => {
                (200, json!({"totalSize": "0", "done": true, "records": []}))
            }
            ("/", _) => (
                200,
                json!({"identity": "https://login.example/id/00DA0000000L2ZC/005A0000000L2ZC"}),
            ),
            (_, Some(body)) => (200, body),
            _ => (
                404,
                json!([{"errorCode": "NOT_FOUND", "message": "nothing"}]),
            ),
        };
        Ok(http::Response {
            status,
            headers: Vec::new(),
            body: http::Body::Json(body.to_string()),
        })
    }
}

fn layouts() -> (&'static str, Value) {
    (
        "FROM Layout",
        json!([{"Id": "00hA0000000L2ZC", "Name": "Account Layout", "TableEnumOrId": "Account"}]),
    )
}

#[test]
fn an_empty_organisation_needs_one_deployment_first_and_always_the_same() {
    let rows = [
        layouts(),
        (
            "/tooling/sobjects/Layout/",
            json!({"Metadata": {"relatedLists": []}}),
        ),
    ];
    let found = survey(Wish::Present, &mut org(&rows)).unwrap();
    assert_eq!(found.next.len(), 1);
    assert_eq!(
        (found.next[0].method, found.next[0].path.as_str()),
        (Method::Post, "/metadata/deployRequest")
    );
    assert_eq!(found, survey(Wish::Present, &mut org(&rows)).unwrap());
    let (_, files) = unpacked(&found.next[0]);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "layouts/Footbridge_Balance__c-Footbridge Balance Layout.layout",
            "layouts/Footbridge_Document__c-Footbridge Document Layout.layout",
            "layouts/Footbridge_Payment__c-Footbridge Payment Layout.layout",
            "objects/Footbridge_Balance__c.object",
            "objects/Footbridge_Document__c.object",
            "objects/Footbridge_Payment__c.object",
            "package.xml",
            "permissionsets/Footbridge_Read.permissionset",
            "permissionsets/Footbridge_Sync.permissionset",
            "reports/Footbridge-meta.xml",
            "reports/Footbridge/Receivables_By_Age.report",
            "reports/Footbridge/Receivables_By_Customer.report",
            "tabs/Footbridge_Balance__c.tab",
            "tabs/Footbridge_Document__c.tab",
            "tabs/Footbridge_Payment__c.tab",
        ]
    );
    let document = &files["objects/Footbridge_Document__c.object"];
    for piece in [
        "<fields><caseSensitive>false</caseSensitive><externalId>true</externalId><fullName>Key__c</fullName><label>Key</label><length>255</length><type>Text</type><unique>true</unique></fields>",
        "<fields><fullName>Amount_Due__c</fullName><label>Amount due</label><precision>18</precision><scale>2</scale><type>Number</type></fields>",
        "<fields><deleteConstraint>SetNull</deleteConstraint><fullName>Account__c</fullName><label>Account</label><referenceTo>Account</referenceTo><relationshipLabel>Footbridge Documents</relationshipLabel><relationshipName>Footbridge_Documents</relationshipName><type>Lookup</type></fields>",
        "Due_Date__c &lt; TODAY(), Amount_Due__c &gt; 0)</formula>",
        "<value><fullName>part-paid</fullName><default>false</default><label>Part-paid</label></value>",
    ] {
        assert!(document.contains(piece), "{piece}");
    }
    assert!(
        !files.values().any(|file| file.contains("Currency</type>")),
        "no currency fields"
    );
    let lists: Vec<&str> = found
        .parts
        .iter()
        .filter(|part| part.kind == Kind::RelatedList && part.state == State::Missing)
        .map(|part| part.name.as_str())
        .collect();
    assert_eq!(lists.len(), 3, "on the one layout of Account: {lists:?}");
    let by_hand = found
        .parts
        .iter()
        .filter(|part| matches!(part.state, State::Cannot(_)));
    assert_eq!(by_hand.count(), 1, "Opportunity shows no layout");
}

#[test]
fn what_somebody_made_is_in_the_way_and_nothing_is_sent() {
    let rows = [
        (
            "FROM CustomObject",
            json!([{"Id": "01IA0000000L2ZC", "DeveloperName": "Footbridge_Document", "Description": null}]),
        ),
        (
            "FROM CustomField",
            json!([
                {"Id": "00NA0000000L2ZC", "DeveloperName": "total", "TableEnumOrId": "01IA0000000L2ZC"},
                {"Id": "00NA0000000L2ZD", "DeveloperName": "Number", "TableEnumOrId": "01IA0000000L2ZCMA0"},
            ]),
        ),
        (
            "CustomField/00NA0000000L2ZC",
            json!({"Metadata": {"type": "Currency", "precision": "18", "scale": "2"}}),
        ),
        (
            "CustomField/00NA0000000L2ZD",
            json!({"Metadata": {"type": "Text", "length": "80"}}),
        ),
        (
            "FROM Organization",
            json!([{"OrganizationType": "Enterprise Edition"}]),
        ),
    ];
    let found = survey(Wish::Present, &mut org(&rows)).unwrap();
    assert!(found.next.is_empty());
    let state = |name: &str| {
        let part = found
            .parts
            .iter()
            .find(|part| part.kind == Kind::Field && part.name.ends_with(name));
        &part.unwrap().state
    };
    assert!(
        matches!(state("Document__c.Total__c"), State::Cannot(problem) if problem.message.contains("Footbridge_Document__c.total__c"))
    );
    assert!(matches!(state("Document__c.Number__c"), State::Differs(_)));
    let gone = survey(Wish::Absent, &mut org(&rows)).unwrap();
    assert!(
        gone.next.is_empty(),
        "without our mark it is somebody else's"
    );
    assert!(
        gone.parts
            .iter()
            .any(|part| part.kind == Kind::Object && matches!(part.state, State::Cannot(_)))
    );
}

#[test]
fn a_running_deployment_is_waited_for() {
    let rows = [("FROM DeployRequest", json!([{"Id": "0AfA0000000L2ZC"}]))];
    let found = survey(Wish::Present, &mut org(&rows)).unwrap();
    assert_eq!(
        (found.under_way.as_deref(), found.next.len()),
        (Some("0AfA0000000L2ZC"), 0)
    );
}

#[test]
fn answers_mean_what_they_say() {
    let rows = [layouts()];
    let deploy = survey(Wish::Present, &mut org(&rows))
        .unwrap()
        .next
        .remove(0);
    let answer = |status: u16, body: &Value| Answer {
        status,
        headers: Vec::new(),
        body: body.to_string(),
        json: true,
    };
    let of = |status, body: Value| read_answer(&deploy, &answer(status, &body));
    let queued = json!({"id": "0AfA", "deployResult": {"numberComponentsDeployed": "0", "numberComponentsTotal": "70"}});
    assert!(
        matches!(of(201, queued), Progress::UnderWay((handle, counts)) if handle == "0AfA" && counts.total == 70)
    );
    assert!(matches!(of(201, json!({})), Progress::Unknown(_)));
    assert!(matches!(of(503, json!({})), Progress::Unknown(_)));
    for (status, code, kind) in [
        (403, "INSUFFICIENT_ACCESS", FailureKind::Misconfigured),
        (403, "API_DISABLED_FOR_ORG", FailureKind::Misconfigured),
        (403, "REQUEST_LIMIT_EXCEEDED", FailureKind::Quota),
        (401, "INVALID_SESSION_ID", FailureKind::AuthExpired),
    ] {
        match of(status, json!([{"errorCode": code, "message": "m"}])) {
            Progress::Failed(failures) => assert_eq!(failures[0].kind, kind, "{code}"),
            other => panic!("{code}: {other:?}"),
        }
    }
    let assignment = WriteRequest {
        path: "/sobjects/PermissionSetAssignment".into(),
        ..deploy.clone()
    };
    let twice = answer(
        400,
        &json!([{"errorCode": "DUPLICATE_VALUE", "message": "m"}]),
    );
    assert_eq!(read_answer(&assignment, &twice), Progress::Done);
    assert_eq!(
        read_answer(&assignment, &answer(201, &json!({"id": "0Pa"}))),
        Progress::Done
    );
}

#[test]
fn a_failed_deployment_names_its_components() {
    let result = |more: Value| {
        let mut result = json!({"done": true, "status": "Failed"});
        result
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        vec![(
            "/metadata/deployRequest/0Af",
            json!({"deployResult": result}),
        )]
    };
    let failed = result(json!({"details": {"componentFailures": [
        {"componentType": "CustomField", "fullName": "Footbridge_Document__c.Total__c", "problem": "Cannot change the type"},
        {"componentType": "CustomField", "fullName": "X.Y__c", "problem": "You have reached the maximum number of 25 custom fields on X"},
    ]}}));
    let Progress::Failed(failures) = look("0Af", &mut org(&failed)).unwrap() else {
        panic!("it failed");
    };
    assert_eq!(
        failures[0].problem.message,
        "CustomField Footbridge_Document__c.Total__c: Cannot change the type"
    );
    assert!(failures[1].problem.message.contains("larger edition"));
    let cancelled = result(json!({"status": "Canceled", "details": {"componentFailures": []}}));
    assert!(
        matches!(look("0Af", &mut org(&cancelled)).unwrap(), Progress::Failed(failures) if failures[0].problem.message.contains("Canceled"))
    );
    let done = result(json!({"status": "Succeeded"}));
    assert_eq!(look("0Af", &mut org(&done)).unwrap(), Progress::Done);
    let going = result(json!({"done": false}));
    assert!(matches!(
        look("0Af", &mut org(&going)).unwrap(),
        Progress::UnderWay(_)
    ));
    assert!(matches!(
        look("0Af", &mut org(&[])).unwrap(),
        Progress::Unknown(_)
    ));
}
