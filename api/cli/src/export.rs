//! `ensimbi export KIND`: a book or a view into a file or onto stdout, written by the same code as `/v1/exports`.
//!
//! Order: the book, and its views if the kind needs them -> the position, and whatever is refused -> the bytes into a part
//! file beside the final one -> fsync -> the final name. On any failure the part is removed, and nothing appears under the
//! final name. stdout gets the bytes as they come; without its trailer it is not whole.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use ensimbi_api::exports::{Ask, Export, ExportError, Kind, Sink, SinkError, Sources, Views, Written};
use ensimbi_events::ports::BookReader;
use indicatif::ProgressBar;

use crate::args::ExportArgs;
use crate::exit::{Code, Failure, Outcome};
use crate::home::Home;
use crate::output;

/// The command.
pub async fn run(args: ExportArgs) -> Outcome {
    let ask = Ask::of(&args.kind, args.table.as_deref(), args.spreadsheet).map_err(failure)?;
    let home = Home::to_read(&args.home, ".ensimbi");
    let kind = ask.kind();
    if args.output.is_none() && !kind.is_text() && std::io::stdout().is_terminal() {
        return Err(Failure::wrong(format!("{} is not for a terminal: name a file with --output", kind.as_str())));
    }
    let (store, book) = home.existing_book().await?;
    let views = if ask.needs_views() {
        let views = Arc::new(ensimbi_projections::Views::new(home.existing_view_store().await?));
        Some(Views { rows: views.clone(), fees: views.clone(), accounts: views })
    } else {
        None
    };
    let export =
        Export::open(Sources { reader: store as Arc<dyn BookReader>, views }, book, ask).await.map_err(failure)?;
    let Some(file) = &args.output else {
        let mut sink = Stdout(std::io::stdout());
        export.write(&mut sink).await.map_err(failure)?;
        sink.0.flush().map_err(|error| failure(SinkError::from(error).into()))?;
        return Ok(Code::Done);
    };
    let written = to_file(export, file).await?;
    let Written { position, rows, sha256 } = written;
    let noun = match kind {
        Kind::Leaves => "leaves",
        Kind::Csv | Kind::Xlsx | Kind::Parquet => "rows",
        Kind::Hledger | Kind::Beancount => "transactions",
    };
    let what = format!("{rows} {noun} of book {book} at position {position} in {}, sha256 {sha256}", file.display());
    writeln!(std::io::stdout().lock(), "{what}")?;
    Ok(Code::Done)
}

/// Writes an export into a file that appears under its name only when it is whole.
async fn to_file(export: Export, file: &Path) -> Result<Written, Failure> {
    let part = Part::of(file)?;
    let mut sink = ToFile { file: File::create(&part.0).map_err(|error| cannot(file, &error))?, bar: None };
    let written = export.write(&mut sink).await;
    if let Some(bar) = &sink.bar {
        bar.finish_and_clear();
    }
    let written = written.map_err(|error| match error {
        ExportError::Sink(SinkError::Io(error)) => cannot(file, &error),
        other => failure(other),
    })?;
    sink.file.sync_all().and_then(|()| std::fs::rename(&part.0, file)).map_err(|error| cannot(file, &error))?;
    // The name itself lasts only once its folder is on disk.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| cannot(file, &error))?;
    Ok(written)
}

fn cannot(file: &Path, error: &std::io::Error) -> Failure {
    let text = format!("--output {}: {error}; nothing was written there", file.display());
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory | ErrorKind::NotADirectory => {
            Failure::wrong(text)
        }
        _ => Failure::not_to_be_had(text),
    }
}

/// What a failed export ends the program with.
fn failure(error: ExportError) -> Failure {
    match error {
        ExportError::Asked { name: "kind", detail, .. } => Failure::wrong(format!("KIND: {detail}")),
        ExportError::Asked { name, detail, .. } => Failure::wrong(format!("--{name}: {detail}")),
        ExportError::Settings(text) => Failure::wrong(text),
        ExportError::Book(error) => error.into(),
        ExportError::Views(error) => error.into(),
        ExportError::Sink(error) => Failure::not_to_be_had(error),
    }
}

/// The part file; gone when this is dropped, unless it got its final name.
struct Part(PathBuf);

impl Part {
    fn of(file: &Path) -> Result<Self, Failure> {
        output::part_of(file).map(Self)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // A half file is of no use to anybody; that it stays is worse than that its removal fails.
        drop(std::fs::remove_file(&self.0));
    }
}

struct ToFile {
    file: File,
    bar: Option<ProgressBar>,
}

#[async_trait]
impl Sink for ToFile {
    async fn take(&mut self, piece: Vec<u8>) -> Result<(), SinkError> {
        Ok(self.file.write_all(&piece)?)
    }

    fn progress(&mut self, done: u64, total: u64) {
        self.bar.get_or_insert_with(|| output::bar("exporting", total)).set_position(done);
    }
}

struct Stdout(std::io::Stdout);

#[async_trait]
impl Sink for Stdout {
    async fn take(&mut self, piece: Vec<u8>) -> Result<(), SinkError> {
        match self.0.write_all(&piece) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(SinkError::Gone),
            other => Ok(other?),
        }
    }
}
