//! A provider whose money moves under our own reference alone: what its first step made is named by a handle, which every
//! later call and read of the order gets; and receipts, which are about the payment that they name.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::commands::{Checkout, Commands};
use ensimbi_events::word::FeesMode;
use ensimbi_events::words::payment::FeesReported;
use ensimbi_events::{Amount, Body, Clock, Currency, SubjectId, SubjectKind};

use super::house::*;
use super::on_both_stores;
use crate::connector::*;
use crate::door::Door;
use crate::settings::{ConnectionSettings, SettingsError};

on_both_stores! {
    an_order_without_an_object_is_carried_out_and_read_by_its_handle,
    a_new_attempt_has_a_reference_of_its_own_and_the_old_handle,
    a_hosted_order_is_looked_at_by_its_handle_before_anybody_names_an_object,
    a_receipt_is_about_the_payment_that_it_names,
}

const HOUR: Duration = Duration::from_secs(3_600);
const HANDLE: &str = "ORDER-201";

static FACTS: Facts = Facts {
    provider: "named",
    translator: "named.1",
    kinds: &[STATUS, "collection_created", "receipt"],
    capabilities: &[Capability::Collect, Capability::Hosted, Capability::ReadById, Capability::ReadByReference],
    operator_transaction_unique: false,
    sandbox_currencies: &[],
    default_urls: &[],
    collects: "collection",
    pays: "",
    refunds: "",
    references: ReferenceForm::UuidV4,
    two_steps: true,
    purses: &[],
    routines: &[],
};

/// What was asked of it, and what it says next.
#[derive(Clone, Default)]
struct Script {
    prepared: usize,
    sent: Vec<CollectCall>,
    reads: VecDeque<Result<&'static str, CallError>>,
    /// The reference that came to nothing, whatever is asked next.
    over: Option<String>,
    asked: Vec<(Option<String>, Option<String>)>,
}

/// The provider.
#[derive(Clone, Default)]
struct Named {
    fake: Fake,
    script: Arc<Mutex<Script>>,
}

impl Named {
    fn on_read(&self, status: Result<&'static str, CallError>) {
        self.script.lock().unwrap().reads.push_back(status);
    }

    fn seen(&self) -> Script {
        self.script.lock().unwrap().clone()
    }

    async fn open(&self, house: &House) -> Arc<Door> {
        let leaked: &'static Self = Box::leak(Box::new(self.clone()));
        let mut options = house.options();
        options.registry = Box::leak(Box::new([leaked as &dyn Connector]));
        options.connections = vec![ConnectionSettings { provider: "named".to_owned(), ..settings("main") }];
        Door::open(options).await.unwrap()
    }
}

#[async_trait]
impl Connector for Named {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
    fn authenticity(&self) -> Authenticity {
        Authenticity::NoPush
    }
    fn object_kinds(&self) -> &'static [&'static str] {
        &["collection", "receipt"]
    }
    fn accepts(&self, _: OrderKind, _: Amount, _: Currency) -> Result<(), String> {
        Ok(())
    }

    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable> {
        if input.kind != "receipt" {
            return self.fake.translate(Input { kind: STATUS, ..input });
        }
        let label = String::from_utf8(input.body.to_vec()).unwrap();
        let original = ObjectRef { kind: "collection", id: Some(label.clone()), reference: Some(label) };
        let receipt = ObjectRef { kind: "receipt", id: Some(HANDLE.to_owned()), reference: None };
        let body = FeesReported { payment_id: SubjectId(uuid::Uuid::nil()), mode: FeesMode::Itemise, fees: Vec::new() };
        let said = Said {
            currency: "UGX".parse().ok(),
            links: Links { original: Some(original), ..Links::default() },
            ..Said::about(receipt.clone(), SubjectKind::Payment, body)
        };
        Ok(Translation { said: vec![said], watch: vec![(receipt, Watch::Unsettled)], ..Translation::default() })
    }

    fn hinted(&self, body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
        self.fake.hinted(body)
    }

    fn connect(
        &self,
        _settings: &ConnectionSettings,
        _clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn ProviderClient>, SettingsError> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl ProviderClient for Named {
    async fn read(&self, object: &ObjectRef, handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
        let mut script = self.script.lock().unwrap();
        let name = object.reference.clone().or_else(|| object.id.clone());
        script.asked.push((name.clone(), handle.map(str::to_owned)));
        let reference = object.reference.as_deref().ok_or(CallError::NotFound)?;
        let status = match script.over.as_deref() == Some(reference) {
            true => "failed",
            false => script.reads.pop_front().unwrap_or(Err(CallError::NotFound))?,
        };
        raw(STATUS, Ok(body(reference, Some(reference), status))).map(|answer| vec![answer])
    }

    async fn prepare(&self, order: ToPrepare<'_>) -> Result<Prepared, CallError> {
        let ToPrepare::Collect(order) = order else { return Err(CallError::NotOffered) };
        self.script.lock().unwrap().prepared += 1;
        // It says nothing: a source moves no money.
        let answer = raw("collection_created", Ok(body("201", None, "made")))?;
        let (handle, complete) = (Some(HANDLE.to_owned()), order.checkout.hosted);
        Ok(Prepared { object: None, handle, link: None, complete, answer })
    }

    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        self.script.lock().unwrap().sent.push(order.clone());
        raw("collection_created", Ok(body(&order.reference, Some(&order.reference), "pending")))
    }
}

