//! Key pairs made from a seed, the signer, and random bytes.

use std::sync::OnceLock;

use base64::Engine;
pub use base64::engine::general_purpose::STANDARD;
pub use ensimbi_connectors::verify::{
    Algorithm, KEYS_MAX, KeyError, NotAuthentic, PublicKey, PublicKeys, Scheme, Unverified, Verifier, WAITING_MAX,
};
use ensimbi_events::leaf::sha256;
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::rand_core::{CryptoRng, Error, RngCore};
use rsa::sha2::Sha256;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey};

/// As the provider writes it: spaces after the separators, no newline at the end.
pub const BODY: &[u8] = br#"{"id": "7f3a", "type": "purchase", "status": "paid", "event_type": "purchase.paid"}"#;

/// Bytes that depend on the seed only: hashes of a counter.
pub struct Seeded {
    seed: u64,
    block: u64,
    left: Vec<u8>,
}

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self { seed, block: 0, left: Vec::new() }
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.fill_bytes(&mut bytes);
        bytes
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next_u64() % bound as u64).unwrap()
    }
}

impl RngCore for Seeded {
    fn next_u32(&mut self) -> u32 {
        rsa::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rsa::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, into: &mut [u8]) {
        for byte in into {
            if self.left.is_empty() {
                self.block += 1;
                self.left = sha256(&[self.seed.to_be_bytes(), self.block.to_be_bytes()].concat()).0.to_vec();
            }
            *byte = self.left.pop().unwrap();
        }
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(into);
        Ok(())
    }
}

impl CryptoRng for Seeded {}

/// A signer.
pub struct Pair(pub RsaPrivateKey);

/// A pair of 2048 bits.
pub fn first() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| Pair::new(1, 2048))
}

/// Another pair of 2048 bits.
pub fn second() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| Pair::new(2, 2048))
}

/// A pair of 3072 bits.
pub fn large() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| Pair::new(3, 3072))
}

impl Pair {
    fn new(seed: u64, bits: usize) -> Self {
        Self(RsaPrivateKey::new(&mut Seeded::new(seed), bits).unwrap())
    }

    /// The public key as `PUBLIC KEY`.
    pub fn pem(&self) -> String {
        self.0.to_public_key().to_public_key_pem(LineEnding::LF).unwrap()
    }

    /// A set of this key alone.
    pub fn keys(&self) -> PublicKeys {
        PublicKeys::from_pem([self.pem()]).unwrap()
    }

    /// Length of a signature.
    pub fn size(&self) -> usize {
        self.0.size()
    }

    /// The genuine signature of a body.
    pub fn signature(&self, body: &[u8]) -> Vec<u8> {
        self.0.sign(Pkcs1v15Sign::new::<Sha256>(), &sha256(body).0).unwrap()
    }

    /// The same, as a header's value.
    pub fn header(&self, body: &[u8]) -> String {
        STANDARD.encode(self.signature(body))
    }

    /// The private operation on a block of any shape, as long as the modulus.
    pub fn raw(&self, block: &[u8]) -> Vec<u8> {
        self.sized(&BigUint::from_bytes_be(block).modpow(self.0.d(), self.0.n()))
    }

    /// A number in as many bytes as the modulus has.
    pub fn sized(&self, number: &BigUint) -> Vec<u8> {
        let bytes = number.to_bytes_be();
        [vec![0; self.size() - bytes.len()], bytes].concat()
    }
}
