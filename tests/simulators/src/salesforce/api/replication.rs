//! `/sobjects/X/updated` and `/deleted`: what changed between two instants, seconds ignored.

use chrono::{DateTime, Duration, Timelike, Utc};
use serde_json::{Value, json};

use super::{ApiAnswer, ApiRequest};
use crate::salesforce::check;
use crate::salesforce::defect::Defect;
use crate::salesforce::error::ApiError;
use crate::salesforce::org::Org;
use crate::salesforce::schema::ObjectDef;
use crate::salesforce::store::Record;
use crate::salesforce::value::instant_text;

/// How far back deletions can be asked for.
const DELETED_DAYS: i64 = 15;
/// How far back changes can be asked for.
const UPDATED_DAYS: i64 = 30;

pub(super) fn updated(
    org: &Org,
    request: &ApiRequest,
    object: &ObjectDef,
) -> Result<ApiAnswer, ApiError> {
    let (start, end) = window(org, request, UPDATED_DAYS)?;
    let ids: Vec<&str> = org
        .store
        .all(&object.name)
        .filter(|record| org.store.shows(record))
        .filter(|record| !record.is_deleted() && stamped_within(record, start, end))
        .map(Record::id)
        .collect();
    Ok(ApiAnswer::ok(
        json!({"ids": ids, "latestDateCovered": instant_text(org.covered())}),
    ))
}

pub(super) fn deleted(
    org: &Org,
    request: &ApiRequest,
    object: &ObjectDef,
) -> Result<ApiAnswer, ApiError> {
    let (start, end) = window(org, request, DELETED_DAYS)?;
    let records: Vec<Value> = org
        .store
        .all(&object.name)
        .filter(|record| org.store.shows(record))
        .filter(|record| record.is_deleted() && stamped_within(record, start, end))
        .filter(|_| !org.store.has(Defect::DeletionsUntold))
        .filter_map(|record| {
            let at = record.get("SystemModstamp").as_instant()?;
            Some(json!({"id": record.id(), "deletedDate": instant_text(at)}))
        })
        .collect();
    let earliest = org.now() - Duration::days(DELETED_DAYS);
    Ok(ApiAnswer::ok(json!({
        "deletedRecords": records,
        "earliestDateAvailable": instant_text(earliest),
        "latestDateCovered": instant_text(org.covered()),
    })))
}

fn stamped_within(record: &Record, start: DateTime<Utc>, end: DateTime<Utc>) -> bool {
    record
        .get("SystemModstamp")
        .as_instant()
        .is_some_and(|at| at >= start && at < end)
}

fn window(
    org: &Org,
    request: &ApiRequest,
    days: i64,
) -> Result<(DateTime<Utc>, DateTime<Utc>), ApiError> {
    let bad = |message: &str| ApiError::new("INVALID_REPLICATION_DATE", message);
    let read = |name: &str| {
        let text = request
            .query
            .get(name)
            .ok_or_else(|| bad(&format!("{name} is required")))?;
        let instant = check::instant(text).ok_or_else(|| bad(&format!("invalid date: {text}")))?;
        Ok(instant
            .with_second(0)
            .and_then(|instant| instant.with_nanosecond(0))
            .unwrap_or(instant))
    };
    let (start, end) = (read("start")?, read("end")?);
    if start >= end {
        return Err(bad("startDate must be at least one minute before endDate"));
    }
    if start < org.now() - Duration::days(days) {
        return Err(bad(&format!(
            "startDate cannot be more than {days} days ago"
        )));
    }
    Ok((start, end))
}
