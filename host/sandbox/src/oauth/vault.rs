//! A connection's record on disk, sealed: bound to connection, field, format and credential, written whole or not at all.
//!
//! The file begins with the digest of the credential it belongs to, in the clear, so that a changed client, provider or URL can be
//! told apart from a wrong key. It decides nothing about tokens. Next: `keeper.rs`.

use super::standing::Standing;
use crate::seal::{InstallationKey, write_private};
use crate::secret::Secret;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

/// The first bytes of the file: its format.
const MAGIC: &[u8; 8] = b"FBTOKEN2";
const DIGEST_BYTES: usize = 32;
/// Longest wait for another process that renews the same tokens.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(20);

/// All that is known of a connection's credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its tokens.
    pub(crate) standing: Standing,
    /// Whom it was connected to.
    pub(crate) chosen: Option<Chosen>,
    /// Who consented, and when.
    pub(crate) consent: Option<Consent>,
}

/// The organisation that a connection was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The provider's id of the organisation, as its connector reports it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is a sandbox or demo company.
    pub test: bool,
    /// What requests name it by, where the provider wants that.
    pub tenant: Option<String>,
    /// What is named to end the connection, where the provider has such an id.
    pub connection: Option<String>,
}

/// Who let the app in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Name and login, as the provider tells them.
    pub who: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// The scopes that were given, separated by spaces.
    pub scopes: Option<String>,
}

impl Record {
    pub(crate) fn empty() -> Self {
        Self {
            standing: Standing::Nothing,
            chosen: None,
            consent: None,
        }
    }
}

/// Where a record is kept.
pub(crate) struct Vault {
    key: InstallationKey,
    /// `None` keeps nothing beyond the process.
    file: Option<PathBuf>,
    place: String,
    digest: [u8; DIGEST_BYTES],
}

/// Why a record that is there can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// It belongs to another client, provider or URL.
    #[error(
        "they belong to another client-id, provider, user, URL or set of scopes than it has now"
    )]
    OtherCredential,
    /// The key doesn't open it, or somebody changed it.
    #[error("they can't be opened: the key file is another one, or the file of tokens was changed")]
    Sealed,
    /// The file can't be read.
    #[error("their file can't be read: {0}")]
    File(String),
}

impl Vault {
    /// `credential` is everything that tokens belong to; a change of it makes stored ones unusable.
    pub(crate) fn new(
        key: InstallationKey,
        folder: Option<PathBuf>,
        connection: &str,
        credential: &[String],
    ) -> Self {
        let name = blake3::hash(connection.as_bytes()).to_hex();
        let mut hasher = blake3::Hasher::new();
        for part in credential {
            hasher.update(&u64::try_from(part.len()).unwrap_or(0).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let digest = hasher.finalize();
        Self {
            key,
            file: folder.map(|folder| folder.join(format!("{}.tokens", name.as_str()))),
            place: format!("{connection}/tokens/2/{}", digest.to_hex().as_str()),
            digest: *digest.as_bytes(),
        }
    }

    /// The record; `None` if there is none.
    pub(crate) fn read(&self) -> Result<Option<Record>, Unusable> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Unusable::File(error.to_string())),
        };
        let rest = bytes.strip_prefix(MAGIC).ok_or(Unusable::Sealed)?;
        let (digest, sealed) = rest
            .split_at_checked(DIGEST_BYTES)
            .ok_or(Unusable::Sealed)?;
        if digest != self.digest {
            return Err(Unusable::OtherCredential);
        }
        let plain = self
            .key
            .open(&self.place, sealed)
            .map_err(|_| Unusable::Sealed)?;
        serde_json::from_slice(&plain)
            .map(Some)
            .map_err(|_| Unusable::Sealed)
    }

    /// Keeps the record; durable when it returns.
    pub(crate) fn write(&self, record: &Record) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let plain = Zeroizing::new(serde_json::to_vec(record)?);
        let sealed = self
            .key
            .seal(&self.place, &plain)
            .map_err(io::Error::other)?;
        let bytes = [MAGIC.as_slice(), &self.digest, &sealed].concat();
        write_private(file, &bytes)
    }

    /// Removes it; nothing to remove is as good.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match self.file.as_ref().map(std::fs::remove_file) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Some(Err(error)) => Err(error),
        }
    }

    /// The right to change it, against every other process and every other keeper of this one. Given back when dropped.
    pub(crate) async fn turn(&self) -> io::Result<Option<File>> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let lock = crate::seal::private_options()
            .create(true)
            .open(file.with_extension("lock"))?;
        let started = std::time::Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Some(lock)),
                Err(std::fs::TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                    tokio::time::sleep(LOOK).await;
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    return Err(io::Error::other(
                        "another process has been renewing them for two minutes",
                    ));
                }
                Err(std::fs::TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

/// A secret inside a record that is sealed before it is written.
pub(crate) mod in_the_clear {
    use super::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret.expose())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret::new)
    }
}

/// The same for one that may be missing.
pub(crate) mod maybe_in_the_clear {
    use super::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        secret: &Option<Secret>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match secret {
            Some(secret) => to.serialize_some(secret.expose()),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(Secret::new))
    }
}
