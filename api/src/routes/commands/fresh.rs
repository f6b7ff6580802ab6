//! Reading before a command: from a view that has caught up with the log as it was when the request came, so that a
//! caller's next command sees the one before. What changes in between, the ledger refuses.

use std::time::Duration;

use ensimbi_events::codes::Problem;
use ensimbi_events::{BookId, Event, EventId, SubjectId, WalletId};
use ensimbi_projections::StoreError;
use ensimbi_projections::invoices::InvoiceRow;
use ensimbi_projections::payments::{DisputeRow, PaymentRow};
use ensimbi_projections::query::Answer;
use ensimbi_projections::wallets::WalletRow;

use crate::ApiState;
use crate::problem::ApiError;
use crate::routes::decode;

/// Questions to a view that is behind; real time, at most about five seconds.
const TRIES: u32 = 100;
/// Between them.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks until the view is as far as the log was.
async fn fresh<T, F>(state: &ApiState, book: BookId, ask: impl Fn() -> F + Send + Sync) -> Result<T, ApiError>
where
    F: Future<Output = Result<Answer<T>, StoreError>> + Send,
    T: Send,
{
    let head = state.reader.head(book).await?.size;
    for _ in 0..TRIES {
        let answer = ask().await?;
        if answer.stamp.position >= head {
            return Ok(answer.value);
        }
        if answer.stamp.stopped_at.is_some() {
            let detail = "a projection that this command reads has stopped; a person must look";
            return Err(ApiError::new(Problem::ProjectionStopped, detail));
        }
        tokio::time::sleep(PAUSE).await;
    }
    let detail = "a projection that this command reads is behind the log; try again with the same key";
    Err(ApiError::new(Problem::Unavailable, detail))
}

/// An invoice of this book.
pub async fn invoice(state: &ApiState, book: BookId, id: SubjectId) -> Result<Option<InvoiceRow>, ApiError> {
    let detail = fresh(state, book, || state.invoices.invoice(book, id)).await?;
    Ok(detail.map(|detail| detail.invoice))
}

/// A payment, payout or transfer of this book.
pub async fn payment(state: &ApiState, book: BookId, id: SubjectId) -> Result<Option<PaymentRow>, ApiError> {
    fresh(state, book, || state.payments.payment(book, id)).await
}

/// A dispute of this book.
pub async fn dispute(state: &ApiState, book: BookId, id: SubjectId) -> Result<Option<DisputeRow>, ApiError> {
    fresh(state, book, || state.payments.dispute(book, id)).await
}

/// A wallet of this book.
pub async fn wallet(state: &ApiState, book: BookId, id: WalletId) -> Result<Option<WalletRow>, ApiError> {
    fresh(state, book, || state.wallets.wallet(book, id)).await
}

/// The event that raised a discrepancy of this book.
pub async fn discrepancy(state: &ApiState, book: BookId, id: EventId) -> Result<Option<Event>, ApiError> {
    let row = fresh(state, book, || state.discrepancies.discrepancy(book, id)).await?;
    match row {
        Some(row) => at(state, book, row.position).await.map(Some),
        None => Ok(None),
    }
}

/// An event of this book, from its leaf.
pub async fn event(state: &ApiState, book: BookId, id: EventId) -> Result<Option<Event>, ApiError> {
    match state.reader.position_of(book, id).await? {
        Some(position) => at(state, book, position).await.map(Some),
        None => Ok(None),
    }
}

/// The event at a position that is in the book.
pub async fn at(state: &ApiState, book: BookId, position: u64) -> Result<Event, ApiError> {
    let leaves = state.reader.read_at(book, &[position]).await?;
    let leaf = leaves.first().ok_or_else(|| ApiError::internal(&"an event inside the book is missing"))?;
    decode(leaf)
}
