//! Questions about a book, asked to the query API inside this process: the same routes, checks, fields and problems as
//! over HTTP, and nothing written twice. Runs beside a writer: no lock is taken and nothing is made.
//!
//! Order: the book (named, or the only one) -> its views -> one request to the router -> the body, with `book` and `head`
//! (the end of the book) added -> a table or the JSON. Where the view is behind the book or has stopped, it is said.

mod accounts;
mod discrepancies;
mod explain;
mod invoices;
mod tables;
mod views;

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use ensimbi_api::keys::ApiKey;
use ensimbi_events::commands::Commands;
use ensimbi_events::config::BookConfig;
use ensimbi_events::ports::{ApiKeys, BookReader, Check, Opened, ReadError, Readiness};
use ensimbi_events::word::Mode;
use ensimbi_events::{BookId, ConnectionId};
use ensimbi_ledger::store::Store;
use ensimbi_projections::ViewStore;
use ensimbi_vault::SystemEntropy;
use serde_json::Value;
use tower::ServiceExt;

use crate::clock::SystemClock;
use crate::exit::{Failure, Outcome};
use crate::home::Home;
use crate::opening::config_of;
use crate::serve::Ports;

pub use accounts::{fees, statement, trial_balance};
pub use discrepancies::{discrepancies, open_items};
pub use explain::explain;
pub use invoices::invoices;
pub use views::{payments, wallets};

/// Largest answer that is read, in bytes; pages are far smaller.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// One book's API in this process.
pub struct Desk {
    /// The book.
    pub book: BookId,
    /// Its log.
    pub store: Arc<dyn Store>,
    /// What the log says about the book.
    pub config: BookConfig,
    views: ViewStore,
    commands: Option<Arc<dyn Commands>>,
    actor: String,
}

impl Desk {
    /// Over what is there, for reading.
    pub async fn to_read(home: &Home) -> Result<Self, Failure> {
        let (store, book) = home.existing_book().await?;
        let views = home.existing_view_store().await?;
        let config = config_of(store.as_ref(), book).await?;
        Ok(Self { book, store, config, views, commands: None, actor: "cli".to_owned() })
    }

    /// Over an open house, for a command by `actor`.
    pub async fn of(house: &crate::house::House, actor: &str) -> Result<Self, Failure> {
        let (store, views) = (Arc::clone(&house.store), house.projector.store().clone());
        let config = config_of(store.as_ref(), house.book).await?;
        let commands: Arc<dyn Commands> = house.door.clone();
        Ok(Self { book: house.book, store, config, views, commands: Some(commands), actor: actor.to_owned() })
    }

    /// With the door behind it.
    #[must_use]
    pub fn with(mut self, commands: Arc<dyn Commands>) -> Self {
        self.commands = Some(commands);
        self
    }

    /// Asks a route; parameters without a value are left out.
    pub async fn get(&self, path: &str, query: &[(&str, Option<String>)]) -> Result<Value, Failure> {
        let (status, body) = self.try_get(path, query).await?;
        self.told(status, body).await
    }

    /// Asks for something that may not be there.
    pub async fn find(&self, path: &str) -> Result<Option<Value>, Failure> {
        match self.try_get(path, &[]).await? {
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (status, body) => self.told(status, body).await.map(Some),
        }
    }

