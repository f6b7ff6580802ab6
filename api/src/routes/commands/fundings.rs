//! A top-up of a wallet, in a person's word or beside the provider's own row.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ensimbi_events::codes::Problem;
use ensimbi_events::ids::ObjectKey;
use ensimbi_events::word::{Bearer, Component, Fee, FigureSource};
use ensimbi_events::words::wallet::WalletFunded;
use ensimbi_events::{Amount, SubjectKind, Time, WalletId};
use ensimbi_projections::wallets::WalletRow;
use serde::Serialize;
use utoipa::ToSchema;

use super::intent::located;
use super::openings::{past, wallet_in};
use super::told::{self, About, Facts, ToldBody};
use crate::ApiState;
use crate::body::{Object, Sign};
use crate::problem::ApiError;
use crate::sent::Sent;

const ROUTE: &str = "fundings";
/// Fees of one top-up at most.
const FEES_MAX: usize = 20;
/// Longest label of a fee, in characters.
const LABEL_MAX: usize = 100;
/// Longest id of a provider's row, in characters.
const ROW_MAX: usize = 200;

/// A fee of a top-up, in the wallet's currency, borne by us.
#[derive(Serialize, ToSchema)]
pub struct FundingFee {
    /// provider, network, fx, tax or unitemised.
    #[schema(value_type = String, example = "provider")]
    pub component: Component,
    /// A decimal string above zero.
    #[schema(value_type = String, example = "1000")]
    pub amount: Amount,
    /// What it is called on its document.
    pub label: Option<String>,
}

/// A top-up.
#[derive(Serialize, ToSchema)]
pub struct NewFunding {
    /// The wallet's id.
    #[schema(value_type = String, format = Uuid)]
    pub wallet: WalletId,
    /// What was sent: a decimal string above zero.
    #[schema(value_type = String, example = "100000")]
    pub amount: Amount,
    /// What arrived: the amount less the fees, and that if absent.
    #[schema(value_type = Option<String>, example = "99000")]
    pub wallet_credit: Option<Amount>,
    /// At most 20 fees.
    #[schema(required = false)]
    pub fees: Vec<FundingFee>,
    /// The id of the provider's row that shows it, exactly as given: the row and this word are then one event.
    pub row: Option<String>,
    /// When it happened; now if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub occurred_at: Option<Time>,
}

const FIELDS: [&str; 6] = ["wallet", "amount", "wallet_credit", "fees", "row", "occurred_at"];

impl NewFunding {
    fn read(state: &ApiState, body: &Object<'_>) -> Result<Self, ApiError> {
        let amount = body.need("amount", body.amount("amount", Sign::Positive)?)?;
        let mut fees = Vec::new();
        let mut sum = Amount::ZERO;
        for fee in body.objects("fees", FEES_MAX)? {
            let fee = fee.only(&["component", "amount", "label"])?;
            let new = FundingFee {
                component: fee.need("component", fee.word("component", Component::ALL, Component::as_str)?)?,
                amount: fee.need("amount", fee.amount("amount", Sign::Positive)?)?,
                label: fee.text("label", LABEL_MAX)?,
            };
            let too_large = || fee.problem(Problem::InvalidAmount, "amount", "the sum is too large for the ledger");
            sum = sum.checked_add(new.amount).ok_or_else(too_large)?;
            fees.push(new);
        }
        let credit = amount.checked_sub(sum).filter(|credit| credit.is_positive());
        let credit =
            credit.ok_or_else(|| body.problem(Problem::InvalidAmount, "fees", "they leave nothing of the amount"))?;
        let wallet_credit = body.amount("wallet_credit", Sign::Positive)?;
        if wallet_credit.is_some_and(|stated| stated != credit) {
            let why = format!("amount less fees is {credit}");
            return Err(body.problem(Problem::InvalidAmount, "wallet_credit", why));
        }
        Ok(Self {
            wallet: body.need("wallet", body.id("wallet")?)?,
            amount,
            wallet_credit: Some(credit),
            fees,
            row: body.text("row", ROW_MAX)?,
            occurred_at: past(state, body, "occurred_at")?,
        })
    }

    fn word(&self, wallet: &WalletRow) -> WalletFunded {
        let fees = self.fees.iter().map(|fee| Fee {
            component: fee.component,
            bearer: Bearer::Merchant,
            amount: fee.amount,
            currency: wallet.currency,
            source: FigureSource::Observed,
            label: fee.label.clone().unwrap_or_else(|| "stated".to_owned()),
            tax: None,
        });
        WalletFunded {
            amount: self.amount,
            wallet_credit: self.wallet_credit.unwrap_or(self.amount),
            fees: fees.collect(),
        }
    }
}

/// Records that a wallet was topped up from our bank.
#[utoipa::path(post, path = "/v1/fundings", operation_id = "create_funding", tag = "wallets",
    security(("api_key" = [])),
    request_body(content = NewFunding, example = json!({
        "wallet": "018f4d5e-7d2a-7c3b-9f10-2a6b8c0d1e2f", "amount": "100000",
        "fees": [{"component": "provider", "amount": "1000"}]
    })),
    responses(
        (status = 201, description = "Recorded.", body = ToldBody,
            headers(("Location" = String, description = "The transfer."))),
        (status = 202, description = "Taken; the ledger has not answered yet.", body = ToldBody),
    ))]
pub async fn create(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&FIELDS)?;
    let new = NewFunding::read(&state, &body)?;
    // The wallet never changes its connection, so the transfer's id is the same whenever the key comes again.
    let wallet = wallet_in(&state, sent.book(), &body, new.wallet).await?;
    let command = sent.id(ROUTE);
    let (object_kind, object_id, subject) = match &new.row {
        None => ("intent", command.to_string(), command),
        // As the row's own reading names it: whoever comes first, it is one transfer.
        Some(row) => {
            let (object_kind, object_id) = ("row", row.as_str());
            let key = ObjectKey { book: sent.book(), connection: Some(wallet.connection), object_kind, object_id };
            (object_kind, row.clone(), key.subject_id())
        }
    };
    let canonical = sent.canonical(&new)?;
    let facts = async {
        let about = About {
            subject,
            kind: SubjectKind::Transfer,
            connection: Some(wallet.connection),
            wallet: Some(new.wallet),
            currency: Some(wallet.currency),
        };
        let mut fact = about.fact(String::new(), new.word(&wallet));
        fact.object_kind = Some(object_kind.to_owned());
        fact.object_id = Some(object_id);
        Ok(Facts { facts: vec![(fact, new.occurred_at)], party: None, evidence: None })
    };
    let told = told::tell(&state, &sent, ROUTE, canonical, facts).await?;
    let mut response = told::answer(subject, &told, StatusCode::CREATED);
    located(&mut response, &format!("/v1/payments/{subject}"));
    Ok(response)
}
