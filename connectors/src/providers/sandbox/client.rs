//! Calls: make an object, read it by id or by our reference, read the wallet. What must not be sent is refused first.

use async_trait::async_trait;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Currency};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{BALANCE, COLLECTION, CREATED, FACTS, PAYOUT, STATUS, WALLET};
use crate::answers::{by_places, segment};
use crate::checks::must;
use crate::connector::{
    CallError, Checkout, CollectCall, Destination, ObjectRef, PayoutCall, ProviderClient, RawAnswer,
};
use crate::door::http::HttpClient;
use crate::settings::{ConnectionSettings, SettingsError, WalletSettings};

/// Reference, wallet, amount, currency, phone.
type Order<'a> = (&'a str, &'a str, Amount, Currency, &'a str);

pub(super) struct Client {
    http: HttpClient,
    key: SecretString,
    wallets: Vec<WalletSettings>,
}

impl Client {
    pub(super) fn new(settings: &ConnectionSettings) -> Result<Self, SettingsError> {
        settings.names(&["webhook_key", "webhook_key_next"], &["api_key"], &["api"])?;
        if !settings.simulated {
            return Err(settings.wrong("simulated", "expected true: this provider exists for test books only"));
        }
        if settings.wallets.is_empty() {
            return Err(settings.wrong("wallets", "expected at least one"));
        }
        let base = settings.urls.get("api").map_or(FACTS.default_urls[0].1, String::as_str);
        let (http, wallets) = (HttpClient::new(settings, "api", base)?, settings.wallets.clone());
        Ok(Self { http, key: settings.secret("api_key")?.clone(), wallets })
    }

    async fn call(&self, read: bool, kind: &'static str, request: RequestBuilder) -> Result<RawAnswer, CallError> {
        let answer = self.http.send(request.bearer_auth(self.key.expose_secret())).await?;
        by_places(read, kind, answer, (if kind == BALANCE { "/wallet" } else { "/id" }, "/code"))
    }

    async fn order(&self, path: &str, order: Order<'_>) -> Result<RawAnswer, CallError> {
        let (reference, wallet, amount, currency, phone) = order;
        must(self.wallets.iter().any(|one| one.id == wallet && one.currency == currency), "wallet: not one of ours")?;
        must(amount.is_positive(), "amount: expected more than 0")?;
        must(phone.len() == 12 && phone.bytes().all(|byte| byte.is_ascii_digit()), "phone: expected twelve digits")?;
        let body = json!({"reference": reference, "amount": amount, "phone": phone}).to_string();
        let request = self.http.post(self.http.url(["v1", path])).header("content-type", "application/json");
        self.call(false, CREATED, request.body(body)).await
    }
}

#[async_trait]
impl ProviderClient for Client {
    async fn read(&self, object: &ObjectRef, _handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
        let (path, kind) = match object.kind {
            COLLECTION => ("collections", STATUS),
            PAYOUT => ("payouts", STATUS),
            WALLET => ("wallets", BALANCE),
            _ => return Err(CallError::NotOffered),
        };
        let key = segment(object.id.as_deref().or(object.reference.as_deref()).unwrap_or_default())?;
        Ok(vec![self.call(true, kind, self.http.get(self.http.url(["v1", path, key]))).await?])
    }

    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        if !order.items.is_empty() || order.checkout != Checkout::default() {
            return Err(CallError::NotOffered);
        }
        must(order.fee_bearer == Bearer::Merchant, "fee_bearer: expected merchant")?;
        let phone = order.payer.phone.as_deref().unwrap_or_default();
        self.order("collections", (&order.reference, &order.wallet, order.amount, order.currency, phone)).await
    }

    async fn pay(&self, order: &PayoutCall) -> Result<RawAnswer, CallError> {
        let Destination::Mobile { phone } = &order.to else { return Err(CallError::NotOffered) };
        self.order("payouts", (&order.reference, &order.wallet, order.amount, order.currency, phone)).await
    }
}
