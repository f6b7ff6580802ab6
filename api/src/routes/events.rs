//! The log itself, by position.

use axum::Json;
use axum::extract::State;
use ensimbi_events::Event;
use ensimbi_events::ports::StoredLeaf;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::decode;
use crate::ApiState;
use crate::auth::Tenant;
use crate::params::{Id, RawParams};
use crate::problem::ApiError;

/// A recorded event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventBody {
    /// Its place in the book, from 1, without gaps.
    pub position: u64,
    /// Its id.
    #[schema(format = Uuid)]
    pub event_id: String,
    /// Its word.
    #[serde(rename = "type")]
    #[schema(example = "CollectionSucceeded")]
    pub kind: String,
    /// RFC 6962 leaf hash, in hex.
    pub leaf_hash: String,
    /// What happened; fields depend on the word.
    #[schema(value_type = Object)]
    pub fact: Value,
    /// How we know; parties are ids only.
    #[schema(value_type = Object)]
    pub context: Value,
    /// The ledger's own layer: dates, rules, lines.
    #[schema(value_type = Object)]
    pub record: Value,
}

impl EventBody {
    fn of(stored: &StoredLeaf) -> Result<Self, ApiError> {
        let Event { fact, context, record } = decode(stored)?;
        let json = |value: Result<Value, serde_json::Error>| value.map_err(|error| ApiError::internal(&error));
        Ok(Self {
            position: stored.position,
            event_id: record.event_id.to_string(),
            kind: fact.body.word().to_owned(),
            leaf_hash: stored.leaf_hash.to_string(),
            fact: json(serde_json::to_value(&fact))?,
            context: json(serde_json::to_value(&context))?,
            record: json(serde_json::to_value(&record))?,
        })
    }
}

/// A part of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The end of the book when the answer was made.
    pub position: u64,
    /// In order.
    pub items: Vec<EventBody>,
    /// The `after` of the next page; absent at the end.
    pub next_after: Option<u64>,
}

/// One event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventAnswer {
    /// The end of the book when the answer was made.
    pub position: u64,
    /// The event.
    pub event: EventBody,
}

/// Lists events after a position, in order.
#[utoipa::path(get, path = "/v1/events", operation_id = "list_events", tag = "book", security(("api_key" = [])), params(
    ("after" = Option<u64>, Query, description = "Only events after this position; 0 if absent."),
    ("limit" = Option<u32>, Query, description = "Largest number of items, 1 to 500; 50 if absent.", minimum = 1, maximum = 500),
), responses((status = 200, description = "A part of the log.", body = EventPage)))]
pub async fn list(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<EventPage>, ApiError> {
    let params = raw.only(&["after", "limit"])?;
    // Stores count positions in 63 bits.
    let after = params.parsed::<u64>("after", "a position, from 0")?.unwrap_or(0).min(i64::MAX.unsigned_abs());
    let limit = params.limit()?;
    let head = state.reader.head(book).await?.size;
    let mut leaves = state.reader.read(book, after, limit).await?;
    leaves.retain(|leaf| leaf.position <= head);
    let items: Result<Vec<EventBody>, ApiError> = leaves.iter().map(EventBody::of).collect();
    let next_after = leaves.last().map(|leaf| leaf.position).filter(|last| *last < head);
    Ok(Json(EventPage { position: head, items: items?, next_after }))
}

/// Shows the event at a position.
#[utoipa::path(get, path = "/v1/events/{position}", operation_id = "get_event", tag = "book", security(("api_key" = [])), params(
    ("position" = u64, Path, description = "The event's position, from 1.", minimum = 1),
), responses((status = 200, description = "The event.", body = EventAnswer)))]
pub async fn one(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    Id(position): Id<u64>,
    raw: RawParams,
) -> Result<Json<EventAnswer>, ApiError> {
    raw.only(&[])?;
    if position == 0 {
        return Err(ApiError::parameter("position", "expected a position, from 1"));
    }
    let head = state.reader.head(book).await?.size;
    if position > head {
        return Err(ApiError::not_found("event"));
    }
    let leaves = state.reader.read_at(book, &[position]).await?;
    let leaf = leaves.first().ok_or_else(|| ApiError::internal(&"an event inside the book is missing"))?;
    Ok(Json(EventAnswer { position: head, event: EventBody::of(leaf)? }))
}
