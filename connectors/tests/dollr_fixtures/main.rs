//! Dollr's bytes and what they say: every fixture, the worked numbers, and hostile input within bounded time and memory.

#![allow(clippy::unwrap_used)]

mod hostile;
mod numbers;
mod says;
mod support;
