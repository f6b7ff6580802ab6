//! The provider's paths (provider facts, sections 2 to 13). Order of each request: settle what is due, token, read, gate of
//! faults, work, commit, answer.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::errors::{Done, Refusal, Stop};
use super::faults::Fault;
use super::request::Ask;
use super::rows::Kind;
use super::switches::Operation;
use super::wrong::{self, ON_EXECUTING, ON_MAKING, ON_READING, ON_STATUS, ON_TOKEN};
use super::{
    Desk, DollrSimulator, accounts, checkouts, executions, fees, hosted, items, parties, predictions, receipts,
    sessions, sources, tokens,
};
use crate::simulator::faults::gate;
use crate::simulator::http::{self as paths, Caller, finish};
use crate::simulator::{Result, work};

type Outcome = paths::Outcome<Fault>;

/// Longest text of a request that a draw depends on, in characters.
const SUBJECT_MAX: usize = 100;

/// Everything that can be asked for.
#[derive(Debug, Clone, Copy)]
enum Endpoint {
    Token,
    PartyCreate,
    PartyList,
    Party,
    CounterpartyCreate,
    CounterpartyList,
    Counterparty,
    CounterpartyUpdate,
    SourceCreate(Kind),
    ItemAdd(Kind),
    ItemUpdate(Kind),
    ItemRemove(Kind),
    Publish(Kind),
    SourceUpdate(Kind),
    Cancel(Kind),
    SourceList(Kind),
    Source(Kind),
    Receipt(Kind),
    Checkout,
    LinkPay,
    LinkReceipt,
    Session(Operation),
    Account,
    Execute(Operation),
    Status(Operation),
    SourceStatus,
    RealtimeKey,
    GatewayFee,
    PlatformFee,
    MerchantTier,
    Tiers,
    PredictAmount,
    PredictSource,
    PredictPhone,
    PredictCard,
    MerchantInfo,
}

use Endpoint as E;

fn to(filter: MethodFilter, endpoint: Endpoint) -> MethodRouter<Arc<DollrSimulator>> {
    on(filter, move |state, path, query, caller, body| serve(endpoint, state, path, query, caller, body))
}

fn get(endpoint: Endpoint) -> MethodRouter<Arc<DollrSimulator>> {
    to(MethodFilter::GET, endpoint)
}

fn post(endpoint: Endpoint) -> MethodRouter<Arc<DollrSimulator>> {
    to(MethodFilter::POST, endpoint)
}

fn put(endpoint: Endpoint) -> MethodRouter<Arc<DollrSimulator>> {
    to(MethodFilter::PUT, endpoint)
}

fn delete(endpoint: Endpoint) -> MethodRouter<Arc<DollrSimulator>> {
    to(MethodFilter::DELETE, endpoint)
}

/// The provider's paths, and the hosted pages.
pub(super) fn routes() -> Router<Arc<DollrSimulator>> {
    let mut router = Router::new()
        .route("/v1/jwt/client/obtain/token", post(E::Token))
        .route("/v1/parties/create", post(E::PartyCreate))
        .route("/v1/parties/list", get(E::PartyList))
        .route("/v1/parties/retrieve/{id}", get(E::Party))
        .route("/v1/counterparties/create", post(E::CounterpartyCreate))
        .route("/v1/counterparties/list", get(E::CounterpartyList))
        .route("/v1/counterparties/retrieve/{id}", get(E::Counterparty))
        .route("/v1/counterparties/update/{id}", put(E::CounterpartyUpdate))
        .route("/v1/checkouts/create", post(E::Checkout))
        .route("/v1/links/pay", get(E::LinkPay))
        .route("/v1/links/receipt", get(E::LinkReceipt))
        .route("/v1/sessions/checkout", post(E::Session(Operation::Collection)))
        .route("/v1/sessions/payout", post(E::Session(Operation::Payout)))
        .route("/v1/sessions/transfer", post(E::Session(Operation::Transfer)))
        .route("/v1/sessions/refund", post(E::Session(Operation::Refund)))
        .route("/v1/payment-accounts/create", post(E::Account))
        .route("/v1/status/source", get(E::SourceStatus))
        .route("/v1/realtime-keys/collection", post(E::RealtimeKey))
        .route("/v1/fees/gateway", get(E::GatewayFee))
        .route("/v1/fees/platform", get(E::PlatformFee))
        .route("/v1/fees/merchant-tier", get(E::MerchantTier))
        .route("/v1/fees/tiers", get(E::Tiers))
        .route("/v1/predictions/amount-and-fees", get(E::PredictAmount))
        .route("/v1/predictions/payment-source/amount-and-fees", get(E::PredictSource))
        .route("/v1/predictions/mmo-provider-info", get(E::PredictPhone))
        .route("/v1/predictions/card-provider-info", get(E::PredictCard))
        .route("/v1/merchants/merchant-info", get(E::MerchantInfo));
    for operation in Operation::ALL {
        let word = operation.word().to_ascii_lowercase();
        router = router
            .route(&format!("/v1/executions/{word}"), post(E::Execute(operation)))
            .route(&format!("/v1/status/{word}/{{reference_id}}"), get(E::Status(operation)));
    }
    for kind in Kind::ALL {
        let path = |rest: &str| format!("/v1/{}/{rest}", kind.path());
        router = router
            .route(&path("create"), post(E::SourceCreate(kind)))
            .route(&path("{source}/items/add"), post(E::ItemAdd(kind)))
            .route(&path("{source}/items/{id}/update"), put(E::ItemUpdate(kind)))
            .route(&path("{source}/items/{id}/remove"), delete(E::ItemRemove(kind)))
            .route(&path("publish/{source}"), put(E::Publish(kind)))
            .route(&path("update/{source}"), put(E::SourceUpdate(kind)))
            .route(&path("cancel/{source}"), delete(E::Cancel(kind)))
            .route(&path("list"), get(E::SourceList(kind)))
            .route(&path("retrieve/{source}"), get(E::Source(kind)))
            .route(&path("retrieve/number/{number}"), get(E::Source(kind)))
            .route(&path("receipt/{source}"), get(E::Receipt(kind)))
            .route(&path("receipt/number/{number}"), get(E::Receipt(kind)));
    }
    router.merge(hosted::routes())
}

