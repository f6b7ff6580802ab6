//! The hosted page and the payer on it (provider facts, section 6): looks, and pays, fails, leaves or calls it off, by the
//! phone of the source's party. A person may open the page as well, and pay by a POST to it.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use ensimbi_events::Time;
use serde::Deserialize;

use super::errors::{Done, Refusal, Stop};
use super::executions::{self, Paying};
use super::json::digits;
use super::methods::Method;
use super::request::{is_currency, is_phone};
use super::rows::{Execution, Source};
use super::settings::Fate;
use super::steps::{NOW, What};
use super::{Desk, DollrSimulator};
use crate::simulator::Result;
use crate::simulator::draw::ALWAYS;
use crate::simulator::http as paths;

pub(super) fn routes() -> Router<Arc<DollrSimulator>> {
    Router::new().route("/pay/{token}", get(page).post(pay_here)).route("/receipt/{token}", get(page))
}

pub(super) fn page_url(desk: &Desk<'_>, token: &str) -> String {
    [desk.base, "/pay/", token].concat()
}

pub(super) fn receipt_url(desk: &Desk<'_>, token: &str) -> String {
    [desk.base, "/receipt/", token].concat()
}

/// Plans the payer's look at the page.
pub(super) async fn expect(desk: &mut Desk<'_>, of: &Source) -> Result<()> {
    let after = desk.between(desk.settings.payer_after, "payer_looks_after", &of.key);
    desk.plan(What::Look, of.seq, "", desk.now.plus(after)).await
}

/// Whether the merchant made another one under the same label since: its link is the one that the payer was sent.
async fn is_replaced(desk: &mut Desk<'_>, of: &Source) -> Result<bool> {
    let newer = "SELECT count(*) FROM source WHERE merchant = ?1 AND label = ?2 AND seq > ?3 AND hosted = 1";
    let count: i64 =
        sqlx::query_scalar(newer).bind(of.merchant).bind(&of.label).bind(of.seq).fetch_one(&mut *desk.db).await?;
    Ok(count > 0)
}

async fn phone(desk: &mut Desk<'_>, of: &Source) -> Result<String> {
    Ok(desk.party_of(of).await?.and_then(|party| party.phone).unwrap_or_default())
}

/// The payer opens the page, and will pay, call it off, or leave.
pub(super) async fn look(desk: &mut Desk<'_>, seq: i64) -> Result<()> {
    let of = desk.source(seq).await?;
    let phone = phone(desk, &of).await?;
    if of.status != "ACTIVE" || is_replaced(desk, &of).await? || desk.settings.fate(&phone) == Fate::Silent {
        return Ok(());
    }
    let payer = desk.settings.payer;
    let drawn = desk.faults.draws().below("payer", &of.key, 0, u64::from(ALWAYS));
    let after = desk.between(desk.settings.payer_after, "payer_pays_after", &of.key);
    let at = desk.now.plus(after);
    match drawn {
        drawn if drawn < u64::from(payer.leaves) => Ok(()),
        drawn if drawn < u64::from(payer.leaves) + u64::from(payer.calls_off) => {
            desk.plan(What::Tidy, seq, NOW, at).await
        }
        _ => desk.plan(What::Pay, seq, "", at).await,
    }
}

/// By what the payer pays, and in which currency.
fn means(desk: &Desk<'_>, of: &Source, phone: &str) -> (Option<Method>, String) {
    let (payer, draws) = (desk.settings.payer, desk.faults.draws());
    let card = Method::of("CREDIT_CARD");
    let mobile = Method::of_phone(phone).filter(|_| !draws.hits("payer_card", &of.key, 0, payer.card));
    let Some(mobile) = mobile else { return (card, of.currency.clone()) };
    let other = draws.hits("payer_other_currency", &of.key, 0, payer.other_currency);
    let other = mobile.currencies().iter().find(|code| other && **code != of.currency);
    match other {
        Some(other) => (Some(mobile), (*other).to_owned()),
        None if mobile.takes(&of.currency) => (Some(mobile), of.currency.clone()),
        None => (card, of.currency.clone()),
    }
}

/// The payer pays on the page.
pub(super) async fn pay(desk: &mut Desk<'_>, seq: i64) -> Result<()> {
    let of = desk.source(seq).await?;
    let phone = phone(desk, &of).await?;
    let (method, currency) = means(desk, &of, &phone);
    match start(desk, of, method, &currency, &phone).await {
        Ok(_) | Err(Stop::Refused(_)) => Ok(()),
        Err(Stop::Broken(error)) => Err(error),
    }
}

