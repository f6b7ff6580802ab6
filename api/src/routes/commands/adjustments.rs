//! A person's own balanced lines, and the reversal of such lines.
//!
//! body -> its reversal's original, from the leaf -> the fact -> told, or kept for a second person where the book wants
//! one ([`super::approvals`]). What must hold of the lines, the ledger decides; what waits is looked at before it waits.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ensimbi_events::approvals::Proposal;
use ensimbi_events::codes::Problem;
use ensimbi_events::config::BookConfig;
use ensimbi_events::event::{Line, Lines};
use ensimbi_events::trial::{fee_dimensions, is_memo, left_over};
use ensimbi_events::words::control::AdjustmentPosted;
use ensimbi_events::{
    Amount, Body, Currency, Event, EventId, Fact, ObservationId, SubjectId, SubjectKind, Time, currency,
};
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use super::allocations::path_in;
use super::errors::{Asked, problem};
use super::told::{self, About, Facts, ToldBody};
use super::{approvals, fresh};
use crate::ApiState;
use crate::body::{Object, Sign};
use crate::params::{ROOTS, known_currencies};
use crate::problem::ApiError;
use crate::routes::config::{config, own_currencies};
use crate::sent::Sent;

pub(super) const ROUTE: &str = "adjustments";
/// Longest reason, in characters.
const REASON_MAX: usize = 500;
/// Most lines.
const LINES_MAX: usize = 100;
/// Why lines on a wallet are refused.
const UNPROVEN: &str = "a wallet's lines need evidence: what its provider said of them";
/// The object kind that makes a reversal's keys those of its entry.
const REVERSAL: &str = "reversal";
const FIELDS: [&str; 5] = ["reason", "lines", "reversal_of", "date", "evidence"];
const LINE_FIELDS: [&str; 5] = ["account", "currency", "amount", "open_item", "payment_id"];

/// Balanced lines, or the reversal of an earlier adjustment.
#[derive(Serialize, ToSchema)]
pub struct NewAdjustment {
    /// Why, in 1 to 500 characters. It stays in the book for ever: no names, phones or account numbers.
    #[schema(max_length = 500, example = "Tax invoice 17 of the provider.")]
    pub reason: String,
    /// 2 to 100, zero in each currency. Left out only beside `reversal_of`: then they are the opposite of the entry's.
    pub lines: Option<Vec<NewLine>>,
    /// The entry that it reverses; each can be reversed once.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub reversal_of: Option<EventId>,
    /// The day it belongs to, in the book's zone: not after today and not in a closed period. It then counts from the end of
    /// that day; now, if absent.
    #[schema(example = "2026-05-03")]
    pub date: Option<String>,
    /// The observation that bears it out, no hint: obligatory where a line is on a wallet's own accounts, and then of the same
    /// connection.
    /// `ensimbi import` prints the id of what it took; `/v1/payments/{id}/explain` names what is behind a payment.
    #[schema(value_type = Option<String>, format = Uuid)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<ObservationId>,
}

/// One line.
#[derive(Serialize, ToSchema)]
pub struct NewLine {
    /// Account path. On a wallet's own accounts, `evidence` says what its provider said of them.
    #[schema(example = "assets:tax:vat")]
    pub account: String,
    /// Currency.
    #[schema(value_type = String, example = "UGX")]
    pub currency: Currency,
    /// Signed: debit is plus, credit is minus.
    #[schema(value_type = String, example = "1800")]
    pub amount: Amount,
    /// What the balance waits for: obligatory on clearing, dispute and receivable accounts (an invoice's id on
    /// `assets:receivable`), and allowed nowhere else.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub open_item: Option<SubjectId>,
    /// The payment that it belongs to.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub payment_id: Option<SubjectId>,
}

impl NewAdjustment {
    fn read(body: &Object<'_>, own: &[Currency]) -> Result<Self, ApiError> {
        let lines = body.objects("lines", LINES_MAX)?.into_iter();
        let lines = lines.map(|line| NewLine::read(&line, own)).collect::<Result<Vec<_>, _>>()?;
        let reversal_of = body.id("reversal_of")?;
        if lines.is_empty() && reversal_of.is_none() {
            return Err(body.wrong("lines", "missing; expected 2 to 100"));
        }
        if lines.len() == 1 {
            return Err(body.wrong("lines", "expected 2 to 100"));
        }
        Ok(Self {
            reason: body.need("reason", body.text("reason", REASON_MAX)?)?,
            lines: (!lines.is_empty()).then_some(lines),
            reversal_of,
            date: body.date("date")?,
            evidence: body.id("evidence")?,
        })
    }

