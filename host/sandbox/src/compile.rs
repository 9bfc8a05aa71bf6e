//! Compiles components to native code: in a child process with limits, or in this one off the async threads.
//!
//! Compiling is the one moment when a hostile file can use up a machine, so the child is the default for operators.
//! It never loads what it made; `cache.rs` keeps it and `install.rs` decides.

use crate::engine::{PluginKind, engine};
use crate::limits::Limits;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

/// The hidden first argument under which the host's own program compiles: it must then call [`compile_child`] at once.
pub const COMPILE_COMMAND: &str = "__compile-plugin";

/// Where compilations run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// In this process, on a blocking thread. For tests and for plugins that came with the host.
    Here,
    /// In a child process with limits on memory and CPU time: this program, which on the argument
    /// [`COMPILE_COMMAND`] calls [`compile_child`].
    Child(PathBuf),
}

/// Why there is no native code.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler refused the component.
    #[error("it can't be compiled: {0}")]
    Refused(String),
    /// It took too long or too much memory.
    #[error("compiling it went over the limits ({0}). Make it smaller, or raise the limits")]
    Limits(String),
    /// The child process could not be used.
    #[error("the compiling process failed: {0}")]
    Process(#[from] std::io::Error),
}

impl Compiler {
    pub(crate) async fn compile(
        &self,
        kind: PluginKind,
        bytes: Vec<u8>,
        limits: &Limits,
    ) -> Result<Vec<u8>, CompileError> {
        match self {
            Self::Here => {
                let limits = limits.clone();
                tokio::task::spawn_blocking(move || compile(kind, &bytes, &limits))
                    .await
                    .map_err(|error| CompileError::Refused(error.to_string()))?
            }
            Self::Child(program) => {
                let mut command = std::process::Command::new(program);
                command
                    .arg(COMPILE_COMMAND)
                    .arg(kind.to_string())
                    .arg(limits.stack.to_string())
                    .arg(limits.compile.as_secs().max(1).to_string())
                    .arg(limits.compile_memory.to_string())
                    .env_clear()
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped());
                let wall = limits.compile * 4;
                tokio::task::spawn_blocking(move || run_child(command, &bytes, wall))
                    .await
                    .map_err(|error| CompileError::Refused(error.to_string()))?
            }
        }
    }
}

fn compile(kind: PluginKind, bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, CompileError> {
    engine(kind, limits)
        .and_then(|engine| engine.precompile_component(bytes))
        .map_err(|error| CompileError::Refused(format!("{error:#}")))
}

fn run_child(
    mut command: std::process::Command,
    bytes: &[u8],
    wall: std::time::Duration,
) -> Result<Vec<u8>, CompileError> {
    let mut child = command.spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        // A child that died early closes its input; its exit says why.
        scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(bytes)));
        let said = scope.spawn(move || {
            let mut text = String::new();
            if let Some(pipe) = stderr {
                let _ = pipe.take(16 * 1024).read_to_string(&mut text);
            }
            text
        });
        let made = scope.spawn(move || {
            let mut native = Vec::new();
            stdout.map(|mut pipe| pipe.read_to_end(&mut native));
            native
        });
        let began = std::time::Instant::now();
        let status = loop {
            match child.try_wait()? {
                Some(status) => break Some(status),
                None if began.elapsed() > wall => {
                    child.kill()?;
                    child.wait()?;
                    break None;
                }
                None => std::thread::sleep(std::time::Duration::from_millis(5)),
            }
        };
        let native = made.join().unwrap_or_default();
        let said = said.join().unwrap_or_default();
        match status {
            Some(status) if status.success() => Ok(native),
            Some(status) if status.code() == Some(1) => {
                Err(CompileError::Refused(said.trim().to_owned()))
            }
            Some(status) => Err(CompileError::Limits(status.to_string())),
            None => Err(CompileError::Limits(format!(
                "no result within {} s",
                wall.as_secs()
            ))),
        }
    })
}

/// The child process's whole life: takes the arguments after [`COMPILE_COMMAND`], reads a component from standard
/// input, writes native code to standard output.
#[must_use]
pub fn compile_child(arguments: &[String]) -> ExitCode {
    match child(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn child(arguments: &[String]) -> Result<(), String> {
    let [kind, stack, seconds, memory] = arguments else {
        return Err("this command is used by the host itself".to_owned());
    };
    let kind = match kind.as_str() {
        "connector" => PluginKind::Connector,
        "transform" => PluginKind::Transform,
        other => return Err(format!("there is no kind {other:?}")),
    };
    let number = |text: &String| text.parse::<u64>().map_err(|error| error.to_string());
    limit_this_process(number(seconds)?, number(memory)?)?;
    let limits = Limits {
        stack: stack.parse().map_err(|_| "no stack size".to_owned())?,
        ..Limits::default()
    };
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    let native = compile(kind, &bytes, &limits).map_err(|error| error.to_string())?;
    std::io::stdout()
        .write_all(&native)
        .map_err(|error| error.to_string())
}

#[cfg(unix)]
fn limit_this_process(seconds: u64, memory: u64) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    for (resource, most) in [
        (Resource::Cpu, seconds),
        (Resource::As, memory),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ] {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit).map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn limit_this_process(_: u64, _: u64) -> Result<(), String> {
    Ok(())
}
