//! Which two records are one customer, and who takes over where one was merged away (domain rules 3 and 11).
//!
//! A link follows a merge only where that leaves no choice, or where a person says who takes the place of one that is gone; absent is
//! not deleted, and nothing is written because something is gone.

use super::plan::{MergeInput, SeenCustomer, is_customers, title};
use super::ruled;
use crate::explain::{Stop, merge as say, ruled as words};
use crate::index::CUSTOMER;
use crate::input::Source;
use crate::ruled::linked_to;
use footbridge_model::id::{ObjectName, RecordId, RecordKey};
use footbridge_model::link::{Link, Member, Role};
use footbridge_model::plan::customer_key;
use footbridge_model::plugin::Presence;
use footbridge_model::ruling::Ruling;
use footbridge_model::shown::{May, ShownRecord};
use std::collections::BTreeSet;

/// What stands for a source record.
#[derive(Debug)]
pub(super) enum Relinked<'a> {
    /// It has no customer in the ledger, and needs none here.
    Unlinked,
    /// This one.
    As { link: &'a Link, id: &'a str },
    /// Its link changes with this plan.
    Moved {
        links: Vec<Link>,
        left: Vec<(RecordKey, String)>,
        again: Vec<RecordKey>,
    },
}

pub(super) fn follow<'a>(input: &'a MergeInput<'_>, source: &Source) -> Result<Relinked<'a>, Stop> {
    let links = links_of(input, &source.record);
    let linked: Vec<(&Link, &str)> = links
        .iter()
        .flat_map(|link| contacts(input, link).map(|id| (*link, id)))
        .collect();
    let name = title(source);
    let ids: BTreeSet<&str> = linked.iter().map(|(_, id)| *id).collect();
    // One that is gone stays beside the one that took its place.
    let mut there = linked.iter().filter(|(_, id)| !is_gone(input, id));
    let in_place: BTreeSet<&str> = there.clone().map(|(_, id)| *id).collect();
    let (link, id) = match linked.as_slice() {
        [] => return Ok(Relinked::Unlinked),
        _ if ids.len() > 1 => match there.next() {
            Some((link, id)) if in_place.len() == 1 => (*link, *id),
            _ => return Err(say::linked_twice(&name)),
        },
        [(link, id), ..] => (*link, *id),
    };
    match &source.presence {
        Presence::Present => {}
        Presence::Deleted | Presence::Archived => return Err(say::source_gone(&name, id)),
        Presence::MergedInto(master) => return inherited(input, source, master, link, id, &name),
    }
    if let Some(other) = shared_with(input, id, &source.record) {
        return Err(say::shared(&name, id, other));
    }
    let Some(seen) = input.observed.get(id) else {
        return Ok(Relinked::As { link, id });
    };
    let status = seen.doc.text("status");
    let gone = match (&seen.presence, status) {
        (Presence::MergedInto(winner), _) => {
            match survivor(input, source, link, id, winner, &name) {
                Err(stop) => stop,
                moved => return moved,
            }
        }
        (_, Some("merged")) => say::merged_away(&name, id, None),
        (Presence::Archived | Presence::Deleted, _) | (_, Some("archived")) => {
            say::archived(&name, id)
        }
        (Presence::Present, _) => return Ok(Relinked::As { link, id }),
    };
    let shown = shown(id, seen);
    let moved = match ruled::heir(input, source, &shown) {
        Some(ruling) => named(input, source, link, ruling),
        None => Err(gone),
    };
    moved.map_err(|stop| stop.showing(|then| then.standing = Some(shown)))
}

/// A customer of the ledger as an item shows it.
pub(super) fn shown(id: &str, seen: &SeenCustomer) -> ShownRecord {
    ShownRecord {
        id: RecordId::from(id),
        version: seen.version.clone(),
        may: May::Stay,
    }
}

/// Said to be gone, which is more than not being seen.
fn is_gone(input: &MergeInput<'_>, id: &str) -> bool {
    input.observed.get(id).is_some_and(|seen| {
        seen.presence != Presence::Present
            || matches!(seen.doc.text("status"), Some("archived" | "merged"))
    })
}

/// A person named who takes the place of the one that is gone. That one stays a member: what it was billed is still the record's.
fn named<'a>(
    input: &'a MergeInput<'_>,
    source: &Source,
    link: &Link,
    ruling: &Ruling,
) -> Result<Relinked<'a>, Stop> {
    let id = linked_to(ruling).unwrap_or_default();
    let called = format!("customer {id} of the ledger");
    if !input.observed.contains_key(id) {
        return Err(words::cant_link(ruling, &called, "it can't be seen"));
    }
    if is_gone(input, id) {
        return Err(words::cant_link(ruling, &called, "it is not active"));
    }
    if shared_with(input, id, &source.record).is_some() {
        let why = "it is linked with another record";
        return Err(words::cant_link(ruling, &called, why));
    }
    let mut link = link.clone();
    forget(&mut link, &source.record);
    link.set(Member {
        record: ledger_record(input, id),
        shadow: None,
        version: None,
    });
    Ok(Relinked::Moved {
        left: Vec::new(),
        links: vec![link],
        again: vec![source.record.clone()],
    })
}

