//! What a collection may say about what is sold and how it is paid, where the provider has a page or invoices for it.

use ensimbi_events::Amount;
use ensimbi_events::codes::Problem;
use ensimbi_events::commands::{Checkout, ITEMS_MAX, NAME_MAX, OrderItem, URL_MAX};
use utoipa::ToSchema;

use super::WORD_MAX;
use crate::body::{Object, Sign};
use crate::problem::ApiError;

/// One thing that is sold.
#[derive(ToSchema)]
#[schema(as = OrderItem)]
#[expect(dead_code, reason = "the schema of what is read into the order's own item")]
pub struct ItemBody {
    /// What it is called, at most 150 characters.
    #[schema(max_length = 150, example = "Exercise book")]
    pub name: String,
    /// How many, from 1; 1 if absent.
    #[schema(minimum = 1, example = 2)]
    pub quantity: Option<u32>,
    /// Price of one: a decimal string above zero.
    #[schema(value_type = String, example = "2500")]
    pub price: Amount,
}

/// How it is paid. Without it the payer is prompted.
#[derive(ToSchema)]
#[schema(as = Checkout)]
#[expect(dead_code, reason = "the schema of what is read into the order's own checkout")]
pub struct CheckoutBody {
    /// The payer is sent to the provider's page (`checkout_url` of the answer) instead of being prompted.
    pub hosted: Option<bool>,
    /// Where the page sends the payer afterwards.
    #[schema(max_length = 500)]
    pub success_url: Option<String>,
    /// Where it sends a payer who failed.
    #[schema(max_length = 500)]
    pub failure_url: Option<String>,
    /// Where it sends a payer who gave up.
    #[schema(max_length = 500)]
    pub cancel_url: Option<String>,
    /// The provider's words for the methods that are allowed; all if absent.
    pub methods: Option<Vec<String>>,
    /// Only hold the money: it is captured or released by a later command.
    pub authorise_only: Option<bool>,
}

/// The items of a body.
pub fn items(body: &Object<'_>) -> Result<Vec<OrderItem>, ApiError> {
    let read = |item: Object<'_>| {
        let item = item.only(&["name", "quantity", "price"])?;
        Ok(OrderItem {
            name: item.need("name", item.text("name", NAME_MAX)?)?,
            quantity: item.count("quantity")?.unwrap_or(1),
            price: item.need("price", item.amount("price", Sign::Positive)?)?,
        })
    };
    body.objects("items", ITEMS_MAX)?.into_iter().map(read).collect()
}

/// The checkout of a body.
pub fn checkout(body: &Object<'_>) -> Result<Checkout, ApiError> {
    const FIELDS: [&str; 6] = ["hosted", "success_url", "failure_url", "cancel_url", "methods", "authorise_only"];
    let Some(checkout) = body.object("checkout")? else { return Ok(Checkout::default()) };
    let checkout = checkout.only(&FIELDS)?;
    Ok(Checkout {
        hosted: checkout.flag("hosted")?.unwrap_or(false),
        success_url: checkout.text_or(Problem::InvalidBody, "success_url", URL_MAX)?,
        failure_url: checkout.text_or(Problem::InvalidBody, "failure_url", URL_MAX)?,
        cancel_url: checkout.text_or(Problem::InvalidBody, "cancel_url", URL_MAX)?,
        methods: checkout.texts("methods", ITEMS_MAX, WORD_MAX)?,
        authorise_only: checkout.flag("authorise_only")?.unwrap_or(false),
    })
}
