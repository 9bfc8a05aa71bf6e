//! What the switch needs of a configuration: where the data directory is, and what the flows are called.
//!
//! Of a configuration with a mistake it is read as well as can be: a switch that asks for a spotless file stops nothing while a sync
//! runs on. Where the data directory can't be told for sure nothing is guessed.

use super::{Config, default_data, folder_of};
use crate::exit::UsageError;
use crate::typed;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The names of the flows, as far as they are known.
#[derive(Debug)]
enum Names {
    /// These and no others.
    All(BTreeSet<String>),
    /// The file can't be read to its end: these were seen.
    Seen(BTreeSet<String>),
}

/// What a configuration says of the switch.
#[derive(Debug)]
pub(crate) struct Bare {
    /// The data directory.
    pub(crate) data: PathBuf,
    /// What is wrong with the configuration.
    pub(crate) mistake: Option<String>,
    names: Names,
}

impl Bare {
    /// Reads a configuration, also one that [`Config::read`] refuses.
    ///
    /// # Errors
    /// It can't be told where the data directory is.
    pub(crate) fn read(file: &Path) -> Result<Self, UsageError> {
        let error = match Config::read(file) {
            Ok(config) => {
                return Ok(Self {
                    data: config.data_dir(),
                    mistake: None,
                    names: Names::All(config.flows.into_keys().collect()),
                });
            }
            Err(error) => format!("{error:#}"),
        };
        let lost = |why: &str| UsageError(format!("the switch was left as it is: {why}. {error}"));
        let text = match std::fs::read(file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(gone) if gone.kind() == ErrorKind::NotFound => String::new(),
            Err(_) => return Err(lost("the configuration can't be read")),
        };
        let (said, names) = match toml::from_str::<Table>(&text) {
            Ok(table) => of_table(&table),
            Err(_) => of_lines(&text),
        };
        let data = said.map_err(|()| {
            lost("the configuration doesn't say plainly where the data directory is (data = \"...\")")
        })?;
        let data = folder_of(file).join(data.unwrap_or_else(default_data));
        // Made anew it would be one that no sync looks into.
        if !data.is_dir() {
            let why = format!("there is no data directory {}", data.display());
            return Err(lost(&why));
        }
        Ok(Self {
            data,
            mistake: Some(error),
            names,
        })
    }

    /// The names of the flows that are known.
    pub(crate) fn flows(&self) -> &BTreeSet<String> {
        match &self.names {
            Names::All(names) | Names::Seen(names) => names,
        }
    }

    /// The flow that is meant. Of several, commands that are printed name it from here on.
    ///
    /// # Errors
    /// There is no such flow, or several.
    pub(crate) fn flow<'a>(&'a self, name: Option<&'a str>) -> Result<&'a str, UsageError> {
        let name = self.meant(name)?;
        if self.flows().iter().any(|other| other != name) {
            typed::about(name);
        }
        Ok(name)
    }

    fn meant<'a>(&'a self, name: Option<&'a str>) -> Result<&'a str, UsageError> {
        let all: Vec<&str> = self.flows().iter().map(String::as_str).collect();
        match (name, all.as_slice()) {
            (None, [one]) => Ok(one),
            (None, []) => Err(UsageError(
                "which flow? The configuration shows none; name it, or --all".to_owned(),
            )),
            (None, _) => Err(UsageError(format!(
                "which flow? Name one of: {}; or --all",
                all.join(", ")
            ))),
            (Some(name), all) => match &self.names {
                Names::All(_) if !all.is_empty() && !all.contains(&name) => Err(UsageError(
                    format!("there is no flow {name:?}. Flows are: {}", all.join(", ")),
                )),
                _ => Ok(name),
            },
        }
    }
}

/// The data directory that is named, if one is; an error if it can't be told which.
type Said = Result<Option<PathBuf>, ()>;

