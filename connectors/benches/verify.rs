//! How many signatures a second one core verifies: RSA by itself, our check around it (base64, bounds, hash of the body),
//! and the way of the async code to a blocking thread and back. Then how many malformed ones are refused.
//!
//! `cargo bench -p ensimbi-connectors --bench verify`. The machine drifts, so only ratios of one run mean something: each
//! round measures all three in turn, and the best round counts. Integers only: ratios are per mille.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ensimbi_connectors::verify::{PublicKeys, Verifier};
use ensimbi_events::leaf::sha256;
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::rand_core::{CryptoRng, Error, RngCore, impls};
use rsa::sha2::Sha256;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};

/// Bits of the key, and signatures in a round.
const RUNS: [(usize, u32); 2] = [(2048, 2_000), (3072, 1_000)];
/// About the length of a purchase as providers push it, in bytes.
const BODY_BYTES: usize = 4_096;
const ROUNDS: usize = 7;

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

/// The same keys in every run: hashes of a counter.
struct Counter(u64);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, into: &mut [u8]) {
        for piece in into.chunks_mut(32) {
            self.0 += 1;
            piece.copy_from_slice(&sha256(&self.0.to_be_bytes()).0[..piece.len()]);
        }
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(into);
        Ok(())
    }
}

impl CryptoRng for Counter {}

fn time(count: u32, mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    (0..count).for_each(|_| work());
    start.elapsed()
}

fn per_second(count: u32, took: Duration) -> u128 {
    u128::from(count) * 1_000_000_000 / took.as_nanos().max(1)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    say("bits   raw RSA per s   ours per s   of raw (per mille)   async per s   of raw (per mille)   malformed per s");
    for (bits, count) in RUNS {
        let private = RsaPrivateKey::new(&mut Counter(0), bits).unwrap();
        let public = private.to_public_key();
        let keys = PublicKeys::from_pem([public.to_public_key_pem(LineEnding::LF).unwrap()]).unwrap();
        let body = Bytes::from(vec![b'x'; BODY_BYTES]);
        let hash = sha256(&body).0;
        let signature = private.sign(Pkcs1v15Sign::new::<Sha256>(), &hash).unwrap();
        let header = STANDARD.encode(&signature).into_bytes();
        let malformed = [&header[..header.len() - 1], b" "].concat();
        let verifier = Verifier::new();
        let mut best = [Duration::MAX; 4];
        for _ in 0..ROUNDS {
            let round = [
                time(count, || {
                    let padding = Pkcs1v15Sign::new::<Sha256>();
                    public.verify(padding, black_box(&hash), black_box(&signature)).unwrap();
                }),
                time(count, || {
                    black_box(keys.verify(black_box(&body), black_box(&header))).unwrap();
                }),
                runtime.block_on(async {
                    let start = Instant::now();
                    for _ in 0..count {
                        verifier.verify(&keys, body.clone(), &header).await.unwrap();
                    }
                    start.elapsed()
                }),
                time(count, || {
                    black_box(keys.verify(black_box(&body), black_box(&malformed))).unwrap_err();
                }),
            ];
            for (best, now) in best.iter_mut().zip(round) {
                *best = now.min(*best);
            }
        }
        let [raw, ours, queued, malformed] = best;
        let of_raw = |took: Duration| raw.as_nanos() * 1_000 / took.as_nanos().max(1);
        say(&format!(
            "{bits:<6} {:>13} {:>12} {:>20} {:>13} {:>20} {:>17}",
            per_second(count, raw),
            per_second(count, ours),
            of_raw(ours),
            per_second(count, queued),
            of_raw(queued),
            per_second(count, malformed),
        ));
    }
}
