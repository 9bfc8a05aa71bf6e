//! Who pays: the ledger's customer for a source record. Linked, adopted, or made new, never guessed.
//!
//! A customer is adopted when its number is the source record's id, or when it alone has exactly the name, is active and
//! carries no number; then the link is made and nothing is written to it. What only looks alike waits for a person, and so does a
//! name that is taken (`naming`, `rivals`).

use crate::draft::filled;
use crate::explain::{
    Stop, customer as say, mapping, mapping_said, op as why, quoted, ruled as words,
};
use crate::index::{CUSTOMER, Index, NUMBER};
use crate::input::{Seen, Source};
use crate::merge;
use crate::naming::{self, ByName};
use crate::proposal::{Known, other_names};
use crate::rivals::{Names, Newcomer};
use crate::ruled::{self, Word, Words};
use footbridge_model::called::CustomerName;
use footbridge_model::document::Document;
use footbridge_model::id::{ObjectName, OpId};
use footbridge_model::ledger;
use footbridge_model::link::{Member, Role};
use footbridge_model::plan::{
    Adoption, Expectation, LinkIntent, NaturalKey, Op, Subject, customer_key, key,
};
use footbridge_model::plugin::{Action, Presence};
use footbridge_model::ruling::Ruling;
use std::collections::{BTreeMap, BTreeSet};

/// Object and id of a source record.
pub(crate) type Reference = (String, String);

/// A customer who can be invoiced.
#[derive(Debug, Clone)]
pub(crate) struct Party {
    /// The ledger's record, or the operation that makes it.
    pub(crate) place: Place,
    /// What the ledger says of it, where it exists and was reported.
    pub(crate) ledger: Option<ledger::Customer>,
    /// Billing country, ISO 3166 alpha-2, as the mapping reads it.
    pub(crate) country: Option<String>,
    /// Tax number: the ledger's, else the source's.
    pub(crate) tax_number: Option<String>,
    /// What people call it.
    pub(crate) name: String,
}

/// Where a customer is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In the ledger and linked.
    Linked(String),
    /// In the ledger; the link is made with this plan.
    Adopted(String, Adoption),
    /// Made by this operation.
    New(Op),
}

/// Every customer that deals to be billed refer to.
pub(crate) fn resolve<'a>(
    index: &Index<'a>,
    wanted: &BTreeSet<Reference>,
    words: &Words<'a>,
) -> BTreeMap<Reference, Result<Party, Stop>> {
    let mut found: BTreeMap<_, _> = wanted
        .iter()
        .map(|reference| {
            let word = words.get(reference).copied().unwrap_or_default();
            (reference.clone(), party(index, reference, word))
        })
        .collect();
    let newcomers: Vec<Newcomer> = found
        .iter()
        .filter_map(|(reference, party)| newcomer(index, words, reference, party.as_ref().ok()?))
        .chain(absent_namesakes(index, wanted))
        .collect();
    let names = Names::of(&newcomers);
    for newcomer in &newcomers {
        let reference = &newcomer.reference;
        let word = words.get(reference).copied().unwrap_or_default();
        if let Some(stop) = names.rival(index, newcomer, word)
            && let Some(entry) = found.get_mut(reference)
        {
            *entry = Err(stop);
        }
    }
    each_to_one(&mut found);
    propose(index, words, &mut found);
    found
}

/// A customer that gets a record in the ledger with this plan, for nobody there is known to be it.
fn newcomer(
    index: &Index<'_>,
    words: &Words<'_>,
    reference: &Reference,
    party: &Party,
) -> Option<Newcomer> {
    let given = match &party.place {
        Place::New(op) => op.doc.text("name").filter(|name| *name != party.name),
        Place::Adopted(_, adoption)
            if adopted_for_name(index, adoption, &reference.1)
                && !is_ruled(words, reference, adoption) =>
        {
            None
        }
        Place::Linked(_) | Place::Adopted(..) => return None,
    };
    Some(Newcomer {
        reference: reference.clone(),
        own: party.name.clone(),
        given: given.map(str::to_owned),
    })
}

