//! Bus subjects and the bodies that travel on them. Transport only: losing all of it is a delay, never a loss.

use serde::{Deserialize, Serialize};

use crate::codes::Refusal;
use crate::leaf::Hash;
use crate::{BookId, Claim, ClaimId, ConnectionId, EventId, Fact, Time};

/// Header with the HMAC-SHA-256 of subject, newline and body, in hex.
pub const MAC_HEADER: &str = "Ensimbi-Mac";
/// Largest body anybody puts on the bus or reads from it, in bytes.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// The three streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Up: what translators say.
    Claims,
    /// Down: the ledger's answer to each claim.
    Answers,
    /// Down: what was recorded, by position.
    Log,
}

impl Stream {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Claims, Self::Answers, Self::Log];

    /// The stream's name under a prefix (`ENSIMBI` by default).
    pub fn name(self, prefix: &str) -> String {
        let word = match self {
            Self::Claims => "CLAIMS",
            Self::Answers => "ANSWERS",
            Self::Log => "LOG",
        };
        format!("{}_{word}", prefix.to_uppercase())
    }

    /// The subjects it takes: `ensimbi.claims.>` and so on.
    pub fn subjects(self, prefix: &str) -> String {
        let word = match self {
            Self::Claims => "claims",
            Self::Answers => "answers",
            Self::Log => "log",
        };
        format!("{}.{word}.>", prefix.to_lowercase())
    }
}

fn connection_part(connection: Option<ConnectionId>) -> String {
    connection.map_or_else(|| "none".to_owned(), |c| c.to_string())
}

/// `ensimbi.claims.<book>.<connection>`.
pub fn claims_subject(prefix: &str, book: BookId, connection: Option<ConnectionId>) -> String {
    format!("{}.claims.{book}.{}", prefix.to_lowercase(), connection_part(connection))
}

/// `ensimbi.answers.<book>.<connection>`.
pub fn answers_subject(prefix: &str, book: BookId, connection: Option<ConnectionId>) -> String {
    format!("{}.answers.{book}.{}", prefix.to_lowercase(), connection_part(connection))
}

/// `ensimbi.log.<book>`.
pub fn log_subject(prefix: &str, book: BookId) -> String {
    format!("{}.log.{book}", prefix.to_lowercase())
}

/// Up: one claim, one attempt to have it answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimMessage {
    /// The claim.
    pub claim: Claim,
    /// Counts the sendings of this note, from 1.
    pub attempt: u32,
}

/// One event an answer points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRef {
    /// Its id.
    pub event_id: EventId,
    /// Its place.
    pub position: u64,
    /// RFC 6962 leaf hash.
    pub leaf_hash: Hash,
}

/// What the ledger says to a claim, new or repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// In the book, now or before.
    Recorded {
        /// The claim's own event first, then what the ledger made of it. Empty for pure repeats of evidence.
        events: Vec<RecordedRef>,
    },
    /// Never to be recorded; the note is finished.
    Refused {
        /// Why.
        code: Refusal,
        /// For a person, without secrets or parties.
        detail: String,
    },
}

/// Down: the answer to one claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Which claim.
    pub claim: ClaimId,
    /// Its book.
    pub book: BookId,
    /// Its connection.
    pub connection: Option<ConnectionId>,
    /// The attempt that is answered.
    pub attempt: u32,
    /// The answer.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Down: one recorded event as a CloudEvent 1.0 (JSON format), with `position` and `leafhash` as extensions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogMessage {
    /// Always `1.0`.
    pub specversion: String,
    /// Event id.
    pub id: String,
    /// `/books/<book>`.
    pub source: String,
    /// `ensimbi.<word>.v<version>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was recorded.
    pub time: Time,
    /// Place in the book.
    pub position: u64,
    /// RFC 6962 leaf hash in hex.
    pub leafhash: Hash,
    /// The fact layer.
    pub data: Fact,
}
