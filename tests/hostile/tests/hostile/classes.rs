//! The class of every deed: what becomes of it, in which words, and whether it counts against the plugin. `deeds.rs` holds
//! each deed to it, and fails where a guest knows one that has no row here.

/// What becomes of a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The plugin is named with these words, and repetition quarantines it.
    Blamed(&'static str),
    /// The same, after it did nothing for as long as a call may take.
    TimesOut,
    /// It had no effect, and the call went well.
    Harmless,
    /// The plugin said so itself, as it may; these words come along and nothing counts against it.
    Said(&'static str),
    /// Looked at where storage or both faces are tested.
    Elsewhere,
}

use End::{Blamed, Elsewhere, Harmless, Said, TimesOut};

const CPU: End = Blamed("used more than 300 ms of CPU time");

pub(crate) const OF_THE_CONNECTOR: &[(&str, End)] = &[
    ("read: trap", Blamed("trapped: ")),
    ("read: panic", Blamed("these are its last words")),
    ("read: trap in drop", Blamed("trapped: ")),
    ("read: trap after the answer", Blamed("trapped: ")),
    ("read: exit", Blamed("exited with status")),
    ("read: loop", CPU),
    (
        "read: grow",
        Blamed("asked for more than 128 MiB of memory"),
    ),
    ("read: recurse", Blamed("trapped: ")),
    ("read: copy", CPU),
    ("read: log flood", Harmless),
    ("read: print flood", Harmless),
    ("read: random flood", CPU),
    ("read: random at once", Blamed("failed: ")),
    ("read: leak handles", Blamed("failed: ")),
    ("read: header bomb", Harmless),
    ("read: header of 20 MiB", Harmless),
    ("read: giant path", Harmless),
    ("read: sleep", TimesOut),
    ("read: poll for ever", TimesOut),
    ("read: rest often", Harmless),
    ("read: work and rest", CPU),
    ("read: work and read", CPU),
    ("read: files", Harmless),
    (
        "read: number token",
        Blamed("number 12.5 must be written as a decimal string"),
    ),
    ("read: duplicate key", Blamed("stands twice")),
    ("read: no json", Blamed("bad document for thing id-0")),
    ("read: too deep", Blamed("nested deeper")),
    ("read: too large", Blamed("over the limit")),
    ("read: too many", Blamed("gave 5001 items")),
    ("read: giant result", Blamed("failed: ")),
    ("read: giant name", Blamed("failed: ")),
    ("read: typed failure", Said("it said so")),
    (
        "prepare: missing",
        Blamed("no request for operation \"two\""),
    ),
    ("prepare: extra", Blamed("which wasn't asked")),
    (
        "prepare: twice",
        Blamed("two requests for operation \"one\""),
    ),
    ("prepare: empty request", Blamed("carries no operation")),
    ("prepare: trap", Blamed("trapped: ")),
    (
        "prepare: nothing",
        Blamed("no request for operation \"one\""),
    ),
    ("prepare: giant body", Blamed("a body of 9437184 bytes")),
    (
        "prepare: reach",
        Said("this call is pure and reaches nothing"),
    ),
    (
        "prepare: keep",
        Said("denied: this call is pure and reaches nothing"),
    ),
    (
        "interpret: missing",
        Blamed("no outcome for operation \"two\""),
    ),
    ("interpret: extra", Blamed("which wasn't asked")),
    ("interpret: twice", Blamed("two outcomes")),
    (
        "interpret: swapped for one",
        Blamed("two outcomes for operation \"one\""),
    ),
    ("interpret: trap", Blamed("trapped: ")),
    ("interpret: number token", Blamed("decimal string")),
    ("keep: count", Elsewhere),
    ("keep: count and trap", Elsewhere),
    ("keep: count and fail", Elsewhere),
    ("keep: fill", Elsewhere),
    ("keep: long key", Elsewhere),
    ("keep: empty key", Elsewhere),
    ("keep: long value", Elsewhere),
    ("keep: no number", Elsewhere),
    ("keep: swap", Elsewhere),
    ("keep: tidy", Elsewhere),
    ("keep: pages", Elsewhere),
    ("keep: keys", Elsewhere),
    ("keep: echo", Elsewhere),
];

pub(crate) const OF_THE_FETCHER: &[(&str, End)] = &[
    ("zero time-outs", Harmless),
    ("header bomb", Blamed("total size of fields exceeds limit")),
    ("leak fields", Blamed("failed: ")),
    ("hoard methods", Blamed("made the host keep")),
    ("hoard bodies", Harmless),
    ("many at once", Harmless),
    ("never read", Elsewhere),
    ("drop at once", Harmless),
    ("ask twice", Harmless),
    ("unfinished body", TimesOut),
    ("body", Harmless),
    ("body flood", Harmless),
    ("methods", Harmless),
    ("elsewhere", Harmless),
    ("plain", Harmless),
    ("slow upstream", Harmless),
];

pub(crate) const OF_THE_TRANSFORM: &[(&str, End)] = &[
    ("loop", Blamed("used up its 12000000 units of fuel")),
    ("trap", Blamed("trapped: ")),
    ("grow", Blamed("asked for more than 128 MiB of memory")),
    ("recurse", Blamed("trapped: ")),
    ("number token", Blamed("number 0.1 must be")),
    ("extra", Blamed("gave 3 results for 2 inputs")),
    ("missing", Blamed("gave 1 results for 2 inputs")),
    ("giant draft", Blamed("over the limit")),
    ("problem", Said("no")),
    ("world", Harmless),
];
