//! The four executions and the reads of their status (provider facts, sections 8 and 9). A reference is used once: the
//! same again is answered with what stands, and for something else it is refused (section 13).

use std::time::Duration;

use super::errors::{Done, Refusal};
use super::faults::Fault;
use super::figures::{self, Base, Figures};
use super::json::Json;
use super::methods::Method;
use super::request::Ask;
use super::rows::{Account, Execution, Session, Source};
use super::settings::Fate;
use super::sources::enter;
use super::switches::{Operation, OtherPayload, SamePayload, ShortPayout, UnknownReference, WrongPasscode};
use super::{Desk, accounts, outcomes, passcode, sessions, wallets};
use crate::simulator::Result;

/// A status that nobody knows.
pub(super) const UNKNOWN: &str = "UNDER_REVIEW";

/// An execution to be stored.
pub(super) struct New<'a> {
    pub(super) operation: Operation,
    pub(super) reference: &'a str,
    pub(super) payload: &'a str,
    pub(super) source: Option<i64>,
    pub(super) account: Option<i64>,
    pub(super) original: Option<i64>,
    pub(super) counterparty: Option<i64>,
    pub(super) hosted: bool,
    pub(super) method: Method,
    pub(super) figures: Figures,
    pub(super) wallet: i64,
    /// What a success brings into the wallet, or a payout takes out of it.
    pub(super) debit: i64,
}

pub(super) async fn insert(desk: &mut Desk<'_>, merchant: i64, new: New<'_>) -> Result<Execution> {
    let hidden = desk.faults.hits(Fault::NotFoundSoon, new.reference, 0);
    let hidden = if hidden { desk.faults.parameters.not_found_seconds } else { 0 };
    let visible = desk.now.plus(Duration::from_secs(u64::from(hidden)));
    let figures = new.figures;
    let intent: i64 = sqlx::query_scalar(
        "INSERT INTO execution (merchant, operation, reference, payload, source, account, original, counterparty, hosted,
           method, provider, status, payer_amount, payer_currency, payee_amount, payee_currency, platform_fee,
           platform_currency, gateway_fee, gateway_currency, fx_fee, fx_rate, fx_from, fx_to, fees, wallet, debit,
           visible_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'PROCESSING', ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
           ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28) RETURNING intent",
    )
    .bind(merchant)
    .bind(new.operation.word())
    .bind(new.reference)
    .bind(new.payload)
    .bind(new.source)
    .bind(new.account)
    .bind(new.original)
    .bind(new.counterparty)
    .bind(new.hosted)
    .bind(new.method.word)
    .bind(new.method.gateway)
    .bind(figures.payer_amount)
    .bind(figures.payer_currency)
    .bind(figures.payee_amount)
    .bind(figures.payee_currency)
    .bind(figures.platform_fee)
    .bind(figures.platform_currency)
    .bind(figures.gateway_fee)
    .bind(figures.gateway_currency)
    .bind(figures.fx_fee)
    .bind(figures.fx_rate)
    .bind(figures.fx_from)
    .bind(figures.fx_to)
    .bind(figures.fees)
    .bind(new.wallet)
    .bind(new.debit)
    .bind(visible.micros())
    .bind(desk.now.micros())
    .fetch_one(&mut *desk.db)
    .await?;
    desk.execution(intent).await
}

