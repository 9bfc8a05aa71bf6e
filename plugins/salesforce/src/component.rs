//! The shell that the host calls: each export is one line to the function that does it.
//!
//! Holds no state and no rules. `schema` and `writes` reach nothing outside; `feed`, `lookup` and `setup` read through
//! the host's `http`.

use footbridge_sdk::connector::{Failure, Problem, feed, http, lookup, schema, setup, writes};

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

footbridge_sdk::export_connector!(Salesforce);
