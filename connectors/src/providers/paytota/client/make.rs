//! Makes the object of an order (`providers/paytota.md`, sections 4.1 and 6.1): only documented fields. Nothing moves, so
//! a lost answer is repeated; an object too many is never carried out. What came back must be what was asked for.

use ensimbi_events::commands::Destination;
use ensimbi_events::{Amount, Currency};
use reqwest::Method;
use serde::Serialize;

use super::super::wire::{self, Details, Payment, Raw, Thing, Unit};
use super::super::{COLLECTIONS, PAYOUTS, kind};
use super::checks::{self, NAME_MAX, PRODUCT_MAX, Who, must, within};
use super::judge::judge;
use super::{Client, Content};
use crate::connector::{CallError, CollectCall, PayoutCall, Prepared, RawAnswer};

/// What is sold where an order names nothing.
const PAYMENT: &str = "Payment";
/// Most methods of a whitelist, and the longest word for one.
const METHODS_MAX: usize = 32;
const METHOD_MAX: usize = 64;
/// Longest text for a beneficiary.
const NOTE_MAX: usize = 256;

#[derive(Serialize)]
struct ClientPart<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_account: Option<&'a str>,
}

impl<'a> ClientPart<'a> {
    fn of(who: &'a Who, full_name: Option<&'a str>, bank_account: Option<&'a str>) -> Self {
        let (phone, country) = (who.phone.as_deref(), who.country.as_deref());
        Self { email: &who.email, phone, country, full_name, bank_account }
    }
}

#[derive(Serialize)]
struct ProductPart<'a> {
    name: &'a str,
    price: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<String>,
}

#[derive(Serialize)]
struct DetailsPart<'a> {
    currency: &'a str,
    products: Vec<ProductPart<'a>>,
}

#[derive(Serialize)]
struct PurchaseRequest<'a> {
    client: ClientPart<'a>,
    purchase: DetailsPart<'a>,
    reference: &'a str,
    skip_capture: bool,
    brand_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_redirect: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_redirect: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_redirect: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_callback: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    payment_method_whitelist: &'a [String],
}

#[derive(Serialize)]
struct PaymentPart<'a> {
    currency: &'a str,
    amount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

#[derive(Serialize)]
struct PayoutRequest<'a> {
    client: ClientPart<'a>,
    payment: PaymentPart<'a>,
    reference: &'a str,
    brand_id: &'a str,
}

impl Client {
    /// An amount in their smallest units.
    pub(super) fn units(&self, field: &str, amount: Amount, currency: Currency) -> Result<i64, CallError> {
        let units = self.currencies.units(amount, currency).filter(|units| *units > 0);
        units.ok_or_else(|| {
            CallError::Refused(format!("{field}: expected a whole number of the currency's smallest units, above 0"))
        })
    }

    async fn create<T: Serialize>(&self, path: &str, request: &T) -> Result<(u16, Vec<u8>), CallError> {
        let body =
            serde_json::to_vec(request).map_err(|_| CallError::NotSent("the request cannot be written".into()))?;
        let answer = self.call(Method::POST, self.url(["api", "v1", path]), Content::Json(&body)).await?;
        judge(false, answer)
    }
}

/// Makes a purchase.
pub(super) async fn purchase(client: &Client, order: &CollectCall) -> Result<Prepared, CallError> {
    let (amount, currency, checkout) = (order.amount, order.currency, &order.checkout);
    client.has_purse(&order.wallet, COLLECTIONS, currency)?;
    checks::reference(&order.reference)?;
    client.units("amount", amount, currency)?;
    let name = order.payer.name.as_deref();
    must(within(name, NAME_MAX), "payer.name: expected at most 128 characters")?;
    let phone = order.payer.phone.as_deref();
    must(phone.is_some() || checkout.hosted, "payer.phone: missing")?;
    let who = client.who("payer", phone, order.payer.email.as_deref())?;
    let methods = &checkout.methods;
    let word = |method: &String| method.len() <= METHOD_MAX && wire::is_word(method);
    must(methods.len() <= METHODS_MAX && methods.iter().all(word), "checkout.methods: expected their words")?;
    let pages = [&checkout.success_url, &checkout.failure_url, &checkout.cancel_url];
    let fits = |page: &&Option<String>| page.as_deref().is_none_or(|page| checks::is_link(page, true));
    must(pages.iter().all(fits), "checkout: expected URLs of at most 500 characters")?;
    let request = PurchaseRequest {
        client: ClientPart::of(&who, name, None),
        purchase: DetailsPart { currency: currency.as_str(), products: products(client, order)? },
        reference: &order.reference,
        skip_capture: checkout.authorise_only,
        brand_id: &order.wallet,
        success_redirect: checkout.success_url.as_deref(),
        failure_redirect: checkout.failure_url.as_deref(),
        cancel_redirect: checkout.cancel_url.as_deref(),
        success_callback: client.callback.as_deref(),
        payment_method_whitelist: methods,
    };
    let (status, body) = client.create("purchases", &request).await?;
    let (object, link) = {
        let thing = made("purchase", &body)?;
        let object = identified(&thing)?;
        let details: Option<Details<'_>> = wire::inner("purchase", thing.purchase).ok().flatten();
        let (total, theirs) = details.map_or((None, None), |details| (details.total, details.currency));
        same(client, ("purchase", theirs, total), amount, currency)?;
        let link = wire::text("checkout_url", thing.checkout_url).ok().flatten();
        (object, link.filter(|link| checks::is_link(link, client.simulated())))
    };
    must(link.is_some() || !checkout.hosted, "checkout_url: missing in their answer")?;
    let answer = RawAnswer { kind: kind::PURCHASE_CREATED, status, body };
    Ok(Prepared { object: Some(object), handle: None, link, complete: checkout.hosted, answer })
}

