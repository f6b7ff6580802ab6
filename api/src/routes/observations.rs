//! What a connector outside the process posts: raw bytes and claims, with the key of its connection.
//!
//! The key decides the connection; the body is read by the door, which names every wrong field before anything is stored.
//! There is no `Idempotency-Key`: exactly the same bytes are the same observation.

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ensimbi_events::bus::Outcome;
use ensimbi_events::codes::Problem;
use ensimbi_events::commands::ToldFact;
use ensimbi_events::observations::{PostError, Posted};
use ensimbi_events::{BookId, ConnectionId};
use serde::Serialize;
use utoipa::ToSchema;

use super::commands::RecordedBody;
use crate::ApiState;
use crate::auth::{Connector, Tenant};
use crate::params::RawParams;
use crate::problem::{ApiError, unavailable};
use crate::sent::is_json;

/// The path; a connector's key opens nothing else.
pub const PATH: &str = "/v1/observations";
/// Largest body, in bytes.
pub const BODY_MAX: u64 = 1024 * 1024;

/// An observation as a connector outside the process posts it. `connectors/outside/observation.schema.json` has the whole
/// schema, with every event's fields.
#[derive(Serialize, ToSchema)]
#[schema(as = NewObservation)]
pub struct NewObservationBody {
    /// Kind of bytes, one of the connection's `kinds`.
    #[schema(example = "payment_status")]
    pub kind: String,
    /// The raw bytes, in base64 with padding.
    #[schema(example = "eyJpZCI6IjEifQ==")]
    pub body: String,
    /// Name and version of the program that makes the claims, as the connection's `translator` has it.
    #[schema(example = "acme.1")]
    pub translator: String,
    /// When the bytes came; counts for statements that name no time of their own.
    #[schema(format = DateTime)]
    pub observed_at: Option<String>,
    /// What they say, at most 1,000 statements, in the form that fixtures have.
    #[schema(value_type = Vec<Object>)]
    pub said: Vec<serde_json::Value>,
    /// Words that the program does not know: counted, no event, no money.
    pub unknown: Option<Vec<String>>,
}

/// What became of one claim.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimBody {
    /// The event's word.
    #[serde(rename = "type")]
    #[schema(example = "CollectionSucceeded")]
    pub kind: String,
    /// recorded, refused, or pending while the ledger's answer is on its way.
    #[schema(example = "recorded")]
    pub state: String,
    /// The ledger's word, where it refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Why it refused, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Its event and what the ledger made of it, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<RecordedBody>,
}

/// What became of an observation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Observation)]
pub struct ObservationBody {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Whether exactly these bytes were there already: nothing new was told.
    pub repeated: bool,
    /// Whether nothing more will come; post the same bytes again to ask.
    pub complete: bool,
    /// new, translated or quarantined.
    #[schema(example = "translated")]
    pub state: String,
    /// Why it is quarantined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its claims, in order.
    pub claims: Vec<ClaimBody>,
}

impl From<&ToldFact> for ClaimBody {
    fn from(claim: &ToldFact) -> Self {
        let (state, refusal, detail, events) = match &claim.outcome {
            None => ("pending", None, None, Vec::new()),
            Some(Outcome::Recorded { events }) => {
                ("recorded", None, None, events.iter().map(RecordedBody::from).collect())
            }
            Some(Outcome::Refused { code, detail }) => {
                ("refused", Some(code.to_string()), Some(detail.clone()), Vec::new())
            }
        };
        Self { kind: claim.word.clone(), state: state.to_owned(), refusal, detail, events }
    }
}

impl From<&Posted> for ObservationBody {
    fn from(posted: &Posted) -> Self {
        Self {
            id: posted.observation.to_string(),
            repeated: posted.repeated,
            complete: posted.is_complete(),
            state: posted.state.to_owned(),
            reason: posted.reason.clone(),
            claims: posted.claims.iter().map(ClaimBody::from).collect(),
        }
    }
}

/// An observation as it was sent.
pub struct Sent {
    book: BookId,
    connection: ConnectionId,
    bytes: Vec<u8>,
}

impl FromRequest<ApiState> for Sent {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let Tenant(book) = Tenant::from_request_parts(&mut parts, state).await?;
        let Connector(connection) = Connector::from_request_parts(&mut parts, state).await?;
        RawParams::from_request_parts(&mut parts, state).await?.only(&[])?;
        if !is_json(&parts.headers) {
            let detail = "Content-Type: expected application/json, in UTF-8 and without a Content-Encoding";
            return Err(ApiError::new(Problem::InvalidBody, detail));
        }
        let limit = usize::try_from(BODY_MAX).unwrap_or(usize::MAX);
        let too_large = |_| ApiError::new(Problem::TooLarge, "the body is over 1 MiB, or broke off");
        let bytes = to_bytes(body, limit).await.map_err(too_large)?.to_vec();
        if bytes.is_empty() {
            return Err(ApiError::new(Problem::InvalidBody, "expected a JSON object as the body"));
        }
        Ok(Self { book, connection, bytes })
    }
}

/// Takes a provider's raw bytes and what they say, from a connector outside the process.
///
/// Only with the key of a connection from outside (`ensimbi keys add --connection`), and for that connection alone. The
/// claims are checked like those of a connector inside: kinds, objects and events as the connection declares them, exact
/// amounts, known currencies and wallets. Whatever is wrong is refused whole.
#[utoipa::path(post, path = "/v1/observations", operation_id = "create_observation", tag = "observations",
    security(("api_key" = [])),
    request_body(content = NewObservationBody, example = json!({
        "kind": "payment_status", "body": "eyJpZCI6IjEifQ==", "translator": "acme.1", "said": [{
            "object": { "kind": "payment", "id": "1" }, "subject_kind": "payment", "currency": "UGX", "wallet": "w-1",
            "occurred_at": "2026-05-28T20:26:40Z",
            "body": { "type": "CollectionSucceeded", "gross": "1000", "net": "1000", "net_source": "observed" }
        }]
    })),
    responses(
        (status = 200, description = "Known already; what became of it.", body = ObservationBody),
        (status = 201, description = "Taken, and the ledger has answered every claim.", body = ObservationBody),
        (status = 202, description = "Taken; the ledger has not answered every claim yet.", body = ObservationBody),
    ))]
pub async fn create(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    let posted = state.commands()?.post(sent.book, sent.connection, &sent.bytes).await.map_err(problem)?;
    let status = match (posted.is_complete(), posted.repeated) {
        (false, _) => StatusCode::ACCEPTED,
        (true, true) => StatusCode::OK,
        (true, false) => StatusCode::CREATED,
    };
    Ok((status, Json(ObservationBody::from(&posted))).into_response())
}

fn problem(error: PostError) -> ApiError {
    match error {
        PostError::NoSuchConnection => ApiError::new(
            Problem::UnknownConnection,
            "the key's connection is not in the configuration, or is not one from outside",
        ),
        PostError::Invalid { code, field, problem } => {
            let detail = format!("{field}: {problem}");
            ApiError::field(code, field, detail)
        }
        PostError::Unavailable(reason) => unavailable(&reason),
        PostError::Broken(reason) => ApiError::internal(&reason),
    }
}
