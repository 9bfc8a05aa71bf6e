//! What stands for a part of a deal already, and whether the deal still wants what was billed.
//!
//! A linked invoice of an unchanged deal is up to date; what may happen to another one is `amend`'s. One invoice that carries our
//! key without a link is ours: its answer was lost, and it is adopted, never made a second time.

use crate::amend;
use crate::deal;
use crate::explain::{Stop, amend as say_amend, invoice as say, op as why};
use crate::index::{INVOICE, Index};
use crate::input::{Seen, Source};
use crate::policy::Amounts;
use crate::ruled;
use footbridge_model::document::Document;
use footbridge_model::id::RecordId;
use footbridge_model::ledger;
use footbridge_model::link::{Link, Role};
use footbridge_model::plan::{Adoption, LinkIntent, reason};
use footbridge_model::plugin::Presence;
use footbridge_model::remedy::{Remedy, remedies};
use footbridge_model::shown::{May, ShownRecord};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What there is for one part.
#[derive(Debug, Clone)]
pub(crate) enum Standing<'a> {
    /// Nothing.
    Nothing,
    /// A linked invoice.
    Linked {
        /// The link.
        link: &'a Link,
        /// Its id.
        id: &'a str,
    },
    /// An invoice that carries our key, without a link.
    Unlinked {
        /// Its id.
        id: &'a str,
    },
    /// More than one.
    Twice(Vec<&'a str>),
}

impl Standing<'_> {
    /// The invoice, for sentences about the deal.
    pub(crate) fn named(&self, index: &Index<'_>) -> Option<String> {
        match self {
            Standing::Nothing => None,
            Standing::Linked { id, .. } | Standing::Unlinked { id } => Some(named(index, id)),
            Standing::Twice(ids) => ids.first().map(|id| named(index, id)),
        }
    }
}

impl Standing<'_> {
    /// What keeps the deal from being billed, with the invoice that it has.
    pub(crate) fn told_with(&self, index: &Index<'_>, stop: Stop) -> Stop {
        let (Standing::Linked { id, .. } | Standing::Unlinked { id }) = self else {
            return stop;
        };
        let seen = index.input.observed.invoices.get(*id);
        let version = seen.map_or("", |seen| seen.version.as_str());
        billed_already(stop, &named(index, id), id, version)
    }

    /// Whether all that stands was voided or deleted in the ledger.
    pub(crate) fn is_gone(&self, index: &Index<'_>) -> bool {
        match self {
            Standing::Nothing => true,
            Standing::Twice(_) => false,
            Standing::Linked { id, .. } | Standing::Unlinked { id } => {
                let seen = index.input.observed.invoices.get(*id);
                seen.is_some_and(|seen| alive(index, id, seen).is_err())
            }
        }
    }
}

/// What stands for a part of a deal.
pub(crate) fn standing<'a>(index: &Index<'a>, source: &'a Source, part: u32) -> Standing<'a> {
    let key = index.billing_key(source, part);
    let ruled = ruled::invoice(index, source, part).and_then(ruled::linked_to);
    let own = index.link(&key);
    // A link that a person made by matching counts as the first part.
    let matched = index
        .links_of(&source.record, Role::Billing)
        .iter()
        .copied()
        .filter(|link| part == 1 && !is_part_link(index, source, &link.id));
    let linked = own
        .into_iter()
        .chain(matched)
        .find_map(|link| Some((link, index.ledger_member(link, INVOICE)?.record.id.as_str())));
    let mut ids = index.carriers(&key);
    // Of several that carry the key, a person said which one it is: the others are copies.
    if let Some(id) = ruled
        && (ids.contains(&id) || linked.is_some_and(|(_, linked)| linked == id))
    {
        let theirs = own.filter(|link| index.is_member(link, INVOICE, id));
        return match theirs {
            Some(link) => Standing::Linked { link, id },
            None => Standing::Unlinked { id },
        };
    }
    match linked {
        Some((link, id)) => {
            ids.retain(|carrier| *carrier != id);
            if ids.is_empty() {
                Standing::Linked { link, id }
            } else {
                ids.insert(0, id);
                Standing::Twice(ids)
            }
        }
        None => match ids.as_slice() {
            [] => Standing::Nothing,
            [id] => Standing::Unlinked { id },
            _ => Standing::Twice(ids),
        },
    }
}

