//! The contract in Rust: generated from `wit/` at compile time, re-exported under short names.
//!
//! One private world holds everything that any plugin may import or export, so that there is one set of types.
//! Nothing outside this crate may name what is generated here. Next: `convert.rs`.

mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package footbridge:host;
            world everything {
                include footbridge:plugin/connector@0.1.0-dev.1;
                include footbridge:plugin/provisioner@0.1.0-dev.1;
                include footbridge:plugin/counter@0.1.0-dev.1;
                include footbridge:plugin/mapping@0.1.0-dev.1;
            }
        ",
        world: "footbridge:host/everything",
        imports: { default: async | trappable },
        exports: { default: async },
        require_store_data_send: true,
    });
}

pub(crate) use generated::exports::footbridge::plugin::{
    counts, feed, lookup, provision, schema, setup, transform, writes,
};
pub(crate) use generated::footbridge::plugin::{http, keyvalue, log, types};
