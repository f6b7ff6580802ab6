//! API keys: 256 random bits with a prefix, shown once; stores keep only the SHA-256.
//!
//! A slow hash would protect nothing here: nobody guesses 256 bits. The prefix tells test from live at a glance and
//! lets scanners find a key that leaked into a file.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ensimbi_events::Entropy;
use ensimbi_events::leaf::sha256;
use ensimbi_events::word::Mode;

const TEST: &str = "ens_test_";
const LIVE: &str = "ens_live_";
/// Characters of 32 bytes in base64url without padding.
const SECRET_LEN: usize = 43;

/// A new key. It is neither printed by `Debug` nor written anywhere but where [`ApiKey::reveal`] is called.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Makes one for a book of this mode.
    pub fn make(entropy: &dyn Entropy, mode: Mode) -> Self {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        let prefix = match mode {
            Mode::Test => TEST,
            Mode::Live => LIVE,
        };
        Self([prefix, URL_SAFE_NO_PAD.encode(bytes).as_str()].concat())
    }

    /// The key itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What a store keeps and looks up.
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

/// SHA-256 of a key's text, which a store keeps and looks up.
pub fn hash(key: &str) -> [u8; 32] {
    sha256(key.as_bytes()).0
}

/// Whether a text has the form of a key: nothing else is hashed and looked up.
pub fn is_key(text: &str) -> bool {
    let secret = text.strip_prefix(TEST).or_else(|| text.strip_prefix(LIVE));
    secret.is_some_and(|secret| {
        secret.len() == SECRET_LEN && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ones;
    impl Entropy for Ones {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }

    #[test]
    fn a_key_has_its_prefix_its_length_and_no_debug() {
        let key = ApiKey::make(&Ones, Mode::Test);
        assert_eq!(key.reveal(), "ens_test___________________________________________8");
        assert!(is_key(key.reveal()) && is_key(ApiKey::make(&Ones, Mode::Live).reveal()));
        assert_eq!(format!("{key:?}"), "ApiKey(..)");
        assert_eq!(key.hash(), hash(key.reveal()));
        for bad in ["", "ens_test_", "sk_test_________________________________________8", "ens_test_ short"] {
            assert!(!is_key(bad), "{bad}");
        }
    }
}
