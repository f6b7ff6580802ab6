//! Every registered connector passes every group of checks.

use std::path::PathBuf;

use ensimbi_connectors::conformance::{Group, Subject, check};
use ensimbi_connectors::providers;

/// The package's folder. Read at run time: a shared target folder serves several clones.
pub fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

async fn passes(provider: &str, group: Group) {
    let connector = providers::find(provider).unwrap();
    let stage = providers::stages().iter().copied().find(|stage| stage.provider() == provider);
    let report =
        check(&Subject::new(connector, stage, &root().join("src/providers").join(provider)), Some(group)).await;
    assert!(!report.checks.is_empty() && report.ok, "{provider}\n{report}");
}

macro_rules! suite {
    ($($provider:ident),*) => {
        const TESTED: &[&str] = &[$(stringify!($provider)),*];

        $(mod $provider {
            use super::*;

            #[tokio::test]
            async fn facts_are_whole_and_explained() {
                passes(stringify!($provider), Group::Facts).await;
            }

            #[tokio::test]
            async fn fixtures_say_what_is_written_beside_them_in_any_order() {
                passes(stringify!($provider), Group::Fixtures).await;
            }

            #[tokio::test]
            async fn hostile_bytes_end_as_unreadable() {
                passes(stringify!($provider), Group::Hostile).await;
            }

            #[tokio::test]
            async fn money_is_exact() {
                passes(stringify!($provider), Group::Money).await;
            }

            #[tokio::test]
            async fn people_stay_in_the_party() {
                passes(stringify!($provider), Group::Privacy).await;
            }

            #[tokio::test]
            async fn pushes_are_believed_as_far_as_they_are_authentic() {
                passes(stringify!($provider), Group::Signature).await;
            }

            #[tokio::test]
            async fn what_is_declared_is_shown_and_the_rest_refuses() {
                passes(stringify!($provider), Group::Capabilities).await;
            }

            #[tokio::test]
            async fn each_http_outcome_is_one_decision() {
                passes(stringify!($provider), Group::Outcomes).await;
            }
        })*
    };
}

suite!(dollr, iotec, paytota, sandbox);

#[test]
fn every_registered_connector_is_tested() {
    let registered: Vec<&str> = providers::all().iter().map(|connector| connector.facts().provider).collect();
    assert_eq!(TESTED, registered, "name it in suite! above");
}