fn is_part_link(index: &Index<'_>, source: &Source, id: &str) -> bool {
    (1..=crate::parts::MOST).any(|part| index.billing_key(source, part) == id)
}

const BILLED: &str = "billed";
const REFERENCE: &str = "reference";

/// What is billed by one part, kept with its link so that a later change shows.
#[derive(Debug, Clone)]
pub(crate) struct Billed<'a> {
    /// The part's amount, before or with tax as the deal's is.
    pub(crate) amount: Decimal,
    /// Its currency.
    pub(crate) currency: &'a str,
    /// Per cent of the deal.
    pub(crate) share: Decimal,
    /// See [`crate::draft::InvoiceDraft::essence`].
    pub(crate) essence: Document,
    /// The customer's purchase order. A change of it alone changes nothing.
    pub(crate) reference: Option<&'a str>,
}

impl Billed<'_> {
    /// As it is kept.
    pub(crate) fn shadow(&self) -> String {
        self.kept().canonical()
    }

    fn kept(&self) -> Document {
        let text = |value: String| Document::Text(value);
        let amount = footbridge_model::money::canonical;
        let fields = BTreeMap::from([
            ("amount".to_owned(), text(amount(self.amount))),
            ("currency".to_owned(), text(self.currency.to_owned())),
            ("share".to_owned(), text(amount(self.share))),
            ("essence".to_owned(), self.essence.clone()),
        ]);
        let mut kept = BTreeMap::from([(BILLED.to_owned(), Document::Object(fields))]);
        if let Some(reference) = self.reference {
            kept.insert(REFERENCE.to_owned(), text(reference.to_owned()));
        }
        Document::Object(kept)
    }
}

/// What was billed of a deal, where that is kept with its link.
fn billed_before(source: &Source, link: &Link) -> Option<Document> {
    let mut members = link.members.iter();
    let member = members.find(|member| member.record == source.record)?;
    let shadow = Document::from_plugin(member.shadow.as_deref()?).ok()?;
    shadow.at(BILLED).is_some().then_some(shadow)
}

/// An invoice that exists and may stay as it is.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Its id in the ledger.
    pub(crate) id: String,
    /// For sentences.
    pub(crate) name: String,
    /// Its link.
    pub(crate) link: LinkIntent,
    /// Set if its link is made with this plan.
    pub(crate) adoption: Option<Adoption>,
}

/// An invoice that stands, held against its deal.
#[derive(Debug, Clone)]
pub(crate) enum Checked<'a> {
    /// It is what the deal wants.
    Kept(Kept),
    /// The deal wants something else now.
    Changed(amend::Standing<'a>),
}

/// Checks an invoice that stands for a part against the deal as it is now.
pub(crate) fn check<'a>(
    index: &Index<'a>,
    source: &Source,
    part: u32,
    standing: &Standing<'a>,
    now: &Billed<'_>,
) -> Result<Checked<'a>, Stop> {
    match standing {
        Standing::Nothing => Err(say::nothing_stands()),
        Standing::Twice(ids) => Err(twice(index, ids)),
        Standing::Linked { link, id } => {
            let seen = index.input.observed.invoices.get(*id);
            if let Some(seen) = seen {
                alive(index, id, seen)?;
            }
            if changed(index, source, link, seen, now) {
                return amendable(index, source, part, standing).map(Checked::Changed);
            }
            Ok(Checked::Kept(Kept {
                id: (*id).to_owned(),
                name: named(index, id),
                link: intent(source, link.id.clone(), now),
                adoption: None,
            }))
        }
        Standing::Unlinked { id } => {
            let key = index.billing_key(source, part);
            if index.unresolved_billing(&key) {
                return Err(say::unresolved());
            }
            let Some(seen) = index.input.observed.invoices.get(*id) else {
                return Err(say::nothing_stands());
            };
            alive(index, id, seen)?;
            if differs(index, &seen.value, now) {
                return amendable(index, source, part, standing).map(Checked::Changed);
            }
            let link = intent(source, key, now);
            let adoption = Adoption {
                link: link.clone(),
                ledger_record: index.ledger_record(INVOICE, id),
                version: seen.version.clone(),
                shadow: None,
                subject: deal::subject(index.input, source, part),
                why: why::adopted_invoice(&named(index, id)),
            };
            Ok(Checked::Kept(Kept {
                id: (*id).to_owned(),
                name: named(index, id),
                link,
                adoption: Some(adoption),
            }))
        }
    }
}

