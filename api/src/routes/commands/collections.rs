//! Asking a payer for money.

use axum::extract::State;
use axum::response::Response;
use ensimbi_events::codes::Problem;
use ensimbi_events::commands::{Checkout, CollectOrder, NAME_MAX, NOTE_MAX, OrderItem};
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Currency, SubjectId};
use utoipa::ToSchema;

use super::checkout::{self, CheckoutBody, ItemBody};
use super::errors::Asked;
use super::intent::{self, IntentBody};
use super::{WORD_MAX, connection_in, connection_name, fresh};
use crate::ApiState;
use crate::body::{Object, Sign};
use crate::problem::ApiError;
use crate::sent::Sent;

/// Who is asked for money. Goes to the vault; never into the book.
#[derive(ToSchema)]
pub struct Payer {
    /// 5 to 20 digits, with an optional `+` before. Needed unless the payer comes to the provider's page.
    #[schema(example = "256772000001", pattern = r"^\+?[0-9]{5,20}$")]
    pub phone: Option<String>,
    /// At most 254 characters.
    #[schema(max_length = 254)]
    pub email: Option<String>,
    /// At most 150 characters.
    #[schema(max_length = 150)]
    pub name: Option<String>,
}

/// A collection.
#[derive(ToSchema)]
pub struct NewCollection {
    /// Over which connection: its id or its slug.
    #[schema(example = "main")]
    pub connection: String,
    /// Into which wallet: its code or id. May be left out where one wallet has the currency.
    pub wallet: Option<String>,
    /// What the payer is to pay: a decimal string above zero.
    #[schema(value_type = String, example = "10000")]
    pub amount: Amount,
    /// The wallet's currency.
    #[schema(value_type = String, example = "UGX")]
    pub currency: Currency,
    /// Who pays.
    pub payer: Payer,
    /// Who bears the provider's fees: merchant (if absent) or payer.
    #[schema(value_type = Option<String>, example = "merchant")]
    pub fee_bearer: Bearer,
    /// The invoice it is meant for.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub invoice: Option<SubjectId>,
    /// Text for the payer, at most 200 characters.
    #[schema(max_length = 200)]
    pub note: Option<String>,
    /// What is sold, at most 100, where the provider makes an invoice of it; together it costs the amount.
    #[schema(value_type = Option<Vec<ItemBody>>, max_items = 100)]
    pub items: Vec<OrderItem>,
    /// How it is paid.
    #[schema(value_type = Option<CheckoutBody>)]
    pub checkout: Checkout,
}

impl NewCollection {
    fn read(body: &Object<'_>) -> Result<Self, ApiError> {
        let payer = body.need("payer", body.object("payer")?)?.only(&["phone", "name", "email"])?;
        Ok(Self {
            connection: connection_name(body)?,
            wallet: body.text_or(Problem::UnknownWallet, "wallet", WORD_MAX)?,
            amount: body.need("amount", body.amount("amount", Sign::Positive)?)?,
            currency: body.need("currency", body.currency("currency")?)?,
            payer: Payer {
                phone: payer.phone("phone")?,
                email: payer.email("email")?,
                name: payer.text("name", NAME_MAX)?,
            },
            fee_bearer: body
                .word("fee_bearer", &[Bearer::Merchant, Bearer::Payer], Bearer::as_str)?
                .unwrap_or(Bearer::Merchant),
            invoice: body.id("invoice")?,
            note: body.text("note", NOTE_MAX)?,
            items: checkout::items(body)?,
            checkout: checkout::checkout(body)?,
        })
    }
}

const FIELDS: [&str; 10] =
    ["connection", "wallet", "amount", "currency", "payer", "fee_bearer", "invoice", "note", "items", "checkout"];

/// Asks a payer for money.
///
/// The answer comes before the payer's; the payment at `Location` tells the outcome.
#[utoipa::path(post, path = "/v1/collections", operation_id = "create_collection", tag = "commands",
    security(("api_key" = [])),
    request_body(content = NewCollection, example = json!({
        "connection": "main", "amount": "10000", "currency": "UGX",
        "payer": {"phone": "256772000001"}, "note": "Order 17"
    })),
    responses((status = 202, description = "Taken; it goes on by itself.", body = IntentBody,
        headers(("Location" = String, description = "The payment.")))))]
pub async fn create(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&FIELDS)?;
    let new = NewCollection::read(&body)?;
    if new.payer.phone.is_none() && !new.checkout.hosted {
        return Err(body.problem(Problem::InvalidBody, "payer.phone", "missing"));
    }
    let connection = connection_in(&state, sent.book(), &body, &new.connection)?;
    if let Some(id) = new.invoice {
        let invoice = fresh::invoice(&state, sent.book(), id).await?;
        let invoice =
            invoice.ok_or_else(|| body.problem(Problem::NotFound, "invoice", "no such invoice in this book"))?;
        if invoice.currency.is_some_and(|currency| currency != new.currency) {
            return Err(body.problem(Problem::WrongCurrency, "currency", "not the invoice's"));
        }
    }
    let order = CollectOrder {
        connection: connection.id,
        wallet: new.wallet,
        amount: new.amount,
        currency: new.currency,
        payer_phone: new.payer.phone,
        payer_name: new.payer.name,
        payer_email: new.payer.email,
        fee_bearer: new.fee_bearer,
        invoice_id: new.invoice,
        note: new.note,
        items: new.items,
        checkout: new.checkout,
    };
    intent::answer(Asked::Collection, state.commands()?.collect(&sent.origin, &order).await)
}
