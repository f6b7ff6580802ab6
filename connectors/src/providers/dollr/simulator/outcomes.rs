//! How an execution goes on and ends: what it moves in its wallet, what becomes of its source, and what nobody ordered
//! (provider facts, sections 5.3, 8.5 and 13).

use std::time::Duration;

use super::errors::damaged;
use super::faults::Fault;
use super::methods::Method;
use super::rows::Execution;
use super::settings::Fate;
use super::sources::{enter, reopen};
use super::steps::What;
use super::switches::{FirstStatus, Operation, ShortPayout, SourceAfterFailure, SuccessWord};
use super::wallets::{self, Posting};
use super::{Desk, hosted};
use crate::simulator::Result;

/// Until `PENDING` becomes `PROCESSING`, and until a payout that is not covered shows it.
const SOON: Duration = Duration::from_secs(2);

/// Why one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Declined,
    Silent,
    Short,
    Passcode,
    Error,
}

impl Why {
    const ALL: [Self; 5] = [Self::Declined, Self::Silent, Self::Short, Self::Passcode, Self::Error];

    const fn word(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::Silent => "silent",
            Self::Short => "short",
            Self::Passcode => "passcode",
            Self::Error => "error",
        }
    }

    /// The gateway's and the wallet's message.
    const fn messages(self) -> (Option<&'static str>, Option<&'static str>) {
        match self {
            Self::Declined => (Some("Payer declined the request"), None),
            Self::Silent => (Some("Request timed out"), None),
            Self::Short => (None, Some("Insufficient wallet balance")),
            Self::Passcode => (None, Some("Invalid passcode")),
            Self::Error => (Some("Operator error"), None),
        }
    }
}

/// Whether its money is taken when it succeeds, not before.
pub(super) fn takes_at_success(desk: &Desk<'_>, operation: Operation) -> bool {
    operation == Operation::Payout && desk.faults.switches.payout_debit_at_success
}

/// Moves its wallet.
pub(super) async fn move_money(
    desk: &mut Desk<'_>,
    of: &Execution,
    what: &'static str,
    effect: i64,
    unsettled: i64,
) -> Result<()> {
    let posting = Posting { wallet: of.wallet, intent: Some(of.intent), what, effect, unsettled, at: desk.now };
    wallets::post(&mut *desk.db, posting).await
}

async fn save(desk: &mut Desk<'_>, of: &Execution) -> Result<()> {
    sqlx::query(
        "UPDATE execution SET status = ?2, provider_transaction_id = ?3, gateway_message = ?4, wallet_message = ?5,
           client_secret = ?6, requires_action = ?7, confirmed_at = ?8 WHERE intent = ?1",
    )
    .bind(of.intent)
    .bind(&of.status)
    .bind(&of.provider_transaction_id)
    .bind(&of.gateway_message)
    .bind(&of.wallet_message)
    .bind(&of.client_secret)
    .bind(of.requires_action)
    .bind(of.confirmed_at)
    .execute(&mut *desk.db)
    .await?;
    Ok(())
}

/// Starts it: the plan of its end, or the end itself.
pub(super) async fn begin(desk: &mut Desk<'_>, mut of: Execution, fate: Fate, method: Method) -> Result<Execution> {
    let (faults, settings) = (desk.faults, desk.settings);
    let hits = |fault| faults.hits(fault, &of.reference, 0);
    let card = method.is_card() && of.operation() == Operation::Collection;
    if hits(Fault::FailedAtOnce) {
        return fail(desk, of, Why::Declined).await;
    }
    if card && faults.switches.card_in_browser {
        of.requires_action = Some(true);
        let secret = faults.draws().uuid("client_secret", &of.reference, 0).simple().to_string();
        of.client_secret = Some(["pi_sim_secret_", &secret].concat());
    } else if card && faults.switches.cards_at_once {
        return succeed(desk, of).await;
    }
    let by_fault = match of.operation() {
        Operation::Payout => hits(Fault::PayoutFailed),
        Operation::Refund => hits(Fault::RefundFailed),
        Operation::Collection | Operation::Transfer => false,
    };
    let (mut after, why) = match fate {
        Fate::Silent => (settings.silent_after, Some(Why::Silent)),
        Fate::Later => (settings.later_after, None),
        Fate::Fails => (desk.between(settings.outcome_after, "outcome_after", &of.reference), Some(Why::Declined)),
        Fate::Succeeds => {
            (desk.between(settings.outcome_after, "outcome_after", &of.reference), by_fault.then_some(Why::Error))
        }
    };
    if hits(Fault::SlowProcessing) {
        after += Duration::from_secs(60 * u64::from(faults.parameters.slow_minutes));
    }
    if faults.switches.first_status == FirstStatus::Pending {
        "PENDING".clone_into(&mut of.status);
        desk.plan(What::Proceed, of.intent, "", desk.now.plus(SOON)).await?;
    }
    save(desk, &of).await?;
    desk.plan(What::Outcome, of.intent, why.map_or("", Why::word), desk.now.plus(after)).await?;
    Ok(of)
}

