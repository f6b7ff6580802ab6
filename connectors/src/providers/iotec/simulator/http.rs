//! The provider's paths. Order in each: token, read the request, settle what is due, gate of faults, work, commit, answer.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FormRejection};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Form, FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::paying;
use super::records::Kind;
use super::service::By;
use super::wrong::{Drawn, json};
use super::{IotecSimulator, tokens};
use crate::simulator::listener::Wire;
use crate::simulator::{Result, SimulatorError};

/// Largest request body.
const BODY_MAX: usize = 64 * 1024;

impl IotecSimulator {
    /// The provider's paths and, under `/_sim/`, the control. Best served by [`IotecSimulator::serve`], which lets a
    /// fault cut a connection; under another server such a connection ends in a broken body.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/connect/token", post(token))
            .route("/api/collections/collect", post(collect))
            .route("/api/collections/status/{id}", get(collection))
            .route("/api/collections/external-id/{id}", get(collection_by_external_id))
            .route("/api/disbursements/disburse", post(disburse))
            .route("/api/disbursements/bank-disburse", post(bank_disburse))
            .route("/api/disbursements/bank-list", get(bank_list))
            .route("/api/disbursements/status/{id}", get(payout))
            .route("/api/disbursements/external-id/{id}", get(payout_by_external_id))
            .route("/api/disbursements/paged-history", get(history))
            .route("/api/wallet-balance/{id}", get(wallet_balance))
            .merge(super::control::routes())
            .merge(super::hand::routes())
            .fallback(|| async { StatusCode::NOT_FOUND })
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(self.clone())
    }
}

/// Who calls: the token as sent, and the handle of the connection.
struct Caller {
    token: Option<String>,
    wire: Option<Wire>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Infallible> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
        let wire = parts.extensions.get::<ConnectInfo<Wire>>().map(|info| info.0.clone());
        Ok(Self { token, wire })
    }
}

/// What a handler's work came to: a good body, perhaps to be spoilt, or a refusal.
pub(super) enum Outcome {
    Good(String),
    Spoilt(Drawn, String),
    Refused(Response),
}

async fn finish(sim: &IotecSimulator, wire: Option<Wire>, outcome: Result<Outcome>) -> Response {
    match outcome {
        Ok(Outcome::Good(text)) => json(StatusCode::OK, text),
        Ok(Outcome::Spoilt(drawn, text)) => sim.spoil(drawn, text, wire).await,
        Ok(Outcome::Refused(response)) => response,
        Err(error) => failed(&error),
    }
}

pub(super) fn failed(error: &SimulatorError) -> Response {
    tracing::error!(%error, "a request to the ioTec simulator failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

#[derive(Deserialize)]
struct TokenForm {
    client_id: Option<String>,
    client_secret: Option<String>,
    grant_type: Option<String>,
}

async fn token(
    State(sim): State<Arc<IotecSimulator>>,
    caller: Caller,
    form: std::result::Result<Form<TokenForm>, FormRejection>,
) -> Response {
    let _busy = sim.busy();
    let Ok(Form(form)) = form else { return oauth_error("invalid_request") };
    if form.grant_type.as_deref() != Some("client_credentials") {
        return oauth_error("unsupported_grant_type");
    }
    let (id, secret) = (form.client_id.unwrap_or_default(), form.client_secret.unwrap_or_default());
    if !tokens::is_client(&sim.settings, &id, &secret) {
        return oauth_error("invalid_client");
    }
    finish(&sim, caller.wire, sim.token().await).await
}

fn oauth_error(error: &str) -> Response {
    json(StatusCode::BAD_REQUEST, serde_json::json!({ "error": error }).to_string())
}

type Sim = State<Arc<IotecSimulator>>;
type RawBody = std::result::Result<Bytes, BytesRejection>;

async fn collect(State(sim): Sim, caller: Caller, body: RawBody) -> Response {
    let _busy = sim.busy();
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return rejection.into_response(),
    };
    let outcome = sim.collect(caller.token.as_deref(), &body).await;
    finish(&sim, caller.wire, outcome).await
}

async fn disburse(State(sim): Sim, caller: Caller, body: RawBody) -> Response {
    pay_out(&sim, caller, paying::Path::MobileMoney, body).await
}

async fn bank_disburse(State(sim): Sim, caller: Caller, body: RawBody) -> Response {
    pay_out(&sim, caller, paying::Path::Bank, body).await
}

async fn pay_out(sim: &IotecSimulator, caller: Caller, path: paying::Path, body: RawBody) -> Response {
    let _busy = sim.busy();
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return rejection.into_response(),
    };
    let outcome = sim.disburse(caller.token.as_deref(), path, &body).await;
    finish(sim, caller.wire, outcome).await
}

async fn bank_list(State(sim): Sim, caller: Caller) -> Response {
    let _busy = sim.busy();
    let outcome = sim.bank_list(caller.token.as_deref()).await;
    finish(&sim, caller.wire, outcome).await
}

async fn history(State(sim): Sim, Query(pairs): Query<Vec<(String, String)>>, caller: Caller) -> Response {
    let _busy = sim.busy();
    let outcome = sim.history(caller.token.as_deref(), pairs).await;
    finish(&sim, caller.wire, outcome).await
}

async fn collection(State(sim): Sim, Path(id): Path<String>, caller: Caller) -> Response {
    look_up(&sim, caller, Kind::Collection, By::Id, &id).await
}

async fn collection_by_external_id(State(sim): Sim, Path(id): Path<String>, caller: Caller) -> Response {
    look_up(&sim, caller, Kind::Collection, By::ExternalId, &id).await
}

async fn payout(State(sim): Sim, Path(id): Path<String>, caller: Caller) -> Response {
    look_up(&sim, caller, Kind::Disbursement, By::Id, &id).await
}

async fn payout_by_external_id(State(sim): Sim, Path(id): Path<String>, caller: Caller) -> Response {
    look_up(&sim, caller, Kind::Disbursement, By::ExternalId, &id).await
}

async fn look_up(sim: &IotecSimulator, caller: Caller, kind: Kind, by: By, id: &str) -> Response {
    let _busy = sim.busy();
    let outcome = sim.look_up(caller.token.as_deref(), kind, by, id).await;
    finish(sim, caller.wire, outcome).await
}

async fn wallet_balance(State(sim): State<Arc<IotecSimulator>>, Path(id): Path<String>, caller: Caller) -> Response {
    let _busy = sim.busy();
    let outcome = sim.wallet_balance(caller.token.as_deref(), &id).await;
    finish(&sim, caller.wire, outcome).await
}
