//! Forged signatures in numbers: none gets in, and genuine ones are served meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::body::Bytes;
use base64::Engine;
use futures_util::FutureExt;

use crate::support::*;

const FORGED: usize = 20_000;
const FORGERS: usize = 40;

fn body(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into())
}

/// A forged signature that few cheap checks refuse, and the body that it is shown with.
fn forged(random: &mut Seeded, pair: &Pair, genuine: &[(Bytes, Vec<u8>)], nth: usize) -> (Bytes, Vec<u8>) {
    let (of, signature) = &genuine[random.below(genuine.len())];
    let mut signature = signature.clone();
    match nth % 3 {
        0 => {
            let mut bytes = random.bytes(pair.size());
            // Below every modulus of this length, so that it costs an RSA operation.
            bytes[0] &= 0x7f;
            (of.clone(), bytes)
        }
        1 => {
            let bit = random.below(8 * pair.size());
            signature[bit / 8] ^= 1 << (bit % 8);
            (of.clone(), signature)
        }
        _ => (body(format!("another body {nth}")), signature),
    }
}

#[tokio::test]
async fn twenty_thousand_forged_signatures_open_nothing_while_genuine_ones_are_served() {
    let verifier = Verifier::new();
    let (accepted, refused, over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let counts = Arc::new((accepted, refused, over));
    let pairs = [first(), large()];
    let sets = pairs.map(Pair::keys);
    let genuine = pairs.map(|pair| -> Arc<[(Bytes, Vec<u8>)]> {
        let bodies = (0..8).map(|n| body(format!("genuine {n}")));
        bodies.map(|body| (body.clone(), pair.signature(&body))).collect()
    });
    let mut forgers = Vec::new();
    for forger in 0..FORGERS {
        let (verifier, counts, sets, genuine) = (verifier.clone(), counts.clone(), sets.clone(), genuine.clone());
        forgers.push(tokio::spawn(async move {
            let mut random = Seeded::new(100 + forger as u64);
            for nth in 0..FORGED / FORGERS {
                // One of sixteen with the larger key, which takes twice the time.
                let which = usize::from(nth % 16 == 15);
                let (body, signature) = forged(&mut random, pairs[which], &genuine[which], nth);
                let header = STANDARD.encode(signature);
                let verdict = verifier.verify(&sets[which], body, header.as_bytes()).await;
                match verdict {
                    Ok(_) => counts.0.fetch_add(1, Ordering::Relaxed),
                    Err(Unverified::NotAuthentic(NotAuthentic::Signature)) => counts.1.fetch_add(1, Ordering::Relaxed),
                    Err(why) => panic!("{why:?}"),
                };
            }
        }));
    }
    let server = {
        let (verifier, counts) = (verifier.clone(), counts.clone());
        tokio::spawn(async move {
            let mut served = 0;
            while !counts.2.load(Ordering::Relaxed) {
                let which = usize::from(served % 16 == 15);
                let (body, signature) = &genuine[which][served % 8];
                let header = STANDARD.encode(signature);
                let verdict = verifier.verify(&sets[which], body.clone(), header.as_bytes()).await;
                assert_eq!(verdict, Ok(sets[which].iter().next().unwrap().fingerprint()));
                served += 1;
            }
            served
        })
    };
    for forger in forgers {
        forger.await.unwrap();
    }
    counts.2.store(true, Ordering::Relaxed);
    let served = server.await.unwrap();
    assert_eq!((counts.0.load(Ordering::Relaxed), counts.1.load(Ordering::Relaxed)), (0, FORGED));
    // First come, first served: about one of them for each round of the forgers.
    assert!(served >= FORGED / FORGERS / 4, "{served} genuine ones were served meanwhile");
}

#[tokio::test]
async fn a_full_queue_turns_away_at_once_and_only_on_its_own_connection() {
    let verifier = Verifier::new();
    let (flooded, calm) = (first().keys(), second().keys());
    let (message, header) = (body("flood"), first().header(b"flood"));
    let (mut waiting, mut busy) = (Vec::new(), 0);
    for _ in 0..WAITING_MAX + 64 {
        let mut call = Box::pin(verifier.verify(&flooded, message.clone(), header.as_bytes()));
        match (&mut call).now_or_never() {
            None => waiting.push(call),
            Some(Err(Unverified::Busy)) => busy += 1,
            Some(verdict) => assert!(verdict.is_ok()),
        }
    }
    assert!(busy > 0 && waiting.len() <= WAITING_MAX, "{busy} {}", waiting.len());
    // What is malformed needs no place; the other connection has places of its own.
    let malformed = verifier.verify(&flooded, message.clone(), b"short").await;
    assert_eq!(malformed, Err(Unverified::NotAuthentic(NotAuthentic::Length)));
    let other = second().header(b"flood");
    let both = async {
        // Half of the callers give up; their places are free again, and the rest is answered.
        let kept = waiting.split_off(waiting.len() / 2);
        drop(waiting);
        futures_util::future::join_all(kept).await
    };
    let (calm_verdict, kept) = tokio::join!(verifier.verify(&calm, message.clone(), other.as_bytes()), both);
    assert!(calm_verdict.is_ok());
    assert!(kept.iter().all(Result::is_ok));
    assert!(verifier.verify(&flooded, message, header.as_bytes()).await.is_ok());
}
