//! The provider's own control under `/_sim/`: callback targets, books and rows. It is no part of the provider and needs
//! no token. What a person's hand does there stands in `hand`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use secrecy::SecretString;
use serde::Deserialize;

use super::IotecSimulator;
use super::records::Kind;
use super::settings::CallbackTarget;
use super::wrong::json;
use crate::simulator::control::{self, Page, read};
use crate::simulator::{Result, SimulatorError};

/// Most wallet rows at once.
const ROWS_MAX: i64 = 100_000;

pub(super) fn routes() -> Router<Arc<IotecSimulator>> {
    Router::new()
        .route("/_sim/config", get(config).post(change_config))
        .route("/_sim/books", get(show_books))
        .route("/_sim/rows", get(show_rows))
}

pub(super) type Sim = State<Arc<IotecSimulator>>;

pub(super) fn answer(result: Result<serde_json::Value>) -> Response {
    control::answer::<IotecSimulator>(result)
}

pub(super) fn problem(status: StatusCode, message: &str) -> Response {
    control::problem::<IotecSimulator>(status, message)
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

async fn show_books(State(sim): Sim, Query(page): Query<Page>) -> Response {
    answer(sim.show_books(page.after, page.limit()).await)
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
