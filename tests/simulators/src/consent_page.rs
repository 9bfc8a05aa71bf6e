//! Pages that a browser is shown at a vendor's authorise address: a plain form with Allow and Deny, and a plain error.
//!
//! No script and nothing from elsewhere; every text is escaped. It knows no vendor: they say what stands on it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// What a consent page says.
pub(crate) struct ConsentPage<'a> {
    pub(crate) vendor: &'a str,
    pub(crate) app: &'a str,
    pub(crate) person: &'a str,
    /// Where the form is sent.
    pub(crate) action: &'a str,
    pub(crate) scopes: &'a [String],
    /// Names of what can be ticked, each with its field and whether it is ticked at first.
    pub(crate) choices: &'a [(String, String, Ticked)],
    /// Fields that come back as they are.
    pub(crate) hidden: &'a [(String, String)],
}

/// Whether a box is ticked at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ticked {
    Yes,
    No,
}

impl ConsentPage<'_> {
    pub(crate) fn response(&self) -> Response {
        let mut body = format!(
            "<h1>{app} wants access to {vendor}</h1><p>You are signed in as {person}.</p><form method=\"post\" action=\"{action}\">",
            app = escaped(self.app),
            vendor = escaped(self.vendor),
            person = escaped(self.person),
            action = escaped(self.action),
        );
        for (name, value) in self.hidden {
            body.push_str(&format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                escaped(name),
                escaped(value)
            ));
        }
        if !self.choices.is_empty() {
            body.push_str("<fieldset><legend>Organisations</legend>");
            for (field, name, ticked) in self.choices {
                let ticked = if *ticked == Ticked::Yes {
                    " checked"
                } else {
                    ""
                };
                body.push_str(&format!(
                    "<p><label><input type=\"checkbox\" name=\"{}\" value=\"yes\"{ticked}> {}</label></p>",
                    escaped(field),
                    escaped(name)
                ));
            }
            body.push_str("</fieldset>");
        }
        body.push_str("<p>It asks for:</p><ul>");
        for scope in self.scopes {
            body.push_str(&format!("<li>{}</li>", escaped(scope)));
        }
        body.push_str("</ul><p><button name=\"decision\" value=\"allow\">Allow access</button> <button name=\"decision\" value=\"deny\">Deny</button></p></form>");
        html(
            StatusCode::OK,
            &format!("{} (simulated)", self.vendor),
            &body,
        )
    }
}

/// A page for what cannot be answered to the app, because it is not known to be one.
pub(crate) fn error_page(vendor: &str, error: &str, description: &str) -> Response {
    let body = format!(
        "<h1>Something is wrong with this request</h1><p>Error: {}</p><p>{}</p>",
        escaped(error),
        escaped(description)
    );
    html(
        StatusCode::BAD_REQUEST,
        &format!("{vendor} (simulated)"),
        &body,
    )
}

/// Sends the browser back to the app.
pub(crate) fn back(redirect: &str, pairs: &[(&str, &str)]) -> Response {
    let separator = if redirect.contains('?') { '&' } else { '?' };
    let query: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let location = format!("{redirect}{separator}{}", query.join("&"));
    match HeaderValue::from_str(&location) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn html(status: StatusCode, title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{}</title></head><body>{body}</body></html>",
        escaped(title)
    );
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(header::CONTENT_TYPE, kind)], page).into_response()
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}

/// Whether `verifier` is what a PKCE challenge (S256) was made of.
pub(crate) fn proves(verifier: &str, challenge: &str) -> bool {
    use base64::Engine as _;
    use sha2::Digest as _;
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    let digest = sha2::Sha256::digest(verifier.as_bytes());
    well_formed && base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest) == challenge
}

/// Whether a redirect URI may be registered: https, or plain http on `localhost` by that name.
pub(crate) fn may_be_registered(redirect: &str) -> bool {
    let localhost = redirect
        .strip_prefix("http://localhost")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']));
    redirect.starts_with("https://") || localhost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_proven_by_its_verifier_alone() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(proves(verifier, challenge));
        assert!(!proves(&verifier.replace('d', "e"), challenge));
        assert!(!proves("short", challenge));
    }

    #[test]
    fn redirects_are_https_or_localhost_by_name() {
        for good in [
            "https://a.example/cb",
            "http://localhost:8080/cb",
            "http://localhost",
        ] {
            assert!(may_be_registered(good), "{good}");
        }
        for bad in [
            "http://127.0.0.1:8080/cb",
            "http://localhost.evil.example/",
            "http://a.example",
        ] {
            assert!(!may_be_registered(bad), "{bad}");
        }
    }
}
