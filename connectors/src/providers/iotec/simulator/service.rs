//! What the paths of collections and both look-ups do once a request is read: settle what is due, check the token, gate
//! of faults, work, commit.

use std::time::Duration;

use axum::http::StatusCode;
use ensimbi_events::Time;
use sqlx::{Row, Sqlite, SqliteConnection, Transaction};

use super::answer::{self, Oddities};
use super::faults::{Fault, Faults};
use super::http::Outcome;
use super::lifecycle::{self, Rules};
use super::records::{self, Kind, Made, Record};
use super::request::{self, Collect, Group};
use super::switches::{ChargeCustomer, Lookup};
use super::wrong::{Drawn, bad_request};
use super::{IotecSimulator, money, plan, status, tokens, wallets};
use crate::simulator::faults::gate;
use crate::simulator::work::{self, BATCH};
use crate::simulator::{Result, file};

/// Longest id in a path.
const ID_MAX: usize = 400;
/// A status word that is in nobody's documents.
pub(super) const UNKNOWN_STATUS: &str = "UnderReview";

pub(super) const BEFORE_READING: [Fault; 6] = [
    Fault::UnauthorizedMidRun,
    Fault::RateLimited,
    Fault::ServerError,
    Fault::UnknownStatus,
    Fault::HalfAnswer,
    Fault::HtmlAnswer,
];
pub(super) const ON_CREATION: [Fault; 8] = [
    Fault::UnauthorizedMidRun,
    Fault::RateLimited,
    Fault::ServerError,
    Fault::TimeoutAfterAcceptance,
    Fault::ErrorAfterAcceptance,
    Fault::HalfAnswer,
    Fault::HtmlAnswer,
    Fault::CutBeforeAcceptance,
];
/// Those of the above after which nothing was done.
const UNDONE: [Fault; 4] =
    [Fault::UnauthorizedMidRun, Fault::RateLimited, Fault::ServerError, Fault::CutBeforeAcceptance];
const ON_TOKEN: [Fault; 4] = [Fault::RateLimited, Fault::ServerError, Fault::HalfAnswer, Fault::HtmlAnswer];

impl IotecSimulator {
    pub(super) async fn token(&self) -> Result<Outcome> {
        let (now, faults) = (self.core.now(), self.faults());
        let mut tx = self.core.begin().await?;
        let drawn = gate(&mut tx, &faults, "token", &self.settings.client_id, &ON_TOKEN).await?;
        let token = tokens::issue(&mut tx, now, now.plus(self.settings.token_lifetime)).await?;
        self.core.commit(tx).await?;
        let text = serde_json::json!({
            "access_token": token, "expires_in": self.settings.token_lifetime.as_secs(),
            "token_type": "Bearer", "scope": "profile email",
        })
        .to_string();
        Ok(Outcome::of(drawn, StatusCode::OK, text))
    }

