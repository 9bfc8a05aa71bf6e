//! The files of a deployment: an object with what belongs to it, permission sets, reports. Elements stand in alphabetical order,
//! those of one name together, as Salesforce wants them.

use super::rights::Granted;
use super::wanted::{FOLDER, MARK, Report, Set, VIEWS, View};
use super::xml::{element, file, flag, text};
use crate::receivables::{DOCUMENT, Field, Formula, Kind, Outcome, PAYMENT, Shape};

/// A custom object with all that belongs to it.
pub(crate) fn whole_object(kind: &Kind) -> String {
    let fields: String = kind
        .fields
        .iter()
        .filter(|field| field.shape != Shape::Name)
        .map(field)
        .chain(kind.formulas.iter().map(formula))
        .collect();
    let views: String = VIEWS
        .iter()
        .filter(|view| view.kind.object == kind.object)
        .map(list_view)
        .collect();
    let name = text("label", kind.name_label) + &text("type", "Text");
    let content = [
        text("deploymentStatus", "Deployed"),
        text(
            "description",
            &format!(
                "{MARK}. It keeps these records in step with the ledger; they are not to be edited here."
            ),
        ),
        flag("enableReports", true),
        flag("enableSearch", true),
        fields,
        text("label", kind.label),
        views,
        element("nameField", &name),
        text("pluralLabel", kind.plural),
        text("sharingModel", "Read"),
    ];
    file("CustomObject", &content.concat())
}

/// Some fields and list views of an object that is there.
pub(crate) fn parts_of_object(fields: &[String], views: &[String]) -> String {
    file("CustomObject", &(fields.concat() + &views.concat()))
}

/// A field of ours as an element.
pub(crate) fn field(field: &Field) -> String {
    let name = text("fullName", field.name);
    let label = text("label", field.label);
    let kind = |kind: &str| text("type", kind);
    let length = || text("length", &field.max_length().unwrap_or(255).to_string());
    let digits = |precision: u32, scale: u32| {
        text("precision", &precision.to_string()) + &text("scale", &scale.to_string())
    };
    let lookup = |to: &str, children: &str| {
        [
            text("deleteConstraint", "SetNull"),
            name.clone(),
            label.clone(),
            text("referenceTo", to),
            text("relationshipLabel", &children.replace('_', " ")),
            text("relationshipName", children),
            kind("Lookup"),
        ]
        .concat()
    };
    let content = match field.shape {
        Shape::Key => [
            flag("caseSensitive", false),
            flag("externalId", true),
            name,
            label,
            length(),
            kind("Text"),
            flag("unique", true),
        ]
        .concat(),
        Shape::Name | Shape::Text(_) => [name, label, length(), kind("Text")].concat(),
        Shape::Link => [name, label, kind("Url")].concat(),
        Shape::Choice(values) => {
            let values: String = values
                .iter()
                .map(|(value, shown)| {
                    let value =
                        text("fullName", value) + &flag("default", false) + &text("label", shown);
                    element("value", &value)
                })
                .collect();
            let set = flag("restricted", true)
                + &element("valueSetDefinition", &(flag("sorted", false) + &values));
            [name, label, kind("Picklist"), element("valueSet", &set)].concat()
        }
        Shape::Amount => [name, label, digits(18, 2), kind("Number")].concat(),
        Shape::Rate => [name, label, digits(18, 8), kind("Number")].concat(),
        Shape::Count(scale) => [name, label, digits(9, scale), kind("Number")].concat(),
        Shape::Date => [name, label, kind("Date")].concat(),
        Shape::Flag => [flag("defaultValue", false), name, label, kind("Checkbox")].concat(),
        Shape::Lookup { to, children } | Shape::ByKey { to, children } => lookup(to, children),
    };
    element("fields", &content)
}

/// A formula of ours as an element.
pub(crate) fn formula(formula: &Formula) -> String {
    let digits = match formula.result {
        Outcome::Whole => text("precision", "18") + &text("scale", "0"),
        Outcome::Flag | Outcome::Text => String::new(),
    };
    let kind = match formula.result {
        Outcome::Flag => "Checkbox",
        Outcome::Whole => "Number",
        Outcome::Text => "Text",
    };
    let content = [
        text("formula", formula.text),
        text("formulaTreatBlanksAs", "BlankAsZero"),
        text("fullName", formula.name),
        text("label", formula.label),
        digits,
        text("type", kind),
    ];
    element("fields", &content.concat())
}

/// A list view as an element.
pub(crate) fn list_view(view: &View) -> String {
    let columns: String = view
        .columns
        .iter()
        .map(|column| text("columns", column))
        .collect();
    let filters: String = view
        .filters
        .iter()
        .map(|(field, operation, value)| {
            let filter =
                text("field", field) + &text("operation", operation) + &text("value", value);
            element("filters", &filter)
        })
        .collect();
    let content = [
        text("fullName", view.name),
        columns,
        text("filterScope", "Everything"),
        filters,
        text("label", view.label),
    ];
    element("listViews", &content.concat())
}

