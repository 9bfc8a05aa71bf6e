//! The installation's key, and values sealed with it: XChaCha20-Poly1305, bound to what they are.
//!
//! The key lives in a file of its own, outside the data directory and outside every backup. It never leaves this
//! file in the clear: each use gets a key derived for its purpose. Next: `oauth/vault.rs` (tokens at rest), `cache.rs`
//! (the keyed hash over native code).

use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Length of the key file's content and of every derived key, in bytes.
const KEY_BYTES: usize = 32;
/// The first byte of a sealed value: the format's version.
const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Why the key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read or created.
    #[error("key file {}: {source}. Check that its folder exists and is yours", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "key file {} holds {bytes} bytes and a key has {KEY_BYTES}. Put back the right file from where you keep it; without it, stored tokens are fetched anew",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// How long it is.
        bytes: usize,
    },
    /// Others may read it.
    #[error("key file {} can be read by other users. Run: chmod 600 {}", path.display(), path.display())]
    TooOpen {
        /// Which file.
        path: PathBuf,
    },
}

/// A sealed value that can't be opened: another key, another place, or it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value was made with another key, for another purpose, or was changed")]
pub(crate) struct NotOurs;

/// The installation's key.
#[derive(Clone)]
pub struct InstallationKey(Zeroizing<[u8; KEY_BYTES]>);

impl InstallationKey {
    /// Reads the key file, or creates it (mode 0600) on first use. Keep it outside the data directory.
    ///
    /// # Errors
    /// A [`KeyError`] that names the file and the way out.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            source,
        };
        match private_options().create_new(true).write(true).open(path) {
            Ok(mut file) => {
                let key = Self::random();
                file.write_all(key.0.as_slice()).map_err(failed)?;
                file.sync_all().map_err(failed)?;
                Ok(key)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                refuse_open_to_others(path)?;
                let bytes = Zeroizing::new(std::fs::read(path).map_err(failed)?);
                let key = <[u8; KEY_BYTES]>::try_from(bytes.as_slice());
                key.map(|key| Self(Zeroizing::new(key)))
                    .map_err(|_| KeyError::Damaged {
                        path: path.to_owned(),
                        bytes: bytes.len(),
                    })
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// A key for this process only, for tests and the demo: nothing sealed with it can be opened later.
    pub fn random() -> Self {
        Self(Zeroizing::new(Key::generate().into()))
    }

    /// Seals a value for one place. `place` says what it is, for example `xero/access-token/1`, and must be given again to open it.
    pub(crate) fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, NotOurs> {
        let nonce = XNonce::generate();
        let payload = Payload {
            msg: plain,
            aad: place.as_bytes(),
        };
        let sealed = self
            .cipher()
            .encrypt(&nonce, payload)
            .map_err(|_| NotOurs)?;
        let mut out = vec![FORMAT];
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens what [`Self::seal`] made for the same place.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotOurs> {
        let (&format, rest) = sealed.split_first().ok_or(NotOurs)?;
        let (nonce, text) = rest.split_at_checked(NONCE_BYTES).ok_or(NotOurs)?;
        if format != FORMAT {
            return Err(NotOurs);
        }
        let nonce = XNonce::try_from(nonce).map_err(|_| NotOurs)?;
        let payload = Payload {
            msg: text,
            aad: place.as_bytes(),
        };
        let plain = self
            .cipher()
            .decrypt(&nonce, payload)
            .map_err(|_| NotOurs)?;
        Ok(Zeroizing::new(plain))
    }

    /// The keyed digest of a plan that is handed round, in hex: whoever changes the text can't make the digest of it.
    pub fn digest_of_plan(&self, text: &str) -> String {
        self.plan_hash(text).to_hex().to_string()
    }

    /// Whether a digest was made by this key of just this text.
    pub fn made_plan_digest(&self, text: &str, digest: &str) -> bool {
        let given = blake3::Hash::from_hex(digest);
        given.is_ok_and(|given| given == self.plan_hash(text))
    }

    fn plan_hash(&self, text: &str) -> blake3::Hash {
        blake3::keyed_hash(&self.derived("footbridge 1 saved plans"), text.as_bytes())
    }

    /// The keyed hash over a piece of native code and the name that says what it is.
    pub(crate) fn hash_of_code(&self, name: &str, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.derived("footbridge 1 native code"));
        hasher.update(name.as_bytes()).update(&[0]).update(code);
        hasher.finalize()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.derived("footbridge 1 sealed values")))
    }

    fn derived(&self, purpose: &str) -> Zeroizing<[u8; KEY_BYTES]> {
        Zeroizing::new(blake3::derive_key(purpose, self.0.as_slice()))
    }
}

impl std::fmt::Debug for InstallationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[key]")
    }
}

/// Options that create files for their owner only.
pub(crate) fn private_options() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true);
    options
}

/// Creates a folder, and those above it, for their owner only.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Writes a private file whole or not at all, durable when it returns: a new file beside it, synced, renamed over it, and the folder synced.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(format!("{:016x}.new", rand_u64()));
    let written = private_options()
        .create_new(true)
        .open(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path))
        .and_then(|()| sync_folder(path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(unix)]
fn sync_folder(of: &Path) -> io::Result<()> {
    match of.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Renames are durable by themselves there, and folders can't be opened.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn rand_u64() -> u64 {
    u64::from_le_bytes(Generate::generate())
}

#[cfg(unix)]
fn refuse_open_to_others(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).map_err(|source| KeyError::File {
        path: path.to_owned(),
        source,
    })?;
    if metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(KeyError::TooOpen {
        path: path.to_owned(),
    })
}

#[cfg(not(unix))]
fn refuse_open_to_others(_: &Path) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_where_it_was_made_for() {
        let key = InstallationKey::random();
        let sealed = key.seal("xero/token/1", b"tiger").unwrap();
        assert!(!sealed.windows(5).any(|w| w == b"tiger"));
        assert_eq!(
            key.open("xero/token/1", &sealed).unwrap().as_slice(),
            b"tiger"
        );
        assert!(key.open("salesforce/token/1", &sealed).is_err());
        assert!(
            InstallationKey::random()
                .open("xero/token/1", &sealed)
                .is_err()
        );
        for n in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[n] ^= 1;
            assert!(key.open("xero/token/1", &changed).is_err(), "byte {n}");
        }
        for n in 0..sealed.len() {
            assert!(
                key.open("xero/token/1", &sealed[..n]).is_err(),
                "cut at {n}"
            );
        }
    }

    #[test]
    fn the_key_file_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let first = InstallationKey::open_or_create(&path).unwrap();
        let sealed = first.seal("a", b"b").unwrap();
        let again = InstallationKey::open_or_create(&path).unwrap();
        assert_eq!(again.open("a", &sealed).unwrap().as_slice(), b"b");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            let refused = InstallationKey::open_or_create(&path).unwrap_err();
            assert!(refused.to_string().contains("chmod 600"), "{refused}");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        std::fs::write(&path, b"short").unwrap();
        let refused = InstallationKey::open_or_create(&path).unwrap_err();
        assert!(refused.to_string().contains("5 bytes"), "{refused}");
    }
}
