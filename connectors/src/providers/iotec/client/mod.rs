//! Calls to ioTec Pay: collect, pay, and the reads (`providers/iotec.md`, sections 4 to 8, 12 and 13).
//!
//! Order of a call that moves money: local checks (what they would refuse, or what they would take and we must not
//! send), token, one request. A 401 means that nothing was processed: the token is renewed and the same request sent
//! once more. Nothing else is repeated here, since they have no idempotency key. What an answer means, `judge` decides.

use std::sync::Arc;

use async_trait::async_trait;
use ensimbi_events::{Amount, Clock, Currency};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};

use super::charging::{CATEGORY, Charging, READING};
use super::tariff::{self, BANK_PAYOUT_MAX, PAYOUT_FEE, PAYOUT_MAX, PayoutFee};
use super::token::{AHEAD, LogIn};
use super::translate::rows::CURRENCY;
use super::{FACTS, kind, wire};
use crate::connector::{CallError, CollectCall, ObjectRef, OrderKind, PayoutCall, ProviderClient, RawAnswer};
use crate::door::http::tokens::Tokens;
use crate::door::http::{Answer, HttpClient};
use crate::settings::{ConnectionSettings, SettingsError};

mod blank;
mod checks;
mod collect;
mod judge;
mod pay;
mod read;

const OPTIONS: [&str; 8] =
    ["client_id", "callback_header", CATEGORY, READING, PAYOUT_FEE, PAYOUT_MAX, BANK_PAYOUT_MAX, CURRENCY];
const SECRETS: [&str; 3] = ["client_secret", "callback_value", "callback_value_next"];
const URLS: [&str; 2] = ["api", "token"];

pub(super) struct Client {
    api: HttpClient,
    tokens: Tokens,
    log_in: LogIn,
    charging: Charging,
    wallets: Vec<(String, Currency)>,
    /// Never shown, should an error of theirs repeat one.
    secrets: Vec<SecretString>,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// Checks the settings and makes a client; nothing is called yet.
    pub(super) fn new(settings: &ConnectionSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key: &str, problem: &str| settings.wrong(key, problem);
        settings.names(&OPTIONS, &SECRETS, &URLS)?;
        let option = |(key, problem): (&'static str, &'static str)| wrong(&format!("options.{key}"), problem);
        let charging = Charging::of(&settings.options).map_err(option)?;
        PayoutFee::of(&settings.options).map_err(option)?;
        for order in [OrderKind::PayMobile, OrderKind::PayBank] {
            tariff::ceiling(&settings.options, order, Amount::ZERO).map_err(option)?;
        }
        if settings.options.get(CURRENCY).is_some_and(|code| code.parse::<Currency>().is_err()) {
            return Err(wrong(&format!("options.{CURRENCY}"), "expected a currency code such as UGX"));
        }
        let client_secret = settings.secret("client_secret")?.clone();
        // Callbacks carry no signature: the static header is all there is (section 11).
        if HeaderValue::try_from(settings.secret("callback_value")?.expose_secret()).is_err() {
            return Err(wrong("secrets.callback_value", "expected a value that an HTTP header can carry"));
        }
        let header =
            settings.options.get("callback_header").ok_or_else(|| wrong("options.callback_header", "missing"))?;
        if HeaderName::try_from(header.as_str()).is_err() {
            return Err(wrong("options.callback_header", "expected the name of an HTTP header"));
        }
        let client_id = settings.options.get("client_id").unwrap_or(&settings.account).clone();
        if client_id.is_empty() {
            return Err(wrong("account", "missing"));
        }
        if settings.wallets.is_empty() || settings.wallets.iter().any(|w| w.id.is_empty() || w.id.len() > wire::ID_MAX)
        {
            return Err(wrong("wallets", "expected at least one wallet, each with the provider's id"));
        }
        let http = |name: &str| {
            let base = settings.urls.get(name).map_or(FACTS.default_url(name), String::as_str);
            HttpClient::new(settings, name, base)
        };
        let log_in = LogIn { http: http("token")?, client_id, client_secret };
        let tokens = Tokens::new(clock.clone(), AHEAD);
        let wallets = settings.wallets.iter().map(|wallet| (wallet.id.clone(), wallet.currency)).collect();
        let secrets = settings.secrets.values().cloned().collect();
        Ok(Self { api: http("api")?, tokens, log_in, charging, wallets, secrets, clock })
    }

    /// What an error of theirs must not show: our secrets, and more texts.
    fn hidden<'a>(&'a self, more: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        more.into_iter().chain(self.secrets.iter().map(ExposeSecret::expose_secret)).collect()
    }

    /// One call, and once more with a new token where the first was refused.
    async fn call(&self, method: Method, url: Url, body: &[u8]) -> Result<Answer, CallError> {
        let mut request = self.api.request(method, url).header("accept", "application/json");
        if !body.is_empty() {
            request = request.header("content-type", "application/json").body(body.to_vec());
        }
        self.tokens.send(&self.api, request, || self.log_in.ask()).await
    }

    /// Sends an order of money and judges its answer.
    async fn order(&self, path: [&str; 3], body: &[u8], call: &judge::Call<'_>) -> Result<RawAnswer, CallError> {
        let answer = self.call(Method::POST, self.api.url(path), body).await?;
        judge::judge(call, answer)
    }
}

#[async_trait]
impl ProviderClient for Client {
    async fn read(&self, object: &ObjectRef, _handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
        read::read(self, object).await
    }

    async fn pay(&self, order: &PayoutCall) -> Result<RawAnswer, CallError> {
        let (call, body) = pay::request(order, &self.wallets)?;
        let hide = self.hidden(pay::hidden(order));
        let expected = "a disbursement";
        let judged =
            judge::Call { kind: kind::PAYOUT_CREATED, read: false, shape: judge::records, expected, hide: &hide };
        self.order(["api", "disbursements", call], &body, &judged).await
    }

    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        let body = collect::request(order, self.charging, &self.wallets)?;
        let hide = self.hidden(order.payer.name.as_deref());
        let expected = "a collection";
        let judged = judge::Call { kind: kind::CREATED, read: false, shape: judge::records, expected, hide: &hide };
        self.order(["api", "collections", "collect"], &body, &judged).await
    }
}
