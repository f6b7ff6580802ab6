//! The control under `/_sim/` that every simulator has: `clock` and `faults`, each to be read and changed; and what a
//! provider's own paths there are made of. It is no part of a provider and needs no key.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use ensimbi_events::Time;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::http::failed;
use super::work::Machine;
use super::{Result, SimulatorError, wrong};

/// Most entries on one page of the books.
const PAGE_MAX: i64 = 10_000;
/// The clock may be moved by at most so much at once: ten years.
const ADVANCE_MAX: Duration = Duration::from_secs(10 * 366 * 86_400);

/// The paths that every simulator has.
pub(super) fn routes<M: Machine>() -> Router<Arc<M>> {
    Router::new()
        .route("/_sim/clock", get(clock::<M>).post(move_clock::<M>))
        .route("/_sim/faults", get(faults::<M>).post(change_faults::<M>))
}

/// 200 with the value; 400 where what was asked is unusable; 500 otherwise.
pub fn answer<M: Machine>(result: Result<Value>) -> Response {
    match result {
        Ok(value) => wrong::json(M::JSON, StatusCode::OK, value.to_string()),
        Err(SimulatorError::Settings(message)) => problem::<M>(StatusCode::BAD_REQUEST, &message),
        Err(error) => failed::<M>(&error),
    }
}

/// A refusal: `{"error": ".."}`.
pub fn problem<M: Machine>(status: StatusCode, message: &str) -> Response {
    wrong::json(M::JSON, status, json!({ "error": message }).to_string())
}

/// A request's body.
///
/// # Errors
/// [`SimulatorError::Settings`] saying what is wrong with it.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| SimulatorError::Settings(error.to_string()))
}

/// A value as JSON.
///
/// # Errors
/// [`SimulatorError::Damaged`] where it cannot be written.
pub fn shown(value: impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| SimulatorError::Damaged(error.to_string()))
}

/// Which part of the books is asked for.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Behind which number; from the start where absent.
    #[serde(default)]
    pub after: i64,
    limit: Option<i64>,
}

impl Page {
    /// How many entries at most: from 1 to 10,000, which is also what absent means.
    pub fn limit(self) -> i64 {
        self.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX)
    }
}

async fn show_clock<M: Machine>(sim: &M) -> Result<Value> {
    let now = sim.core().now();
    let (due, next_due) = (sim.due(now).await?, sim.next_due().await?);
    shown(json!({"now": now, "simulated": sim.core().driven().is_some(), "due": due, "next_due": next_due}))
}

async fn clock<M: Machine>(State(sim): State<Arc<M>>) -> Response {
    answer::<M>(show_clock(&*sim).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_to: Option<Time>,
    advance_seconds: Option<u64>,
}

async fn move_clock<M: Machine>(State(sim): State<Arc<M>>, body: Bytes) -> Response {
    let Some(driven) = sim.core().driven() else {
        return problem::<M>(StatusCode::CONFLICT, "the clock is not the simulator's to move");
    };
    let result: Result<Move> = read(&body);
    let now = sim.core().now();
    let to = match result {
        Ok(Move { advance_to: Some(at), advance_seconds: None }) => at,
        Ok(Move { advance_to: None, advance_seconds: Some(seconds) }) => now.plus(Duration::from_secs(seconds)),
        Ok(_) => return problem::<M>(StatusCode::BAD_REQUEST, "expected advance_to or advance_seconds"),
        Err(error) => return answer::<M>(Err(error)),
    };
    if to.since(now) > ADVANCE_MAX {
        return problem::<M>(StatusCode::BAD_REQUEST, "the clock moves by at most ten years at once");
    }
    driven.advance_to(to);
    answer::<M>(show_clock(&*sim).await)
}

async fn faults<M: Machine>(State(sim): State<Arc<M>>) -> Response {
    answer::<M>(shown(&*sim.core().faults()))
}

async fn change_faults<M: Machine>(State(sim): State<Arc<M>>, body: Bytes) -> Response {
    let change = || {
        sim.core().change_faults(&read(&body)?)?;
        shown(&*sim.core().faults())
    };
    answer::<M>(change())
}
