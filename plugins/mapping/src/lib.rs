//! The declarative TOML mapping, itself a sandboxed transform.
