//! The vault: seals raw provider bytes and party data, and derives every symmetric key of the house.
//!
//! Shape: pure cryptography, no SQL and no clock. Callers store what [`Vault`] returns inside their own transaction, so
//! a sealed row and the row that needs it live or die together.
//!
//! ```text
//! master key (file or environment, 32 bytes)
//!    | HKDF-SHA-256, one info string with a version for each use
//!    +- ensimbi.vault.wrap.1     wraps data keys        (AES-256-GCM)
//!    +- ensimbi.bus.mac.1        + book + connection    MAC of bus messages
//!    +- ensimbi.delivery.1       + connection           key of a delivery: HMAC of its raw body
//!    +- ensimbi.pepper.1         + book                 look-up of parties without storing what they are called
//!    +- ensimbi.fingerprint.1                           tells one master key from another
//! data key (fresh, one an observation or party) - wrapped beside its row; erasing the wrapped key erases the data
//! ```
//!
//! Erasing destroys keys, never rows: a row whose wrapped key is gone reads as [`VaultError::Erased`], and its
//! commitment in the book still verifies as "erased". A row that was changed, moved to another id or sealed under
//! another master key reads as [`VaultError::Tampered`].
//!
//! Bounds and known limits:
//! * One sealed body holds at most [`SEALED_BYTES_MAX`] bytes.
//! * A data key seals once, so its nonce cannot repeat. The wrap key draws a random 96-bit nonce each time: NIST
//!   SP 800-38D (8.3) allows 2^32 of those a key, so the master key must be replaced before 2^32 observations and
//!   parties together (at a steady 100 a second that is 497 days; such a house rotates yearly).
//! * An operator who can read the master key and the rows can read everything; the vault protects stored rows, backups
//!   and replicas, not a process that was taken over.
//! * Erasing a wrapped key does not reach into backups made before; their retention bounds how long it can return.

mod keys;
mod master;
mod seal;

pub use keys::{SystemEntropy, Vault, same};
pub use master::{KeyError, MASTER_KEY_BYTES, MasterKey, ReadKey};
pub use seal::{OpenedObservation, SEALED_BYTES_MAX, Sealed, SealedObservation, SealedParty, VaultError};
