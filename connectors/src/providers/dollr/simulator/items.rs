//! The items of a source that is still `IDLE` (provider facts, section 5.1): `amount` is the unit price.

use sqlx::FromRow;

use super::Desk;
use super::errors::{Done, Refusal};
use super::json::{self, Json};
use super::request::{Ask, QTY_MAX};
use super::rows::{Kind, Source};
use super::sources;
use super::switches::Switches;
use crate::simulator::Result;

/// Most items of a source.
const ITEMS_MAX: i64 = 200;

#[derive(Debug, Clone, FromRow)]
pub(super) struct Item {
    id: i64,
    name: String,
    currency: String,
    qty: i64,
    amount: i64,
    created_at: i64,
    updated_at: i64,
}

fn shown(switches: &Switches, of: &Item) -> String {
    Json::new(switches)
        .int("id", of.id)
        .text("name", &of.name)
        .text("currency", &of.currency)
        .int("qty", of.qty)
        .num("amount", of.amount)
        .times(of.created_at, of.updated_at)
        .end()
}

async fn all(desk: &mut Desk<'_>, source: i64) -> Result<Vec<Item>> {
    Ok(sqlx::query_as("SELECT * FROM item WHERE source = ?1 ORDER BY id").bind(source).fetch_all(&mut *desk.db).await?)
}

/// The list of a source.
pub(super) async fn list(desk: &mut Desk<'_>, source: i64) -> Result<String> {
    let all = all(desk, source).await?;
    Ok(json::list(all.iter().map(|one| shown(&desk.faults.switches, one))))
}

/// As a receipt has them (section 11): without times.
pub(super) async fn on_receipt(desk: &mut Desk<'_>, source: i64) -> Result<String> {
    let all = all(desk, source).await?;
    let line = |of: &Item| {
        Json::new(&desk.faults.switches)
            .int("id", of.id)
            .text("name", &of.name)
            .int("qty", of.qty)
            .num("amount", of.amount)
            .text("currency", &of.currency)
            .end()
    };
    Ok(json::list(all.iter().map(line)))
}

pub(super) async fn insert(
    desk: &mut Desk<'_>,
    source: i64,
    (name, currency): (&str, &str),
    (qty, amount): (i64, i64),
) -> Result<Item> {
    Ok(sqlx::query_as(
        "INSERT INTO item (source, name, currency, qty, amount, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) RETURNING *",
    )
    .bind(source)
    .bind(name)
    .bind(currency)
    .bind(qty)
    .bind(amount)
    .bind(desk.now.micros())
    .fetch_one(&mut *desk.db)
    .await?)
}

async fn editable(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<Source> {
    let of = sources::found(desk, ask, kind).await?;
    if of.status == "IDLE" {
        Ok(of)
    } else {
        Err(Refusal::at("path", kind.names()[0], "only IDLE can be edited").into())
    }
}

pub(super) async fn add(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<String> {
    let of = editable(desk, ask, kind).await?;
    let mut read = ask.body();
    let (name, currency) = (read.text("name"), read.currency("currency"));
    let (qty, amount) = (read.int("qty"), read.amount("amount"));
    if !(1..=QTY_MAX).contains(&qty) && read.has("qty") {
        read.refuse("qty", "ensure this value is greater than or equal to 1");
    }
    if currency != of.currency && !desk.faults.switches.item_in_any_currency && read.has("currency") {
        read.refuse("currency", "the currency is not the source's");
    }
    if !sources::is_exact(desk, &currency, amount) {
        read.refuse("amount", "too many decimal places");
    }
    read.done()?;
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM item WHERE source = ?1").bind(of.seq).fetch_one(&mut *desk.db).await?;
    if count >= ITEMS_MAX {
        return Err(Refusal::at("path", kind.names()[0], "too many items").into());
    }
    let made = insert(desk, of.seq, (&name, &currency), (qty, amount)).await?;
    sources::touch(desk, of.seq).await?;
    Ok(shown(&desk.faults.switches, &made))
}

async fn item(desk: &mut Desk<'_>, ask: &Ask, source: i64) -> Done<Item> {
    let query = "SELECT * FROM item WHERE id = ?1 AND source = ?2";
    let found = sqlx::query_as(query).bind(ask.id("id")?).bind(source).fetch_optional(&mut *desk.db).await?;
    Ok(found.ok_or(Refusal::not_found())?)
}

pub(super) async fn update(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<String> {
    let of = editable(desk, ask, kind).await?;
    let mut item = item(desk, ask, of.seq).await?;
    let mut read = ask.body();
    let (name, qty, amount) = (read.opt_text("name"), read.opt_int("qty"), read.opt_amount("amount"));
    if qty.is_some_and(|qty| !(1..=QTY_MAX).contains(&qty)) {
        read.refuse("qty", "ensure this value is greater than or equal to 1");
    }
    read.done()?;
    item.name = name.unwrap_or(item.name);
    item.qty = qty.unwrap_or(item.qty);
    item.amount = amount.unwrap_or(item.amount);
    item.updated_at = desk.now.micros();
    sqlx::query("UPDATE item SET name = ?2, qty = ?3, amount = ?4, updated_at = ?5 WHERE id = ?1")
        .bind(item.id)
        .bind(&item.name)
        .bind(item.qty)
        .bind(item.amount)
        .bind(item.updated_at)
        .execute(&mut *desk.db)
        .await?;
    sources::touch(desk, of.seq).await?;
    Ok(shown(&desk.faults.switches, &item))
}

pub(super) async fn remove(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<String> {
    let of = editable(desk, ask, kind).await?;
    let item = item(desk, ask, of.seq).await?;
    sqlx::query("DELETE FROM item WHERE id = ?1").bind(item.id).execute(&mut *desk.db).await?;
    sources::touch(desk, of.seq).await?;
    Ok("{}".to_owned())
}
