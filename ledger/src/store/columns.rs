//! Between rows and our types, for both stores.

use ensimbi_events::event::Line;
use ensimbi_events::word::{Bearer, Component};
use ensimbi_events::{Amount, ConnectionId, EventId, Hash, SubjectId, Time};
use uuid::Uuid;

use super::StoreError;
use crate::decide::Sealed;

/// The index columns beside a leaf; `verify` compares them with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventColumns {
    /// Place.
    pub position: u64,
    /// Leaf hash.
    pub leaf_hash: Hash,
    /// Fact hash.
    pub fact_hash: Hash,
    /// Event id.
    pub event_id: EventId,
    /// Word.
    pub word: String,
    /// Subject.
    pub subject: SubjectId,
    /// Connection.
    pub connection: Option<ConnectionId>,
    /// When it happened.
    pub occurred_at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Book date.
    pub book_date: String,
}

impl EventColumns {
    /// What the columns of an event must be.
    pub fn of(sealed: &Sealed) -> Self {
        let event = &sealed.event;
        Self {
            position: event.record.position,
            leaf_hash: sealed.leaf_hash,
            fact_hash: sealed.fact_hash,
            event_id: event.record.event_id,
            word: event.fact.body.word().to_owned(),
            subject: event.fact.subject,
            connection: event.fact.connection,
            occurred_at: event.context.occurred_at,
            recorded_at: event.record.recorded_at,
            book_date: event.record.book_date.clone(),
        }
    }
}

/// A position or size from its column.
pub(super) fn count(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Damaged(format!("a count below zero: {value}")))
}

/// A position or size for its column.
pub(super) fn column(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// 32 bytes from their column.
pub(super) fn hash(bytes: &[u8]) -> Result<Hash, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::Damaged(format!("a hash of {} bytes", bytes.len())))?;
    Ok(Hash(bytes))
}

/// A line row.
pub(super) type LineRow = (i64, i64, String, String, i64, Option<Uuid>, Option<Uuid>, Option<String>, Option<String>);

pub(super) fn line(row: LineRow) -> Result<(u64, Line), StoreError> {
    let (position, n, account, currency, amount, open_item, payment, component, bearer) = row;
    let damaged = |what: &str| StoreError::Damaged(format!("line {n} of position {position}: {what}"));
    let line = Line {
        n: u32::try_from(n).map_err(|_| damaged("number"))?,
        account,
        currency: currency.parse().map_err(|_| damaged("currency"))?,
        amount: Amount::from_scaled(amount),
        open_item: open_item.map(SubjectId),
        payment_id: payment.map(SubjectId),
        component: word(component, Component::from_text).map_err(|()| damaged("component"))?,
        bearer: word(bearer, Bearer::from_text).map_err(|()| damaged("bearer"))?,
    };
    Ok((count(position)?, line))
}

fn word<T>(text: Option<String>, parse: fn(&str) -> Option<T>) -> Result<Option<T>, ()> {
    text.map(|text| parse(&text).ok_or(())).transpose()
}

/// A column row.
pub(super) type ColumnRow = (i64, Vec<u8>, Vec<u8>, Uuid, String, Uuid, Option<Uuid>, i64, i64, String);

pub(super) fn columns(row: ColumnRow) -> Result<EventColumns, StoreError> {
    let (position, leaf_hash, fact_hash, event_id, word, subject, connection, occurred, recorded, book_date) = row;
    Ok(EventColumns {
        position: count(position)?,
        leaf_hash: hash(&leaf_hash)?,
        fact_hash: hash(&fact_hash)?,
        event_id: EventId(event_id),
        word,
        subject: SubjectId(subject),
        connection: connection.map(ConnectionId),
        occurred_at: Time::from_micros(occurred),
        recorded_at: Time::from_micros(recorded),
        book_date,
    })
}