fn of_table(table: &Table) -> (Said, Names) {
    let said = match table.get("data") {
        None => Ok(None),
        Some(Value::String(path)) => Ok(Some(PathBuf::from(path))),
        Some(_) => Err(()),
    };
    let flows = table.get("flows").and_then(Value::as_table);
    let names = flows.map(|flows| flows.keys().cloned().collect());
    (said, Names::All(names.unwrap_or_default()))
}

/// Of a file that is no TOML: the `data` before its first table, and the tables' headers.
fn of_lines(text: &str) -> (Said, Names) {
    let mut said = Ok(None);
    let mut names = BTreeSet::new();
    let mut in_tables = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_tables = true;
            let alone = toml::from_str::<Table>(line);
            let (_, Names::All(seen) | Names::Seen(seen)) = of_table(&alone.unwrap_or_default());
            names.extend(seen);
        } else if !in_tables && is_data(line) {
            let alone = toml::from_str::<Table>(line).map(|table| of_table(&table).0);
            said = match (said, alone) {
                (Ok(None), Ok(found)) => found,
                (Ok(before), Ok(Ok(found))) if before == found => Ok(found),
                _ => Err(()),
            };
        }
    }
    (said, Names::Seen(names))
}

/// Whether a line sets `data`, well or badly.
fn is_data(line: &str) -> bool {
    let key = line.split(['=', ' ', '\t']).next().unwrap_or_default();
    key.trim_matches(['"', '\'']) == "data"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, folders: &[&str]) -> (tempfile::TempDir, Result<Bare, UsageError>) {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        for name in folders {
            std::fs::create_dir(folder.path().join(name)).unwrap_or_else(|e| panic!("{e}"));
        }
        let file = folder.path().join("footbridge.toml");
        std::fs::write(&file, text).unwrap_or_else(|e| panic!("{e}"));
        let bare = Bare::read(&file);
        (folder, bare)
    }

    #[test]
    fn the_data_directory_is_found_whatever_else_is_wrong() {
        for (text, data, flows) in [
            ("oops = 1\n", "footbridge-data", vec![]),
            (
                "data = \"d\"\noops = 1\n[flows.a]\n[flows.b.rails]\n",
                "d",
                vec!["a", "b"],
            ),
            (
                "data = 'd' # ours\nkey = \n[flows.\"a b\"]\ndata = 7\n[flows\n",
                "d",
                vec!["a b"],
            ),
            ("data = 'd'\ndata = \"d\"\n", "d", vec![]),
        ] {
            let (folder, bare) = read(text, &["d", "footbridge-data"]);
            let bare = bare.unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(bare.data, folder.path().join(data), "{text}");
            assert!(bare.mistake.is_some(), "{text}");
            assert!(bare.flows().iter().eq(flows.iter()), "{text}: {bare:?}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for text in [
            "data = 7\n",
            "data = \n",
            "data = \"d\n",
            "data = 'd'\ndata = 'e'\n",
            "data = 'nowhere'\noops = 1\n",
            "data = []\n[",
        ] {
            let (_folder, bare) = read(text, &["d", "e", "footbridge-data"]);
            let said = bare.map(|bare| bare.data).map_err(|e| e.to_string());
            assert!(
                said.as_ref()
                    .is_err_and(|e| e.starts_with("the switch was left as it is: ")),
                "{text}: {said:?}"
            );
        }
    }

    #[test]
    fn a_flow_is_taken_as_it_is_named_where_others_may_be_hidden() {
        let (_folder, bare) = read("oops = 1\n[flows.a]\n", &["footbridge-data"]);
        let bare = bare.unwrap_or_else(|e| panic!("{e}"));
        assert!(matches!(bare.meant(None), Ok("a")));
        assert!(bare.meant(Some("b")).is_err(), "all names are known");
        let (_folder, bare) = read("oops = \n[flows.a]\n[flows.c]\n", &["footbridge-data"]);
        let bare = bare.unwrap_or_else(|e| panic!("{e}"));
        assert!(matches!(bare.meant(Some("b")), Ok("b")));
        assert!(bare.meant(None).is_err());
    }
}
