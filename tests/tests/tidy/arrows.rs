//! The arrows between the rooms (design section 1), read from the manifests; and manifests that hold no versions.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::check;
use crate::files::{self, File};

const EVENTS: &str = "ensimbi-events";
const VAULT: &str = "ensimbi-vault";
const BUS: &str = "ensimbi-bus";
const LEDGER: &str = "ensimbi-ledger";
const CONNECTORS: &str = "ensimbi-connectors";
const PROJECTIONS: &str = "ensimbi-projections";
const API: &str = "ensimbi-api";
const PARQUET: &str = "ensimbi-parquet";
const ALL: &[&str] = &[EVENTS, VAULT, BUS, LEDGER, CONNECTORS, PROJECTIONS, API, PARQUET];

/// Folder, package, and which of our packages it may use.
const ARROWS: [(&str, &str, &[&str]); 11] = [
    ("ledger/events", EVENTS, &[]),
    ("ledger/vault", VAULT, &[EVENTS]),
    ("ledger/bus", BUS, &[EVENTS]),
    ("ledger", LEDGER, &[EVENTS, BUS]),
    ("connectors", CONNECTORS, &[EVENTS, BUS, VAULT]),
    ("projections", PROJECTIONS, &[EVENTS, LEDGER]),
    ("api", API, &[PROJECTIONS, EVENTS, PARQUET]),
    ("api/parquet", PARQUET, &[]),
    ("api/cli", "ensimbi", ALL),
    ("tests", "ensimbi-tests", ALL),
    ("tests/xtask", "xtask", &[]),
];

/// Crates that only one room may name, and why.
const KEPT_IN: [(&str, &str, &str); 2] = [
    ("async-nats", "ledger/bus", "the bus is a trait; only its own room knows NATS"),
    ("parquet", "api/parquet", "Arrow has a new major every few months; it stays at the edge"),
];

/// Crates that read or write, which the words must not need.
const IO: [&str; 5] = ["tokio", "sqlx", "reqwest", "axum", "async-nats"];

fn manifests() -> Vec<(File, Table)> {
    let is_member = |file: &File| file.path.ends_with("/Cargo.toml");
    files::all()
        .into_iter()
        .filter(is_member)
        .map(|file| (toml::from_str(&file.text()).unwrap(), file))
        .map(|(t, f)| (f, t))
        .collect()
}

/// Every dependency of a manifest: the table it stands in, its package name, its value.
fn dependencies(manifest: &Table) -> Vec<(String, String, Value)> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let mut tables: Vec<(String, &Table)> = vec![(String::new(), manifest)];
    if let Some(targets) = manifest.get("target").and_then(Value::as_table) {
        tables.extend(targets.iter().filter_map(|(name, table)| Some((format!("target {name}: "), table.as_table()?))));
    }
    let mut found = Vec::new();
    for (place, table) in tables {
        for kind in kinds {
            let Some(entries) = table.get(kind).and_then(Value::as_table) else { continue };
            for (name, value) in entries {
                let package = value.get("package").and_then(Value::as_str).unwrap_or(name);
                found.push((format!("{place}{kind}"), package.to_owned(), value.clone()));
            }
        }
    }
    found
}

fn package_name(manifest: &Table) -> &str {
    manifest["package"]["name"].as_str().unwrap()
}

#[test]
fn rooms_use_only_the_rooms_that_the_design_lets_them_use() {
    let mut findings = Vec::new();
    let mut seen = BTreeMap::new();
    for (file, manifest) in manifests() {
        let folder = file.path.trim_end_matches("/Cargo.toml");
        let name = package_name(&manifest);
        seen.insert(folder.to_owned(), name.to_owned());
        let Some((_, _, allowed)) = ARROWS.iter().find(|(place, package, _)| *place == folder && *package == name)
        else {
            findings.push(format!("{}: package {name} is not in the design's table", file.path));
            continue;
        };
        let own = |package: &str| ARROWS.iter().any(|(_, ours, _)| *ours == package);
        for (kind, package, _) in dependencies(&manifest) {
            // A package's tests may use the package itself.
            if own(&package) && package != name && !allowed.contains(&package.as_str()) {
                findings.push(format!("{}: [{kind}] {package}", file.path));
            }
        }
    }
    findings.extend(
        ARROWS.iter().filter(|(folder, _, _)| !seen.contains_key(*folder)).map(|(f, _, _)| format!("{f}: missing")),
    );
    check(
        "A room uses a room that the design does not let it use.",
        "let them meet through a port (a trait in ledger/events) that api/cli wires; a test of several rooms goes to tests/",
        &findings,
    );
}

#[test]
fn a_client_library_stays_in_its_room() {
    let mut findings = Vec::new();
    for (file, manifest) in manifests() {
        let folder = file.path.trim_end_matches("/Cargo.toml");
        for (_, package, _) in dependencies(&manifest) {
            for (kept, room, why) in KEPT_IN {
                if package == kept && folder != room {
                    findings.push(format!("{}: {package} ({why})", file.path));
                }
            }
            if folder == "ledger/events" && IO.contains(&package.as_str()) {
                findings.push(format!("{}: {package} (the words are pure, no IO)", file.path));
            }
        }
    }
    check("A manifest names a crate that belongs to another room.", "use that room's trait", &findings);
}

#[test]
fn versions_and_lints_stand_in_the_workspace_only() {
    let mut findings = Vec::new();
    for (file, manifest) in manifests() {
        for (kind, package, value) in dependencies(&manifest) {
            let inherits = value.get("workspace").and_then(Value::as_bool) == Some(true);
            let table = value.as_table();
            if !inherits || table.is_some_and(|t| ["version", "path", "git"].iter().any(|key| t.contains_key(*key))) {
                findings.push(format!("{}: [{kind}] {package}", file.path));
            }
        }
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            let inherits = manifest["package"].get(key).and_then(|value| value.get("workspace")?.as_bool());
            if inherits != Some(true) {
                findings.push(format!("{}: package.{key}", file.path));
            }
        }
        if manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()) != Some(true) {
            findings.push(format!("{}: [lints]", file.path));
        }
    }
    check(
        "A member's manifest sets what the workspace should.",
        "write `NAME.workspace = true` there and the version in the root Cargo.toml; `[lints] workspace = true`",
        &findings,
    );
}