/// The wallet does not cover it (section 13: a business failure, at once or when the status is read).
pub(super) async fn short(desk: &mut Desk<'_>, of: Execution) -> Result<Execution> {
    if desk.faults.switches.short_payout == ShortPayout::AtOnce {
        return fail(desk, of, Why::Short).await;
    }
    desk.plan(What::Outcome, of.intent, Why::Short.word(), desk.now.plus(SOON)).await?;
    Ok(of)
}

/// `PENDING` goes on.
pub(super) async fn proceed(desk: &mut Desk<'_>, intent: i64) -> Result<()> {
    let mut of = desk.execution(intent).await?;
    if of.status == "PENDING" {
        "PROCESSING".clone_into(&mut of.status);
        save(desk, &of).await?;
    }
    Ok(())
}

/// Ends it as was planned.
pub(super) async fn end(desk: &mut Desk<'_>, intent: i64, word: &str) -> Result<()> {
    let of = desk.execution(intent).await?;
    if of.is_final() {
        return Ok(());
    }
    if word.is_empty() {
        return succeed(desk, of).await.map(drop);
    }
    let why = Why::ALL.into_iter().find(|why| why.word() == word).ok_or_else(|| damaged("a failure is unknown"))?;
    fail(desk, of, why).await.map(drop)
}

