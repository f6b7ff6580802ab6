//! `ensimbi connectors`: what each connector offers, and what one in a source folder still lacks.

use std::path::{Path, PathBuf};

use ensimbi_connectors::conformance::matrix::{CAPABILITIES, Row, rows};
use ensimbi_connectors::conformance::{Subject, check};
use ensimbi_connectors::connector::Capability;
use ensimbi_connectors::providers;
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
        ConnectorsCommand::Check { out, name, folder } => lacks(&out, &name, folder).await,
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
    let connector = providers::find(name).ok_or_else(|| {
        let known: Vec<&str> = providers::all().iter().map(|connector| connector.facts().provider).collect();
        Failure::wrong(format!("there is no connector {name:?}; known: {}", known.join(", ")))
    })?;
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
    let report = check(&Subject::new(connector, stage, &folder), None).await;
    let text = if out.json { json!(report).to_string() } else { report.to_string().trim_end().to_owned() };
    output::deliver(out.output.as_deref(), &text)?;
    Ok(if report.ok { Code::Done } else { Code::Disagrees })
}

/// The connector's folder in the source tree that we stand in.
fn beside(name: &str) -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|root: &Path| root.join(FOLDERS).join(name)).find(|folder| folder.is_dir())
}
