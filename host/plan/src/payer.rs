//! Payer: whom a recognised invoice bills is its deal's customer, and is linked in the same step. Else a restored data directory would know
//! the invoice and not the customer until its next deal is billed.
//!
//! It never writes and never makes anybody. The invoice is one witness, our number or just this name, which nobody else has at either
//! side, must be another: a deal may have been moved to another account since. What speaks against it leaves all as it is; the next deal that is billed asks. Next: `plan` adds what it finds.

use crate::customer;
use crate::draft::{self, filled};
use crate::existing;
use crate::explain::op as why;
use crate::index::{CUSTOMER, INVOICE, Index, NUMBER};
use crate::input::{Seen, Source};
use crate::matching::{exact_name, loose_name};
use footbridge_model::id::RecordKey;
use footbridge_model::ledger;
use footbridge_model::link::Role;
use footbridge_model::plan::{Adoption, Plan, customer_key};
use footbridge_model::plugin::Presence;
use std::collections::{BTreeMap, BTreeSet};

/// A customer with the one who was billed for it.
struct Claim<'a> {
    contact: &'a str,
    adoption: Adoption,
}

/// Adoptions of the customers that are known by what the plan recognises. What [`is_its`] asks fits one pair only.
pub(crate) fn recognised(index: &Index<'_>, plan: &Plan) -> Vec<Adoption> {
    let made = plan.ops.iter().map(|op| op.link.id.as_str());
    let linked = plan.adoptions.iter().map(|it| it.link.id.as_str());
    let links: BTreeSet<&str> = made.chain(linked).collect();
    let records: BTreeSet<&RecordKey> = (plan.adoptions.iter())
        .map(|adoption| &adoption.ledger_record)
        .collect();
    let invoices: Vec<(&Source, &str)> = recognised_invoices(index, plan).collect();
    let names = if invoices.is_empty() {
        BTreeMap::new()
    } else {
        source_names(index)
    };
    let claims: Vec<Claim<'_>> = (invoices.into_iter())
        .filter_map(|(deal, invoice)| claim(index, deal, invoice, &names))
        .filter(|claim| {
            !links.contains(claim.adoption.link.id.as_str())
                && !records.contains(&claim.adoption.ledger_record)
        })
        .collect();
    // Several invoices of one customer say the same; the first one is told.
    let found: BTreeMap<&str, &Claim<'_>> = (claims.iter().rev())
        .map(|claim| (claim.contact, claim))
        .collect();
    found.into_values().map(|it| it.adoption.clone()).collect()
}

/// The order in which adoptions are stored: a customer just before an invoice that bills it, for both are stored at once.
pub(crate) fn in_order(index: &Index<'_>, adoptions: &mut [Adoption]) {
    let mut first: BTreeMap<&str, String> = BTreeMap::new();
    for adoption in adoptions.iter().filter(|it| it.link.role == Role::Billing) {
        let id = adoption.ledger_record.id.as_str();
        if let Some(seen) = index.input.observed.invoices.get(id) {
            let place = first.entry(&seen.value.customer).or_default();
            if place.is_empty() || *place > adoption.link.id {
                place.clone_from(&adoption.link.id);
            }
        }
    }
    adoptions.sort_by_cached_key(|adoption| {
        let id = match adoption.link.role {
            Role::Customer => first.get(adoption.ledger_record.id.as_str()).cloned(),
            _ => Some(adoption.link.id.clone()),
        };
        (id, adoption.link.role, adoption.link.id.clone())
    });
}

/// Invoices that become a deal's with this plan: recognised as they are, or changed at once. In the order of their links.
fn recognised_invoices<'a>(
    index: &Index<'a>,
    plan: &Plan,
) -> impl Iterator<Item = (&'a Source, &'a str)> {
    let adopted = plan.adoptions.iter();
    let adopted = adopted.map(|it| (&it.link, it.ledger_record.id.as_str()));
    // One that gets another customer says nothing of whom it billed.
    let ops = (plan.ops.iter())
        .filter(|op| op.object.as_str() == INVOICE && op.doc.at("customer").is_none());
    let changed = ops.filter_map(|op| Some((&op.link, op.target.as_ref()?.as_str())));
    let mut known: BTreeMap<&str, (&RecordKey, &str)> = BTreeMap::new();
    for (link, id) in adopted.chain(changed) {
        let is_new = index
            .link(&link.id)
            .is_none_or(|known| !index.is_member(known, INVOICE, id));
        if link.role == Role::Billing && is_new {
            known.insert(&link.id, (&link.source, id));
        }
    }
    let deals = index.input.deals.iter();
    let deals: BTreeMap<&RecordKey, &Source> = deals.map(|it| (&it.record, it)).collect();
    let found: Vec<(&'a Source, &'a str)> = known
        .into_values()
        .filter_map(|(deal, id)| {
            let deal = *deals.get(deal)?;
            let (id, _) = index.input.observed.invoices.get_key_value(id)?;
            Some((deal, id.as_str()))
        })
        .collect();
    found.into_iter()
}

