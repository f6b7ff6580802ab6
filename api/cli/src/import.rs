//! `ensimbi import`: raw provider bytes from files become observations, claims and events, like any other evidence.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ensimbi_connectors::door::{ImportError, ImportOutcome, InboxState};
use ensimbi_events::bus::Outcome as Answer;
use ensimbi_events::leaf;
use serde_json::{Value, json};

use crate::args::ImportArgs;
use crate::clock::SystemClock;
use crate::exit::{Code, Failure, Outcome};
use crate::home::Home;
use crate::house::{House, Plan};
use crate::settings::Settings;

/// Longest wait for the ledger's answers to one file.
const PATIENCE: Duration = Duration::from_secs(60);
/// Largest file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The command.
pub async fn run(args: ImportArgs) -> Outcome {
    // All files are read before anything is applied: a wrong name in the list applies nothing.
    let mut bodies = Vec::with_capacity(args.files.len());
    for file in &args.files {
        bodies.push((file.display().to_string(), read(file)?));
    }
    let home = Home::to_write(&args.home, ".ensimbi")?;
    let settings = Settings::read(&home.config_file(), args.home.config.is_some())?;
    let plan = Plan::of_one_command(&home, settings, Arc::new(SystemClock), args.allow_live_format_0);
    let mut house = House::build(&home, plan).await?;
    house.start();
    let result = import_all(&house, &args, &bodies).await;
    house.catch_up().await;
    house.close().await;
    let (code, report) = result?;
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", json!({ "ok": code == Code::Done, "files": report }))?;
    } else {
        for file in &report {
            writeln!(out, "{}", sentence(file))?;
        }
    }
    Ok(code)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let wrong = |problem: String| Failure::wrong(format!("{}: {problem}", file.display()));
    let data = std::fs::symlink_metadata(file).map_err(|error| wrong(error.to_string()))?;
    if !data.is_file() {
        return Err(wrong("expected a regular file (no link, folder or pipe)".to_owned()));
    }
    let mut body = Vec::new();
    std::fs::File::open(file)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut body)?;
    if body.is_empty() || body.len() as u64 > FILE_BYTES_MAX {
        return Err(wrong("expected 1 byte to 1 MiB".to_owned()));
    }
    Ok(body)
}

async fn import_all(
    house: &House,
    args: &ImportArgs,
    bodies: &[(String, Vec<u8>)],
) -> Result<(Code, Vec<Value>), Failure> {
    let connection = house.door.connection(&args.connection).ok_or_else(|| {
        Failure::wrong(format!(
            "--connection {}: not in the configuration; expected one of {}, or the id of one",
            args.connection,
            house.door.slugs().join(", ")
        ))
    })?;
    let mut code = Code::Done;
    let mut report = Vec::new();
    for (name, body) in bodies {
        let receipt = house.door.import(connection, &args.kind, body, &args.actor).await.map_err(refused)?;
        let outcome = house.door.wait_for(receipt.observation, PATIENCE).await?;
        let outcome = outcome.ok_or_else(|| Failure::not_to_be_had("the observation is not in the inbox"))?;
        if !outcome.is_complete() {
            return Err(Failure::not_to_be_had(format!(
                "{name}: stored, but the ledger has not answered yet; the same import again goes on"
            )));
        }
        let (events, doubtful) = events(house, &outcome).await?;
        code = match outcome.state {
            InboxState::Quarantined => Code::Wrong,
            _ if doubtful && code == Code::Done => Code::Discrepancies,
            _ => code,
        };
        report.push(json!({
            "file": name,
            "observation": receipt.observation,
            "already_present": receipt.repeated,
            "state": outcome.state.as_str(),
            "reason": outcome.reason,
            "claims": outcome.claims.iter().map(|claim| json!({
                "claim": claim.claim, "type": claim.word, "answer": claim.outcome,
            })).collect::<Vec<_>>(),
            "events": events,
        }));
    }
    Ok((code, report))
}

fn refused(error: ImportError) -> Failure {
    match error {
        ImportError::Door(error) => error.into(),
        ImportError::UnknownKind(_) => Failure::wrong(format!("--kind: {error}")),
        other => Failure::wrong(other),
    }
}

/// The events behind the answers, and whether one of them is a discrepancy.
async fn events(house: &House, outcome: &ImportOutcome) -> Result<(Vec<Value>, bool), Failure> {
    let mut positions = Vec::new();
    for claim in &outcome.claims {
        if let Some(Answer::Recorded { events }) = &claim.outcome {
            positions.extend(events.iter().map(|event| event.position));
        }
    }
    let mut doubtful = false;
    let mut events = Vec::new();
    for stored in house.store.read_at(house.book, &positions).await? {
        let event = leaf::decode(&stored.leaf)
            .map_err(|error| Failure::disagrees(format!("position {}: {error}", stored.position)))?;
        doubtful |= matches!(event.fact.body, ensimbi_events::Body::DiscrepancyRaised(_));
        events.push(json!({
            "position": stored.position,
            "event_id": event.record.event_id,
            "leaf_hash": stored.leaf_hash,
            "fact": event.fact,
            "lines": event.record.lines,
        }));
    }
    Ok((events, doubtful))
}

fn sentence(file: &Value) -> String {
    let text = |key: &str| file[key].as_str().unwrap_or_default().to_owned();
    let present = if file["already_present"] == true { " (already present)" } else { "" };
    let mut line = format!("{}: {}{present}", text("file"), text("state"));
    if let Some(reason) = file["reason"].as_str() {
        line.push_str(&format!(": {reason}"));
    }
    for event in file["events"].as_array().into_iter().flatten() {
        let word = event["fact"]["type"].as_str().unwrap_or_default();
        line.push_str(&format!("\n  {} at position {}", word, event["position"]));
    }
    line
}
