//! Checkpoints: while the run goes on, each wallet against what the provider has at that moment (`bookkeeping.md` 4).
//!
//! The provider may know more than we do: a collection that settled there and was not told or asked for yet. That part
//! is known object by object from the simulator's own book and is set aside. What is left must lie between
//! posted - reserved and posted: payouts on their way may be debited already, and no further than was reserved for them.
//! At the end nothing may be set aside.

use std::collections::BTreeMap;

use ensimbi_connectors::simulator::{SimulatedKind, SimulatedObject};
use ensimbi_events::{Amount, Currency, Time};
use ensimbi_projections::payments::{PaymentRow, PaymentState};
use ensimbi_projections::query::{LIMIT_MAX, PaymentsQuery};
use ensimbi_projections::{PaymentsView, Views, WalletsView};

use super::Act;
use super::told::Told;
use crate::exit::Failure;
use crate::house::House;

/// Most differences that are kept.
const SHOWN_MAX: usize = 20;

/// What is set aside, by the provider's wallet id, purse and currency.
type Apart = BTreeMap<(String, Option<&'static str>, Currency), i128>;

/// What the checkpoints of a run found.
pub struct Checkpoints {
    /// When the run began.
    since: Time,
    told: Told,
    /// How many there were.
    pub count: u64,
    /// What did not fit, each with its checkpoint.
    pub differences: Vec<String>,
}

impl Checkpoints {
    /// None yet.
    pub fn new(since: Time) -> Self {
        Self { since, told: Told::default(), count: 0, differences: Vec::new() }
    }

    /// Compares all wallets now; nothing is in flight in the house.
    pub async fn check(&mut self, house: &House, acts: &[Act]) -> Result<(), Failure> {
        self.count += 1;
        house.projector.catch_up(house.book).await?;
        let views = Views::new(house.projector.store().clone());
        let ours = payments(&views, house).await?;
        self.told.catch_up(house.store.as_ref(), house.book).await?;
        for act in acts {
            let mut apart = Apart::new();
            for object in act.simulator.objects().await.map_err(Failure::not_to_be_had)? {
                let untold = untold(&object, ours.get(&object.id), &self.told);
                *apart.entry((object.wallet_id, object.purse, object.currency)).or_default() += untold;
            }
            for movement in act.simulator.movements().await.map_err(Failure::not_to_be_had)? {
                let of = (movement.wallet_id, movement.purse, movement.currency);
                // What moved before the run is inside the opening.
                let known = movement.at <= self.since || self.told.of(&movement.id).is_some();
                *apart.entry(of).or_default() += if known { 0 } else { i128::from(movement.effect.scaled()) };
            }
            self.wallets(&views, house, act, &apart).await?;
        }
        Ok(())
    }

    async fn wallets(&mut self, views: &Views, house: &House, act: &Act, apart: &Apart) -> Result<(), Failure> {
        let page = views.wallets(house.book, None, LIMIT_MAX).await?;
        let rows = page.items.into_iter().filter(|row| row.provider == act.stage.provider());
        let rows: BTreeMap<_, _> = rows.map(|row| ((row.account_code.clone(), row.code.clone()), row)).collect();
        for wallet in act.simulator.wallets().await.map_err(Failure::not_to_be_had)? {
            let Some(row) = act.code_of(&wallet).and_then(|code| rows.get(&code)) else { continue };
            let scaled = |amount: Amount| i128::from(amount.scaled());
            let (posted, reserved) = (scaled(row.posted), scaled(row.reserved));
            let of = (wallet.provider_id, wallet.purse, wallet.currency);
            let theirs = scaled(wallet.balance) - apart.get(&of).copied().unwrap_or_default();
            let fits = (posted - reserved..=posted).contains(&theirs) && scaled(row.available) == posted - reserved;
            if !fits && self.differences.len() < SHOWN_MAX {
                let text = ensimbi_events::money::scaled_text;
                self.differences.push(format!(
                    "checkpoint {}, {}: posted {}, reserved {}, the provider's {} is {} without what was not told yet",
                    self.count,
                    row.code,
                    row.posted,
                    row.reserved,
                    wallet.balance,
                    text(theirs)
                ));
            }
        }
        Ok(())
    }
}

/// What the provider moved for an object and our book does not have. Money on its way out is no such thing: it is what the
/// reservation is for.
fn untold(object: &SimulatedObject, ours: Option<&PaymentRow>, told: &Told) -> i128 {
    let theirs = i128::from(object.effect.scaled());
    match object.kind {
        SimulatedKind::Refund => told.of(&object.id).map_or(0, |told| theirs - told),
        SimulatedKind::Dispute => theirs - told.of(&object.id).unwrap_or_default(),
        SimulatedKind::Collection | SimulatedKind::Payout => {
            let out = object.kind == SimulatedKind::Payout;
            // A payout whose answer was lost is known by its reference only; its money is reserved.
            let Some(row) = ours else { return if out { 0 } else { theirs } };
            let open = matches!(row.state, PaymentState::Requested | PaymentState::Pending);
            let booked = row.wallet_change.map_or(0, |change| i128::from(change.scaled()));
            if out && open { 0 } else { theirs - booked }
        }
    }
}

/// All payments and payouts, by the provider's id.
async fn payments(views: &Views, house: &House) -> Result<BTreeMap<String, PaymentRow>, Failure> {
    let mut found = BTreeMap::new();
    let mut before = None;
    loop {
        let query = PaymentsQuery { before, limit: LIMIT_MAX, ..PaymentsQuery::default() };
        let page = views.payments(house.book, &query).await?;
        before = page.items.last().map(|row| row.first_position);
        for row in page.items {
            if let Some(id) = row.object_id.clone().filter(|_| row.object_kind.as_deref() != Some("intent")) {
                found.insert(id, row);
            }
        }
        if !page.more {
            return Ok(found);
        }
    }
}