    /// Starts an authorised request: everything due is applied first. `None` is a 401.
    pub(super) async fn authorised(&self, token: Option<&str>) -> Result<Option<Transaction<'static, Sqlite>>> {
        let Some(token) = token else { return Ok(None) };
        work::settle(self, self.core.now()).await?;
        let mut tx = self.core.begin().await?;
        Ok(if self.is_good(&mut tx, token).await? { Some(tx) } else { None })
    }

    pub(super) fn unauthorised(&self) -> Outcome {
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
        let Some(wallet) = wallets::by_id(&mut tx, &asked.wallet_id).await? else { return refused("Invalid wallet") };
        if let Err(message) = fits_wallet(&wallet, asked.currency.as_deref(), Some(&asked.payer)) {
            return refused(message);
        }
        let reference = asked.external_id.clone().unwrap_or_default();
        let drawn = gate(&mut tx, &faults, "collect", &reference, &ON_CREATION).await?;
        if let Some(drawn) = drawn.filter(|drawn| is_undone(*drawn)) {
            return self.end_undone(tx, drawn, token).await;
        }
        let Some((of, early)) = self.record(&mut tx, &faults, asked, &wallet.currency).await? else {
            return refused("Invalid amount");
        };
        // What the caller sees is the record as it was made, whatever has overtaken the answer.
        let shown = if faults.switches.immediate_outcome { records::by_seq(&mut tx, of.seq).await? } else { of };
        let odd = Oddities { status: None, extra_fields: faults.hits(Fault::ExtraFields, &shown.key(), 0) };
        let text = match faults.switches.immediate_outcome {
            true => status::text(&mut tx, &faults, &shown, odd).await?,
            false => status::invented(&mut tx, &faults, &shown, odd).await?,
        };
        self.end_creation(tx, &faults, (shown.seq, early), drawn, text).await
    }

    /// Ends a creation that a fault has prevented.
    pub(super) async fn end_undone(
        &self,
        mut tx: Transaction<'static, Sqlite>,
        drawn: Drawn,
        token: Option<&str>,
    ) -> Result<Outcome> {
        self.drop_for(&mut tx, drawn, token).await?;
        self.core.commit(tx).await?;
        Ok(Outcome::Spoilt(drawn, StatusCode::OK, String::new()))
    }

    /// Commits a creation and, where its callback comes first (`early`), waits for that.
    pub(super) async fn end_creation(
        &self,
        tx: Transaction<'static, Sqlite>,
        faults: &Faults,
        (seq, early): (i64, bool),
        drawn: Option<Drawn>,
        text: String,
    ) -> Result<Outcome> {
        self.core.commit(tx).await?;
        self.core.wake();
        if early {
            self.core.wait_sent(faults.parameters.callback_before_answer_ms, || self.is_told(seq)).await?;
        }
        Ok(Outcome::of(drawn, StatusCode::OK, text))
    }

    /// Makes the record and its plan. `None`: its fees are beyond the range. The flag: its callback comes first.
    async fn record(
        &self,
        db: &mut SqliteConnection,
        faults: &Faults,
        asked: Collect,
        currency: &str,
    ) -> Result<Option<(Record, bool)>> {
        let rounding = faults.switches.fee_rounding;
        let own_fee = money::fee(asked.amount, self.settings.own_fee, rounding);
        let vendor_fee = money::fee(asked.amount, self.settings.vendor_fee, rounding);
        let (Some(own_fee), Some(vendor_fee)) = (own_fee, vendor_fee) else { return Ok(None) };
        if own_fee.checked_add(vendor_fee).is_none() {
            return Ok(None);
        }
        let nth = 1 + records::sharing(&mut *db, "Collection", asked.external_id.as_deref()).await?;
        let reference = asked.external_id.as_deref().unwrap_or_default();
        let made = Made {
            kind: Kind::Collection,
            id: faults.draws().uuid("collection", reference, nth).to_string(),
            object: format!("{reference}#{nth}"),
            external_id: asked.external_id.as_deref(),
            wallet_id: &asked.wallet_id,
            currency,
            status: "Pending",
            amount: asked.amount,
            own_fee,
            vendor_fee,
            through_wallet: !asked.charge_customer || faults.switches.charge_customer == ChargeCustomer::B,
            party: &asked.payer,
            party_name: asked.payer_name.as_deref(),
            payer_note: asked.payer_note.as_deref(),
            payee_note: asked.payee_note.as_deref(),
            redirect_url: asked.redirect_url.as_deref(),
            vendor: vendor(currency, &asked.payer),
            at: self.core.now(),
        };
        let of = records::create(&mut *db, made).await?;
        let early = faults.hits(Fault::CallbackBeforeAnswer, &of.key(), 0);
        let called_back = self.called_back();
        let rules = Rules { settings: &self.settings, faults, called_back: &called_back };
        plan::collection(&mut *db, rules, &of, early || faults.switches.immediate_outcome).await?;
        lifecycle::settle(db, rules, Time::from_micros(of.created_at), BATCH).await?;
        Ok(Some((of, early)))
    }

    /// Whether no callback of the record is due any more.
    async fn is_told(&self, seq: i64) -> Result<bool> {
        let mut tx = self.core.begin().await?;
        let row = sqlx::query("SELECT count(*) FROM callback WHERE record = ?1 AND state = 'due' AND due_at <= ?2");
        let row = row.bind(seq).bind(self.core.now().micros()).fetch_one(&mut *tx).await?;
        let count: i64 = row.try_get(0)?;
        tx.commit().await?;
        Ok(count == 0)
    }

    /// Both look-ups of both kinds: by the provider's id, or by an external id.
    pub(super) async fn look_up(&self, token: Option<&str>, kind: Kind, by: By, id: &str) -> Result<Outcome> {
        let faults = self.faults();
        let Some(mut tx) = self.authorised(token).await? else { return Ok(self.unauthorised()) };
        let mut found = match by {
            _ if id.len() > ID_MAX => Vec::new(),
            By::Id => records::by_id(&mut tx, id).await?.into_iter().filter(|of| of.kind() == kind).collect(),
            By::ExternalId => records::by_external_id(&mut tx, kind, id).await?,
        };
        let as_array = by == By::ExternalId && faults.switches.lookup == Lookup::Array;
        if by == By::ExternalId && faults.switches.lookup == Lookup::Oldest {
            found.reverse();
        }
        if !as_array {
            found.truncate(1);
        }
        let Some(first) = found.first() else { return Ok(Outcome::Refused(self.refusal(StatusCode::NOT_FOUND))) };
        if self.is_hidden(&mut tx, &faults, first).await? {
            self.core.commit(tx).await?;
            return Ok(Outcome::Refused(self.refusal(StatusCode::NOT_FOUND)));
        }
        let drawn = gate(&mut tx, &faults, by.word(), &first.key(), &BEFORE_READING).await?;
        let unknown = drawn.is_some_and(|drawn| drawn.fault == Fault::UnknownStatus);
        let mut texts = Vec::with_capacity(found.len());
        for of in &found {
            let extra_fields = faults.hits(Fault::ExtraFields, &of.key(), 0);
            let odd = Oddities { status: unknown.then_some(UNKNOWN_STATUS), extra_fields };
            texts.push(status::text(&mut tx, &faults, of, odd).await?);
        }
        let text = if as_array { answer::array(&texts) } else { texts.swap_remove(0) };
        self.end_reading(tx, drawn, token, text).await
    }

    pub(super) async fn end_reading(
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
                Ok(Outcome::Good(StatusCode::OK, text))
            }
            Some(drawn) => {
                self.drop_for(&mut tx, drawn, token).await?;
                self.core.commit(tx).await?;
                Ok(Outcome::Spoilt(drawn, StatusCode::OK, text))
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
    async fn is_hidden(&self, db: &mut SqliteConnection, faults: &Faults, of: &Record) -> Result<bool> {
        let (age, key) = (self.core.now().since(Time::from_micros(of.created_at)), of.key());
        if age > Duration::from_secs(u64::from(faults.parameters.not_found_seconds))
            || !faults.hits(Fault::NotFoundRightAfter, &key, 0)
        {
            return Ok(false);
        }
        let (nth, _) = file::ask(db, "not-found", &key).await?;
        Ok(nth <= 1 + faults.draws().below("not_found_times", &key, 0, 3))
    }
}

