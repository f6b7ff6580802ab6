//! What the provider's people do, under `POST /_sim/admin`: nothing of it has a call in the API. One action at a time, a
//! JSON object with its name.

use ensimbi_events::Amount;
use serde::Deserialize;
use serde_json::{Value, json};

use super::outcomes::{self, Why};
use super::rows::{Execution, Kind};
use super::settings::bad;
use super::sources::enter;
use super::wallets::{self, Posting};
use super::{Desk, DollrSimulator};
use crate::simulator::{Result, work};

/// What can be done by hand.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Action {
    /// Takes a success back.
    Reverse { reference: String },
    /// Ends an execution that is under way, well or not.
    End { reference: String, fails: bool },
    /// Gives an execution any word; nothing moves.
    SetStatus { reference: String, status: String },
    /// Cancels a source that is not paid, in whatever status.
    Cancel { kind: String, id: i64 },
    /// Puts money into a wallet, or takes it where the amount is below zero, as in the portal.
    Deposit { wallet: i64, amount: Amount },
    /// An account can be executed no longer.
    Deactivate { account: i64 },
}

/// Longest status by hand.
const STATUS_MAX: usize = 64;

impl DollrSimulator {
    /// Does it, and gives what came of it.
    pub(super) async fn administer(&self, action: Action) -> Result<Value> {
        work::settle(self, self.core.now()).await?;
        let (faults, base) = (self.faults(), self.base());
        let mut tx = self.core.begin().await?;
        let (settings, now) = (&self.settings, self.core.now());
        let mut desk = Desk { db: &mut tx, settings, faults: &faults, base: &base, now, drawn: None };
        let done = act(&mut desk, action).await?;
        if !done {
            return Err(bad("it is not in a state for that"));
        }
        self.core.commit(tx).await?;
        self.core.wake();
        Ok(json!({"done": true}))
    }
}

async fn found(desk: &mut Desk<'_>, reference: &str) -> Result<Execution> {
    let query = "SELECT * FROM execution WHERE reference = ?1";
    let found = sqlx::query_as(query).bind(reference).fetch_optional(&mut *desk.db).await?;
    found.ok_or_else(|| bad("reference: no such execution"))
}

async fn act(desk: &mut Desk<'_>, action: Action) -> Result<bool> {
    match action {
        Action::Reverse { reference } => {
            let of = found(desk, &reference).await?;
            outcomes::reverse(desk, of.intent).await
        }
        Action::End { reference, fails } => {
            let of = found(desk, &reference).await?;
            if of.is_final() {
                return Ok(false);
            }
            if fails {
                outcomes::fail(desk, of, Why::Declined).await?;
            } else {
                outcomes::succeed(desk, of).await?;
            }
            Ok(true)
        }
        Action::SetStatus { reference, status } => {
            if status.is_empty() || status.len() > STATUS_MAX {
                return Err(bad("status: 1 to 64 bytes"));
            }
            let of = found(desk, &reference).await?;
            outcomes::set_status(desk, of, &status).await?;
            Ok(true)
        }
        Action::Cancel { kind, id } => {
            let kind = Kind::of(&kind).ok_or_else(|| bad("kind: INVOICE or ORDER"))?;
            let query = "SELECT seq FROM source WHERE kind = ?1 AND id = ?2";
            let seq: Option<i64> =
                sqlx::query_scalar(query).bind(kind.word()).bind(id).fetch_optional(&mut *desk.db).await?;
            let mut of = desk.source(seq.ok_or_else(|| bad("id: no such source"))?).await?;
            if of.status == "PAID" {
                return Ok(false);
            }
            enter(desk, &mut of, "CANCELED").await?;
            Ok(true)
        }
        Action::Deposit { wallet, amount } => {
            if !desk.settings.merchants.iter().flat_map(|one| &one.wallets).any(|one| one.id == wallet) {
                return Err(bad("wallet: no such wallet"));
            }
            let (what, effect, at) = ("deposit", amount.scaled(), desk.now);
            wallets::post(&mut *desk.db, Posting { wallet, intent: None, what, effect, unsettled: 0, at }).await?;
            Ok(true)
        }
        Action::Deactivate { account } => {
            let query = "UPDATE account SET is_active = 0 WHERE id = ?1";
            Ok(sqlx::query(query).bind(account).execute(&mut *desk.db).await?.rows_affected() == 1)
        }
    }
}
