//! API keys, as their SHA-256 alone: the key itself is made and shown elsewhere, once. A key opens one book.

use async_trait::async_trait;
use ensimbi_events::BookId;
use ensimbi_events::ports::{ApiKeys, ReadError};

use super::store::keys;
use super::{Door, DoorError};

/// Longest label.
const LABEL_MAX: usize = 100;

impl Door {
    /// Lets a key into the door's book, by its SHA-256. Labels are cut at 100 characters.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn add_key(&self, key_hash: [u8; 32], label: &str) -> Result<(), DoorError> {
        let label: String = label.chars().filter(|c| !c.is_control()).take(LABEL_MAX).collect();
        let mut tx = self.store.write().await?;
        keys::insert(&mut tx, key_hash, self.book, &label, self.clock.now()).await?;
        tx.commit().await
    }

    /// How many keys of the book count now; 0 at the first start.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn key_count(&self) -> Result<u64, DoorError> {
        let mut tx = self.store.read().await?;
        keys::count(&mut tx, self.book).await
    }

    /// Ends a key of the door's book. False where it has none with this hash.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn revoke_key(&self, key_hash: &[u8; 32]) -> Result<bool, DoorError> {
        let mut tx = self.store.write().await?;
        let revoked = keys::revoke(&mut tx, self.book, *key_hash, self.clock.now()).await?;
        tx.commit().await?;
        Ok(revoked)
    }
}

#[async_trait]
impl ApiKeys for Door {
    /// Any book of this store: a key names its own.
    async fn book_of(&self, key_hash: &[u8; 32]) -> Result<Option<BookId>, ReadError> {
        let find = async {
            let mut tx = self.store.read().await?;
            keys::book_of(&mut tx, *key_hash).await
        };
        find.await.map_err(|why: DoorError| match why {
            DoorError::Unavailable(text) | DoorError::Conflict(text) => ReadError::Unavailable(text),
            other => ReadError::Damaged(other.to_string()),
        })
    }
}
