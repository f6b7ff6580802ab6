//! What the provider's people do, under `POST /_sim/admin`: nothing of it has a call in the API (provider facts,
//! sections 5, 8, 9.3, 10 and 15). One action at a time, a JSON object with its name.

use ensimbi_events::Time;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::objects::{self, Kind, Object};
use super::purses::{self, Posting, Purse};
use super::settings::bad;
use super::status::enter;
use super::steps::Rules;
use super::templates::Money;
use super::{PaytotaSimulator, collecting, events, keys, lines, returning};
use crate::simulator::Result;

/// What can be done by hand.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Action {
    /// Moves collected money into the payouts purse, or `back`.
    Transfer {
        currency: String,
        amount: i64,
        #[serde(default)]
        back: bool,
    },
    /// Takes money of a purchase back.
    Chargeback { id: String, amount: Option<i64> },
    /// Gives the last chargeback back.
    ReverseChargeback { id: String },
    /// The bank asks for papers.
    Retrieve { id: String },
    /// Undoes a success by a custom payment.
    Undo { id: String },
    /// What was given up turns out to be paid.
    PayLate { id: String },
    /// Announces that a paid purchase was settled; the status stays.
    Settle { id: String },
    /// One of the words of the sister platform: `cleared`, `settled`, `blocked`.
    SetStatus { id: String, status: String },
    /// A custom payment into a purse or, `outgoing`, out of it.
    Custom {
        currency: String,
        #[serde(default)]
        payouts: bool,
        amount: i64,
        #[serde(default)]
        outgoing: bool,
    },
    /// Makes the webhook's next key.
    RotateWebhookKey(bool),
}

impl PaytotaSimulator {
    /// Does it, and gives what came of it.
    pub(super) async fn administer(&self, action: Action) -> Result<Value> {
        let mut tx = self.begin().await?;
        let moment = self.moment();
        let (rules, now) = (moment.rules(&self.settings), moment.now);
        let made = match action {
            Action::Transfer { currency, amount, back } => {
                self.known(&currency, amount)?;
                Some(transfer(&mut tx, rules, &currency, (amount, back), now).await?)
            }
            Action::Chargeback { id, amount } => {
                let of = found(&mut tx, &id).await?;
                returning::charge_back(&mut tx, rules, of, amount, now).await?
            }
            Action::ReverseChargeback { id } => {
                let of = found(&mut tx, &id).await?;
                returning::reverse(&mut tx, rules, of, now).await?
            }
            Action::Undo { id } => {
                let of = found(&mut tx, &id).await?;
                returning::undo(&mut tx, rules, of, now).await?
            }
            Action::Retrieve { id } => {
                let of = found(&mut tx, &id).await?;
                returning::retrieve(&mut tx, rules, of, now).await?;
                Some(id)
            }
            Action::PayLate { id } => {
                let of = found(&mut tx, &id).await?;
                collecting::late(&mut tx, rules, of, now).await?;
                Some(id)
            }
            Action::Settle { id } => {
                let mut of = found(&mut tx, &id).await?;
                if of.status() != "paid" {
                    return Err(bad("only what is paid is settled"));
                }
                events::announce(&mut tx, rules, &mut of, "purchase.settled", now).await?;
                Some(id)
            }
            Action::SetStatus { id, status } => {
                let mut of = found(&mut tx, &id).await?;
                let word = matches!(status.as_str(), "cleared" | "settled" | "blocked");
                if of.kind != Kind::Purchase || !word || !super::status::purchase_may(of.status(), &status) {
                    return Err(bad("status: cleared, settled or blocked, of a paid purchase"));
                }
                enter(&mut tx, &mut of, &status, None, now).await?;
                Some(id)
            }
            Action::Custom { currency, payouts, amount, outgoing } => {
                self.known(&currency, amount)?;
                let purse = if payouts { Purse::Payouts } else { Purse::Collections };
                Some(custom(&mut tx, rules, (&currency, purse), (amount, outgoing), now).await?)
            }
            Action::RotateWebhookKey(true) => {
                let alone = now.plus(self.settings.key_overlap);
                keys::rotate(&mut tx, self.key_seed, self.settings.key_bits.0, alone).await?;
                let keys = keys::load(&mut tx, self.key_seed, self.settings.key_bits).await?;
                self.core.commit(tx).await?;
                self.set_keys(keys);
                return Ok(json!({"alone_at": alone}));
            }
            Action::RotateWebhookKey(false) => return Err(bad("rotate_webhook_key: true")),
        };
        self.core.commit(tx).await?;
        self.core.wake();
        let made = made.ok_or_else(|| bad("the object is not in a state for that"))?;
        Ok(json!({ "id": made }))
    }

