//! The shell: the component's exports, and the parsed settings that an instance keeps.
//!
//! It holds no rule of its own. The host calls `describe` when a mapping is installed or changed, and `apply` with
//! batches of records after that.

use std::cell::RefCell;
use std::rc::Rc;

use footbridge_sdk::mapping::{Batch, Description, Draft, Guest, Problem};

use crate::apply::{self, Clock};
use crate::settings::{self, Mapping};

/// Implements the exports; native callers may call it too.
#[derive(Debug)]
pub struct Component;

impl Guest for Component {
    fn describe(settings: String) -> Result<Description, Vec<Problem>> {
        Ok(crate::describe::describe(&*parsed(settings)?))
    }

    fn apply(batch: Batch) -> Vec<Result<Vec<Draft>, Problem>> {
        let clock = Clock {
            as_of: batch.as_of,
            local_date: batch.local_date,
        };
        match parsed(batch.settings) {
            Ok(mapping) => apply::batch(&mapping, &clock, &batch.inputs),
            Err(problems) => {
                let first = problems
                    .into_iter()
                    .next()
                    .unwrap_or_else(settings::unreadable);
                batch.inputs.iter().map(|_| Err(first.clone())).collect()
            }
        }
    }
}

/// A text that was parsed, and what it became.
type Parsed = (String, Result<Rc<Mapping>, Vec<Problem>>);

thread_local! {
    /// The settings that this instance saw last: an instance serves one flow, so there is one text.
    static LAST: RefCell<Option<Parsed>> = const { RefCell::new(None) };
}

fn parsed(text: String) -> Result<Rc<Mapping>, Vec<Problem>> {
    LAST.with_borrow_mut(|last| match last {
        Some((known, mapping)) if *known == text => mapping.clone(),
        _ => {
            let mapping = settings::parse(&text).map(Rc::new);
            *last = Some((text, mapping.clone()));
            mapping
        }
    })
}

#[cfg(target_family = "wasm")]
footbridge_sdk::export_mapping!(Component);

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_sdk::mapping::Input;

    const NAMES: &str = "[[map]]\nfrom = 'Account'\nto = 'customer'\nfields = { name = 'Name' }\n";

    fn batch(settings: &str) -> Batch {
        let input = |doc: &str| Input {
            object: "Account".into(),
            id: "001".into(),
            doc: doc.into(),
        };
        Batch {
            settings: settings.into(),
            as_of: "2026-06-01T10:00:00Z".into(),
            local_date: "2026-06-01".into(),
            inputs: vec![
                input(r#"{"Name":"Acme"}"#),
                input(r#"{"Name":null}"#),
                input("<html>"),
            ],
        }
    }

    #[test]
    fn one_result_per_record_and_a_failure_is_that_records_alone() {
        let results = <Component as Guest>::apply(batch(NAMES));
        assert_eq!(results.len(), 3);
        assert_eq!(results[0].as_ref().unwrap()[0].doc, r#"{"name":"Acme"}"#);
        assert_eq!(results[1].as_ref().unwrap_err().code, "missing-field");
        assert_eq!(results[2].as_ref().unwrap_err().code, "invalid-value");
    }

    #[test]
    fn settings_that_are_wrong_fail_every_record_and_are_not_remembered_for_other_texts() {
        let results = <Component as Guest>::apply(batch("[[map]]\nfrom = 'Account'\n"));
        assert!(results.iter().all(Result::is_err), "{results:?}");
        assert!(<Component as Guest>::apply(batch(NAMES))[0].is_ok());
    }
}
