//! What a person does by hand under `/_sim/`: money into and out of a wallet, decisions about payouts, any status, what
//! the name check found, and wrong figures in the answers about one object.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use ensimbi_events::{Amount, Time};
use serde::Deserialize;
use sqlx::{Sqlite, Transaction};

use super::control::{Sim, answer, problem};
use super::lifecycle::{self, Rules, STATUSES};
use super::records::{self, Kind, Record};
use super::rows::{self, Movement};
use super::{IotecSimulator, payouts, plan, wallets};
use crate::simulator::control::read;
use crate::simulator::work::{self, BATCH};
use crate::simulator::{Result, SimulatorError};

const MEMO_MAX: usize = 200;
const NAME_STATUSES: [&str; 7] = ["Pending", "Fetched", "Failed", "Matched", "NotMatched", "NotFound", "Barred"];

pub(super) fn routes() -> Router<Arc<IotecSimulator>> {
    Router::new()
        .route("/_sim/deposit", post(deposit))
        .route("/_sim/liquidation", post(liquidation))
        .route("/_sim/transfer", post(transfer))
        .route("/_sim/decide", post(decide))
        .route("/_sim/wrong", post(wrong))
        .route("/_sim/collections/{id}/status", post(set_status))
        .route("/_sim/payouts/{id}/status", post(set_status))
        .route("/_sim/payouts/{id}/name", post(set_name))
}

