//! A policy of the book in force, read from the log itself: each event's record names the configuration it stood under,
//! so the configurations form a chain from the newest back to the opening.

use ensimbi_events::config::BookConfig;
use ensimbi_events::word::Recognition;
use ensimbi_events::{Body, BookId};

use super::fresh;
use crate::ApiState;
use crate::problem::ApiError;

/// Configurations walked back at most; a book has a few tens.
const STEPS_MAX: usize = 1_000;

/// The newest value of a policy, if one was ever set.
async fn value(state: &ApiState, book: BookId, key: &str) -> Result<Option<String>, ApiError> {
    let mut position = state.reader.head(book).await?.size;
    for _ in 0..STEPS_MAX {
        if position == 0 {
            return Ok(None);
        }
        let mut event = fresh::at(state, book, position).await?;
        if !BookConfig::concerns(&event.fact.body) {
            position = event.record.configuration;
            if position == 0 {
                return Ok(None);
            }
            event = fresh::at(state, book, position).await?;
        }
        let policies = match &event.fact.body {
            Body::BookOpened(body) => &body.policies[..],
            Body::BookConfigured(body) => &body.policies[..],
            _ => &[],
        };
        if let Some(policy) = policies.iter().find(|policy| policy.key == key) {
            return Ok(Some(policy.value.clone()));
        }
        position -= 1;
    }
    Err(ApiError::internal(&"more configurations than a policy is looked for in"))
}

/// When invoices made here count as income: `invoice.recognition`, else on publication (`bookkeeping.md` 6).
pub async fn recognition(state: &ApiState, book: BookId) -> Result<Recognition, ApiError> {
    let value = value(state, book, "invoice.recognition").await?;
    Ok(value.as_deref().and_then(Recognition::from_text).unwrap_or(Recognition::OnPublish))
}
