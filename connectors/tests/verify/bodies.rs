//! Which bodies and which mathematics are accepted.

use aws_lc_rs::digest;
use base64::Engine;
use ensimbi_events::leaf::sha256;
use rsa::pss::Pss;
use rsa::sha2::{Sha256, Sha512};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Pkcs1v15Sign};

use crate::support::*;

/// DigestInfo of SHA-256 up to the digest (RFC 8017 section 9.2, note 1).
const SHA256_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];
/// The same without the NULL parameters, which some verifiers let pass.
const SHA256_INFO_NO_NULL: [u8; 17] =
    [0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20];
/// DigestInfo of SHA-1.
const SHA1_INFO: [u8; 15] = [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];

fn refused(keys: &PublicKeys, signature: &[u8], what: &str) {
    let verdict = keys.verify(BODY, STANDARD.encode(signature).as_bytes());
    assert_eq!(verdict, Err(NotAuthentic::Signature), "{what}");
}

#[test]
fn two_keys_are_accepted_in_rotation_and_the_old_one_no_more_once_it_is_removed() {
    let (old, new) = (first(), large());
    let both = PublicKeys::from_pem([old.pem(), new.pem()]).unwrap();
    let prints: Vec<_> = both.iter().map(PublicKey::fingerprint).collect();
    assert_eq!(both.verify(BODY, old.header(BODY).as_bytes()), Ok(prints[0]));
    assert_eq!(both.verify(BODY, new.header(BODY).as_bytes()), Ok(prints[1]));
    let rotated = new.keys();
    assert_eq!(rotated.verify(BODY, new.header(BODY).as_bytes()), Ok(prints[1]));
    assert_eq!(rotated.verify(BODY, old.header(BODY).as_bytes()), Err(NotAuthentic::Length));
    // Of the same size, so that only the mathematics can tell.
    let other = second().keys();
    assert_eq!(other.verify(BODY, old.header(BODY).as_bytes()), Err(NotAuthentic::Signature));
    let same_size = PublicKeys::from_pem([second().pem(), old.pem()]).unwrap();
    assert_eq!(same_size.verify(BODY, old.header(BODY).as_bytes()), Ok(prints[0]));
}

#[test]
fn a_signature_holds_for_exactly_the_bytes_that_were_signed() {
    let (keys, header) = (first().keys(), first().header(BODY));
    assert!(keys.verify(BODY, header.as_bytes()).is_ok());
    for (at, byte) in BODY.iter().enumerate() {
        let mut changed = BODY.to_vec();
        changed[at] = byte ^ 1;
        assert_eq!(keys.verify(&changed, header.as_bytes()), Err(NotAuthentic::Signature), "byte {at}");
    }
    let text = std::str::from_utf8(BODY).unwrap();
    let reordered = r#"{"type": "purchase", "id": "7f3a", "status": "paid", "event_type": "purchase.paid"}"#;
    let others = [
        text.replacen(": ", ":", 1),
        text.replacen(", ", ",  ", 1),
        format!("{text} "),
        format!(" {text}"),
        format!("{text}\n"),
        format!("\u{feff}{text}"),
        text[..text.len() - 1].to_owned(),
        text.replace('/', "\\/") + text,
        reordered.to_owned(),
        String::new(),
    ];
    for other in others {
        assert_eq!(keys.verify(other.as_bytes(), header.as_bytes()), Err(NotAuthentic::Signature), "{other}");
    }
}

#[test]
fn another_padding_or_digest_is_refused() {
    let (pair, keys) = (first(), first().keys());
    let hash = sha256(BODY).0;
    let pss = pair.0.sign_with_rng(&mut Seeded::new(5), Pss::new::<Sha256>(), &hash).unwrap();
    refused(&keys, &pss, "PSS");
    let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, BODY);
    let info = Pkcs1v15Sign { hash_len: Some(20), prefix: SHA1_INFO.into() };
    refused(&keys, &pair.0.sign(info, sha1.as_ref()).unwrap(), "SHA-1");
    let sha512 = digest::digest(&digest::SHA512, BODY);
    refused(&keys, &pair.0.sign(Pkcs1v15Sign::new::<Sha512>(), sha512.as_ref()).unwrap(), "SHA-512");
    refused(&keys, &pair.0.sign(Pkcs1v15Sign::new_unprefixed(), &hash).unwrap(), "a digest without its name");
    let twice = sha256(&hash).0;
    refused(&keys, &pair.0.sign(Pkcs1v15Sign::new::<Sha256>(), &twice).unwrap(), "a digest of the digest");
}