/// Another record with other values: what both sides agreed on was said of the one that is gone.
fn forget(link: &mut Link, source: &RecordKey) {
    for member in &mut link.members {
        if member.record == *source {
            member.shadow = None;
        }
    }
}

/// The ledger merged the customer into another one: the link follows, unless that one is somebody else's or not there.
fn survivor<'a>(
    input: &'a MergeInput<'_>,
    source: &Source,
    link: &Link,
    id: &str,
    winner: &str,
    name: &str,
) -> Result<Relinked<'a>, Stop> {
    let usable = input.observed.get(winner).is_some_and(|seen| {
        seen.presence == Presence::Present
            && matches!(seen.doc.text("status"), None | Some("active"))
    });
    if !usable || shared_with(input, winner, &source.record).is_some() {
        return Err(say::merged_away(name, id, Some(winner)));
    }
    let gone = ledger_record(input, id);
    let mut link = link.clone();
    link.members.retain(|member| member.record != gone);
    forget(&mut link, &source.record);
    link.set(Member {
        record: ledger_record(input, winner),
        shadow: None,
        version: None,
    });
    Ok(Relinked::Moved {
        left: vec![(gone, link.id.clone())],
        links: vec![link],
        again: vec![source.record.clone()],
    })
}

/// The CRM merged the record into another one, which takes over the ledger's customer if it has none itself.
fn inherited<'a>(
    input: &'a MergeInput<'_>,
    source: &Source,
    master: &str,
    link: &Link,
    id: &str,
    name: &str,
) -> Result<Relinked<'a>, Stop> {
    let heir = RecordKey {
        id: RecordId::from(master),
        ..source.record.clone()
    };
    let its = links_of(input, &heir);
    let its_own: BTreeSet<&str> = its.iter().flat_map(|link| contacts(input, link)).collect();
    // Where the ledger merged them too, there is one.
    let remains = match input.observed.get(id).map(|seen| &seen.presence) {
        Some(Presence::MergedInto(winner)) => winner.as_str(),
        _ => id,
    };
    if its_own.iter().any(|own| *own != id && *own != remains) {
        return Err(say::two_for_one(name, master, id));
    }
    let contact = ledger_record(input, id);
    let mut old = link.clone();
    old.members.retain(|member| member.record != contact);
    let mut links = vec![old];
    if its_own.is_empty() {
        links.push(Link {
            id: customer_key(&heir, &input.ledger.1),
            role: Role::Customer,
            members: vec![
                Member {
                    record: heir.clone(),
                    shadow: None,
                    version: None,
                },
                Member {
                    record: contact.clone(),
                    shadow: None,
                    version: None,
                },
            ],
            made_by: None,
        });
    }
    Ok(Relinked::Moved {
        left: vec![(contact, link.id.clone())],
        links,
        again: vec![heir],
    })
}

fn links_of<'a>(input: &'a MergeInput<'_>, record: &RecordKey) -> Vec<&'a Link> {
    let mut links: Vec<&Link> = input
        .links
        .iter()
        .filter(|link| is_customers(link))
        .filter(|link| link.members.iter().any(|member| member.record == *record))
        .collect();
    links.sort_by(|a, b| a.id.cmp(&b.id));
    links.dedup_by(|a, b| a.id == b.id);
    links
}

/// The ledger's customers in a link.
fn contacts<'a>(input: &MergeInput<'_>, link: &'a Link) -> impl Iterator<Item = &'a str> {
    let (connection, organisation) = input.ledger.clone();
    link.members
        .iter()
        .map(|member| &member.record)
        .filter(move |record| {
            record.connection == connection
                && record.organisation == organisation
                && record.object.as_str() == CUSTOMER
        })
        .map(|record| record.id.as_str())
}

/// Another record of the CRM that is linked with a customer of the ledger.
fn shared_with<'a>(
    input: &'a MergeInput<'_>,
    id: &str,
    source: &RecordKey,
) -> Option<&'a RecordKey> {
    input
        .links
        .iter()
        .filter(|link| is_customers(link) && contacts(input, link).any(|contact| contact == id))
        .flat_map(|link| &link.members)
        .map(|member| &member.record)
        .find(|record| record.connection == source.connection && *record != source)
}

fn ledger_record(input: &MergeInput<'_>, id: &str) -> RecordKey {
    RecordKey {
        connection: input.ledger.0.clone(),
        organisation: input.ledger.1.clone(),
        object: ObjectName::from(CUSTOMER),
        id: RecordId::from(id),
    }
}
