//! The conformance suite over the registry, the suite itself against connectors that are wrong on purpose, and the matrix
//! in the README.

#![allow(clippy::unwrap_used)]

// The scaffold's files say `crate::` as they will in their place.
use ensimbi_connectors::{
    answers, checks, connector, door, json, json_object, settings, simulator, statements, verify,
};

mod outside;
mod readme;
mod registry;
mod sabotage;
mod sandbox;
mod scaffold;
mod toy;
