//! A Salesforce organisation for tests: its router called directly, and a few records.
#![expect(dead_code, reason = "each test file uses a part")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::salesforce::schema::{FieldDef, FieldKind, Key};
use footbridge_simulators::salesforce::{SalesforceOptions, SalesforceSimulator};
use serde_json::{Value, json};
use tower_service::Service;

pub(crate) struct Org {
    pub(crate) simulator: SalesforceSimulator,
    pub(crate) token: String,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body as sent.
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// The fields a company that uses Footbridge has.
pub(crate) fn company_fields(simulator: &SalesforceSimulator) {
    let unique = |name: &str, length| FieldDef::text(name, length).key(Key::UniqueExternal);
    for (object, field) in [
        ("Opportunity", unique("Xero_Invoice_Id__c", 36)),
        ("Opportunity", FieldDef::text("Xero_Invoice_Number__c", 40)),
        (
            "Opportunity",
            FieldDef::new("Xero_Invoice_Link__c", FieldKind::Url),
        ),
        ("Account", unique("Xero_Contact_Id__c", 36)),
        (
            "Account",
            FieldDef::text("Legacy_Key__c", 36).key(Key::External),
        ),
        (
            "Account",
            FieldDef::reference(
                "Bill_To_Account__c",
                "Account",
                Some("Bill_To_Account__r"),
                None,
            ),
        ),
    ] {
        simulator.add_field(object, field).unwrap();
    }
}

impl Org {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// Frozen at 2026-09-14T09:29:59Z.
    pub(crate) fn with(change: impl FnOnce(&mut SalesforceOptions)) -> Self {
        let mut options = SalesforceOptions::default();
        change(&mut options);
        let clock = SimClock::at("2026-09-14T09:29:59.640Z".parse().unwrap());
        Self {
            simulator: SalesforceSimulator::new(options, clock),
            token: String::new(),
        }
    }

    pub(crate) async fn log_in(&mut self) {
        let answer = self
            .form("grant_type=client_credentials&client_id=footbridge-salesforce-demo&client_secret=salesforce-demo-secret")
            .await;
        answer.body["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.token);
    }

    pub(crate) async fn form(&self, form: &str) -> Answer {
        let request = Request::post("/services/oauth2/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.simulator.router().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap_or(Value::Null)
        };
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            body,
        }
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token))
            .header("host", "salesforce.test")
            .header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// A call whose body is not JSON.
    pub(crate) async fn send_typed(&self, path: &str, kind: &str, body: Vec<u8>) -> Answer {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {}", self.token))
            .header("host", "salesforce.test")
            .header("content-type", kind);
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn get_path(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", &format!("/services/data/v60.0{path}"), None)
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", &format!("/services/data/v60.0{path}"), None)
            .await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", &format!("/services/data/v60.0{path}"), Some(body))
            .await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call("PATCH", &format!("/services/data/v60.0{path}"), Some(body))
            .await
    }

    pub(crate) async fn post_control(&self, path: &str, body: Value) -> Answer {
        self.call("POST", &format!("/_sim/{path}"), Some(body))
            .await
    }

    pub(crate) async fn query(&self, soql: &str) -> Answer {
        let encoded =
            percent_encoding::utf8_percent_encode(soql, percent_encoding::NON_ALPHANUMERIC);
        self.get(&format!("/query?q={encoded}")).await
    }

    pub(crate) async fn query_all(&self, soql: &str) -> Answer {
        let encoded =
            percent_encoding::utf8_percent_encode(soql, percent_encoding::NON_ALPHANUMERIC);
        self.get(&format!("/queryAll?q={encoded}")).await
    }

    pub(crate) fn load(&self, object: &str, record: Value) -> String {
        let loaded = self.simulator.load(object, record).unwrap();
        loaded["Id"].as_str().unwrap().to_owned()
    }

    /// A price book entry in the standard book.
    pub(crate) fn entry(&self, name: &str, price: &str) -> String {
        let product = self.load(
            "Product2",
            json!({"Name": name, "ProductCode": format!("C-{name}"), "IsActive": true}),
        );
        let book = self.simulator.standard_pricebook_id().unwrap();
        self.load("PricebookEntry", json!({"Product2Id": product, "Pricebook2Id": book, "UnitPrice": price, "IsActive": true}))
    }

    /// An open deal with that many lines of 1.1 x 12.505 (stored as 12.51).
    pub(crate) fn deal(&self, name: &str, lines: usize) -> String {
        let deal = self.load(
            "Opportunity",
            json!({"Name": name, "StageName": "Prospecting", "CloseDate": "2026-12-01"}),
        );
        if lines > 0 {
            let entry = self.entry(name, "12.505");
            for index in 0..lines {
                self.load("OpportunityLineItem", json!({
                    "OpportunityId": deal, "PricebookEntryId": entry, "Quantity": "1.1", "UnitPrice": "12.505", "SortOrder": index,
                }));
            }
        }
        deal
    }
}
