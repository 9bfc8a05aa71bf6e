//! What a person sets up at the provider, with the exact values to paste, and the link to open.

use crate::render::{safe, wrapped};
use footbridge_sandbox::{Auth, Connection, ConsentRequest, Provider};
use std::process::{Command, Stdio};

/// Before a consent.
pub(super) fn with_consent(connection: &Connection, scopes: &str) -> String {
    let redirect = connection.redirect_uri();
    let secret = connection.client_secret.is_some();
    let mut text = format!("Connecting {}.\n\n", safe(connection.name.as_str(), 60));
    match connection.provider {
        Provider::Xero => {
            text.push_str(&wrapped(
                "Your own Xero app (once; developer.xero.com > My Apps > New app):",
                0,
            ));
            text.push_str(&table(&[
                (
                    "integration type",
                    if secret {
                        "Web app"
                    } else {
                        "Mobile or desktop app"
                    },
                ),
                ("company URL", "your own website"),
                ("redirect URI", &redirect),
                ("scopes", scopes),
            ]));
            text.push_str(&wrapped(
                if secret {
                    "Its client id and secret go into the configuration (client-id, client-secret)."
                } else {
                    "Its client id goes into the configuration (client-id). It has no secret: PKCE proves that the answer is yours."
                },
                0,
            ));
        }
        Provider::Salesforce => {
            text.push_str(&wrapped("Your External Client App (once; Setup > External Client App Manager > New External Client App):", 0));
            text.push_str(&table(&[
                ("distribution state", "Local"),
                ("OAuth", "enabled"),
                ("callback URL", &redirect),
                ("OAuth scopes", "Manage user data via APIs (api); Perform requests at any time (refresh_token, offline_access)"),
                ("require PKCE", "on"),
                (
                    "require secret",
                    if secret {
                        "on, for web server flow and refresh token flow"
                    } else {
                        "off, for web server flow and refresh token flow"
                    },
                ),
                ("refresh token rotation", "off"),
                ("refresh token policy", "valid until revoked"),
                ("permitted users", "admin approved, with a permission set that the user below has"),
                ("who consents", "a user of its own for this, with the permission API Enabled"),
            ]));
            text.push_str(&wrapped(
                if secret {
                    "Its consumer key and secret go into the configuration (client-id, client-secret)."
                } else {
                    "Its consumer key goes into the configuration (client-id)."
                },
                0,
            ));
        }
    }
    text.push('\n');
    text
}

/// Where nobody has to consent.
pub(super) fn without_consent(connection: &Connection, scopes: &str) -> String {
    let mut text = format!("Connecting {}.\n\n", safe(connection.name.as_str(), 60));
    let rows: &[(&str, &str)] = match (connection.provider, connection.auth) {
        (Provider::Xero, _) => &[
            ("app", "Custom connection (developer.xero.com > My Apps)"),
            ("scopes", scopes),
            (
                "who authorises it",
                "the person whom Xero sends its e-mail to, with a role Standard or Adviser",
            ),
        ],
        (Provider::Salesforce, Auth::JwtBearer) => &[
            (
                "app",
                "External Client App (Setup > External Client App Manager)",
            ),
            (
                "OAuth scopes",
                "Manage user data via APIs (api); Perform requests at any time (refresh_token, offline_access)",
            ),
            (
                "JWT bearer flow",
                "enabled, with the certificate of your private key uploaded",
            ),
            (
                "permitted users",
                "admin approved, with a permission set that `user` has",
            ),
        ],
        (Provider::Salesforce, _) => &[
            (
                "app",
                "External Client App (Setup > External Client App Manager)",
            ),
            ("OAuth scopes", "Manage user data via APIs (api)"),
            (
                "client credentials flow",
                "enabled, in settings and in policies",
            ),
            (
                "run as",
                "a user of its own for this, with the permission API Enabled",
            ),
        ],
    };
    text.push_str(&table(rows));
    text.push('\n');
    text
}

/// The link, and that it is waited for.
pub(super) fn open(request: &ConsentRequest) -> String {
    format!(
        "Open this link in a browser on this machine, sign in, and allow access:\n\n{}\n\nWaiting for your answer at {} (Ctrl-C stops)\n",
        request.url(),
        request.redirect()
    )
}

/// The link, and what to bring back.
pub(super) fn paste(request: &ConsentRequest) -> String {
    format!(
        "Open this link in any browser, sign in, and allow access:\n\n{}\n\n{}\nThe whole address, or the code alone: ",
        request.url(),
        wrapped(
            &format!(
                "The browser then goes to an address that begins with {} and may say that it can't be reached. That is as it should be: copy the whole address from its address bar and paste it here.",
                request.redirect()
            ),
            0
        )
    )
}

/// Opens the link where the system has a way to; where it hasn't, the person does.
pub(super) fn open_browser(request: &ConsentRequest) {
    let (program, first): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else {
        ("xdg-open", &[])
    };
    let started = Command::new(program)
        .args(first)
        .arg(request.url())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = started {
        tracing::debug!(%error, program, "no browser could be opened");
    }
}

fn table(rows: &[(&str, &str)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in rows {
        let indent = width + 4;
        let value = wrapped(value, indent);
        text.push_str(&format!("  {name:<width$}  {}", value.trim_start()));
    }
    text
}
