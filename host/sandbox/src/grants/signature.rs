//! Ed25519 signatures over a component and its manifest, in a file beside them. A signature says who; it never grants anything.
//!
//! What is signed is one line of text with both digests, so that neither can be exchanged alone. Next: `follow.rs` asks whether
//! the key is the pinned one.

use crate::seal::private_options;
use chacha20poly1305::aead::Generate;
use footbridge_model::id::PluginDigest;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;

/// A publisher's public key: 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(String);

impl PublicKey {
    /// As 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PublicKey {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let text = text.to_ascii_lowercase();
        match unhex::<KEY_BYTES>(&text) {
            Some(_) => Ok(Self(text)),
            None => Err("a public key is 64 hex digits".to_owned()),
        }
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.0
    }
}

/// Why there is no signature, or no valid one.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The file isn't a signature.
    #[error("it is no signature of ours: {0}")]
    Form(String),
    /// It is of something else.
    #[error(
        "it is not a signature of this component with this manifest. Get both again from their author"
    )]
    Invalid,
    /// The signing key's file.
    #[error("{}: {why}", path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// A detached signature, `mine.wasm.sig`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Signature {
    format: u32,
    /// Whose.
    pub key: PublicKey,
    signature: String,
}

/// What a yes and a signature are about: this component with this manifest.
pub(crate) fn statement(component: &PluginDigest, manifest: &str) -> String {
    format!("footbridge plugin 1\n{component}\n{manifest}\n")
}

impl Signature {
    /// Reads a signature file.
    ///
    /// # Errors
    /// What is wrong with its form.
    pub fn read(text: &str) -> Result<Self, SignatureError> {
        let read: Self = toml::from_str(text)
            .map_err(|error| SignatureError::Form(error.message().to_owned()))?;
        match read.format {
            1 => Ok(read),
            other => Err(SignatureError::Form(format!(
                "its format is {other}, not 1"
            ))),
        }
    }

    /// The file's text.
    pub fn text(&self) -> String {
        format!(
            "format = 1\nkey = \"{}\"\nsignature = \"{}\"\n",
            self.key.0, self.signature
        )
    }

    /// Whether it is of this component with this manifest.
    ///
    /// # Errors
    /// [`SignatureError::Invalid`].
    pub fn verify(&self, component: &PluginDigest, manifest: &str) -> Result<(), SignatureError> {
        let key = unhex::<KEY_BYTES>(&self.key.0).ok_or(SignatureError::Invalid)?;
        let signature = unhex::<SIGNATURE_BYTES>(&self.signature).ok_or(SignatureError::Invalid)?;
        UnparsedPublicKey::new(&ED25519, key)
            .verify(statement(component, manifest).as_bytes(), &signature)
            .map_err(|_| SignatureError::Invalid)
    }
}

/// An author's signing key.
pub struct SigningKey(Ed25519KeyPair);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl SigningKey {
    /// Reads the key from its file, or makes one there, for its owner only.
    ///
    /// # Errors
    /// The file can't be read or written, or isn't a key.
    pub fn open_or_create(path: &Path) -> Result<Self, SignatureError> {
        let wrong = |why: String| SignatureError::Key {
            path: path.to_owned(),
            why,
        };
        let seed = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let bytes = Zeroizing::new(<[u8; KEY_BYTES]>::generate());
                let text = Zeroizing::new(format!("{}\n", hex(bytes.as_ref())));
                let mut file = private_options()
                    .create_new(true)
                    .open(path)
                    .map_err(|error| wrong(error.to_string()))?;
                file.write_all(text.as_bytes())
                    .and_then(|()| file.sync_all())
                    .map_err(|error| wrong(error.to_string()))?;
                text
            }
            Err(error) => return Err(wrong(error.to_string())),
        };
        let seed = unhex::<KEY_BYTES>(seed.trim())
            .map(Zeroizing::new)
            .ok_or_else(|| wrong("it is no signing key: 64 hex digits stand in one".to_owned()))?;
        Ed25519KeyPair::from_seed_unchecked(seed.as_ref())
            .map(Self)
            .map_err(|_| wrong("it is no signing key".to_owned()))
    }

    /// Signs a component with its manifest.
    pub fn sign(&self, component: &PluginDigest, manifest: &str) -> Signature {
        let signature = self.0.sign(statement(component, manifest).as_bytes());
        Signature {
            format: 1,
            key: PublicKey(hex(self.0.public_key().as_ref())),
            signature: hex(signature.as_ref()),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(bytes)
}
