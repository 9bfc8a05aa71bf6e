//! Payments that were taken back, read by their status.
//!
//! It isn't known whether a read by `If-Modified-Since` shows deleted payments, so each run of the payments' feed ends with
//! this one: the latest deletions first, until it reaches those that a run before has seen. Mostly that is one call. A
//! payment that is deleted meanwhile goes in front and moves the others back, so that pages can be counted. Next: `feed`.

use footbridge_sdk::connector::{Failure, http};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::objects::Kind;
use crate::walk::{elements, get_request, json, says_more};

/// Records per page of a first run, the most that Xero gives, and of the later ones, which find a few.
const ALL: u32 = 1000;
const LATEST: u32 = 100;

/// Where the reading stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reversals {
    /// Which page is next, from 1.
    page: u32,
    /// Milliseconds since 1970: what was deleted before was seen. None reads everything.
    until: Option<i64>,
}

impl Reversals {
    /// A reading of what was deleted at or after a stamp.
    pub(crate) fn from(until: Option<i64>) -> Self {
        Self { page: 1, until }
    }

    fn size(&self) -> u32 {
        if self.until.is_some() { LATEST } else { ALL }
    }

    /// The next read.
    pub(crate) fn request(&self) -> http::Request {
        let query = [
            ("where", "Status==\"DELETED\"".to_owned()),
            ("order", "UpdatedDateUTC DESC".to_owned()),
            ("page", self.page.to_string()),
            ("pageSize", self.size().to_string()),
        ];
        let query = query.map(|(key, value)| (key.to_owned(), value));
        get_request(
            &format!("/{}", Kind::Payment.plural()),
            query.to_vec(),
            None,
        )
    }

    /// Reads the answer to [`Reversals::request`]: the payments, and where to go on if there may be more.
    ///
    /// # Errors
    /// By status, and `malformed-answer` for anything that isn't the list asked for.
    pub(crate) fn absorb(
        &self,
        response: &http::Response,
    ) -> Result<(Vec<Value>, Option<Self>), Failure> {
        let answer = json(response)?;
        let found = elements(Kind::Payment, &answer)?;
        let full = usize::try_from(self.size()).is_ok_and(|size| found.len() >= size);
        let reached = match (self.until, found.last().and_then(Kind::stamp_of)) {
            (Some(until), Some(last)) => last < until,
            _ => false,
        };
        let more = (full || says_more(&answer)) && !found.is_empty() && !reached;
        let next = more.then(|| Self {
            page: self.page.saturating_add(1),
            ..self.clone()
        });
        Ok((found, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `count` deletions, a minute apart, the latest at `latest` minutes.
    fn answer(latest: i64, count: i64) -> http::Response {
        let payments: Vec<Value> = (0..count)
            .map(|n| json!({"PaymentID": format!("A{n}"), "Status": "DELETED", "UpdatedDateUTC": format!("/Date({}+0000)/", (latest - n) * 60_000)}))
            .collect();
        http::Response {
            status: 200,
            headers: Vec::new(),
            body: http::Body::Json(json!({"Payments": payments}).to_string()),
        }
    }

    #[test]
    fn a_first_run_reads_all_and_a_later_one_what_is_new() {
        let first = Reversals::from(None);
        assert!(
            first
                .request()
                .query
                .contains(&("pageSize".to_owned(), "1000".to_owned()))
        );
        assert!(first.request().headers.iter().all(|h| h.name == "accept"));
        let (found, next) = first.absorb(&answer(10_000, 1000)).unwrap();
        assert_eq!((found.len(), next.clone().unwrap().page), (1000, 2));
        assert_eq!(next.unwrap().absorb(&answer(9_000, 3)).unwrap().1, None);

        let later = Reversals::from(Some(9_950 * 60_000));
        assert!(
            later
                .request()
                .query
                .contains(&("pageSize".to_owned(), "100".to_owned()))
        );
        let (found, next) = later.absorb(&answer(10_000, 100)).unwrap();
        assert_eq!((found.len(), next), (100, None), "an older one was reached");
        let (_, next) = later.absorb(&answer(10_100, 100)).unwrap();
        assert!(next.is_some(), "all of the page are new");
    }

    #[test]
    fn another_answer_than_a_list_is_no_end() {
        let response = http::Response {
            status: 200,
            headers: Vec::new(),
            body: http::Body::Json("{}".into()),
        };
        let refused = Reversals::from(None).absorb(&response).unwrap_err();
        assert_eq!(refused.problem.code, "malformed-answer");
    }
}
