//! Payment accounts (provider facts, section 8.0): written once, never shown again; the number is not echoed.

use super::Desk;
use super::errors::{Done, Refusal};
use super::json::Json;
use super::methods::Method;
use super::parties::is_country;
use super::request::{Ask, is_phone};
use super::rows::Account;
use super::switches::Operation;
use crate::simulator::Result;

/// An account to be made.
pub(super) struct New<'a> {
    pub(super) operation: Operation,
    pub(super) name: &'a str,
    pub(super) provider: &'a str,
    pub(super) method: &'a str,
    pub(super) party: i64,
    pub(super) country_code: Option<&'a str>,
    pub(super) number: Option<&'a str>,
}

pub(super) async fn insert(desk: &mut Desk<'_>, merchant: i64, new: New<'_>) -> Result<Account> {
    Ok(sqlx::query_as(
        "INSERT INTO account (merchant, operation, account_name, provider, method, party, country_code, number, is_active,
           created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?9) RETURNING *",
    )
    .bind(merchant)
    .bind(new.operation.word())
    .bind(new.name)
    .bind(new.provider)
    .bind(new.method)
    .bind(new.party)
    .bind(new.country_code)
    .bind(new.number)
    .bind(desk.now.micros())
    .fetch_one(&mut *desk.db)
    .await?)
}

pub(super) async fn create(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut query = ask.query();
    let operation = query.word("operation_type", &Operation::ALL.map(Operation::word));
    query.done()?;
    let operation = Operation::of(&operation).ok_or(Refusal::not_found())?;
    let mut read = ask.body();
    let (name, provider, word) = (read.text("account_name"), read.text("provider"), read.text("method"));
    let (party, country) = (read.int("party_id"), read.opt_text("country_code"));
    let number = read.opt_text("insensitive_account_number");
    let method = Method::of(&word);
    match method {
        None if read.has("method") => read.refuse("method", "unknown payment method"),
        Some(method) if !method.goes_with(&provider) => read.refuse("provider", "the method is not this provider's"),
        Some(method) if method.is_mobile() && !number.as_deref().is_some_and(is_phone) => {
            read.refuse("insensitive_account_number", "a phone number is needed");
        }
        _ => {}
    }
    if country.as_deref().is_some_and(|text| !is_country(text)) {
        read.refuse("country_code", "unknown country");
    }
    if read.has("party_id") && desk.party(ask.merchant, party).await?.is_none() {
        read.refuse("party_id", "no such party");
    }
    read.done()?;
    let new = New {
        operation,
        name: &name,
        provider: &provider,
        method: &word,
        party,
        country_code: country.as_deref(),
        number: number.as_deref(),
    };
    let made = insert(desk, ask.merchant, new).await?;
    Ok(Json::new(&desk.faults.switches)
        .int("id", made.id)
        .text("account_name", &made.account_name)
        .text("provider", &made.provider)
        .text("method", &made.method)
        .int("party_id", made.party)
        .flag("is_active", made.is_active)
        .times(made.created_at, made.updated_at)
        .opt_text("country_code", made.country_code.as_deref())
        .end())
}

/// The account of an execution or a session: the merchant's own, active, for this operation.
pub(super) async fn usable(
    desk: &mut Desk<'_>,
    merchant: i64,
    (field, id): (&'static str, i64),
    operation: Operation,
) -> Done<(Account, Method)> {
    let found = desk.account(merchant, id).await?.filter(|one| one.operation == operation.word());
    let account = found.ok_or(Refusal::body(field, "no such payment account"))?;
    if !account.is_active {
        return Err(Refusal::body(field, "the payment account is not active").into());
    }
    let method = Method::of(&account.method).ok_or(Refusal::body(field, "unknown payment method"))?;
    Ok((account, method))
}
