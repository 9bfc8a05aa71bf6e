//! Requests and outcomes that are not what was asked, each under a name. Anything else is told the truth.

use crate::{failure, keeping, read};
use footbridge_sdk::connector::{Problem, writes};

/// The ids of the operations changed.
type Lie = fn(&mut Vec<String>);

/// What `prepare` can do, by the object of the first operation.
pub(crate) const PREPARING: &[(&str, Lie)] = &[
    ("missing", |ids| drop(ids.pop())),
    ("extra", |ids| ids.push("never asked".to_owned())),
    ("twice", |ids| ids.extend(ids.clone())),
    ("empty request", Vec::clear),
    ("trap", |_| std::process::abort()),
    ("nothing", |_| {}),
    ("reach", |_| {}),
    ("keep", |_| {}),
    ("giant body", |_| {}),
];

/// What `interpret` can do, by the answer's body.
pub(crate) const INTERPRETING: &[(&str, Lie)] = &[
    ("missing", |ids| drop(ids.pop())),
    ("extra", |ids| ids.push("never asked".to_owned())),
    ("twice", |ids| ids.extend(ids.clone())),
    ("swapped for one", |ids| {
        let first = ids.first().cloned().unwrap_or_default();
        ids.iter_mut().for_each(|id| id.clone_from(&first));
    }),
    ("trap", |_| std::process::abort()),
    ("number token", |_| {}),
];

pub(crate) fn prepare(
    operations: Vec<writes::Operation>,
) -> Result<Vec<writes::WriteRequest>, Problem> {
    let how = operations.first().map(|operation| operation.object.clone());
    let how = how.as_deref().unwrap_or_default();
    let mut ids = operations.into_iter().map(|one| one.id).collect();
    lie(PREPARING, how, &mut ids);
    let mut said = "none".to_owned();
    let mut body = b"{}".to_vec();
    match how {
        "nothing" => return Ok(Vec::new()),
        "keep" => said = keeping::in_a_pure_call(),
        "reach" => {
            said = match read("/Contacts") {
                Ok(body) => body,
                Err(failure) => failure.problem.message,
            };
        }
        "giant body" => body = vec![b' '; 9 << 20],
        "honest" => {}
        other if PREPARING.iter().any(|(known, _)| *known == other) => {}
        other => return Err(failure("no", &format!("there is no deed {other:?}")).problem),
    }
    Ok(vec![writes::WriteRequest {
        service: "accounting".to_owned(),
        method: writes::Method::Put,
        path: "/Contacts".to_owned(),
        query: Vec::new(),
        headers: vec![writes::RequestHeader {
            name: "x-said".to_owned(),
            value: said,
        }],
        content_type: "application/json".to_owned(),
        body,
        operations: ids,
    }])
}

pub(crate) fn interpret(request: writes::WriteRequest, how: &str) -> Vec<writes::Outcome> {
    let mut ids = request.operations;
    lie(INTERPRETING, how, &mut ids);
    let doc = match how {
        "number token" => r#"{"total":1}"#,
        _ => "{}",
    };
    let outcome = |operation: String| writes::Outcome {
        operation,
        verdict: writes::Verdict::Applied(writes::Applied {
            id: "far".to_owned(),
            version: None,
            doc: doc.to_owned(),
            warnings: Vec::new(),
        }),
    };
    ids.into_iter().map(outcome).collect()
}

fn lie(lies: &[(&str, Lie)], how: &str, ids: &mut Vec<String>) {
    if let Some((_, lie)) = lies.iter().find(|(known, _)| *known == how) {
        lie(ids);
    }
}
