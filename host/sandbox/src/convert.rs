//! Between the contract's types and the host's. What a guest hands over is checked here, document by document.
//!
//! A document with a number token, a duplicate key, too deep or too large is the plugin's fault and named as such; a
//! good one becomes canonical. Nothing here runs a guest. Next: `connector.rs`, `transform.rs`.

use crate::bindings::{counts, feed, lookup, provision, schema, setup, transform, types, writes};
use crate::limits::Limits;
use footbridge_model::document::Document;
use footbridge_model::failure::{Failure, FailureKind, Problem};
use footbridge_model::plugin as model;
use footbridge_model::provision as parts;

/// What is wrong with what a plugin handed over; follows the plugin's name.
pub(crate) type Nonsense = String;

pub(crate) fn problem(from: types::Problem) -> Problem {
    Problem {
        code: from.code,
        message: from.message,
        field: from.field,
        extra: from.extra,
    }
}

pub(crate) fn failure(from: types::Failure) -> Failure {
    Failure {
        kind: match from.kind {
            types::FailureKind::Retry => FailureKind::Retry,
            types::FailureKind::AuthExpired => FailureKind::AuthExpired,
            types::FailureKind::Rejected => FailureKind::Rejected,
            types::FailureKind::Conflict => FailureKind::Conflict,
            types::FailureKind::Gone => FailureKind::Gone,
            types::FailureKind::NotVisible => FailureKind::NotVisible,
            types::FailureKind::NeedsPerson => FailureKind::NeedsPerson,
            types::FailureKind::InDoubt => FailureKind::InDoubt,
            types::FailureKind::Quota => FailureKind::Quota,
            types::FailureKind::Misconfigured => FailureKind::Misconfigured,
        },
        problem: problem(from.problem),
        retry_after_seconds: from.retry_after_seconds,
    }
}

/// A document from a guest, canonical.
fn document(of: impl FnOnce() -> String, text: &str) -> Result<String, Nonsense> {
    Document::from_plugin(text)
        .map(|document| document.canonical())
        .map_err(|error| format!("gave a bad document for {}: {error}", of()))
}

fn item(from: types::Item) -> Result<model::Item, Nonsense> {
    let doc = document(|| format!("{} {}", from.object, from.id), &from.doc)?;
    Ok(model::Item {
        object: from.object,
        id: from.id,
        version: from.version,
        presence: match from.presence {
            types::Presence::Present => model::Presence::Present,
            types::Presence::Deleted => model::Presence::Deleted,
            types::Presence::Archived => model::Presence::Archived,
            types::Presence::MergedInto(id) => model::Presence::MergedInto(id),
        },
        doc,
    })
}

fn items(from: Vec<types::Item>, limits: &Limits) -> Result<Vec<model::Item>, Nonsense> {
    if from.len() > limits.page_items {
        return Err(format!(
            "gave {} items at once and the limit is {}",
            from.len(),
            limits.page_items
        ));
    }
    let bytes: usize = from.iter().map(|item| item.doc.len()).sum();
    if bytes > limits.answer_bytes {
        return Err(format!(
            "gave {bytes} bytes at once and the limit is {}",
            limits.answer_bytes
        ));
    }
    from.into_iter().map(item).collect()
}

pub(crate) fn page(from: feed::Page, limits: &Limits) -> Result<model::Page, Nonsense> {
    Ok(model::Page {
        items: items(from.items, limits)?,
        next: from.next,
        complete: from.complete,
    })
}

pub(crate) fn found(from: lookup::Found, limits: &Limits) -> Result<model::Found, Nonsense> {
    Ok(model::Found {
        items: items(from.items, limits)?,
        complete: from.complete,
    })
}

