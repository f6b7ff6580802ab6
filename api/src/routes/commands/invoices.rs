//! Making an invoice. Everything is checked before the first fact is told, so that none is recorded half.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ensimbi_events::codes::Problem;
use ensimbi_events::commands::{NAME_MAX, Party};
use ensimbi_events::owed::{LineError, line_total};
use ensimbi_events::word::Recognition;
use ensimbi_events::words::invoice::{InvoiceDrafted, InvoiceItemAdded, InvoicePublished};
use ensimbi_events::{Amount, Currency, currency};
use serde::Serialize;
use utoipa::ToSchema;

use super::intent::located;
use super::policy;
use super::told::{self, About, Facts, ToldBody};
use crate::ApiState;
use crate::body::{Object, Sign};
use crate::problem::ApiError;
use crate::sent::Sent;

/// The route, part of what the key is unique in; the invoice's id is the command's.
pub(super) const ROUTE: &str = "invoices";
/// Items of a draft at most, as in the ledger.
const ITEMS_MAX: usize = 200;
/// Longest item id, in characters, as in the ledger.
pub(super) const ITEM_ID_MAX: usize = 64;
/// Longest text of a quantity.
const QUANTITY_MAX: usize = 16;

/// Whom an invoice is for. Goes to the vault; never into the book.
#[derive(Serialize, ToSchema)]
pub struct PartyBody {
    /// 5 to 20 digits, with an optional `+` before.
    #[schema(example = "256772000001")]
    pub phone: Option<String>,
    /// At most 150 characters.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

/// An item of an invoice.
#[derive(Serialize, ToSchema)]
pub struct NewItem {
    /// Its id in the invoice, at most 64 characters; its number if absent.
    #[schema(example = "1")]
    pub id: Option<String>,
    /// How many: a decimal string above zero, at most 4 places; "1" if absent.
    #[schema(example = "2", required = false)]
    pub quantity: String,
    /// Price of one, with tax: a decimal string. quantity x unit_amount must come out exactly.
    #[schema(value_type = String, example = "5000")]
    pub unit_amount: Amount,
    /// Tax inside quantity x unit_amount.
    #[schema(value_type = Option<String>, example = "1525")]
    pub tax: Option<Amount>,
}

impl NewItem {
    /// Reads an item; gives it with quantity x unit_amount.
    pub(super) fn read(body: &Object<'_>) -> Result<(Self, Amount), ApiError> {
        let quantity = body.text("quantity", QUANTITY_MAX)?.unwrap_or_else(|| "1".to_owned());
        let unit_amount = body.need("unit_amount", body.amount("unit_amount", Sign::NotNegative)?)?;
        let tax = body.amount("tax", Sign::NotNegative)?;
        let total = line_total(&quantity, unit_amount).map_err(|error| match error {
            LineError::Quantity => body.wrong("quantity", error),
            LineError::TooFine | LineError::TooLarge => body.problem(Problem::InvalidAmount, "unit_amount", error),
        })?;
        if tax.is_some_and(|tax| tax > total) {
            return Err(body.problem(Problem::InvalidAmount, "tax", format!("is not inside the item's {total}")));
        }
        Ok((Self { id: body.text("id", ITEM_ID_MAX)?, quantity, unit_amount, tax }, total))
    }

