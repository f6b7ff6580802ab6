//! A provider with everything that the first fake has not: two steps, purses, signed pushes, refunds, holds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use ensimbi_events::word::FigureSource;
use ensimbi_events::words::payment::{CollectionSucceeded, RefundSucceeded};
use ensimbi_events::words::wallet::BalanceReported;
use ensimbi_events::{Amount, Body, Clock, Currency, SubjectId, SubjectKind};
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::rand_core::OsRng;
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding, Signer};

use super::house::{Fake, House, payout_body, raw};
use crate::connector::*;
use crate::door::Door;
use crate::settings::{ConnectionSettings, SettingsError};
use crate::verify::Algorithm;

pub(crate) const SIGNATURE: &str = "x-signature";
const SCHEME: Scheme = Scheme { header: SIGNATURE, algorithm: Algorithm::RsaPkcs1Sha256Base64 };

static FACTS: Facts = Facts {
    provider: "duo",
    translator: "duo.1",
    kinds: &["collection_status", "collection_created", "webhook", "balance", "keys"],
    capabilities: &[
        Capability::Collect,
        Capability::Payout,
        Capability::Refund,
        Capability::Cancel,
        Capability::Capture,
        Capability::Items,
        Capability::Hosted,
        Capability::ReadById,
        Capability::Push,
    ],
    operator_transaction_unique: false,
    sandbox_currencies: &[],
    default_urls: &[],
    collects: "collection",
    pays: "payout",
    refunds: "refund",
    references: ReferenceForm::Text,
    two_steps: true,
    purses: &["in", "out"],
    routines: &[],
};

/// A key pair of the provider.
pub(crate) struct Pair {
    signer: SigningKey<Sha256>,
    pub(crate) pem: String,
}

impl Pair {
    pub(crate) fn sign(&self, body: &[u8]) -> String {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(self.signer.sign(body).to_bytes())
    }
}

/// One of three key pairs. Making one takes a while, so each is made when it is first asked for.
pub(crate) fn pair(n: usize) -> &'static Pair {
    static PAIRS: [OnceLock<Pair>; 3] = [const { OnceLock::new() }; 3];
    PAIRS[n].get_or_init(|| {
        let private = rsa::RsaPrivateKey::new(&mut OsRng, 2_048).unwrap();
        let pem = private.to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
        Pair { signer: SigningKey::new(private), pem }
    })
}

/// What the provider does next, beside what the first fake does.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) makes: VecDeque<Result<&'static str, CallError>>,
    pub(crate) refunds: VecDeque<Result<String, CallError>>,
    pub(crate) acts: VecDeque<Result<String, CallError>>,
    pub(crate) made: Vec<String>,
    pub(crate) refunded: Vec<RefundCall>,
    pub(crate) acted: Vec<Action>,
}

/// The provider.
#[derive(Clone, Default)]
pub(crate) struct Duo {
    pub(crate) fake: Fake,
    pub(crate) script: Arc<Mutex<Script>>,
}

impl Duo {
    pub(crate) fn on_make(&self, answer: Result<&'static str, CallError>) {
        self.script.lock().unwrap().makes.push_back(answer);
    }

    /// What becomes of its first payout: the answer to the first step is lost, then `o2` is made, carried out and succeeds.
    pub(crate) fn loses_the_first_answer(&self) {
        self.on_make(Err(CallError::Unknown("timeout".into())));
        self.on_make(Ok("o2"));
        self.fake.on_read("o2", Ok(&payout_body("o2", None, "success")));
        self.fake.on_pay(Ok(&payout_body("o2", None, "pending")));
    }
}

/// A door of a house with this provider instead of the usual one.
pub(crate) async fn open(house: &House, duo: &Duo, keys: &[(&str, &str)]) -> Arc<Door> {
    let leaked: &'static Duo = Box::leak(Box::new(duo.clone()));
    let mut options = house.options();
    options.registry = Box::leak(Box::new([leaked as &dyn Connector]));
    let mut settings: ConnectionSettings = serde_json::from_value(serde_json::json!({
        "slug": "main", "provider": "duo", "account": "brand", "simulated": true,
        "wallets": [
            { "id": "brand", "code": "ugx", "currency": "UGX", "purse": "in" },
            { "id": "brand", "code": "ugx-out", "currency": "UGX", "purse": "out" },
        ],
    }))
    .unwrap();
    settings.options = keys.iter().map(|(name, pem)| ((*name).to_owned(), (*pem).to_owned())).collect();
    options.connections = vec![settings];
    Door::open(options).await.unwrap()
}

fn said(object: ObjectRef, kind: SubjectKind, body: Body) -> Said {
    let purse = Some(if object.kind == "payout" { "out" } else { "in" });
    let links = Links { purse, ..Links::default() };
    Said { currency: "UGX".parse().ok(), links, ..Said::about(object, kind, body) }
}

