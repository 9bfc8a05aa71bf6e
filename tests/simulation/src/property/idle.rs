//! Idle: at rest, the plan is empty, in both directions.

use super::Rested;

pub(crate) const NAME: &str = "the plan after a run is empty";

pub(crate) fn asked(rested: &Rested) -> Vec<String> {
    let preview = match &rested.preview {
        Ok(preview) => preview,
        Err(error) => return vec![format!("there is no plan: {error}")],
    };
    let mut says: Vec<String> = preview
        .plan
        .ops
        .iter()
        .map(|op| {
            format!(
                "still planned: {} {}: {}",
                op.object, op.natural_key.value, op.why
            )
        })
        .collect();
    if let Some(back) = &preview.reflected {
        if let Some(problem) = &back.problem {
            says.push(format!("the way back can't be told: {problem}"));
        }
        for (what, planned) in [("made", &back.create), ("changed", &back.update)] {
            for (object, count) in planned.iter().filter(|(_, count)| **count > 0) {
                says.push(format!("{count} records of {object} would still be {what}"));
            }
        }
    }
    says
}
