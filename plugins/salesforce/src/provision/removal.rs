//! The wish `absent`: what we made and is still there, and the next requests that take it away.
//!
//! Ours is what carries our mark in its description, and the reports of our names in our folder. Records go with their object,
//! and so do fields, views, layouts and related lists on it. Assignments first: a permission set that is assigned can't be deleted.

use footbridge_sdk::connector::writes::{Method, WriteRequest};
use footbridge_sdk::failure::Code;
use footbridge_sdk::provisioner::provision::{Findings, Kind as PartKind, Part, State};

use super::package::Package;
use super::parts::{cannot, is_open, part, told};
use super::there::Org;
use super::wanted::{FOLDER, MARK, REPORTS, SETS};
use crate::pages::SERVICE;
use crate::receivables;

/// Everything that the wish comes to.
pub(crate) fn findings(org: &Org) -> Findings {
    let mut parts = Vec::new();
    for kind in receivables::ALL {
        let there = org.objects.get(kind.object);
        let state = match there {
            None => State::Present,
            Some(object) => ours(&object.description, "object"),
        };
        let mut object = part(PartKind::Object, kind.object, kind.label, state);
        object.note = there.map(|object| match object.records {
            Some(1) => "1 record, with its fields, views, layouts and related lists".to_owned(),
            Some(count) => format!("{count} records, with their fields, views, layouts and related lists"),
            None => "all of its records, which this connection can not count, with fields, views, layouts and related lists".to_owned(),
        });
        let tab = org.tabs.contains(kind.object) && is_open(&object);
        parts.push(object);
        if tab {
            parts.push(part(
                PartKind::Tab,
                kind.object,
                kind.plural,
                State::Missing,
            ));
        }
    }
    for set in SETS {
        let Some(there) = org.sets.get(set.name) else {
            parts.push(part(
                PartKind::PermissionSet,
                set.name,
                set.label,
                State::Present,
            ));
            continue;
        };
        let its = part(
            PartKind::PermissionSet,
            set.name,
            set.label,
            ours(&there.description, "permission set"),
        );
        let gone = is_open(&its);
        parts.push(its);
        for (id, user) in there.assigned.iter().filter(|_| gone) {
            let mut assignment = part(PartKind::Assignment, id.as_str(), set.label, State::Missing);
            assignment.note = Some(format!("of the user {user}"));
            parts.push(assignment);
        }
    }
    let reports: Vec<&str> = REPORTS
        .iter()
        .map(|report| report.name)
        .filter(|name| org.reports.contains(*name))
        .collect();
    for report in &REPORTS {
        let state = if reports.contains(&report.name) {
            State::Missing
        } else {
            State::Present
        };
        parts.push(part(
            PartKind::Report,
            format!("{FOLDER}/{}", report.name),
            report.label,
            state,
        ));
    }
    let others = org.reports.len() - reports.len();
    let folder = match (&org.folder, others) {
        (None, _) => State::Present,
        (Some(_), 0) => State::Missing,
        (Some(_), _) => cannot(
            Code::WrongStatus,
            format!(
                "{others} reports that somebody else made lie in the folder \"{FOLDER}\", so it stays. Move them, then run again."
            ),
        ),
    };
    parts.push(part(PartKind::ReportFolder, FOLDER, FOLDER, folder));
    Findings {
        next: next(org, &parts),
        under_way: org.under_way.clone(),
        notes: Vec::new(),
        parts,
    }
}

/// To be deleted if the description says that we made it.
fn ours(description: &str, what: &str) -> State {
    if description.starts_with(MARK) {
        State::Missing
    } else {
        cannot(
            Code::WrongStatus,
            format!(
                "The description of this {what} does not say \"{MARK}\", so somebody else may have made it. It stays. Delete it yourself in Setup if nobody needs it."
            ),
        )
    }
}

fn next(org: &Org, parts: &[Part]) -> Vec<WriteRequest> {
    if org.under_way.is_some() {
        return Vec::new();
    }
    let open: Vec<&Part> = parts.iter().filter(|part| is_open(part)).collect();
    let assignments: Vec<WriteRequest> = open
        .iter()
        .filter(|part| part.kind == PartKind::Assignment)
        .map(|part| unassign(part))
        .collect();
    if !assignments.is_empty() {
        return assignments;
    }
    let mut package = Package::default();
    for part in &open {
        let kind = match part.kind {
            PartKind::Object => "CustomObject",
            PartKind::Tab => "CustomTab",
            PartKind::PermissionSet => "PermissionSet",
            PartKind::Report | PartKind::ReportFolder => "Report",
            _ => continue,
        };
        package.take(kind, &part.name);
    }
    if package.is_empty() {
        return Vec::new();
    }
    vec![package.request(open.iter().map(|part| told(part)).collect())]
}

fn unassign(part: &Part) -> WriteRequest {
    WriteRequest {
        service: SERVICE.to_owned(),
        method: Method::Delete,
        path: format!("/sobjects/PermissionSetAssignment/{}", part.name),
        query: Vec::new(),
        headers: Vec::new(),
        content_type: "application/json".to_owned(),
        body: Vec::new(),
        operations: vec![told(part)],
    }
}
