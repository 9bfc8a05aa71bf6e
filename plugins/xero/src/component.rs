//! The shell that the host calls: each export is one line to the function that does it.
//!
//! Holds no state and no rules. `schema` and `writes` reach nothing outside; `feed`, `lookup`, `setup` and `counts` read through
//! the host's `http`.

use footbridge_sdk::connector::{Failure, Problem, feed, http, lookup, schema, setup, writes};
use footbridge_sdk::counter::counts;

/// The connector.
#[derive(Debug)]
pub struct Xero;

impl schema::Guest for Xero {
    fn describe() -> schema::Description {
        crate::schema::describe()
    }
}

impl feed::Guest for Xero {
    fn read_changes(request: feed::Request) -> Result<feed::Page, Failure> {
        crate::feed::read(&request, &mut http::get)
    }
}

impl lookup::Guest for Xero {
    fn fetch(
        object: String,
        ids: Vec<String>,
        _fields: Vec<String>,
    ) -> Result<lookup::Found, Failure> {
        crate::lookup::fetch(&object, &ids, &mut http::get)
    }

    fn find(criteria: lookup::Criteria) -> Result<lookup::Found, Failure> {
        crate::lookup::find(&criteria, &mut http::get)
    }
}

impl writes::Guest for Xero {
    fn prepare(operations: Vec<writes::Operation>) -> Result<Vec<writes::WriteRequest>, Problem> {
        crate::batches::prepare(&operations)
    }

    fn interpret(request: writes::WriteRequest, answer: writes::Answer) -> Vec<writes::Outcome> {
        crate::answers::interpret(&request, &answer)
    }
}

impl setup::Guest for Xero {
    fn discover() -> Result<Vec<setup::Organisation>, Failure> {
        crate::organisation::discover(&mut http::get)
    }
}

impl counts::Guest for Xero {
    fn offered() -> Vec<counts::Countable> {
        crate::counts::offered()
    }

    fn count(objects: Vec<String>) -> Result<Vec<counts::Tally>, Failure> {
        crate::counts::count(&objects, &mut http::get)
    }
}

footbridge_sdk::export_connector!(Xero);
footbridge_sdk::export_counter!(Xero);
