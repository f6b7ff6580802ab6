//! One suite for both stores: what the ledger records, repeats, refuses, withholds and survives.
#![allow(clippy::unwrap_used)]

mod common;
mod suite {
    mod balances;
    mod corrections;
    mod doubts;
    mod invoices;
    mod races;
    mod reads;
    mod refusals;
    mod repeats;
    mod writers;
}
