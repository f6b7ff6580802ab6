//! The row of `payments`: one subject that moves money, from the first word about it to the last.

use ensimbi_events::{Amount, ConnectionId, Currency, EventId, NoLines, PartyId, SubjectId, Time, WalletId};
use serde::Serialize;

use crate::store::{Bind, Row, StoreError};
use crate::word::words;

words! {
    /// What kind of movement it is.
    PaymentKind {
        /// A collection: money from a payer.
        Payment = "payment",
        /// Money back to a payer.
        Refund = "refund",
        /// Money to a beneficiary.
        Payout = "payout",
        /// Money to our own bank.
        Withdrawal = "withdrawal",
        /// Money from our own bank.
        TopUp = "top_up",
        /// Between two purses.
        PurseTransfer = "purse_transfer",
    }
}

words! {
    /// Where it stands.
    PaymentState {
        /// We asked the provider.
        Requested = "requested",
        /// The provider works on it.
        Pending = "pending",
        /// A card authorisation holds it.
        Authorised = "authorised",
        /// The authorisation was let go.
        Voided = "voided",
        /// It came to nothing; `is_final` says whether the provider can still change its mind.
        Failed = "failed",
        /// The money moved.
        Succeeded = "succeeded",
        /// Part of it was taken back.
        PartlyReversed = "partly_reversed",
        /// All of it was taken back.
        Reversed = "reversed",
        /// The success contradicts itself or what we asked: no lines until a person decides.
        Withheld = "withheld",
        /// A person decided against a withheld success.
        Rejected = "rejected",
    }
}

/// A payment, refund, payout or transfer. Amounts are in its currency unless they have their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentRow {
    /// Its subject.
    pub payment: SubjectId,
    /// What kind of movement.
    pub kind: PaymentKind,
    /// Where it stands.
    pub state: PaymentState,
    /// Nothing but a reversal or a person changes it any more.
    pub is_final: bool,
    /// Its connection.
    pub connection: Option<ConnectionId>,
    /// The provider's word.
    pub provider: Option<String>,
    /// The wallet that it moves.
    pub wallet: Option<WalletId>,
    /// The wallet's currency.
    pub currency: Option<Currency>,
    /// The provider's word for the object.
    pub object_kind: Option<String>,
    /// The provider's id.
    pub object_id: Option<String>,
    /// Of a refund: the payment it returns.
    pub parent: Option<SubjectId>,
    /// The invoice it is meant for.
    pub invoice: Option<SubjectId>,
    /// The other side, known only to the vault.
    pub party: Option<PartyId>,
    /// Operator or rail.
    pub channel: Option<String>,
    /// The provider's words about a failure.
    pub reason: Option<String>,
    /// Why a success has no lines.
    pub not_posted: Option<NoLines>,
    /// The withheld success, while a person has not decided.
    pub withheld: Option<EventId>,
    /// The discrepancy that holds it.
    pub discrepancy: Option<EventId>,
    /// The last attempt that we made, of what reserves money.
    pub attempt: Option<u32>,
    /// What was asked, or what moved where nobody asked.
    pub amount: Option<Amount>,
    /// What that attempt reserved: the amount and the highest plausible fee. The wallet says what is still reserved.
    pub reserve: Option<Amount>,
    /// Of a collection: what counts towards our claim.
    pub gross: Option<Amount>,
    /// Of a collection: what became spendable.
    pub net: Option<Amount>,
    /// Of a collection: what the provider withholds.
    pub held: Option<Amount>,
    /// What its own events changed in the spendable balance; negative for money out.
    pub wallet_change: Option<Amount>,
    /// What the payer parted with or the beneficiary got.
    pub counter_amount: Option<Amount>,
    /// In this currency.
    pub counter_currency: Option<Currency>,
    /// Fees we bear, less those given back, as far as they are in its currency.
    pub fees_merchant: Amount,
    /// Fees that payer or beneficiary bear.
    pub fees_other: Amount,
    /// What is not yet told its purpose.
    pub open: Amount,
    /// What is.
    pub allocated: Amount,
    /// Of a collection: net of refunds that bounced.
    pub refunded: Amount,
    /// What was taken back.
    pub reversed: Amount,
    /// Of a collection: lost in disputes.
    pub lost: Amount,
    /// Of a collection: taken in disputes that are not decided.
    pub disputed: Amount,
    /// Of a collection: when the provider means to let go of what it withholds.
    pub held_until: Option<Time>,
    /// When the first word about it happened.
    pub created_at: Time,
    /// When its present state happened.
    pub occurred_at: Time,
    /// The first event about it.
    pub first_position: u64,
    /// The last event about it.
    pub last_position: u64,
}

impl PaymentRow {
    /// Of a settled collection: what has not gone back yet, as the ledger counts it. `None` where nothing came in.
    pub fn left(&self) -> Option<Amount> {
        let taken = Amount::checked_sum([self.refunded, self.reversed, self.lost])?;
        self.gross?.checked_sub(taken)
    }

    /// What of it can still be refunded: what is disputed may be lost, and is not sent back a second time.
    pub fn refundable(&self) -> Option<Amount> {
        self.left()?.checked_sub(self.disputed)
    }

