//! Walks a paged list of Xero's so that no record is skipped, even one that changes while the walk is under way.
//!
//! Records come in the order of their last change, and a record that changes moves to the end. Counting pages would
//! then skip the one that slides over a page border. So after each full page the walk begins anew at page 1 with
//! `If-Modified-Since` just before the last stamp it saw. Only where a full page lies within one second does it count
//! pages, each one record smaller than the last, so that it overlaps with its predecessor; if the last record of the
//! predecessor isn't in the overlap, something moved and the walk goes back to page 1. Pure but for [`run`], which takes
//! the way out as an argument. From here to `feed` and `lookup`.

use footbridge_sdk::connector::{Failure, FailureKind, http};
use footbridge_sdk::document::{Field, at};
use footbridge_sdk::failure::{header, json_of, malformed, no_answer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dates;
use crate::objects::Kind;

/// How messages call the far side.
pub(crate) const FAR: &str = "Xero";
/// The service of the manifest that all paths are relative to.
pub(crate) const SERVICE: &str = "accounting";
/// The most that Xero gives per page.
const PAGE: u32 = 1000;

/// The host's read, or a test's stand-in.
pub(crate) type Get<'g> = &'g mut dyn FnMut(&http::Request) -> Result<http::Response, http::Error>;

/// Where a walk stands. All stamps are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walk {
    /// Only records changed at or after this; none from the beginning.
    pub(crate) since: Option<i64>,
    /// Which page of that list is next, from 1.
    page: u32,
    /// The id of the last record of the page before, where pages are counted.
    anchor: Option<String>,
    /// The latest stamp seen.
    pub(crate) high: Option<i64>,
}

/// What a step of a walk gave.
#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    /// The elements of the page.
    pub(crate) elements: Vec<Value>,
    /// Where to go on, or nothing if everything was seen.
    pub(crate) next: Option<Walk>,
    /// The latest stamp seen in the whole walk.
    pub(crate) high: Option<i64>,
}

impl Walk {
    /// A walk over what changed at or after a stamp.
    pub(crate) fn from(since: Option<i64>) -> Self {
        Self {
            since,
            page: 1,
            anchor: None,
            high: None,
        }
    }

    fn size(&self) -> u32 {
        PAGE.saturating_sub(self.page.saturating_sub(1)).max(1)
    }

    /// The next read. `filter` narrows the list; it must stay the same during a walk.
    pub(crate) fn request(&self, kind: Kind, filter: &[(String, String)]) -> http::Request {
        let path = format!("/{}", kind.plural());
        let mut query = filter.to_vec();
        query.extend(kind.unit_places());
        match kind {
            Kind::Customer => query.push(("includeArchived".to_owned(), "true".to_owned())),
            Kind::Invoice => query.push((
                "Statuses".to_owned(),
                "DRAFT,SUBMITTED,AUTHORISED,PAID,VOIDED,DELETED".to_owned(),
            )),
            Kind::CreditNote | Kind::Overpayment | Kind::Prepayment | Kind::Payment => {}
            Kind::Item | Kind::Account | Kind::TaxRate => return get_request(&path, query, None),
        }
        query.push(("order".to_owned(), "UpdatedDateUTC ASC".to_owned()));
        query.push(("page".to_owned(), self.page.to_string()));
        query.push(("pageSize".to_owned(), self.size().to_string()));
        get_request(&path, query, self.since)
    }

    /// Reads the answer to [`Walk::request`].
    ///
    /// # Errors
    /// By status, and `malformed-answer` for anything that isn't the list asked for.
    pub(crate) fn absorb(&self, kind: Kind, response: &http::Response) -> Result<Step, Failure> {
        let answer = json(response)?;
        let elements = elements(kind, &answer)?;
        let ids: Vec<String> = elements
            .iter()
            .filter_map(|element| kind.id_of(element))
            .collect();
        let high = elements
            .iter()
            .filter_map(Kind::stamp_of)
            .max()
            .max(self.high);
        if !kind.is_paged() {
            return Ok(Step {
                elements,
                next: None,
                high,
            });
        }
        let more = usize::try_from(self.size()).is_ok_and(|size| elements.len() >= size)
            || says_more(&answer);
        if more && elements.is_empty() {
            return Err(malformed(FAR, "an empty page where it announced more"));
        }
        let next = if self.has_slipped(&ids) {
            Some(Self {
                page: 1,
                anchor: None,
                high,
                ..self.clone()
            })
        } else {
            more.then(|| self.after(&elements, &ids, high))
        };
        Ok(Step {
            elements,
            next,
            high,
        })
    }

