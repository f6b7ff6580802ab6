//! The registry: every provider the house knows. Adding one is its folder and its lines here.

use crate::connector::Connector;
use crate::simulator::stage::Stage;

pub mod dollr;
pub mod iotec;
pub mod paytota;
pub mod sandbox;

#[rustfmt::skip] // A line for each, so that a new provider changes no other one's.
static ALL: &[&dyn Connector] = &[
    &dollr::Dollr,
    &iotec::Iotec,
    &paytota::Paytota,
    &sandbox::Sandbox,
];
#[rustfmt::skip]
static STAGES: &[&dyn Stage] = &[
    &dollr::simulator::stage::DollrStage,
    &iotec::simulator::stage::IotecStage,
    &paytota::simulator::stage::PaytotaStage,
    &sandbox::simulator::STAGE,
];

/// Every connector, in the order of their words.
pub fn all() -> &'static [&'static dyn Connector] {
    ALL
}

/// The connector of a provider's word, as configuration names it.
pub fn find(provider: &str) -> Option<&'static dyn Connector> {
    all().iter().copied().find(|connector| connector.facts().provider == provider)
}

/// Every simulator, in the order of their words.
pub fn stages() -> &'static [&'static dyn Stage] {
    STAGES
}
