//! The conformance suite over the registry, the suite itself against connectors that are wrong on purpose, and the matrix
//! in the README.

#![allow(clippy::unwrap_used)]

mod readme;
mod registry;
mod sabotage;
mod toy;
