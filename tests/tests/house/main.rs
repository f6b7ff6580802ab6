//! The whole house: the real binary as a process, or all rooms together in this one.
//!
//! Every test has its own folder, ports, database and bus prefix.

#![allow(clippy::unwrap_used)]

mod accountant;
mod api;
mod bad_configuration;
mod bad_requests;
mod cli;
mod cli_connectors;
mod cli_doctor;
mod cli_write;
mod commands;
mod demo;
mod discrepancies;
mod dollr;
mod exports;
mod foreign;
mod imports;
mod invoices;
mod kill;
mod orders;
mod outage;
mod outside;
mod payouts;
mod paytota;
mod paytota_back;
mod paytota_forged;
mod paytota_purses;
mod played;
mod recompute;
mod refused;
mod retranslate;
mod roles;
mod rooms;
mod seeds;
mod stage;
mod support;
