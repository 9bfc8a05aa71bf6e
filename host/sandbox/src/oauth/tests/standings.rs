//! The states of a token set: which steps exist, and what any order of steps, losses and crashes leads to against each kind of
//! provider.

use super::{at, tokens};
use crate::oauth::standing::{End, Misfit, Rotation, Standing, Step};
use proptest::prelude::*;

fn ready(refresh: &str, rotation: Rotation) -> Standing {
    Standing::Ready {
        tokens: tokens("a", Some(refresh), 0),
        rotation,
        last: 0,
    }
}

fn started(standing: &Standing, seconds: i64) -> Standing {
    let attempt = standing.next_attempt();
    let at = at(seconds);
    standing.next(Step::Started { attempt, at }).unwrap()
}

#[test]
fn late_and_double_answers_never_replace_the_newer_pair() {
    let first = started(&ready("r0", Rotation::Unknown), 0);
    let second = started(&first, 10);
    let answer = |attempt, refresh: &str| Step::Answered {
        attempt,
        tokens: tokens("b", Some(refresh), 20),
    };
    // The first answer comes while the second attempt is open: it is not the one that counts.
    assert_eq!(second.next(answer(1, "late")), Err(Misfit));
    let newer = second.next(answer(2, "r2")).unwrap();
    // Both come again, or late.
    for attempt in [1, 2, 3] {
        assert_eq!(newer.next(answer(attempt, "late")), Err(Misfit));
        let refused = Step::Refused {
            attempt,
            said: "invalid_grant".into(),
            at: at(30),
        };
        assert_eq!(newer.next(refused), Err(Misfit));
        assert_eq!(newer.next(Step::NotCarriedOut { attempt }), Err(Misfit));
    }
    let refresh = newer.tokens().unwrap().refresh.clone().unwrap();
    assert_eq!(refresh.expose(), "r2");
}

#[test]
fn what_a_provider_does_with_the_old_token_is_learnt() {
    let open = started(&ready("r0", Rotation::Unknown), 0);
    let answered = |refresh: Option<&str>| {
        let tokens = tokens("b", refresh, 1);
        open.next(Step::Answered { attempt: 1, tokens }).unwrap()
    };
    let Standing::Ready {
        tokens, rotation, ..
    } = answered(None)
    else {
        panic!("ready")
    };
    assert_eq!(
        (tokens.refresh.unwrap().expose(), rotation),
        ("r0", Rotation::Kept)
    );
    assert!(matches!(
        answered(Some("r0")),
        Standing::Ready {
            rotation: Rotation::Kept,
            ..
        }
    ));
    assert!(matches!(
        answered(Some("r1")),
        Standing::Ready {
            rotation: Rotation::Replaced,
            ..
        }
    ));
}

#[test]
fn an_old_token_is_tried_until_the_provider_refuses_it() {
    // However long an outage lasts, and whatever is known of the provider: only its own word ends a consent.
    for rotation in [Rotation::Unknown, Rotation::Replaced, Rotation::Kept] {
        let mut standing = ready("r", rotation);
        for second in 0..50 {
            standing = started(&standing, second * 100);
            let tokens = standing.tokens().unwrap();
            assert_eq!(tokens.refresh.as_ref().unwrap().expose(), "r");
        }
        let attempt = standing.next_attempt() - 1;
        let said = "invalid_grant".to_owned();
        let step = Step::Refused {
            attempt,
            said,
            at: at(9_000),
        };
        assert!(matches!(
            standing.next(step).unwrap(),
            Standing::Over {
                why: End::RefusedInDoubt { .. },
                ..
            }
        ));
    }
}

#[test]
fn a_refusal_says_whether_an_answer_had_been_lost() {
    let refused = |standing: &Standing, attempt| {
        let said = "invalid_grant".to_owned();
        match standing
            .next(Step::Refused {
                attempt,
                said,
                at: at(9),
            })
            .unwrap()
        {
            Standing::Over { why, .. } => why,
            other => panic!("{other:?}"),
        }
    };
    let once = started(&ready("r", Rotation::Unknown), 0);
    assert!(matches!(refused(&once, 1), End::Refused { .. }));
    // Nothing left: that attempt doesn't count.
    let back = once.next(Step::NotCarriedOut { attempt: 1 }).unwrap();
    let Standing::Ready {
        last: 1, tokens, ..
    } = &back
    else {
        panic!("{back:?}")
    };
    assert_eq!(tokens.refresh.as_ref().unwrap().expose(), "r");
    assert_eq!(back.next_attempt(), 2, "numbers are never used twice");
    let twice = started(&once, 5);
    assert!(matches!(refused(&twice, 2), End::RefusedInDoubt { .. }));
    let still = twice.next(Step::NotCarriedOut { attempt: 2 }).unwrap();
    assert!(matches!(still, Standing::Refreshing { tries: 1, .. }));
    assert!(still.next_attempt() > 2);
}

