//! `ensimbi verify`: recomputes every book and says, a line each, whether it is whole.

use std::io::Write;

use ensimbi_events::BookId;
use ensimbi_ledger::tree::Edge;
use ensimbi_ledger::verify::{Report, verify};

use crate::args::VerifyArgs;
use crate::exit::{Code, Outcome};
use crate::home::Home;
use crate::output;

/// What this build cannot compare yet.
pub const NOT_CHECKED: &str = "no checkpoint from outside was given: a book rewritten as a whole would not be seen";

/// The command.
pub async fn run(args: VerifyArgs) -> Outcome {
    let home = Home::to_read(&args.home, ".ensimbi");
    let reports = match home.existing_book_store().await? {
        None => Vec::new(),
        Some(store) => {
            let books: Vec<BookId> = match args.home.book {
                Some(book) => vec![book],
                None => store.books().await?,
            };
            let mut reports = Vec::new();
            for book in books {
                let bar = output::bar("verifying", store.head(book).await?.size);
                reports.push(verify(store.as_ref(), book, |position| bar.set_position(position)).await?);
                bar.finish_and_clear();
            }
            reports
        }
    };
    let ok = reports.iter().all(|report| report.ok);
    let mut out = std::io::stdout().lock();
    if args.json {
        let document = serde_json::json!({ "ok": ok, "books": reports, "not_checked": [NOT_CHECKED] });
        writeln!(out, "{document}")?;
    } else if reports.is_empty() {
        writeln!(out, "ok   no book, size 0, root {}", Edge::default().root())?;
    } else {
        for report in &reports {
            writeln!(out, "{}", line(report))?;
        }
        writeln!(out, "not checked: {NOT_CHECKED}")?;
    }
    Ok(if ok { Code::Done } else { Code::Disagrees })
}

/// One line a book.
pub fn line(report: &Report) -> String {
    let word = if report.ok { "ok  " } else { "bad " };
    let mut line = format!("{word} {}, size {}, root {}", report.book, report.size, report.root);
    if let Some(position) = report.bad_position {
        line.push_str(&format!(", first bad position {position}"));
    }
    if let Some(reason) = &report.reason {
        line.push_str(&format!(": {reason}"));
    }
    line
}
