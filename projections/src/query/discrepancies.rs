//! Discrepancies: the list of work, and one with what was decided.

use async_trait::async_trait;
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::{BookId, ConnectionId, EventId, SubjectId, WalletId};

use super::{Answer, LIMIT_MAX, Page, Views, of_generation};
use crate::discrepancies::{DiscrepancyRow, DiscrepancyState, NAME};
use crate::store::{Bind, StoreError};

/// Which discrepancies, newest first.
#[derive(Debug, Clone, Default)]
pub struct DiscrepanciesQuery {
    /// Only in this state; both if absent.
    pub state: Option<DiscrepancyState>,
    /// Only of this kind.
    pub kind: Option<DiscrepancyKind>,
    /// Only of this connection.
    pub connection: Option<ConnectionId>,
    /// Only of this wallet.
    pub wallet: Option<WalletId>,
    /// Only about this subject.
    pub subject: Option<SubjectId>,
    /// Only those before this position.
    pub before: Option<u64>,
    /// At most so many, from 1 to 500.
    pub limit: u32,
}

/// Questions about discrepancies.
#[async_trait]
pub trait DiscrepanciesView: Send + Sync {
    /// A page of discrepancies.
    async fn discrepancies(&self, book: BookId, query: &DiscrepanciesQuery)
    -> Result<Page<DiscrepancyRow>, StoreError>;
    /// One discrepancy; none where this book has no such discrepancy.
    async fn discrepancy(&self, book: BookId, id: EventId) -> Result<Answer<Option<DiscrepancyRow>>, StoreError>;
}

#[async_trait]
impl DiscrepanciesView for Views {
    async fn discrepancies(
        &self,
        book: BookId,
        query: &DiscrepanciesQuery,
    ) -> Result<Page<DiscrepancyRow>, StoreError> {
        let limit = query.limit.clamp(1, LIMIT_MAX);
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let mut sql = of_generation(DiscrepancyRow::SELECT, at);
        if let Some(state) = query.state {
            sql = sql.text(" AND state = ").bind(state.as_str());
        }
        if let Some(kind) = query.kind {
            sql = sql.text(" AND kind = ").bind(kind.as_str());
        }
        if let Some(connection) = query.connection {
            sql = sql.text(" AND connection = ").bind(connection);
        }
        if let Some(wallet) = query.wallet {
            sql = sql.text(" AND wallet = ").bind(wallet);
        }
        if let Some(subject) = query.subject {
            sql = sql.text(" AND subject = ").bind(subject);
        }
        if let Some(before) = query.before {
            sql = sql.text(" AND position < ").bind(Bind::position(before));
        }
        let rows = tx.rows(sql.text(" ORDER BY position DESC LIMIT ").bind(i64::from(limit) + 1)).await?;
        let rows: Result<Vec<DiscrepancyRow>, StoreError> = rows.iter().map(DiscrepancyRow::read).collect();
        Ok(Page::of(stamp, rows?, limit))
    }

    async fn discrepancy(&self, book: BookId, id: EventId) -> Result<Answer<Option<DiscrepancyRow>>, StoreError> {
        let (mut tx, at, stamp) = self.open(book, NAME).await?;
        let row = tx.row(of_generation(DiscrepancyRow::SELECT, at).text(" AND discrepancy = ").bind(id)).await?;
        let value = row.as_ref().map(DiscrepancyRow::read).transpose()?;
        Ok(Answer { stamp, value })
    }
}
