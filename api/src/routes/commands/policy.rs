//! Policies of the book in force that decide what a command says.

use ensimbi_events::BookId;
use ensimbi_events::word::Recognition;

use crate::ApiState;
use crate::problem::ApiError;
use crate::routes::config::config;

/// When invoices made here count as income: `invoice.recognition`, else on publication (`bookkeeping.md` 6).
pub async fn recognition(state: &ApiState, book: BookId) -> Result<Recognition, ApiError> {
    let config = config(state, book).await?;
    let word = config.policies.get("invoice.recognition").map(String::as_str);
    Ok(word.and_then(Recognition::from_text).unwrap_or(Recognition::OnPublish))
}
