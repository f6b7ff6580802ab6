//! The provider's paths (provider facts, section 1). Every one ends with a slash.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::acting::Action;
use super::faults::Fault;
use super::objects::Kind;
use super::{PaytotaSimulator, errors, form};
use crate::simulator::SimulatorError;
use crate::simulator::http::{self as paths, Caller, finish};

/// The provider's paths, and the store of statement files.
pub(super) fn routes() -> Router<Arc<PaytotaSimulator>> {
    Router::new()
        .route("/api/v1/purchases/", post(create_purchase))
        .route("/api/v1/purchases/{id}/", get(purchase))
        .route("/api/v1/purchases/{id}/{action}/", post(act))
        .route("/api/v1/payouts/", post(create_payout))
        .route("/api/v1/payouts/{id}/", get(payout))
        .route("/api/v1/account/json/balance/", get(balance))
        .route("/api/v1/public_key/", get(public_key))
        .route("/api/v1/company_statements/", post(create_statement))
        .route("/api/v1/company_statements/{id}/", get(statement))
        .route("/p/{id}/", get(page).post(execute_purchase))
        .route("/p/{id}/invoice/", get(page))
        .route("/po/{id}/{terminal}/", post(execute_payout))
        .route("/_s3/{company}/src/statement/{id}", get(file))
}

/// What a handler's work came to.
pub(super) type Outcome = paths::Outcome<Fault>;

fn failed(error: &SimulatorError) -> Response {
    paths::failed::<PaytotaSimulator>(error)
}

type Sim = State<Arc<PaytotaSimulator>>;

async fn create_purchase(State(sim): Sim, caller: Caller, body: Bytes) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.create_purchase(caller.bearer(), &body).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn purchase(State(sim): Sim, Path(id): Path<String>, caller: Caller) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.read_object(caller.bearer(), Kind::Purchase, &id).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn payout(State(sim): Sim, Path(id): Path<String>, caller: Caller) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.read_object(caller.bearer(), Kind::Payout, &id).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn act(State(sim): Sim, Path((id, action)): Path<(String, String)>, caller: Caller, body: Bytes) -> Response {
    let _busy = sim.core.busy();
    let Some(action) = Action::read(&action) else { return errors::gone() };
    let outcome = sim.act(caller.bearer(), &id, action, &body).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn create_payout(State(sim): Sim, caller: Caller, body: Bytes) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.create_payout(caller.bearer(), &body).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn execute_payout(
    State(sim): Sim,
    Path((id, terminal)): Path<(String, String)>,
    caller: Caller,
    body: Bytes,
) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.execute_payout(caller.bearer(), (&id, &terminal), &body).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn execute_purchase(
    State(sim): Sim,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let _busy = sim.core.busy();
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let outcome = sim.execute_purchase(&id, &form::fields(content_type, &body)).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn page(State(sim): Sim, Path(id): Path<String>) -> Response {
    let _busy = sim.core.busy();
    match sim.page(&id).await {
        Ok(Some(page)) => Html(page).into_response(),
        Ok(None) => errors::gone(),
        Err(error) => failed(&error),
    }
}

#[derive(Deserialize)]
struct InCurrency {
    currency: Option<String>,
}

async fn balance(State(sim): Sim, Query(asked): Query<InCurrency>, caller: Caller) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.balance(caller.bearer(), asked.currency.as_deref()).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn public_key(State(sim): Sim, caller: Caller) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.public_key(caller.bearer()).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn create_statement(State(sim): Sim, RawQuery(query): RawQuery, caller: Caller, body: Bytes) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.create_statement(caller.bearer(), query.as_deref().unwrap_or_default(), &body).await;
    finish(&*sim, caller.wire, outcome).await
}

async fn statement(State(sim): Sim, Path(id): Path<String>, caller: Caller) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.read_statement(caller.bearer(), &id).await;
    finish(&*sim, caller.wire, outcome).await
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "X-Amz-Date")]
    from: i64,
    #[serde(rename = "X-Amz-Signature")]
    signature: String,
}

type LinkQuery = std::result::Result<Query<Link>, axum::extract::rejection::QueryRejection>;

/// As the store of a cloud answers: no key, but a signed link with its own end.
async fn file(State(sim): Sim, Path((_, id)): Path<(String, String)>, link: LinkQuery) -> Response {
    let _busy = sim.core.busy();
    let Ok(Query(link)) = link else { return StatusCode::FORBIDDEN.into_response() };
    match sim.statement_file(&id, link.from, &link.signature).await {
        Ok(Some(text)) => {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"))], text).into_response()
        }
        Ok(None) => StatusCode::FORBIDDEN.into_response(),
        Err(error) => failed(&error),
    }
}
