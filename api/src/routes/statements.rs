//! Statements: opening, lines with a running balance, closing; each line with its payment and its evidence.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use ensimbi_events::money::scaled_text;
use ensimbi_events::{BookId, Currency, WalletId};
use ensimbi_projections::query::{LineKey, StatementLine, StatementQuery};
use serde::Serialize;
use utoipa::ToSchema;

use super::{config, decode, text};
use crate::ApiState;
use crate::auth::Tenant;
use crate::axes::axes;
use crate::cursor::Binding;
use crate::params::{Id, Params, RawParams};
use crate::problem::ApiError;

/// One set of raw bytes that supports a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvidenceBody {
    /// The observation; `explain` of its payment has more of it.
    #[schema(format = Uuid)]
    pub observation: String,
    /// signed, read, imported or connector.
    #[schema(example = "read")]
    pub class: String,
    /// Salted commitment, in hex.
    pub commitment: String,
}

/// One line. Debit is plus, credit is minus.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementLineBody {
    /// Its event's place in the book.
    pub position: u64,
    /// Its number in the entry.
    pub n: u32,
    /// Its event.
    #[schema(format = Uuid)]
    pub event_id: String,
    /// The event's word.
    #[serde(rename = "type")]
    #[schema(example = "CollectionSucceeded")]
    pub kind: String,
    /// When it happened; a fee: when its payment did.
    #[schema(format = DateTime)]
    pub occurred_at: String,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub recorded_at: String,
    /// Its book date.
    #[schema(format = Date)]
    pub book_date: String,
    /// The event's subject.
    #[schema(format = Uuid)]
    pub subject: String,
    /// The payment it belongs to.
    #[schema(format = Uuid)]
    pub payment: Option<String>,
    /// The id that its balance waits for.
    #[schema(format = Uuid)]
    pub open_item: Option<String>,
    /// How much.
    #[schema(example = "675.5")]
    pub amount: String,
    /// The account's balance with this line.
    #[schema(example = "97500.5")]
    pub balance: String,
    /// The bytes behind its event; none for what the ledger or a person decided.
    pub evidence: Vec<EvidenceBody>,
}

/// A page of a statement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statement)]
pub struct StatementBody {
    /// Every event up to here is in the answer, none after.
    pub position: u64,
    /// The view has stopped before an event that it cannot apply.
    pub stale: bool,
    /// Account path.
    #[schema(example = "assets:wallet:main:w1")]
    pub account: String,
    /// Currency.
    #[schema(example = "UGX")]
    pub currency: String,
    /// occurred or booked: by which dates lines are chosen and ordered.
    #[schema(example = "occurred")]
    pub basis: String,
    /// The book's time zone.
    #[schema(example = "Africa/Kampala")]
    pub tz: String,
    /// Balance before the first line; debit is plus.
    #[schema(example = "0")]
    pub opening: String,
    /// All debits.
    pub debit: String,
    /// All credits.
    pub credit: String,
    /// Balance after the last line: opening + debit - credit.
    pub closing: String,
    /// Number of lines, over every page.
    pub count: u64,
    /// In the order of their dates, then of the book.
    pub items: Vec<StatementLineBody>,
    /// For the next page; absent on the last.
    pub next_cursor: Option<String>,
}

const PARAMS: [&str; 8] = ["basis", "from", "to", "as_of", "known_at", "tz", "limit", "cursor"];

/// Shows a wallet's statement: what is spendable, or what the provider withholds.
#[utoipa::path(get, path = "/v1/wallets/{id}/statement", operation_id = "get_wallet_statement", tag = "wallets", security(("api_key" = [])), params(
    ("id" = String, Path, description = "The wallet's id.", format = Uuid),
    ("part" = Option<String>, Query, description = "posted (default) or held."),
    ("basis" = Option<String>, Query, description = "occurred (default) or booked."),
    ("from" = Option<String>, Query, description = "First moment inside: RFC 3339, or a date. With booked: a date."),
    ("to" = Option<String>, Query, description = "First moment no longer inside, in the same forms."),
    ("as_of" = Option<String>, Query, description = "Instead of `to`: the last moment or date inside."),
    ("known_at" = Option<String>, Query, description = "Only what was recorded by then: RFC 3339, or a date (all of it)."),
    ("tz" = Option<String>, Query, description = "IANA time zone of dates; the book's if absent."),
    ("limit" = Option<u32>, Query, description = "Largest number of lines, 1 to 500; 50 if absent.", minimum = 1, maximum = 500),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same parameters."),
), responses((status = 200, description = "A page of the statement.", body = StatementBody)))]
pub async fn of_wallet(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    Id(id): Id<WalletId>,
    raw: RawParams,
) -> Result<Json<StatementBody>, ApiError> {
    let names: Vec<&'static str> = PARAMS.into_iter().chain(["part"]).collect();
    let params = raw.only(&names)?;
    let part = params.word("part", &["wallet", "held"], |root| if root == "held" { "held" } else { "posted" })?;
    let row = state.wallets.wallet(book, id).await?.value.ok_or_else(|| ApiError::not_found("wallet"))?;
    let account = ["assets", part.unwrap_or("wallet"), &row.account_code, &row.code].join(":");
    page(&state, book, &params, account, row.currency).await
}