    /// Whether the overlap with the page before lacks that page's last record: something moved, one may be skipped.
    fn has_slipped(&self, ids: &[String]) -> bool {
        let overlap = usize::try_from(self.page.saturating_sub(1)).unwrap_or(usize::MAX);
        self.anchor
            .as_ref()
            .is_some_and(|anchor| !ids.iter().take(overlap).any(|id| id == anchor))
    }

    fn after(&self, elements: &[Value], ids: &[String], high: Option<i64>) -> Self {
        // Xero filters to the second, and perhaps strictly: one second earlier sees the last stamp again in any case.
        let reached = elements
            .last()
            .and_then(Kind::stamp_of)
            .map(|last| (last.div_euclid(1000) - 1) * 1000);
        if let Some(reached) = reached
            && self.since.is_none_or(|since| reached > since)
        {
            return Self {
                since: Some(reached),
                page: 1,
                anchor: None,
                high,
            };
        }
        Self {
            page: self.page.saturating_add(1),
            anchor: ids.last().cloned(),
            high,
            ..self.clone()
        }
    }
}

/// The records of an answer, each with an id.
///
/// # Errors
/// `malformed-answer` for anything that isn't the list asked for.
pub(crate) fn elements(kind: Kind, answer: &Value) -> Result<Vec<Value>, Failure> {
    let Field::List(list) = at(answer, kind.plural()) else {
        return Err(malformed(FAR, &format!("no list of {}", kind.plural())));
    };
    if list.iter().any(|element| kind.id_of(element).is_none()) {
        return Err(malformed(FAR, "a record without an id"));
    }
    Ok(list.to_vec())
}

/// Whether Xero's own count of pages says that there are more.
pub(crate) fn says_more(answer: &Value) -> bool {
    let number = |key| {
        at(answer, key)
            .text()
            .and_then(|text| text.parse::<u64>().ok())
    };
    match (number("pagination.page"), number("pagination.pageCount")) {
        (Some(page), Some(count)) => page < count,
        _ => false,
    }
}

/// The JSON of a read that went well; a day's limit that is used up is a quota.
pub(crate) fn json(response: &http::Response) -> Result<Value, Failure> {
    json_of(response, FAR).map_err(|refused| {
        let day = header(&response.headers, "x-rate-limit-problem")
            .is_some_and(|which| which.eq_ignore_ascii_case("day"));
        if response.status == 429 && day {
            Failure {
                kind: FailureKind::Quota,
                ..refused
            }
        } else {
            refused
        }
    })
}

/// A GET of the accounting API, with `If-Modified-Since` in whole seconds if given.
pub(crate) fn get_request(
    path: &str,
    query: Vec<(String, String)>,
    since: Option<i64>,
) -> http::Request {
    let mut headers = vec![http::Header {
        name: "accept".to_owned(),
        value: "application/json".to_owned(),
    }];
    if let Some(since) = since.and_then(|ms| dates::written(ms.div_euclid(1000) * 1000)) {
        headers.push(http::Header {
            name: "if-modified-since".to_owned(),
            value: since,
        });
    }
    http::Request {
        service: SERVICE.to_owned(),
        path: path.to_owned(),
        query,
        headers,
    }
}

