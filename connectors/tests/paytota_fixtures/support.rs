//! Fixtures of Paytota, and its translator with less to write.

use std::path::{Path, PathBuf};

pub use ensimbi_connectors::conformance::fixtures::{Case, Folder, RECEIVED_AT, claims};
pub use ensimbi_connectors::connector::{Connector, Input, Options, Said, Translation, Unreadable, Watch};
pub use ensimbi_connectors::providers::paytota::Paytota;
pub use ensimbi_events::word::{Fee, Mode};
pub use ensimbi_events::{Amount, Body};
pub use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/providers/paytota")
}

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join("fixtures").join(name)).unwrap()
}

pub fn read(kind: &str, body: &[u8], options: &Options, mode: Mode) -> Result<Translation, Unreadable> {
    Paytota.translate(Input { kind, body, options, received_at: RECEIVED_AT, mode })
}

pub fn live(kind: &str, body: &[u8]) -> Result<Translation, Unreadable> {
    read(kind, body, &Options::new(), Mode::Live)
}

/// All cases.
pub fn cases() -> Vec<Case> {
    Folder::read(&folder()).cases
}

/// What one side bears of fees.
pub fn borne(fees: &[Fee], bearer: &str) -> Amount {
    Amount::checked_sum(fees.iter().filter(|fee| fee.bearer.as_str() == bearer).map(|fee| fee.amount)).unwrap()
}
