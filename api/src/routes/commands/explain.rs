//! Explaining a payment, first form: the bytes behind it, what was read from them, what was decided, what moved.
//!
//! The door knows observations and claims; the log knows events. An event that only a claim's answer points at (on
//! another subject, such as the invoice it paid) is shown too. Everything is bounded, and `more` says when it was cut.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use ensimbi_events::bus::Outcome;
use ensimbi_events::commands::{TrailClaim, TrailObservation};
use ensimbi_events::money::scaled_text;
use ensimbi_events::ports::StoredLeaf;
use ensimbi_events::{Body, Event, SubjectId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::errors::{Asked, problem};
use super::intent::IntentBody;
use super::told::RecordedBody;
use crate::ApiState;
use crate::auth::Tenant;
use crate::params::{Id, RawParams};
use crate::problem::ApiError;
use crate::routes::{LineBody, decode};

/// Events, observations and claims shown at most, each.
const SHOWN_MAX: usize = 500;

/// A set of raw bytes, without the bytes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Observation)]
pub struct ObservationBody {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Kind of bytes.
    #[schema(example = "webhook")]
    pub kind: String,
    /// How they were authenticated: signed, read, imported, connector or hint.
    #[schema(example = "read")]
    pub class: String,
    /// When they came.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// Salted SHA-256 of the bytes, as in the evidence of events, in hex.
    pub commitment: String,
    /// How often the same bytes came.
    pub deliveries: u32,
    /// new, translated, quarantined or hint_done.
    pub state: String,
    /// Who brought them, where a person did: an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<String>,
}

impl From<&TrailObservation> for ObservationBody {
    fn from(seen: &TrailObservation) -> Self {
        Self {
            id: seen.id.to_string(),
            kind: seen.kind.clone(),
            class: seen.class.to_string(),
            received_at: seen.received_at.to_string(),
            commitment: seen.commitment.to_string(),
            deliveries: seen.deliveries,
            state: seen.state.clone(),
            actor_id: seen.actor_id.clone(),
        }
    }
}

/// What bytes or a command were read to say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Claim)]
pub struct ClaimBody {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The observation or command it comes from.
    #[schema(format = Uuid)]
    pub source: String,
    /// What it says, as an event's word.
    #[schema(example = "CollectionSucceeded")]
    pub word: String,
    /// When it was written.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// recorded, refused, or pending while the ledger's answer is on its way.
    #[schema(example = "recorded")]
    pub state: String,
    /// The events that the ledger's answer names.
    pub events: Vec<RecordedBody>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The refusal in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl From<&TrailClaim> for ClaimBody {
    fn from(claim: &TrailClaim) -> Self {
        let (state, events, refused) = match &claim.outcome {
            None => ("pending", &[][..], None),
            Some(Outcome::Recorded { events }) => ("recorded", events.as_slice(), None),
            Some(Outcome::Refused { code, detail }) => ("refused", &[][..], Some((code, detail))),
        };
        Self {
            id: claim.id.to_string(),
            source: claim.source.to_string(),
            word: claim.word.clone(),
            created_at: claim.created_at.to_string(),
            state: state.to_owned(),
            events: events.iter().map(RecordedBody::from).collect(),
            refusal: refused.map(|(code, _)| code.to_string()),
            detail: refused.map(|(_, detail)| detail.clone()),
        }
    }
}

/// An event with its lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedEvent {
    /// Its place in the book.
    pub position: u64,
    /// Its id.
    #[schema(format = Uuid)]
    pub event_id: String,
    /// Its word.
    #[serde(rename = "type")]
    #[schema(example = "CollectionSucceeded")]
    pub kind: String,
    /// Its subject.
    #[schema(format = Uuid)]
    pub subject: String,
    /// When it happened.
    #[schema(format = DateTime)]
    pub occurred_at: String,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub recorded_at: String,
    /// RFC 6962 leaf hash, in hex.
    pub leaf_hash: String,
    /// The event that made the ledger make this one.
    #[schema(format = Uuid)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Ids of the observations behind it.
    pub evidence: Vec<String>,
    /// Why it has no lines: none, withheld or before_opening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_lines: Option<String>,
    /// What happened; fields depend on the word.
    #[schema(value_type = Object)]
    pub fact: Value,
    /// Zero in every currency.
    pub lines: Vec<LineBody>,
}

impl ExplainedEvent {
    fn of(stored: &StoredLeaf, event: &Event) -> Result<Self, ApiError> {
        let Event { fact, context, record } = event;
        Ok(Self {
            position: record.position,
            event_id: record.event_id.to_string(),
            kind: fact.body.word().to_owned(),
            subject: fact.subject.to_string(),
            occurred_at: context.occurred_at.to_string(),
            recorded_at: record.recorded_at.to_string(),
            leaf_hash: stored.leaf_hash.to_string(),
            cause: record.cause.map(|id| id.to_string()),
            evidence: context.evidence.iter().map(|proof| proof.observation.to_string()).collect(),
            no_lines: record.no_lines.map(|why| why.to_string()),
            fact: serde_json::to_value(fact).map_err(|error| ApiError::internal(&error))?,
            lines: record.lines.0.iter().map(LineBody::from).collect(),
        })
    }
}

/// What all shown lines together did to an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Moved {
    /// Account path.
    #[schema(example = "assets:wallet:main:w1")]
    pub account: String,
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// Debit less credit.
    #[schema(example = "675.5")]
    pub amount: String,
}