impl Endpoint {
    /// The faults that its answer may meet, the first that hits first.
    fn faults(self) -> &'static [Fault] {
        match self {
            E::Token => &ON_TOKEN,
            E::Execute(_) => &ON_EXECUTING,
            E::Status(_) | E::SourceStatus => &ON_STATUS,
            E::PartyCreate
            | E::CounterpartyCreate
            | E::CounterpartyUpdate
            | E::SourceCreate(_)
            | E::ItemAdd(_)
            | E::ItemUpdate(_)
            | E::ItemRemove(_)
            | E::Publish(_)
            | E::SourceUpdate(_)
            | E::Cancel(_)
            | E::Checkout
            | E::Session(_)
            | E::Account
            | E::RealtimeKey => &ON_MAKING,
            _ => &ON_READING,
        }
    }

    /// Whether it may write anything but its question.
    fn writes(self) -> bool {
        matches!(self, E::Token | E::Execute(_)) || self.faults().contains(&Fault::CreateLost)
    }

    /// Whether it is refused until the merchant is verified (section 13, account gating).
    fn is_gated(self) -> bool {
        match self {
            E::Session(operation) | E::Execute(operation) => operation != Operation::Collection,
            E::LinkPay => true,
            _ => false,
        }
    }

    /// What is asked about, by which faults are drawn: where it can, a reference, so that a run with the same seed
    /// draws the same whatever the order of ids.
    async fn subject(self, desk: &mut Desk<'_>, ask: &Ask) -> Result<String> {
        let (path, number) = (ask.param("source"), ask.param("number"));
        let found = match self {
            E::Session(Operation::Collection) | E::SourceStatus | E::PredictSource => {
                let mut read = if matches!(self, E::Session(_)) { ask.body() } else { ask.query() };
                let kind = read.opt_text("source_type").and_then(|word| Kind::of(&word));
                sources::key(desk, kind, &read.opt_int("source_id").unwrap_or_default().to_string()).await?
            }
            E::ItemAdd(kind)
            | E::ItemUpdate(kind)
            | E::ItemRemove(kind)
            | E::Publish(kind)
            | E::SourceUpdate(kind)
            | E::Cancel(kind)
            | E::Source(kind)
            | E::Receipt(kind)
                if !path.is_empty() =>
            {
                sources::key(desk, Some(kind), path).await?
            }
            _ => None,
        };
        let names = ["reference_id", "party_phone", "phone", "insensitive_account_number", "session_id"];
        let mut body = ask.body();
        let by_body = || names.into_iter().find_map(|name| body.opt_text(name));
        let other = || [ask.param("reference_id"), path, number, ask.param("id")].concat();
        let text = found.or_else(by_body).unwrap_or_else(other);
        Ok(text.chars().take(SUBJECT_MAX).collect())
    }

    async fn run(self, desk: &mut Desk<'_>, ask: &Ask) -> Done<String> {
        match self {
            E::Token => tokens::obtain(desk, ask).await,
            E::PartyCreate => parties::create(desk, ask).await,
            E::PartyList => parties::list(desk, ask).await,
            E::Party => parties::retrieve(desk, ask).await,
            E::CounterpartyCreate => parties::link(desk, ask).await,
            E::CounterpartyList => parties::links(desk, ask).await,
            E::Counterparty => parties::linked(desk, ask).await,
            E::CounterpartyUpdate => parties::relink(desk, ask).await,
            E::SourceCreate(kind) => sources::create(desk, ask, kind).await,
            E::ItemAdd(kind) => items::add(desk, ask, kind).await,
            E::ItemUpdate(kind) => items::update(desk, ask, kind).await,
            E::ItemRemove(kind) => items::remove(desk, ask, kind).await,
            E::Publish(kind) => sources::publish(desk, ask, kind).await,
            E::SourceUpdate(kind) => sources::update(desk, ask, kind).await,
            E::Cancel(kind) => sources::cancel(desk, ask, kind).await,
            E::SourceList(kind) => sources::list(desk, ask, kind).await,
            E::Source(kind) => sources::retrieve(desk, ask, kind).await,
            E::Receipt(kind) => receipts::retrieve(desk, ask, kind).await,
            E::Checkout => checkouts::create(desk, ask).await,
            E::LinkPay => checkouts::link(desk, ask, false).await,
            E::LinkReceipt => checkouts::link(desk, ask, true).await,
            E::Session(operation) => sessions::create(desk, ask, operation).await,
            E::Account => accounts::create(desk, ask).await,
            E::Execute(operation) => executions::execute(desk, ask, operation).await,
            E::Status(operation) => executions::status(desk, ask, operation).await,
            E::SourceStatus => sources::status(desk, ask).await,
            E::RealtimeKey => sessions::realtime_key(desk, ask).await,
            E::GatewayFee => fees::gateway(desk, ask),
            E::PlatformFee => fees::platform(desk, ask),
            E::MerchantTier => fees::merchant_tier(desk, ask),
            E::Tiers => Ok(fees::tiers(desk)),
            E::PredictAmount => predictions::amount(desk, ask),
            E::PredictSource => predictions::source(desk, ask).await,
            E::PredictPhone => predictions::phone(desk, ask),
            E::PredictCard => predictions::card(desk, ask),
            E::MerchantInfo => fees::merchant_info(desk, ask),
        }
    }
}

