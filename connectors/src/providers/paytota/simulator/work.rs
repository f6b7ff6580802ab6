//! What the background task and the paths ask of this provider.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use ensimbi_events::Time;
use sqlx::{Row, SqliteConnection};
use tokio::net::TcpListener;

use super::deliver::{self, Due};
use super::faults::Fault;
use super::wrong::{self, Drawn};
use super::{PaytotaSimulator, control, errors, http, steps};
use crate::simulator::core::Core;
use crate::simulator::work::{self, BATCH, Machine, Planned};
use crate::simulator::wrong::Wrong;
use crate::simulator::{Result, http as paths};

impl PaytotaSimulator {
    /// The provider's paths, the store of statement files, and, under `/_sim/`, the control. Best served by
    /// [`PaytotaSimulator::serve`], which lets a fault cut a connection.
    pub fn router(self: &Arc<Self>) -> Router {
        paths::router(self)
    }

    /// Serves until `shutdown` is done, and runs the background task beside. Requests being answered then have two
    /// seconds. From here on its bodies name the listener's address.
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
impl Machine for PaytotaSimulator {
    type Fault = Fault;
    type Push = Due;
    const NAME: &'static str = "Paytota";
    const JSON: &'static str = wrong::JSON;

    fn core(&self) -> &Core<Fault> {
        &self.core
    }

    fn routes() -> Router<Arc<Self>> {
        http::routes().merge(control::routes()).fallback(|| async { errors::gone() })
    }

    fn listens_at(&self, base: String) {
        self.set_base(base);
    }

    fn wrong(&self, drawn: Drawn, good: &str) -> Wrong {
        wrong::of(&self.faults(), drawn, good)
    }

    async fn planned(&self, db: &mut SqliteConnection, now: Time) -> Result<Planned> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM step WHERE done = 0 AND due_at <= ?1),
                    (SELECT min(due_at) FROM step WHERE done = 0)",
        );
        let row = row.bind(now.micros()).fetch_one(&mut *db).await?;
        let (steps, step): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
        let (deliveries, delivery) = deliver::pending(db, now).await?;
        let next = step.map(Time::from_micros).into_iter().chain(delivery).min();
        Ok(Planned { due: steps.unsigned_abs() + deliveries, next })
    }

    async fn apply(&self, db: &mut SqliteConnection, now: Time) -> Result<u32> {
        steps::settle(db, self.moment().rules(&self.settings), now, BATCH).await
    }

    async fn pushes(&self, db: &mut SqliteConnection, now: Time, most: u16) -> Result<Vec<Due>> {
        deliver::due(db, now, most).await
    }

    async fn push(&self, one: Due, now: Time) -> Result<()> {
        let accepted = self.deliver(&one, now).await?;
        self.delivered(&one, accepted, now).await
    }
}
