//! The shell that the host calls: each export is one line to the function that does it.
//!
//! Holds no state and no rules. `schema` and `writes` reach nothing outside; `feed`, `lookup`, `setup`, `counts` and `provision` read
//! through the host's `http`.

use footbridge_sdk::connector::{Failure, Problem, feed, http, lookup, schema, setup, writes};
use footbridge_sdk::counter::counts;
use footbridge_sdk::provisioner::provision;

/// The connector.
#[derive(Debug)]
pub struct Salesforce;

impl schema::Guest for Salesforce {
    fn describe() -> schema::Description {
        crate::schema::describe()
    }
}

impl feed::Guest for Salesforce {
    fn read_changes(request: feed::Request) -> Result<feed::Page, Failure> {
        crate::feed::read(&request, &mut http::get)
    }
}

impl lookup::Guest for Salesforce {
    fn fetch(
        object: String,
        ids: Vec<String>,
        fields: Vec<String>,
    ) -> Result<lookup::Found, Failure> {
        crate::lookup::fetch(&object, &ids, &fields, &mut http::get)
    }

    fn find(criteria: lookup::Criteria) -> Result<lookup::Found, Failure> {
        crate::lookup::find(&criteria, &mut http::get)
    }
}

impl writes::Guest for Salesforce {
    fn prepare(operations: Vec<writes::Operation>) -> Result<Vec<writes::WriteRequest>, Problem> {
        crate::batches::prepare(&operations)
    }

    fn interpret(request: writes::WriteRequest, answer: writes::Answer) -> Vec<writes::Outcome> {
        crate::answers::interpret(&request, &answer)
    }
}

impl setup::Guest for Salesforce {
    fn discover() -> Result<Vec<setup::Organisation>, Failure> {
        crate::organisation::discover(&mut http::get)
    }
}

impl provision::Guest for Salesforce {
    fn survey(wish: provision::Wish) -> Result<provision::Findings, Failure> {
        crate::provision::survey(wish, &mut http::get)
    }

    fn read_answer(request: writes::WriteRequest, answer: writes::Answer) -> provision::Progress {
        crate::provision::read_answer(&request, &answer)
    }

    fn look(handle: String) -> Result<provision::Progress, Failure> {
        crate::provision::look(&handle, &mut http::get)
    }
}

impl counts::Guest for Salesforce {
    fn offered() -> Vec<counts::Countable> {
        crate::counts::offered()
    }

    fn count(objects: Vec<String>) -> Result<Vec<counts::Tally>, Failure> {
        crate::counts::count(&objects, &mut http::get)
    }
}

footbridge_sdk::export_connector!(Salesforce);
footbridge_sdk::export_counter!(Salesforce);
footbridge_sdk::export_provisioner!(Salesforce);
