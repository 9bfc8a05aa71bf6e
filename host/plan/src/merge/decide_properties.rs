//! Properties of the merge: whatever the field, its owner and its history, nothing is blanked, and nothing stays different in silence.

use super::*;
use proptest::prelude::*;

fn value() -> impl Strategy<Value = Document> {
    prop_oneof![
        Just(Document::Null),
        prop::sample::select(vec![
            "",
            "a",
            "A",
            "b",
            " b ",
            "0113 496 0000",
            "+44 113 4960000",
            "x@y.z"
        ])
        .prop_map(|text| Document::Text(text.to_owned())),
    ]
}

fn address() -> impl Strategy<Value = Document> {
    let part = prop::option::of(value());
    prop::collection::vec(part, 3).prop_map(|parts| {
        let names = ["line1", "line2", "country"];
        let parts = names.into_iter().zip(parts);
        Document::Object(
            parts
                .filter_map(|(name, part)| Some((name.to_owned(), part?)))
                .collect(),
        )
    })
}

fn owner() -> impl Strategy<Value = Owner> {
    prop::sample::select(vec![
        Owner::Source,
        Owner::Ledger,
        Owner::Newest,
        Owner::Ask,
    ])
}

#[derive(Debug, Clone)]
struct Any {
    field: Field,
    rule: Rule,
    source: Option<Document>,
    ledger: Option<Document>,
    newest: Option<Side>,
    memory: Memory,
}

fn any_field() -> impl Strategy<Value = Any> {
    (0..FIELDS.len()).prop_flat_map(|n| {
        let field = FIELDS[n];
        let one = || match field.shape {
            Shape::Address => address().boxed(),
            _ => value().boxed(),
        };
        let newest = prop::sample::select(vec![None, Some(Side::Source), Some(Side::Ledger)]);
        let back = prop::sample::select(vec![Back::Whole, Back::NotWhole, Back::Nowhere]);
        let flags = (any::<bool>(), any::<bool>(), any::<bool>(), back);
        (
            owner(),
            flags,
            prop::option::weighted(0.9, one()),
            prop::option::weighted(0.9, one()),
            prop::option::weighted(0.8, (one(), one())),
            newest,
        )
            .prop_map(
                move |(owner, (clear, fill, approve, back), source, ledger, agreed, newest)| Any {
                    field,
                    rule: Rule {
                        owner,
                        clear,
                        fill,
                        approve,
                        back,
                    },
                    source,
                    ledger,
                    newest,
                    memory: Memory {
                        agreed: agreed.map(|(source, ledger)| Pair { source, ledger }),
                        ..Memory::default()
                    },
                },
            )
    })
}

impl Any {
    fn run(&self, memory: &mut Memory) -> Verdict {
        let given = Given {
            field: self.field,
            rule: self.rule,
            source: self.source.as_ref(),
            ledger: self.ledger.as_ref(),
            versions: ("s2", "l2"),
            newest: self.newest,
            now: at(0),
            beside: Beside::Nothing,
            name_taken: None,
        };
        decide(&given, memory, |_, _| None)
    }

    fn swapped(&self) -> Self {
        let side = |side: Side| side.other();
        Self {
            field: self.field,
            rule: Rule {
                owner: match self.rule.owner {
                    Owner::Source => Owner::Ledger,
                    Owner::Ledger => Owner::Source,
                    other => other,
                },
                back: Back::Whole,
                ..self.rule
            },
            source: self.ledger.clone(),
            ledger: self.source.clone(),
            newest: self.newest.map(side),
            memory: Memory {
                agreed: self.memory.agreed.clone().map(|pair| Pair {
                    source: pair.ledger,
                    ledger: pair.source,
                }),
                ..Memory::default()
            },
        }
    }
}

