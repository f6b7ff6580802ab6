//! A house with a door in memory, over the fakes of `support`: rows and leaves that a test can change, and a port that
//! keeps what it is told under its key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Method, Request};
use ensimbi_api::{ApiState, router};
use ensimbi_events::approvals::{Proposal, ProposalsQuery, Proposed};
use ensimbi_events::bus::{Outcome, RecordedRef};
use ensimbi_events::codes::Refusal;
use ensimbi_events::commands::{
    Action, Alarm, Bank, CollectOrder, CommandError, Commands, ConnectionView, IntentView, Origin, PayOrder,
    RefundOrder, Telling, Told, ToldFact, Trail,
};
use ensimbi_events::event::{Context, Lines};
use ensimbi_events::ids::intent_id;
use ensimbi_events::ports::{AccountBalance, BookReader, Head, LineFilter, ReadError, StoredLeaf};
use ensimbi_events::word::OccurredSource;
use ensimbi_events::{
    Amount, BookId, Clock, ConnectionId, Currency, Event, EventId, Fact, Hash, NoLines, Record, SubjectId, Time, leaf,
};
use ensimbi_projections::discrepancies::DiscrepancyRow;
use ensimbi_projections::invoices::InvoiceRow;
use ensimbi_projections::payments::{DisputeRow, PaymentRow};
use ensimbi_projections::query::{
    Ageing, AgeingQuery, Answer, DiscrepanciesQuery, DisputesQuery, InvoiceDetail, InvoiceList, InvoicesQuery, Page,
    PaymentDetail, PaymentTotal, PaymentsQuery,
};
use ensimbi_projections::{DiscrepanciesView, InvoicesView, PaymentsView, StoreError};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::support::{BOOK, Got, House, Ones, key, wallet};

pub const MAIN: ConnectionId = ConnectionId(Uuid::from_u128(0xc0));
pub const NOW: Time = Time::from_micros(1_777_777_777_000_000);

pub fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

pub fn ugx() -> Currency {
    "UGX".parse().unwrap()
}

/// What the door was asked, and what it is to answer next.
#[derive(Default)]
pub struct World {
    pub house: Arc<House>,
    pub events: Mutex<Vec<Event>>,
    pub invoices: Mutex<BTreeMap<SubjectId, InvoiceRow>>,
    pub payments: Mutex<BTreeMap<SubjectId, PaymentRow>>,
    pub disputes: Mutex<BTreeMap<SubjectId, DisputeRow>>,
    pub fails: Mutex<Option<CommandError>>,
    pub orders: Mutex<BTreeMap<(BookId, String), (String, IntentView)>>,
    pub tellings: Mutex<Vec<(Origin, Telling)>>,
    pub proposals: Mutex<Vec<(Vec<u8>, Proposed)>>,
    pub refuses: Mutex<Option<Outcome>>,
    pub slow: Mutex<bool>,
    pub trail: Mutex<Trail>,
}

impl World {
    /// Records an event as the next of the book.
    pub fn record(&self, fact: Fact) -> EventId {
        let mut events = self.events.lock().unwrap();
        let event_id = fact.event_id(BOOK);
        let position = events.len() as u64 + 1;
        events.push(Event {
            fact,
            context: Context {
                occurred_at: NOW,
                occurred_source: OccurredSource::Ledger,
                claim: None,
                translator: None,
                party: None,
                evidence: Vec::new(),
            },
            record: Record {
                book: BOOK,
                event_id,
                position,
                recorded_at: NOW,
                book_date: "2026-05-03".into(),
                rules: 1,
                configuration: 1,
                lines: Lines::default(),
                no_lines: Some(NoLines::None),
                posting_key: None,
                operator_key: None,
                cause: None,
            },
        });
        event_id
    }

    /// The last telling.
    pub fn last(&self) -> (Origin, Telling) {
        self.tellings.lock().unwrap().last().unwrap().clone()
    }

    /// The last telling's facts as JSON.
    pub fn facts(&self) -> Vec<Value> {
        self.last().1.facts.iter().map(|(fact, _)| serde_json::to_value(fact).unwrap()).collect()
    }

    fn taken(&self, route: &str, origin: &Origin, order: String, view: IntentView) -> Result<IntentView, CommandError> {
        if let Some(error) = self.fails.lock().unwrap().take() {
            return Err(error);
        }
        let mut orders = self.orders.lock().unwrap();
        let key = (origin.book, format!("{route}/{}", origin.idempotency_key));
        match orders.get(&key) {
            Some((before, _)) if *before != order => Err(CommandError::IdempotencyConflict),
            Some((_, view)) => Ok(IntentView { repeated: true, ..view.clone() }),
            None => {
                orders.insert(key, (order, view.clone()));
                Ok(view)
            }
        }
    }

