//! Open items with their age, beside the accounts of the trial balance.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use ensimbi_events::money::scaled_text;
use ensimbi_events::{BookId, SubjectId, Time};
use ensimbi_projections::open_items::OpenItemRow;
use ensimbi_projections::query::{OpenItemKey, OpenItemTotal, OpenItemsQuery, Stamp, TrialBalanceQuery, age_days};
use serde::Serialize;
use utoipa::ToSchema;

use super::config::currency;
use super::text;
use crate::ApiState;
use crate::auth::Tenant;
use crate::cursor::Binding;
use crate::params::RawParams;
use crate::problem::ApiError;

/// What waits for one id on one account. Debit is plus, credit is minus.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenItem {
    /// Account path.
    #[schema(example = "liabilities:clearing:collections:main")]
    pub account: String,
    /// The id that it waits for.
    #[schema(format = Uuid)]
    pub item: String,
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// The account's connection; absent for accounts of the whole book.
    #[schema(format = Uuid)]
    pub connection: Option<String>,
    /// What is open, never zero.
    #[schema(example = "-12000")]
    pub balance: String,
    /// When its first line happened.
    #[schema(format = DateTime)]
    pub opened_at: String,
    /// When its last line happened.
    #[schema(format = DateTime)]
    pub last_at: String,
    /// Whole days from `opened_at` to the answer's `as_at`.
    pub age_days: u64,
    /// Its last entry.
    pub last_position: u64,
}

impl OpenItem {
    fn of(row: &OpenItemRow, as_at: Option<Time>) -> Self {
        Self {
            account: row.account.clone(),
            item: row.item.to_string(),
            currency: row.currency.to_string(),
            connection: text(row.connection),
            balance: row.balance.to_string(),
            opened_at: row.opened_at.to_string(),
            last_at: row.last_at.to_string(),
            age_days: as_at.map_or(0, |as_at| age_days(row.opened_at, as_at)),
            last_position: row.last_position,
        }
    }
}

/// One account in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenItemTotal)]
pub struct OpenItemTotalBody {
    /// Account path.
    #[schema(example = "liabilities:clearing:collections:main")]
    pub account: String,
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// Sum of its open items.
    #[schema(example = "-12000")]
    pub balance: String,
    /// Number of its open items.
    pub items: u64,
    /// When the oldest was opened.
    #[schema(format = DateTime)]
    pub oldest_at: String,
    /// What the trial balance says at the same position; on the first page, unless the view is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_balance: Option<String>,
    /// balance - trial_balance: zero, or something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
}

/// A page of open items, with the totals of all of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenItemPage {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// To when ages run: the time at which the event at `position` was recorded; absent for a book without events.
    #[schema(format = DateTime)]
    pub as_at: Option<String>,
    /// By account and currency, oldest first.
    pub items: Vec<OpenItem>,
    /// By account and currency, over every page.
    pub totals: Vec<OpenItemTotalBody>,
    /// For the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// Lists what waits on clearing, dispute, receivable and suspense accounts.
#[utoipa::path(get, path = "/v1/open-items", operation_id = "list_open_items", tag = "book", security(("api_key" = [])), params(
    ("account" = Option<String>, Query, description = "Only on this account, by its path."),
    ("connection" = Option<String>, Query, description = "Only on accounts of this connection.", format = Uuid),
    ("currency" = Option<String>, Query, description = "Only in this currency."),
    ("limit" = Option<u32>, Query, description = "Largest number of items, 1 to 500; 50 if absent.", minimum = 1, maximum = 500),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same filters."),
), responses((status = 200, description = "A page of open items.", body = OpenItemPage)))]
pub async fn list(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<OpenItemPage>, ApiError> {
    let params = raw.only(&["account", "connection", "currency", "limit", "cursor"])?;
    let binding = Binding::new(book, "/v1/open-items", &params, &["account", "connection", "currency"]);
    let after = binding.key(&params)?.map(|key| place(&key).ok_or_else(Binding::wrong)).transpose()?;
    let query = OpenItemsQuery {
        account: params.account("account")?,
        connection: params.parsed("connection", "a UUID")?,
        currency: currency(&state, book, &params, "currency").await?,
        after,
        limit: params.limit()?,
    };
    let list = state.open_items.open_items(book, &query).await?;
    let (page, totals) = (list.page, list.totals);
    let stamp = page.stamp;
    let last = page.items.last().filter(|_| page.more);
    let first = query.after.is_none();
    let accounts = if first { accounts(&state, book, stamp).await? } else { None };
    Ok(Json(OpenItemPage {
        position: stamp.position,
        stale: stamp.stopped_at.is_some(),
        as_at: text(stamp.recorded_at),
        items: page.items.iter().map(|row| OpenItem::of(row, stamp.recorded_at)).collect(),
        totals: totals.iter().map(|total| body(total, accounts.as_ref())).collect(),
        next_cursor: last.map(|row| binding.cursor(&key(row))),
    }))
}

/// The row's place in the list; account paths and currencies hold no bar.
fn key(row: &OpenItemRow) -> String {
    let OpenItemKey { account, currency, opened_at, item } = row.into();
    format!("{account}|{currency}|{}|{item}", opened_at.micros())
}

fn place(key: &str) -> Option<OpenItemKey> {
    let mut parts = key.split('|');
    let account = parts.next()?.to_owned();
    let currency = parts.next()?.parse().ok()?;
    let opened_at = Time::from_micros(parts.next()?.parse().ok()?);
    let item: SubjectId = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(OpenItemKey { account, currency, opened_at, item })
}

type Accounts = BTreeMap<(String, String), i128>;

/// What the accounts say, if their view is just where this one is.
async fn accounts(state: &ApiState, book: BookId, stamp: Stamp) -> Result<Option<Accounts>, ApiError> {
    let answer = state.accounts.trial_balance(book, &TrialBalanceQuery::default()).await?;
    if answer.stamp.position != stamp.position {
        return Ok(None);
    }
    let mut accounts = Accounts::new();
    for row in answer.value.accounts {
        let balance = row.debit.checked_sub(row.credit);
        let balance = balance.ok_or_else(|| ApiError::internal(&"an account leaves the range of totals"))?;
        accounts.insert((row.account, row.currency.to_string()), balance);
    }
    Ok(Some(accounts))
}

fn body(total: &OpenItemTotal, accounts: Option<&Accounts>) -> OpenItemTotalBody {
    let key = (total.account.clone(), total.currency.to_string());
    let account = accounts.map(|accounts| accounts.get(&key).copied().unwrap_or_default());
    OpenItemTotalBody {
        account: key.0,
        currency: key.1,
        balance: scaled_text(total.balance),
        items: total.items,
        oldest_at: total.oldest_at.to_string(),
        trial_balance: account.map(scaled_text),
        difference: account.map(|account| scaled_text(total.balance.saturating_sub(account))),
    }
}
