//! Message authentication: HMAC-SHA-256 over subject, newline, body, in hex.
//!
//! The newline cannot occur in a subject, so no other pair of subject and body has the same bytes. A message whose MAC
//! fails goes to quarantine and is terminated: it is never posted and never redelivered.

use aws_lc_rs::hmac;

use crate::message::{Delivery, Outgoing};

/// The MAC of a message under a key (one a connection, from `ensimbi_events::ports::MacKeys`), in lower-case hex.
pub fn sign(key: &[u8; 32], subject: &str, body: &[u8]) -> String {
    hex::encode(context(key, subject, body).sign())
}

/// Whether the MAC is the one of this subject and body; in a time that does not depend on where it differs.
pub fn verify(key: &[u8; 32], subject: &str, body: &[u8], mac: &str) -> bool {
    let mut given = [0; 32];
    if hex::decode_to_slice(mac, &mut given).is_err() {
        return false;
    }
    let expected = context(key, subject, body).sign();
    aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref(), &given).is_ok()
}

/// A message with its MAC, ready to publish.
pub fn sign_outgoing(key: &[u8; 32], subject: String, message_id: String, body: Vec<u8>) -> Outgoing {
    let mac = sign(key, &subject, &body);
    Outgoing { subject, message_id, mac, body }
}

/// Whether a delivery carries the MAC of its subject and body; without one it does not.
pub fn check(delivery: &Delivery, key: &[u8; 32]) -> bool {
    delivery.mac.as_deref().is_some_and(|mac| verify(key, &delivery.subject, &delivery.body, mac))
}

fn context(key: &[u8; 32], subject: &str, body: &[u8]) -> hmac::Context {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(subject.as_bytes());
    context.update(b"\n");
    context.update(body);
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_subject_body_key_or_mac_fails() {
        let key = [7; 32];
        let mac = sign(&key, "a.b", b"{}");
        assert!(verify(&key, "a.b", b"{}", &mac) && verify(&key, "a.b", b"{}", &mac.to_uppercase()));
        assert!(!verify(&key, "a.c", b"{}", &mac));
        assert!(!verify(&key, "a.b", b"{ }", &mac));
        assert!(!verify(&[8; 32], "a.b", b"{}", &mac));
        assert!(!verify(&key, "a.b", b"{}", &mac[2..]));
        assert!(!verify(&key, "a.b", b"{}", "") && !verify(&key, "a.b", b"{}", &"z".repeat(64)));
    }

    #[test]
    fn the_mac_is_hmac_sha256_as_other_tools_compute_it() {
        // printf 'a.b\n{}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707...07
        assert_eq!(sign(&[7; 32], "a.b", b"{}"), "2398d2539b50cd2aea19de769341be396f3a6102a992e1abbd42178194c78c55");
    }
}
