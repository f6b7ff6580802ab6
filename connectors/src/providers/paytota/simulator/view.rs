//! What the demo asks of any simulator: what is due, and the books to compare with.

use std::collections::HashMap;

use async_trait::async_trait;
use ensimbi_events::{Amount, Currency, Time};

use super::objects::{self, Kind, damaged};
use super::{PaytotaSimulator, purses, status};
use crate::simulator::{
    Result, SimulatedInvoice, SimulatedKind, SimulatedMovement, SimulatedObject, SimulatedWallet, Simulator, work,
};

/// Digits of an amount's own scale.
const SCALE: u32 = 4;

/// An amount of a currency's smallest unit, exact.
fn amount(units: i64, exponent: u8) -> Result<Amount> {
    let unit = 10_i64.pow(SCALE.saturating_sub(u32::from(exponent)));
    units.checked_mul(unit).map(Amount::from_scaled).ok_or_else(|| damaged("an amount is beyond its range"))
}

/// An amount of a currency's smallest unit, as people write it.
pub(super) fn digits(units: i64, exponent: u8) -> String {
    amount(units, exponent).map(|amount| amount.to_string()).unwrap_or_default()
}

impl PaytotaSimulator {
    fn exponent(&self, currency: &str) -> Result<u8> {
        let known = self.settings.currency(currency).map(|one| one.exponent);
        known.ok_or_else(|| damaged("a stored currency is not offered"))
    }
}

fn currency(text: &str) -> Result<Currency> {
    text.parse().map_err(|_| damaged("a stored currency is none"))
}

fn purse(word: &str) -> Option<&'static str> {
    [purses::Purse::Collections, purses::Purse::Payouts].into_iter().map(purses::Purse::word).find(|one| *one == word)
}

#[async_trait]
impl Simulator for PaytotaSimulator {
    fn provider(&self) -> &'static str {
        "paytota"
    }

    async fn due(&self, now: Time) -> Result<u64> {
        work::due(self, now).await
    }

    async fn next_due(&self) -> Result<Option<Time>> {
        work::next_due(self).await
    }

    async fn wallets(&self) -> Result<Vec<SimulatedWallet>> {
        let mut tx = self.core.begin().await?;
        purses::check_sums(&mut tx).await?;
        let purses = purses::all(&mut tx).await?;
        tx.commit().await?;
        let shown = purses.into_iter().map(|of| {
            let exponent = self.exponent(&of.currency)?;
            Ok(SimulatedWallet {
                provider_id: self.settings.brand_id.to_string(),
                purse: purse(&of.purse),
                currency: currency(&of.currency)?,
                balance: amount(of.balance - of.reserved, exponent)?,
                held: amount(of.withheld, exponent)?,
                fees: Some(amount(of.fee, exponent)?),
                pending: Some(amount(of.in_flight, exponent)?),
            })
        });
        shown.collect()
    }

    async fn objects(&self) -> Result<Vec<SimulatedObject>> {
        let mut tx = self.core.begin().await?;
        let found = objects::page(&mut tx, 0, i64::MAX).await?;
        let sums: Vec<(i64, i64, i64)> = sqlx::query_as(
            "SELECT object, sum(gross - fee - reserved), sum(fee) FROM posting WHERE object IS NOT NULL GROUP BY object",
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let sums: HashMap<i64, (i64, i64)> = sums.into_iter().map(|sum| (sum.0, (sum.1, sum.2))).collect();
        let mut shown = Vec::with_capacity(found.len());
        for of in found {
            let exponent = self.exponent(&of.currency)?;
            let (effect, fees) = sums.get(&of.seq).copied().unwrap_or_default();
            let (kind, purse) = match of.kind {
                Kind::Purchase => (SimulatedKind::Collection, purses::Purse::Collections),
                Kind::Payout => (SimulatedKind::Payout, purses::Purse::Payouts),
                Kind::Refund => (SimulatedKind::Refund, purses::Purse::Collections),
                Kind::Chargeback => (SimulatedKind::Dispute, purses::Purse::Collections),
            };
            shown.push(SimulatedObject {
                kind,
                wallet_id: self.settings.brand_id.to_string(),
                purse: Some(purse.word()),
                currency: currency(&of.currency)?,
                status: of.status().to_owned(),
                is_final: status::is_final(&of),
                amount: amount(of.doc["payment"]["amount"].as_i64().unwrap_or(of.amount), exponent)?,
                fees: amount(fees, exponent)?,
                effect: amount(effect, exponent)?,
                external_id: (!of.reference.is_empty()).then_some(of.reference),
                id: of.id,
            });
        }
        Ok(shown)
    }

    async fn invoices(&self) -> Result<Vec<SimulatedInvoice>> {
        let mut tx = self.core.begin().await?;
        let found = objects::page(&mut tx, 0, i64::MAX).await?;
        tx.commit().await?;
        let purchases = found.into_iter().filter(|of| of.kind == Kind::Purchase);
        let shown = purchases.filter_map(|of| {
            let state = match of.status() {
                "paid" => "paid",
                "cancelled" => "cancelled",
                "expired" => "expired",
                "created" | "sent" | "viewed" | "pending_execute" | "error" | "overdue" | "hold" => "published",
                _ => return None,
            };
            Some(SimulatedInvoice { object_kind: "invoice", id: of.id, state })
        });
        Ok(shown.collect())
    }

    async fn movements(&self) -> Result<Vec<SimulatedMovement>> {
        let mut tx = self.core.begin().await?;
        let rows: Vec<(String, String, String, String, i64, i64)> = sqlx::query_as(
            "SELECT uid, what, currency, purse, gross - fee - reserved, at FROM posting WHERE object IS NULL
             ORDER BY currency, purse, at, id",
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let shown = rows.into_iter().map(|(id, category, currency, word, effect, at)| {
            Ok(SimulatedMovement {
                id,
                wallet_id: self.settings.brand_id.to_string(),
                purse: purse(&word),
                currency: self::currency(&currency)?,
                category,
                at: Time::from_micros(at),
                effect: amount(effect, self.exponent(&currency)?)?,
            })
        });
        shown.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smallest_unit_is_as_large_as_its_currency_says() {
        assert_eq!((digits(500, 0), digits(2_300, 2), digits(-5, 2)), ("500".into(), "23".into(), "-0.05".into()));
    }
}
