//! What providers withhold of settled payments (a rolling reserve), until a balance shows that they let go of it.

use ensimbi_events::{Amount, BookId, SubjectId, Time, WalletId};

use super::value::values;
use super::{Tx, statements};
use crate::door::DoorError;

/// Most holds that are looked at together; with more, the rest waits for the next balance.
pub(crate) const OPEN_MAX: u32 = 10_000;

statements! {
    PUT plain "INSERT INTO holds (book, wallet, object_id, subject, amount, until) VALUES ($1, $2, $3, $4, $5, $6) \
        ON CONFLICT (book, wallet, object_id) DO NOTHING";
    OPEN plain "SELECT object_id, subject, amount, until FROM holds \
        WHERE book = $1 AND wallet = $2 AND released_at IS NULL ORDER BY until, object_id LIMIT $3";
    RELEASE plain "UPDATE holds SET released_at = $4 WHERE book = $1 AND wallet = $2 AND object_id = $3";
}

/// A part of a payment that is withheld.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    pub(crate) object_id: String,
    pub(crate) subject: SubjectId,
    pub(crate) amount: Amount,
    /// When the provider means to let go of it.
    pub(crate) until: Time,
}

/// Notes a hold; the first word about an object stands, as in the book.
pub(crate) async fn put(tx: &mut Tx, book: BookId, wallet: WalletId, hold: &Hold) -> Result<(), DoorError> {
    let Hold { object_id, subject, amount, until } = hold;
    tx.run(PUT, values![book, wallet, object_id.as_str(), *subject, amount.scaled(), *until]).await.map(drop)
}

/// What a wallet's provider still withholds, by the date it means to let go.
pub(crate) async fn open(tx: &mut Tx, book: BookId, wallet: WalletId) -> Result<Vec<Hold>, DoorError> {
    let mut found = Vec::new();
    for mut row in tx.rows(OPEN, values![book, wallet, OPEN_MAX]).await? {
        found.push(Hold {
            object_id: row.text()?,
            subject: SubjectId(row.id()?),
            amount: Amount::from_scaled(row.int()?),
            until: row.time()?,
        });
    }
    Ok(found)
}

/// The provider let go of it.
pub(crate) async fn release(
    tx: &mut Tx,
    book: BookId,
    wallet: WalletId,
    object_id: &str,
    now: Time,
) -> Result<(), DoorError> {
    tx.run(RELEASE, values![book, wallet, object_id, now]).await.map(drop)
}
