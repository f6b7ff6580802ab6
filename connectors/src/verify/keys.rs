//! The active keys of one connection, and the check of one signature against them.
//!
//! Several keys, because a provider's new key and its old one sign side by side for a while. Kept parsed and shared: a
//! clone costs a counter.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ensimbi_events::Hash;
use ensimbi_events::leaf::sha256;
use tokio::sync::Semaphore;

use super::{KeyError, NotAuthentic, PublicKey};

/// Most keys in a set. Two are in use during a rotation, four where two channels sign with keys of their own.
pub const KEYS_MAX: usize = 4;
/// Signatures of one set that wait or are looked at, at once. Further ones are turned away, to be sent again: a flood on
/// one connection fills its own places only, and the wait of everybody else stays a fraction of a second.
pub const WAITING_MAX: usize = 256;

/// Keys, any of which may have signed.
#[derive(Clone)]
pub struct PublicKeys(Arc<Shared>);

struct Shared {
    keys: Vec<PublicKey>,
    places: Semaphore,
}

/// What passed every cheap check against at least one key.
pub(super) struct Candidate(Vec<u8>);

impl PublicKeys {
    /// A set. A key that is named twice is there once.
    ///
    /// # Errors
    /// [`KeyError::Count`].
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self, KeyError> {
        let mut kept: Vec<PublicKey> = Vec::new();
        for key in keys {
            if !kept.contains(&key) {
                kept.push(key);
            }
            if kept.len() > KEYS_MAX {
                return Err(KeyError::Count);
            }
        }
        if kept.is_empty() {
            return Err(KeyError::Count);
        }
        Ok(Self(Arc::new(Shared { keys: kept, places: Semaphore::new(WAITING_MAX) })))
    }

    /// A set from PEM texts, one key in each.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_pem<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, KeyError> {
        let keys: Result<Vec<PublicKey>, KeyError> =
            texts.into_iter().map(|text| PublicKey::from_pem(text.as_ref())).collect();
        Self::new(keys?)
    }

    /// The keys, in the order of configuration.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.keys.iter()
    }

    /// Checks the signature in a header's value over a body, on this thread: RSA takes a fifth of a millisecond for each
    /// key. Async code goes through [`super::Verifier`]. Returns the fingerprint of the key that signed.
    ///
    /// # Errors
    /// See [`NotAuthentic`].
    pub fn verify(&self, body: &[u8], header: &[u8]) -> Result<Hash, NotAuthentic> {
        self.decide(&self.candidate(header)?, body)
    }

    /// The cheap checks, without looking at the body.
    pub(super) fn candidate(&self, header: &[u8]) -> Result<Candidate, NotAuthentic> {
        // The text's length first: what is decoded is never longer than a signature of the largest key.
        let fits = |key: &PublicKey| header.len() == key.signature_bytes().div_ceil(3) * 4;
        if !self.0.keys.iter().any(fits) {
            return Err(NotAuthentic::Length);
        }
        // Canonical padding, no bits left over, no other alphabet, no white space: one signature is one text.
        let signature = STANDARD.decode(header).map_err(|_| NotAuthentic::Encoding)?;
        if !self.0.keys.iter().any(|key| key.signature_bytes() == signature.len()) {
            return Err(NotAuthentic::Length);
        }
        if !self.0.keys.iter().any(|key| key.could_have_made(&signature)) {
            return Err(NotAuthentic::Signature);
        }
        Ok(Candidate(signature))
    }

    /// The dear check: the body's hash, once, and RSA for each key that the signature fits.
    pub(super) fn decide(&self, Candidate(signature): &Candidate, body: &[u8]) -> Result<Hash, NotAuthentic> {
        let hash = sha256(body);
        let mut fitting = self.0.keys.iter().filter(|key| key.could_have_made(signature));
        fitting.find(|key| key.made(signature, &hash)).map(PublicKey::fingerprint).ok_or(NotAuthentic::Signature)
    }

    pub(super) fn places(&self) -> &Semaphore {
        &self.0.places
    }
}

impl fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
