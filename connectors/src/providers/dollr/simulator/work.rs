//! What the background task and the paths ask of this provider.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use ensimbi_events::Time;
use sqlx::SqliteConnection;
use tokio::net::TcpListener;

use super::errors::{JSON, Refusal};
use super::faults::Fault;
use super::wrong::{self, Drawn};
use super::{Desk, DollrSimulator, control, http, steps};
use crate::simulator::core::Core;
use crate::simulator::work::{self, BATCH, Machine, Planned};
use crate::simulator::wrong::Wrong;
use crate::simulator::{Result, http as paths};

impl DollrSimulator {
    /// The provider's paths, the hosted pages, and, under `/_sim/`, the control. Best served by
    /// [`DollrSimulator::serve`], which lets a fault cut a connection.
    pub fn router(self: &Arc<Self>) -> Router {
        paths::router(self)
    }

    /// Serves until `shutdown` is done, and runs the background task beside. Requests being answered then have two
    /// seconds. From here on its links name the listener's address.
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

/// A push: they have none.
pub struct Never(());

#[async_trait]
impl Machine for DollrSimulator {
    type Fault = Fault;
    type Push = Never;
    const NAME: &'static str = "Dollr";
    const JSON: &'static str = JSON;

    fn core(&self) -> &Core<Fault> {
        &self.core
    }

    fn routes() -> Router<Arc<Self>> {
        let gone = |axum::extract::State(sim): axum::extract::State<Arc<Self>>| async move {
            Refusal::not_found().response(&sim.faults())
        };
        http::routes().merge(control::routes()).fallback(gone)
    }

    fn listens_at(&self, base: String) {
        self.set_base(base);
    }

    fn wrong(&self, drawn: Drawn, good: &str) -> Wrong {
        wrong::of(&self.faults(), drawn, good)
    }

    async fn planned(&self, db: &mut SqliteConnection, now: Time) -> Result<Planned> {
        let (due, next): (i64, Option<i64>) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM step WHERE done = 0 AND due_at <= ?1),
                    (SELECT min(due_at) FROM step WHERE done = 0)",
        )
        .bind(now.micros())
        .fetch_one(db)
        .await?;
        Ok(Planned { due: due.unsigned_abs(), next: next.map(Time::from_micros) })
    }

    async fn apply(&self, db: &mut SqliteConnection, now: Time) -> Result<u32> {
        let (faults, base) = (self.faults(), self.base());
        let mut desk = Desk { db, settings: &self.settings, faults: &faults, base: &base, now, drawn: None };
        steps::settle(&mut desk, BATCH).await
    }

    async fn pushes(&self, _: &mut SqliteConnection, _: Time, _: u16) -> Result<Vec<Never>> {
        Ok(Vec::new())
    }

    async fn push(&self, _: Never, _: Time) -> Result<()> {
        Ok(())
    }
}
