//! The provider's paths. Order in each: token, read the request, settle what is due, gate of faults, work, commit, answer.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FormRejection};
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::faults::Fault;
use super::paying;
use super::records::Kind;
use super::service::By;
use super::wrong::json;
use super::{IotecSimulator, tokens};
use crate::simulator::http::{self as paths, Caller, finish};

/// The provider's paths.
pub(super) fn routes() -> Router<Arc<IotecSimulator>> {
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
}

/// What a handler's work came to.
pub(super) type Outcome = paths::Outcome<Fault>;

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
    let _busy = sim.core.busy();
    let Ok(Form(form)) = form else { return oauth_error("invalid_request") };
    if form.grant_type.as_deref() != Some("client_credentials") {
        return oauth_error("unsupported_grant_type");
    }
    let (id, secret) = (form.client_id.unwrap_or_default(), form.client_secret.unwrap_or_default());
    if !tokens::is_client(&sim.settings, &id, &secret) {
        return oauth_error("invalid_client");
    }
    finish(&*sim, caller.wire, sim.token().await).await
}

fn oauth_error(error: &str) -> Response {
    json(StatusCode::BAD_REQUEST, serde_json::json!({ "error": error }).to_string())
}

type Sim = State<Arc<IotecSimulator>>;
type RawBody = std::result::Result<Bytes, BytesRejection>;

async fn collect(State(sim): Sim, caller: Caller, body: RawBody) -> Response {
    let _busy = sim.core.busy();
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return rejection.into_response(),
    };
    let outcome = sim.collect(caller.bearer(), &body).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn disburse(State(sim): Sim, caller: Caller, body: RawBody) -> Response {
    pay_out(&sim, caller, paying::Path::MobileMoney, body).await
}

async fn bank_disburse(State(sim): Sim, caller: Caller, body: RawBody) -> Response {
    pay_out(&sim, caller, paying::Path::Bank, body).await
}

async fn pay_out(sim: &IotecSimulator, caller: Caller, path: paying::Path, body: RawBody) -> Response {
    let _busy = sim.core.busy();
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return rejection.into_response(),
    };
    let outcome = sim.disburse(caller.bearer(), path, &body).await;
    finish(sim, caller.wire, outcome).await
}

async fn bank_list(State(sim): Sim, caller: Caller) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.bank_list(caller.bearer()).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn history(State(sim): Sim, Query(pairs): Query<Vec<(String, String)>>, caller: Caller) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.history(caller.bearer(), pairs).await;
    finish(&*sim, caller.wire, outcome).await
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
    let _busy = sim.core.busy();
    let outcome = sim.look_up(caller.bearer(), kind, by, id).await;
    finish(sim, caller.wire, outcome).await
}

async fn wallet_balance(State(sim): State<Arc<IotecSimulator>>, Path(id): Path<String>, caller: Caller) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.wallet_balance(caller.bearer(), &id).await;
    finish(&*sim, caller.wire, outcome).await
}
