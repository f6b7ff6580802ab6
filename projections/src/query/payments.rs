//! Payments, refunds, payouts and transfers.

use async_trait::async_trait;
use ensimbi_events::{BookId, ConnectionId, Currency, PartyId, SubjectId, Time, WalletId};
use serde::Serialize;

use super::{Answer, LIMIT_MAX, Page, Views, of_generation};
use crate::payments::{NAME, PaymentKind, PaymentRow, PaymentState};
use crate::store::{Bind, StoreError};

/// Which payments, newest first.
#[derive(Debug, Clone, Default)]
pub struct PaymentsQuery {
    /// Only of this kind.
    pub kind: Option<PaymentKind>,
    /// Only in this state.
    pub state: Option<PaymentState>,
    /// Only of this connection.
    pub connection: Option<ConnectionId>,
    /// Only of this wallet.
    pub wallet: Option<WalletId>,
    /// Only those meant for this invoice.
    pub invoice: Option<SubjectId>,
    /// Only with this other side.
    pub party: Option<PartyId>,
    /// Only those whose present state happened at this moment or later.
    pub from: Option<Time>,
    /// Only those whose present state happened before this moment.
    pub to: Option<Time>,
    /// Only those whose first event is before this position.
    pub before: Option<u64>,
    /// At most so many, from 1 to 500.
    pub limit: u32,
}

/// How many payments are in a state, and what they come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentTotal {
    /// Kind.
    pub kind: PaymentKind,
    /// State.
    pub state: PaymentState,
    /// Currency; absent where none is known.
    pub currency: Option<Currency>,
    /// How many.
    pub count: u64,
    /// Sum of gross, else of the amount asked, at scale 4.
    pub amount: i128,
}

/// Questions about payments.
#[async_trait]
pub trait PaymentsView: Send + Sync {
    /// A page of payments.
    async fn payments(&self, book: BookId, query: &PaymentsQuery) -> Result<Page<PaymentRow>, StoreError>;
    /// One payment; none where this book has no such payment.
    async fn payment(&self, book: BookId, payment: SubjectId) -> Result<Answer<Option<PaymentRow>>, StoreError>;
    /// Counts and sums by kind, state and currency.
    async fn states(&self, book: BookId) -> Result<Answer<Vec<PaymentTotal>>, StoreError>;
}

#[async_trait]
impl PaymentsView for Views {
    async fn payments(&self, book: BookId, query: &PaymentsQuery) -> Result<Page<PaymentRow>, StoreError> {
        let limit = query.limit.clamp(1, LIMIT_MAX);
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let mut sql = of_generation(PaymentRow::SELECT, at);
        if let Some(kind) = query.kind {
            sql = sql.text(" AND kind = ").bind(kind.as_str());
        }
        if let Some(state) = query.state {
            sql = sql.text(" AND state = ").bind(state.as_str());
        }
        if let Some(connection) = query.connection {
            sql = sql.text(" AND connection = ").bind(connection);
        }
        if let Some(wallet) = query.wallet {
            sql = sql.text(" AND wallet = ").bind(wallet);
        }
        if let Some(invoice) = query.invoice {
            sql = sql.text(" AND invoice = ").bind(invoice);
        }
        if let Some(party) = query.party {
            sql = sql.text(" AND party = ").bind(party);
        }
        if let Some(from) = query.from {
            sql = sql.text(" AND occurred_at >= ").bind(from);
        }
        if let Some(to) = query.to {
            sql = sql.text(" AND occurred_at < ").bind(to);
        }
        if let Some(before) = query.before {
            sql = sql.text(" AND first_position < ").bind(Bind::position(before));
        }
        let sql = sql.text(" ORDER BY first_position DESC LIMIT ").bind(i64::from(limit) + 1);
        let rows = tx.rows(sql).await?;
        let rows: Result<Vec<PaymentRow>, StoreError> = rows.iter().map(PaymentRow::read).collect();
        Ok(Page::of(stamp, rows?, limit))
    }

    async fn payment(&self, book: BookId, payment: SubjectId) -> Result<Answer<Option<PaymentRow>>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let row = tx.row(of_generation(PaymentRow::SELECT, at).text(" AND payment = ").bind(payment)).await?;
        let value = row.as_ref().map(PaymentRow::read).transpose()?;
        Ok(Answer { stamp, value })
    }

    async fn states(&self, book: BookId) -> Result<Answer<Vec<PaymentTotal>>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        // Two halves, since the sum of many 64-bit figures does not fit 64 bits.
        let select = "SELECT kind, state, currency, count(*), \
            CAST(SUM(COALESCE(gross, amount, 0) / 1000000000) AS BIGINT), \
            CAST(SUM(COALESCE(gross, amount, 0) % 1000000000) AS BIGINT) FROM payments WHERE book = ";
        let sql = of_generation(select, at);
        let rows = tx.rows(sql.text(" GROUP BY kind, state, currency ORDER BY kind, state, currency")).await?;
        let mut value = Vec::with_capacity(rows.len());
        let word = || StoreError::Damaged("a payment holds no word of its list".into());
        for row in rows {
            value.push(PaymentTotal {
                kind: PaymentKind::from_text(&row.text(0)?).ok_or_else(word)?,
                state: PaymentState::from_text(&row.text(1)?).ok_or_else(word)?,
                currency: row.maybe_currency(2)?,
                count: row.position(3)?,
                amount: row.sum(4)?,
            });
        }
        Ok(Answer { stamp, value })
    }
}
