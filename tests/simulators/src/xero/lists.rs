//! Reading collections: filters, order, modified-since and pages, the same way for every kind.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::call::Call;
use super::dates;
use super::defect::Defect;
use super::guid::Guid;
use super::shelf::Shelved;
use super::where_eval::{self, Fields};
use super::where_parse::{self, WhereError};

/// The records chosen, in order, and the `pagination` object if pages were asked for.
#[derive(Debug)]
pub(crate) struct Chosen<'a, T> {
    pub(crate) records: Vec<&'a T>,
    pub(crate) pagination: Option<Value>,
}

/// Chooses records as the call's parameters say. `probe` shows a record to filters and to `order`.
pub(crate) fn choose<'a, T: Shelved>(
    call: &Call,
    records: Vec<&'a T>,
    fields: &'static Fields,
    probe: impl Fn(&T) -> Map<String, Value>,
) -> Result<Chosen<'a, T>, Answer> {
    let mut records = records;
    if let Some(since) = call.since {
        let inclusive = call.has(Defect::SinceInclusive);
        records
            .retain(|record| record.updated() > since || (inclusive && record.updated() == since));
    }
    if let Some(ids) = call.list("IDs") {
        let ids: Vec<Guid> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        records.retain(|record| ids.contains(&record.id()));
    }
    let expression = call
        .parameter("where")
        .filter(|_| !call.has(Defect::WhereIgnored))
        .map(where_parse::parse)
        .transpose()
        .map_err(unreadable)?;
    if let Some(expression) = &expression {
        // A filter is wrong even when there is nothing to filter.
        where_eval::passes(expression, fields, &Map::new()).map_or_else(
            |error| {
                if is_unknown(&error) {
                    Err(unreadable(error))
                } else {
                    Ok(())
                }
            },
            |_| Ok(()),
        )?;
        let mut passed = Vec::with_capacity(records.len());
        for record in records {
            if where_eval::passes(expression, fields, &probe(record)).map_err(unreadable)? {
                passed.push(record);
            }
        }
        records = passed;
    }
    records.sort_by_key(|record| (record.updated(), record.id()));
    let ordered = !call.has(Defect::OrderIgnored);
    if let Some(order) = call.parameter("order").filter(|_| ordered) {
        let terms = where_eval::parse_order(order, fields).map_err(unreadable)?;
        let mut probed: Vec<_> = records
            .into_iter()
            .map(|record| (probe(record), record))
            .collect();
        probed.sort_by(|(a, _), (b, _)| where_eval::by_order(&terms, fields, a, b));
        records = probed.into_iter().map(|(_, record)| record).collect();
    }
    let Some((page, size)) = call.page() else {
        return Ok(Chosen {
            records,
            pagination: None,
        });
    };
    let count = records.len();
    let pagination = json!({"page": page, "pageSize": size, "pageCount": count.div_ceil(size), "itemCount": count});
    let mut start = (page - 1).saturating_mul(size);
    if start >= count && call.has(Defect::LastPageRepeats) {
        start = count.saturating_sub(1) / size * size;
    }
    let size = size + usize::from(call.has(Defect::PageOf101));
    Ok(Chosen {
        records: records.into_iter().skip(start).take(size).collect(),
        pagination: Some(pagination),
    })
}

/// Filters plain values (tax rates, currencies) that have no id and no pages.
pub(crate) fn choose_plain(
    call: &Call,
    records: Vec<Map<String, Value>>,
    fields: &'static Fields,
) -> Result<Vec<Value>, Answer> {
    let mut records = records;
    if let Some(filter) = call.parameter("where") {
        let expression = where_parse::parse(filter).map_err(unreadable)?;
        let mut passed = Vec::new();
        for record in records {
            if where_eval::passes(&expression, fields, &record).map_err(unreadable)? {
                passed.push(record);
            }
        }
        records = passed;
    }
    if let Some(order) = call.parameter("order") {
        let terms = where_eval::parse_order(order, fields).map_err(unreadable)?;
        records.sort_by(|a, b| where_eval::by_order(&terms, fields, a, b));
    }
    Ok(records.into_iter().map(Value::Object).collect())
}

fn is_unknown(error: &WhereError) -> bool {
    matches!(error, WhereError::UnknownField(..))
}

fn unreadable(error: WhereError) -> Answer {
    Answer::unreadable(16, "QueryParseException", &error.to_string())
}

/// The dates of an echoed element, as Xero spells them.
pub(crate) fn echo_dates(element: &mut Map<String, Value>) {
    for name in [
        "Date",
        "DueDate",
        "ExpectedPaymentDate",
        "PlannedPaymentDate",
    ] {
        if let Some(date) = element.get(name).and_then(dates::read_date) {
            element.insert(name.to_owned(), json!(dates::date(date)));
            element.insert(format!("{name}String"), json!(dates::date_text(date)));
        }
    }
}
