//! Signatures of pushes: which keys are taken, which signatures are, and that a flood of forged ones opens nothing.

#![allow(clippy::unwrap_used)]

mod bodies;
mod flood;
mod keys;
mod support;
mod texts;
