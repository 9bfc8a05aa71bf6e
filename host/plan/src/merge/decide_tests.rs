//! One field, every way it can stand: a table first, then what holds for all of them.

use super::*;
use crate::merge::field::FIELDS;
use crate::merge::state::{Asked, Sent, State, Writing, after_write, once_more};
use chrono::TimeDelta;
use std::collections::BTreeMap;

#[path = "decide_properties.rs"]
mod properties;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_791_190_800, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn t(text: &str) -> Document {
    match text {
        "null" => Document::Null,
        text => Document::Text(text.to_owned()),
    }
}

fn rule(owner: Owner) -> Rule {
    Rule {
        owner,
        clear: false,
        fill: false,
        approve: false,
        back: Back::Whole,
    }
}

fn field(name: &str) -> Field {
    Field::named(name).unwrap()
}

fn agreed(source: &str, ledger: &str) -> Memory {
    Memory {
        agreed: Some(Pair {
            source: t(source),
            ledger: t(ledger),
        }),
        ..Memory::default()
    }
}

struct Case {
    field: &'static str,
    rule: Rule,
    source: Option<Document>,
    ledger: Option<Document>,
    newest: Option<Side>,
    taken: Option<&'static str>,
    word: Option<Word>,
    minutes: i64,
    memory: Memory,
}

impl Case {
    fn new(owner: Owner, source: &str, ledger: &str, memory: Memory) -> Self {
        Self {
            field: "account_number",
            rule: rule(owner),
            source: Some(t(source)),
            ledger: Some(t(ledger)),
            newest: None,
            taken: None,
            word: None,
            minutes: 0,
            memory,
        }
    }

    fn run(&mut self) -> Verdict {
        let given = Given {
            field: field(self.field),
            rule: self.rule,
            source: self.source.as_ref(),
            ledger: self.ledger.as_ref(),
            versions: ("s2", "l2"),
            newest: self.newest,
            now: at(self.minutes),
            beside: Beside::Nothing,
            name_taken: self.taken,
        };
        let word = self.word;
        decide(&given, &mut self.memory, |_, _| word)
    }
}

/// In a word: `=` nothing, `>value` to the ledger, `<value` to the CRM, else why it stays or waits.
fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Nothing => "=".to_owned(),
        Verdict::Write { to, value, .. } => {
            let arrow = if *to == Side::Ledger { '>' } else { '<' };
            let value = match value {
                Document::Text(text) => text.clone(),
                other => other.canonical(),
            };
            format!("{arrow}{value}")
        }
        Verdict::Keep(kept) => format!("{kept:?}"),
        Verdict::Hold(held) => format!("{held:?}"),
    }
}

#[test]
fn the_sides_against_what_they_last_agreed_on() {
    use Owner::{Ask, Ledger, Newest, Source};
    type Row<'a> = (Owner, &'a str, &'a str, (&'a str, &'a str), &'a str);
    let table: &[Row<'_>] = &[
        // Equal, whoever owns it.
        (Source, "a", "a", ("a", "a"), "="),
        (Ask, "b", "b ", ("a", "a"), "="),
        // Known to differ, and unchanged: an echo in other words.
        (Source, "a", "A!", ("a", "A!"), "="),
        (Ledger, "a", "A!", ("a", "A!"), "="),
        // One side changed.
        (Source, "b", "a", ("a", "a"), ">b"),
        (Newest, "b", "a", ("a", "a"), ">b"),
        (Ask, "b", "a", ("a", "a"), ">b"),
        (Ledger, "b", "a", ("a", "a"), "NotOwned(Source)"),
        (Ledger, "a", "b", ("a", "a"), "<b"),
        (Newest, "a", "b", ("a", "a"), "<b"),
        (Ask, "a", "b", ("a", "a"), "<b"),
        (Source, "a", "b", ("a", "a"), "NotOwned(Ledger)"),
        // Both.
        (Source, "b", "c", ("a", "a"), ">b"),
        (Ledger, "b", "c", ("a", "a"), "<c"),
        (Ask, "b", "c", ("a", "a"), "Conflict"),
        (Newest, "b", "c", ("a", "a"), "Conflict"),
        (Ask, "b", "B", ("a", "a"), "="),
        // Emptied.
        (Source, "null", "a", ("a", "a"), "NotCleared(Source)"),
        (Source, "", "a", ("a", "a"), "NotCleared(Source)"),
        (Ledger, "a", "null", ("a", "a"), "NotCleared(Ledger)"),
        (Source, "null", "", ("a", "a"), "="),
    ];
    for (owner, source, ledger, (was_source, was_ledger), wanted) in table {
        let mut case = Case::new(*owner, source, ledger, agreed(was_source, was_ledger));
        let found = shown(&case.run());
        assert_eq!(
            found, *wanted,
            "{owner:?}: {source} | {ledger}, was {was_source} | {was_ledger}"
        );
    }
}

