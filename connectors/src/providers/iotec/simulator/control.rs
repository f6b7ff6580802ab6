//! The control under `/_sim/`: clock, faults, callback targets, books. It is no part of the provider and needs no token.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use ensimbi_events::{Amount, Time};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::books;
use super::http::failed;
use super::lifecycle::{self, Rules, STATUSES};
use super::settings::CallbackTarget;
use super::wrong::json;
use super::{BATCH, IotecSimulator};
use crate::simulator::{Result, Simulator, SimulatorError};

/// Most collections on one page of the books.
const PAGE_MAX: i64 = 10_000;
/// The clock may be moved by at most so much at once: ten years.
const ADVANCE_MAX_SECONDS: u64 = 10 * 366 * 86_400;

pub(super) fn routes() -> Router<Arc<IotecSimulator>> {
    Router::new()
        .route("/_sim/clock", get(clock).post(move_clock))
        .route("/_sim/faults", get(faults).post(change_faults))
        .route("/_sim/config", get(config).post(change_config))
        .route("/_sim/books", get(show_books))
        .route("/_sim/collections/{id}/status", post(set_status))
}

type Sim = State<Arc<IotecSimulator>>;

fn answer(result: Result<serde_json::Value>) -> Response {
    match result {
        Ok(value) => json(StatusCode::OK, value.to_string()),
        Err(SimulatorError::Settings(message)) => problem(StatusCode::BAD_REQUEST, &message),
        Err(error) => failed(&error),
    }
}

fn problem(status: StatusCode, message: &str) -> Response {
    json(status, serde_json::json!({ "error": message }).to_string())
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| SimulatorError::Settings(error.to_string()))
}

fn shown(value: impl Serialize) -> Result<serde_json::Value> {
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
    /// Only `Collection` is offered.
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
        if asked.category != "Collection" {
            return Err(SimulatorError::Settings("category: only Collection is offered".to_owned()));
        }
        let target = match (asked.url, asked.header_name, asked.header_value) {
            (None, None, None) => None,
            (Some(url), Some(header_name), Some(header_value)) => {
                Some(CallbackTarget { url, header_name, header_value })
            }
            _ => return Err(SimulatorError::Settings("url, header_name and header_value go together".to_owned())),
        };
        sim.set_callback(&asked.wallet_id, target)?;
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
struct NewStatus {
    status: String,
}

async fn set_status(State(sim): Sim, Path(id): Path<String>, body: Bytes) -> Response {
    let _busy = sim.busy();
    let asked: Result<NewStatus> = read(&body);
    let status = match asked {
        Ok(asked) => STATUSES.into_iter().find(|status| *status == asked.status),
        Err(error) => return answer(Err(error)),
    };
    let Some(status) = status else { return problem(StatusCode::BAD_REQUEST, "status: one of the nine documented") };
    answer(sim.set_status(&id, status).await)
}

/// A number with all but its last two digits hidden.
fn masked(payer: &str) -> String {
    let kept = payer.len().saturating_sub(2);
    payer.char_indices().map(|(index, c)| if index < kept { '*' } else { c }).collect()
}

#[derive(Serialize)]
struct WalletShown {
    id: String,
    currency: String,
    balance: Amount,
    rows: i64,
}

#[derive(Serialize)]
struct CollectionShown {
    seq: i64,
    id: String,
    external_id: Option<String>,
    wallet_id: String,
    currency: String,
    status: String,
    amount: Amount,
    transaction_charge: Amount,
    vendor_charge: Amount,
    total_charge: Amount,
    net: Amount,
    payer: String,
    created_at: Time,
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
        let wallets = self.called_back();
        let shown = wallets.iter().filter_map(|id| Some((id, self.target(id)?))).map(|(id, target)| {
            serde_json::json!({
                "wallet_id": id, "category": "Collection", "url": target.url, "header_name": target.header_name,
            })
        });
        serde_json::json!({ "callbacks": shown.collect::<Vec<_>>() })
    }

    async fn show_books(&self, after: i64, limit: i64) -> Result<serde_json::Value> {
        let now = self.now();
        self.settle(now).await?;
        let mut tx = self.file.begin().await?;
        let wallets: Vec<WalletShown> = books::wallets(&mut tx)
            .await?
            .into_iter()
            .map(|wallet| WalletShown {
                id: wallet.id,
                currency: wallet.currency,
                balance: Amount::from_scaled(wallet.balance),
                rows: wallet.last_number,
            })
            .collect();
        let mut collections = Vec::new();
        for of in books::page(&mut tx, after, limit).await? {
            let rows = books::rows(&mut tx, of.seq).await?;
            collections.push(CollectionShown {
                seq: of.seq,
                amount: of.amount(),
                transaction_charge: Amount::from_scaled(of.own_fee),
                vendor_charge: Amount::from_scaled(of.vendor_fee),
                total_charge: of.fees()?,
                net: books::net(&rows)?,
                payer: masked(&of.payer),
                created_at: Time::from_micros(of.created_at),
                id: of.id,
                external_id: of.external_id,
                wallet_id: of.wallet_id,
                currency: of.currency,
                status: of.status,
            });
        }
        let mut statuses: BTreeMap<String, i64> = BTreeMap::new();
        for row in sqlx::query("SELECT status, count(*) FROM collection GROUP BY status").fetch_all(&mut *tx).await? {
            statuses.insert(row.try_get(0)?, row.try_get(1)?);
        }
        let mut callbacks: BTreeMap<String, i64> = BTreeMap::new();
        for row in sqlx::query("SELECT state, count(*) FROM callback GROUP BY state").fetch_all(&mut *tx).await? {
            callbacks.insert(row.try_get(0)?, row.try_get(1)?);
        }
        tx.commit().await?;
        let full = i64::try_from(collections.len()).unwrap_or(i64::MAX) == limit;
        let next_after = collections.last().filter(|_| full).map(|last| last.seq);
        shown(serde_json::json!({
            "now": now, "wallets": wallets, "collections": collections, "next_after": next_after,
            "counts": {
                "collections": statuses.values().sum::<i64>(), "by_status": statuses, "callbacks": callbacks,
                "wallet_rows": wallets.iter().map(|wallet| wallet.rows).sum::<i64>(),
            },
        }))
    }

    async fn set_status(&self, id: &str, status: &'static str) -> Result<serde_json::Value> {
        let (now, faults, called_back) = (self.now(), self.faults(), self.called_back());
        let rules = Rules { settings: &self.settings, faults: &faults, called_back: &called_back };
        let mut tx = self.file.begin().await?;
        lifecycle::settle(&mut tx, rules, now, BATCH).await?;
        let found = books::by_id(&mut tx, id).await?;
        let of = found.ok_or_else(|| SimulatorError::Settings("no collection has this id".to_owned()))?;
        lifecycle::set_status(&mut tx, rules, &of, status, now).await?;
        self.commit(tx).await?;
        self.wake.notify_one();
        Ok(serde_json::json!({ "id": id, "status": status }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payer_is_shown_by_the_last_two_digits_only() {
        assert_eq!(masked("0111777771"), "********71");
    }
}
