//! A deployment's zip in metadata format: the manifest, the components of its files, what it deletes.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use serde_json::Value;
use zip::ZipArchive;

use super::definition::{list, text};
use super::{Kind, xml};

/// Largest content of a zip.
const MOST: u64 = 629_145_600;

/// One component of a package.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) full_name: String,
    pub(crate) file: String,
    pub(crate) definition: Value,
}

/// A problem of the package itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Flaw {
    pub(crate) file: String,
    pub(crate) kind: String,
    pub(crate) full_name: String,
    pub(crate) problem: String,
}

/// What a zip asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Package {
    pub(crate) items: Vec<Item>,
    pub(crate) deletions: Vec<(Kind, String, String)>,
    pub(crate) flaws: Vec<Flaw>,
}

impl Package {
    fn flaw(&mut self, file: &str, kind: &str, full_name: &str, problem: impl Into<String>) {
        self.flaws.push(Flaw {
            file: file.to_owned(),
            kind: kind.to_owned(),
            full_name: full_name.to_owned(),
            problem: problem.into(),
        });
    }
}

/// Reads a zip. With `single_package` the manifest is at its root, otherwise in a folder.
pub(crate) fn read(zip: &[u8], single_package: Root) -> Package {
    let mut package = Package::default();
    let files = match unzip(zip) {
        Ok(files) => files,
        Err(problem) => {
            package.flaw("package.xml", "", "package.xml", problem);
            return package;
        }
    };
    let root = match single_package {
        Root::Itself => String::new(),
        Root::Folder => files
            .keys()
            .find_map(|name| name.strip_suffix("/package.xml"))
            .filter(|folder| !folder.contains('/'))
            .map(|folder| format!("{folder}/"))
            .unwrap_or_else(|| "?/".to_owned()),
    };
    let Some(manifest) = files.get(&format!("{root}package.xml")) else {
        package.flaw("package.xml", "", "package.xml", "No package.xml found");
        return package;
    };
    let listed = match members(manifest) {
        Ok(listed) => listed,
        Err(problem) => {
            package.flaw("package.xml", "", "package.xml", problem);
            return package;
        }
    };
    for (path, content) in &files {
        let Some(name) = path.strip_prefix(&root) else {
            continue;
        };
        if name.ends_with('/') || name == "package.xml" {
            continue;
        }
        if matches!(
            name,
            "destructiveChanges.xml" | "destructiveChangesPre.xml" | "destructiveChangesPost.xml"
        ) {
            deletions(&mut package, name, content);
        } else {
            components(&mut package, &listed, path, name, content);
        }
    }
    for (kind, name, _) in listed.iter().filter(|(_, name, _)| name != "*") {
        let Some(known) = kind else { continue };
        let found = package
            .items
            .iter()
            .any(|item| item.full_name == *name && same_type(item.kind, *known));
        if !found {
            package.flaw(
                "package.xml",
                known.name(),
                name,
                format!(
                    "An object '{name}' of type {} was named in package.xml, but was not found in zipped directory",
                    known.name()
                ),
            );
        }
    }
    for (_, name, kind) in listed.iter().filter(|(kind, _, _)| kind.is_none()) {
        let problem = format!("The simulator does not know metadata of type {kind}");
        package.flaw("package.xml", kind, name, problem);
    }
    package.items.sort_by_key(|item| item.kind);
    package
}

/// Where the manifest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Itself,
    Folder,
}

/// Report folders are listed among reports.
fn same_type(kind: Kind, listed: Kind) -> bool {
    kind == listed || (kind == Kind::ReportFolder && listed == Kind::Report)
}

fn unzip(bytes: &[u8]) -> Result<BTreeMap<String, String>, String> {
    let broken = |error: &dyn std::fmt::Display| format!("The zip file could not be read: {error}");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let mut files = BTreeMap::new();
    let mut left = MOST;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| broken(&error))?;
        if file.is_dir() {
            continue;
        }
        let name = file.name().map_err(|error| broken(&error))?.into_owned();
        let mut content = String::new();
        let read = file
            .take(left.saturating_add(1))
            .read_to_string(&mut content)
            .map_err(|error| broken(&error))?;
        left = left
            .checked_sub(u64::try_from(read).unwrap_or(u64::MAX))
            .ok_or("The uncompressed zip file is larger than 600 MB")?;
        files.insert(name, content);
    }
    Ok(files)
}

type Listed = Vec<(Option<Kind>, String, String)>;