pub(crate) fn description(from: schema::Description) -> model::Description {
    let field = |field: schema::Field| model::FieldDescription {
        path: field.path,
        kind: match field.type_ {
            schema::FieldType::Text => "text",
            schema::FieldType::Decimal => "decimal",
            schema::FieldType::Date => "date",
            schema::FieldType::Instant => "instant",
            schema::FieldType::Boolean => "boolean",
            schema::FieldType::Id => "id",
            schema::FieldType::List => "list",
            schema::FieldType::Structure => "structure",
        }
        .to_owned(),
        max_length: field.max_length,
        required: field.required,
        money: field.money,
    };
    let object = |object: schema::Object| model::ObjectDescription {
        name: object.name,
        fields: object.fields.into_iter().map(field).collect(),
        open: object.open,
        natural_keys: object.natural_keys,
        batch_size: object.batch_size,
        unique_keys: object.unique_keys,
        feed: object.feed,
    };
    model::Description {
        provider: from.provider,
        objects: from.objects.into_iter().map(object).collect(),
    }
}

pub(crate) fn organisation(
    from: setup::Organisation,
) -> Result<model::OrganisationFound, Nonsense> {
    let doc = document(|| format!("organisation {}", from.id), &from.doc)?;
    Ok(model::OrganisationFound {
        id: from.id,
        name: from.name,
        test: from.test,
        doc,
    })
}

pub(crate) fn countable(from: counts::Countable) -> model::Countable {
    model::Countable {
        object: from.object,
        pace: match from.pace {
            counts::Pace::EachRun => model::Pace::EachRun,
            counts::Pace::Daily => model::Pace::Daily,
        },
    }
}

pub(crate) fn tally(from: counts::Tally) -> model::Tally {
    model::Tally {
        object: from.object,
        records: from.records.map_err(problem),
    }
}

pub(crate) fn operation(from: &model::Operation) -> writes::Operation {
    writes::Operation {
        id: from.id.clone(),
        action: match from.action {
            model::Action::Create => writes::Action::Create,
            model::Action::Update => writes::Action::Update,
        },
        object: from.object.clone(),
        target: from.target.clone(),
        doc: from.doc.clone(),
    }
}

pub(crate) fn write_request(from: writes::WriteRequest) -> model::WriteRequest {
    model::WriteRequest {
        service: from.service,
        method: match from.method {
            writes::Method::Post => model::Method::Post,
            writes::Method::Put => model::Method::Put,
            writes::Method::Patch => model::Method::Patch,
            writes::Method::Delete => model::Method::Delete,
        },
        path: from.path,
        query: from.query,
        headers: from
            .headers
            .into_iter()
            .map(|header| (header.name, header.value))
            .collect(),
        content_type: from.content_type,
        body: from.body,
        operations: from.operations,
    }
}

pub(crate) fn write_request_back(from: &model::WriteRequest) -> writes::WriteRequest {
    writes::WriteRequest {
        service: from.service.clone(),
        method: match from.method {
            model::Method::Post => writes::Method::Post,
            model::Method::Put => writes::Method::Put,
            model::Method::Patch => writes::Method::Patch,
            model::Method::Delete => writes::Method::Delete,
        },
        path: from.path.clone(),
        query: from.query.clone(),
        headers: headers(&from.headers),
        content_type: from.content_type.clone(),
        body: from.body.clone(),
        operations: from.operations.clone(),
    }
}

pub(crate) fn answer(from: &model::Answer) -> writes::Answer {
    writes::Answer {
        status: from.status,
        headers: headers(&from.headers),
        body: from.body.clone(),
        json: from.json,
    }
}

fn headers(from: &[(String, String)]) -> Vec<writes::RequestHeader> {
    let header = |(name, value): &(String, String)| writes::RequestHeader {
        name: name.clone(),
        value: value.clone(),
    };
    from.iter().map(header).collect()
}