fn bad(text: &str) -> SimulatorError {
    SimulatorError::Settings(text.to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Money {
    wallet_id: String,
    amount: Amount,
    memo: Option<String>,
    /// Of a transfer: `TopUp` (the default) or `Deduct`.
    operation: Option<String>,
    /// Of a transfer: `Transfer` (the default) or `RevenueShare`.
    category: Option<String>,
}

async fn deposit(State(sim): Sim, body: Bytes) -> Response {
    move_by_hand(&sim, &body, "Deposit").await
}

async fn liquidation(State(sim): Sim, body: Bytes) -> Response {
    move_by_hand(&sim, &body, "Liquidation").await
}

async fn transfer(State(sim): Sim, body: Bytes) -> Response {
    move_by_hand(&sim, &body, "Transfer").await
}

async fn move_by_hand(sim: &IotecSimulator, body: &[u8], kind: &'static str) -> Response {
    let _busy = sim.core.busy();
    let result: Result<Money> = read(body);
    answer(match result {
        Ok(asked) => sim.move_by_hand(asked, kind).await,
        Err(error) => Err(error),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decide {
    id: Option<String>,
    external_id: Option<String>,
    decision: String,
    remarks: Option<String>,
}

async fn decide(State(sim): Sim, body: Bytes) -> Response {
    let _busy = sim.core.busy();
    let asked: Result<Decide> = read(&body);
    answer(match asked {
        Ok(asked) => sim.decide(asked).await,
        Err(error) => Err(error),
    })
}

/// What is absent or `null` is said truly again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    id: String,
    amount: Option<Amount>,
    transaction_charge: Option<Amount>,
    vendor_charge: Option<Amount>,
    total_charge: Option<Amount>,
}

async fn wrong(State(sim): Sim, body: Bytes) -> Response {
    let _busy = sim.core.busy();
    let asked: Result<Wrong> = read(&body);
    answer(match asked {
        Ok(asked) => sim.say_wrong(asked).await,
        Err(error) => Err(error),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStatus {
    status: String,
}

async fn set_status(State(sim): Sim, Path(id): Path<String>, body: Bytes) -> Response {
    let _busy = sim.core.busy();
    let asked: Result<NewStatus> = read(&body);
    let status = match asked {
        Ok(asked) => STATUSES.into_iter().find(|status| *status == asked.status),
        Err(error) => return answer(Err(error)),
    };
    let Some(status) = status else { return problem(StatusCode::BAD_REQUEST, "status: one of the nine documented") };
    answer(sim.set_status(&id, status).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewName {
    status: String,
    name: Option<String>,
}

async fn set_name(State(sim): Sim, Path(id): Path<String>, body: Bytes) -> Response {
    let _busy = sim.core.busy();
    let asked: Result<NewName> = read(&body);
    answer(match asked {
        Ok(asked) => sim.set_name(&id, asked).await,
        Err(error) => Err(error),
    })
}

impl IotecSimulator {
    async fn move_by_hand(&self, asked: Money, kind: &'static str) -> Result<serde_json::Value> {
        let is_transfer = kind == "Transfer";
        if !is_transfer && (asked.operation.is_some() || asked.category.is_some()) {
            return Err(bad("operation, category: only a transfer has them"));
        }
        let top_up = match asked.operation.as_deref() {
            None => kind != "Liquidation",
            Some("TopUp") => true,
            Some("Deduct") => false,
            Some(_) => return Err(bad("operation: TopUp or Deduct")),
        };
        let category = match asked.category.as_deref() {
            None => kind,
            Some("Transfer") => "Transfer",
            Some("RevenueShare") => "RevenueShare",
            Some(_) => return Err(bad("category: Transfer or RevenueShare")),
        };
        if !asked.amount.is_positive() || asked.memo.as_ref().is_some_and(|memo| memo.len() > MEMO_MAX) {
            return Err(bad("amount: above zero; memo: at most 200 bytes"));
        }
        let mut tx = self.settled().await?;
        let Some(wallet) = wallets::by_id(&mut tx, &asked.wallet_id).await? else {
            return Err(bad("wallet_id: no such wallet"));
        };
        let balance = Amount::from_scaled(wallet.balance);
        let after = if top_up { balance.checked_add(asked.amount) } else { balance.checked_sub(asked.amount) };
        if after.is_none_or(|after| !top_up && after.is_negative()) {
            return Err(bad("amount: the wallet cannot give or hold so much"));
        }
        let movement = Movement::alone(top_up, category, asked.amount, asked.memo);
        rows::move_alone(&mut tx, self.faults().draws(), &wallet.id, movement, self.core.now()).await?;
        let row = rows::of_wallet(&mut tx, &wallet.id, wallet.last_number, 1).await?.pop();
        self.core.commit(tx).await?;
        let row = row.ok_or_else(|| SimulatorError::Damaged("a movement without its row".to_owned()))?;
        Ok(serde_json::json!({
            "id": row.id, "transaction_number": row.number, "operation": row.operation, "category": row.category,
            "amount": asked.amount, "balance": Amount::from_scaled(row.balance),
        }))
    }

    /// A transaction with everything due applied.
    async fn settled(&self) -> Result<Transaction<'static, Sqlite>> {
        work::settle(self, self.core.now()).await?;
        let mut tx = self.core.begin().await?;
        let (faults, called_back) = (self.faults(), self.called_back());
        let rules = Rules { settings: &self.settings, faults: &faults, called_back: &called_back };
        lifecycle::settle(&mut tx, rules, self.core.now(), BATCH).await?;
        Ok(tx)
    }

    async fn decide(&self, asked: Decide) -> Result<serde_json::Value> {
        if asked.remarks.as_ref().is_some_and(|remarks| remarks.len() > MEMO_MAX) {
            return Err(bad("remarks: at most 200 bytes"));
        }
        let mut tx = self.settled().await?;
        let found = match (&asked.id, &asked.external_id) {
            (Some(id), None) => records::by_id(&mut tx, id).await?.filter(|of| of.kind() == Kind::Disbursement),
            (None, Some(external_id)) => {
                records::by_external_id(&mut tx, Kind::Disbursement, external_id).await?.into_iter().next()
            }
            _ => return Err(bad("expected id or external_id")),
        };
        let of = found.ok_or_else(|| bad("no payout has this id"))?;
        let own = payouts::by_record(&mut tx, of.seq).await?;
        let now = self.core.now();
        let due = own.send_at.map(Time::from_micros).filter(|due| *due > now);
        let (category, status, from): (_, _, &[&str]) = match asked.decision.as_str() {
            "approve" if due.is_some() => ("Approve", "Scheduled", &["AwaitingApproval"]),
            "approve" => ("Approve", "Pending", &["AwaitingApproval"]),
            "reject" => ("Reject", "Rejected", &["AwaitingApproval"]),
            "cancel" => ("Cancel", "Cancelled", &["AwaitingApproval", "Scheduled", "Pending"]),
            "roll_back" => ("Rollback", "RolledBack", &["SentToVendor", "Success"]),
            _ => return Err(bad("decision: approve, reject, cancel or roll_back")),
        };
        if !from.contains(&of.status.as_str()) {
            return Err(bad(&format!("a payout in {} is not there to {}", of.status, asked.decision)));
        }
        let faults = self.faults();
        let nth = payouts::decisions(&mut tx, of.seq).await?.len() as u64;
        let id = faults.draws().uuid("decision", &of.key(), nth).to_string();
        payouts::add_decision(&mut tx, of.seq, id, category, asked.remarks.as_deref(), now).await?;
        if let ("Scheduled", Some(due)) = (status, due) {
            plan::add_step(&mut tx, of.seq, due, "Pending", "Request is being processed").await?;
        }
        self.become_by_hand(tx, &of, status).await
    }

    async fn set_status(&self, id: &str, status: &'static str) -> Result<serde_json::Value> {
        let mut tx = self.settled().await?;
        let of = records::by_id(&mut tx, id).await?.ok_or_else(|| bad("nothing has this id"))?;
        self.become_by_hand(tx, &of, status).await
    }

    async fn become_by_hand(
        &self,
        mut tx: Transaction<'static, Sqlite>,
        of: &Record,
        status: &'static str,
    ) -> Result<serde_json::Value> {
        let (faults, called_back) = (self.faults(), self.called_back());
        let rules = Rules { settings: &self.settings, faults: &faults, called_back: &called_back };
        lifecycle::set_status(&mut tx, rules, of, status, self.core.now()).await?;
        self.core.commit(tx).await?;
        self.core.wake();
        Ok(serde_json::json!({ "id": of.id, "status": status }))
    }

    async fn set_name(&self, id: &str, asked: NewName) -> Result<serde_json::Value> {
        let status = NAME_STATUSES.into_iter().find(|status| *status == asked.status);
        let status = status.ok_or_else(|| bad("status: one of the seven documented"))?;
        if asked.name.as_ref().is_some_and(|name| name.len() > MEMO_MAX) {
            return Err(bad("name: at most 200 bytes"));
        }
        let mut tx = self.settled().await?;
        let found = records::by_id(&mut tx, id).await?.filter(|of| of.kind() == Kind::Disbursement);
        let of = found.ok_or_else(|| bad("no payout has this id"))?;
        payouts::set_name(&mut tx, of.seq, status, asked.name.as_deref()).await?;
        self.core.commit(tx).await?;
        Ok(serde_json::json!({ "id": id, "name_status": status }))
    }

    async fn say_wrong(&self, asked: Wrong) -> Result<serde_json::Value> {
        let mut tx = self.settled().await?;
        let of = records::by_id(&mut tx, &asked.id).await?.ok_or_else(|| bad("nothing has this id"))?;
        sqlx::query(
            "UPDATE record SET said_amount = ?2, said_own_fee = ?3, said_vendor_fee = ?4, said_total = ?5
             WHERE seq = ?1",
        )
        .bind(of.seq)
        .bind(asked.amount.map(Amount::scaled))
        .bind(asked.transaction_charge.map(Amount::scaled))
        .bind(asked.vendor_charge.map(Amount::scaled))
        .bind(asked.total_charge.map(Amount::scaled))
        .execute(&mut *tx)
        .await?;
        self.core.commit(tx).await?;
        Ok(serde_json::json!({ "id": of.id }))
    }
}
