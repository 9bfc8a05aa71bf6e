//! Setting Salesforce up for the receivables: what is there, what is missing, the requests that make it, and taking it away again.
//!
//! Never changes anything itself: it reads, and packs requests that the host shows, journals and sends. What somebody else made is
//! never altered: a field of another type, a page layout, a view that was adapted. In reading order: `wanted` (all that shall be
//! there), `reader` and `there` (the organisation as it is), `making` and `removal` (the difference, and the next requests), with
//! `fields`, `rights`, `layouts` for one sort of part each; `metadata`, `xml`, `package` write a deployment; `deployment` reads answers.

mod deployment;
mod fields;
mod layouts;
mod making;
mod metadata;
mod package;
mod parts;
mod reader;
mod removal;
mod rights;
mod there;
mod wanted;
mod xml;

use footbridge_sdk::connector::Failure;
use footbridge_sdk::connector::writes::{Answer, WriteRequest};
use footbridge_sdk::provisioner::provision::{Findings, Progress, Wish};

use crate::pages::Get;

/// Reads how things stand and what to send next.
pub(crate) fn survey(wish: Wish, get: Get<'_>) -> Result<Findings, Failure> {
    let org = there::read(get)?;
    Ok(match wish {
        Wish::Present => making::findings(&org),
        Wish::Absent => removal::findings(&org),
    })
}

/// What an answer means.
pub(crate) fn read_answer(request: &WriteRequest, answer: &Answer) -> Progress {
    deployment::read_answer(request, answer)
}

/// Looks at a deployment.
pub(crate) fn look(handle: &str, get: Get<'_>) -> Result<Progress, Failure> {
    deployment::look(handle, get)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
