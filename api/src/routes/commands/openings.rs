//! What a wallet held when the book began, in a person's word.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ensimbi_events::codes::Problem;
use ensimbi_events::words::wallet::OpeningBalanceDeclared;
use ensimbi_events::{Amount, BookId, SubjectId, SubjectKind, Time, WalletId};
use ensimbi_projections::wallets::WalletRow;
use serde::Serialize;
use utoipa::ToSchema;

use super::fresh;
use super::told::{self, About, Facts, ToldBody};
use crate::ApiState;
use crate::body::{Object, Sign};
use crate::problem::ApiError;
use crate::sent::Sent;

const ROUTE: &str = "openings";

/// An opening balance.
#[derive(Serialize, ToSchema)]
pub struct NewOpening {
    /// The wallet's id.
    #[schema(value_type = String, format = Uuid)]
    pub wallet: WalletId,
    /// Everything settled up to here is inside the figures; not after now.
    #[schema(value_type = String, format = DateTime, example = "2026-05-03T09:00:00Z")]
    pub as_of: Time,
    /// Spendable; may be negative.
    #[schema(value_type = String, example = "250000")]
    pub posted: Amount,
    /// Withheld by the provider.
    #[schema(value_type = Option<String>, example = "10000")]
    pub held: Option<Amount>,
}

/// A wallet that a body names.
pub(super) async fn wallet_in(
    state: &ApiState,
    book: BookId,
    body: &Object<'_>,
    id: WalletId,
) -> Result<WalletRow, ApiError> {
    let row = fresh::wallet(state, book, id).await?;
    row.ok_or_else(|| body.problem(Problem::UnknownWallet, "wallet", "no such wallet in this book"))
}

/// A moment of a body that is not after now.
pub(super) fn past(state: &ApiState, body: &Object<'_>, name: &str) -> Result<Option<Time>, ApiError> {
    match body.time(name)? {
        Some(at) if at > state.clock.now() => Err(body.wrong(name, "is in the future")),
        at => Ok(at),
    }
}

/// Declares what a wallet held when its book began. Once for each wallet.
#[utoipa::path(post, path = "/v1/openings", operation_id = "create_opening", tag = "wallets",
    security(("api_key" = [])),
    request_body(content = NewOpening, example = json!({
        "wallet": "018f4d5e-7d2a-7c3b-9f10-2a6b8c0d1e2f", "as_of": "2026-05-03T09:00:00Z", "posted": "250000"
    })),
    responses(
        (status = 201, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn create(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&["wallet", "as_of", "posted", "held"])?;
    let new = NewOpening {
        wallet: body.need("wallet", body.id("wallet")?)?,
        as_of: body.need("as_of", past(&state, &body, "as_of")?)?,
        posted: body.need("posted", body.amount("posted", Sign::Any)?)?,
        held: body.amount("held", Sign::NotNegative)?,
    };
    let canonical = sent.canonical(&new)?;
    let facts = async {
        let wallet = wallet_in(&state, sent.book(), &body, new.wallet).await?;
        let about = About {
            subject: SubjectId(new.wallet.0),
            kind: SubjectKind::Wallet,
            connection: Some(wallet.connection),
            wallet: Some(new.wallet),
            currency: Some(wallet.currency),
        };
        let held = new.held.filter(|held| !held.is_zero());
        let opening = OpeningBalanceDeclared { as_of: new.as_of, posted: new.posted, held };
        // The command's id as the occurrence: another opening of the wallet is refused, not taken for the same.
        let fact = about.fact(sent.id(ROUTE).to_string(), opening);
        Ok(Facts { facts: vec![(fact, Some(new.as_of))], party: None, evidence: None })
    };
    let told = told::tell(&state, &sent, ROUTE, canonical, facts).await?;
    Ok(told::answer(new.wallet, &told, StatusCode::CREATED))
}
