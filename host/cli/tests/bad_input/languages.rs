//! A mapping in JavaScript or Python is dropped in by configuration: looked at, installed, granted, named by the flow. It bills
//! what the mapping that comes along bills.

use crate::books::Books;
use footbridge_languages::{Language, built};
use serde_json::{Value, json};

const DEALS: usize = 24;

/// What was billed to whom, without what a ledger makes up itself.
fn billed(books: &Books) -> Vec<String> {
    let contacts = books.xero.dump("Contacts");
    let of = |invoice: &Value| {
        let id = &invoice["Contact"]["ContactID"];
        let contact = contacts.iter().find(|contact| contact["ContactID"] == *id);
        taken(
            contact.unwrap(),
            &[
                "Name",
                "ContactNumber",
                "EmailAddress",
                "TaxNumber",
                "Addresses",
            ],
        )
    };
    let invoices = books.invoices();
    let mut all: Vec<String> = invoices
        .iter()
        .map(|invoice| {
            let lines = invoice["LineItems"].as_array().unwrap().iter();
            let line = |line| {
                taken(
                    line,
                    &[
                        "Description",
                        "Quantity",
                        "UnitAmount",
                        "DiscountRate",
                        "ItemCode",
                        "AccountCode",
                        "TaxType",
                    ],
                )
            };
            let lines: Vec<Value> = lines.map(line).collect();
            assert!(lines.iter().all(|line| line["UnitAmount"] != Value::Null));
            let head = taken(
                invoice,
                &[
                    "Reference",
                    "DueDate",
                    "CurrencyCode",
                    "LineAmountTypes",
                    "Total",
                ],
            );
            json!([head, of(invoice), lines]).to_string()
        })
        .collect();
    all.sort();
    all
}

fn taken(record: &Value, fields: &[&str]) -> Value {
    let field = |name: &&str| ((*name).to_owned(), record[*name].clone());
    fields.iter().map(field).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_in_another_language_is_dropped_in_and_bills_the_same() {
    let books = Books::open(DEALS).await;
    let ended = books.run(&["sync", "--json"]).await;
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let wanted = billed(&books);
    assert!(wanted.len() > 10, "{wanted:?}");
    for language in [Language::JavaScript, Language::Python] {
        let built = match built(language) {
            Ok(built) => built,
            Err(failure) if failure.is_excused() => {
                println!("SKIPPED: {failure}");
                continue;
            }
            Err(failure) => panic!("{failure}"),
        };
        let name = language.name();
        let file = built.component.display().to_string();
        let books = Books::open(DEALS).await;
        books.change(
            "footbridge.toml",
            "transform = \"mapping\"",
            "transform = \"mine\"",
        );
        let inspected = books.run(&["plugin", "inspect", &file, "--json"]).await;
        assert_eq!(inspected.code, 0, "{name}: {}", inspected.out);
        let inspected = inspected.json();
        assert_eq!(inspected["kind"], "transform", "{name}");
        assert_eq!(inspected["problems"], json!([]), "{name}");
        let ended = books.run(&["sync"]).await;
        assert!(
            ended.code == 2 && ended.err.contains("mine"),
            "{name}: {}",
            ended.err
        );
        let yes = inspected["approval"].as_str().unwrap();
        let install = [
            "plugin", "install", &file, "--name", "mine", "--digest", yes,
        ];
        let ended = books.run(&install).await;
        assert_eq!(ended.code, 0, "{name}: {}{}", ended.out, ended.err);
        let ended = books.run(&["sync", "--json"]).await;
        assert_eq!(
            (ended.code, ended.err.as_str()),
            (0, ""),
            "{name}: {}",
            ended.out
        );
        assert_eq!(billed(&books), wanted, "{name}");
        // To the mapping that comes along they are all as they should be, and the other way round.
        for (old, new) in [("mine", "mapping"), ("mapping", "mine")] {
            books.change(
                "footbridge.toml",
                &format!("transform = {old:?}"),
                &format!("transform = {new:?}"),
            );
            books.xero.reset_counts();
            books.all_is_well(wanted.len()).await;
            assert_eq!(books.xero.counts().writes, 0, "{name} to {new}");
        }
    }
}