    /// Sends a command. Says also whether the ledger has answered all of it.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Result<(Value, bool), Failure> {
        let request =
            Request::post(path).header("idempotency-key", key).header(header::CONTENT_TYPE, "application/json");
        let (status, answer) = self.send(request, Body::from(body.to_string())).await?;
        Ok((self.told(status, answer).await?, status != StatusCode::ACCEPTED))
    }

    /// A connection's id, from its id or slug.
    pub fn connection(&self, text: &str) -> Result<String, Failure> {
        let id: Option<ConnectionId> = text.parse().ok();
        let known = &self.config.connections;
        let found = known.iter().find(|(known, (_, settings))| settings.slug == text || Some(**known) == id);
        found.map(|(id, _)| id.to_string()).ok_or_else(|| {
            let slugs: Vec<&str> = known.values().map(|(_, settings)| settings.slug.as_str()).collect();
            Failure::wrong(format!("--connection: this book has none of this name; it has {}", list(&slugs)))
        })
    }

    /// A wallet's id, from its id, or from its code where one wallet has it.
    pub fn wallet(&self, text: &str) -> Result<String, Failure> {
        let wallets = &self.config.wallets;
        let by_id = wallets.keys().map(ToString::to_string).find(|id| id == text);
        let by_code = wallets.iter().filter(|(_, (_, wallet))| wallet.code == text).map(|(id, _)| id.to_string());
        let ids: Vec<String> = by_id.into_iter().chain(by_code).collect();
        match ids.as_slice() {
            [only] => Ok(only.clone()),
            [] => {
                let codes: Vec<&str> = wallets.values().map(|(_, wallet)| wallet.code.as_str()).collect();
                Err(Failure::wrong(format!("--wallet: this book has none of this name; it has {}", list(&codes))))
            }
            many => {
                Err(Failure::wrong(format!("--wallet: several have this code; name one by id: {}", many.join(", "))))
            }
        }
    }

    async fn try_get(&self, path: &str, query: &[(&str, Option<String>)]) -> Result<(StatusCode, Value), Failure> {
        let mut uri = path.to_owned();
        let given = query.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        for (n, (name, value)) in given.enumerate() {
            uri.push(if n == 0 { '?' } else { '&' });
            uri.push_str(&[name, "=", &encoded(value)].concat());
        }
        self.send(Request::get(uri), Body::empty()).await
    }

    async fn send(&self, request: axum::http::request::Builder, body: Body) -> Result<(StatusCode, Value), Failure> {
        let broken = |why: &dyn std::fmt::Display| Failure::disagrees(format!("the answer cannot be read: {why}"));
        // A key of this one request: the routes know no other way in.
        let key = ApiKey::make(&SystemEntropy, self.config.mode.unwrap_or(Mode::Test));
        let opened = Opened { book: self.book, connection: None, actor_id: self.actor.clone() };
        let ports = Ports {
            reader: Arc::clone(&self.store) as Arc<dyn BookReader>,
            views: self.views.clone(),
            commands: self.commands.clone(),
            keys: Arc::new(OneKey { hash: key.hash(), opened }),
            readiness: Arc::new(NotAsked),
            clock: Arc::new(SystemClock),
        };
        let bearer = ["Bearer ", key.reveal()].concat();
        let request = request.header(header::AUTHORIZATION, bearer).body(body).map_err(Failure::wrong)?;
        let response = ensimbi_api::router(ports.state()).oneshot(request).await;
        let Ok(response) = response;
        let status = response.status();
        let bytes = to_bytes(response.into_body(), ANSWER_MAX).await.map_err(|error| broken(&error))?;
        let body = serde_json::from_slice(&bytes).map_err(|error| broken(&error))?;
        Ok((status, body))
    }

    /// The body with where the book is, or the problem as a failure.
    async fn told(&self, status: StatusCode, mut body: Value) -> Result<Value, Failure> {
        if !status.is_success() {
            return Err(failure(status, &body));
        }
        let head = self.store.head(self.book).await?.size;
        if let Value::Object(fields) = &mut body {
            fields.insert("book".to_owned(), self.book.to_string().into());
            fields.insert("head".to_owned(), head.into());
        }
        Ok(body)
    }
}

/// A problem of the API as this program says it: options instead of parameters.
fn failure(status: StatusCode, problem: &Value) -> Failure {
    let text = |key: &str| problem[key].as_str().unwrap_or_default();
    let said = match text("parameter") {
        "" => text("detail").to_owned(),
        "id" => format!("ID: {}", text("detail")),
        name => format!("--{}: {}", name.replace('_', "-"), text("detail")),
    };
    match status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Failure::not_to_be_had(said),
        StatusCode::INTERNAL_SERVER_ERROR => Failure::disagrees(said),
        _ => Failure::wrong(said),
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Percent-encoding of a value or a part of a path (RFC 3986, 2.3).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The path of one thing.
fn one(resource: &str, id: &str) -> String {
    ["/v1/", resource, "/", &encoded(id)].concat()
}

/// Opens the book to the one request that it was made for.
struct OneKey {
    hash: [u8; 32],
    opened: Opened,
}

#[async_trait]
impl ApiKeys for OneKey {
    async fn book_of(&self, key_hash: &[u8; 32]) -> Result<Option<BookId>, ReadError> {
        Ok((*key_hash == self.hash).then_some(self.opened.book))
    }

    async fn opened_by(&self, key_hash: &[u8; 32]) -> Result<Option<Opened>, ReadError> {
        Ok((*key_hash == self.hash).then(|| self.opened.clone()))
    }
}

/// Nobody asks this process whether it is ready.
struct NotAsked;

#[async_trait]
impl Readiness for NotAsked {
    async fn checks(&self) -> Vec<Check> {
        Vec::new()
    }
}

/// Hands a body over and ends well.
fn deliver(out: &crate::args::OutArgs, body: &Value, table: impl FnOnce(&Value) -> String) -> Outcome {
    if let Some(note) = tables::note(body) {
        eprintln!("note: {note}");
    }
    let text = if out.json { body.to_string() } else { [table(body).trim_end(), "\n", &tables::stamp(body)].concat() };
    crate::output::deliver(out.output.as_deref(), &text)?;
    Ok(crate::exit::Code::Done)
}
