//! Rows of `wallets`, `wallet_reservations` and `wallet_ends`.

use ensimbi_events::{Amount, ConnectionId, Currency, EventId, SubjectId, Time, WalletId};
use serde::Serialize;

use crate::store::{Bind, Row, StoreError};

/// A wallet's balances (`bookkeeping.md` section 4), in natural signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WalletRow {
    /// Ours.
    pub wallet: WalletId,
    /// The connection it belongs to.
    pub connection: ConnectionId,
    /// The provider's word.
    pub provider: String,
    /// The connection's label.
    pub slug: String,
    /// The connection's part of account paths.
    pub account_code: String,
    /// The wallet's part of account paths.
    pub code: String,
    /// Its one currency.
    pub currency: Currency,
    /// Which purse it is, at a provider that keeps several under one id.
    pub purse: Option<String>,
    /// Sum of W lines; may be negative.
    pub posted: Amount,
    /// Sum of H lines.
    pub held: Amount,
    /// Sum of open reservations.
    pub reserved: Amount,
    /// posted - reserved.
    pub available: Amount,
    /// posted + held.
    pub total: Amount,
    /// The last event that changed it.
    pub last_position: u64,
    /// When the last money event happened; absent before the first.
    pub occurred_at: Option<Time>,
}

impl WalletRow {
    pub(crate) const SELECT: &str = "SELECT wallet, connection, provider, slug, account_code, code, currency, posted, \
        held, reserved, last_position, occurred_at, purse FROM wallets WHERE book = ";
    pub(super) const INSERT: &str = "INSERT INTO wallets (book, generation, wallet, connection, provider, slug, \
        account_code, code, currency, posted, held, reserved, last_position, occurred_at, purse) VALUES ";
    pub(super) const UPDATE: &str = " ON CONFLICT (book, generation, wallet) DO UPDATE SET \
        provider = excluded.provider, purse = excluded.purse, slug = excluded.slug, posted = excluded.posted, held = excluded.held, \
        reserved = excluded.reserved, last_position = excluded.last_position, occurred_at = excluded.occurred_at";

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let mut this = Self {
            wallet: WalletId(row.uuid(0)?),
            connection: ConnectionId(row.uuid(1)?),
            provider: row.text(2)?,
            slug: row.text(3)?,
            account_code: row.text(4)?,
            code: row.text(5)?,
            currency: row.currency(6)?,
            posted: row.amount(7)?,
            held: row.amount(8)?,
            reserved: row.amount(9)?,
            available: Amount::ZERO,
            total: Amount::ZERO,
            last_position: row.position(10)?,
            occurred_at: row.maybe_time(11)?,
            purse: row.maybe_text(12)?,
        };
        this.derive().ok_or_else(|| StoreError::Damaged("a wallet's sums leave the range of amounts".into()))?;
        Ok(this)
    }

    /// Sets what follows from the three stored figures; `None` beyond the range.
    pub(crate) fn derive(&mut self) -> Option<()> {
        self.available = self.posted.checked_sub(self.reserved)?;
        self.total = self.posted.checked_add(self.held)?;
        Some(())
    }

    pub(super) fn binds(&self) -> Vec<Bind> {
        vec![
            self.wallet.into(),
            self.connection.into(),
            self.provider.as_str().into(),
            self.slug.as_str().into(),
            self.account_code.as_str().into(),
            self.code.as_str().into(),
            self.currency.into(),
            self.posted.into(),
            self.held.into(),
            self.reserved.into(),
            Bind::position(self.last_position),
            self.occurred_at.into(),
            self.purse.clone().into(),
        ]
    }
}

/// Money asked for and not yet gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reservation {
    pub subject: SubjectId,
    pub attempt: u32,
    pub wallet: WalletId,
    pub amount: Amount,
    pub position: u64,
}

impl Reservation {
    pub const SELECT: &str = "SELECT subject, attempt, wallet, amount, position FROM wallet_reservations WHERE book = ";
    pub const INSERT: &str =
        "INSERT INTO wallet_reservations (book, generation, subject, attempt, wallet, amount, position) VALUES ";

    pub fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            subject: SubjectId(row.uuid(0)?),
            attempt: row.count(1)?,
            wallet: WalletId(row.uuid(2)?),
            amount: row.amount(3)?,
            position: row.position(4)?,
        })
    }

    pub fn binds(&self) -> Vec<Bind> {
        vec![
            self.subject.into(),
            i64::from(self.attempt).into(),
            self.wallet.into(),
            self.amount.into(),
            Bind::position(self.position),
        ]
    }
}

/// A success or final failure that is recorded, but withheld: accepted, it ends its attempt's reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WithheldEnd {
    pub event: EventId,
    pub subject: SubjectId,
    pub attempt: u32,
    /// The discrepancy that holds it; recorded right after it.
    pub discrepancy: Option<EventId>,
}

impl WithheldEnd {
    pub const SELECT: &str = "SELECT event, subject, attempt, discrepancy FROM wallet_ends WHERE book = ";
    pub const INSERT: &str = "INSERT INTO wallet_ends (book, generation, event, subject, attempt, discrepancy) VALUES ";

    pub fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            event: EventId(row.uuid(0)?),
            subject: SubjectId(row.uuid(1)?),
            attempt: row.count(2)?,
            discrepancy: row.maybe_uuid(3)?.map(EventId),
        })
    }

    pub fn binds(&self) -> Vec<Bind> {
        vec![self.event.into(), self.subject.into(), i64::from(self.attempt).into(), self.discrepancy.into()]
    }
}
