//! `ensimbi connectors`: what each connector offers, what one in a source folder still lacks, and the beginning of a new one.

mod new;
mod read;

use std::path::{Path, PathBuf};

use ensimbi_connectors::conformance::matrix::{CAPABILITIES, Row, rows};
use ensimbi_connectors::conformance::{Report, Subject, check, check_program};
use ensimbi_connectors::connector::{Capability, Connector};
use ensimbi_connectors::providers;
use ensimbi_connectors::settings::ConnectionSettings;
use serde::Deserialize;
use serde_json::json;

use crate::args::{ConnectorsArgs, ConnectorsCommand, OutArgs};
use crate::exit::{Code, Failure, Outcome};
use crate::output;

/// Where the connectors' folders are in the source.
const FOLDERS: &str = "connectors/src/providers";

/// The command.
pub async fn run(args: ConnectorsArgs) -> Outcome {
    match args.command {
        ConnectorsCommand::List { out } => list(&out),
        ConnectorsCommand::Check { out, outside: Some(command), folder, .. } => {
            program(&out, &command, &folder.unwrap_or_default()).await
        }
        ConnectorsCommand::Check { out, name, folder, .. } => lacks(&out, &name.unwrap_or_default(), folder).await,
        ConnectorsCommand::New(args) => new::run(&args),
        ConnectorsCommand::Read(args) => read::run(&args),
    }
}

/// A column for each connector, since there are more capabilities than a terminal is wide.
fn list(out: &OutArgs) -> Outcome {
    let rows = rows();
    let text = if out.json {
        json!({ "capabilities": CAPABILITIES.map(Capability::as_str), "items": rows }).to_string()
    } else {
        let header: Vec<&str> = [""].into_iter().chain(rows.iter().map(|row| row.provider)).collect();
        let line = |word: &str, cell: &dyn Fn(&Row) -> String| -> Vec<String> {
            [word.to_owned()].into_iter().chain(rows.iter().map(cell)).collect()
        };
        let mut lines = vec![line("pushes", &|row| row.authenticity.to_owned())];
        for word in CAPABILITIES.map(Capability::as_str) {
            lines.push(line(word, &|row| offers(row, word).to_owned()));
        }
        output::table(&header, lines, header.len())
    };
    output::deliver(out.output.as_deref(), &text)?;
    Ok(Code::Done)
}

fn offers(row: &Row, word: &str) -> &'static str {
    if row.capabilities.contains(&word) { "yes" } else { "-" }
}

/// Runs the conformance suite over one connector.
async fn lacks(out: &OutArgs, name: &str, folder: Option<PathBuf>) -> Outcome {
    let connector = known(name)?;
    let folder = match folder {
        Some(folder) => folder,
        None => beside(name).ok_or_else(|| {
            Failure::wrong(format!("no {FOLDERS}/{name} here or above: run it in the source, or name it with --folder"))
        })?,
    };
    if !folder.is_dir() {
        return Err(Failure::wrong(format!("--folder {}: expected the connector's folder", folder.display())));
    }
    let stage = providers::stages().iter().copied().find(|stage| stage.provider() == name);
    report(out, check(&Subject::new(connector, stage, &folder), None).await)
}

/// Largest file with a connection, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// One connection, as `ensimbi.toml` has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    connections: Vec<ConnectionSettings>,
}

/// Runs what concerns a program outside over its folder.
async fn program(out: &OutArgs, command: &str, folder: &Path) -> Outcome {
    let file = folder.join("connection.toml");
    let wrong = |problem: String| Failure::wrong(format!("{}: {problem}", file.display()));
    let small = std::fs::metadata(&file).is_ok_and(|data| data.is_file() && data.len() <= FILE_BYTES_MAX);
    if !small {
        return Err(wrong("expected a file with one connection, as ensimbi.toml has it".to_owned()));
    }
    let read: File =
        toml::from_str(&std::fs::read_to_string(&file)?).map_err(|error| wrong(error.message().to_owned()))?;
    let [settings] = read.connections.as_slice() else { return Err(wrong("expected one connection".to_owned())) };
    let words: Vec<String> = command.split_ascii_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        return Err(Failure::wrong("--outside: expected a program with its arguments, with spaces between them"));
    }
    report(out, check_program(settings, words, folder).await.map_err(Failure::wrong)?)
}

fn report(out: &OutArgs, report: Report) -> Outcome {
    let text = if out.json { json!(report).to_string() } else { report.to_string().trim_end().to_owned() };
    output::deliver(out.output.as_deref(), &text)?;
    Ok(if report.ok { Code::Done } else { Code::Disagrees })
}

/// The connector of a word.
fn known(name: &str) -> Result<&'static dyn Connector, Failure> {
    providers::find(name).ok_or_else(|| {
        let known: Vec<&str> = providers::all().iter().map(|connector| connector.facts().provider).collect();
        Failure::wrong(format!("there is no connector {name:?}; known: {}", known.join(", ")))
    })
}

/// The connector's folder in the source tree that we stand in.
fn beside(name: &str) -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|root: &Path| root.join(FOLDERS).join(name)).find(|folder| folder.is_dir())
}
