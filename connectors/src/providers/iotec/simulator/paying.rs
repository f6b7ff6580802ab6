//! The two payout paths and the bank list. Order: token, read, wallet, gate of faults, funds, record, plan, commit,
//! answer. A payout may wait for a decision, then for its time, before it is on its way.

use ensimbi_events::Amount;
use sqlx::SqliteConnection;

use super::answer::Oddities;
use super::disburse::{self, Disburse};
use super::faults::{Fault, Faults};
use super::http::Outcome;
use super::lifecycle::{self, Rules, is_held, nine_tenths};
use super::payouts::Payout;
use super::records::{self, Kind, Made, Record};
use super::service::{BEFORE_READING, ON_CREATION, fits_wallet, is_undone, vendor};
use super::switches::{HeldPayouts, PayoutFee, ShortBalance};
use super::wrong::bad_request;
use super::{IotecSimulator, banks, moves, payouts, plan, status, wallets};
use crate::simulator::Result;
use crate::simulator::faults::gate;
use crate::simulator::work::BATCH;

/// Which of the two paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    MobileMoney,
    Bank,
}

/// What a payout costs its wallet, judged before anything is written.
struct Cost {
    amount: Amount,
    fee: Amount,
    status: &'static str,
    unfunded: bool,
}

impl IotecSimulator {
    pub(super) async fn disburse(&self, token: Option<&str>, path: Path, body: &[u8]) -> Result<Outcome> {
        let faults = self.faults();
        let Some(mut tx) = self.authorised(token).await? else { return Ok(self.unauthorised()) };
        let refused = |message: &str| Ok(Outcome::Refused(bad_request(message)));
        let read = match path {
            Path::MobileMoney => disburse::read(body, faults.switches),
            Path::Bank => disburse::read_bank(body, faults.switches),
        };
        let asked = match read {
            Ok(asked) => asked,
            Err(message) => return refused(message),
        };
        let Some(wallet) = wallets::by_id(&mut tx, &asked.wallet_id).await? else { return refused("Invalid wallet") };
        let number = asked.to_bank.is_none().then_some(asked.payee.as_str());
        if let Err(message) = fits_wallet(&wallet, asked.currency.as_deref(), number) {
            return refused(message);
        }
        let reference = asked.external_id.clone().unwrap_or_default();
        let drawn = gate(&mut tx, &faults, "disburse", &reference, &ON_CREATION).await?;
        if let Some(drawn) = drawn.filter(|drawn| is_undone(*drawn)) {
            return self.end_undone(tx, drawn, token).await;
        }
        let nth = 1 + records::sharing(&mut tx, "Disbursement", asked.external_id.as_deref()).await?;
        let object = format!("{reference}#{nth}");
        let cost = match self.cost(&mut tx, &faults, &asked, &object).await? {
            Ok(cost) => cost,
            Err(message) => return refused(message),
        };
        let vendor = match &asked.to_bank {
            Some(_) if wallet.currency != "ITX" => "Stanbic",
            _ => vendor(&wallet.currency, &asked.payee),
        };
        let made = Made {
            kind: Kind::Disbursement,
            id: faults.draws().uuid("disbursement", &reference, nth).to_string(),
            object,
            external_id: asked.external_id.as_deref(),
            wallet_id: &wallet.id,
            currency: &wallet.currency,
            status: cost.status,
            amount: cost.amount,
            own_fee: cost.fee,
            vendor_fee: Amount::ZERO,
            through_wallet: true,
            party: &asked.payee,
            party_name: None,
            payer_note: asked.payer_note.as_deref(),
            payee_note: asked.payee_note.as_deref(),
            redirect_url: None,
            vendor,
            at: self.core.now(),
        };
        let of = records::create(&mut tx, made).await?;
        let own = payouts::create(&mut tx, &of, &asked, faults.switches, cost.unfunded).await?;
        let early = self.begin_payout(&mut tx, &faults, &of, &own).await?;
        let odd = Oddities { status: None, extra_fields: faults.hits(Fault::ExtraFields, &of.key(), 0) };
        // The record as it was made, with the rows that its acceptance made, whatever has overtaken the answer.
        let shown = if faults.switches.immediate_outcome { records::by_seq(&mut tx, of.seq).await? } else { of };
        let text = status::whole(&mut tx, &faults, &shown, odd).await?;
        self.settle_to_now(&mut tx, &faults).await?;
        self.end_creation(tx, &faults, (shown.seq, early), drawn, text).await
    }

