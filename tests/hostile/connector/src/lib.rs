//! A connector whose every call can go wrong in one named way. The object's name, or the answer's body, says which; the
//! object `deeds` lists them all, so that a test can miss none.

mod deeds;
mod flood;
mod keeping;
mod lies;
mod pages;

use footbridge_sdk::connector::{
    Failure, FailureKind, Problem, feed, http, lookup, schema, setup, writes,
};

/// The connector.
#[derive(Debug)]
pub struct Hostile;

impl schema::Guest for Hostile {
    fn describe() -> schema::Description {
        schema::Description {
            provider: "xero".to_owned(),
            objects: Vec::new(),
            extra: None,
        }
    }
}

impl feed::Guest for Hostile {
    fn read_changes(request: feed::Request) -> Result<feed::Page, Failure> {
        let name = request.object.as_str();
        let cursor = request.cursor.as_deref().unwrap_or_default();
        if let Some((_, page)) = pages::PAGES.iter().find(|(known, _)| *known == name) {
            return page();
        }
        let doc = match name {
            "deeds" => return Ok(pages::of(every_deed())),
            "honest" => pages::HONEST.to_owned(),
            "read" if cursor.is_empty() => format!("\"{}\"", read("/Contacts")?),
            "read" => format!("\"{}\"", read(cursor)?),
            "keep" => keeping::keep(cursor)?,
            deed => match deeds::DEEDS.iter().find(|(known, _)| *known == deed) {
                Some((_, commit)) => {
                    commit();
                    pages::HONEST.to_owned()
                }
                None => return Err(failure("no", &format!("there is no deed {deed:?}"))),
            },
        };
        Ok(pages::of(vec![doc]))
    }
}

/// Every deed with the call that it is done in, as JSON strings.
fn every_deed() -> Vec<String> {
    let named = |call: &str, name: &str| format!("\"{call}: {name}\"");
    let reading = deeds::DEEDS.iter().map(|(name, _)| named("read", name));
    let pages = pages::PAGES.iter().map(|(name, _)| named("read", name));
    let preparing = lies::PREPARING
        .iter()
        .map(|(name, _)| named("prepare", name));
    let interpreting = lies::INTERPRETING
        .iter()
        .map(|(name, _)| named("interpret", name));
    let keeping = keeping::KEEPING.iter().map(|name| named("keep", name));
    reading
        .chain(pages)
        .chain(preparing)
        .chain(interpreting)
        .chain(keeping)
        .collect()
}

impl lookup::Guest for Hostile {
    fn fetch(object: String, ids: Vec<String>, _: Vec<String>) -> Result<lookup::Found, Failure> {
        if object == "keep" {
            return keeping::found(&ids.concat());
        }
        for id in ids {
            read(&id)?;
        }
        Ok(lookup::Found {
            items: Vec::new(),
            complete: true,
        })
    }

    fn find(_: lookup::Criteria) -> Result<lookup::Found, Failure> {
        Err(failure("no", "never"))
    }
}

impl writes::Guest for Hostile {
    fn prepare(operations: Vec<writes::Operation>) -> Result<Vec<writes::WriteRequest>, Problem> {
        lies::prepare(operations)
    }

    fn interpret(request: writes::WriteRequest, answer: writes::Answer) -> Vec<writes::Outcome> {
        lies::interpret(request, &answer.body)
    }
}

impl setup::Guest for Hostile {
    fn discover() -> Result<Vec<setup::Organisation>, Failure> {
        Ok(Vec::new())
    }
}

fn read(path: &str) -> Result<String, Failure> {
    let request = http::Request {
        service: "accounting".to_owned(),
        path: path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
    };
    match http::get(&request) {
        Ok(response) => Ok(response.status.to_string()),
        Err(http::Error::Denied(why)) => Err(failure("denied", &why)),
        Err(other) => Err(failure("other", &format!("{other:?}"))),
    }
}

pub(crate) fn failure(code: &str, message: &str) -> Failure {
    Failure {
        kind: FailureKind::Retry,
        problem: Problem {
            code: code.to_owned(),
            message: message.to_owned(),
            field: None,
            extra: None,
        },
        retry_after_seconds: Some(7),
    }
}

footbridge_sdk::export_connector!(Hostile);
