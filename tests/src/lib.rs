//! What the whole-house tests share: the repository, the test servers, fresh databases, the binary.
//!
//! `cargo xtask test` starts the servers and names them in the environment. A test that needs one panics with a sentence
//! when it is not named; it is never skipped.

pub mod config;
pub mod process;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

/// Longest prefix of a fresh database's name: with `_` and 32 hex digits it fills PostgreSQL's 63 bytes.
const PREFIX_MAX: usize = 30;

/// The top folder of the repository.
///
/// # Panics
/// When the test does not run inside it.
pub fn repo_root() -> PathBuf {
    // Read at run time: a shared target folder serves several clones.
    let start = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).or_else(|| std::env::current_dir().ok());
    start
        .as_deref()
        .and_then(|start| start.ancestors().find(|folder| is_workspace(folder)))
        .map(Path::to_owned)
        .expect("run the tests with cargo, inside the repository")
}

fn is_workspace(folder: &Path) -> bool {
    std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|manifest| manifest.contains("[workspace]"))
}

/// A superuser's URL of the test PostgreSQL (15 or newer), from `ENSIMBI_TEST_DATABASE_URL`.
///
/// # Panics
/// When the variable is not set.
pub fn postgres_url() -> String {
    from_env("ENSIMBI_TEST_DATABASE_URL", "a PostgreSQL")
}

/// The two test buses: the floor version (`ENSIMBI_TEST_NATS_URL`), then a current one (`..._CURRENT`). They differ on
/// the wire, so a bus test runs against both.
///
/// # Panics
/// When either variable is not set.
pub fn nats_urls() -> [String; 2] {
    ["ENSIMBI_TEST_NATS_URL", "ENSIMBI_TEST_NATS_URL_CURRENT"].map(|name| from_env(name, "a nats-server"))
}

/// The `ensimbi` binary to start, from `ENSIMBI_BIN`.
///
/// # Panics
/// When the variable is not set, or names no file.
pub fn ensimbi_bin() -> PathBuf {
    let path = PathBuf::from(from_env("ENSIMBI_BIN", "the ensimbi binary"));
    assert!(path.is_file(), "ENSIMBI_BIN names {}, which is no file; run `cargo xtask test`", path.display());
    path
}

fn from_env(name: &str, what: &str) -> String {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => panic!("this test needs {what}, and {name} is not set: run `cargo xtask test`"),
    }
}

/// Makes an empty database with a name of its own on the test server and returns its URL. It stays until the server's
/// data goes, which for the servers of `cargo xtask` is the end of the run.
///
/// # Panics
/// When the prefix is not 1 to 30 of `a-z`, `0-9`, `_` with a letter first, or the server refuses.
pub async fn fresh_database(prefix: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(
        prefix.len() <= PREFIX_MAX && prefix.starts_with(|c: char| c.is_ascii_lowercase()) && prefix.chars().all(plain),
        "a database prefix is 1 to {PREFIX_MAX} of a-z, 0-9 and _, a letter first; got {prefix:?}"
    );
    let name = format!("{prefix}_{}", unique().simple());
    let options = PgConnectOptions::from_str(&postgres_url()).expect("ENSIMBI_TEST_DATABASE_URL is no PostgreSQL URL");
    let mut connection = options.connect().await.expect("the test PostgreSQL does not answer");
    // A name cannot be bound; it holds only the characters checked above. template0 has no other users to wait for.
    let mut sql = sqlx::QueryBuilder::<sqlx::Postgres>::new("CREATE DATABASE ");
    sql.push(&name).push(" TEMPLATE template0");
    sql.build().persistent(false).execute(&mut connection).await.expect("the test PostgreSQL made no database");
    connection.close().await.expect("the test PostgreSQL broke the connection");
    options.database(&name).to_url_lossy().to_string()
}

/// A word that no other test has: the prefix and 16 letters and digits.
pub fn unique_word(prefix: &str) -> String {
    let random = unique().simple().to_string();
    [prefix, &random[16..]].concat()
}

#[expect(clippy::disallowed_methods, reason = "a name for a test's folder or database, never a recorded value")]
fn unique() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}
