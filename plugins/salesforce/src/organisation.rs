//! The Salesforce organisation behind the connection.
//!
//! Never decides whether it is the right one: the host compares it with the pin. From here to the host.

use footbridge_sdk::connector::Failure;
use footbridge_sdk::connector::setup::Organisation;
use footbridge_sdk::document::{Structure, at, write};
use footbridge_sdk::failure::malformed;
use serde_json::{Value, json};

use crate::errors::{FAR, Refusal};
use crate::pages::{Get, body, request};
use crate::{ids, records};

/// Not every organisation shows the first field.
const QUERIES: [&str; 2] = [
    "SELECT Id, Name, IsSandbox, DefaultCurrencyIsoCode, TimeZoneSidKey FROM Organization",
    "SELECT Id, Name, IsSandbox, TimeZoneSidKey FROM Organization",
];

/// Reads the organisation: one call, two where it doesn't show a default currency.
pub(crate) fn discover(get: Get<'_>) -> Result<Vec<Organisation>, Failure> {
    let [with_currency, without] =
        QUERIES.map(|text| request("/query", vec![("q".to_owned(), text.to_owned())]));
    let answer = match body(&with_currency, get) {
        Err(Refusal::NoField(_)) => body(&without, get)?,
        other => other?,
    };
    records::answer(&answer)?
        .records
        .iter()
        .map(organisation)
        .collect()
}

fn organisation(record: &Value) -> Result<Organisation, Failure> {
    let (Some(id), Some(test)) = (
        at(record, "Id").text().and_then(ids::long),
        at(record, "IsSandbox").flag(),
    ) else {
        return Err(malformed(
            FAR,
            "an organisation without an id or a word on whether it is a sandbox",
        ));
    };
    let mut doc = Structure::new();
    for key in ["Name", "DefaultCurrencyIsoCode", "TimeZoneSidKey"] {
        if let Some(text) = at(record, key).text() {
            doc.insert(key.to_owned(), json!(text));
        }
    }
    doc.insert("Id".to_owned(), json!(id));
    doc.insert("IsSandbox".to_owned(), json!(test));
    let name = at(record, "Name").text().unwrap_or_default().to_owned();
    Ok(Organisation {
        id,
        name,
        test,
        doc: write(&doc),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_sdk::connector::http;

    #[test]
    fn an_organisation_without_a_default_currency_is_asked_again() {
        let mut calls = 0;
        let found = discover(&mut |request| {
            calls += 1;
            let (status, body) = if request.query[0].1.contains("DefaultCurrencyIsoCode") {
                (400, json!([{"message": "No such column 'DefaultCurrencyIsoCode'", "errorCode": "INVALID_FIELD"}]))
            } else {
                (200, json!({"done": true, "records": [
                    {"Id": "00DA0000000L2ZC", "Name": "Acme", "IsSandbox": true, "TimeZoneSidKey": "Europe/London"}]}))
            };
            Ok(http::Response { status, headers: Vec::new(), body: http::Body::Json(body.to_string()) })
        })
        .unwrap();
        assert_eq!(calls, 2);
        assert_eq!(
            (found[0].id.as_str(), found[0].test),
            ("00DA0000000L2ZCMA0", true)
        );
        assert_eq!(
            found[0].doc,
            r#"{"Id":"00DA0000000L2ZCMA0","IsSandbox":true,"Name":"Acme","TimeZoneSidKey":"Europe/London"}"#
        );
    }

    #[test]
    fn a_nameless_answer_is_read_again() {
        let refused = discover(&mut |_| {
            let body =
                json!({"done": true, "records": [{"Id": "00DA0000000L2ZC", "Name": "Acme"}]});
            Ok(http::Response {
                status: 200,
                headers: Vec::new(),
                body: http::Body::Json(body.to_string()),
            })
        });
        assert_eq!(refused.unwrap_err().problem.code, "malformed-answer");
    }
}
