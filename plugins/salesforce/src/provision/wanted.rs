//! All that shall be there beside objects and fields (`receivables` has those): rights, views, related lists, reports. Data only.

use crate::receivables::{BALANCE, DOCUMENT, Kind, PAYMENT};

/// Stands in the description of what we make, so that we know it again.
pub(crate) const MARK: &str = "Made by Footbridge";

/// A permission set.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) access: Access,
    pub(crate) description: &'static str,
}

/// What a permission set gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything, to the user that Footbridge runs as.
    Full,
    /// Reading, to people.
    Read,
}

/// For the user that Footbridge runs as.
pub(crate) const SYNC: Set = Set {
    name: "Footbridge_Sync",
    label: "Footbridge Sync",
    access: Access::Full,
    description: "Made by Footbridge. For the user that Footbridge runs as, and nobody else.",
};

/// For people.
pub(crate) const READ: Set = Set {
    name: "Footbridge_Read",
    label: "Footbridge Read",
    access: Access::Read,
    description: "Made by Footbridge. Lets people read invoices, payments and balances of the ledger. Nothing can be changed with it.",
};

/// Both.
pub(crate) const SETS: [&Set; 2] = [&SYNC, &READ];

/// A list view.
pub(crate) struct View {
    pub(crate) kind: &'static Kind,
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) columns: &'static [&'static str],
    /// Field, operation, value.
    pub(crate) filters: &'static [(&'static str, &'static str, &'static str)],
}

const DOCUMENT_COLUMNS: &[&str] = &[
    "NAME",
    "Account__c",
    "Shown_Status__c",
    "Date__c",
    "Due_Date__c",
    "Total__c",
    "Amount_Due__c",
    "Currency__c",
];

/// All of them.
pub(crate) const VIEWS: [View; 5] = [
    View {
        kind: &DOCUMENT,
        name: "Footbridge_Open",
        label: "Open invoices",
        columns: DOCUMENT_COLUMNS,
        filters: &[("Amount_Due__c", "greaterThan", "0")],
    },
    View {
        kind: &DOCUMENT,
        name: "Footbridge_Overdue",
        label: "Overdue invoices",
        columns: &[
            "NAME",
            "Account__c",
            "Days_Overdue__c",
            "Age_Bucket__c",
            "Due_Date__c",
            "Amount_Due__c",
            "Currency__c",
        ],
        filters: &[("Overdue__c", "equals", "1")],
    },
    View {
        kind: &DOCUMENT,
        name: "Footbridge_Unallocated_Credits",
        label: "Unallocated credits",
        columns: &[
            "NAME",
            "Account__c",
            "Kind__c",
            "Date__c",
            "Remaining_Credit__c",
            "Currency__c",
        ],
        filters: &[("Remaining_Credit__c", "greaterThan", "0")],
    },
    View {
        kind: &PAYMENT,
        name: "Footbridge_Payments",
        label: "Payments",
        columns: &[
            "NAME",
            "Account__c",
            "Document__c",
            "Kind__c",
            "Status__c",
            "Date__c",
            "Amount__c",
            "Currency__c",
        ],
        filters: &[],
    },
    View {
        kind: &BALANCE,
        name: "Footbridge_Balances",
        label: "Balances",
        columns: &[
            "NAME",
            "Account__c",
            "Currency__c",
            "Invoiced_Due__c",
            "Unallocated_Credits__c",
            "Balance__c",
            "Overdue__c",
        ],
        filters: &[],
    },
];

/// A related list on the layouts of a standard object.
pub(crate) struct Related {
    /// Whose layouts.
    pub(crate) on: &'static str,
    pub(crate) kind: &'static Kind,
    pub(crate) lookup: &'static str,
    pub(crate) columns: &'static [&'static str],
}

impl Related {
    /// As a layout names it.
    pub(crate) fn list(&self) -> String {
        format!("{}.{}", self.kind.object, self.lookup)
    }
}

