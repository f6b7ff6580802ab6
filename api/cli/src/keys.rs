//! `ensimbi keys`: API keys of a book. The key itself is shown once, when it is made; from then on it has an id, which is
//! also the actor's id of what is done with it.

use ensimbi_api::keys::ApiKey;
use ensimbi_connectors::door::{DoorStore, KeyView};
use ensimbi_connectors::outside::PREFIX;
use ensimbi_events::config::BookConfig;
use ensimbi_events::word::Mode;
use ensimbi_events::{BookId, Clock, ConnectionId};
use ensimbi_vault::SystemEntropy;
use serde_json::{Value, json};

use crate::args::{KeysArgs, KeysCommand, OutArgs};
use crate::clock::SystemClock;
use crate::exit::{Code, Failure, Outcome};
use crate::home::Home;
use crate::opening::config_of;
use crate::output;

/// Longest label, in characters.
const LABEL_MAX: usize = 100;
/// Fewest characters of an id that name a key.
const PREFIX_MIN: usize = 8;

/// The command.
pub async fn run(args: KeysArgs) -> Outcome {
    match args.command {
        KeysCommand::List { home, out } => list(&Home::to_read(&home, ".ensimbi"), &out).await,
        KeysCommand::Add { home, out, connection, label } => {
            if !(1..=LABEL_MAX).contains(&label.chars().count()) || label.chars().any(char::is_control) {
                return Err(Failure::wrong("LABEL: expected 1 to 100 characters"));
            }
            add(&Home::to_write(&home, ".ensimbi")?, &out, connection.as_deref(), &label).await
        }
        KeysCommand::Revoke { home, out, id } => {
            if id.len() < PREFIX_MIN {
                return Err(Failure::wrong("ID: expected a key's id, or at least 8 characters of its beginning"));
            }
            revoke(&Home::to_write(&home, ".ensimbi")?, &out, &id).await
        }
    }
}

async fn list(home: &Home, out: &OutArgs) -> Outcome {
    let (_, book) = home.existing_book().await?;
    let store = DoorStore::open_to_read(&home.door_store()).await?;
    let keys = store.keys(book).await?;
    store.close().await;
    let text = if out.json {
        json!({ "book": book, "items": keys.iter().map(body).collect::<Vec<_>>() }).to_string()
    } else {
        let row = |key: &KeyView| {
            let ended = key.revoked_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
            let opens = key.connection.map_or_else(|| "the book".to_owned(), |id| format!("observations of {id}"));
            vec![key.id.to_string(), key.label.clone(), opens, key.created_at.to_string(), ended]
        };
        output::table(&["id", "label", "opens", "made", "revoked"], keys.iter().map(row).collect(), 5)
    };
    output::deliver(out.output.as_deref(), &text)?;
    Ok(Code::Done)
}

async fn add(home: &Home, out: &OutArgs, connection: Option<&str>, label: &str) -> Outcome {
    let (book, store, config) = to_write(home).await?;
    let connection = connection.map(|text| outside(&config, text)).transpose()?;
    let key = ApiKey::make(&SystemEntropy, config.mode.unwrap_or(Mode::Test));
    store.add_key_for((book, connection), key.hash(), label, SystemClock.now()).await?;
    store.close().await;
    let id = ensimbi_events::ids::key_id(&key.hash());
    let text = if out.json {
        json!({ "book": book, "id": id, "label": label, "connection": connection, "key": key.reveal() }).to_string()
    } else {
        eprintln!("key {id} of book {book}, shown only now:");
        key.reveal().to_owned()
    };
    output::deliver(out.output.as_deref(), &text)?;
    Ok(Code::Done)
}

async fn revoke(home: &Home, out: &OutArgs, id: &str) -> Outcome {
    let (book, store, _) = to_write(home).await?;
    let keys = store.keys(book).await?;
    let named: Vec<&KeyView> =
        keys.iter().filter(|key| key.revoked_at.is_none() && key.id.to_string().starts_with(id)).collect();
    let key = match named.as_slice() {
        [only] => *only,
        [] => return Err(Failure::wrong("ID: no key of this book that counts has this id; see `ensimbi keys list`")),
        _ => return Err(Failure::wrong("ID: several keys begin so; give more of the id")),
    };
    store.revoke_key(book, key.id, SystemClock.now()).await?;
    store.close().await;
    let text = if out.json {
        json!({ "book": book, "id": key.id, "label": key.label, "revoked": true }).to_string()
    } else {
        format!("key {} ({}) opens nothing any more", key.id, key.label)
    };
    output::deliver(out.output.as_deref(), &text)?;
    Ok(Code::Done)
}

async fn to_write(home: &Home) -> Result<(BookId, DoorStore, BookConfig), Failure> {
    let (store, book) = home.existing_book().await?;
    let config = config_of(store.as_ref(), book).await?;
    if config.mode.is_none() {
        return Err(Failure::wrong("the book is not open yet; start `ensimbi serve` first"));
    }
    let vault = home.vault(false)?;
    Ok((book, DoorStore::open(&home.door_store(), vault.fingerprint()).await?, config))
}

/// A connection from outside that the book knows, by slug or id.
fn outside(config: &BookConfig, text: &str) -> Result<ConnectionId, Failure> {
    let id: Option<ConnectionId> = text.parse().ok();
    let from_outside = config.connections.iter().filter(|(_, (_, known))| known.provider.starts_with(PREFIX));
    let found = from_outside.clone().find(|(known, (_, settings))| settings.slug == text || Some(**known) == id);
    found.map(|(id, _)| *id).ok_or_else(|| {
        let slugs: Vec<&str> = from_outside.map(|(_, (_, settings))| settings.slug.as_str()).collect();
        let known = if slugs.is_empty() { "none".to_owned() } else { slugs.join(", ") };
        Failure::wrong(format!(
            "--connection: expected one whose provider begins with {PREFIX}, as the book knows it from a start of \
             `ensimbi serve`; it has {known}"
        ))
    })
}

fn body(key: &KeyView) -> Value {
    json!({
        "id": key.id,
        "label": key.label,
        "connection": key.connection,
        "created_at": key.created_at.to_string(),
        "revoked_at": key.revoked_at.map(|at| at.to_string()),
    })
}
