//! Balance: what a customer owes in one currency: invoices less unallocated credits, overpayments and prepayments (domain rule 12).
//!
//! Summed from standings alone. Overdue is as of the organisation's local date (domain rule 8).

use super::document::account;
use super::input::{GivenBalance, ReflectInput};
use super::standing::{Counts, Standing};
use super::write::{Fields, Wanted, document_subject};
use crate::dates::date;
use crate::explain::{Stop, reflect as say};
use crate::money::sum;
use chrono::NaiveDate;
use footbridge_model::money::round_half_up;
use footbridge_model::receivable::{BALANCE, balance_key};
use rust_decimal::Decimal;

/// What people call a balance.
pub(crate) fn name(input: &ReflectInput<'_>, given: &GivenBalance) -> String {
    let customer = input.customers.get(&given.customer);
    let name = customer.and_then(|customer| customer.name.as_deref());
    let name: String = name.unwrap_or("Customer").trim().chars().take(70).collect();
    format!("{name} {}", given.currency)
}

/// What a customer's balance should say.
pub(crate) fn tell(input: &ReflectInput<'_>, given: &GivenBalance) -> Result<Wanted, Stop> {
    let name = name(input, given);
    if let Some(unknown) = given.standings.iter().find(|s| s.counts == Counts::Unknown) {
        let document = &unknown.document;
        return Err(say::balance_unknown(&name, document)
            .showing(|shown| shown.waits_for = Some(document_subject(input, document))));
    }
    let sums =
        Sums::of(&given.standings, input.as_of.local_date).ok_or_else(|| say::too_large(&name))?;
    let key = balance_key(&input.ledger.1, &given.customer, &given.currency);
    let mut fields = Fields::default();
    fields.text("key", &key);
    fields.text("organisation", input.ledger.1.as_str());
    fields.text("name", &name);
    fields.maybe("account", account(input, Some(&given.customer)).as_deref());
    fields.text("customer", &given.customer);
    fields.text("role", "billing");
    fields.text("currency", &given.currency);
    fields.text("base_currency", &input.organisation.base_currency);
    fields.amount("invoiced_due", sums.due);
    fields.amount("unallocated_credits", sums.credits);
    fields.amount("balance", sums.balance);
    fields.amount("base_balance", sums.base);
    fields.amount("overdue", sums.overdue);
    fields.amount("open_documents", Decimal::from(sums.open));
    match sums.average_days {
        Some(days) => fields.amount("average_days_to_pay", days),
        None => fields.empty("average_days_to_pay"),
    }
    Ok(Wanted {
        object: BALANCE,
        key,
        why: say::balance(&name, sums.balance, sums.overdue, &given.currency),
        title: name,
        source: ("customer", given.customer.clone()),
        fields,
    })
}

struct Sums {
    due: Decimal,
    credits: Decimal,
    balance: Decimal,
    base: Decimal,
    overdue: Decimal,
    open: usize,
    average_days: Option<Decimal>,
}

impl Sums {
    /// `None` where a sum has more digits than any amount of money.
    fn of(standings: &[Standing], today: NaiveDate) -> Option<Self> {
        let (mut due, mut credits, mut overdue, mut days) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut base, mut base_credits) = (Vec::new(), Vec::new());
        for standing in standings {
            match &standing.counts {
                Counts::Owed {
                    due: owed,
                    base: in_base,
                    due_date,
                } => {
                    let owed = owed.unwrap_or_default();
                    due.push(owed);
                    base.push(in_base.unwrap_or_default());
                    let day = due_date.as_deref().and_then(date);
                    if day.is_some_and(|day| day < today) {
                        overdue.push(owed);
                    }
                }
                Counts::Credit {
                    left,
                    base: in_base,
                } => {
                    credits.push(left.unwrap_or_default());
                    base_credits.push(in_base.unwrap_or_default());
                }
                Counts::Settled { days: Some(taken) } => days.push(Decimal::from(*taken)),
                Counts::Settled { days: None } | Counts::Nothing | Counts::Unknown => {}
            }
        }
        let average_days = match days.len() {
            0 => None,
            count => {
                let average = sum(&days)?.checked_div(Decimal::from(count))?;
                Some(round_half_up(average, 1))
            }
        };
        let open = due.len() + credits.len();
        let (due, credits) = (sum(&due)?, sum(&credits)?);
        Some(Self {
            due,
            credits,
            balance: due.checked_sub(credits)?,
            base: sum(&base)?.checked_sub(sum(&base_credits)?)?,
            overdue: sum(&overdue)?,
            open,
            average_days,
        })
    }
}
