//! The faults of every simulator: a rate in basis points for each of the provider's own kinds, drawn from a seed; all
//! that `/_sim/faults` shows and takes; and the gate that decides whether an answer is to be wrong.
//!
//! A provider names its kinds with [`fault_kinds!`] and says in [`Figures`] what its parameters mean to the rest.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::draw::{ALWAYS, Draws};
use super::{Result, SimulatorError, file};

/// No object suffers more faulty answers in a row than this.
pub const STREAK_MAX: u64 = 3;
/// Longest time a connection is held, in real milliseconds.
pub const HOLD_MAX_MS: u64 = 120_000;

/// What can go wrong at a provider.
pub trait FaultKind: Copy + Eq + Ord + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Figures that the faults need.
    type Parameters: Figures;
    /// What nobody knows of the real server, to be tried both ways.
    type Switches: Clone + Debug + Default + Eq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The name by which it is drawn, the same as on the wire; a rename would change every seeded run.
    fn name(self) -> &'static str;
}

/// A provider's figures, as far as all simulators need them.
pub trait Figures: Clone + Debug + Default + Eq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// How long a connection is held before it is cut, in real milliseconds.
    fn hold_ms(&self) -> u64;

    /// `Retry-After` of a 429, in seconds.
    fn retry_after_seconds(&self) -> u32;

    /// The longest that any request waits for whatever reason, in real milliseconds.
    fn longest_wait_ms(&self) -> u64 {
        self.hold_ms()
    }

    /// Refuses its own figures outside their bounds.
    ///
    /// # Errors
    /// [`SimulatorError::Settings`] naming the figure.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Makes the enum of a provider's faults from their names, with `ALL` and `name`, as a [`FaultKind`] whose parameters and
/// switches are the types in the parentheses. The name of each is what draws it and what stands on the wire.
macro_rules! fault_kinds {
    (
        $(#[$of:meta])*
        pub enum $kind:ident($parameters:ty, $switches:ty) {
            $($(#[$doc:meta])* $name:ident = $word:literal,)*
        }
    ) => {
        $(#[$of])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $kind {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl $kind {
            /// Every fault there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name by which it is drawn; a rename would change every seeded run.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }

        impl $crate::simulator::faults::FaultKind for $kind {
            type Parameters = $parameters;
            type Switches = $switches;

            fn name(self) -> &'static str {
                self.name()
            }
        }
    };
}
pub(crate) use fault_kinds;

/// All of it: what `/_sim/faults` shows and takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, bound = "")]
pub struct Faults<F: FaultKind> {
    /// Every decision follows from it.
    pub seed: u64,
    /// Basis points by fault; absent is 0.
    pub rates: BTreeMap<F, u16>,
    /// Figures.
    pub parameters: F::Parameters,
    /// Switches.
    pub switches: F::Switches,
}

impl<F: FaultKind> Default for Faults<F> {
    fn default() -> Self {
        Self { seed: 0, rates: BTreeMap::new(), parameters: F::Parameters::default(), switches: F::Switches::default() }
    }
}

impl<F: FaultKind> Faults<F> {
    /// No faults, with a seed.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// With a rate in basis points for one fault.
    #[must_use]
    pub fn with(mut self, fault: F, basis_points: u16) -> Self {
        self.rates.insert(fault, basis_points);
        self
    }

    /// The rate of a fault in basis points.
    pub fn rate(&self, fault: F) -> u16 {
        self.rates.get(&fault).copied().unwrap_or(0)
    }

    /// Whether a fault happens to an object, the `nth` time it could.
    pub fn hits(&self, fault: F, object: &str, nth: u64) -> bool {
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
        // A list would be read as the fields in their order.
        if !change.is_object() {
            return Err(SimulatorError::Settings("faults: expected an object".to_owned()));
        }
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
        if self.parameters.hold_ms().max(self.parameters.longest_wait_ms()) > HOLD_MAX_MS {
            return Err(SimulatorError::Settings(format!("faults: hold_ms is at most {HOLD_MAX_MS}")));
        }
        self.parameters.check()
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

/// A fault that was drawn, and which question about the object it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn<F> {
    /// The fault.
    pub fault: F,
    /// From 1.
    pub nth: u64,
}

/// Whether this answer is to be faulty, and how. The first of `faults` that hits wins; after [`STREAK_MAX`] faulty
/// answers in a row about one object a good one comes. Questions are counted by what is asked and the object.
///
/// # Errors
/// As the database says.
pub async fn gate<F: FaultKind>(
    db: &mut SqliteConnection,
    all: &Faults<F>,
    what: &str,
    object: &str,
    faults: &[F],
) -> Result<Option<Drawn<F>>> {
    if faults.iter().all(|fault| all.rate(*fault) == 0) {
        return Ok(None);
    }
    let (nth, streak) = file::ask(&mut *db, what, object).await?;
    let question = format!("{what}/{object}");
    let hit = faults.iter().copied().find(|fault| all.hits(*fault, &question, nth)).filter(|_| streak < STREAK_MAX);
    let now = if hit.is_some() { streak + 1 } else { 0 };
    if now != streak {
        file::set_streak(db, what, object, now).await?;
    }
    Ok(hit.map(|fault| Drawn { fault, nth }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::providers::iotec::simulator as iotec;
    use crate::providers::paytota::simulator as paytota;

    fn changes<F: FaultKind>(lost: F, half: F, switch: &str, word: &str) {
        let faults = Faults::seeded(3).with(lost, 100);
        let change = json!({"rates": {half.name(): 50}, "switches": {switch: word}});
        let changed = faults.changed(&change).unwrap();
        assert_eq!((changed.seed, changed.rate(lost), changed.rate(half)), (3, 100, 50));
        assert_eq!(serde_json::to_value(&changed.switches).unwrap()[switch], word);
        for bad in [
            json!({"rates": {"nonsense": 1}}),
            json!({"rates": {half.name(): 10_001}}),
            json!({"parameters": {"hold_ms": 120_001}}),
            json!({"switches": {"nonsense": true}}),
            json!({"sed": 1}),
            json!(1),
            json!([4]),
        ] {
            assert!(faults.changed(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_change_touches_only_what_it_names_and_a_simulator_refuses_what_it_does_not_know() {
        changes(iotec::Fault::CallbackLost, iotec::Fault::HalfAnswer, "lookup", "array");
        changes(paytota::Fault::WebhookLost, paytota::Fault::ExecuteHalf, "error_shape", "object");
    }

    #[test]
    fn a_simulators_fault_is_drawn_by_the_name_it_has_on_the_wire() {
        fn words<F: FaultKind>(all: &[F]) {
            for fault in all {
                assert_eq!(serde_json::to_value(fault).unwrap(), json!(fault.name()));
            }
        }
        words(iotec::Fault::ALL);
        words(paytota::Fault::ALL);
        words(crate::simulator::plain::Fault::ALL);
    }
}
