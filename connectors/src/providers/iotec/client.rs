//! Calls to ioTec Pay: collect, and the two status reads (`providers/iotec.md`, sections 4, 12 and 13).
//!
//! Order of a collect: local checks (what they would refuse, or what they would take and we must not send), token, one
//! request. A 401 means that nothing was processed: the token is renewed and the same request sent once more. Nothing
//! else is repeated here, since they have no idempotency key.
//! What an answer means is decided by [`judge`] alone: only a readable 4xx on a create proves that nothing was queued.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::{Amount, Clock, Currency};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::value::RawValue;

use super::charging::{CATEGORY, Charging, READING};
use super::token::Tokens;
use super::{COLLECTION, CREATED, STATUS, default_url, wire};
use crate::connector::{CallError, CollectCall, ObjectRef, PartyDetails, ProviderClient, RawAnswer};
use crate::door::http::HttpClient;
use crate::settings::{ConnectionSettings, SettingsError};

/// The least they collect, in whole units (section 4.1).
const LEAST: Amount = Amount::whole(500);
/// Longest `payerName` and `payerNote`, in characters.
const NAME_MAX: usize = 150;
const NOTE_MAX: usize = 100;
/// Wait after a 429 that names none, and the longest one that is kept, in seconds.
const WAIT: u64 = 30;
const WAIT_MAX: u64 = 3_600;
const OPTIONS: [&str; 4] = ["client_id", "callback_header", CATEGORY, READING];
const SECRETS: [&str; 3] = ["client_secret", "callback_value", "callback_value_next"];
const URLS: [&str; 2] = ["api", "token"];

pub(super) struct Client {
    api: HttpClient,
    tokens: Tokens,
    charging: Charging,
    wallets: Vec<(String, Currency)>,
}

impl Client {
    /// Checks the settings and makes a client; nothing is called yet.
    pub(super) fn new(settings: &ConnectionSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let wrong = |key: &str, problem: &str| SettingsError {
            key: format!("connections.{}.{key}", settings.slug),
            problem: problem.to_owned(),
        };
        // A misspelt option would quietly leave its default in force.
        let known = [
            ("options", settings.options.keys().find(|key| !OPTIONS.contains(&key.as_str())), OPTIONS.as_slice()),
            ("secrets", settings.secrets.keys().find(|key| !SECRETS.contains(&key.as_str())), &SECRETS),
            ("urls", settings.urls.keys().find(|key| !URLS.contains(&key.as_str())), &URLS),
        ];
        for (table, key, names) in known {
            if let Some(key) = key {
                return Err(wrong(
                    &format!("{table}.{key}"),
                    &format!("unknown, expected one of {}", names.join(", ")),
                ));
            }
        }
        let charging =
            Charging::of(&settings.options).map_err(|(key, problem)| wrong(&format!("options.{key}"), problem))?;
        let secret = |name: &str| -> Result<&SecretString, SettingsError> {
            let secret = settings.secrets.get(name).filter(|secret| !secret.expose_secret().is_empty());
            secret.ok_or_else(|| wrong(&format!("secrets.{name}"), "missing"))
        };
        let client_secret = secret("client_secret")?.clone();
        // Callbacks carry no signature: the static header is all there is (section 11).
        if HeaderValue::try_from(secret("callback_value")?.expose_secret()).is_err() {
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
            let base = settings.urls.get(name).map_or(default_url(name), String::as_str);
            HttpClient::new(settings, name, base)
        };
        let tokens = Tokens::new(http("token")?, client_id, client_secret, clock);
        let wallets = settings.wallets.iter().map(|wallet| (wallet.id.clone(), wallet.currency)).collect();
        Ok(Self { api: http("api")?, tokens, charging, wallets })
    }