#[test]
fn the_newest_wins_where_both_changed() {
    for (newest, wanted) in [(Side::Source, ">b"), (Side::Ledger, "<c")] {
        let mut case = Case::new(Owner::Newest, "b", "c", agreed("a", "a"));
        case.newest = Some(newest);
        assert_eq!(shown(&case.run()), wanted);
    }
}

#[test]
fn a_value_that_was_not_read_is_never_written_nor_overwritten() {
    for (source, ledger) in [(None, Some(t("a"))), (Some(t("b")), None), (None, None)] {
        for memory in [Memory::default(), agreed("x", "y")] {
            let mut case = Case::new(Owner::Ask, "", "", memory.clone());
            (case.source, case.ledger) = (source.clone(), ledger.clone());
            case.rule.clear = true;
            case.rule.fill = true;
            assert_eq!(shown(&case.run()), "=");
            assert_eq!(case.memory, memory, "nothing is remembered of it");
        }
    }
}

#[test]
fn a_list_that_is_left_out_empties_nothing_and_is_told_where_it_held_an_entry() {
    for (field, ledger, memory, wanted) in [
        ("phones.main", "a", agreed("a", "a"), "LeftOut"),
        ("addresses.billing", "a", agreed("a", "a"), "LeftOut"),
        ("phones.main", "b", agreed("a", "a"), "LeftOut"),
        ("phones.main", "", agreed("a", "a"), "="),
        ("phones.main", "a", agreed("null", "a"), "="),
        ("phones.main", "a", Memory::default(), "="),
        ("account_number", "a", agreed("a", "a"), "="),
    ] {
        let mut case = Case::new(Owner::Source, "", ledger, memory.clone());
        (case.field, case.source, case.rule.clear) = (field, None, true);
        case.rule.back = Back::Nowhere;
        assert_eq!(shown(&case.run()), wanted, "{field} {ledger} {memory:?}");
        assert_eq!(case.memory.agreed, memory.agreed, "it comes back as it was");
    }
}

#[test]
fn emptying_goes_over_only_where_the_operator_says_so_and_never_a_name() {
    let mut case = Case::new(Owner::Source, "null", "a", agreed("a", "a"));
    case.rule.clear = true;
    assert_eq!(shown(&case.run()), ">null");
    case.field = "name";
    assert_eq!(shown(&case.run()), "NotCleared(Source)");
}

#[test]
fn at_first_sight_nothing_is_overwritten() {
    let mut case = Case::new(Owner::Source, "a", "b", Memory::default());
    assert_eq!(shown(&case.run()), "FirstSight");
    assert_eq!(shown(&case.run()), "=", "noted once");
    case.source = Some(t("c"));
    assert_eq!(shown(&case.run()), ">c", "a later change goes over");

    for (source, ledger, fill, wanted) in [
        ("a", "", false, "FirstSight"),
        ("a", "", true, ">a"),
        ("null", "b", true, "<b"),
        ("a", "b", true, "FirstSight"),
        ("a", "A", true, "="),
    ] {
        let mut case = Case::new(Owner::Source, source, ledger, Memory::default());
        case.rule.fill = fill;
        assert_eq!(shown(&case.run()), wanted, "{source} | {ledger}");
    }
}

/// What the ledger owns goes nowhere then. Where changes are to go both ways, one that can't is said.
#[test]
fn without_a_place_in_the_crm_nothing_is_written_there() {
    for (owner, wanted) in [
        (Owner::Ledger, "="),
        (Owner::Source, "NotOwned(Ledger)"),
        (Owner::Newest, "NoPlace"),
        (Owner::Ask, "NoPlace"),
    ] {
        let mut case = Case::new(owner, "a", "b", agreed("a", "a"));
        case.rule.back = Back::Nowhere;
        assert_eq!(shown(&case.run()), wanted, "{owner:?}");
        assert_eq!(shown(&case.run()), wanted, "{owner:?}, each time");
        if wanted == "NoPlace" {
            case.word = Some(Word::Take(Side::Source));
            assert_eq!(shown(&case.run()), ">a", "{owner:?}");
            case.word = Some(Word::Take(Side::Ledger));
            assert_eq!(shown(&case.run()), "Ignored", "{owner:?}");
        }
    }
}

