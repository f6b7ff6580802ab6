//! Sealing: a fresh data key each time, the data under it, the key itself wrapped under the house's wrap key.
//!
//! Bytes, format 1:
//! ```text
//! wrapped_key = 1 | nonce (12) | AES-256-GCM(wrap key, data key) (32 + 16)
//! sealed      = 1 | nonce (12) | AES-256-GCM(data key, plain)    (plain + 16)
//! plain       = salt (32) | body        for observations;  the JSON itself for parties
//! commitment  = SHA-256(salt | body)    for observations, the figure that stands in the leaf
//! ```
//! The associated data of both names the use and the ids, so a row put under another id or connection does not open.
//! Randomness is drawn in this order: data key, data nonce, salt (observations), wrap nonce.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use ensimbi_events::ports::Entropy;
use ensimbi_events::{ConnectionId, ObservationId, PartyId};
use secrecy::zeroize::{Zeroize, Zeroizing};

use crate::Vault;
use crate::keys::{prefixed, same};

/// Largest body that is sealed or opened, in bytes; far above every limit at the door.
pub const SEALED_BYTES_MAX: usize = 16 * 1024 * 1024;

const FORMAT: u8 = 1;
const HEADER: usize = 1 + NONCE_LEN;
const TAG: usize = 16;
const SALT: usize = 32;

/// An observation as its row stores it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedObservation {
    /// The data key, wrapped. Destroying it erases the observation.
    pub wrapped_key: Vec<u8>,
    /// Salt and body under the data key.
    pub sealed: Vec<u8>,
    /// SHA-256 of salt and body: what the leaf carries as evidence.
    pub commitment: [u8; 32],
}

/// An observation's row as read back; the key may be gone.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The wrapped data key; `None` once it was erased.
    pub wrapped_key: Option<Vec<u8>>,
    /// As sealed.
    pub sealed: Vec<u8>,
    /// As sealed.
    pub commitment: [u8; 32],
}

/// What an observation held.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedObservation {
    /// The 32 random bytes of the commitment.
    pub salt: [u8; 32],
    /// The provider's bytes, exactly.
    pub body: Vec<u8>,
}

/// A party's data as its row stores it. Sealing again draws a new key: store both columns, the old key is gone.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedParty {
    /// The party's key, wrapped. Destroying it erases the party.
    pub wrapped_key: Vec<u8>,
    /// The JSON under the party's key.
    pub sealed: Vec<u8>,
}

/// Why the vault gives nothing back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key was destroyed on purpose; this is an answer, not a fault.
    #[error("erased: its key was destroyed")]
    Erased,
    /// The row does not open. The word says which part.
    #[error("the {0} does not open: changed, moved to another id, or sealed under another master key")]
    Tampered(&'static str),
    /// More than [`SEALED_BYTES_MAX`].
    #[error("too large to seal: {0} bytes, at most {SEALED_BYTES_MAX}")]
    TooLarge(usize),
}

impl Vault {
    /// Seals a provider's bytes under a key of their own.
    ///
    /// # Errors
    /// [`VaultError::TooLarge`].
    pub fn seal_observation(
        &self,
        entropy: &dyn Entropy,
        id: ObservationId,
        connection: ConnectionId,
        body: &[u8],
    ) -> Result<SealedObservation, VaultError> {
        bounded(body)?;
        let ids = [id.as_bytes(), connection.as_bytes()];
        let mut commitment = [0; 32];
        let (wrapped_key, sealed) = self.seal(
            "observation",
            &ids,
            entropy,
            |plain| {
                let mut salt = [0; SALT];
                entropy.fill(&mut salt);
                plain.extend_from_slice(&salt);
                plain.extend_from_slice(body);
                commitment = sha256(plain);
            },
            SALT + body.len(),
        );
        Ok(SealedObservation { wrapped_key, sealed, commitment })
    }

    /// Opens an observation and compares it with its commitment.
    ///
    /// # Errors
    /// [`VaultError::Erased`] where the key is gone, [`VaultError::Tampered`] where anything was changed.
    pub fn open_observation(
        &self,
        id: ObservationId,
        connection: ConnectionId,
        row: &Sealed,
    ) -> Result<OpenedObservation, VaultError> {
        let ids = [id.as_bytes(), connection.as_bytes()];
        let plain = self.open("observation", &ids, row.wrapped_key.as_deref(), &row.sealed)?;
        let (salt, body) = plain.split_first_chunk::<SALT>().ok_or(VaultError::Tampered("sealed body"))?;
        if !same(&sha256(&plain), &row.commitment) {
            return Err(VaultError::Tampered("commitment"));
        }
        Ok(OpenedObservation { salt: *salt, body: body.to_vec() })
    }

