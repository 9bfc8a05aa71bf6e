//! The organisation's set-up and the named switches for what the documents leave open.
//!
//! The default of a switch is its adverse value. `ASSUMPTIONS.md` lists each with its source.
//! Next: [`super::SalesforceSimulator::new`] takes them.

use chrono::Duration;
use chrono_tz::Tz;
use serde_json::Value;

use super::defect::Defect;
use crate::defects::Defects;

/// Two-valued switches, their names and the names of their values, the default first.
macro_rules! switch {
    ($(#[$meta:meta])* $name:ident $text:literal { $(#[$dm:meta])* $first:ident = $first_text:literal, $(#[$om:meta])* $other:ident = $other_text:literal }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $(#[$dm])* #[default] $first,
            $(#[$om])* $other,
        }
        impl $name {
            /// The switch's name.
            pub const NAME: &'static str = $text;
            fn parse(value: &str) -> Result<Self, SwitchError> {
                match value {
                    $first_text => Ok(Self::$first),
                    $other_text => Ok(Self::$other),
                    _ => Err(SwitchError::Value { name: $text, value: value.to_owned(), allowed: concat!($first_text, ", ", $other_text) }),
                }
            }
        }
    };
}

switch!(/// How decimals of ten million and more are printed.
NumberStyle "number-style" {
    /// As Java's `Double.toString`: `1.0E7`.
    Java = "java",
    /// `10000000.0`.
    Plain = "plain"
});
switch!(/// Whether a new opportunity carries `LastStageChangeDate`.
StageDateOnCreate "stage-date-on-create" {
    /// Null until the stage changes for the first time.
    Null = "null",
    /// The instant of creation.
    Set = "set"
});
switch!(/// What an upsert answers when it updated.
UpsertAnswer "upsert-answer" {
    /// 204 without a body, as before v46.
    NoContent = "204",
    /// 200 with `created: false`.
    Body = "200"
});
switch!(/// Whether `Sforce-Limit-Info` also carries the usage of the application.
LimitHeader "limit-header" {
    /// `api-usage=18/15000; per-app-api-usage=17/250(appName=...)`.
    PerApp = "per-app",
    /// `api-usage=18/15000`.
    Plain = "plain"
});
switch!(/// Whether the organisation has currencies (`CurrencyIsoCode` exists only then).
Currencies "currencies" {
    /// One currency, no `CurrencyIsoCode` anywhere.
    Single = "single",
    /// Multi-currency.
    Multi = "multi"
});
switch!(/// Whether person accounts are enabled.
PersonAccounts "person-accounts" {
    /// Enabled: an account with a `LastName` is a person.
    On = "on",
    /// Not enabled; the fields do not exist.
    Off = "off"
});
switch!(/// Whether the last line's removal leaves the deal's amount.
AmountWithoutLines "amount-without-lines" {
    /// The roll-up becomes zero.
    Zero = "zero",
    /// The amount stays.
    Stays = "stays"
});

switch!(/// Whether the user may change the set-up by the Metadata and Tooling APIs.
MetadataRights "metadata-rights" {
    /// It may.
    Granted = "granted",
    /// It lacks the permission.
    Missing = "missing"
});

switch!(/// Whether a refresh token is replaced each time it is used (an option of the app).
RefreshRotation "refresh-rotation" {
    /// It is, and the old one ends at once.
    On = "on",
    /// It stays.
    Off = "off"
});
switch!(/// What a code that is shown a second time does to the consent it was for.
CodeReplay "code-replay" {
    /// Its tokens end, as RFC 6749 (4.1.2) advises.
    EndsConsent = "ends-consent",
    /// It is refused, and that is all.
    Refused = "refused"
});
switch!(/// Whether the web server flow wants the app's secret besides PKCE (an option of the app).
AppSecret "app-secret" {
    /// It does.
    Required = "required",
    /// It may be left out.
    Optional = "optional"
});
switch!(/// Whether the edition, and the user, have the API.
Api "api" {
    /// They have.
    On = "on",
    /// Every call of it is refused.
    Off = "off"
});

/// How the app stands in the organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppState {
    /// Installed, and the user approved for it.
    #[default]
    Approved,
    /// Not installed: normal users are blocked.
    NotInstalled,
    /// Installed; the user isn't approved for it.
    NotApproved,
}

