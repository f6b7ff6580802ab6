//! API keys, as their SHA-256 alone: the key itself is made and shown elsewhere, once. A key opens one book.
//!
//! A key has an id derived from its hash ([`ids::key_id`]), by which people list and end it; it is also the actor's id
//! of what was done with the key.

use async_trait::async_trait;
use ensimbi_events::ports::{ApiKeys, Opened, ReadError};
use ensimbi_events::{BookId, ConnectionId, Time, ids};
use uuid::Uuid;

use super::store::keys;
use super::{Door, DoorError, DoorStore};

/// Longest label.
const LABEL_MAX: usize = 100;

/// A key as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// Its id; there is no way back to the key.
    pub id: Uuid,
    /// The connection whose observations it may post, and nothing else.
    pub connection: Option<ConnectionId>,
    /// What it was made for.
    pub label: String,
    /// When it was made.
    pub created_at: Time,
    /// When it was ended, if it was.
    pub revoked_at: Option<Time>,
}

impl DoorStore {
    /// Lets a key into a book, by its SHA-256. Labels are cut at 100 characters.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn add_key(&self, book: BookId, key_hash: [u8; 32], label: &str, now: Time) -> Result<(), DoorError> {
        self.add_key_for((book, None), key_hash, label, now).await
    }

    /// The same for a connector outside the process: the key opens its connection's observations and nothing else.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn add_key_for(
        &self,
        opens: (BookId, Option<ConnectionId>),
        key_hash: [u8; 32],
        label: &str,
        now: Time,
    ) -> Result<(), DoorError> {
        let label: String = label.chars().filter(|c| !c.is_control()).take(LABEL_MAX).collect();
        let mut tx = self.write().await?;
        keys::insert(&mut tx, key_hash, opens, &label, now).await?;
        tx.commit().await
    }

    /// The keys of a book, oldest first, with those that were ended; at most 1,000.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn keys(&self, book: BookId) -> Result<Vec<KeyView>, DoorError> {
        let mut tx = self.read().await?;
        let view = |row: keys::KeyRow| KeyView {
            id: ids::key_id(&row.hash),
            connection: row.connection,
            label: row.label,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
        };
        Ok(keys::list(&mut tx, book).await?.into_iter().map(view).collect())
    }

    /// Ends a key of a book by its id. False where no key that counts has it.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn revoke_key(&self, book: BookId, id: Uuid, now: Time) -> Result<bool, DoorError> {
        let mut tx = self.write().await?;
        let found = keys::list(&mut tx, book).await?.into_iter().find(|row| ids::key_id(&row.hash) == id);
        let Some(row) = found else { return Ok(false) };
        let revoked = keys::revoke(&mut tx, book, row.hash, now).await?;
        tx.commit().await?;
        Ok(revoked)
    }
}

impl Door {
    /// Lets a key into the door's book, by its SHA-256.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn add_key(&self, key_hash: [u8; 32], label: &str) -> Result<(), DoorError> {
        self.store.add_key(self.book, key_hash, label, self.clock.now()).await
    }

    /// How many keys of the book count now; 0 at the first start.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn key_count(&self) -> Result<u64, DoorError> {
        let mut tx = self.store.read().await?;
        keys::count(&mut tx, self.book).await
    }
}

#[async_trait]
impl ApiKeys for Door {
    /// Any book of this store: a key names its own.
    async fn book_of(&self, key_hash: &[u8; 32]) -> Result<Option<BookId>, ReadError> {
        Ok(self.opened_by(key_hash).await?.map(|opened| opened.book))
    }

    async fn opened_by(&self, key_hash: &[u8; 32]) -> Result<Option<Opened>, ReadError> {
        let find = async {
            let mut tx = self.store.read().await?;
            keys::opened_by(&mut tx, *key_hash).await
        };
        let opened = |(book, connection)| {
            let actor_id = format!("key:{}", ids::key_id(key_hash));
            Opened { book, connection, actor_id }
        };
        find.await.map(|found| found.map(opened)).map_err(|why: DoorError| match why {
            DoorError::Unavailable(text) | DoorError::Conflict(text) => ReadError::Unavailable(text),
            other => ReadError::Damaged(other.to_string()),
        })
    }
}
