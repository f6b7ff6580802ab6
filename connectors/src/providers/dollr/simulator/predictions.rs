//! Predictions (provider facts, section 10.4): read-only, amounts as decimal texts, no rate and no promise.

use super::Desk;
use super::errors::{Done, Refusal};
use super::figures::{self, Base, Figures};
use super::json::{Json, list};
use super::methods::{METHODS, Method};
use super::request::Ask;
use super::rows::Kind;
use super::sources::KINDS;
use super::switches::Operation;

fn shown(desk: &Desk<'_>, of: &Figures) -> String {
    let json = Json::new(&desk.faults.switches)
        .dec("payer_amount", of.payer_amount)
        .text("payer_currency", &of.payer_currency)
        .dec("payee_amount", of.payee_amount)
        .text("payee_currency", &of.payee_currency)
        .dec("platform_fee", of.platform_fee)
        .text("platform_currency", &of.platform_currency);
    let json = if of.fx_rate.is_some() { json.dec("fx_fee", of.fx_fee) } else { json.null("fx_fee") };
    if of.gateway_fee == 0 {
        return json.null("gateway_fee").null("gateway_currency").end();
    }
    json.dec("gateway_fee", of.gateway_fee).text("gateway_currency", &of.gateway_currency).end()
}

fn predicted(desk: &Desk<'_>, base: &Base<'_>) -> Done<String> {
    let figures = figures::of(desk.settings, &desk.faults.switches, base);
    Ok(shown(desk, &figures.ok_or(Refusal::at("query", "target_currency", "no rate of exchange"))?))
}

fn pair(method: &str, provider: &str) -> std::result::Result<Method, Refusal> {
    let found = Method::of(method).filter(|method| method.goes_with(provider));
    found.ok_or(Refusal::at("query", "provider", "the method is not this provider's"))
}

pub(super) fn amount(desk: &Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.query();
    let (amount, currency, target) =
        (read.amount("base_amount"), read.currency("base_currency"), read.currency("target_currency"));
    let (method, provider) = (read.text("payment_method"), read.text("provider"));
    let operation = read.word("operation_type", &Operation::ALL.map(Operation::word));
    let bearer = read.word("fee_bearer", &["PAYER", "PAYEE"]);
    read.done()?;
    pair(&method, &provider)?;
    let operation = Operation::of(&operation).unwrap_or(Operation::Collection);
    let on_top = bearer == "PAYER";
    predicted(desk, &Base { operation, amount, currency: &currency, payer_currency: &target, on_top, moved: 0 })
}

pub(super) async fn source(desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.query();
    let (target, method, provider) =
        (read.currency("target_currency"), read.text("payment_method"), read.text("provider"));
    let (kind, id) = (read.word("source_type", &KINDS), read.int("source_id"));
    read.done()?;
    pair(&method, &provider)?;
    let kind = Kind::of(&kind).ok_or(Refusal::not_found())?;
    let of = desk.source_by_id(ask.merchant, kind, id).await?.ok_or(Refusal::not_found())?;
    let base = Base {
        operation: Operation::Collection,
        amount: of.total,
        currency: &of.currency,
        payer_currency: &target,
        on_top: of.fee_bearer == "PAYER",
        moved: 0,
    };
    predicted(desk, &base)
}

fn currencies<'a>(codes: impl IntoIterator<Item = &'a str>) -> String {
    list(codes.into_iter().map(|code| format!("\"{code}\"")))
}

pub(super) fn phone(desk: &Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.query();
    let phone = read.phone("phone");
    let operation = read.word("operation_type", &Operation::ALL.map(Operation::word));
    read.done()?;
    let method = Method::of_phone(&phone).ok_or(Refusal::at("query", "phone", "no provider serves this number"))?;
    Ok(Json::new(&desk.faults.switches)
        .text("carrier", method.carrier)
        .text("country", method.country)
        .raw("currencies", &currencies(method.currencies().iter().copied()))
        .text("phone", &phone)
        .text("payment_method", method.word)
        .text("gateway_provider", method.gateway)
        .text("operation_type", &operation)
        .end())
}

pub(super) fn card(desk: &Desk<'_>, ask: &Ask) -> Done<String> {
    let mut read = ask.query();
    let (_, provider) = (read.text("payment_method_id"), read.text("provider"));
    read.word("operation_type", &Operation::ALL.map(Operation::word));
    read.done()?;
    let method = METHODS.into_iter().find(|method| method.is_card() && method.goes_with(&provider));
    let method = method.ok_or(Refusal::at("query", "provider", "not a provider of cards"))?;
    Ok(Json::new(&desk.faults.switches)
        .text("brand", "visa")
        .text("country", "US")
        .raw("currencies", &currencies(desk.settings.currencies.keys().map(String::as_str)))
        .text("payment_method", method.word)
        .text("gateway_provider", method.gateway)
        .end())
}