/// ExecutionResponse (section 8.4).
fn shown(desk: &Desk<'_>, of: &Execution) -> String {
    let switches = &desk.faults.switches;
    let status = if desk.drawn == Some(Fault::UnknownStatus) { UNKNOWN } else { &of.status };
    let mut json = Json::new(switches)
        .text("reference_id", &of.reference)
        .text("status", status)
        .text("operation_type", of.operation().word())
        .num("payer_amount", of.payer_amount)
        .text("payer_currency", &of.payer_currency)
        .num("payee_amount", of.payee_amount)
        .text("payee_currency", &of.payee_currency)
        .opt_text("provider_transaction_id", of.provider_transaction_id.as_deref())
        .opt_text("gateway_message", of.gateway_message.as_deref())
        .opt_text("wallet_message", of.wallet_message.as_deref())
        .opt_text("client_secret", of.client_secret.as_deref());
    json = match of.requires_action {
        Some(yes) => json.flag("requires_action", yes),
        None => json.null("requires_action"),
    };
    if switches.intent_in_answer {
        json = json.int("payment_intent_id", of.intent);
    }
    if desk.faults.hits(Fault::ExtraFields, &of.reference, 0) {
        json = json.raw("risk", r#"{"score":12,"labels":["low"]}"#);
    }
    json.end()
}

/// `GET /v1/status/{operation}/{reference_id}` (section 9).
pub(super) async fn status(desk: &mut Desk<'_>, ask: &Ask, operation: Operation) -> Done<String> {
    let reference = ask.param("reference_id").to_ascii_lowercase();
    let found = desk.execution_by_reference(ask.merchant, &reference).await?;
    match found.filter(|one| one.operation() == operation && one.visible_at <= desk.now.micros()) {
        Some(of) => Ok(shown(desk, &of)),
        None if desk.faults.switches.unknown_reference == UnknownReference::Unprocessable => {
            Err(Refusal::at("path", "reference_id", "no such execution").into())
        }
        None => Err(Refusal::not_found().into()),
    }
}

pub(super) async fn execute(desk: &mut Desk<'_>, ask: &Ask, operation: Operation) -> Done<String> {
    match operation {
        Operation::Collection => collect(desk, ask).await,
        Operation::Payout => pay_out(desk, ask).await,
        Operation::Transfer | Operation::Refund => send(desk, ask, operation).await,
    }
}

/// The execution of a reference that was used before: it stands as it is, or 422.
async fn replayed(desk: &mut Desk<'_>, ask: &Ask, reference: &str, payload: &str) -> Done<Option<String>> {
    let Some(known) = desk.execution_by_reference(ask.merchant, reference).await? else { return Ok(None) };
    let switches = &desk.faults.switches;
    let again = match known.payload == payload {
        true => switches.same_payload == SamePayload::Replayed,
        false => switches.other_payload == OtherPayload::Replayed,
    };
    if again {
        Ok(Some(shown(desk, &known)))
    } else {
        Err(Refusal::body("reference_id", "duplicate / already exists").into())
    }
}

async fn collect(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.body();
    let (session, account) = (read.id_text("session_id"), read.id_text("payment_account_id"));
    let (currency, reference) = (read.currency("currency"), read.reference("reference_id"));
    read.done()?;
    let payload = format!("COLLECTION/{session}/{account}/{currency}");
    if let Some(known) = replayed(desk, ask, &reference, &payload).await? {
        return Ok(known);
    }
    let session = sessions::to_execute(desk, ask.merchant, session, Operation::Collection).await?;
    let which = ("payment_account_id", account);
    let (account, method) = accounts::usable(desk, ask.merchant, which, Operation::Collection).await?;
    if !method.takes(&currency) || !desk.settings.currencies.contains_key(&currency) {
        return Err(Refusal::body("currency", "the payment method does not take this currency").into());
    }
    let source = desk.source(session.source.unwrap_or_default()).await?;
    sessions::payable(desk, &source)?;
    sessions::consume(desk, &session).await?;
    let phone = account.number.clone().unwrap_or_default();
    let paying = Paying { reference: &reference, payload: &payload, account: Some(account.id), hosted: false, method };
    let made = pay(desk, source, paying, &currency, &phone, Some(session.id)).await?;
    Ok(shown(desk, &made))
}

/// Who pays a source, and how.
pub(super) struct Paying<'a> {
    pub(super) reference: &'a str,
    pub(super) payload: &'a str,
    pub(super) account: Option<i64>,
    pub(super) hosted: bool,
    pub(super) method: Method,
}

/// Starts the payment of a source: by an execution, or on its page.
pub(super) async fn pay(
    desk: &mut Desk<'_>,
    mut source: Source,
    paying: Paying<'_>,
    currency: &str,
    phone: &str,
    session: Option<i64>,
) -> Done<Execution> {
    let moved = desk.faults.hits(Fault::FxMoved, paying.reference, 0);
    let base = Base {
        operation: Operation::Collection,
        amount: source.total,
        currency: &source.currency,
        payer_currency: currency,
        on_top: source.fee_bearer == "PAYER",
        moved: if moved { desk.faults.parameters.fx_move } else { 0 },
    };
    let figures = figures::of(desk.settings, &desk.faults.switches, &base);
    let mut figures = figures.ok_or(Refusal::body("currency", "no rate, or the amount is below the minimum"))?;
    let names = [format!("{}-{}", source.kind().word(), source.id), format!("SESSION-{}", session.unwrap_or_default())];
    figures::exact(desk, [&names[0], &names[1]], &mut figures).await?;
    let own = desk.settings.wallet(source.merchant, &source.currency);
    let credited = desk.settings.wallet(source.merchant, &figures.payee_currency);
    // Exact figures may name a currency that no wallet has: nothing is credited then.
    let debit = if credited.is_some() { figures.payee_amount } else { 0 };
    let wallet = credited.or(own).ok_or(Refusal::body("currency", "no wallet has the source's currency"))?.id;
    let new = New {
        operation: Operation::Collection,
        reference: paying.reference,
        payload: paying.payload,
        source: Some(source.seq),
        account: paying.account,
        original: None,
        counterparty: None,
        hosted: paying.hosted,
        method: paying.method,
        figures,
        wallet,
        debit,
    };
    let made = insert(desk, source.merchant, new).await?;
    enter(desk, &mut source, "PROCESSING").await?;
    let fate = if paying.method.is_mobile() { desk.settings.fate(phone) } else { Fate::Succeeds };
    Ok(outcomes::begin(desk, made, fate, paying.method).await?)
}

