//! ioTec Pay (Uganda): mobile-money collections. The facts are in `providers/iotec.md`, the mapping in `MAPPING.md`.
//!
//! Shape: `wire` is their JSON, `translate` reads it (pure), `client` and `token` call them, `charging` is the
//! connection's one policy on fees, used by both. Their pushes carry no signature: a callback is a hint, and the status
//! read states the money.

use std::sync::Arc;

use ensimbi_events::Clock;

use crate::connector::{
    Authenticity, Capability, Connector, Facts, Input, ObjectRef, ProviderClient, Translation, Unreadable,
};
use crate::settings::{ConnectionSettings, SettingsError};

mod charging;
mod client;
pub mod simulator;
mod token;
mod translate;
mod wire;

/// Their word for what we collect.
const COLLECTION: &str = "collection";
/// The answer of `POST /api/collections/collect`.
const CREATED: &str = "collection_created";
/// The answer of the two status calls, by their id and by our reference.
const STATUS: &str = "collection_status";
/// A callback's body.
const WEBHOOK: &str = "webhook";

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Iotec;

static FACTS: Facts = Facts {
    provider: "iotec",
    translator: "iotec.1",
    kinds: &[CREATED, STATUS, WEBHOOK],
    capabilities: &[Capability::Collect, Capability::ReadById, Capability::ReadByReference, Capability::Push],
    // Nothing says that `vendorTransactionId` is unique (section 4.2).
    operator_transaction_unique: false,
    sandbox_currencies: &["ITX"],
    default_urls: &[("api", "https://pay.iotec.io"), ("token", "https://id.iotec.io")],
    collects: COLLECTION,
    pays: "",
    routines: &[],
};

impl Connector for Iotec {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn authenticity(&self) -> Authenticity {
        Authenticity::Hint
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
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn ProviderClient>, SettingsError> {
        Ok(Arc::new(client::Client::new(settings, clock)?))
    }
}

/// The base URL of a name, where the configuration gives none.
fn default_url(name: &str) -> &'static str {
    FACTS.default_urls.iter().find(|(key, _)| *key == name).map_or("", |(_, url)| url)
}
