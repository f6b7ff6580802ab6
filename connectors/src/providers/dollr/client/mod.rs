//! Calls to Dollr (`providers/dollr.md`, sections 1 to 13).
//!
//! Order of an order: the first step makes what moves nothing (party, counterparty, source with its items, or payment
//! account; or a whole checkout), the second opens a session and executes it. The execution is the one dangerous call: it
//! is made once, under our reference, and what is not clear about it is unknown. Whatever goes wrong before it, nothing
//! has left us. Two of their states are told by one read together: an execution beside its source.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::{Amount, Clock, Currency};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};

use super::handle::{Family, is_integer_id};
use super::options::{self, Device, PayoutForm};
use super::wire::{self, Complaint};
use super::{FACTS, payable};
use crate::checks::{must, within};
use crate::connector::{
    Action, CallError, CollectCall, ObjectRef, PayoutCall, Prepared, ProviderClient, RawAnswer, ToPrepare, Unreadable,
};
use crate::door::http::tokens::{Issued, Tokens, no_token};
use crate::door::http::{Answer, HttpClient, by_status, retry_after};
use crate::settings::{ConnectionSettings, SettingsError};

mod body;
mod execute;
mod make;
mod read;

use body::Json;

/// How long before its end a token is renewed (section 2).
const AHEAD: Duration = Duration::from_mins(5);
/// Lifetime where the answer gives none that can be read, and the longest that is counted, in minutes.
const LIFETIME: u64 = 10;
const LIFETIME_MAX: u64 = 24 * 60;
/// Longest name and longest text that we send, in characters; they name no bound.
const NAME_MAX: usize = 200;
const NOTE_MAX: usize = 500;

/// What authorises a payout (section 8.2).
struct Passcode {
    code: SecretString,
    /// Their field that says whose it is, and its value.
    whose: (&'static str, SecretString),
}

pub(super) struct Client {
    api: HttpClient,
    tokens: Tokens,
    client_id: SecretString,
    client_secret: SecretString,
    passcode: Option<Passcode>,
    merchant: String,
    merchant_type: String,
    wallets: Vec<(String, Currency)>,
    items_as: Family,
    payer_currency: Option<Currency>,
    country: Option<String>,
    form: PayoutForm,
    realtime: bool,
    device: Device,
    clock: Arc<dyn Clock>,
}

/// What a request is to its call, so that its failure means the right thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Reads a thing by its name: "not found" may be believed.
    Read,
    /// Comes before the one that counts: without a clear refusal, nothing was sent.
    Before,
    /// Completes a first step; it moves nothing.
    Completes,
    /// Moves money.
    Executes,
}

impl Client {
    /// Checks the settings and makes a client; nothing is called yet.
    pub(super) fn new(settings: &ConnectionSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        settings.names(&options::ALL, &options::SECRETS, &["api"])?;
        let given = &settings.options;
        let option = |(key, problem): options::Wrong| settings.wrong(&format!("options.{key}"), problem);
        options::check(given).map_err(option)?;
        for name in settings.secrets.keys() {
            settings.secret(name)?;
        }
        if !is_integer_id(&settings.account) {
            return Err(settings.wrong("account", "expected the merchant's id, a whole number"));
        }
        if settings.wallets.is_empty() || !settings.wallets.iter().all(|wallet| is_integer_id(&wallet.id)) {
            let problem = "expected at least one wallet, each with the provider's id, a whole number";
            return Err(settings.wrong("wallets", problem));
        }
        let base = settings.urls.get("api").map_or(FACTS.default_url("api"), String::as_str);
        Ok(Self {
            api: HttpClient::new(settings, "api", base)?,
            tokens: Tokens::new(clock.clone(), AHEAD),
            client_id: settings.secret("client_id")?.clone(),
            client_secret: settings.secret("client_secret")?.clone(),
            passcode: passcode(settings)?,
            merchant: settings.account.clone(),
            merchant_type: options::merchant_type(given).map_err(option)?.to_owned(),
            wallets: settings.wallets.iter().map(|wallet| (wallet.id.clone(), wallet.currency)).collect(),
            items_as: options::items_as(given).map_err(option)?,
            payer_currency: options::payer_currency(given).map_err(option)?,
            country: options::country_code(given).map_err(option)?.map(str::to_owned),
            form: PayoutForm::of(given).map_err(option)?,
            realtime: options::realtime(given).map_err(option)?,
            device: Device::of(given).map_err(option)?,
            clock,
        })
    }

