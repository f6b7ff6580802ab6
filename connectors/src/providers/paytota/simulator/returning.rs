//! Money that goes back, and what is freed: refunds, chargebacks and their reversal, a success undone, the rolling
//! reserve (provider facts, sections 7, 8 and 15).

use ensimbi_events::Time;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::collecting::failed;
use super::faults::Fault;
use super::objects::{self, Kind, Object};
use super::purses::{self, Posting, Purse, part};
use super::status::{enter, purchase_may};
use super::steps::{self, Planned, Rules, What};
use super::switches::RefundFee;
use super::templates::{self, Money, Start};
use super::{events, lines};
use crate::simulator::Result;

/// What a refund of so much costs, and what it takes out of the purse.
fn refund_cost(rules: Rules<'_>, amount: i64) -> (i64, i64, i64) {
    let fee = part(amount, rules.settings.rates.refund.fee);
    match rules.faults.switches.refund_fee {
        RefundFee::OnTop => (fee, fee, amount + fee),
        RefundFee::Net => (fee, -fee, amount - fee),
    }
}

/// Starts a slow refund: the money is on its way out.
pub(super) async fn start_slow(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    of: &mut Object,
    amount: i64,
    at: Time,
) -> Result<()> {
    let (_, _, takes) = refund_cost(rules, amount);
    let posting = Posting::new("refund", &of.id, (&of.currency, Purse::Collections), at).of(of.seq).in_flight(takes);
    purses::post(&mut *db, posting).await?;
    of.in_flight = takes;
    enter(&mut *db, of, "pending_refund", None, at).await?;
    events::announce(&mut *db, rules, of, "purchase.pending_refund", at).await?;
    steps::plan(db, Planned::of(of.seq, What::Refund, at.plus(rules.settings.slow_after)).arg(amount)).await
}

/// Ends it; a failed one falls back to what was before.
pub(super) async fn finish_slow(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    amount: i64,
    at: Time,
) -> Result<()> {
    if of.status() != "pending_refund" {
        return Ok(());
    }
    let back = Posting::new("refund", &of.id, (&of.currency, Purse::Collections), at).of(of.seq);
    purses::post(&mut *db, back.in_flight(-of.in_flight)).await?;
    of.in_flight = 0;
    let nth = objects::children(&mut *db, Kind::Refund, of.seq).await?.len() as u64;
    if !rules.faults.hits(Fault::RefundFailed, &of.key, nth) {
        return refund(db, rules, &mut of, amount, at).await.map(|_| ());
    }
    failed(&mut of, rules, "refund", at);
    let before = if nth == 0 { "paid" } else { "refunded" };
    enter(&mut *db, &mut of, before, None, at).await?;
    events::announce(db, rules, &mut of, "purchase.refund_failure", at).await
}

/// Sends money of a purchase back: a payment of its own, and the purchase is `refunded`.
pub(super) async fn refund(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    of: &mut Object,
    amount: i64,
    at: Time,
) -> Result<Object> {
    let (fee, mut booked_fee, _) = refund_cost(rules, amount);
    let left = of.number("refundable_amount") - amount;
    if left == 0 && rules.faults.switches.refund_returns_fee {
        booked_fee -= of.doc["payment"]["fee_amount"].as_i64().unwrap_or(0);
    }
    let money =
        Money { amount, fee, pending: 0, unfreeze: None, outgoing: true, payment_type: "refund", paid: Some(at) };
    let mut made = payment(&mut *db, rules, of, Kind::Refund, &money, at).await?;
    let posting = Posting::new("refund", &made.id, (&of.currency, Purse::Collections), at).of(made.seq);
    purses::post(&mut *db, posting.gross(-amount).fee(booked_fee)).await?;
    of.doc["refundable_amount"] = left.into();
    if left == 0 {
        of.doc["refund_availability"] = "none".into();
    }
    super::attempts::note(of, rules.faults, &super::attempts::Ended { of_type: "refund", error: None, fee, at });
    enter(&mut *db, of, "refunded", Some(&made.id), at).await?;
    events::announce(db, rules, &mut made, "payment.refunded", at).await?;
    Ok(made)
}

