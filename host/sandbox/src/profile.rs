//! What the host knows of each provider: services, token URL, headers, limits, and what is never allowed.
//!
//! Host data, never a plugin's: a manifest can only name a profile. Sources: the providers' published limits and
//! OAuth pages. Next: `broker/grant.rs` matches against it, `broker/target.rs` builds URLs from it.

use crate::connection::{Access, Connection, GrantRule, Provider, Purpose};
use crate::oauth::provider::{OAuth, oauth};

/// How the app proves itself to the token URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    /// HTTP Basic.
    Basic,
    /// `client_id` and `client_secret` in the form.
    Form,
}

/// Where the API's address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The connection's base URL.
    Configured,
    /// `instance_url` in the token's answer: https under one of these suffixes, or equal to the base URL that the operator gave.
    Instance {
        /// With their leading dot.
        suffixes: &'static [&'static str],
    },
}

/// A provider.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    /// The base URL if the connection gives none.
    pub(crate) base_url: Option<&'static str>,
    /// The token URL if the connection gives none: absolute, or a path on the base URL.
    pub(crate) token_url: &'static str,
    pub(crate) client_auth: ClientAuth,
    pub(crate) scopes: &'static str,
    /// Consent, refresh, assertions, revocation.
    pub(crate) oauth: OAuth,
    pub(crate) origin: Origin,
    /// Hosts that a base or token URL may name besides the operator's loopback.
    pub(crate) hosts: &'static [&'static str],
    pub(crate) services: Vec<Service>,
    /// Sent with every request of the API.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Carries the organisation, if the connection is pinned to one.
    pub(crate) organisation_header: Option<&'static str>,
    pub(crate) idempotency_header: Option<&'static str>,
    pub(crate) concurrent: u32,
    pub(crate) minute: Option<u32>,
    pub(crate) day: Option<u32>,
    /// Everything that any grant can allow.
    pub(crate) offers: Vec<GrantRule>,
    /// Refused with all that lies under them, whatever the grant says: whole decoded paths from the host's root, case ignored.
    pub(crate) never: &'static [&'static str],
    /// Open although they lie under what is refused, and only as they are spelled here: whole paths, `*` for one segment. The
    /// offers and the grant still decide.
    pub(crate) open: &'static [&'static str],
    /// Where a DELETE may go, in the form of the offers. Everything else is never deleted.
    pub(crate) deletes: &'static [&'static str],
    /// Paths whose body holds further requests that must be checked one by one.
    pub(crate) composite: Option<&'static str>,
}

/// A part of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    /// The path that all of its paths stand under.
    pub(crate) path: String,
}

impl Profile {
    /// The profile for a connection, with its API version.
    pub(crate) fn of(connection: &Connection) -> Self {
        match connection.provider {
            Provider::Xero => xero(),
            Provider::Salesforce => salesforce(
                connection.api_version.as_deref().unwrap_or("v66.0"),
                connection.purpose,
            ),
        }
    }

    pub(crate) fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }
}

/// Xero: 5 at once, 60 a minute, 5,000 a day (1,000 on the free tier, which the API's headers tell).
fn xero() -> Profile {
    let offers = rules(
        "accounting",
        &[
            "/Organisation",
            "/Organisation/Actions",
            "/Contacts",
            "/Contacts/*",
            "/Items",
            "/Items/*",
            "/Accounts",
            "/Accounts/*",
            "/TaxRates",
            "/Currencies",
            "/Invoices",
            "/Invoices/*",
            "/Invoices/*/OnlineInvoice",
            "/CreditNotes",
            "/Overpayments",
            "/Prepayments",
            "/Payments",
        ],
        &[
            "/Contacts",
            "/Contacts/*",
            "/Items",
            "/Items/*",
            "/Invoices",
            "/Invoices/*",
        ],
    );
    Profile {
        base_url: Some("https://api.xero.com"),
        token_url: "https://identity.xero.com/connect/token",
        client_auth: ClientAuth::Basic,
        scopes: "accounting.invoices accounting.payments.read accounting.contacts accounting.settings.read",
        oauth: oauth(Provider::Xero),
        origin: Origin::Configured,
        hosts: &["api.xero.com", "identity.xero.com"],
        services: vec![Service {
            name: "accounting",
            path: "/api.xro/2.0".to_owned(),
        }],
        headers: &[("accept", "application/json")],
        organisation_header: Some("xero-tenant-id"),
        idempotency_header: Some("idempotency-key"),
        concurrent: 5,
        minute: Some(60),
        day: Some(5_000),
        offers,
        never: &["/connections", "/identity", "/oauth", "/connect"],
        open: &[],
        deletes: &[],
        composite: None,
    }
}

/// Salesforce: no published minute limit; the day's is the organisation's own, told by `Sforce-Limit-Info`.
///
/// Deployments and the few Tooling paths are offered for setting it up alone: a deployment can change anything there.
fn salesforce(version: &str, purpose: Purpose) -> Profile {
    let mut offers = rules(
        "data",
        &[
            "/",
            "/limits",
            "/query",
            "/query/*",
            "/queryAll",
            "/queryAll/*",
            "/sobjects",
            "/sobjects/**",
            "/composite/sobjects/**",
        ],
        &[
            "/sobjects/**",
            "/composite",
            "/composite/sobjects",
            "/composite/sobjects/**",
        ],
    );
    if purpose == Purpose::SetUp {
        offers.extend(rules(
            "data",
            &[
                "/metadata/deployRequest/*",
                "/tooling/query",
                "/tooling/sobjects/CustomField/*",
                "/tooling/sobjects/Layout/*",
            ],
            &["/metadata/deployRequest", "/tooling/sobjects/Layout/*"],
        ));
    }
    Profile {
        base_url: None,
        token_url: "/services/oauth2/token",
        client_auth: ClientAuth::Form,
        scopes: "",
        oauth: oauth(Provider::Salesforce),
        origin: Origin::Instance {
            suffixes: &[".salesforce.com", ".force.com"],
        },
        hosts: &[".salesforce.com", ".force.com"],
        services: vec![Service {
            name: "data",
            path: format!("/services/data/{version}"),
        }],
        headers: &[
            ("accept", "application/json"),
            ("sforce-call-options", "client=footbridge"),
        ],
        organisation_header: None,
        idempotency_header: None,
        concurrent: 10,
        minute: None,
        day: None,
        offers,
        never: &[
            "/services/oauth2",
            "/services/apexrest",
            "/services/async",
            "/services/soap",
            "/services/data/*/tooling",
            "/id",
            "/secur",
        ],
        open: match purpose {
            Purpose::Records => &[],
            Purpose::SetUp => &[
                "/services/data/*/tooling/query",
                "/services/data/*/tooling/sobjects/CustomField/*",
                "/services/data/*/tooling/sobjects/Layout/*",
            ],
        },
        deletes: match purpose {
            Purpose::Records => &[],
            Purpose::SetUp => &["/sobjects/PermissionSetAssignment/*"],
        },
        composite: Some("/composite"),
    }
}

fn rules(service: &str, reads: &[&str], writes: &[&str]) -> Vec<GrantRule> {
    let rule = |access| {
        move |path: &&str| GrantRule {
            service: service.to_owned(),
            access,
            path: (*path).to_owned(),
        }
    };
    let reads = reads.iter().map(rule(Access::Read));
    reads
        .chain(writes.iter().map(rule(Access::Write)))
        .collect()
}
