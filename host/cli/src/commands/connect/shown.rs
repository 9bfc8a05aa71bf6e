//! What connecting found, and how a connection stands, for people.

use crate::render::{safe, wrapped};
use footbridge_sandbox::{Auth, Chosen, Consent, Found, Held, Preflight};
use serde::Serialize;

/// The result of `footbridge connect`.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    pub(super) connection: String,
    /// Whether it is kept and can be used.
    pub(super) connected: bool,
    /// Whether a consent that was not kept was given back to the provider.
    pub(super) given_back: bool,
    pub(super) organisation: Option<Chosen>,
    pub(super) consent: Option<Consent>,
    pub(super) preflight: Preflight,
}

pub(super) fn words(told: &Told) -> String {
    let mut text = String::from("\n");
    for line in &told.preflight.lines {
        let (mark, words, to_do) = match &line.found {
            Found::Well { words } => ("well ", words, None),
            Found::Note { words } => ("note ", words, None),
            Found::Problem { words, to_do } => ("wrong", words, Some(to_do)),
        };
        let said = wrapped(
            &format!("{}: {}", safe(&line.what, 100), safe(words, 600)),
            7,
        );
        text.push_str(&format!("{mark}  {}", said.trim_start()));
        if let Some(to_do) = to_do {
            text.push_str(&wrapped(&safe(to_do, 600), 7));
        }
    }
    let name = &told.connection;
    text.push('\n');
    text.push_str(&if told.connected {
        let organisation = told.organisation.as_ref();
        let organisation = organisation.map_or("its organisation", |one| one.name.as_str());
        wrapped(
            &format!(
                "{name} is connected to {} and stays with it. `footbridge doctor` checks everything a sync needs.",
                safe(organisation, 60)
            ),
            0,
        )
    } else {
        let back = if told.given_back {
            ", and the access that was just given was given back"
        } else {
            ""
        };
        wrapped(
            &format!("{name} is not connected: put right what is wrong and run the command again. Nothing was stored{back}."),
            0,
        )
    });
    text
}

/// How a connection stands, as `status` and `doctor` have it in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct HeldLine {
    pub(crate) connection: String,
    #[serde(flatten)]
    pub(crate) held: Held,
}

/// The same in words: how it proves itself, as whom, until when.
pub(crate) fn held_words(held: &Held) -> String {
    let mut words = match held.auth {
        Auth::ClientCredentials => "by the app itself (client credentials)".to_owned(),
        Auth::JwtBearer => "by assertion (JWT bearer)".to_owned(),
        Auth::Code => "by consent".to_owned(),
    };
    if let Some(user) = &held.acts_as {
        words.push_str(&format!(" as {}", safe(user, 80)));
    }
    if let Some(consent) = &held.consent {
        if let Some(who) = &consent.who {
            words.push_str(&format!(" of {}", safe(who, 80)));
        }
        words.push_str(&format!(" on {}", consent.at.format("%Y-%m-%d")));
    }
    match (held.state, held.renewable_until, held.auth) {
        ("not-asked-yet", _, _) => {}
        ("renewal-in-doubt", _, _) => {
            words.push_str(", a renewal was not answered; the next call tries the old token once")
        }
        (_, Some(until), _) => words.push_str(&format!(
            ", renewed by itself; unused it ends on {}",
            until.format("%Y-%m-%d")
        )),
        ("connected", None, Auth::Code) => {
            words.push_str(", renewed by itself until it is taken back")
        }
        ("connected", None, _) => words.push_str(", until its secret or key is withdrawn"),
        _ => {}
    }
    if let Some(note) = held.note {
        words.push_str(&format!(". Note: {note}"));
    }
    words
}
