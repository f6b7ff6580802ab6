//! Their calls, one request each: a money call is never repeated here, and what must not be sent is refused first.

use async_trait::async_trait;
use ensimbi_events::word::Bearer;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{COLLECTION, CREATED, FACTS, STATUS};
use crate::answers::{by_places, segment};
use crate::checks::must;
use crate::connector::{CallError, Checkout, CollectCall, ObjectRef, ProviderClient, RawAnswer};
use crate::door::http::HttpClient;
use crate::settings::{ConnectionSettings, SettingsError, WalletSettings};

/// Options, secrets and URLs of a connection; any other name is refused. The first two are the door's, for signed pushes.
const OPTIONS: [&str; 2] = ["webhook_key", "webhook_key_next"];
const SECRETS: [&str; 1] = ["api_key"];
const URLS: [&str; 1] = ["api"];
/// Where every good answer has its id, and every error its code (JSON pointers).
const PLACES: (&str, &str) = ("/id", "/code");

pub(super) struct Client {
    http: HttpClient,
    key: SecretString,
    wallets: Vec<WalletSettings>,
}

impl Client {
    pub(super) fn new(settings: &ConnectionSettings) -> Result<Self, SettingsError> {
        settings.names(&OPTIONS, &SECRETS, &URLS)?;
        if settings.wallets.is_empty() {
            return Err(settings.wrong("wallets", "expected at least one"));
        }
        let base = settings.urls.get("api").map_or(FACTS.default_urls[0].1, String::as_str);
        let (http, wallets) = (HttpClient::new(settings, "api", base)?, settings.wallets.clone());
        Ok(Self { http, key: settings.secret("api_key")?.clone(), wallets })
    }

    /// One request, judged: each HTTP outcome is one decision (`answers`).
    async fn call(&self, read: bool, kind: &'static str, request: RequestBuilder) -> Result<RawAnswer, CallError> {
        let answer = self.http.send(request.bearer_auth(self.key.expose_secret())).await?;
        by_places(read, kind, answer, PLACES)
    }
}

#[async_trait]
impl ProviderClient for Client {
    async fn read(&self, object: &ObjectRef, _handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
        let (COLLECTION, Some(id)) = (object.kind, object.id.as_deref()) else { return Err(CallError::NotOffered) };
        let url = self.http.url(["v1", "collections", segment(id)?]);
        Ok(vec![self.call(true, STATUS, self.http.get(url)).await?])
    }

    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        // What Facts does not declare is refused before anything leaves us.
        if !order.items.is_empty() || order.checkout != Checkout::default() {
            return Err(CallError::NotOffered);
        }
        let known = self.wallets.iter().any(|one| one.id == order.wallet && one.currency == order.currency);
        must(known, "wallet: not one of this connection in this currency")?;
        must(order.amount.is_positive(), "amount: expected more than 0")?;
        must(order.fee_bearer == Bearer::Merchant, "fee_bearer: expected merchant")?;
        let body =
            json!({"reference": order.reference, "amount": order.amount, "phone": order.payer.phone}).to_string();
        let request = self.http.post(self.http.url(["v1", "collections"])).header("content-type", "application/json");
        self.call(false, CREATED, request.body(body)).await
    }
}
