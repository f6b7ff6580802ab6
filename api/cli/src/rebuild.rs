//! `ensimbi rebuild`: fills projections anew beside the serving ones, compares, and switches.

use std::io::Write;
use std::sync::Arc;

use ensimbi_events::ports::BookReader;
use ensimbi_projections::{Projector, RebuildError};

use crate::args::RebuildArgs;
use crate::exit::{Code, Failure, Outcome};
use crate::home::Home;
use crate::output;

/// The command.
pub async fn run(args: RebuildArgs) -> Outcome {
    // SQLite allows one writer a file: embedded, the running process must end first.
    let home = if args.home.database_url.is_none() {
        Home::to_write(&args.home, ".ensimbi")?
    } else {
        Home::to_read(&args.home, ".ensimbi")
    };
    let Some(store) = home.existing_book_store().await? else {
        return Err(Failure::wrong(format!("there is no book in {}", home.folder.display())));
    };
    let projector = Projector::new(home.view_store().await?, store as Arc<dyn BookReader>, ensimbi_projections::all());
    let bar = output::bar("rebuilding", 0);
    let reports = projector
        .rebuild(args.projection.as_deref(), args.home.book, &|progress| {
            bar.set_length(progress.target);
            bar.set_position(progress.position);
        })
        .await;
    bar.finish_and_clear();
    let reports = reports.map_err(|error| match error {
        RebuildError::Unknown(..) => Failure::wrong(error),
        RebuildError::Stopped { .. } => Failure::disagrees(error),
        RebuildError::Busy(_) | RebuildError::Store(_) => Failure::not_to_be_had(error),
    })?;
    let agreed = reports.iter().all(|report| report.equal != Some(false));
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::json!({ "ok": agreed, "projections": reports }))?;
    } else {
        for report in &reports {
            let word = match report.equal {
                Some(true) => "equal to what served",
                Some(false) => "DIFFERENT from what served; the rebuilt one serves now",
                None => "not compared: the old one did not fit the book",
            };
            writeln!(out, "{} of {}: position {}, {word}", report.projection, report.book, report.position)?;
        }
    }
    Ok(if agreed { Code::Done } else { Code::Disagrees })
}
