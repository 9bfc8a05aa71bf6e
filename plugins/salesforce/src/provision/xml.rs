//! Metadata XML: elements with text or elements in them, escaped. Nothing is read here.

/// The namespace of all of it.
const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";

/// A file with this root.
pub(crate) fn file(root: &str, content: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">{content}</{root}>\n"
    )
}

/// An element with text in it.
pub(crate) fn text(name: &str, text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    element(name, &escaped)
}

/// An element with a truth in it.
pub(crate) fn flag(name: &str, flag: bool) -> String {
    element(name, if flag { "true" } else { "false" })
}

/// An element with elements in it.
pub(crate) fn element(name: &str, content: &str) -> String {
    format!("<{name}>{content}</{name}>")
}