/// Types and members of a manifest.
fn members(text_of_manifest: &str) -> Result<Listed, String> {
    let (root, content) = xml::read(text_of_manifest)?;
    if root != "Package" {
        return Err(format!("Error parsing file: Element {root} is not Package"));
    }
    let mut listed = Vec::new();
    for types in list(&content, "types") {
        let name = text(types, "name").ok_or("Error parsing file: types without a name")?;
        for member in list(types, "members") {
            let member = member.as_str().unwrap_or_default().to_owned();
            listed.push((Kind::parse(&name), member, name.clone()));
        }
    }
    Ok(listed)
}

fn deletions(package: &mut Package, file: &str, content: &str) {
    match members(content) {
        Err(problem) => package.flaw(file, "", file, problem),
        Ok(listed) => {
            for (kind, name, type_name) in listed {
                match kind {
                    Some(Kind::Report) if !name.contains('/') => {
                        package
                            .deletions
                            .push((Kind::ReportFolder, name, file.to_owned()));
                    }
                    Some(kind) if name != "*" => {
                        package.deletions.push((kind, name, file.to_owned()));
                    }
                    Some(_) => package.flaw(
                        file,
                        &type_name,
                        "*",
                        "Wildcards are not allowed in destructive changes",
                    ),
                    None => {
                        let problem =
                            format!("The simulator does not know metadata of type {type_name}");
                        package.flaw(file, &type_name, &name, problem);
                    }
                }
            }
        }
    }
}

fn components(package: &mut Package, listed: &Listed, path: &str, name: &str, content: &str) {
    let (folder, file) = name.split_once('/').unwrap_or(("", name));
    let found: Option<(Kind, String)> = match folder {
        "objects" => file
            .strip_suffix(".object")
            .map(|name| (Kind::CustomObject, name.to_owned())),
        "tabs" => file
            .strip_suffix(".tab")
            .map(|name| (Kind::CustomTab, name.to_owned())),
        "permissionsets" => file
            .strip_suffix(".permissionset")
            .map(|name| (Kind::PermissionSet, name.to_owned())),
        "layouts" => file.strip_suffix(".layout").map(|name| {
            let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
            (Kind::Layout, name.into_owned())
        }),
        "reports" => file
            .strip_suffix(".report")
            .map(|name| (Kind::Report, name.to_owned()))
            .or_else(|| {
                let folder = file
                    .strip_suffix(".reportFolder-meta.xml")
                    .or_else(|| file.strip_suffix("-meta.xml"))
                    .filter(|folder| !folder.contains('/'))?;
                Some((Kind::ReportFolder, folder.to_owned()))
            }),
        _ => None,
    };
    let Some((kind, full_name)) = found else {
        let problem = format!("The simulator does not know what to do with the file {name}");
        package.flaw(path, "", name, problem);
        return;
    };
    let definition = match xml::read(content) {
        Ok((root, definition)) if root == kind.name() => definition,
        Ok((root, _)) => {
            let problem = format!("Error parsing file: Element {root} is not {}", kind.name());
            return package.flaw(path, kind.name(), &full_name, problem);
        }
        Err(problem) => return package.flaw(path, kind.name(), &full_name, problem),
    };
    let is_listed = |kind: Kind, name: &str| {
        listed.iter().any(|(known, member, _)| {
            known.is_some_and(|known| same_type(kind, known)) && (member == "*" || member == name)
        })
    };
    let whole = is_listed(kind, &full_name);
    if kind != Kind::CustomObject {
        if !whole {
            return package.flaw(path, kind.name(), &full_name, "Not in package.xml");
        }
        package.items.push(Item {
            kind,
            full_name,
            file: path.to_owned(),
            definition,
        });
        return;
    }
    for (member, kind) in [("fields", Kind::CustomField), ("listViews", Kind::ListView)] {
        for part in list(&definition, member) {
            let own = text(part, "fullName").unwrap_or_default();
            let part_name = format!("{full_name}.{own}");
            if own.is_empty() {
                package.flaw(
                    path,
                    kind.name(),
                    &full_name,
                    "Required field is missing: fullName",
                );
            } else if !whole && !is_listed(kind, &part_name) {
                package.flaw(path, kind.name(), &part_name, "Not in package.xml");
            } else {
                package.items.push(Item {
                    kind,
                    full_name: part_name,
                    file: path.to_owned(),
                    definition: part.clone(),
                });
            }
        }
    }
    if whole {
        let mut definition = definition;
        if let Some(members) = definition.as_object_mut() {
            members.remove("fields");
            members.remove("listViews");
        }
        package.items.push(Item {
            kind,
            full_name,
            file: path.to_owned(),
            definition,
        });
    }
}
