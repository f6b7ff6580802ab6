//! The top level, the length of files, and nothing of anyone's machine in them.

use std::collections::BTreeSet;

use crate::check;
use crate::files;

/// What the design puts at the top, and the usual one-page files. Dot-files are free.
const TOP: [&str; 18] = [
    "Cargo.toml",
    "Cargo.lock",
    "ledger",
    "connectors",
    "projections",
    "api",
    "tests",
    "docker-compose.yml",
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "Dockerfile",
    "Makefile",
    "deny.toml",
    "clippy.toml",
    "rustfmt.toml",
];

const LINES_MAX: usize = 600;
const WRITTEN: [&str; 5] = [".rs", ".sql", ".py", ".sh", ".html"];

/// Folders of somebody's machine, and hosts of registries. In pieces, or this file would name them.
const MACHINE: [&str; 9] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("files.", "pythonhosted.org"),
    concat!("registry.", "npmjs.org"),
    concat!("proxy.", "golang.org"),
];

#[test]
fn the_top_level_holds_only_what_the_design_names() {
    let top: BTreeSet<String> =
        files::all().into_iter().filter_map(|file| file.path.split('/').next().map(str::to_owned)).collect();
    let stray = |name: &&String| !name.starts_with('.') && !TOP.contains(&name.as_str());
    let findings: Vec<String> = top.iter().filter(stray).cloned().collect();
    check(
        "The top level holds something that the design does not name.",
        "put it into the room it belongs to, or into tests/",
        &findings,
    );
}

#[test]
fn files_are_short_enough_to_read() {
    let written = files::all().into_iter().filter(|file| WRITTEN.iter().any(|ending| file.path.ends_with(ending)));
    let long = written.map(|file| (file.text().lines().count(), file.path)).filter(|(lines, _)| *lines > LINES_MAX);
    let findings: Vec<String> = long.map(|(lines, path)| format!("{path}: {lines} lines")).collect();
    check(&format!("A file has more than {LINES_MAX} lines."), "split it by concept", &findings);
}

#[test]
fn no_file_names_a_machine_or_a_registry_host() {
    let mut findings = Vec::new();
    // The lock file names its registry by design; `cargo deny` checks that it is the usual one.
    for file in files::all().into_iter().filter(|file| file.path != "Cargo.lock") {
        for (index, line) in file.text().lines().enumerate() {
            let named = MACHINE.iter().filter(|word| line.contains(**word));
            findings.extend(named.map(|word| format!("{}:{}: {word}", file.path, index + 1)));
        }
    }
    check(
        "A file names a folder of one machine, or a registry's host.",
        "use a path from the repository's top, a temporary folder, or the tool's own default",
        &findings,
    );
}