async fn an_order_without_an_object_is_carried_out_and_read_by_its_handle(house: House) {
    let (ledger, named) = (Ledger::start(&house, Manners::default()), Named::default());
    let door = named.open(&house).await;
    let running = house.start(&door);
    named.on_read(Err(CallError::NotFound));
    named.on_read(Ok("success"));
    let intent = door.order(&house.command(&door, "k")).await.unwrap();
    house.pass(&door, HOUR).await;
    assert_eq!(ledger.words(), ["CollectionRequested", "CollectionPending", "CollectionSucceeded"]);
    assert!(ledger.claims().iter().all(|claim| claim.fact.subject == intent.id));
    let id: uuid::Uuid = intent.reference.parse().unwrap();
    assert_eq!((id.get_version_num(), id.get_variant()), (4, uuid::Variant::RFC4122));
    let script = named.seen();
    assert_eq!((script.prepared, script.sent.len()), (1, 1));
    let sent = &script.sent[0];
    assert_eq!((sent.object.as_deref(), sent.handle.as_deref()), (None, Some(HANDLE)));
    let asked = (Some(intent.reference.clone()), Some(HANDLE.to_owned()));
    assert!(script.asked.len() >= 2 && script.asked.iter().all(|one| *one == asked), "{:?}", script.asked);
    running.stop().await;
}

async fn a_new_attempt_has_a_reference_of_its_own_and_the_old_handle(house: House) {
    let (ledger, named) = (Ledger::start(&house, Manners::default()), Named::default());
    let door = named.open(&house).await;
    let running = house.start(&door);
    named.on_read(Ok("failed"));
    let intent = door.order(&house.command(&door, "k")).await.unwrap();
    house.pass(&door, HOUR).await;
    assert_eq!(ledger.words().last(), Some(&"CollectionFailed"));
    // The first one is asked for once more before the second leaves.
    named.script.lock().unwrap().over = Some(intent.reference.clone());
    named.on_read(Ok("success"));
    let again = door.again(&house.origin("second"), intent.id).await.unwrap();
    assert_eq!((again.attempt, again.object_id), (2, None));
    assert_ne!(again.reference, intent.reference);
    house.pass(&door, HOUR * 2).await;
    let script = named.seen();
    let sent: Vec<(&str, Option<&str>)> =
        script.sent.iter().map(|order| (order.reference.as_str(), order.handle.as_deref())).collect();
    assert_eq!(sent, [(intent.reference.as_str(), Some(HANDLE)), (again.reference.as_str(), Some(HANDLE))]);
    assert_eq!(script.prepared, 1, "what was made is there still");
    assert!(script.asked.iter().all(|(_, handle)| handle.as_deref() == Some(HANDLE)), "{:?}", script.asked);
    assert_eq!(ledger.words().last(), Some(&"CollectionSucceeded"));
    running.stop().await;
}

async fn a_hosted_order_is_looked_at_by_its_handle_before_anybody_names_an_object(house: House) {
    let (ledger, named) = (Ledger::start(&house, Manners::default()), Named::default());
    let door = named.open(&house).await;
    let running = house.start(&door);
    named.on_read(Ok("success"));
    let mut order = house.command(&door, "k");
    order.checkout = Checkout { hosted: true, ..Checkout::default() };
    let intent = door.order(&order).await.unwrap();
    house.pass(&door, HOUR).await;
    assert_eq!(ledger.words(), ["CollectionRequested", "CollectionSucceeded"]);
    let script = named.seen();
    assert!(script.sent.is_empty(), "the payer does the rest");
    assert_eq!(script.asked[0], (Some(intent.reference.clone()), Some(HANDLE.to_owned())));
    running.stop().await;
}

async fn a_receipt_is_about_the_payment_that_it_names(house: House) {
    let (ledger, named) = (Ledger::start(&house, Manners::default()), Named::default());
    let door = named.open(&house).await;
    let running = house.start(&door);
    named.on_read(Ok("success"));
    let intent = door.order(&house.command(&door, "k")).await.unwrap();
    house.pass(&door, HOUR).await;
    let main = door.connection("main").unwrap();
    door.import(main, "receipt", intent.reference.as_bytes(), "tester").await.unwrap();
    house.pass(&door, HOUR * 2).await;
    let claims = ledger.claims();
    let told = claims.iter().find(|claim| claim.fact.body.word() == "FeesReported").unwrap();
    let success = claims.iter().find(|claim| claim.fact.body.word() == "CollectionSucceeded").unwrap();
    let Body::FeesReported(body) = &told.fact.body else { panic!("{:?}", ledger.words()) };
    assert_eq!((body.payment_id, told.fact.subject), (intent.id, intent.id));
    assert_eq!((told.fact.wallet, told.fact.object_id.as_deref()), (success.fact.wallet, Some(HANDLE)));
    // It is asked for by its own id, and is no orphan of the order's.
    assert!(named.script.lock().unwrap().asked.iter().any(|(name, _)| name.as_deref() == Some(HANDLE)));
    running.stop().await;
}
