//! Keys that a simulated provider signs with: RSA, found from a seed, so that the same seed makes the same run. A simulator
//! signs, the product only verifies. Within a process no key is searched for twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest, Sha256};

use super::{Result, SimulatorError};

/// A key that signs, and its public half as PEM (`PUBLIC KEY`).
pub struct Signer {
    key: RsaPrivateKey,
    /// The public half.
    pub pem: String,
}

impl Signer {
    /// `base64(RSASSA-PKCS1-v1_5(SHA-256(bytes)))`. No work for a thread that serves.
    ///
    /// # Errors
    /// [`SimulatorError::Damaged`] where the key cannot sign.
    pub fn sign(&self, bytes: &[u8]) -> Result<String> {
        let signed = self.key.sign(Pkcs1v15Sign::new::<rsa::sha2::Sha256>(), &Sha256::digest(bytes));
        Ok(STANDARD.encode(signed.map_err(|_| damaged())?))
    }

    /// The key in a PKCS#8 DER.
    ///
    /// # Errors
    /// [`SimulatorError::Damaged`] where there is none.
    pub fn read(der: &[u8]) -> Result<Self> {
        let key = RsaPrivateKey::from_pkcs8_der(der).map_err(|_| damaged())?;
        let pem = key.to_public_key().to_public_key_pem(LineEnding::LF).map_err(|_| damaged())?;
        Ok(Self { key, pem })
    }
}

fn damaged() -> SimulatorError {
    SimulatorError::Damaged("a signing key is unusable".to_owned())
}

/// From what a key follows, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName {
    /// Whose simulator; a change makes other keys.
    pub label: &'static str,
    /// Which of its keys.
    pub owner: &'static str,
    /// Which of those, one after the other.
    pub nth: i64,
    /// The run's seed.
    pub seed: u64,
    /// Length of the modulus.
    pub bits: usize,
}

/// PKCS#8, once it was found.
type Made = BTreeMap<KeyName, Arc<OnceLock<Option<Vec<u8>>>>>;

/// The key of a name, as PKCS#8 DER.
///
/// # Errors
/// [`SimulatorError`] where none can be made.
pub async fn made(name: KeyName) -> Result<Vec<u8>> {
    static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());
    let place = {
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(name).or_default().clone()
    };
    // The search for primes takes a while; it is no work for a thread that serves.
    let der = tokio::task::spawn_blocking(move || place.get_or_init(|| search(name)).clone());
    der.await.map_err(|error| SimulatorError::Network(error.to_string()))?.ok_or_else(damaged)
}

fn search(name: KeyName) -> Option<Vec<u8>> {
    let half = |which: &'static str| prime(&mut SeedRng::new(name, which), name.bits / 2);
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
    fn new(name: KeyName, which: &str) -> Self {
        let mut start = Sha256::new();
        start.update(name.label.as_bytes());
        start.update(name.owner.as_bytes());
        start.update(which.as_bytes());
        start.update(name.nth.to_be_bytes());
        start.update(name.seed.to_be_bytes());
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
        let key = |nth, seed| search(KeyName { label: "test", owner: "webhook", nth, seed, bits: 1_024 }).unwrap();
        let first = key(1, 7);
        assert_eq!((first == key(1, 7), first == key(2, 7), first == key(1, 8)), (true, false, false));
        let read = RsaPrivateKey::from_pkcs8_der(&first).unwrap();
        assert_eq!((read.n().bits(), read.validate().is_ok()), (1_024, true));
    }
}