    /// The word that adds it.
    pub(super) fn added(self, item_id: String) -> InvoiceItemAdded {
        InvoiceItemAdded { item_id, quantity: self.quantity, unit_amount: self.unit_amount, tax: self.tax }
    }
}

/// An invoice.
#[derive(Serialize, ToSchema)]
pub struct NewInvoice {
    /// Of all its amounts.
    #[schema(value_type = String, example = "UGX")]
    pub currency: Currency,
    /// Whom it is for.
    pub party: Option<PartyBody>,
    /// At most 200 items.
    #[schema(required = false)]
    pub items: Vec<NewItem>,
    /// Date it is due.
    #[schema(example = "2026-06-03", format = Date)]
    pub due: Option<String>,
    /// on_publish or on_payment; the book's policy if absent, else on_publish.
    #[schema(value_type = Option<String>, example = "on_publish")]
    pub recognition: Option<Recognition>,
    /// Publishes it at once with the sum of its items; else it stays a draft.
    #[schema(required = false)]
    pub publish: bool,
}

const FIELDS: [&str; 6] = ["currency", "party", "items", "due", "recognition", "publish"];

impl NewInvoice {
    fn read(body: &Object<'_>) -> Result<(Self, Amount), ApiError> {
        let mut total = Amount::ZERO;
        let mut items: Vec<NewItem> = Vec::new();
        for object in body.objects("items", ITEMS_MAX)? {
            let object = object.only(&["id", "quantity", "unit_amount", "tax"])?;
            let (mut item, sum) = NewItem::read(&object)?;
            let id = item.id.take().unwrap_or_else(|| (items.len() + 1).to_string());
            if items.iter().any(|other| other.id.as_ref() == Some(&id)) {
                return Err(object.wrong("id", "another item has it"));
            }
            total = total.checked_add(sum).ok_or_else(|| too_large(body, "items"))?;
            items.push(NewItem { id: Some(id), ..item });
        }
        let new = Self {
            currency: body.need("currency", body.currency("currency")?)?,
            party: body.object("party")?.map(|party| party_in(&party)).transpose()?,
            items,
            due: body.date("due")?,
            recognition: recognition_in(body)?,
            publish: body.flag("publish")?.unwrap_or(false),
        };
        if !new.publish && (new.due.is_some() || new.recognition.is_some()) {
            let field = if new.due.is_some() { "due" } else { "recognition" };
            return Err(body.wrong(field, "belongs to the publication: send publish: true, or publish it later"));
        }
        if new.publish && !total.is_positive() {
            return Err(body.wrong("items", "an invoice that is published comes to more than zero"));
        }
        Ok((new, total))
    }
}

/// `recognition` of a body.
pub(super) fn recognition_in(body: &Object<'_>) -> Result<Option<Recognition>, ApiError> {
    body.word("recognition", Recognition::ALL, Recognition::as_str)
}

fn party_in(party: &Object<'_>) -> Result<PartyBody, ApiError> {
    party.allow(&["phone", "name", "email"])?;
    let party =
        PartyBody { phone: party.phone("phone")?, name: party.text("name", NAME_MAX)?, email: party.email("email")? };
    Ok(party)
}

fn too_large(body: &Object<'_>, field: &str) -> ApiError {
    body.problem(Problem::InvalidAmount, field, "their sum is too large for the ledger")
}

/// ISO 4217, a sandbox's code, or a wallet's currency: another one is a slip of the pen.
fn known(state: &ApiState, sent: &Sent, code: Currency) -> Result<bool, ApiError> {
    let mut connections = state.commands()?.connections(sent.book()).into_iter();
    Ok(currency::lookup(code).is_some()
        || connections.any(|connection| connection.wallets.iter().any(|(_, _, currency)| *currency == code)))
}

/// Makes an invoice, as a draft or published at once.
#[utoipa::path(post, path = "/v1/invoices", operation_id = "create_invoice", tag = "invoices",
    security(("api_key" = [])),
    request_body(content = NewInvoice, example = json!({
        "currency": "UGX", "party": {"phone": "256772000001"},
        "items": [{"quantity": "2", "unit_amount": "59000", "tax": "18000"}],
        "due": "2026-06-03", "publish": true
    })),
    responses(
        (status = 201, description = "Recorded.", body = ToldBody,
            headers(("Location" = String, description = "The invoice."))),
        (status = 202, description = "Taken; the ledger has not answered all of it yet.", body = ToldBody),
    ))]
pub async fn create(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&FIELDS)?;
    let (new, total) = NewInvoice::read(&body)?;
    if !known(&state, &sent, new.currency)? {
        return Err(body.problem(
            Problem::WrongCurrency,
            "currency",
            "not a currency of ISO 4217, nor of a wallet here",
        ));
    }
    let tax = Amount::checked_sum(new.items.iter().filter_map(|item| item.tax));
    let tax = tax.ok_or_else(|| too_large(&body, "items"))?;
    let id = sent.id(ROUTE);
    let canonical = sent.canonical(&new)?;
    let facts = async {
        let about = About::invoice(id, new.currency);
        let mut facts = vec![about.fact(String::new(), InvoiceDrafted { party_id: None })];
        for item in new.items {
            let item_id = item.id.clone().unwrap_or_default();
            facts.push(about.fact([&id.to_string(), ":", &item_id].concat(), item.added(item_id)));
        }
        if new.publish {
            let recognition = match new.recognition {
                Some(recognition) => recognition,
                None => policy::recognition(&state, sent.book()).await?,
            };
            let body = InvoicePublished { total, tax, recognition, due: new.due, party_id: None };
            facts.push(about.fact(id.to_string(), body));
        }
        let party = new.party.map(|party| Party { phone: party.phone, name: party.name, email: party.email });
        Ok(Facts { facts: facts.into_iter().map(|fact| (fact, None)).collect(), party, evidence: None })
    };
    let told = told::tell(&state, &sent, ROUTE, canonical, facts).await?;
    let mut response = told::answer(id, &told, StatusCode::CREATED);
    located(&mut response, &format!("/v1/invoices/{id}"));
    Ok(response)
}
