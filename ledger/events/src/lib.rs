//! The words of the house: money, ids, claims, events, their bytes, and the ports by which rooms meet.
//!
//! Everything here is pure: no clock, no network, no database. What a provider said becomes a [`Claim`]; what the
//! ledger decided becomes an [`Event`]; an event becomes the bytes of a leaf ([`leaf`]), and those bytes are for ever.
//! The written form of the bytes is `spec/LEAF.md`; this crate follows it, not the other way round.

pub mod approvals;
pub mod body;
pub mod bus;
pub mod claim;
pub mod codes;
pub mod commands;
pub mod config;
pub mod currency;
pub mod event;
pub mod ids;
pub mod leaf;
pub mod money;
pub mod node;
pub mod observations;
pub mod owed;
pub mod ports;
pub mod schema;
pub mod simtime;
pub mod time;
pub mod trial;
pub mod word;
pub mod words;

pub use claim::{Claim, Evidence, EvidenceClass};
pub use currency::Currency;
pub use event::{Body, Context, Event, Fact, Line, NoLines, Record, SubjectKind};
pub use ids::{BookId, ClaimId, ConnectionId, EventId, ObservationId, PartyId, SubjectId, WalletId};
pub use leaf::Hash;
pub use money::{Amount, Money};
pub use ports::{Clock, Entropy};
pub use time::Time;
