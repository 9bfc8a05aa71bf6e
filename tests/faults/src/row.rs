//! The rows: for each registered kind of write, when the story writes it and what its request looks like at the far side.
//!
//! A registered kind that has no row here is told by [`missing`], and the gate fails.

use crate::world::World;
use footbridge_model::write_kind::{Unique, WRITE_KINDS, WriteKind};
use footbridge_simulators::faults::{Fault, FaultRule, Faults};

/// Which vendor takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// The ledger.
    Xero,
    /// The CRM.
    Salesforce,
}

/// When the story writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chapter {
    /// Salesforce is set up.
    SetUp,
    /// Three won deals are billed.
    Won,
    /// Their customers pay.
    Paid,
    /// The bank takes the payments back.
    TakenBack,
    /// Instead of all that, the customers move: their accounts are changed.
    Moved,
    /// Or they have another telephone: their contacts are changed.
    Phoned,
    /// Or the deals change after they were billed.
    Amended,
}

/// A row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The kind's registered name.
    pub name: &'static str,
    /// Who takes it.
    pub vendor: Vendor,
    /// When.
    pub chapter: Chapter,
    /// Its request's method.
    pub method: &'static str,
    /// How its request's path ends.
    pub path: &'static str,
    /// Its place among the requests of its run, from 1.
    pub nth: u32,
    /// A field of an object that it writes, and what a trigger makes of it.
    pub(crate) rewritten: Option<(&'static str, &'static str, &'static str)>,
    /// Fields that are alike in all its records: what a rule against look-alikes may watch.
    pub(crate) alike: Option<(&'static str, &'static str)>,
}

const DEALS: &str = "/composite/sobjects";
const DOCUMENTS: &str = "/composite/sobjects/Footbridge_Document__c/Key__c";
const PAYMENTS: &str = "/composite/sobjects/Footbridge_Payment__c/Key__c";
const BALANCES: &str = "/composite/sobjects/Footbridge_Balance__c/Key__c";

/// All rows, in the order of the registry.
pub const ROWS: [Row; 13] = [
    xero("ledger customer, create", "/Contacts", 1),
    xero("ledger invoice, create", "/Invoices", 2),
    Row {
        chapter: Chapter::Moved,
        method: "POST",
        ..xero("ledger customer, update", "/Contacts", 1)
    },
    Row {
        chapter: Chapter::Amended,
        method: "POST",
        ..xero("ledger invoice, update", "/Invoices", 1)
    },
    crm(
        "CRM deal, write-back",
        Chapter::Won,
        DEALS,
        3,
        (
            "Opportunity",
            "Xero_Invoice_Number__c",
            "changed by a trigger",
        ),
        None,
    ),
    crm(
        "CRM customer, update",
        Chapter::Phoned,
        DEALS,
        1,
        ("Account", "Phone", "0000"),
        None,
    ),
    crm(
        "CRM document, create",
        Chapter::Won,
        DOCUMENTS,
        4,
        ("Footbridge_Document__c", "Name", "changed by a trigger"),
        Some(("Footbridge_Document__c", "Currency__c")),
    ),
    crm(
        "CRM document, update",
        Chapter::TakenBack,
        DOCUMENTS,
        2,
        ("Footbridge_Document__c", "Status__c", "draft"),
        None,
    ),
    crm(
        "CRM payment, create",
        Chapter::Paid,
        PAYMENTS,
        1,
        ("Footbridge_Payment__c", "Name", "changed by a trigger"),
        Some(("Footbridge_Payment__c", "Currency__c")),
    ),
    crm(
        "CRM payment, update",
        Chapter::TakenBack,
        PAYMENTS,
        1,
        ("Footbridge_Payment__c", "Status__c", "recorded"),
        None,
    ),
    crm(
        "CRM balance, create",
        Chapter::Won,
        BALANCES,
        5,
        ("Footbridge_Balance__c", "Name", "changed by a trigger"),
        Some(("Footbridge_Balance__c", "Currency__c")),
    ),
    crm(
        "CRM balance, update",
        Chapter::TakenBack,
        BALANCES,
        3,
        ("Footbridge_Balance__c", "Balance__c", "1.00"),
        None,
    ),
    Row {
        method: "POST",
        path: "/metadata/deployRequest",
        rewritten: None,
        ..crm(
            "CRM set-up, deploy",
            Chapter::SetUp,
            "",
            1,
            ("", "", ""),
            None,
        )
    },
];

