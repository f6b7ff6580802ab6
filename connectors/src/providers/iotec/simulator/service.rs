//! What each path does once its request is read: settle what is due, check the token, gate of faults, work, commit.

use std::time::Duration;

use axum::http::StatusCode;
use ensimbi_events::Time;
use sqlx::{Row, Sqlite, SqliteConnection, Transaction};

use super::answer::{self, Oddities};
use super::books::{self, Collection, Made};
use super::faults::{ChargeCustomer, Fault, Faults, Lookup};
use super::http::Outcome;
use super::lifecycle::{self, Rules};
use super::request::{self, Collect, Group};
use super::wrong::{self, Drawn, bad_request};
use super::{BATCH, IotecSimulator, money, tokens};
use crate::simulator::Result;
use crate::simulator::file;

/// Longest id in a path.
const ID_MAX: usize = 400;
/// A status word that is in nobody's documents.
const UNKNOWN_STATUS: &str = "UnderReview";

const BEFORE_READING: [Fault; 6] = [
    Fault::UnauthorizedMidRun,
    Fault::RateLimited,
    Fault::ServerError,
    Fault::UnknownStatus,
    Fault::HalfAnswer,
    Fault::HtmlAnswer,
];
const ON_CREATION: [Fault; 7] = [
    Fault::UnauthorizedMidRun,
    Fault::RateLimited,
    Fault::ServerError,
    Fault::TimeoutAfterAcceptance,
    Fault::ErrorAfterAcceptance,
    Fault::HalfAnswer,
    Fault::HtmlAnswer,
];
const ON_TOKEN: [Fault; 4] = [Fault::RateLimited, Fault::ServerError, Fault::HalfAnswer, Fault::HtmlAnswer];

impl IotecSimulator {
    pub(super) async fn token(&self) -> Result<Outcome> {
        let (now, faults) = (self.now(), self.faults());
        let mut tx = self.file.begin().await?;
        let drawn = wrong::gate(&mut tx, &faults, "token", &self.settings.client_id, &ON_TOKEN).await?;
        let token = tokens::issue(&mut tx, now, now.plus(self.settings.token_lifetime)).await?;
        self.commit(tx).await?;
        let text = serde_json::json!({
            "access_token": token, "expires_in": self.settings.token_lifetime.as_secs(),
            "token_type": "Bearer", "scope": "profile email",
        })
        .to_string();
        Ok(drawn.map_or(Outcome::Good(text.clone()), |drawn| Outcome::Spoilt(drawn, text)))
    }

