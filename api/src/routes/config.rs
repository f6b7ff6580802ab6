//! The book's configuration in force, read from the log itself: each event's record names the configuration it stood
//! under, so the configurations form a chain from the newest back to the opening. Walked back, then folded forward.

use ensimbi_events::config::BookConfig;
use ensimbi_events::{BookId, Currency, Event, currency};

use super::decode;
use crate::ApiState;
use crate::params::Params;
use crate::problem::ApiError;

/// Configurations walked back at most; a book has a few tens, and two for each closed period.
const STEPS_MAX: usize = 2_000;

/// The configuration after the last event; the default one where the book is empty.
pub(super) async fn config(state: &ApiState, book: BookId) -> Result<BookConfig, ApiError> {
    let mut position = state.reader.head(book).await?.size;
    let mut chain: Vec<Event> = Vec::new();
    while position > 0 {
        if chain.len() == STEPS_MAX {
            return Err(ApiError::internal(&"more configurations than are walked back"));
        }
        let leaves = state.reader.read_at(book, &[position]).await?;
        let leaf = leaves.first().ok_or_else(|| ApiError::internal(&"an event inside the book is missing"))?;
        let event = decode(leaf)?;
        let before = event.record.configuration;
        if BookConfig::concerns(&event.fact.body) {
            chain.push(event);
        }
        // The opening names itself.
        position = if before < position { before } else { 0 };
    }
    let mut config = BookConfig::default();
    for event in chain.iter().rev() {
        config.apply(event);
    }
    Ok(config)
}

/// A parameter with the code of a currency that the registry or the book knows.
///
/// # Errors
/// `unknown_value`, with all of them; a store that does not answer.
pub(super) async fn currency(
    state: &ApiState,
    book: BookId,
    params: &Params,
    name: &str,
) -> Result<Option<Currency>, ApiError> {
    let registered = |text: &str| text.parse().is_ok_and(|code| currency::lookup(code).is_some());
    let own = match params.text(name) {
        Some(text) if !registered(text) => own_currencies(&config(state, book).await?),
        _ => Vec::new(),
    };
    params.currency(name, &own)
}

/// What the book has registered beside the codes that everyone knows.
pub(super) fn own_currencies(config: &BookConfig) -> Vec<Currency> {
    config.currencies.iter().filter_map(|code| code.parse().ok()).collect()
}
