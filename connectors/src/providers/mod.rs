//! The registry: every provider the house knows. Adding one is its folder and two lines here.

use crate::connector::Connector;

pub mod iotec;

static ALL: &[&dyn Connector] = &[&iotec::Iotec];

/// Every connector, in the order of their words.
pub fn all() -> &'static [&'static dyn Connector] {
    ALL
}

/// The connector of a provider's word, as configuration names it.
pub fn find(provider: &str) -> Option<&'static dyn Connector> {
    all().iter().copied().find(|connector| connector.facts().provider == provider)
}
