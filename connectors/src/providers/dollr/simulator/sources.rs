//! Invoices and orders, and the machine of their status (provider facts, section 5).

use ensimbi_events::Time;
use sqlx::SqliteConnection;

use super::errors::{Done, Refusal};
use super::json::{self, Json};
use super::parties::{self, LIST_MAX};
use super::request::Ask;
use super::rows::{Kind, Source};
use super::steps::What;
use super::{Desk, items};
use crate::simulator::Result;

/// The first id of either kind: an invoice and an order may have the same.
const FIRST_ID: i64 = 101;
const STATUSES: [&str; 5] = ["IDLE", "ACTIVE", "PROCESSING", "PAID", "CANCELED"];
const BEARERS: [&str; 2] = ["PAYER", "PAYEE"];

/// What was asked for.
pub(super) struct New<'a> {
    pub(super) kind: Kind,
    pub(super) counterparty: i64,
    pub(super) currency: &'a str,
    pub(super) note: Option<&'a str>,
    pub(super) fee_bearer: &'a str,
    pub(super) as_payment_link: bool,
    pub(super) label: Option<&'a str>,
    pub(super) due_date: Option<i64>,
    pub(super) hosted: bool,
    pub(super) urls: [Option<&'a str>; 2],
    pub(super) expires_at: Option<i64>,
}

/// Whether an amount has no more places than its currency.
pub(super) fn is_exact(desk: &Desk<'_>, currency: &str, scaled: i64) -> bool {
    let places = desk.settings.currencies.get(currency).copied().unwrap_or(2);
    scaled % 10_i64.pow(4_u32.saturating_sub(u32::from(places))) == 0
}

/// By what draws about it are made.
pub(super) async fn key(desk: &mut Desk<'_>, kind: Option<Kind>, id: &str) -> Result<Option<String>> {
    let (Some(kind), Ok(id)) = (kind, id.parse::<i64>()) else { return Ok(None) };
    let query = "SELECT key FROM source WHERE kind = ?1 AND id = ?2";
    Ok(sqlx::query_scalar(query).bind(kind.word()).bind(id).fetch_optional(&mut *desk.db).await?)
}

/// The source of a path, by its id or its number.
pub(super) async fn found(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<Source> {
    let found = match ask.param("number") {
        "" => desk.source_by_id(ask.merchant, kind, ask.id("source")?).await?,
        number => desk.source_by_number(ask.merchant, kind, number).await?,
    };
    Ok(found.ok_or(Refusal::not_found())?)
}

pub(super) async fn insert(desk: &mut Desk<'_>, merchant: i64, new: New<'_>) -> Result<Source> {
    let id = desk.count(new.kind.word(), FIRST_ID).await?;
    let now = desk.now;
    let year = json::stamp(now).chars().take(4).collect::<String>();
    let number = format!("{}-{year}-{id:05}", new.kind.prefix());
    let key = match new.label {
        Some(label) => {
            let count = "SELECT count(*) FROM source WHERE merchant = ?1 AND label = ?2";
            let count: i64 = sqlx::query_scalar(count).bind(merchant).bind(label).fetch_one(&mut *desk.db).await?;
            format!("{}/{merchant}/{label}#{}", new.kind.word(), count + 1)
        }
        None => number.clone(),
    };
    let token = desk.faults.draws().uuid("page", &key, 0).to_string();
    let seq: i64 = sqlx::query_scalar(
        "INSERT INTO source (merchant, kind, id, number, counterparty, currency, status, note, fee_bearer, due_date,
           as_payment_link, label, key, hosted, token, success_url, cancel_url, expires_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'IDLE', ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?18)
         RETURNING seq",
    )
    .bind(merchant)
    .bind(new.kind.word())
    .bind(id)
    .bind(number)
    .bind(new.counterparty)
    .bind(new.currency)
    .bind(new.note)
    .bind(new.fee_bearer)
    .bind(new.due_date)
    .bind(new.as_payment_link)
    .bind(new.label)
    .bind(key)
    .bind(new.hosted)
    .bind(token)
    .bind(new.urls[0])
    .bind(new.urls[1])
    .bind(new.expires_at)
    .bind(now.micros())
    .fetch_one(&mut *desk.db)
    .await?;
    tidied_later(desk, seq).await?;
    desk.source(seq).await
}

