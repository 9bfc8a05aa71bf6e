//! Carries plain fields between Xero's elements and ledger documents by tables of columns.
//!
//! Reading: a field that Xero did not report is left out, `null` stays `null`; one that can't be read is left out and
//! named under `unreadable`, so that the record becomes an item instead of losing a value. Writing: a value of the wrong
//! shape is a problem, never a guess. The record files (`customer`, `invoice`, `credit`,
//! `payment`, `catalogue`) own the tables.

use footbridge_sdk::connector::Problem;
use footbridge_sdk::decimal;
use footbridge_sdk::document::{Field, Structure, at, field};
use footbridge_sdk::failure::{Code, problem_at};
use serde_json::{Value, json};

use crate::dates;

/// The shape of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Text as it is.
    Text,
    /// A decimal string here; a number token in requests.
    Decimal,
    /// A date without a time.
    Date,
    /// True or false.
    Flag,
}

/// Whether a column can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Read and written.
    Both,
    /// Xero computes it: read only. In a draft it is the planner's expectation and not sent.
    Reported,
}

/// One field under both its names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// The name in the ledger vocabulary.
    pub(crate) ours: &'static str,
    /// Xero's name.
    pub(crate) theirs: &'static str,
    pub(crate) shape: Shape,
    pub(crate) way: Way,
}

/// A column that is read and written.
pub(crate) const fn both(ours: &'static str, theirs: &'static str, shape: Shape) -> Column {
    Column {
        ours,
        theirs,
        shape,
        way: Way::Both,
    }
}

/// A column that is only read.
pub(crate) const fn reported(ours: &'static str, theirs: &'static str, shape: Shape) -> Column {
    Column {
        ours,
        theirs,
        shape,
        way: Way::Reported,
    }
}

/// A ledger document that is being read from an element.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) doc: Structure,
    unreadable: Vec<Value>,
}

impl Reading {
    /// Reads the columns of one element.
    pub(crate) fn columns(&mut self, element: &Value, columns: &[Column]) {
        for column in columns {
            match read_one(element, column) {
                Ok(Some(value)) => {
                    self.doc.insert(column.ours.to_owned(), value);
                }
                Ok(None) => {}
                Err(text) => self.unreadable(column.ours, &text),
            }
        }
    }

    /// Maps a word of Xero's to one of ours; an unknown word is unreadable.
    pub(crate) fn word(
        &mut self,
        element: &Value,
        ours: &'static str,
        theirs: &str,
        words: &[(&str, &str)],
    ) {
        let Field::Text(found) = at(element, theirs) else {
            return;
        };
        match words
            .iter()
            .find(|(_, word)| word.eq_ignore_ascii_case(found))
        {
            Some((word, _)) => self.put(ours, json!(word)),
            None => self.unreadable(ours, found),
        }
    }

    /// The id of another record, in lower case as all ids of this connector; the zero id is none.
    pub(crate) fn id(&mut self, element: &Value, ours: &str, theirs: &str) {
        if let Some(id) = at(element, theirs).text().and_then(identifier) {
            self.put(ours, json!(id));
        }
    }

    /// Notes a field as unreadable if it isn't there: a row without it says nothing.
    pub(crate) fn needs(&mut self, ours: &str) {
        if !self.doc.contains_key(ours) {
            self.unreadable(ours, "missing");
        }
    }

    /// Reads a list of parts. One that Xero did not report was not read, which is not the same as an empty one.
    pub(crate) fn list(
        &mut self,
        element: &Value,
        ours: &str,
        theirs: &str,
        read_row: impl Fn(&Value, &mut Reading),
    ) {
        if let Field::List(_) = at(element, theirs) {
            let rows = self.rows(element, ours, theirs, read_row);
            self.put(ours, Value::Array(rows));
        }
    }

    /// The rows of a list, as parts of the field `ours`.
    pub(crate) fn rows(
        &mut self,
        element: &Value,
        ours: &str,
        theirs: &str,
        read_row: impl Fn(&Value, &mut Reading),
    ) -> Vec<Value> {
        let mut rows = Vec::new();
        for row in at(element, theirs).list() {
            let mut part = Reading::default();
            read_row(row, &mut part);
            rows.push(Value::Object(self.part(&format!("{ours}[]"), part)));
        }
        rows
    }

