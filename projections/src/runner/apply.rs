//! Applying a page: effect and cursor in one transaction, and never past an event that cannot be applied.

use ensimbi_events::BookId;

use super::cursor::{self, Cursor, Stop, StopKind};
use super::page::{Page, guarded};
use crate::projection::{Configured, Projection, State};
use crate::store::{StoreError, Tx};

/// Applies the page's events and moves the cursor in the caller's transaction. `cursor` is moved too.
///
/// An error or panic of the handler ends the page before that event: the rows are loaded again and the events before
/// it are applied alone, since a handler that failed may have changed half a row.
pub(super) async fn apply(
    tx: &mut Tx,
    book: BookId,
    projection: &dyn Projection,
    cursor: &mut Cursor,
    mut page: Page,
) -> Result<(), StoreError> {
    let before = cursor.configured.clone();
    let at = cursor.at(book);
    let mut changed = false;
    while !page.events.is_empty() {
        let mut folded = before.clone();
        for event in &page.events {
            folded.apply(event);
        }
        let mut state = projection.load(tx, at, &page.events, &folded).await?;
        let mut configured = before.clone();
        match fold(state.as_mut(), &mut configured, &page) {
            Ok(any) => {
                state.save(tx, at).await?;
                (cursor.configured, changed) = (configured, any);
                break;
            }
            Err((index, reason)) => {
                page.truncate(index);
                let position = cursor.position + index as u64 + 1;
                page.stop = Some(Stop::new(StopKind::Poison, position, reason));
            }
        }
    }
    if let (Some(event), Some(hash)) = (page.events.last(), page.hashes.get(page.events.len().wrapping_sub(1))) {
        cursor.position += page.events.len() as u64;
        cursor.leaf_hash = Some(*hash);
        cursor.recorded_at = Some(event.record.recorded_at);
    }
    cursor.stop = page.stop;
    cursor::advance(tx, book, projection.name(), cursor, changed).await
}

/// Runs the handler over the page; says whether the configuration changed, or which event failed and why.
fn fold(state: &mut dyn State, configured: &mut Configured, page: &Page) -> Result<bool, (usize, String)> {
    let mut any = false;
    for (index, event) in page.events.iter().enumerate() {
        let result = guarded(|| {
            let changed = configured.apply(event);
            state.apply(configured, event).map_err(|error| error.0)?;
            Ok(changed)
        });
        any |= result.map_err(|reason| (index, reason))?;
    }
    Ok(any)
}