/// `00 01 FF.. 00 <info> <digest>`, filled up to the length of the modulus.
fn block(size: usize, info: &[u8]) -> Vec<u8> {
    let tail = [&[0], info, &sha256(BODY).0].concat();
    [vec![0, 1], vec![0xff; size - 2 - tail.len()], tail].concat()
}

#[test]
fn a_block_that_is_not_exactly_the_one_of_pkcs1_is_refused() {
    for pair in [first(), large()] {
        let (keys, size) = (pair.keys(), pair.size());
        let good = block(size, &SHA256_INFO);
        assert_eq!(pair.raw(&good), pair.signature(BODY), "blocks are made as the standard makes them");
        let sealed = |block: &[u8], what: &str| {
            assert_eq!(block.len(), size, "{what}");
            refused(&keys, &pair.raw(block), what);
        };
        sealed(&block(size, &SHA256_INFO_NO_NULL), "no NULL in the digest's name");
        // Eight bytes of FF are the least that the standard allows; what follows the digest is free in a lax verifier.
        let short = [&[0, 1][..], &[0xff; 8], &[0], &SHA256_INFO, &sha256(BODY).0].concat();
        sealed(&[short.clone(), vec![0; size - short.len()]].concat(), "zeros after the digest");
        sealed(&[short.clone(), vec![0xa5; size - short.len()]].concat(), "data after the digest");
        let mut shifted = good[1..].to_vec();
        shifted.push(0);
        shifted[..2].copy_from_slice(&[0, 1]);
        sealed(&shifted, "one byte after the digest");
        let none = [&vec![0; size - short.len()][..], &short].concat();
        sealed(&none, "zeros before the block");
        let at = good.len() - 52;
        let patches = [
            (0, 1, "a first byte that is not zero"),
            (1, 2, "the block type of encryption"),
            (1, 0, "the block type of no padding"),
            (2, 0xfe, "the first padding byte"),
            (9, 0, "padding that ends early"),
            (size / 2, 0x7f, "a padding byte in the middle"),
            (at, 0xff, "no zero after the padding"),
            (at + 1, 0x31, "the outer tag"),
            (at + 2, 0x30, "the outer length"),
            (at + 15, 0x02, "another digest's name"),
            (at + 19, 0x1f, "the digest's length"),
            (size - 1, good[size - 1] ^ 1, "the digest's last bit"),
        ];
        for (at, byte, what) in patches {
            let mut bad = good.clone();
            assert_ne!(bad[at], byte, "{what}");
            bad[at] = byte;
            sealed(&bad, what);
        }
    }
}

#[test]
fn numbers_at_the_edges_are_refused() {
    let (pair, keys) = (first(), first().keys());
    let (n, one) = (pair.0.n().clone(), BigUint::from(1_u8));
    let genuine = BigUint::from_bytes_be(&pair.signature(BODY));
    let edges = [BigUint::from(0_u8), one.clone(), BigUint::from(2_u8), &n - &one, n.clone(), &n + &one, &n - &genuine];
    for number in edges {
        refused(&keys, &pair.sized(&number), "a number at the edge");
    }
    refused(&keys, &vec![0xff; pair.size()], "the largest number");
    // The same number modulo n, where it still fits the length: another text for a genuine signature.
    let more = &genuine + &n;
    if more.bits() <= 8 * pair.size() {
        refused(&keys, &pair.sized(&more), "more than the modulus");
    }
    let reversed: Vec<u8> = pair.signature(BODY).into_iter().rev().collect();
    refused(&keys, &reversed, "the other byte order");
}