#[async_trait]
impl Connector for Duo {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }
    fn authenticity(&self) -> Authenticity {
        Authenticity::Signed(SCHEME)
    }
    fn object_kinds(&self) -> &'static [&'static str] {
        &["collection", "payout", "refund", "balance"]
    }
    fn fee_ceiling(&self, _: &Options, _: OrderKind, _: Amount) -> Result<Amount, String> {
        Ok(Amount::whole(10))
    }

    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable> {
        let body: serde_json::Value = serde_json::from_slice(input.body)
            .map_err(|_| Unreadable { field: "body".into(), problem: "not JSON".into() })?;
        let amount = |field: &str| body[field].as_str().map(|text| text.parse::<Amount>().unwrap());
        if input.kind == "keys" {
            return Ok(Translation { keys: vec![body["key"].as_str().unwrap().to_owned()], ..Translation::default() });
        }
        if let Some(held) = amount("held_now") {
            let as_of = input.received_at;
            let report =
                BalanceReported { as_of, balance: amount("balance").unwrap(), held: Some(held), available: None };
            let object = ObjectRef { kind: "balance", id: Some("all".into()), reference: None };
            let occurrence = as_of.to_string();
            let one = Said { occurrence, ..said(object, SubjectKind::Wallet, report.into()) };
            return Ok(Translation { said: vec![one], ..Translation::default() });
        }
        if let Some(of) = body["of"].as_str() {
            let all = amount("amount").unwrap();
            let refund = RefundSucceeded {
                payment_id: SubjectId(uuid::Uuid::nil()),
                amount: all,
                wallet_debit: all,
                attempt: None,
                fees: Vec::new(),
                returned: Vec::new(),
            };
            let id = body["id"].as_str().map(str::to_owned);
            let object = ObjectRef { kind: "refund", id, reference: None };
            let original = ObjectRef { kind: "collection", id: Some(of.to_owned()), reference: None };
            let mut one = said(object, SubjectKind::Refund, refund.into());
            one.links.original = Some(original);
            return Ok(Translation { said: vec![one], ..Translation::default() });
        }
        let object = self.hinted(input.body)?.remove(0);
        if body["status"] == "made" {
            return Ok(Translation { watch: vec![(object, Watch::Unsettled)], ..Translation::default() });
        }
        let mut translation = self.fake.translate(Input { kind: super::house::STATUS, ..input })?;
        for one in &mut translation.said {
            one.confirms = input.kind == "webhook";
            one.links.purse = Some(if one.object.kind == "payout" { "out" } else { "in" });
            if let (Body::CollectionSucceeded(success), Some(held)) = (&one.body, amount("held")) {
                let held_until = Some(input.received_at.plus(std::time::Duration::from_secs(86_400)));
                let net = success.gross.checked_sub(held).unwrap();
                let net_source = FigureSource::Observed;
                let body = CollectionSucceeded { net, net_source, held: Some(held), held_until, ..success.clone() };
                one.body = body.into();
            }
        }
        Ok(translation)
    }

    fn hinted(&self, body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
        self.fake.hinted(body)
    }

    fn accepts(&self, _: OrderKind, _: Amount, _: Currency) -> Result<(), String> {
        Ok(())
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
impl ProviderClient for Duo {
    async fn read(&self, object: &ObjectRef, handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
        assert!(object.id.is_some(), "nothing can be asked for by reference here");
        self.fake.read(object, handle).await
    }

    async fn prepare(&self, order: ToPrepare<'_>) -> Result<Prepared, CallError> {
        let mut script = self.script.lock().unwrap();
        let (reference, payee, complete) = match order {
            ToPrepare::Collect(order) => (&order.reference, false, order.checkout.hosted),
            ToPrepare::Pay(order) => (&order.reference, true, false),
        };
        script.made.push(reference.clone());
        let object = script.makes.pop_front().expect("the test expects no further object")?.to_owned();
        let body = match payee {
            true => super::house::payout_body(&object, Some(reference), "made"),
            false => super::house::body(&object, Some(reference), "made"),
        };
        let link = (!payee).then(|| format!("https://pay.example/{object}"));
        Ok(Prepared {
            object: Some(object),
            handle: None,
            link,
            complete,
            answer: raw("collection_created", Ok(body))?,
        })
    }

    async fn pay(&self, order: &PayoutCall) -> Result<RawAnswer, CallError> {
        self.fake.pay(order).await
    }

    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        self.fake.collect(order).await
    }

    async fn refund(&self, order: &RefundCall) -> Result<RawAnswer, CallError> {
        let mut script = self.script.lock().unwrap();
        script.refunded.push(order.clone());
        raw("collection_status", script.refunds.pop_front().expect("the test expects no further refund"))
    }

    async fn act(&self, _payment: &ObjectRef, _handle: Option<&str>, action: Action) -> Result<RawAnswer, CallError> {
        let mut script = self.script.lock().unwrap();
        script.acted.push(action);
        raw("collection_status", script.acts.pop_front().expect("the test expects no further action"))
    }
}
