//! What the demo asks of any simulator: what is due, and the books to compare with.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use ensimbi_events::{Amount, Currency, Time};
use sqlx::Row;

use super::{IotecSimulator, books};
use crate::simulator::{Result, SimulatedCollection, SimulatedWallet, Simulator, SimulatorError};

#[async_trait]
impl Simulator for IotecSimulator {
    fn provider(&self) -> &'static str {
        "iotec"
    }

    async fn due(&self, now: Time) -> Result<u64> {
        // In this order: a request is either busy now, or began later, or its work is in the file that is read next.
        let begun = self.begun.load(Ordering::SeqCst);
        let busy = self.busy.load(Ordering::SeqCst);
        let mut tx = self.file.begin().await?;
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM step WHERE done = 0 AND due_at <= ?1)
                  + (SELECT count(*) FROM callback WHERE state = 'due' AND due_at <= ?1)",
        );
        let count: i64 = row.bind(now.micros()).fetch_one(&mut *tx).await?.try_get(0)?;
        tx.commit().await?;
        let later = self.begun.load(Ordering::SeqCst).saturating_sub(begun);
        Ok(count.unsigned_abs() + busy + later)
    }

    async fn next_due(&self) -> Result<Option<Time>> {
        let mut tx = self.file.begin().await?;
        let row = sqlx::query(
            "SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM step WHERE done = 0
               UNION ALL SELECT min(due_at) FROM callback WHERE state = 'due')",
        );
        let next: Option<i64> = row.fetch_one(&mut *tx).await?.try_get(0)?;
        tx.commit().await?;
        Ok(next.map(Time::from_micros))
    }

    async fn wallets(&self) -> Result<Vec<SimulatedWallet>> {
        let mut tx = self.file.begin().await?;
        let wallets = books::wallets(&mut tx).await?;
        tx.commit().await?;
        let shown = wallets.into_iter().map(|wallet| {
            Ok(SimulatedWallet {
                currency: currency(&wallet.currency)?,
                provider_id: wallet.id,
                balance: Amount::from_scaled(wallet.balance),
            })
        });
        shown.collect()
    }

    async fn collections(&self) -> Result<Vec<SimulatedCollection>> {
        let mut tx = self.file.begin().await?;
        let mut shown = Vec::new();
        for of in books::page(&mut tx, 0, i64::MAX).await? {
            let rows = books::rows(&mut tx, of.seq).await?;
            shown.push(SimulatedCollection {
                currency: currency(&of.currency)?,
                amount: of.amount(),
                fees: of.fees()?,
                net: books::net(&rows)?,
                id: of.id,
                external_id: of.external_id,
                wallet_id: of.wallet_id,
                status: of.status,
            });
        }
        tx.commit().await?;
        Ok(shown)
    }
}

fn currency(text: &str) -> Result<Currency> {
    text.parse().map_err(|_| SimulatorError::Damaged("a stored currency is none".to_owned()))
}
