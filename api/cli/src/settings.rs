//! `ensimbi.toml`: what the operator says about the book and its connections.

use std::collections::BTreeMap;
use std::path::Path;

use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::word::Mode;
use ensimbi_ledger::decide::policies;
use ensimbi_ledger::posting::accounts;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de};

use crate::exit::Failure;

/// Largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The book that is made at the first start.
    pub book: BookSettings,
    /// Provider accounts.
    pub connections: Vec<ConnectionSettings>,
}

/// `[book]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BookSettings {
    /// Tenant word.
    pub tenant: String,
    /// `test` or `live`.
    pub mode: Mode,
    /// IANA zone of book dates.
    pub time_zone: String,
    /// Policies of the book, such as `allocate.collection = "income:sales"`; the dots may stand quoted or bare.
    #[serde(deserialize_with = "dotted")]
    pub policies: BTreeMap<String, String>,
}

impl Default for BookSettings {
    fn default() -> Self {
        Self {
            tenant: "default".to_owned(),
            mode: Mode::Test,
            time_zone: "Africa/Kampala".to_owned(),
            policies: BTreeMap::new(),
        }
    }
}

/// Reads nested tables as dotted keys, so that both ways of writing a policy mean the same.
fn dotted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    fn walk<E: de::Error>(prefix: &str, table: toml::Table, flat: &mut BTreeMap<String, String>) -> Result<(), E> {
        for (key, value) in table {
            let key = if prefix.is_empty() { key } else { [prefix, ".", &key].concat() };
            match value {
                toml::Value::String(text) => drop(flat.insert(key, text)),
                toml::Value::Table(table) => walk(&key, table, flat)?,
                _ => return Err(E::custom(format!("book.policies.{key}: expected text"))),
            }
        }
        Ok(())
    }
    let mut flat = BTreeMap::new();
    walk("", toml::Table::deserialize(deserializer)?, &mut flat)?;
    Ok(flat)
}

/// Where the reader stopped and what it expected. The line itself is not shown: it may hold a secret; only the key is.
fn said(error: &toml::de::Error, text: &str) -> String {
    let message = error.message();
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else { return message.to_owned() };
    let line = before.matches('\n').count() + 1;
    let of_line = before.rsplit('\n').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let key = of_line.trim_end().strip_suffix('=').map(str::trim_end);
    match key.and_then(|text| text.rsplit(|c| !plain(c)).next()).filter(|key| !key.is_empty()) {
        Some(key) => format!("line {line}: {key}: {message}"),
        None => format!("line {line}: {message}"),
    }
}

impl Settings {
    /// Reads the file; without one, the defaults (a test book without connections).
    pub fn read(file: &Path, named: bool) -> Result<Self, Failure> {
        let text = match std::fs::metadata(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => return Ok(Self::default()),
            Err(error) => return Err(Failure::wrong(format!("configuration {}: {error}", file.display()))),
            Ok(data) if data.len() > FILE_BYTES_MAX => {
                return Err(Failure::wrong(format!("configuration {}: larger than 1 MiB", file.display())));
            }
            Ok(_) => std::fs::read_to_string(file)?,
        };
        let settings: Self = toml::from_str(&text)
            .map_err(|error| Failure::wrong(format!("configuration {}: {}", file.display(), said(&error, &text))))?;
        settings.check()?;
        Ok(settings)
    }

    /// What the types cannot say.
    pub fn check(&self) -> Result<(), Failure> {
        let wrong = |key: &str, problem: &str| Err(Failure::wrong(format!("configuration: {key}: {problem}")));
        let tenant = &self.book.tenant;
        if !accounts::is_part(tenant) || tenant.len() > 60 {
            return wrong("book.tenant", "expected 1 to 60 lower-case letters, digits and dashes");
        }
        if TimeZone::get(&self.book.time_zone).is_err() {
            return wrong("book.time_zone", "expected an IANA zone, such as Africa/Kampala");
        }
        for (key, value) in &self.book.policies {
            let known = policies::ACCOUNTS.contains(&key.as_str())
                || key == policies::SECOND_APPROVAL
                || [policies::BAND, policies::EXPORT_NAME].iter().any(|prefix| key.starts_with(prefix));
            if !known {
                let known = policies::ACCOUNTS.join(", ");
                let more = "adjustments.second_approval, fees.band.<account code>.<in|out>, export.name.<account path>";
                return wrong(&format!("book.policies.{key}"), &format!("unknown; expected one of {known}, {more}"));
            }
            if let Err(expected) = policies::check(key, value) {
                return wrong(&format!("book.policies.{key}"), expected);
            }
        }
        Ok(())
    }
}
