//! One suite for both stores: what the ledger records, repeats, refuses, withholds and survives.
#![allow(clippy::unwrap_used)]

mod common;
mod suite {
    mod adjustments;
    mod balances;
    mod corrections;
    mod doubts;
    mod fees;
    mod invoices;
    mod periods;
    mod races;
    mod reads;
    mod refusals;
    mod repeats;
    mod writers;
}
