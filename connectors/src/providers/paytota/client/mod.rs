//! Calls to Paytota (`providers/paytota.md`, sections 1, 4, 6, 8, 10 to 13).
//!
//! Order of a call that moves money: local checks, a read where one decides whether it may leave, one request. There is no
//! idempotency key and no look-up by reference, so nothing that moves money is repeated here, and an outcome that is not
//! certain is told as unknown. Every path ends with a slash; the bearer goes where the documents ask for it. What an
//! answer means, `judge` decides.

use std::sync::Arc;

use async_trait::async_trait;
use ensimbi_events::{Clock, Currency};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};

use super::options::{self, Currencies, Generation, PayoutFee, RefundFee};
use super::translate::Columns;
use super::{COLLECTIONS, FACTS, PAYOUTS, wire};
use crate::connector::{
    Action, CallError, CollectCall, ObjectRef, OrderKind, PayoutCall, Prepared, ProviderClient, RawAnswer, RefundCall,
    ToPrepare,
};
use crate::door::SIGNING_KEYS;
use crate::door::http::{Answer, HttpClient};
use crate::settings::{ConnectionSettings, SettingsError};

mod checks;
mod execute;
mod judge;
mod make;
mod read;
mod refund;

const SECRETS: [&str; 1] = ["secret_key"];
const URLS: [&str; 2] = ["api", "statements"];

/// A wallet of the connection: brand, purse if it has one, currency.
struct Purse {
    brand: String,
    word: Option<String>,
    currency: Currency,
}

pub(super) struct Client {
    api: HttpClient,
    statements: HttpClient,
    key: SecretString,
    purses: Vec<Purse>,
    currencies: Currencies,
    generation: Generation,
    email: Option<String>,
    country: Option<String>,
    callback: Option<String>,
    statement_days: i64,
    clock: Arc<dyn Clock>,
}