/// A place for parts of it is none for a value that goes whole. Whoever named one hears of a change that can't go, whoever owns it.
#[test]
fn with_a_place_for_parts_alone_nothing_is_written_to_the_crm() {
    for (owner, one, both) in [
        (Owner::Ledger, "NoWholePlace", "NotOwned(Source)"),
        (Owner::Source, "NotOwned(Ledger)", ">c"),
        (Owner::Newest, "NoWholePlace", "Conflict"),
        (Owner::Ask, "NoWholePlace", "Conflict"),
    ] {
        let mut case = Case::new(owner, "a", "b", agreed("a", "a"));
        case.rule.back = Back::NotWhole;
        assert_eq!(shown(&case.run()), one, "{owner:?}");
        assert_eq!(shown(&case.run()), one, "{owner:?}, each time");
        case.source = Some(t("c"));
        assert_eq!(shown(&case.run()), both, "{owner:?}");
        case.word = Some(Word::Take(Side::Source));
        assert_eq!(shown(&case.run()), ">c", "{owner:?}");
        if both != ">c" {
            case.word = Some(Word::Take(Side::Ledger));
            assert_eq!(shown(&case.run()), "Ignored", "{owner:?}");
        }
    }
    let mut case = Case::new(Owner::Newest, "null", "b", Memory::default());
    (case.rule.back, case.rule.fill) = (Back::NotWhole, true);
    assert_eq!(shown(&case.run()), "FirstSight");
}

fn address_of(city: &str, line1: &str) -> Document {
    let parts = [("city", t(city)), ("line1", t(line1))];
    Document::Object(parts.map(|(name, part)| (name.to_owned(), part)).into())
}

/// An address goes over whole, and with it a part that its side emptied, but never the lack of one that it didn't have before.
#[test]
fn a_part_of_an_address_is_emptied_only_if_somebody_emptied_it() {
    type Parts<'a> = (&'a str, &'a str);
    type Row<'a> = (Owner, Parts<'a>, Parts<'a>, (Parts<'a>, Parts<'a>), &'a str);
    let (town, both) = (("Leeds", "null"), ("Leeds", "1 High St"));
    let (other, none) = (("York", "null"), ("null", "null"));
    let table: &[Row<'_>] = &[
        // They never held the same, and the one that changed lacks a part.
        (
            Owner::Newest,
            both,
            other,
            (both, town),
            "PartMissing(Ledger)",
        ),
        (
            Owner::Ledger,
            both,
            other,
            (both, none),
            "PartMissing(Ledger)",
        ),
        (Owner::Ask, other, both, (town, both), "PartMissing(Source)"),
        (
            Owner::Source,
            other,
            both,
            (none, both),
            "PartMissing(Source)",
        ),
        // Where it owns nothing, that is what's said.
        (Owner::Source, both, other, (both, town), "NotOwned(Ledger)"),
        // It had the part, and emptied it.
        (
            Owner::Newest,
            both,
            other,
            (both, both),
            r#"<{"city":"York","line1":null}"#,
        ),
        (
            Owner::Source,
            other,
            both,
            (both, both),
            r#">{"city":"York","line1":null}"#,
        ),
        // Nothing is lost.
        (
            Owner::Newest,
            town,
            both,
            (town, town),
            r#"<{"city":"Leeds","line1":"1 High St"}"#,
        ),
        (
            Owner::Ask,
            both,
            town,
            (town, town),
            r#">{"city":"Leeds","line1":"1 High St"}"#,
        ),
    ];
    for (owner, source, ledger, (was_source, was_ledger), wanted) in table {
        let address = |(city, line1): Parts<'_>| address_of(city, line1);
        let memory = Memory {
            agreed: Some(Pair {
                source: address(*was_source),
                ledger: address(*was_ledger),
            }),
            ..Memory::default()
        };
        let mut case = Case::new(*owner, "", "", memory);
        case.field = "addresses.billing";
        (case.source, case.ledger) = (Some(address(*source)), Some(address(*ledger)));
        let what = format!("{owner:?}: {source:?} | {ledger:?}");
        assert_eq!(shown(&case.run()), *wanted, "{what}");
        assert_eq!(shown(&case.run()), *wanted, "{what}, each time");
        if !wanted.starts_with("PartMissing") {
            continue;
        }
        // Taken for the whole item it empties nothing; by the field's name, or where the operator says so, it does.
        let changed = if source == was_source {
            Side::Ledger
        } else {
            Side::Source
        };
        case.word = Some(Word::TakeShown(changed));
        assert_eq!(shown(&case.run()), *wanted, "{what}");
        case.word = Some(Word::Take(changed));
        let arrow = if changed == Side::Ledger { '<' } else { '>' };
        let whole = format!(r#"{arrow}{{"city":"York","line1":null}}"#);
        assert_eq!(shown(&case.run()), whole, "{what}");
        (case.word, case.rule.clear) = (None, true);
        assert_eq!(shown(&case.run()), whole, "{what}");
    }
}