/// The part that all answers about a source have; whoever adds to it ends it.
fn shape(desk: &Desk<'_>, of: &Source) -> Json {
    let [_, number, _] = of.kind().names();
    let json = Json::new(&desk.faults.switches)
        .int("id", of.id)
        .text(number, &of.number)
        .int("counterparty_id", of.counterparty)
        .text("currency", &of.currency)
        .num("total_amount", of.total)
        .text("status", &of.status)
        .opt_text("note", of.note.as_deref())
        .text("fee_bearer", &of.fee_bearer);
    let json = if of.kind() == Kind::Invoice { json.opt_time("due_date", of.due_date) } else { json };
    json.flag("as_payment_link", of.as_payment_link)
        .int("owner_id", of.merchant)
        .text("owner_type", "ORGANIZATION")
        .times(of.created_at, of.updated_at)
        .opt_text("reference_id", of.label.as_deref())
        .opt_time("paid_at", of.paid_at)
}

pub(super) async fn create(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<String> {
    let mut read = ask.body();
    let (counterparty, currency, note) = (read.int("counterparty_id"), read.currency("currency"), read.text("note"));
    let (fee_bearer, as_payment_link) = (read.word("fee_bearer", &BEARERS), read.flag("as_payment_link"));
    let label = read.opt_text("reference_id");
    let due_date = if kind == Kind::Invoice { read.opt_time("due_date") } else { None };
    if desk.settings.wallet(ask.merchant, &currency).is_none() && read.has("currency") {
        read.refuse("currency", "no wallet has this currency");
    }
    if read.has("counterparty_id") && desk.counterparty(ask.merchant, counterparty).await?.is_none() {
        read.refuse("counterparty_id", "no such counterparty");
    }
    read.done()?;
    let new = New {
        kind,
        counterparty,
        currency: &currency,
        note: Some(&note),
        fee_bearer: &fee_bearer,
        as_payment_link,
        label: label.as_deref(),
        due_date,
        hosted: false,
        urls: [None, None],
        expires_at: None,
    };
    let made = insert(desk, ask.merchant, new).await?;
    Ok(shape(desk, &made).end())
}

pub(super) async fn update(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<String> {
    let of = found(desk, ask, kind).await?;
    let mut read = ask.body();
    let (label, note) = (read.opt_text("reference_id"), read.opt_text("note"));
    let (fee_bearer, due_date) = (read.opt_word("fee_bearer", &BEARERS), read.opt_time("due_date"));
    read.done()?;
    if of.status != "IDLE" {
        return Err(Refusal::at("path", kind.names()[0], "only IDLE can be edited").into());
    }
    sqlx::query(
        "UPDATE source SET label = coalesce(?2, label), note = coalesce(?3, note), fee_bearer = coalesce(?4, fee_bearer),
           due_date = coalesce(?5, due_date), updated_at = ?6 WHERE seq = ?1",
    )
    .bind(of.seq)
    .bind(label)
    .bind(note)
    .bind(fee_bearer)
    .bind(due_date)
    .bind(desk.now.micros())
    .execute(&mut *desk.db)
    .await?;
    let of = desk.source(of.seq).await?;
    Ok(shape(desk, &of).end())
}

pub(super) async fn touch(desk: &mut Desk<'_>, seq: i64) -> Result<()> {
    let query = "UPDATE source SET updated_at = ?2 WHERE seq = ?1";
    sqlx::query(query).bind(seq).bind(desk.now.micros()).execute(&mut *desk.db).await?;
    Ok(())
}

/// Plans that the merchant's people cancel it, where they do and nobody pays.
async fn tidied_later(desk: &mut Desk<'_>, seq: i64) -> Result<()> {
    match desk.settings.tidied_after {
        Some(after) => desk.plan(What::Tidy, seq, "", desk.now.plus(after)).await,
        None => Ok(()),
    }
}

/// Somebody cancels in the portal what nobody pays: now, or when it has been left alone for long enough.
pub(super) async fn tidy(desk: &mut Desk<'_>, seq: i64, now: bool) -> Result<()> {
    let mut of = desk.source(seq).await?;
    if !matches!(of.status.as_str(), "IDLE" | "ACTIVE") {
        return Ok(());
    }
    let after = desk.settings.tidied_after.unwrap_or_default();
    let due = Time::from_micros(of.updated_at).plus(after);
    if now || due <= desk.now {
        enter(desk, &mut of, "CANCELED").await
    } else {
        desk.plan(What::Tidy, seq, "", due).await
    }
}

/// It can be paid again after a failure.
pub(super) async fn reopen(desk: &mut Desk<'_>, of: &mut Source) -> Result<()> {
    enter(desk, of, "ACTIVE").await?;
    tidied_later(desk, of.seq).await
}

/// Enters a status; `PAID` notes when.
pub(super) async fn enter(desk: &mut Desk<'_>, of: &mut Source, status: &str) -> Result<()> {
    status.clone_into(&mut of.status);
    of.updated_at = desk.now.micros();
    if status == "PAID" {
        of.paid_at = of.paid_at.or(Some(of.updated_at));
    }
    save(&mut *desk.db, of).await
}

async fn save(db: &mut SqliteConnection, of: &Source) -> Result<()> {
    sqlx::query("UPDATE source SET status = ?2, updated_at = ?3, paid_at = ?4 WHERE seq = ?1")
        .bind(of.seq)
        .bind(&of.status)
        .bind(of.updated_at)
        .bind(of.paid_at)
        .execute(db)
        .await?;
    Ok(())
}

pub(super) async fn publish(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<String> {
    let mut of = found(desk, ask, kind).await?;
    let refused = |msg| Err(Refusal::at("path", kind.names()[0], msg).into());
    if of.status != "IDLE" {
        return refused("only IDLE can be published");
    }
    if of.total == 0 && !desk.faults.switches.publish_empty {
        return refused("there are no items");
    }
    enter(desk, &mut of, "ACTIVE").await?;
    Ok(shape(desk, &of).end())
}

pub(super) async fn cancel(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<String> {
    let mut of = found(desk, ask, kind).await?;
    if !matches!(of.status.as_str(), "IDLE" | "ACTIVE") {
        return Err(Refusal::at("path", kind.names()[0], "it cannot be cancelled now").into());
    }
    enter(desk, &mut of, "CANCELED").await?;
    Ok(if desk.faults.switches.cancel_empty { "{}".to_owned() } else { shape(desk, &of).end() })
}

pub(super) async fn list(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<String> {
    let mut read = ask.query();
    let currency = read.has("currency").then(|| read.currency("currency"));
    let status = read.opt_word("status", &STATUSES);
    read.done()?;
    let found: Vec<i64> = sqlx::query_scalar(
        "SELECT seq FROM source WHERE merchant = ?1 AND kind = ?2 AND (?3 IS NULL OR currency = ?3)
           AND (?4 IS NULL OR status = ?4) ORDER BY id LIMIT ?5",
    )
    .bind(ask.merchant)
    .bind(kind.word())
    .bind(currency)
    .bind(status)
    .bind(LIST_MAX)
    .fetch_all(&mut *desk.db)
    .await?;
    let mut shown = Vec::with_capacity(found.len());
    for seq in found {
        let of = desk.source(seq).await?;
        shown.push(shape(desk, &of).end());
    }
    Ok(json::list(shown))
}

pub(super) async fn retrieve(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<String> {
    let of = found(desk, ask, kind).await?;
    let items = items::list(desk, of.seq).await?;
    let counterparty = match desk.counterparty(ask.merchant, of.counterparty).await? {
        Some(one) => parties::nested(desk, ask.merchant, &one).await?,
        None => "null".to_owned(),
    };
    let [_, _, list] = kind.names();
    Ok(shape(desk, &of).raw(list, &items).raw("counterparty", &counterparty).end())
}

/// The kinds that are supported; `SUBSCRIPTION` is declared not to be (section 6).
pub(super) const KINDS: [&str; 2] = ["INVOICE", "ORDER"];

/// `GET /v1/status/source` (section 9).
pub(super) async fn status(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.query();
    let (kind, id) = (read.word("source_type", &KINDS), read.int("source_id"));
    read.done()?;
    let kind = Kind::of(&kind).ok_or(Refusal::not_found())?;
    let of = desk.source_by_id(ask.merchant, kind, id).await?.ok_or(Refusal::not_found())?;
    let status = if desk.drawn == Some(super::Fault::UnknownStatus) { super::executions::UNKNOWN } else { &of.status };
    Ok(Json::new(&desk.faults.switches)
        .int("source_id", of.id)
        .text("source_type", kind.word())
        .text("source_number", &of.number)
        .text("status", status)
        .text("currency", &of.currency)
        .num("total_amount", of.total)
        .opt_time("paid_at", of.paid_at)
        .end())
}
