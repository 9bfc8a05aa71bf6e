//! Credentials of connections: how the app gets a token, keeps it, renews it and gives it back.
//!
//! No plugin ever sees one, and nothing here sends anything: requests go through `broker/token_url.rs` and `broker/own.rs`. One
//! file an arrow: `authorize.rs` (to the person's browser), `callback.rs` (back from it), `request.rs` (forms for the token URL),
//! `jwt.rs` (an assertion instead of a person), `answer.rs` (what the token URL says), `standing.rs` (the states of a token set
//! and the one function that changes them), `vault.rs` (sealed on disk), `keeper.rs` (one at a time). `provider.rs` is what is
//! true of each provider. Next: `crate::connect` puts them together for people.

pub(crate) mod answer;
pub(crate) mod authorize;
pub(crate) mod callback;
pub(crate) mod jwt;
pub(crate) mod keeper;
pub(crate) mod provider;
pub(crate) mod request;
pub(crate) mod standing;
#[cfg(test)]
mod tests;
pub(crate) mod vault;