/// The tab of an object.
pub(crate) fn tab() -> String {
    let content = flag("customObject", true) + &text("motif", "Custom17: Sack");
    file("CustomTab", &content)
}

/// The name of an object's first layout.
pub(crate) fn layout_name(kind: &Kind) -> String {
    format!("{}-{} Layout", kind.object, kind.label)
}

/// The first layout of a new object: every field, in two columns, to be read.
pub(crate) fn layout(kind: &Kind) -> String {
    let names: Vec<&str> = std::iter::once("Name")
        .chain(kind.formulas.iter().map(|formula| formula.name))
        .chain(
            kind.fields
                .iter()
                .map(|field| field.name)
                .filter(|name| *name != "Name"),
        )
        .collect();
    let item = |name: &&str| {
        let behaviour = if **name == *"Name" {
            "Required"
        } else {
            "Readonly"
        };
        element(
            "layoutItems",
            &(text("behavior", behaviour) + &text("field", name)),
        )
    };
    let (left, right) = names.split_at(names.len().div_ceil(2));
    let column =
        |names: &[&str]| element("layoutColumns", &names.iter().map(item).collect::<String>());
    let section = [
        flag("customLabel", true),
        flag("detailHeading", true),
        flag("editHeading", true),
        text("label", kind.name_label),
        column(left),
        column(right),
        text("style", "TwoColumnsTopToBottom"),
    ];
    let mut content = element("layoutSections", &section.concat());
    if kind.object == DOCUMENT.object {
        let columns: String = ["NAME", "Kind__c", "Status__c", "Date__c", "Amount__c"]
            .map(|name| text("fields", name))
            .concat();
        let list = text("relatedList", &format!("{}.Document__c", PAYMENT.object));
        content.push_str(&element("relatedLists", &(columns + &list)));
    }
    file("Layout", &content)
}

/// A permission set that gives all of this.
pub(crate) fn permission_set(set: &Set, granted: &Granted, tabs: &[&str]) -> String {
    let fields: String = granted
        .fields
        .iter()
        .map(|(name, rights)| {
            let content = flag("editable", rights.edit)
                + &text("field", name)
                + &flag("readable", rights.read);
            element("fieldPermissions", &content)
        })
        .collect();
    let objects: String = granted
        .objects
        .iter()
        .map(|(name, rights)| {
            let content = [
                flag("allowCreate", rights.create),
                flag("allowDelete", rights.delete),
                flag("allowEdit", rights.edit),
                flag("allowRead", rights.read),
                flag("modifyAllRecords", rights.modify_all),
                text("object", name),
                flag("viewAllRecords", rights.view_all),
            ];
            element("objectPermissions", &content.concat())
        })
        .collect();
    let tabs: String = tabs
        .iter()
        .map(|tab| {
            element(
                "tabSettings",
                &(text("tab", tab) + &text("visibility", "Visible")),
            )
        })
        .collect();
    let content = [
        text("description", set.description),
        fields,
        flag("hasActivationRequired", false),
        text("label", set.label),
        objects,
        tabs,
    ];
    file("PermissionSet", &content.concat())
}

/// The folder of the reports: everybody may look.
pub(crate) fn report_folder() -> String {
    let shares = text("accessLevel", "View") + &text("sharedToType", "Organization");
    file(
        "ReportFolder",
        &(element("folderShares", &shares) + &text("name", FOLDER)),
    )
}

/// A report.
pub(crate) fn report(report: &Report) -> String {
    let object = report.kind.object;
    let full = |name: &str| format!("{object}.{name}");
    let plain = |name: &str| element("columns", &text("field", name));
    let columns: String = std::iter::once(plain("CUST_NAME"))
        .chain(report.columns.iter().map(|name| plain(&full(name))))
        .chain(report.sums.iter().map(|name| {
            element(
                "columns",
                &(text("aggregateTypes", "Sum") + &text("field", &full(name))),
            )
        }))
        .collect();
    let criteria: String = report
        .filters
        .iter()
        .map(|(field, operator, value)| {
            let content =
                text("column", &full(field)) + &text("operator", operator) + &text("value", value);
            element("criteriaItems", &content)
        })
        .collect();
    let filter = match criteria.is_empty() {
        true => String::new(),
        false => element("filter", &criteria),
    };
    let groups: String = report
        .groups
        .iter()
        .map(|field| {
            let content = text("dateGranularity", "Day")
                + &text("field", &full(field))
                + &text("sortOrder", "Asc");
            element("groupingsDown", &content)
        })
        .collect();
    let frame = text("dateColumn", "CUST_CREATED_DATE") + &text("interval", "INTERVAL_CUSTOM");
    let content = [
        columns,
        text("description", report.description),
        filter,
        text("format", "Summary"),
        groups,
        text("name", report.label),
        text("reportType", &format!("CustomEntity${object}")),
        text("scope", "organization"),
        flag("showDetails", true),
        element("timeFrameFilter", &frame),
    ];
    file("Report", &content.concat())
}
