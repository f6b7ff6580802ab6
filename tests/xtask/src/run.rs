//! Running the suite and counting the tests that used a server.
//!
//! Order: servers, the readers of exports, the `ensimbi` binary, the tests, the doc tests, the count. A test counts for a server when a word of
//! its name (or of its file's) starts with `postgres` or `nats`; a whole run in which either count is zero fails, since
//! then the servers stood there for nothing.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::servers::Servers;
use crate::tools;

/// Words that begin the names of tests that need a server.
const SERVER_WORDS: [&str; 2] = ["postgres", "nats"];
/// Off in the product as it is built by default, as `build_binary` does; the tests run with it.
const PARQUET: &str = "ensimbi/parquet";

/// Runs every test; `filters` go to the test runner.
pub fn test(filters: &[String]) -> Result<()> {
    let root = tools::root()?;
    let servers = Servers::start()?;
    for note in servers.notes() {
        eprintln!("xtask: {note}");
    }
    let readers = tools::export_readers()?;
    let binary = build_binary(&root)?;
    let nextest = tools::on_path("cargo-nextest");
    eprintln!("xtask: running the suite with {}", if nextest { "cargo nextest" } else { "cargo test" });
    let runner: &[&str] = if nextest {
        // Every test is a line of its own, and one failure does not hide the others. What fails is tried once more, so that
        // a machine that stood still for a moment is told apart from a defect; it is named at the end all the same.
        &[
            "nextest",
            "run",
            "--workspace",
            "--features",
            PARQUET,
            "--no-fail-fast",
            "--retries",
            "1",
            "--status-level",
            "pass",
            "--final-status-level",
            "flaky",
        ]
    } else {
        &["test", "--workspace", "--features", PARQUET, "--no-fail-fast"]
    };
    let mut command = cargo(&root)?;
    // A failing test's own sentence is what is read; pages of frames would bury it.
    command.args(runner).args(filters).env("ENSIMBI_BIN", &binary).env("RUST_BACKTRACE", "0");
    command.env("ENSIMBI_TEST_PYTHONPATH", &readers);
    command.envs(servers.env().iter().map(|(name, value)| (name, value)));
    let mut count = Count::new(nextest);
    let mut ok = watched(&mut command, |line| count.line(line))?.success();

    // nextest leaves doc tests out.
    if nextest && filters.is_empty() {
        eprintln!("xtask: doc tests");
        let mut command = cargo(&root)?;
        command.args(["test", "--doc", "--workspace", "--quiet"]);
        ok &= command.stdin(Stdio::null()).status().context("cannot run cargo")?.success();
    }
    drop(servers);

    eprintln!("xtask: {} tests ran: {} with PostgreSQL, {} with NATS", count.tests.len(), count.with[0], count.with[1]);
    for name in &count.flaky {
        eprintln!("xtask: passed only at the second try, to be looked into: {name}");
    }
    if !ok {
        bail!("the test run failed (see above)");
    }
    if !filters.is_empty() {
        eprintln!("xtask: a filtered run, so the counts are not judged");
        return Ok(());
    }
    for (word, with) in SERVER_WORDS.iter().zip(count.with) {
        if with == 0 {
            bail!("no test with `{word}` in its name ran: name the tests that use that server so, or bring them back");
        }
    }
    Ok(())
}

/// Builds the product's debug binary, which the whole-house tests start, and returns its path.
fn build_binary(root: &Path) -> Result<PathBuf> {
    eprintln!("xtask: building the ensimbi binary");
    let status =
        cargo(root)?.args(["build", "-p", "ensimbi"]).stdin(Stdio::null()).status().context("cannot run cargo")?;
    if !status.success() {
        bail!("the ensimbi binary does not build");
    }
    let binary = tools::build_folder()?.join("ensimbi");
    if !binary.is_file() {
        bail!("the build left no {}; run `cargo xtask` without --target and --release", binary.display());
    }
    Ok(binary)
}

/// Cargo at the top of the workspace, with the same target folder as ours and plain output.
fn cargo(root: &Path) -> Result<Command> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).env("CARGO_TERM_COLOR", "never");
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        // A relative one was meant from where the caller stood.
        command.env("CARGO_TARGET_DIR", std::env::current_dir()?.join(target));
    }
    Ok(command)
}

