//! The fee report, beside the volume that was charged and the fee accounts of the same span and position.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use ensimbi_events::money::scaled_text;
use ensimbi_projections::query::{Basis, FeeDimension, FeeGroup, FeeReport, FeeTotal, FeesQuery, GROUPS_MAX, Stamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::text;
use crate::ApiState;
use crate::auth::Tenant;
use crate::axes::axes;
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
    /// Which way the money of the payments went: in (collections, top-ups, and what is refunded of them), out (payouts,
    /// withdrawals) or between (purses). Null for fees of no payment.
    #[schema(example = "in")]
    pub direction: Option<String>,
    /// How many payments were settled in the group's span, direction, currency and dimensions of payments. Component,
    /// label and bearer do not divide it.
    #[schema(example = 1)]
    pub count: u64,
    /// What those payments were for; refunds and reversals do not lower it.
    #[schema(example = "700")]
    pub gross: String,
    /// Sum of the fees.
    #[schema(example = "24.5")]
    pub fees: String,
    /// In: gross less the fees that we bear. Out: gross plus them. Null where nothing was settled.
    #[schema(example = "675.5")]
    pub net: Option<String>,
    /// Fees in parts of gross, rounded half up at six places; without those of payments in another currency.
    #[schema(example = "0.035")]
    pub effective_rate: Option<String>,
    /// Number of lines.
    pub lines: u64,
    /// The part that follows from other figures and that no provider stated as a fee.
    #[schema(example = "0")]
    pub derived: String,
    /// The part that is one figure for everything.
    #[schema(example = "0")]
    pub unitemised: String,
    /// The part that belongs to payments in another currency; neither net nor rate contain it.
    #[schema(example = "0")]
    pub foreign: String,
}

/// All fees of one bearer in one currency, beside the accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeeTotalBody {
    /// Who bears them.
    #[schema(example = "merchant")]
    pub bearer: String,
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// Sum of the fees.
    #[schema(example = "24.5")]
    pub fees: String,
    /// Number of lines.
    pub lines: u64,
    /// What the fee accounts say about the same span at the same position.
    #[schema(example = "24.5")]
    pub accounts: String,
    /// fees - accounts: zero, or something is wrong.
    #[schema(example = "0")]
    pub difference: String,
}

/// What was settled in one currency and direction.
#[derive(Debug, Serialize, ToSchema)]
pub struct VolumeBody {
    /// in, out or between.
    #[schema(example = "in")]
    pub direction: Option<String>,
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// Number of payments.
    pub count: u64,
    /// What they were for.
    #[schema(example = "700")]
    pub gross: String,
}

/// The fee report.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeeReportBody {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// Time zone of days, weeks, months and dates.
    #[schema(example = "Africa/Kampala")]
    pub tz: String,
    /// occurred: a fee is dated by its payment. booked: by its book date.
    #[schema(example = "occurred")]
    pub basis: String,
    /// By the dimensions asked for; bearer, currency and direction are always apart.
    pub groups: Vec<FeeGroupBody>,
    /// The same fees by bearer and currency only.
    pub totals: Vec<FeeTotalBody>,
    /// What was settled, with and without fees.
    pub volumes: Vec<VolumeBody>,
}

