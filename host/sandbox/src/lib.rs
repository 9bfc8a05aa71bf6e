//! The only home of wasmtime: limits, broker, registry.