/// A provider, as the rules know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Keeps,
    Rotates,
    RotatesWithGrace,
}

/// What happens to one refresh.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Answered,
    CrashBeforeSending,
    LostOnTheWayThere,
    LostOnTheWayBack,
    CrashBeforeKept,
    NoConnection,
    AnsweredTwice,
}

struct Provider {
    kind: Kind,
    current: u32,
    /// The one before, and when it was replaced.
    before: Option<(u32, i64)>,
}

impl Provider {
    fn refresh(&mut self, token: u32, now: i64) -> Option<Option<u32>> {
        let graced = self.kind == Kind::RotatesWithGrace
            && self
                .before
                .is_some_and(|(old, when)| old == token && now < when + 1_800);
        if token != self.current && !graced {
            return None;
        }
        if self.kind == Kind::Keeps {
            return Some(None);
        }
        if token == self.current {
            self.before = Some((token, now));
        }
        self.current += 1;
        Some(Some(self.current))
    }
}

fn fates() -> impl Strategy<Value = Vec<(Fate, i64)>> {
    let fate = prop_oneof![
        4 => Just(Fate::Answered),
        1 => Just(Fate::CrashBeforeSending),
        1 => Just(Fate::LostOnTheWayThere),
        1 => Just(Fate::LostOnTheWayBack),
        1 => Just(Fate::CrashBeforeKept),
        1 => Just(Fate::NoConnection),
        1 => Just(Fate::AnsweredTwice),
    ];
    proptest::collection::vec((fate, 1i64..4_000), 1..40)
}

proptest! {
    /// Whatever is lost and wherever it crashes: what is on disk is the provider's newest pair or in doubt; a provider that keeps its token, or
    /// forgives for a while, is lost only if it refuses by its own rule.
    #[test]
    fn no_order_of_losses_and_crashes_loses_a_pair_that_was_answered(fates in fates(), kind in prop_oneof![Just(Kind::Keeps), Just(Kind::Rotates), Just(Kind::RotatesWithGrace)]) {
        let mut provider = Provider { kind, current: 0, before: None };
        let mut disk = ready("0", Rotation::Unknown);
        let mut now = 0;
        let mut lost = 0;
        for (fate, passed) in fates {
            now += passed;
            let token: u32 = disk.tokens().unwrap().refresh.as_ref().unwrap().expose().parse().unwrap();
            let attempt = disk.next_attempt();
            disk = started(&disk, now);
            let step = match fate {
                Fate::CrashBeforeSending | Fate::LostOnTheWayThere => { lost += 1; None }
                Fate::NoConnection => Some(Step::NotCarriedOut { attempt }),
                Fate::Answered | Fate::AnsweredTwice | Fate::LostOnTheWayBack | Fate::CrashBeforeKept => {
                    let said = provider.refresh(token, now);
                    match (fate, said) {
                        (Fate::LostOnTheWayBack | Fate::CrashBeforeKept, _) => { lost += 1; None }
                        (_, None) => {
                            prop_assert!(lost > 0, "refused a token whose every answer was kept");
                            prop_assert!(kind != Kind::Keeps);
                            Some(Step::Refused { attempt, said: "invalid_grant".into(), at: at(now) })
                        }
                        (_, Some(new)) => {
                            let new = new.map(|new| new.to_string());
                            Some(Step::Answered { attempt, tokens: tokens("x", new.as_deref(), now) })
                        }
                    }
                }
            };
            let Some(step) = step else { continue };
            let again = step.clone();
            disk = disk.next(step).unwrap();
            if let Fate::AnsweredTwice = fate {
                prop_assert_eq!(disk.next(again), Err(Misfit));
            }
            match &disk {
                Standing::Over { .. } => return Ok(()),
                Standing::Ready { tokens, .. } => {
                    let kept: u32 = tokens.refresh.as_ref().unwrap().expose().parse().unwrap();
                    if matches!(fate, Fate::Answered | Fate::AnsweredTwice) {
                        prop_assert_eq!(kept, provider.current, "not the newest pair");
                        lost = 0;
                    }
                }
                _ => {}
            }
        }
    }
}