    /// The fact, with the opposite of the original's lines where none are given.
    async fn fact(self, state: &ApiState, sent: &Sent) -> Result<Fact, ApiError> {
        let own = self.lines.map(|lines| (1..).zip(lines).map(|(n, line)| line.line(n)).collect());
        let lines = match self.reversal_of {
            None => own.unwrap_or_default(),
            Some(id) => {
                let original = fresh::event(state, sent.book(), id).await?;
                let unknown = "reversal_of: no such event in this book";
                let original = original.ok_or_else(|| ApiError::field(Problem::NotFound, "reversal_of", unknown))?;
                let opposite = opposite(&original, self.evidence.is_some())?;
                own.unwrap_or(opposite)
            }
        };
        let body = AdjustmentPosted {
            actor_id: sent.actor_id.clone(),
            reason: self.reason,
            lines: Lines(lines),
            approver_id: None,
            reversal_of: self.reversal_of,
        };
        let id = sent.id(ROUTE);
        let about = About { subject: id, kind: SubjectKind::Book, connection: None, wallet: None, currency: None };
        Ok(match self.reversal_of {
            None => about.fact(id.to_string(), body),
            Some(original) => Fact {
                object_kind: Some(REVERSAL.to_owned()),
                object_id: Some(original.to_string()),
                ..about.fact(String::new(), body)
            },
        })
    }
}

impl NewLine {
    fn read(line: &Object<'_>, own: &[Currency]) -> Result<Self, ApiError> {
        line.allow(&LINE_FIELDS)?;
        let account = line.need("account", path_in(line, "account", Problem::UnknownValue)?)?;
        let rooted = ROOTS.contains(&account.split(':').next().unwrap_or_default());
        if !rooted {
            let why = "expected an account path under one of the five roots, such as income:sales";
            return Err(line.problem(Problem::UnknownValue, "account", why).allowing(ROOTS));
        }
        let amount = line.need("amount", line.amount("amount", Sign::Any)?)?;
        if amount.is_zero() {
            return Err(line.problem(Problem::InvalidAmount, "amount", "must not be zero"));
        }
        let code = line.need("currency", line.text("currency", currency::CODE_MAX)?)?;
        let known = code.parse().ok().filter(|code| own.contains(code) || currency::lookup(*code).is_some());
        let unknown = || {
            let why = "expected the code of a currency that this book knows, such as UGX";
            line.problem(Problem::UnknownValue, "currency", why).allowing(known_currencies(own))
        };
        Ok(Self {
            account,
            currency: known.ok_or_else(unknown)?,
            amount,
            open_item: line.id("open_item")?,
            payment_id: line.id("payment_id")?,
        })
    }

    fn line(self, n: u32) -> Line {
        let (component, bearer) = fee_dimensions(&self.account).unzip();
        Line {
            n,
            account: self.account,
            currency: self.currency,
            amount: self.amount,
            open_item: self.open_item,
            payment_id: self.payment_id,
            component,
            bearer,
        }
    }
}

/// The opposite of an entry's lines. Only an adjustment is undone by lines alone; everything else has a life that must
/// follow, and words of its own for going back.
fn opposite(original: &Event, has_evidence: bool) -> Result<Vec<Line>, ApiError> {
    let refused = |why: &str| Err(ApiError::field(Problem::WrongState, "reversal_of", format!("reversal_of: {why}")));
    let lines = &original.record.lines.0;
    if !has_evidence && lines.iter().any(is_wallet) {
        return refused(UNPROVEN);
    }
    match &original.fact.body {
        _ if lines.is_empty() => return refused("the event has no entry"),
        Body::AdjustmentPosted(_) => {}
        Body::PaymentAllocated(_) => return refused("undo an allocation with /v1/allocations/{event_id}/reverse"),
        Body::InvoicePublished(_) => return refused("undo an invoice with /v1/invoices/{id}/cancel or /credit"),
        _ => return refused("only an adjustment is reversed by lines; say what happened in its own words"),
    }
    let opposite = |line: &Line| {
        let amount = line.amount.checked_neg();
        let amount = amount.ok_or_else(|| ApiError::internal(&"an amount without an opposite"))?;
        Ok(Line { amount, ..line.clone() })
    };
    lines.iter().map(opposite).collect()
}

