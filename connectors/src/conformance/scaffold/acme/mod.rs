//! Acme: what it does, in which countries. `MAPPING.md` says what its words mean, with sources. `translate` reads their
//! JSON (pure), `client` calls, `simulator` is their server as we believe it.

use std::sync::Arc;

use ensimbi_events::{Amount, Clock};

use crate::connector::Capability::{Collect, Push, ReadById};
use crate::connector::{
    Authenticity, Connector, Facts, Input, ObjectRef, Options, OrderKind, ProviderClient, Scheme, Translation,
    Unreadable,
};
use crate::settings::{ConnectionSettings, SettingsError};
use crate::verify::Algorithm;

mod client;
pub mod simulator;
mod translate;

/// What is collected, in their word.
const COLLECTION: &str = "collection";
/// Kinds of bytes: the answer that makes an object, the one that shows it, a push.
const CREATED: &str = "created";
const STATUS: &str = "status";
const WEBHOOK: &str = "webhook";

/// The connector.
pub struct Acme;

static FACTS: Facts = Facts {
    provider: "acme",
    translator: "acme.1",
    kinds: &[CREATED, STATUS, WEBHOOK],
    // One more is shown by an exchange of fixtures/calls.json, and refused until it stands here.
    capabilities: &[Collect, ReadById, Push],
    // The URL of their API, from their documents.
    default_urls: &[("api", "")],
    collects: COLLECTION,
    ..Facts::NOTHING
};

impl Connector for Acme {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn authenticity(&self) -> Authenticity {
        // The header that carries the signature over the raw body. `Hint` where a push is not signed, `NoPush` (without the
        // capability) where there is none.
        Authenticity::Signed(Scheme { header: "", algorithm: Algorithm::RsaPkcs1Sha256Base64 })
    }

    fn example(&self) -> &'static str {
        include_str!("example.toml")
    }

    fn object_kinds(&self) -> &'static [&'static str] {
        &[COLLECTION]
    }

    /// What is reserved beside an amount that leaves; asked once there are payouts or refunds.
    fn fee_ceiling(&self, _options: &Options, _order: OrderKind, _amount: Amount) -> Result<Amount, String> {
        Ok(Amount::ZERO)
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
