//! The driver: starts payments when their time comes, and moves the clock when nothing is in flight.

use std::sync::Arc;
use std::time::Duration;

use ensimbi_connectors::door::CollectCommand;
use ensimbi_connectors::simulator::stage::StagePayment;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Clock, Time, ids};

use super::Act;
use crate::args::DemoArgs;
use crate::exit::Failure;
use crate::house::House;
use crate::output;

/// Payments that start together; the next ones follow after [`GAP`].
const BURST: u64 = 8;
const GAP: Duration = Duration::from_secs(45);
/// Real time without any progress after which the run is given up, with what it waits for.
const STUCK: Duration = Duration::from_secs(60);
/// Real pause between two looks while something is in flight: doubled as long as nothing moves, for each look costs the
/// databases some queries.
const LOOK: Duration = Duration::from_millis(1);
const LOOK_MAX: Duration = Duration::from_millis(8);

/// What the run works with.
pub struct Driver<'a> {
    /// The command line.
    pub args: &'a DemoArgs,
    /// The house.
    pub house: &'a House,
    /// The simulators.
    pub acts: &'a [Act],
    /// The shared clock.
    pub clock: &'a Arc<SimClock>,
}

/// What is in flight, and when something becomes due by itself.
struct Still {
    busy: String,
    next: Option<Time>,
}

impl Driver<'_> {
    /// Runs until nothing is left to happen.
    pub async fn run(&self) -> Result<(), Failure> {
        let total = u64::from(self.args.payments);
        let bar = output::bar("payments", total);
        let first = self.clock.now();
        let mut started = 0;
        let mut losses = 0;
        loop {
            while started < total && self.start_of(first, started) <= self.clock.now() {
                self.pay(started).await?;
                started += 1;
                bar.set_position(started);
            }
            let still = self.settle(&mut losses).await?;
            let payment = (started < total).then(|| self.start_of(first, started));
            match still.next.into_iter().chain(payment).min() {
                Some(next) => self.clock.advance_to(next),
                None => break,
            }
        }
        bar.finish_and_clear();
        self.house.projector.catch_up(self.house.book).await?;
        Ok(())
    }

    fn start_of(&self, first: Time, n: u64) -> Time {
        let bursts = u32::try_from(n / BURST).unwrap_or(u32::MAX);
        first.plus(GAP.saturating_mul(bursts))
    }

    async fn pay(&self, n: u64) -> Result<(), Failure> {
        let stages = self.acts.len() as u64;
        let Some(act) = self.acts.get(usize::try_from(n % stages.max(1)).unwrap_or(0)) else { return Ok(()) };
        let StagePayment { slug, wallet, amount, currency, payer_phone, fee_bearer } =
            act.stage.payment(self.args.seed, n);
        let Some(settings) = act.connections.iter().find(|connection| connection.slug == slug) else { return Ok(()) };
        let command = CollectCommand {
            book: self.house.book,
            connection: ids::connection_id(self.house.book, &settings.provider, &settings.account),
            idempotency_key: format!("demo-{}-{n}", self.args.seed),
            amount,
            currency,
            wallet: Some(wallet.to_owned()),
            payer_phone,
            payer_name: None,
            fee_bearer,
            invoice_id: None,
            note: Some(format!("Demo payment {n}")),
        };
        self.house.door.collect(&command).await.map_err(Failure::not_to_be_had)?;
        Ok(())
    }

    /// Waits until nothing is in flight. What is in flight is read from the databases, so no task can be overlooked.
    async fn settle(&self, losses: &mut u64) -> Result<Still, Failure> {
        let mut since = tokio::time::Instant::now();
        let mut last = String::new();
        let mut pause = LOOK;
        loop {
            let still = self.look().await?;
            if still.busy.is_empty() {
                return Ok(still);
            }
            if still.busy != last {
                tracing::debug!(waited = ?since.elapsed(), for_ = last, "something moved");
                since = tokio::time::Instant::now();
                last.clone_from(&still.busy);
                pause = LOOK;
            }
            if since.elapsed() > STUCK {
                return Err(Failure::disagrees(format!("nothing moved for {STUCK:?}; waiting for {}", still.busy)));
            }
            self.lose_bus(losses);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOK_MAX);
        }
    }

    async fn look(&self) -> Result<Still, Failure> {
        let now = self.clock.now();
        let mut busy = Vec::new();
        let mut next = Vec::new();
        for act in self.acts {
            let due = act.simulator.due(now).await.map_err(Failure::not_to_be_had)?;
            if due > 0 {
                busy.push(format!("{} at the simulator", due));
            }
            next.extend(act.simulator.next_due().await.map_err(Failure::not_to_be_had)?.filter(|at| *at > now));
        }
        if !busy.is_empty() {
            return Ok(Still { busy: busy.join(", "), next: None });
        }
        let pending = self.house.door.pending(now).await?;
        if !pending.is_idle() {
            busy.push(format!("{pending:?}"));
        }
        next.extend(pending.next_due);
        Ok(Still { busy: busy.join(", "), next: next.into_iter().min() })
    }

    /// Now and then everything on the in-process bus is lost, as in a crash of it.
    fn lose_bus(&self, losses: &mut u64) {
        if let (true, Some(bus)) = (self.args.lose_bus, &self.house.local_bus) {
            *losses += 1;
            if *losses % 97 == self.args.seed % 97 {
                bus.empty();
            }
        }
    }
}
