//! Paytota's bytes and what they say: every fixture, and hostile input within bounded time and memory.

#![allow(clippy::unwrap_used)]

mod hostile;
mod says;
mod support;
