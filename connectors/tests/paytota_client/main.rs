//! Paytota's client against a small scripted server: what is sent, and what each answer means.

#![allow(clippy::unwrap_used)]

mod collect;
mod pay;
mod read;
mod refund;
mod settings;
mod support;
