//! The trial balance, with debit and credit columns.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use ensimbi_events::money::scaled_text;
use ensimbi_projections::query::TrialBalanceQuery;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ApiState;
use crate::auth::Tenant;
use crate::axes::book_date;
use crate::params::RawParams;
use crate::problem::ApiError;

/// One account in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountLine {
    /// Account path.
    #[schema(example = "assets:wallet:main:w1")]
    pub account: String,
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// All debits.
    #[schema(example = "700")]
    pub debit: String,
    /// All credits.
    #[schema(example = "24.5")]
    pub credit: String,
    /// debit - credit.
    #[schema(example = "675.5")]
    pub balance: String,
}

/// One currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrencyTotal {
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// All debits.
    pub debit: String,
    /// All credits.
    pub credit: String,
    /// debit - credit: zero, or something is wrong.
    #[schema(example = "0")]
    pub difference: String,
}

/// The trial balance.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialBalance {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// The last book date inside, where one was asked for.
    #[schema(format = Date)]
    pub as_of: Option<String>,
    /// Time zone of book dates.
    #[schema(example = "Africa/Kampala")]
    pub tz: String,
    /// Whether debit equals credit in every currency.
    pub balanced: bool,
    /// By path and currency.
    pub accounts: Vec<AccountLine>,
    /// By currency.
    pub totals: Vec<CurrencyTotal>,
}

/// Shows every account's debits and credits.
///
/// It goes by book dates: `as_of` is the last one inside. `known_at`: only what was recorded by then.
#[utoipa::path(get, path = "/v1/trial-balance", operation_id = "get_trial_balance", tag = "book", security(("api_key" = [])), params(
    ("as_of" = Option<String>, Query, description = "Only lines with a book date up to this one. A moment in RFC 3339 stands for its date in the book's zone."),
    ("known_at" = Option<String>, Query, description = "Only what was recorded by then: RFC 3339, or a date (all of it)."),
), responses((status = 200, description = "The trial balance.", body = TrialBalance)))]
pub async fn show(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<TrialBalance>, ApiError> {
    let params = raw.only(&["as_of", "known_at"])?;
    let (until, known) = book_date(&state, book, &params).await?;
    let answer = state.accounts.trial_balance(book, &TrialBalanceQuery { until, known }).await?;
    let balances = answer.value.accounts;
    let overflow = || ApiError::internal(&"the trial balance leaves the range of totals");
    let mut sums: BTreeMap<String, (i128, i128)> = BTreeMap::new();
    let mut accounts = Vec::with_capacity(balances.len());
    for row in &balances {
        let sum = sums.entry(row.currency.to_string()).or_default();
        sum.0 = sum.0.checked_add(row.debit).ok_or_else(overflow)?;
        sum.1 = sum.1.checked_add(row.credit).ok_or_else(overflow)?;
        accounts.push(AccountLine {
            account: row.account.clone(),
            currency: row.currency.to_string(),
            debit: scaled_text(row.debit),
            credit: scaled_text(row.credit),
            balance: scaled_text(row.debit.checked_sub(row.credit).ok_or_else(overflow)?),
        });
    }
    let balanced = sums.values().all(|(debit, credit)| debit == credit);
    let mut totals = Vec::with_capacity(sums.len());
    for (currency, (debit, credit)) in sums {
        let difference = scaled_text(debit.checked_sub(credit).ok_or_else(overflow)?);
        totals.push(CurrencyTotal { currency, debit: scaled_text(debit), credit: scaled_text(credit), difference });
    }
    Ok(Json(TrialBalance {
        position: answer.stamp.position,
        stale: answer.stamp.stopped_at.is_some(),
        as_of: super::text(until),
        tz: answer.value.tz,
        balanced,
        accounts,
        totals,
    }))
}
