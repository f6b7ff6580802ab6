//! Their server: a plain one ([`crate::simulator::plain`]) with these words.

use axum::http::{Method, StatusCode};
use ensimbi_events::Amount;
use serde_json::json;

use crate::settings::ConnectionSettings;
use crate::simulator::SimulatedKind;
use crate::simulator::plain::{Asked, Plain, PlainStage, Record};

/// The stage.
pub static STAGE: PlainStage<Server> = PlainStage::new("sandbox-main", "main");
const KEY: &str = "sandbox-key-000000000001";

/// The server's words.
pub struct Server;

impl Plain for Server {
    const PROVIDER: &'static str = "sandbox";
    const SIGNED_BY: &'static str = "x-sandbox-signature";
    const CURRENCY: &'static str = "XTS";
    const WALLET: &'static str = "sandbox-wallet-1";
    const IN_DEMO: bool = false;

    fn fee(_kind: SimulatedKind, amount: Amount) -> Amount {
        Amount::from_scaled(amount.scaled() / 100)
    }

    fn asked(method: &Method, path: &str, authorization: Option<&str>, body: &[u8]) -> Asked {
        if authorization.and_then(|value| value.strip_prefix("Bearer ")) != Some(KEY) {
            return Asked::Refused(StatusCode::UNAUTHORIZED, "key");
        }
        let path: Vec<&str> = path.split('/').collect();
        let kind = if path.get(1) == Some(&"payouts") { SimulatedKind::Payout } else { SimulatedKind::Collection };
        match (method.as_str(), path.as_slice()) {
            ("GET", ["v1", "wallets", Self::WALLET]) => Asked::Balance,
            ("GET", ["v1", "collections" | "payouts", key]) => Asked::Read { kind, key: (*key).to_owned() },
            ("POST", ["v1", "collections" | "payouts"]) => Asked::make(kind, body),
            _ => Asked::Refused(StatusCode::NOT_FOUND, "path"),
        }
    }

    fn object(of: &Record) -> String {
        json!({"id": of.id, "reference": of.reference, "kind": of.kind.as_str(), "status": of.state.as_str(),
               "amount": of.amount, "fee": of.fee, "currency": Self::CURRENCY, "phone": of.phone, "since": of.since})
        .to_string()
    }

    fn balance(balance: Amount) -> String {
        json!({"wallet": Self::WALLET, "currency": Self::CURRENCY, "balance": balance}).to_string()
    }

    fn connection(base_url: &str, key: &str) -> ConnectionSettings {
        let wallet = json!({"id": Self::WALLET, "code": "main", "currency": Self::CURRENCY});
        let settings = json!({
            "slug": "sandbox-main", "provider": Self::PROVIDER, "account": "sandbox", "simulated": true, "timeout_ms": 250,
            "urls": {"api": base_url}, "secrets": {"api_key": KEY}, "options": {"webhook_key": key}, "wallets": [wallet],
        });
        serde_json::from_value(settings).unwrap_or_else(|_| unreachable!("the settings above are whole"))
    }
}
