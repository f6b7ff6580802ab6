//! Configuration: what is wrong is named.

use std::sync::Arc;

use ensimbi_connectors::connector::OrderKind;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::simtime::SimClock;

use super::support::*;

fn key_of(settings: &ConnectionSettings) -> Option<String> {
    let clock = Arc::new(SimClock::new(Time::from_micros(0)));
    Dollr.connect(settings, clock).err().map(|error| {
        assert!(!error.to_string().contains(SECRET) && !error.to_string().contains(PASSCODE));
        error.key
    })
}

fn plain() -> ConnectionSettings {
    settings("http://127.0.0.1:9", json!({}))
}

#[test]
fn good_settings_connect() {
    assert_eq!(key_of(&plain()), None);
    let options = json!({
        "items_as": "order", "payer_currency": "LRD", "merchant_type": "MICRO_ORGANIZATION", "country_code": "LBR",
        "payout_form": "old", "payout_fee_max": "2.50", "realtime": "yes", "fx_fee_currency": "payee",
        "device_name": "x", "device_type": "SERVER", "device_platform": "NODE", "device_user_agent": "x",
        "device_client_ip": "203.0.113.10",
    });
    assert_eq!(key_of(&settings("http://127.0.0.1:9", options)), None);
    let mut live = settings("https://api.heydollr.app", json!({}));
    live.simulated = false;
    assert_eq!(key_of(&live), None);
    live.urls.clear();
    assert_eq!(key_of(&live), None);
}

#[test]
fn each_wrong_option_is_named() {
    for (option, value) in [
        ("items_as", "basket"),
        ("payer_currency", "lrd"),
        ("merchant_type", "USER"),
        ("country_code", "Liberia"),
        ("payout_form", "newer"),
        ("payout_fee_max", "much"),
        ("realtime", "true"),
        ("fx_fee_currency", "LRD"),
        ("device_client_ip", "localhost"),
        ("device_name", ""),
        ("colour", "red"),
    ] {
        let key = key_of(&settings("http://127.0.0.1:9", json!({ option: value })));
        assert_eq!(key, Some(format!("connections.main.options.{option}")), "{value}");
    }
}

#[test]
fn what_else_is_wrong_is_named() {
    let mut cases = Vec::new();
    let mut with = |key: &'static str, change: fn(&mut ConnectionSettings)| {
        let mut settings = plain();
        change(&mut settings);
        cases.push((settings, key));
    };
    with("secrets.client_id", |of| drop(of.secrets.remove("client_id")));
    with("secrets.client_secret", |of| drop(of.secrets.insert("client_secret".into(), String::new().into())));
    with("secrets.passcode", |of| drop(of.secrets.remove("passcode")));
    with("secrets.passcode", |of| drop(of.secrets.insert("passcode".into(), String::new().into())));
    with("secrets.passcode_phone", |of| drop(of.secrets.remove("passcode_phone")));
    with("secrets.passcode_user", |of| drop(of.secrets.insert("passcode_user".into(), "7".to_owned().into())));
    with("secrets.colour", |of| drop(of.secrets.insert("colour".into(), "red".to_owned().into())));
    with("urls.token", |of| drop(of.urls.insert("token".into(), "http://127.0.0.1".into())));
    with("urls.api", |of| drop(of.urls.insert("api".into(), "ftp://127.0.0.1".into())));
    with("urls.api", |of| of.simulated = false);
    with("account", |of| of.account = "merchant".into());
    with("wallets", |of| of.wallets.clear());
    with("wallets", |of| of.wallets[1].id = "usd".into());
    for (settings, key) in cases {
        assert_eq!(key_of(&settings), Some(format!("connections.main.{key}")));
    }
    let mut collects_only = plain();
    collects_only.secrets.retain(|name, _| !name.starts_with("passcode"));
    assert_eq!(key_of(&collects_only), None);
}

#[test]
fn amounts_in_hundredths_are_accepted_and_nothing_is_pushed() {
    let accepts = |text: &str| {
        [OrderKind::Collect, OrderKind::PayMobile]
            .iter()
            .all(|order| Dollr.accepts(*order, text.parse().unwrap(), "USD".parse().unwrap()).is_ok())
    };
    assert!(accepts("0.01") && accepts("1") && accepts("250.10"));
    assert!(!accepts("0") && !accepts("-1") && !accepts("0.001") && !accepts("1.005"));
    assert_eq!(Dollr.hinted(b"{}").unwrap_err().field, "body");
}
