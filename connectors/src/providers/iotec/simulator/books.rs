//! The books as the control shows them: wallets, records with their final truth, counts, and the rows of a wallet.

use std::collections::{BTreeMap, HashMap};

use ensimbi_events::{Amount, Time};
use serde::Serialize;
use sqlx::Row;

use super::answer;
use super::records::{Kind, Record};
use super::rows::{WalletRow, too_large};
use super::{IotecSimulator, balance, lifecycle, records, rows, wallets};
use crate::simulator::control::shown;
use crate::simulator::{Result, work};

/// A number with all but its last two digits hidden.
fn masked(party: &str) -> String {
    let kept = party.chars().count().saturating_sub(2);
    party.chars().enumerate().map(|(index, c)| if index < kept { '*' } else { c }).collect()
}

#[derive(Serialize)]
struct WalletShown {
    id: String,
    currency: String,
    balance: Amount,
    actual_balance: Amount,
    available_balance: Amount,
    rows: i64,
}

/// A record as it truly is, whatever the answers say.
#[derive(Serialize)]
struct RecordShown {
    seq: i64,
    id: String,
    external_id: Option<String>,
    kind: String,
    wallet_id: String,
    currency: String,
    status: String,
    #[serde(rename = "final")]
    is_final: bool,
    amount: Amount,
    transaction_charge: Amount,
    vendor_charge: Amount,
    total_charge: Amount,
    /// What its rows took out of the wallet and put into it, and both together.
    wallet_debit: Amount,
    wallet_credit: Amount,
    net: Amount,
    /// The payer or the payee.
    payer: String,
    /// How many records of its kind have this external id.
    records: u64,
    created_at: Time,
}

fn sum(rows: &[WalletRow], operation: &str) -> Result<Amount> {
    let rows = rows.iter().filter(|row| row.operation == operation).map(|row| Amount::from_scaled(row.amount));
    Amount::checked_sum(rows).ok_or_else(too_large)
}

fn record(of: Record, rows: &[WalletRow], records: u64) -> Result<RecordShown> {
    Ok(RecordShown {
        seq: of.seq,
        amount: of.amount(),
        transaction_charge: Amount::from_scaled(of.own_fee),
        vendor_charge: Amount::from_scaled(of.vendor_fee),
        total_charge: of.fees()?,
        wallet_debit: sum(rows, "Deduct")?,
        wallet_credit: sum(rows, "TopUp")?,
        net: rows::net(rows)?,
        payer: masked(&of.party),
        records,
        created_at: Time::from_micros(of.created_at),
        is_final: lifecycle::is_final(&of.status),
        id: of.id,
        external_id: of.external_id,
        kind: of.kind,
        wallet_id: of.wallet_id,
        currency: of.currency,
        status: of.status,
    })
}

impl IotecSimulator {
    pub(super) async fn show_books(&self, after: i64, limit: i64) -> Result<serde_json::Value> {
        let (now, faults) = (self.core.now(), self.faults());
        work::settle(self, now).await?;
        let mut tx = self.core.begin().await?;
        let mut wallets_shown = Vec::new();
        for wallet in wallets::all(&mut tx).await? {
            let actual = Amount::from_scaled(wallet.balance);
            wallets_shown.push(WalletShown {
                balance: actual,
                actual_balance: actual,
                available_balance: balance::available(&mut tx, &faults, &wallet).await?,
                rows: wallet.last_number,
                id: wallet.id,
                currency: wallet.currency,
            });
        }
        let (mut collections, mut payouts) = (Vec::new(), Vec::new());
        let found = records::page(&mut tx, after, limit).await?;
        let full = i64::try_from(found.len()).unwrap_or(i64::MAX) == limit;
        let next_after = found.last().filter(|_| full).map(|last| last.seq);
        for of in found {
            let rows = rows::of_record(&mut tx, of.seq).await?;
            let sharing = records::sharing(&mut tx, &of.kind, of.external_id.as_deref()).await?;
            let list = if of.kind() == Kind::Collection { &mut collections } else { &mut payouts };
            list.push(record(of, &rows, sharing)?);
        }
        let counted = [
            "SELECT status, count(*) FROM record WHERE kind = 'Collection' GROUP BY status",
            "SELECT status, count(*) FROM record WHERE kind = 'Disbursement' GROUP BY status",
            "SELECT state, count(*) FROM callback GROUP BY state",
        ];
        let mut counts: [BTreeMap<String, i64>; 3] = Default::default();
        for (counts, query) in counts.iter_mut().zip(counted) {
            for row in sqlx::query(query).fetch_all(&mut *tx).await? {
                counts.insert(row.try_get(0)?, row.try_get(1)?);
            }
        }
        let repeated: i64 = sqlx::query(
            "SELECT count(*) FROM (SELECT 1 FROM record WHERE external_id IS NOT NULL
               GROUP BY kind, external_id HAVING count(*) > 1)",
        )
        .fetch_one(&mut *tx)
        .await?
        .try_get(0)?;
        tx.commit().await?;
        let [by_status, payouts_by_status, callbacks] = counts;
        shown(serde_json::json!({
            "now": now, "wallets": wallets_shown, "collections": collections, "payouts": payouts,
            "next_after": next_after,
            "counts": {
                "collections": by_status.values().sum::<i64>(), "by_status": by_status,
                "payouts": payouts_by_status.values().sum::<i64>(), "payouts_by_status": payouts_by_status,
                "callbacks": callbacks, "repeated_external_ids": repeated,
                "wallet_rows": wallets_shown.iter().map(|wallet| wallet.rows).sum::<i64>(),
            },
        }))
    }

    /// The rows of a wallet, after a number, at most `limit`, as a JSON list. `None`: no such wallet.
    pub(super) async fn rows_text(&self, wallet_id: &str, after: i64, limit: i64) -> Result<Option<String>> {
        work::settle(self, self.core.now()).await?;
        let mut tx = self.core.begin().await?;
        if wallets::by_id(&mut tx, wallet_id).await?.is_none() {
            return Ok(None);
        }
        let rows = rows::of_wallet(&mut tx, wallet_id, after, limit).await?;
        let mut known: HashMap<i64, Record> = HashMap::new();
        for seq in rows.iter().filter_map(|row| row.record) {
            if let std::collections::hash_map::Entry::Vacant(place) = known.entry(seq) {
                place.insert(records::by_seq(&mut tx, seq).await?);
            }
        }
        tx.commit().await?;
        let switches = self.faults().switches;
        let list: Vec<_> =
            rows.iter().map(|row| answer::row(row.record.and_then(|seq| known.get(&seq)), row, switches)).collect();
        answer::text(&list).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_is_shown_by_the_last_two_digits_only() {
        assert_eq!(masked("0111777771"), "********71");
        assert_eq!(masked("é1"), "é1");
    }
}
