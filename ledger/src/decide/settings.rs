//! Configuration: what would stop every later event, or change what never changes, is refused here.

use ensimbi_events::codes::Refusal;
use ensimbi_events::config::BookConfig;
use ensimbi_events::word::Mode;
use ensimbi_events::words::book::{ConnectionConfigured, Policy, WalletConfig};
use ensimbi_events::{Body, ConnectionId, Currency, Fact, currency};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Refused;
use crate::posting::accounts;

/// Whether the book can go on under it.
pub(super) fn check(fact: &Fact, config: &BookConfig) -> Result<(), Refused> {
    match &fact.body {
        Body::BookOpened(body) => zone(&body.time_zone).and_then(|()| policies(&body.policies)),
        Body::BookConfigured(body) => {
            body.time_zone.as_deref().map_or(Ok(()), zone)?;
            policies(&body.policies)
        }
        Body::ConnectionConfigured(body) => connection(fact.connection, body, config),
        Body::PeriodClosed(body) => period(&body.from, &body.to),
        Body::PeriodReopened(body) => period(&body.from, &body.to),
        _ => Ok(()),
    }
}

fn conflict(detail: &str) -> Refused {
    Refused::new(Refusal::ConfigurationConflict, detail)
}

/// Without a zone no event would have a book date.
fn zone(name: &str) -> Result<(), Refused> {
    TimeZone::get(name).map(drop).map_err(|_| conflict("time_zone: not an IANA zone"))
}

fn period(from: &str, to: &str) -> Result<(), Refused> {
    let date = |text: &str| text.parse::<Date>().ok().filter(|date| date.to_string() == text);
    match (date(from), date(to)) {
        (Some(from), Some(to)) if from <= to => Ok(()),
        _ => Err(conflict("from and to: dates such as 2026-05-03, in order")),
    }
}

/// A wrong value would refuse or misplace every payment that it is for.
fn policies(policies: &[Policy]) -> Result<(), Refused> {
    for policy in policies {
        super::policies::check(&policy.key, &policy.value)
            .map_err(|expected| conflict(&format!("policies: {}: {expected}", policy.key)))?;
    }
    Ok(())
}

/// Codes are unique and, once recorded, never change; neither does a wallet's currency.
fn connection(id: Option<ConnectionId>, body: &ConnectionConfigured, config: &BookConfig) -> Result<(), Refused> {
    let id = id.ok_or_else(|| conflict("connection: missing"))?;
    if !accounts::is_part(&body.account_code) || !body.wallets.iter().all(|w| accounts::is_part(&w.code)) {
        return Err(conflict("account_code: lower-case letters, digits and dashes only"));
    }
    for (other, (_, before)) in &config.connections {
        let same = *other == id;
        if same && (before.account_code != body.account_code || before.provider != body.provider) {
            return Err(conflict("account_code and provider never change"));
        }
        if !same && before.account_code == body.account_code {
            return Err(conflict("account_code: another connection has it"));
        }
    }
    for (at, wallet) in body.wallets.iter().enumerate() {
        // A wallet that is no longer configured keeps its code: its lines stand.
        let before = config.wallets.values().filter(|(of, _)| *of == id).map(|(_, wallet)| wallet);
        let clash = |other: &WalletConfig| (other.wallet_id == wallet.wallet_id) != (other.code == wallet.code);
        if before.chain(&body.wallets[..at]).any(clash) || body.wallets[..at].contains(wallet) {
            return Err(conflict("wallets: each has one code, and keeps it"));
        }
        let changed = |(of, before): &(ConnectionId, WalletConfig)| *of != id || before.currency != wallet.currency;
        if config.wallets.get(&wallet.wallet_id).is_some_and(changed) {
            return Err(conflict("wallets: connection and currency never change"));
        }
        money(wallet.currency, config)?;
    }
    Ok(())
}

/// A wallet's currency is registered, and is not a sandbox's in a live book.
fn money(code: Currency, config: &BookConfig) -> Result<(), Refused> {
    let info = currency::lookup(code);
    if info.is_none() && !config.currencies.contains(code.as_str()) {
        return Err(conflict("wallets.currency: not registered in this book"));
    }
    if info.is_some_and(|info| info.sandbox) && config.mode == Some(Mode::Live) {
        return Err(Refused::new(Refusal::WrongMode, "wallets.currency: sandbox money in a live book"));
    }
    Ok(())
}
