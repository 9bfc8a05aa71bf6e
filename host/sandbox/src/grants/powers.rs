//! What a plugin asks for, and what it was given: one type for both, so that they can be compared and narrowed.
//!
//! A power has a name that people read, write and find in refusals: `read accounting /Contacts/*`,
//! `write accounting /Invoices`, `face wasi-http`, `calls-a-day 500`, `reads Opportunity.Amount`, `writes invoice.lines`.

use super::pattern;
use crate::connection::{Access, Connection, Face, GrantRule, Provider, Purpose, SecretSource};
use crate::profile::Profile;
use footbridge_engine::granted::Fields;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Powers of a plugin, asked for or given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Powers {
    /// Of a connector, on a connection.
    #[serde(rename_all = "kebab-case")]
    Connector {
        /// What it may ask for.
        rules: Vec<GrantRule>,
        /// Ways of asking besides the contract's own `http`.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        faces: BTreeSet<Face>,
        /// Requests a day; none: as many as the connection's budget allows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        calls_a_day: Option<u32>,
    },
    /// Of a transform, in a flow.
    #[serde(rename_all = "kebab-case")]
    Transform {
        /// Source fields that it may see.
        reads: Fields,
        /// Target objects and fields that it may write.
        writes: Fields,
    },
}

/// Why powers can't be as they were written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PowersError {
    /// A name of no power.
    #[error("{0:?} names no power. Write one as `footbridge plugin inspect` prints it: {1}")]
    Unknown(String, &'static str),
}

/// All that a provider's profile offers, whatever a connection is used for.
pub fn offered(provider: Provider) -> Powers {
    let nobody = SecretSource::Env(String::new());
    let mut connection = Connection::new("", provider, "", nobody);
    connection.purpose = Purpose::SetUp;
    let profile = Profile::of(&connection);
    Powers::Connector {
        rules: profile.offers,
        faces: Face::ALL.into(),
        calls_a_day: profile.day,
    }
}

impl Powers {
    /// The name of the first power that a provider's profile doesn't offer. No limit of calls means the profile's.
    pub fn beyond_profile(&self, provider: Provider) -> Option<String> {
        let offered = offered(provider);
        match (self, &offered) {
            (
                Self::Connector {
                    rules,
                    faces,
                    calls_a_day,
                },
                Self::Connector {
                    calls_a_day: most, ..
                },
            ) => Self::Connector {
                rules: rules.clone(),
                faces: faces.clone(),
                calls_a_day: calls_a_day.or(*most),
            }
            .beyond(&offered),
            _ => self.beyond(&offered),
        }
    }