/// How many pages a whole list has, if Xero counts it: one call for a page of one record.
pub(crate) fn whole_pages(kind: Kind, get: Get<'_>) -> Result<Option<usize>, Failure> {
    let mut request = Walk::from(None).request(kind, &[]);
    for (key, value) in &mut request.query {
        if key == "pageSize" {
            "1".clone_into(value);
        }
    }
    let answer = json(&get(&request).map_err(no_answer)?)?;
    let pages = |count: u64| usize::try_from(count.div_ceil(u64::from(PAGE))).ok();
    Ok(item_count(&answer).and_then(pages))
}

/// How many records a paged list has, if Xero says it with the page.
pub(crate) fn item_count(answer: &Value) -> Option<u64> {
    at(answer, "pagination.itemCount").text()?.parse().ok()
}

/// Walks to the end, or until `most` pages were read.
///
/// # Returns
/// The elements that are wanted, each id once in its latest form, and whether the end was reached.
pub(crate) fn run(
    kind: Kind,
    filter: &[(String, String)],
    since: Option<i64>,
    most: u32,
    wanted: &dyn Fn(&Value) -> bool,
    get: Get<'_>,
) -> Result<(Vec<Value>, bool), Failure> {
    let mut walk = Walk::from(since);
    let mut found = std::collections::BTreeMap::new();
    for _ in 0..most {
        let response = get(&walk.request(kind, filter)).map_err(no_answer)?;
        let step = walk.absorb(kind, &response)?;
        for element in step.elements {
            if let Some(id) = kind.id_of(&element) {
                // Only the latest form counts, so one that no longer fits goes.
                found.remove(&id);
                if wanted(&element) {
                    found.insert(id, element);
                }
            }
        }
        match step.next {
            Some(next) => walk = next,
            None => return Ok((found.into_values().collect(), true)),
        }
    }
    Ok((found.into_values().collect(), false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    /// A stand-in that keeps (stamp in seconds, id) sorted as Xero does, `>=` or `>` since. Pages are scaled: the walk
    /// asks for up to 1,000, so tests multiply each record.
    struct Far {
        records: Vec<(i64, String)>,
        strict: bool,
    }

    impl Far {
        fn answer(&mut self, request: &http::Request) -> http::Response {
            self.records.sort();
            let query = |key: &str| {
                request
                    .query
                    .iter()
                    .find(|(name, _)| name == key)
                    .unwrap()
                    .1
                    .parse::<usize>()
                    .unwrap()
            };
            let since = request
                .headers
                .iter()
                .find(|header| header.name == "if-modified-since")
                .map(|header| dates::millis(&header.value).unwrap() / 1000);
            let (page, size) = (query("page"), query("pageSize"));
            let list: Vec<Value> = self
                .records
                .iter()
                .filter(|(stamp, _)| since.is_none_or(|since| *stamp > since || (!self.strict && *stamp == since)))
                .skip((page - 1) * size)
                .take(size)
                .map(|(stamp, id)| json!({"ContactID": id, "UpdatedDateUTC": format!("/Date({}+0000)/", stamp * 1000)}))
                .collect();
            let body = http::Body::Json(json!({"Contacts": list}).to_string());
            http::Response {
                status: 200,
                headers: Vec::new(),
                body,
            }
        }
    }

    fn all(_: &Value) -> bool {
        true
    }

    fn far(seconds: impl Fn(usize) -> i64, count: usize, strict: bool) -> Far {
        Far {
            records: (0..count)
                .map(|n| (seconds(n), format!("c{n:05}")))
                .collect(),
            strict,
        }
    }

    #[test]
    fn pages_within_one_second_are_counted_and_the_rest_is_keyed() {
        for strict in [true, false] {
            let mut all_at_once = far(|_| 1_000_000, 4500, strict);
            let mut calls = 0;
            let (found, complete) = run(Kind::Customer, &[], None, 50, &all, &mut |request| {
                calls += 1;
                Ok(all_at_once.answer(request))
            })
            .unwrap();
            assert_eq!((found.len(), complete), (4500, true));
            assert!(calls <= 6, "{calls}");

            let mut spread = far(|n| 1_000_000 + i64::try_from(n).unwrap() * 60, 2500, strict);
            let (found, _) = run(Kind::Customer, &[], None, 50, &all, &mut |request| {
                Ok(spread.answer(request))
            })
            .unwrap();
            assert_eq!(found.len(), 2500);
        }
    }

    #[test]
    fn what_no_longer_fits_when_it_is_seen_again_is_not_found() {
        let body = |name: &str, page: &str| {
            let one = json!({"ContactID": "A1", "Name": name, "UpdatedDateUTC": "/Date(1789378200000+0000)/"});
            json!({"Contacts": [one], "pagination": {"page": page, "pageCount": "2"}})
        };
        let mut bodies = vec![body("New", "2"), body("Old", "1")];
        let old = |element: &Value| at(element, "Name").text() == Some("Old");
        let (found, complete) = run(Kind::Customer, &[], None, 5, &old, &mut |_| {
            Ok(http::Response {
                status: 200,
                headers: Vec::new(),
                body: http::Body::Json(bodies.pop().unwrap().to_string()),
            })
        })
        .unwrap();
        assert_eq!((found.len(), complete), (0, true));
    }

    #[test]
    fn a_walk_that_is_cut_off_says_so() {
        let mut spread = far(|n| 1_000_000 + i64::try_from(n).unwrap() * 60, 2500, false);
        let (_, complete) = run(Kind::Customer, &[], None, 2, &all, &mut |request| {
            Ok(spread.answer(request))
        })
        .unwrap();
        assert!(!complete);
    }

    #[test]
    fn the_limit_of_a_day_is_a_quota() {
        for (which, kind) in [("day", FailureKind::Quota), ("minute", FailureKind::Retry)] {
            let header = |name: &str, value: &str| http::Header {
                name: name.into(),
                value: value.into(),
            };
            let headers = vec![
                header("retry-after", "66975"),
                header("x-rate-limit-problem", which),
            ];
            let refused = json(&http::Response {
                status: 429,
                headers,
                body: http::Body::Empty,
            })
            .unwrap_err();
            assert_eq!(
                (refused.kind, refused.retry_after_seconds),
                (kind, Some(66_975))
            );
        }
    }

    #[test]
    fn answers_of_another_kind_are_read_again() {
        for body in [
            http::Body::Text("<html>".into()),
            http::Body::Json("{\"Contacts\": [".into()),
            http::Body::Json("{\"Invoices\": []}".into()),
            http::Body::Json("{\"Contacts\": [{\"Name\": \"no id\"}]}".into()),
            http::Body::Json(
                "{\"Contacts\": [], \"pagination\": {\"page\": \"1\", \"pageCount\": \"2\"}}"
                    .into(),
            ),
        ] {
            let response = http::Response {
                status: 200,
                headers: Vec::new(),
                body,
            };
            let refused = Walk::from(None)
                .absorb(Kind::Customer, &response)
                .unwrap_err();
            assert_eq!(refused.problem.code, "malformed-answer");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// Records move to the end between any two pages; each one that was there must be seen.
        #[test]
        fn nothing_that_moves_is_skipped(
            groups in proptest::collection::vec((0_i64..4, 200_usize..1500), 2..5),
            moves in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
            strict in any::<bool>(),
        ) {
            let mut records = Vec::new();
            let mut stamp = 1_000_000;
            for (gap, count) in groups {
                stamp += gap;
                for _ in 0..count {
                    records.push((stamp, format!("c{:05}", records.len())));
                }
            }
            let every: BTreeSet<String> = records.iter().map(|(_, id)| id.clone()).collect();
            let mut far = Far { records, strict };
            let mut clock = stamp + 100;
            let mut moves = moves.into_iter();
            let (found, complete) = run(Kind::Customer, &[], None, 200, &all, &mut |request| {
                let answer = far.answer(request);
                if let Some(index) = moves.next() {
                    let place = index.index(far.records.len());
                    clock += 1;
                    far.records[place].0 = clock;
                }
                Ok(answer)
            }).unwrap();
            let seen: BTreeSet<String> = found.iter().filter_map(|element| Kind::Customer.id_of(element)).collect();
            prop_assert!(complete);
            prop_assert_eq!(seen, every);
        }
    }
}