/// Runs a command, passing its output on line by line, both streams in the order they were written.
fn watched(command: &mut Command, mut each: impl FnMut(&str)) -> Result<ExitStatus> {
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().context("cannot run cargo")?;
    // The command holds its own copies of the writing end; with them the pipe would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut lines = BufReader::new(reader);
    let mut line = Vec::new();
    while lines.by_ref().read_until(b'\n', &mut line)? > 0 {
        std::io::stderr().write_all(&line)?;
        each(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(child.wait()?)
}

/// Which tests ran, and how many of them used each server.
#[derive(Debug, Default)]
struct Count {
    /// Whose output is read; inside nextest's, a failing test's own output looks like `cargo test`'s.
    nextest: bool,
    /// nextest names a failing test twice.
    tests: BTreeSet<String>,
    /// Failed first, passed then.
    flaky: BTreeSet<String>,
    with: [u32; SERVER_WORDS.len()],
    /// The test file that `cargo test` said it is running.
    file: String,
}

impl Count {
    fn new(nextest: bool) -> Self {
        Self { nextest, ..Self::default() }
    }

    /// Reads a line of the runner's output.
    fn line(&mut self, line: &str) {
        let line = line.trim();
        if self.nextest {
            // "PASS [   0.012s] (1/9) ensimbi-ledger::store a_sentence"; the place is left out without a terminal. A test that
            // is tried again has "TRY 2 " before it.
            let (tried, outcome) = match line.strip_prefix("TRY ").and_then(|rest| rest.split_once(' ')) {
                Some((_, outcome)) => (true, outcome),
                None => (false, line),
            };
            if ["PASS [", "FAIL [", "LEAK ["].iter().any(|word| outcome.starts_with(word))
                && let Some((_, name)) = outcome.split_once("] ")
            {
                let name = name.rsplit_once(") ").map_or(name, |(_, name)| name).trim().to_owned();
                if tried && outcome.starts_with("PASS [") {
                    self.flaky.insert(name.clone());
                }
                self.ran(name);
            }
        } else if let Some(rest) = line.strip_prefix("Running ").or_else(|| line.strip_prefix("Doc-tests ")) {
            // "Running tests/store.rs (target/debug/deps/store-0123456789abcdef)"
            self.file = rest.to_owned();
        } else if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
            // "test a_sentence ... ok"
            if outcome.starts_with("ok") || outcome.starts_with("FAILED") {
                self.ran(format!("{} {name}", self.file));
            }
        }
    }

    fn ran(&mut self, name: String) {
        // The folder of the build may hold anyone's words.
        let place = name.find(" (").zip(name.rfind(')'));
        let plain = place.map_or(name.clone(), |(from, to)| format!("{}{}", &name[..from], &name[to + 1..]));
        if !self.tests.insert(name) {
            return;
        }
        let lower = plain.to_ascii_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        for (word, with) in SERVER_WORDS.iter().zip(&mut self.with) {
            *with += u32::from(words.iter().any(|part| part.starts_with(word)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    fn count(nextest: bool, text: &str) -> Count {
        let mut count = Count::new(nextest);
        text.lines().for_each(|line| count.line(line));
        count
    }

    #[test]
    fn the_output_of_cargo_test_is_counted() {
        let count = count(
            false,
            "     Running unittests src/lib.rs (target/debug/deps/a-1)\n\
             test money::halves_are_refused ... ok\n\
             test a_name_in_postgres_is_kept ... FAILED\n\
             test not_today ... ignored\n\
             \x20    Running tests/nats.rs (target/debug/deps/nats-1)\n\
             test a_lost_message_comes_again ... ok\n\
             test result: ok. 1 passed; 0 failed\n",
        );
        assert_eq!((count.tests.len(), count.with), (3, [1, 1]));
    }

    #[test]
    fn what_passes_only_at_the_second_try_is_named() {
        let count = count(
            true,
            "        TRY 1 FAIL [   0.012s] (1/2) ensimbi-bus::nats a_lost_message_comes_again\n\
             \x20       TRY 2 PASS [   0.012s] (1/2) ensimbi-bus::nats a_lost_message_comes_again\n\
             \x20       PASS [   0.012s] (2/2) ensimbi-bus::nats another\n",
        );
        assert_eq!((count.tests.len(), count.flaky.len(), count.with), (2, 1, [0, 2]));
    }

    #[test]
    fn the_output_of_nextest_is_counted() {
        let count = count(
            true,
            "    Starting 3 tests across 2 binaries\n\
             \x20       PASS [   0.012s] (1/3) ensimbi-bus::nats a_lost_message_comes_again\n\
             \x20       FAIL [   0.012s] (2/3) ensimbi-ledger suite::postgres::rows_cannot_be_changed\n\
             test result: FAILED. 0 passed\n\
             test suite::postgres::rows_cannot_be_changed ... FAILED\n\
             \x20       PASS [   0.012s] (3/3) ensimbi-ledger alternatsthing\n\
             \x20    Summary [   0.036s] 3 tests run: 2 passed, 1 failed, 0 skipped\n\
             \x20       FAIL [   0.012s] (2/3) ensimbi-ledger suite::postgres::rows_cannot_be_changed\n",
        );
        assert_eq!((count.tests.len(), count.with), (3, [1, 1]));
    }
}