/// The ledger's value counts and has nowhere to go. What the CRM changed is not carried over, which has to be said.
#[test]
fn a_change_of_the_crm_that_loses_is_noted_where_the_winner_has_no_place() {
    for (owner, newest, wanted) in [
        (Owner::Ledger, None, "NotOwned(Source)"),
        (Owner::Newest, Some(Side::Ledger), "NotOwned(Source)"),
        (Owner::Newest, Some(Side::Source), ">b"),
        (Owner::Source, None, ">b"),
        (Owner::Ask, None, "Conflict"),
    ] {
        let mut case = Case::new(owner, "b", "c", agreed("a", "a"));
        (case.rule.back, case.newest) = (Back::Nowhere, newest);
        assert_eq!(shown(&case.run()), wanted, "{owner:?}");
        assert_eq!(shown(&case.run()), wanted, "{owner:?}, each time");
        case.word = Some(Word::Take(Side::Source));
        assert_eq!(shown(&case.run()), ">b", "{owner:?}");
        if wanted != ">b" {
            case.word = Some(Word::Take(Side::Ledger));
            assert_eq!(shown(&case.run()), "Ignored", "{owner:?}");
        }
    }
}

#[test]
fn what_was_written_becomes_the_shadow_as_it_is_read_again() {
    let sent = |version: &str| Memory {
        sent: Some(Sent {
            to: Side::Ledger,
            value: t("Acme Ltd"),
            from: t("Acme Ltd"),
            version: version.to_owned(),
            at: at(-5),
        }),
        ..agreed("Acme", "Acme")
    };
    // Not read again yet.
    let mut case = Case::new(Owner::Source, "Acme Ltd", "Acme", sent("l2"));
    assert_eq!(shown(&case.run()), "=");
    assert!(case.memory.sent.is_some());
    // Never read again: looked at afresh.
    case.minutes = 120;
    assert_eq!(shown(&case.run()), ">Acme Ltd");
    // Read again, shouted.
    let mut case = Case::new(Owner::Source, "Acme Ltd", "ACME LTD", sent("l1"));
    assert_eq!(shown(&case.run()), "=");
    assert_eq!(case.memory, agreed("Acme Ltd", "ACME LTD"));
    // Changed over there since: one-sided, not an echo.
    case.ledger = Some(t("Acme Group"));
    case.rule.owner = Owner::Ask;
    assert_eq!(shown(&case.run()), "<Acme Group");
}

#[test]
fn what_is_put_back_three_times_in_a_day_waits() {
    let mut case = Case::new(Owner::Ledger, "a", "b", agreed("a", "a"));
    for time in 0..MOST_WRITES {
        case.minutes += 10;
        let verdict = case.run();
        assert_eq!(shown(&verdict), "<b", "time {time}");
        // The far side takes it and puts its own back.
        case.memory = applied(&case.memory, &verdict, "account_number", at(case.minutes));
    }
    for wait in [10, 60 * 24, 60 * 24] {
        case.minutes += wait;
        assert_eq!(
            shown(&case.run()),
            "Rewritten(Source)",
            "also the day after"
        );
    }
    let stuck = case.memory.clone();
    for (word, wanted) in [
        (Word::Ignore, "Ignored"),
        (Word::GoAhead, "<b"),
        (Word::Take(Side::Ledger), "<b"),
        (Word::Take(Side::Source), ">a"),
    ] {
        case.memory = stuck.clone();
        case.word = Some(word);
        assert_eq!(shown(&case.run()), wanted, "{word:?}");
    }
    case.word = None;
    case.memory = stuck;
    case.ledger = Some(t("c"));
    assert_eq!(shown(&case.run()), "<c", "another value is another matter");
}

