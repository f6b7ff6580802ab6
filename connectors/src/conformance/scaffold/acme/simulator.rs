//! Their server as we believe it: a plain one (`crate::simulator::plain`) with these words. It shares no type with the
//! connector, so that a mistake is not made twice. One that is not plain is written over `crate::simulator` itself.

use axum::http::{Method, StatusCode};
use ensimbi_events::Amount;
use serde_json::json;

use crate::settings::ConnectionSettings;
use crate::simulator::SimulatedKind;
use crate::simulator::plain::{Asked, Plain, PlainStage, Record};

/// The stage: slug of the connection and code of the wallet below.
pub static STAGE: PlainStage<Server> = PlainStage::new("acme-main", "main");
const KEY: &str = "simulated-key-000000000001";

/// The server's words.
pub struct Server;

impl Plain for Server {
    const PROVIDER: &'static str = "acme";
    const SIGNED_BY: &'static str = "x-signature";
    const CURRENCY: &'static str = "UGX";
    const WALLET: &'static str = "wallet-1";

    fn fee(_kind: SimulatedKind, amount: Amount) -> Amount {
        Amount::from_scaled(amount.scaled() / 100)
    }

    fn asked(method: &Method, path: &str, authorization: Option<&str>, body: &[u8]) -> Asked {
        if authorization.and_then(|value| value.strip_prefix("Bearer ")) != Some(KEY) {
            return Asked::Refused(StatusCode::UNAUTHORIZED, "key");
        }
        let (kind, path) = (SimulatedKind::Collection, path.split('/').collect::<Vec<_>>());
        match (method.as_str(), path.as_slice()) {
            ("GET", ["v1", "collections", key]) => Asked::Read { kind, key: (*key).to_owned() },
            ("POST", ["v1", "collections"]) => Asked::make(kind, body),
            _ => Asked::Refused(StatusCode::NOT_FOUND, "path"),
        }
    }

    fn object(of: &Record) -> String {
        json!({"id": of.id, "reference": of.reference, "status": of.state.as_str(), "amount": of.amount, "fee": of.fee,
               "currency": Self::CURRENCY, "phone": of.phone, "since": of.since})
        .to_string()
    }

    fn balance(balance: Amount) -> String {
        json!({"wallet": Self::WALLET, "currency": Self::CURRENCY, "balance": balance}).to_string()
    }

    fn connection(base_url: &str, key: &str) -> ConnectionSettings {
        let wallet = json!({"id": Self::WALLET, "code": "main", "currency": Self::CURRENCY});
        let settings = json!({
            "slug": "acme-main", "provider": Self::PROVIDER, "account": "acme", "simulated": true, "timeout_ms": 250,
            "urls": {"api": base_url}, "secrets": {"api_key": KEY}, "options": {"webhook_key": key}, "wallets": [wallet],
        });
        serde_json::from_value(settings).unwrap_or_else(|_| unreachable!("the settings above are whole"))
    }
}
