//! The row of `open_items`.

use ensimbi_events::{Amount, ConnectionId, Currency, SubjectId, Time};
use serde::Serialize;

use crate::store::{Bind, Row, StoreError};

/// What waits for one id on one account. Debit is plus, credit is minus, as on the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenItemRow {
    /// Account path.
    pub account: String,
    /// The id that the balance waits for: a payment, payout, transfer, dispute, invoice or suspense row.
    pub item: SubjectId,
    /// Currency.
    pub currency: Currency,
    /// The account's connection; none for accounts of the whole book.
    pub connection: Option<ConnectionId>,
    /// Sum of its lines.
    pub balance: Amount,
    /// The earliest `occurred_at` of its lines.
    pub opened_at: Time,
    /// The latest.
    pub last_at: Time,
    /// Its first entry.
    pub first_position: u64,
    /// Its last entry.
    pub last_position: u64,
}

impl OpenItemRow {
    pub(crate) const SELECT: &str = "SELECT account, item, currency, connection, balance, opened_at, last_at, \
        first_position, last_position FROM open_items WHERE book = ";
    pub(super) const INSERT: &str = "INSERT INTO open_items (book, generation, account, item, currency, connection, \
        balance, opened_at, last_at, first_position, last_position) VALUES ";
    pub(super) const UPDATE: &str = " ON CONFLICT (book, generation, account, item, currency) DO UPDATE SET \
        balance = excluded.balance, opened_at = excluded.opened_at, last_at = excluded.last_at, \
        last_position = excluded.last_position";
    /// See [`crate::projection::Table::columns`].
    pub(super) const COLUMNS: &str = "tutuiiiii";

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            account: row.text(0)?,
            item: SubjectId(row.uuid(1)?),
            currency: row.currency(2)?,
            connection: row.maybe_uuid(3)?.map(ConnectionId),
            balance: row.amount(4)?,
            opened_at: row.time(5)?,
            last_at: row.time(6)?,
            first_position: row.position(7)?,
            last_position: row.position(8)?,
        })
    }

    pub(super) fn binds(&self) -> Vec<Bind> {
        vec![
            self.account.as_str().into(),
            self.item.into(),
            self.currency.into(),
            self.connection.into(),
            self.balance.into(),
            self.opened_at.into(),
            self.last_at.into(),
            Bind::position(self.first_position),
            Bind::position(self.last_position),
        ]
    }
}
