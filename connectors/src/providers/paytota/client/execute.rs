//! Carries out an order (`providers/paytota.md`, sections 4.3, 6.2, 12 and 16): the one dangerous call. It is made once;
//! an answer that is neither "taken" nor a refusal which the object's own state confirms leaves the outcome unknown.

use ensimbi_events::commands::Destination;
use reqwest::{Method, Url};
use serde::Serialize;

use super::super::options::{Generation, Network};
use super::super::wire::{self, Thing};
use super::super::{PAYOUT, PURCHASE, kind};
use super::checks::{NAME_MAX, must, within};
use super::judge::{Execution, executed, judge};
use super::make::{asked_for, made};
use super::{Client, Content};
use crate::connector::{CallError, CollectCall, PayoutCall, RawAnswer};
use crate::door::http::Answer;

#[derive(Serialize)]
struct Mobile<'a> {
    payout_type: &'a str,
}

#[derive(Serialize)]
struct MobileV1<'a> {
    phone: &'a str,
}

#[derive(Serialize)]
struct Bank<'a> {
    payout_type: &'a str,
    bank_name: &'a str,
    bank_code: &'a str,
    bank_account_name: &'a str,
    bank_account_number: &'a str,
}

fn object(of: Option<&str>) -> Result<&str, CallError> {
    // A URL swallows dots, so they would name another resource.
    let fits = |id: &&str| wire::is_id(id) && !matches!(*id, "." | "..");
    of.filter(fits).ok_or_else(|| CallError::Refused("object: nothing to carry out".to_owned()))
}

impl Client {
    pub(super) fn simulated(&self) -> bool {
        self.api.url([]).scheme() == "http"
    }

    /// An object by its id, as its own state.
    pub(super) async fn state(&self, what: &'static str, id: &str) -> Result<RawAnswer, CallError> {
        let (folder, kind) = match what {
            PURCHASE => ("purchases", kind::PURCHASE_STATUS),
            _ => ("payouts", kind::PAYOUT_STATUS),
        };
        let url = self.url(["api", "v1", folder, object(Some(id))?]);
        let (status, body) = judge(true, self.call(Method::GET, url, Content::Nothing).await?)?;
        let thing = made(what, &body)?;
        let named = wire::id("id", thing.id).is_ok_and(|found| found.eq_ignore_ascii_case(id));
        if !named || wire::required("status", thing.status).is_err() {
            return Err(CallError::Unknown(format!("status {status}, not the {what} that was asked for")));
        }
        Ok(RawAnswer { kind, status, body })
    }

    /// The same before something is carried out: whatever went wrong, nothing has left us.
    pub(super) async fn state_before(&self, what: &'static str, id: &str) -> Result<RawAnswer, CallError> {
        match self.state(what, id).await {
            Err(CallError::Unknown(why)) => Err(CallError::NotSent(why)),
            Err(CallError::NotFound) => Err(CallError::NotSent(format!("the {what} is not found"))),
            other => other,
        }
    }

    /// What an execute call came to. A refusal counts where the object itself says that nothing is under way.
    async fn settle(&self, what: &'static str, id: &str, answer: Answer) -> Result<RawAnswer, CallError> {
        let code = match executed(&answer)? {
            Execution::Taken => {
                let (status, _, body) = answer;
                return Ok(RawAnswer { kind: kind::EXECUTED, status, body });
            }
            Execution::Refused(code) => code,
        };
        let idle: &[&str] = match what {
            PURCHASE => &["created", "sent", "viewed", "error", "overdue", "expired", "cancelled"],
            _ => &["initialized", "error"],
        };
        let unsure = || CallError::Unknown(format!("refused with {code}, and its state does not confirm it"));
        let state = self.state(what, id).await.map_err(|_| unsure())?;
        let status = made(what, &state.body).ok().and_then(|thing| wire::required("status", thing.status).ok());
        match status.filter(|status| idle.contains(&status.as_str())) {
            Some(_) => Err(CallError::Refused(code)),
            None => Err(unsure()),
        }
    }
}