    /// One call, and once more with a new token where the first was refused.
    async fn call(&self, method: Method, url: Url, body: &[u8]) -> Result<(u16, HeaderMap, Vec<u8>), CallError> {
        for _ in 0..2 {
            let token = self.tokens.current().await?;
            let request = self.api.request(method.clone(), url.clone()).bearer_auth(token.text.expose_secret());
            let mut request = request.header("accept", "application/json");
            if !body.is_empty() {
                request = request.header("content-type", "application/json").body(body.to_vec());
            }
            let answer = self.api.send(request).await?;
            if answer.0 != 401 {
                return Ok(answer);
            }
            self.tokens.refused(&token).await;
        }
        Err(CallError::Credentials("status 401, also with a new token".to_owned()))
    }

    /// The request's body; whatever must not be sent is refused here, with the field named.
    fn request(&self, order: &CollectCall) -> Result<Vec<u8>, CallError> {
        let currency = self.wallets.iter().find(|(id, _)| *id == order.wallet).map(|(_, currency)| *currency);
        let within = |text: &Option<String>, max| text.as_ref().is_none_or(|text| text.chars().count() <= max);
        let checks = [
            (order.amount.scaled() % Amount::whole(1).scaled() == 0, "amount: expected whole units"),
            (order.amount >= LEAST, "amount: expected at least 500"),
            (currency.is_some(), "wallet: not a wallet of this connection"),
            (currency == Some(order.currency), "currency: not the wallet's"),
            (
                (1..=wire::REFERENCE_MAX).contains(&order.reference.chars().count()),
                "reference: expected 1 to 100 characters",
            ),
            (within(&order.payer.name, NAME_MAX), "payer.name: expected at most 150 characters"),
            (within(&order.note, NOTE_MAX), "note: expected at most 100 characters"),
            (
                order.fee_bearer == self.charging.bearer(),
                "fee_bearer: differs from the connection's option transaction_charges_category",
            ),
        ];
        if let Some((_, problem)) = checks.into_iter().find(|(fine, _)| !fine) {
            return Err(CallError::Refused(problem.to_owned()));
        }
        let phone = order.payer.phone.as_deref().unwrap_or_default();
        let payer = canonical(phone)
            .ok_or_else(|| CallError::Refused("payer.phone: expected 256 or 0 and nine digits".to_owned()))?;
        let not_sent = |_| CallError::NotSent("the request cannot be written".to_owned());
        let request = CollectionRequest {
            category: "MobileMoney",
            currency: order.currency.as_str(),
            wallet_id: &order.wallet,
            external_id: &order.reference,
            payer: &payer,
            payer_name: order.payer.name.as_deref(),
            payer_note: order.note.as_deref(),
            amount: RawValue::from_string(order.amount.to_string()).map_err(not_sent)?,
            transaction_charges_category: self.charging.category(),
        };
        serde_json::to_vec(&request).map_err(not_sent)
    }
}

/// Only documented fields (section 4.1).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CollectionRequest<'a> {
    category: &'a str,
    currency: &'a str,
    wallet_id: &'a str,
    external_id: &'a str,
    payer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_note: Option<&'a str>,
    /// A JSON number from the exact decimal text.
    amount: Box<RawValue>,
    transaction_charges_category: &'a str,
}

#[async_trait]
impl ProviderClient for Client {
    async fn read(&self, object: &ObjectRef) -> Result<Vec<RawAnswer>, CallError> {
        if object.kind != COLLECTION {
            return Err(CallError::NotOffered);
        }
        let (call, key) = match (&object.id, &object.reference) {
            (Some(id), _) => ("status", id),
            (None, Some(reference)) => ("external-id", reference),
            (None, None) => return Err(CallError::Refused("object: neither an id nor a reference".to_owned())),
        };
        // A URL swallows these, so they would name another resource.
        if matches!(key.as_str(), "" | "." | "..") || key.len() > 4 * wire::REFERENCE_MAX {
            return Err(CallError::Refused("object: an id that no path can carry".to_owned()));
        }
        let url = self.api.url(["api", "collections", call, key.as_str()]);
        let answer = self.call(Method::GET, url, &[]).await?;
        judge(STATUS, answer, &PartyDetails::default()).map(|answer| vec![answer])
    }

    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        let body = self.request(order)?;
        let answer = self.call(Method::POST, self.api.url(["api", "collections", "collect"]), &body).await?;
        judge(CREATED, answer, &order.payer)
    }
}

