//! Hostile guests against the real sandbox: each does one bad thing; the host says what, and the next call works.

mod calls;
mod classes;
mod deeds;
mod early;
mod faces;
mod far;
mod files;
mod native;
mod neighbours;
mod storage;
mod support;
mod transforms;