const fn xero(name: &'static str, path: &'static str, nth: u32) -> Row {
    Row {
        name,
        vendor: Vendor::Xero,
        chapter: Chapter::Won,
        method: "PUT",
        path,
        nth,
        rewritten: None,
        alike: None,
    }
}

const fn crm(
    name: &'static str,
    chapter: Chapter,
    path: &'static str,
    nth: u32,
    rewritten: (&'static str, &'static str, &'static str),
    alike: Option<(&'static str, &'static str)>,
) -> Row {
    Row {
        name,
        vendor: Vendor::Salesforce,
        chapter,
        method: "PATCH",
        path,
        nth,
        rewritten: Some(rewritten),
        alike,
    }
}

impl Row {
    /// Its entry in the registry.
    pub fn kind(&self) -> Option<&'static WriteKind> {
        WRITE_KINDS.iter().find(|kind| kind.name == self.name)
    }

    pub(crate) fn faults(&self, world: &World) -> Faults {
        match self.vendor {
            Vendor::Xero => world.xero.faults().clone(),
            Vendor::Salesforce => world.salesforce.faults(),
        }
    }

    /// The chapters until it is written, its own the last.
    pub(crate) fn story(&self) -> &'static [Chapter] {
        match self.chapter {
            Chapter::SetUp => &[Chapter::SetUp],
            Chapter::Won => &[Chapter::Won],
            Chapter::Paid => &[Chapter::Won, Chapter::Paid],
            Chapter::TakenBack => &[Chapter::Won, Chapter::Paid, Chapter::TakenBack],
            Chapter::Moved => &[Chapter::Won, Chapter::Moved],
            Chapter::Phoned => &[Chapter::Won, Chapter::Phoned],
            Chapter::Amended => &[Chapter::Won, Chapter::Amended],
        }
    }

    /// Whether the far side would take a second one.
    pub(crate) fn is_ours_to_keep_single(&self) -> bool {
        self.kind().is_some_and(|kind| kind.unique == Unique::Ours)
    }

    /// A fault that strikes its next request, and none at another path.
    pub(crate) fn struck_by(&self, fault: Fault) -> FaultRule {
        FaultRule::at(fault, self.method, self.path)
    }

    /// Whether a path, perhaps with a query, is that of its requests.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        let alone = path.split('?').next();
        alone.is_some_and(|path| path.ends_with(self.path))
    }

    /// How many of its requests a far side let in since its counts were reset.
    pub(crate) fn arrived(&self, world: &World) -> u64 {
        let pattern = format!("{} {}", self.method, self.path);
        let counted = match self.vendor {
            Vendor::Xero => world.xero.counts().per_path.get(&pattern).copied(),
            Vendor::Salesforce => world.salesforce.counts().paths.get(&pattern).copied(),
        };
        counted.unwrap_or_default()
    }

    /// Whether it is a set-up, which no flow's run writes.
    pub fn is_set_up(&self) -> bool {
        self.chapter == Chapter::SetUp
    }
}

/// Registered kinds without a row, and rows of kinds that are not registered. Empty: the matrix is complete.
pub fn missing() -> Vec<String> {
    let without = WRITE_KINDS
        .iter()
        .filter(|kind| !ROWS.iter().any(|row| row.name == kind.name))
        .map(|kind| format!("{} has no row in the fault matrix", kind.name));
    let unknown = ROWS
        .iter()
        .filter(|row| row.kind().is_none())
        .map(|row| format!("{} is no registered kind of write", row.name));
    without.chain(unknown).collect()
}
