//! The URL that a person opens to let the app in, with what proves later that the answer belongs to it: state and PKCE.
//!
//! Both come from the system's random source, are compared in constant time, and are used once. Next: the browser, then
//! `callback.rs`.

use super::provider::{OAuth, scopes};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest as _, Sha256};
use url::Url;
use zeroize::Zeroizing;

/// A consent that was asked for. It can be answered once.
pub struct ConsentRequest {
    url: Url,
    redirect: String,
    state: Secret,
    verifier: Secret,
}

impl std::fmt::Debug for ConsentRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsentRequest")
            .field("redirect", &self.redirect)
            .finish_non_exhaustive()
    }
}

impl ConsentRequest {
    /// Makes one. `redirect` is where the browser comes back to, exactly as the app has it registered.
    pub(crate) fn new(
        authorize: &Url,
        oauth: &OAuth,
        api_scopes: &str,
        client: &str,
        redirect: &str,
    ) -> Result<Self, String> {
        let (state, verifier) = (random()?, random()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose().as_bytes()));
        let mut url = authorize.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", &scopes(oauth, api_scopes))
            .append_pair("state", state.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Self {
            url,
            redirect: redirect.to_owned(),
            state,
            verifier,
        })
    }

    /// What the person opens.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Where the browser comes back to.
    pub fn redirect(&self) -> &str {
        &self.redirect
    }

    pub(crate) fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// Whether a callback's state is ours. Digests are compared, which takes the same time whatever they are.
    pub(crate) fn is_ours(&self, state: &str) -> bool {
        blake3::hash(self.state.expose().as_bytes()) == blake3::hash(state.as_bytes())
    }
}

/// 256 bits from the system, as text for URLs: 43 characters, the least that a verifier may have.
fn random() -> Result<Secret, String> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    SystemRandom::new()
        .fill(bytes.as_mut_slice())
        .map_err(|_| "the system gives no random numbers".to_owned())?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}
