//! Verification off the async threads, with a bound on how many run and how many wait.
//!
//! A place among the set's own ([`super::WAITING_MAX`]; none free: turned away at once), then a turn among all sets (first
//! come, first served), then a blocking thread. The turn goes along into that thread: a caller that gives up leaves no
//! work behind which is not counted. Turns are half the cores: a flood of forged signatures leaves the other half to the
//! rest of the house, and never fills the blocking pool, in which files are read and names resolved.

use std::sync::Arc;

use axum::body::Bytes;
use ensimbi_events::Hash;
use tokio::sync::Semaphore;

use super::{NotAuthentic, PublicKeys};

/// No key is known to have signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// It was looked at: nobody of ours signed it.
    #[error(transparent)]
    NotAuthentic(#[from] NotAuthentic),
    /// It was not looked at: too many of this connection wait, or the process stops. It may be sent again.
    #[error("too many signatures wait to be verified")]
    Busy,
}

/// Where all connections' signatures take their turn. One in a process; a clone is the same one.
#[derive(Debug, Clone)]
pub struct Verifier {
    turns: Arc<Semaphore>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Verifier {
    /// With as many turns as half the cores, at least one.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new((cores / 2).max(1))) }
    }

    /// Checks the signature in a header's value over a body; returns the fingerprint of the key that signed. What the
    /// cheap checks refuse takes neither place nor turn.
    ///
    /// # Errors
    /// See [`Unverified`].
    pub async fn verify(&self, keys: &PublicKeys, body: Bytes, header: &[u8]) -> Result<Hash, Unverified> {
        let candidate = keys.candidate(header)?;
        let _place = keys.places().try_acquire().map_err(|_| Unverified::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Unverified::Busy)?;
        let keys = keys.clone();
        let work = move || {
            let verdict = keys.decide(&candidate, &body);
            drop(turn);
            verdict
        };
        // A blocking thread fails us only when the process stops.
        Ok(tokio::task::spawn_blocking(work).await.map_err(|_| Unverified::Busy)??)
    }
}
