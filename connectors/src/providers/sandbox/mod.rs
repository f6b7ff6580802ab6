//! The sandbox: nobody's provider, for test books only, and the smallest complete connector. `MAPPING.md` says what its
//! words mean. `translate` reads their JSON (pure), `client` calls, `simulator` is their server.

use std::sync::Arc;

use ensimbi_events::{Amount, Clock};

use crate::connector::Capability::{Balance, Collect, Payout, Push, ReadById, ReadByReference};
use crate::connector::{
    Authenticity, Connector, Facts, Input, ObjectRef, Options, OrderKind, ProviderClient, Routine, Scheme, Translation,
    Unreadable,
};
use crate::settings::{ConnectionSettings, SettingsError};
use crate::verify::Algorithm;

mod client;
pub mod simulator;
mod translate;

/// Objects, and kinds of bytes: what makes an object, what shows it, a wallet, a push.
const COLLECTION: &str = "collection";
const PAYOUT: &str = "payout";
const WALLET: &str = "wallet";
const CREATED: &str = "created";
const STATUS: &str = "status";
const BALANCE: &str = "balance";
const WEBHOOK: &str = "webhook";

/// The connector.
pub struct Sandbox;

static FACTS: Facts = Facts {
    provider: "sandbox",
    translator: "sandbox.1",
    kinds: &[CREATED, STATUS, BALANCE, WEBHOOK],
    capabilities: &[Collect, Payout, ReadById, ReadByReference, Push, Balance],
    sandbox_currencies: &["XTS"],
    default_urls: &[("api", "https://sandbox.example")],
    collects: COLLECTION,
    pays: PAYOUT,
    routines: &[Routine { object_kind: WALLET, each_wallet: true, every_secs: 3_600, moment: true }],
    ..Facts::NOTHING
};

impl Connector for Sandbox {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn authenticity(&self) -> Authenticity {
        Authenticity::Signed(Scheme { header: "x-sandbox-signature", algorithm: Algorithm::RsaPkcs1Sha256Base64 })
    }

    fn example(&self) -> &'static str {
        include_str!("example.toml")
    }

    fn object_kinds(&self) -> &'static [&'static str] {
        &[COLLECTION, PAYOUT, WALLET]
    }

    /// One in a hundred.
    fn fee_ceiling(&self, _options: &Options, _order: OrderKind, amount: Amount) -> Result<Amount, String> {
        Ok(Amount::from_scaled(amount.scaled() / 100))
    }

    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable> {
        translate::translate(input)
    }

    fn hinted(&self, body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
        translate::hinted(body)
    }

    fn connect(
        &self,
        settings: &ConnectionSettings,
        _clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn ProviderClient>, SettingsError> {
        Ok(Arc::new(client::Client::new(settings)?))
    }
}
