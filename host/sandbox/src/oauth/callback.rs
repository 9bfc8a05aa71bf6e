//! What comes back from the browser: a code for us, or a reason why not. Everything in it is a stranger's text until the state fits.
//!
//! It sends nothing. Next: `connect.rs` exchanges the code.

use super::authorize::ConsentRequest;
use crate::secret::Secret;
use url::Url;

/// Longest callback that is read at all, in bytes.
const LONGEST: usize = 8 * 1024;

/// A code that belongs to a consent that we asked for.
#[derive(Debug)]
pub struct Code(pub(crate) Secret);

/// Why a callback gives no code. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The person said no.
    #[error(
        "access was denied: the person at the consent page chose not to let Footbridge in. Nothing was stored. Run the command again when they will"
    )]
    Denied,
    /// The provider refused before the person could answer.
    #[error("the provider did not let the app in: {said}. {to_do}")]
    Refused {
        /// Its words, cut and without line breaks.
        said: String,
        /// What to do.
        to_do: String,
    },
    /// No state came back.
    #[error(
        "the answer carries no state, so it can't be told whether it belongs to this consent. Nothing was stored. Start again with the link that was just printed"
    )]
    StateMissing,
    /// Another state came back.
    #[error(
        "the answer belongs to another consent: its state is not the one that was sent. Nothing was stored. If you did not mix up two attempts, somebody tried to pass you their own account; start again"
    )]
    StateForged,
    /// Neither a code nor an error.
    #[error(
        "the answer carries no code. Paste the whole address that the browser shows after you allowed access; it begins with {0}"
    )]
    NoCode(String),
    /// Too long to be one.
    #[error("the answer is too long to be one")]
    TooLong,
}

impl ConsentRequest {
    /// Reads the query of a callback as the browser brought it. The state must fit, also where access was denied.
    pub fn read_query(&self, query: &str) -> Result<Code, CallbackError> {
        if query.len() > LONGEST {
            return Err(CallbackError::TooLong);
        }
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let one = |name: &str| {
            let mut all = pairs.iter().filter(|(key, _)| key == name);
            let first = all.next().map(|(_, value)| value.as_str());
            // Given twice it means nothing.
            first.filter(|value| !value.is_empty() && all.next().is_none())
        };
        match one("state") {
            None => return Err(CallbackError::StateMissing),
            Some(state) if !self.is_ours(state) => return Err(CallbackError::StateForged),
            Some(_) => {}
        }
        if let Some(error) = one("error") {
            return Err(refused(error, one("error_description").unwrap_or_default()));
        }
        let code = one("code").ok_or_else(|| CallbackError::NoCode(self.redirect().to_owned()))?;
        Ok(Code(Secret::new(code)))
    }

    /// Reads what a person pasted: the whole address, or the code alone. A code alone has no state; that it belongs to this consent is
    /// then proven by PKCE, since the provider takes no code with another consent's verifier.
    pub fn read_pasted(&self, text: &str) -> Result<Code, CallbackError> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(CallbackError::TooLong);
        }
        if let Ok(url) = Url::parse(text)
            && matches!(url.scheme(), "http" | "https")
        {
            return self.read_query(url.query().unwrap_or_default());
        }
        if text.contains("code=") || text.contains("state=") {
            let query = text.rsplit('?').next().unwrap_or(text);
            return self.read_query(query);
        }
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err(CallbackError::NoCode(self.redirect().to_owned()));
        }
        // Copied out of the address bar it is still encoded.
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
        Ok(Code(Secret::new(decoded.as_deref().unwrap_or(text))))
    }
}

fn refused(error: &str, description: &str) -> CallbackError {
    if error == "access_denied" && !description.contains("admin") {
        return CallbackError::Denied;
    }
    let said: String = format!("{error}: {description}")
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect();
    CallbackError::Refused {
        to_do: super::answer::to_do(error, description).to_owned(),
        said: said.trim_end_matches([':', ' ']).to_owned(),
    }
}
