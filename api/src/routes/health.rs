//! Whether the process is alive, and whether it can work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::ApiState;
use crate::guard::NotAProblem;

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: String,
}

/// One part of the house.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckBody {
    /// Which part.
    #[schema(example = "book")]
    pub name: String,
    /// Whether it answers.
    pub ok: bool,
    /// What is wrong, or empty.
    pub detail: String,
}

/// Every part of the house.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadinessBody {
    /// Whether every part answers.
    pub ready: bool,
    /// The parts.
    pub checks: Vec<CheckBody>,
}

/// Says that the process is alive; asks nothing else.
#[utoipa::path(get, path = "/healthz", operation_id = "get_health", tag = "health", responses(
    (status = 200, description = "The process answers.", body = Health),
))]
pub async fn alive() -> Json<Health> {
    Json(Health { status: "ok".to_owned() })
}

/// Asks every part of the house whether it can work.
#[utoipa::path(get, path = "/readyz", operation_id = "get_readiness", tag = "health", responses(
    (status = 200, description = "Everything answers.", body = ReadinessBody),
    (status = 503, description = "Something does not answer; `checks` says what.", body = ReadinessBody),
))]
pub async fn ready(State(state): State<ApiState>) -> Response {
    let checks = state.readiness.checks().await;
    let checks: Vec<CheckBody> =
        checks.into_iter().map(|check| CheckBody { name: check.name, ok: check.ok, detail: check.detail }).collect();
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = (status, Json(ReadinessBody { ready, checks })).into_response();
    response.extensions_mut().insert(NotAProblem);
    response
}