/// A rule of the organisation that refuses look-alikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateRule {
    /// Object it watches.
    pub object: String,
    /// Fields that must all agree (without regard to case) for two records to be look-alikes.
    pub fields: Vec<String>,
    /// Whether `Sforce-Duplicate-Rule-Header: allowSave=true` lets the record through.
    pub on_allow_save: OnAllowSave,
}

/// What a duplicate rule does when the client asks to save anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnAllowSave {
    /// The rule alerts: the record is saved.
    Saves,
    /// The rule blocks whatever the client asks.
    Blocks,
}

/// A trigger of the organisation that changes what a client writes into a field.
#[derive(Clone, Debug, PartialEq)]
pub struct RewriteRule {
    /// Object.
    pub object: String,
    /// Field.
    pub field: String,
    /// What becomes of a written value.
    pub becomes: Rewritten,
}

/// What a trigger makes of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Rewritten {
    /// Always this value (JSON as in the API).
    Value(Value),
    /// Upper case.
    Uppercase,
    /// The value with this text in front.
    Prefixed(String),
}

/// Everything configurable about the organisation.
#[derive(Clone, Debug)]
pub struct SalesforceOptions {
    /// Client id accepted at the token endpoint.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Callback URLs that the app has registered, compared whole.
    pub redirects: Vec<String>,
    /// The public key of the certificate that the app holds for assertions: `RSAPublicKey` in DER.
    pub certificate: Option<Vec<u8>>,
    /// Logins that an administrator approved for assertions.
    pub approved_users: Vec<String>,
    /// How the app stands in the organisation.
    pub app: AppState,
    /// `instance_url` of token answers, instead of the simulator's own address.
    pub instance_url: Option<String>,
    /// See [`RefreshRotation`].
    pub refresh_rotation: RefreshRotation,
    /// See [`CodeReplay`].
    pub code_replay: CodeReplay,
    /// See [`AppSecret`].
    pub app_secret: AppSecret,
    /// See [`Api`].
    pub api: Api,
    /// `OrganizationType`.
    pub edition: String,
    /// Megabytes of data storage: all, and what is left.
    pub storage: (u32, u32),
    /// Idle time after which a session is over.
    pub session_lifetime: Duration,
    /// Calls allowed in a rolling 24 hours.
    pub daily_calls: u32,
    /// Records in a page of a query without sub-queries (at most 2,000).
    pub page: usize,
    /// Records in a page of a query with sub-queries.
    pub nested_page: usize,
    /// Child records in a page of a sub-query's result.
    pub child_page: usize,
    /// Time zone of the user the application runs as: `TODAY` and the like.
    pub user_zone: Tz,
    /// The organisation's corporate currency.
    pub currency: String,
    /// Name of the organisation.
    pub organisation_name: String,
    /// Whether it says of itself that it is a sandbox.
    pub kind: OrganisationKind,
    /// Look-alike rules.
    pub duplicate_rules: Vec<DuplicateRule>,
    /// Triggers.
    pub rewrite_rules: Vec<RewriteRule>,
    /// See [`NumberStyle`].
    pub number_style: NumberStyle,
    /// See [`StageDateOnCreate`].
    pub stage_date_on_create: StageDateOnCreate,
    /// See [`UpsertAnswer`].
    pub upsert_answer: UpsertAnswer,
    /// See [`LimitHeader`].
    pub limit_header: LimitHeader,
    /// See [`Currencies`].
    pub currencies: Currencies,
    /// See [`PersonAccounts`].
    pub person_accounts: PersonAccounts,
    /// See [`AmountWithoutLines`].
    pub amount_without_lines: AmountWithoutLines,
    /// See [`MetadataRights`].
    pub metadata_rights: MetadataRights,
    /// Most custom fields that one object takes.
    pub custom_fields: usize,
    /// What it does wrong; by default what [`crate::defects::VARIABLE`] names.
    pub defects: Defects<Defect>,
}

/// Production or sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganisationKind {
    /// `IsSandbox` is false.
    Production,
    /// `IsSandbox` is true.
    Sandbox,
}

