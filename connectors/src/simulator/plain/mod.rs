//! A whole simulator for a provider whose objects are asked for by one call, end once, and are pushed once, signed: what
//! such a provider has of its own is its words, which [`Plain`] says. `connectors new` begins with one.
//!
//! Shape: one table of records, whose state, plan and push stand in one row; `records` moves them on, `server` answers and
//! pushes, `stage` plays it. Bounds: those of the machinery; [`TRIES`] of a push.
//!
//! A phone number that ends in 9 fails, one that ends in 8 stays pending for five minutes and then fails.

use std::marker::PhantomData;
use std::path::Path;
use std::sync::{Arc, RwLock};

use axum::http::{Method, StatusCode};
use ensimbi_events::{Amount, Currency, Time};

use super::core::{Core, Opening};
use super::faults::{Faults, Figures, fault_kinds};
use super::keys::{self, KeyName, Signer};
use super::stage::StageClock;
use super::{Result, SimulatedKind, SimulatorError};
use crate::settings::ConnectionSettings;

mod records;
mod server;
mod stage;

pub use stage::PlainStage;

/// Tries of a push.
const TRIES: i64 = 3;
/// Bits of the key that signs.
const KEY_BITS: usize = 2048;

/// What is a provider's own.
pub trait Plain: Send + Sync + 'static {
    /// The provider's word.
    const PROVIDER: &'static str;
    /// The header of a push's signature (RSA, PKCS#1 v1.5, SHA-256, base64) over its raw body.
    const SIGNED_BY: &'static str;
    /// The currency of its one wallet.
    const CURRENCY: &'static str;
    /// The provider's id of that wallet.
    const WALLET: &'static str;
    /// Whether the demo plays it without being asked to.
    const IN_DEMO: bool = true;

    /// What an object costs: taken out of what is collected, added to what is paid out.
    fn fee(kind: SimulatedKind, amount: Amount) -> Amount;
    /// What a request wants: its method, its path without the first slash, the header `Authorization`, and its body.
    fn asked(method: &Method, path: &str, authorization: Option<&str>, body: &[u8]) -> Asked;
    /// An object as answers and pushes show it.
    fn object(of: &Record) -> String;
    /// The balance of the wallet.
    fn balance(balance: Amount) -> String;
    /// The body of a refusal.
    fn problem(code: &str) -> String {
        serde_json::json!({ "code": code }).to_string()
    }
    /// The connection to it where it listens, with the key (PEM) that verifies its pushes.
    fn connection(base_url: &str, key: &str) -> ConnectionSettings;
}

/// What a request wants.
#[derive(Clone)]
pub enum Asked {
    /// A new object; one that is there under the reference is answered as it is.
    Make {
        /// A collection or a payout.
        kind: SimulatedKind,
        /// Unique, of any kind.
        reference: String,
        /// Who pays or is paid.
        phone: String,
        /// How much; above zero.
        amount: Amount,
    },
    /// An object that is there.
    Read {
        /// A collection or a payout.
        kind: SimulatedKind,
        /// The provider's id or the caller's reference.
        key: String,
    },
    /// The balance of the wallet.
    Balance,
    /// Nothing that can be had: the status, and a code for [`Plain::problem`].
    Refused(StatusCode, &'static str),
}

impl Asked {
    /// A new object, from a JSON body with the texts `reference`, `phone` and `amount`.
    pub fn make(kind: SimulatedKind, body: &[u8]) -> Self {
        let body = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        match (text("reference"), text("phone"), text("amount").and_then(|text| text.parse().ok())) {
            (Some(reference), Some(phone), Some(amount)) => Self::Make { kind, reference, phone, amount },
            _ => Self::Refused(StatusCode::BAD_REQUEST, "body"),
        }
    }
}

/// An object.
#[derive(Debug, Clone)]
pub struct Record {
    /// The provider's id.
    pub id: String,
    /// The caller's reference.
    pub reference: String,
    /// A collection or a payout.
    pub kind: SimulatedKind,
    /// Who pays or is paid.
    pub phone: String,
    /// How much.
    pub amount: Amount,
    /// What it costs.
    pub fee: Amount,
    /// How it stands.
    pub state: State,
    /// Since when.
    pub since: Time,
}

/// How an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is under way.
    Pending,
    /// Its money moved.
    Succeeded,
    /// It came to nothing.
    Failed,
}

impl State {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

fault_kinds! {
    /// What can go wrong at any provider. Each has a rate in basis points and is drawn from the seed.
    pub enum Fault(PlainFigures, ()) {
        /// The object is made, then the connection is held and cut without an answer.
        TimeoutAfterAcceptance = "timeout_after_acceptance",
        /// The object is made, then the answer is 500 or 502.
        ErrorAfterAcceptance = "error_after_acceptance",
        /// Half of the answer: cut off, or short and complete on the wire.
        HalfAnswer = "half_answer",
        /// 200 with a page of HTML.
        HtmlAnswer = "html_answer",
        /// 429 with `Retry-After`; nothing is done.
        RateLimited = "rate_limited",
        /// 503 before anything is done.
        ServerError = "server_error",
        /// The connection is cut before anything is done.
        CutBeforeAcceptance = "cut_before_acceptance",
        /// A push is never sent.
        PushLost = "push_lost",
        /// A push is sent a second time.
        PushDoubled = "push_doubled",
        /// A push comes a quarter of an hour after its time.
        PushLate = "push_late",
        /// A push is signed for another body.
        PushForged = "push_forged",
    }
}

/// The figures that the faults need.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlainFigures {
    /// How long a connection is held before it is cut, in real milliseconds.
    pub hold_ms: u64,
    /// `Retry-After` of a 429, in seconds.
    pub retry_after_seconds: u32,
}

impl Default for PlainFigures {
    fn default() -> Self {
        Self { hold_ms: 30_000, retry_after_seconds: 5 }
    }
}

impl Figures for PlainFigures {
    fn hold_ms(&self) -> u64 {
        self.hold_ms
    }

    fn retry_after_seconds(&self) -> u32 {
        self.retry_after_seconds
    }
}

/// The simulated provider.
pub struct PlainSimulator<P> {
    core: Core<Fault>,
    signer: Arc<Signer>,
    /// Where pushes go.
    target: RwLock<Option<String>>,
    provider: PhantomData<fn() -> P>,
}

impl<P: Plain> PlainSimulator<P> {
    /// Opens or makes the file, with `opening` in the wallet of a new one.
    ///
    /// # Errors
    /// [`SimulatorError`] where faults or file are unusable.
    pub async fn open(path: &Path, clock: StageClock, opening: Amount, faults: Faults<Fault>) -> Result<Arc<Self>> {
        // Nothing about it is secret, and one that follows from no seed is found once for all runs.
        let name = KeyName { label: P::PROVIDER, owner: "webhook", nth: 1, seed: 0, bits: KEY_BITS };
        let signer = Arc::new(Signer::read(&keys::made(name).await?)?);
        let mut file = Opening::begin(path, records::SCHEMA, clock).await?;
        let start = file.start();
        records::begin(file.tx(), P::PROVIDER, opening, start).await?;
        let core = file.finish(faults).await?;
        Ok(Arc::new(Self { core, signer, target: RwLock::new(None), provider: PhantomData }))
    }
}

fn currency<P: Plain>() -> Result<Currency> {
    P::CURRENCY.parse().map_err(|_| SimulatorError::Settings(format!("{} is no currency", P::CURRENCY)))
}
