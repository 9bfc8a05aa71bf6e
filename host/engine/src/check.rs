//! Check: before anything runs, the mapping is held against what both connectors know.
//!
//! It reads nothing from the far sides. A mapping with an unknown object or field stops here with the names that are accepted.

use crate::config::FlowConfig;
use crate::engine::{Back, Parts};
use crate::error::EngineError;
use crate::ports::TransformError;
use footbridge_model::failure::Problem;
use footbridge_model::plugin::{Description, ObjectDescription};
use footbridge_model::receivable;
use std::collections::{BTreeMap, BTreeSet};

/// What the check found out for the flow.
pub(crate) struct Checked {
    pub(crate) fields: BTreeMap<String, Vec<String>>,
    pub(crate) unique: BTreeMap<String, Vec<String>>,
    pub(crate) back: Option<Back>,
}

pub(crate) async fn settings(flow: &FlowConfig, parts: &Parts) -> Result<Checked, EngineError> {
    let described = |connection: &str| {
        let connection = connection.to_owned();
        move |e| EngineError::call(&connection, "asking what it knows", e)
    };
    let source = parts
        .source
        .describe()
        .await
        .map_err(described(flow.source.as_str()))?;
    let ledger = parts
        .ledger
        .describe()
        .await
        .map_err(described(flow.ledger.as_str()))?;
    let wanted = parts
        .transform
        .describe(&flow.settings)
        .await
        .map_err(|source| EngineError::Transform {
            flow: flow.name.to_string(),
            source: Box::new(source),
        })?;

    let mut problems = Vec::new();
    let mut fields: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (object, paths) in &wanted.reads {
        check_paths(
            "reads",
            &source,
            &flow.source.to_string(),
            object,
            paths,
            &mut problems,
        );
        fields
            .entry(object.clone())
            .or_default()
            .extend(flow.granted.reads.allowed(object, paths));
    }
    for (object, paths) in &wanted.writes {
        check_paths(
            "writes",
            &ledger,
            &flow.ledger.to_string(),
            object,
            paths,
            &mut problems,
        );
    }
    let deal = &flow.policy.deal;
    let own = policy_paths(flow);
    check_paths(
        "needs",
        &source,
        &flow.source.to_string(),
        &deal.object,
        &own,
        &mut problems,
    );
    fields.entry(deal.object.clone()).or_default().extend(own);
    if let Some(customers) = &flow.policy.customers {
        let own = customers.reads();
        for object in &flow.customer_objects {
            let connection = flow.source.to_string();
            check_paths("needs", &source, &connection, object, &own, &mut problems);
            fields
                .entry(object.clone())
                .or_default()
                .extend(own.iter().cloned());
        }
    }
    if !problems.is_empty() {
        return Err(EngineError::Transform {
            flow: flow.name.to_string(),
            source: Box::new(TransformError::Settings(problems)),
        });
    }
    Ok(Checked {
        fields: fields
            .into_iter()
            .map(|(object, paths)| (object, paths.into_iter().collect()))
            .collect(),
        back: back(flow, &source, &ledger)?,
        unique: source
            .objects
            .into_iter()
            .chain(ledger.objects)
            .map(|object| (object.name, object.unique_keys))
            .collect(),
    })
}

/// What the way back reads, if both connectors know its kinds.
fn back(
    flow: &FlowConfig,
    source: &Description,
    ledger: &Description,
) -> Result<Option<Back>, EngineError> {
    if flow.reflect.is_none() {
        return Ok(None);
    }
    let known = |description: &Description, name: &str| {
        let mut objects = description.objects.iter();
        objects.find(|object| object.name == name).cloned()
    };
    for (connection, description, needed) in [
        (&flow.source, source, receivable::KINDS.as_slice()),
        (&flow.ledger, ledger, ["credit-note", "payment"].as_slice()),
    ] {
        let missing: Vec<&str> = needed
            .iter()
            .copied()
            .filter(|name| known(description, name).is_none())
            .collect();
        if !missing.is_empty() {
            return Err(EngineError::NoReceivables {
                flow: flow.name.to_string(),
                connection: connection.to_string(),
                missing: missing.join(", "),
            });
        }
    }
    let names = |description: &Description, wanted: &[&str]| {
        let wanted = wanted.iter().copied();
        wanted
            .filter(|name| known(description, name).is_some_and(|object| object.feed))
            .map(str::to_owned)
            .collect()
    };
    Ok(Some(Back {
        ledger: names(
            ledger,
            &["credit-note", "overpayment", "prepayment", "payment"],
        ),
        crm: names(source, &receivable::KINDS),
    }))
}

/// Paths of the deal that the flow's own rules read.
fn policy_paths(flow: &FlowConfig) -> Vec<String> {
    let deal = &flow.policy.deal;
    let mut paths = vec![
        deal.name.clone(),
        deal.won.clone(),
        deal.stage_changed_at.clone(),
        deal.amount.clone(),
        format!("{}[].{}", deal.history, deal.history_stage),
        format!("{}[].{}", deal.history, deal.history_at),
        format!("{}[].{}", deal.lines, deal.line_total),
    ];
    paths.extend(deal.currency.clone());
    paths.extend(deal.parts.clone());
    if let Some(back) = &flow.policy.write_back {
        paths.extend(back.id.clone());
        paths.extend(back.number.clone());
        paths.extend(back.link.clone());
    }
    if let footbridge_plan::policy::NumberMode::Field(field) = &flow.policy.billing.number {
        paths.push(field.clone());
    }
    if let Some(pilot) = &flow.rails.pilot {
        paths.extend(pilot.fields().map(str::to_owned));
    }
    if let footbridge_plan::policy::DateRule::Field(field) = &flow.policy.billing.date {
        paths.push(field.clone());
    }
    paths
}

fn check_paths(
    doing: &str,
    description: &Description,
    connection: &str,
    object: &str,
    paths: &[String],
    problems: &mut Vec<Problem>,
) {
    let Some(known) = description.objects.iter().find(|o| o.name == object) else {
        let names: Vec<&str> = description
            .objects
            .iter()
            .map(|o| o.name.as_str())
            .collect();
        problems.push(Problem::new(
            "unknown-object",
            format!(
                "the mapping {doing} {object:?}, which {connection} doesn't have. It has: {}",
                names.join(", ")
            ),
        ));
        return;
    };
    if known.open {
        return;
    }
    for path in paths.iter().filter(|path| !knows(known, path)) {
        let names: Vec<&str> = known.fields.iter().map(|f| f.path.as_str()).collect();
        problems.push(Problem {
            field: Some(format!("{object}.{path}")),
            ..Problem::new(
                "unknown-field",
                format!(
                    "the mapping {doing} {path:?} of {object}, which {connection} doesn't have. It has: {}",
                    names.join(", ")
                ),
            )
        });
    }
}

/// A described path, or one above it (`lines` covers `lines[].quantity` and the other way round).
fn knows(object: &ObjectDescription, path: &str) -> bool {
    let covers = |a: &str, b: &str| {
        b.strip_prefix(a)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with("[]"))
    };
    object
        .fields
        .iter()
        .any(|f| covers(&f.path, path) || covers(path, &f.path))
}
