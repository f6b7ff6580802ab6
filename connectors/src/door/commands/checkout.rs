//! What a collection may say about what is sold and how it is paid, checked before anything is stored.

use axum::http::Uri;
use ensimbi_events::Amount;
use ensimbi_events::codes::Problem;
use ensimbi_events::commands::{CollectOrder, CommandError, EMAIL_MAX, ITEMS_MAX, NAME_MAX, URL_MAX};

use super::orders::{invalid, phone, text};
use crate::connector::Capability;
use crate::door::connections::Connection;
use crate::door::parties::IntentRecord;

/// Longest word for a method of payment.
const METHOD_MAX: usize = 40;

/// Checks payer, items and checkout; gives the number of items.
pub(super) fn check(connection: &Connection, order: &CollectOrder) -> Result<u32, CommandError> {
    let needs = |capability: Capability| match connection.can(capability) {
        true => Ok(()),
        false => Err(CommandError::NotOffered(capability.as_str())),
    };
    let checkout = &order.checkout;
    match &order.payer_phone {
        Some(number) => phone("payer.phone", number)?,
        None if checkout.hosted => {}
        None => {
            let problem = "expected the phone that is prompted, unless the payer comes to a hosted page";
            return Err(invalid(Problem::InvalidPhone, "payer.phone", problem));
        }
    }
    if let Some(email) = &order.payer_email {
        email_address(email)?;
    }
    if checkout.hosted {
        needs(Capability::Hosted)?;
    }
    if checkout.authorise_only {
        needs(Capability::Capture)?;
    }
    let pages = [
        ("checkout.success_url", &checkout.success_url),
        ("checkout.failure_url", &checkout.failure_url),
        ("checkout.cancel_url", &checkout.cancel_url),
    ];
    for (field, page) in pages {
        if let Some(page) = page {
            needs(Capability::Hosted)?;
            page_address(field, page)?;
        }
    }
    methods(connection, &checkout.methods)?;
    items(connection, order)
}

fn methods(connection: &Connection, methods: &[String]) -> Result<(), CommandError> {
    if methods.is_empty() {
        return Ok(());
    }
    if !connection.can(Capability::Hosted) {
        return Err(CommandError::NotOffered(Capability::Hosted.as_str()));
    }
    let word = |text: &String| {
        (1..=METHOD_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
    };
    if methods.len() > ITEMS_MAX || !methods.iter().all(word) {
        let problem = "expected the provider's words for methods: lower-case letters, digits, _ and -";
        return Err(invalid(Problem::InvalidBody, "checkout.methods", problem));
    }
    Ok(())
}

fn items(connection: &Connection, order: &CollectOrder) -> Result<u32, CommandError> {
    if order.items.is_empty() {
        return Ok(0);
    }
    if !connection.can(Capability::Items) {
        return Err(CommandError::NotOffered(Capability::Items.as_str()));
    }
    let wrong = |problem: &str| invalid(Problem::InvalidBody, "items", problem);
    if order.invoice_id.is_some() {
        return Err(wrong("the provider makes its own invoice of items; leave them out where invoice_id is named"));
    }
    let count = u32::try_from(order.items.len()).ok().filter(|_| order.items.len() <= ITEMS_MAX);
    let count = count.ok_or_else(|| wrong("expected at most 100 items"))?;
    let mut total = Some(Amount::ZERO);
    for item in &order.items {
        text("items.name", Some(&item.name), NAME_MAX)?;
        if item.quantity == 0 || !item.price.is_positive() {
            return Err(wrong("expected a quantity and a price above zero"));
        }
        let cost = item.price.scaled().checked_mul(i64::from(item.quantity)).map(Amount::from_scaled);
        total = total.zip(cost).and_then(|(total, cost)| total.checked_add(cost));
    }
    if total != Some(order.amount) {
        return Err(invalid(Problem::InvalidAmount, "amount", "expected what the items cost together"));
    }
    Ok(count)
}

fn email_address(email: &str) -> Result<(), CommandError> {
    let printable = email.chars().count() <= EMAIL_MAX && email.bytes().all(|b| b.is_ascii_graphic());
    let parts = email.split_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty());
    if printable && parts.is_some_and(|(_, host)| !host.contains('@')) {
        return Ok(());
    }
    Err(invalid(Problem::InvalidBody, "payer.email", "expected an e-mail address of at most 254 characters"))
}

fn page_address(field: &'static str, page: &str) -> Result<(), CommandError> {
    let web = page.parse::<Uri>().ok().filter(|uri| matches!(uri.scheme_str(), Some("https" | "http")));
    if page.len() <= URL_MAX && web.is_some_and(|uri| uri.host().is_some_and(|host| !host.is_empty())) {
        return Ok(());
    }
    Err(invalid(Problem::InvalidBody, field, "expected a web address of at most 500 characters"))
}

/// Everything of it that makes an order another one; nothing for an order that sells nothing and prompts its payer.
pub(super) fn parts(record: &IntentRecord) -> Vec<String> {
    let (items, checkout) = (record.items(), record.checkout());
    let mut parts: Vec<String> = record.email.iter().map(|email| ["email:", email].concat()).collect();
    parts.extend(items.iter().map(|item| format!("item:{}:{}:{}", item.quantity, item.price.scaled(), item.name)));
    let pages =
        [("success", &checkout.success_url), ("failure", &checkout.failure_url), ("cancel", &checkout.cancel_url)];
    parts.extend(pages.iter().filter_map(|(name, page)| Some([name, ":", page.as_ref()?.as_str()].concat())));
    parts.extend(checkout.methods.iter().map(|method| ["method:", method].concat()));
    let flags = [("hosted", checkout.hosted), ("authorise_only", checkout.authorise_only)];
    parts.extend(flags.iter().filter(|(_, set)| *set).map(|(name, _)| (*name).to_owned()));
    parts
}
