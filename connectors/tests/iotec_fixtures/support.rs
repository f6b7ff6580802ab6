//! Fixtures of ioTec, and its translator with less to write.

pub use std::path::{Path, PathBuf};

pub use ensimbi_connectors::conformance::fixtures::{Folder, RECEIVED_AT, claims};
pub use ensimbi_connectors::connector::{Connector, Input, ObjectRef, Options, Said, Translation, Unreadable, Watch};
pub use ensimbi_connectors::providers::iotec::Iotec;
pub use ensimbi_events::word::{Fee, Mode};
pub use ensimbi_events::{Amount, Body};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/providers/iotec")
}

pub fn fixtures() -> PathBuf {
    folder().join("fixtures")
}

pub fn fixture(name: &str) -> String {
    std::fs::read_to_string(fixtures().join(name)).unwrap()
}

pub fn read(kind: &str, body: &[u8], options: &Options) -> Result<Translation, Unreadable> {
    Iotec.translate(Input { kind, body, options, received_at: RECEIVED_AT, mode: Mode::Test })
}

pub fn status(body: &str) -> Result<Translation, Unreadable> {
    read("collection_status", body.as_bytes(), &Options::new())
}

/// The bodies of a kind with their options.
pub fn bodies(kind: &str) -> Vec<(PathBuf, Options)> {
    let folder = Folder::read(&folder());
    let cases = folder.of_kind(kind);
    cases.map(|case| (fixtures().join(format!("{kind}/{}.body", case.name)), case.options.clone())).collect()
}

/// What one side bears of fees.
pub fn borne(fees: &[Fee], bearer: &str) -> Amount {
    Amount::checked_sum(fees.iter().filter(|fee| fee.bearer.as_str() == bearer).map(|fee| fee.amount)).unwrap()
}
