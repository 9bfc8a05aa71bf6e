//! An assertion instead of a person: a JSON Web Token signed with the app's private key (RFC 7523, RS256).
//!
//! It lives for two minutes and is sent to the token URL only. The key is read when the connection is set up and never shown.
//! Next: `request.rs` puts it into a form.

use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

/// Seconds until it is of no use. Salesforce takes at most three minutes.
const LASTS: i64 = 120;

/// The app's key.
pub(crate) struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// Reads a PEM file's text: PKCS#8 (`BEGIN PRIVATE KEY`) or PKCS#1 (`BEGIN RSA PRIVATE KEY`), 2048 bits or more.
    pub(crate) fn read(pem: &Secret) -> Result<Self, String> {
        let der = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes())
            .map_err(|_| "private-key holds no key in PEM form (-----BEGIN PRIVATE KEY-----), or one that has a password".to_owned())?;
        let pair = match &der {
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err("private-key must be an RSA key".to_owned()),
        };
        pair.map(Self).map_err(|error| {
            format!(
                "private-key can't be used: it must be an RSA key of 2048 to 8192 bits ({error})"
            )
        })
    }

    /// Says who the app is and for whom it speaks.
    pub(crate) fn assertion(
        &self,
        client: &str,
        user: &str,
        audience: &str,
        now: DateTime<Utc>,
    ) -> Result<Secret, String> {
        let header = json!({"alg": "RS256", "typ": "JWT"});
        let claims =
            json!({"iss": client, "sub": user, "aud": audience, "exp": now.timestamp() + LASTS});
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &ring::rand::SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| "the assertion can't be signed with private-key".to_owned())?;
        Ok(Secret::new(format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(signature)
        )))
    }
}
