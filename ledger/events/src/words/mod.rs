//! The event vocabulary of `bookkeeping.md` section 3, one file a family. A recorded word is never renamed; a changed
//! meaning is a new version beside the old one.

pub mod book;
pub mod control;
pub mod dispute;
pub mod invoice;
pub mod payment;
pub mod payout;
pub mod wallet;
