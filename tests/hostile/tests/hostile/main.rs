//! Hostile guests against the real sandbox: each does one bad thing; the host says what, and the next call works.

mod calls;
mod files;
mod native;
mod storage;
mod support;
mod transforms;