/// What is sent.
enum Content<'a> {
    Nothing,
    Json(&'a [u8]),
    /// `multipart/form-data`: names and values, none of which holds a line's end.
    Form(&'a [(&'static str, &'a str)]),
}

impl Client {
    /// Checks the settings and makes a client; nothing is called yet.
    pub(super) fn new(settings: &ConnectionSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key: &str, problem: &str| settings.wrong(key, problem);
        known_names(settings)?;
        let option = |(key, problem): options::Wrong| wrong(&format!("options.{key}"), problem);
        let given = &settings.options;
        let currencies = Currencies::of(given).map_err(option)?;
        PayoutFee::of(given).map_err(option)?;
        RefundFee::of(given).map_err(option)?;
        for order in [OrderKind::PayMobile, OrderKind::Refund] {
            options::ceiling(given, order, ensimbi_events::Amount::ZERO).map_err(option)?;
        }
        Columns::of(given).map_err(option)?;
        let brand = given.get(options::BRAND_ID);
        if brand.is_some_and(|brand| !wire::is_id(brand)) {
            return Err(wrong("options.brand_id", "expected the id of a brand"));
        }
        let callback = given.get(options::SUCCESS_CALLBACK_URL).cloned();
        if callback.as_ref().is_some_and(|url| !checks::is_link(url, settings.simulated)) {
            return Err(wrong("options.success_callback_url", "expected a URL that starts with https://"));
        }
        let key = settings.secret("secret_key")?.clone();
        if reqwest::header::HeaderValue::try_from(key.expose_secret()).is_err() {
            return Err(wrong("secrets.secret_key", "expected a value that an HTTP header can carry"));
        }
        if settings.account.is_empty() {
            return Err(wrong("account", "missing"));
        }
        if settings.wallets.is_empty() {
            return Err(wrong("wallets", "expected at least one wallet"));
        }
        for wallet in &settings.wallets {
            if !wire::is_id(&wallet.id) {
                return Err(wrong("wallets", "expected the brand's id as each wallet's id"));
            }
            if brand.is_some_and(|brand| *brand != wallet.id) {
                return Err(wrong("wallets", "expected options.brand_id as each wallet's id"));
            }
            if currencies.exponent(wallet.currency).is_none() {
                let problem = format!("{} is a wallet's currency and not among them", wallet.currency);
                return Err(wrong("options.currencies", &problem));
            }
        }
        let http = |name: &str| {
            // A simulator has its statements on its own host.
            let fallback = if settings.simulated { settings.urls.get("api").map(String::as_str) } else { None };
            let base =
                settings.urls.get(name).map(String::as_str).or(fallback).unwrap_or_else(|| FACTS.default_url(name));
            HttpClient::new(settings, name, base)
        };
        let purses = settings.wallets.iter().map(|wallet| Purse {
            brand: wallet.id.clone(),
            word: wallet.purse.clone(),
            currency: wallet.currency,
        });
        Ok(Self {
            api: http("api")?,
            statements: http("statements")?,
            key,
            purses: purses.collect(),
            currencies,
            generation: Generation::of(given).map_err(option)?,
            email: options::client_email(given).map_err(option)?.map(str::to_owned),
            country: options::country(given).map_err(option)?.map(str::to_owned),
            callback,
            statement_days: options::statement_days(given).map_err(option)?,
            clock,
        })
    }

    /// The URL of a path; it ends with a slash (section 1).
    fn url<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Url {
        self.api.url(path.into_iter().chain([""]))
    }

    /// One request with the bearer.
    async fn call(&self, method: Method, url: Url, content: Content<'_>) -> Result<Answer, CallError> {
        let request = self.api.request(method, url).bearer_auth(self.key.expose_secret());
        self.send(request, content).await
    }

    /// One request without it: the execute calls of mobile money list no authorisation.
    async fn call_openly(&self, url: Url, content: Content<'_>) -> Result<Answer, CallError> {
        self.send(self.api.post(url), content).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, content: Content<'_>) -> Result<Answer, CallError> {
        let request = request.header("accept", "application/json");
        let request = match content {
            Content::Nothing => request,
            Content::Json(body) => request.header("content-type", "application/json").body(body.to_vec()),
            Content::Form(fields) => {
                let (header, body) = form(fields);
                request.header("content-type", header).body(body)
            }
        };
        Ok(self.api.send(request).await?)
    }

    /// Whether the brand has a purse of that word in a currency; a wallet without one stands for both.
    fn has_purse(&self, brand: &str, word: &str, currency: Currency) -> Result<(), CallError> {
        let own = |purse: &&Purse| purse.brand == brand && purse.word.as_deref().is_none_or(|own| own == word);
        let mut of_brand = self.purses.iter().filter(own).peekable();
        checks::must(of_brand.peek().is_some(), "wallet: not a wallet of this connection for that")?;
        checks::must(of_brand.any(|purse| purse.currency == currency), "currency: not the wallet's")
    }
}

/// Refuses names that nobody reads.
fn known_names(settings: &ConnectionSettings) -> Result<(), SettingsError> {
    let options: Vec<&str> = options::ALL.into_iter().chain(SIGNING_KEYS).collect();
    settings.names(&options, &SECRETS, &URLS)?;
    let words = [COLLECTIONS, PAYOUTS];
    match settings.wallets.iter().find_map(|wallet| wallet.purse.as_deref().filter(|word| !words.contains(word))) {
        Some(_) => Err(settings.wrong("wallets.purse", &format!("expected one of {}", words.join(", ")))),
        None => Ok(()),
    }
}

/// A form as RFC 7578 writes it. The values are words and digits, so no boundary of ours can be inside one.
fn form(fields: &[(&'static str, &str)]) -> (&'static str, Vec<u8>) {
    const BOUNDARY: &str = "ensimbi-form-7f3a91c2";
    const HEADER: &str = "multipart/form-data; boundary=ensimbi-form-7f3a91c2";
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    (HEADER, body.into_bytes())
}

#[async_trait]
impl ProviderClient for Client {
    async fn read(&self, object: &ObjectRef, _handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
        read::read(self, object).await
    }

    async fn prepare(&self, order: ToPrepare<'_>) -> Result<Prepared, CallError> {
        match order {
            ToPrepare::Collect(order) => make::purchase(self, order).await,
            ToPrepare::Pay(order) => make::payout(self, order).await,
        }
    }

    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        execute::purchase(self, order).await
    }

    async fn pay(&self, order: &PayoutCall) -> Result<RawAnswer, CallError> {
        execute::payout(self, order).await
    }

    async fn refund(&self, order: &RefundCall) -> Result<RawAnswer, CallError> {
        refund::refund(self, order).await
    }

    async fn act(&self, payment: &ObjectRef, _handle: Option<&str>, action: Action) -> Result<RawAnswer, CallError> {
        refund::act(self, payment, action).await
    }
}