type Pairs = Vec<(String, String)>;

async fn serve(
    endpoint: Endpoint,
    State(sim): State<Arc<DollrSimulator>>,
    Path(path): Path<Pairs>,
    Query(query): Query<Pairs>,
    caller: Caller,
    body: Bytes,
) -> Response {
    let _busy = sim.core.busy();
    let outcome = sim.answer(endpoint, caller.bearer(), path, query, &body).await;
    finish(&*sim, caller.wire, outcome).await
}

impl DollrSimulator {
    async fn answer(
        &self,
        endpoint: Endpoint,
        bearer: Option<&str>,
        path: Pairs,
        query: Pairs,
        body: &[u8],
    ) -> Result<Outcome> {
        let now = self.core.now();
        work::settle(self, now).await?;
        let (faults, base) = (self.faults(), self.base());
        let refused = |refusal: Refusal| Ok(Outcome::Refused(refusal.response(&faults)));
        let mut tx = self.core.begin().await?;
        let mut desk = Desk { db: &mut tx, settings: &self.settings, faults: &faults, base: &base, now, drawn: None };
        let merchant = match (endpoint, bearer) {
            (E::Token, _) => 0,
            (_, None) => return refused(Refusal::Plain(StatusCode::UNAUTHORIZED, "Not authenticated")),
            (_, Some(token)) => match tokens::merchant(&mut desk, token).await? {
                Some(merchant) => merchant,
                None => return refused(Refusal::unauthorized()),
            },
        };
        let ask = match Ask::read(merchant, path, query, body) {
            Ok(ask) => ask,
            Err(refusal) => return refused(refusal),
        };
        let subject = endpoint.subject(&mut desk, &ask).await?;
        let drawn = gate(&mut *desk.db, &faults, &format!("{endpoint:?}"), &subject, endpoint.faults()).await?;
        desk.drawn = drawn.map(|drawn| drawn.fault);
        let done = match drawn.filter(wrong::is_undone) {
            Some(_) => {
                if let (Some(Fault::TokenExpired), Some(token)) = (desk.drawn, bearer) {
                    tokens::drop_token(&mut desk, token).await?;
                }
                Ok(String::new())
            }
            None if endpoint.is_gated() && faults.switches.unverified => {
                Err(Refusal::forbidden("The account is not verified").into())
            }
            None => endpoint.run(&mut desk, &ask).await,
        };
        match done {
            Ok(text) => {
                if drawn.is_some() || endpoint.writes() {
                    self.core.commit(tx).await?;
                    self.core.wake();
                } else {
                    // Nothing but counted questions was written; without any this costs no sync.
                    tx.commit().await?;
                }
                Ok(Outcome::of(drawn, StatusCode::OK, text))
            }
            // What was written is undone.
            Err(Stop::Refused(refusal)) => refused(refusal),
            Err(Stop::Broken(error)) => Err(error),
        }
    }
}
