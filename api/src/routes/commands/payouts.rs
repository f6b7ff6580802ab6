//! Sending money out of a wallet, to others or to our own bank, and trying again after a confirmed failure.

use axum::extract::State;
use axum::response::Response;
use ensimbi_events::codes::Problem;
use ensimbi_events::commands::{Destination, NAME_MAX, NOTE_MAX, PayKind, PayOrder};
use ensimbi_events::{Amount, Currency, SubjectId};
use utoipa::ToSchema;

use super::errors::Asked;
use super::intent::{self, IntentBody};
use super::{WORD_MAX, connection_in, connection_name};
use crate::ApiState;
use crate::body::{Object, Sign};
use crate::params::Id;
use crate::problem::ApiError;
use crate::sent::Sent;

/// Where money goes: a phone, or a bank account. Goes to the vault; never into the book.
#[derive(ToSchema)]
pub struct To {
    /// A mobile-money account: 5 to 20 digits, with an optional `+` before. Without bank fields.
    #[schema(example = "256772000001", pattern = r"^\+?[0-9]{5,20}$")]
    pub phone: Option<String>,
    /// The bank's code in `/v1/connections/{id}/banks`.
    pub bank: Option<String>,
    /// 4 to 34 letters and digits.
    pub account_number: Option<String>,
    /// The account's holder, at most 150 characters.
    pub account_name: Option<String>,
    /// The rail in the provider's word, where one must be chosen.
    pub rail: Option<String>,
}

/// A payout or withdrawal.
#[derive(ToSchema)]
pub struct NewPayout {
    /// Over which connection: its id or its slug.
    #[schema(example = "main")]
    pub connection: String,
    /// Out of which wallet: its code or id. May be left out where one wallet has the currency.
    pub wallet: Option<String>,
    /// What is to leave: a decimal string above zero.
    #[schema(value_type = String, example = "10000")]
    pub amount: Amount,
    /// The wallet's currency.
    #[schema(value_type = String, example = "UGX")]
    pub currency: Currency,
    /// Where to.
    pub to: To,
    /// The beneficiary's name, at most 150 characters.
    #[schema(max_length = 150)]
    pub name: Option<String>,
    /// Text for the beneficiary, at most 200 characters.
    #[schema(max_length = 200)]
    pub note: Option<String>,
}

const FIELDS: [&str; 7] = ["connection", "wallet", "amount", "currency", "to", "name", "note"];

impl NewPayout {
    fn read(body: &Object<'_>, to: &Object<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            connection: connection_name(body)?,
            wallet: body.text_or(Problem::UnknownWallet, "wallet", WORD_MAX)?,
            amount: body.need("amount", body.amount("amount", Sign::Positive)?)?,
            currency: body.need("currency", body.currency("currency")?)?,
            to: To::read(to)?,
            name: body.text("name", NAME_MAX)?,
            note: body.text("note", NOTE_MAX)?,
        })
    }
}

impl To {
    fn read(body: &Object<'_>) -> Result<Self, ApiError> {
        body.allow(&["phone", "bank", "account_number", "account_name", "rail"])?;
        Ok(Self {
            phone: body.phone("phone")?,
            bank: body.text_or(Problem::UnknownBank, "bank", WORD_MAX)?,
            account_number: body.account_number("account_number")?,
            account_name: body.text_or(Problem::InvalidAccount, "account_name", NAME_MAX)?,
            rail: body.text("rail", WORD_MAX)?,
        })
    }

    /// One of the two ways, whole and alone.
    fn destination(self, body: &Object<'_>) -> Result<Destination, ApiError> {
        let of_a_bank = self.account_number.is_some() || self.account_name.is_some() || self.rail.is_some();
        match (self.phone, self.bank) {
            (Some(phone), None) if !of_a_bank => Ok(Destination::Mobile { phone }),
            (None, Some(bank)) => Ok(Destination::Bank {
                bank,
                account_number: body.need("account_number", self.account_number)?,
                account_name: body.need("account_name", self.account_name)?,
                rail: self.rail,
            }),
            (Some(_), _) => Err(body.wrong("phone", "stands alone: a phone or a bank account, not both")),
            (None, None) if of_a_bank => Err(body.wrong("bank", "missing")),
            (None, None) => Err(body.wrong("phone", "missing: a phone, or bank, account_number and account_name")),
        }
    }
}

async fn pay(state: &ApiState, sent: &Sent, kind: PayKind) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&FIELDS)?;
    let to = body.need("to", body.object("to")?)?;
    let new = NewPayout::read(&body, &to)?;
    let connection = connection_in(state, sent.book(), &body, &new.connection)?;
    let order = PayOrder {
        kind,
        connection: connection.id,
        wallet: new.wallet,
        amount: new.amount,
        currency: new.currency,
        to: new.to.destination(&to)?,
        name: new.name,
        note: new.note,
    };
    intent::answer(Asked::Payout, state.commands()?.pay(&sent.origin, &order).await)
}

/// Sends money to somebody.
///
/// The amount and the highest plausible fee are reserved first; above what is available nothing is sent.
#[utoipa::path(post, path = "/v1/payouts", operation_id = "create_payout", tag = "commands",
    security(("api_key" = [])),
    request_body(content = NewPayout, example = json!({
        "connection": "main", "amount": "10000", "currency": "UGX", "to": {"phone": "256772000001"}
    })),
    responses((status = 202, description = "Reserved; it goes on by itself.", body = IntentBody,
        headers(("Location" = String, description = "The payout.")))))]
pub async fn create(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    pay(&state, &sent, PayKind::Payout).await
}

/// Moves money to our own bank.
///
/// The amount and the highest plausible fee are reserved first; above what is available nothing is sent.
#[utoipa::path(post, path = "/v1/withdrawals", operation_id = "create_withdrawal", tag = "commands",
    security(("api_key" = [])),
    request_body(content = NewPayout, example = json!({
        "connection": "main", "amount": "200000", "currency": "UGX",
        "to": {"bank": "040147", "account_number": "0140012345678", "account_name": "Kasuku Traders Ltd"}
    })),
    responses((status = 202, description = "Reserved; it goes on by itself.", body = IntentBody,
        headers(("Location" = String, description = "The withdrawal.")))))]
pub async fn withdraw(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    pay(&state, &sent, PayKind::Withdrawal).await
}

/// Tries an order again, after its last attempt came to nothing for certain.
///
/// Refused while the outcome is not known: only the provider's status can say that nothing moved.
#[utoipa::path(post, path = "/v1/payments/{id}/attempts", operation_id = "create_attempt", tag = "commands",
    security(("api_key" = [])),
    params(("id" = String, Path, description = "The payment's or payout's id.", format = Uuid)),
    responses((status = 202, description = "Taken; it goes on by itself.", body = IntentBody,
        headers(("Location" = String, description = "The payment.")))))]
pub async fn again(State(state): State<ApiState>, Id(id): Id<SubjectId>, sent: Sent) -> Result<Response, ApiError> {
    sent.nothing()?;
    intent::answer(Asked::Payout, state.commands()?.again(&sent.origin, id).await)
}
