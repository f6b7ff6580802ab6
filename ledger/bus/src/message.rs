//! What goes in, what comes out, and what can be wrong.

use std::fmt;
use std::time::Duration;

use ensimbi_events::bus::BODY_BYTES_MAX;

use crate::local::LocalAck;
use crate::nats::NatsAck;

/// Longest subject, message id or durable name, in bytes.
pub(crate) const WORD_BYTES_MAX: usize = 256;

/// One message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Full subject, such as `ensimbi.claims.<book>.<connection>`.
    pub subject: String,
    /// Becomes `Nats-Msg-Id`: printable ASCII. The same id within two minutes may be taken for the same message.
    pub message_id: String,
    /// HMAC of subject, newline and body in hex ([`crate::mac`]).
    pub mac: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// Why a message or subscription did not go through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// Not now. Send again with the same message id.
    #[error("the bus does not take it now: {0}")]
    Unavailable(String),
    /// A stream or durable of our name belongs to somebody else; it was left as it is and a person must look.
    #[error("{0}")]
    Foreign(String),
    /// This will never be accepted.
    #[error("the bus cannot carry this: {0}")]
    Refused(String),
    /// The bus was closed by its owner.
    #[error("the bus is closed")]
    Closed,
}

/// How the bus is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Connected, and the three streams are ours and there.
    pub ok: bool,
    /// What is wrong, or where it is connected. Never credentials.
    pub detail: String,
    /// The server's version, once known.
    pub version: Option<String>,
    /// What works but should be known, one sentence each.
    pub warnings: Vec<String>,
}

/// One message received. Ends by [`Delivery::ack`], [`Delivery::nak`] or [`Delivery::term`]; dropped without any of
/// these it comes again after the acknowledgement time.
#[must_use]
pub struct Delivery {
    /// Subject it was published on.
    pub subject: String,
    /// `Nats-Msg-Id`, if any. Anybody could have written it.
    pub message_id: Option<String>,
    /// `Ensimbi-Mac`, if any. Not checked yet: see [`crate::mac::check`].
    pub mac: Option<String>,
    /// The body.
    pub body: Vec<u8>,
    /// How often this durable was given it, from 1.
    pub attempt: u32,
    pub(crate) handle: Handle,
}

pub(crate) enum Handle {
    Nats(NatsAck),
    Local(LocalAck),
}

/// What a consumer says to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ack,
    Nak(Duration),
    Term,
}

impl Delivery {
    /// Done: it does not come again, unless the acknowledgement is lost. Sent without waiting for the server.
    pub async fn ack(self) {
        self.handle.answer(Verdict::Ack).await;
    }

    /// Not now: it comes again after `delay`.
    pub async fn nak(self, delay: Duration) {
        self.handle.answer(Verdict::Nak(delay)).await;
    }

    /// Never: it does not come again (quarantined, forged, unreadable).
    pub async fn term(self) {
        self.handle.answer(Verdict::Term).await;
    }

    /// Whether it came before.
    pub fn redelivered(&self) -> bool {
        self.attempt > 1
    }
}

impl Handle {
    pub(crate) async fn answer(self, verdict: Verdict) {
        match self {
            Self::Nats(ack) => ack.answer(verdict).await,
            Self::Local(ack) => ack.answer(verdict),
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Delivery");
        shown.field("subject", &self.subject).field("message_id", &self.message_id).field("attempt", &self.attempt);
        shown.field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

impl Outgoing {
    /// Bounds and characters, the same on every bus, so that what passes in process passes in production.
    pub(crate) fn check(&self) -> Result<(), BusError> {
        let refused = |why: &str| Err(BusError::Refused(why.to_owned()));
        if !crate::subject::is_literal(&self.subject) {
            return refused("the subject is empty, too long, or has wildcards or other characters");
        }
        if !is_word(&self.message_id) {
            return refused("the message id must be 1 to 256 printable ASCII characters");
        }
        if !is_word(&self.mac) {
            return refused("the MAC must be 1 to 256 printable ASCII characters");
        }
        if self.body.len() > BODY_BYTES_MAX {
            return Err(BusError::Refused(format!(
                "the body has {} bytes, at most {BODY_BYTES_MAX} are carried",
                self.body.len()
            )));
        }
        Ok(())
    }
}

fn is_word(text: &str) -> bool {
    (1..=WORD_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}
