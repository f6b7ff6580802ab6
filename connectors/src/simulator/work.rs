//! The background task of every simulator, and serving it: apply what is due, send the pushes that are due, rest until
//! more is. A provider says in [`Machine`] only what is planned, how a step is applied and how one push is sent.
//!
//! Order of a round: steps in transactions of at most [`BATCH`], then at most [`AT_ONCE`] pushes at the same time, again
//! until neither is left. An error ends the round; the next one begins after [`PAUSE`].

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use ensimbi_events::Time;
use futures_util::StreamExt;
use futures_util::stream;
use sqlx::SqliteConnection;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::core::Core;
use super::faults::{Drawn, FaultKind};
use super::http;
use super::listener::{CuttableListener, Wire};
use super::wrong::Wrong;
use super::{Result, Simulator, SimulatorError};

/// Steps that one transaction applies.
pub const BATCH: u32 = 64;
/// Pushes that are sent at the same time.
pub const AT_ONCE: u16 = 16;
/// Real time between an error and the next try.
const PAUSE: Duration = Duration::from_millis(250);
/// Real time that requests being answered have at the end.
const GRACE: Duration = Duration::from_secs(2);

/// What is planned: steps and pushes together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Planned {
    /// How many are due by the moment asked about.
    pub due: u64,
    /// When the earliest of all is due, by then or later.
    pub next: Option<Time>,
}

/// What a provider's simulator says of itself; all else is the same for every provider.
#[async_trait]
pub trait Machine: Simulator + Sized + 'static {
    /// Its faults.
    type Fault: FaultKind;
    /// A push that is due, as read from the file.
    type Push: Send;
    /// The provider's name, for logs.
    const NAME: &'static str;
    /// Content type of its JSON.
    const JSON: &'static str = "application/json";

    /// What it shares with all simulators.
    fn core(&self) -> &Core<Self::Fault>;

    /// The provider's own paths, its own under `/_sim/`, and the answer to any other path.
    fn routes() -> Router<Arc<Self>>;

    /// Where it is reached (`http://127.0.0.1:8091`) from now on.
    fn listens_at(&self, _base: String) {}

    /// How a fault makes the answer to a request wrong. `good` is the text of a good one.
    fn wrong(&self, drawn: Drawn<Self::Fault>, good: &str) -> Wrong;

    /// What is planned, as `now` sees it.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    async fn planned(&self, db: &mut SqliteConnection, now: Time) -> Result<Planned>;

    /// Applies the steps that are due, in the order of their times, at most [`BATCH`]; gives how many.
    ///
    /// # Errors
    /// [`SimulatorError`]; nothing is then applied.
    async fn apply(&self, db: &mut SqliteConnection, now: Time) -> Result<u32>;

    /// At most `most` pushes that are due and may be sent at the same time.
    ///
    /// # Errors
    /// [`SimulatorError`] where the file cannot be read.
    async fn pushes(&self, db: &mut SqliteConnection, now: Time, most: u16) -> Result<Vec<Self::Push>>;

    /// Sends one of them (see [`taken`]) and stores what came of it. `now`: when it was read.
    ///
    /// # Errors
    /// [`SimulatorError`]; that a receiver does not take it is none.
    async fn push(&self, one: Self::Push, now: Time) -> Result<()>;
}

/// [`Simulator::due`] of every simulator.
///
/// # Errors
/// [`SimulatorError`] where the file cannot be read.
pub async fn due<M: Machine>(sim: &M, now: Time) -> Result<u64> {
    let requests = sim.core().requests();
    let mut tx = sim.core().begin().await?;
    let planned = sim.planned(&mut tx, now).await?;
    tx.commit().await?;
    Ok(planned.due + requests.count())
}

/// [`Simulator::next_due`] of every simulator.
///
/// # Errors
/// [`SimulatorError`] where the file cannot be read.
pub async fn next_due<M: Machine>(sim: &M) -> Result<Option<Time>> {
    let mut tx = sim.core().begin().await?;
    let planned = sim.planned(&mut tx, sim.core().now()).await?;
    tx.commit().await?;
    Ok(planned.next)
}

/// Applies all steps that are due, in short transactions. A request does so before its own work.
///
/// # Errors
/// [`SimulatorError`]; what was committed before stays.
pub async fn settle<M: Machine>(sim: &M, now: Time) -> Result<()> {
    loop {
        let mut tx = sim.core().begin().await?;
        let applied = sim.apply(&mut tx, now).await?;
        if applied == 0 {
            return Ok(tx.commit().await?);
        }
        sim.core().commit(tx).await?;
        sim.core().wake();
        if applied < BATCH {
            return Ok(());
        }
    }
}

/// Whether the receiver took a push: it answered with 2xx.
pub async fn taken(request: reqwest::RequestBuilder) -> bool {
    match request.send().await {
        Ok(answer) => answer.status().is_success(),
        Err(error) => {
            // Without the URL, which may carry a secret.
            tracing::debug!(error = %error.without_url(), "a push was not taken");
            false
        }
    }
}

/// Sends what is due; gives how many were sent or tried.
async fn send<M: Machine>(sim: &M) -> Result<usize> {
    let now = sim.core().now();
    let mut tx = sim.core().begin().await?;
    let due = sim.pushes(&mut tx, now, AT_ONCE).await?;
    tx.commit().await?;
    let count = due.len();
    let sending = stream::iter(due.into_iter().map(|one| sim.push(one, now)));
    let results: Vec<Result<()>> = sending.buffer_unordered(usize::from(AT_ONCE)).collect().await;
    results.into_iter().collect::<Result<()>>()?;
    Ok(count)
}

/// Does all that is due, then waits until more is.
async fn round<M: Machine>(sim: &M) -> Result<()> {
    let mut did = true;
    while did {
        settle(sim, sim.core().now()).await?;
        did = send(sim).await? > 0;
    }
    let next = next_due(sim).await?;
    sim.core().rest(next).await;
    Ok(())
}

/// Applies what is due and sends pushes until `shutdown` is done.
pub async fn run<M: Machine>(sim: Arc<M>, shutdown: impl Future<Output = ()> + Send) {
    let mut shutdown = pin!(shutdown);
    loop {
        let round = async {
            if let Err(error) = round(&*sim).await {
                tracing::error!(%error, provider = M::NAME, "a simulator cannot go on for now");
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            biased;
            () = &mut shutdown => return,
            () = round => {}
        }
    }
}

/// Done when the value becomes true, or its sender is gone, which is the end as well.
pub async fn until(mut stop: watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Serves until `shutdown` is done, and runs the background task beside. Requests being answered then have two seconds.
///
/// # Errors
/// [`SimulatorError::Network`] where the listener fails.
pub async fn serve<M: Machine>(
    sim: Arc<M>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let network = |error: std::io::Error| SimulatorError::Network(error.to_string());
    sim.listens_at(format!("http://{}", listener.local_addr().map_err(network)?));
    let (stop, stopped) = watch::channel(false);
    let service = http::router(&sim).into_make_service_with_connect_info::<Wire>();
    let server =
        axum::serve(CuttableListener(listener), service).with_graceful_shutdown(until(stopped.clone())).into_future();
    let work = async { tokio::join!(server, run(sim, until(stopped))).0 };
    let end = async {
        shutdown.await;
        stop.send_replace(true);
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = work => result.map_err(network),
        () = end => Ok(()),
    }
}
