//! The reads of fees and of the merchant (provider facts, sections 10.1 and 13).

use super::Desk;
use super::errors::{Done, Refusal};
use super::json::{Json, digits};
use super::methods::METHODS;
use super::request::Ask;
use super::settings::Charge;
use super::switches::Operation;

/// Since when these are as they are: 2025-01-01.
const SINCE: i64 = 1_735_689_600_000_000;
const TIER: &str = "default";
const OWNERS: [&str; 3] = ["USER", "MICRO_ORGANIZATION", "ORGANIZATION"];

/// A percentage as their switch has it, in units of 0.0001.
fn percentage(desk: &Desk<'_>, percent: i64) -> i64 {
    if desk.faults.switches.percentage_as_fraction { percent / 100 } else { percent }
}

/// `fixed_fee` and its currency, null where there is none.
fn fixed(json: Json, charge: Charge, currency: Option<&str>) -> Json {
    if charge.fixed.is_zero() {
        return json.null("fixed_fee").null("fixed_fee_currency");
    }
    json.num("fixed_fee", charge.fixed.scaled()).opt_text("fixed_fee_currency", currency)
}

fn operation(word: &str) -> Operation {
    Operation::of(word).unwrap_or(Operation::Collection)
}

pub(super) fn gateway(desk: &Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.query();
    let method = read.word("payment_method", &METHODS.map(|method| method.word));
    let word = read.word("operation_type", &Operation::ALL.map(Operation::word));
    read.done()?;
    let charge = desk.settings.charges(operation(&word)).gateway;
    let own = desk.settings.merchant(ask.merchant).and_then(|one| one.wallets.first());
    let json = Json::new(&desk.faults.switches)
        .int("id", 1)
        .int("provider_id", 1)
        .text("operation_type", &word)
        .text("payment_method", &method)
        .num("percentage", percentage(desk, charge.percent.scaled()))
        .times(SINCE, SINCE);
    let json = fixed(json, charge, own.map(|wallet| wallet.currency.as_str()));
    Ok(json.null("effective_from").null("effective_to").end())
}

fn tier(desk: &Desk<'_>) -> String {
    Json::new(&desk.faults.switches).int("id", 1).text("name", TIER).flag("is_default", true).times(SINCE, SINCE).end()
}

pub(super) fn platform(desk: &Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.query();
    let word = read.word("operation_type", &Operation::ALL.map(Operation::word));
    let name = read.text("fee_tier_name");
    read.done()?;
    if name != TIER {
        return Err(Refusal::not_found().into());
    }
    let charge = desk.settings.charges(operation(&word)).platform;
    let own = desk.settings.merchant(ask.merchant).and_then(|one| one.wallets.first());
    let text = |percent: i64| digits(percentage(desk, percent));
    let json = Json::new(&desk.faults.switches)
        .int("id", 1)
        .text("operation_type", &word)
        .text("percentage", &text(charge.percent.scaled()))
        .text("fx_percentage", &text(desk.settings.fx_percent.scaled()))
        .time("effective_from", SINCE)
        .time("created_at", SINCE)
        .null("payment_method");
    let json = fixed(json, charge, own.map(|wallet| wallet.currency.as_str()));
    Ok(json.null("effective_to").raw("tier", &tier(desk)).end())
}

pub(super) fn merchant_tier(desk: &Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.query();
    let (owner, id) = (read.word("owner_type", &OWNERS), read.int("owner_id"));
    read.done()?;
    if id != ask.merchant {
        return Err(Refusal::not_found().into());
    }
    let json = Json::new(&desk.faults.switches).int("id", 1).text("owner_type", &owner).int("owner_id", id);
    Ok(json.time("assigned_at", SINCE).null("assigned_by").raw("tier", &tier(desk)).end())
}

pub(super) fn tiers(desk: &Desk<'_>) -> String {
    super::json::list([tier(desk)])
}

pub(super) fn merchant_info(desk: &Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.query();
    let (id, kind) = (read.int("merchant_id"), read.word("merchant_type", &OWNERS[1..]));
    read.done()?;
    let own = desk.settings.merchant(ask.merchant).filter(|one| one.id == id && one.kind == kind);
    let own = own.ok_or(Refusal::not_found())?;
    let json = Json::new(&desk.faults.switches).int("id", id).text("name", &own.name).text("type", own.kind);
    Ok(json.null("email").text("phone", &own.phone).end())
}
