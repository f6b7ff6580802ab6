//! The row of `disputes`: one dispute of a payment, from the first word about it to the last.

use ensimbi_events::{Amount, ConnectionId, Currency, EventId, SubjectId, Time, WalletId};
use serde::Serialize;

use crate::store::{Bind, Row, StoreError};
use crate::word::words;

words! {
    /// Where a dispute stands.
    DisputeState {
        /// Nobody has decided it; what it took may come back.
        Open = "open",
        /// It is over, and nothing was lost.
        Won = "won",
        /// It is over, and something was lost.
        Lost = "lost",
        /// What was told of it contradicts what is known: no lines until a person decides, or its payment is told.
        Withheld = "withheld",
        /// A person decided against what was withheld.
        Rejected = "rejected",
    }
}

/// A dispute. Amounts are in its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DisputeRow {
    /// Its subject.
    pub dispute: SubjectId,
    /// The payment that is disputed.
    pub payment: SubjectId,
    /// Where it stands.
    pub state: DisputeState,
    /// Its connection.
    pub connection: Option<ConnectionId>,
    /// The provider's word.
    pub provider: Option<String>,
    /// The wallet that it takes from.
    pub wallet: Option<WalletId>,
    /// The wallet's currency.
    pub currency: Option<Currency>,
    /// The provider's word for the object.
    pub object_kind: Option<String>,
    /// The provider's id.
    pub object_id: Option<String>,
    /// What is withheld, while nothing else is known of it.
    pub withheld: Option<EventId>,
    /// The discrepancy that holds it.
    pub discrepancy: Option<EventId>,
    /// All that was ever disputed.
    pub amount: Amount,
    /// What was taken and is not decided: its item on `assets:disputed` (`bookkeeping.md` 5, law 6).
    pub open: Amount,
    /// What is gone.
    pub lost: Amount,
    /// What its own events changed in the spendable balance, with their fees; negative for money out.
    pub wallet_change: Amount,
    /// When the first word about it happened.
    pub created_at: Time,
    /// When its present state happened.
    pub occurred_at: Time,
    /// The first event about it.
    pub first_position: u64,
    /// The last event about it.
    pub last_position: u64,
}

impl DisputeRow {
    pub(crate) const SELECT: &str = "SELECT dispute, payment, state, connection, provider, wallet, currency, \
        object_kind, object_id, withheld, discrepancy, amount, open, lost, wallet_change, created_at, occurred_at, \
        first_position, last_position FROM disputes WHERE book = ";
    pub(in crate::payments) const INSERT: &str = "INSERT INTO disputes (book, generation, dispute, payment, state, \
        connection, provider, wallet, currency, object_kind, object_id, withheld, discrepancy, amount, open, lost, \
        wallet_change, created_at, occurred_at, first_position, last_position) VALUES ";
    pub(in crate::payments) const UPDATE: &str = " ON CONFLICT (book, generation, dispute) DO UPDATE SET \
        state = excluded.state, connection = excluded.connection, provider = excluded.provider, \
        wallet = excluded.wallet, currency = excluded.currency, object_kind = excluded.object_kind, \
        object_id = excluded.object_id, withheld = excluded.withheld, discrepancy = excluded.discrepancy, \
        amount = excluded.amount, open = excluded.open, lost = excluded.lost, \
        wallet_change = excluded.wallet_change, occurred_at = excluded.occurred_at, \
        last_position = excluded.last_position";
    /// See [`crate::projection::Table::columns`].
    pub(in crate::payments) const COLUMNS: &str = "uutututttuuiiiiiiii";

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let word = || StoreError::Damaged("a dispute holds no word of its list".into());
        Ok(Self {
            dispute: SubjectId(row.uuid(0)?),
            payment: SubjectId(row.uuid(1)?),
            state: DisputeState::from_text(&row.text(2)?).ok_or_else(word)?,
            connection: row.maybe_uuid(3)?.map(ConnectionId),
            provider: row.maybe_text(4)?,
            wallet: row.maybe_uuid(5)?.map(WalletId),
            currency: row.maybe_currency(6)?,
            object_kind: row.maybe_text(7)?,
            object_id: row.maybe_text(8)?,
            withheld: row.maybe_uuid(9)?.map(EventId),
            discrepancy: row.maybe_uuid(10)?.map(EventId),
            amount: row.amount(11)?,
            open: row.amount(12)?,
            lost: row.amount(13)?,
            wallet_change: row.amount(14)?,
            created_at: row.time(15)?,
            occurred_at: row.time(16)?,
            first_position: row.position(17)?,
            last_position: row.position(18)?,
        })
    }

    pub(in crate::payments) fn binds(&self) -> Vec<Bind> {
        vec![
            self.dispute.into(),
            self.payment.into(),
            self.state.as_str().into(),
            self.connection.into(),
            self.provider.clone().into(),
            self.wallet.into(),
            self.currency.into(),
            self.object_kind.clone().into(),
            self.object_id.clone().into(),
            self.withheld.into(),
            self.discrepancy.into(),
            self.amount.into(),
            self.open.into(),
            self.lost.into(),
            self.wallet_change.into(),
            self.created_at.into(),
            self.occurred_at.into(),
            Bind::position(self.first_position),
            Bind::position(self.last_position),
        ]
    }
}
