//! A parsed query; names are as written, `at` is the position in characters.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

/// `a.b.c`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    pub(super) parts: Vec<String>,
    pub(super) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) select: Vec<Item>,
    pub(super) from: Path,
    pub(super) alias: Option<String>,
    pub(super) filter: Option<Condition>,
    pub(super) group_by: Vec<Path>,
    pub(super) order_by: Vec<Order>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Field {
        path: Path,
        alias: Option<String>,
    },
    Children(Query),
    /// `COUNT()`
    CountAll,
    Aggregate {
        function: Function,
        path: Path,
        alias: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Count,
    CountDistinct,
    Sum,
    Min,
    Max,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        path: Path,
        operator: Operator,
        value: Literal,
        at: usize,
    },
    In {
        path: Path,
        negation: Negation,
        values: Vec<Literal>,
        at: usize,
    },
    SemiJoin {
        path: Path,
        negation: Negation,
        query: Box<Query>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Negation {
    In,
    NotIn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    /// The raw text between the quotes.
    Text(String),
    Number(Decimal),
    Flag(bool),
    Date(NaiveDate),
    Instant(DateTime<Utc>),
    /// `TODAY`, `LAST_N_DAYS:30`
    Range {
        name: String,
        count: Option<i64>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    pub(super) path: Path,
    pub(super) direction: Direction,
    pub(super) nulls: Nulls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nulls {
    First,
    Last,
}
