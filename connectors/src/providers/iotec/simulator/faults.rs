//! The named faults with their rates, and all that `/_sim/faults` shows and takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::switches::{Parameters, Switches};
use crate::simulator::draw::{ALWAYS, Draws};
use crate::simulator::{Result, SimulatorError};

/// No object suffers more faulty answers in a row than this.
pub const STREAK_MAX: u64 = 3;
/// Longest time a connection is held, in real milliseconds.
pub const HOLD_MAX_MS: u64 = 120_000;

/// What can go wrong. Each has a rate in basis points and is drawn from the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A callback comes long after its time.
    CallbackLate,
    /// A callback is never sent.
    CallbackLost,
    /// A callback is sent a second time.
    CallbackDoubled,
    /// A callback is overtaken by a later one.
    CallbackReordered,
    /// Beside the genuine callback comes one with a wrong header, or about an unknown id.
    CallbackForged,
    /// The collection moves on and its callback arrives before the create call is answered.
    CallbackBeforeAnswer,
    /// The record is made, then the connection is held and cut without an answer.
    TimeoutAfterAcceptance,
    /// The record is made, then the answer is 500 or 502.
    ErrorAfterAcceptance,
    /// Half of the answer: cut off, or short and complete on the wire.
    HalfAnswer,
    /// 200 with a page of HTML.
    HtmlAnswer,
    /// The token is dropped although its time is not over; the call answers 401.
    UnauthorizedMidRun,
    /// 429 with `Retry-After`; nothing is done.
    RateLimited,
    /// 503 before anything is done.
    ServerError,
    /// A collection's success is taken back later.
    RolledBackLater,
    /// A failure turns into a success later.
    SuccessAfterFailed,
    /// A status word that nobody knows, for one answer.
    UnknownStatus,
    /// Fields that nobody knows.
    ExtraFields,
    /// The first look-ups after the creation answer 404.
    NotFoundRightAfter,
    /// The connection is cut before anything is done.
    CutBeforeAcceptance,
    /// A payout that would fail ends in `RolledBack`, straight from `SentToVendor`.
    PayoutRolledBack,
    /// A payout's success is taken back later.
    PayoutRolledBackLater,
    /// A failed payout gives the amount back and keeps the fee.
    PayoutFeeKept,
    /// A payout that would succeed fails.
    PayoutFailed,
    /// Nine tenths of what was asked are collected or paid out, in the answers and in the wallet.
    WrongAmount,
    /// The answers' total fee is one unit above the sum of its parts; the wallet has the true one.
    WrongFee,
}

impl Fault {
    /// Every fault there is.
    pub const ALL: [Self; 25] = [
        Self::CallbackLate,
        Self::CallbackLost,
        Self::CallbackDoubled,
        Self::CallbackReordered,
        Self::CallbackForged,
        Self::CallbackBeforeAnswer,
        Self::TimeoutAfterAcceptance,
        Self::ErrorAfterAcceptance,
        Self::HalfAnswer,
        Self::HtmlAnswer,
        Self::UnauthorizedMidRun,
        Self::RateLimited,
        Self::ServerError,
        Self::RolledBackLater,
        Self::SuccessAfterFailed,
        Self::UnknownStatus,
        Self::ExtraFields,
        Self::NotFoundRightAfter,
        Self::CutBeforeAcceptance,
        Self::PayoutRolledBack,
        Self::PayoutRolledBackLater,
        Self::PayoutFeeKept,
        Self::PayoutFailed,
        Self::WrongAmount,
        Self::WrongFee,
    ];

    /// The name by which it is drawn; a rename would change every seeded run.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CallbackLate => "callback_late",
            Self::CallbackLost => "callback_lost",
            Self::CallbackDoubled => "callback_doubled",
            Self::CallbackReordered => "callback_reordered",
            Self::CallbackForged => "callback_forged",
            Self::CallbackBeforeAnswer => "callback_before_answer",
            Self::TimeoutAfterAcceptance => "timeout_after_acceptance",
            Self::ErrorAfterAcceptance => "error_after_acceptance",
            Self::HalfAnswer => "half_answer",
            Self::HtmlAnswer => "html_answer",
            Self::UnauthorizedMidRun => "unauthorized_mid_run",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::RolledBackLater => "rolled_back_later",
            Self::SuccessAfterFailed => "success_after_failed",
            Self::UnknownStatus => "unknown_status",
            Self::ExtraFields => "extra_fields",
            Self::NotFoundRightAfter => "not_found_right_after",
            Self::CutBeforeAcceptance => "cut_before_acceptance",
            Self::PayoutRolledBack => "payout_rolled_back",
            Self::PayoutRolledBackLater => "payout_rolled_back_later",
            Self::PayoutFeeKept => "payout_fee_kept",
            Self::PayoutFailed => "payout_failed",
            Self::WrongAmount => "wrong_amount",
            Self::WrongFee => "wrong_fee",
        }
    }
}

