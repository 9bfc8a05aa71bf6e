//! Setting Salesforce up: shown, done, done once, cut off, refused by name, taken away; and the records that go there afterwards.

use crate::books::Books;
use chrono::{Days, Utc};
use footbridge::compose::Surroundings;
use footbridge::config::Config;
use footbridge::provisioning;
use footbridge_engine::ports::{Connector, Outbound, Sent};
use footbridge_model::FailureKind;
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::{Action, Criteria, Operation, Outcome, Verdict};
use footbridge_sandbox::{
    Broker, BrokerOptions, Compiler, Connection, InstallationKey, Limits, Provider, Sandbox,
    SandboxOptions, SecretSource, SystemClock,
};
use footbridge_simulators::faults::{Fault, FaultRule};
use footbridge_simulators::salesforce::schema::FieldDef;
use serde_json::{Value, json};
use std::sync::Arc;

const DEPLOY: &str = "/metadata/deployRequest";
const ASSIGN: &str = "/sobjects/PermissionSetAssignment";
const LAYOUT: &str = "/tooling/sobjects/Layout";

fn writes(books: &Books) -> u64 {
    books.salesforce.counts().writes
}

fn names(told: &Value, state: &str) -> Vec<String> {
    let parts = told["parts"].as_array().unwrap();
    let in_state = |part: &&Value| part["state"] == state || part["state"].get(state).is_some();
    let name = |part: &Value| {
        format!(
            "{} {}",
            part["kind"].as_str().unwrap(),
            part["name"].as_str().unwrap()
        )
    };
    parts.iter().filter(in_state).map(name).collect()
}