/// Prompts the payer of a purchase.
pub(super) async fn purchase(client: &Client, order: &CollectCall) -> Result<RawAnswer, CallError> {
    let id = object(order.object.as_deref())?;
    let url = client.url(["p", id]);
    let answer = match client.generation {
        Generation::V2 => {
            // The phone is the one that the purchase was made with.
            let fields = [("s2s", "true"), ("pm", client.generation.method())];
            client.call_openly(url, Content::Form(&fields)).await?
        }
        Generation::V1(_) => {
            let who = client.who("payer", order.payer.phone.as_deref(), order.payer.email.as_deref())?;
            let phone = who.phone.ok_or_else(|| CallError::Refused("payer.phone: missing".to_owned()))?;
            let fields = [("Phone", phone.as_str()), ("pm", client.generation.method())];
            client.call_openly(url, Content::Form(&fields)).await?
        }
    };
    client.settle(PURCHASE, id, answer).await
}

/// Whether a payout can be carried out at all: asked before it is made, and again before it is carried out.
pub(super) fn payable(client: &Client, order: &PayoutCall) -> Result<(), CallError> {
    let Destination::Bank { bank, account_number, account_name, rail } = &order.to else {
        return Ok(());
    };
    must(client.generation == Generation::V2, "to: options.generation v1 pays to mobile money only")?;
    must(rail.is_none(), "to.rail: they offer no choice")?;
    let word = |text: &str, max: usize| {
        (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    must(word(bank, 11), "to.bank: expected a bank's code, up to 11 letters and digits")?;
    must(word(account_number, 34), "to.account_number: expected up to 34 letters and digits")?;
    let named = !account_name.trim().is_empty() && within(Some(account_name), NAME_MAX);
    must(named, "to.account_name: expected 1 to 128 characters")
}

/// Carries out a payout: its state first, since only one that was never tried, or that failed, may be tried.
pub(super) async fn payout(client: &Client, order: &PayoutCall) -> Result<RawAnswer, CallError> {
    let id = object(order.object.as_deref())?;
    payable(client, order)?;
    let state = client.state_before(PAYOUT, id).await?;
    let url = {
        let thing = made(PAYOUT, &state.body)?;
        match wire::required("status", thing.status).as_deref() {
            Ok("initialized" | "error") => {}
            // It is on its way already: what it says is the answer.
            Ok("pending" | "success") => return Ok(state),
            _ => return Err(CallError::Unknown("a payout in a state that nobody knows".to_owned())),
        }
        asked_for(client, &thing, order)?;
        execution_url(client, &thing, id)?
    };
    let not_sent = |_| CallError::NotSent("the request cannot be written".to_owned());
    let answer = match &order.to {
        Destination::Mobile { phone } => {
            let body = match client.generation {
                Generation::V2 => serde_json::to_vec(&Mobile { payout_type: "mobile" }).map_err(not_sent)?,
                Generation::V1(network) => {
                    let who = client.who("to", Some(phone), None)?;
                    let full = who.phone.ok_or_else(|| CallError::Refused("to.phone: missing".to_owned()))?;
                    // Airtel without the country's digits, MTN with them (section 3).
                    let phone = match network {
                        Network::Mtn => full.as_str(),
                        Network::Airtel => full.strip_prefix("256").unwrap_or(&full),
                    };
                    serde_json::to_vec(&MobileV1 { phone }).map_err(not_sent)?
                }
            };
            client.call_openly(url, Content::Json(&body)).await?
        }
        Destination::Bank { bank, account_number, account_name, .. } => {
            let body = Bank {
                payout_type: "bank",
                // They give no list of banks, so its name is as much as we have.
                bank_name: bank,
                bank_code: bank,
                bank_account_name: account_name,
                bank_account_number: account_number,
            };
            let body = serde_json::to_vec(&body).map_err(not_sent)?;
            client.call(Method::POST, url, Content::Json(&body)).await?
        }
    };
    client.settle(PAYOUT, id, answer).await
}

/// Where they want the payout carried out: nowhere but at the configured host, at this payout's own path (section 16).
fn execution_url(client: &Client, thing: &Thing<'_>, id: &str) -> Result<Url, CallError> {
    let given = wire::text("execution_url", thing.execution_url).ok().flatten();
    let given = given.and_then(|given| given.parse::<Url>().ok());
    let own = client.url(["po", id, client.generation.method()]);
    match given {
        Some(given) if given == own => Ok(own),
        _ => Err(CallError::Refused("execution_url: not this payout's path at the configured host".to_owned())),
    }
}
