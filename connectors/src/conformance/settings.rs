//! Settings of a connection: a secret that is missing and a name that nobody knows are refused by their key.

use std::sync::Arc;

use ensimbi_events::simtime::SimClock;
use secrecy::{ExposeSecret, SecretString};

use super::calls::{Calls, FILE};
use super::fixtures::RECEIVED_AT;
use super::{Problems, Subject};
use crate::settings::ConnectionSettings;

/// A name that no connector knows.
const NOBODY: &str = "zz_nobody";

pub(super) fn named(subject: &Subject<'_>, calls: &Calls, problems: &mut Problems) {
    let good = match calls.settings("http://127.0.0.1:9") {
        Ok(good) => good,
        Err(problem) => return problems.push(problem),
    };
    let connect = |settings: &ConnectionSettings| {
        let clock = Arc::new(SimClock::new(RECEIVED_AT));
        subject.connector.connect(settings, clock).err()
    };
    problems.must(connect(&good).is_none(), || format!("fixtures/{FILE}: the connector does not take these settings"));
    problems.must(good.provider == subject.connector.facts().provider, || {
        format!("fixtures/{FILE}: settings.provider: expected the connector's word")
    });
    problems.must(!good.secrets.is_empty(), || format!("fixtures/{FILE}: settings.secrets: expected at least one"));
    let mut refused = |key: &str, settings: ConnectionSettings| {
        let error = connect(&settings);
        let full = format!("connections.{}.{key}", settings.slug);
        problems.must(error.as_ref().is_some_and(|error| error.key == full), || {
            format!("connect() with a wrong {key}: expected a SettingsError that names {full}")
        });
        let shown = error.map(|error| format!("{error} {error:?}")).unwrap_or_default();
        let leaks = good.secrets.values().any(|secret| shown.contains(secret.expose_secret()));
        problems.must(!leaks, || format!("connect() with a wrong {key}: the error shows a secret"));
    };
    for name in good.secrets.keys() {
        let key = format!("secrets.{name}");
        let mut without = good.clone();
        without.secrets.remove(name);
        refused(&key, without);
        let mut empty = good.clone();
        empty.secrets.insert(name.clone(), SecretString::from(String::new()));
        refused(&key, empty);
    }
    let mut odd = good.clone();
    odd.secrets.insert(NOBODY.to_owned(), SecretString::from("x".to_owned()));
    refused(&format!("secrets.{NOBODY}"), odd);
    let mut odd = good.clone();
    odd.options.insert(NOBODY.to_owned(), "x".to_owned());
    refused(&format!("options.{NOBODY}"), odd);
    let mut odd = good.clone();
    odd.urls.insert(NOBODY.to_owned(), "http://127.0.0.1:9".to_owned());
    refused(&format!("urls.{NOBODY}"), odd);
    let mut none = good.clone();
    none.wallets.clear();
    refused("wallets", none);
    let mut live = good.clone();
    live.simulated = false;
    problems.must(connect(&live).is_some(), || {
        "connect() takes http and loopback for a connection that is not simulated; use door::http::HttpClient"
            .to_owned()
    });
}
