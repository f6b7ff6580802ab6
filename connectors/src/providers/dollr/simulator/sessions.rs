//! Sessions, the declared intent of an execution (provider facts, section 7), and the keys of the realtime push (section
//! 12), behind which nothing is: it is another firm's service.

use std::time::Duration;

use super::errors::{Done, Refusal};
use super::faults::Fault;
use super::json::Json;
use super::request::Ask;
use super::rows::{Kind, Session, Source};
use super::sources::KINDS;
use super::switches::Operation;
use super::{Desk, accounts, passcode};
use crate::simulator::Result;

/// How long a realtime key is good, in seconds.
const KEY_SECONDS: i64 = 3_600;

#[derive(Default)]
struct New<'a> {
    source: Option<i64>,
    account: Option<i64>,
    wallet: Option<i64>,
    counterparty: Option<i64>,
    original: Option<i64>,
    amount: Option<i64>,
    currency: Option<&'a str>,
    reason: Option<&'a str>,
    expires_at: Option<i64>,
}

async fn insert(desk: &mut Desk<'_>, merchant: i64, operation: Operation, new: New<'_>) -> Result<Session> {
    let minutes = u64::from(desk.faults.parameters.session_minutes);
    let end = new.expires_at.unwrap_or_else(|| desk.now.plus(Duration::from_secs(60 * minutes)).micros());
    Ok(sqlx::query_as(
        "INSERT INTO session (merchant, operation, source, account, wallet, counterparty, original, amount, currency, reason,
           status, expires_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'ACTIVE', ?11, ?12, ?12) RETURNING *",
    )
    .bind(merchant)
    .bind(operation.word())
    .bind(new.source)
    .bind(new.account)
    .bind(new.wallet)
    .bind(new.counterparty)
    .bind(new.original)
    .bind(new.amount)
    .bind(new.currency)
    .bind(new.reason)
    .bind(end)
    .bind(desk.now.micros())
    .fetch_one(&mut *desk.db)
    .await?)
}

pub(super) async fn create(desk: &mut Desk<'_>, ask: &Ask, operation: Operation) -> Done<String> {
    match operation {
        Operation::Collection => checkout(desk, ask).await,
        Operation::Payout => payout(desk, ask).await,
        Operation::Transfer => transfer(desk, ask).await,
        Operation::Refund => refund(desk, ask).await,
    }
}

fn end(json: Json, of: &Session) -> String {
    json.text("status", &of.status).time("expires_at", of.expires_at).times(of.created_at, of.updated_at).end()
}

/// Refuses a source that cannot be paid now (section 13: 422, an unpublished one 422 or 404).
pub(super) fn payable(desk: &Desk<'_>, of: &Source) -> std::result::Result<(), Refusal> {
    let switches = &desk.faults.switches;
    match of.status.as_str() {
        "ACTIVE" => Ok(()),
        "PROCESSING" if switches.executes_unless_active => Ok(()),
        "IDLE" if switches.unpublished_is_missing => Err(Refusal::not_found()),
        "IDLE" => Err(Refusal::body("source_id", "the source is not published")),
        _ => Err(Refusal::body("source_id", "the source cannot be paid")),
    }
}

async fn checkout(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.body();
    let (id, kind) = (read.int("source_id"), read.word("source_type", &KINDS));
    read.done()?;
    let kind = Kind::of(&kind).ok_or(Refusal::not_found())?;
    let source = desk.source_by_id(ask.merchant, kind, id).await?;
    let source = source.ok_or(Refusal::body("source_id", "no such source"))?;
    payable(desk, &source)?;
    let new = New { source: Some(source.seq), ..New::default() };
    let made = insert(desk, ask.merchant, Operation::Collection, new).await?;
    let json =
        Json::new(&desk.faults.switches).int("id", made.id).int("source_id", id).text("source_type", kind.word());
    let json = json.text("status", &made.status).time("expires_at", made.expires_at);
    Ok(json.times(made.created_at, made.updated_at).null("payment_account_id").end())
}

async fn payout(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.body();
    let old = passcode::is_old(desk, read.has("wallet_id"));
    let field = if old { "payment_account_id" } else { "payout_account_id" };
    let (account, amount, currency) = (read.int(field), read.amount("amount"), read.currency("currency"));
    let (wallet, expires_at) =
        if old { (Some(read.int("wallet_id")), Some(read.time("expires_at"))) } else { (None, None) };
    read.done()?;
    let (account, method) = accounts::usable(desk, ask.merchant, (field, account), Operation::Payout).await?;
    if !method.takes(&currency) || !super::sources::is_exact(desk, &currency, amount) {
        return Err(Refusal::body("currency", "the payment account does not take this amount or currency").into());
    }
    let merchant = desk.settings.merchant(ask.merchant).ok_or(Refusal::not_found())?;
    // Theirs to choose: the wallet of the currency, else the first (section 7.2).
    let of_currency =
        || merchant.wallets.iter().find(|one| one.currency.as_str() == currency).or(merchant.wallets.first());
    let chosen = match wallet {
        Some(id) => merchant.wallets.iter().find(|one| one.id == id),
        None => of_currency(),
    };
    let wallet = chosen.ok_or(Refusal::body("wallet_id", "no such wallet"))?.id;
    let new = New {
        account: Some(account.id),
        wallet: Some(wallet),
        amount: Some(amount),
        currency: Some(&currency),
        expires_at,
        ..New::default()
    };
    let made = insert(desk, ask.merchant, Operation::Payout, new).await?;
    let json = Json::new(&desk.faults.switches).int("id", made.id).int("wallet_id", wallet).int(field, account.id);
    Ok(end(json.num("amount", amount).text("currency", &currency), &made))
}

