//! What the demo asks of any simulator: what is due, and the books to compare with.

use std::collections::HashMap;

use async_trait::async_trait;
use ensimbi_events::{Amount, Currency, Time};

use super::records::Kind;
use super::{IotecSimulator, lifecycle, records, rows, wallets};
use crate::simulator::{
    Result, SimulatedKind, SimulatedMovement, SimulatedObject, SimulatedWallet, Simulator, SimulatorError, work,
};

#[async_trait]
impl Simulator for IotecSimulator {
    fn provider(&self) -> &'static str {
        "iotec"
    }

    async fn due(&self, now: Time) -> Result<u64> {
        work::due(self, now).await
    }

    async fn next_due(&self) -> Result<Option<Time>> {
        work::next_due(self).await
    }

    async fn wallets(&self) -> Result<Vec<SimulatedWallet>> {
        let mut tx = self.core.begin().await?;
        let wallets = wallets::all(&mut tx).await?;
        tx.commit().await?;
        let shown = wallets.into_iter().map(|wallet| {
            Ok(SimulatedWallet {
                currency: currency(&wallet.currency)?,
                provider_id: wallet.id,
                purse: None,
                balance: Amount::from_scaled(wallet.balance),
                held: Amount::ZERO,
                fees: None,
                pending: None,
            })
        });
        shown.collect()
    }

    async fn objects(&self) -> Result<Vec<SimulatedObject>> {
        let mut tx = self.core.begin().await?;
        let found = records::page(&mut tx, 0, i64::MAX).await?;
        let mut shown = Vec::with_capacity(found.len());
        for of in found {
            let effect = rows::net(&rows::of_record(&mut tx, of.seq).await?)?;
            let kind = match of.kind() {
                Kind::Collection => SimulatedKind::Collection,
                Kind::Disbursement => SimulatedKind::Payout,
            };
            shown.push(SimulatedObject {
                kind,
                currency: currency(&of.currency)?,
                is_final: lifecycle::is_final(&of.status),
                amount: of.amount(),
                fees: of.fees()?,
                effect,
                id: of.id,
                external_id: of.external_id,
                wallet_id: of.wallet_id,
                purse: None,
                status: of.status,
            });
        }
        tx.commit().await?;
        Ok(shown)
    }

    async fn movements(&self) -> Result<Vec<SimulatedMovement>> {
        let mut tx = self.core.begin().await?;
        let rows = rows::alone(&mut tx).await?;
        let wallets = wallets::all(&mut tx).await?;
        tx.commit().await?;
        let currencies: HashMap<_, _> = wallets.into_iter().map(|wallet| (wallet.id, wallet.currency)).collect();
        let shown = rows.into_iter().map(|row| {
            let effect = row.effect()?;
            let at = Time::from_micros(row.created_at);
            let (purse, category) = (None, row.category);
            let currency = currency(currencies.get(&row.wallet_id).map_or("", String::as_str))?;
            Ok(SimulatedMovement { id: row.id, wallet_id: row.wallet_id, purse, currency, category, at, effect })
        });
        shown.collect()
    }
}

fn currency(text: &str) -> Result<Currency> {
    text.parse().map_err(|_| SimulatorError::Damaged("a stored currency is none".to_owned()))
}
