//! The wish `present`: what is missing or differs, and the next requests that make it.
//!
//! First one deployment with all that can be deployed, all or nothing; once it is there, the assignment and the related lists.
//! Where an object or field can't be as it shall be, nothing is made at all: half of it would be written to in vain.

use footbridge_sdk::connector::writes::{Method, RequestHeader, WriteRequest};
use footbridge_sdk::failure::Code;
use footbridge_sdk::provisioner::provision::{Findings, Kind as PartKind, Part, State};
use serde_json::json;

use super::package::Package;
use super::parts::{cannot, differing, is_open, part, told};
use super::rights::Granted;
use super::there::{Object, Org};
use super::wanted::{FIELD_LIMITS, FOLDER, REPORTS, SETS, SYNC, Set, VIEWS};
use super::{fields, layouts, metadata};
use crate::ids;
use crate::pages::SERVICE;
use crate::receivables::{self, Kind, Shape};

/// Everything that the wish comes to.
pub(crate) fn findings(org: &Org) -> Findings {
    let mut parts = Vec::new();
    for kind in receivables::ALL {
        parts.extend(of_object(org, kind));
    }
    for set in SETS {
        parts.push(of_set(org, set));
    }
    parts.push(assignment(org));
    parts.extend(of_reports(org));
    parts.extend(layouts::parts(org));
    Findings {
        next: next(org, &parts),
        under_way: org.under_way.clone(),
        notes: notes(org),
        parts,
    }
}

fn notes(org: &Org) -> Vec<String> {
    match org.storage_left {
        Some(0) => vec![
            "Salesforce has no data storage left: everything can be set up, and no record will fit until something is deleted there or more is bought.".to_owned(),
        ],
        Some(left) if left <= 5 => vec![format!(
            "Salesforce has {left} MB of data storage left; a record takes about 2 KB, so some {} records fit.",
            left.saturating_mul(500)
        )],
        _ => Vec::new(),
    }
}

/// How many custom fields a kind needs.
fn count(kind: &Kind) -> usize {
    let stored = kind
        .fields
        .iter()
        .filter(|field| field.shape != Shape::Name);
    stored.count() + kind.formulas.len()
}

/// The most custom fields that this edition takes, if that is less than needed.
fn too_few(org: &Org, kind: &Kind) -> Option<usize> {
    FIELD_LIMITS
        .iter()
        .find(|(edition, _)| org.edition.contains(edition))
        .map(|(_, most)| *most)
        .filter(|most| *most < count(kind))
}

fn of_object(org: &Org, kind: &'static Kind) -> Vec<Part> {
    let there = org.objects.get(kind.object);
    let state = match (there, too_few(org, kind)) {
        (Some(_), _) => State::Present,
        (None, Some(most)) => cannot(
            Code::Settings,
            format!(
                "{} allows {most} custom fields on an object, and this one needs {}. Nothing is set up. A larger edition takes it.",
                org.edition,
                count(kind)
            ),
        ),
        (None, None) => State::Missing,
    };
    let mut parts = vec![part(PartKind::Object, kind.object, kind.label, state)];
    let stored = kind
        .fields
        .iter()
        .filter(|field| field.shape != Shape::Name)
        .map(|field| (field.name, field.label, fields::wished(field)));
    let formulas = kind
        .formulas
        .iter()
        .map(|formula| (formula.name, formula.label, fields::worked_out(formula)));
    for (name, label, wished) in stored.chain(formulas) {
        let full = format!("{}.{name}", kind.object);
        let state = match there.and_then(|object| field_there(object, name)) {
            None => State::Missing,
            // Made by us just now; its definition is seen once the permission set is assigned.
            Some((_, None)) => State::Present,
            Some((own, Some(known))) => {
                fields::compare(&format!("{}.{own}", kind.object), known, &wished)
            }
        };
        parts.push(part(PartKind::Field, full, label, state));
    }
    let missing = |there: bool| {
        if there {
            State::Present
        } else {
            State::Missing
        }
    };
    // A layout that is there is somebody's.
    parts.push(part(
        PartKind::Layout,
        metadata::layout_name(kind),
        kind.label,
        missing(there.is_some()),
    ));
    parts.push(part(
        PartKind::Tab,
        kind.object,
        kind.plural,
        missing(org.tabs.contains(kind.object)),
    ));
    for view in VIEWS.iter().filter(|view| view.kind.object == kind.object) {
        let full = format!("{}.{}", kind.object, view.name);
        let state = missing(org.views.contains(&full));
        parts.push(part(PartKind::ListView, full, view.label, state));
    }
    parts
}

/// A field of that name, as Salesforce compares names.
fn field_there<'o>(
    object: &'o Object,
    name: &str,
) -> Option<(&'o String, Option<&'o fields::Described>)> {
    object
        .fields
        .iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(own, known)| (own, known.as_ref()))
}

fn of_set(org: &Org, set: &Set) -> Part {
    let state = match org.sets.get(set.name) {
        None => State::Missing,
        Some(there) => differing(there.granted.lacking(&Granted::wished(set))),
    };
    part(PartKind::PermissionSet, set.name, set.label, state)
}

fn assignment(org: &Org) -> Part {
    let assigned = org.sets.get(SYNC.name).is_some_and(|set| {
        set.assigned
            .iter()
            .any(|(_, user)| ids::same(user, &org.user))
    });
    let state = if assigned {
        State::Present
    } else {
        State::Missing
    };
    part(
        PartKind::Assignment,
        SYNC.name,
        "Footbridge Sync, to the user of this connection",
        state,
    )
}