/// A person looks again: what waits is written once, also what waits because it flips, and then it waits as before.
#[test]
fn what_is_looked_at_again_is_written_once_more() {
    let name = "account_number";
    let again = |memory: &Memory| {
        let mut state = State::default();
        state.set(field(name), memory.clone());
        let text = once_more(&state.text()).unwrap();
        assert_eq!(once_more(&text), None);
        State::read(Some(&text)).of(field(name))
    };
    let mut case = Case::new(Owner::Ledger, "a", "b", agreed("a", "a"));
    for minute in 0..MOST_WRITES {
        let verdict = case.run();
        assert_eq!(shown(&verdict), "<b");
        case.memory = applied(&case.memory, &verdict, name, at(minute as i64));
    }
    for _ in 0..2 {
        assert_eq!(shown(&case.run()), "Rewritten(Source)");
        case.memory = again(&case.memory);
        let verdict = case.run();
        assert_eq!(shown(&verdict), "<b");
        case.memory = applied(&case.memory, &verdict, name, at(5));
    }
    // One that flips, each time by a plain change.
    let mut case = Case::new(Owner::Source, "b", "a", agreed("a", "a"));
    let write = case.run();
    for minute in 0..MOST_WRITES {
        case.memory = applied(&case.memory, &write, name, at(minute as i64));
    }
    case.memory.sent = None;
    assert_eq!(shown(&case.run()), "Rewritten(Ledger)");
    case.memory = again(&case.memory);
    assert_eq!(shown(&case.run()), ">b");
    assert_eq!(once_more(""), None);
}

/// A bookkeeper who corrects what was just written there has changed it: it is not written over.
#[test]
fn what_somebody_changes_in_the_ledger_after_our_write_stays() {
    let mut case = Case::new(Owner::Source, "b", "a", agreed("a", "a"));
    let verdict = case.run();
    assert_eq!(shown(&verdict), ">b");
    case.memory = applied(&case.memory, &verdict, "account_number", at(0));
    case.ledger = Some(t("theirs"));
    assert_eq!(shown(&case.run()), "NotOwned(Ledger)");
    case.rule.owner = Owner::Newest;
    assert_eq!(shown(&case.run()), "<theirs");
}

/// A field that two automations fight about: each time a plain one-sided change.
#[test]
fn a_field_that_flips_to_and_fro_is_held() {
    let mut case = Case::new(Owner::Newest, "a", "a", agreed("a", "a"));
    let mut found = Vec::new();
    for n in 0..12 {
        case.minutes += 10;
        // Over there it goes back to a; here somebody puts b again.
        case.source = Some(t(if n % 2 == 0 { "b" } else { "a" }));
        let verdict = case.run();
        found.push(shown(&verdict));
        if let Verdict::Write { value, .. } = &verdict {
            case.ledger = Some(value.clone());
            case.memory = applied(&case.memory, &verdict, "account_number", at(case.minutes));
        }
    }
    assert!(found.contains(&"Rewritten(Ledger)".to_owned()), "{found:?}");
    let writes = found.iter().filter(|word| word.starts_with('>')).count();
    assert!(writes <= 2 * MOST_WRITES, "{found:?}");
}

/// Whichever side is taken for a field that flips, the other one gets its value, and they agree.
#[test]
fn a_side_that_is_taken_ends_the_flipping() {
    for (word, back, wanted, agreed_on) in [
        (Word::Take(Side::Source), Back::Whole, ">b", "b"),
        (Word::Take(Side::Ledger), Back::Whole, "<a", "a"),
        (Word::GoAhead, Back::Whole, ">b", "b"),
        (Word::Ignore, Back::Whole, "Ignored", "a"),
        (Word::Take(Side::Ledger), Back::Nowhere, "Ignored", "a"),
    ] {
        let mut case = Case::new(Owner::Source, "b", "a", agreed("a", "a"));
        let again = Verdict::Write {
            to: Side::Ledger,
            value: t("b"),
            from: t("b"),
            why: Because::Changed,
        };
        for minute in 0..MOST_WRITES {
            case.memory = applied(&case.memory, &again, "account_number", at(minute as i64));
        }
        case.memory.sent = None;
        case.rule.back = back;
        assert_eq!(shown(&case.run()), "Rewritten(Ledger)");
        case.word = Some(word);
        let verdict = case.run();
        assert_eq!(shown(&verdict), wanted, "{word:?}");
        // Written, read again: nobody is asked after the next look.
        if let Verdict::Write { to, value, .. } = &verdict {
            case.memory = applied(&case.memory, &verdict, "account_number", at(5));
            match to {
                Side::Source => case.source = Some(value.clone()),
                Side::Ledger => case.ledger = Some(value.clone()),
            }
            case.word = None;
            assert_eq!(shown(&case.run()), "=", "{word:?}");
        }
        let agreed = case.memory.agreed.as_ref().map(|pair| pair.ledger.clone());
        assert_eq!(agreed, Some(t(agreed_on)), "{word:?}");
    }
}