pub(crate) fn outcome(from: writes::Outcome) -> Result<model::Outcome, Nonsense> {
    let verdict = match from.verdict {
        writes::Verdict::Failed(from) => model::Verdict::Failed(failure(from)),
        writes::Verdict::Applied(applied) => model::Verdict::Applied(model::Applied {
            doc: document(|| format!("operation {}", from.operation), &applied.doc)?,
            id: applied.id,
            version: applied.version,
            warnings: applied.warnings,
        }),
    };
    Ok(model::Outcome {
        operation: from.operation,
        verdict,
    })
}

pub(crate) fn wish(from: parts::Wish) -> provision::Wish {
    match from {
        parts::Wish::Present => provision::Wish::Present,
        parts::Wish::Absent => provision::Wish::Absent,
    }
}

pub(crate) fn findings(
    from: provision::Findings,
    limits: &Limits,
) -> Result<parts::Findings, Nonsense> {
    if from.parts.len() > limits.page_items || from.next.len() > limits.batch_items {
        return Err(format!(
            "gave {} parts and {} requests at once",
            from.parts.len(),
            from.next.len()
        ));
    }
    Ok(parts::Findings {
        parts: from.parts.into_iter().map(part).collect(),
        next: from.next.into_iter().map(write_request).collect(),
        under_way: from.under_way,
        notes: from.notes,
    })
}

fn part(from: provision::Part) -> parts::Part {
    let kind = match from.kind {
        provision::Kind::Object => parts::PartKind::Object,
        provision::Kind::Field => parts::PartKind::Field,
        provision::Kind::Tab => parts::PartKind::Tab,
        provision::Kind::Layout => parts::PartKind::Layout,
        provision::Kind::PermissionSet => parts::PartKind::PermissionSet,
        provision::Kind::Assignment => parts::PartKind::Assignment,
        provision::Kind::ListView => parts::PartKind::ListView,
        provision::Kind::RelatedList => parts::PartKind::RelatedList,
        provision::Kind::ReportFolder => parts::PartKind::ReportFolder,
        provision::Kind::Report => parts::PartKind::Report,
    };
    let change = |change: provision::Change| parts::Change {
        what: change.what,
        old: change.old,
        new: change.new,
    };
    parts::Part {
        kind,
        name: from.name,
        label: from.label,
        state: match from.state {
            provision::State::Present => parts::PartState::Present,
            provision::State::Missing => parts::PartState::Missing,
            provision::State::Differs(changes) => {
                parts::PartState::Differs(changes.into_iter().map(change).collect())
            }
            provision::State::Cannot(from) => parts::PartState::Cannot(problem(from)),
        },
        note: from.note,
    }
}

pub(crate) fn progress(from: provision::Progress) -> parts::Progress {
    match from {
        provision::Progress::Done => parts::Progress::Done,
        provision::Progress::UnderWay((handle, counts)) => parts::Progress::UnderWay {
            handle,
            done: counts.done,
            total: counts.total,
        },
        provision::Progress::Failed(failures) => {
            parts::Progress::Failed(failures.into_iter().map(failure).collect())
        }
        provision::Progress::Unknown(why) => parts::Progress::Unknown(why),
    }
}

pub(crate) fn transform_description(from: transform::Description) -> model::TransformDescription {
    model::TransformDescription {
        reads: from
            .reads
            .into_iter()
            .map(|s| (s.object, s.paths))
            .collect(),
        writes: from
            .writes
            .into_iter()
            .map(|t| (t.object, t.paths))
            .collect(),
    }
}

pub(crate) fn drafts(
    of: &str,
    from: Vec<transform::Draft>,
    limits: &Limits,
) -> Result<Vec<model::Draft>, Nonsense> {
    if from.len() > limits.batch_items {
        return Err(format!("gave {} drafts for {of}", from.len()));
    }
    let draft = |draft: transform::Draft| {
        Ok(model::Draft {
            doc: document(|| format!("a draft {} of {of}", draft.object), &draft.doc)?,
            object: draft.object,
        })
    };
    from.into_iter().map(draft).collect()
}
