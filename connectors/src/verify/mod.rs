//! Whether a push was signed by the provider: the one place where signatures are verified, for every connector.
//!
//! Shape: a connector declares a [`Scheme`]; configuration becomes [`PublicKeys`], parsed once and kept; the door takes
//! the signature out of the headers ([`Scheme::signature`]) and asks the [`Verifier`], over the raw bytes as they came.
//!
//! Order of steps, cheap ones first: header exactly once -> length of the text -> strict base64 -> length and size of the
//! number for each key -> a place in the queue -> a turn -> hash of the body, once -> RSA for each key that is left. Only
//! the last two leave the async threads, and nothing that a cheap step refuses gets there.
//!
//! Bounds: [`KEYS_MAX`] keys of [`BITS_MIN`] to [`BITS_MAX`] bits in a set, [`PEM_BYTES_MAX`] bytes of text for a key,
//! [`WAITING_MAX`] signatures of a set in work at once, of which half the cores' number run.
//!
//! Verification only: no private key is ever here (tidy test `the_product_has_no_rsa_private_key`).

mod key;
mod keys;
mod pem;
mod queue;

use axum::http::HeaderMap;

pub use key::{BITS_MAX, BITS_MIN, KeyError, PublicKey};
pub use keys::{KEYS_MAX, PublicKeys, WAITING_MAX};
pub use pem::PEM_BYTES_MAX;
pub use queue::{Unverified, Verifier};

/// How a provider signs what it pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// The header that carries the signature; its case does not matter.
    pub header: &'static str,
    /// What was computed, and how it is written.
    pub algorithm: Algorithm,
}

/// What a signature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2) with SHA-256 over the raw body, in standard base64 (RFC 4648 section 4)
    /// with its padding.
    RsaPkcs1Sha256Base64,
}

impl Scheme {
    /// The signature among the headers.
    ///
    /// # Errors
    /// The header is missing, or there more than once: which of two would count is for the signer to say, not for us.
    pub fn signature<'a>(&self, headers: &'a HeaderMap) -> Result<&'a [u8], NotAuthentic> {
        let mut given = headers.get_all(self.header).iter();
        match (given.next(), given.next()) {
            (Some(value), None) => Ok(value.as_bytes()),
            _ => Err(NotAuthentic::Header),
        }
    }
}

/// Why a push is not the provider's. For our own counters and log: the answer outside is the same for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAuthentic {
    /// Not exactly one signature header.
    #[error("there is not exactly one signature header")]
    Header,
    /// No key of the connection makes a signature of this length.
    #[error("the signature has not the length that a key of this connection makes")]
    Length,
    /// Not base64, or not the one way in which these bytes are written.
    #[error("the signature is not strict base64")]
    Encoding,
    /// No key of the connection made it for these bytes.
    #[error("the signature is of no key of this connection for this body")]
    Signature,
}

impl NotAuthentic {
    /// A word for counters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Length => "length",
            Self::Encoding => "encoding",
            Self::Signature => "signature",
        }
    }
}