/// A contradiction about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedDiscrepancy {
    /// Its id, which is its event's.
    #[schema(format = Uuid)]
    pub id: String,
    /// What kind.
    #[schema(example = "amount_differs")]
    pub kind: String,
    /// The event it is about.
    #[schema(format = Uuid)]
    pub about: Option<String>,
    /// The amount in question.
    pub stake: Option<String>,
    /// Its currency.
    pub stake_currency: Option<String>,
    /// accept, reject or move, once somebody decided.
    pub verdict: Option<String>,
}

/// Everything behind a payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The end of the book when the answer was made.
    pub position: u64,
    /// The payment.
    #[schema(format = Uuid)]
    pub id: String,
    /// Our order, where it was ours.
    pub intent: Option<IntentBody>,
    /// Raw bytes, in the order they came.
    pub observations: Vec<ObservationBody>,
    /// What was read from them and from our commands, in the order it was written.
    pub claims: Vec<ClaimBody>,
    /// What the ledger decided, in the order of the book.
    pub events: Vec<ExplainedEvent>,
    /// What the lines of these events come to.
    pub balances: Vec<Moved>,
    /// Contradictions.
    pub discrepancies: Vec<ExplainedDiscrepancy>,
    /// Whether there is more than is shown: at most 500 observations, claims and events.
    pub more: bool,
}

/// Explains a payment: raw bytes and how they were authenticated, claims, events, lines, balances moved.
#[utoipa::path(get, path = "/v1/payments/{id}/explain", operation_id = "explain_payment", tag = "payments",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The payment's id, or another subject's.", format = Uuid)),
    responses((status = 200, description = "Everything behind it.", body = Explanation)))]
pub async fn show(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    Id(id): Id<SubjectId>,
    raw: RawParams,
) -> Result<Json<Explanation>, ApiError> {
    raw.only(&[])?;
    let trail = state.commands()?.trail(book, id).await.map_err(|error| problem(Asked::Telling, error))?;
    let head = state.reader.head(book).await?.size;
    let limit = u32::try_from(SHOWN_MAX + 1).unwrap_or(u32::MAX);
    let mut positions: BTreeSet<u64> = state.reader.subject_positions(book, id, 0, limit).await?.into_iter().collect();
    let outcomes = trail.claims.iter().filter_map(|claim| claim.outcome.as_ref());
    for outcome in outcomes {
        if let Outcome::Recorded { events } = outcome {
            positions.extend(events.iter().map(|event| event.position));
        }
    }
    // What was recorded since belongs to a later answer.
    positions.retain(|position| *position <= head);
    if positions.is_empty() && trail.claims.is_empty() && trail.intent.is_none() {
        return Err(ApiError::not_found("payment"));
    }
    let cut = [positions.len(), trail.observations.len(), trail.claims.len()];
    let more = cut.iter().any(|size| *size > SHOWN_MAX);
    let positions: Vec<u64> = positions.into_iter().take(SHOWN_MAX).collect();
    let leaves = state.reader.read_at(book, &positions).await?;
    let events: Vec<Event> = leaves.iter().map(decode).collect::<Result<_, _>>()?;
    let shown: Result<Vec<ExplainedEvent>, ApiError> =
        leaves.iter().zip(&events).map(|(stored, event)| ExplainedEvent::of(stored, event)).collect();
    Ok(Json(Explanation {
        position: head,
        id: id.to_string(),
        intent: trail.intent.as_ref().map(IntentBody::from),
        observations: trail.observations.iter().take(SHOWN_MAX).map(ObservationBody::from).collect(),
        claims: trail.claims.iter().take(SHOWN_MAX).map(ClaimBody::from).collect(),
        events: shown?,
        balances: moved(&events)?,
        discrepancies: discrepancies(&events),
        more,
    }))
}

/// Sums by account and currency; those that come to nothing are left out.
fn moved(events: &[Event]) -> Result<Vec<Moved>, ApiError> {
    let mut sums: BTreeMap<(&str, &str), i128> = BTreeMap::new();
    for line in events.iter().flat_map(|event| &event.record.lines.0) {
        let sum = sums.entry((line.account.as_str(), line.currency.as_str())).or_default();
        let next = sum.checked_add(i128::from(line.amount.scaled()));
        *sum = next.ok_or_else(|| ApiError::internal(&"the lines of a payment leave the range of totals"))?;
    }
    let sums = sums.into_iter().filter(|(_, sum)| *sum != 0);
    Ok(sums
        .map(|((account, currency), sum)| Moved {
            account: account.to_owned(),
            currency: currency.to_owned(),
            amount: scaled_text(sum),
        })
        .collect())
}

fn discrepancies(events: &[Event]) -> Vec<ExplainedDiscrepancy> {
    let verdict = |id| {
        events.iter().find_map(|event| match &event.fact.body {
            Body::DiscrepancyResolved(body) if body.discrepancy == id => Some(body.verdict.to_string()),
            _ => None,
        })
    };
    let raised = events.iter().filter_map(|event| match &event.fact.body {
        Body::DiscrepancyRaised(body) => Some((event.record.event_id, body)),
        _ => None,
    });
    raised
        .map(|(id, body)| ExplainedDiscrepancy {
            id: id.to_string(),
            kind: body.kind.to_string(),
            about: body.about.map(|id| id.to_string()),
            stake: body.stake.map(|amount| amount.to_string()),
            stake_currency: body.stake_currency.map(|currency| currency.to_string()),
            verdict: verdict(id),
        })
        .collect()
}
