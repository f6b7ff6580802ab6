//! Tables, files and progress: results on stdout or in a file, everything else on stderr.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::exit::Failure;

/// Hands a result over: on stdout, or in a file that appears under its name only when it is whole.
pub fn deliver(file: Option<&Path>, text: &str) -> Result<(), Failure> {
    let Some(file) = file else {
        writeln!(std::io::stdout().lock(), "{text}")?;
        return Ok(());
    };
    let part = part_of(file)?;
    let written = || {
        let mut out = std::fs::File::create(&part)?;
        writeln!(out, "{text}")?;
        out.sync_all()?;
        std::fs::rename(&part, file)
    };
    written().map_err(|error| {
        // A half file is of no use to anybody; that it stays is worse than that its removal fails.
        drop(std::fs::remove_file(&part));
        Failure::wrong(format!("--output {}: {error}", file.display()))
    })
}

/// The name that a file has while it is written.
pub fn part_of(file: &Path) -> Result<PathBuf, Failure> {
    let mut name: OsString =
        file.file_name().ok_or_else(|| Failure::wrong("--output: expected a file name"))?.to_owned();
    name.push(".part");
    Ok(file.with_file_name(name))
}

/// A progress bar on stderr; silent where nobody watches.
pub fn bar(what: &'static str, total: u64) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    if let Ok(style) = ProgressStyle::with_template("{msg:>12} [{bar:40}] {pos}/{len} {elapsed}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what);
    bar
}

/// A table; columns from `numbers` on are amounts, to the right.
pub fn table(header: &[&str], rows: Vec<Vec<String>>, numbers: usize) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}