/// Each customer whose name is taken is proposed another one that nobody has, nor is proposed in this plan.
fn propose(
    index: &Index<'_>,
    words: &Words<'_>,
    found: &mut BTreeMap<Reference, Result<Party, Stop>>,
) {
    let waits = |party: &Result<Party, Stop>| matches!(party, Err(Stop::Hold(said)) if said.shown.name.is_some());
    if !found.values().any(waits) {
        return;
    }
    let mut known = Known::default();
    let of_ledger = index.input.observed.customers.values();
    of_ledger.for_each(|seen| known.add(&seen.value.name));
    let of_source = index.input.customers.values().chain(&index.input.namesakes);
    let named = of_source.filter_map(|source| draft(source).ok().and_then(|d| d.text("name")));
    named.for_each(|name| known.add(name));
    let given = words.values().filter_map(|word| ruled::given_name(*word));
    given.for_each(|(name, _)| known.add(name.as_str()));
    for (reference, party) in found {
        let Err(Stop::Hold(said)) = party else {
            continue;
        };
        let source = index.input.customers.get(reference);
        if let (Some(name), Some(Ok(doc))) = (&mut said.shown.name, source.map(draft)) {
            let mut others = other_names(doc, &reference.1).into_iter();
            name.proposed = others.find(|other| !known.has(other));
            if let Some(proposed) = &name.proposed {
                known.add(proposed.as_str());
            }
        }
    }
}

/// A ledger customer becomes that of one source record only, whatever people said.
fn each_to_one(found: &mut BTreeMap<Reference, Result<Party, Stop>>) {
    let mut claimed: BTreeMap<String, Vec<(Reference, String)>> = BTreeMap::new();
    for (reference, party) in &*found {
        if let Ok(Party {
            place: Place::Adopted(id, _),
            name,
            ..
        }) = party
        {
            let claim = (reference.clone(), name.clone());
            claimed.entry(id.clone()).or_default().push(claim);
        }
    }
    for (id, claims) in claimed.into_iter().filter(|(_, claims)| claims.len() > 1) {
        for (reference, name) in claims {
            let why = "another record is to be linked with it as well";
            found.insert(reference, Err(say::name_held(&name, &id, why)));
        }
    }
}

/// Whether a customer was adopted because a person said so.
fn is_ruled(words: &Words<'_>, reference: &Reference, adoption: &Adoption) -> bool {
    let ruling = words.get(reference).and_then(|word| word.link);
    ruling.and_then(ruled::linked_to) == Some(adoption.ledger_record.id.as_str())
}

/// Whether a customer was adopted for its name, not for its number.
fn adopted_for_name(index: &Index<'_>, adoption: &Adoption, number: &str) -> bool {
    !index
        .customers_numbered(number)
        .contains(&adoption.ledger_record.id.as_str())
}

/// Source records outside this round that need a ledger record as well.
fn absent_namesakes(index: &Index<'_>, wanted: &BTreeSet<Reference>) -> Vec<Newcomer> {
    let outside = index.input.namesakes.iter().filter_map(|source| {
        let reference = (
            source.record.object.to_string(),
            source.record.id.to_string(),
        );
        let own = draft(source).ok().and_then(|doc| filled(doc, "name"))?;
        (!wanted.contains(&reference)).then_some(Newcomer {
            reference,
            own,
            given: None,
        })
    });
    outside.collect()
}

fn party<'a>(index: &Index<'a>, reference: &Reference, word: Word<'a>) -> Result<Party, Stop> {
    let source = index
        .input
        .customers
        .get(reference)
        .ok_or_else(|| say::not_visible(&reference.0, &reference.1))?;
    let label = draft(source)
        .ok()
        .and_then(|doc| filled(doc, "name"))
        .unwrap_or_else(|| reference.1.clone());
    match &source.presence {
        Presence::Present => {}
        Presence::Deleted | Presence::Archived => return Err(say::source_gone(&label)),
        Presence::MergedInto(other) => return Err(say::source_merged(&label, other)),
    }
    let doc = draft(source)?;
    let name = filled(doc, "name").ok_or_else(|| {
        mapping(format!(
            "Customer {} has no name. Enter it, or correct the mapping.",
            reference.1
        ))
    })?;
    let (place, ledger) = match (linked(index, source, &name), word.link) {
        (Ok(Some((id, ledger))), _) => (Place::Linked(id), ledger),
        (Ok(None) | Err(_), Some(ruling)) => by_word(index, source, &name, ruling)?,
        (Err(stop), None) => return Err(stop),
        (Ok(None), None) => unlinked(index, source, doc, &name, word)?,
    };
    let known = ledger
        .as_ref()
        .and_then(|customer| customer.tax_number.clone());
    Ok(Party {
        place,
        country: billing_country(doc),
        tax_number: known
            .filter(|number| !number.trim().is_empty())
            .or_else(|| filled(doc, "tax_number")),
        ledger,
        name,
    })
}

