//! One public key: from PEM to numbers that are fit to verify with.
//!
//! Forms: `PUBLIC KEY` (SubjectPublicKeyInfo, RFC 5280 section 4.1.2.7), `RSA PUBLIC KEY` (PKCS#1, RFC 8017 appendix
//! A.1.1), `CERTIFICATE` (X.509, of which only the subject's public key is taken). A refusal says what was expected and
//! never what was there: people paste the wrong thing, and the wrong thing may be a secret.

use std::fmt;

use ensimbi_events::Hash;
use ensimbi_events::leaf::sha256;
use rsa::pkcs1::{self, der::Decode};
use rsa::pkcs8::{EncodePublicKey, SubjectPublicKeyInfoRef};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey, sha2::Sha256};
use x509_cert::der::{Decode as _, Encode as _};

use super::pem;

/// Smallest modulus, in bits (NIST SP 800-131A allows nobody to sign with less).
pub const BITS_MIN: usize = 2048;
/// Largest modulus, in bits: the work grows with its square.
pub const BITS_MAX: usize = 8192;

/// An RSA key that may verify.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: RsaPublicKey,
    modulus: Vec<u8>,
    fingerprint: Hash,
}

/// A text is no usable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not one PEM block with a label that we know.
    #[error(
        "expected one PEM block (PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE) of at most {} bytes",
        pem::PEM_BYTES_MAX
    )]
    Pem,
    /// The other half of a pair, which does not belong here.
    #[error("expected the public key; this is a private one, which nobody but the signer may have")]
    Private,
    /// The block does not hold what its label says.
    #[error("expected the DER of what the PEM label says, with an RSA key (rsaEncryption) in it")]
    Content,
    /// The modulus has this many bits.
    #[error("expected a modulus of {BITS_MIN} to {BITS_MAX} bits, found {0}")]
    Bits(usize),
    /// No RSA modulus is even; no usable exponent is even, below 3 or of more than 33 bits.
    #[error("expected an odd modulus, and an odd exponent from 3 to 2^33 - 1")]
    Numbers,
    /// None, or too many.
    #[error("expected 1 to {} different public keys", super::KEYS_MAX)]
    Count,
}

impl PublicKey {
    /// The key in a PEM text.
    ///
    /// A certificate stands for its subject's key and nothing else: a person configured it, which pins the key, and no
    /// issuer is asked. So its dates are not checked either: a provider signs on with the same key for years after the
    /// certificate that it once showed has run out, and refusing would lose payments without keeping anybody out.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (label, der) = pem::block(text).ok_or(KeyError::Pem)?;
        match label.as_str() {
            "PUBLIC KEY" => Self::from_spki(&der),
            "RSA PUBLIC KEY" => Self::from_pkcs1(&der),
            "CERTIFICATE" => {
                let certificate = x509_cert::Certificate::from_der(&der).map_err(|_| KeyError::Content)?;
                // The two crates have different versions of the DER types, so bytes go across.
                let spki = certificate.tbs_certificate().subject_public_key_info().to_der();
                Self::from_spki(&spki.map_err(|_| KeyError::Content)?)
            }
            label if label.ends_with("PRIVATE KEY") => Err(KeyError::Private),
            _ => Err(KeyError::Pem),
        }
    }

    fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| KeyError::Content)?;
        // RFC 3279 section 2.3.1: rsaEncryption, with parameters that are NULL. A key bound to PSS has another name.
        let null = info.algorithm.parameters.is_some_and(|parameters| parameters.is_null());
        if info.algorithm.oid != pkcs1::ALGORITHM_OID || !null {
            return Err(KeyError::Content);
        }
        Self::from_pkcs1(info.subject_public_key.as_bytes().ok_or(KeyError::Content)?)
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let parts = pkcs1::RsaPublicKey::from_der(der).map_err(|_| KeyError::Content)?;
        let n = BigUint::from_bytes_be(parts.modulus.as_bytes());
        let e = BigUint::from_bytes_be(parts.public_exponent.as_bytes());
        let bits = n.bits();
        if !(BITS_MIN..=BITS_MAX).contains(&bits) {
            return Err(KeyError::Bits(bits));
        }
        if e < BigUint::from(3_u8) {
            return Err(KeyError::Numbers);
        }
        // Refuses even numbers and exponents above 33 bits.
        let key = RsaPublicKey::new_with_max_size(n, e, BITS_MAX).map_err(|_| KeyError::Numbers)?;
        // Written anew: one key has one fingerprint, whichever form it came in.
        let spki = key.to_public_key_der().map_err(|_| KeyError::Content)?;
        Ok(Self { modulus: key.n().to_bytes_be(), fingerprint: sha256(spki.as_bytes()), key })
    }

    /// SHA-256 of its SubjectPublicKeyInfo in DER: names the key without showing it.
    pub const fn fingerprint(&self) -> Hash {
        self.fingerprint
    }

    /// Length of its signatures, in bytes.
    pub const fn signature_bytes(&self) -> usize {
        self.modulus.len()
    }

    /// Whether these bytes can be a signature of this key at all: as long as the modulus, and below it.
    pub(super) fn could_have_made(&self, signature: &[u8]) -> bool {
        signature.len() == self.modulus.len() && signature < self.modulus.as_slice()
    }

    /// Whether this key made the signature for a body of this hash.
    pub(super) fn made(&self, signature: &[u8], body: &Hash) -> bool {
        self.key.verify(Pkcs1v15Sign::new::<Sha256>(), &body.0, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint)
    }
}
