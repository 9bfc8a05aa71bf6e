//! Which files make cargo run the build script again: every source of the guests, as the compiler listed them.
//!
//! It never guesses: the list comes from the dependency file beside each component, widened to whole folders so
//! that a new file counts too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::place::{Place, workspace_folder};

/// The paths to watch; folders stand for everything in them.
pub(crate) fn watched(place: &Place, components: &[PathBuf]) -> BTreeSet<PathBuf> {
    let workspace = workspace_folder(&place.manifest);
    let mut paths = BTreeSet::from([workspace.join("Cargo.toml"), workspace.join("Cargo.lock")]);
    for component in components {
        let listed = std::fs::read_to_string(component.with_extension("d")).unwrap_or_default();
        for source in sources(&listed) {
            let Some(folder) = source.parent() else {
                continue;
            };
            match package_folder(&source) {
                Some(package) if source.starts_with(package.join("src")) => {
                    paths.insert(package.join("src"));
                    paths.insert(package.join("Cargo.toml"));
                }
                _ => {
                    paths.insert(folder.to_path_buf());
                }
            }
        }
    }
    paths
}

/// The right side of a dependency file's rule: paths separated by spaces, spaces within them escaped.
fn sources(listed: &str) -> Vec<PathBuf> {
    let Some((_, paths)) = listed.lines().next().and_then(|line| line.split_once(": ")) else {
        return Vec::new();
    };
    let parts = paths.replace("\\ ", "\u{0}");
    parts
        .split(' ')
        .filter(|part| !part.is_empty())
        .map(|part| PathBuf::from(part.replace('\u{0}', " ")))
        .collect()
}

fn package_folder(source: &Path) -> Option<&Path> {
    source
        .ancestors()
        .skip(1)
        .find(|folder| folder.join("Cargo.toml").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_lists_its_sources() {
        let listed = "/t/guests/a.wasm: /w/plugins/a/src/lib.rs /w/my\\ wit/types.wit\n";
        assert_eq!(
            sources(listed),
            [
                Path::new("/w/plugins/a/src/lib.rs"),
                Path::new("/w/my wit/types.wit")
            ]
        );
        assert_eq!(sources(""), Vec::<PathBuf>::new());
    }

    #[test]
    fn whole_source_folders_are_watched() {
        let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let folder = std::env::temp_dir().join(format!("footbridge-watch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let component = folder.join("guest.wasm");
        let rule = format!(
            "{}: {}\n",
            component.display(),
            manifest.join("src/watch.rs").display()
        );
        std::fs::write(component.with_extension("d"), rule).unwrap();
        let place = Place {
            cargo: PathBuf::new(),
            manifest: manifest.clone(),
            guests: folder.clone(),
        };
        let paths = watched(&place, &[component]);
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(paths.contains(&manifest.join("src")), "{paths:?}");
        assert!(paths.contains(&manifest.join("Cargo.toml")), "{paths:?}");
        assert!(
            paths.contains(&workspace_folder(&manifest).join("Cargo.lock")),
            "{paths:?}"
        );
    }
}
