//! Configuration: what is wrong is named.

use std::sync::Arc;

use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::simtime::SimClock;

use super::support::*;

fn key_of(settings: &ConnectionSettings) -> Option<String> {
    let clock = Arc::new(SimClock::new(Time::from_micros(0)));
    Paytota.connect(settings, clock).err().map(|error| error.key)
}

fn plain() -> ConnectionSettings {
    settings("http://127.0.0.1:9", json!({}))
}

#[test]
fn good_settings_connect() {
    assert_eq!(key_of(&plain()), None);
    let options = json!({
        "currencies": "UGX:0,USD:2", "payout_fee": "inside", "payout_fee_max": "100", "refund_fee": "returned",
        "refund_fee_max": "5", "brand_id": BRAND, "client_email": "a@b.example", "country": "KE", "generation": "v1",
        "v1_network": "airtel", "success_callback_url": "https://us.example/hook", "statement_days": "31",
        "statement_columns": "id=ID", "webhook_key": "x", "webhook_key_next": "x", "account_key": "x",
        "account_key_next": "x",
    });
    assert_eq!(key_of(&settings("http://127.0.0.1:9", options)), None);
}

#[test]
fn each_wrong_option_is_named() {
    for (option, value) in [
        ("currencies", "UGX"),
        ("currencies", "KES:2"),
        ("payout_fee", "below"),
        ("payout_fee_max", "much"),
        ("refund_fee", "below"),
        ("refund_fee_max", "-1"),
        ("brand_id", "a b"),
        ("client_email", "nobody"),
        ("country", "Uganda"),
        ("generation", "v3"),
        ("v1_network", "comet"),
        ("success_callback_url", "ftp://x"),
        ("statement_days", "0"),
        ("statement_columns", "id"),
        ("colour", "red"),
    ] {
        let key = key_of(&settings("http://127.0.0.1:9", json!({ option: value })));
        assert_eq!(key, Some(format!("connections.main.options.{option}")), "{value}");
    }
    let v1 = key_of(&settings("http://127.0.0.1:9", json!({"generation": "v1"})));
    assert_eq!(v1.as_deref(), Some("connections.main.options.v1_network"));
}

#[test]
fn what_else_is_wrong_is_named() {
    let mut cases = Vec::new();
    let mut with = |key: &'static str, change: fn(&mut ConnectionSettings)| {
        let mut settings = plain();
        change(&mut settings);
        cases.push((settings, key));
    };
    with("secrets.secret_key", |of| of.secrets.clear());
    with("secrets.secret_key", |of| drop(of.secrets.insert("secret_key".into(), "a\nb".into())));
    with("secrets.colour", |of| drop(of.secrets.insert("colour".into(), "red".into())));
    with("urls.colour", |of| drop(of.urls.insert("colour".into(), "http://127.0.0.1".into())));
    with("urls.statements", |of| drop(of.urls.insert("statements".into(), "ftp://127.0.0.1".into())));
    with("wallets", |of| of.wallets.clear());
    with("wallets", |of| of.wallets[0].id = "a b".into());
    with("wallets.purse", |of| of.wallets[0].purse = Some("pocket".into()));
    with("wallets", |of| drop(of.options.insert("brand_id".into(), "another".into())));
    with("account", |of| of.account.clear());
    for (settings, key) in cases {
        assert_eq!(key_of(&settings), Some(format!("connections.main.{key}")));
    }
}

#[test]
fn amounts_of_any_currency_and_nothing_else_are_accepted() {
    use ensimbi_connectors::connector::OrderKind;
    let ugx = "UGX".parse().unwrap();
    let accepts = |text: &str| Paytota.accepts(OrderKind::Collect, text.parse().unwrap(), ugx).is_ok();
    assert!(accepts("1") && accepts("23.05"));
    assert!(!accepts("0") && !accepts("-1") && !accepts("1.005"));
}
