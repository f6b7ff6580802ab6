//! Reads, by kind of object (`providers/paytota.md`, sections 1, 9.3, 10 and 11). None of them moves money, so each may be
//! made again. There is no call that reads a Payment, a list, or an object by our reference.

use reqwest::{Method, Url};
use serde_json::json;

use super::super::wire::{self, Request};
use super::super::{BALANCE, PAYOUT, PUBLIC_KEY, PURCHASE, STATEMENT, kind};
use super::judge::judge;
use super::{Client, Content};
use crate::connector::{CallError, ObjectRef, RawAnswer};

/// The object that stands for a new statement.
const ALL: &str = "all";
/// A day, in seconds.
const DAY: i64 = 86_400;

/// Reads an object.
pub(super) async fn read(client: &Client, object: &ObjectRef) -> Result<Vec<RawAnswer>, CallError> {
    let id = object.id.as_deref().ok_or(CallError::NotOffered);
    match object.kind {
        PURCHASE => client.state(PURCHASE, id?).await.map(|answer| vec![answer]),
        PAYOUT => client.state(PAYOUT, id?).await.map(|answer| vec![answer]),
        BALANCE => {
            let url = client.url(["api", "v1", "account", "json", "balance"]);
            let (status, body) = judge(true, client.call(Method::GET, url, Content::Nothing).await?)?;
            shaped(whole_object(&body), status, "a balance")?;
            Ok(vec![RawAnswer { kind: kind::BALANCE, status, body }])
        }
        PUBLIC_KEY => {
            let url = client.url(["api", "v1", "public_key"]);
            let (status, body) = judge(true, client.call(Method::GET, url, Content::Nothing).await?)?;
            Ok(vec![RawAnswer { kind: kind::PUBLIC_KEY, status, body }])
        }
        STATEMENT if id.as_deref() == Ok(ALL) => ask(client).await,
        STATEMENT => statement(client, id?).await,
        _ => Err(CallError::NotOffered),
    }
}

/// An answer that broke off is no answer.
fn whole_object(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

fn shaped(good: bool, status: u16, what: &str) -> Result<(), CallError> {
    if good { Ok(()) } else { Err(CallError::Unknown(format!("status {status}, not {what}"))) }
}

/// Asks for a statement of the last days.
async fn ask(client: &Client) -> Result<Vec<RawAnswer>, CallError> {
    let now = client.clock.now().micros().div_euclid(1_000_000);
    let from = now.saturating_sub(client.statement_days.saturating_mul(DAY));
    let mut url = client.url(["api", "v1", "company_statements"]);
    url.query_pairs_mut().append_pair("from", &from.to_string()).append_pair("to", &now.to_string());
    let body = json!({ "format": "csv", "timezone": "UTC" }).to_string();
    let answer = client.call(Method::POST, url, Content::Json(body.as_bytes())).await?;
    let (status, body) = judge(true, answer)?;
    shaped(request(&body).is_some(), status, "a statement request")?;
    Ok(vec![RawAnswer { kind: kind::STATEMENT_REQUEST, status, body }])
}

/// Id, status and link of a statement request.
fn request(body: &[u8]) -> Option<(String, String, Option<String>)> {
    let request: Request<'_> = wire::body(body).and_then(|text| wire::object("body", text)).ok()?;
    let id = wire::id("id", request.id).ok()?;
    let status = wire::required("status", request.status).ok()?;
    Some((id, status, wire::text("download_url", request.download_url).ok()?))
}

/// A statement request, and its file at once: the link lives for an hour.
async fn statement(client: &Client, id: &str) -> Result<Vec<RawAnswer>, CallError> {
    if !wire::is_id(id) || matches!(id, "." | "..") {
        return Err(CallError::Refused("object: an id that no path can carry".to_owned()));
    }
    let url = client.url(["api", "v1", "company_statements", id]);
    let (status, body) = judge(true, client.call(Method::GET, url, Content::Nothing).await?)?;
    let known = request(&body).filter(|(found, ..)| found.eq_ignore_ascii_case(id));
    shaped(known.is_some(), status, "the statement request that was asked for")?;
    let link = known.filter(|(_, status, _)| status == "success").map(|(_, _, link)| link);
    let mut answers = vec![RawAnswer { kind: kind::STATEMENT_REQUEST, status, body }];
    if let Some(link) = link {
        answers.push(download(client, link.as_deref().unwrap_or_default()).await?);
    }
    Ok(answers)
}

/// The file, from the configured host only; the link is signed, so it goes without our key.
async fn download(client: &Client, link: &str) -> Result<RawAnswer, CallError> {
    let own = client.statements.url([]);
    let url = link
        .parse::<Url>()
        .ok()
        .filter(|url| url.origin() == own.origin() && url.username().is_empty() && url.password().is_none());
    // Whoever it is, our address and the statement's secret link are not for them.
    let url = url.ok_or_else(|| CallError::Refused("download_url: not at the configured host".to_owned()))?;
    let (status, _, body) = client.statements.send(client.statements.get(url)).await?;
    match status {
        200..300 => Ok(RawAnswer { kind: kind::STATEMENT, status, body }),
        400..500 => Err(CallError::Refused(format!("download_url: status {status}"))),
        _ => Err(CallError::Unknown(format!("status {status} for a statement's file"))),
    }
}
