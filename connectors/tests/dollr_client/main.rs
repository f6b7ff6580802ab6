//! Dollr's client against a small scripted server: what is sent, in which order, and what each answer means.

#![allow(clippy::unwrap_used)]

mod answers;
mod collect;
mod pay;
mod read;
mod settings;
mod support;
mod tokens;
