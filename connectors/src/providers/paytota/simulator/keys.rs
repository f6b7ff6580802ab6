//! The keys that sign: the webhook's own (two while it is being changed) and the company's, which signs success
//! callbacks (provider facts, section 9.3). A simulator signs, the product only verifies.
//!
//! A key follows from the seed, so that the same seed makes the same run. It is made once for a file and kept there;
//! within a process no key is searched for twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ensimbi_events::Time;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest, Sha256};
use sqlx::{Row, SqliteConnection};

use crate::simulator::{Result, SimulatorError};

/// A key that signs, and its public half as PEM (`PUBLIC KEY`).
pub(super) struct Signer {
    key: RsaPrivateKey,
    pub(super) pem: String,
}

impl Signer {
    /// `base64(RSASSA-PKCS1-v1_5(SHA-256(bytes)))`.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<String> {
        let signed = self.key.sign(Pkcs1v15Sign::new::<rsa::sha2::Sha256>(), &Sha256::digest(bytes));
        Ok(STANDARD.encode(signed.map_err(|_| damaged())?))
    }

    fn read(der: &[u8]) -> Result<Self> {
        let key = RsaPrivateKey::from_pkcs8_der(der).map_err(|_| damaged())?;
        let pem = key.to_public_key().to_public_key_pem(LineEnding::LF).map_err(|_| damaged())?;
        Ok(Self { key, pem })
    }
}

fn damaged() -> SimulatorError {
    SimulatorError::Damaged("a signing key is unusable".to_owned())
}

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Webhook,
    Company,
    /// Whoever forges; never kept.
    Forger,
}

impl Owner {
    const fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Company => "company",
            Self::Forger => "forger",
        }
    }
}

/// The keys as they stand: the webhook's, the one that follows it and from when it is alone, and the company's.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) webhook: Arc<Signer>,
    pub(super) next: Option<(Arc<Signer>, Time)>,
    pub(super) company: Arc<Signer>,
}

impl Keys {
    /// The webhook keys that are good at a moment; the second only while both are.
    pub(super) fn webhook_at(&self, now: Time) -> (Arc<Signer>, Option<Arc<Signer>>) {
        match &self.next {
            Some((next, alone)) if *alone <= now => (next.clone(), None),
            Some((next, _)) => (self.webhook.clone(), Some(next.clone())),
            None => (self.webhook.clone(), None),
        }
    }
}

/// The file's keys, made where they are missing.
pub(super) async fn load(db: &mut SqliteConnection, seed: u64, bits: (usize, usize)) -> Result<Keys> {
    let known: i64 = sqlx::query("SELECT count(*) FROM signing_key").fetch_one(&mut *db).await?.try_get(0)?;
    if known == 0 {
        // Both at once; below they are found made.
        tokio::try_join!(made(Owner::Webhook, 1, seed, bits.0), made(Owner::Company, 1, seed, bits.1))?;
    }
    let company = one(&mut *db, Owner::Company, 1, (seed, bits.1)).await?;
    let rows = sqlx::query("SELECT nth, alone_at FROM signing_key WHERE owner = 'webhook' ORDER BY nth DESC LIMIT 2")
        .fetch_all(&mut *db)
        .await?;
    let mut newest = Vec::new();
    for row in rows {
        newest.push((row.try_get::<i64, _>(0)?, row.try_get::<i64, _>(1)?));
    }
    match newest[..] {
        [(last, alone), (before, _)] => Ok(Keys {
            webhook: one(&mut *db, Owner::Webhook, before, (seed, bits.0)).await?,
            next: Some((one(db, Owner::Webhook, last, (seed, bits.0)).await?, Time::from_micros(alone))),
            company,
        }),
        _ => Ok(Keys { webhook: one(db, Owner::Webhook, 1, (seed, bits.0)).await?, next: None, company }),
    }
}

