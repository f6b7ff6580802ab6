//! What was asked of us, once for each (route, `Idempotency-Key`), for ever.

use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, BookId, ConnectionId, Currency, PartyId, SubjectId, SubjectKind, Time, WalletId};

use super::value::{Row, values};
use super::{Tx, statements};
use crate::door::DoorError;

statements! {
    INSERT plain "INSERT INTO intents (book, id, connection, kind, route, idempotency_key, body_hash, wallet, amount, \
        reserve, currency, fee_bearer, invoice_id, payment, items, party, sealed, wrapped_key, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) \
        ON CONFLICT DO NOTHING";
    GET plain "SELECT id, connection, kind, body_hash, wallet, amount, reserve, currency, fee_bearer, invoice_id, payment, \
        items, party, sealed, wrapped_key, created_at, reason FROM intents WHERE book = $1 AND id = $2";
    /// Refunds of a payment whose outcome is open, or whose object nobody has named yet. CROSS: the payment's few first.
    OPEN_REFUNDS plain "SELECT i.id, i.amount, a.object_id, a.state FROM intents i CROSS JOIN attempts a \
        WHERE i.book = $1 AND i.payment = $2 AND a.book = i.book AND a.intent = i.id AND a.state IN \
        ('asked', 'cleared', 'calling', 'unknown', 'accepted') ORDER BY i.created_at, i.id LIMIT 100";
    REFUSE plain "UPDATE intents SET state = 'refused', reason = $3 WHERE book = $1 AND id = $2";
    REOPEN plain "UPDATE intents SET state = 'open', reason = NULL WHERE book = $1 AND id = $2";
}

/// What kind of order it is; the word is stored, the route is part of what its key is unique in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntentKind {
    /// Money from a payer.
    Collection,
    /// Money to somebody.
    Payout,
    /// Money to our own bank.
    Withdrawal,
    /// Money of a collection, back to its payer.
    Refund,
}

impl IntentKind {
    const ALL: [Self; 4] = [Self::Collection, Self::Payout, Self::Withdrawal, Self::Refund];

    /// The word as stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Collection => "collection",
            Self::Payout => "payout",
            Self::Withdrawal => "withdrawal",
            Self::Refund => "refund",
        }
    }

    /// The route of the command.
    pub(crate) const fn route(self) -> &'static str {
        match self {
            Self::Collection => "collections",
            Self::Payout => "payouts",
            Self::Withdrawal => "withdrawals",
            Self::Refund => "refunds",
        }
    }

    /// What it is for the ledger.
    pub(crate) const fn subject_kind(self) -> SubjectKind {
        match self {
            Self::Collection => SubjectKind::Payment,
            Self::Payout => SubjectKind::Payout,
            Self::Withdrawal => SubjectKind::Transfer,
            Self::Refund => SubjectKind::Refund,
        }
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An intent's row.
pub(crate) struct Intent {
    pub(crate) id: SubjectId,
    pub(crate) connection: ConnectionId,
    pub(crate) kind: IntentKind,
    pub(crate) body_hash: [u8; 32],
    pub(crate) wallet: WalletId,
    pub(crate) amount: Amount,
    /// Of money that leaves: amount and the highest plausible fee.
    pub(crate) reserve: Option<Amount>,
    pub(crate) currency: Currency,
    pub(crate) fee_bearer: Bearer,
    pub(crate) invoice_id: Option<SubjectId>,
    /// What a refund is of.
    pub(crate) payment: Option<SubjectId>,
    /// How many things a collection sells; the provider makes an invoice of them.
    pub(crate) items: u32,
    pub(crate) party: Option<PartyId>,
    /// The other side's data and note, under the intent's own key.
    pub(crate) sealed: Vec<u8>,
    pub(crate) wrapped_key: Option<Vec<u8>>,
    pub(crate) created_at: Time,
    pub(crate) reason: Option<String>,
}

/// Stores an intent. False where it is there already.
pub(crate) async fn insert(tx: &mut Tx, book: BookId, key: &str, intent: &Intent) -> Result<bool, DoorError> {
    let values = values![
        book,
        intent.id,
        intent.connection,
        intent.kind.as_str(),
        intent.kind.route(),
        key,
        intent.body_hash,
        intent.wallet,
        intent.amount.scaled(),
        intent.reserve.map(Amount::scaled),
        intent.currency.as_str(),
        intent.fee_bearer.as_str(),
        intent.invoice_id,
        intent.payment,
        intent.items,
        intent.party,
        intent.sealed.as_slice(),
        intent.wrapped_key.clone(),
        intent.created_at,
    ];
    Ok(tx.run(INSERT, values).await? > 0)
}

/// Reads an intent; its id follows from route and key.
pub(crate) async fn get(tx: &mut Tx, book: BookId, id: SubjectId) -> Result<Option<Intent>, DoorError> {
    tx.maybe(GET, values![book, id]).await?.map(read).transpose()
}

fn read(mut row: Row) -> Result<Intent, DoorError> {
    Ok(Intent {
        id: SubjectId(row.id()?),
        connection: ConnectionId(row.id()?),
        kind: row.word(IntentKind::from_text)?,
        body_hash: row.hash()?,
        wallet: WalletId(row.id()?),
        amount: Amount::from_scaled(row.int()?),
        reserve: row.opt_int()?.map(Amount::from_scaled),
        currency: row.word(|text| text.parse().ok())?,
        fee_bearer: row.word(Bearer::from_text)?,
        invoice_id: row.opt_id()?.map(SubjectId),
        payment: row.opt_id()?.map(SubjectId),
        items: row.small()?,
        party: row.opt_id()?.map(PartyId),
        sealed: row.bytes()?,
        wrapped_key: row.opt_bytes()?,
        created_at: row.time()?,
        reason: row.opt_text()?,
    })
}

/// The refunds of a payment that may still move money, oldest first: id, amount, and whether its object is known.
pub(crate) async fn open_refunds(
    tx: &mut Tx,
    book: BookId,
    payment: SubjectId,
) -> Result<Vec<(SubjectId, Amount, bool)>, DoorError> {
    let mut found = Vec::new();
    for mut row in tx.rows(OPEN_REFUNDS, values![book, payment]).await? {
        let (id, amount) = (SubjectId(row.id()?), Amount::from_scaled(row.int()?));
        found.push((id, amount, row.opt_text()?.is_some()));
    }
    Ok(found)
}

/// Ends an intent that the ledger or the provider refused.
pub(crate) async fn refuse(tx: &mut Tx, book: BookId, id: SubjectId, reason: &str) -> Result<(), DoorError> {
    tx.run(REFUSE, values![book, id, reason]).await.map(drop)
}

/// Opens an intent again for another attempt.
pub(crate) async fn reopen(tx: &mut Tx, book: BookId, id: SubjectId) -> Result<(), DoorError> {
    tx.run(REOPEN, values![book, id]).await.map(drop)
}
