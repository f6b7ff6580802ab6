//! Payments, refunds, payouts and transfers; one with its refunds and disputes; disputes.

use async_trait::async_trait;
use ensimbi_events::{BookId, ConnectionId, Currency, PartyId, SubjectId, Time, WalletId};
use serde::Serialize;

use super::{Answer, LIMIT_MAX, Page, Views, of_generation};
use crate::payments::{DisputeRow, DisputeState, NAME, PaymentKind, PaymentRow, PaymentState};
use crate::projection::At;
use crate::store::{Bind, Sql, StoreError, Tx};

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
    /// Only refunds of this payment.
    pub parent: Option<SubjectId>,
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

/// A payment with what hangs on it, oldest first, at most 500 each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentDetail {
    /// The payment.
    pub payment: PaymentRow,
    /// Its refunds.
    pub refunds: Vec<PaymentRow>,
    /// Its disputes.
    pub disputes: Vec<DisputeRow>,
}

/// Which disputes, newest first.
#[derive(Debug, Clone, Default)]
pub struct DisputesQuery {
    /// Only in this state.
    pub state: Option<DisputeState>,
    /// Only of this payment.
    pub payment: Option<SubjectId>,
    /// Only of this connection.
    pub connection: Option<ConnectionId>,
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
    /// One payment with its refunds and disputes; none where this book has no such payment.
    async fn payment_detail(
        &self,
        book: BookId,
        payment: SubjectId,
    ) -> Result<Answer<Option<PaymentDetail>>, StoreError>;
    /// A page of disputes.
    async fn disputes(&self, book: BookId, query: &DisputesQuery) -> Result<Page<DisputeRow>, StoreError>;
    /// One dispute; none where this book has no such dispute.
    async fn dispute(&self, book: BookId, dispute: SubjectId) -> Result<Answer<Option<DisputeRow>>, StoreError>;
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
        if let Some(parent) = query.parent {
            sql = sql.text(" AND parent = ").bind(parent);
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
        Ok(Answer { stamp, value: one(&mut tx, at, payment).await? })
    }

    async fn payment_detail(
        &self,
        book: BookId,
        payment: SubjectId,
    ) -> Result<Answer<Option<PaymentDetail>>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let Some(row) = one(&mut tx, at, payment).await? else { return Ok(Answer { stamp, value: None }) };
        let first = |sql: Sql| sql.text(" ORDER BY first_position LIMIT ").bind(i64::from(LIMIT_MAX));
        let refunds = of_generation(PaymentRow::SELECT, at).text(" AND parent = ").bind(payment);
        let refunds = tx.rows(first(refunds)).await?;
        let disputes = of_generation(DisputeRow::SELECT, at).text(" AND payment = ").bind(payment);
        let disputes = tx.rows(first(disputes)).await?;
        let value = PaymentDetail {
            payment: row,
            refunds: refunds.iter().map(PaymentRow::read).collect::<Result<_, _>>()?,
            disputes: disputes.iter().map(DisputeRow::read).collect::<Result<_, _>>()?,
        };
        Ok(Answer { stamp, value: Some(value) })
    }

    async fn disputes(&self, book: BookId, query: &DisputesQuery) -> Result<Page<DisputeRow>, StoreError> {
        let limit = query.limit.clamp(1, LIMIT_MAX);
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let mut sql = of_generation(DisputeRow::SELECT, at);
        if let Some(state) = query.state {
            sql = sql.text(" AND state = ").bind(state.as_str());
        }
        if let Some(payment) = query.payment {
            sql = sql.text(" AND payment = ").bind(payment);
        }
        if let Some(connection) = query.connection {
            sql = sql.text(" AND connection = ").bind(connection);
        }
        if let Some(before) = query.before {
            sql = sql.text(" AND first_position < ").bind(Bind::position(before));
        }
        let rows = tx.rows(sql.text(" ORDER BY first_position DESC LIMIT ").bind(i64::from(limit) + 1)).await?;
        let rows: Result<Vec<DisputeRow>, StoreError> = rows.iter().map(DisputeRow::read).collect();
        Ok(Page::of(stamp, rows?, limit))
    }

    async fn dispute(&self, book: BookId, dispute: SubjectId) -> Result<Answer<Option<DisputeRow>>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let row = tx.row(of_generation(DisputeRow::SELECT, at).text(" AND dispute = ").bind(dispute)).await?;
        let value = row.as_ref().map(DisputeRow::read).transpose()?;
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

async fn one(tx: &mut Tx, at: At, payment: SubjectId) -> Result<Option<PaymentRow>, StoreError> {
    let row = tx.row(of_generation(PaymentRow::SELECT, at).text(" AND payment = ").bind(payment)).await?;
    row.as_ref().map(PaymentRow::read).transpose()
}
