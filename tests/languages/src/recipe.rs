//! The commands of the starters' READMEs, one after the other; what came out is kept under the digest of what went in.
//!
//! A tool that can't be had excuses the test where nothing is required (`FOOTBRIDGE_FOREIGN=required` says so); a starter that
//! its own tools refuse never does.

use crate::place::{self, Sources};
use crate::{Built, Language};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum BuildFailure {
    /// Its tools can't be had here.
    #[error("the tools for {language} can't be had here: {said}")]
    NoTools {
        /// Which.
        language: &'static str,
        /// What was said.
        said: String,
    },
    /// Its tools refused the starter.
    #[error("the starter in {language} can't be built: {said}")]
    Refused {
        /// Which.
        language: &'static str,
        /// What was said.
        said: String,
    },
    /// A file or folder.
    #[error("the folder of foreign builds: {0}")]
    Folder(#[from] io::Error),
}

impl BuildFailure {
    /// Whether a test may be left out for it: the tools are missing, and nobody requires them.
    #[must_use]
    pub fn is_excused(&self) -> bool {
        let required = std::env::var("FOOTBRIDGE_FOREIGN").is_ok_and(|value| value == "required");
        matches!(self, Self::NoTools { .. }) && !required
    }
}

pub(crate) fn built(language: Language) -> Result<Built, BuildFailure> {
    let name = language.name();
    let sources = Sources::of_starter(name);
    let folder = kept(name, &sources, &tools(language), |work, folder| {
        let component = match language {
            Language::Rust => rust(work, folder, &sources)?,
            Language::JavaScript => {
                npm(work)?;
                work.join("mapping.wasm")
            }
            Language::Python => python(work)?,
        };
        Ok(vec![
            (component, format!("{name}.wasm")),
            (work.join("plugin.toml"), format!("{name}.toml")),
        ])
    })?;
    Ok(Built {
        language,
        component: folder.join(format!("{name}.wasm")),
        manifest: folder.join(format!("{name}.toml")),
    })
}

pub(crate) fn built_guest(name: &str) -> Result<PathBuf, BuildFailure> {
    let component = format!("{name}.wasm");
    let folder = kept(name, &Sources::of_guest(name), "", |work, _| {
        npm(work)?;
        Ok(vec![(work.join(&component), component.clone())])
    })?;
    Ok(folder.join(component))
}

/// The folder of what `make` makes in a copy of the sources, which it is told with the folder of all builds: as it was made
/// from the same sources with the same tools before, or made now.
fn kept(
    name: &str,
    sources: &Sources,
    tools: &str,
    make: impl FnOnce(&Path, &Path) -> Result<Vec<(PathBuf, String)>, BuildFailure>,
) -> Result<PathBuf, BuildFailure> {
    let folder = place::folder()?;
    // Several test programs may want it at once; one builds.
    let lock = File::create(folder.join(format!("{name}.lock")))?;
    lock.lock()?;
    let kept = folder.join(format!("{name}-{}", sources.digest(tools)?));
    if kept.is_dir() {
        return Ok(kept);
    }
    let work = folder.join(format!("{name}-work"));
    if work.is_dir() {
        fs::remove_dir_all(&work)?;
    }
    sources.copy_to(&work)?;
    let half = folder.join(format!("{name}-half"));
    fs::create_dir_all(&half)?;
    for (file, name) in make(&work, &folder)? {
        fs::copy(file, half.join(name))?;
    }
    fs::rename(&half, &kept)?;
    Ok(kept)
}

/// What decides over the component beside its sources. JavaScript's and Python's tools are pinned in the sources themselves.
fn tools(language: Language) -> String {
    match language {
        Language::Rust => run(Command::new(compiler()).arg("-vV")).unwrap_or_default(),
        Language::JavaScript | Language::Python => String::new(),
    }
}

fn compiler() -> PathBuf {
    std::env::var_os("RUSTC").map_or_else(|| "rustc".into(), PathBuf::from)
}

fn rust(work: &Path, folder: &Path, sources: &Sources) -> Result<PathBuf, BuildFailure> {
    // The same versions as this workspace's: nothing new has to be fetched.
    fs::copy(&sources.lock, work.join("Cargo.lock"))?;
    let target = folder.join("rust-target");
    let mut cargo = clean("cargo");
    cargo
        .args(["build", "--release", "--target", "wasm32-wasip2"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(work);
    run(&mut cargo).map_err(|said| BuildFailure::Refused {
        language: Language::Rust.name(),
        said,
    })?;
    Ok(target.join("wasm32-wasip2/release/lead_to_cash.wasm"))
}

fn npm(work: &Path) -> Result<(), BuildFailure> {
    let mut npm = clean("npm");
    npm.args([
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--no-package-lock",
    ]);
    had(Language::JavaScript, npm.current_dir(work))?;
    let mut npm = clean("npm");
    made(
        Language::JavaScript,
        npm.args(["run", "build"]).current_dir(work),
    )
}

fn python(work: &Path) -> Result<PathBuf, BuildFailure> {
    let mut venv = clean("python3");
    had(
        Language::Python,
        venv.args(["-m", "venv", ".venv"]).current_dir(work),
    )?;
    let tools = work.join(".venv").join("bin");
    let mut pip = clean(tools.join("pip"));
    pip.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        "requirements.txt",
    ]);
    had(Language::Python, pip.current_dir(work))?;
    let mut componentize = clean(tools.join("componentize-py"));
    componentize.args([
        "-d",
        "wit",
        "-w",
        "mapping",
        "componentize",
        "--stub-wasi",
        "mapping",
        "-o",
        "mapping.wasm",
    ]);
    made(Language::Python, componentize.current_dir(work))?;
    Ok(work.join("mapping.wasm"))
}

/// A command without what the build or test that runs this was started with.
fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let inherited = text.starts_with("CARGO_") && text != "CARGO_HOME"
            || text.starts_with("RUSTC")
            || text.ends_with("RUSTFLAGS")
            || text == "VIRTUAL_ENV";
        if inherited
            && !text.starts_with("CARGO_NET_")
            && !text.starts_with("CARGO_HTTP_")
            && !text.starts_with("CARGO_REGISTR")
        {
            command.env_remove(name);
        }
    }
    command
}

fn had(language: Language, command: &mut Command) -> Result<(), BuildFailure> {
    let ran = run(command).map(|_| ());
    ran.map_err(|said| BuildFailure::NoTools {
        language: language.name(),
        said,
    })
}

fn made(language: Language, command: &mut Command) -> Result<(), BuildFailure> {
    let ran = run(command).map(|_| ());
    ran.map_err(|said| BuildFailure::Refused {
        language: language.name(),
        said,
    })
}

/// What it printed; what it complained of if it failed.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| {
        format!(
            "{} did not start: {error}",
            command.get_program().to_string_lossy()
        )
    })?;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(out);
    }
    Err(format!("{}{out}", String::from_utf8_lossy(&output.stderr)))
}