    /// A URL of version 1, with its query.
    fn url<const N: usize>(&self, path: [&str; N], query: &[(&str, &str)]) -> Url {
        let mut url = self.api.url(["v1"].into_iter().chain(path));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// A new token. Only their word that we are not who we say is about the credentials.
    async fn log_in(&self) -> Result<Issued, CallError> {
        let (id, secret) = (self.client_id.expose_secret(), self.client_secret.expose_secret());
        let body = Json::object([("client_id", id.into()), ("client_secret", secret.into())]);
        let url = self.url(["jwt", "client", "obtain", "token"], &[]);
        let request = json(self.api.post(url), Some(&body))?;
        let answer = self.api.send(request).await;
        let (status, headers, body) = answer.map_err(|failure| no_token(&failure.to_string()))?;
        let read = wire::body(&body).and_then(|text| wire::object::<wire::Token<'_>>("body", text));
        match (status, read) {
            (200..300, Ok(answer)) => {
                let text = wire::required("access_token", answer.access_token);
                let stated = answer.expires_in.and_then(|raw| wire::unquoted(raw.get()).parse().ok());
                // Minutes: the realtime keys' field of this name is in seconds (section 12).
                let lifetime = Duration::from_mins(stated.unwrap_or(LIFETIME).clamp(1, LIFETIME_MAX));
                Issued::new(text.map_err(|error| no_token(&error.to_string()))?, lifetime)
            }
            (401 | 403 | 422, _) => Err(CallError::Credentials(format!("token request: status {status}"))),
            (429, _) => Err(CallError::RateLimited(retry_after(&headers))),
            (status, _) => Err(no_token(&format!("status {status}, no token in it"))),
        }
    }

    /// One request with a token, and what is needed of its answer; one that does not show it is no answer.
    async fn ask<T>(
        &self,
        step: Step,
        (method, url): (Method, Url),
        body: Option<Json<'_>>,
        needed: impl FnOnce(&str) -> Result<T, Unreadable>,
    ) -> Result<(T, RawBody), CallError> {
        let asked = async {
            let request = json(self.api.request(method, url), body.as_ref())?;
            let answer = self.tokens.send(&self.api, request, || self.log_in()).await?;
            let (status, body) = judge(step, answer)?;
            let read = wire::body(&body).and_then(needed);
            let read = read.map_err(|error| CallError::Unknown(format!("status {status}, {error}")))?;
            Ok((read, RawBody { status, body }))
        };
        match asked.await {
            Err(CallError::Unknown(why)) if step == Step::Before => Err(CallError::NotSent(why)),
            other => other,
        }
    }

    /// What every order has in common, before anything leaves us.
    fn common(
        &self,
        (reference, wallet): (&str, &str),
        (amount, currency): (Amount, Currency),
        (name, note): (Option<&str>, Option<&str>),
    ) -> Result<(), CallError> {
        let own = self.wallets.iter().find(|(id, _)| id == wallet).map(|(_, currency)| *currency);
        must(own.is_some(), "wallet: not a wallet of this connection")?;
        must(own == Some(currency), "currency: not the wallet's")?;
        must(payable(amount), "amount: expected at least 0.01, with at most 2 decimal places")?;
        must(wire::is_reference(reference), "reference: expected a UUID of version 4")?;
        must(within(name, NAME_MAX), "name: expected at most 200 characters")?;
        must(within(note, NOTE_MAX), "note: expected at most 500 characters")
    }
}

/// An answer's bytes.
struct RawBody {
    status: u16,
    body: Vec<u8>,
}

/// The passcode and whose it is: both, or neither where nothing is paid out.
fn passcode(settings: &ConnectionSettings) -> Result<Option<Passcode>, SettingsError> {
    let of = |name| settings.secrets.get(name).cloned();
    let whose = match (of("passcode_phone"), of("passcode_user")) {
        (None, None) => None,
        (Some(phone), None) => Some(("phone", phone)),
        (None, Some(user)) => Some(("user_id", user)),
        (Some(_), Some(_)) => {
            return Err(settings.wrong("secrets.passcode_user", "expected it or passcode_phone alone"));
        }
    };
    match (of("passcode"), whose) {
        (None, None) => Ok(None),
        (Some(code), Some(whose)) => Ok(Some(Passcode { code, whose })),
        (Some(_), None) => Err(settings.wrong("secrets.passcode_phone", "missing, and so is passcode_user")),
        (None, Some(_)) => Err(settings.wrong("secrets.passcode", "missing")),
    }
}

/// A request with a body.
fn json(request: reqwest::RequestBuilder, body: Option<&Json<'_>>) -> Result<reqwest::RequestBuilder, CallError> {
    let request = request.header("accept", "application/json");
    let Some(body) = body else { return Ok(request) };
    let body = serde_json::to_vec(body).map_err(|_| CallError::NotSent("the request cannot be written".to_owned()))?;
    Ok(request.header("content-type", "application/json").body(body))
}

/// The body of a 2xx; anything else by the class of its status, and by whether it is an error of theirs (section 13).
fn judge(step: Step, (status, headers, body): Answer) -> Result<(u16, Vec<u8>), CallError> {
    match (status, by_status(step == Step::Read, status, &headers)) {
        (200..300, _) => Ok((status, body)),
        (_, Some(why)) => Err(why),
        (_, None) => match Complaint::of(&body) {
            // It was executed before, by us or by nobody knows whom: its status tells.
            Some(complaint) if step == Step::Executes && complaint.names("reference_id") => {
                Err(CallError::Unknown(complaint.words(status)))
            }
            Some(complaint) => Err(CallError::Refused(complaint.words(status))),
            None => Err(CallError::Unknown(format!("status {status}"))),
        },
    }
}

/// A phone number as they want it: its country's digits first, no plus sign (section 1).
fn phone<'a>(field: &str, text: Option<&'a str>) -> Result<&'a str, CallError> {
    let digits = text.map(|text| text.strip_prefix('+').unwrap_or(text)).unwrap_or_default();
    let fits = (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let problem = format!("{field}: expected a full number, with the digits of its country");
    must(fits && !digits.starts_with('0'), &problem).map(|()| digits)
}

#[async_trait]
impl ProviderClient for Client {
    async fn read(&self, object: &ObjectRef, handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
        read::read(self, object, handle).await.map(|answer| vec![answer])
    }

    async fn prepare(&self, order: ToPrepare<'_>) -> Result<Prepared, CallError> {
        match order {
            ToPrepare::Collect(order) if order.checkout.hosted => make::checkout(self, order).await,
            ToPrepare::Collect(order) => make::source(self, order).await,
            ToPrepare::Pay(order) => make::account_to_pay(self, order).await,
        }
    }

    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        execute::collection(self, order).await
    }

    async fn act(&self, _payment: &ObjectRef, handle: Option<&str>, action: Action) -> Result<RawAnswer, CallError> {
        match action {
            Action::Cancel => self.cancel(handle).await,
            Action::Capture(_) | Action::Release => Err(CallError::NotOffered),
        }
    }

    async fn pay(&self, order: &PayoutCall) -> Result<RawAnswer, CallError> {
        execute::payout(self, order).await
    }
}
