//! What can be paid over, and what a person should look at: the door's own tables.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use ensimbi_events::commands::{Alarm, Bank, ConnectionView};
use serde::Serialize;
use utoipa::ToSchema;

use super::errors::{Asked, problem};
use super::{WORD_MAX, connection};
use crate::ApiState;
use crate::auth::Tenant;
use crate::params::RawParams;
use crate::problem::ApiError;

/// A wallet of a connection.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionWallet {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its code.
    #[schema(example = "main")]
    pub code: String,
    /// Its one currency.
    #[schema(example = "UGX")]
    pub currency: String,
}

/// A connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub struct ConnectionBody {
    /// Its id, which never changes.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its label.
    #[schema(example = "main")]
    pub slug: String,
    /// The provider.
    pub provider: String,
    /// What it can do: collect, payout, bank_payout, withdraw, banks ...
    #[schema(example = json!(["collect", "payout"]))]
    pub capabilities: Vec<String>,
    /// Its wallets.
    pub wallets: Vec<ConnectionWallet>,
}

impl From<ConnectionView> for ConnectionBody {
    fn from(view: ConnectionView) -> Self {
        let wallets = view.wallets.into_iter().map(|(id, code, currency)| ConnectionWallet {
            id: id.to_string(),
            code,
            currency: currency.to_string(),
        });
        Self {
            id: view.id.to_string(),
            slug: view.slug,
            provider: view.provider,
            capabilities: view.capabilities.into_iter().map(str::to_owned).collect(),
            wallets: wallets.collect(),
        }
    }
}

/// All connections of the book.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionList {
    /// As configured.
    pub items: Vec<ConnectionBody>,
}

/// A bank.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Bank)]
pub struct BankBody {
    /// The code that a payout names.
    pub code: String,
    /// Its name.
    pub name: Option<String>,
    /// Account numbers match this expression, where the provider says so.
    pub account_pattern: Option<String>,
}

impl From<Bank> for BankBody {
    fn from(bank: Bank) -> Self {
        Self { code: bank.code, name: bank.name, account_pattern: bank.account_pattern }
    }
}

/// Banks that a connection can pay to.
#[derive(Debug, Serialize, ToSchema)]
pub struct BankList {
    /// As the provider lists them.
    pub items: Vec<BankBody>,
}

/// Something to look at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alarm)]
pub struct AlarmBody {
    /// unsettled_too_long, quarantined, credentials_refused, note_unanswered, rows_do_not_chain ...
    #[schema(example = "unsettled_too_long")]
    pub kind: String,
    /// Of which connection.
    #[schema(format = Uuid)]
    pub connection: Option<String>,
    /// About which payment or payout.
    #[schema(format = Uuid)]
    pub subject: Option<String>,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
    /// In words.
    pub detail: String,
}

impl From<Alarm> for AlarmBody {
    fn from(alarm: Alarm) -> Self {
        Self {
            kind: alarm.kind.to_owned(),
            connection: alarm.connection.map(|id| id.to_string()),
            subject: alarm.subject.map(|id| id.to_string()),
            since: alarm.since.to_string(),
            detail: alarm.detail,
        }
    }
}

/// What a person should look at.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmList {
    /// Oldest first, at most 500.
    pub items: Vec<AlarmBody>,
}

/// A connection's id or slug in a path.
pub struct Named(String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let name = Path::<String>::from_request_parts(parts, state).await.map(|Path(name)| name);
        let name = name.ok().filter(|name| (1..=WORD_MAX).contains(&name.len()));
        name.map(Self).ok_or_else(|| ApiError::parameter("id", "expected a connection's id or slug"))
    }
}

/// Lists the book's connections, with what each can do and its wallets.
#[utoipa::path(get, path = "/v1/connections", operation_id = "list_connections", tag = "connections",
    security(("api_key" = [])),
    responses((status = 200, description = "All connections.", body = ConnectionList)))]
pub async fn list(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<ConnectionList>, ApiError> {
    raw.only(&[])?;
    let items = state.commands()?.connections(book).into_iter().map(ConnectionBody::from).collect();
    Ok(Json(ConnectionList { items }))
}

/// Lists the banks that a connection can pay to.
#[utoipa::path(get, path = "/v1/connections/{id}/banks", operation_id = "list_banks", tag = "connections",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The connection's id or slug.")),
    responses((status = 200, description = "Its banks.", body = BankList)))]
pub async fn banks(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    Named(name): Named,
    raw: RawParams,
) -> Result<Json<BankList>, ApiError> {
    raw.only(&[])?;
    let connection = connection(&state, book, &name)?.ok_or_else(|| ApiError::not_found("connection"))?;
    let banks = state.commands()?.banks(book, connection.id).await;
    let banks = banks.map_err(|error| problem(Asked::Telling, error))?;
    Ok(Json(BankList { items: banks.into_iter().map(BankBody::from).collect() }))
}

/// Lists what a person should look at: payments unsettled too long, refused credentials, bytes nobody could read.
#[utoipa::path(get, path = "/v1/alarms", operation_id = "list_alarms", tag = "connections",
    security(("api_key" = [])),
    responses((status = 200, description = "Alarms, oldest first.", body = AlarmList)))]
pub async fn alarms(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<AlarmList>, ApiError> {
    raw.only(&[])?;
    let alarms = state.commands()?.alarms(book).await.map_err(|error| problem(Asked::Telling, error))?;
    Ok(Json(AlarmList { items: alarms.into_iter().map(AlarmBody::from).collect() }))
}
