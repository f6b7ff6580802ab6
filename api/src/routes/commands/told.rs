//! Facts of our own: told once for a key, and what the ledger answered.
//!
//! Order: was it told before? -> the facts, out of the present -> the door, which waits for the ledger. The first
//! question comes first because the present has changed since the first time: a repeated cancellation would otherwise
//! find nothing to cancel.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ensimbi_events::bus::{Outcome, RecordedRef};
use ensimbi_events::commands::{Party, Telling, Told};
use ensimbi_events::{Body, ConnectionId, Currency, Fact, ObservationId, SubjectId, SubjectKind, Time, WalletId};
use serde::Serialize;
use utoipa::ToSchema;

use super::errors::{Asked, problem, refusal};
use crate::ApiState;
use crate::problem::ApiError;
use crate::sent::Sent;

/// A recorded event.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordedBody {
    /// Its id.
    #[schema(format = Uuid)]
    pub event_id: String,
    /// Its place in the book.
    pub position: u64,
    /// RFC 6962 leaf hash, in hex.
    pub leaf_hash: String,
}

impl From<&RecordedRef> for RecordedBody {
    fn from(event: &RecordedRef) -> Self {
        let RecordedRef { event_id, position, leaf_hash } = event;
        Self { event_id: event_id.to_string(), position: *position, leaf_hash: leaf_hash.to_string() }
    }
}

/// What became of one fact of a command.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToldFactBody {
    /// The event's word.
    #[serde(rename = "type")]
    #[schema(example = "InvoicePublished")]
    pub kind: String,
    /// recorded, or pending while the ledger's answer is on its way.
    #[schema(example = "recorded")]
    pub state: String,
    /// Its event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<RecordedBody>,
    /// What the ledger made of it in the same commit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<RecordedBody>,
}

/// What became of a command.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Told)]
pub struct ToldBody {
    /// What it is about.
    #[schema(format = Uuid)]
    pub id: String,
    /// Whether the ledger has answered all of it; ask again with the same key where it has not.
    pub complete: bool,
    /// The last position among its events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Its facts, in order.
    pub facts: Vec<ToldFactBody>,
    /// Whether the key was known already: nothing new was told.
    pub repeated: bool,
}

/// What a route tells.
pub struct Facts {
    /// In order; `None`: they happen now.
    pub facts: Vec<(Fact, Option<Time>)>,
    /// For the vault.
    pub party: Option<Party>,
    /// Bytes that bear them out.
    pub evidence: Option<ObservationId>,
}

impl Facts {
    /// One fact that happens now.
    pub fn now(fact: Fact) -> Self {
        Self { facts: vec![(fact, None)], party: None, evidence: None }
    }
}

/// Tells facts once. `body` is the command in canonical form; `facts` is asked for only where the key is new.
///
/// # Errors
/// What keeps the facts from being made, what the ledger refused, or a problem of the key.
pub async fn tell(
    state: &ApiState,
    sent: &Sent,
    route: &'static str,
    body: Vec<u8>,
    facts: impl Future<Output = Result<Facts, ApiError>> + Send,
) -> Result<Told, ApiError> {
    let commands = state.commands()?;
    let failed = |error| problem(Asked::Telling, error);
    let told = match commands.told(&sent.origin, route, &body).await.map_err(failed)? {
        Some(told) => told,
        None => {
            let Facts { facts, party, evidence } = facts.await?;
            commands.tell(&sent.origin, &Telling { route, body, facts, party, evidence }).await.map_err(failed)?
        }
    };
    for fact in &told.facts {
        if let Some(Outcome::Refused { code, detail }) = &fact.outcome {
            return Err(refusal(Asked::Telling, *code, detail));
        }
    }
    Ok(told)
}

/// The answer: `done` where the ledger has recorded everything, 202 while an answer is on its way.
pub fn answer(id: impl ToString, told: &Told, done: StatusCode) -> Response {
    let facts: Vec<ToldFactBody> = told.facts.iter().map(|fact| one(&fact.word, fact.outcome.as_ref())).collect();
    let recorded = facts.iter().flat_map(|fact| fact.event.iter().chain(&fact.made));
    let position = recorded.map(|event| event.position).max();
    let complete = told.facts.iter().all(|fact| fact.outcome.is_some());
    let body = ToldBody { id: id.to_string(), complete, position, facts, repeated: told.repeated };
    (if complete { done } else { StatusCode::ACCEPTED }, Json(body)).into_response()
}

fn one(word: &str, outcome: Option<&Outcome>) -> ToldFactBody {
    let events = match outcome {
        Some(Outcome::Recorded { events }) => events.as_slice(),
        _ => &[],
    };
    ToldFactBody {
        kind: word.to_owned(),
        state: if outcome.is_some() { "recorded" } else { "pending" }.to_owned(),
        event: events.first().map(RecordedBody::from),
        made: events.iter().skip(1).map(RecordedBody::from).collect(),
    }
}

/// What a fact of ours is about.
pub struct About {
    /// The subject.
    pub subject: SubjectId,
    /// What kind of thing it is.
    pub kind: SubjectKind,
    /// The connection, where it has one.
    pub connection: Option<ConnectionId>,
    /// The wallet, where it has one.
    pub wallet: Option<WalletId>,
    /// Currency of its amounts.
    pub currency: Option<Currency>,
}

impl About {
    /// An invoice of our own.
    pub const fn invoice(id: SubjectId, currency: Currency) -> Self {
        Self { subject: id, kind: SubjectKind::Invoice, connection: None, wallet: None, currency: Some(currency) }
    }

    /// A fact about it. `occurrence` is the command's id wherever two commands could say the same word.
    pub fn fact(&self, occurrence: String, body: impl Into<Body>) -> Fact {
        let body = body.into();
        Fact {
            subject: self.subject,
            subject_kind: self.kind,
            connection: self.connection,
            wallet: self.wallet,
            object_kind: None,
            object_id: None,
            occurrence,
            currency: self.currency,
            version: body.version(),
            body,
        }
    }
}
