//! Who owns a customer's field, varied: half of the stories that follow customers have other owners of the address and the phone than the
//! product's own choice, and tell of edits of them on one side, on the other, and on both.
//!
//! Thrown with dice of its own, so that the rest of each story is what it was before. Next: `property::owner`.

use crate::generate::Dice;
use crate::schedule::{Customers, Schedule, Step};
use rand::SeedableRng;
use rand::rngs::StdRng;

const OWNERS: [&str; 4] = ["newest", "ask", "source", "ledger"];
/// Fields of Salesforce with those of Xero, as acts name them.
const PLACES: [(&str, &str); 3] = [
    ("BillingCity", "City"),
    ("BillingStreet", "AddressLine1"),
    ("Phone", "PhoneNumber"),
];

pub(crate) fn with_owners(schedule: &mut Schedule) {
    let mut dice = Dice(StdRng::seed_from_u64(schedule.seed ^ 0x6f77_6e65_7273));
    if schedule.world.customers == Customers::Once || dice.chance(40) {
        return;
    }
    let world = &mut schedule.world;
    for (field, places) in [
        ("addresses.billing", &[".city", ".line1", ".country"][..]),
        ("phones.main", &[""][..]),
    ] {
        let owner = dice.one(&OWNERS, "ask").to_owned();
        world.owners.insert(field.to_owned(), owner);
        // Some are followed one way only, some in a part of the address.
        let known = match dice.between(0, 4) {
            0 => 0,
            1 => 1,
            2 => 2,
            _ => 3,
        };
        for part in places.iter().take(known) {
            let place = match *part {
                ".city" => "BillingCity",
                ".line1" => "BillingStreet",
                ".country" => "BillingCountryCode",
                _ => "Phone",
            };
            (world.back).insert(format!("{field}{part}"), place.to_owned());
        }
    }
    let mut steps = Vec::new();
    for step in schedule.steps.drain(..) {
        if matches!(step, Step::Sync | Step::Quiet) && dice.chance(45) {
            steps.extend(edits(&mut dice));
        }
        steps.push(step);
    }
    schedule.steps = steps;
}

/// An edit of a customer on either side, or one on each.
fn edits(dice: &mut Dice) -> Vec<Step> {
    let account = dice.place();
    let both = dice.chance(40);
    let here = dice.chance(50);
    let mut steps = vec![edit(dice, account, here)];
    if both {
        if dice.chance(40) {
            let minutes = dice.between(1, 3);
            steps.push(Step::Pass { minutes });
        }
        if dice.chance(25) {
            steps.push(Step::Sync);
        }
        steps.push(edit(dice, account, !here));
    }
    steps
}

fn edit(dice: &mut Dice, account: usize, in_salesforce: bool) -> Step {
    let (ours, theirs) = dice.one(&PLACES, ("Phone", "PhoneNumber"));
    let number = dice.between(1, 999);
    let to = match ours {
        "Phone" => format!("0113 496 {number:04}"),
        "BillingStreet" => format!("{number} Lane"),
        _ => format!("Place {number}"),
    };
    if in_salesforce {
        Step::AccountText {
            account,
            field: ours.to_owned(),
            to: Some(to),
        }
    } else {
        Step::CustomerText {
            account,
            field: theirs.to_owned(),
            to,
        }
    }
}
