//! What a component file is, from its bytes alone: kind, imports, exports, and whether it may be installed.
//!
//! Nothing of it runs or is compiled here. The whole file is validated first. Next: `install.rs` compiles what passed.

use crate::connection::Face;
use crate::engine::{FORBIDDEN_FEATURES, PluginKind};
use crate::limits::Limits;
use footbridge_model::id::PluginDigest;
use serde::Serialize;
use sha2::{Digest, Sha256};
use wasmparser::{ComponentTypeRef, Encoding, Parser, Payload, Validator, WasmFeatures};

/// Our package and the one version that this host speaks.
const PACKAGE: &str = "footbridge:plugin/";
const CONTRACT: &str = "0.1.0-dev.1";
/// Deepest nesting of modules and components.
const MAX_DEPTH: usize = 8;

/// What a component built with a standard library imports without meaning anything by it. All of it is there and inert.
const BASELINE: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// What a connector may import if it was granted the face `wasi-http`.
const SECOND_FACE: &[&str] = &["wasi:http/outgoing-handler", "wasi:http/types"];

/// What stands in a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// SHA-256 of the bytes.
    pub digest: PluginDigest,
    /// What it is.
    pub kind: PluginKind,
    /// Its size in bytes.
    pub size: usize,
    /// What it imports, sorted.
    pub imports: Vec<String>,
    /// What it exports, sorted.
    pub exports: Vec<String>,
}

/// A component as it is, whether it may be installed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// SHA-256 of the bytes.
    pub digest: PluginDigest,
    /// What it is.
    pub kind: PluginKind,
    /// Its size in bytes.
    pub size: usize,
    /// What it imports, sorted.
    pub imports: Vec<LookedImport>,
    /// What it exports, sorted.
    pub exports: Vec<String>,
}

/// One import, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedImport {
    /// With its version.
    pub name: String,
    /// Whether it is one that standard libraries bring in: there for everyone, and inert.
    pub baseline: bool,
    /// The way of asking that it belongs to, which is granted by its name.
    pub face: Option<Face>,
    /// Why it is refused, if so.
    pub refused: Option<CheckError>,
}

impl Look {
    /// The names of the interfaces of our contract that it exports.
    pub(crate) fn interfaces(&self) -> std::collections::BTreeSet<String> {
        let ours = self.exports.iter().filter_map(|export| {
            let (name, _) = export.strip_prefix(PACKAGE)?.split_once('@')?;
            Some(name.to_owned())
        });
        ours.collect()
    }
}

/// Why a file is no plugin of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Too large.
    #[error(
        "the file has {size} bytes and the limit is {limit}. Build it for release, stripped, or raise the limit"
    )]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Not WebAssembly.
    #[error("the file is not WebAssembly: {0}. Give the .wasm file of a component")]
    NotWasm(String),
    /// A core module.
    #[error(
        "the file is a core WebAssembly module, not a component. Build it for wasm32-wasip2, or turn it into one with `wasm-tools component new`"
    )]
    CoreModule,
    /// Damaged, too deep, or using features that are switched off.
    #[error("the component is not valid here: {0}. Build it again without that feature")]
    Invalid(String),
    /// It imports what its kind may not have.
    #[error("the {kind} imports {import}, which is not lent to a {kind}. {hint}")]
    Import {
        /// Its kind.
        kind: PluginKind,
        /// What it imports.
        import: String,
        /// What to do.
        hint: &'static str,
    },
    /// It speaks another version of the contract.
    #[error(
        "the component speaks {found}, and this host speaks {PACKAGE}*@{CONTRACT}. Build it against the contract of this host"
    )]
    Contract {
        /// The interface with its version.
        found: String,
    },
    /// It is neither a connector nor a transform, or both.
    #[error(
        "the component exports {found}. A connector exports schema and some of feed, lookup, writes and setup; a transform exports transform, and only that"
    )]
    Kind {
        /// What it exports.
        found: String,
    },
}

/// Looks at a file. Runs nothing.
///
/// # Errors
/// The first [`CheckError`].
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Inspection, CheckError> {
    let look = look(bytes, limits)?;
    if let Some(refused) = look
        .imports
        .iter()
        .find_map(|import| import.refused.clone())
    {
        return Err(refused);
    }
    Ok(Inspection {
        digest: look.digest,
        kind: look.kind,
        size: look.size,
        imports: look.imports.into_iter().map(|import| import.name).collect(),
        exports: look.exports,
    })
}

/// Looks at a file, also at one whose imports are refused. Runs nothing.
///
/// # Errors
/// It is no component of ours at all.
pub fn look(bytes: &[u8], limits: &Limits) -> Result<Look, CheckError> {
    if bytes.len() > limits.component {
        return Err(CheckError::TooLarge {
            size: bytes.len(),
            limit: limits.component,
        });
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(CheckError::NotWasm(
            "it doesn't begin as such files do".to_owned(),
        ));
    }
    let names = names(bytes)?;
    Validator::new_with_features(features())
        .validate_all(bytes)
        .map_err(|error| CheckError::Invalid(error.to_string()))?;
    let kind = kind(&names.exports)?;
    let imports = names.imports.into_iter().map(|import| LookedImport {
        refused: check_import(kind, &import).err(),
        baseline: is_baseline(&import.name),
        face: face_of(&import.name),
        name: import.name,
    });
    Ok(Look {
        digest: digest(bytes),
        kind,
        size: bytes.len(),
        imports: imports.collect(),
        exports: names.exports,
    })
}

