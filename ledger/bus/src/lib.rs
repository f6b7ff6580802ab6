//! The bus: transport, never truth.
//!
//! Whatever is here may be lost, doubled, delayed, reordered or forged, and nothing in the house depends on it being
//! otherwise: notes wait in the outbox until the *ledger* answers, readers go by position in the book, every message
//! carries a MAC, and consumers find repeats by their own keys. A publish that succeeded means "the bus has it for now"
//! and finishes nothing. Losing all of the bus is a delay.
//!
//! ```text
//! Outgoing -> Bus::publish -> stream (claims | answers | log) -> durable, one filter -> Subscription::next_batch
//!                                                                                   -> Delivery::{ack, nak, term}
//! ```
//!
//! Two implementations behind one trait, held to one suite:
//! * [`NatsBus`]: NATS JetStream, nats-server 2.9.10 and later, without any call that an old server would ignore.
//! * [`LocalBus`]: in process, nothing stored, with [`Faults`] on purpose.
//!
//! Bounds: bodies of at most [`ensimbi_events::bus::BODY_BYTES_MAX`] bytes; ids and subjects of at most 256; 1,000
//! publishes in flight a connection; at most 2,000 unacknowledged deliveries a durable; an unacknowledged delivery
//! comes again after 30 s. This is the only package that names `async-nats`.

mod local;
pub mod mac;
mod message;
mod nats;
mod subject;

use async_trait::async_trait;
use ensimbi_events::bus::Stream;

pub use local::{Faults, LocalBus, LocalOptions};
pub use message::{BusError, Delivery, Health, Outgoing};
pub use nats::{NatsBus, NatsOptions};

/// A way to carry messages. Cheap to share: put it in an `Arc`.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Publishes all, with many acknowledgements in flight; one result a message, in order. `Ok` means the bus has
    /// acknowledged it, which proves nothing. Comes back within a bounded time (NATS: about 15 s at worst).
    async fn publish(&self, messages: Vec<Outgoing>) -> Vec<Result<(), BusError>>;

    /// Opens a durable, at-least-once subscription with one filter subject (`*` and `>` are wildcards), from the first
    /// message the bus still has. Opening the same durable again continues where its acknowledgements stopped.
    /// Waits while the bus cannot be reached.
    ///
    /// # Errors
    /// [`BusError::Foreign`] where the durable or stream exists with other settings; [`BusError::Refused`] for a bad
    /// name or filter; [`BusError::Closed`].
    async fn subscribe(&self, stream: Stream, durable: &str, filter: &str) -> Result<Box<dyn Subscription>, BusError>;

    /// Whether the bus works now; bounded to a few seconds.
    async fn health(&self) -> Health;

    /// First word of streams and subjects, as given (`ENSIMBI` by default).
    fn prefix(&self) -> &str;

    /// Ends it: publishes are refused, subscriptions return [`BusError::Closed`].
    async fn close(&self);
}

/// One durable's messages.
#[async_trait]
pub trait Subscription: Send {
    /// Waits for at least one message, then takes what is there at once, up to `max` (at least 1). Troubles of the
    /// transport are logged and waited out inside; streams and consumers that vanished are made again. Dropping the
    /// future loses nothing.
    ///
    /// # Errors
    /// [`BusError::Closed`] once the bus is closed, and nothing else.
    async fn next_batch(&mut self, max: usize) -> Result<Vec<Delivery>, BusError>;
}
