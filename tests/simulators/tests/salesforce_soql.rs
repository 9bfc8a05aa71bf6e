//! SOQL: what is found, in which order, and what is refused with which code.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod salesforce;

use salesforce::{Org, company_fields};
use serde_json::{Value, json};

async fn filled() -> Org {
    let mut org = Org::with(|options| options.set("number-style", "plain").unwrap());
    org.log_in().await;
    company_fields(&org.simulator);
    let parent = org.load(
        "Account",
        json!({"Name": "Acme Group", "Xero_Contact_Id__c": "X-1"}),
    );
    let acme = org.load("Account", json!({"Name": "Acme (Leeds)", "ParentId": parent, "Bill_To_Account__c": parent, "NumberOfEmployees": 12}));
    org.load(
        "Account",
        json!({"Name": "O'Brien 100%", "Description": "long", "NumberOfEmployees": 7}),
    );
    org.load("Contact", json!({"LastName": "Ash", "FirstName": "Jo", "AccountId": acme, "Email": "jo@acme.example"}));
    for (name, amount, stage, close, account) in [
        (
            "Alpha",
            json!("1000.50"),
            "Closed Won",
            "2026-09-14",
            Some(&acme),
        ),
        (
            "beta",
            json!("20"),
            "Prospecting",
            "2026-09-13",
            Some(&acme),
        ),
        ("Gamma", Value::Null, "Closed Lost", "2026-08-01", None),
        (
            "Delta",
            json!("-5.25"),
            "Closed Won",
            "2026-10-01",
            Some(&parent),
        ),
    ] {
        org.load("Opportunity", json!({
            "Name": name, "Amount": amount, "StageName": stage, "CloseDate": close, "AccountId": account,
            "CreatedDate": "2026-01-05T10:00:00Z", "LastModifiedDate": format!("{close}T08:00:00Z"),
        }));
    }
    org
}

