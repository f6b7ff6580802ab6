//! What an order to a provider answers: how far it has come.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ensimbi_events::codes::{Problem, Refusal};
use ensimbi_events::commands::{CommandError, IntentView};
use serde::Serialize;
use utoipa::ToSchema;

use super::errors::{Asked, problem, refusal};
use crate::problem::ApiError;

/// An order to a provider. It goes on by itself; its id is the payment's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Intent)]
pub struct IntentBody {
    /// Its id, which is the payment's or payout's too.
    #[schema(format = Uuid)]
    pub id: String,
    /// Over which connection.
    #[schema(format = Uuid)]
    pub connection: String,
    /// From or to which wallet.
    #[schema(format = Uuid)]
    pub wallet: String,
    /// asked: the ledger has not answered; cleared: it may be sent; calling; unknown: the provider may have it, only its
    /// status decides; accepted: the provider has it; refused; failed.
    #[schema(example = "accepted")]
    pub state: String,
    /// What was asked.
    #[schema(example = "10000")]
    pub amount: String,
    /// The wallet's currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// Number of its newest attempt, from 1.
    pub attempt: u32,
    /// That attempt's reference at the provider.
    pub reference: String,
    /// The provider's id, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// Where the payer pays. Whoever has it can open it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout_url: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was asked.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Whether the key was known already: nothing new was begun.
    pub repeated: bool,
}

impl From<&IntentView> for IntentBody {
    fn from(view: &IntentView) -> Self {
        Self {
            id: view.id.to_string(),
            connection: view.connection.to_string(),
            wallet: view.wallet.to_string(),
            state: view.state.to_owned(),
            amount: view.amount.to_string(),
            currency: view.currency.to_string(),
            attempt: view.attempt,
            reference: view.reference.clone(),
            object_id: view.object_id.clone(),
            checkout_url: view.checkout_url.clone(),
            reason: view.reason.clone(),
            created_at: view.created_at.to_string(),
            repeated: view.repeated,
        }
    }
}

/// 202 with the intent and where its payment is; a refused one is the same problem every time its key comes.
pub fn answer(asked: Asked, taken: Result<IntentView, CommandError>) -> Result<Response, ApiError> {
    let view = taken.map_err(|error| problem(asked, error))?;
    if view.state == "refused" {
        let reason = view.reason.as_deref().unwrap_or_default();
        let (word, detail) = reason.split_once(": ").unwrap_or((reason, reason));
        return Err(match Refusal::from_text(word) {
            Some(word) => refusal(asked, word, detail),
            None => ApiError::new(Problem::Refused, reason),
        });
    }
    let mut response = (StatusCode::ACCEPTED, Json(IntentBody::from(&view))).into_response();
    located(&mut response, &format!("/v1/payments/{}", view.id));
    Ok(response)
}

/// Says where the thing is that a command began.
pub fn located(response: &mut Response, path: &str) {
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, path);
    }
}
