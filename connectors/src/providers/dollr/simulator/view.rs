//! What the demo asks of any simulator: what is due, and the books to compare with.
//!
//! An object is an execution, by its reference. All payments of one hosted checkout are one object, by its source's own
//! label: nobody else's reference was ever named for them (provider facts, section 6).

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use ensimbi_events::{Amount, Currency, Time};
use sqlx::SqliteConnection;

use super::errors::damaged;
use super::rows::Execution;
use super::switches::Operation;
use super::{DollrSimulator, beliefs, wallets};
use crate::simulator::{
    Result, SimulatedCollection, SimulatedFee, SimulatedInvoice, SimulatedKind, SimulatedMovement, SimulatedObject,
    SimulatedWallet, Simulator, work,
};

pub(super) fn currency(text: &str) -> Result<Currency> {
    text.parse().map_err(|_| damaged("a stored currency is none"))
}

const fn amount(scaled: i64) -> Amount {
    Amount::from_scaled(scaled)
}

/// Every hosted source with a label, as an object on which nothing has moved yet; the latest of each label.
async fn hosted(
    db: &mut SqliteConnection,
    wallets: &HashMap<i64, String>,
) -> Result<BTreeMap<String, SimulatedObject>> {
    let rows: Vec<(String, String, String, i64, i64)> = sqlx::query_as(
        "SELECT s.label, s.status, s.currency, w.id,
           (SELECT coalesce(sum(qty * amount), 0) FROM item WHERE source = s.seq)
         FROM source s JOIN wallet w ON w.merchant = s.merchant AND w.currency = s.currency
         WHERE s.hosted = 1 AND s.label IS NOT NULL ORDER BY s.seq",
    )
    .fetch_all(db)
    .await?;
    let mut all: BTreeMap<String, SimulatedObject> = BTreeMap::new();
    for (label, status, code, wallet, total) in rows {
        // Of several under one label, one that is paid says how they stand.
        if all.get(&label).is_some_and(|before| before.status == "PAID") {
            continue;
        }
        let is_final = matches!(status.as_str(), "PAID" | "CANCELED" | "REFUNDED");
        let object = SimulatedObject {
            id: label.clone(),
            external_id: Some(label.clone()),
            kind: SimulatedKind::Collection,
            wallet_id: wallet.to_string(),
            purse: None,
            currency: currency(wallets.get(&wallet).unwrap_or(&code))?,
            status,
            is_final,
            amount: amount(total),
            fees: Amount::ZERO,
            effect: Amount::ZERO,
        };
        all.insert(label, object);
    }
    Ok(all)
}

