//! A connector of nobody's: small, whole, and wrong in one way at a time. Its folder is written anew for each test.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use ensimbi_connectors::conformance::fixtures::{RECEIVED_AT, claims};
use ensimbi_connectors::connector::{
    Authenticity, CallError, Capability, Checkout, CollectCall, Connector, Facts, Input, ObjectRef, Options,
    PartyDetails, ProviderClient, RawAnswer, ReferenceForm, RefundCall, Said, Scheme, Translation, Unreadable, Watch,
};
use ensimbi_connectors::door::http::{Answer, HttpClient, by_status};
use ensimbi_connectors::json;
use ensimbi_connectors::settings::{ConnectionSettings, SettingsError};
use ensimbi_connectors::verify::Algorithm;
use ensimbi_events::word::{FigureSource, Mode};
use ensimbi_events::words::payment::{CollectionFailed, CollectionPending, CollectionSucceeded};
use ensimbi_events::{Amount, Body, Clock, SubjectKind};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// How it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    // Its translator.
    Rounds,
    Floats,
    LeaksPhone,
    ShowsStatus,
    Panics,
    Remembers,
    TakesTheLast,
    ReadsUnknownFields,
    // Its client.
    Repeats,
    CallsItNotSent,
    ShowsTheirMessage,
    RefundsUndeclared,
    SendsItems,
    TakesMisspeltOptions,
    // What it says of itself.
    BelievesHints,
}

pub struct Toy {
    pub facts: &'static Facts,
    pub fault: Fault,
    reads: AtomicU64,
}

pub const OFFERED: &[Capability] = &[Capability::Collect, Capability::ReadById, Capability::Push];
const EXAMPLE: &str = "#[[connections]]\n#provider = \"toy\"\n#[[connections.wallets]]\n";

impl Toy {
    pub fn new(fault: Fault) -> Self {
        Self::offering(OFFERED.to_vec(), fault)
    }

    pub fn offering(capabilities: Vec<Capability>, fault: Fault) -> Self {
        let facts = Facts {
            provider: "toy",
            translator: "toy.1",
            kinds: &["order_created", "order_status", "webhook"],
            capabilities: capabilities.leak(),
            operator_transaction_unique: false,
            sandbox_currencies: &[],
            default_urls: &[("api", "https://api.toy.example")],
            collects: "order",
            pays: "",
            refunds: "",
            references: ReferenceForm::Text,
            two_steps: false,
            purses: &[],
            routines: &[],
        };
        Self { facts: Box::leak(Box::new(facts)), fault, reads: AtomicU64::new(0) }
    }
}

mod wire {
    ensimbi_connectors::json_object! {
        /// An order of theirs.
        Order { id, reference, status, amount, currency, phone, name, zz_nobody_knows }
    }
    ensimbi_connectors::json_object! {
        /// An error of theirs.
        Problem { code, message }
    }
}

