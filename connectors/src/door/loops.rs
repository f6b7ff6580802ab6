//! One driver for all loops: step, then wait for a wake-up, a timer, or the idle look.
//!
//! A step that fails is repeated after a wait (real time, doubling to 5 s): the store or bus comes back, or a person
//! reads the log. A step that panics counts as failed. Nothing ends a loop but the shutdown.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::Time;
use futures_util::FutureExt;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::{Door, DoorError, schedule};

const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Real time that calls on their way get at the end.
const LAST_MOMENT: Duration = Duration::from_secs(10);

/// What a step found.
pub(crate) enum Step {
    /// There may be more to do at once.
    Again,
    /// Nothing now; something is due by itself at that moment of the injected clock, if any.
    Wait(Option<Time>),
}

/// A loop's work, step by step; all state that matters is in the database.
#[async_trait]
pub(crate) trait Work: Send {
    /// For logs.
    const NAME: &'static str;
    /// What wakes it.
    fn wake(door: &Door) -> &Notify;
    /// Does what is there to do, once.
    async fn step(&mut self, door: &Arc<Door>) -> Result<Step, DoorError>;
    /// Tasks it started.
    fn tasks(&mut self) -> Option<&mut JoinSet<()>> {
        None
    }
}

/// Drives a loop until the shutdown.
pub(crate) async fn drive<W: Work>(door: Arc<Door>, mut work: W, mut shutdown: watch::Receiver<bool>) {
    let mut failures = 0;
    while !*shutdown.borrow() {
        reap(&mut work);
        let step = AssertUnwindSafe(work.step(&door)).catch_unwind().await;
        let wait = match step {
            Ok(Ok(Step::Again)) => {
                failures = 0;
                tokio::task::yield_now().await;
                continue;
            }
            Ok(Ok(Step::Wait(until))) => {
                failures = 0;
                until
            }
            Ok(Err(why)) if why.is_conflict() && failures < 3 => {
                failures += 1;
                continue;
            }
            Ok(Err(why)) => {
                tracing::warn!(work = W::NAME, %why, failures, "will be tried again");
                retry(&mut failures, &mut shutdown).await;
                continue;
            }
            Err(_) => {
                tracing::error!(work = W::NAME, "panicked; will be tried again");
                retry(&mut failures, &mut shutdown).await;
                continue;
            }
        };
        tokio::select! {
            () = W::wake(&door).notified() => {}
            () = timer(&door, wait) => {}
            () = tokio::time::sleep(door.tuning.idle) => {}
            ended = shutdown.changed() => if ended.is_err() { break },
        }
    }
    finish(&mut work).await;
}

async fn timer(door: &Door, until: Option<Time>) {
    match until {
        Some(at) => door.clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn retry(failures: &mut u32, shutdown: &mut watch::Receiver<bool>) {
    let wait = schedule::backoff(RETRY_FIRST, *failures, RETRY_MAX);
    *failures = failures.saturating_add(1);
    // A dropped sender shows at the next look; here it only ends the wait.
    let _ = tokio::time::timeout(wait, shutdown.changed()).await;
}

fn reap<W: Work>(work: &mut W) {
    let Some(tasks) = work.tasks() else { return };
    while let Some(ended) = tasks.try_join_next() {
        log(W::NAME, ended);
    }
}

async fn finish<W: Work>(work: &mut W) {
    let Some(tasks) = work.tasks() else { return };
    let rest = async {
        while let Some(ended) = tasks.join_next().await {
            log(W::NAME, ended);
        }
    };
    if tokio::time::timeout(LAST_MOMENT, rest).await.is_err() {
        tracing::warn!(
            work = W::NAME,
            "calls were still on their way at the end; the next start asks for their status"
        );
    }
    tasks.abort_all();
}

fn log(name: &str, ended: Result<(), tokio::task::JoinError>) {
    if let Err(why) = ended
        && why.is_panic()
    {
        // The panic's own text may hold what it was working on.
        tracing::error!(work = name, "a call panicked; its lease runs out and it is looked at again");
    }
}