    pub(crate) const SELECT: &str = "SELECT payment, kind, state, is_final, connection, provider, wallet, currency, \
        object_kind, object_id, parent, invoice, party, channel, reason, not_posted, withheld, discrepancy, \
        attempt, amount, reserve, gross, net, held, wallet_change, counter_amount, counter_currency, fees_merchant, \
        fees_other, open, allocated, refunded, reversed, lost, disputed, held_until, created_at, occurred_at, \
        first_position, last_position FROM payments WHERE book = ";
    pub(super) const INSERT: &str = "INSERT INTO payments (book, generation, payment, kind, state, is_final, \
        connection, provider, wallet, currency, object_kind, object_id, parent, invoice, party, channel, reason, \
        not_posted, withheld, discrepancy, attempt, amount, reserve, gross, net, held, wallet_change, \
        counter_amount, counter_currency, fees_merchant, fees_other, open, allocated, refunded, reversed, lost, \
        disputed, held_until, created_at, occurred_at, first_position, last_position) VALUES ";
    pub(super) const UPDATE: &str = " ON CONFLICT (book, generation, payment) DO UPDATE SET \
        state = excluded.state, is_final = excluded.is_final, connection = excluded.connection, \
        provider = excluded.provider, wallet = excluded.wallet, currency = excluded.currency, \
        object_kind = excluded.object_kind, object_id = excluded.object_id, parent = excluded.parent, \
        invoice = excluded.invoice, party = excluded.party, channel = excluded.channel, reason = excluded.reason, \
        not_posted = excluded.not_posted, withheld = excluded.withheld, discrepancy = excluded.discrepancy, \
        attempt = excluded.attempt, amount = excluded.amount, reserve = excluded.reserve, gross = excluded.gross, \
        net = excluded.net, held = excluded.held, wallet_change = excluded.wallet_change, \
        counter_amount = excluded.counter_amount, counter_currency = excluded.counter_currency, fees_merchant = excluded.fees_merchant, \
        fees_other = excluded.fees_other, open = excluded.open, allocated = excluded.allocated, \
        refunded = excluded.refunded, reversed = excluded.reversed, lost = excluded.lost, \
        disputed = excluded.disputed, held_until = excluded.held_until, \
        occurred_at = excluded.occurred_at, last_position = excluded.last_position";
    /// See [`crate::projection::Table::columns`].
    pub(super) const COLUMNS: &str = "uttiututttuuutttuuiiiiiiiitiiiiiiiiiiiii";

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let word = |what: &str| StoreError::Damaged(format!("a {what} column holds no word of its list"));
        let no_lines = match row.maybe_text(15)? {
            Some(text) => Some(NoLines::from_text(&text).ok_or_else(|| word("not_posted"))?),
            None => None,
        };
        Ok(Self {
            payment: SubjectId(row.uuid(0)?),
            kind: PaymentKind::from_text(&row.text(1)?).ok_or_else(|| word("kind"))?,
            state: PaymentState::from_text(&row.text(2)?).ok_or_else(|| word("state"))?,
            is_final: row.int(3)? != 0,
            connection: row.maybe_uuid(4)?.map(ConnectionId),
            provider: row.maybe_text(5)?,
            wallet: row.maybe_uuid(6)?.map(WalletId),
            currency: row.maybe_currency(7)?,
            object_kind: row.maybe_text(8)?,
            object_id: row.maybe_text(9)?,
            parent: row.maybe_uuid(10)?.map(SubjectId),
            invoice: row.maybe_uuid(11)?.map(SubjectId),
            party: row.maybe_uuid(12)?.map(PartyId),
            channel: row.maybe_text(13)?,
            reason: row.maybe_text(14)?,
            not_posted: no_lines,
            withheld: row.maybe_uuid(16)?.map(EventId),
            discrepancy: row.maybe_uuid(17)?.map(EventId),
            attempt: row.maybe_count(18)?,
            amount: row.maybe_amount(19)?,
            reserve: row.maybe_amount(20)?,
            gross: row.maybe_amount(21)?,
            net: row.maybe_amount(22)?,
            held: row.maybe_amount(23)?,
            wallet_change: row.maybe_amount(24)?,
            counter_amount: row.maybe_amount(25)?,
            counter_currency: row.maybe_currency(26)?,
            fees_merchant: row.amount(27)?,
            fees_other: row.amount(28)?,
            open: row.amount(29)?,
            allocated: row.amount(30)?,
            refunded: row.amount(31)?,
            reversed: row.amount(32)?,
            lost: row.amount(33)?,
            disputed: row.amount(34)?,
            held_until: row.maybe_time(35)?,
            created_at: row.time(36)?,
            occurred_at: row.time(37)?,
            first_position: row.position(38)?,
            last_position: row.position(39)?,
        })
    }

    pub(super) fn binds(&self) -> Vec<Bind> {
        vec![
            self.payment.into(),
            self.kind.as_str().into(),
            self.state.as_str().into(),
            i64::from(self.is_final).into(),
            self.connection.into(),
            self.provider.clone().into(),
            self.wallet.into(),
            self.currency.into(),
            self.object_kind.clone().into(),
            self.object_id.clone().into(),
            self.parent.into(),
            self.invoice.into(),
            self.party.into(),
            self.channel.clone().into(),
            self.reason.clone().into(),
            self.not_posted.map(NoLines::as_str).into(),
            self.withheld.into(),
            self.discrepancy.into(),
            self.attempt.map(i64::from).into(),
            self.amount.into(),
            self.reserve.into(),
            self.gross.into(),
            self.net.into(),
            self.held.into(),
            self.wallet_change.into(),
            self.counter_amount.into(),
            self.counter_currency.into(),
            self.fees_merchant.into(),
            self.fees_other.into(),
            self.open.into(),
            self.allocated.into(),
            self.refunded.into(),
            self.reversed.into(),
            self.lost.into(),
            self.disputed.into(),
            self.held_until.into(),
            self.created_at.into(),
            self.occurred_at.into(),
            Bind::position(self.first_position),
            Bind::position(self.last_position),
        ]
    }
}
