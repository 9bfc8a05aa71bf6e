//! Every sentence that people read in a plan, in one place; each is bound to its reason code.
//!
//! A sentence says what was found and what to do next. Text from outside is quoted and stays as it is: renderers escape it.

pub(crate) mod amend;
pub(crate) mod customer;
pub(crate) mod deal;
pub(crate) mod invoice;
pub(crate) mod merge;
pub(crate) mod op;
pub(crate) mod rails;
pub(crate) mod reflect;
pub(crate) mod ruled;

use footbridge_model::failure::Problem;
use footbridge_model::plan::reason;
use footbridge_model::shown::Shown;

/// Why something isn't done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Nothing is to be done.
    Skip(Said),
    /// It waits for a person or for another record.
    Hold(Said),
}

/// A reason code and its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// From `footbridge_model::plan::reason`.
    pub(crate) reason: &'static str,
    /// For people.
    pub(crate) message: String,
    /// What of it a person's answer is held against.
    pub(crate) shown: Box<Shown>,
}

impl Stop {
    pub(crate) fn skip(reason: &'static str, message: impl Into<String>) -> Self {
        Stop::Skip(Said {
            reason,
            message: message.into(),
            shown: Box::default(),
        })
    }

    pub(crate) fn hold(reason: &'static str, message: impl Into<String>) -> Self {
        Stop::Hold(Said {
            reason,
            message: message.into(),
            shown: Box::default(),
        })
    }

    /// The same, showing this as well.
    pub(crate) fn showing(mut self, show: impl FnOnce(&mut Shown)) -> Self {
        let (Stop::Skip(said) | Stop::Hold(said)) = &mut self;
        show(&mut said.shown);
        self
    }
}

/// Text from outside in a sentence.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// `a, b and c`.
pub(crate) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The mapping or what it made can't be used.
pub(crate) fn mapping(message: impl Into<String>) -> Stop {
    Stop::hold(reason::MAPPING_PROBLEM, message)
}

/// What the mapping itself reported, or the host about what it made.
pub(crate) fn mapping_said(of: &str, problem: &Problem) -> Stop {
    if problem.code == reason::NOT_GRANTED {
        return Stop::hold(
            reason::NOT_GRANTED,
            format!(
                "{}. Nothing of {of} is written. Correct the transform, or `footbridge plugin grant` it that.",
                problem.message.trim_end_matches('.')
            ),
        );
    }
    let field = match &problem.field {
        Some(field) => format!(" (field {})", quoted(field)),
        None => String::new(),
    };
    mapping(format!(
        "The mapping could not handle {of}: {}{field}. Correct the record or the mapping.",
        problem.message.trim_end_matches('.')
    ))
}
