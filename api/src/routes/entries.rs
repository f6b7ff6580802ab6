//! Entries: the balanced lines of events.

use axum::Json;
use axum::extract::State;
use ensimbi_events::Event;
use ensimbi_events::ports::LineFilter;
use serde::Serialize;
use utoipa::ToSchema;

use super::{LineBody, decode};
use crate::ApiState;
use crate::auth::Tenant;
use crate::cursor::Binding;
use crate::params::RawParams;
use crate::problem::ApiError;

/// An entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct Entry {
    /// Its place in the book.
    pub position: u64,
    /// Its event.
    #[schema(format = Uuid)]
    pub event_id: String,
    /// The event's word.
    #[serde(rename = "type")]
    #[schema(example = "CollectionSucceeded")]
    pub kind: String,
    /// The event's subject.
    #[schema(format = Uuid)]
    pub subject: String,
    /// What kind of thing that is.
    #[schema(example = "payment")]
    pub subject_kind: String,
    /// Date in the book's zone.
    #[schema(example = "2026-05-03")]
    pub book_date: String,
    /// When it happened.
    #[schema(format = DateTime)]
    pub occurred_at: String,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub recorded_at: String,
    /// Zero in every currency.
    pub lines: Vec<LineBody>,
}

impl From<&Event> for Entry {
    fn from(event: &Event) -> Self {
        Self {
            position: event.record.position,
            event_id: event.record.event_id.to_string(),
            kind: event.fact.body.word().to_owned(),
            subject: event.fact.subject.to_string(),
            subject_kind: event.fact.subject_kind.to_string(),
            book_date: event.record.book_date.clone(),
            occurred_at: event.context.occurred_at.to_string(),
            recorded_at: event.record.recorded_at.to_string(),
            lines: event.record.lines.0.iter().map(LineBody::from).collect(),
        }
    }
}

/// A page of entries.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryPage {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// In the order of the book.
    pub items: Vec<Entry>,
    /// For the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// Lists entries in the order of the book. An entry is never cut: all its lines are shown.
#[utoipa::path(get, path = "/v1/entries", operation_id = "list_entries", tag = "book", security(("api_key" = [])), params(
    ("account" = Option<String>, Query, description = "Only entries with a line on this account path."),
    ("payment" = Option<String>, Query, description = "Only entries of this payment or other subject.", format = Uuid),
    ("limit" = Option<u32>, Query, description = "Largest number of items, 1 to 500; 50 if absent.", minimum = 1, maximum = 500),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same filters."),
), responses((status = 200, description = "A page of entries.", body = EntryPage)))]
pub async fn list(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<EntryPage>, ApiError> {
    let params = raw.only(&["account", "payment", "limit", "cursor"])?;
    let binding = Binding::new(book, "/v1/entries", &params, &["account", "payment"]);
    let limit = params.limit()?;
    let filter = LineFilter {
        account: params.account("account")?,
        subject: params.parsed("payment", "a UUID")?,
        after: binding.position(&params)?.unwrap_or(0),
        limit: limit + 1,
    };
    let head = state.reader.head(book).await?.size;
    let mut positions = state.reader.entry_positions(book, &filter).await?;
    // What was recorded since belongs to a later answer.
    positions.retain(|position| *position <= head);
    let more = positions.len() > limit as usize;
    positions.truncate(limit as usize);
    let leaves = state.reader.read_at(book, &positions).await?;
    let events: Result<Vec<Event>, ApiError> = leaves.iter().map(decode).collect();
    let items = events?.iter().map(Entry::from).collect();
    let next_cursor = positions.last().filter(|_| more).map(|last| binding.cursor(&last.to_string()));
    Ok(Json(EntryPage { position: head, items, next_cursor }))
}
