//! Exports over HTTP: the body is written while it is read, so its length is not bounded, but its time, its pace and
//! their number are. A body that ends without its trailer, or is broken off, is not whole.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use ensimbi_events::codes::Problem;
use tokio::sync::mpsc;

use crate::ApiState;
use crate::auth::Tenant;
use crate::exports::{Ask, Export, ExportError, Sink, SinkError, Sources, Views};
use crate::params::RawParams;
use crate::problem::ApiError;

/// Exports at work at once; each holds a connection to a store while it is read.
const AT_ONCE: usize = 3;
/// Longest time for one export; real time.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Longest wait for a reader to take a piece. A database ends a transaction that idles for a minute.
const PIECE_WAIT: Duration = Duration::from_secs(30);
/// Pieces that wait for the reader.
const PIECES: usize = 4;

static POSITION: HeaderName = HeaderName::from_static("ensimbi-position");
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// Writes a book or a view out.
///
/// The body ends with a trailer that says position, rows and the SHA-256 of all bytes before it (`leaves` has none, `xlsx` has a first sheet, `parquet` metadata);
/// without it, the export is not whole.
#[utoipa::path(get, path = "/v1/exports/{kind}", operation_id = "get_export", tag = "book", security(("api_key" = [])), params(
    ("kind" = String, Path, description = "`leaves`, `csv`, `hledger`, `beancount`, `xlsx`, or `parquet` where it was built in."),
    ("table" = Option<String>, Query, description = "Of `csv` and `parquet`: `entries`, `events`, `trial_balance`, `wallets`, `payments`, `fees`, `invoices`, `open_items` or `discrepancies`."),
    ("spreadsheet" = Option<bool>, Query, description = "Of `csv`: the form that is safe to open in a spreadsheet. The other one is exact."),
), responses(
    (status = 200, description = "The export, in the media type of its kind. `Ensimbi-Position` says until where it is true.", body = String, content_type = "text/plain"),
    (status = 400, description = "There is no such kind or table; the detail names those that there are."),
    (status = 409, description = "The book's policies `export.name...` give two accounts one name, or a name that the kind cannot have."),
    (status = 503, description = "Too many exports are at work, or a store does not answer."),
))]
pub async fn show(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    kind: Result<Path<String>, axum::extract::rejection::PathRejection>,
    raw: RawParams,
) -> Result<Response, ApiError> {
    let params = raw.only(&["table", "spreadsheet"])?;
    let spreadsheet = params.parsed::<bool>("spreadsheet", "true or false")?.unwrap_or(false);
    let kind = kind.map(|Path(kind)| kind).unwrap_or_default();
    let ask = Ask::of(&kind, params.text("table"), spreadsheet)?;
    let place =
        Place::take().ok_or_else(|| ApiError::new(Problem::Unavailable, "too many exports are at work; try again"))?;
    let views = Views { rows: state.rows.clone(), fees: state.fees.clone(), accounts: state.accounts.clone() };
    let sources = Sources { reader: state.reader.clone(), views: Some(views) };
    let export = Export::open(sources, book, ask).await?;
    let (position, name) = (export.position(), export.file_name());
    let (pieces, mut taken) = mpsc::channel(PIECES);
    tokio::spawn(async move {
        let mut sink = Pieces(pieces);
        match tokio::time::timeout(LONGEST, export.write(&mut sink)).await {
            Ok(Ok(_)) => drop(sink.0.send(Piece::End).await),
            Ok(Err(ExportError::Sink(_))) => tracing::debug!("the reader of an export went away"),
            Ok(Err(error)) => tracing::error!(%error, "an export broke off"),
            Err(_) => tracing::warn!("an export took too long"),
        }
        drop(place);
    });
    let body = futures_util::stream::poll_fn(move |context| {
        taken.poll_recv(context).map(|piece| match piece {
            Some(Piece::Bytes(bytes)) => Some(Ok(bytes)),
            Some(Piece::End) => None,
            // The connection is broken off, so that nobody takes a part for the whole.
            None => Some(Err(std::io::Error::other("the export broke off"))),
        })
    });
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(ask.kind().content_type()));
    headers.insert(POSITION.clone(), HeaderValue::from(position));
    let disposition = HeaderValue::from_str(&["attachment; filename=\"", &name, "\""].concat());
    headers.insert(header::CONTENT_DISPOSITION, disposition.map_err(|error| ApiError::internal(&error))?);
    Ok(response)
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Asked { name, detail, allowed } if allowed.is_empty() => Self::parameter(name, detail),
            ExportError::Asked { name, detail, allowed } => Self::unknown(name, detail, allowed),
            ExportError::Settings(detail) => Self::new(Problem::WrongState, detail),
            ExportError::Book(error) => error.into(),
            ExportError::Views(error) => error.into(),
            ExportError::Sink(error) => Self::internal(&error),
        }
    }
}

/// One of the few places; given back when it is dropped.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let more = |at_work: usize| (at_work < AT_ONCE).then_some(at_work + 1);
        AT_WORK.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        AT_WORK.fetch_sub(1, Ordering::AcqRel);
    }
}

enum Piece {
    Bytes(Bytes),
    End,
}

struct Pieces(mpsc::Sender<Piece>);

#[async_trait]
impl Sink for Pieces {
    async fn take(&mut self, piece: Vec<u8>) -> Result<(), SinkError> {
        let sent = tokio::time::timeout(PIECE_WAIT, self.0.send(Piece::Bytes(piece.into()))).await;
        if matches!(sent, Ok(Ok(()))) { Ok(()) } else { Err(SinkError::Gone) }
    }
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, Place};
    use crate::exports::{Kind, Table};

    #[test]
    fn the_description_names_every_kind_and_table() {
        let api = serde_json::to_value(crate::openapi()).unwrap();
        let text = api["paths"]["/v1/exports/{kind}"]["get"]["parameters"].to_string();
        for word in Kind::ALL.iter().map(|kind| kind.as_str()).chain(Table::ALL.iter().map(|table| table.as_str())) {
            assert!(text.contains(&format!("`{word}`")), "{word}");
        }
    }

    #[test]
    fn there_are_few_places_and_they_come_back() {
        let taken: Vec<Place> = (0..AT_ONCE).filter_map(|_| Place::take()).collect();
        assert_eq!(taken.len(), AT_ONCE);
        assert!(Place::take().is_none());
        drop(taken);
        assert!(Place::take().is_some());
    }
}
