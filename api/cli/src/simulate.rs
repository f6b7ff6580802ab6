//! `ensimbi simulate PROVIDER`: the provider's server as we believe it, on its own durable file.

use std::sync::Arc;

use ensimbi_connectors::door::SIGNING_KEYS;
use ensimbi_connectors::providers;
use ensimbi_connectors::simulator::stage::{PushTarget, Stage, StageClock, StagePlan};
use ensimbi_events::simtime::SimClock;
use ensimbi_events::{Clock, Time};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::args::SimulateArgs;
use crate::clock::SystemClock;
use crate::exit::{Code, Failure, Outcome};
use crate::serve::ctrl_c;

/// The stage of a provider's word.
pub fn stage(provider: &str) -> Result<&'static dyn Stage, Failure> {
    let found = providers::stages().iter().copied().find(|stage| stage.provider() == provider);
    found.ok_or_else(|| {
        let known: Vec<&str> = providers::stages().iter().map(|stage| stage.provider()).collect();
        Failure::wrong(format!("there is no simulator of {provider:?}; known: {}", known.join(", ")))
    })
}

/// The command.
pub async fn run(args: SimulateArgs) -> Outcome {
    let stage = stage(&args.provider)?;
    let folder = args.data.join("simulators");
    std::fs::create_dir_all(&folder)?;
    let clock = if args.simulated_clock {
        StageClock::Driven(Arc::new(SimClock::new(start())))
    } else {
        StageClock::Given(Arc::new(SystemClock))
    };
    let file = folder.join([stage.provider(), ".db"].concat());
    let plan = StagePlan { file, clock, seed: args.seed, faults: args.faults };
    let simulator = stage.open(plan).await.map_err(Failure::wrong)?;
    if let Some(url) = &args.callback_url {
        let header = match args.callback_header.as_deref() {
            None => None,
            Some(header) => {
                let parts = header.split_once(':');
                let wrong = || Failure::wrong("--callback-header: expected NAME:VALUE beside --callback-url");
                let (name, value) = parts.ok_or_else(wrong)?;
                Some((name.to_owned(), SecretString::from(value.trim())))
            }
        };
        for connection in simulator.connections("") {
            let target = PushTarget { slug: connection.slug, url: url.clone(), header: header.clone() };
            simulator.push_to(target).map_err(|why| Failure::wrong(format!("--callback-header: {why}")))?;
        }
    }
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|error| Failure::not_to_be_had(format!("--listen {}: {error}", args.listen)))?;
    let base_url = format!("http://{}", listener.local_addr()?);
    eprintln!("{} is simulated on {base_url}", stage.provider());
    for connection in simulator.connections(&base_url) {
        // A provider that signs has keys of its own, which a configuration must name.
        for (name, key) in connection.options.iter().filter(|(name, _)| SIGNING_KEYS.contains(&name.as_str())) {
            eprintln!("{} {name}:\n{}", connection.slug, key.trim_end());
        }
    }
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(async move {
        ctrl_c().await;
        stop.send_replace(true);
    });
    simulator.serve(listener, stopping).await.map_err(Failure::not_to_be_had)?;
    Ok(Code::Done)
}

/// Where simulated time begins: a Monday morning in Kampala.
pub fn start() -> Time {
    "2026-01-05T05:00:00Z".parse().unwrap_or_else(|_| SystemClock.now())
}
