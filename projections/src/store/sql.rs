//! One statement for both databases: constant pieces of text, with bound values between them.
//!
//! SQL text is `&'static str` by type, so no value can become text. Placeholders are written by the database's own
//! builder (`?` or `$1`).

use ensimbi_events::{Hash, Time};
use sqlx::{Postgres, QueryBuilder, Sqlite};
use uuid::Uuid;

/// A value for the database. Each kind has its own null, since PostgreSQL types its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bind {
    /// BIGINT / INTEGER.
    Int(Option<i64>),
    /// TEXT.
    Text(Option<String>),
    /// UUID / sixteen bytes.
    Uuid(Option<Uuid>),
    /// BYTEA / BLOB.
    Bytes(Option<Vec<u8>>),
}

/// Largest number of values in one statement; PostgreSQL takes 65,535, SQLite 32,766.
const BINDS_MAX: usize = 8_000;

impl Bind {
    /// A position or count; beyond the column's range it stops at the end, where nothing is found.
    pub fn position(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

macro_rules! binds {
    ($($from:ty => $variant:ident($value:ident -> $some:expr);)*) => {$(
        impl From<$from> for Bind {
            fn from($value: $from) -> Self {
                Self::$variant(Some($some))
            }
        }
        impl From<Option<$from>> for Bind {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map(|$value| $some))
            }
        }
    )*};
}

binds! {
    i64 => Int(v -> v);
    ensimbi_events::Amount => Int(v -> v.scaled());
    Time => Int(v -> v.micros());
    &str => Text(v -> v.to_owned());
    String => Text(v -> v);
    ensimbi_events::Currency => Text(v -> v.to_string());
    Uuid => Uuid(v -> v);
    Hash => Bytes(v -> v.0.to_vec());
    ensimbi_events::BookId => Uuid(v -> v.0);
    ensimbi_events::WalletId => Uuid(v -> v.0);
    ensimbi_events::ConnectionId => Uuid(v -> v.0);
    ensimbi_events::SubjectId => Uuid(v -> v.0);
    ensimbi_events::PartyId => Uuid(v -> v.0);
    ensimbi_events::EventId => Uuid(v -> v.0);
}

/// A sum of money in two parts, `amount / 10^9` and `amount % 10^9` of each figure added up, since 2^63 figures of 2^63
/// units do not fit 64 bits. The parts are made figure by figure, so that they do not depend on what was added together.
/// [`super::Row::sum`] reads them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SumParts {
    /// Of the upper figures.
    pub high: i64,
    /// Of what is left below 10^9.
    pub low: i64,
}

impl SumParts {
    const PART: i64 = 1_000_000_000;

    /// Adds a figure; `None` beyond the range.
    pub fn add(&mut self, amount: ensimbi_events::Amount) -> Option<()> {
        let scaled = amount.scaled();
        self.high = self.high.checked_add(scaled / Self::PART)?;
        self.low = self.low.checked_add(scaled % Self::PART)?;
        Some(())
    }
}

enum Part {
    Text(&'static str),
    Bind(Bind),
}

/// A statement under construction.
pub struct Sql {
    parts: Vec<Part>,
    /// Whether the text is the same at every call, so that its prepared form is worth keeping.
    pub(super) constant: bool,
}

impl Sql {
    /// Starts with text.
    pub fn new(text: &'static str) -> Self {
        Self { parts: vec![Part::Text(text)], constant: true }
    }

    /// Adds text.
    #[must_use]
    pub fn text(mut self, text: &'static str) -> Self {
        self.parts.push(Part::Text(text));
        self
    }

    /// Adds a value.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Bind>) -> Self {
        self.parts.push(Part::Bind(value.into()));
        self
    }

    /// Adds `(value, value, ...)`; the list must not be empty.
    #[must_use]
    pub fn list(mut self, values: impl IntoIterator<Item = Uuid>) -> Self {
        self.constant = false;
        self.push_row(values.into_iter().map(Bind::from));
        self
    }

    /// Adds `(number, number, ...)`; the list must not be empty.
    #[must_use]
    pub fn numbers(mut self, values: impl IntoIterator<Item = i64>) -> Self {
        self.constant = false;
        self.push_row(values.into_iter().map(Bind::from));
        self
    }

    fn push_row(&mut self, values: impl IntoIterator<Item = Bind>) {
        for (index, value) in values.into_iter().enumerate() {
            self.parts.push(Part::Text(if index == 0 { "(" } else { ", " }));
            self.parts.push(Part::Bind(value));
        }
        self.parts.push(Part::Text(")"));
    }

    /// `head (..), (..) tail`, in as many statements as the number of values asks for.
    pub fn insert(head: &'static str, rows: Vec<Vec<Bind>>, tail: &'static str) -> Vec<Self> {
        let width = rows.first().map_or(1, Vec::len).max(1);
        let mut statements = Vec::new();
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut sql = Self { parts: vec![Part::Text(head)], constant: false };
            for (index, row) in rows.by_ref().take((BINDS_MAX / width).max(1)).enumerate() {
                if index > 0 {
                    sql.parts.push(Part::Text(", "));
                }
                sql.push_row(row);
            }
            statements.push(sql.text(tail));
        }
        statements
    }
}

/// Ids in portions that fit a statement.
pub fn portions(ids: impl IntoIterator<Item = Uuid>) -> Vec<Vec<Uuid>> {
    let ids: Vec<Uuid> = ids.into_iter().collect();
    ids.chunks(BINDS_MAX).map(<[Uuid]>::to_vec).collect()
}

macro_rules! builder {
    ($name:ident, $database:ty) => {
        pub(super) fn $name(sql: Sql) -> QueryBuilder<$database> {
            let mut builder = QueryBuilder::new("");
            for part in sql.parts {
                match part {
                    Part::Text(text) => builder.push(text),
                    Part::Bind(Bind::Int(value)) => builder.push_bind(value),
                    Part::Bind(Bind::Text(value)) => builder.push_bind(value),
                    Part::Bind(Bind::Uuid(value)) => builder.push_bind(value),
                    Part::Bind(Bind::Bytes(value)) => builder.push_bind(value),
                };
            }
            builder
        }
    };
}

builder!(sqlite, Sqlite);
builder!(postgres, Postgres);
