//! The ioTec simulator over real HTTP, with a clock that the test moves.
#![allow(clippy::unwrap_used)]

mod callbacks;
mod decisions;
mod faults;
mod hand;
mod history;
mod payout_faults;
mod payouts;
mod runs;
mod support;
mod wire;
