//! `ensimbi export leaves`: a CBOR sequence (RFC 8742) of byte strings, one a leaf, in order of position.

use std::io::Write;
use std::path::Path;

use ensimbi_events::BookId;
use ensimbi_ledger::store::Store;

use crate::args::{ExportArgs, ExportKind};
use crate::exit::{Code, Failure, Outcome};
use crate::home::Home;
use crate::output;

const PAGE: u32 = 1_000;

/// The command.
pub async fn run(args: ExportArgs) -> Outcome {
    let ExportKind::Leaves = args.kind;
    let home = Home::to_read(&args.home, ".ensimbi");
    let (store, book) = home.existing_book().await?;
    let size = leaves(store.as_ref(), book, &args.output).await?;
    writeln!(std::io::stdout().lock(), "{size} leaves of book {book} in {}", args.output.display())?;
    Ok(Code::Done)
}

/// Writes all leaves up to the present head; the file appears under its name only when it is whole.
pub async fn leaves(store: &dyn Store, book: BookId, file: &Path) -> Result<u64, Failure> {
    let head = store.head(book).await?;
    let part = output::part_of(file)?;
    let written = write(store, book, head.size, &part).await;
    if let Err(error) = written {
        // A half file is of no use to anybody; that it stays is worse than that its removal fails.
        drop(std::fs::remove_file(&part));
        return Err(error);
    }
    std::fs::rename(&part, file)?;
    Ok(head.size)
}

async fn write(store: &dyn Store, book: BookId, size: u64, part: &Path) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(part)?);
    let bar = output::bar("exporting", size);
    let mut after = 0;
    while after < size {
        let page = store.read(book, after, PAGE).await?;
        if page.is_empty() {
            return Err(Failure::disagrees(format!("position {} is missing", after + 1)));
        }
        for leaf in page.into_iter().filter(|leaf| leaf.position <= size) {
            out.write_all(&ensimbi_events::leaf::sequence_item(&leaf.leaf))?;
            after = leaf.position;
        }
        bar.set_position(after);
    }
    bar.finish_and_clear();
    let file = out.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    Ok(())
}
