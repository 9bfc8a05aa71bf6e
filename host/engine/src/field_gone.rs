//! A field that the flow needs and the far side no longer shows: which it is, and where the flow names it.
//!
//! It reads the settings as text, so any transform's are told; it changes nothing. From `feed`, to the person who reads the error.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::ports::CallError;
use crate::state::keys::Side;
use footbridge_model::failure::FailureKind;
use footbridge_model::plugin::FeedRequest;
use serde_json::Value;

/// So many places are told.
const PLACES: usize = 4;

impl Engine {
    /// Whether the CRM shows every field that the flow reads: one small page of each object is asked for, and nothing of it is kept.
    ///
    /// # Errors
    /// Which field is missing and where the flow names it; or the CRM can't be read.
    pub async fn fields_are_there(&self) -> Result<(), EngineError> {
        let (side, _) = self.side(&self.flow.source, self.source.as_ref()).await?;
        let deal = &self.flow.policy.deal.object;
        for object in self.flow.customer_objects.iter().chain([deal]) {
            let request = FeedRequest {
                object: object.clone(),
                cursor: None,
                limit: 1,
                fields: self.fields_of(object).to_vec(),
            };
            self.page(&side, self.source.as_ref(), request)
                .await
                .map_err(|error| self.field_gone(&side, object, error))?;
        }
        Ok(())
    }

    /// The error of a read, in words of the flow where the far side says that a field isn't there.
    pub(crate) fn field_gone(&self, side: &Side, object: &str, error: EngineError) -> EngineError {
        let EngineError::Call {
            connection,
            doing,
            source,
        } = error
        else {
            return error;
        };
        let field = match source.as_ref() {
            CallError::Failure(failure)
                if failure.kind == FailureKind::Misconfigured
                    && failure.problem.code == "unknown-field" =>
            {
                failure.problem.field.clone()
            }
            _ => None,
        };
        let places = field.as_deref().map(|field| self.places_of(field));
        match (field, places) {
            (Some(field), Some(places)) if !places.is_empty() => EngineError::FieldGone {
                flow: self.flow.name.to_string(),
                what: format!(
                    "{} has no field {field:?} of {object}, or no longer shows it to the connection's user. It is used in {}",
                    side.0,
                    places.join(", ")
                ),
                source,
            },
            _ => EngineError::Call {
                connection,
                doing,
                source,
            },
        }
    }

    /// Where the flow names a field: lines of the mapping, keys of the rules.
    fn places_of(&self, field: &str) -> Vec<String> {
        let lines = self.flow.settings.lines().enumerate();
        let mut places: Vec<String> = lines
            .filter(|(_, line)| !is_comment(line) && names(line, field))
            .map(|(n, line)| format!("line {} of the mapping ({})", n + 1, line.trim()))
            .take(PLACES)
            .collect();
        let policy = serde_json::to_value(&self.flow.policy).unwrap_or_default();
        let table = format!("flows.{}", self.flow.name);
        keys_naming(&policy, field, &table, &mut places);
        places
    }
}

/// Whether a line of settings is a comment, in the languages that mappings are written in.
fn is_comment(line: &str) -> bool {
    ["#", "//"]
        .iter()
        .any(|mark| line.trim_start().starts_with(mark))
}

/// Whether a text names a field as a whole word, alone or within a path.
fn names(text: &str, field: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .any(|word| word == field)
}

fn keys_naming(value: &Value, field: &str, table: &str, places: &mut Vec<String>) {
    let Value::Object(all) = value else { return };
    for (key, value) in all {
        match value {
            Value::String(text) if names(text, field) => {
                places.push(format!("[{table}] {key} = {text:?}"));
            }
            value => keys_naming(value, field, &format!("{table}.{key}"), places),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_named_as_a_whole_word() {
        for (text, found) in [
            ("reference = \"PO__c\"", true),
            ("from = \"Account.PO__c\"", true),
            ("PO__c2 and XPO__c", false),
            ("", false),
        ] {
            assert_eq!(names(text, "PO__c"), found, "{text}");
        }
    }

    #[test]
    fn keys_are_told_with_their_table() {
        let policy =
            serde_json::json!({"deal": {"amount": "Amount", "parts": "PO__c"}, "go-live": "x"});
        let mut places = Vec::new();
        keys_naming(&policy, "PO__c", "flows.f", &mut places);
        assert_eq!(places, ["[flows.f.deal] parts = \"PO__c\""]);
    }
}
