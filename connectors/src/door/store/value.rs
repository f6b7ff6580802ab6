//! Values towards a statement and rows back, the same for both databases.

use ensimbi_events::{BookId, ClaimId, ConnectionId, ObservationId, PartyId, SubjectId, Time, WalletId};
use uuid::Uuid;

use crate::door::DoorError;

/// One bound value; `None` is NULL of that type.
#[derive(Clone)]
pub(crate) enum Value {
    /// `bigint`, INTEGER.
    Int(Option<i64>),
    /// `text`, TEXT.
    Text(Option<String>),
    /// `bytea`, BLOB.
    Bytes(Option<Vec<u8>>),
    /// `uuid`, BLOB of 16 bytes.
    Id(Option<Uuid>),
}

/// Binds in order: `values![book, id, now]`.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::door::store::value::Value::from($value)),*] };
}
pub(crate) use values;

macro_rules! from {
    ($($type:ty => |$v:ident| $variant:ident $made:expr);* $(;)?) => {$(
        impl From<$type> for Value {
            fn from($v: $type) -> Self {
                Self::$variant(Some($made))
            }
        }
        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map(|$v| $made))
            }
        }
    )*};
}
from! {
    i64 => |v| Int v;
    u32 => |v| Int i64::from(v);
    Time => |v| Int v.micros();
    &str => |v| Text v.to_owned();
    String => |v| Text v;
    &[u8] => |v| Bytes v.to_vec();
    Vec<u8> => |v| Bytes v;
    [u8; 32] => |v| Bytes v.to_vec();
    [u8; 16] => |v| Bytes v.to_vec();
    Uuid => |v| Id v;
    BookId => |v| Id v.0;
    ConnectionId => |v| Id v.0;
    SubjectId => |v| Id v.0;
    ClaimId => |v| Id v.0;
    ObservationId => |v| Id v.0;
    PartyId => |v| Id v.0;
    WalletId => |v| Id v.0;
}

/// One column as it came.
#[derive(Clone)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    Id(Uuid),
}

/// A row, read column by column in the order of the SELECT.
pub(crate) struct Row {
    cells: std::vec::IntoIter<Cell>,
}

impl Row {
    pub(crate) fn new(cells: Vec<Cell>) -> Self {
        Self { cells: cells.into_iter() }
    }

    fn next(&mut self) -> Result<Cell, DoorError> {
        self.cells.next().ok_or_else(|| DoorError::Damaged("a row has fewer columns than its statement".into()))
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, DoorError> {
        match self.next()? {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(value)),
            _ => Err(wrong("an integer")),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64, DoorError> {
        self.opt_int()?.ok_or_else(|| wrong("an integer"))
    }

    /// A count that fits 32 bits; negative or larger values are damage.
    pub(crate) fn small(&mut self) -> Result<u32, DoorError> {
        u32::try_from(self.int()?).map_err(|_| wrong("a small count"))
    }

    pub(crate) fn time(&mut self) -> Result<Time, DoorError> {
        self.int().map(Time::from_micros)
    }

    pub(crate) fn opt_time(&mut self) -> Result<Option<Time>, DoorError> {
        Ok(self.opt_int()?.map(Time::from_micros))
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<String>, DoorError> {
        match self.next()? {
            Cell::Null => Ok(None),
            Cell::Text(value) => Ok(Some(value)),
            _ => Err(wrong("text")),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String, DoorError> {
        self.opt_text()?.ok_or_else(|| wrong("text"))
    }

    /// A text that is a word of a list.
    pub(crate) fn word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T, DoorError> {
        parse(&self.text()?).ok_or_else(|| wrong("a known word"))
    }

    pub(crate) fn opt_bytes(&mut self) -> Result<Option<Vec<u8>>, DoorError> {
        match self.next()? {
            Cell::Null => Ok(None),
            Cell::Bytes(value) => Ok(Some(value)),
            _ => Err(wrong("bytes")),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, DoorError> {
        self.opt_bytes()?.ok_or_else(|| wrong("bytes"))
    }

    pub(crate) fn hash(&mut self) -> Result<[u8; 32], DoorError> {
        self.bytes()?.try_into().map_err(|_| wrong("32 bytes"))
    }

    pub(crate) fn opt_id(&mut self) -> Result<Option<Uuid>, DoorError> {
        match self.next()? {
            Cell::Null => Ok(None),
            Cell::Id(id) => Ok(Some(id)),
            Cell::Bytes(bytes) => Uuid::from_slice(&bytes).map(Some).map_err(|_| wrong("an id")),
            _ => Err(wrong("an id")),
        }
    }

    pub(crate) fn id(&mut self) -> Result<Uuid, DoorError> {
        self.opt_id()?.ok_or_else(|| wrong("an id"))
    }
}

fn wrong(expected: &str) -> DoorError {
    DoorError::Damaged(format!("a column holds something else than {expected}"))
}