async fn pay_out(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.body();
    let old = passcode::is_old(desk, !read.has("payout_account_id") && !read.has("passcode"));
    let (session, reference) = (read.id_text("session_id"), read.reference("reference_id"));
    let account = if old { None } else { Some(read.id_text("payout_account_id")) };
    let good = old || passcode::read(desk, ask, &mut read);
    read.done()?;
    let payload = format!("PAYOUT/{session}/{}", account.unwrap_or_default());
    if let Some(known) = replayed(desk, ask, &reference, &payload).await? {
        return Ok(known);
    }
    let wrong = desk.faults.switches.wrong_passcode;
    match wrong {
        WrongPasscode::Forbidden if !good => return Err(Refusal::forbidden("Invalid passcode").into()),
        WrongPasscode::Unprocessable if !good => return Err(Refusal::body("passcode", "invalid passcode").into()),
        _ => {}
    }
    let session = sessions::to_execute(desk, ask.merchant, session, Operation::Payout).await?;
    if account.is_some_and(|account| session.account != Some(account)) {
        return Err(Refusal::body("payout_account_id", "not the session's payment account").into());
    }
    let which = ("payout_account_id", session.account.unwrap_or_default());
    let (account, method) = accounts::usable(desk, ask.merchant, which, Operation::Payout).await?;
    let (made, covered) = out(desk, ask.merchant, &session, (&reference, &payload), Some(&account), method).await?;
    sessions::consume(desk, &session).await?;
    let fate = desk.settings.fate(account.number.as_deref().unwrap_or_default());
    let made = match (good, covered) {
        (false, _) => outcomes::fail(desk, made, outcomes::Why::Passcode).await?,
        (true, true) => outcomes::begin(desk, made, fate, method).await?,
        (true, false) => outcomes::short(desk, made).await?,
    };
    Ok(shown(desk, &made))
}

/// Stores an execution that takes money out of a wallet, and takes it where it is taken at once. Gives whether the wallet
/// covers it.
async fn out(
    desk: &mut Desk<'_>,
    merchant: i64,
    session: &Session,
    (reference, payload): (&str, &str),
    account: Option<&Account>,
    method: Method,
) -> Done<(Execution, bool)> {
    let operation = Operation::of(&session.operation).unwrap_or(Operation::Payout);
    let wallet = wallets::one(&mut *desk.db, session.wallet.unwrap_or_default()).await?;
    let currency = session.currency.as_deref().unwrap_or(&wallet.currency);
    let moved = desk.faults.hits(Fault::FxMoved, reference, 0);
    let base = Base {
        operation,
        amount: session.amount.unwrap_or_default(),
        currency,
        payer_currency: &wallet.currency,
        on_top: true,
        moved: if moved { desk.faults.parameters.fx_move } else { 0 },
    };
    let figures = figures::of(desk.settings, &desk.faults.switches, &base);
    let mut figures = figures.ok_or(Refusal::body("session_id", "no rate of exchange"))?;
    figures::exact(desk, [&format!("SESSION-{}", session.id), ""], &mut figures).await?;
    let debit = figures.payer_amount;
    let covered = wallet.balance - wallet.unsettled >= debit;
    if !covered && desk.faults.switches.short_payout == ShortPayout::Refused {
        return Err(Refusal::body("session_id", "insufficient wallet balance").into());
    }
    let new = New {
        operation,
        reference,
        payload,
        source: None,
        account: account.map(|account| account.id),
        original: session.original,
        counterparty: session.counterparty,
        hosted: false,
        method,
        figures,
        wallet: wallet.id,
        debit,
    };
    let made = insert(desk, merchant, new).await?;
    if covered && !outcomes::takes_at_success(desk, operation) {
        outcomes::move_money(desk, &made, "debit", -debit, 0).await?;
    }
    Ok((made, covered))
}

/// Transfers and refunds (section 8.3).
async fn send(desk: &mut Desk<'_>, ask: &Ask, operation: Operation) -> Done<String> {
    let mut read = ask.body();
    let (session, reference) = (read.id_text("session_id"), read.reference("reference_id"));
    read.done()?;
    let payload = format!("{}/{session}", operation.word());
    if let Some(known) = replayed(desk, ask, &reference, &payload).await? {
        return Ok(known);
    }
    let session = sessions::to_execute(desk, ask.merchant, session, operation).await?;
    let method = match session.original {
        Some(original) => Method::of(&desk.execution(original).await?.method),
        None => Method::of("WALLET"),
    };
    let method = method.ok_or(Refusal::body("session_id", "unknown payment method"))?;
    let (made, covered) = out(desk, ask.merchant, &session, (&reference, &payload), None, method).await?;
    sessions::consume(desk, &session).await?;
    let made = match covered {
        true => outcomes::begin(desk, made, Fate::Succeeds, method).await?,
        false => outcomes::short(desk, made).await?,
    };
    Ok(shown(desk, &made))
}
