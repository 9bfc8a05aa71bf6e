//! Manifest and component held against each other. Where they disagree nothing is installed.
//!
//! The component decides: its exports and imports are facts, the manifest is a claim. Next: `report.rs`.

use super::manifest::Manifest;
use crate::check::Look;
use crate::connection::Face;
use crate::engine::PluginKind;
use std::collections::BTreeSet;

/// One point on which manifest and component disagree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// Exported, not listed.
    #[error("the component exports {0}, which the manifest's interfaces don't list. Add it there")]
    NotListed(String),
    /// Listed, not exported.
    #[error(
        "the manifest lists the interface {0}, which the component doesn't export. Take it out, or build the component with it"
    )]
    NotExported(String),
    /// A key that the kind doesn't have.
    #[error("the component is a {kind}, and the manifest's {key} is only for a {}. Take it out", other(*kind))]
    OfTheOtherKind {
        /// What the component is.
        kind: PluginKind,
        /// The key.
        key: &'static str,
    },
    /// A connector without a profile.
    #[error(
        "the manifest names no profile. A connector's says which provider it is for: profile = \"xero\""
    )]
    NoProfile,
    /// Wants to do what it has no means for.
    #[error(
        "the manifest asks for {asks}, and the component doesn't {means}. Take it out, or build the component with it"
    )]
    NoMeans {
        /// The key.
        asks: &'static str,
        /// What is missing.
        means: &'static str,
    },
    /// Has means that the manifest doesn't account for.
    #[error(
        "the component imports {import}, and the manifest asks for no {key}. Add it, or build the component without that import"
    )]
    NotAskedFor {
        /// What it imports.
        import: &'static str,
        /// The key.
        key: &'static str,
    },
}

fn other(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Connector => "transform",
        PluginKind::Transform => "connector",
    }
}

/// Every point of disagreement, in a fixed order.
pub(crate) fn disagreements(manifest: &Manifest, look: &Look) -> Vec<Disagreement> {
    let mut found = Vec::new();
    let exported: BTreeSet<String> = look.interfaces();
    let listed = &manifest.interfaces;
    found.extend(
        exported
            .difference(listed)
            .cloned()
            .map(Disagreement::NotListed),
    );
    found.extend(
        listed
            .difference(&exported)
            .cloned()
            .map(Disagreement::NotExported),
    );
    match look.kind {
        PluginKind::Transform => {
            let keys = [
                ("profile", manifest.profile.is_some()),
                ("storage", manifest.storage.is_some()),
                ("calls-a-day", manifest.calls_a_day.is_some()),
                ("faces", !manifest.faces.is_empty()),
                ("services", !manifest.services.is_empty()),
            ];
            found.extend(of_the_other_kind(look.kind, &keys));
        }
        PluginKind::Connector => {
            let keys = [
                ("reads", !manifest.reads.is_empty()),
                ("writes", !manifest.writes.is_empty()),
            ];
            found.extend(of_the_other_kind(look.kind, &keys));
            if manifest.profile.is_none() {
                found.push(Disagreement::NoProfile);
            }
            means(manifest, look, &exported, &mut found);
        }
    }
    found
}

fn of_the_other_kind(
    kind: PluginKind,
    keys: &[(&'static str, bool)],
) -> impl Iterator<Item = Disagreement> {
    let there = keys.iter().filter(|(_, there)| *there);
    there.map(move |(key, _)| Disagreement::OfTheOtherKind { kind, key })
}

fn means(
    manifest: &Manifest,
    look: &Look,
    exported: &BTreeSet<String>,
    found: &mut Vec<Disagreement>,
) {
    let reads = manifest
        .services
        .values()
        .any(|paths| !paths.read.is_empty());
    let writes = manifest
        .services
        .values()
        .any(|paths| !paths.write.is_empty());
    let imports = |start: &str| {
        look.imports
            .iter()
            .any(|import| import.name.starts_with(start))
    };
    let face = imports("wasi:http/");
    let http = imports("footbridge:plugin/http@") || face;
    let keyvalue = imports("footbridge:plugin/keyvalue@");
    match (reads, http) {
        (true, false) => found.push(Disagreement::NoMeans {
            asks: "paths to read",
            means: "import http",
        }),
        (false, true) => found.push(Disagreement::NotAskedFor {
            import: "http",
            key: "paths to read",
        }),
        _ => {}
    }
    if writes && !exported.contains("writes") {
        found.push(Disagreement::NoMeans {
            asks: "paths to write",
            means: "export writes",
        });
    }
    match (manifest.faces.contains(&Face::WasiHttp), face) {
        (true, false) => found.push(Disagreement::NoMeans {
            asks: "the face wasi-http",
            means: "import wasi:http/outgoing-handler",
        }),
        (false, true) => found.push(Disagreement::NotAskedFor {
            import: "wasi:http",
            key: "faces = [\"wasi-http\"]",
        }),
        _ => {}
    }
    match (manifest.storage.unwrap_or(0) > 0, keyvalue) {
        (true, false) => found.push(Disagreement::NoMeans {
            asks: "storage",
            means: "import keyvalue",
        }),
        (false, true) => found.push(Disagreement::NotAskedFor {
            import: "keyvalue",
            key: "storage",
        }),
        _ => {}
    }
}