/// What an answer means (section 12).
fn judge(
    kind: &'static str,
    (status, headers, body): (u16, HeaderMap, Vec<u8>),
    party: &PartyDetails,
) -> Result<RawAnswer, CallError> {
    let read = kind == STATUS;
    let unknown = |why: &str| Err(CallError::Unknown(format!("status {status}{why}")));
    if (200..300).contains(&status) {
        return match wire::collections(&body) {
            Ok(all) if all.is_empty() && read => Err(CallError::NotFound),
            Ok(all) if !all.is_empty() && all.iter().all(|one| wire::id(one.id).is_ok()) => {
                Ok(RawAnswer { kind, status, body })
            }
            _ => unknown(", not a collection"),
        };
    }
    if status == 429 {
        return Err(CallError::RateLimited(retry_after(&headers)));
    }
    let problem = wire::body(&body).and_then(|text| wire::object::<wire::Problem<'_>>("body", text)).ok();
    let message = problem.as_ref().map(|problem| message(problem, party));
    match (status, message) {
        (404, _) if read => Err(CallError::NotFound),
        (400, Some(message)) if read && message.to_ascii_lowercase().contains("not found") => Err(CallError::NotFound),
        // 408, 409 and 425 may stand for something that is under way.
        (400..500, Some(message)) if !matches!(status, 408 | 409 | 425) => {
            Err(CallError::Refused(format!("status {status} {message}").trim_end().to_owned()))
        }
        _ => unknown(""),
    }
}

/// Their words for people: short, on one line, without numbers or addresses of a party.
fn message(problem: &wire::Problem<'_>, party: &PartyDetails) -> String {
    let fields = [problem.message, problem.title, problem.detail, problem.code];
    let mut text = fields.into_iter().filter_map(|raw| wire::text("message", raw).ok()?).collect::<Vec<_>>().join(" ");
    if let Some(name) = party.name.as_deref().filter(|name| !name.is_empty()) {
        text = text.replace(name, "(name)");
    }
    let personal = |word: &&str| word.contains('@') || word.bytes().filter(u8::is_ascii_digit).count() >= 6;
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let words = words.map(|word| if personal(&word) { "(hidden)" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

/// Seconds to wait after a 429; the form with a date is not worth a clock.
pub(super) fn retry_after(headers: &HeaderMap) -> Duration {
    let stated = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    Duration::from_secs(stated.map_or(WAIT, |seconds| seconds.clamp(1, WAIT_MAX)))
}

/// `256` and nine digits; a test number as their table has it, `0` and nine digits (sections 4.1 and 13).
fn canonical(phone: &str) -> Option<String> {
    let digits = phone.strip_prefix('+').unwrap_or(phone);
    let local = match digits.strip_prefix('0').filter(|_| digits.len() == phone.len()) {
        Some(local) => local,
        None => digits.strip_prefix("256")?,
    };
    if local.len() != 9 || !local.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(if local.starts_with("111777") { format!("0{local}") } else { format!("256{local}") })
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn numbers_have_one_form_and_test_numbers_their_own() {
        for (phone, sent) in [
            ("0771234567", Some("256771234567")),
            ("256771234567", Some("256771234567")),
            ("+256771234567", Some("256771234567")),
            ("0111777771", Some("0111777771")),
            ("256111777991", Some("0111777991")),
            ("+0771234567", None),
            ("771234567", None),
            ("077123456", None),
            ("07712345678", None),
            ("0771 234567", None),
            ("", None),
            ("254771234567", None),
            ("07712345é", None),
        ] {
            assert_eq!(canonical(phone).as_deref(), sent, "{phone}");
        }
    }
}