/// A payment that belongs to a purchase, with its line.
async fn payment(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    of: &Object,
    kind: Kind,
    money: &Money,
    at: Time,
) -> Result<Object> {
    let nth = objects::children(&mut *db, kind, of.seq).await?.len();
    let key = format!("{}/{}#{nth}", of.key, kind.word());
    let id = rules.faults.draws().uuid(kind.word(), &key, 0).to_string();
    let doc = payment_doc(db, rules, of, &id, money, at).await?;
    let made = Object {
        seq: 0,
        kind,
        key,
        reference: String::new(),
        currency: of.currency.clone(),
        amount: money.amount,
        method: of.method.clone(),
        party: of.party.clone(),
        operator: of.operator.clone(),
        attempt: 0,
        in_flight: 0,
        parent: Some(of.seq),
        doc,
        created_at: at,
        id,
    };
    let made = objects::insert(&mut *db, made).await?;
    let whose = lines::Whose {
        uid: &made.id,
        object: Some(made.seq),
        product: kind.word(),
        related_to: related(rules, of, kind),
        currency: &of.currency,
        created: at,
    };
    lines::add(db, whose, money).await?;
    Ok(made)
}

/// What a payment names as its purchase: nothing for a chargeback, where the switch says so.
fn related<'a>(rules: Rules<'_>, of: &'a Object, kind: Kind) -> &'a str {
    if kind == Kind::Chargeback && rules.faults.switches.chargeback_unrelated { "" } else { &of.id }
}

async fn payment_doc(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    of: &Object,
    id: &str,
    money: &Money,
    at: Time,
) -> Result<Value> {
    let number = objects::count(db, "payment", 9_000).await?;
    let kind = if money.payment_type == "refund" { Kind::Refund } else { Kind::Chargeback };
    let related = match related(rules, of, kind) {
        "" => Value::Null,
        id => json!({"id": id, "type": of.kind.word(), "reference": of.reference}),
    };
    let start = Start {
        id,
        is_test: of.doc["is_test"] == Value::Bool(true),
        brand_id: of.text("brand_id"),
        company_id: of.text("company_id"),
        reference: "",
        reference_generated: &number.to_string(),
        at,
    };
    let name = if of.reference.is_empty() { of.text("reference_generated") } else { &of.reference };
    let description = match kind {
        Kind::Refund => format!("Refund: {name}"),
        _ => format!("Chargeback: {name}"),
    };
    let payment = money.json(&of.currency, &description);
    Ok(templates::payment(&start, of.doc["client"].clone(), payment, related, &of.method))
}

/// The bank asks for the papers: only a word.
pub(super) async fn retrieve(db: &mut SqliteConnection, _: Rules<'_>, mut of: Object, at: Time) -> Result<()> {
    if !purchase_may(of.status(), "retrieved") {
        return Ok(());
    }
    enter(db, &mut of, "retrieved", None, at).await
}

/// The bank takes money back: what is left of the purchase, or `amount`. Gives the payment's id, or `None` where the
/// purchase is not one that can be charged back.
pub(super) async fn charge_back(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    amount: Option<i64>,
    at: Time,
) -> Result<Option<String>> {
    let word = rules.faults.switches.charged_back_word.word();
    let left = of.number("refundable_amount");
    let amount = amount.unwrap_or(left);
    if of.kind != Kind::Purchase || amount < 1 || amount > left || !purchase_may(of.status(), word) {
        return Ok(None);
    }
    let rate = if rules.faults.switches.chargeback_fee { rules.settings.rates.chargeback.fee } else { 0 };
    let fee = part(amount, rate);
    let payment_type = "chargeback";
    let money = Money { amount, fee, pending: 0, unfreeze: None, outgoing: true, payment_type, paid: Some(at) };
    let mut made = payment(&mut *db, rules, &of, Kind::Chargeback, &money, at).await?;
    let posting = Posting::new("chargeback", &made.id, (&of.currency, Purse::Collections), at).of(made.seq);
    purses::post(&mut *db, posting.gross(-amount).fee(fee)).await?;
    of.doc["refund_availability"] = "none".into();
    enter(&mut *db, &mut of, word, Some(&made.id), at).await?;
    events::announce(&mut *db, rules, &mut made, "payment.charged_back", at).await?;
    if rules.faults.hits(Fault::ChargebackReversed, &made.key, 0) {
        steps::plan(db, Planned::of(of.seq, What::Reverse, rules.later(at))).await?;
    }
    Ok(Some(made.id))
}

