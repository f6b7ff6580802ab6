//! One row of either database, read column by column in the order of the statement.

use ensimbi_events::{Amount, Currency, Hash, Time};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::StoreError;

/// A row.
pub enum Row {
    /// Of `views.db`.
    Sqlite(SqliteRow),
    /// Of schema `views`.
    Postgres(PgRow),
}

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident, $maybe:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// [`StoreError::Damaged`] if the column holds something else.
        pub fn $name(&self, index: usize) -> Result<$type, StoreError> {
            match self {
                Self::Sqlite(row) => row.try_get::<$type, usize>(index),
                Self::Postgres(row) => row.try_get::<$type, usize>(index),
            }
            .map_err(StoreError::from)
        }

        $(#[$doc])*
        ///
        /// Null is allowed.
        ///
        /// # Errors
        /// [`StoreError::Damaged`] if the column holds something else.
        pub fn $maybe(&self, index: usize) -> Result<Option<$type>, StoreError> {
            match self {
                Self::Sqlite(row) => row.try_get::<Option<$type>, usize>(index),
                Self::Postgres(row) => row.try_get::<Option<$type>, usize>(index),
            }
            .map_err(StoreError::from)
        }
    )*};
}

impl Row {
    columns! {
        /// A whole number.
        int, maybe_int: i64;
        /// Text.
        text, maybe_text: String;
        /// An id.
        uuid, maybe_uuid: Uuid;
        /// Bytes.
        bytes, maybe_bytes: Vec<u8>;
    }

    /// A position or count.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] below zero.
    pub fn position(&self, index: usize) -> Result<u64, StoreError> {
        u64::try_from(self.int(index)?).map_err(|_| StoreError::Damaged("a position is negative".into()))
    }

    /// A small number, such as an attempt.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] below zero or beyond 32 bits.
    pub fn count(&self, index: usize) -> Result<u32, StoreError> {
        u32::try_from(self.int(index)?).map_err(|_| StoreError::Damaged("a column holds no count".into()))
    }

    /// A small number, or null.
    ///
    /// # Errors
    /// See [`Row::count`].
    pub fn maybe_count(&self, index: usize) -> Result<Option<u32>, StoreError> {
        self.maybe_int(index)?.map(|_| self.count(index)).transpose()
    }

    /// A sum of money from its two halves, in two columns: `CAST(SUM(x / 1000000000) AS BIGINT)`, and
    /// the same with `%`, since the sum of many 64-bit figures does not fit 64 bits.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn sum(&self, index: usize) -> Result<i128, StoreError> {
        Ok(i128::from(self.int(index)?) * 1_000_000_000 + i128::from(self.int(index + 1)?))
    }

    /// Microseconds, or null.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn maybe_time(&self, index: usize) -> Result<Option<Time>, StoreError> {
        Ok(self.maybe_int(index)?.map(Time::from_micros))
    }

    /// Money at scale 4.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn amount(&self, index: usize) -> Result<Amount, StoreError> {
        self.int(index).map(Amount::from_scaled)
    }

    /// Money at scale 4, or null.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn maybe_amount(&self, index: usize) -> Result<Option<Amount>, StoreError> {
        Ok(self.maybe_int(index)?.map(Amount::from_scaled))
    }

    /// Microseconds.
    ///
    /// # Errors
    /// See [`Row::int`].
    pub fn time(&self, index: usize) -> Result<Time, StoreError> {
        self.int(index).map(Time::from_micros)
    }

    /// A currency code, or null.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it is none.
    pub fn maybe_currency(&self, index: usize) -> Result<Option<Currency>, StoreError> {
        self.maybe_text(index)?.map(|text| parse_currency(&text)).transpose()
    }

    /// A currency code.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it is none.
    pub fn currency(&self, index: usize) -> Result<Currency, StoreError> {
        parse_currency(&self.text(index)?)
    }

    /// A hash of 32 bytes, or null.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it has another length.
    pub fn maybe_hash(&self, index: usize) -> Result<Option<Hash>, StoreError> {
        let Some(bytes) = self.maybe_bytes(index)? else { return Ok(None) };
        let bytes = bytes.try_into().map_err(|_| StoreError::Damaged("a hash is not 32 bytes long".into()))?;
        Ok(Some(Hash(bytes)))
    }
}

fn parse_currency(text: &str) -> Result<Currency, StoreError> {
    text.parse().map_err(|_| StoreError::Damaged("a currency column holds no currency".into()))
}