    /// Judges funds and fee. The inner error is the message of the 400.
    async fn cost(
        &self,
        db: &mut SqliteConnection,
        faults: &Faults,
        asked: &Disburse,
        object: &str,
    ) -> Result<std::result::Result<Cost, &'static str>> {
        let switches = faults.switches;
        let key = ["payout/", object].concat();
        let wrong = faults.hits(Fault::WrongAmount, &key, 0);
        let amount = if wrong { nine_tenths(asked.amount) } else { asked.amount };
        let fee = self.settings.payout_fee(amount);
        let whole = match switches.payout_fee {
            PayoutFee::OnTop => amount.checked_add(fee),
            // Nothing would be left for the payee.
            PayoutFee::Inside => Some(amount).filter(|amount| *amount > fee),
        };
        let Some(whole) = whole else { return Ok(Err("Invalid amount")) };
        let waits = asked.send_at.is_some_and(|at| at > self.core.now());
        let status = match (switches.maker_checker, waits) {
            (true, _) => "AwaitingApproval",
            (false, true) => "Scheduled",
            (false, false) => "Pending",
        };
        let looked_at_later = is_held(status) && switches.held_payouts == HeldPayouts::OnRelease;
        let unfunded = !looked_at_later && !moves::can_pay(db, &asked.wallet_id, whole).await?;
        if unfunded && switches.short_balance == ShortBalance::Refused {
            return Ok(Err("Insufficient balance"));
        }
        Ok(Ok(Cost { amount, fee, status, unfunded }))
    }

    /// Debits and plans a new payout. The flag: its callback comes before its answer.
    async fn begin_payout(
        &self,
        db: &mut SqliteConnection,
        faults: &Faults,
        of: &Record,
        own: &Payout,
    ) -> Result<bool> {
        let called_back = self.called_back();
        let rules = Rules { settings: &self.settings, faults, called_back: &called_back };
        let at = ensimbi_events::Time::from_micros(of.created_at);
        if is_held(&of.status) {
            if own.held_debit_at_creation {
                moves::accept(&mut *db, faults, of, at, false).await?;
            }
            if let ("Scheduled", Some(due)) = (of.status.as_str(), own.send_at) {
                let due = ensimbi_events::Time::from_micros(due);
                plan::add_step(db, of.seq, due, "Pending", "Request is being processed").await?;
            }
            return Ok(false);
        }
        let own = moves::accept(&mut *db, faults, of, at, false).await?;
        // The plan must know what acceptance has moved.
        let of = records::by_seq(&mut *db, of.seq).await?;
        let early = faults.hits(Fault::CallbackBeforeAnswer, &of.key(), 0);
        plan::payout(&mut *db, rules, (&of, &own), at, early || faults.switches.immediate_outcome).await?;
        if faults.switches.immediate_outcome {
            lifecycle::settle(db, rules, at, BATCH).await?;
        }
        Ok(early)
    }

    async fn settle_to_now(&self, db: &mut SqliteConnection, faults: &Faults) -> Result<()> {
        let called_back = self.called_back();
        let rules = Rules { settings: &self.settings, faults, called_back: &called_back };
        lifecycle::settle(db, rules, self.core.now(), BATCH).await?;
        Ok(())
    }

    pub(super) async fn bank_list(&self, token: Option<&str>) -> Result<Outcome> {
        let faults = self.faults();
        let Some(mut tx) = self.authorised(token).await? else { return Ok(self.unauthorised()) };
        let drawn = gate(&mut tx, &faults, "bank-list", "", &BEFORE_READING).await?;
        let text = banks::list()?;
        self.end_reading(tx, drawn, token, text).await
    }
}