    fn answered(&self, telling: &Telling, repeated: bool) -> Told {
        let refused = self.refuses.lock().unwrap().clone();
        let outcome = |n: usize| {
            if *self.slow.lock().unwrap() {
                return None;
            }
            let event_id = telling.facts[n].0.event_id(BOOK);
            let reference = RecordedRef { event_id, position: 100 + n as u64, leaf_hash: Hash::default() };
            Some(refused.clone().unwrap_or(Outcome::Recorded { events: vec![reference] }))
        };
        let word = |n: usize| telling.facts[n].0.body.word().to_owned();
        let facts = (0..telling.facts.len()).map(|n| ToldFact { word: word(n), outcome: outcome(n) }).collect();
        Told { facts, repeated }
    }
}

pub fn intent(
    origin: &Origin,
    route: &str,
    connection: ConnectionId,
    amount: Amount,
    currency: Currency,
) -> IntentView {
    IntentView {
        id: intent_id(origin.book, route, &origin.idempotency_key),
        connection,
        wallet: wallet(1),
        amount,
        currency,
        state: "cleared",
        attempt: 1,
        reference: "r-1".into(),
        object_id: None,
        checkout_url: None,
        reason: None,
        created_at: NOW,
        repeated: false,
    }
}

#[async_trait]
impl Commands for World {
    fn connections(&self, book: BookId) -> Vec<ConnectionView> {
        let id = if book == BOOK { MAIN } else { ConnectionId(Uuid::from_u128(0xc1)) };
        let slug = if book == BOOK { "main" } else { "theirs" };
        let wallets = vec![(wallet(1), "w1".to_owned(), ugx())];
        let capabilities = vec!["collect", "payout"];
        vec![ConnectionView { id, slug: slug.into(), provider: "acme".into(), capabilities, wallets }]
    }
    async fn collect(&self, origin: &Origin, order: &CollectOrder) -> Result<IntentView, CommandError> {
        let CollectOrder { payer_phone, payer_name, note, wallet, invoice_id, fee_bearer, .. } = order;
        let told = format!("{order:?} {payer_phone:?} {payer_name:?} {note:?} {wallet:?} {invoice_id:?} {fee_bearer}");
        let view = intent(origin, "collections", order.connection, order.amount, order.currency);
        self.taken("collections", origin, told, view)
    }
    async fn pay(&self, origin: &Origin, order: &PayOrder) -> Result<IntentView, CommandError> {
        let told = format!("{order:?} {:?} {:?}", order.kind, order.to);
        let view = intent(origin, "payouts", order.connection, order.amount, order.currency);
        self.taken("payouts", origin, told, view)
    }
    async fn refund(&self, origin: &Origin, order: &RefundOrder) -> Result<IntentView, CommandError> {
        // As in the door, what is left is no part of what makes it the same order.
        let told = format!("{:?} {:?} {}", order.payment, order.object_id, order.amount);
        let view = intent(origin, "refunds", order.connection, order.amount, ugx());
        self.taken("refunds", origin, told, view)
    }
    async fn act(&self, origin: &Origin, id: SubjectId, action: Action) -> Result<IntentView, CommandError> {
        let view = IntentView { id, ..intent(origin, action.as_str(), MAIN, amount("1"), ugx()) };
        self.taken(action.as_str(), origin, format!("{id} {action:?}"), view)
    }
    async fn again(&self, origin: &Origin, id: SubjectId) -> Result<IntentView, CommandError> {
        let view = IntentView { id, attempt: 2, ..intent(origin, "payouts", MAIN, amount("1"), ugx()) };
        self.taken("again", origin, id.to_string(), view)
    }
    async fn told(&self, origin: &Origin, route: &'static str, body: &[u8]) -> Result<Option<Told>, CommandError> {
        if let Some(error) = self.fails.lock().unwrap().take() {
            return Err(error);
        }
        let tellings = self.tellings.lock().unwrap();
        let before = tellings.iter().find(|(other, telling)| other == origin && telling.route == route);
        match before {
            Some((_, telling)) if telling.body != body => Err(CommandError::IdempotencyConflict),
            Some((_, telling)) => Ok(Some(self.answered(telling, true))),
            None => Ok(None),
        }
    }
    async fn tell(&self, origin: &Origin, telling: &Telling) -> Result<Told, CommandError> {
        self.tellings.lock().unwrap().push((origin.clone(), telling.clone()));
        Ok(self.answered(telling, false))
    }
    async fn propose(&self, origin: &Origin, asked: &Proposal) -> Result<Proposed, CommandError> {
        let id = intent_id(origin.book, asked.route, &origin.idempotency_key);
        let mut proposals = self.proposals.lock().unwrap();
        if let Some((body, before)) = proposals.iter().find(|(_, before)| before.id == id) {
            let repeated = Proposed { repeated: true, ..before.clone() };
            return if *body == asked.body { Ok(repeated) } else { Err(CommandError::IdempotencyConflict) };
        }
        let (fact, at, actor_id, evidence) = (asked.fact.clone(), asked.at, asked.actor_id.clone(), asked.evidence);
        let (approved, withdrawn) = (None, None);
        let kept = Proposed { id, fact, at, actor_id, asked_at: NOW, evidence, approved, withdrawn, repeated: false };
        proposals.push((asked.body.clone(), kept.clone()));
        Ok(kept)
    }
    async fn approve(&self, origin: &Origin, id: SubjectId, approver: &str) -> Result<Option<Told>, CommandError> {
        let mut proposals = self.proposals.lock().unwrap();
        let Some((body, found)) = proposals.iter_mut().find(|(_, kept)| kept.id == id) else { return Ok(None) };
        if found.actor_id == approver {
            let detail = "another API key than the one that asked must approve it".to_owned();
            return Err(CommandError::Refused { code: Refusal::ApprovalNeeded, detail });
        }
        found.approved = Some((approver.to_owned(), NOW));
        let facts = vec![(found.fact.clone(), found.at)];
        let telling =
            Telling { route: "adjustments", body: body.clone(), facts, party: None, evidence: found.evidence };
        self.tellings.lock().unwrap().push((origin.clone(), telling.clone()));
        Ok(Some(self.answered(&telling, false)))
    }
    async fn withdraw(&self, _: &Origin, id: SubjectId, actor_id: &str) -> Result<Option<Proposed>, CommandError> {
        let mut proposals = self.proposals.lock().unwrap();
        let Some((_, found)) = proposals.iter_mut().find(|(_, kept)| kept.id == id) else { return Ok(None) };
        if found.approved.is_some() {
            let detail = "it was approved; post its reversal".to_owned();
            return Err(CommandError::Refused { code: Refusal::WrongState, detail });
        }
        let repeated = found.withdrawn.is_some();
        found.withdrawn.get_or_insert_with(|| (actor_id.to_owned(), NOW));
        Ok(Some(Proposed { repeated, ..found.clone() }))
    }
    async fn proposals(&self, book: BookId, query: &ProposalsQuery) -> Result<Vec<Proposed>, CommandError> {
        let proposals = self.proposals.lock().unwrap();
        let wanted = |kept: &&Proposed| {
            let later = query.after.is_none_or(|(at, id)| (kept.asked_at, kept.id) > (at, id));
            book == BOOK && kept.state() == query.state && later
        };
        let mut found: Vec<Proposed> = proposals.iter().map(|(_, kept)| kept).filter(wanted).cloned().collect();
        found.sort_by_key(|kept| (kept.asked_at, kept.id));
        found.truncate(query.limit as usize);
        Ok(found)
    }
    async fn banks(&self, _: BookId, _: ConnectionId) -> Result<Vec<Bank>, CommandError> {
        if let Some(error) = self.fails.lock().unwrap().take() {
            return Err(error);
        }
        Ok(vec![Bank { code: "040147".into(), name: Some("A Bank".into()), account_pattern: None }])
    }
    async fn trail(&self, book: BookId, _: SubjectId) -> Result<Trail, CommandError> {
        Ok(if book == BOOK { self.trail.lock().unwrap().clone() } else { Trail::default() })
    }
    async fn alarms(&self, book: BookId) -> Result<Vec<Alarm>, CommandError> {
        let alarm =
            Alarm { kind: "quarantined", connection: Some(MAIN), subject: None, since: NOW, detail: "one body".into() };
        Ok(if book == BOOK { vec![alarm] } else { Vec::new() })
    }
}

