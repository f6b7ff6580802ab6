//! The door's suite: every test runs on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used)]

mod commands;
mod crashes;
mod duo;
mod flow;
mod handles;
mod hooks;
mod house;
mod outside;
mod payouts;
mod proposals;
mod pushes;
mod stores;
mod tellings;
mod two_steps;

/// Runs each test on both stores; the PostgreSQL ones fail without a server.
macro_rules! on_both_stores {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::door::tests::house::House::new(crate::door::tests::house::in_sqlite())).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::door::tests::house::House::new(crate::door::tests::house::in_postgres().await)).await;
            })*
        }
    };
}
pub(crate) use on_both_stores;
