//! Credentials, tried: each provider is asked for something that it lets us read again and again, and that moves no money.

use std::sync::Arc;
use std::time::Duration;

use ensimbi_connectors::connector::{CallError, ObjectRef, Routine};
use ensimbi_connectors::providers;
use ensimbi_connectors::settings::ConnectionSettings;
use ensimbi_events::Clock;

use super::Report;
use crate::clock::SystemClock;
use crate::exit::Code;

/// Longest wait for one provider; real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks every connection's provider.
pub(super) async fn ask(connections: &[ConnectionSettings], report: &mut Report) {
    for settings in connections {
        let name = format!("credentials {}", settings.slug);
        let Some(connector) = providers::find(&settings.provider) else { continue };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let client = match connector.connect(settings, clock) {
            Ok(client) => client,
            Err(error) => {
                report.bad(name, Code::Wrong, error.to_string(), "correct this key of the configuration");
                continue;
            }
        };
        let Some(object) = readable(connector.facts().routines, settings) else {
            report.warn(name, "this provider offers nothing that could be read", "make a small payment and watch it");
            continue;
        };
        let read = tokio::time::timeout(PATIENCE, client.read(&object, None)).await;
        let what = object.kind;
        match read {
            Ok(Ok(_)) => report.ok(name, format!("accepted: {what} was read")),
            Ok(Err(CallError::Credentials(why))) => {
                report.bad(name, Code::Disagrees, why, "correct the connection's credentials, or ask the provider");
            }
            Ok(Err(CallError::NotFound)) => {
                let advice = "check the wallet's id in the configuration";
                report.bad(
                    name,
                    Code::Disagrees,
                    format!("accepted, but the provider does not know the {what}"),
                    advice,
                );
            }
            Ok(Err(CallError::RateLimited(wait))) => {
                report.warn(name, format!("too many calls, wait {} s", wait.as_secs()), "try again later");
            }
            Ok(Err(error)) => {
                let advice = "check the network, the base URLs and the provider's own status";
                report.bad(name, Code::NotToBeHad, error.to_string(), advice);
            }
            Err(_) => {
                let advice = "check the network, the base URLs and the provider's own status";
                report.bad(name, Code::NotToBeHad, "no answer in a minute", advice);
            }
        }
    }
}

/// What is read by itself anyway: a wallet where there is such a read, else what is read for the whole connection.
fn readable(routines: &[Routine], settings: &ConnectionSettings) -> Option<ObjectRef> {
    let routine = routines.iter().find(|routine| routine.each_wallet).or_else(|| routines.first())?;
    let id = match routine.each_wallet {
        true => settings.wallets.first()?.id.clone(),
        false => "all".to_owned(),
    };
    Some(ObjectRef { kind: routine.object_kind, id: Some(id), reference: None })
}