fn success_word(desk: &Desk<'_>, reference: &str) -> &'static str {
    let other = desk.faults.hits(Fault::OtherSuccessWord, reference, 0);
    match (desk.faults.switches.success_word, other) {
        (SuccessWord::Completed, false) | (SuccessWord::Successful, true) => "COMPLETED",
        (SuccessWord::Completed, true) | (SuccessWord::Successful, false) => "SUCCESSFUL",
    }
}

pub(super) async fn succeed(desk: &mut Desk<'_>, mut of: Execution) -> Result<Execution> {
    success_word(desk, &of.reference).clone_into(&mut of.status);
    of.provider_transaction_id = Some(desk.faults.draws().uuid("provider_transaction", &of.reference, 0).to_string());
    of.confirmed_at = Some(desk.now.micros());
    of.requires_action = of.requires_action.map(|_| false);
    save(desk, &of).await?;
    match of.operation() {
        Operation::Collection => collected(desk, &of).await?,
        Operation::Payout if takes_at_success(desk, Operation::Payout) => {
            move_money(desk, &of, "debit", -of.debit, 0).await?;
        }
        Operation::Payout => {}
        Operation::Transfer => arrived(desk, &of).await?,
        Operation::Refund => refunded(desk, &of).await?,
    }
    if desk.faults.hits(Fault::ReversedLater, &of.reference, 0) {
        desk.plan(What::Reverse, of.intent, "", desk.later()).await?;
    }
    Ok(of)
}

async fn collected(desk: &mut Desk<'_>, of: &Execution) -> Result<()> {
    let minutes = u64::from(desk.faults.parameters.spendable_minutes);
    let unsettled = if minutes > 0 { of.debit } else { 0 };
    move_money(desk, of, "collection", of.debit, unsettled).await?;
    if unsettled > 0 {
        let at = desk.now.plus(Duration::from_secs(60 * minutes));
        desk.plan(What::Settle, of.intent, "", at).await?;
    }
    if let Some(seq) = of.source {
        let mut source = desk.source(seq).await?;
        enter(desk, &mut source, "PAID").await?;
    }
    Ok(())
}

/// What was collected can be spent.
pub(super) async fn settle(desk: &mut Desk<'_>, intent: i64) -> Result<()> {
    let of = desk.execution(intent).await?;
    if of.succeeded() { move_money(desk, &of, "settled", 0, -of.debit).await } else { Ok(()) }
}

/// A transfer to oneself arrives in the own wallet of its currency; any other is somebody else's.
async fn arrived(desk: &mut Desk<'_>, of: &Execution) -> Result<()> {
    let Some(counterparty) = of.counterparty else { return Ok(()) };
    let own = desk.counterparty(of.merchant, counterparty).await?.is_some_and(|one| one.relationship_type == "SELF");
    let Some(wallet) = desk.settings.wallet(of.merchant, &of.payee_currency).filter(|_| own) else { return Ok(()) };
    let (intent, what, effect, at) = (Some(of.intent), "transfer", of.payee_amount, desk.now);
    wallets::post(&mut *desk.db, Posting { wallet: wallet.id, intent, what, effect, unsettled: 0, at }).await
}

async fn refunded(desk: &mut Desk<'_>, of: &Execution) -> Result<()> {
    let switches = &desk.faults.switches;
    let Some(original) = of.original else { return Ok(()) };
    let original = desk.execution(original).await?;
    let Some(seq) = original.source else { return Ok(()) };
    let mut source = desk.source(seq).await?;
    if of.payee_amount < source.total {
        return Ok(());
    }
    if switches.refund_returns_fees && source.fee_bearer == "PAYEE" {
        move_money(desk, of, "fees_returned", original.fees, 0).await?;
    }
    if switches.source_refunded {
        enter(desk, &mut source, "REFUNDED").await?;
    }
    Ok(())
}

/// It failed: what was taken is given back in full (section 14, row 18), the source can be paid again (row 3).
pub(super) async fn fail(desk: &mut Desk<'_>, mut of: Execution, why: Why) -> Result<Execution> {
    "FAILED".clone_into(&mut of.status);
    let (gateway, wallet) = why.messages();
    (of.gateway_message, of.wallet_message) = (gateway.map(str::to_owned), wallet.map(str::to_owned));
    of.requires_action = of.requires_action.map(|_| false);
    save(desk, &of).await?;
    let taken: i64 = sqlx::query_scalar("SELECT coalesce(sum(effect), 0) FROM posting WHERE intent = ?1")
        .bind(of.intent)
        .fetch_one(&mut *desk.db)
        .await?;
    if taken != 0 {
        move_money(desk, &of, "debit_reversed", -taken, 0).await?;
    }
    if let Some(seq) = of.source {
        let mut source = desk.source(seq).await?;
        let stuck = desk.faults.hits(Fault::SourceStuck, &of.reference, 0);
        let stays = stuck || desk.faults.switches.source_after_failure == SourceAfterFailure::Processing;
        if source.status == "PROCESSING" && !stays {
            reopen(desk, &mut source).await?;
            hosted::after_failure(desk, &source, &of).await?;
        }
    }
    Ok(of)
}

/// A success is taken back: nothing documents it (section 14, row 22). The source stays `PAID`.
pub(super) async fn reverse(desk: &mut Desk<'_>, intent: i64) -> Result<bool> {
    let mut of = desk.execution(intent).await?;
    if !of.succeeded() {
        return Ok(false);
    }
    let (effect, unsettled): (i64, i64) = sqlx::query_as(
        "SELECT coalesce(sum(effect), 0), coalesce(sum(unsettled), 0) FROM posting WHERE intent = ?1 AND wallet = ?2",
    )
    .bind(intent)
    .bind(of.wallet)
    .fetch_one(&mut *desk.db)
    .await?;
    move_money(desk, &of, "reversed", -effect, -unsettled).await?;
    "FAILED".clone_into(&mut of.status);
    of.gateway_message = Some("Reversed by the operator".to_owned());
    save(desk, &of).await?;
    Ok(true)
}

/// Any word at all, for whoever tries what the connector makes of it; nothing moves.
pub(super) async fn set_status(desk: &mut Desk<'_>, mut of: Execution, word: &str) -> Result<()> {
    word.clone_into(&mut of.status);
    save(desk, &of).await
}
