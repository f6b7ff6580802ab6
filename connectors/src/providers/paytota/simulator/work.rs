//! The background task: applies what is due and sends webhooks when the injected clock reaches them; and serving it
//! all.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ensimbi_events::Time;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{BATCH, PaytotaSimulator, steps};
use crate::simulator::listener::{CuttableListener, Wire};
use crate::simulator::{Result, Simulator, SimulatorError};

impl PaytotaSimulator {
    /// Applies what is due and sends webhooks until `shutdown` is done.
    pub async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        loop {
            let round = async {
                match self.round().await {
                    Ok(()) => {}
                    Err(error) => {
                        tracing::error!(%error, "the Paytota simulator cannot go on for now");
                        tokio::time::sleep(Duration::from_millis(250)).await;
                    }
                }
            };
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                () = round => {}
            }
        }
    }

    /// Does all that is due, then waits until more is.
    async fn round(&self) -> Result<()> {
        let mut did = true;
        while did {
            self.settle(self.now()).await?;
            did = self.send_due().await? > 0;
        }
        let next = self.next_due().await?;
        let due = async {
            match next {
                Some(at) => self.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        // Where the kept time is ahead of the clock, what is due by it was done above; the rest waits for the clock.
        tokio::select! {
            () = self.wake.notified() => {}
            () = due => {}
        }
        Ok(())
    }

    /// Serves until `shutdown` is done, and runs the background task beside. Requests being answered then have two
    /// seconds. From here on its bodies name the listener's address.
    ///
    /// # Errors
    /// [`SimulatorError::Network`] where the listener fails.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let network = |error: std::io::Error| SimulatorError::Network(error.to_string());
        self.set_base(format!("http://{}", listener.local_addr().map_err(network)?));
        let (stop, stopped) = watch::channel(false);
        let until = |mut stopped: watch::Receiver<bool>| async move {
            // An error means that the sender is gone, which is the end as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let service = self.router().into_make_service_with_connect_info::<Wire>();
        let server = axum::serve(CuttableListener(listener), service)
            .with_graceful_shutdown(until(stopped.clone()))
            .into_future();
        let work = async { tokio::join!(server, self.clone().run(until(stopped.clone()))).0 };
        let end = async {
            shutdown.await;
            stop.send_replace(true);
            tokio::time::sleep(Duration::from_secs(2)).await;
        };
        tokio::select! {
            result = work => result.map_err(network),
            () = end => Ok(()),
        }
    }

    /// Applies all that is due, in short transactions.
    pub(super) async fn settle(&self, now: Time) -> Result<()> {
        loop {
            let mut tx = self.file.begin().await?;
            let moment = self.moment();
            let applied = steps::settle(&mut tx, moment.rules(&self.settings), now, BATCH).await?;
            if applied == 0 {
                return Ok(tx.commit().await?);
            }
            self.commit(tx).await?;
            self.wake.notify_one();
            if applied < BATCH {
                return Ok(());
            }
        }
    }
}