#[async_trait]
impl Simulator for DollrSimulator {
    fn provider(&self) -> &'static str {
        "dollr"
    }

    async fn due(&self, now: Time) -> Result<u64> {
        work::due(self, now).await
    }

    async fn next_due(&self) -> Result<Option<Time>> {
        work::next_due(self).await
    }

    async fn wallets(&self) -> Result<Vec<SimulatedWallet>> {
        let mut tx = self.core.begin().await?;
        wallets::check_sums(&mut tx).await?;
        let all = wallets::all(&mut tx).await?;
        tx.commit().await?;
        let shown = all.into_iter().map(|of| {
            Ok(SimulatedWallet {
                provider_id: of.id.to_string(),
                purse: None,
                currency: currency(&of.currency)?,
                balance: amount(of.balance - of.unsettled),
                held: amount(of.unsettled),
                fees: None,
                pending: None,
            })
        });
        shown.collect()
    }

    async fn collections(&self) -> Result<Vec<SimulatedCollection>> {
        let all = self.objects().await?.into_iter().filter(|one| one.kind == SimulatedKind::Collection);
        let shown = all.map(|one| SimulatedCollection {
            id: one.id,
            external_id: one.external_id,
            wallet_id: one.wallet_id,
            currency: one.currency,
            status: one.status,
            amount: one.amount,
            fees: one.fees,
            net: one.effect,
        });
        Ok(shown.collect())
    }

    async fn objects(&self) -> Result<Vec<SimulatedObject>> {
        let mut tx = self.core.begin().await?;
        let wallets: HashMap<i64, String> =
            wallets::all(&mut tx).await?.into_iter().map(|of| (of.id, of.currency)).collect();
        let query = "SELECT * FROM execution WHERE operation <> 'TRANSFER' ORDER BY intent";
        let executions: Vec<Execution> = sqlx::query_as(query).fetch_all(&mut *tx).await?;
        let query = "SELECT intent, sum(effect) FROM posting WHERE intent IS NOT NULL GROUP BY intent";
        let sums: Vec<(i64, i64)> = sqlx::query_as(query).fetch_all(&mut *tx).await?;
        let sums: HashMap<i64, i64> = sums.into_iter().collect();
        let query = "SELECT seq, label FROM source WHERE hosted = 1 AND label IS NOT NULL";
        let labels: Vec<(i64, String)> = sqlx::query_as(query).fetch_all(&mut *tx).await?;
        let labels: HashMap<i64, String> = labels.into_iter().collect();
        let mut on_pages = hosted(&mut tx, &wallets).await?;
        tx.commit().await?;
        let mut shown = Vec::with_capacity(executions.len() + on_pages.len());
        for of in executions {
            let effect = sums.get(&of.intent).copied().unwrap_or_default();
            let label = of.source.filter(|_| of.hosted).and_then(|seq| labels.get(&seq));
            if let Some(page) = label.and_then(|label| on_pages.get_mut(label)) {
                let sum = page.effect.checked_add(amount(effect));
                page.effect = sum.ok_or_else(|| damaged("an amount is beyond its range"))?;
                page.fees = if of.succeeded() { amount(of.fees) } else { page.fees };
                continue;
            }
            let kind = match of.operation() {
                Operation::Collection => SimulatedKind::Collection,
                Operation::Payout | Operation::Transfer => SimulatedKind::Payout,
                Operation::Refund => SimulatedKind::Refund,
            };
            let code = wallets.get(&of.wallet).ok_or_else(|| damaged("a wallet is gone"))?;
            shown.push(SimulatedObject {
                kind,
                wallet_id: of.wallet.to_string(),
                purse: None,
                currency: currency(code)?,
                is_final: of.is_final(),
                amount: amount(of.payee_amount),
                fees: amount(of.fees),
                effect: amount(effect),
                external_id: Some(of.reference.clone()),
                id: of.reference,
                status: of.status,
            });
        }
        shown.extend(on_pages.into_values());
        Ok(shown)
    }

    async fn movements(&self) -> Result<Vec<SimulatedMovement>> {
        let mut tx = self.core.begin().await?;
        let rows: Vec<(i64, i64, String, String, i64, i64)> = sqlx::query_as(
            "SELECT p.id, p.wallet, w.currency, p.what, p.effect - p.unsettled, p.at FROM posting p
             JOIN wallet w ON w.id = p.wallet LEFT JOIN execution e ON e.intent = p.intent
             WHERE p.intent IS NULL OR e.operation = 'TRANSFER' ORDER BY p.wallet, p.at, p.id",
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let shown = rows.into_iter().map(|(id, wallet, code, category, effect, at)| {
            Ok(SimulatedMovement {
                id: format!("posting-{id}"),
                wallet_id: wallet.to_string(),
                purse: None,
                currency: currency(&code)?,
                category,
                at: Time::from_micros(at),
                effect: amount(effect),
            })
        });
        shown.collect()
    }

    async fn invoices(&self) -> Result<Vec<SimulatedInvoice>> {
        let mut tx = self.core.begin().await?;
        let all = beliefs::invoices(&mut tx).await?;
        tx.commit().await?;
        Ok(all)
    }

    async fn fees(&self) -> Result<Option<Vec<SimulatedFee>>> {
        let mut tx = self.core.begin().await?;
        let all = beliefs::fees(&mut tx, self.faults().switches.fx_fee_currency).await?;
        tx.commit().await?;
        Ok(Some(all))
    }
}
