//! What the provider's own books say of invoices and fees, for whoever compares them with ours.

use std::collections::BTreeMap;

use ensimbi_events::Amount;
use sqlx::SqliteConnection;

use super::errors::damaged;
use super::switches::{FxFeeIn, Operation};
use super::view::currency;
use crate::simulator::{Result, SimulatedFee, SimulatedInvoice};

/// Every source, as our words have its states.
pub(super) async fn invoices(db: &mut SqliteConnection) -> Result<Vec<SimulatedInvoice>> {
    let rows: Vec<(String, i64, String)> = sqlx::query_as("SELECT kind, id, status FROM source").fetch_all(db).await?;
    let shown = rows.into_iter().filter_map(|(kind, id, status)| {
        let state = match status.as_str() {
            "IDLE" => "draft",
            "ACTIVE" | "PROCESSING" => "published",
            "PAID" => "paid",
            "CANCELED" => "cancelled",
            // Money went back: what that makes of an invoice, nobody says (section 14, row 21).
            _ => return None,
        };
        let object_kind = if kind == "INVOICE" { "invoice" } else { "order" };
        Some(SimulatedInvoice { object_kind, id: id.to_string(), state })
    });
    Ok(shown.collect())
}

/// A success with what its fees are known from.
#[derive(sqlx::FromRow)]
struct Charged {
    operation: String,
    fee_bearer: Option<String>,
    payer_amount: i64,
    payer_currency: String,
    payee_amount: i64,
    payee_currency: String,
    platform_fee: i64,
    platform_currency: String,
    gateway_fee: i64,
    gateway_currency: String,
    fx_fee: i64,
}

/// All fees of what succeeded: a collection's as its receipt has them, of a payout only what is missing at the other end.
pub(super) async fn fees(db: &mut SqliteConnection, fx_in: FxFeeIn) -> Result<Vec<SimulatedFee>> {
    let rows: Vec<Charged> = sqlx::query_as(
        "SELECT e.operation, s.fee_bearer, e.payer_amount, e.payer_currency, e.payee_amount, e.payee_currency,
           e.platform_fee, e.platform_currency, e.gateway_fee, e.gateway_currency, e.fx_fee
         FROM execution e LEFT JOIN source s ON s.seq = e.source WHERE e.status IN ('COMPLETED', 'SUCCESSFUL')",
    )
    .fetch_all(db)
    .await?;
    let mut sums: BTreeMap<(&str, &str, String), i64> = BTreeMap::new();
    let mut add = |component, bearer, currency: &str, amount| {
        *sums.entry((component, bearer, currency.to_owned())).or_default() += amount;
    };
    for of in rows {
        match Operation::of(&of.operation) {
            Some(Operation::Collection) => {
                let bearer = if of.fee_bearer.as_deref() == Some("PAYER") { "payer" } else { "merchant" };
                let fx_currency = match fx_in {
                    FxFeeIn::Platform => &of.platform_currency,
                    FxFeeIn::Gateway => &of.gateway_currency,
                    FxFeeIn::Payer => &of.payer_currency,
                    FxFeeIn::Payee => &of.payee_currency,
                };
                add("provider", bearer, &of.platform_currency, of.platform_fee);
                add("network", bearer, &of.gateway_currency, of.gateway_fee);
                add("fx", bearer, fx_currency, of.fx_fee);
            }
            Some(Operation::Payout) => {
                add("unitemised", "merchant", &of.payer_currency, of.payer_amount - of.payee_amount);
            }
            Some(Operation::Transfer | Operation::Refund) => {}
            None => return Err(damaged("a stored operation is none")),
        }
    }
    let some = sums.into_iter().filter(|(_, amount)| *amount != 0);
    let shown = some.map(|((component, bearer, code), amount)| {
        let amount = Amount::from_scaled(amount);
        Ok(SimulatedFee { component, bearer, currency: currency(&code)?, amount })
    });
    shown.collect()
}
