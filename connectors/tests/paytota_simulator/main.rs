//! The Paytota simulator over real HTTP, with a clock that the test moves.
#![allow(clippy::unwrap_used)]

mod books;
mod faults;
mod going;
mod hand;
mod payouts;
mod runs;
mod statements;
mod support;
mod switches;
mod webhooks;
mod wire;