async fn transfer(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.body();
    let (wallet, counterparty) = (read.int("from_wallet_id"), read.int("to_counterparty_id"));
    let (amount, currency, expires_at) = (read.amount("amount"), read.currency("currency"), read.time("expires_at"));
    read.done()?;
    let merchant = desk.settings.merchant(ask.merchant).ok_or(Refusal::not_found())?;
    if !merchant.wallets.iter().any(|one| one.id == wallet) {
        return Err(Refusal::body("from_wallet_id", "no such wallet").into());
    }
    let known = desk.counterparty(ask.merchant, counterparty).await?;
    known.ok_or(Refusal::body("to_counterparty_id", "no such counterparty"))?;
    let new = New {
        wallet: Some(wallet),
        counterparty: Some(counterparty),
        amount: Some(amount),
        currency: Some(&currency),
        expires_at: Some(expires_at),
        ..New::default()
    };
    let made = insert(desk, ask.merchant, Operation::Transfer, new).await?;
    let json = Json::new(&desk.faults.switches).int("id", made.id).int("from_wallet_id", wallet);
    let json = json.int("to_counterparty_id", counterparty).num("amount", amount).text("currency", &currency);
    Ok(end(json, &made))
}

async fn refund(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.body();
    let (intent, amount) = (read.int("original_payment_intent_id"), read.amount("amount"));
    let (expires_at, reason) = (read.time("expires_at"), read.opt_text("reason"));
    read.done()?;
    let field = "original_payment_intent_id";
    let known: Option<i64> = sqlx::query_scalar(
        "SELECT intent FROM execution WHERE intent = ?1 AND merchant = ?2 AND operation = 'COLLECTION'
           AND status IN ('COMPLETED', 'SUCCESSFUL')",
    )
    .bind(intent)
    .bind(ask.merchant)
    .fetch_optional(&mut *desk.db)
    .await?;
    let original = desk.execution(known.ok_or(Refusal::body(field, "no such payment"))?).await?;
    let before: i64 = sqlx::query_scalar(
        "SELECT coalesce(sum(payee_amount), 0) FROM execution WHERE original = ?1 AND status <> 'FAILED'",
    )
    .bind(intent)
    .fetch_one(&mut *desk.db)
    .await?;
    let whole = match original.source {
        Some(seq) => desk.source(seq).await?.total,
        None => original.payee_amount,
    };
    if before.saturating_add(amount) > whole {
        return Err(Refusal::body("amount", "more than the original").into());
    }
    let new = New {
        original: Some(intent),
        wallet: Some(original.wallet),
        amount: Some(amount),
        currency: Some(&original.payee_currency),
        reason: reason.as_deref(),
        expires_at: Some(expires_at),
        ..New::default()
    };
    let made = insert(desk, ask.merchant, Operation::Refund, new).await?;
    let json = Json::new(&desk.faults.switches).int("id", made.id).int(field, intent).num("amount", amount);
    Ok(end(json.opt_text("reason", reason.as_deref()), &made))
}

/// The session of an execution: the merchant's own, `ACTIVE`, of the operation's type (section 13).
pub(super) async fn to_execute(desk: &mut Desk<'_>, merchant: i64, id: i64, operation: Operation) -> Done<Session> {
    let found = desk.session(merchant, id).await?.filter(|one| one.operation == operation.word());
    let of = found.ok_or(Refusal::body("session_id", "no such session"))?;
    let early = desk.faults.hits(Fault::SessionExpired, &format!("session/{}", of.id), 0);
    if of.status != "ACTIVE" {
        return Err(Refusal::body("session_id", "the session is not active").into());
    }
    if early || of.expires_at <= desk.now.micros() {
        return Err(Refusal::body("session_id", "the session has expired").into());
    }
    Ok(of)
}

/// The word is ours: theirs is not known (section 14, row 4).
pub(super) async fn consume(desk: &mut Desk<'_>, of: &Session) -> Result<()> {
    sqlx::query("UPDATE session SET status = 'CONSUMED', updated_at = ?2 WHERE id = ?1")
        .bind(of.id)
        .bind(desk.now.micros())
        .execute(&mut *desk.db)
        .await?;
    Ok(())
}

pub(super) async fn realtime_key(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.body();
    let (session, _) = (read.int("session_id"), read.word("source_type", &KINDS));
    let reference = read.reference("reference_id");
    read.done()?;
    let known = desk.session(ask.merchant, session).await?.filter(|one| one.operation == "COLLECTION");
    known.ok_or(Refusal::body("session_id", "no such session"))?;
    let token = desk.faults.draws().uuid("realtime", &reference, session.unsigned_abs()).simple().to_string();
    let json = Json::new(&desk.faults.switches).text("access_token", &["sim.realtime.", &token].concat());
    Ok(json.int("expires_in", KEY_SECONDS).end())
}
