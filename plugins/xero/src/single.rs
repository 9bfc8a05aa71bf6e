//! Reads a few records each at its own address.
//!
//! Lists may show a change a little after it was made (no page says how late); a record's own address is the record. What is about to be
//! changed is read so, where that costs hardly a call more. It never proves that something is absent: what it doesn't find, a list is
//! asked for. Next: `lookup`.

use footbridge_sdk::connector::Failure;
use footbridge_sdk::failure::no_answer;
use serde_json::Value;

use crate::objects::Kind;
use crate::walk::{Get, elements, get_request, json};

/// Up to so many records are read one by one; more of them in one list.
pub(crate) const FEW: usize = 3;
/// Xero doesn't know the id, or doesn't show it.
const NOT_FOUND: u16 = 404;

/// The record of an id, if its address shows it. The id is a GUID.
///
/// # Errors
/// As any read.
pub(crate) fn read(kind: Kind, id: &str, get: Get<'_>) -> Result<Option<Value>, Failure> {
    let query = kind.unit_places().into_iter().collect();
    let request = get_request(&format!("/{}/{id}", kind.plural()), query, None);
    let response = get(&request).map_err(no_answer)?;
    if response.status == NOT_FOUND {
        return Ok(None);
    }
    let found = elements(kind, &json(&response)?)?;
    let is_it = |element: &Value| {
        kind.id_of(element)
            .is_some_and(|found| found.eq_ignore_ascii_case(id))
    };
    Ok(found.into_iter().find(is_it))
}
