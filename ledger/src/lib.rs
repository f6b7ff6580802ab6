//! The book.
//!
//! claims -> [`service`] (bus) -> [`writer`] (one a book, group commit) -> [`append`] -> [`decide`] (pure) ->
//! [`posting`] (pure) -> one of two [`store`]s. One commit holds events, lines, keys, wallet balances, subject states and
//! the head with its RFC 6962 root ([`tree`]). [`verify`] recomputes all of it.

pub mod append;
pub mod decide;
pub mod posting;
pub mod service;
pub mod store;
pub mod tree;
pub mod verify;
pub mod writer;