/// Shows the statement of any account: a clearing, fee, receivable or other one, in one currency.
#[utoipa::path(get, path = "/v1/statements", operation_id = "get_statement", tag = "book", security(("api_key" = [])), params(
    ("account" = String, Query, description = "The account's path."),
    ("currency" = Option<String>, Query, description = "Which currency; needed where the account has several."),
    ("basis" = Option<String>, Query, description = "occurred (default) or booked."),
    ("from" = Option<String>, Query, description = "First moment inside: RFC 3339, or a date. With booked: a date."),
    ("to" = Option<String>, Query, description = "First moment no longer inside, in the same forms."),
    ("as_of" = Option<String>, Query, description = "Instead of `to`: the last moment or date inside."),
    ("known_at" = Option<String>, Query, description = "Only what was recorded by then: RFC 3339, or a date (all of it)."),
    ("tz" = Option<String>, Query, description = "IANA time zone of dates; the book's if absent."),
    ("limit" = Option<u32>, Query, description = "Largest number of lines, 1 to 500; 50 if absent.", minimum = 1, maximum = 500),
    ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, with the same parameters."),
), responses((status = 200, description = "A page of the statement.", body = StatementBody)))]
pub async fn of_account(
    State(state): State<ApiState>,
    Tenant(book): Tenant,
    raw: RawParams,
) -> Result<Json<StatementBody>, ApiError> {
    let names: Vec<&'static str> = PARAMS.into_iter().chain(["account", "currency"]).collect();
    let params = raw.only(&names)?;
    let accounts = state.accounts.accounts(book).await?.value;
    let Some(account) = params.account("account")? else {
        return Err(ApiError::parameter("account", "missing; name the account whose statement it is"));
    };
    let own: Vec<Currency> = accounts.iter().filter(|(path, _)| *path == account).map(|(_, code)| *code).collect();
    if own.is_empty() {
        let mut all: Vec<String> = accounts.into_iter().map(|(path, _)| path).collect();
        all.dedup();
        return Err(ApiError::unknown("account", "no line of this book stands on it", all));
    }
    let codes = || own.iter().map(ToString::to_string);
    let currency = match config::currency(&state, book, &params, "currency").await? {
        Some(code) if own.contains(&code) => code,
        Some(_) => return Err(ApiError::unknown("currency", "the account has no line in it", codes())),
        None if own.len() == 1 => own[0],
        None => {
            let detail = "the account has several currencies; a statement is of one";
            return Err(ApiError::parameter("currency", detail).allowing(codes()));
        }
    };
    page(&state, book, &params, account, currency).await
}

async fn page(
    state: &ApiState,
    book: BookId,
    params: &Params,
    account: String,
    currency: Currency,
) -> Result<Json<StatementBody>, ApiError> {
    let axes = axes(state, book, params).await?;
    let code = currency.to_string();
    let route = ["/v1/statements", &account, &code].join(" ");
    let binding = Binding::new(book, &route, params, &["basis", "from", "to", "as_of", "known_at", "tz"]);
    let after = binding.key(params)?.map(|key| line_key(&key).ok_or_else(Binding::wrong)).transpose()?;
    let limit = params.limit()?;
    let query = StatementQuery { account, currency, span: axes.span, known: axes.known, after, limit };
    let answer = state.accounts.statement(book, &query).await?;
    let statement = answer.value;
    let next_cursor = statement.next.map(|next| binding.cursor(&format!("{}:{}:{}", next.at, next.position, next.n)));
    Ok(Json(StatementBody {
        position: answer.stamp.position,
        stale: answer.stamp.stopped_at.is_some(),
        account: query.account,
        currency: code,
        basis: axes.span.basis().to_string(),
        tz: statement.tz,
        opening: scaled_text(statement.opening),
        debit: scaled_text(statement.debit),
        credit: scaled_text(statement.credit),
        closing: scaled_text(statement.closing),
        count: statement.count,
        items: lines(state, book, statement.lines).await?,
        next_cursor,
    }))
}

fn line_key(text: &str) -> Option<LineKey> {
    let mut parts = text.split(':');
    let key = LineKey {
        at: parts.next()?.parse().ok()?,
        position: parts.next()?.parse().ok()?,
        n: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(key)
}

/// The lines with what their events' leaves say of them, in one read for the page.
async fn lines(state: &ApiState, book: BookId, lines: Vec<StatementLine>) -> Result<Vec<StatementLineBody>, ApiError> {
    let mut positions: Vec<u64> = lines.iter().map(|line| line.position).collect();
    positions.sort_unstable();
    positions.dedup();
    let mut events = HashMap::with_capacity(positions.len());
    for leaf in state.reader.read_at(book, &positions).await? {
        events.insert(leaf.position, decode(&leaf)?);
    }
    let missing = || ApiError::internal(&"a line's event is not in the book");
    lines
        .into_iter()
        .map(|line| {
            let event = events.get(&line.position).ok_or_else(missing)?;
            let evidence = event.context.evidence.iter().map(|proof| EvidenceBody {
                observation: proof.observation.to_string(),
                class: proof.class.to_string(),
                commitment: proof.commitment.to_string(),
            });
            Ok(StatementLineBody {
                position: line.position,
                n: line.n,
                event_id: event.record.event_id.to_string(),
                kind: line.word,
                occurred_at: line.occurred_at.to_string(),
                recorded_at: line.recorded_at.to_string(),
                book_date: line.book_date,
                subject: line.subject.to_string(),
                payment: text(line.payment),
                open_item: text(line.open_item),
                amount: line.amount.to_string(),
                balance: scaled_text(line.balance),
                evidence: evidence.collect(),
            })
        })
        .collect()
}
