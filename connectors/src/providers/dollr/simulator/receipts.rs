//! Receipts (provider facts, section 11): what a paid source came to, with each fee in its own currency.

use std::time::Duration;

use super::errors::{Done, Refusal};
use super::faults::Fault;
use super::json::Json;
use super::request::Ask;
use super::rows::{Execution, Kind, Source};
use super::switches::EarlyReceipt;
use super::{Desk, items, sources};
use crate::simulator::Result;

/// The payment that settled a source: the latest that was ever confirmed.
async fn settled_by(desk: &mut Desk<'_>, source: i64) -> Result<Option<Execution>> {
    let query = "SELECT * FROM execution WHERE source = ?1 AND confirmed_at IS NOT NULL ORDER BY intent DESC LIMIT 1";
    Ok(sqlx::query_as(query).bind(source).fetch_optional(&mut *desk.db).await?)
}

/// Whether there is one already.
pub(super) fn is_there(desk: &Desk<'_>, of: &Source) -> bool {
    let late = desk.faults.hits(Fault::ReceiptLate, &of.key, 0);
    let late =
        if late { Duration::from_secs(60 * u64::from(desk.faults.parameters.later_minutes)) } else { Duration::ZERO };
    let paid = matches!(of.status.as_str(), "PAID" | "REFUNDED");
    let from = of.paid_at.map(|at| ensimbi_events::Time::from_micros(at).plus(late));
    paid && from.is_some_and(|from| from <= desk.now)
}

pub(super) async fn retrieve(desk: &mut Desk<'_>, ask: &Ask, kind: Kind) -> Done<String> {
    let of = sources::found(desk, ask, kind).await?;
    let there = is_there(desk, &of);
    match desk.faults.switches.early_receipt {
        EarlyReceipt::NotFound if !there => return Err(Refusal::not_found().into()),
        EarlyReceipt::Unprocessable if !there => {
            return Err(Refusal::at("path", kind.names()[0], "the receipt is not available").into());
        }
        _ => {}
    }
    let paid = if there { settled_by(desk, of.seq).await? } else { None };
    Ok(shown(desk, ask.merchant, &of, paid.as_ref()).await?)
}

async fn shown(desk: &mut Desk<'_>, merchant: i64, of: &Source, paid: Option<&Execution>) -> Result<String> {
    let party = desk.party_of(of).await?;
    let counterparty = desk.counterparty(merchant, of.counterparty).await?;
    let account = match paid.and_then(|paid| paid.account) {
        Some(id) => desk.account(merchant, id).await?,
        None => None,
    };
    let lines = items::on_receipt(desk, of.seq).await?;
    let name = party.as_ref().map(|party| party.fullname.as_str());
    let [id, number, _] = of.kind().names();
    let json = Json::new(&desk.faults.switches)
        .int(id, of.id)
        .text(number, &of.number)
        .text("currency", &of.currency)
        .num("total_amount", of.total)
        .text("status", &of.status)
        .opt_text("note", of.note.as_deref());
    let json = if of.kind() == Kind::Invoice { json.opt_time("due_date", of.due_date) } else { json };
    let json = json
        .flag("as_payment_link", of.as_payment_link)
        .text("fee_bearer", &of.fee_bearer)
        .int("owner_id", of.merchant)
        .text("owner_type", "ORGANIZATION")
        .time("created_at", of.created_at)
        .int("counterparty_id", of.counterparty)
        .opt_text("relationship_type", counterparty.as_ref().map(|one| one.relationship_type.as_str()))
        .opt_text("counterparty_name", name)
        .opt_text("counterparty_phone", party.as_ref().and_then(|party| party.phone.as_deref()))
        .opt_text("reference_id", of.label.as_deref())
        .opt_time("paid_at", of.paid_at)
        .opt_text("counterparty_email", party.as_ref().and_then(|party| party.email.as_deref()));
    let json = match paid {
        Some(paid) => money(json, paid)
            .opt_text("account_name", account.as_ref().map(|one| one.account_name.as_str()).or(name))
            .opt_time("gateway_confirmed_at", paid.confirmed_at)
            .opt_text("provider_transaction_id", paid.provider_transaction_id.as_deref()),
        None => NOTHING_PAID.into_iter().fold(json, Json::null),
    };
    Ok(json.raw("items", &lines).end())
}

/// What a receipt says of the money, as null while nothing is paid.
const NOTHING_PAID: [&str; 17] = [
    "payer_amount",
    "payer_currency",
    "payee_amount",
    "payee_currency",
    "platform_fee",
    "platform_currency",
    "gateway_fee",
    "gateway_currency",
    "fx_fee",
    "fx_rate",
    "fx_currency_from",
    "fx_currency_to",
    "payment_provider",
    "payment_method",
    "account_name",
    "gateway_confirmed_at",
    "provider_transaction_id",
];

fn money(json: Json, of: &Execution) -> Json {
    json.num("payer_amount", of.payer_amount)
        .text("payer_currency", &of.payer_currency)
        .num("payee_amount", of.payee_amount)
        .text("payee_currency", &of.payee_currency)
        .num("platform_fee", of.platform_fee)
        .text("platform_currency", &of.platform_currency)
        .num("gateway_fee", of.gateway_fee)
        .text("gateway_currency", &of.gateway_currency)
        .num("fx_fee", of.fx_fee)
        .opt_text("fx_rate", of.fx_rate.as_deref())
        .opt_text("fx_currency_from", of.fx_from.as_deref())
        .opt_text("fx_currency_to", of.fx_to.as_deref())
        .text("payment_provider", &of.provider)
        .text("payment_method", &of.method)
}
