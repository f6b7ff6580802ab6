//! What a connector outside the process posts, and what becomes of it. The API takes the bytes, the door reads them.

use crate::ObservationId;
use crate::codes::Problem;
use crate::commands::ToldFact;

/// What became of an observation that was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Its id, new or known.
    pub observation: ObservationId,
    /// Whether exactly these bytes were there already: nothing new was told.
    pub repeated: bool,
    /// `new`, `translated` or `quarantined`.
    pub state: &'static str,
    /// Why it is quarantined.
    pub reason: Option<String>,
    /// Its claims in order, each with the ledger's answer once there is one.
    pub claims: Vec<ToldFact>,
}

impl Posted {
    /// Whether nothing more will come.
    pub fn is_complete(&self) -> bool {
        self.state != "new" && self.claims.iter().all(|claim| claim.outcome.is_some())
    }
}

/// Why an observation was not taken. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The connection is not in the configuration, or not one from outside.
    #[error("the key's connection takes no observations")]
    NoSuchConnection,
    /// A field that is wrong.
    #[error("{field}: {problem}")]
    Invalid {
        /// The stable word.
        code: Problem,
        /// The field, with dots inside objects and the number inside lists.
        field: String,
        /// What was expected, without any value.
        problem: String,
    },
    /// The store does not answer; the same bytes may be posted again.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// Something of ours is broken.
    #[error("broken: {0}")]
    Broken(String),
}
