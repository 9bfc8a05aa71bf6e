//! What was given, ordered for look-ups: links by record, invoices by our key, customers by name and number.
//!
//! Built once per plan; everything is sorted, so the order of the input's lists can't show in the plan.

use crate::input::{PlanInput, Seen, Source};
use crate::matching::{exact_name, loose_name};
use footbridge_model::id::{ObjectName, RecordId, RecordKey};
use footbridge_model::ledger;
use footbridge_model::link::{Link, Member, Role};
use footbridge_model::plan::billing_key;
use std::collections::{BTreeMap, BTreeSet};

/// The ledger's customers in plans and links.
pub(crate) const CUSTOMER: &str = "customer";
/// The ledger's invoices in plans and links.
pub(crate) const INVOICE: &str = "invoice";
/// The natural key of customers.
pub(crate) const NUMBER: &str = "number";
/// The natural key of invoices.
pub(crate) const URL: &str = "url";
/// The natural key of source records.
pub(crate) const ID: &str = "id";
/// Before our key in a URL.
const KEY_PARAMETER: &str = "footbridge=";

/// The look-ups.
pub(crate) struct Index<'a> {
    pub(crate) input: &'a PlanInput<'a>,
    links_of: BTreeMap<Role, BTreeMap<&'a RecordKey, Vec<&'a Link>>>,
    links_by_id: BTreeMap<&'a str, &'a Link>,
    invoices_by_key: BTreeMap<&'a str, BTreeSet<&'a str>>,
    invoices_of: BTreeMap<&'a str, Vec<(&'a str, &'a Seen<ledger::Invoice>)>>,
    unresolved_billing: BTreeSet<&'a str>,
    by_number: BTreeMap<&'a str, Vec<&'a str>>,
    by_exact_name: BTreeMap<String, Vec<&'a str>>,
    by_loose_name: BTreeMap<String, Vec<&'a str>>,
    invoice_numbers: BTreeSet<&'a str>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(input: &'a PlanInput<'a>) -> Self {
        let mut index = Self {
            input,
            links_of: BTreeMap::new(),
            links_by_id: BTreeMap::new(),
            invoices_by_key: BTreeMap::new(),
            invoices_of: BTreeMap::new(),
            unresolved_billing: BTreeSet::new(),
            by_number: BTreeMap::new(),
            by_exact_name: BTreeMap::new(),
            by_loose_name: BTreeMap::new(),
            invoice_numbers: BTreeSet::new(),
        };
        index.links();
        index.invoices();
        index.customers();
        index
    }

    fn links(&mut self) {
        let mut links: Vec<_> = self.input.links.iter().collect();
        links.sort_by(|a, b| a.id.cmp(&b.id));
        for link in links {
            self.links_by_id.insert(&link.id, link);
            for member in &link.members {
                self.links_of
                    .entry(link.role)
                    .or_default()
                    .entry(&member.record)
                    .or_default()
                    .push(link);
            }
        }
    }

    fn invoices(&mut self) {
        for (id, seen) in &self.input.observed.invoices {
            self.invoices_of
                .entry(&seen.value.customer)
                .or_default()
                .push((id, seen));
            if let Some(key) = seen.value.url.as_deref().and_then(our_key) {
                self.invoices_by_key.entry(key).or_default().insert(id);
            }
            if let Some(number) = &seen.value.number
                && seen.value.kind.as_deref() != Some("payable")
            {
                self.invoice_numbers.insert(number);
            }
        }
        let unresolved = self.input.unresolved.iter();
        self.unresolved_billing = unresolved
            .filter(|(object, field, _)| object == INVOICE && field == URL)
            .filter_map(|(_, _, url)| our_key(url))
            .collect();
    }

    fn customers(&mut self) {
        for (id, seen) in &self.input.observed.customers {
            let customer = &seen.value;
            if let Some(number) = customer.number.as_deref().filter(|n| !n.is_empty()) {
                self.by_number.entry(number).or_default().push(id);
            }
            self.by_exact_name
                .entry(exact_name(&customer.name))
                .or_default()
                .push(id);
            self.by_loose_name
                .entry(loose_name(&customer.name))
                .or_default()
                .push(id);
        }
    }

    /// The id of a ledger record in a link, if the link has one.
    pub(crate) fn ledger_member(&self, link: &'a Link, object: &str) -> Option<&'a Member> {
        self.ledger_members(link, object).next()
    }

    /// The ledger records of an object in a link.
    pub(crate) fn ledger_members<'s>(
        &'s self,
        link: &'a Link,
        object: &'s str,
    ) -> impl Iterator<Item = &'a Member> + 's {
        let (connection, organisation) = &self.input.ledger;
        link.members.iter().filter(move |member| {
            member.record.connection == *connection
                && member.record.organisation == *organisation
                && member.record.object.as_str() == object
        })
    }

    /// Whether a ledger record is a member of the link.
    pub(crate) fn is_member(&self, link: &Link, object: &str, id: &str) -> bool {
        let record = self.ledger_record(object, id);
        link.members.iter().any(|member| member.record == record)
    }

    /// Whether an invoice is linked with another deal, or carries the key of one.
    pub(crate) fn invoice_of_other(&self, id: &str, deal: &RecordKey) -> bool {
        let record = self.ledger_record(INVOICE, id);
        let links = self
            .input
            .links
            .iter()
            .filter(|link| link.members.iter().any(|member| member.record == record));
        links.flat_map(|link| &link.members).any(|member| {
            member.record.connection == self.input.source.0 && member.record.id != deal.id
        })
    }

    /// Links that a record is a member of, in the order of their ids.
    pub(crate) fn links_of(&self, record: &RecordKey, role: Role) -> &[&'a Link] {
        let links = self.links_of.get(&role);
        links
            .and_then(|links| links.get(record))
            .map_or(&[], Vec::as_slice)
    }

    pub(crate) fn link(&self, id: &str) -> Option<&'a Link> {
        self.links_by_id.get(id).copied()
    }

    /// Ids of the invoices that carry a billing key.
    pub(crate) fn carriers(&self, key: &str) -> Vec<&'a str> {
        self.invoices_by_key
            .get(key)
            .map(|ids| ids.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Invoices of a ledger customer, with their ids.
    pub(crate) fn invoices_of(&self, customer: &str) -> &[(&'a str, &'a Seen<ledger::Invoice>)] {
        self.invoices_of.get(customer).map_or(&[], Vec::as_slice)
    }

    /// Whether a receivable invoice with this number was seen.
    pub(crate) fn number_seen(&self, number: &str) -> bool {
        self.invoice_numbers.contains(number)
    }

    pub(crate) fn customers_numbered(&self, number: &str) -> &[&'a str] {
        self.by_number.get(number).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn customers_named(&self, exact: &str) -> &[&'a str] {
        self.by_exact_name.get(exact).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn customers_like(&self, loose: &str) -> &[&'a str] {
        self.by_loose_name.get(loose).map_or(&[], Vec::as_slice)
    }

    /// Whether another source record is linked with this ledger customer.
    pub(crate) fn taken_by_other(&self, ledger_id: &str, source: &RecordKey) -> bool {
        let members = self.input.links.iter().filter(|link| {
            link.role == Role::Customer
                && self
                    .ledger_member(link, CUSTOMER)
                    .is_some_and(|member| member.record.id.as_str() == ledger_id)
        });
        members.flat_map(|link| &link.members).any(|member| {
            member.record.connection == self.input.source.0
                && (member.record.object != source.object || member.record.id != source.id)
        })
    }

    /// Whether a write under this natural key isn't resolved.
    pub(crate) fn unresolved(&self, object: &str, field: &str, value: &str) -> bool {
        let key = (object.to_owned(), field.to_owned(), value.to_owned());
        self.input.unresolved.contains(&key)
    }

    /// Whether a write of the invoice with this billing key isn't resolved, whatever its URL looked like then.
    pub(crate) fn unresolved_billing(&self, key: &str) -> bool {
        self.unresolved_billing.contains(key)
    }

    pub(crate) fn billing_key(&self, deal: &Source, part: u32) -> String {
        billing_key(&deal.record, &self.input.ledger.1, part)
    }

    /// A record of the ledger.
    pub(crate) fn ledger_record(&self, object: &str, id: &str) -> RecordKey {
        RecordKey {
            connection: self.input.ledger.0.clone(),
            organisation: self.input.ledger.1.clone(),
            object: ObjectName::from(object),
            id: RecordId::from(id),
        }
    }

    /// The URL of a deal's part: opens the deal, and carries our key.
    pub(crate) fn url(&self, deal: &Source, key: &str) -> String {
        let base = &self.input.record_url;
        let joint = if base.contains('?') { '&' } else { '?' };
        format!("{base}{}{joint}{KEY_PARAMETER}{key}", deal.record.id)
    }
}

/// Our key in a URL, if it carries one.
pub(crate) fn our_key(url: &str) -> Option<&str> {
    url.split(['?', '&', '#'])
        .skip(1)
        .find_map(|parameter| parameter.strip_prefix(KEY_PARAMETER))
        .filter(|key| key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::our_key;

    #[test]
    fn our_key_in_a_url() {
        let key = "0123456789abcdef0123456789abcdef";
        for url in [
            format!("https://crm.example/006?footbridge={key}"),
            format!("https://crm.example/open?id=006&footbridge={key}"),
            format!("https://crm.example/?footbridge={key}&x=1#top"),
        ] {
            assert_eq!(our_key(&url), Some(key), "{url}");
        }
        for url in [
            "https://crm.example/006",
            "footbridge=0123456789abcdef0123456789abcdef",
            "https://x/?footbridge=12",
            "",
        ] {
            assert_eq!(our_key(url), None, "{url}");
        }
    }
}