/// How many customers of the source have nearly the same name.
fn source_names(index: &Index<'_>) -> BTreeMap<String, usize> {
    let all = index.input.customers.values().chain(&index.input.namesakes);
    let records: BTreeMap<&RecordKey, &Source> = all.map(|it| (&it.record, it)).collect();
    let mut names = BTreeMap::new();
    for source in records.into_values() {
        let doc = customer::draft(source).ok();
        if let Some(name) = doc.and_then(|doc| filled(doc, "name")) {
            *names.entry(loose_name(&name)).or_default() += 1;
        }
    }
    names
}

fn claim<'a>(
    index: &Index<'a>,
    deal: &'a Source,
    invoice: &str,
    names: &BTreeMap<String, usize>,
) -> Option<Claim<'a>> {
    let amounts = index.input.policy.billing.amounts;
    let reference = draft::of_deal(deal, amounts).ok()?.customer;
    let source = index.input.customers.get(&reference)?;
    let name = customer::draft(source)
        .ok()
        .and_then(|doc| filled(doc, "name"))?;
    let contact = &index.input.observed.invoices.get(invoice)?.value.customer;
    let seen = index.input.observed.customers.get(contact)?;
    let nothing_against = is_free(index, source)
        && customer::usable(seen, &name, contact).is_ok()
        && !is_anothers(index, source, contact)
        && is_its(index, source, (&name, names), (contact, seen));
    nothing_against.then(|| Claim {
        contact,
        adoption: Adoption {
            link: customer::link(index, source),
            ledger_record: index.ledger_record(CUSTOMER, contact),
            version: seen.version.clone(),
            shadow: None,
            subject: customer::subject(source, &name),
            why: why::adopted_by_invoice(&name, &existing::named(index, invoice)),
        },
    })
}

/// Whether a customer of the source is there, linked with nobody, and nothing of it is under way.
fn is_free(index: &Index<'_>, source: &Source) -> bool {
    let by_id = index.link(&customer_key(&source.record, &index.input.ledger.1));
    let links = index.links_of(&source.record, Role::Customer);
    let mut all = by_id.into_iter().chain(links.iter().copied());
    source.presence == Presence::Present
        && all.all(|link| index.ledger_member(link, CUSTOMER).is_none())
        && !index.unresolved(CUSTOMER, NUMBER, source.record.id.as_str())
}

/// Whether the ledger's customer is linked with another record of the source, or was.
fn is_anothers(index: &Index<'_>, source: &Source, contact: &str) -> bool {
    let contact = index.ledger_record(CUSTOMER, contact);
    let links = index.links_of(&contact, Role::Customer).iter();
    links.flat_map(|link| &link.members).any(|member| {
        member.record.connection == index.input.source.0 && member.record != source.record
    })
}

/// Whether the ledger's customer says so itself: it has our number, or no number and just this name, with nobody of nearly the same name
/// beside it at either side. Whoever is only like it is asked about when the next deal is billed.
fn is_its(
    index: &Index<'_>,
    source: &Source,
    (name, names): (&str, &BTreeMap<String, usize>),
    (id, seen): (&str, &Seen<ledger::Customer>),
) -> bool {
    match index.customers_numbered(source.record.id.as_str()) {
        [] => {
            let number = seen.value.number.as_deref().unwrap_or_default();
            let loose = loose_name(name);
            number.is_empty()
                && exact_name(&seen.value.name) == exact_name(name)
                && index.customers_like(&loose) == [id]
                && names.get(&loose) == Some(&1)
        }
        [only] => *only == id,
        _ => false,
    }
}
