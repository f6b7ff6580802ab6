//! What the door is opened with.

use std::sync::Arc;
use std::time::Duration;

use ensimbi_bus::Bus;
use ensimbi_events::word::Mode;
use ensimbi_events::{BookId, Clock, Entropy};
use ensimbi_vault::Vault;

use super::store::StoreAddress;
use crate::connector::Connector;
use crate::settings::ConnectionSettings;

/// Everything [`super::Door::open`] needs. One door serves one book; a process with several books opens several.
pub struct DoorOptions {
    /// Where the rows are.
    pub store: StoreAddress,
    /// The book everything goes into.
    pub book: BookId,
    /// Live or test; simulated connections are for test books only.
    pub mode: Mode,
    /// The connections of `ensimbi.toml`.
    pub connections: Vec<ConnectionSettings>,
    /// The providers: [`crate::providers::all`].
    pub registry: &'static [&'static dyn Connector],
    /// Seals, opens, and gives the keys of deliveries and of the bus.
    pub vault: Arc<Vault>,
    /// Claims go up, answers come down.
    pub bus: Arc<dyn Bus>,
    /// The clock of everything that a book or provider can see: receipts, schedules, pauses.
    pub clock: Arc<dyn Clock>,
    /// Real time, for leases and resends; never simulated outside tests of the door itself.
    pub real_clock: Arc<dyn Clock>,
    /// Randomness of ids, seals and API keys.
    pub entropy: Arc<dyn Entropy>,
    /// No other process works on this book's door, so what a crash left half done is taken up at once instead of when
    /// its lease runs out. Always so with SQLite; set it for a PostgreSQL only where one process runs.
    pub alone: bool,
    /// Lets connections in that are not simulated although books are still format 0.
    pub allow_live_format0: bool,
    /// Waits and bounds.
    pub tuning: Tuning,
}

/// Waits and bounds that tests shorten; the defaults are for production.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Real time after which an unanswered note is sent again; doubled each time.
    pub resend_after: Duration,
    /// Longest wait between two sendings of a note.
    pub resend_max: Duration,
    /// Real time after which a loop looks into the database although nothing woke it.
    pub idle: Duration,
    /// Provider calls at the same time, for each connection.
    pub calls_in_flight: usize,
    /// How long "not found" is expected after an object was asked for (injected clock).
    pub not_found_grace: Duration,
    /// The same for an attempt whose outcome is unknown; denied for longer, and often enough, it ends as failed.
    pub unknown_grace: Duration,
    /// Real time a webhook's body may take to arrive.
    pub body_timeout: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            resend_after: Duration::from_secs(2),
            resend_max: Duration::from_secs(60),
            idle: Duration::from_millis(250),
            calls_in_flight: 8,
            not_found_grace: Duration::from_secs(300),
            unknown_grace: Duration::from_secs(1_800),
            body_timeout: Duration::from_secs(15),
        }
    }
}
