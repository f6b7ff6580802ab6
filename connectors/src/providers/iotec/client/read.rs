//! Reads, by kind of object (`providers/iotec.md`, sections 4.4, 5.3, 5.4, 6 and 8). None of them moves money, so each
//! may be made again.

use ensimbi_events::Time;
use reqwest::{Method, Url};

use super::super::{BANKS, COLLECTION, DISBURSEMENT, HISTORY, ROWS, WALLET, kind, wire};
use super::Client;
use super::blank::blank;
use super::judge::{self, Call, judge};
use crate::connector::{CallError, ObjectRef, RawAnswer};

/// Records on a page of history, and pages of one read at most. What is older is found by the next window's read, or by
/// the payout's own reads; a wallet that pays out more in three days needs no list of them.
const PAGE_SIZE: usize = 100;
const PAGES_MAX: u32 = 10;
/// How far back history is read.
const WINDOW_MICROS: i64 = 3 * 86_400 * 1_000_000;

/// Reads an object.
pub(super) async fn read(client: &Client, object: &ObjectRef) -> Result<Vec<RawAnswer>, CallError> {
    match object.kind {
        COLLECTION => status(client, "collections", kind::STATUS, object).await,
        DISBURSEMENT => status(client, "disbursements", kind::PAYOUT_STATUS, object).await,
        ROWS => rows(client, object).await,
        WALLET => wallet(client, object).await,
        BANKS => {
            let url = client.api.url(["api", "disbursements", "bank-list"]);
            get(client, url, kind::BANK_LIST, judge::list, "a list of banks").await.map(|answer| vec![answer])
        }
        HISTORY => history(client, object).await,
        _ => Err(CallError::NotOffered),
    }
}

/// One GET, judged.
async fn get(
    client: &Client,
    url: Url,
    kind: &'static str,
    shape: fn(&[u8]) -> judge::Shape,
    expected: &'static str,
) -> Result<RawAnswer, CallError> {
    let answer = client.call(Method::GET, url, &[]).await?;
    judge(&Call { kind, read: true, shape, expected, hide: &client.hidden([]) }, answer)
}

/// By their id, else by our reference.
async fn status(
    client: &Client,
    folder: &str,
    kind: &'static str,
    object: &ObjectRef,
) -> Result<Vec<RawAnswer>, CallError> {
    let (call, key) = match (&object.id, &object.reference) {
        (Some(id), _) => ("status", id),
        (None, Some(reference)) => ("external-id", reference),
        (None, None) => return Err(CallError::Refused("object: neither an id nor a reference".to_owned())),
    };
    let url = client.api.url(["api", folder, call, segment(key)?]);
    let expected = if kind == kind::STATUS { "a collection" } else { "a disbursement" };
    get(client, url, kind, judge::records, expected).await.map(|answer| vec![answer])
}

/// What a path can carry: a URL swallows the others, so they would name another resource.
fn segment(key: &str) -> Result<&str, CallError> {
    if matches!(key, "" | "." | "..") || key.len() > 4 * wire::REFERENCE_MAX {
        return Err(CallError::Refused("object: an id that no path can carry".to_owned()));
    }
    Ok(key)
}

/// The rows of one payout: status answers leave them out, and history has a documented filter for our reference only.
async fn rows(client: &Client, object: &ObjectRef) -> Result<Vec<RawAnswer>, CallError> {
    let Some(reference) = object.reference.as_deref().filter(|reference| !reference.is_empty()) else {
        return Err(CallError::NotOffered);
    };
    let mut url = client.api.url(["api", "disbursements", "paged-history"]);
    url.query_pairs_mut()
        .append_pair("ExternalId", reference)
        .append_pair("Page", "1")
        .append_pair("PageSize", &PAGE_SIZE.to_string())
        .append_pair("OrderBy", "createdAt")
        .append_pair("Order", "desc");
    let answer = get(client, url, kind::PAYOUT_ROWS, judge::found, "a page of disbursements").await?;
    Ok(vec![answer])
}

/// A wallet's balance, without the values of its callback fields: one of them is a secret, and these bytes are stored.
async fn wallet(client: &Client, object: &ObjectRef) -> Result<Vec<RawAnswer>, CallError> {
    let id = object.id.as_deref().unwrap_or_default();
    let url = client.api.url(["api", "wallet-balance", segment(id)?]);
    let RawAnswer { kind, status, body } =
        get(client, url, kind::WALLET_BALANCE, judge::balance, "a wallet's balance").await?;
    match blank(&body) {
        Some(body) => Ok(vec![RawAnswer { kind, status, body }]),
        None => Err(CallError::Unknown(format!("status {status}, a balance that cannot be taken apart"))),
    }
}

/// The latest pages of a wallet's payouts, newest first.
async fn history(client: &Client, object: &ObjectRef) -> Result<Vec<RawAnswer>, CallError> {
    let wallet = object.id.as_deref().unwrap_or_default();
    let from = Time::from_micros(client.clock.now().micros().saturating_sub(WINDOW_MICROS)).to_string();
    let mut pages = Vec::new();
    for page in 1..=PAGES_MAX {
        let mut url = client.api.url(["api", "disbursements", "paged-history"]);
        url.query_pairs_mut()
            .append_pair("WalletId", segment(wallet)?)
            .append_pair("From", &from)
            .append_pair("Page", &page.to_string())
            .append_pair("PageSize", &PAGE_SIZE.to_string())
            .append_pair("OrderBy", "createdAt")
            .append_pair("Order", "desc");
        let answer = get(client, url, kind::PAYOUT_HISTORY, judge::page, "a page of disbursements").await?;
        let last = is_last(&answer.body, page);
        pages.push(answer);
        if last {
            break;
        }
    }
    Ok(pages)
}

/// Whether nothing follows: as the page says, else by its number or its length.
fn is_last(body: &[u8], number: u32) -> bool {
    let Ok((page, records)) = wire::page(body) else { return true };
    let next = page.has_next_page.map(|raw| raw.get() == "true");
    let pages = wire::integer("totalPages", page.total_pages).ok();
    let more = next.or_else(|| pages.map(|pages| i64::from(number) < pages)).unwrap_or(records.len() >= PAGE_SIZE);
    records.is_empty() || !more
}