#[async_trait]
impl BookReader for World {
    async fn head(&self, book: BookId) -> Result<Head, ReadError> {
        let size = if book == BOOK { self.events.lock().unwrap().len() as u64 } else { 0 };
        Ok(Head { book, size, root: Hash::default() })
    }
    async fn read(&self, book: BookId, after: u64, limit: u32) -> Result<Vec<StoredLeaf>, ReadError> {
        let size = self.head(book).await?.size;
        let positions: Vec<u64> = (after + 1..=size).take(limit as usize).collect();
        self.read_at(book, &positions).await
    }
    async fn entry_positions(&self, book: BookId, filter: &LineFilter) -> Result<Vec<u64>, ReadError> {
        self.subject_positions(book, filter.subject.unwrap(), filter.after, filter.limit).await
    }
    async fn read_at(&self, _: BookId, positions: &[u64]) -> Result<Vec<StoredLeaf>, ReadError> {
        let events = self.events.lock().unwrap();
        let leaf = |position: &u64| {
            let leaf = leaf::encode(&events[*position as usize - 1]);
            StoredLeaf { position: *position, leaf_hash: leaf::leaf_hash(&leaf), leaf }
        };
        Ok(positions.iter().map(leaf).collect())
    }
    async fn trial_balance(&self, book: BookId) -> Result<(u64, Vec<AccountBalance>), ReadError> {
        self.house.trial_balance(book).await
    }
    async fn books(&self) -> Result<Vec<BookId>, ReadError> {
        self.house.books().await
    }
    async fn ping(&self) -> Result<(), ReadError> {
        Ok(())
    }
}