    /// The name of each power, in order.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Connector {
                rules,
                faces,
                calls_a_day,
            } => {
                let rules = rules.iter().map(rule_name);
                let faces = faces.iter().map(|face| face_name(*face));
                let calls = calls_a_day.map(|calls| format!("calls-a-day {calls}"));
                rules.chain(faces).chain(calls).collect()
            }
            Self::Transform { reads, writes } => {
                let name = |verb: &str, (object, path): (&str, &str)| {
                    format!("{verb} {}", field_name(object, path))
                };
                let reads = reads.iter().map(|field| name("reads", field));
                reads
                    .chain(writes.iter().map(|field| name("writes", field)))
                    .collect()
            }
        }
    }

    /// Whether nothing could be done with them.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Connector { rules, .. } => rules.is_empty(),
            Self::Transform { reads, writes } => reads.is_empty() && writes.is_empty(),
        }
    }

    /// What stands in both. `None` if one is a connector's and the other a transform's.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (
                Self::Connector {
                    rules,
                    faces,
                    calls_a_day,
                },
                Self::Connector {
                    rules: others,
                    faces: their_faces,
                    calls_a_day: their_calls,
                },
            ) => Some(Self::Connector {
                rules: meet_rules(rules, others),
                faces: faces.intersection(their_faces).copied().collect(),
                calls_a_day: calls_a_day.iter().chain(their_calls).min().copied(),
            }),
            (
                Self::Transform { reads, writes },
                Self::Transform {
                    reads: their_reads,
                    writes: their_writes,
                },
            ) => Some(Self::Transform {
                reads: reads.meet(their_reads),
                writes: writes.meet(their_writes),
            }),
            _ => None,
        }
    }

    /// The name of the first power that `wide` doesn't have.
    pub fn beyond(&self, wide: &Self) -> Option<String> {
        match (self, wide) {
            (
                Self::Connector {
                    rules,
                    faces,
                    calls_a_day,
                },
                Self::Connector {
                    rules: offered,
                    faces: their_faces,
                    calls_a_day: most,
                },
            ) => {
                let covered = |rule: &GrantRule| offered.iter().any(|wide| contains(wide, rule));
                let rule = rules.iter().find(|rule| !covered(rule)).map(rule_name);
                let face = faces.difference(their_faces).next();
                let rule = rule.or_else(|| face.map(|face| face_name(*face)));
                rule.or_else(|| match (calls_a_day, most) {
                    (None, Some(_)) => Some("calls-a-day without limit".to_owned()),
                    (Some(calls), Some(most)) if calls > most => {
                        Some(format!("calls-a-day {calls}"))
                    }
                    _ => None,
                })
            }
            (
                Self::Transform { reads, writes },
                Self::Transform {
                    reads: their_reads,
                    writes: their_writes,
                },
            ) => {
                let name =
                    |verb: &str, (object, path)| format!("{verb} {}", field_name(object, path));
                let beyond = reads.beyond(their_reads).map(|field| name("reads", field));
                beyond.or_else(|| {
                    writes
                        .beyond(their_writes)
                        .map(|field| name("writes", field))
                })
            }
            (narrow, _) => narrow.names().into_iter().next(),
        }
    }

    /// Powers of the same kind as these from their names.
    ///
    /// # Errors
    /// The first name that is none of this kind.
    pub fn named(&self, names: &[String]) -> Result<Self, PowersError> {
        match self {
            Self::Connector { .. } => {
                let unknown = |name: &String| {
                    PowersError::Unknown(
                        name.clone(),
                        "read SERVICE /PATH, write SERVICE /PATH, face wasi-http, calls-a-day NUMBER",
                    )
                };
                let (mut rules, mut faces, mut calls_a_day) = (Vec::new(), BTreeSet::new(), None);
                for name in names {
                    if let Some(calls) = name.strip_prefix("calls-a-day ") {
                        calls_a_day = Some(calls.trim().parse().map_err(|_| unknown(name))?);
                    } else if let Some(face) = name.strip_prefix("face ") {
                        faces.insert(Face::named(face.trim()).ok_or_else(|| unknown(name))?);
                    } else {
                        rules.push(rule_named(name).ok_or_else(|| unknown(name))?);
                    }
                }
                Ok(Self::Connector {
                    rules,
                    faces,
                    calls_a_day,
                })
            }
            Self::Transform { .. } => {
                let mut reads: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
                let mut writes = reads.clone();
                for name in names {
                    let fields = match name.split_once(' ') {
                        Some(("reads", field)) => Some((&mut reads, field)),
                        Some(("writes", field)) => Some((&mut writes, field)),
                        _ => None,
                    };
                    let (fields, (object, path)) = fields
                        .and_then(|(fields, field)| Some((fields, field.trim().split_once('.')?)))
                        .filter(|(_, (object, path))| is_object(object) && is_path(path))
                        .ok_or_else(|| {
                            PowersError::Unknown(
                                name.clone(),
                                "reads OBJECT.FIELD, writes OBJECT.FIELD",
                            )
                        })?;
                    fields
                        .entry(object.to_owned())
                        .or_default()
                        .insert(path.to_owned());
                }
                Ok(Self::Transform {
                    reads: Fields::new(reads),
                    writes: Fields::new(writes),
                })
            }
        }
    }
}

fn rule_name(rule: &GrantRule) -> String {
    format!("{} {} {}", rule.access, rule.service, rule.path)
}

fn face_name(face: Face) -> String {
    format!("face {face}")
}

fn rule_named(name: &str) -> Option<GrantRule> {
    let mut words = name.split_whitespace();
    let access = match words.next()? {
        "read" => Access::Read,
        "write" => Access::Write,
        _ => return None,
    };
    let (service, path) = (words.next()?, words.next()?);
    let whole = words.next().is_none() && pattern::is_valid(path);
    whole.then(|| GrantRule {
        service: service.to_owned(),
        access,
        path: path.to_owned(),
    })
}

fn field_name(object: &str, path: &str) -> String {
    format!("{object}.{path}")
}

/// An object's name, or `*`.
pub(crate) fn is_object(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    (1..=128).contains(&name.len()) && (name == "*" || name.chars().all(plain))
}

/// A field's path (`Account.Name`, `lines[].quantity`), or `*`.
pub(crate) fn is_path(path: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let segment = |segment: &str| {
        let name = segment.trim_end_matches("[]");
        !name.is_empty() && name.chars().all(plain)
    };
    (1..=256).contains(&path.len()) && (path == "*" || path.split('.').all(segment))
}

fn same_target(a: &GrantRule, b: &GrantRule) -> bool {
    a.service == b.service && a.access == b.access
}

fn contains(wide: &GrantRule, narrow: &GrantRule) -> bool {
    same_target(wide, narrow) && pattern::covers(&wide.path, &narrow.path)
}

/// Rules that both allow, each once.
fn meet_rules(ours: &[GrantRule], theirs: &[GrantRule]) -> Vec<GrantRule> {
    let mut both: Vec<GrantRule> = Vec::new();
    for rule in ours {
        for other in theirs.iter().filter(|other| same_target(rule, other)) {
            if let Some(path) = pattern::meet(&rule.path, &other.path) {
                let met = GrantRule {
                    path,
                    ..rule.clone()
                };
                if !both.iter().any(|known| contains(known, &met)) {
                    both.push(met);
                }
            }
        }
    }
    both
}
