//! The door and the providers: where the outside world stops.

pub mod answers;
pub mod checks;
pub mod conformance;
pub mod connector;
pub mod door;
pub mod json;
pub mod outside;
pub mod providers;
pub mod settings;
pub mod simulator;
pub mod statements;
pub mod verify;
