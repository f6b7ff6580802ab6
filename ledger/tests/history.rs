//! Histories: one order of claims gives one root on both stores and in any batches; random ones keep the laws.
#![allow(clippy::unwrap_used)]

mod common;
mod history {
    mod happenings;
    mod laws;
    mod memory;
    mod people;
    mod providers;
    mod script;
    mod tales;
    mod truths;
}
