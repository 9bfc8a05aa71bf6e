//! How many contacts and invoices the connection's user sees: Xero counts its paged lists, so a page of one record tells in one call.
//!
//! Never estimates; archived, voided and deleted ones don't count. The lists without pages have no count and are read whole anyway.
//! From here to the host. Rests on `walk`.

use footbridge_sdk::connector::Failure;
use footbridge_sdk::connector::http;
use footbridge_sdk::counter::counts::{Countable, Pace, Tally};
use footbridge_sdk::failure::{malformed, no_answer};

use crate::objects::Kind;
use crate::walk::{FAR, Get, get_request, item_count, json};

const COUNTED: [Kind; 2] = [Kind::Customer, Kind::Invoice];

/// Once a day: a firm on Xero's free tier has a thousand calls for it.
pub(crate) fn offered() -> Vec<Countable> {
    let offer = |kind: Kind| Countable {
        object: kind.name().to_owned(),
        pace: Pace::Daily,
    };
    COUNTED.into_iter().map(offer).collect()
}

/// Counts each in one call.
pub(crate) fn count(wanted: &[String], get: Get<'_>) -> Result<Vec<Tally>, Failure> {
    let mut tallies = Vec::with_capacity(wanted.len());
    for object in wanted {
        let kind = Kind::named(object)?;
        let answer = json(&get(&request(kind)).map_err(no_answer)?)?;
        let records =
            item_count(&answer).ok_or_else(|| malformed(FAR, "a page without a count").problem);
        tallies.push(Tally {
            object: object.clone(),
            records,
        });
    }
    Ok(tallies)
}

fn request(kind: Kind) -> http::Request {
    let mut query = Vec::new();
    if kind == Kind::Invoice {
        query.push(("Statuses", "DRAFT,SUBMITTED,AUTHORISED,PAID"));
    }
    // Contacts are listed without archived ones unless asked for.
    query.extend([("summaryOnly", "true"), ("page", "1"), ("pageSize", "1")]);
    let query = query.into_iter();
    let query = query.map(|(key, value)| (key.to_owned(), value.to_owned()));
    get_request(&format!("/{}", kind.plural()), query.collect(), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn counted(
        objects: &[&str],
        status: u16,
        body: &Value,
    ) -> (Result<Vec<Tally>, Failure>, Vec<String>) {
        let wanted: Vec<String> = objects.iter().map(|name| (*name).to_owned()).collect();
        let mut asked = Vec::new();
        let tallies = count(&wanted, &mut |request| {
            let query = request.query.iter();
            let query: Vec<String> = query.map(|(key, value)| format!("{key}={value}")).collect();
            asked.push(format!("{}?{}", request.path, query.join("&")));
            Ok(http::Response {
                status,
                headers: Vec::new(),
                body: http::Body::Json(body.to_string()),
            })
        });
        (tallies, asked)
    }

    #[test]
    fn a_page_of_one_tells_the_count_without_what_is_gone() {
        let body = json!({"pagination": {"page": "1", "pageSize": "1", "pageCount": "905", "itemCount": "905"}});
        let (tallies, asked) = counted(&["customer", "invoice"], 200, &body);
        let seen: Vec<_> = tallies.unwrap().into_iter().map(|t| t.records).collect();
        assert_eq!(seen, [Ok(905), Ok(905)]);
        assert_eq!(
            asked,
            [
                "/Contacts?summaryOnly=true&page=1&pageSize=1",
                "/Invoices?Statuses=DRAFT,SUBMITTED,AUTHORISED,PAID&summaryOnly=true&page=1&pageSize=1"
            ]
        );
    }

    #[test]
    fn an_answer_without_a_count_is_none_and_a_refusal_ends_the_call() {
        let (tallies, _) = counted(&["customer"], 200, &json!({"Contacts": []}));
        let problem = tallies.unwrap()[0].records.clone().unwrap_err();
        assert_eq!(problem.code, "malformed-answer");
        let (tallies, asked) = counted(&["customer", "invoice"], 403, &json!({}));
        assert_eq!(tallies.unwrap_err().problem.code, "not-authorised");
        assert_eq!(asked.len(), 1);
    }

    #[test]
    fn what_is_offered_can_be_counted() {
        let body = json!({"pagination": {"itemCount": "1"}});
        for offer in offered() {
            let (tallies, _) = counted(&[offer.object.as_str()], 200, &body);
            assert_eq!(tallies.unwrap()[0].records, Ok(1));
        }
    }
}
