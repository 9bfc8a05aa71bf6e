//! How the process ends: an exit code that scripts can rely on, and one message for people.

use chrono::{DateTime, TimeDelta, Utc};
use footbridge_engine::EngineError;
use footbridge_engine::ports::CallError;
use footbridge_engine::saved::PlanRefusal;
use footbridge_model::FailureKind;
use footbridge_sandbox::{
    BrokerError, CallbackError, CheckError, ConnectError, InstallError, KeyError, PackageError,
    PowersError, RegistryError, SecretError, SignatureError,
};
use footbridge_store::BackupError;
use std::process::ExitCode;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Something failed.
    Failed,
    /// Wrong use or configuration.
    Usage,
    /// Done, and something waits for a person or is in doubt (`--strict`).
    Waiting,
    /// The far side can't be reached or refused the credential.
    FarSide,
    /// The data directory is locked or damaged.
    Data,
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Waiting => 3,
            Self::FarSide => 4,
            Self::Data => 5,
        }
    }

    /// What scripts branch on without knowing the numbers.
    fn kind(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Waiting => "waiting",
            Self::FarSide => "far-side",
            Self::Data => "data-directory",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Told where the far side can't be reached or is of no use.
const NETWORK: &str = "Nothing is lost: the next sync goes on from here. If it stays so, check the network and the connection's base-url and token-url; `footbridge doctor` tries each connection.";
/// Told where calls are used up.
const WAIT: &str = "Nothing is lost: the far side counts calls, by the minute and by the day, and just now it lets no more through.";

/// The way out of an error whose text doesn't say it: the far side is not to blame for not knowing our configuration.
pub(crate) fn way_out(error: &anyhow::Error, now: DateTime<Utc>) -> Option<String> {
    let engine = error.chain().find_map(|cause| cause.downcast_ref())?;
    match engine {
        EngineError::Call { source, .. } => match source.as_ref() {
            CallError::Failure(failure)
                if !matches!(
                    failure.kind,
                    FailureKind::AuthExpired | FailureKind::Misconfigured
                ) =>
            {
                let seconds = failure.retry_after_seconds;
                Some(match failure.kind {
                    FailureKind::Quota => later(seconds, now),
                    FailureKind::Retry if seconds.is_some() => later(seconds, now),
                    _ => NETWORK.to_owned(),
                })
            }
            _ => None,
        },
        _ => None,
    }
}

/// When calls are let through again, as far as the far side said so.
fn later(seconds: Option<u32>, now: DateTime<Utc>) -> String {
    let wait = seconds.map(|seconds| TimeDelta::seconds(i64::from(seconds)));
    let when = match wait.and_then(|wait| now.checked_add_signed(wait)) {
        Some(at) => format!("Start it again after {}", at.format("%Y-%m-%d %H:%M:%S UTC")),
        None => "It didn't say until when: start it again in a few minutes, and if that doesn't help, tomorrow".to_owned(),
    };
    format!("{WAIT} {when}; `footbridge plan` shows what is left of the day.")
}

/// An error as `--json` prints it: `{"error": {"kind", "page", "message", "causes", "exit_code"}}`.
pub(crate) fn as_json(exit: Exit, message: &str, causes: &[String]) -> serde_json::Value {
    serde_json::json!({"error": {
        "kind": exit.kind(),
        "page": footbridge_model::remedy::page(exit.kind()),
        "message": message,
        "causes": causes,
        "exit_code": exit.code(),
    }})
}

/// A wrong configuration or use, in words that say what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// Which exit code an error deserves.
pub(crate) fn of(error: &anyhow::Error) -> Exit {
    for cause in error.chain() {
        if is_wrong_use(cause) {
            return Exit::Usage;
        }
        if cause.is::<CallbackError>() {
            return Exit::FarSide;
        }
        if let Some(error) = cause.downcast_ref::<ConnectError>() {
            return match error {
                ConnectError::Unknown(_) | ConnectError::NoConsent(_) => Exit::Usage,
                ConnectError::Code { .. } | ConnectError::FarSide(_) => Exit::FarSide,
                ConnectError::Denied(_) => Exit::Failed,
                ConnectError::Disk(_) => Exit::Data,
            };
        }
        if cause.is::<PlanRefusal>() {
            return Exit::Usage;
        }
        if cause.is::<footbridge_store::OpenError>() {
            return Exit::Data;
        }
        if let Some(error) = cause.downcast_ref::<BackupError>() {
            return match error {
                BackupError::NothingThere { .. }
                | BackupError::NoSuchFile { .. }
                | BackupError::Exists { .. }
                | BackupError::NotABackup { .. }
                | BackupError::Newer { .. }
                | BackupError::MountPoint { .. }
                | BackupError::NotEmpty { .. } => Exit::Usage,
                _ => Exit::Data,
            };
        }
        if let Some(engine) = cause.downcast_ref::<EngineError>() {
            return match engine {
                EngineError::Store(_)
                | EngineError::Commit(_)
                | EngineError::Body(_)
                | EngineError::Format { .. } => Exit::Data,
                EngineError::Losses { .. } => Exit::Waiting,
                EngineError::Transform { .. }
                | EngineError::FirstRun { .. }
                | EngineError::Plan(_)
                | EngineError::Mixed { .. }
                | EngineError::FieldGone { .. }
                | EngineError::Organisations { .. }
                | EngineError::NoReceivables { .. } => Exit::Usage,
                EngineError::Call { source, .. } => match source.as_ref() {
                    CallError::Failure(failure) if failure.kind == FailureKind::Misconfigured => {
                        Exit::Usage
                    }
                    CallError::Failure(_) => Exit::FarSide,
                    CallError::Plugin { .. } => Exit::Failed,
                },
                EngineError::Provision { failures, .. } => match failures.first() {
                    Some(failure) if failure.kind == FailureKind::Misconfigured => Exit::Usage,
                    Some(failure) if failure.kind == FailureKind::Rejected => Exit::Failed,
                    Some(_) => Exit::FarSide,
                    None => Exit::Failed,
                },
                EngineError::WrongOrganisation { .. } | EngineError::OrganisationTurned { .. } => {
                    Exit::FarSide
                }
                _ => Exit::Failed,
            };
        }
    }
    Exit::Failed
}

/// Something that was given to us is wrong: a configuration, a secret, the key file, a file that is no plugin.
fn is_wrong_use(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.is::<UsageError>()
        || cause.is::<SecretError>()
        || cause.is::<KeyError>()
        || cause.is::<CheckError>()
        || cause.is::<PackageError>()
        || cause.is::<PowersError>()
        || cause.is::<SignatureError>()
        || matches!(
            cause.downcast_ref(),
            Some(RegistryError::Unknown(_) | RegistryError::Version(_) | RegistryError::Name(_))
        )
        || matches!(
            cause.downcast_ref(),
            Some(BrokerError::Configuration { .. })
        )
        || matches!(
            cause.downcast_ref(),
            Some(InstallError::Check(_) | InstallError::Compile(_) | InstallError::Link(_))
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_up_calls_are_told_with_the_time_after_which_there_are_more() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
        let told = later(Some(90), now);
        assert!(
            told.contains("Start it again after 2023-11-14 22:14:50 UTC;"),
            "{told}"
        );
        let told = later(None, now);
        assert!(told.contains("It didn't say until when: "), "{told}");
    }
}