    /// Sets a field.
    pub(crate) fn put(&mut self, ours: &str, value: Value) {
        self.doc.insert(ours.to_owned(), value);
    }

    /// Notes a field that stays out of the document because its value can't be read.
    pub(crate) fn unreadable(&mut self, ours: &str, text: &str) {
        let short: String = text.chars().take(60).collect();
        self.unreadable.push(json!({"field": ours, "value": short}));
    }

    /// Takes over what a part (a line) could not read.
    pub(crate) fn part(&mut self, path: &str, part: Reading) -> Structure {
        for mut note in part.unreadable {
            if let Some(Value::String(field)) = note.get_mut("field") {
                *field = format!("{path}.{field}");
            }
            self.unreadable.push(note);
        }
        part.doc
    }

    /// The document; `unreadable` lists `field` and `value` of what was left out for it.
    pub(crate) fn finish(mut self) -> Structure {
        if !self.unreadable.is_empty() {
            self.doc
                .insert("unreadable".to_owned(), Value::Array(self.unreadable));
        }
        self.doc
    }
}

/// A GUID as this connector writes it; none for the zero GUID, which Xero writes for what does not exist.
pub(crate) fn identifier(text: &str) -> Option<String> {
    (!text.chars().all(|letter| matches!(letter, '0' | '-'))).then(|| text.to_ascii_lowercase())
}

fn read_one(element: &Value, column: &Column) -> Result<Option<Value>, String> {
    // Dates have a twin that is easier to read; a missing or empty twin says nothing.
    if column.shape == Shape::Date
        && let Field::Text(twin) = at(element, &format!("{}String", column.theirs))
    {
        return dates::date(twin)
            .map(|date| Some(json!(date)))
            .map_err(|error| error.0);
    }
    let found = at(element, column.theirs);
    match (found, column.shape) {
        (Field::Missing, _) => Ok(None),
        (Field::Null, _) => Ok(Some(Value::Null)),
        (Field::Empty, Shape::Text) => Ok(Some(json!(""))),
        (Field::Text(text), Shape::Text) => Ok(Some(json!(text))),
        (Field::Text(text), Shape::Decimal) => decimal::plain(text)
            .map(|plain| Some(json!(plain)))
            .map_err(|_| text.to_owned()),
        (Field::Text(text), Shape::Date) => dates::date(text)
            .map(|date| Some(json!(date)))
            .map_err(|error| error.0),
        (found, Shape::Flag) => found
            .flag()
            .map(|flag| Some(json!(flag)))
            .ok_or_else(|| "not true or false".to_owned()),
        (Field::Empty, _) => Err("empty".to_owned()),
        _ => Err("another shape than text".to_owned()),
    }
}

/// Writes the given columns of a document into an element. A missing field is left out, `null` and `""` empty a text.
pub(crate) fn write(
    doc: &Structure,
    columns: &[Column],
    element: &mut Structure,
) -> Result<(), Problem> {
    for column in columns.iter().filter(|column| column.way == Way::Both) {
        let Some(value) = doc.get(column.ours) else {
            continue;
        };
        let written = match (field(value), column.shape) {
            (Field::Text(text), Shape::Text) => json!(text),
            (Field::Null | Field::Empty, Shape::Text) => json!(""),
            (Field::Null, _) => continue,
            (Field::Text(text), Shape::Decimal) => {
                decimal::number(text).map_err(|error| wrong(column.ours, &error.to_string()))?
            }
            (Field::Text(text), Shape::Date) => json!(our_date(column.ours, text)?),
            (Field::Flag(flag), Shape::Flag) => json!(flag),
            _ => return Err(wrong(column.ours, "its value has the wrong shape")),
        };
        element.insert(column.theirs.to_owned(), written);
    }
    Ok(())
}

/// Refuses fields that no column and no name of `others` covers.
pub(crate) fn only_known(
    doc: &Structure,
    columns: &[Column],
    others: &[&str],
) -> Result<(), Problem> {
    for key in doc.keys() {
        if !others.contains(&key.as_str()) && !columns.iter().any(|column| column.ours == key) {
            return Err(problem_at(
                Code::UnknownField,
                key,
                format!(
                    "Xero has no field \"{key}\" here. Remove it from the mapping or correct its name."
                ),
            ));
        }
    }
    Ok(())
}