async fn names(org: &Org, object: &str, rest: &str) -> Vec<String> {
    let answer = org
        .query(&format!("SELECT Name FROM {object} {rest}"))
        .await;
    assert_eq!(answer.status, 200, "{rest}: {}", answer.body);
    let records = answer.body["records"].as_array().unwrap();
    records
        .iter()
        .map(|record| record["Name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let org = filled().await;
    for (filter, expected) in [
        ("WHERE Amount > 20", vec!["Alpha"]),
        ("WHERE Amount >= 20 ORDER BY Name", vec!["Alpha", "beta"]),
        ("WHERE Amount < 0", vec!["Delta"]),
        ("WHERE Amount = 1.0005e3", vec!["Alpha"]),
        ("WHERE Amount = null", vec!["Gamma"]),
        (
            "WHERE Amount != 20 ORDER BY Name",
            vec!["Alpha", "Delta", "Gamma"],
        ),
        ("WHERE Name = 'BETA'", vec!["beta"]),
        ("WHERE Name > 'c' ORDER BY Name", vec!["Delta", "Gamma"]),
        (
            "WHERE Name LIKE '%A' AND IsWon = TRUE ORDER BY Name",
            vec!["Alpha", "Delta"],
        ),
        ("WHERE Name LIKE '_eta'", vec!["beta"]),
        (
            "WHERE Name IN ('alpha', 'gamma') ORDER BY Name",
            vec!["Alpha", "Gamma"],
        ),
        (
            "WHERE Name NOT IN ('alpha', 'gamma') ORDER BY Name",
            vec!["beta", "Delta"],
        ),
        ("WHERE NOT IsClosed = true", vec!["beta"]),
        (
            "WHERE (IsWon = true AND Amount > 0) OR Account.Name = null ORDER BY Name",
            vec!["Alpha", "Gamma"],
        ),
        (
            "where not (stagename = 'Closed Won' or stagename = 'Closed Lost')",
            vec!["beta"],
        ),
        ("WHERE CloseDate = TODAY", vec!["Alpha"]),
        ("WHERE CloseDate = YESTERDAY", vec!["beta"]),
        ("WHERE CloseDate < LAST_N_DAYS:1", vec!["Gamma"]),
        (
            "WHERE CloseDate = LAST_N_DAYS:1 ORDER BY Name",
            vec!["Alpha", "beta"],
        ),
        ("WHERE CloseDate > TODAY", vec!["Delta"]),
        (
            "WHERE CloseDate >= 2026-09-14 ORDER BY Name",
            vec!["Alpha", "Delta"],
        ),
        (
            "WHERE SystemModstamp >= 2026-09-14T09:00:00+01:00 ORDER BY Name",
            vec!["Alpha", "Delta"],
        ),
        ("WHERE SystemModstamp > 2026-09-14T08:00:00Z", vec!["Delta"]),
        ("WHERE SystemModstamp = LAST_MONTH", vec!["Gamma"]),
        (
            "WHERE Account.Parent.Name = 'acme group' ORDER BY Name",
            vec!["Alpha", "beta"],
        ),
        (
            "WHERE Account.Bill_To_Account__r.Xero_Contact_Id__c = 'X-1' ORDER BY Name",
            vec!["Alpha", "beta"],
        ),
        (
            "WHERE AccountId IN (SELECT Id FROM Account WHERE ParentId = null)",
            vec!["Delta"],
        ),
        (
            "WHERE AccountId IN (SELECT AccountId FROM Contact) ORDER BY Name",
            vec!["Alpha", "beta"],
        ),
        (
            "WHERE Id NOT IN (SELECT OpportunityId FROM OpportunityHistory WHERE StageName = 'Closed Won') ORDER BY Name",
            vec!["beta", "Gamma"],
        ),
        (
            "ORDER BY Amount DESC NULLS LAST",
            vec!["Alpha", "beta", "Delta", "Gamma"],
        ),
        ("ORDER BY Amount", vec!["Gamma", "Delta", "beta", "Alpha"]),
        (
            "ORDER BY IsWon DESC, CloseDate DESC LIMIT 2 OFFSET 1",
            vec!["Alpha", "beta"],
        ),
        ("o WHERE o.Account.Name = 'Acme Group'", vec!["Delta"]),
    ] {
        assert_eq!(
            names(&org, "Opportunity", filter).await,
            expected,
            "{filter}"
        );
    }
    for (filter, expected) in [
        (r"WHERE Name = 'o\'brien 100%'", vec!["O'Brien 100%"]),
        (r"WHERE Name LIKE '%\%'", vec!["O'Brien 100%"]),
        ("WHERE NumberOfEmployees <= 7", vec!["O'Brien 100%"]),
        (
            "WHERE Name LIKE 'acme%' AND Parent.Name != null",
            vec!["Acme (Leeds)"],
        ),
    ] {
        assert_eq!(names(&org, "Account", filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn what_salesforce_refuses_is_refused() {
    let org = filled().await;
    for (query, code, part) in [
        (
            "SELECT Nope FROM Account",
            "INVALID_FIELD",
            "No such column 'Nope' on entity 'Account'.",
        ),
        (
            "SELECT Id FROM Nope",
            "INVALID_TYPE",
            "sObject type 'Nope' is not supported.",
        ),
        (
            "SELECT Foo.Name FROM Account",
            "INVALID_FIELD",
            "Didn't understand relationship 'Foo' in field path.",
        ),
        (
            "SELECT Id, (SELECT Id FROM Foos) FROM Account",
            "INVALID_TYPE",
            "Didn't understand relationship 'Foos' in FROM part of query call.",
        ),
        (
            "SELECT Id, (SELECT Id FROM OpportunityLineItem) FROM Opportunity",
            "INVALID_TYPE",
            "Didn't understand",
        ),
        ("SELECT Id FORM Account", "MALFORMED_QUERY", "FORM"),
        (
            "SELECT FROM Account",
            "MALFORMED_QUERY",
            "unexpected token: 'FROM'",
        ),
        (
            "SELECT * FROM Account",
            "MALFORMED_QUERY",
            "unexpected token: '*'",
        ),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "<EOF>"),
        (
            "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
            "MALFORMED_QUERY",
            "unexpected token: 'OR'",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 'a",
            "MALFORMED_QUERY",
            "string literal",
        ),
        (
            r"SELECT Id FROM Account WHERE Name = 'a\q'",
            "MALFORMED_QUERY",
            "Illegal character sequence",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 5",
            "INVALID_FIELD",
            "value of filter criterion for field 'Name' must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Opportunity WHERE CloseDate = '2026-01-01'",
            "INVALID_FIELD",
            "must be of type date and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Opportunity WHERE CloseDate = 2026-01-01T00:00:00Z",
            "INVALID_FIELD",
            "must be of type date",
        ),
        (
            "SELECT Id FROM Opportunity WHERE SystemModstamp > 2026-01-01",
            "INVALID_FIELD",
            "must be of type dateTime",
        ),
        (
            "SELECT Id FROM Opportunity WHERE SystemModstamp > 2026-01-01T00:00:00",
            "MALFORMED_QUERY",
            "unexpected token",
        ),
        (
            "SELECT Id FROM Opportunity WHERE SystemModstamp > 2026-01-01T00:00:00 01:00",
            "MALFORMED_QUERY",
            "unexpected token",
        ),
        (
            "SELECT Id FROM Opportunity WHERE Amount > '5'",
            "INVALID_FIELD",
            "must be of type double",
        ),
        (
            "SELECT Id FROM Opportunity WHERE IsWon = 'true'",
            "INVALID_FIELD",
            "must be of type boolean",
        ),
        (
            "SELECT Id FROM Account WHERE Id = 'abc'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: abc",
        ),
        (
            "SELECT Id FROM Account WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Account ORDER BY Description",
            "INVALID_FIELD",
            "can not be sorted",
        ),
        (
            "SELECT Id, Name, Id FROM Account",
            "INVALID_FIELD",
            "duplicate field selected: Id",
        ),
        (
            "SELECT Id FROM Account OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
        (
            "SELECT Name, COUNT(Id) FROM Account GROUP BY Site",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: Name",
        ),
        (
            "SELECT Name n FROM Account",
            "MALFORMED_QUERY",
            "only aggregate expressions use field aliasing",
        ),
        (
            "SELECT Id FROM Account WHERE Name IN ()",
            "MALFORMED_QUERY",
            "unexpected token: ')'",
        ),
        (
            "SELECT CurrencyIsoCode FROM Opportunity",
            "INVALID_FIELD",
            "No such column 'CurrencyIsoCode'",
        ),
        (
            "SELECT Id FROM Account LIMIT 1 WHERE Name = 'x'",
            "MALFORMED_QUERY",
            "unexpected token: 'WHERE'",
        ),
    ] {
        let answer = org.query(query).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        assert_eq!(
            answer.body[0]["errorCode"], code,
            "{query}: {}",
            answer.body
        );
        let message = answer.body[0]["message"].as_str().unwrap();
        assert!(message.contains(part), "{query}: {message}");
    }
    let unquoted_plus = org
        .get("/query?q=SELECT+Id+FROM+Account+WHERE+CreatedDate%3E2026-01-01T00:00:00+00:00")
        .await;
    assert_eq!(
        unquoted_plus.body[0]["errorCode"], "MALFORMED_QUERY",
        "an unencoded + is a space"
    );
    let place = org.query("SELECT Id, Nope FROM Account").await;
    let message = place.body[0]["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "\nSELECT Id, Nope FROM Account\n           ^\nERROR at Row:1:Column:12\n"
        ),
        "{message}"
    );
}

#[tokio::test]
async fn records_parents_children_and_aggregates_are_printed_as_the_api_does() {
    let org = filled().await;
    let answer = org.query("select name, amount, account.name, account.parent.name, (select stagename from opportunityhistories), (select id from opportunitylineitems) from opportunity where name in ('alpha','gamma') order by name").await;
    let alpha = &answer.body["records"][0];
    assert_eq!(alpha["Amount"].to_string(), "1000.5");
    assert_eq!(alpha["attributes"]["type"], "Opportunity");
    assert!(
        alpha["attributes"]["url"]
            .as_str()
            .unwrap()
            .starts_with("/services/data/v60.0/sobjects/Opportunity/006")
    );
    assert_eq!(alpha["Account"]["Parent"]["Name"], "Acme Group");
    assert_eq!(alpha["Account"]["attributes"]["type"], "Account");
    assert_eq!(
        alpha["OpportunityHistories"]["records"][0]["StageName"],
        "Closed Won"
    );
    assert_eq!(
        (
            &alpha["OpportunityHistories"]["totalSize"],
            &alpha["OpportunityHistories"]["done"]
        ),
        (&json!(1), &json!(true))
    );
    assert_eq!(alpha["OpportunityLineItems"], Value::Null);
    assert!(alpha.get("Id").is_none(), "only what is selected");
    assert_eq!(answer.body["records"][1]["Account"], Value::Null);
    let count = org
        .query("SELECT COUNT() FROM Opportunity WHERE IsClosed = true")
        .await;
    assert_eq!(
        count.body,
        json!({"totalSize": 3, "done": true, "records": []})
    );
    let grouped = org.query("SELECT StageName, COUNT(Id) n, SUM(Amount), MAX(CloseDate) latest FROM Opportunity GROUP BY StageName ORDER BY StageName").await;
    let rows = grouped.body["records"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["expr0"], Value::Null);
    assert_eq!(rows[1]["expr0"].to_string(), "995.25");
    assert_eq!(
        (&rows[1]["n"], &rows[1]["latest"]),
        (&json!(2), &json!("2026-10-01"))
    );
    assert_eq!(rows[1]["attributes"], json!({"type": "AggregateResult"}));
}

#[tokio::test]
async fn nested_queries_have_smaller_pages_and_long_requests_are_refused() {
    let mut org = Org::with(|options| {
        options.page = 100;
        options.nested_page = 2;
    });
    org.log_in().await;
    for index in 0..5 {
        org.load("Account", json!({"Name": format!("A{index}")}));
    }
    let flat = org.query("SELECT Id FROM Account").await;
    assert_eq!(flat.body["done"], true);
    let nested = org
        .query("SELECT Id, (SELECT Id FROM Contacts) FROM Account")
        .await;
    assert_eq!(nested.body["records"].as_array().unwrap().len(), 2);
    assert_eq!(nested.body["totalSize"], 5);
    let long = format!(
        "/query?q=SELECT+Id+FROM+Account+WHERE+Id+IN+('{}')",
        "x".repeat(17_000)
    );
    assert_eq!(org.get(&long).await.status, 414);
}

#[tokio::test]
async fn big_amounts_are_printed_in_scientific_notation_by_default() {
    let mut org = Org::new();
    org.log_in().await;
    org.load("Opportunity", json!({"Name": "Big", "StageName": "Prospecting", "CloseDate": "2026-09-14", "Amount": "12345678.90"}));
    let answer = org.query("SELECT Amount FROM Opportunity").await;
    assert_eq!(
        answer
            .text
            .split("Amount\":")
            .nth(1)
            .unwrap()
            .split(['}', ','])
            .next()
            .unwrap(),
        "1.23456789E7"
    );
}

#[tokio::test]
async fn what_sharing_hides_is_in_no_query_and_no_count_and_is_told_of_nowhere() {
    let org = filled().await;
    let count = async || {
        let counted = org.query("SELECT COUNT() FROM Account").await;
        counted.body["totalSize"].as_u64().unwrap()
    };
    let before = org.simulator.dump("Account");
    let group = before.iter().find(|one| one["Name"] == "Acme Group");
    let id = group.unwrap()["Id"].as_str().unwrap().to_owned();
    let all = count().await;
    org.simulator.hide(std::slice::from_ref(&id));
    assert_eq!(count().await, all - 1);
    let found = org
        .query("SELECT Name, Account.Name FROM Opportunity WHERE Name = 'Delta'")
        .await;
    assert_eq!(found.body["records"][0]["Account"], Value::Null);
    let by_id = org.get(&format!("/sobjects/Account/{id}")).await;
    assert_eq!(
        (by_id.status, &by_id.body[0]["errorCode"]),
        (404, &json!("NOT_FOUND"))
    );
    assert_eq!(org.simulator.dump("Account"), before, "nothing is stamped");
    org.simulator.show(&[id]);
    assert_eq!(count().await, all);
}
