//! Banks that providers pay to. What one answer leaves out, an earlier one may have told.

use ensimbi_events::{BookId, ConnectionId, Time};

use super::value::{Row, values};
use super::{Tx, statements};
use crate::connector::BankSeen;
use crate::door::DoorError;

statements! {
    PUT plain "INSERT INTO banks (book, connection, code, provider_id, name, account_pattern, seen_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (book, connection, code) DO UPDATE SET \
        provider_id = COALESCE(excluded.provider_id, banks.provider_id), name = COALESCE(excluded.name, banks.name), \
        account_pattern = COALESCE(excluded.account_pattern, banks.account_pattern), seen_at = excluded.seen_at";
    LIST plain "SELECT code, provider_id, name, account_pattern FROM banks WHERE book = $1 AND connection = $2 \
        ORDER BY code LIMIT 1000";
    ONE plain "SELECT code, provider_id, name, account_pattern FROM banks \
        WHERE book = $1 AND connection = $2 AND code = $3";
}

/// Takes over what an answer says.
pub(crate) async fn put(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    bank: &BankSeen,
    now: Time,
) -> Result<(), DoorError> {
    let BankSeen { code, id, name, account_pattern } = bank;
    let values = values![book, connection, code.as_str(), id.clone(), name.clone(), account_pattern.clone(), now];
    tx.run(PUT, values).await.map(drop)
}

/// All banks of a connection.
pub(crate) async fn list(tx: &mut Tx, book: BookId, connection: ConnectionId) -> Result<Vec<BankSeen>, DoorError> {
    tx.rows(LIST, values![book, connection]).await?.into_iter().map(read).collect()
}

/// One bank by its code.
pub(crate) async fn one(
    tx: &mut Tx,
    book: BookId,
    connection: ConnectionId,
    code: &str,
) -> Result<Option<BankSeen>, DoorError> {
    tx.maybe(ONE, values![book, connection, code]).await?.map(read).transpose()
}

fn read(mut row: Row) -> Result<BankSeen, DoorError> {
    Ok(BankSeen { code: row.text()?, id: row.opt_text()?, name: row.opt_text()?, account_pattern: row.opt_text()? })
}
