//! One field of one customer: what to do about the two values, the shadow, the rule and what people decided. The whole merge is this.
//!
//! Pure and blind to vendors. It never writes what was not read, what is equal, or what a person has yet to allow. Next: `plan` turns the
//! verdicts of a customer into operations and notes.

use super::address::{self, Beside};
use super::field::{Field, Shape};
use super::normal::{echo, is_empty, same};
use super::policy::{Back, Owner, Rule, Side};
use super::state::{Memory, Pair, Rewritten};
use chrono::{DateTime, Utc};
use footbridge_model::document::Document;

/// So often the same value is written in a day; then something over there puts it back.
pub(crate) const MOST_WRITES: usize = 3;

/// What is known of one field.
#[derive(Debug, Clone)]
pub(crate) struct Given<'a> {
    pub(crate) field: Field,
    pub(crate) rule: Rule,
    pub(crate) source: Option<&'a Document>,
    pub(crate) ledger: Option<&'a Document>,
    /// The records' versions.
    pub(crate) versions: (&'a str, &'a str),
    /// The side whose record was changed last, if that is known.
    pub(crate) newest: Option<Side>,
    pub(crate) now: DateTime<Utc>,
    /// Whether the ledger's address holds more than the CRM's speaks of.
    pub(crate) beside: Beside,
    /// Who else in the ledger is called what would be written, if it is a name.
    pub(crate) name_taken: Option<&'a str>,
}

/// What a person said about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// This side's value counts in this field, which they named.
    Take(Side),
    /// This side's value counts in all that the item showed, of which this field was one.
    TakeShown(Side),
    /// Do what the item warned of.
    GoAhead,
    /// Leave it.
    Ignore,
}

impl Word {
    fn takes(self) -> Option<(Side, Because)> {
        match self {
            Word::Take(side) => Some((side, Because::Said)),
            Word::TakeShown(side) => Some((side, Because::SaidOfAll)),
            Word::GoAhead | Word::Ignore => None,
        }
    }
}

/// What a person may have said something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question<'a> {
    /// It waits.
    Held(&'a Held),
    /// It stays different.
    Kept(Kept),
    /// It differs as it did when they last agreed. No item has to show it, so only who names the field speaks of it.
    AsAgreed,
}

/// What comes of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is to be done.
    Nothing,
    /// The other side gets this value.
    Write {
        to: Side,
        value: Document,
        from: Document,
        why: Because,
    },
    /// It stays as it is, and people are told why.
    Keep(Kept),
    /// It waits for a person.
    Hold(Held),
}

/// Why a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Because {
    /// The other side changed it.
    Changed,
    /// Both changed it, and this side's counts.
    Won,
    /// It was empty.
    Filled,
    /// Something replaced what was written.
    Again,
    /// A person said so of this field.
    Said,
    /// A person said so of all that an item showed. That is no yes to what needs one, and empties nothing.
    SaidOfAll,
}

impl Because {
    fn is_said(self) -> bool {
        matches!(self, Because::Said | Because::SaidOfAll)
    }
}

/// Why a difference stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// This side changed it, and the other one owns it.
    NotOwned(Side),
    /// The ledger changed it, and the CRM has no place for it.
    NoPlace,
    /// The ledger changed it, and the CRM has a place for parts of it only.
    NoWholePlace,
    /// This side changed its address, of which it lacks a part that the other one holds and that nobody emptied.
    PartMissing(Side),
    /// The CRM has another street now, and the ledger's address holds more than the CRM's speaks of: the two would be mixed.
    Beside,
    /// The sides differed when they were first compared.
    FirstSight,
    /// This side was emptied, and emptying isn't carried over.
    NotCleared(Side),
    /// The mapping makes no entry any more where it made one: emptied or not read, which can't be told apart.
    LeftOut,
    /// A person said so.
    Ignored,
}

