//! What the background task and the paths ask of this provider.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::http::StatusCode;
use ensimbi_events::Time;
use sqlx::SqliteConnection;
use tokio::net::TcpListener;

use super::callbacks::Due;
use super::faults::Fault;
use super::lifecycle::{self, Rules};
use super::wrong::{Drawn, JSON};
use super::{IotecSimulator, callbacks, control, hand, http};
use crate::simulator::core::Core;
use crate::simulator::work::{self, BATCH, Machine, Planned};
use crate::simulator::wrong::Wrong;
use crate::simulator::{Result, http as paths};

impl IotecSimulator {
    /// The provider's paths and, under `/_sim/`, the control. Best served by [`IotecSimulator::serve`], which lets a
    /// fault cut a connection; under another server such a connection ends in a broken body.
    pub fn router(self: &Arc<Self>) -> Router {
        paths::router(self)
    }

    /// Serves until `shutdown` is done, and runs the background task beside. Requests being answered then have two
    /// seconds.
    ///
    /// # Errors
    /// [`SimulatorError::Network`](crate::simulator::SimulatorError::Network) where the listener fails.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        work::serve(self, listener, shutdown).await
    }
}

#[async_trait]
impl Machine for IotecSimulator {
    type Fault = Fault;
    type Push = Due;
    const NAME: &'static str = "ioTec";
    const JSON: &'static str = JSON;

    fn core(&self) -> &Core<Fault> {
        &self.core
    }

    fn routes() -> Router<Arc<Self>> {
        http::routes().merge(control::routes()).merge(hand::routes()).fallback(|| async { StatusCode::NOT_FOUND })
    }

    fn wrong(&self, drawn: Drawn, _good: &str) -> Wrong {
        match drawn.fault {
            Fault::UnauthorizedMidRun => Wrong::Instead(self.refusal(StatusCode::UNAUTHORIZED)),
            fault => Wrong::usual(fault.name()),
        }
    }

    async fn planned(&self, db: &mut SqliteConnection, now: Time) -> Result<Planned> {
        let (due, next): (i64, Option<i64>) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM step WHERE done = 0 AND due_at <= ?1)
                  + (SELECT count(*) FROM callback WHERE state = 'due' AND due_at <= ?1),
                    (SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM step WHERE done = 0
                       UNION ALL SELECT min(due_at) FROM callback WHERE state = 'due'))",
        )
        .bind(now.micros())
        .fetch_one(db)
        .await?;
        Ok(Planned { due: due.unsigned_abs(), next: next.map(Time::from_micros) })
    }

    async fn apply(&self, db: &mut SqliteConnection, now: Time) -> Result<u32> {
        let (faults, called_back) = (self.faults(), self.called_back());
        let rules = Rules { settings: &self.settings, faults: &faults, called_back: &called_back };
        lifecycle::settle(db, rules, now, BATCH).await
    }

    async fn pushes(&self, db: &mut SqliteConnection, now: Time, most: u16) -> Result<Vec<Due>> {
        callbacks::due(db, now, most).await
    }

    async fn push(&self, one: Due, _now: Time) -> Result<()> {
        let accepted = self.deliver(&one).await;
        self.delivered(&one, accepted).await
    }
}