/// The word of Xero's for one of ours.
pub(crate) fn their_word<'w>(
    doc: &Structure,
    ours: &str,
    words: &[(&str, &'w str)],
) -> Result<Option<&'w str>, Problem> {
    let Some(value) = doc.get(ours) else {
        return Ok(None);
    };
    let Field::Text(text) = field(value) else {
        return Err(wrong(ours, "its value has the wrong shape"));
    };
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, word)) => Ok(Some(word)),
        None => {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Err(wrong(
                ours,
                &format!("\"{text}\" is none of {}", known.join(", ")),
            ))
        }
    }
}

/// A problem with the value of a field of a draft.
pub(crate) fn wrong(ours: &str, what: &str) -> Problem {
    problem_at(
        Code::InvalidValue,
        ours,
        format!("The field \"{ours}\" can't be written to Xero: {what}. Correct the mapping."),
    )
}

fn our_date(ours: &str, text: &str) -> Result<String, Problem> {
    match dates::date(text) {
        Ok(date) if date == text => Ok(date),
        _ => Err(wrong(
            ours,
            &format!("\"{text}\" is not a date such as 2026-09-14"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        both("name", "Name", Shape::Text),
        both("date", "Date", Shape::Date),
        both("rate", "Rate", Shape::Decimal),
        both("sent", "Sent", Shape::Flag),
        reported("total", "Total", Shape::Decimal),
    ];

    fn read(text: &str) -> String {
        let element: Value = serde_json::from_str(text).unwrap();
        let mut reading = Reading::default();
        reading.columns(&element, COLUMNS);
        Value::Object(reading.finish()).to_string()
    }

    #[test]
    fn reading_tells_missing_null_and_unreadable_apart() {
        let cases = [
            (r#"{}"#, r#"{}"#),
            (
                r#"{"Name": null, "Date": null}"#,
                r#"{"date":null,"name":null}"#,
            ),
            (
                r#"{"Name": "", "Total": "24.10"}"#,
                r#"{"name":"","total":"24.1"}"#,
            ),
            (
                r#"{"Date": "/Date(1789344000000+0000)/"}"#,
                r#"{"date":"2026-09-14"}"#,
            ),
            (
                r#"{"Date": "junk", "DateString": "2026-09-14T00:00:00"}"#,
                r#"{"date":"2026-09-14"}"#,
            ),
            (
                r#"{"Date": "junk"}"#,
                r#"{"unreadable":[{"field":"date","value":"junk"}]}"#,
            ),
            (
                r#"{"Rate": "1,5"}"#,
                r#"{"unreadable":[{"field":"rate","value":"1,5"}]}"#,
            ),
        ];
        for (element, wanted) in cases {
            assert_eq!(read(element), wanted, "{element}");
        }
    }

    #[test]
    fn writing_keeps_decimals_exact_and_drops_what_xero_computes() {
        let doc = footbridge_sdk::document::parse(
            r#"{"name": "A", "date": "2026-09-14", "rate": "0.10", "sent": true, "total": "9"}"#,
        )
        .unwrap();
        let mut element = Structure::new();
        write(&doc, COLUMNS, &mut element).unwrap();
        assert_eq!(
            Value::Object(element).to_string(),
            r#"{"Date":"2026-09-14","Name":"A","Rate":0.1,"Sent":true}"#
        );
    }

    #[test]
    fn writing_refuses_what_it_does_not_understand() {
        for (text, field) in [
            (r#"{"date": "14/09/2026"}"#, "date"),
            (r#"{"rate": "abc"}"#, "rate"),
            (r#"{"name": {}}"#, "name"),
        ] {
            let doc = footbridge_sdk::document::parse(text).unwrap();
            let problem = write(&doc, COLUMNS, &mut Structure::new()).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field));
        }
        let doc = footbridge_sdk::document::parse(r#"{"nmae": "A"}"#).unwrap();
        assert_eq!(
            only_known(&doc, COLUMNS, &[]).unwrap_err().code,
            "unknown-field"
        );
    }
}