    /// Seals what is known of a party under a key of its own.
    ///
    /// # Errors
    /// [`VaultError::TooLarge`].
    pub fn seal_party(&self, entropy: &dyn Entropy, id: PartyId, json: &[u8]) -> Result<SealedParty, VaultError> {
        bounded(json)?;
        let (wrapped_key, sealed) =
            self.seal("party", &[id.as_bytes()], entropy, |plain| plain.extend_from_slice(json), json.len());
        Ok(SealedParty { wrapped_key, sealed })
    }

    /// Opens a party's data.
    ///
    /// # Errors
    /// [`VaultError::Erased`] where the key is gone, [`VaultError::Tampered`] where anything was changed.
    pub fn open_party(&self, id: PartyId, wrapped_key: Option<&[u8]>, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut plain = self.open("party", &[id.as_bytes()], wrapped_key, sealed)?;
        Ok(std::mem::take(&mut *plain))
    }

    fn seal(
        &self,
        purpose: &str,
        ids: &[&[u8; 16]],
        entropy: &dyn Entropy,
        write: impl FnOnce(&mut Vec<u8>),
        length: usize,
    ) -> (Vec<u8>, Vec<u8>) {
        let mut data_key = Zeroizing::new([0; 32]);
        entropy.fill(data_key.as_mut());
        let sealed = encrypt(&data_key, &aad("data", purpose, ids), entropy, write, length);
        let wrap = Zeroizing::new(self.wrap_key());
        let write_key = |plain: &mut Vec<u8>| plain.extend_from_slice(data_key.as_ref());
        let wrapped = encrypt(&wrap, &aad("key", purpose, ids), entropy, write_key, 32);
        (wrapped, sealed)
    }

    fn open(
        &self,
        purpose: &str,
        ids: &[&[u8; 16]],
        wrapped_key: Option<&[u8]>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let wrapped_key = wrapped_key.ok_or(VaultError::Erased)?;
        let wrap = Zeroizing::new(self.wrap_key());
        let wrong_key = VaultError::Tampered("wrapped key");
        let key = decrypt(&wrap, &aad("key", purpose, ids), wrapped_key).ok_or(wrong_key)?;
        let key = Zeroizing::new(<[u8; 32]>::try_from(key.as_slice()).map_err(|_| wrong_key)?);
        decrypt(&key, &aad("data", purpose, ids), sealed).ok_or(VaultError::Tampered("sealed body"))
    }
}

fn bounded(body: &[u8]) -> Result<(), VaultError> {
    if body.len() > SEALED_BYTES_MAX { Err(VaultError::TooLarge(body.len())) } else { Ok(()) }
}

/// What a ciphertext is for and whose it is; the format byte is the first part, so it is authenticated too.
fn aad(layer: &str, purpose: &str, ids: &[&[u8; 16]]) -> Vec<u8> {
    let format = [FORMAT];
    let mut parts: Vec<&[u8]> = vec![&format, b"ensimbi.vault.seal.1", layer.as_bytes(), purpose.as_bytes()];
    parts.extend(ids.iter().map(|id| id.as_slice()));
    prefixed(&parts)
}

fn encrypt(
    key: &[u8; 32],
    aad: &[u8],
    entropy: &dyn Entropy,
    write: impl FnOnce(&mut Vec<u8>),
    length: usize,
) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);
    // Room for all of it from the start: growing would leave copies of the plain bytes behind.
    let mut plain = Vec::with_capacity(length + TAG);
    write(&mut plain);
    let done = cipher(key).seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut plain);
    done.expect("the length is bounded far below what AES-GCM can seal");
    let mut out = Vec::with_capacity(HEADER + plain.len());
    out.push(FORMAT);
    out.extend_from_slice(&nonce);
    out.append(&mut plain);
    out
}

fn decrypt(key: &[u8; 32], aad: &[u8], bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if bytes.len() > HEADER + SALT + SEALED_BYTES_MAX + TAG {
        return None;
    }
    let (&format, rest) = bytes.split_first()?;
    let (nonce, cipher_text) = rest.split_first_chunk::<NONCE_LEN>()?;
    if format != FORMAT {
        return None;
    }
    let mut plain = Zeroizing::new(cipher_text.to_vec());
    let opened = cipher(key).open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut plain);
    let length = opened.ok()?.len();
    plain.truncate(length);
    Some(plain)
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes keys of 32 bytes"))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

impl From<SealedObservation> for Sealed {
    fn from(row: SealedObservation) -> Self {
        Self { wrapped_key: Some(row.wrapped_key), sealed: row.sealed, commitment: row.commitment }
    }
}

impl Drop for OpenedObservation {
    fn drop(&mut self) {
        self.salt.zeroize();
        self.body.zeroize();
    }
}

impl OpenedObservation {
    /// Takes the body out.
    pub fn into_body(mut self) -> Vec<u8> {
        std::mem::take(&mut self.body)
    }
}

macro_rules! hidden {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(hidden)"))
            }
        }
    )*};
}
hidden!(SealedObservation, Sealed, OpenedObservation, SealedParty);
