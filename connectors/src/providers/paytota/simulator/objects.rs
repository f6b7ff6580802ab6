//! Purchases, payouts and payments in the file: making, finding, saving them.

use ensimbi_events::Time;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use crate::simulator::{Result, SimulatorError};

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Purchase,
    Payout,
    Refund,
    Chargeback,
}

impl Kind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Payout => "payout",
            Self::Refund => "refund",
            Self::Chargeback => "chargeback",
        }
    }
}

/// One object as stored. The columns are explained in `schema`.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) seq: i64,
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) key: String,
    pub(super) reference: String,
    pub(super) currency: String,
    pub(super) amount: i64,
    pub(super) method: String,
    pub(super) party: String,
    pub(super) operator: String,
    pub(super) attempt: i64,
    pub(super) in_flight: i64,
    pub(super) parent: Option<i64>,
    pub(super) doc: Value,
    pub(super) created_at: Time,
}

impl Object {
    /// The status word.
    pub(super) fn status(&self) -> &str {
        self.doc["status"].as_str().unwrap_or_default()
    }

    /// A text field of its JSON, empty where it is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.doc[name].as_str().unwrap_or_default()
    }

    /// A whole number of its JSON, 0 where it is none.
    pub(super) fn number(&self, name: &str) -> i64 {
        self.doc[name].as_i64().unwrap_or(0)
    }
}

impl FromRow<'_, SqliteRow> for Object {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let kind: String = row.try_get("kind")?;
        let doc: String = row.try_get("doc")?;
        let unreadable =
            |index: &str| sqlx::Error::ColumnDecode { index: index.to_owned(), source: "unreadable".into() };
        let kinds = [Kind::Purchase, Kind::Payout, Kind::Refund, Kind::Chargeback];
        Ok(Self {
            seq: row.try_get("seq")?,
            kind: kinds.into_iter().find(|one| one.word() == kind).ok_or_else(|| unreadable("kind"))?,
            id: row.try_get("id")?,
            key: row.try_get("key")?,
            reference: row.try_get("reference")?,
            currency: row.try_get("currency")?,
            amount: row.try_get("amount")?,
            method: row.try_get("method")?,
            party: row.try_get("party")?,
            operator: row.try_get("operator")?,
            attempt: row.try_get("attempt")?,
            in_flight: row.try_get("in_flight")?,
            parent: row.try_get("parent")?,
            doc: serde_json::from_str(&doc).map_err(|_| unreadable("doc"))?,
            created_at: Time::from_micros(row.try_get("created_at")?),
        })
    }
}

/// Stores a new object (its `seq` is ignored) and gives it back with its number.
pub(super) async fn insert(db: &mut SqliteConnection, mut of: Object) -> Result<Object> {
    let row = sqlx::query(
        "INSERT INTO object (kind, id, key, status, reference, currency, amount, method, party, operator, attempt,
           in_flight, parent, doc, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) RETURNING seq",
    )
    .bind(of.kind.word())
    .bind(&of.id)
    .bind(&of.key)
    .bind(of.status())
    .bind(&of.reference)
    .bind(&of.currency)
    .bind(of.amount)
    .bind(&of.method)
    .bind(&of.party)
    .bind(&of.operator)
    .bind(of.attempt)
    .bind(of.in_flight)
    .bind(of.parent)
    .bind(of.doc.to_string())
    .bind(of.created_at.micros())
    .fetch_one(db)
    .await?;
    of.seq = row.try_get(0)?;
    Ok(of)
}

/// Stores what may change of an object.
pub(super) async fn save(db: &mut SqliteConnection, of: &Object) -> Result<()> {
    sqlx::query(
        "UPDATE object SET status = ?2, method = ?3, party = ?4, attempt = ?5, in_flight = ?6, doc = ?7 WHERE seq = ?1",
    )
    .bind(of.seq)
    .bind(of.status())
    .bind(&of.method)
    .bind(&of.party)
    .bind(of.attempt)
    .bind(of.in_flight)
    .bind(of.doc.to_string())
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn by_seq(db: &mut SqliteConnection, seq: i64) -> Result<Object> {
    Ok(sqlx::query_as("SELECT * FROM object WHERE seq = ?1").bind(seq).fetch_one(db).await?)
}

pub(super) async fn by_id(db: &mut SqliteConnection, kind: Kind, id: &str) -> Result<Option<Object>> {
    Ok(sqlx::query_as("SELECT * FROM object WHERE id = ?1 AND kind = ?2")
        .bind(id)
        .bind(kind.word())
        .fetch_optional(db)
        .await?)
}

/// Those of a kind that belong to a purchase, oldest first.
pub(super) async fn children(db: &mut SqliteConnection, kind: Kind, parent: i64) -> Result<Vec<Object>> {
    Ok(sqlx::query_as("SELECT * FROM object WHERE parent = ?1 AND kind = ?2 ORDER BY seq")
        .bind(parent)
        .bind(kind.word())
        .fetch_all(db)
        .await?)
}

/// In the order of creation, after one, at most `limit`.
pub(super) async fn page(db: &mut SqliteConnection, after: i64, limit: i64) -> Result<Vec<Object>> {
    Ok(sqlx::query_as("SELECT * FROM object WHERE seq > ?1 ORDER BY seq LIMIT ?2")
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await?)
}

/// How many objects of a kind share a reference.
pub(super) async fn sharing(db: &mut SqliteConnection, kind: Kind, reference: &str) -> Result<u64> {
    let row = sqlx::query("SELECT count(*) FROM object WHERE kind = ?1 AND reference = ?2")
        .bind(kind.word())
        .bind(reference)
        .fetch_one(db)
        .await?;
    let count: i64 = row.try_get(0)?;
    Ok(count.unsigned_abs())
}

/// The next number of a counter, after `start` the first time.
pub(super) async fn count(db: &mut SqliteConnection, name: &str, start: i64) -> Result<i64> {
    let row = sqlx::query(
        "INSERT INTO counter (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
    )
    .bind(name)
    .bind(start)
    .fetch_one(db)
    .await?;
    Ok(row.try_get(0)?)
}

/// An object must have what its kind has.
pub(super) fn damaged(text: &str) -> SimulatorError {
    SimulatorError::Damaged(text.to_owned())
}
