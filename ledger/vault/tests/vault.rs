//! What the vault promises, seen from outside.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU8, Ordering};

use ensimbi_events::ports::{Entropy, MacKeys};
use ensimbi_events::{BookId, ConnectionId, ObservationId, PartyId};
use ensimbi_vault::{MasterKey, SEALED_BYTES_MAX, Sealed, SystemEntropy, Vault, VaultError, same};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const BODY: &[u8] = br#"{"status":"Pending","payer":"+256700000001"}"#;

/// Counts up, so that every draw is known.
struct Scripted(AtomicU8);

impl Entropy for Scripted {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|b| *b = self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn vault() -> Vault {
    Vault::new(MasterKey::from_bytes([7; 32]))
}

fn observation(n: u128) -> ObservationId {
    ObservationId(Uuid::from_u128(n))
}

fn connection(n: u128) -> ConnectionId {
    ConnectionId(Uuid::from_u128(n))
}

fn sealed() -> Sealed {
    vault().seal_observation(&SystemEntropy, observation(1), connection(2), BODY).unwrap().into()
}

#[test]
fn a_sealed_observation_opens_to_the_same_bytes() {
    for body in [BODY, b"", &[0; 70_000]] {
        let row: Sealed = vault().seal_observation(&SystemEntropy, observation(1), connection(2), body).unwrap().into();
        let opened = vault().open_observation(observation(1), connection(2), &row).unwrap();
        assert_eq!(opened.body, body);
        assert_eq!(opened.into_body(), body);
        assert!(body.is_empty() || !row.sealed.windows(body.len()).any(|w| w == body));
    }
}

#[test]
fn the_commitment_is_sha256_of_salt_and_body() {
    let row = sealed();
    let opened = vault().open_observation(observation(1), connection(2), &row).unwrap();
    let independent: [u8; 32] = Sha256::new().chain_update(opened.salt).chain_update(BODY).finalize().into();
    assert_eq!(row.commitment, independent);
}

#[test]
fn every_changed_byte_reads_as_tampered() {
    let row = sealed();
    let wrapped = row.wrapped_key.clone().unwrap();
    let open = |row: &Sealed| vault().open_observation(observation(1), connection(2), row);
    for i in 0..wrapped.len() {
        let mut bytes = wrapped.clone();
        bytes[i] ^= 1;
        let changed = Sealed { wrapped_key: Some(bytes), ..row.clone() };
        assert_eq!(open(&changed).unwrap_err(), VaultError::Tampered("wrapped key"), "byte {i}");
    }
    for i in 0..row.sealed.len() {
        let mut changed = row.clone();
        changed.sealed[i] ^= 0x80;
        assert_eq!(open(&changed).unwrap_err(), VaultError::Tampered("sealed body"), "byte {i}");
    }
    for i in 0..32 {
        let mut changed = row.clone();
        changed.commitment[i] ^= 1;
        assert_eq!(open(&changed).unwrap_err(), VaultError::Tampered("commitment"), "byte {i}");
    }
}

#[test]
fn every_cut_or_grown_row_reads_as_tampered() {
    let row = sealed();
    let open = |row: &Sealed| vault().open_observation(observation(1), connection(2), row);
    for length in 0..row.sealed.len() {
        let changed = Sealed { sealed: row.sealed[..length].to_vec(), ..row.clone() };
        assert_eq!(open(&changed).unwrap_err(), VaultError::Tampered("sealed body"), "length {length}");
    }
    let wrapped = row.wrapped_key.clone().unwrap();
    for length in 0..wrapped.len() {
        let changed = Sealed { wrapped_key: Some(wrapped[..length].to_vec()), ..row.clone() };
        assert_eq!(open(&changed).unwrap_err(), VaultError::Tampered("wrapped key"), "length {length}");
    }
    let mut grown = row.clone();
    grown.sealed.push(0);
    assert_eq!(open(&grown).unwrap_err(), VaultError::Tampered("sealed body"));
}

#[test]
fn a_row_moved_to_another_id_or_connection_or_master_reads_as_tampered() {
    let row = sealed();
    let moved = VaultError::Tampered("wrapped key");
    assert_eq!(vault().open_observation(observation(9), connection(2), &row).unwrap_err(), moved);
    assert_eq!(vault().open_observation(observation(1), connection(9), &row).unwrap_err(), moved);
    let other = Vault::new(MasterKey::from_bytes([8; 32]));
    assert_eq!(other.open_observation(observation(1), connection(2), &row).unwrap_err(), moved);
    let other = vault().seal_observation(&SystemEntropy, observation(3), connection(2), BODY).unwrap();
    let mixed = Sealed { sealed: other.sealed, commitment: other.commitment, ..row };
    let mixed = vault().open_observation(observation(1), connection(2), &mixed).unwrap_err();
    assert_eq!(mixed, VaultError::Tampered("sealed body"));
}

#[test]
fn a_row_without_its_key_reads_as_erased() {
    let row = Sealed { wrapped_key: None, ..sealed() };
    assert_eq!(vault().open_observation(observation(1), connection(2), &row).unwrap_err(), VaultError::Erased);
    let party = PartyId(Uuid::from_u128(5));
    let row = vault().seal_party(&SystemEntropy, party, b"{}").unwrap();
    assert_eq!(vault().open_party(party, None, &row.sealed).unwrap_err(), VaultError::Erased);
}

#[test]
fn a_party_opens_under_its_own_id_only() {
    let (one, two) = (PartyId(Uuid::from_u128(5)), PartyId(Uuid::from_u128(6)));
    let json = br#"{"phone":"+256700000001"}"#;
    let row = vault().seal_party(&SystemEntropy, one, json).unwrap();
    assert_eq!(vault().open_party(one, Some(&row.wrapped_key), &row.sealed).unwrap(), json);
    let wrong = vault().open_party(two, Some(&row.wrapped_key), &row.sealed).unwrap_err();
    assert_eq!(wrong, VaultError::Tampered("wrapped key"));
    // The same sixteen bytes as an observation's id open nothing either.
    let as_observation = Sealed { wrapped_key: Some(row.wrapped_key), sealed: row.sealed, commitment: [0; 32] };
    let crossed = vault().open_observation(ObservationId(one.0), connection(2), &as_observation).unwrap_err();
    assert_eq!(crossed, VaultError::Tampered("wrapped key"));
}

#[test]
fn scripted_randomness_gives_the_same_bytes_and_fresh_randomness_never() {
    let seal = |entropy: &dyn Entropy| {
        let row = vault().seal_observation(entropy, observation(1), connection(2), BODY).unwrap();
        (row.wrapped_key, row.sealed, row.commitment)
    };
    assert_eq!(seal(&Scripted(AtomicU8::new(0))), seal(&Scripted(AtomicU8::new(0))));
    let (first, second) = (seal(&SystemEntropy), seal(&SystemEntropy));
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
    assert_ne!(first.2, second.2);
}

#[test]
fn an_oversized_body_is_refused() {
    let body = vec![0; SEALED_BYTES_MAX + 1];
    let refused = vault().seal_observation(&SystemEntropy, observation(1), connection(2), &body).unwrap_err();
    assert_eq!(refused, VaultError::TooLarge(SEALED_BYTES_MAX + 1));
}

#[test]
fn keys_differ_by_use_book_connection_and_master() {
    let (book, other_book) = (BookId(Uuid::from_u128(1)), BookId(Uuid::from_u128(2)));
    let v = vault();
    let mut keys = vec![
        v.mac_key(book, None),
        v.mac_key(book, Some(connection(1))),
        v.mac_key(book, Some(connection(2))),
        v.mac_key(other_book, None),
        v.mac_key(other_book, Some(connection(1))),
        v.delivery_key(connection(1), BODY),
        v.delivery_key(connection(2), BODY),
        v.delivery_key(connection(1), b""),
        v.party_lookup(book, "phone", "+256700000001"),
        v.party_lookup(other_book, "phone", "+256700000001"),
        v.party_lookup(book, "email", "+256700000001"),
        v.party_lookup(book, "phon", "e+256700000001"),
        Vault::new(MasterKey::from_bytes([8; 32])).mac_key(book, None),
    ];
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
    assert_eq!(v.mac_key(book, None), vault().mac_key(book, None));
    assert_ne!(v.fingerprint(), Vault::new(MasterKey::from_bytes([8; 32])).fingerprint());
}

#[test]
fn the_bus_key_is_hkdf_as_written_down() {
    // RFC 5869 by hand over HMAC-SHA-256: PRK from 32 zero bytes of salt, then one block of output.
    let hmac = |key: &[u8], data: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
        aws_lc_rs::hmac::sign(&key, data).as_ref().to_vec()
    };
    let mut info = Vec::new();
    for part in [&b"ensimbi.bus.mac.1"[..], Uuid::from_u128(1).as_bytes(), &[]] {
        info.extend_from_slice(&u32::try_from(part.len()).unwrap().to_be_bytes());
        info.extend_from_slice(part);
    }
    info.push(1);
    let by_hand = hmac(&hmac(&[0; 32], &[7; 32]), &info);
    assert_eq!(vault().mac_key(BookId(Uuid::from_u128(1)), None).to_vec(), by_hand);
}

#[test]
fn secrets_compare_by_content() {
    assert!(same(b"abc", b"abc"));
    assert!(!same(b"abc", b"abd"));
    assert!(!same(b"abc", b"ab"));
    assert!(same(b"", b""));
}

#[test]
fn debug_shows_nothing() {
    let row = sealed();
    let opened = vault().open_observation(observation(1), connection(2), &row).unwrap();
    let party = vault().seal_party(&SystemEntropy, PartyId(Uuid::nil()), BODY).unwrap();
    let master = MasterKey::from_bytes([7; 32]);
    for text in [
        format!("{row:?}"),
        format!("{opened:?}"),
        format!("{party:?}"),
        format!("{master:?}"),
        format!("{:?}", vault()),
    ] {
        assert!(text.ends_with("(hidden)") && text.len() < 40, "{text}");
    }
}
