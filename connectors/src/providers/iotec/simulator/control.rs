//! The control under `/_sim/`: clock, faults, callback targets, books and rows. It is no part of the provider and needs
//! no token. What a person's hand does there stands in `hand`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use ensimbi_events::Time;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::IotecSimulator;
use super::http::failed;
use super::records::Kind;
use super::settings::CallbackTarget;
use super::wrong::json;
use crate::simulator::{Result, Simulator, SimulatorError};

/// Most records on one page of the books.
const PAGE_MAX: i64 = 10_000;
/// Most wallet rows at once.
const ROWS_MAX: i64 = 100_000;
/// The clock may be moved by at most so much at once: ten years.
const ADVANCE_MAX_SECONDS: u64 = 10 * 366 * 86_400;

pub(super) fn routes() -> Router<Arc<IotecSimulator>> {
    Router::new()
        .route("/_sim/clock", get(clock).post(move_clock))
        .route("/_sim/faults", get(faults).post(change_faults))
        .route("/_sim/config", get(config).post(change_config))
        .route("/_sim/books", get(show_books))
        .route("/_sim/rows", get(show_rows))
}

pub(super) type Sim = State<Arc<IotecSimulator>>;

pub(super) fn answer(result: Result<serde_json::Value>) -> Response {
    match result {
        Ok(value) => json(StatusCode::OK, value.to_string()),
        Err(SimulatorError::Settings(message)) => problem(StatusCode::BAD_REQUEST, &message),
        Err(error) => failed(&error),
    }
}

pub(super) fn problem(status: StatusCode, message: &str) -> Response {
    json(status, serde_json::json!({ "error": message }).to_string())
}

pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| SimulatorError::Settings(error.to_string()))
}

pub(super) fn shown(value: impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(|error| SimulatorError::Damaged(error.to_string()))
}

async fn clock(State(sim): Sim) -> Response {
    answer(sim.show_clock().await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_to: Option<Time>,
    advance_seconds: Option<u64>,
}

async fn move_clock(State(sim): Sim, body: Bytes) -> Response {
    let Some(driven) = &sim.driven else {
        return problem(StatusCode::CONFLICT, "the clock is not the simulator's to move");
    };
    let result: Result<Move> = read(&body);
    let to = match result {
        Ok(Move { advance_to: Some(at), advance_seconds: None }) => at,
        Ok(Move { advance_to: None, advance_seconds: Some(seconds) }) => sim.now().plus(Duration::from_secs(seconds)),
        Ok(_) => return problem(StatusCode::BAD_REQUEST, "expected advance_to or advance_seconds"),
        Err(error) => return answer(Err(error)),
    };
    if to.since(sim.now()) > Duration::from_secs(ADVANCE_MAX_SECONDS) {
        return problem(StatusCode::BAD_REQUEST, "the clock moves by at most ten years at once");
    }
    driven.advance_to(to);
    answer(sim.show_clock().await)
}

async fn faults(State(sim): Sim) -> Response {
    answer(shown(&*sim.faults()))
}

async fn change_faults(State(sim): Sim, body: Bytes) -> Response {
    let change = || {
        let changed = sim.faults().changed(&read(&body)?)?;
        sim.set_faults(changed)?;
        shown(&*sim.faults())
    };
    answer(change())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    wallet_id: String,
    /// `Collection` or `Disbursement`.
    category: String,
    /// `null` unregisters.
    url: Option<String>,
    header_name: Option<String>,
    header_value: Option<SecretString>,
}

async fn config(State(sim): Sim) -> Response {
    answer(Ok(sim.show_config()))
}

async fn change_config(State(sim): Sim, body: Bytes) -> Response {
    let change = || {
        let asked: Registration = read(&body)?;
        let kind = [Kind::Collection, Kind::Disbursement].into_iter().find(|kind| kind.word() == asked.category);
        let kind = kind.ok_or_else(|| SimulatorError::Settings("category: Collection or Disbursement".to_owned()))?;
        let target = match (asked.url, asked.header_name, asked.header_value) {
            (None, None, None) => None,
            (Some(url), Some(header_name), Some(header_value)) => {
                Some(CallbackTarget { url, header_name, header_value })
            }
            _ => return Err(SimulatorError::Settings("url, header_name and header_value go together".to_owned())),
        };
        sim.register(&asked.wallet_id, kind, target)?;
        Ok(sim.show_config())
    };
    answer(change())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    after: i64,
    limit: Option<i64>,
}

async fn show_books(State(sim): Sim, Query(page): Query<Page>) -> Response {
    answer(sim.show_books(page.after, page.limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX)).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    wallet: String,
    #[serde(default)]
    after: i64,
    limit: Option<i64>,
}

/// All rows of a wallet, a JSON list in the shape of section 9.4.
async fn show_rows(State(sim): Sim, Query(asked): Query<Rows>) -> Response {
    let limit = asked.limit.unwrap_or(ROWS_MAX).clamp(1, ROWS_MAX);
    match sim.rows_text(&asked.wallet, asked.after, limit).await {
        Ok(Some(text)) => json(StatusCode::OK, text),
        Ok(None) => problem(StatusCode::NOT_FOUND, "wallet: no such wallet"),
        Err(error) => answer(Err(error)),
    }
}

impl IotecSimulator {
    async fn show_clock(&self) -> Result<serde_json::Value> {
        let now = self.now();
        let (due, next_due) = (self.due(now).await?, self.next_due().await?);
        shown(serde_json::json!({
            "now": now, "simulated": self.driven.is_some(), "due": due, "next_due": next_due,
        }))
    }

    /// Never with a header's value.
    fn show_config(&self) -> serde_json::Value {
        let registered = self.called_back();
        let shown = registered.iter().filter_map(|(id, kind)| Some((id, kind, self.target(id, *kind)?)));
        let shown = shown.map(|(id, kind, target)| {
            serde_json::json!({
                "wallet_id": id, "category": kind.word(), "url": target.url, "header_name": target.header_name,
            })
        });
        serde_json::json!({ "callbacks": shown.collect::<Vec<_>>() })
    }
}
