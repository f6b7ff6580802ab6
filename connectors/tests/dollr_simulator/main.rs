//! The Dollr simulator over real HTTP, with a clock that the test moves.
#![allow(clippy::unwrap_used)]

mod editing;
mod faults;
mod figures;
mod going;
mod hand;
mod hosted;
mod money;
mod payouts;
mod reads;
mod runs;
mod support;
mod switches;
mod wire;
