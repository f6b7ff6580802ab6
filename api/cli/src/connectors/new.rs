//! `ensimbi connectors new`: the folder of a new connector, and its lines where all are named.
//!
//! Order: the name is judged, what exists is left alone, what is to be changed is read and made anew in memory; only then
//! anything is written.

use std::io::Write;
use std::path::{Path, PathBuf};

use ensimbi_connectors::conformance::scaffold;

use super::FOLDERS;
use crate::args::NewArgs;
use crate::exit::{Code, Failure, Outcome};

/// The registry, below the folder of all connectors, and the list of those that are tested, beside the package's sources.
const REGISTRY: &str = "mod.rs";
const TESTED: &str = "../../tests/conformance/registry.rs";

/// The command.
pub fn run(args: &NewArgs) -> Outcome {
    let name = args.name.as_str();
    scaffold::usable(name).map_err(|problem| Failure::wrong(format!("NAME: {problem}")))?;
    let folder = match &args.folder {
        Some(folder) if folder.file_name().and_then(|last| last.to_str()) == Some(name) => folder.clone(),
        Some(folder) => {
            let problem = format!("--folder {}: expected a path that ends in {name}", folder.display());
            return Err(Failure::wrong(problem));
        }
        None => {
            let missing =
                || Failure::wrong(format!("no {FOLDERS} here or above: run it in the source, or use --folder"));
            all()?.ok_or_else(missing)?.join(name)
        }
    };
    if folder.exists() {
        return Err(Failure::wrong(format!("{} exists already; nothing was written", folder.display())));
    }
    let changed = if args.register { changed(&folder, name)? } else { Vec::new() };
    std::fs::create_dir_all(folder.join("fixtures"))?;
    for (file, text) in scaffold::files(name) {
        std::fs::write(folder.join(file), text)?;
    }
    for (file, text) in &changed {
        std::fs::write(file, text)?;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} is written.", folder.display())?;
    if !args.register {
        writeln!(out, "\nIts lines in {FOLDERS}/{REGISTRY}, each among its like:\n")?;
        for (_, line) in scaffold::registry_lines(name) {
            write!(out, "{line}")?;
        }
        writeln!(out, "\nand `{name}` in the list suite!(..) of connectors/tests/conformance/registry.rs.")?;
    }
    writeln!(
        out,
        "\nThen `ensimbi connectors check {name}`, built anew, says what it lacks: the list of what is to be done."
    )?;
    Ok(Code::Done)
}

/// The folder of all connectors, in the source that we stand in.
fn all() -> Result<Option<PathBuf>, Failure> {
    let here = std::env::current_dir()?;
    Ok(here.ancestors().map(|root| root.join(FOLDERS)).find(|folder| folder.is_dir()))
}

/// The files that name all connectors, with one more.
fn changed(folder: &Path, name: &str) -> Result<Vec<(PathBuf, String)>, Failure> {
    let all = folder.parent().unwrap_or(folder);
    let change = |file: &str, with: fn(&str, &str) -> Result<String, String>| -> Result<(PathBuf, String), Failure> {
        let file = all.join(file);
        let wrong = |problem: String| Failure::wrong(format!("{}: {problem}; nothing was written", file.display()));
        let text = std::fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
        let text = with(&text, name).map_err(wrong)?;
        Ok((file, text))
    };
    Ok(vec![change(REGISTRY, scaffold::registered)?, change(TESTED, scaffold::tested)?])
}