#[test]
fn invoice_email_waits_for_a_yes_to_just_this_change() {
    let mut case = Case::new(Owner::Source, "new@x", "old@x", agreed("old@x", "old@x"));
    case.field = "email";
    case.rule.approve = true;
    assert_eq!(shown(&case.run()), "Approval(Ledger)");
    assert_eq!(
        case.memory.asked.as_ref().map(|asked| asked.since),
        Some(at(0))
    );
    case.minutes = 5;
    case.run();
    assert_eq!(
        case.memory.asked.as_ref().map(|asked| asked.since),
        Some(at(0)),
        "asked once"
    );
    for (word, wanted) in [
        (Word::GoAhead, ">new@x"),
        (Word::Take(Side::Source), ">new@x"),
        (Word::Take(Side::Ledger), "<old@x"),
        (Word::Ignore, "Ignored"),
    ] {
        case.word = Some(word);
        assert_eq!(shown(&case.run()), wanted, "{word:?}");
    }
    case.word = None;
    case.source = Some(t("newer@x"));
    case.run();
    let since = |case: &Case| case.memory.asked.as_ref().map(|asked: &Asked| asked.since);
    assert_eq!(since(&case), Some(at(5)), "another value is asked for anew");
}

/// Stored before items kept the reason that a field is shown under: `asked` without `shown`.
#[test]
fn what_was_asked_before_reasons_were_kept_still_counts() {
    let stored = r#"{"pair":{"source":"new@x","ledger":"old@x"},"since":"2026-10-05T09:00:00Z"}"#;
    let asked: Asked = serde_json::from_str(stored).unwrap();
    assert_eq!(serde_json::to_string(&asked).unwrap(), stored);
    assert_eq!(asked.shown_since("customer-conflict"), asked.since);
    let mut memory = Memory {
        asked: Some(asked),
        ..Memory::default()
    };
    memory.show("customer-conflict", at(5));
    let asked = memory.asked.unwrap();
    assert_eq!(asked.shown_since("customer-conflict"), at(5));
    assert!(asked.shown_since("customer-change-not-owned") > at(1000));
}

#[test]
fn a_name_that_is_taken_waits() {
    let mut case = Case::new(Owner::Source, "Acme Ltd", "Acme", agreed("Acme", "Acme"));
    case.field = "name";
    case.taken = Some("x2");
    assert_eq!(shown(&case.run()), "NameTaken(\"x2\")");
    case.word = Some(Word::GoAhead);
    assert_eq!(
        shown(&case.run()),
        "NameTaken(\"x2\")",
        "nobody can allow it"
    );
    case.word = Some(Word::Ignore);
    assert_eq!(shown(&case.run()), "Ignored");
}

#[test]
fn a_conflict_is_settled_by_a_word() {
    for (word, wanted) in [
        (Word::Take(Side::Source), ">b"),
        (Word::Take(Side::Ledger), "<c"),
        (Word::Ignore, "Ignored"),
        (Word::GoAhead, "Conflict"),
    ] {
        let mut case = Case::new(Owner::Ask, "b", "c", agreed("a", "a"));
        case.word = Some(word);
        assert_eq!(shown(&case.run()), wanted, "{word:?}");
    }
}

/// The memory after a write was applied, the target at its first version.
fn applied(memory: &Memory, verdict: &Verdict, name: &str, at: DateTime<Utc>) -> Memory {
    let Verdict::Write {
        to, value, from, ..
    } = verdict
    else {
        return memory.clone();
    };
    let mut state = State::default();
    state.set(field(name), memory.clone());
    let writing = Writing {
        to: *to,
        version: "before".to_owned(),
        fields: BTreeMap::from([(name.to_owned(), (value.clone(), from.clone()))]),
    };
    let text = after_write(Some(&state.text()), &writing.text(), at).unwrap();
    State::read(Some(&text)).of(field(name))
}