const DOCUMENT_LIST: &[&str] = &[
    "NAME",
    "Shown_Status__c",
    "Due_Date__c",
    "Total__c",
    "Amount_Due__c",
    "Currency__c",
];

/// All of them, in the order in which they are added.
pub(crate) const RELATED: [Related; 4] = [
    Related {
        on: "Account",
        kind: &BALANCE,
        lookup: "Account__c",
        columns: &[
            "NAME",
            "Balance__c",
            "Overdue__c",
            "Unallocated_Credits__c",
            "Currency__c",
        ],
    },
    Related {
        on: "Account",
        kind: &DOCUMENT,
        lookup: "Account__c",
        columns: DOCUMENT_LIST,
    },
    Related {
        on: "Account",
        kind: &PAYMENT,
        lookup: "Account__c",
        columns: &["NAME", "Kind__c", "Status__c", "Date__c", "Amount__c"],
    },
    Related {
        on: "Opportunity",
        kind: &DOCUMENT,
        lookup: "Opportunity__c",
        columns: DOCUMENT_LIST,
    },
];

/// The objects whose layouts get related lists.
pub(crate) const LAID_OUT: [&str; 2] = ["Account", "Opportunity"];

/// The folder of the reports: its name and what people read.
pub(crate) const FOLDER: &str = "Footbridge";

/// A report.
pub(crate) struct Report {
    pub(crate) kind: &'static Kind,
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) description: &'static str,
    /// Fields to group by, outermost first.
    pub(crate) groups: &'static [&'static str],
    pub(crate) columns: &'static [&'static str],
    /// Columns that are summed.
    pub(crate) sums: &'static [&'static str],
    /// Field, operation, value.
    pub(crate) filters: &'static [(&'static str, &'static str, &'static str)],
}

/// All of them.
pub(crate) const REPORTS: [Report; 2] = [
    Report {
        kind: &DOCUMENT,
        name: "Receivables_By_Age",
        label: "Receivables by age",
        description: "What is due on invoices, by currency and by how long it is overdue today.",
        groups: &["Currency__c", "Age_Bucket__c"],
        columns: &["Account__c", "Due_Date__c", "Days_Overdue__c"],
        sums: &["Amount_Due__c", "Base_Amount_Due__c"],
        filters: &[("Amount_Due__c", "greaterThan", "0")],
    },
    Report {
        kind: &BALANCE,
        name: "Receivables_By_Customer",
        label: "Receivables by customer and currency",
        description: "Each customer's balance in each currency: due on invoices less credits that are not allocated.",
        groups: &["Account__c", "Currency__c"],
        columns: &["Open_Documents__c", "Average_Days_To_Pay__c"],
        sums: &[
            "Invoiced_Due__c",
            "Unallocated_Credits__c",
            "Balance__c",
            "Overdue__c",
            "Base_Balance__c",
        ],
        filters: &[],
    },
];

/// Most custom fields that an object may have, by the edition's name in Organization.OrganizationType. Others take hundreds.
pub(crate) const FIELD_LIMITS: [(&str, usize); 1] = [("Starter", 25)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_lists_and_reports_only_name_fields_that_there_are() {
        let there = |kind: &Kind, name: &str| {
            name == "NAME"
                || kind.fields.iter().any(|field| field.name == name)
                || kind.formulas.iter().any(|formula| formula.name == name)
        };
        for view in &VIEWS {
            for name in view
                .columns
                .iter()
                .chain(view.filters.iter().map(|filter| &filter.0))
            {
                assert!(there(view.kind, name), "{}: {name}", view.name);
            }
        }
        for related in &RELATED {
            for name in related.columns.iter().chain([&related.lookup]) {
                assert!(there(related.kind, name), "{}: {name}", related.list());
            }
        }
        for report in &REPORTS {
            let filters = report.filters.iter().map(|filter| &filter.0);
            for name in report
                .groups
                .iter()
                .chain(report.columns)
                .chain(report.sums)
                .chain(filters)
            {
                assert!(there(report.kind, name), "{}: {name}", report.name);
            }
            assert!(report.label.len() <= 40);
        }
    }
}
