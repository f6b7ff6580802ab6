//! What the demo plays: collections and payouts to phones, at the faults of a bad week.

use std::marker::PhantomData;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Currency, Time};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Fault, Plain, PlainSimulator};
use crate::settings::ConnectionSettings;
use crate::simulator::draw::Draws;
use crate::simulator::faults::Faults;
use crate::simulator::stage::{
    PushTarget, Running, Stage, StageBeneficiary, StageOrder, StagePayment, StagePayout, StagePlan,
};
use crate::simulator::{Result, work};

/// The rates, in basis points.
const RATES: [(Fault, u16); 11] = [
    (Fault::TimeoutAfterAcceptance, 200),
    (Fault::ErrorAfterAcceptance, 300),
    (Fault::HalfAnswer, 300),
    (Fault::HtmlAnswer, 200),
    (Fault::RateLimited, 150),
    (Fault::ServerError, 300),
    (Fault::CutBeforeAcceptance, 200),
    (Fault::PushLost, 1_000),
    (Fault::PushDoubled, 800),
    (Fault::PushLate, 800),
    (Fault::PushForged, 300),
];
/// What the wallet has from the start, where it is to pay.
const OPENING: Amount = Amount::whole(500_000);

/// The stage of a provider.
pub struct PlainStage<P> {
    slug: &'static str,
    wallet: &'static str,
    provider: PhantomData<fn() -> P>,
}

impl<P: Plain> PlainStage<P> {
    /// With the slug of [`Plain::connection`] and the code of its wallet.
    pub const fn new(slug: &'static str, wallet: &'static str) -> Self {
        Self { slug, wallet, provider: PhantomData }
    }

    async fn opened(&self, plan: StagePlan, opening: Amount) -> Result<Arc<dyn Running>> {
        let calm = Faults::seeded(plan.seed);
        let rates = RATES.iter().filter(|_| plan.faults);
        let mut faults = rates.fold(calm, |faults, (fault, rate)| faults.with(*fault, *rate));
        // Longer than the connection's own timeout, short enough not to hold the run up.
        faults.parameters.hold_ms = 400;
        Ok(PlainSimulator::<P>::open(&plan.file, plan.clock, opening, faults).await?)
    }
}

/// Most succeed; the others fail, or stay pending and then fail.
fn phone(draw: impl Fn(&str, u64) -> u64) -> String {
    let last = match draw("group", 100) {
        0..85 => draw("digit", 8),
        85..93 => 9,
        _ => 8,
    };
    format!("25677{:06}{last}", draw("subscriber", 1_000_000))
}

fn currency<P: Plain>() -> Currency {
    super::currency::<P>().unwrap_or_else(|_| unreachable!("opening it has read the same code"))
}

#[async_trait]
impl<P: Plain> Stage for PlainStage<P> {
    fn provider(&self) -> &'static str {
        P::PROVIDER
    }

    fn in_demo(&self) -> bool {
        P::IN_DEMO
    }

    async fn open(&self, plan: StagePlan) -> Result<Arc<dyn Running>> {
        self.opened(plan, Amount::ZERO).await
    }

    async fn open_funded(&self, plan: StagePlan) -> Result<Arc<dyn Running>> {
        self.opened(plan, OPENING).await
    }

    fn payment(&self, seed: u64, n: u64) -> StagePayment {
        let (draws, object) = (Draws::new(seed), n.to_string());
        let draw = |what: &str, below: u64| draws.below(what, &object, 0, below);
        StagePayment {
            slug: self.slug,
            wallet: self.wallet,
            amount: Amount::whole(i32::try_from(500 + draw("amount", 19_501)).unwrap_or(500)),
            currency: currency::<P>(),
            payer_phone: phone(draw),
            fee_bearer: Bearer::Merchant,
            items: Vec::new(),
            hosted: false,
        }
    }

    fn order(&self, seed: u64, n: u64) -> StageOrder {
        let (draws, object) = (Draws::new(seed), n.to_string());
        let draw = |what: &str, below: u64| draws.below(what, &object, 0, below);
        if draw("order", 100) < 75 {
            return StageOrder::Collect(self.payment(seed, n));
        }
        StageOrder::PayOut(StagePayout {
            slug: self.slug,
            wallet: self.wallet,
            amount: Amount::whole(i32::try_from(500 + draw("payout_amount", 14_501)).unwrap_or(500)),
            currency: currency::<P>(),
            beneficiary: StageBeneficiary::Phone(phone(draw)),
        })
    }
}

#[async_trait]
impl<P: Plain> Running for PlainSimulator<P> {
    async fn serve(self: Arc<Self>, listener: TcpListener, stop: watch::Receiver<bool>) -> Result<()> {
        work::serve(self, listener, work::until(stop)).await
    }

    fn push_to(&self, target: PushTarget) -> Result<()> {
        *self.target.write().unwrap_or_else(PoisonError::into_inner) = Some(target.url);
        Ok(())
    }

    async fn stored_time(&self) -> Result<Time> {
        self.core.stored_time().await
    }

    fn change_faults(&self, change: &serde_json::Value) -> Result<()> {
        self.core.change_faults(change)
    }

    fn connections(&self, base_url: &str) -> Vec<ConnectionSettings> {
        vec![P::connection(base_url, &self.signer.pem)]
    }
}
