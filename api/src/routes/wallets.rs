//! Wallets and their balances, in natural signs.

use axum::Json;
use axum::extract::State;
use ensimbi_events::WalletId;
use ensimbi_projections::query::WalletKey;
use ensimbi_projections::wallets::WalletRow;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ApiState;
use crate::auth::Tenant;
use crate::axes::moment;
use crate::cursor::Binding;
use crate::params::{Id, RawParams};
use crate::problem::ApiError;

/// A wallet with its balances.
#[derive(Debug, Serialize, ToSchema)]
pub struct Wallet {
    /// Ours.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its connection.
    #[schema(format = Uuid)]
    pub connection: String,
    /// The connection's label.
    pub slug: String,
    /// The provider.
    pub provider: String,
    /// The connection's part of account paths.
    pub account_code: String,
    /// The wallet's part of account paths.
    pub code: String,
    /// Its one currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// Which purse it is, at a provider that keeps several under one id.
    #[schema(example = "collections")]
    pub purse: Option<String>,
    /// What is booked; may be negative.
    #[schema(example = "97500.5")]
    pub posted: String,
    /// What the provider withholds.
    #[schema(example = "0")]
    pub held: String,
    /// What requests that have not ended may take.
    #[schema(example = "11200")]
    pub reserved: String,
    /// posted - reserved.
    #[schema(example = "86300.5")]
    pub available: String,
    /// posted + held.
    #[schema(example = "97500.5")]
    pub total: String,
    /// The last event that changed it.
    pub last_position: u64,
    /// When the last money event happened.
    #[schema(format = DateTime)]
    pub occurred_at: Option<String>,
}

impl From<&WalletRow> for Wallet {
    fn from(row: &WalletRow) -> Self {
        Self {
            id: row.wallet.to_string(),
            connection: row.connection.to_string(),
            slug: row.slug.clone(),
            provider: row.provider.clone(),
            account_code: row.account_code.clone(),
            code: row.code.clone(),
            currency: row.currency.to_string(),
            purse: row.purse.clone(),
            posted: row.posted.to_string(),
            held: row.held.to_string(),
            reserved: row.reserved.to_string(),
            available: row.available.to_string(),
            total: row.total.to_string(),
            last_position: row.last_position,
            occurred_at: row.occurred_at.map(|at| at.to_string()),
        }
    }
}

/// A page of wallets.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletPage {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// By account code, then by code.
    pub items: Vec<Wallet>,
    /// For the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// One wallet.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletAnswer {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// The wallet.
    pub wallet: Wallet,
}

/// A wallet's balances alone.
#[derive(Debug, Serialize, ToSchema)]
pub struct Balance {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// The last moment inside, where one was asked for.
    #[schema(format = DateTime)]
    pub as_of: Option<String>,
    /// The wallet.
    #[schema(format = Uuid)]
    pub wallet: String,
    /// Its currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// What is booked.
    pub posted: String,
    /// What the provider withholds.
    pub held: String,
    /// What requests that have not ended may take.
    pub reserved: String,
    /// posted - reserved.
    pub available: String,
    /// posted + held.
    pub total: String,
}

/// Lists the book's wallets with their balances.
#[utoipa::path(get, path = "/v1/wallets", operation_id = "list_wallets", tag = "wallets", security(("api_key" = [])), params(
    ("limit" = Option<u32>, Query, description = "Largest number of items, 1 to 500; 50 if absent.", minimum = 1, maximum = 500),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
), responses((status = 200, description = "A page of wallets.", body = WalletPage)))]
pub async fn list(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<WalletPage>, ApiError> {
    let params = raw.only(&["limit", "cursor"])?;
    let binding = Binding::new(book, "/v1/wallets", &params, &[]);
    let after = binding.key(&params)?.map(|key| match key.split_once(':') {
        Some((account, code)) => Ok(WalletKey { account_code: account.to_owned(), code: code.to_owned() }),
        None => Err(Binding::wrong()),
    });
    let page = state.wallets.wallets(book, after.transpose()?, params.limit()?).await?;
    let last = page.items.last().filter(|_| page.more);
    // Codes hold no colon.
    let next_cursor = last.map(|row| binding.cursor(&[row.account_code.as_str(), row.code.as_str()].join(":")));
    let items = page.items.iter().map(Wallet::from).collect();
    let (position, stale) = (page.stamp.position, page.stamp.stopped_at.is_some());
    Ok(Json(WalletPage { position, stale, items, next_cursor }))
}

/// Shows one wallet.
#[utoipa::path(get, path = "/v1/wallets/{id}", operation_id = "get_wallet", tag = "wallets", security(("api_key" = [])), params(
    ("id" = String, Path, description = "The wallet's id.", format = Uuid),
), responses((status = 200, description = "The wallet.", body = WalletAnswer)))]
pub async fn one(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    Id(id): Id<WalletId>,
    raw: RawParams,
) -> Result<Json<WalletAnswer>, ApiError> {
    raw.only(&[])?;
    let answer = state.wallets.wallet(book, id).await?;
    let row = answer.value.ok_or_else(|| ApiError::not_found("wallet"))?;
    let (position, stale) = (answer.stamp.position, answer.stamp.stopped_at.is_some());
    Ok(Json(WalletAnswer { position, stale, wallet: Wallet::from(&row) }))
}

/// Shows a wallet's balances, now or as they were.
///
/// `as_of`: what had happened by then, as it is known now. `known_at`: what was recorded by then. Both together: what the
/// book then believed about that moment.
#[utoipa::path(get, path = "/v1/wallets/{id}/balance", operation_id = "get_wallet_balance", tag = "wallets", security(("api_key" = [])), params(
    ("id" = String, Path, description = "The wallet's id.", format = Uuid),
    ("as_of" = Option<String>, Query, description = "Only what happened by then: RFC 3339, or a date (all of it)."),
    ("known_at" = Option<String>, Query, description = "Only what was recorded by then, in the same forms."),
    ("tz" = Option<String>, Query, description = "IANA time zone of dates; the book's if absent."),
), responses((status = 200, description = "The balances.", body = Balance)))]
pub async fn balance(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    Id(id): Id<WalletId>,
    raw: RawParams,
) -> Result<Json<Balance>, ApiError> {
    let params = raw.only(&["as_of", "known_at", "tz"])?;
    let (as_of, known) = moment(&state, book, &params).await?;
    let answer = state.wallets.wallet_at(book, id, as_of, known).await?;
    let row = answer.value.ok_or_else(|| ApiError::not_found("wallet"))?;
    Ok(Json(Balance {
        position: answer.stamp.position,
        stale: answer.stamp.stopped_at.is_some(),
        as_of: super::text(as_of),
        wallet: row.wallet.to_string(),
        currency: row.currency.to_string(),
        posted: row.posted.to_string(),
        held: row.held.to_string(),
        reserved: row.reserved.to_string(),
        available: row.available.to_string(),
        total: row.total.to_string(),
    }))
}