/// Reports fees: what each cost, on what volume, equal to the fee accounts.
#[utoipa::path(get, path = "/v1/fees", operation_id = "report_fees", tag = "fees", security(("api_key" = [])), params(
    ("group_by" = Option<String>, Query, description = "Dimensions with commas between them: provider, connection, wallet, channel, component, label, bearer, direction, currency, day, week, month. `component` if absent."),
    ("basis" = Option<String>, Query, description = "occurred (default): a fee is dated by its payment. booked: by its book date."),
    ("from" = Option<String>, Query, description = "First moment inside: RFC 3339, or a date. With booked: a date."),
    ("to" = Option<String>, Query, description = "First moment no longer inside, in the same forms."),
    ("as_of" = Option<String>, Query, description = "Instead of `to`: the last moment or date inside."),
    ("known_at" = Option<String>, Query, description = "Only what was recorded by then: RFC 3339, or a date (all of it)."),
    ("tz" = Option<String>, Query, description = "IANA time zone of days, weeks, months and dates; the book's if absent."),
), responses((status = 200, description = "The report.", body = FeeReportBody)))]
pub async fn report(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<FeeReportBody>, ApiError> {
    let params = raw.only(&["group_by", "basis", "from", "to", "as_of", "known_at", "tz"])?;
    let group_by = dimensions(params.text("group_by").unwrap_or("component"))?;
    let axes = axes(&state, book, &params).await?;
    let query = FeesQuery { group_by, span: axes.span, zone: axes.zone, known: axes.known };
    let answer = state.fees.fees(book, &query).await?;
    if answer.value.too_many {
        return Err(ApiError::parameter("group_by", format!("more than {GROUPS_MAX} groups; ask for less time")));
    }
    Ok(Json(body(answer.stamp, query.span.basis(), &answer.value)))
}

fn dimensions(text: &str) -> Result<Vec<FeeDimension>, ApiError> {
    let mut dimensions = Vec::new();
    for word in text.split(',').filter(|word| !word.is_empty()) {
        let dimension = FeeDimension::from_text(word).ok_or_else(|| {
            let all: Vec<&str> = FeeDimension::ALL.iter().map(|d| d.as_str()).collect();
            ApiError::unknown("group_by", format!("expected some of {}", all.join(",")), all)
        })?;
        if dimensions.contains(&dimension) {
            return Err(ApiError::parameter("group_by", format!("{dimension} twice")));
        }
        dimensions.push(dimension);
    }
    Ok(dimensions)
}

/// A number of millionths in shortest form.
fn millionths(rate: i128) -> String {
    let (sign, size) = (if rate < 0 { "-" } else { "" }, rate.unsigned_abs());
    let text = format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn group(group: &FeeGroup) -> FeeGroupBody {
    FeeGroupBody {
        group: group.key.iter().map(|(dimension, value)| (dimension.to_string(), value.clone())).collect(),
        bearer: group.bearer.clone(),
        currency: group.currency.to_string(),
        direction: text(group.direction),
        count: group.volume.count,
        gross: scaled_text(group.volume.gross),
        fees: scaled_text(group.amount),
        net: group.net().map(scaled_text),
        effective_rate: group.rate_millionths().map(millionths),
        lines: group.lines,
        derived: scaled_text(group.derived),
        unitemised: scaled_text(group.unitemised),
        foreign: scaled_text(group.foreign),
    }
}

fn total(total: &FeeTotal) -> FeeTotalBody {
    FeeTotalBody {
        bearer: total.bearer.clone(),
        currency: total.currency.to_string(),
        fees: scaled_text(total.amount),
        lines: total.lines,
        accounts: scaled_text(total.accounts),
        difference: scaled_text(total.amount.saturating_sub(total.accounts)),
    }
}

fn body(stamp: Stamp, basis: Basis, report: &FeeReport) -> FeeReportBody {
    let volumes = report.volumes.iter().map(|total| VolumeBody {
        direction: text(total.direction),
        currency: total.currency.to_string(),
        count: total.volume.count,
        gross: scaled_text(total.volume.gross),
    });
    FeeReportBody {
        position: stamp.position,
        stale: stamp.stopped_at.is_some(),
        tz: report.tz.clone(),
        basis: basis.to_string(),
        groups: report.groups.iter().map(group).collect(),
        totals: report.totals.iter().map(total).collect(),
        volumes: volumes.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_decimals_in_shortest_form() {
        assert_eq!(millionths(35_000), "0.035");
        assert_eq!(millionths(1_000_000), "1");
        assert_eq!(millionths(-1), "-0.000001");
        assert_eq!(millionths(0), "0");
    }
}
