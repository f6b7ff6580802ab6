//! The wallet balance (provider facts, section 6): `actualBalance`, the deprecated `availableBalance`, and the four
//! deprecated callback fields, which by a switch show what is registered, the secret header value included.

use axum::http::StatusCode;
use ensimbi_events::Amount;
use secrecy::ExposeSecret;
use serde::Serialize;
use sqlx::SqliteConnection;

use super::IotecSimulator;
use super::answer::text;
use super::faults::Faults;
use super::http::Outcome;
use super::money::Number;
use super::records::Kind;
use super::rows::too_large;
use super::service::BEFORE_READING;
use super::wallets::{self, Wallet};
use crate::simulator::Result;
use crate::simulator::faults::gate;

/// What stands in the secret's field where nobody registered a callback, so that a reader has something to hide.
const NO_SECRET: &str = "Bearer simulated-unregistered-callback-secret";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WalletAnswer<'a> {
    currency: &'a str,
    id: &'a str,
    partner_id: &'a str,
    name: &'a str,
    actual_balance: Number,
    available_balance: Number,
    collection_call_back_url: Option<String>,
    disbursement_call_back_url: Option<String>,
    call_back_security_header_key: Option<String>,
    call_back_security_header_value: Option<String>,
}

/// What may be used of a wallet: all of it, or by the switch all but what is on its way out.
pub(super) async fn available(db: &mut SqliteConnection, faults: &Faults, wallet: &Wallet) -> Result<Amount> {
    let actual = Amount::from_scaled(wallet.balance);
    if !faults.switches.available_holds_in_flight {
        return Ok(actual);
    }
    actual.checked_sub(wallets::promised(db, &wallet.id).await?).ok_or_else(too_large)
}

impl IotecSimulator {
    pub(super) async fn wallet_balance(&self, token: Option<&str>, id: &str) -> Result<Outcome> {
        let faults = self.faults();
        let Some(mut tx) = self.authorised(token).await? else { return Ok(self.unauthorised()) };
        let Some(wallet) = wallets::by_id(&mut tx, id).await? else {
            return Ok(Outcome::Refused(self.refusal(StatusCode::NOT_FOUND)));
        };
        let drawn = gate(&mut tx, &faults, "wallet-balance", id, &BEFORE_READING).await?;
        let mut answer = WalletAnswer {
            currency: &wallet.currency,
            id: &wallet.id,
            partner_id: &wallet.partner_id,
            name: &wallet.name,
            actual_balance: Number(Amount::from_scaled(wallet.balance)),
            available_balance: Number(available(&mut tx, &faults, &wallet).await?),
            collection_call_back_url: None,
            disbursement_call_back_url: None,
            call_back_security_header_key: None,
            call_back_security_header_value: None,
        };
        if faults.switches.show_callback_secret {
            let [collections, payouts] = [Kind::Collection, Kind::Disbursement].map(|kind| self.target(id, kind));
            let any = collections.as_ref().or(payouts.as_ref());
            let secret = any.map_or(NO_SECRET, |target| target.header_value.expose_secret());
            answer.call_back_security_header_value = Some(secret.to_owned());
            answer.call_back_security_header_key =
                Some(any.map_or("Authorization", |target| &target.header_name).to_owned());
            answer.collection_call_back_url = collections.map(|target| target.url);
            answer.disbursement_call_back_url = payouts.map(|target| target.url);
        }
        let text = text(&answer)?;
        self.end_reading(tx, drawn, token, text).await
    }
}
