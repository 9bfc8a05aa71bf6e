//! Every language drafts alike, within the limits that everyone has, and starts fast once it is installed; a connector may use `fetch`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code, helpers included"
)]

mod company;
mod compare;
mod fetch;
mod hostile;
mod same_drafts;
mod start;
mod support;
