//! The ioTec simulator over real HTTP, with a clock that the test moves.
#![allow(clippy::unwrap_used)]

mod callbacks;
mod faults;
mod support;
mod wire;