pub(crate) fn draft(source: &Source) -> Result<&Document, Stop> {
    let drafts = source.drafts.as_ref().map_err(|problem| {
        mapping_said(
            &format!(
                "the customer, {} {}",
                source.record.object, source.record.id
            ),
            problem,
        )
    })?;
    drafts
        .iter()
        .find(|(object, _)| object == CUSTOMER)
        .map(|(_, doc)| doc)
        .ok_or_else(|| {
            mapping(format!(
                "The mapping made no customer of {} {}. Correct the mapping.",
                source.record.object, source.record.id
            ))
        })
}

/// The linked ledger customer, if there is a link.
fn linked(
    index: &Index<'_>,
    source: &Source,
    name: &str,
) -> Result<Option<(String, Option<ledger::Customer>)>, Stop> {
    let by_id = index.link(&customer_key(&source.record, &index.input.ledger.1));
    let links = index
        .links_of(&source.record, Role::Customer)
        .iter()
        .copied();
    let members: Vec<&Member> = by_id
        .into_iter()
        .chain(links)
        .flat_map(|link| index.ledger_members(link, CUSTOMER))
        .collect();
    // One that is gone stays a member beside the one that a person named instead.
    let in_use = members.iter().find(|member| {
        let id = member.record.id.as_str();
        let seen = index.input.observed.customers.get(id);
        seen.is_some_and(|seen| usable(seen, name, id).is_ok())
    });
    let Some(member) = in_use.or(members.first()) else {
        return Ok(None);
    };
    let id = member.record.id.to_string();
    let reported = match index.input.observed.customers.get(&id) {
        Some(seen) => {
            usable(seen, name, &id)?;
            Some(seen.value.clone())
        }
        None => member
            .shadow
            .as_deref()
            .and_then(|shadow| Document::from_plugin(shadow).ok())
            .and_then(|shadow| shadow.to().ok()),
    };
    match reported {
        Some(customer) => Ok(Some((id, Some(customer)))),
        None => Err(say::ledger_not_visible(name, &id)),
    }
}

pub(crate) fn usable(seen: &Seen<ledger::Customer>, name: &str, id: &str) -> Result<(), Stop> {
    let status = seen.value.status.as_deref().unwrap_or("active");
    match (&seen.presence, status) {
        (Presence::MergedInto(_), _) | (_, "merged") => Err(say::ledger_merged(name, id)),
        (Presence::Present, "active") => Ok(()),
        _ => Err(say::ledger_gone(name, id)),
    }
}

/// The ledger customer that a person named.
fn by_word(
    index: &Index<'_>,
    source: &Source,
    name: &str,
    ruling: &Ruling,
) -> Result<(Place, Option<ledger::Customer>), Stop> {
    let id = ruled::linked_to(ruling).unwrap_or_default();
    if index.unresolved(CUSTOMER, NUMBER, source.record.id.as_str()) {
        return Err(say::unresolved(name));
    }
    let Some(seen) = index.input.observed.customers.get(id) else {
        return Err(say::ledger_not_visible(name, id));
    };
    usable(seen, name, id)?;
    let called = format!("customer {} ({id})", quoted(&seen.value.name));
    if index.taken_by_other(id, &source.record) {
        let why = "it is linked with another record";
        return Err(words::cant_link(ruling, &called, why));
    }
    let adoption = Adoption {
        link: link(index, source),
        ledger_record: index.ledger_record(CUSTOMER, id),
        version: seen.version.clone(),
        shadow: None,
        subject: subject(source, name),
        why: why::linked_by_person(&called, ruling),
    };
    let place = Place::Adopted(id.to_owned(), adoption);
    Ok((place, Some(seen.value.clone())))
}

