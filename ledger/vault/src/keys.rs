//! Keys derived from the master key, and what they compute.
//!
//! Every derivation is HKDF-SHA-256 (RFC 5869, no salt) whose info is a list of parts, each with its length before it
//! as u32 big-endian: first the tag with its version, then ids as sixteen bytes, an absent id empty. So no two uses
//! share a key. A new use gets a new tag; an old one is never changed.

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::{constant_time, hmac, rand};
use ensimbi_events::ports::{Entropy, MacKeys};
use ensimbi_events::{BookId, ConnectionId};

use crate::MasterKey;

/// Seals and opens, and answers for keys. Holds key material: no `Debug` of it, wiped when dropped.
pub struct Vault {
    prk: Prk,
}

impl Vault {
    /// Takes the master key in; the key itself is wiped afterwards.
    pub fn new(master: MasterKey) -> Self {
        Self { prk: Salt::new(HKDF_SHA256, &[]).extract(master.expose()) }
    }

    /// Tells one master key from another without telling the key: a store that keeps it can say "another master key"
    /// at start instead of "tampered" at every row.
    pub fn fingerprint(&self) -> [u8; 16] {
        let mut out = [0; 16];
        out.copy_from_slice(&self.derive(&[b"ensimbi.fingerprint.1"])[..16]);
        out
    }

    /// The key of a delivery: HMAC-SHA-256 of the raw body under the connection's delivery key. The same bytes sent
    /// again have the same key; two connections never share one.
    pub fn delivery_key(&self, connection: ConnectionId, body: &[u8]) -> [u8; 32] {
        mac(&self.derive(&[b"ensimbi.delivery.1", connection.as_bytes()]), &[body])
    }

    /// The key under which a party is looked up, such as a normalised phone number: HMAC-SHA-256 with the book's
    /// pepper, since a plain hash of a phone number is read back by trying all of them.
    pub fn party_lookup(&self, book: BookId, kind: &str, normalized: &str) -> [u8; 32] {
        let key = self.derive(&[b"ensimbi.pepper.1", book.as_bytes()]);
        mac(&key, &[&prefixed(&[kind.as_bytes(), normalized.as_bytes()])])
    }

    pub(crate) fn wrap_key(&self) -> [u8; 32] {
        self.derive(&[b"ensimbi.vault.wrap.1"])
    }

    fn derive(&self, parts: &[&[u8]]) -> [u8; 32] {
        let info = prefixed(parts);
        let mut out = [0; 32];
        let info = [info.as_slice()];
        let filled = self.prk.expand(&info, Bytes32).and_then(|okm| okm.fill(&mut out));
        filled.expect("32 bytes are far below the 8,160 that HKDF-SHA-256 can give");
        out
    }
}

impl MacKeys for Vault {
    fn mac_key(&self, book: BookId, connection: Option<ConnectionId>) -> [u8; 32] {
        let connection = connection.as_ref().map_or(&[][..], |c| c.as_bytes());
        self.derive(&[b"ensimbi.bus.mac.1", book.as_bytes(), connection])
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(hidden)")
    }
}

struct Bytes32;

impl KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

/// Randomness of the operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Going on with predictable keys would be worse than stopping.
        rand::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Whether two secrets are equal, in a time that does not depend on where they differ (only on the lengths).
pub fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// Parts, each with its length before it, so that no two lists share bytes.
pub(crate) fn prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(parts.iter().map(|p| p.len() + 4).sum());
    for part in parts {
        // No part comes near 4 GiB: tags, ids and short words.
        out.extend_from_slice(&(part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}
