//! The driver: starts orders when their time comes, and moves the clock when nothing is in flight. Between two bursts the
//! wallets are compared with the simulators' own ([`super::checkpoint`]).

use std::sync::Arc;
use std::time::Duration;

use ensimbi_connectors::simulator::stage::{StageOrder, StagePayment, StagePayout, StageRefund};
use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::commands::{CollectOrder, CommandError, Commands, Origin, RefundOrder};
use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Clock, ConnectionId, SubjectId, Time, ids};
use ensimbi_projections::discrepancies::DiscrepancyState;
use ensimbi_projections::payments::PaymentState;
use ensimbi_projections::query::{DiscrepanciesQuery, LIMIT_MAX};
use ensimbi_projections::{DiscrepanciesView, PaymentsView, Views, WalletsView};

use super::Act;
use super::checkpoint::Checkpoints;
use super::{invoices, openings};
use crate::args::DemoArgs;
use crate::exit::Failure;
use crate::house::House;
use crate::output;

/// Payments that start together; the next ones follow after [`GAP`].
const BURST: u64 = 8;
const GAP: Duration = Duration::from_secs(45);
/// At most so many checkpoints in a run: each reads all payments.
const CHECKPOINTS_MAX: u64 = 50;
/// How often, and with which steps of simulated time, the opening of the wallets is waited for.
const PREPARE_MAX: u32 = 200;
const PREPARE_STEP: Duration = Duration::from_secs(5);
/// At the end routine reads are waited for in such steps, so many times: for hours, at intervals of theirs.
const LAST_LOOK: Duration = Duration::from_secs(300);
const LAST_LOOKS: u32 = 48;
/// Every so-manieth collection pays an invoice.
const INVOICE_EVERY: u64 = 10;
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

/// What became of the run's orders.
#[derive(Debug, Default)]
pub struct Orders {
    /// Taken, now or by an earlier run on the same data.
    pub taken: u64,
    /// More than the wallet had, or a refund of what never came in: refused, or not asked for.
    pub left_out: u64,
}

/// What a run leaves.
pub struct Driven {
    /// Its orders.
    pub orders: Orders,
    /// What its checkpoints found.
    pub checkpoints: Checkpoints,
}

/// What is in flight, and when something becomes due by itself.
struct Still {
    busy: String,
    next: Option<Time>,
}