/// All of it: what `/_sim/faults` shows and takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every decision follows from it.
    pub seed: u64,
    /// Basis points by fault; absent is 0.
    pub rates: BTreeMap<Fault, u16>,
    /// Figures.
    pub parameters: Parameters,
    /// Switches.
    pub switches: Switches,
}

impl Faults {
    /// No faults, with a seed.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// With a rate in basis points for one fault.
    #[must_use]
    pub fn with(mut self, fault: Fault, basis_points: u16) -> Self {
        self.rates.insert(fault, basis_points);
        self
    }

    /// The rate of a fault in basis points.
    pub fn rate(&self, fault: Fault) -> u16 {
        self.rates.get(&fault).copied().unwrap_or(0)
    }

    /// Whether a fault happens to an object, the `nth` time it could.
    pub fn hits(&self, fault: Fault, object: &str, nth: u64) -> bool {
        self.draws().hits(fault.name(), object, nth, self.rate(fault))
    }

    /// The draws of the seed.
    pub fn draws(&self) -> Draws {
        Draws::new(self.seed)
    }

    /// A change merged over what stands: only what it names changes.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`] naming the unknown or unusable field.
    pub fn changed(&self, change: &serde_json::Value) -> Result<Self> {
        let refused = |error: serde_json::Error| SimulatorError::Settings(format!("faults: {error}"));
        let mut whole = serde_json::to_value(self).map_err(refused)?;
        merge(&mut whole, change, 0);
        let changed: Self = serde_json::from_value(whole).map_err(refused)?;
        changed.check()?;
        Ok(changed)
    }

    /// Refuses figures outside their bounds.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`].
    pub fn check(&self) -> Result<()> {
        if self.rates.values().any(|rate| *rate > ALWAYS) {
            return Err(SimulatorError::Settings(format!("faults: a rate is 0 to {ALWAYS} basis points")));
        }
        if self.parameters.hold_ms.max(self.parameters.callback_before_answer_ms) > HOLD_MAX_MS {
            return Err(SimulatorError::Settings(format!("faults: hold_ms is at most {HOLD_MAX_MS}")));
        }
        if self.parameters.history_page_max == 0 {
            return Err(SimulatorError::Settings("faults: history_page_max is at least 1".to_owned()));
        }
        Ok(())
    }
}

/// Merges objects field by field, three levels deep, which is all that [`Faults`] has.
fn merge(whole: &mut serde_json::Value, change: &serde_json::Value, depth: u8) {
    match (whole, change) {
        (serde_json::Value::Object(whole), serde_json::Value::Object(change)) if depth < 3 => {
            for (name, value) in change {
                merge(whole.entry(name.clone()).or_insert(serde_json::Value::Null), value, depth + 1);
            }
        }
        (whole, change) => *whole = change.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::switches::Lookup;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_touches_only_what_it_names_and_refuses_what_it_does_not_know() {
        let faults = Faults::seeded(3).with(Fault::CallbackLost, 100);
        let change = json!({"rates": {"half_answer": 50}, "switches": {"lookup": "array"}});
        let changed = faults.changed(&change).unwrap();
        assert_eq!((changed.seed, changed.rate(Fault::CallbackLost), changed.rate(Fault::HalfAnswer)), (3, 100, 50));
        assert_eq!(changed.switches.lookup, Lookup::Array);
        for bad in [json!({"rates": {"nonsense": 1}}), json!({"rates": {"half_answer": 10_001}}), json!({"sed": 1})] {
            assert!(faults.changed(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fault_is_drawn_by_the_name_it_has_on_the_wire() {
        for fault in Fault::ALL {
            assert_eq!(serde_json::to_value(fault).unwrap(), json!(fault.name()));
        }
    }
}