/// Makes the webhook's next key, alone good from a moment on.
pub(super) async fn rotate(db: &mut SqliteConnection, seed: u64, bits: usize, alone: Time) -> Result<()> {
    let last: i64 = sqlx::query("SELECT max(nth) FROM signing_key WHERE owner = 'webhook'")
        .fetch_one(&mut *db)
        .await?
        .try_get(0)?;
    one(&mut *db, Owner::Webhook, last + 1, (seed, bits)).await?;
    sqlx::query("UPDATE signing_key SET alone_at = ?2 WHERE owner = 'webhook' AND nth = ?1")
        .bind(last + 1)
        .bind(alone.micros())
        .execute(db)
        .await?;
    Ok(())
}

async fn one(db: &mut SqliteConnection, owner: Owner, nth: i64, (seed, bits): (u64, usize)) -> Result<Arc<Signer>> {
    let found = sqlx::query("SELECT der FROM signing_key WHERE owner = ?1 AND nth = ?2")
        .bind(owner.word())
        .bind(nth)
        .fetch_optional(&mut *db)
        .await?;
    if let Some(row) = found {
        return Ok(Arc::new(Signer::read(row.try_get(0)?)?));
    }
    let der = made(owner, nth, seed, bits).await?;
    sqlx::query("INSERT INTO signing_key (owner, nth, der, alone_at) VALUES (?1, ?2, ?3, 0)")
        .bind(owner.word())
        .bind(nth)
        .bind(&der)
        .execute(db)
        .await?;
    Ok(Arc::new(Signer::read(&der)?))
}

/// The key of a forger, which nobody has published.
pub(super) async fn forger(seed: u64, bits: usize) -> Result<Signer> {
    Signer::read(&made(Owner::Forger, 1, seed, bits).await?)
}

/// By owner, number, seed and bits: PKCS#8.
type Made = BTreeMap<(&'static str, i64, u64, usize), Arc<OnceLock<Option<Vec<u8>>>>>;

async fn made(owner: Owner, nth: i64, seed: u64, bits: usize) -> Result<Vec<u8>> {
    static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());
    let place = {
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry((owner.word(), nth, seed, bits)).or_default().clone()
    };
    // The search for primes takes a while; it is no work for a thread that serves.
    let der = tokio::task::spawn_blocking(move || place.get_or_init(|| search(owner, nth, seed, bits)).clone());
    der.await.map_err(|error| SimulatorError::Network(error.to_string()))?.ok_or_else(damaged)
}

fn search(owner: Owner, nth: i64, seed: u64, bits: usize) -> Option<Vec<u8>> {
    let half = |which: &'static str| prime(&mut SeedRng::new(owner, nth, seed, which), bits / 2);
    // Two threads: the search is the cost of opening a new file.
    let (p, q) = std::thread::scope(|scope| {
        let p = scope.spawn(|| half("p"));
        let q = half("q");
        p.join().map(|p| (p, q))
    })
    .ok()?;
    let key = RsaPrivateKey::from_p_q(p, q, BigUint::from(EXPONENT)).ok()?;
    Some(key.to_pkcs8_der().ok()?.as_bytes().to_vec())
}

const EXPONENT: u64 = 65_537;
/// Candidates are sieved by the primes below this before one is tried.
const SIEVE: u64 = 1 << 16;
/// Odd candidates of one window.
const WINDOW: u64 = 1 << 12;
/// Bases of the test of Miller and Rabin; for candidates of a size as here far more than enough.
const BASES: [u64; 6] = [2, 3, 5, 7, 11, 13];

