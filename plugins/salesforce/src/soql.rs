//! Writes queries: which fields, which child lists as sub-queries, which rows.
//!
//! Never lets a text from outside into a query unescaped: names are checked letter by letter, values are quoted. From
//! here to `feed` and `lookup`.

use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::failure::{Code, failing, problem_at};

use crate::objects::Object;

/// What a query reads, in the order of the first mention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Select {
    object: &'static str,
    fields: Vec<String>,
    children: Vec<Child>,
}

/// A child list, read by a sub-query.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Child {
    relation: String,
    fields: Vec<String>,
}

impl Select {
    /// The object's own fields and the extra paths, each once whatever its case.
    ///
    /// # Errors
    /// `misconfigured` naming a path that is no path.
    pub(crate) fn of(object: &Object, extra: &[String]) -> Result<Self, Failure> {
        let mut select = Self {
            object: object.name,
            fields: Vec::new(),
            children: Vec::new(),
        };
        let paths = || {
            object
                .fields
                .iter()
                .map(|known| known.path)
                .chain(extra.iter().map(String::as_str))
        };
        for path in paths().filter(|path| path.contains("[]")) {
            select.add_child(path)?;
        }
        for path in paths().filter(|path| !path.contains("[]")) {
            checked(path, path)?;
            // A list or a related record by itself means what is read of it anyway.
            let below = format!("{path}.");
            let related = paths().any(|other| other.starts_with(&below));
            if !related && select.child(path).is_none() {
                push(&mut select.fields, path);
            }
        }
        Ok(select)
    }

    /// These fields and nothing else, as they are written here.
    pub(crate) fn plain(object: &'static str, fields: impl Iterator<Item = String>) -> Self {
        Self {
            object,
            fields: fields.collect(),
            children: Vec::new(),
        }
    }

    fn child(&mut self, relation: &str) -> Option<&mut Child> {
        self.children
            .iter_mut()
            .find(|child| child.relation.eq_ignore_ascii_case(relation))
    }

    fn add_child(&mut self, path: &str) -> Result<(), Failure> {
        let (relation, field) = path.split_once("[]").ok_or_else(|| no_path(path))?;
        // Rows by themselves, or a field of each row.
        let field = if field.is_empty() {
            "Id"
        } else {
            field.strip_prefix('.').ok_or_else(|| no_path(path))?
        };
        checked(field, path)?;
        if !is_name(relation) {
            return Err(no_path(path));
        }
        if let Some(child) = self.child(relation) {
            push(&mut child.fields, field);
        } else {
            // `queryAll` lists deleted rows too; they are told by this field and left out.
            let mut fields = vec!["Id".to_owned(), "IsDeleted".to_owned()];
            push(&mut fields, field);
            self.children.push(Child {
                relation: relation.to_owned(),
                fields,
            });
        }
        Ok(())
    }

    /// The names of the child lists.
    pub(crate) fn relations(&self) -> impl Iterator<Item = &str> {
        self.children.iter().map(|child| child.relation.as_str())
    }

    /// The query with everything behind `FROM Object`.
    pub(crate) fn text(&self, rest: &str) -> String {
        let children = self.children.iter().map(|child| {
            format!(
                "(SELECT {} FROM {})",
                child.fields.join(", "),
                child.relation
            )
        });
        let all: Vec<String> = self.fields.iter().cloned().chain(children).collect();
        format!("SELECT {} FROM {} {rest}", all.join(", "), self.object)
    }
}

fn push(fields: &mut Vec<String>, field: &str) {
    if !fields.iter().any(|known| known.eq_ignore_ascii_case(field)) {
        fields.push(field.to_owned());
    }
}

/// Refuses everything but names with dots between them.
fn checked(name: &str, path: &str) -> Result<(), Failure> {
    if name.split('.').all(is_name) && name.split('.').count() <= 6 {
        Ok(())
    } else {
        Err(no_path(path))
    }
}

/// Whether a text is a field's name: letters, digits and underscores, a letter first.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 80
        && text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn no_path(path: &str) -> Failure {
    let shown: String = path.chars().take(80).collect();
    failing(
        FailureKind::Misconfigured,
        problem_at(
            Code::UnknownField,
            &shown,
            format!(
                "\"{shown}\" is not a path in Salesforce such as Account.Name or OpportunityLineItems[].Tax__c. Correct the mapping."
            ),
        ),
    )
}

/// A text as a literal of a query.
pub(crate) fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for letter in text.chars() {
        match letter {
            '\'' => literal.push_str("\\'"),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::named;
    use proptest::prelude::*;

    fn extra(paths: &[&str]) -> Result<Select, Failure> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        Select::of(named("Opportunity").unwrap(), &paths)
    }

    #[test]
    fn extra_paths_land_where_they_belong_and_once() {
        let text = extra(&[
            "CurrencyIsoCode",
            "OpportunityLineItems[].Tax_Treatment__c",
            "OpportunityLineItems[].quantity",
            "accountid",
            "Account.Region__c",
            "Parts__r[].Share__c",
        ])
        .unwrap()
        .text("LIMIT 1");
        assert!(
            text.contains(", CurrencyIsoCode, Account.Region__c, (SELECT Id, IsDeleted, "),
            "{text}"
        );
        assert!(
            text.contains("SortOrder, Tax_Treatment__c FROM OpportunityLineItems)"),
            "{text}"
        );
        assert!(
            text.contains("(SELECT Id, IsDeleted, Share__c FROM Parts__r)"),
            "{text}"
        );
        assert!(text.ends_with(" FROM Opportunity LIMIT 1"), "{text}");
        assert!(
            !text.contains("quantity") && !text.contains("accountid"),
            "{text}"
        );
    }

    #[test]
    fn a_list_or_a_related_record_by_itself_means_what_is_read_of_it() {
        let plain = extra(&[]).unwrap();
        assert_eq!(
            extra(&["OpportunityLineItems", "OpportunityLineItems[]", "Account"]).unwrap(),
            plain
        );
        let text = extra(&["Parts__r[]"]).unwrap().text("");
        assert!(
            text.contains("(SELECT Id, IsDeleted FROM Parts__r)"),
            "{text}"
        );
    }

    #[test]
    fn what_is_no_path_never_reaches_a_query() {
        for bad in [
            "",
            "Name FROM User",
            "Name,Id",
            "a'b",
            "A[].B[].C",
            "A.B[].C",
            "A[]B",
            "[].B",
            ".A",
            "A.",
            "Näme",
            "1A",
            "(SELECT",
        ] {
            let refused = extra(&[bad]).unwrap_err();
            assert_eq!(
                (refused.kind, refused.problem.code.as_str()),
                (FailureKind::Misconfigured, "unknown-field"),
                "{bad}"
            );
        }
    }

    #[test]
    fn values_are_quoted() {
        assert_eq!(quoted("O'Brien \\ Co\n"), "'O\\'Brien \\\\ Co\\n'");
    }

    proptest! {
        /// However it is written, a literal ends where it should: no quote inside is without its backslash.
        #[test]
        fn no_value_ends_its_literal(text in "[a-z'\\\\\n]{0,30}") {
            let literal = quoted(&text);
            let inner = &literal[1..literal.len() - 1];
            let mut letters = inner.chars();
            while let Some(letter) = letters.next() {
                prop_assert!(letter != '\'' && letter != '\n');
                if letter == '\\' {
                    prop_assert!(letters.next().is_some());
                }
            }
        }
    }
}
