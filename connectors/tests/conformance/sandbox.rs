//! The sandbox is small, and no live book has it.

use std::sync::Arc;

use ensimbi_connectors::connector::Connector;
use ensimbi_connectors::door::check_connections;
use ensimbi_connectors::providers::sandbox::Sandbox;
use ensimbi_connectors::providers::{all, stages};
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_connectors::simulator::stage::{StageClock, StagePlan};
use ensimbi_events::Clock;
use ensimbi_events::simtime::SimClock;
use ensimbi_events::word::Mode;

use super::registry::root;

/// Lines of Rust of the smallest complete connector with its simulator, comments and blank lines included.
const LINES_MAX: usize = 300;

#[test]
fn the_sandbox_is_at_most_300_lines_with_its_simulator() {
    let files = std::fs::read_dir(root().join("src/providers/sandbox")).unwrap();
    let rust = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let lines: usize = rust.map(|path| std::fs::read_to_string(path).unwrap().lines().count()).sum();
    assert!((100..=LINES_MAX).contains(&lines), "{lines} lines");
}

async fn simulated(clock: &Arc<SimClock>) -> ConnectionSettings {
    let folder = tempfile::tempdir().unwrap();
    let stage = stages().iter().find(|stage| stage.provider() == "sandbox").unwrap();
    assert!(!stage.in_demo());
    let file = folder.path().join("sandbox.db");
    let plan = StagePlan { file, clock: StageClock::Driven(clock.clone()), seed: 1, faults: false };
    let simulator = stage.open(plan).await.unwrap();
    simulator.connections("http://127.0.0.1:9").remove(0)
}

#[tokio::test]
async fn a_live_book_takes_no_connection_to_the_sandbox_and_only_a_simulated_one_is_made() {
    let clock = Arc::new(SimClock::new(ensimbi_events::Time::from_micros(1_780_000_000_000_000)));
    let mut settings = simulated(&clock).await;
    let port: Arc<dyn Clock> = clock.clone();
    let check = |settings: &ConnectionSettings, mode| {
        check_connections(std::slice::from_ref(settings), mode, all(), &port, true).map_err(|error| error.key)
    };
    assert_eq!(check(&settings, Mode::Test), Ok(()));
    assert!(check(&settings, Mode::Live).is_err());
    settings.simulated = false;
    settings.urls.clear();
    let refused = Sandbox.connect(&settings, port.clone()).err().map(|error| error.key);
    assert_eq!(refused.as_deref(), Some("connections.sandbox-main.simulated"));
}