fn unlinked<'a>(
    index: &Index<'a>,
    source: &Source,
    doc: &Document,
    name: &str,
    word: Word<'a>,
) -> Result<(Place, Option<ledger::Customer>), Stop> {
    let number = source.record.id.as_str();
    if index.unresolved(CUSTOMER, NUMBER, number) {
        return Err(say::unresolved(name));
    }
    let new = |given| Ok((Place::New(create(index, source, doc, name, given)), None));
    let (id, why) = match index.customers_numbered(number) {
        [] => match naming::by_name(index, source, name, word)? {
            ByName::Adopted(id) => (id, why::adopted_by_name(name)),
            ByName::Free => return new(None),
            ByName::Given(given, ruling) => return new(Some((given, ruling))),
        },
        [id] => (*id, why::adopted_by_number(name, number)),
        _ => return Err(say::number_twice(name, number)),
    };
    let Some(seen) = index.input.observed.customers.get(id) else {
        return Err(say::ledger_not_visible(name, id));
    };
    usable(seen, name, id)?;
    let adoption = Adoption {
        link: link(index, source),
        ledger_record: index.ledger_record(CUSTOMER, id),
        version: seen.version.clone(),
        shadow: None,
        subject: subject(source, name),
        why,
    };
    Ok((
        Place::Adopted(id.to_owned(), adoption),
        Some(seen.value.clone()),
    ))
}

/// A new customer, under its own name or the one that a person gave it. Only the ledger hears of that one.
fn create(
    index: &Index<'_>,
    source: &Source,
    doc: &Document,
    name: &str,
    given: Option<(&CustomerName, &Ruling)>,
) -> Op {
    let number = source.record.id.as_str();
    let (connection, organisation) = index.input.ledger.clone();
    let mut doc = without_nulls(doc);
    if let Document::Object(fields) = &mut doc {
        fields.insert(NUMBER.to_owned(), Document::Text(number.to_owned()));
        if let Some((given, _)) = given {
            fields.insert("name".to_owned(), Document::Text(given.to_string()));
        }
    }
    Op {
        id: OpId::new(key(&[
            "op",
            organisation.as_str(),
            CUSTOMER,
            number,
            "create",
            "absent",
        ])),
        action: Action::Create,
        connection,
        organisation,
        object: ObjectName::from(CUSTOMER),
        target: None,
        natural_key: NaturalKey {
            field: NUMBER.to_owned(),
            value: number.to_owned(),
            parents: Vec::new(),
        },
        link: LinkIntent {
            source_shadow: remembered(index, source, &doc),
            ..link(index, source)
        },
        doc,
        was: None,
        after: Vec::new(),
        expects: Expectation::Absent,
        subject: subject(source, name),
        why: match given {
            Some((given, ruling)) => why::new_customer_as(name, given, ruling),
            None => why::new_customer(name, number),
        },
    }
}

/// What later changes are compared with, where they are followed.
fn remembered(index: &Index<'_>, source: &Source, doc: &Document) -> Option<String> {
    let policy = index.input.policy.customers.as_ref()?;
    merge::of_new(policy, source, doc, index.input.as_of.instant)
}

pub(crate) fn link(index: &Index<'_>, source: &Source) -> LinkIntent {
    LinkIntent {
        id: customer_key(&source.record, &index.input.ledger.1),
        role: Role::Customer,
        source: source.record.clone(),
        source_shadow: None,
    }
}

pub(crate) fn subject(source: &Source, name: &str) -> Subject {
    Subject {
        record: source.record.clone(),
        part: 1,
        title: name.to_owned(),
    }
}

/// What is made new has no field to empty.
fn without_nulls(doc: &Document) -> Document {
    match doc {
        Document::Object(fields) => Document::Object(
            fields
                .iter()
                .filter(|(_, value)| **value != Document::Null)
                .map(|(field, value)| (field.clone(), without_nulls(value)))
                .collect(),
        ),
        Document::List(items) => Document::List(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

fn billing_country(doc: &Document) -> Option<String> {
    doc.list("addresses")
        .iter()
        .find(|address| address.text("kind") == Some("billing"))
        .and_then(|address| filled(address, "country"))
        .map(|country| country.trim().to_uppercase())
}