impl Connector for Toy {
    fn facts(&self) -> &'static Facts {
        self.facts
    }

    fn authenticity(&self) -> Authenticity {
        match self.fault {
            Fault::BelievesHints => Authenticity::Hint,
            _ => Authenticity::Signed(Scheme { header: "x-toy-signature", algorithm: Algorithm::RsaPkcs1Sha256Base64 }),
        }
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn object_kinds(&self) -> &'static [&'static str] {
        &["order"]
    }

    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable> {
        if !self.facts.kinds.contains(&input.kind) {
            return Err(json::unreadable("kind", "not declared"));
        }
        let text = json::body(input.body)?;
        if self.fault == Fault::Panics {
            let _ = &text[..60];
        }
        let last;
        let text = if self.fault == Fault::TakesTheLast {
            let value: Value = serde_json::from_str(text).map_err(|_| json::unreadable("body", "no JSON"))?;
            last = value.to_string();
            last.as_str()
        } else {
            text
        };
        let order: wire::Order<'_> = json::object("body", text)?;
        let mut unknown = Vec::new();
        let (id, status) = (json::id("id", order.id)?, json::required("status", order.status)?);
        let amount = match (self.fault, order.amount) {
            (Fault::Rounds, Some(raw)) => rounded(json::unquoted(raw.get()))?,
            (Fault::Floats, Some(raw)) => through_a_float(json::unquoted(raw.get()))?,
            (_, raw) => json::amount("amount", raw)?,
        };
        let phone = json::kept("phone", order.phone, 40, &mut unknown);
        let name = json::kept("name", order.name, 100, &mut unknown);
        let reference = json::kept("reference", order.reference, json::ID_MAX, &mut unknown);
        let body: Body = match status.as_str() {
            _ if input.kind == "order_created" => {
                CollectionPending { amount, fee_bearer: None, invoice_id: None }.into()
            }
            "open" => CollectionPending { amount, fee_bearer: None, invoice_id: None }.into(),
            "paid" => CollectionSucceeded {
                gross: amount,
                net: amount,
                net_source: FigureSource::Observed,
                held: None,
                held_until: None,
                payer: None,
                rate: None,
                invoice_id: None,
                channel: phone.clone().filter(|_| self.fault == Fault::LeaksPhone),
                fees: Vec::new(),
            }
            .into(),
            "failed" => {
                let reason = "failed".to_owned();
                CollectionFailed { amount, is_final: true, reason, fee_bearer: None, invoice_id: None }.into()
            }
            other if self.fault == Fault::ShowsStatus => {
                return Err(json::unreadable("status", format!("{other} is not known")));
            }
            _ => {
                unknown.push("status".to_owned());
                return Ok(Translation { unknown, ..Translation::default() });
            }
        };
        let object = ObjectRef { kind: "order", id: Some(id), reference };
        let occurrence = match self.fault {
            Fault::Remembers => self.reads.fetch_add(1, Ordering::SeqCst).to_string(),
            Fault::ReadsUnknownFields if order.zz_nobody_knows.is_some() => "extra".to_owned(),
            _ => String::new(),
        };
        let watch = if status == "open" { Watch::Unsettled } else { Watch::Settled };
        let said = Said {
            object: object.clone(),
            subject_kind: SubjectKind::Payment,
            occurrence,
            currency: Some(json::currency("currency", order.currency)?),
            wallet: None,
            body,
            occurred_at: None,
            party: Some(PartyDetails { phone, name, email: None }),
            doubt: None,
            operator_transaction: None,
            links: ensimbi_connectors::connector::Links::default(),
            confirms: input.kind == "webhook",
        };
        Ok(Translation { said: vec![said], watch: vec![(object, watch)], unknown, ..Translation::default() })
    }

    fn hinted(&self, body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
        let order: wire::Order<'_> = json::object("body", json::body(body)?)?;
        Ok(vec![ObjectRef { kind: "order", id: Some(json::id("id", order.id)?), reference: None }])
    }

    fn connect(
        &self,
        settings: &ConnectionSettings,
        _clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn ProviderClient>, SettingsError> {
        let wrong = |key: String| SettingsError {
            key: format!("connections.{}.{key}", settings.slug),
            problem: "missing or unknown".to_owned(),
        };
        let misspelt = settings.options.keys().next().filter(|_| self.fault != Fault::TakesMisspeltOptions);
        if let Some(name) = misspelt {
            return Err(wrong(format!("options.{name}")));
        }
        if let Some(name) = settings.urls.keys().find(|name| *name != "api") {
            return Err(wrong(format!("urls.{name}")));
        }
        if let Some(name) = settings.secrets.keys().find(|name| *name != "key") {
            return Err(wrong(format!("secrets.{name}")));
        }
        if settings.secrets.get("key").is_none_or(|key| key.expose_secret().is_empty()) {
            return Err(wrong("secrets.key".to_owned()));
        }
        if settings.wallets.is_empty() {
            return Err(wrong("wallets".to_owned()));
        }
        let base = settings.urls.get("api").map_or("https://api.toy.example", String::as_str);
        Ok(Arc::new(ToyClient { http: HttpClient::new(settings, "api", base)?, fault: self.fault }))
    }
}

/// Two decimals, whatever came.
fn rounded(digits: &str) -> Result<Amount, Unreadable> {
    let cut = match digits.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{}", fraction.chars().take(2).collect::<String>()),
        None => digits.to_owned(),
    };
    json::decimal("amount", &cut)
}

/// As a JSON library does that knows one kind of number.
fn through_a_float(digits: &str) -> Result<Amount, Unreadable> {
    let number: f64 = digits.parse().map_err(|_| json::unreadable("amount", "no number"))?;
    json::decimal("amount", &format!("{number:.4}"))
}

struct ToyClient {
    http: HttpClient,
    fault: Fault,
}

