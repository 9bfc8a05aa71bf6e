//! What the answers to our requests mean, and how far a deployment is.

use footbridge_sdk::connector::writes::{Answer, Method, WriteRequest};
use footbridge_sdk::connector::{Failure, FailureKind, http};
use footbridge_sdk::document::at;
use footbridge_sdk::failure::{Code, failing, failure, no_answer, problem_at};
use footbridge_sdk::provisioner::provision::{Counts, Progress};
use serde_json::Value;

use super::package::PATH;
use crate::errors::{self, ApiError, listed};
use crate::pages::{Get, request};

/// What to do for the right to change the set-up.
const RIGHT: &str = "The user of this connection may not change Salesforce's set-up, so nothing was changed. Give it the system permissions \"Modify Metadata Through Metadata API Functions\" and \"Customize Application\" (Setup > Permission Sets), for as long as this takes; then run again.";

/// Reads an answer.
pub(crate) fn read_answer(request: &WriteRequest, answer: &Answer) -> Progress {
    let body: Value = if answer.json {
        serde_json::from_str(&answer.body).unwrap_or(Value::Null)
    } else {
        Value::Null
    };
    let said = listed(&body);
    let has = |code: &str| said.iter().any(|error| error.code == code);
    match (request.method, answer.status) {
        (_, 500..) => Progress::Unknown(format!(
            "Salesforce had a fault of its own (status {}).",
            answer.status
        )),
        (_, 200 | 201) if request.path == PATH => match at(&body, "id").text() {
            Some(id) => Progress::UnderWay((id.to_owned(), counts(&body))),
            None => Progress::Unknown(
                "Salesforce took the deployment without saying its number.".to_owned(),
            ),
        },
        (_, 200..=299) => Progress::Done,
        // Somebody was quicker; the next survey sees it.
        (Method::Post, 400) if has("DUPLICATE_VALUE") => Progress::Done,
        (Method::Delete, 404) => Progress::Done,
        (_, 401) => Progress::Failed(vec![failure(
            FailureKind::AuthExpired,
            Code::NotAuthorised,
            "Salesforce refused the credential; nothing was changed.",
        )]),
        (_, status) => Progress::Failed(vec![refused(request, status, said.first())]),
    }
}

fn refused(request: &WriteRequest, status: u16, said: Option<&ApiError>) -> Failure {
    let named = |mut failure: Failure| {
        failure.problem.field = request
            .operations
            .first()
            .cloned()
            .filter(|_| request.path != PATH);
        failure
    };
    let words = said.map_or_else(
        || format!("status {status}"),
        |error| format!("{} ({})", error.message, error.code),
    );
    let right = matches!(
        said.map(|error| error.code.as_str()),
        Some(
            "INSUFFICIENT_ACCESS"
                | "INSUFFICIENT_ACCESS_OR_READONLY"
                | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        )
    );
    if right || (status == 403 && said.is_none()) {
        let advice = if request
            .path
            .starts_with("/sobjects/PermissionSetAssignment")
        {
            "The user of this connection may not assign permission sets. Assign \"Footbridge Sync\" to it yourself (Setup > Permission Sets > Footbridge Sync > Manage Assignments), or give it the system permission \"Assign Permission Sets\"; then run again."
        } else {
            RIGHT
        };
        return named(failure(
            FailureKind::Misconfigured,
            Code::NotAuthorised,
            format!("{advice} Salesforce said: {words}"),
        ));
    }
    match said {
        Some(error) => named(error.failure(FailureKind::Misconfigured)),
        None => named(failure(
            FailureKind::Misconfigured,
            Code::UnexpectedStatus,
            format!("Salesforce refused this with {words}."),
        )),
    }
}

/// Looks at a deployment.
pub(crate) fn look(handle: &str, get: Get<'_>) -> Result<Progress, Failure> {
    let ask = http::Request {
        query: vec![("includeDetails".to_owned(), "true".to_owned())],
        ..request(&format!("{PATH}/{handle}"), Vec::new())
    };
    let response = get(&ask).map_err(no_answer)?;
    if response.status == 404 {
        return Ok(Progress::Unknown(format!(
            "Salesforce no longer knows the deployment {handle}."
        )));
    }
    let body = errors::read(&response)?;
    let result = body.get("deployResult").unwrap_or(&Value::Null);
    if at(result, "done").flag() != Some(true) {
        return Ok(Progress::UnderWay((handle.to_owned(), counts(&body))));
    }
    if at(result, "status").text() == Some("Succeeded") {
        return Ok(Progress::Done);
    }
    let mut failures: Vec<Failure> = at(result, "details.componentFailures")
        .list()
        .iter()
        .map(component)
        .collect();
    if failures.is_empty() {
        let words = at(result, "errorMessage")
            .text()
            .or(at(result, "status").text())
            .unwrap_or("without a reason");
        failures.push(failure(
            FailureKind::Rejected,
            Code::Settings,
            format!("Salesforce did not carry the deployment out: {words}. Nothing was changed."),
        ));
    }
    Ok(Progress::Failed(failures))
}

/// One component that failed.
fn component(message: &Value) -> Failure {
    let text = |name: &str| at(message, name).text().unwrap_or_default();
    let name = format!("{} {}", text("componentType"), text("fullName"));
    let said = text("problem");
    let limit = said.contains("maximum number") || said.contains("limit");
    let advice = if limit {
        " This edition of Salesforce allows no more of these: delete some that nobody needs, or move to a larger edition."
    } else {
        ""
    };
    failing(
        FailureKind::Rejected,
        problem_at(
            if limit {
                Code::Settings
            } else {
                Code::InvalidValue
            },
            name.trim(),
            format!("{}: {said}{advice}", name.trim()),
        ),
    )
}

fn counts(body: &Value) -> Counts {
    let number = |name: &str| {
        at(body, &format!("deployResult.{name}"))
            .text()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    };
    Counts {
        done: number("numberComponentsDeployed"),
        total: number("numberComponentsTotal"),
    }
}
