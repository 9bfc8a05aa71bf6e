//! The code that `wit-bindgen` writes from `wit/`, nothing else. Public only because the export macros reach into it.
//!
//! Never use it by name: `connector` and `mapping` re-export what a plugin needs.
//! What `unsafe` it holds passes values over the component boundary; the compiler exempts expansions of other crates' macros from our lint.

/// The world `connector`.
pub mod connector {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "connector",
        pub_export_macro: true,
        export_macro_name: "export_symbols",
        default_bindings_module: "::footbridge_sdk::generated::connector",
        additional_derives: [PartialEq, Eq],
        generate_all,
    });
}

/// The world `provisioner`, which a connector exports beside its own. It shares all that is imported with `connector`.
pub mod provisioner {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "provisioner",
        pub_export_macro: true,
        export_macro_name: "export_symbols",
        default_bindings_module: "::footbridge_sdk::generated::provisioner",
        additional_derives: [PartialEq, Eq],
        with: {
            "footbridge:plugin/types@0.1.0-dev.1": crate::generated::connector::footbridge::plugin::types,
            "footbridge:plugin/http@0.1.0-dev.1": crate::generated::connector::footbridge::plugin::http,
            "footbridge:plugin/log@0.1.0-dev.1": crate::generated::connector::footbridge::plugin::log,
            "footbridge:plugin/keyvalue@0.1.0-dev.1": crate::generated::connector::footbridge::plugin::keyvalue,
        },
    });
}

/// The world `counter`, which a connector exports beside its own. It shares all that is imported with `connector`.
pub mod counter {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "counter",
        pub_export_macro: true,
        export_macro_name: "export_symbols",
        default_bindings_module: "::footbridge_sdk::generated::counter",
        additional_derives: [PartialEq, Eq],
        with: {
            "footbridge:plugin/types@0.1.0-dev.1": crate::generated::connector::footbridge::plugin::types,
            "footbridge:plugin/http@0.1.0-dev.1": crate::generated::connector::footbridge::plugin::http,
            "footbridge:plugin/log@0.1.0-dev.1": crate::generated::connector::footbridge::plugin::log,
            "footbridge:plugin/keyvalue@0.1.0-dev.1": crate::generated::connector::footbridge::plugin::keyvalue,
        },
    });
}

/// The world `mapping`. It shares `types` with `connector`, so that a helper serves both.
pub mod mapping {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "mapping",
        pub_export_macro: true,
        export_macro_name: "export_symbols",
        default_bindings_module: "::footbridge_sdk::generated::mapping",
        additional_derives: [PartialEq, Eq],
        with: { "footbridge:plugin/types@0.1.0-dev.1": crate::generated::connector::footbridge::plugin::types },
    });
}