    fn known(&self, currency: &str, amount: i64) -> Result<()> {
        let fits = self.settings.currency(currency).is_some() && (1..=1_000_000_000_000).contains(&amount);
        if fits { Ok(()) } else { Err(bad("a known currency and an amount above zero are needed")) }
    }
}

async fn found(db: &mut SqliteConnection, id: &str) -> Result<Object> {
    for kind in [Kind::Purchase, Kind::Payout] {
        if let Some(of) = objects::by_id(&mut *db, kind, id).await? {
            return Ok(of);
        }
    }
    Err(bad("id: no such object"))
}

/// A custom payment that belongs to nothing.
async fn custom(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    (currency, purse): (&str, Purse),
    (amount, outgoing): (i64, bool),
    at: Time,
) -> Result<String> {
    let nth = objects::count(&mut *db, "custom", 1).await?.unsigned_abs();
    let id = rules.faults.draws().uuid("custom_alone", currency, nth).to_string();
    let posting = Posting::new("custom_payment", &id, (currency, purse), at);
    purses::post(&mut *db, posting.gross(if outgoing { -amount } else { amount })).await?;
    let money = Money { amount, fee: 0, pending: 0, unfreeze: None, outgoing, payment_type: "custom", paid: Some(at) };
    line(db, &id, "custom_payment", currency, &money, at).await?;
    Ok(id)
}

async fn line(
    db: &mut SqliteConnection,
    uid: &str,
    product: &'static str,
    currency: &str,
    money: &Money,
    at: Time,
) -> Result<()> {
    let whose = lines::Whose { uid, object: None, product, related_to: "", currency, created: at };
    lines::add(db, whose, money).await
}

/// Moves money between the purses of a currency: one payment, a posting in each. Outgoing is out of the collections
/// purse.
async fn transfer(
    db: &mut SqliteConnection,
    rules: Rules<'_>,
    currency: &str,
    (amount, back): (i64, bool),
    at: Time,
) -> Result<String> {
    let nth = objects::count(&mut *db, "transfer", 1).await?.unsigned_abs();
    let id = rules.faults.draws().uuid("transfer", currency, nth).to_string();
    let into_payouts = if back { -amount } else { amount };
    for (purse, effect) in [(Purse::Collections, -into_payouts), (Purse::Payouts, into_payouts)] {
        purses::post(&mut *db, Posting::new("payout_balance_transfer", &id, (currency, purse), at).gross(effect))
            .await?;
    }
    let (fee, pending, unfreeze, payment_type) = (0, 0, None, "custom");
    let money = Money { amount, fee, pending, unfreeze, outgoing: !back, payment_type, paid: Some(at) };
    line(db, &id, "payout_balance_transfer", currency, &money, at).await?;
    Ok(id)
}

/// A transfer of a part of what is collected, where there is anything.
pub(super) async fn transfer_some(db: &mut SqliteConnection, rules: Rules<'_>, currency: &str, at: Time) -> Result<()> {
    let available = purses::one(&mut *db, currency, Purse::Collections).await?.available;
    let amount = available / 10;
    if amount < 1 {
        return Ok(());
    }
    transfer(db, rules, currency, (amount, false), at).await.map(|_| ())
}
