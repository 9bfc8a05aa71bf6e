//! Metadata XML as JSON: an element's children become members, those that repeat become lists.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";

/// The root element's name and content; the error is the problem a deployment shows.
pub(super) fn read(text: &str) -> Result<(String, Value), String> {
    let document = Document::parse(text).map_err(|error| format!("Error parsing file: {error}"))?;
    let root = document.root_element();
    if root.tag_name().namespace() != Some(NAMESPACE) {
        return Err(format!(
            "Error parsing file: the root element must be in the namespace {NAMESPACE}"
        ));
    }
    Ok((root.tag_name().name().to_owned(), content(root)))
}

fn content(node: Node<'_, '_>) -> Value {
    let mut members: Map<String, Value> = Map::new();
    for child in node.children().filter(Node::is_element) {
        let value = content(child);
        match members.get_mut(child.tag_name().name()) {
            Some(Value::Array(several)) => several.push(value),
            Some(one) => {
                let first = one.take();
                *one = Value::Array(vec![first, value]);
            }
            None => {
                members.insert(child.tag_name().name().to_owned(), value);
            }
        }
    }
    if members.is_empty() {
        Value::String(node.text().unwrap_or_default().trim().to_owned())
    } else {
        Value::Object(members)
    }
}