/// Why a field waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// Both sides changed it.
    Conflict,
    /// It would be written to this side, once a person allows it.
    Approval(Side),
    /// The same, where a side was taken for a whole item.
    Chosen(Side),
    /// Something on this side changes back what is written.
    Rewritten(Side),
    /// Another customer of the ledger has the name.
    NameTaken(String),
}

/// Decides, and remembers in `memory` what has to be.
pub(crate) fn decide(
    given: &Given<'_>,
    memory: &mut Memory,
    word: impl Fn(&Memory, Question<'_>) -> Option<Word>,
) -> Verdict {
    let (source, ledger) = match (given.source, given.ledger) {
        (Some(source), Some(ledger)) => (source, ledger),
        (None, Some(ledger)) => return fallen_silent(given, memory, ledger, &word),
        (_, None) => return Verdict::Nothing,
    };
    let now = Values { source, ledger };
    if read_again(given, memory, now) == Reading::Pending {
        return Verdict::Nothing;
    }
    let shape = given.field.shape;
    if same(shape, source, ledger) {
        memory.agree(now.pair());
        return Verdict::Nothing;
    }
    let verdict = judged(given, memory, now, &word);
    if verdict == Verdict::Keep(Kept::FirstSight) {
        memory.agree(now.pair());
    }
    match &verdict {
        Verdict::Keep(_) | Verdict::Hold(_) => memory.ask(shape, now.pair(), given.now),
        Verdict::Nothing | Verdict::Write { .. } => {}
    }
    verdict
}

/// A mapping leaves a list out whose last entry was emptied, and one that it didn't read. Nothing is written of either; where it made the
/// entry before and the ledger still holds one, that is said. A person may let the ledger's stand; nobody can have it emptied.
fn fallen_silent(
    given: &Given<'_>,
    memory: &mut Memory,
    ledger: &Document,
    word: &impl Fn(&Memory, Question<'_>) -> Option<Word>,
) -> Verdict {
    // With a place of its own in the CRM, what was emptied is read there.
    let is_entry = given.field.entry().is_some() && given.rule.back != Back::Whole;
    let held = memory.agreed.as_ref().map(|agreed| &agreed.source);
    if !is_entry || is_empty(ledger) || memory.sent.is_some() || held.is_none_or(is_empty) {
        return Verdict::Nothing;
    }
    let pair = Pair::on(Side::Ledger, ledger.clone(), Document::Null);
    memory.ask(given.field.shape, pair, given.now);
    match word(memory, Question::Kept(Kept::LeftOut)) {
        Some(Word::Take(Side::Ledger)) => Verdict::Keep(Kept::Ignored),
        _ => Verdict::Keep(Kept::LeftOut),
    }
}

/// Both values, read.
#[derive(Clone, Copy)]
struct Values<'a> {
    source: &'a Document,
    ledger: &'a Document,
}

impl Values<'_> {
    fn of(&self, side: Side) -> &Document {
        match side {
            Side::Source => self.source,
            Side::Ledger => self.ledger,
        }
    }

    fn pair(&self) -> Pair {
        Pair {
            source: self.source.clone(),
            ledger: self.ledger.clone(),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Reading {
    /// What was written has yet to be read again.
    Pending,
    Done,
}

/// What was written becomes the shadow as it is read again, whatever the far side made of it.
fn read_again(given: &Given<'_>, memory: &mut Memory, now: Values<'_>) -> Reading {
    let Some(sent) = memory.sent.clone() else {
        return Reading::Done;
    };
    let shape = given.field.shape;
    let there = now.of(sent.to);
    let version = match sent.to {
        Side::Source => given.versions.0,
        Side::Ledger => given.versions.1,
    };
    let is_ours = echo(shape, &sent.value, there);
    if !is_ours && version == sent.version {
        if sent.is_pending(given.now) {
            return Reading::Pending;
        }
        memory.sent = None;
        return Reading::Done;
    }
    // A ledger has no triggers, and what it made of a write is in its answer: what stands there now is somebody's change.
    let edited = !is_ours && sent.to == Side::Ledger;
    if edited {
        memory.agree(Pair::on(sent.to, sent.value, sent.from));
        return Reading::Done;
    }
    let asked = memory.asked.take();
    memory.agree(Pair::on(sent.to, there.clone(), sent.from));
    memory.asked = asked.filter(|asked| asked.pair.is(shape, &now.pair()));
    if !is_ours {
        memory.rewritten = Some(Rewritten {
            to: sent.to,
            value: sent.value,
            stuck: false,
        });
    }
    Reading::Done
}

fn judged(
    given: &Given<'_>,
    memory: &mut Memory,
    now: Values<'_>,
    word: &impl Fn(&Memory, Question<'_>) -> Option<Word>,
) -> Verdict {
    let shape = given.field.shape;
    let Some(agreed) = memory.agreed.clone() else {
        if echo(shape, now.source, now.ledger) {
            memory.agree(now.pair());
            return Verdict::Nothing;
        }
        return first_sight(given, memory, now, word);
    };
    let changed = |side: Side| !same(shape, agreed.of(side), now.of(side));
    let (source, ledger) = (changed(Side::Source), changed(Side::Ledger));
    if (source || ledger) && memory.rewritten.is_some() {
        memory.rewritten = None;
    }
    match (source, ledger) {
        (false, false) => match memory.rewritten.clone() {
            Some(rewritten) => again(given, memory, now, &rewritten, word),
            // They were never one; a person may still choose.
            None => match word(memory, Question::AsAgreed).and_then(Word::takes) {
                Some((side, why)) => write(given, memory, now, side.other(), why, word),
                None => Verdict::Nothing,
            },
        },
        (true, false) => one_sided(given, memory, now, Side::Source, word),
        (false, true) => one_sided(given, memory, now, Side::Ledger, word),
        // What differs in spelling alone came from a write whose answer nobody read.
        (true, true) if echo(shape, now.source, now.ledger) => {
            memory.agree(now.pair());
            Verdict::Nothing
        }
        (true, true) => conflict(given, memory, now, word),
    }
}

/// Never seen before: nothing that holds something is overwritten.
fn first_sight(
    given: &Given<'_>,
    memory: &Memory,
    now: Values<'_>,
    word: &impl Fn(&Memory, Question<'_>) -> Option<Word>,
) -> Verdict {
    let empty = [Side::Source, Side::Ledger]
        .into_iter()
        .find(|side| is_empty(now.of(*side)));
    match empty {
        Some(to) if given.rule.fill && (to == Side::Ledger || given.rule.back == Back::Whole) => {
            write(given, memory, now, to, Because::Filled, word)
        }
        _ => Verdict::Keep(Kept::FirstSight),
    }
}

fn one_sided(
    given: &Given<'_>,
    memory: &Memory,
    now: Values<'_>,
    by: Side,
    word: &impl Fn(&Memory, Question<'_>) -> Option<Word>,
) -> Verdict {
    let owner = match given.rule.owner {
        Owner::Source => Some(Side::Source),
        Owner::Ledger => Some(Side::Ledger),
        Owner::Newest | Owner::Ask => None,
    };
    if owner.is_some_and(|owner| owner != by) {
        return kept(given, memory, now, Kept::NotOwned(by), word);
    }
    write(given, memory, now, by.other(), Because::Changed, word)
}

fn conflict(
    given: &Given<'_>,
    memory: &Memory,
    now: Values<'_>,
    word: &impl Fn(&Memory, Question<'_>) -> Option<Word>,
) -> Verdict {
    let winner = match given.rule.owner {
        Owner::Source => Some(Side::Source),
        Owner::Ledger => Some(Side::Ledger),
        Owner::Newest => given.newest,
        Owner::Ask => None,
    };
    if let Some(winner) = winner {
        return write(given, memory, now, winner.other(), Because::Won, word);
    }
    let said = word(memory, Question::Held(&Held::Conflict));
    match (said, said.and_then(Word::takes)) {
        (_, Some((side, why))) => write(given, memory, now, side.other(), why, word),
        (Some(Word::Ignore), _) => Verdict::Keep(Kept::Ignored),
        // To go ahead answers no question of which one.
        _ => Verdict::Hold(Held::Conflict),
    }
}

/// A difference that stays, unless a person took a side.
fn kept(
    given: &Given<'_>,
    memory: &Memory,
    now: Values<'_>,
    why: Kept,
    word: &impl Fn(&Memory, Question<'_>) -> Option<Word>,
) -> Verdict {
    let said = word(memory, Question::Kept(why));
    match (said, said.and_then(Word::takes)) {
        (_, Some((side, why))) => write(given, memory, now, side.other(), why, word),
        (Some(Word::Ignore), _) => Verdict::Keep(Kept::Ignored),
        _ => Verdict::Keep(why),
    }
}

/// Something replaced what was written: again, so often in a day; then a person looks.
fn again(
    given: &Given<'_>,
    memory: &mut Memory,
    now: Values<'_>,
    rewritten: &Rewritten,
    word: &impl Fn(&Memory, Question<'_>) -> Option<Word>,
) -> Verdict {
    let held = Held::Rewritten(rewritten.to);
    let said = word(memory, Question::Held(&held));
    match (said, said.and_then(Word::takes)) {
        (_, Some((side, why))) => return write(given, memory, now, side.other(), why, word),
        (Some(Word::Ignore), _) => return Verdict::Keep(Kept::Ignored),
        (Some(_), _) => return write(given, memory, now, rewritten.to, Because::Said, word),
        (None, _) => {}
    }
    let times = memory.times(given.field.shape, rewritten.to, &rewritten.value, given.now);
    if rewritten.stuck || times >= MOST_WRITES {
        memory.rewritten = Some(Rewritten {
            stuck: true,
            ..rewritten.clone()
        });
        return Verdict::Hold(held);
    }
    write(given, memory, now, rewritten.to, Because::Again, word)
}

/// Everything that may still stand against a write.
fn write(
    given: &Given<'_>,
    memory: &Memory,
    now: Values<'_>,
    to: Side,
    why: Because,
    word: &impl Fn(&Memory, Question<'_>) -> Option<Word>,
) -> Verdict {
    let shape = given.field.shape;
    let from = now.of(to.other());
    if to == Side::Source && given.rule.back != Back::Whole {
        // The CRM has no place for it: it stays where it is, and where that leaves a change of the CRM behind, it is said.
        return match (why, given.rule.owner) {
            (Because::Won, _) => kept(given, memory, now, Kept::NotOwned(Side::Source), word),
            (why, _) if why.is_said() => Verdict::Keep(Kept::Ignored),
            (_, Owner::Ledger) if given.rule.back == Back::Nowhere => Verdict::Nothing,
            // Whoever wants changes to go there hears of one that can't.
            _ if given.rule.back == Back::Nowhere => kept(given, memory, now, Kept::NoPlace, word),
            _ => kept(given, memory, now, Kept::NoWholePlace, word),
        };
    }
    let may_empty = given.field.name != "name" && (given.rule.clear || why == Because::Said);
    if is_empty(from) && !may_empty {
        let stays = Kept::NotCleared(to.other());
        return match why {
            // What was said comes to this: a name is never emptied, and a side taken for a whole item empties nothing.
            Because::Said | Because::SaidOfAll => Verdict::Keep(stays),
            _ => kept(given, memory, now, stays, word),
        };
    }
    if !may_empty && lacks_part(memory, now, to.other()) {
        let missing = Kept::PartMissing(to.other());
        return match why {
            // A side taken for a whole item empties nothing.
            Because::SaidOfAll => Verdict::Keep(missing),
            _ => kept(given, memory, now, missing, word),
        };
    }
    if to == Side::Ledger
        && given.beside == Beside::More
        && why != Because::Said
        && address::moves(now.source, now.ledger)
    {
        return match why {
            Because::SaidOfAll => Verdict::Keep(Kept::Beside),
            _ => kept(given, memory, now, Kept::Beside, word),
        };
    }
    if given.field.name == "name"
        && to == Side::Ledger
        && let Some(other) = given.name_taken
    {
        let held = Held::NameTaken(other.to_owned());
        return match word(memory, Question::Held(&held)) {
            Some(Word::Ignore) => Verdict::Keep(Kept::Ignored),
            // Nobody can allow what the ledger refuses.
            _ => Verdict::Hold(held),
        };
    }
    let flips = memory.times(shape, to, from, given.now);
    if flips >= MOST_WRITES && !why.is_said() {
        let held = Held::Rewritten(to);
        let said = word(memory, Question::Held(&held));
        return match (said, said.and_then(Word::takes)) {
            (_, Some((side, why))) => write(given, memory, now, side.other(), why, word),
            (Some(Word::Ignore), _) => Verdict::Keep(Kept::Ignored),
            (Some(_), _) => written(shape, now, to, Because::Said),
            (None, _) => Verdict::Hold(held),
        };
    }
    if given.rule.approve && why != Because::Said {
        let held = match why {
            Because::SaidOfAll => Held::Chosen(to),
            _ => Held::Approval(to),
        };
        // The item shows just this change, so what is said of the whole item is said of it.
        let said = word(memory, Question::Held(&held));
        return match (said, said.and_then(Word::takes)) {
            (_, Some((side, _))) if side == to.other() => written(shape, now, to, why),
            (_, Some((_, why))) => the_other_way(given, now, to, why),
            (Some(Word::Ignore), _) => Verdict::Keep(Kept::Ignored),
            (Some(_), _) => written(shape, now, to, why),
            (None, _) => Verdict::Hold(held),
        };
    }
    written(shape, now, to, why)
}

/// Whether a side's address lacks a part that the other one holds, and lacked it when they last agreed: going over whole, the address would
/// empty what nobody emptied.
fn lacks_part(memory: &Memory, now: Values<'_>, side: Side) -> bool {
    let Document::Object(parts) = now.of(side) else {
        return false;
    };
    let nothing = |address: &Document, part: &str| address.at(part).is_none_or(is_empty);
    parts.iter().any(|(part, value)| {
        let agreed = memory.agreed.as_ref();
        is_empty(value)
            && !nothing(now.of(side.other()), part)
            && agreed.is_none_or(|agreed| nothing(agreed.of(side), part))
    })
}

/// What would have gone to one side is taken back from there.
fn the_other_way(given: &Given<'_>, now: Values<'_>, to: Side, why: Because) -> Verdict {
    if to == Side::Ledger && given.rule.back != Back::Whole {
        // The CRM has no place for it.
        return Verdict::Keep(Kept::Ignored);
    }
    if is_empty(now.of(to)) && why != Because::Said && !given.rule.clear {
        return Verdict::Keep(Kept::NotCleared(to));
    }
    written(given.field.shape, now, to.other(), why)
}

fn written(shape: Shape, now: Values<'_>, to: Side, why: Because) -> Verdict {
    let from = now.of(to.other());
    let value = match (from, now.of(to)) {
        // Parts that the target has and the other side doesn't speak of stay as they are.
        (Document::Object(parts), Document::Object(there)) => {
            let mut whole = there.clone();
            whole.extend(parts.clone());
            Document::Object(whole)
        }
        (from, _) => from.clone(),
    };
    if same(shape, &value, now.of(to)) {
        return Verdict::Nothing;
    }
    Verdict::Write {
        to,
        value,
        from: from.clone(),
        why,
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
