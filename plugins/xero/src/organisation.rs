//! The organisation behind the connection, from `/Organisation` and `/Currencies`.
//!
//! Never decides whether it is the right one: the host compares it with the pin. An organisation whose time zone is
//! unknown can't be used, since its local date decides invoice dates.

use footbridge_sdk::connector::setup::Organisation;
use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::document::{Field, at, write};
use footbridge_sdk::failure::{Code, failing, failure, malformed, no_answer, problem_at};
use serde_json::{Value, json};

use crate::columns::{Column, Reading, Shape, reported};
use crate::walk::{self, FAR, Get, get_request};
use crate::zones;

const COLUMNS: &[Column] = &[
    reported("name", "Name", Shape::Text),
    reported("short_code", "ShortCode", Shape::Text),
    reported("country", "CountryCode", Shape::Text),
    reported("base_currency", "BaseCurrency", Shape::Text),
    reported("period_lock_date", "PeriodLockDate", Shape::Date),
    reported("end_of_year_lock_date", "EndOfYearLockDate", Shape::Date),
    reported("registered_for_tax", "PaysTax", Shape::Flag),
    reported("test", "IsDemoCompany", Shape::Flag),
];

/// Reads both lists, two calls.
pub(crate) fn discover(get: Get<'_>) -> Result<Vec<Organisation>, Failure> {
    let mut read = |path: &str| {
        let response = get(&get_request(path, Vec::new(), None)).map_err(no_answer)?;
        walk::json(&response)
    };
    let organisations = read("/Organisation")?;
    let currencies = read("/Currencies")?;
    organisations_of(&organisations, &currencies)
}

/// What both answers say. Lock dates that can't be read fail the whole: an invoice must not slip before them.
fn organisations_of(
    organisations: &Value,
    currencies: &Value,
) -> Result<Vec<Organisation>, Failure> {
    let Field::List(list) = at(organisations, "Organisations") else {
        return Err(malformed(FAR, "no list of organisations"));
    };
    let Field::List(currencies) = at(currencies, "Currencies") else {
        return Err(malformed(FAR, "no list of currencies"));
    };
    let codes: Vec<&str> = currencies
        .iter()
        .filter_map(|currency| at(currency, "Code").text())
        .collect();
    list.iter()
        .map(|element| organisation(element, &codes))
        .collect()
}

fn organisation(element: &Value, currencies: &[&str]) -> Result<Organisation, Failure> {
    let Some(id) = at(element, "OrganisationID").text() else {
        return Err(malformed(FAR, "an organisation without an id"));
    };
    let id = id.to_ascii_lowercase();
    let name = at(element, "Name").text().unwrap_or_default().to_owned();
    let mut reading = Reading::default();
    reading.columns(element, COLUMNS);
    reading.put("id", json!(id));
    reading.put("currencies", json!(currencies));
    let zone = at(element, "Timezone").text().unwrap_or_default();
    let Some(iana) = zones::iana(zone) else {
        return Err(failing(
            FailureKind::Misconfigured,
            problem_at(
                Code::InvalidValue,
                "time_zone",
                format!(
                    "Xero says that \"{name}\" is in the time zone \"{zone}\", which is unknown here. Choose the zone in Xero's organisation settings again, or update the Xero connector."
                ),
            ),
        ));
    };
    reading.put("time_zone", json!(iana));
    let doc = reading.finish();
    if let Some(unreadable) = doc.get("unreadable") {
        return Err(failure(
            FailureKind::Misconfigured,
            Code::InvalidValue,
            format!(
                "Xero reports values of \"{name}\" that can't be read: {unreadable}. Correct them in Xero's organisation settings."
            ),
        ));
    }
    let Some(test) = at(element, "IsDemoCompany").flag() else {
        return Err(malformed(
            FAR,
            "an organisation without a word on whether it is a demo company",
        ));
    };
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

    fn org(change: Value) -> Value {
        let mut base = json!({
            "OrganisationID": "AB", "Name": "Harbour Ltd", "ShortCode": "!x", "CountryCode": "GB", "BaseCurrency": "GBP",
            "PaysTax": true, "IsDemoCompany": false, "PeriodLockDate": "/Date(1789344000000+0000)/", "Timezone": "GMTSTANDARDTIME",
        });
        base.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        json!({"Organisations": [base]})
    }

    #[test]
    fn an_organisation_is_read() {
        let found = organisations_of(
            &org(json!({})),
            &json!({"Currencies": [{"Code": "GBP"}, {"Code": "EUR"}]}),
        )
        .unwrap();
        assert_eq!((found[0].id.as_str(), found[0].test), ("ab", false));
        assert_eq!(
            found[0].doc,
            r#"{"base_currency":"GBP","country":"GB","currencies":["GBP","EUR"],"id":"ab","name":"Harbour Ltd","period_lock_date":"2026-09-14","registered_for_tax":true,"short_code":"!x","test":false,"time_zone":"Europe/London"}"#
        );
    }

    #[test]
    fn what_decides_dates_must_be_readable() {
        let none = json!({"Currencies": []});
        for (change, kind) in [
            (
                json!({"Timezone": "MOONSTANDARDTIME"}),
                FailureKind::Misconfigured,
            ),
            (json!({"Timezone": null}), FailureKind::Misconfigured),
            (
                json!({"PeriodLockDate": "soon"}),
                FailureKind::Misconfigured,
            ),
            (json!({"OrganisationID": null}), FailureKind::Retry),
            (json!({"IsDemoCompany": null}), FailureKind::Retry),
        ] {
            assert_eq!(
                organisations_of(&org(change.clone()), &none)
                    .unwrap_err()
                    .kind,
                kind,
                "{change}"
            );
        }
        assert_eq!(
            organisations_of(&json!({}), &none).unwrap_err().kind,
            FailureKind::Retry
        );
    }

    #[test]
    fn html_and_two_calls() {
        let mut paths = Vec::new();
        let result = discover(&mut |request| {
            paths.push(request.path.clone());
            let body = if request.path == "/Organisation" {
                http::Body::Json(org(json!({})).to_string())
            } else {
                http::Body::Text("<html></html>".into())
            };
            Ok(http::Response {
                status: 200,
                headers: Vec::new(),
                body,
            })
        });
        assert_eq!(paths, ["/Organisation", "/Currencies"]);
        assert_eq!(result.unwrap_err().problem.code, "malformed-answer");
    }
}
