//! Sentences about customers. Each names the customer, since deals are held for them.

use super::ruled::day;
use super::{Stop, listed, quoted};
use footbridge_model::called::CustomerName;
use footbridge_model::doubt::stands_in_the_way;
use footbridge_model::plan::reason;
use footbridge_model::ruling::Ruling;

pub(crate) fn not_visible(object: &str, id: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_NOT_VISIBLE,
        format!(
            "The deal's customer, {object} {id}, can't be seen. Give the connection's user access to it, or correct what the mapping takes the id from."
        ),
    )
}

pub(crate) fn ledger_not_visible(name: &str, id: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_NOT_VISIBLE,
        format!(
            "Customer {} is linked with customer {id} of the ledger, which can't be seen. Sync again; if that doesn't help, check the link.",
            quoted(name)
        ),
    )
}

pub(crate) fn source_gone(name: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_GONE,
        format!(
            "Customer {} is deleted in the source. Give the deal another customer, or restore it.",
            quoted(name)
        ),
    )
}

pub(crate) fn source_merged(name: &str, into: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_MERGED,
        format!(
            "Customer {} was merged into {into} in the source. Sync again once the deal refers to that one, or correct the deal.",
            quoted(name)
        ),
    )
}

pub(crate) fn ledger_gone(name: &str, id: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_GONE,
        format!(
            "Customer {} is archived or deleted in the ledger ({id}). Restore it there, or link another one.",
            quoted(name)
        ),
    )
}

pub(crate) fn ledger_merged(name: &str, id: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_MERGED,
        format!(
            "Customer {} was merged into another one in the ledger ({id}). Link the one that remains.",
            quoted(name)
        ),
    )
}

pub(crate) fn number_twice(name: &str, number: &str) -> Stop {
    Stop::hold(
        reason::KEY_STANDS_TWICE,
        format!(
            "Several customers of the ledger carry number {number}, which stands for customer {}. Leave it on one of them.",
            quoted(name)
        ),
    )
}

pub(crate) fn name_held(name: &str, id: &str, why: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_NAME_CLASH,
        format!(
            "The ledger has a customer called {} already ({id}), and {why}. Link the deal's customer with it, have it created under another name, or give one of them another name.",
            quoted(name)
        ),
    )
}

pub(crate) fn namesakes(name: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_NAME_CLASH,
        format!(
            "Two customers in the source are called {} and neither is in the ledger, where names are unique. Merge them, have one created there under another name, or give one another name.",
            quoted(name)
        ),
    )
}

/// The name that a person gave is another customer's in the ledger.
pub(crate) fn given_name_held(name: &str, given: &CustomerName, ruling: &Ruling, id: &str) -> Stop {
    Stop::hold(
        reason::CUSTOMER_NAME_CLASH,
        format!(
            "{}, but the ledger has a customer called like that already ({id}). Link customer {} with that one if it is the same, or choose another name.",
            created_as(given, ruling),
            quoted(name)
        ),
    )
}

/// It is the very name that is taken.
pub(crate) fn given_name_same(given: &CustomerName, ruling: &Ruling) -> Stop {
    Stop::hold(
        reason::CUSTOMER_NAME_CLASH,
        format!(
            "{}, but that is the name that it has and that isn't free. Choose another name.",
            created_as(given, ruling)
        ),
    )
}

/// Another new customer is to have the name that a person gave.
pub(crate) fn given_name_twice(name: &str, given: &CustomerName, ruling: &Ruling) -> Stop {
    Stop::hold(
        reason::CUSTOMER_NAME_CLASH,
        format!(
            "{}, but another customer that has to be created is called like that as well. Choose another name for customer {}.",
            created_as(given, ruling),
            quoted(name)
        ),
    )
}

fn created_as(given: &CustomerName, ruling: &Ruling) -> String {
    format!(
        "{} decided on {} that the customer is created in the ledger as {}",
        ruling.by,
        day(ruling),
        quoted(given.as_str())
    )
}

/// `others`: names, all of them.
pub(crate) fn looks_like_other(name: &str, others: &[&str]) -> Stop {
    let mut all = vec![name];
    all.extend(others);
    let all: Vec<String> = all.into_iter().map(quoted).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let neither = match others {
        [_] => "neither",
        _ => "none of them",
    };
    Stop::hold(
        reason::CUSTOMER_LOOKS_EXISTING,
        format!(
            "Customers {} in the source look like one, and {neither} is in the ledger. Merge them, or link each with its own.",
            listed(&all)
        ),
    )
}

/// `others`: names and ids, all of them.
pub(crate) fn looks_existing(name: &str, others: &[(&str, &str)]) -> Stop {
    let (links, apart) = match others {
        [_] => ("Link them if they are one", "one of them"),
        _ => ("Link the one that it is, if it is one of them", "it"),
    };
    let others: Vec<String> = (others.iter())
        .map(|(other, id)| format!("{} of the ledger ({id})", quoted(other)))
        .collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    Stop::hold(
        reason::CUSTOMER_LOOKS_EXISTING,
        format!(
            "Customer {} looks like {}. {links}; else give {apart} a clearly different name.",
            quoted(name),
            listed(&others)
        ),
    )
}

pub(crate) fn unresolved(name: &str) -> Stop {
    Stop::hold(
        reason::UNRESOLVED_WRITE,
        stands_in_the_way(&format!("customer {}", quoted(name))),
    )
}
