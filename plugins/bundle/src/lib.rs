//! The components that come with Footbridge, built from this workspace's sources and carried inside the binary.
//!
//! It holds bytes and names only: it never loads, compiles or trusts them. The host installs them like any other
//! component, by digest and with a grant.

/// One bundled component.
#[derive(Debug, Clone, Copy)]
pub struct Component {
    /// The name it is installed under, for example `xero`.
    pub name: &'static str,
    /// The component, as the compiler wrote it.
    pub bytes: &'static [u8],
    /// Its manifest, `plugin.toml`.
    pub manifest: &'static str,
}

/// The connector to Xero.
pub const XERO: Component = Component {
    name: "xero",
    bytes: include_bytes!(concat!(env!("OUT_DIR"), "/xero.wasm")),
    manifest: include_str!("../../xero/plugin.toml"),
};

/// The connector to Salesforce.
pub const SALESFORCE: Component = Component {
    name: "salesforce",
    bytes: include_bytes!(concat!(env!("OUT_DIR"), "/salesforce.wasm")),
    manifest: include_str!("../../salesforce/plugin.toml"),
};

/// The declarative mapping, a transform.
pub const MAPPING: Component = Component {
    name: "mapping",
    bytes: include_bytes!(concat!(env!("OUT_DIR"), "/mapping.wasm")),
    manifest: include_str!("../../mapping/plugin.toml"),
};

/// All of them.
pub const ALL: [Component; 3] = [XERO, SALESFORCE, MAPPING];

#[cfg(test)]
mod tests {
    use super::*;

    /// The first eight bytes of every component: the magic number, version 13, layer 1 (a core module has layer 0).
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn each_one_is_a_component() {
        for component in ALL {
            assert!(
                component.bytes.starts_with(COMPONENT),
                "{} is not a component",
                component.name
            );
        }
    }

    #[test]
    fn no_component_tells_where_it_was_built() {
        let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let workspace = package
            .ancestors()
            .nth(2)
            .and_then(std::path::Path::to_str)
            .unwrap();
        for component in ALL {
            let text = String::from_utf8_lossy(component.bytes);
            assert!(
                !text.contains(workspace),
                "{} contains the path of this checkout",
                component.name
            );
            for (at, _) in text.match_indices("/registry/src/") {
                assert!(
                    text[..at].ends_with("/cargo"),
                    "{} contains the path of a cargo home",
                    component.name
                );
            }
        }
    }
}
