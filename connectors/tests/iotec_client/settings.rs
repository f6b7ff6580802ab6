//! Settings: checked, and the key is named.

use std::sync::Arc;

use ensimbi_connectors::connector::{Connector, Options, OrderKind};
use ensimbi_connectors::providers::iotec::Iotec;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Amount, Time};
use serde_json::json;

use super::support::*;

#[tokio::test]
async fn settings_are_checked_and_the_key_is_named() {
    type Change = fn(&mut ConnectionSettings);
    let cases: Vec<(Change, &str)> = vec![
        (|s| drop(s.secrets.remove("client_secret")), "secrets.client_secret"),
        (|s| drop(s.secrets.insert("client_secret".into(), String::new().into())), "secrets.client_secret"),
        (|s| drop(s.secrets.remove("callback_value")), "secrets.callback_value"),
        (|s| drop(s.secrets.insert("callback_value".into(), "a\nb".to_owned().into())), "secrets.callback_value"),
        (|s| drop(s.secrets.insert("client_secrt".into(), "x".to_owned().into())), "secrets.client_secrt"),
        (|s| drop(s.options.remove("callback_header")), "options.callback_header"),
        (|s| drop(s.options.insert("callback_header".into(), "X Key".into())), "options.callback_header"),
        (|s| drop(s.options.insert("charge_custmer".into(), "B".into())), "options.charge_custmer"),
        (|s| drop(s.options.insert("charge_customer".into(), "b".into())), "options.charge_customer"),
        (
            |s| drop(s.options.insert("transaction_charges_category".into(), "ChargePayer".into())),
            "options.transaction_charges_category",
        ),
        (|s| drop(s.options.insert("payout_fee".into(), "ontop".into())), "options.payout_fee"),
        (|s| drop(s.options.insert("payout_fee_max".into(), "-1".into())), "options.payout_fee_max"),
        (|s| drop(s.options.insert("bank_payout_fee_max".into(), "2,400".into())), "options.bank_payout_fee_max"),
        (|s| drop(s.options.insert("rows_currency".into(), "ugx".into())), "options.rows_currency"),
        (|s| drop(s.urls.insert("api".into(), "ftp://127.0.0.1".into())), "urls.api"),
        (|s| drop(s.urls.insert("tokens".into(), "http://127.0.0.1".into())), "urls.tokens"),
        (|s| s.simulated = false, "urls.token"),
        (|s| s.account.clear(), "account"),
        (|s| s.wallets.clear(), "wallets"),
    ];
    let clock = Arc::new(SimClock::new(Time::from_micros(0)));
    for (change, key) in cases {
        let mut settings = settings("http://127.0.0.1:9", json!({}));
        change(&mut settings);
        let Err(error) = Iotec.connect(&settings, clock.clone()) else { panic!("{key} was taken") };
        assert_eq!(error.key, format!("connections.main.{key}"));
        assert!(!error.problem.is_empty() && !error.to_string().contains(SECRET));
    }
    let mut defaults = settings("http://127.0.0.1:9", json!({}));
    defaults.urls.clear();
    defaults.simulated = false;
    assert!(Iotec.connect(&defaults, clock).is_ok());
}

#[test]
fn limits_are_known_before_anything_is_stored() {
    let currency = "UGX".parse().unwrap();
    for order in [OrderKind::Collect, OrderKind::PayMobile, OrderKind::PayBank] {
        for (amount, problem) in
            [("500", None), ("499", Some("500")), ("500.5", Some("whole")), ("-500", Some("500")), ("0", Some("500"))]
        {
            let got = Iotec.accepts(order, amount.parse().unwrap(), currency);
            match problem {
                None => assert_eq!(got, Ok(()), "{order:?} {amount}"),
                Some(word) => assert!(got.unwrap_err().contains(word), "{order:?} {amount}"),
            }
        }
    }
    let mut options = Options::new();
    let thousand = Amount::whole(1_000);
    assert_eq!(Iotec.fee_ceiling(&options, OrderKind::Collect, thousand), Ok(Amount::ZERO));
    assert_eq!(Iotec.fee_ceiling(&options, OrderKind::PayMobile, thousand), Ok(Amount::whole(2_400)));
    options.insert("bank_payout_fee_max".into(), "8000".into());
    assert_eq!(Iotec.fee_ceiling(&options, OrderKind::PayBank, thousand), Ok(Amount::whole(8_000)));
    options.insert("payout_fee_max".into(), "x".into());
    assert!(
        Iotec.fee_ceiling(&options, OrderKind::PayMobile, thousand).unwrap_err().contains("options.payout_fee_max")
    );
}
