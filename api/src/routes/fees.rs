//! The fee report, beside the fee accounts of the trial balance.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use ensimbi_events::BookId;
use ensimbi_events::money::scaled_text;
use ensimbi_projections::query::{FeeDimension, FeeReport, FeesQuery, GROUPS_MAX, Stamp};
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ApiState;
use crate::auth::Tenant;
use crate::params::RawParams;
use crate::problem::ApiError;

/// Fees of one group; a cost is positive.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeeGroupBody {
    /// The dimensions asked for, with their values; null where a fee has none.
    pub group: BTreeMap<String, Option<String>>,
    /// merchant: it is in our books. payer, beneficiary: it is only remembered.
    #[schema(example = "merchant")]
    pub bearer: String,
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// Sum.
    #[schema(example = "24.5")]
    pub amount: String,
    /// Number of lines.
    pub lines: u64,
}

/// All fees of one bearer in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeeTotalBody {
    /// Who bears them.
    #[schema(example = "merchant")]
    pub bearer: String,
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// Sum.
    #[schema(example = "24.5")]
    pub amount: String,
    /// Number of lines.
    pub lines: u64,
    /// What the fee accounts say at the same position; absent for a part of the time, or while the view is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<String>,
    /// amount - accounts: zero, or something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
}

/// The fee report.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeeReportBody {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// By the dimensions asked for; bearer and currency are always apart.
    pub groups: Vec<FeeGroupBody>,
    /// The same fees by bearer and currency only.
    pub totals: Vec<FeeTotalBody>,
}

/// Reports fees, dated by their payment.
#[utoipa::path(get, path = "/v1/fees", operation_id = "report_fees", tag = "fees", security(("api_key" = [])), params(
    ("group_by" = Option<String>, Query, description = "Dimensions with commas between them: provider, connection, wallet, component, bearer, currency, channel, label, day, month. `component` if absent."),
    ("from" = Option<String>, Query, description = "First moment inside, RFC 3339.", format = DateTime),
    ("to" = Option<String>, Query, description = "First moment no longer inside, RFC 3339.", format = DateTime),
    ("tz" = Option<String>, Query, description = "IANA time zone of days and months, such as Africa/Kampala; needed with day or month."),
), responses((status = 200, description = "The report.", body = FeeReportBody)))]
pub async fn report(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<FeeReportBody>, ApiError> {
    let params = raw.only(&["group_by", "from", "to", "tz"])?;
    let group_by = dimensions(params.text("group_by").unwrap_or("component"))?;
    let zone = params.zone("tz")?;
    if zone.is_none() && group_by.iter().any(|d| matches!(d, FeeDimension::Day | FeeDimension::Month)) {
        return Err(ApiError::parameter("tz", "days and months need a time zone, such as Africa/Kampala"));
    }
    let (from, to) = params.range()?;
    let query = FeesQuery { group_by, from, to, zone: zone.unwrap_or(TimeZone::UTC) };
    let answer = state.fees.fees(book, &query).await?;
    if answer.value.too_many {
        return Err(ApiError::parameter("group_by", format!("more than {GROUPS_MAX} groups; ask for less time")));
    }
    let whole = from.is_none() && to.is_none();
    let accounts = if whole { accounts(&state, book, answer.stamp).await? } else { None };
    Ok(Json(body(answer.stamp, &answer.value, accounts)))
}

fn dimensions(text: &str) -> Result<Vec<FeeDimension>, ApiError> {
    let mut dimensions = Vec::new();
    for word in text.split(',').filter(|word| !word.is_empty()) {
        let dimension = FeeDimension::from_text(word).ok_or_else(|| {
            let all: Vec<&str> = FeeDimension::ALL.iter().map(|d| d.as_str()).collect();
            ApiError::parameter("group_by", format!("expected some of {}", all.join(",")))
        })?;
        if dimensions.contains(&dimension) {
            return Err(ApiError::parameter("group_by", format!("{dimension} twice")));
        }
        dimensions.push(dimension);
    }
    Ok(dimensions)
}

type Accounts = BTreeMap<(String, String), i128>;

/// What the fee accounts say, if the book is just where the view is.
async fn accounts(state: &ApiState, book: BookId, stamp: Stamp) -> Result<Option<Accounts>, ApiError> {
    let (position, balances) = state.reader.trial_balance(book).await?;
    if position != stamp.position {
        return Ok(None);
    }
    let mut sums = Accounts::new();
    for balance in balances {
        let memo = balance.account.strip_prefix("equity:memo:fees:").and_then(|rest| rest.split(':').next());
        let ours = balance.account.starts_with("expenses:fees:").then_some("merchant");
        if let Some(bearer) = ours.or(memo) {
            let sum = sums.entry((bearer.to_owned(), balance.currency.to_string())).or_default();
            let change = balance.debit.checked_sub(balance.credit).and_then(|change| sum.checked_add(change));
            *sum = change.ok_or_else(|| ApiError::internal(&"the fee accounts leave the range of totals"))?;
        }
    }
    Ok(Some(sums))
}

fn body(stamp: Stamp, report: &FeeReport, accounts: Option<Accounts>) -> FeeReportBody {
    let groups = report.groups.iter().map(|group| FeeGroupBody {
        group: group.key.iter().map(|(dimension, value)| (dimension.to_string(), value.clone())).collect(),
        bearer: group.bearer.clone(),
        currency: group.currency.to_string(),
        amount: scaled_text(group.amount),
        lines: group.lines,
    });
    let compare = accounts.is_some();
    let mut accounts = accounts.unwrap_or_default();
    let mut totals: Vec<FeeTotalBody> = Vec::new();
    for total in &report.totals {
        let key = (total.bearer.clone(), total.currency.to_string());
        let account = compare.then(|| accounts.remove(&key).unwrap_or_default());
        totals.push(FeeTotalBody {
            bearer: key.0,
            currency: key.1,
            amount: scaled_text(total.amount),
            lines: total.lines,
            accounts: account.map(scaled_text),
            difference: account.map(|account| scaled_text(total.amount.saturating_sub(account))),
        });
    }
    // Accounts with a balance that no line of the report explains.
    for ((bearer, currency), account) in accounts.into_iter().filter(|(_, account)| *account != 0) {
        let (amount, difference) = ("0".to_owned(), Some(scaled_text(account.saturating_neg())));
        totals.push(FeeTotalBody {
            bearer,
            currency,
            amount,
            lines: 0,
            accounts: Some(scaled_text(account)),
            difference,
        });
    }
    let stale = stamp.stopped_at.is_some();
    FeeReportBody { position: stamp.position, stale, groups: groups.collect(), totals }
}