/// The end of a day in the book's zone, or now if that is today.
fn moment(state: &ApiState, config: &BookConfig, body: &Object<'_>, date: &str) -> Result<Option<Time>, ApiError> {
    let zone = TimeZone::get(&config.time_zone).unwrap_or(TimeZone::UTC);
    let today = state.clock.now().timestamp().to_zoned(zone.clone()).date();
    let day: Date = date.parse().map_err(|_| body.wrong("date", "expected a date, such as 2026-05-03"))?;
    if day > today {
        return Err(body.wrong("date", "is after today"));
    }
    if day == today {
        return Ok(None);
    }
    let next = day.tomorrow().and_then(|next| next.to_zoned(zone));
    let last = next.and_then(|next| next.timestamp().checked_sub(1.microseconds()));
    let last = last.map_err(|_| body.wrong("date", "is too early"))?;
    Ok(Some(Time::from_micros(last.as_microsecond())))
}

/// Whether a line moves a wallet, spendable or held.
fn is_wallet(line: &Line) -> bool {
    ["assets:wallet:", "assets:held:"].iter().any(|root| line.account.starts_with(root))
}

/// What would be refused for certain, before it waits for a second person.
fn sound(proposal: &Proposal, config: &BookConfig, date: Option<&str>) -> Result<(), ApiError> {
    let Body::AdjustmentPosted(body) = &proposal.fact.body else { return Ok(()) };
    let wrong = |code, why: &str| Err(ApiError::field(code, "lines", format!("lines: {why}")));
    if proposal.evidence.is_none() && body.lines.0.iter().any(is_wallet) {
        return wrong(Problem::WrongState, UNPROVEN);
    }
    if left_over(body.lines.0.iter()).is_some() {
        return wrong(Problem::Unbalanced, "they are not zero in each currency");
    }
    if left_over(body.lines.0.iter().filter(|line| is_memo(line))).is_some() {
        return wrong(Problem::MemoAlone, "memo accounts are zero among themselves");
    }
    let within = |day: &str| config.closed.iter().any(|(from, to)| from.as_str() <= day && day <= to.as_str());
    match date.filter(|day| proposal.at.is_some() && within(day)) {
        Some(_) => Err(ApiError::field(Problem::PeriodClosed, "date", "date: in a closed period; name an open day")),
        None => Ok(()),
    }
}

/// Posts a person's own balanced lines, such as a tax invoice on fees, withholding tax, or the reversal of an adjustment.
///
/// Where the book's policy `adjustments.second_approval` is on, it waits until another API key approves it.
#[utoipa::path(post, path = "/v1/adjustments", operation_id = "create_adjustment", tag = "book",
    security(("api_key" = [])),
    request_body(content = NewAdjustment, example = json!({
        "reason": "Tax invoice 17 of the provider.",
        "lines": [
            {"account": "assets:tax:vat", "currency": "UGX", "amount": "1800"},
            {"account": "expenses:tax-recovered:main", "currency": "UGX", "amount": "-1800"}
        ]
    })),
    responses(
        (status = 201, description = "Recorded.", body = ToldBody),
        (status = 202, description = "Taken: it waits for a second person, or the ledger has not answered yet.",
            body = approvals::AdjustmentBody),
        (status = 200, description = "Asked for before, and withdrawn since.", body = approvals::AdjustmentBody),
    ))]
pub async fn create(State(state): State<ApiState>, sent: Sent) -> Result<Response, ApiError> {
    let body = sent.object()?.only(&FIELDS)?;
    let config = config(&state, sent.book()).await?;
    let new = NewAdjustment::read(&body, &own_currencies(&config))?;
    let canonical = sent.canonical(&new)?;
    let failed = |error| problem(Asked::Telling, error);
    let waits = config.policy("adjustments.second_approval") == Some("on");
    let id = sent.id(ROUTE);
    let (date, evidence) = (new.date.clone(), new.evidence);
    let at = date.as_deref().map(|date| moment(&state, &config, &body, date)).transpose();
    // Told before, it is answered as then, however the book or the day has changed since.
    if waits && state.commands()?.told(&sent.origin, ROUTE, &canonical).await.map_err(failed)?.is_none() {
        let at = at?.flatten();
        let fact = new.fact(&state, &sent).await?;
        let proposal = Proposal { route: ROUTE, body: canonical, fact, at, actor_id: sent.actor_id.clone(), evidence };
        sound(&proposal, &config, date.as_deref())?;
        let proposed = state.commands()?.propose(&sent.origin, &proposal).await.map_err(failed)?;
        return Ok(approvals::asked(&proposed));
    }
    let facts =
        async { Ok(Facts { facts: vec![(new.fact(&state, &sent).await?, at?.flatten())], party: None, evidence }) };
    let told = told::tell(&state, &sent, ROUTE, canonical, facts).await?;
    Ok(told::answer(id, &told, StatusCode::CREATED))
}