/// A page that somebody arranged, with things that we know nothing of.
fn arranged() -> Value {
    json!({
        "layoutSections": [{
            "label": "Mine", "style": "OneColumn", "customLabel": true,
            "layoutColumns": [{"layoutItems": [{"behavior": "Required", "field": "Name"}, {"behavior": "Edit", "field": "Website"}]}],
        }],
        "relatedLists": [{"relatedList": "RelatedNoteList"}, {"relatedList": "RelatedContactList", "fields": ["FULL_NAME"]}],
        "showEmailCheckbox": false,
        "summaryLayout": {"masterLabel": "x", "sizeX": 4, "sizeY": 0},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_shown_then_done_and_the_second_time_there_is_nothing_to_do() {
    let books = Books::open(12).await;
    books
        .salesforce
        .arrange("Account-Partners", &arranged())
        .unwrap();
    let shown = books.run(&["provision", "--dry-run"]).await;
    assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{}", shown.out);
    for line in [
        "What Footbridge needs in Harbour & Hill Services (salesforce):",
        "  + object Footbridge Document (Footbridge_Document__c)\n      with 33 fields, a page layout, a tab and 3 list views\n",
        "  + permission set Footbridge Sync (Footbridge_Sync)\n",
        "  + related list Footbridge Balances (Account-Partners:Footbridge_Balance__c.Account__c)\n",
        "  + report Receivables by age (Footbridge/Receivables_By_Age)\n",
    ] {
        assert!(shown.out.contains(line), "{line}\n{}", shown.out);
    }
    assert_eq!(writes(&books), 0, "only shown");
    let refused = books.run(&["provision", "--json"]).await;
    assert_eq!(refused.code, 2, "JSON asks nobody");

    let done = books.run(&["provision", "--yes", "--json"]).await;
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
    let told = done.json();
    assert_eq!(
        (&told["changed"], &told["done"]),
        (&json!(true), &json!(true))
    );
    assert!(
        names(&told, "missing").is_empty() && names(&told, "differs").is_empty(),
        "{told}"
    );
    // One deployment, one assignment, one write to each layout of Account and Opportunity.
    assert_eq!(writes(&books), 5, "{:?}", books.salesforce.counts().paths);

    let now = books.salesforce.layout("Account-Partners").unwrap();
    let mut wanted = arranged();
    let lists = wanted["relatedLists"].as_array_mut().unwrap();
    for (object, fields) in [
        (
            "Footbridge_Balance__c",
            json!([
                "NAME",
                "Balance__c",
                "Overdue__c",
                "Unallocated_Credits__c",
                "Currency__c"
            ]),
        ),
        (
            "Footbridge_Document__c",
            json!([
                "NAME",
                "Shown_Status__c",
                "Due_Date__c",
                "Total__c",
                "Amount_Due__c",
                "Currency__c"
            ]),
        ),
        (
            "Footbridge_Payment__c",
            json!(["NAME", "Kind__c", "Status__c", "Date__c", "Amount__c"]),
        ),
    ] {
        lists.push(json!({"fields": fields, "relatedList": format!("{object}.Account__c")}));
    }
    assert_eq!(
        now, wanted,
        "somebody's layout is as it was, with three lists at its end"
    );

    books.salesforce.reset_counts();
    let again = books.run(&["provision"]).await;
    assert_eq!((again.code, again.err.as_str()), (0, ""), "{}", again.out);
    assert!(
        again
            .out
            .ends_with("Everything that can be made from here is there.\n"),
        "{}",
        again.out
    );
    assert_eq!(writes(&books), 0);

    // A layout that somebody makes afterwards, and a list view that somebody deletes: only these are made good.
    books
        .salesforce
        .arrange("Account-Second", &arranged())
        .unwrap();
    let good = books.run(&["provision", "--yes", "--json"]).await;
    assert_eq!(good.code, 0, "{}", good.err);
    assert_eq!(writes(&books), 1, "{:?}", books.salesforce.counts().paths);
    let audit = books.run(&["audit", "--last", "1000"]).await;
    assert!(
        audit.out.contains("/metadata/deployRequest"),
        "{}",
        audit.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_at_each_step_it_goes_on() {
    for (path, fault) in [
        (DEPLOY, Fault::AnswerLostAfterCommit),
        (DEPLOY, Fault::ServerErrorAfterCommit { status: 502 }),
        (ASSIGN, Fault::AnswerLostAfterCommit),
        (LAYOUT, Fault::CutBody { after_bytes: 0 }),
    ] {
        let books = Books::open(12).await;
        let method = if path == LAYOUT { "PATCH" } else { "POST" };
        books
            .salesforce
            .faults()
            .inject(FaultRule::on(fault.clone(), method, path));
        let first = books.run(&["provision", "--yes", "--json"]).await;
        let second = match first.code {
            0 => first,
            _ => books.run(&["provision", "--yes", "--json"]).await,
        };
        assert_eq!(
            second.code, 0,
            "{path} {fault:?}: {}{}",
            second.out, second.err
        );
        assert_eq!(
            books.salesforce.faults().fired().len(),
            1,
            "{path} {fault:?} did not strike"
        );
        assert_eq!(second.json()["done"], true);
        let deployments = books.salesforce.counts().paths[&format!("POST {DEPLOY}")];
        assert_eq!(
            deployments, 1,
            "{path} {fault:?}: what arrived is not sent again"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_named_and_nothing_is_altered() {
    let books = Books::open(12).await;
    let theirs = vec![
        FieldDef::text("Total__c", 20),
        FieldDef::text("Number__c", 40),
    ];
    books
        .salesforce
        .add_object("Footbridge_Document__c", "Documents", "a0F", theirs);
    let refused = books.run(&["provision", "--yes"]).await;
    assert_eq!(refused.code, 1, "{}", refused.err);
    for line in [
        "  ! field Total (Footbridge_Document__c.Total__c)\n",
        "There is a field Footbridge_Document__c.Total__c already, and it is a text of 20, not a number",
        "  ~ field Number (Footbridge_Document__c.Number__c)\n      length: 40 -> 255\n",
        "Nothing is done while something is in the way (marked !).",
    ] {
        assert!(refused.out.contains(line), "{line}\n{}", refused.out);
    }
    assert_eq!(writes(&books), 0);

    let books = Books::with(
        12,
        &[("edition", "Starter Edition"), ("custom-fields", "25")],
    )
    .await;
    let refused = books.run(&["provision", "--yes"]).await;
    assert_eq!((refused.code, writes(&books)), (1, 0), "{}", refused.err);
    assert!(
        refused
            .out
            .contains("Starter Edition allows 25 custom fields on an object"),
        "{}",
        refused.out
    );

    let books = Books::with(12, &[("custom-fields", "20")]).await;
    let failed = books.run(&["provision", "--yes"]).await;
    assert_eq!(failed.code, 1, "{}", failed.out);
    assert!(
        failed.err.contains("CustomField Footbridge_Document__c.")
            && failed.err.contains("maximum number of 20 custom fields"),
        "{}",
        failed.err
    );
    let none = books
        .run(&["provision", "--dry-run", "--json"])
        .await
        .json();
    assert!(names(&none, "present").is_empty(), "all or nothing: {none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_nothing_is_changed_and_the_right_is_named() {
    let books = Books::with(12, &[("metadata-rights", "missing")]).await;
    let refused = books.run(&["provision", "--yes"]).await;
    assert_eq!(refused.code, 2, "{}", refused.out);
    assert!(
        refused.err.starts_with("footbridge: salesforce is not set up: The user of this connection may not change Salesforce's set-up"),
        "{}",
        refused.err
    );
    assert!(
        refused
            .err
            .contains("Modify Metadata Through Metadata API Functions"),
        "{}",
        refused.err
    );
    let unknown = books.run(&["provision", "xero"]).await;
    assert_eq!(
        (unknown.code, unknown.err.as_str()),
        (
            2,
            "footbridge: the connection \"xero\" has nothing to set up: its plugin \"xero\" does not know how, or is not installed"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_is_taken_away_with_its_records_and_nothing_else() {
    let books = Books::open(12).await;
    books
        .salesforce
        .arrange("Account-Partners", &arranged())
        .unwrap();
    assert_eq!(books.run(&["provision", "--yes", "--json"]).await.code, 0);
    let record = json!({"Name": "INV-1", "Key__c": "org/invoice/1"});
    books
        .salesforce
        .create(
            "Footbridge_Document__c",
            record.as_object().unwrap().clone(),
        )
        .unwrap();
    let shown = books.run(&["provision", "--remove", "--dry-run"]).await;
    assert!(
        shown.out.contains("  - object Footbridge Document (Footbridge_Document__c)\n      1 record, with its fields, views, layouts and related lists\n"),
        "{}",
        shown.out
    );
    let silent = books.run(&["provision", "--remove"]).await;
    assert_eq!(silent.code, 2, "{}", silent.out);
    assert!(silent.err.contains("Add --yes"), "{}", silent.err);
    let no = books
        .run_answering(&["provision", "--remove"], "no\n")
        .await;
    assert!(
        no.out.contains("Delete this, and 1 record") && no.out.ends_with("Nothing was changed.\n"),
        "{}",
        no.out
    );
    assert_eq!(books.salesforce.dump("Footbridge_Document__c").len(), 1);
    let done = books
        .run(&["provision", "--remove", "--yes", "--json"])
        .await;
    assert_eq!(
        (done.code, &done.json()["done"]),
        (0, &json!(true)),
        "{}",
        done.err
    );
    assert_eq!(books.salesforce.dump("Footbridge_Document__c").len(), 0);
    assert_eq!(
        books
            .salesforce
            .dump("PermissionSetAssignment")
            .iter()
            .filter(|row| row["IsDeleted"] == false)
            .count(),
        0
    );
    assert_eq!(
        books.salesforce.layout("Account-Partners").unwrap(),
        arranged()
    );
    books.salesforce.reset_counts();
    let again = books.run(&["provision", "--remove", "--yes"]).await;
    assert_eq!((again.code, writes(&books)), (0, 0), "{}", again.err);
    assert!(
        again.out.contains("Nothing that Footbridge made is left."),
        "{}",
        again.out
    );
    assert_eq!(
        books.run(&["provision", "--yes", "--json"]).await.code,
        0,
        "and comes back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stood_in_objects_that_were_taken_away_is_shown_again_in_new_ones() {
    let books = Books::open(12).await;
    let marked = "# [flows.deals-to-invoices.reflect]";
    books.change("footbridge.toml", marked, &marked[2..]);
    let rows = || {
        ["Document", "Payment", "Balance"].map(|kind| {
            let all = books.salesforce.dump(&format!("Footbridge_{kind}__c"));
            all.len()
        })
    };
    for arguments in [&["provision", "--yes"][..], &["sync"]] {
        let done = books.run(arguments).await;
        assert_eq!(done.code, 0, "{arguments:?}: {}", done.err);
    }
    let before = rows();
    assert!(before[0] > 0 && before[2] > 0, "{before:?}");
    for between in [&["sync"][..], &["status"]] {
        for arguments in [
            &["provision", "--remove", "--yes"][..],
            between,
            &["provision", "--yes"],
        ] {
            let done = books.run(arguments).await;
            // Nothing can be shown where there is no object for it.
            let code = if arguments == ["sync"] { 4 } else { 0 };
            assert_eq!(done.code, code, "{arguments:?}: {}", done.err);
        }
        assert_eq!(rows(), [0, 0, 0]);
        assert_eq!(books.run(&["sync"]).await.code, 0);
        assert_eq!(rows(), before, "after {between:?}");
    }
    books.salesforce.reset_counts();
    assert_eq!(books.run(&["sync"]).await.code, 0);
    assert_eq!(writes(&books), 0, "shown once");
}

/// The connector and the way out as a flow has them, on what the program set up.
struct Line {
    connector: Arc<dyn Connector>,
    broker: Arc<Broker>,
    connection: ConnectionId,
}

impl Line {
    async fn open(books: &Books) -> Self {
        let key = || InstallationKey::open_or_create(&books.path("footbridge.key")).unwrap();
        let sandbox = Sandbox::new(SandboxOptions {
            data: books.path("footbridge-data"),
            key: key(),
            limits: Limits::default(),
            compiler: Compiler::Child(env!("CARGO_BIN_EXE_footbridge").into()),
        })
        .unwrap();
        let surroundings = Surroundings {
            sandbox: sandbox.clone(),
            clock: Arc::new(SystemClock),
        };
        let config = Config::read(&books.path("footbridge.toml")).unwrap();
        provisioning::provision(&config, None, &surroundings)
            .await
            .unwrap();
        let secret = SecretSource::File(books.path("salesforce.secret"));
        let mut connection =
            Connection::new("salesforce", Provider::Salesforce, books.client(), secret);
        connection.base_url = Some(books.salesforce_url().to_owned());
        let broker = Broker::new(
            vec![connection],
            BrokerOptions {
                key: key(),
                tokens: None,
                clock: Arc::new(SystemClock),
                audit: None,
            },
        )
        .unwrap();
        let connection = ConnectionId::new("salesforce");
        let installed = sandbox.installed("salesforce").unwrap();
        Self {
            connector: sandbox
                .connector(&installed, &broker, &connection, None)
                .unwrap(),
            broker,
            connection,
        }
    }

    async fn write(&self, operations: &[Operation]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for request in self.connector.prepare(operations.to_vec()).await.unwrap() {
            let Sent::Answered(answer) = self.broker.send(&self.connection, &request, "key").await
            else {
                panic!("no answer");
            };
            outcomes.extend(self.connector.interpret(&request, &answer).await.unwrap());
        }
        outcomes
    }

    async fn find(&self, object: &str, key: &str) -> Vec<Value> {
        let criteria = Criteria {
            object: object.to_owned(),
            key: "key".to_owned(),
            values: vec![key.to_owned()],
            parents: Vec::new(),
            changed_since: None,
            fields: Vec::new(),
        };
        let found = self.connector.find(criteria).await.unwrap();
        assert!(found.complete);
        found
            .items
            .iter()
            .map(|item| serde_json::from_str(&item.doc).unwrap())
            .collect()
    }
}

fn operation(id: &str, object: &str, doc: &Value) -> Operation {
    Operation {
        id: id.to_owned(),
        action: Action::Create,
        object: object.to_owned(),
        target: None,
        doc: doc.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_made_once_under_their_keys_and_their_formulas_tell_the_day() {
    let books = Books::open(12).await;
    let line = Line::open(&books).await;
    let accounts = books.salesforce.dump("Account");
    let account = accounts
        .iter()
        .find(|account| account["IsDeleted"] == false)
        .unwrap();
    let account = account["Id"].as_str().unwrap().to_owned();
    let due = Utc::now().date_naive() - Days::new(40);
    let mut document = json!({
        "key": "org/invoice/1", "organisation": "org", "organisation_name": "Harbour", "kind": "invoice", "ledger_id": "1", "name": "INV-1",
        "account": account, "status": "part-paid", "currency": "GBP", "due_date": due.to_string(), "total": "1200.5", "amount_due": "200.5",
        "currency_rate": "1.1734", "url": "https://example.com/1", "reference": null,
    });
    let payment = json!({
        "key": "org/payment/9", "organisation": "org", "ledger_id": "9", "name": "Payment", "document_key": "org/invoice/1",
        "kind": "payment", "status": "recorded", "amount": "1000", "reconciled": true,
    });
    let early = line
        .write(&[operation("p", "receivable-payment", &payment)])
        .await;
    assert!(
        matches!(&early[0].verdict, Verdict::Failed(failure) if failure.kind == FailureKind::Retry),
        "its document isn't there yet: {early:?}"
    );
    let both = line
        .write(&[
            operation("p", "receivable-payment", &payment),
            operation("d", "receivable-document", &document),
        ])
        .await;
    let ids: Vec<String> = both
        .iter()
        .map(|outcome| match &outcome.verdict {
            Verdict::Applied(applied) => applied.id.clone(),
            Verdict::Failed(failure) => panic!("{failure:?}"),
        })
        .collect();
    document["amount_due"] = json!("0");
    document["status"] = json!("paid");
    let again = line
        .write(&[operation("d", "receivable-document", &document)])
        .await;
    assert!(
        matches!(&again[0].verdict, Verdict::Applied(applied) if applied.id == ids[0]),
        "{again:?}"
    );
    assert_eq!(
        books.salesforce.dump("Footbridge_Document__c").len(),
        1,
        "the same record"
    );
    let found = line.find("receivable-document", "org/invoice/1").await;
    let wanted = document.as_object().unwrap();
    for (word, value) in wanted {
        assert_eq!(&found[0][word], value, "{word}");
    }
    assert_eq!(
        line.find("receivable-payment", "org/payment/9").await[0]["document_key"],
        "org/invoice/1"
    );
    assert!(line.find("receivable-balance", "nobody").await.is_empty());

    document["amount_due"] = json!("200.5");
    document["status"] = json!("awaiting-payment");
    line.write(&[operation("d", "receivable-document", &document)])
        .await;
    let shown = &books.salesforce.dump("Footbridge_Document__c")[0];
    assert_eq!(
        (
            &shown["Overdue__c"],
            &shown["Days_Overdue__c"],
            &shown["Age_Bucket__c"],
            &shown["Shown_Status__c"]
        ),
        (
            &json!(true),
            &json!(40.0),
            &json!("31-60 days"),
            &json!("Overdue")
        )
    );
}