/// An execution that no caller named: its reference is theirs.
async fn start(
    desk: &mut Desk<'_>,
    of: Source,
    method: Option<Method>,
    currency: &str,
    phone: &str,
) -> Done<Execution> {
    let method = method.ok_or(Refusal::body("phone", "unknown payment method"))?;
    if of.status != "ACTIVE" || of.expires_at.is_some_and(|end| end <= desk.now.micros()) {
        return Err(Refusal::body("source", "it cannot be paid now").into());
    }
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM execution WHERE source = ?1")
        .bind(of.seq)
        .fetch_one(&mut *desk.db)
        .await?;
    let reference = desk.faults.draws().uuid("page_payment", &of.key, count.unsigned_abs()).to_string();
    let paying = Paying { reference: &reference, payload: "page", account: None, hosted: true, method };
    executions::pay(desk, of, paying, currency, phone, None).await
}

/// Who failed on the page although the phone is good tries once more.
pub(super) async fn after_failure(desk: &mut Desk<'_>, of: &Source, failed: &Execution) -> Result<()> {
    let phone = phone(desk, of).await?;
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM execution WHERE source = ?1")
        .bind(of.seq)
        .fetch_one(&mut *desk.db)
        .await?;
    if !failed.hosted || count > 1 || desk.settings.fate(&phone) != Fate::Succeeds {
        return Ok(());
    }
    let after = desk.between(desk.settings.payer_after, "payer_tries_again_after", &of.key);
    desk.plan(What::Pay, of.seq, "", desk.now.plus(after)).await
}

/// What a person enters on the page; absent is the party's phone and the source's currency.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Entered {
    phone: Option<String>,
    currency: Option<String>,
    card: bool,
}

type Sim = State<Arc<DollrSimulator>>;

async fn page(State(sim): Sim, Path(token): Path<String>) -> Response {
    let _busy = sim.core.busy();
    shown(&sim, &token, None).await
}

async fn pay_here(State(sim): Sim, Path(token): Path<String>, body: Bytes) -> Response {
    let _busy = sim.core.busy();
    let entered = if body.is_empty() { Ok(Entered::default()) } else { serde_json::from_slice(&body) };
    let fits = |entered: &Entered| {
        entered.phone.as_deref().is_none_or(is_phone) && entered.currency.as_deref().is_none_or(is_currency)
    };
    match entered.ok().filter(fits) {
        Some(entered) => shown(&sim, &token, Some(entered)).await,
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Answers with the page, after a payment where one was entered; a paid one sends its payer back.
async fn shown(sim: &DollrSimulator, token: &str, entered: Option<Entered>) -> Response {
    let (faults, base) = (sim.faults(), sim.base());
    let work = async {
        crate::simulator::work::settle(sim, sim.core.now()).await?;
        let mut tx = sim.core.begin().await?;
        let (settings, now) = (&sim.settings, sim.core.now());
        let mut desk = Desk { db: &mut tx, settings, faults: &faults, base: &base, now, drawn: None };
        let seq: Option<i64> = sqlx::query_scalar("SELECT seq FROM source WHERE token = ?1")
            .bind(token)
            .fetch_optional(&mut *desk.db)
            .await?;
        let Some(seq) = seq else { return Err(Refusal::not_found().into()) };
        let mut of = desk.source(seq).await?;
        if let Some(entered) = entered {
            let phone = match entered.phone {
                Some(phone) => phone,
                None => phone(&mut desk, &of).await?,
            };
            let currency = entered.currency.unwrap_or_else(|| of.currency.clone());
            let mobile = Method::of_phone(&phone).filter(|method| method.takes(&currency));
            let method = if entered.card { Method::of("CREDIT_CARD") } else { mobile };
            start(&mut desk, of, method, &currency, &phone).await?;
            of = desk.source(seq).await?;
        }
        sim.core.commit(tx).await?;
        sim.core.wake();
        Done::Ok(of)
    };
    match work.await {
        Ok(of) => rendered(sim, &of),
        Err(Stop::Refused(refusal)) => refusal.response(&faults),
        Err(Stop::Broken(error)) => paths::failed::<DollrSimulator>(&error),
    }
}

fn rendered(sim: &DollrSimulator, of: &Source) -> Response {
    let sent_back = match of.status.as_str() {
        "PAID" => of.success_url.as_deref(),
        "CANCELED" => of.cancel_url.as_deref(),
        _ => None,
    };
    if let Some(url) = sent_back {
        let query = if sim.faults().switches.redirect_query { format!("?status={}", of.status) } else { String::new() };
        return (StatusCode::SEE_OTHER, [(header::LOCATION, [url, query.as_str()].concat())]).into_response();
    }
    let ends = of.expires_at.map_or_else(String::new, |end| Time::from_micros(end).to_string());
    Html(format!(
        "<!DOCTYPE html><html><head><title>Payment</title></head><body><p>{} {}: {} {ends}</p></body></html>",
        of.currency,
        digits(of.total),
        of.status
    ))
    .into_response()
}