fn of_reports(org: &Org) -> Vec<Part> {
    let missing = |there: bool| {
        if there {
            State::Present
        } else {
            State::Missing
        }
    };
    let folder = part(
        PartKind::ReportFolder,
        FOLDER,
        FOLDER,
        missing(org.folder.is_some()),
    );
    let reports = REPORTS.iter().map(|report| {
        part(
            PartKind::Report,
            format!("{FOLDER}/{}", report.name),
            report.label,
            missing(org.reports.contains(report.name)),
        )
    });
    std::iter::once(folder).chain(reports).collect()
}

/// What may be sent now.
fn next(org: &Org, parts: &[Part]) -> Vec<WriteRequest> {
    let blocked = parts.iter().any(|part| {
        matches!(part.kind, PartKind::Object | PartKind::Field)
            && matches!(part.state, State::Cannot(_))
    });
    if blocked || org.under_way.is_some() {
        return Vec::new();
    }
    let open: Vec<&Part> = parts.iter().filter(|part| is_open(part)).collect();
    let deployed: Vec<&Part> = open
        .iter()
        .copied()
        .filter(|part| !matches!(part.kind, PartKind::Assignment | PartKind::RelatedList))
        .collect();
    let package = package(org, &deployed);
    if !package.is_empty() {
        let operations = deployed.iter().map(|part| told(part)).collect();
        return vec![package.request(operations)];
    }
    let assignment = open
        .iter()
        .filter(|part| part.kind == PartKind::Assignment)
        .filter_map(|part| assign(org, part));
    assignment.chain(layouts::requests(org)).collect()
}

/// A deployment of just these parts.
fn package(org: &Org, open: &[&Part]) -> Package {
    let mut package = Package::default();
    let is = |kind: PartKind, name: &str| {
        open.iter()
            .any(|part| part.kind == kind && part.name == name)
    };
    for kind in receivables::ALL {
        if is(PartKind::Object, kind.object) {
            package.bring(
                "CustomObject",
                kind.object,
                format!("objects/{}.object", kind.object),
                metadata::whole_object(kind),
            );
        } else {
            parts_of(kind, &is, &mut package);
        }
        let layout = metadata::layout_name(kind);
        if is(PartKind::Layout, &layout) {
            let path = format!("layouts/{layout}.layout");
            package.bring("Layout", &layout, path, metadata::layout(kind));
        }
        if is(PartKind::Tab, kind.object) {
            let path = format!("tabs/{}.tab", kind.object);
            package.bring("CustomTab", kind.object, path, metadata::tab());
        }
    }
    let tabs = receivables::ALL.map(|kind| kind.object);
    for set in SETS
        .iter()
        .filter(|set| is(PartKind::PermissionSet, set.name))
    {
        let wished = Granted::wished(set);
        let granted = match org.sets.get(set.name) {
            Some(there) => there.granted.with(&wished),
            None => wished,
        };
        package.bring(
            "PermissionSet",
            set.name,
            format!("permissionsets/{}.permissionset", set.name),
            metadata::permission_set(set, &granted, &tabs),
        );
    }
    if is(PartKind::ReportFolder, FOLDER) {
        let path = format!("reports/{FOLDER}-meta.xml");
        package.bring("Report", FOLDER, path, metadata::report_folder());
    }
    for report in &REPORTS {
        let name = format!("{FOLDER}/{}", report.name);
        if is(PartKind::Report, &name) {
            let path = format!("reports/{name}.report");
            package.bring("Report", &name, path, metadata::report(report));
        }
    }
    package
}

/// Fields and list views of an object that is there.
fn parts_of(kind: &'static Kind, is: &impl Fn(PartKind, &str) -> bool, package: &mut Package) {
    let full = |name: &str| format!("{}.{name}", kind.object);
    let mut elements = Vec::new();
    let stored = kind
        .fields
        .iter()
        .map(|field| (field.name, metadata::field(field)));
    let formulas = kind
        .formulas
        .iter()
        .map(|formula| (formula.name, metadata::formula(formula)));
    for (name, element) in stored.chain(formulas) {
        if is(PartKind::Field, &full(name)) {
            package.list("CustomField", full(name));
            elements.push(element);
        }
    }
    let mut views = Vec::new();
    for view in VIEWS.iter().filter(|view| view.kind.object == kind.object) {
        if is(PartKind::ListView, &full(view.name)) {
            package.list("ListView", full(view.name));
            views.push(metadata::list_view(view));
        }
    }
    if !(elements.is_empty() && views.is_empty()) {
        package.file(
            format!("objects/{}.object", kind.object),
            metadata::parts_of_object(&elements, &views),
        );
    }
}

fn assign(org: &Org, part: &Part) -> Option<WriteRequest> {
    let set = org.sets.get(SYNC.name)?;
    Some(WriteRequest {
        service: SERVICE.to_owned(),
        method: Method::Post,
        path: "/sobjects/PermissionSetAssignment".to_owned(),
        query: Vec::new(),
        headers: vec![RequestHeader {
            name: "accept".to_owned(),
            value: "application/json".to_owned(),
        }],
        content_type: "application/json".to_owned(),
        body: json!({"AssigneeId": org.user, "PermissionSetId": set.id})
            .to_string()
            .into_bytes(),
        operations: vec![told(part)],
    })
}
