//! Where views live: SQLite (`views.db`) or PostgreSQL (schema `views`, role `ensimbi_views`), one code for both.
//!
//! Writing: one transaction at a time on SQLite (`BEGIN IMMEDIATE`, one connection, WAL, `synchronous=FULL`); on
//! PostgreSQL the projections' own rows are the locks. Reading: a snapshot of its own, so that an answer and its
//! position belong together. Every wait has an end ([`WAIT`]).

mod open;
mod row;
pub mod sql;

use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

pub use row::Row;
pub use sql::{Bind, Sql, SumParts};

/// Longest wait for a connection or a lock.
pub const WAIT: Duration = Duration::from_secs(10);

/// Why the view store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or was busy too long; wait and try again.
    #[error("the view store does not answer: {0}")]
    Unavailable(String),
    /// Its rows contradict themselves or its own rules; a rebuild makes them new.
    #[error("the views are damaged: {0}")]
    Damaged(String),
    /// The database holds tables that this program did not make.
    #[error("this database is not a view store of this program: {0}")]
    Foreign(String),
    /// The address of the database is not usable.
    #[error("the address of the view store is not usable: {0}")]
    Address(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. } => Self::Damaged(error.to_string()),
            sqlx::Error::Database(database)
                if database.is_unique_violation() || database.is_check_violation() || is_not_null(&**database) =>
            {
                Self::Damaged(error.to_string())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

fn is_not_null(error: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(error.kind(), sqlx::error::ErrorKind::NotNullViolation)
}

/// The open store; cheap to clone.
#[derive(Clone)]
pub struct ViewStore(Pools);

#[derive(Clone)]
enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

impl ViewStore {
    /// A transaction that may write.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn write(&self) -> Result<Tx, StoreError> {
        Ok(match &self.0 {
            Pools::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// A snapshot to read from.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match &self.0 {
            Pools::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Pools::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        })
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read().await?.row(Sql::new("SELECT 1 FROM projection_active LIMIT 1")).await.map(|_| ())
    }

    /// Waits for what is running and lets go of the database.
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction; dropped without [`Tx::commit`], nothing of it happened.
pub enum Tx {
    /// On `views.db`.
    Sqlite(Transaction<'static, Sqlite>),
    /// On schema `views`.
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Runs a statement; says how many rows it touched.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn execute(&mut self, sql: Sql) -> Result<u64, StoreError> {
        let constant = sql.constant;
        Ok(match self {
            Self::Sqlite(tx) => sql::sqlite(sql).build().persistent(constant).execute(&mut **tx).await?.rows_affected(),
            Self::Postgres(tx) => {
                sql::postgres(sql).build().persistent(constant).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// Runs several statements in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn execute_all(&mut self, statements: Vec<Sql>) -> Result<(), StoreError> {
        for sql in statements {
            self.execute(sql).await?;
        }
        Ok(())
    }

    /// All rows; the statement must bound them.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn rows(&mut self, sql: Sql) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        self.each(sql, |row| {
            rows.push(row);
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    /// The first row.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn row(&mut self, sql: Sql) -> Result<Option<Row>, StoreError> {
        let constant = sql.constant;
        Ok(match self {
            Self::Sqlite(tx) => {
                sql::sqlite(sql).build().persistent(constant).fetch_optional(&mut **tx).await?.map(Row::Sqlite)
            }
            Self::Postgres(tx) => {
                sql::postgres(sql).build().persistent(constant).fetch_optional(&mut **tx).await?.map(Row::Postgres)
            }
        })
    }

    /// Hands over row after row without holding them all.
    ///
    /// # Errors
    /// See [`StoreError`]; the first error of `take` ends it.
    pub async fn each<F>(&mut self, sql: Sql, mut take: F) -> Result<(), StoreError>
    where
        F: FnMut(Row) -> Result<(), StoreError> + Send,
    {
        let constant = sql.constant;
        match self {
            Self::Sqlite(tx) => {
                let mut builder = sql::sqlite(sql);
                let mut rows = builder.build().persistent(constant).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    take(Row::Sqlite(row))?;
                }
            }
            Self::Postgres(tx) => {
                let mut builder = sql::postgres(sql);
                let mut rows = builder.build().persistent(constant).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    take(Row::Postgres(row))?;
                }
            }
        }
        Ok(())
    }

    /// Makes it last.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; whether it happened is then unknown, and the cursor tells.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