impl ToyClient {
    fn judge(&self, read: bool, kind: &'static str, (status, headers, body): Answer) -> Result<RawAnswer, CallError> {
        if (200..300).contains(&status) {
            let order = json::body(&body).and_then(|text| json::object::<wire::Order<'_>>("body", text));
            return match order.and_then(|order| json::id("id", order.id)) {
                Ok(_) => Ok(RawAnswer { kind, status, body }),
                Err(_) => Err(CallError::Unknown(format!("status {status}, not an order"))),
            };
        }
        if matches!(status, 401 | 403) {
            return Err(CallError::Credentials(format!("status {status}")));
        }
        if let Some(why) = by_status(read, status, &headers) {
            return Err(why);
        }
        let problem = json::body(&body).and_then(|text| json::object::<wire::Problem<'_>>("body", text));
        let Ok(problem) = problem else { return Err(CallError::Unknown(format!("status {status}"))) };
        let shown = match self.fault {
            Fault::ShowsTheirMessage => json::text("message", problem.message),
            _ => json::text("code", problem.code).map(|code| code.filter(|code| json::is_word(code))),
        };
        Err(CallError::Refused(format!("status {status} {}", shown.ok().flatten().unwrap_or_default())))
    }
}

#[async_trait]
impl ProviderClient for ToyClient {
    async fn read(&self, object: &ObjectRef, _handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError> {
        let (Some(id), "order") = (object.id.as_deref(), object.kind) else { return Err(CallError::NotOffered) };
        let answer = self.http.send(self.http.get(self.http.url(["orders", id]))).await?;
        Ok(vec![self.judge(true, "order_status", answer)?])
    }

    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        let more = !order.items.is_empty() || order.checkout != Checkout::default();
        if more && self.fault != Fault::SendsItems {
            return Err(CallError::NotOffered);
        }
        let body = json!({"reference": order.reference, "amount": order.amount.to_string()}).to_string();
        let request = || self.http.post(self.http.url(["orders"])).body(body.clone());
        let mut answer = self.http.send(request()).await?;
        if self.fault == Fault::Repeats && answer.0 >= 500 {
            answer = self.http.send(request()).await?;
        }
        if self.fault == Fault::CallsItNotSent && answer.0 >= 500 {
            return Err(CallError::NotSent(format!("status {}", answer.0)));
        }
        self.judge(false, "order_created", answer)
    }

    async fn refund(&self, order: &RefundCall) -> Result<RawAnswer, CallError> {
        if self.fault != Fault::RefundsUndeclared {
            return Err(CallError::NotOffered);
        }
        let request = self.http.post(self.http.url(["orders", &order.payment, "refund"]));
        self.judge(false, "order_status", self.http.send(request).await?)
    }
}

/// The folder of the toy as it should be.
pub struct Home {
    folder: tempfile::TempDir,
}

fn order(status: &str) -> Value {
    json!({"id": "o-1", "reference": "r-1", "status": status, "amount": 500, "currency": "UGX",
           "phone": "256700111222", "name": "Jane Rose"})
}

fn calls() -> Value {
    let asked = json!({"reference": "r-1", "wallet": "w-1", "amount": "500", "currency": "UGX",
                       "phone": "256700111222", "name": "Jane Rose"});
    json!({
        "settings": {
            "slug": "main", "provider": "toy", "account": "a-1", "urls": {"api": "BASE"},
            "secrets": {"key": "toy-secret-key-1"},
            "wallets": [{"id": "w-1", "code": "main", "currency": "UGX"}],
        },
        "problem": {"code": "invalid", "message": "This is not possible"},
        "exchanges": [
            {"call": "collect", "proves": ["collect"], "order": asked, "request": "POST /orders",
             "answers": {"POST /orders": order("open")}},
            {"call": "read", "proves": ["read_by_id"], "order": {"kind": "order", "id": "o-1"},
             "request": "GET /orders/o-1", "answers": {"GET /orders/o-1": order("paid")}},
        ],
    })
}

impl Home {
    pub fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        let toy = Toy::new(Fault::Nothing);
        for (kind, case) in [
            ("order_created", "open"),
            ("order_status", "open"),
            ("order_status", "paid"),
            ("order_status", "failed"),
            ("webhook", "paid"),
        ] {
            let body = order(case).to_string();
            let options = Options::new();
            let input =
                Input { kind, body: body.as_bytes(), options: &options, received_at: RECEIVED_AT, mode: Mode::Live };
            home.write(&format!("fixtures/{kind}/{case}.claims.json"), &claims(&toy.translate(input)).to_string());
            home.write(&format!("fixtures/{kind}/{case}.body"), &body);
        }
        home.write("fixtures/calls.json", &calls().to_string());
        home.write("example.toml", EXAMPLE);
        let kinds: String = toy.facts.kinds.iter().map(|kind| format!("`{kind}` is what its name says.\n")).collect();
        home.write("MAPPING.md", &kinds.repeat(6));
        home
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("toy")
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn remove(&self, file: &str) {
        std::fs::remove_file(self.path().join(file)).unwrap();
    }

    /// Replaces a text in a file.
    pub fn change(&self, file: &str, old: &str, new: &str) {
        let text = std::fs::read_to_string(self.path().join(file)).unwrap();
        assert!(text.contains(old), "{file} has no {old}");
        self.write(file, &text.replace(old, new));
    }
}