fn mirrored(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Write {
            to,
            value,
            from,
            why,
        } => Verdict::Write {
            to: to.other(),
            value,
            from,
            why,
        },
        Verdict::Keep(Kept::NotOwned(side)) => Verdict::Keep(Kept::NotOwned(side.other())),
        Verdict::Keep(Kept::NotCleared(side)) => Verdict::Keep(Kept::NotCleared(side.other())),
        Verdict::Hold(Held::Approval(side)) => Verdict::Hold(Held::Approval(side.other())),
        Verdict::Hold(Held::Rewritten(side)) => Verdict::Hold(Held::Rewritten(side.other())),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn never_a_value_that_is_there_or_was_not_read(case in any_field()) {
        let mut memory = case.memory.clone();
        if let Verdict::Write { to, value, .. } = case.run(&mut memory) {
            let target = if to == Side::Source { &case.source } else { &case.ledger };
            let target = target.as_ref().expect("a side that was not read is not written");
            prop_assert!(!same(case.field.shape, &value, target));
            let from = if to == Side::Source { &case.ledger } else { &case.source };
            prop_assert!(from.is_some());
            prop_assert!(!is_empty(from.as_ref().unwrap()) || case.rule.clear);
            prop_assert!(!case.rule.approve);
            prop_assert!(to == Side::Ledger || case.rule.back == Back::Whole);
            let held = |address: &Document, part: &str| address.at(part).is_some_and(|part| !is_empty(part));
            for part in ["line1", "line2", "country"] {
                let emptied = held(target, part) && !held(&value, part);
                let agreed = case.memory.agreed.as_ref();
                let had = agreed.is_some_and(|agreed| held(agreed.of(to.other()), part));
                prop_assert!(!emptied || had || case.rule.clear, "{part}");
            }
        }
    }

    #[test]
    fn applied_and_planned_again_gives_nothing(case in any_field(), crash in any::<bool>()) {
        let mut memory = case.memory.clone();
        let verdict = case.run(&mut memory);
        let mut after = case.clone();
        if let Verdict::Write { to, value, .. } = &verdict {
            match to {
                Side::Source => after.source = Some(value.clone()),
                Side::Ledger => after.ledger = Some(value.clone()),
            }
            // What became of it may have been lost with the process.
            if !crash {
                memory = applied(&memory, &verdict, case.field.name, at(0));
            }
        }
        for _ in 0..2 {
            let again = after.run(&mut memory);
            let writes = matches!(again, Verdict::Write { .. });
            prop_assert!(!writes, "{:?} then {:?}", verdict, again);
        }
    }

    #[test]
    fn nothing_stays_different_in_silence(mut case in any_field()) {
        // As it is given: of the ledger's address the parts that the CRM's has.
        if let (Some(Document::Object(ours)), Some(Document::Object(theirs))) = (&case.source, &mut case.ledger) {
            *theirs = ours
                .keys()
                .map(|part| (part.clone(), theirs.remove(part).unwrap_or(Document::Null)))
                .collect();
        }
        let before = case.memory.agreed.clone();
        let verdict = case.run(&mut case.memory.clone());
        let (Some(source), Some(ledger)) = (case.source, case.ledger) else {
            return Ok(());
        };
        let shape = case.field.shape;
        let now = Pair { source: source.clone(), ledger: ledger.clone() };
        let known = before.is_some_and(|agreed| agreed.is(shape, &now));
        let goes_nowhere = case.rule.owner == Owner::Ledger && case.rule.back == Back::Nowhere;
        prop_assert!(
            verdict != Verdict::Nothing || echo(shape, &source, &ledger) || echo(shape, &ledger, &source) || known || goes_nowhere
        );
    }

    #[test]
    fn the_sides_are_alike(mut case in any_field()) {
        case.rule.back = Back::Whole;
        // A name has a rule of its own in the ledger; a part of an address that one side doesn't speak of is the other's.
        if case.field.name == "name" || case.field.shape == Shape::Address || case.memory.agreed.is_none() {
            return Ok(());
        }
        let here = case.run(&mut case.memory.clone());
        let there = case.swapped();
        let there = there.run(&mut there.memory.clone());
        prop_assert_eq!(here, mirrored(there));
    }

    #[test]
    fn the_memory_stays_small(case in any_field(), times in 1usize..60) {
        let mut memory = case.memory.clone();
        for n in 0..times {
            let verdict = Verdict::Write {
                to: Side::Ledger, value: t(&n.to_string()), from: t("x"), why: Because::Changed,
            };
            memory = applied(&memory, &verdict, case.field.name, at(n as i64));
        }
        prop_assert!(memory.trail.len() <= 8);
    }
}