/// The bank gives a chargeback back in full; a fee stays. Gives the payment's id.
pub(super) async fn reverse(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    at: Time,
) -> Result<Option<String>> {
    let taken = objects::children(&mut *db, Kind::Chargeback, of.seq).await?.pop();
    let Some(mut taken) = taken.filter(|taken| taken.status() == "success") else { return Ok(None) };
    let before = if objects::children(&mut *db, Kind::Refund, of.seq).await?.is_empty() { "paid" } else { "refunded" };
    if !purchase_may(of.status(), before) {
        return Ok(None);
    }
    let (amount, payment_type) = (taken.amount, "chargeback");
    let money = Money { amount, fee: 0, pending: 0, unfreeze: None, outgoing: false, payment_type, paid: Some(at) };
    let id = rules.faults.draws().uuid("chargeback_reversed", &taken.key, 0).to_string();
    let doc = payment_doc(&mut *db, rules, &of, &id, &money, at).await?;
    // The money is the chargeback's, so that its effect is what both leave.
    let posting = Posting::new("chargeback", &id, (&of.currency, Purse::Collections), at).of(taken.seq);
    purses::post(&mut *db, posting.gross(amount)).await?;
    let whose = lines::Whose {
        uid: &id,
        object: Some(taken.seq),
        product: "chargeback",
        related_to: related(rules, &of, Kind::Chargeback),
        currency: &of.currency,
        created: at,
    };
    lines::add(&mut *db, whose, &money).await?;
    let mut told = Object { doc, id: id.clone(), ..taken.clone() };
    told.doc["event_type"] = "payment.chargeback_reversed".into();
    taken.doc["status"] = "reversed".into();
    objects::save(&mut *db, &taken).await?;
    of.doc["refund_availability"] = "all".into();
    enter(&mut *db, &mut of, before, Some(&id), at).await?;
    events::tell(db, rules, &told, "payment.chargeback_reversed", at).await?;
    Ok(Some(id))
}

/// What was withheld of a purchase is freed; nothing tells of it but the balance.
pub(super) async fn unfreeze(db: &mut SqliteConnection, _: Rules<'_>, of: Object, amount: i64, at: Time) -> Result<()> {
    // As it was withheld, whatever the switch says now.
    let reserved: (i64,) = sqlx::query_as("SELECT coalesce(sum(reserved), 0) FROM posting WHERE object = ?1")
        .bind(of.seq)
        .fetch_one(&mut *db)
        .await?;
    let in_reserved = reserved.0 > 0;
    let posting = Posting::new("unfreeze", &of.id, (&of.currency, Purse::Collections), at);
    let gross = if in_reserved { 0 } else { amount };
    purses::post(db, posting.gross(gross).withheld(-amount, in_reserved)).await
}

/// A success is undone without any word about the object: a custom payment, in for a payout, out for a purchase. Gives
/// its id.
pub(super) async fn undo(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    mut of: Object,
    at: Time,
) -> Result<Option<String>> {
    let (amount, purse) = match (of.kind, of.status()) {
        (Kind::Payout, "success") => (of.amount, Purse::Payouts),
        (Kind::Purchase, "paid" | "refunded") => (of.number("refundable_amount"), Purse::Collections),
        _ => return Ok(None),
    };
    if amount < 1 || of.doc["_undone"] == Value::Bool(true) {
        return Ok(None);
    }
    let outgoing = of.kind == Kind::Purchase;
    let id = rules.faults.draws().uuid("custom", &of.key, 0).to_string();
    let money = Money { amount, fee: 0, pending: 0, unfreeze: None, outgoing, payment_type: "custom", paid: Some(at) };
    let posting = Posting::new("custom_payment", &id, (&of.currency, purse), at);
    purses::post(&mut *db, posting.gross(if outgoing { -amount } else { amount })).await?;
    let whose = lines::Whose {
        uid: &id,
        object: None,
        product: "custom_payment",
        related_to: &of.id,
        currency: &of.currency,
        created: at,
    };
    lines::add(&mut *db, whose, &money).await?;
    of.doc["_undone"] = true.into();
    if outgoing {
        of.doc["refund_availability"] = "none".into();
    }
    objects::save(db, &of).await?;
    Ok(Some(id))
}
