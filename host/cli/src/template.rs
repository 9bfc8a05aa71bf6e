//! The configuration and the mapping that everyone starts from: `init`, the demo, the scenarios.
//!
//! It writes no file; `commands::init` does.

/// The configuration. Marks in double braces are filled in.
const CONFIG: &str = include_str!("../../../templates/footbridge.toml");
/// The mapping.
pub const MAPPING: &str = include_str!("../../../templates/mappings/lead-to-cash.toml");

/// What the template leaves open.
pub struct Fill<'a> {
    /// The organisation's My Domain.
    pub salesforce_url: &'a str,
    /// The app's consumer key.
    pub salesforce_client: &'a str,
    /// Where its secret is, as TOML: `{ env = "NAME" }`.
    pub salesforce_secret: &'a str,
    /// The custom connection's client id.
    pub xero_client: &'a str,
    /// Where its secret is, as TOML.
    pub xero_secret: &'a str,
    /// `base-url` and `token-url`, as TOML.
    pub xero_urls: &'a str,
    /// The go-live instant, RFC 3339.
    pub go_live: &'a str,
}

/// The configuration with its marks filled in.
pub fn filled(fill: &Fill<'_>) -> String {
    CONFIG
        .replace("{{salesforce-url}}", fill.salesforce_url)
        .replace("{{salesforce-client}}", fill.salesforce_client)
        .replace("{{salesforce-secret}}", fill.salesforce_secret)
        .replace("{{xero-client}}", fill.xero_client)
        .replace("{{xero-secret}}", fill.xero_secret)
        .replace("{{xero-urls}}", fill.xero_urls)
        .replace("{{go-live}}", fill.go_live)
}