#[async_trait]
impl InvoicesView for World {
    async fn invoices(&self, book: BookId, query: &InvoicesQuery) -> Result<InvoiceList, StoreError> {
        self.house.invoices(book, query).await
    }
    async fn invoice(&self, book: BookId, id: SubjectId) -> Result<Answer<Option<InvoiceDetail>>, StoreError> {
        let mut answer = self.house.invoice(book, id).await?;
        if let (Some(detail), Some(row)) = (&mut answer.value, self.invoices.lock().unwrap().get(&id)) {
            detail.invoice = row.clone();
        }
        Ok(answer)
    }
    async fn ageing(&self, book: BookId, query: &AgeingQuery) -> Result<Answer<Ageing>, StoreError> {
        self.house.ageing(book, query).await
    }
}

#[async_trait]
impl PaymentsView for World {
    async fn payments(&self, book: BookId, query: &PaymentsQuery) -> Result<Page<PaymentRow>, StoreError> {
        self.house.payments(book, query).await
    }
    async fn payment(&self, book: BookId, id: SubjectId) -> Result<Answer<Option<PaymentRow>>, StoreError> {
        let mut answer = self.house.payment(book, id).await?;
        if let (Some(found), Some(row)) = (&mut answer.value, self.payments.lock().unwrap().get(&id)) {
            *found = row.clone();
        }
        Ok(answer)
    }
    async fn payment_detail(&self, book: BookId, id: SubjectId) -> Result<Answer<Option<PaymentDetail>>, StoreError> {
        self.house.payment_detail(book, id).await
    }
    async fn disputes(&self, book: BookId, query: &DisputesQuery) -> Result<Page<DisputeRow>, StoreError> {
        self.house.disputes(book, query).await
    }
    async fn dispute(&self, book: BookId, id: SubjectId) -> Result<Answer<Option<DisputeRow>>, StoreError> {
        let mut answer = self.house.dispute(book, id).await?;
        if let (Some(found), Some(row)) = (&mut answer.value, self.disputes.lock().unwrap().get(&id)) {
            *found = row.clone();
        }
        Ok(answer)
    }
    async fn states(&self, book: BookId) -> Result<Answer<Vec<PaymentTotal>>, StoreError> {
        self.house.states(book).await
    }
}

#[async_trait]
impl DiscrepanciesView for World {
    async fn discrepancies(
        &self,
        book: BookId,
        query: &DiscrepanciesQuery,
    ) -> Result<Page<DiscrepancyRow>, StoreError> {
        self.house.discrepancies(book, query).await
    }
    async fn discrepancy(&self, book: BookId, id: EventId) -> Result<Answer<Option<DiscrepancyRow>>, StoreError> {
        self.house.discrepancy(book, id).await
    }
}

struct Still;
#[async_trait]
impl Clock for Still {
    fn now(&self) -> Time {
        NOW
    }
    async fn sleep_until(&self, _: Time) {}
}

/// Sends a request; with the door, or without.
pub async fn sent(world: &Arc<World>, door: bool, request: Request<Body>) -> Got {
    let state = ApiState {
        reader: world.clone(),
        wallets: world.house.clone(),
        payments: world.clone(),
        fees: world.house.clone(),
        accounts: world.house.clone(),
        invoices: world.clone(),
        discrepancies: world.clone(),
        open_items: world.house.clone(),
        rows: world.house.clone(),
        commands: door.then(|| Arc::clone(world) as Arc<dyn Commands>),
        keys: world.house.clone(),
        readiness: world.house.clone(),
        clock: Arc::new(Still),
        entropy: Arc::new(Ones(3)),
    };
    let response = router(state).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 10_000_000).await.unwrap();
    Got { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// A request with the book's key.
pub fn request(book: BookId, method: Method, path: &str, idempotency_key: Option<&str>, body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header("authorization", format!("Bearer {}", key(book)));
    if let Some(key) = idempotency_key {
        request = request.header("idempotency-key", key);
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

/// Posts a body under a key.
pub async fn post(world: &Arc<World>, path: &str, key: &str, body: &str) -> Got {
    sent(world, true, request(BOOK, Method::POST, path, Some(key), body)).await
}

/// Posts a body under a key of its own to a new world.
pub async fn post_new(path: &str, body: &str) -> Got {
    post(&Arc::new(World::default()), path, "k-1", body).await
}
