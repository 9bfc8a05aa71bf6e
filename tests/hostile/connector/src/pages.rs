//! Pages that are no pages, each under a name.

use crate::failure;
use footbridge_sdk::connector::{Failure, Item, Presence, feed};

/// What an honest page holds.
pub(crate) const HONEST: &str = r#"{"b":"2","a":"1"}"#;

/// Makes one.
type Make = fn() -> Result<feed::Page, Failure>;

/// All of them.
pub(crate) const PAGES: &[(&str, Make)] = &[
    ("number token", || {
        Ok(of(vec![r#"{"total":12.5}"#.to_owned()]))
    }),
    ("duplicate key", || {
        Ok(of(vec![r#"{"a":"1","a":"2"}"#.to_owned()]))
    }),
    ("no json", || Ok(of(vec!["{".to_owned()]))),
    ("too deep", || {
        Ok(of(vec![format!("{}{}", "[".repeat(65), "]".repeat(65))]))
    }),
    ("too large", || Ok(of(vec![document(1024 * 1024)]))),
    ("too many", || Ok(of(vec![HONEST.to_owned(); 5_001]))),
    ("giant result", || Ok(of(vec![document(900 * 1024); 60]))),
    ("giant name", || {
        let mut page = of(vec![HONEST.to_owned()]);
        page.items
            .iter_mut()
            .for_each(|item| item.id = "x".repeat(40 << 20));
        Ok(page)
    }),
    ("typed failure", || Err(failure("typed", "it said so"))),
];

/// A page of these documents.
pub(crate) fn of(docs: Vec<String>) -> feed::Page {
    let item = |(n, doc): (usize, String)| Item {
        object: "thing".to_owned(),
        id: format!("id-{n}"),
        version: "1".to_owned(),
        presence: Presence::Present,
        doc,
    };
    feed::Page {
        items: docs.into_iter().enumerate().map(item).collect(),
        next: None,
        complete: true,
    }
}

fn document(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes))
}