    /// Starts an authorised request: everything due is applied first. `None` is a 401.
    async fn authorised(&self, token: Option<&str>) -> Result<Option<Transaction<'static, Sqlite>>> {
        let Some(token) = token else { return Ok(None) };
        self.settle(self.now()).await?;
        let mut tx = self.file.begin().await?;
        Ok(if self.is_good(&mut tx, token).await? { Some(tx) } else { None })
    }

    fn unauthorised(&self) -> Outcome {
        Outcome::Refused(self.refusal(StatusCode::UNAUTHORIZED))
    }

    pub(super) async fn collect(&self, token: Option<&str>, body: &[u8]) -> Result<Outcome> {
        let faults = self.faults();
        let Some(mut tx) = self.authorised(token).await? else { return Ok(self.unauthorised()) };
        let refused = |message: &str| Ok(Outcome::Refused(bad_request(message)));
        let asked = match request::read(body, faults.switches) {
            Ok(asked) => asked,
            Err(message) => return refused(message),
        };
        let Some(wallet) = books::wallet(&mut tx, &asked.wallet_id).await? else { return refused("Invalid wallet") };
        if asked.currency.as_ref().is_some_and(|currency| *currency != wallet.currency) {
            return refused("Invalid currency for the wallet");
        }
        match (wallet.currency == "ITX", request::group(&asked.payer)) {
            (true, Group::Real) => return refused("The test wallet takes test numbers only"),
            (false, Group::Success | Group::Failed | Group::Pending | Group::SentToVendor) => {
                return refused("Test numbers need the test wallet");
            }
            _ => {}
        }
        let reference = asked.external_id.clone().unwrap_or_default();
        let drawn = wrong::gate(&mut tx, &faults, "collect", &reference, &ON_CREATION).await?;
        let undone = [Fault::UnauthorizedMidRun, Fault::RateLimited, Fault::ServerError];
        if let Some(drawn) = drawn.filter(|drawn| undone.contains(&drawn.fault)) {
            self.drop_for(&mut tx, drawn, token).await?;
            self.commit(tx).await?;
            return Ok(Outcome::Spoilt(drawn, String::new()));
        }
        let Some((of, early)) = self.record(&mut tx, &faults, asked, wallet.currency).await? else {
            return refused("Invalid amount");
        };
        // What the caller sees is the record as it was made, whatever has overtaken the answer.
        let shown = if faults.switches.immediate_outcome { books::by_seq(&mut tx, of.seq).await? } else { of };
        let rows = if faults.switches.immediate_outcome { books::rows(&mut tx, shown.seq).await? } else { Vec::new() };
        self.commit(tx).await?;
        self.wake.notify_one();
        if early {
            self.wait_for_callback(shown.seq, faults.parameters.callback_before_answer_ms).await?;
        }
        let extra_fields = faults.hits(Fault::ExtraFields, &shown.object, 0);
        let text = answer::collection(&shown, &rows, Oddities { status: None, extra_fields })?;
        Ok(drawn.map_or(Outcome::Good(text.clone()), |drawn| Outcome::Spoilt(drawn, text)))
    }

    /// Makes the record and its plan. `None`: its fees are beyond the range. The flag: its callback comes first.
    async fn record(
        &self,
        db: &mut SqliteConnection,
        faults: &Faults,
        asked: Collect,
        currency: String,
    ) -> Result<Option<(Collection, bool)>> {
        let rounding = faults.switches.fee_rounding;
        let own_fee = money::fee(asked.amount, self.settings.own_fee, rounding);
        let vendor_fee = money::fee(asked.amount, self.settings.vendor_fee, rounding);
        let (Some(own_fee), Some(vendor_fee)) = (own_fee, vendor_fee) else { return Ok(None) };
        if own_fee.checked_add(vendor_fee).is_none() {
            return Ok(None);
        }
        let nth = books::next_record(&mut *db, asked.external_id.as_deref()).await?;
        let reference = asked.external_id.as_deref().unwrap_or_default();
        let vendor = match (currency.as_str(), asked.payer.trim_start_matches("256").trim_start_matches('0').get(..2)) {
            ("ITX", _) => "Mock",
            (_, Some("70" | "74" | "75")) => "Airtel",
            _ => "Mtn",
        };
        let made = Made {
            id: faults.draws().uuid("collection", reference, nth).to_string(),
            object: format!("{reference}#{nth}"),
            currency,
            own_fee,
            vendor_fee,
            through_wallet: !asked.charge_customer || faults.switches.charge_customer == ChargeCustomer::B,
            vendor,
            at: self.now(),
        };
        let of = books::create(&mut *db, &asked, made).await?;
        let early = faults.hits(Fault::CallbackBeforeAnswer, &of.object, 0);
        let called_back = self.called_back();
        let rules = Rules { settings: &self.settings, faults, called_back: &called_back };
        lifecycle::plan(&mut *db, rules, &of, early || faults.switches.immediate_outcome).await?;
        lifecycle::settle(db, rules, Time::from_micros(of.created_at), BATCH).await?;
        Ok(Some((of, early)))
    }

    /// Waits until nothing of the collection is due any more, but not for ever: the receiver may wait for us.
    async fn wait_for_callback(&self, seq: i64, limit_ms: u64) -> Result<()> {
        let waiting = async {
            loop {
                let sent = self.sent.notified();
                let mut tx = self.file.begin().await?;
                let row = sqlx::query(
                    "SELECT count(*) FROM callback WHERE collection = ?1 AND state = 'due' AND due_at <= ?2",
                );
                let row = row.bind(seq).bind(self.now().micros()).fetch_one(&mut *tx).await?;
                let count: i64 = row.try_get(0)?;
                tx.commit().await?;
                if count == 0 {
                    return Ok(());
                }
                // The notice may have come before we listened; a short look again costs nothing.
                let _ = tokio::time::timeout(Duration::from_millis(50), sent).await;
            }
        };
        tokio::time::timeout(Duration::from_millis(limit_ms), waiting).await.unwrap_or(Ok(()))
    }

    pub(super) async fn look_up(&self, token: Option<&str>, what: &str, id: &str) -> Result<Outcome> {
        let faults = self.faults();
        let Some(mut tx) = self.authorised(token).await? else { return Ok(self.unauthorised()) };
        let mut found = match what {
            _ if id.len() > ID_MAX => Vec::new(),
            "status" => books::by_id(&mut tx, id).await?.into_iter().collect(),
            _ => books::by_external_id(&mut tx, id).await?,
        };
        let as_array = what != "status" && faults.switches.lookup == Lookup::Array;
        if what != "status" && faults.switches.lookup == Lookup::Oldest {
            found.reverse();
        }
        if !as_array {
            found.truncate(1);
        }
        let Some(first) = found.first() else { return Ok(Outcome::Refused(self.refusal(StatusCode::NOT_FOUND))) };
        if self.is_hidden(&mut tx, &faults, first).await? {
            self.commit(tx).await?;
            return Ok(Outcome::Refused(self.refusal(StatusCode::NOT_FOUND)));
        }
        let drawn = wrong::gate(&mut tx, &faults, what, &first.object, &BEFORE_READING).await?;
        let mut texts = Vec::with_capacity(found.len());
        for of in &found {
            let rows = books::rows(&mut tx, of.seq).await?;
            let unknown = drawn.is_some_and(|drawn| drawn.fault == Fault::UnknownStatus);
            let status = unknown.then_some(UNKNOWN_STATUS);
            let extra_fields = faults.hits(Fault::ExtraFields, &of.object, 0);
            texts.push(answer::collection(of, &rows, Oddities { status, extra_fields })?);
        }
        let text = if as_array { answer::array(&texts) } else { texts.swap_remove(0) };
        self.end_reading(tx, drawn, token, text).await
    }

    pub(super) async fn wallet_balance(&self, token: Option<&str>, id: &str) -> Result<Outcome> {
        let faults = self.faults();
        let Some(mut tx) = self.authorised(token).await? else { return Ok(self.unauthorised()) };
        let Some(wallet) = books::wallet(&mut tx, id).await? else {
            return Ok(Outcome::Refused(self.refusal(StatusCode::NOT_FOUND)));
        };
        let drawn = wrong::gate(&mut tx, &faults, "wallet-balance", id, &BEFORE_READING).await?;
        let text = answer::wallet(&wallet)?;
        self.end_reading(tx, drawn, token, text).await
    }

    async fn end_reading(
        &self,
        mut tx: Transaction<'static, Sqlite>,
        drawn: Option<Drawn>,
        token: Option<&str>,
        text: String,
    ) -> Result<Outcome> {
        match drawn {
            None => {
                // Counted questions only; without any this writes nothing and costs no sync.
                tx.commit().await?;
                Ok(Outcome::Good(text))
            }
            Some(drawn) => {
                self.drop_for(&mut tx, drawn, token).await?;
                self.commit(tx).await?;
                Ok(Outcome::Spoilt(drawn, text))
            }
        }
    }

    async fn drop_for(&self, db: &mut SqliteConnection, drawn: Drawn, token: Option<&str>) -> Result<()> {
        match (drawn.fault, token) {
            (Fault::UnauthorizedMidRun, Some(token)) => tokens::drop_token(db, token).await,
            _ => Ok(()),
        }
    }

    /// Whether the record cannot be found yet: one to three look-ups, and only shortly after its creation.
    async fn is_hidden(&self, db: &mut SqliteConnection, faults: &Faults, of: &Collection) -> Result<bool> {
        let age = self.now().since(Time::from_micros(of.created_at));
        if age > Duration::from_secs(u64::from(faults.parameters.not_found_seconds))
            || !faults.hits(Fault::NotFoundRightAfter, &of.object, 0)
        {
            return Ok(false);
        }
        let (nth, _) = file::ask(db, "not-found", &of.object).await?;
        Ok(nth <= 1 + faults.draws().below("not_found_times", &of.object, 0, 3))
    }
}