impl Driver<'_> {
    /// Runs until nothing is left to happen.
    pub async fn run(&self) -> Result<Driven, Failure> {
        let total = u64::from(self.args.payments);
        let bar = output::bar("payments", total);
        let first = self.clock.now();
        let mut started = 0;
        let mut losses = 0;
        let mut known = true;
        let mut orders = Orders::default();
        let mut checkpoints = Checkpoints::new(first);
        let every = BURST.max(total / CHECKPOINTS_MAX);
        self.prepare(&mut losses).await?;
        loop {
            // Orders of an earlier run on the same data are only found again: no time passes for them.
            while started < total && (known || self.start_of(first, started) <= self.clock.now()) {
                match self.start(started, known).await? {
                    Some(repeated) => (known, orders.taken) = (repeated, orders.taken + 1),
                    None => orders.left_out += 1,
                }
                started += 1;
                bar.set_position(started);
            }
            let still = self.settle(&mut losses).await?;
            self.try_again().await?;
            if started / every >= checkpoints.count {
                checkpoints.check(self.house, self.acts).await?;
            }
            let payment = (started < total).then(|| self.start_of(first, started));
            match still.next.into_iter().chain(payment).min() {
                Some(next) => self.clock.advance_to(next),
                None => break,
            }
        }
        bar.finish_and_clear();
        self.house.projector.catch_up(self.house.book).await?;
        // Further balances and statements: they tell of what nobody ordered, and resolve what earlier ones raised.
        for _ in 0..LAST_LOOKS {
            if !self.balance_differs().await? && self.wallets_agree().await? && self.all_over().await? {
                break;
            }
            self.clock.advance_to(self.clock.now().plus(LAST_LOOK));
            self.settle(&mut losses).await?;
            self.try_again().await?;
            self.settle(&mut losses).await?;
            self.house.projector.catch_up(self.house.book).await?;
        }
        checkpoints.check(self.house, self.acts).await?;
        Ok(Driven { orders, checkpoints })
    }

    /// Before the first order every wallet is open and every bank list known. Both come by routine reads, which the faults
    /// do not spare: a failed one is repeated after a while, and routine reads move no clock by themselves. What is in a
    /// wallet whose provider has no such read, a person declares.
    async fn prepare(&self, losses: &mut u64) -> Result<(), Failure> {
        let views = self.views();
        self.settle(losses).await?;
        self.house.projector.catch_up(self.house.book).await?;
        openings::declare(self.house, self.acts, &views, self.clock.now()).await?;
        for _ in 0..PREPARE_MAX {
            self.settle(losses).await?;
            self.house.projector.catch_up(self.house.book).await?;
            let rows = views.wallets(self.house.book, None, LIMIT_MAX).await?.items;
            let open = rows.iter().all(|row| row.total.is_positive());
            let mut known = true;
            for act in self.acts {
                for connection in &act.connections {
                    let id = self.connection(act, &connection.slug)?;
                    // A provider without such a list has nothing to wait for.
                    let banks = self.house.door.banks(self.house.book, id).await;
                    known &= banks.map_or(true, |banks| !banks.is_empty());
                }
            }
            if open && known {
                return Ok(());
            }
            self.clock.advance_to(self.clock.now().plus(PREPARE_STEP));
        }
        Err(Failure::disagrees("the wallets were not opened by their first balance"))
    }

    /// The person of the story: what hangs for long at a provider that shows it as never begun is tried again.
    async fn try_again(&self) -> Result<(), Failure> {
        for alarm in self.house.door.alarms(self.house.book).await.map_err(Failure::not_to_be_had)? {
            let (Some(subject), "unsettled_too_long") = (alarm.subject, alarm.kind) else { continue };
            let idempotency_key = format!("demo-again-{subject}-{}", alarm.since);
            let origin = Origin { book: self.house.book, idempotency_key };
            match self.house.door.again(&origin, subject).await {
                Ok(_) | Err(CommandError::Refused { .. } | CommandError::Unavailable(_)) => {}
                Err(why) => return Err(Failure::not_to_be_had(why)),
            }
        }
        Ok(())
    }

    /// Whether every wallet has what its provider has.
    async fn wallets_agree(&self) -> Result<bool, Failure> {
        let views = self.views();
        let rows = views.wallets(self.house.book, None, LIMIT_MAX).await?.items;
        let mut agree = true;
        for act in self.acts {
            for wallet in act.simulator.wallets().await.map_err(Failure::not_to_be_had)? {
                let code = act.code_of(&wallet);
                let own = rows.iter().find(|row| code == Some((row.account_code.clone(), row.code.clone())));
                agree &= own.is_some_and(|row| (row.posted, row.held) == (wallet.balance, wallet.held));
            }
        }
        Ok(agree)
    }

    /// Whether every payment has come to an end.
    async fn all_over(&self) -> Result<bool, Failure> {
        let views = self.views();
        let states = views.states(self.house.book).await?.value;
        Ok(states.iter().all(|total| !matches!(total.state, PaymentState::Requested | PaymentState::Pending)))
    }

    /// Whether a balance of a provider stands against the book.
    async fn balance_differs(&self) -> Result<bool, Failure> {
        let views = self.views();
        let query = DiscrepanciesQuery {
            state: Some(DiscrepancyState::Open),
            kind: Some(DiscrepancyKind::BalanceDiffers),
            limit: 1,
            ..DiscrepanciesQuery::default()
        };
        Ok(!views.discrepancies(self.house.book, &query).await?.items.is_empty())
    }

    fn views(&self) -> Views {
        Views::new(self.house.projector.store().clone())
    }

    fn start_of(&self, first: Time, n: u64) -> Time {
        let bursts = u32::try_from(n / BURST).unwrap_or(u32::MAX);
        first.plus(GAP.saturating_mul(bursts))
    }

    /// The n-th order. Its key makes it the same one after a crash; says whether it was there (`known`: the one before),
    /// or nothing where it was left out.
    async fn start(&self, n: u64, known: bool) -> Result<Option<bool>, Failure> {
        let stages = self.acts.len() as u64;
        let Some(act) = self.acts.get(usize::try_from(n % stages.max(1)).unwrap_or(0)) else { return Ok(None) };
        let origin = Origin { book: self.house.book, idempotency_key: self.key(n) };
        let order = act.stage.order(self.args.seed, n);
        let resource = match order {
            StageOrder::Collect(_) => None,
            StageOrder::PayOut(_) => Some("payouts"),
            StageOrder::Refund(_) => Some("refunds"),
        };
        if let (Some(resource), true) = (resource, known) {
            // What an earlier run left out in its time could be had by now, but then the two runs were not one.
            let intent = ids::intent_id(self.house.book, resource, &origin.idempotency_key);
            let there = self.house.door.intent(intent).await.map_err(Failure::not_to_be_had)?;
            let Some(there) = there else { return Ok(None) };
            if resource == "refunds" {
                // How much it asked for was found out of what was left then.
                return Ok((there.state != "refused").then_some(true));
            }
        }
        match order {
            StageOrder::Collect(payment) => self.collect(act, &origin, n, payment).await.map(Some),
            StageOrder::PayOut(payout) => self.pay(act, &origin, payout).await,
            StageOrder::Refund(refund) => self.refund(&origin, refund).await,
        }
    }

    /// Sends money of an earlier order back, if it has come in by now.
    async fn refund(&self, origin: &Origin, refund: StageRefund) -> Result<Option<bool>, Failure> {
        let key = self.key(refund.of);
        let payment = ids::intent_id(self.house.book, "collections", &key);
        self.house.projector.catch_up(self.house.book).await?;
        let views = self.views();
        let Some(row) = views.payment(self.house.book, payment).await?.value else { return Ok(None) };
        let Some(left) = row.refundable().filter(|left| left.is_positive()) else { return Ok(None) };
        let (Some(connection), Some(wallet), Some(object_id)) = (row.connection, row.wallet, row.object_id) else {
            return Ok(None);
        };
        let amount = refund.amount.unwrap_or(left).min(left);
        let order = RefundOrder { payment, connection, wallet, object_id, amount, left };
        match self.house.door.refund(origin, &order).await {
            // More than the wallet has, or one is on its way already: part of the story.
            Err(CommandError::Refused { .. }) => Ok(None),
            Ok(order) => Ok(Some(order.repeated)),
            Err(why) => Err(Failure::not_to_be_had(why)),
        }
    }

    fn key(&self, n: u64) -> String {
        format!("demo-{}-{n}", self.args.seed)
    }

    fn connection(&self, act: &Act, slug: &str) -> Result<ConnectionId, Failure> {
        let settings = act.connections.iter().find(|connection| connection.slug == slug);
        let settings = settings.ok_or_else(|| Failure::wrong(format!("the simulator names no connection {slug}")))?;
        Ok(ids::connection_id(self.house.book, &settings.provider, &settings.account))
    }

    async fn collect(&self, act: &Act, origin: &Origin, n: u64, payment: StagePayment) -> Result<bool, Failure> {
        let door = &self.house.door;
        // What the provider makes an invoice of needs none of ours.
        let invoiced = n.is_multiple_of(INVOICE_EVERY) && payment.items.is_empty() && !payment.hosted;
        let invoice_id: Option<SubjectId> = match invoiced {
            true => {
                let (amount, currency) = (payment.amount, payment.currency);
                Some(invoices::publish(door.as_ref(), origin, n, amount, currency, self.clock.now()).await?)
            }
            false => None,
        };
        let connection = self.connection(act, payment.slug)?;
        let note = Some(format!("Demo payment {n}"));
        let order = CollectOrder { invoice_id, note, ..payment.order(connection) };
        Ok(door.ask_collect(origin, &order).await.map_err(Failure::not_to_be_had)?.repeated)
    }

    async fn pay(&self, act: &Act, origin: &Origin, payout: StagePayout) -> Result<Option<bool>, Failure> {
        let connection = self.connection(act, payout.slug)?;
        let order = payout.order(connection);
        match self.house.door.pay(origin, &order).await {
            // More than is available is part of the story: refused before anything was sent.
            Err(CommandError::Refused { .. }) => Ok(None),
            Ok(order) => Ok(Some(order.repeated)),
            Err(why) => Err(Failure::not_to_be_had(why)),
        }
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