/// Whether a creation was prevented by its fault.
pub(super) fn is_undone(drawn: Drawn) -> bool {
    UNDONE.contains(&drawn.fault)
}

/// By what a record is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Id,
    ExternalId,
}

impl By {
    /// The path's word, and the name of the question.
    const fn word(self) -> &'static str {
        match self {
            Self::Id => "status",
            Self::ExternalId => "external-id",
        }
    }
}

/// Whether the wallet takes this currency and number; the error is the message of the 400.
pub(super) fn fits_wallet(
    wallet: &wallets::Wallet,
    currency: Option<&str>,
    number: Option<&str>,
) -> std::result::Result<(), &'static str> {
    if currency.is_some_and(|currency| currency != wallet.currency) {
        return Err("Invalid currency for the wallet");
    }
    match (wallet.currency == "ITX", number.map(request::group)) {
        (true, Some(Group::Real)) => Err("The test wallet takes test numbers only"),
        (false, Some(Group::Success | Group::Failed | Group::Pending | Group::SentToVendor)) => {
            Err("Test numbers need the test wallet")
        }
        _ => Ok(()),
    }
}

/// The network of a number.
pub(super) fn vendor(currency: &str, number: &str) -> &'static str {
    match (currency, number.trim_start_matches("256").trim_start_matches('0').get(..2)) {
        ("ITX", _) => "Mock",
        (_, Some("70" | "74" | "75")) => "Airtel",
        _ => "Mtn",
    }
}
