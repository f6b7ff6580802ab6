//! The named faults with their rates, and all that `/_sim/faults` shows and takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::settings::bad;
use super::switches::{Parameters, Switches};
use crate::simulator::draw::{ALWAYS, Draws};
use crate::simulator::{Result, SimulatorError};

/// No object suffers more faulty answers in a row than this.
pub const STREAK_MAX: u64 = 3;
/// Longest time a connection is held, in real milliseconds.
pub const HOLD_MAX_MS: u64 = 120_000;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// What can go wrong, and what happens without anybody's order. Each has a rate in basis points and is drawn
        /// from the seed by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// Every fault there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name by which it is drawn; a rename would change every seeded run.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

faults! {
    /// An object is made, then the create call is not answered: held and cut, 500, half a body, or HTML, by the seed.
    CreateLost = "create_lost",
    /// An execution is accepted, then the connection is held and cut.
    ExecuteTimeout = "execute_timeout",
    /// An execution is accepted, then the answer is 500 or 502.
    ExecuteError = "execute_error",
    /// An execution is accepted, then half of the answer comes.
    ExecuteHalf = "execute_half",
    /// An execution is accepted, then a page of HTML comes with 200.
    ExecuteHtml = "execute_html",
    /// Nothing is executed: 200 with `status` `error`.
    ExecuteRefused = "execute_refused",
    /// A payout is refused for lack of money although there is enough.
    InsufficientFunds = "insufficient_funds",
    /// 401 although the key is good; nothing is done.
    UnauthorizedMidRun = "unauthorized_mid_run",
    /// 429 with `Retry-After`; nothing is done.
    RateLimited = "rate_limited",
    /// 503; nothing is done.
    ServerError = "server_error",
    /// Half of the answer to a read.
    HalfAnswer = "half_answer",
    /// A status word that nobody knows: in one answer, or in a webhook beside the genuine one.
    UnknownStatus = "unknown_status",
    /// Fields that nobody knows.
    ExtraFields = "extra_fields",
    /// `payment.refunded` arrives before the refund is answered.
    RefundEventFirst = "refund_event_first",
    /// A failed purchase turns out to be paid.
    PaidAfterError = "paid_after_error",
    /// An expired purchase turns out to be paid.
    PaidAfterExpired = "paid_after_expired",
    /// A payout that would succeed fails.
    PayoutFailed = "payout_failed",
    /// A refund fails.
    RefundFailed = "refund_failed",
    /// A capture fails.
    CaptureFailed = "capture_failed",
    /// A release fails.
    ReleaseFailed = "release_failed",
    /// The sandbox's operator pays, and nothing flags the object as a test.
    SandboxOperator = "sandbox_operator",
    /// The bank of a payer by card asks for the papers.
    Retrieved = "retrieved",
    /// The bank of a payer by card takes the money back.
    ChargedBack = "charged_back",
    /// It gives it back after a chargeback.
    ChargebackReversed = "chargeback_reversed",
    /// A payout's success is undone by an incoming custom payment.
    PayoutUndone = "payout_undone",
    /// Some time after a collection, collected money is moved into the payouts purse.
    PurseTransfer = "purse_transfer",
    /// A webhook is never sent.
    WebhookLost = "webhook_lost",
    /// A webhook is sent a second time.
    WebhookDoubled = "webhook_doubled",
    /// A webhook comes long after its time.
    WebhookLate = "webhook_late",
    /// The webhook before it is sent once more, long after.
    WebhookStale = "webhook_stale",
    /// Later webhooks of the object overtake one.
    WebhookReordered = "webhook_reordered",
    /// Beside the genuine webhook comes one that tells of success and is signed by another key.
    WebhookForged = "webhook_forged",
    /// Beside the genuine webhook comes one whose signature is cut off.
    SignatureTruncated = "signature_truncated",
    /// Beside the genuine webhook comes another company's, well signed.
    ForeignEvent = "foreign_event",
    /// Beside the genuine webhook comes one with an event name that nobody knows.
    UnknownEvent = "unknown_event",
    /// A statement stays in `pending`.
    StatementStuck = "statement_stuck",
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
        let Some(change) = change.as_object() else { return Err(bad("faults: expected an object")) };
        for (part, value) in change {
            match (whole.get_mut(part).and_then(serde_json::Value::as_object_mut), value.as_object()) {
                (Some(whole), Some(change)) => whole.extend(change.clone()),
                _ => whole[part] = value.clone(),
            }
        }
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
        if self.parameters.hold_ms.max(self.parameters.event_first_ms) > HOLD_MAX_MS {
            return Err(SimulatorError::Settings(format!("faults: hold_ms is at most {HOLD_MAX_MS}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::switches::ErrorShape;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_touches_only_what_it_names_and_refuses_what_it_does_not_know() {
        let faults = Faults::seeded(3).with(Fault::WebhookLost, 100);
        let change = json!({"rates": {"execute_half": 50}, "switches": {"error_shape": "object"}});
        let changed = faults.changed(&change).unwrap();
        assert_eq!((changed.seed, changed.rate(Fault::WebhookLost), changed.rate(Fault::ExecuteHalf)), (3, 100, 50));
        assert_eq!(changed.switches.error_shape, ErrorShape::Object);
        for bad in
            [json!({"rates": {"nonsense": 1}}), json!({"rates": {"execute_half": 10_001}}), json!({"sed": 1}), json!(1)]
        {
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
