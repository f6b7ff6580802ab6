//! The checkout shortcut and the links (provider facts, section 6).

use ensimbi_events::Time;

use super::errors::{Done, Refusal};
use super::json::Json;
use super::request::Ask;
use super::rows::{Counterparty, Kind};
use super::sources::{self, KINDS, enter};
use super::steps::{NOW, What};
use super::switches::FeeBearer;
use super::{Desk, hosted, items, parties, receipts};
use crate::simulator::Result;

/// The party's counterparty, the newest; made where there is none. The phone's newest party likewise (section 14, row 27).
async fn counterparty(
    desk: &mut Desk<'_>,
    merchant: i64,
    new: parties::New<'_>,
    relationship: &str,
) -> Result<Counterparty> {
    let party = match parties::by_phone(desk, merchant, new.phone).await? {
        Some(known) => known,
        None => parties::insert(desk, merchant, new).await?,
    };
    let query = "SELECT * FROM counterparty WHERE party = ?1 ORDER BY id DESC LIMIT 1";
    match sqlx::query_as(query).bind(party.id).fetch_optional(&mut *desk.db).await? {
        Some(known) => Ok(known),
        None => parties::insert_link(desk, merchant, relationship, Some(party.id)).await,
    }
}

pub(super) async fn create(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.body();
    let (mode, kind) = (read.word("mode", &["HOSTED", "DIRECT"]), read.word("source_kind", &KINDS));
    let (phone, currency) = (read.phone("party_phone"), read.currency("currency"));
    let (name, email) = (read.opt_text("party_name"), read.opt_text("party_email"));
    let (relationship, label) = (read.opt_text("party_relationship"), read.opt_text("reference_id"));
    let (note, urls) = (read.opt_text("note"), [read.opt_text("success_url"), read.opt_text("cancel_url")]);
    let (due_date, expires_at) = (read.opt_time("due_date"), read.opt_time("expires_at"));
    let given = read.opt_int("counterparty_id");
    let any_currency = desk.faults.switches.item_in_any_currency;
    let mut lines = Vec::new();
    let exact = |currency: &str, amount| sources::is_exact(desk, currency, amount);
    read.objects("items", |item| {
        let (name, code, amount) = (item.text("name"), item.currency("currency"), item.amount("amount"));
        if code != currency && !any_currency && item.has("currency") {
            item.refuse("currency", "the currency is not the source's");
        }
        if !exact(&code, amount) {
            item.refuse("amount", "too many decimal places");
        }
        lines.push((name, code, amount));
    });
    if desk.settings.wallet(ask.merchant, &currency).is_none() && read.has("currency") {
        read.refuse("currency", "no wallet has this currency");
    }
    let given = match given {
        Some(id) => {
            let found = desk.counterparty(ask.merchant, id).await?;
            if found.is_none() {
                read.refuse("counterparty_id", "no such counterparty");
            }
            found
        }
        None => None,
    };
    read.done()?;
    let kind = Kind::of(&kind).ok_or(Refusal::not_found())?;
    let counterparty = match given {
        Some(known) => known,
        None => {
            let fullname = name.as_deref().unwrap_or(&phone);
            let new = parties::New { fullname, phone: &phone, email: email.as_deref(), country_code: None };
            counterparty(desk, ask.merchant, new, relationship.as_deref().unwrap_or("CUSTOMER")).await?
        }
    };
    let bearer = match desk.faults.switches.checkout_bearer {
        FeeBearer::Payer => "PAYER",
        FeeBearer::Payee => "PAYEE",
    };
    let is_hosted = mode == "HOSTED";
    let new = sources::New {
        kind,
        counterparty: counterparty.id,
        currency: &currency,
        note: note.as_deref(),
        fee_bearer: bearer,
        as_payment_link: is_hosted,
        label: label.as_deref(),
        due_date,
        hosted: is_hosted,
        urls: [urls[0].as_deref(), urls[1].as_deref()],
        expires_at,
    };
    let made = sources::insert(desk, ask.merchant, new).await?;
    for (name, code, amount) in &lines {
        items::insert(desk, made.seq, (name, code), (1, *amount)).await?;
    }
    let mut made = desk.source(made.seq).await?;
    if !desk.faults.switches.checkout_idle {
        enter(desk, &mut made, "ACTIVE").await?;
    }
    if let Some(end) = expires_at {
        desk.plan(What::Tidy, made.seq, NOW, Time::from_micros(end)).await?;
    }
    // Whoever never got the link can send no payer to it.
    if is_hosted && desk.drawn.is_none() {
        hosted::expect(desk, &made).await?;
    }
    let config = desk.count("checkout", 9).await?;
    let url = is_hosted.then(|| hosted::page_url(desk, &made.token));
    Ok(Json::new(&desk.faults.switches)
        .text("mode", &mode)
        .text("source_type", kind.word())
        .int("source_id", made.id)
        .text("source_number", &made.number)
        .text("source_status", &made.status)
        .int("counterparty_id", counterparty.id)
        .opt_int("party_id", counterparty.party)
        .text("currency", &currency)
        .num("total_amount", made.total)
        .int("source_checkout_config_id", config)
        .opt_text("url", url.as_deref())
        .opt_text("reference_id", made.label.as_deref())
        .opt_time("due_date", made.due_date)
        .opt_time("expires_at", made.expires_at)
        .text("hosted_path_or_token", &made.token)
        .opt_text("success_url", made.success_url.as_deref())
        .opt_text("cancel_url", made.cancel_url.as_deref())
        .end())
}

/// `GET /v1/links/pay` of what is published, `/receipt` of what is paid.
pub(super) async fn link(desk: &mut Desk<'_>, ask: &Ask, receipt: bool) -> Done<String> {
    let mut read = ask.query();
    let (kind, number) = (read.word("source_type", &KINDS), read.text("source_number"));
    read.done()?;
    let kind = Kind::of(&kind).ok_or(Refusal::not_found())?;
    let of = desk.source_by_number(ask.merchant, kind, &number).await?.ok_or(Refusal::not_found())?;
    let ready = if receipt { receipts::is_there(desk, &of) } else { of.status != "IDLE" };
    if !ready {
        let missing = desk.faults.switches.unpublished_is_missing;
        let refusal = Refusal::at("query", "source_number", "there is no link yet");
        return Err(if missing { Refusal::not_found() } else { refusal }.into());
    }
    let url = if receipt { hosted::receipt_url(desk, &of.token) } else { hosted::page_url(desk, &of.token) };
    Ok(Json::new(&desk.faults.switches).text("url", &url).end())
}