/// SHA-256 in hex.
pub(crate) fn digest(bytes: &[u8]) -> PluginDigest {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        hex.push_str(&format!("{byte:02x}"));
    }
    PluginDigest::new(hex)
}

struct Names {
    imports: Vec<Import>,
    exports: Vec<String>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Import {
    name: String,
    is_interface: bool,
}

/// Imports and exports of the outermost component, and that it is one.
fn names(bytes: &[u8]) -> Result<Names, CheckError> {
    let broken = |error: wasmparser::BinaryReaderError| CheckError::NotWasm(error.to_string());
    let mut names = Names {
        imports: Vec::new(),
        exports: Vec::new(),
    };
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::Version { encoding, .. } => {
                depth += 1;
                if depth == 1 && encoding == Encoding::Module {
                    return Err(CheckError::CoreModule);
                }
                if depth > MAX_DEPTH {
                    return Err(CheckError::Invalid(format!(
                        "it nests deeper than {MAX_DEPTH} components"
                    )));
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let import = import.map_err(broken)?;
                    names.imports.push(Import {
                        name: import.name.name.to_owned(),
                        is_interface: matches!(import.ty, ComponentTypeRef::Instance(_)),
                    });
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    names
                        .exports
                        .push(export.map_err(broken)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    names.imports.sort();
    names.exports.sort();
    Ok(names)
}

/// What the engines can run, and no more.
fn features() -> WasmFeatures {
    let mut features = WasmFeatures::default();
    features.remove(FORBIDDEN_FEATURES);
    features
}

fn kind(exports: &[String]) -> Result<PluginKind, CheckError> {
    let mut ours = Vec::new();
    for export in exports {
        let Some(rest) = export.strip_prefix(PACKAGE) else {
            continue;
        };
        match rest.split_once('@') {
            Some((name, CONTRACT)) => ours.push(name),
            _ => {
                return Err(CheckError::Contract {
                    found: export.clone(),
                });
            }
        }
    }
    let is = |name: &str| ours.contains(&name);
    let connector = ["feed", "lookup", "writes", "setup"].into_iter().any(is);
    match (is("transform"), connector || is("schema")) {
        (true, false) => Ok(PluginKind::Transform),
        (false, true) if is("schema") && connector => Ok(PluginKind::Connector),
        _ => Err(CheckError::Kind {
            found: if exports.is_empty() {
                "nothing".to_owned()
            } else {
                exports.join(", ")
            },
        }),
    }
}

/// Whether standard libraries bring it in, or it holds nothing but types.
fn is_baseline(import: &str) -> bool {
    let name = import.split('@').next().unwrap_or(import);
    BASELINE.contains(&name) || name.strip_prefix(PACKAGE) == Some("types")
}

/// The way of asking that the import belongs to, if it isn't the contract's own.
pub(crate) fn face_of(import: &str) -> Option<Face> {
    let name = import.split('@').next().unwrap_or(import);
    SECOND_FACE.contains(&name).then_some(Face::WasiHttp)
}

fn check_import(kind: PluginKind, import: &Import) -> Result<(), CheckError> {
    let refused = |hint| CheckError::Import {
        kind,
        import: import.name.clone(),
        hint,
    };
    let (name, version) = import
        .name
        .split_once('@')
        .unwrap_or((import.name.as_str(), ""));
    if !import.is_interface {
        return Err(refused("Only interfaces can be imported"));
    }
    if let Some(ours) = name.strip_prefix(PACKAGE) {
        if version != CONTRACT {
            return Err(CheckError::Contract {
                found: import.name.clone(),
            });
        }
        return match (ours, kind) {
            ("types", _) | ("http" | "keyvalue" | "log", PluginKind::Connector) => Ok(()),
            _ => Err(refused(
                "A transform is pure; a connector may import http, keyvalue and log",
            )),
        };
    }
    let second_face = kind == PluginKind::Connector && SECOND_FACE.contains(&name);
    if second_face || BASELINE.contains(&name) {
        return if version.starts_with("0.2.") {
            Ok(())
        } else {
            Err(refused("This host speaks WASI 0.2"))
        };
    }
    Err(refused(if name.starts_with("wasi:sockets") {
        "No plugin gets a socket. Build it without the network: for Python `componentize-py -s`, for JavaScript `--stub-wasi`; a connector reads through footbridge:plugin/http"
    } else if name.starts_with("wasi:http") && kind == PluginKind::Transform {
        "A transform is pure and reaches nothing. Build it without wasi:http"
    } else if name.starts_with("wasi:http") {
        "A connector reads through footbridge:plugin/http, or through wasi:http/outgoing-handler@0.2 where it was granted the face wasi-http. Build it without that import"
    } else {
        "Build it without that import"
    }))
}