/// An invoice that isn't as its deal wants it, with all that decides what may happen to it.
pub(crate) fn amendable<'a>(
    index: &Index<'a>,
    source: &Source,
    part: u32,
    standing: &Standing<'a>,
) -> Result<amend::Standing<'a>, Stop> {
    let (id, link, shadow, reference) = match standing {
        Standing::Nothing => return Err(say::nothing_stands()),
        Standing::Twice(ids) => return Err(twice(index, ids)),
        Standing::Linked { link, id } => {
            let record = index.ledger_record(INVOICE, id);
            let before = billed_before(source, link);
            let reference = before.and_then(|before| Some(before.text(REFERENCE)?.to_owned()));
            let shadow = amend::shadow_of(link, &record);
            (*id, link.id.clone(), shadow, reference)
        }
        Standing::Unlinked { id } => (*id, index.billing_key(source, part), None, None),
    };
    let Some(seen) = index.input.observed.invoices.get(id) else {
        return Err(say_amend::not_visible(&named(index, id)));
    };
    alive(index, id, seen)?;
    Ok(amend::Standing {
        id,
        name: named(index, id),
        link,
        seen,
        shadow,
        reference,
    })
}

/// What keeps a deal from being billed, told of one that is billed: with its invoice, for which no other one is to be named.
pub(crate) fn billed_already(stop: Stop, name: &str, id: &str, version: &str) -> Stop {
    let Stop::Hold(mut said) = stop else {
        return stop;
    };
    if said.reason == reason::CHANGED_AFTER_INVOICING {
        return Stop::Hold(said);
    }
    said.message = say::billed_already(name, &said.message);
    if remedies(said.reason).contains(&Remedy::Link(&[INVOICE])) {
        said.shown.standing = Some(ShownRecord {
            id: RecordId::from(id),
            version: version.to_owned(),
            may: May::Stay,
        });
    }
    Stop::Hold(said)
}

fn twice(index: &Index<'_>, ids: &[&str]) -> Stop {
    let names: Vec<String> = ids.iter().map(|id| named(index, id)).collect();
    say::key_stands_twice(&names)
}

/// The link of a part.
pub(crate) fn intent(source: &Source, key: String, billed: &Billed<'_>) -> LinkIntent {
    LinkIntent {
        id: key,
        role: Role::Billing,
        source: source.record.clone(),
        source_shadow: Some(billed.shadow()),
    }
}

pub(crate) fn alive(index: &Index<'_>, id: &str, seen: &Seen<ledger::Invoice>) -> Result<(), Stop> {
    let status = seen.value.status.as_deref().unwrap_or_default();
    if seen.presence != Presence::Present || matches!(status, "voided" | "deleted") {
        return Err(say::voided(&named(index, id)));
    }
    Ok(())
}

/// Whether the deal is another than the one that was billed: by what was kept then, else by the invoice's sum.
fn changed(
    index: &Index<'_>,
    source: &Source,
    link: &Link,
    seen: Option<&Seen<ledger::Invoice>>,
    now: &Billed<'_>,
) -> bool {
    match billed_before(source, link) {
        Some(before) => before.at(BILLED) != now.kept().at(BILLED),
        None => seen.is_some_and(|seen| differs(index, &seen.value, now)),
    }
}

fn differs(index: &Index<'_>, invoice: &ledger::Invoice, now: &Billed<'_>) -> bool {
    let sum = match index.input.policy.billing.amounts {
        Amounts::Exclusive => invoice.sub_total,
        Amounts::Inclusive | Amounts::NoTax => invoice.total,
    };
    let currency = invoice.currency.as_deref();
    sum.is_some_and(|sum| sum != now.amount)
        || currency.is_some_and(|currency| currency != now.currency)
}

pub(crate) fn named(index: &Index<'_>, id: &str) -> String {
    let seen = index.input.observed.invoices.get(id);
    let number = seen
        .and_then(|seen| seen.value.number.as_deref())
        .filter(|n| !n.is_empty());
    say::invoice_name(number, id)
}
