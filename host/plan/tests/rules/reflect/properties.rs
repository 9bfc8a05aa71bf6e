//! What holds for every plan of the way back, over random books.

use super::{Books, invoice_id, org};
use footbridge_model::money::{canonical, decimal};
use footbridge_model::receivable::{DocumentId, DocumentKind};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// An invoice: total, what was paid, credited and deducted of it in per mille, its status and currency, and whether its payment went.
#[derive(Debug, Clone)]
struct Spec {
    cents: i64,
    paid: i64,
    credited: i64,
    deducted: i64,
    state: u8,
    currency: u8,
    gone: bool,
}

fn spec() -> impl Strategy<Value = Spec> {
    (
        0i64..5_000_000,
        0i64..1000,
        0i64..1000,
        0i64..300,
        0u8..8,
        0u8..3,
        any::<bool>(),
    )
        .prop_map(
            |(cents, paid, credited, deducted, state, currency, gone)| Spec {
                cents,
                paid,
                credited,
                deducted,
                state,
                currency,
                gone,
            },
        )
}

fn currency(of: u8) -> (&'static str, &'static str) {
    [("GBP", "1"), ("JPY", "187.654321"), ("KWD", "0.391234")][usize::from(of)]
}

fn books(specs: &[Spec]) -> Books {
    let mut books = Books::new();
    for (n, spec) in specs.iter().enumerate() {
        let id = format!("{n:02}");
        let text = |cents: i64| canonical(Decimal::new(cents, 2));
        let deducted = spec.cents * spec.deducted / 1000;
        let mut paid = (spec.cents - deducted) * spec.paid / 1000;
        let mut credited = (spec.cents - deducted - paid) * spec.credited / 1000;
        if spec.state == 1 {
            paid = spec.cents - deducted - credited;
        }
        let cancelled = spec.state == 2;
        if cancelled {
            (paid, credited) = (0, 0);
        }
        let due = spec.cents - deducted - paid - credited;
        let status = match spec.state {
            0 => "draft",
            2 => "voided",
            _ if due == 0 => "paid",
            _ => "authorised",
        };
        let (currency, rate) = currency(spec.currency);
        let allocation =
            json!([{"kind": "credit-note", "id": format!("c{id}"), "amount": text(credited)}]);
        books = books.invoice(
            &id,
            json!({
                "currency": currency, "currency_rate": rate, "status": status, "total": text(spec.cents),
                "amount_due": if cancelled { "0".to_owned() } else { text(due) }, "amount_paid": text(paid),
                "amount_credited": text(credited), "amount_deducted": if cancelled { "0".to_owned() } else { text(deducted) },
                "fully_paid_on": if due == 0 { json!("2026-09-30") } else { Value::Null },
                "credits": if credited > 0 { allocation } else { json!([]) },
            }),
        );
        if paid > 0 {
            let status = if spec.gone && spec.state == 3 {
                "deleted"
            } else {
                "authorised"
            };
            let payment = json!({"amount": text(paid), "currency": currency, "status": status});
            books = books.payment(&format!("p{id}"), invoice_id(&id), payment);
        }
        if credited > 0 {
            let left = i64::try_from(n).unwrap() * 100;
            books = books.credit(
                DocumentKind::CreditNote,
                &format!("c{id}"),
                json!({
                    "currency": currency, "currency_rate": rate, "total": text(credited + left), "remaining_credit": text(left),
                    "status": if left == 0 { "paid" } else { "authorised" },
                    "allocations": [{"id": format!("a{id}"), "invoice": id, "amount": text(credited)}],
                }),
            );
        }
    }
    books
}

fn amount(record: &Value, field: &str) -> Decimal {
    record[field]
        .as_str()
        .map_or(Decimal::ZERO, |text| decimal(text).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_way_back_is_sound(specs in prop::collection::vec(spec(), 1..9), later in prop::collection::vec(spec(), 1..9), turn in 0usize..9) {
        let mut books = books(&specs);

        // The order of what is given doesn't matter.
        let mut given = books.all_given();
        let plan = books.of(given.clone());
        let count = given.len();
        given.rotate_left(turn % count);
        given.reverse();
        prop_assert_eq!(&books.of(given), &plan);
        prop_assert_eq!(&plan.plan.holds, &Vec::new());

        // Once applied nothing is left to do, and every document's amounts add up.
        let written = books.settle();
        prop_assert!(written >= specs.len(), "{} of {}", written, specs.len());
        prop_assert_eq!(books.settle(), 0);
        for n in 0..specs.len() {
            let shown = books.document(&invoice_id(&format!("{n:02}")));
            let parts = ["amount_due", "amount_paid", "amount_credited", "amount_deducted"];
            let sum: Decimal = parts.iter().map(|part| amount(&shown, part)).sum();
            match shown["status"].as_str().unwrap() {
                "voided" | "deleted" => prop_assert_eq!(sum, Decimal::ZERO),
                _ => prop_assert_eq!(sum, amount(&shown, "total"), "{}", shown),
            }
        }

        // Balances are the sums of what the documents show.
        for (currency, _) in (0..3).map(currency) {
            let (mut owed, mut left) = (Decimal::ZERO, Decimal::ZERO);
            for id in books.documents.keys() {
                let shown = books.document(id);
                if shown["currency"] != currency || ["draft", "voided"].contains(&shown["status"].as_str().unwrap()) {
                    continue;
                }
                owed += amount(&shown, "amount_due");
                left += amount(&shown, "remaining_credit");
            }
            let key = footbridge_model::receivable::balance_key(&org(), "acme", currency);
            if books.shown.contains_key(&key) {
                let balance = books.balance(currency);
                prop_assert_eq!(amount(&balance, "balance"), owed - left);
                prop_assert_eq!(amount(&balance, "invoiced_due"), owed);
            }
        }

        // The ledger goes on: whatever it says next, the CRM follows, once.
        let next = self::books(&later);
        books.documents.extend(next.documents.clone());
        books.payments.extend(next.payments.clone());
        let stay: Vec<DocumentId> = books.documents.keys().cloned().collect();
        for id in stay {
            // What is no longer set against an invoice is no credit that was used there.
            if id.kind == DocumentKind::CreditNote && !next.documents.contains_key(&id) {
                books.documents.remove(&id);
            }
        }
        books.settle();
        prop_assert_eq!(books.settle(), 0);
    }
}
