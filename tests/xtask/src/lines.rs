//! How many lines a connector is written by hand: its Rust without tests, by translator, client, the rest, and the
//! simulator apart. `code` leaves out blank lines and comments; `all` has them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use crate::tools;

/// Where the connectors' folders are.
const FOLDERS: &str = "connectors/src/providers";
/// The parts, in the order of the columns. The first two are folders or files of that name.
const PARTS: [&str; 4] = ["translate", "client", "rest", "simulator"];

/// Lines of a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Lines {
    /// Without blank lines and comments.
    code: usize,
    /// With them.
    all: usize,
}

impl Lines {
    fn of(text: &str) -> Self {
        // A file's own tests are its last part.
        let own = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        let mut lines = Self::default();
        for line in own {
            let line = line.trim();
            lines.all += 1;
            lines.code += usize::from(!line.is_empty() && !line.starts_with("//"));
        }
        lines
    }

    fn add(&mut self, other: Self) {
        self.code += other.code;
        self.all += other.all;
    }
}

/// The table, a line for each connector.
pub fn table() -> Result<String> {
    let root = tools::root()?.join(FOLDERS);
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(&root).with_context(|| format!("{} cannot be read", root.display()))? {
        let path = entry?.path();
        if path.join("mod.rs").is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    let mut table = format!("{:<10}", "");
    for column in PARTS.iter().take(3).chain(&["together", "simulator"]) {
        table.push_str(&format!("{column:>20}"));
    }
    table.push('\n');
    for folder in folders {
        let mut parts = BTreeMap::new();
        count(&folder, None, &mut parts)?;
        let of = |part: &str| parts.get(part).copied().unwrap_or_default();
        let mut together = Lines::default();
        PARTS.iter().take(3).for_each(|part| together.add(of(part)));
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        table.push_str(&format!("{name:<10}"));
        for lines in [of(PARTS[0]), of(PARTS[1]), of(PARTS[2]), together, of(PARTS[3])] {
            table.push_str(&format!("{:>20}", format!("{} ({})", lines.code, lines.all)));
        }
        table.push('\n');
    }
    table.push_str("lines of code (with comments and blank lines); tests and fixtures are not counted");
    Ok(table)
}

/// Counts a folder; `part`: what everything in it belongs to.
fn count(folder: &Path, part: Option<&'static str>, parts: &mut BTreeMap<&'static str, Lines>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let own = PARTS.into_iter().find(|part| *part == stem);
        if path.is_dir() {
            count(&path, part.or(own), parts)?;
        } else if path.extension().is_some_and(|end| end == "rs") && stem != "tests" {
            let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            parts.entry(part.or(own).unwrap_or("rest")).or_default().add(Lines::of(&text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn tests_blank_lines_and_comments_are_told_apart() {
        let text = "//! Head.\n\nuse x;\n/// Doc.\nfn a() {\n    // Why.\n    b();\n}\n\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n";
        assert_eq!(Lines::of(text), Lines { code: 4, all: 9 });
    }

    #[test]
    fn every_connector_has_a_line_with_its_parts() {
        let table = table().unwrap();
        let sandbox = table.lines().find(|line| line.starts_with("sandbox")).unwrap();
        let figures: Vec<&str> = sandbox.split_whitespace().collect();
        assert!(figures.len() == 11 && !figures.contains(&"0"), "{table}");
    }
}
