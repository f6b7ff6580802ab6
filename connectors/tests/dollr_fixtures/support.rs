//! Fixtures of Dollr, and its translator with less to write.

use std::path::{Path, PathBuf};

pub use ensimbi_connectors::conformance::fixtures::{Case, Folder, RECEIVED_AT, claims, said};
pub use ensimbi_connectors::connector::{Connector, Input, Options, Said, Translation, Unreadable, Watch};
pub use ensimbi_connectors::providers::dollr::Dollr;
pub use ensimbi_events::word::{Fee, Mode};
pub use ensimbi_events::{Amount, Body};
pub use serde_json::Value;

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/providers/dollr")
}

pub fn folder() -> Folder {
    Folder::read(&path())
}

/// Every kind of bytes.
pub fn kinds() -> &'static [&'static str] {
    Dollr.facts().kinds
}

/// All cases.
pub fn cases() -> Vec<Case> {
    folder().cases
}

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(path().join("fixtures").join(name)).unwrap()
}

pub fn read(kind: &str, body: &[u8], options: &Options) -> Result<Translation, Unreadable> {
    Dollr.translate(Input { kind, body, options, received_at: RECEIVED_AT, mode: Mode::Live })
}

/// Without options.
pub fn plain(kind: &str, body: &[u8]) -> Result<Translation, Unreadable> {
    read(kind, body, &Options::new())
}

/// A case as it is read.
pub fn told(case: &Case) -> Result<Translation, Unreadable> {
    read(&case.kind, &case.body, &case.options)
}

/// What one side bears of fees.
pub fn borne(fees: &[Fee], bearer: &str) -> Amount {
    Amount::checked_sum(fees.iter().filter(|fee| fee.bearer.as_str() == bearer).map(|fee| fee.amount)).unwrap()
}