/// A prime with both upper bits set, so that a product of two has all its bits. The library's own search is too slow
/// without optimisation; this one sieves further first.
fn prime(rng: &mut SeedRng, bits: usize) -> BigUint {
    let small = small_primes();
    loop {
        let mut bytes = vec![0; bits / 8];
        rng.fill_bytes(&mut bytes);
        if let Some(first) = bytes.first_mut() {
            *first |= 0xc0;
        }
        if let Some(last) = bytes.last_mut() {
            *last |= 1;
        }
        let start = BigUint::from_bytes_be(&bytes);
        let mut composite = vec![false; WINDOW as usize];
        for p in &small {
            let rest = (&start % *p).to_bytes_be().iter().fold(0, |rest, byte| rest << 8 | u64::from(*byte));
            // The first k with start + 2k divisible by p.
            let first = if rest == 0 { 0 } else { (p - rest + if (p - rest) % 2 == 0 { 0 } else { *p }) / 2 };
            for k in (first..WINDOW).step_by(*p as usize) {
                composite[k as usize] = true;
            }
        }
        let left = composite.iter().zip(0_u64..).filter(|(composite, _)| !**composite);
        let mut candidates = left.map(|(_, k)| &start + 2 * k);
        if let Some(found) = candidates.find(|candidate| is_prime(candidate) && fits_exponent(candidate)) {
            return found;
        }
    }
}

fn fits_exponent(prime: &BigUint) -> bool {
    prime % EXPONENT != BigUint::from(1_u8)
}

fn small_primes() -> Vec<u64> {
    let mut composite = vec![false; SIEVE as usize];
    let mut primes = Vec::new();
    for n in 3..SIEVE {
        if n % 2 == 1 && !composite[n as usize] {
            primes.push(n);
            (n * n..SIEVE).step_by(n as usize).for_each(|k| composite[k as usize] = true);
        }
    }
    primes
}

/// Miller and Rabin, for odd numbers above the bases.
fn is_prime(n: &BigUint) -> bool {
    let one = BigUint::from(1_u8);
    let before = n - &one;
    let twos = (0_usize..).find(|k| (&before >> *k) % 2_u8 == one).unwrap_or(0);
    let odd = &before >> twos;
    BASES.iter().all(|base| {
        let mut x = BigUint::from(*base).modpow(&odd, n);
        if x == one || x == before {
            return true;
        }
        (1..twos).any(|_| {
            x = &x * &x % n;
            x == before
        })
    })
}

/// Random bytes that follow from a seed: SHA-256 in counter mode. For simulated keys only.
struct SeedRng {
    start: Sha256,
    block: u64,
    left: Vec<u8>,
}

impl SeedRng {
    fn new(owner: Owner, nth: i64, seed: u64, which: &str) -> Self {
        let mut start = Sha256::new();
        start.update(b"ensimbi.paytota.simulator.key.1");
        start.update(owner.word().as_bytes());
        start.update(which.as_bytes());
        start.update(nth.to_be_bytes());
        start.update(seed.to_be_bytes());
        Self { start, block: 0, left: Vec::new() }
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        for byte in to {
            if self.left.is_empty() {
                let mut hash = self.start.clone();
                hash.update(self.block.to_be_bytes());
                self.block += 1;
                self.left.extend_from_slice(&hash.finalize());
            }
            *byte = self.left.pop().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rsa::traits::PublicKeyParts;

    use super::*;

    #[test]
    fn the_search_finds_primes_only() {
        let found: Vec<u64> = (17..2_000).filter(|n| n % 2 == 1 && is_prime(&BigUint::from(*n))).collect();
        let known: Vec<u64> = small_primes().into_iter().filter(|n| (17..2_000).contains(n)).collect();
        assert_eq!(found, known);
    }

    #[test]
    fn a_key_has_all_its_bits_and_follows_from_seed_and_number() {
        let key = |nth, seed| search(Owner::Webhook, nth, seed, 1_024).unwrap();
        let first = key(1, 7);
        assert_eq!((first == key(1, 7), first == key(2, 7), first == key(1, 8)), (true, false, false));
        let read = RsaPrivateKey::from_pkcs8_der(&first).unwrap();
        assert_eq!((read.n().bits(), read.validate().is_ok()), (1_024, true));
    }
}
