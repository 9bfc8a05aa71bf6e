//! Related lists on page layouts that people made: the whole layout is read, the list added at its end, the whole written back.
//!
//! A deployment would replace a layout; so would this, were anything left out. Nothing else of it is touched.

use footbridge_sdk::connector::writes::{Method, RequestHeader, WriteRequest};
use footbridge_sdk::document::at;
use footbridge_sdk::failure::Code;
use footbridge_sdk::provisioner::provision::{Kind, Part, State};
use serde_json::{Value, json};

use super::parts::{cannot, is_open, part, told};
use super::there::{Layout, Org};
use super::wanted::{LAID_OUT, RELATED, Related};
use crate::pages::SERVICE;

/// Members of a layout that are whole numbers; the host hands numbers over as text.
const NUMBERS: [&str; 8] = [
    "height",
    "width",
    "sizeX",
    "sizeY",
    "posX",
    "posY",
    "posZ",
    "sortOrder",
];

/// Every related list on every layout.
pub(crate) fn parts(org: &Org) -> Vec<Part> {
    let mut parts = Vec::new();
    for object in LAID_OUT {
        let its: Vec<&Layout> = org
            .layouts
            .iter()
            .filter(|layout| layout.object == object)
            .collect();
        if its.is_empty() {
            parts.extend(of_object(object).map(|related| {
                let state = cannot(
                    Code::NotAuthorised,
                    by_hand(object, "each page layout", related),
                );
                part(
                    Kind::RelatedList,
                    format!("{object}:{}", related.list()),
                    related.kind.plural,
                    state,
                )
            }));
        }
        for layout in its {
            parts.extend(of_object(object).map(|related| of_layout(layout, related)));
        }
    }
    parts
}

fn of_object(object: &str) -> impl Iterator<Item = &'static Related> {
    RELATED.iter().filter(move |related| related.on == object)
}

fn of_layout(layout: &Layout, related: &Related) -> Part {
    let state = match &layout.definition {
        None => cannot(
            Code::NotAuthorised,
            by_hand(
                &layout.object,
                &format!("the page layout \"{}\"", layout.name),
                related,
            ),
        ),
        Some(definition) if lists(definition).iter().any(|list| is_of(list, related)) => {
            State::Present
        }
        Some(_) => State::Missing,
    };
    part(
        Kind::RelatedList,
        name(layout, related),
        related.kind.plural,
        state,
    )
}

fn name(layout: &Layout, related: &Related) -> String {
    format!("{}-{}:{}", layout.object, layout.name, related.list())
}

fn by_hand(object: &str, layout: &str, related: &Related) -> String {
    format!(
        "Salesforce does not let this connection read {layout} of {object}, and writing one without reading it would undo what people arranged. Add the list yourself: Setup > Object Manager > {object} > Page Layouts > open the layout > Related Lists > drag \"{}\" onto the page > Save.",
        related.kind.plural
    )
}

fn is_of(list: &Value, related: &Related) -> bool {
    at(list, "relatedList")
        .text()
        .is_some_and(|name| name.eq_ignore_ascii_case(&related.list()))
}

/// The related lists of a layout; one alone may stand without brackets.
fn lists(definition: &Value) -> Vec<Value> {
    match definition.get("relatedLists") {
        Some(Value::Array(lists)) => lists.clone(),
        Some(one @ Value::Object(_)) => vec![one.clone()],
        _ => Vec::new(),
    }
}

/// One request for each layout that lacks something.
pub(crate) fn requests(org: &Org) -> Vec<WriteRequest> {
    org.layouts
        .iter()
        .filter_map(|layout| request(layout, layout.definition.as_ref()?))
        .collect()
}

fn request(layout: &Layout, definition: &Value) -> Option<WriteRequest> {
    let mut all = lists(definition);
    let mut operations = Vec::new();
    for related in of_object(&layout.object) {
        let its = of_layout(layout, related);
        if is_open(&its) {
            operations.push(told(&its));
            all.push(json!({"fields": related.columns, "relatedList": related.list()}));
        }
    }
    if operations.is_empty() {
        return None;
    }
    let mut whole = numbered(definition);
    whole.as_object_mut()?.insert(
        "relatedLists".to_owned(),
        Value::Array(all.iter().map(numbered).collect()),
    );
    Some(WriteRequest {
        service: SERVICE.to_owned(),
        method: Method::Patch,
        path: format!("/tooling/sobjects/Layout/{}", layout.id),
        query: Vec::new(),
        headers: vec![RequestHeader {
            name: "accept".to_owned(),
            value: "application/json".to_owned(),
        }],
        content_type: "application/json".to_owned(),
        body: json!({"Metadata": whole}).to_string().into_bytes(),
        operations,
    })
}

/// The definition with its numbers as numbers again.
fn numbered(value: &Value) -> Value {
    match value {
        Value::Array(several) => several.iter().map(numbered).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let number = value
                    .as_str()
                    .filter(|_| NUMBERS.contains(&name.as_str()))
                    .and_then(|text| text.parse::<i64>().ok());
                let value = match number {
                    Some(number) => json!(number),
                    None => numbered(value),
                };
                (name.clone(), value)
            })
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(definition: Option<Value>) -> Org {
        Org {
            layouts: vec![Layout {
                id: "00hA0000000L2ZCIA0".into(),
                object: "Opportunity".into(),
                name: "Sales Layout".into(),
                definition,
            }],
            ..Org::default()
        }
    }

    #[test]
    fn a_list_is_added_and_nothing_else_changes() {
        let definition = json!({
            "layoutSections": [{"label": "Mine", "layoutColumns": [{"layoutItems": [{"field": "Name", "height": "3"}], "reserved": null}]}],
            "relatedLists": {"relatedList": "RelatedLineItemList", "sortOrder": "1"}, "showEmailCheckbox": false,
        });
        let org = layout(Some(definition.clone()));
        let requests = requests(&org);
        assert_eq!(requests.len(), 1);
        assert_eq!(
            requests[0].operations,
            ["related-list Opportunity-Sales Layout:Footbridge_Document__c.Opportunity__c"]
        );
        let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
        let mut wanted = definition;
        wanted["layoutSections"][0]["layoutColumns"][0]["layoutItems"][0]["height"] = json!(3);
        wanted["relatedLists"] = json!([
            {"relatedList": "RelatedLineItemList", "sortOrder": 1},
            {"fields": ["NAME", "Shown_Status__c", "Due_Date__c", "Total__c", "Amount_Due__c", "Currency__c"], "relatedList": "Footbridge_Document__c.Opportunity__c"},
        ]);
        assert_eq!(body, json!({"Metadata": wanted}));
        let again = layout(Some(body["Metadata"].clone()));
        assert!(super::requests(&again).is_empty());
    }

    #[test]
    fn what_can_not_be_read_is_told_with_the_clicks() {
        for org in [layout(None), Org::default()] {
            assert!(requests(&org).is_empty());
            let told: Vec<String> = parts(&org)
                .into_iter()
                .filter_map(|part| match part.state {
                    State::Cannot(problem) => Some(problem.message),
                    _ => None,
                })
                .collect();
            assert!(
                told.iter()
                    .any(|text| text.contains("Object Manager > Opportunity > Page Layouts")),
                "{told:?}"
            );
        }
    }
}
