//! The named faults with their rates, the figures they need, and the switches for what nobody knows of the real server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    /// A success is taken back later.
    RolledBackLater,
    /// A failure turns into a success later.
    SuccessAfterFailed,
    /// A status word that nobody knows, for one answer.
    UnknownStatus,
    /// Fields that nobody knows.
    ExtraFields,
    /// The first look-ups after the creation answer 404.
    NotFoundRightAfter,
}

impl Fault {
    /// Every fault there is.
    pub const ALL: [Self; 18] = [
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
        }
    }
}

/// Which record a look-up by external id gives where several share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// The newest.
    #[default]
    Newest,
    /// The oldest.
    Oldest,
    /// All of them, newest first, as a JSON array.
    Array,
}

/// How fees are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeRounding {
    /// Exact to four places.
    #[default]
    Exact,
    /// Two places, half up.
    TwoPlaces,
}

/// Who is debited what under `ChargeCustomer` (provider facts, section 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeCustomer {
    /// Reading A: the payer pays amount and fee, the wallet nets the amount; the fee never touches the wallet.
    #[default]
    A,
    /// Reading B: the payer pays the amount, the wallet nets amount less fee, as under `ChargeWallet`.
    B,
}

/// What nobody knows of the real server, as switches to be tried both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Look-up by an external id that several records share.
    pub lookup: Lookup,
    /// Rounding of fees.
    pub fee_rounding: FeeRounding,
    /// Reading of `ChargeCustomer`.
    pub charge_customer: ChargeCustomer,
    /// A rollback takes the amount back and leaves the fee charged.
    pub rollback_keeps_fee: bool,
    /// 401 and 404 with an empty body.
    pub empty_error_bodies: bool,
    /// Request fields outside the schema are refused with 400.
    pub refuse_unknown_fields: bool,
    /// Amounts with a fraction, and amounts as strings, are refused with 400.
    pub refuse_fractions: bool,
    /// The create call answers with the outcome at once.
    pub immediate_outcome: bool,
}

/// Figures that the faults need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// By how much a late callback is late, in simulated minutes.
    pub callback_late_minutes: u32,
    /// When a final state is contradicted, in simulated minutes after it.
    pub rolled_back_after_minutes: u32,
    /// How long a connection is held before it is cut, in real milliseconds.
    pub hold_ms: u64,
    /// How long a create call waits for its own callback, in real milliseconds.
    pub callback_before_answer_ms: u64,
    /// `Retry-After` of a 429, in seconds.
    pub retry_after_seconds: u32,
    /// Until when after a creation a look-up may find nothing, in simulated seconds.
    pub not_found_seconds: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            callback_late_minutes: 30,
            rolled_back_after_minutes: 120,
            hold_ms: 15_000,
            callback_before_answer_ms: 2_000,
            retry_after_seconds: 2,
            not_found_seconds: 60,
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