impl Default for SalesforceOptions {
    fn default() -> Self {
        Self {
            client_id: "footbridge-salesforce-demo".to_owned(),
            client_secret: "salesforce-demo-secret".to_owned(),
            redirects: vec!["http://localhost:7417/callback".to_owned()],
            certificate: None,
            approved_users: vec!["integration@footbridge-demo.example".to_owned()],
            app: AppState::default(),
            instance_url: None,
            refresh_rotation: RefreshRotation::default(),
            code_replay: CodeReplay::default(),
            app_secret: AppSecret::default(),
            api: Api::default(),
            edition: "Developer Edition".to_owned(),
            storage: (5, 5),
            session_lifetime: Duration::hours(2),
            daily_calls: 15_000,
            page: 2_000,
            nested_page: 500,
            child_page: 100,
            user_zone: Tz::Europe__London,
            currency: "GBP".to_owned(),
            organisation_name: "Footbridge Demo Ltd".to_owned(),
            kind: OrganisationKind::Production,
            duplicate_rules: Vec::new(),
            rewrite_rules: Vec::new(),
            number_style: NumberStyle::default(),
            stage_date_on_create: StageDateOnCreate::default(),
            upsert_answer: UpsertAnswer::default(),
            limit_header: LimitHeader::default(),
            currencies: Currencies::default(),
            person_accounts: PersonAccounts::default(),
            amount_without_lines: AmountWithoutLines::default(),
            metadata_rights: MetadataRights::default(),
            custom_fields: 500,
            defects: Defects::default(),
        }
    }
}

/// A switch that cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// No such switch.
    #[error("the Salesforce simulator has no switch {0:?}; see ASSUMPTIONS.md for their names")]
    Name(String),
    /// Not one of its values.
    #[error("switch {name} cannot be {value:?}; it is one of: {allowed}")]
    Value {
        /// Switch.
        name: &'static str,
        /// What was asked for.
        value: String,
        /// What it can be.
        allowed: &'static str,
    },
}

impl SalesforceOptions {
    /// Sets one switch by name, e.g. `("currencies", "multi")` or `("nested-page", "200")`.
    ///
    /// # Errors
    /// No such switch, or not one of its values.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SwitchError> {
        match name {
            NumberStyle::NAME => self.number_style = NumberStyle::parse(value)?,
            StageDateOnCreate::NAME => self.stage_date_on_create = StageDateOnCreate::parse(value)?,
            UpsertAnswer::NAME => self.upsert_answer = UpsertAnswer::parse(value)?,
            LimitHeader::NAME => self.limit_header = LimitHeader::parse(value)?,
            Currencies::NAME => self.currencies = Currencies::parse(value)?,
            PersonAccounts::NAME => self.person_accounts = PersonAccounts::parse(value)?,
            AmountWithoutLines::NAME => {
                self.amount_without_lines = AmountWithoutLines::parse(value)?
            }
            MetadataRights::NAME => self.metadata_rights = MetadataRights::parse(value)?,
            RefreshRotation::NAME => self.refresh_rotation = RefreshRotation::parse(value)?,
            CodeReplay::NAME => self.code_replay = CodeReplay::parse(value)?,
            AppSecret::NAME => self.app_secret = AppSecret::parse(value)?,
            Api::NAME => self.api = Api::parse(value)?,
            "edition" => self.edition = value.to_owned(),
            "custom-fields" => self.custom_fields = count("custom-fields", value, 800)?,
            "page" => self.page = count("page", value, 2_000)?,
            "nested-page" => self.nested_page = count("nested-page", value, 2_000)?,
            "child-page" => self.child_page = count("child-page", value, 2_000)?,
            "daily-calls" => {
                self.daily_calls =
                    u32::try_from(count("daily-calls", value, 100_000_000)?).unwrap_or(u32::MAX);
            }
            _ => return Err(SwitchError::Name(name.to_owned())),
        }
        Ok(())
    }
}

fn count(name: &'static str, value: &str, most: usize) -> Result<usize, SwitchError> {
    value
        .parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| SwitchError::Value {
            name,
            value: value.to_owned(),
            allowed: "a number from 1 up",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_set_by_name_and_misspellings_named() {
        let mut options = SalesforceOptions::default();
        options.set("currencies", "multi").unwrap();
        options.set("nested-page", "200").unwrap();
        assert_eq!(options.currencies, Currencies::Multi);
        assert_eq!(options.nested_page, 200);
        assert_eq!(
            options.set("curencies", "multi"),
            Err(SwitchError::Name("curencies".to_owned()))
        );
        let error = options.set("upsert-answer", "500").unwrap_err().to_string();
        assert!(error.contains("204, 200"), "{error}");
        assert!(options.set("page", "0").is_err());
    }
}