/// What is sold: the items, or one thing at the whole price.
fn products<'a>(client: &Client, order: &'a CollectCall) -> Result<Vec<ProductPart<'a>>, CallError> {
    let currency = order.currency;
    if order.items.is_empty() {
        let name = order.note.as_deref().map(str::trim).filter(|note| !note.is_empty()).unwrap_or(PAYMENT);
        must(within(Some(name), PRODUCT_MAX), "note: expected at most 256 characters")?;
        let price = client.units("amount", order.amount, currency)?;
        return Ok(vec![ProductPart { name, price, quantity: None }]);
    }
    let mut parts = Vec::new();
    let mut sum = Some(Amount::ZERO);
    for item in &order.items {
        let named = !item.name.trim().is_empty() && within(Some(&item.name), PRODUCT_MAX);
        must(named, "items.name: expected 1 to 256 characters")?;
        let price = client.units("items.price", item.price, currency)?;
        must(item.quantity > 0, "items.quantity: expected at least 1")?;
        let cost = item.price.scaled().checked_mul(i64::from(item.quantity)).map(Amount::from_scaled);
        sum = sum.zip(cost).and_then(|(sum, cost)| sum.checked_add(cost));
        let quantity = (item.quantity > 1).then(|| item.quantity.to_string());
        parts.push(ProductPart { name: &item.name, price, quantity });
    }
    must(sum == Some(order.amount), "items: together they do not cost the amount")?;
    Ok(parts)
}

/// Makes a payout.
pub(super) async fn payout(client: &Client, order: &PayoutCall) -> Result<Prepared, CallError> {
    let (amount, currency) = (order.amount, order.currency);
    client.has_purse(&order.wallet, PAYOUTS, currency)?;
    checks::reference(&order.reference)?;
    let units = client.units("amount", amount, currency)?;
    let name = order.name.as_deref();
    must(within(name, NAME_MAX), "name: expected at most 128 characters")?;
    must(within(order.note.as_deref(), NOTE_MAX), "note: expected at most 256 characters")?;
    super::execute::payable(client, order)?;
    let (phone, account) = match &order.to {
        Destination::Mobile { phone } => (Some(phone.as_str()), None),
        Destination::Bank { account_number, .. } => (None, Some(account_number.as_str())),
    };
    let who = client.who("to", phone, None)?;
    let request = PayoutRequest {
        client: ClientPart::of(&who, name, account),
        payment: PaymentPart { currency: currency.as_str(), amount: units, description: order.note.as_deref() },
        reference: &order.reference,
        brand_id: &order.wallet,
    };
    let (status, body) = client.create("payouts", &request).await?;
    let object = {
        let thing = made("payout", &body)?;
        let object = identified(&thing)?;
        asked_for(client, &thing, order)?;
        object
    };
    let answer = RawAnswer { kind: kind::PAYOUT_CREATED, status, body };
    Ok(Prepared { object: Some(object), handle: None, link: None, complete: false, answer })
}

/// Refuses a payout of theirs that is not the one we asked for.
pub(super) fn asked_for(client: &Client, thing: &Thing<'_>, order: &PayoutCall) -> Result<(), CallError> {
    let payment: Option<Payment<'_>> = wire::inner("payment", thing.payment).ok().flatten();
    let (amount, currency) = payment.map_or((None, None), |payment| (payment.amount, payment.currency));
    same(client, ("payment", currency, amount), order.amount, order.currency)
}

/// Amount and currency of the object they made are those that were asked for; before anything moves.
fn same(
    client: &Client,
    (field, theirs, figure): (&str, Raw<'_>, Raw<'_>),
    amount: Amount,
    currency: Currency,
) -> Result<(), CallError> {
    let unit = Unit { currency, known: &client.currencies };
    let agrees = wire::currency(field, theirs) == Ok(currency) && wire::amount(field, figure, unit) == Ok(amount);
    must(agrees, &format!("{field}: their object has another amount or currency than was asked for"))
}

/// An object of theirs, of the right type.
pub(super) fn made<'a>(what: &str, body: &'a [u8]) -> Result<Thing<'a>, CallError> {
    let wrong = || CallError::Unknown(format!("a good status, not a {what}"));
    let thing: Thing<'_> = wire::body(body).and_then(|text| wire::object("body", text)).map_err(|_| wrong())?;
    match wire::text("type", thing.r#type) {
        Ok(None) => Ok(thing),
        Ok(Some(found)) if found == what => Ok(thing),
        _ => Err(wrong()),
    }
}

fn identified(thing: &Thing<'_>) -> Result<String, CallError> {
    wire::id("id", thing.id).map_err(|_| CallError::Unknown("a good status, no id".to_owned()))
}
