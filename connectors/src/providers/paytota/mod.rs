//! Paytota (Uganda; Kenya, Ethiopia and cards): collections, payouts, refunds and chargebacks, two purses a currency,
//! signed webhooks and statements. The facts are in `providers/paytota.md`, the mapping in `MAPPING.md`.
//!
//! Shape: `wire` is their JSON, `options` what no document decides, `translate` reads bytes (pure), `client` calls. An
//! order is made by one call, which moves nothing, and carried out by a second one. A signed push of a purchase or a
//! payout confirms what our own read of it states; only a Payment (a refund, a chargeback) is stated by its push, since no
//! call reads it.

use std::sync::Arc;

use ensimbi_events::{Amount, Clock, Currency};

use crate::connector::{
    Authenticity, Capability, Connector, Facts, Input, ObjectRef, Options, OrderKind, ProviderClient, ReferenceForm,
    Routine, Scheme, Translation, Unreadable,
};
use crate::settings::{ConnectionSettings, SettingsError};
use crate::verify::Algorithm;

mod client;
mod options;
pub mod simulator;
mod translate;
mod wire;

/// What we collect.
const PURCHASE: &str = "purchase";
/// What we pay out.
const PAYOUT: &str = "payout";
/// What goes back to a payer: their Payment object.
const PAYMENT: &str = "payment";
/// A chargeback, under the id of its purchase.
const DISPUTE: &str = "dispute";
/// What a purchase asks for, under its id.
const INVOICE: &str = "invoice";
/// The balances of the account.
const BALANCE: &str = "balance";
/// A statement request; `all` asks for a new one.
const STATEMENT: &str = "statement";
/// The key that signs success callbacks.
const PUBLIC_KEY: &str = "public_key";
/// A line of a statement, or a Payment, that belongs to no purchase and no payout.
const ROW: &str = "row";

/// The purse that collections fill (section 10).
const COLLECTIONS: &str = "collections";
/// The purse that payouts empty.
const PAYOUTS: &str = "payouts";

/// Kinds of bytes.
mod kind {
    /// The answer of `POST /api/v1/purchases/`.
    pub(super) const PURCHASE_CREATED: &str = "purchase_created";
    /// The answer of `GET /api/v1/purchases/{id}/`, and of the calls that act on a purchase.
    pub(super) const PURCHASE_STATUS: &str = "purchase_status";
    /// The answer of `POST /api/v1/payouts/`.
    pub(super) const PAYOUT_CREATED: &str = "payout_created";
    /// The answer of `GET /api/v1/payouts/{id}/`.
    pub(super) const PAYOUT_STATUS: &str = "payout_status";
    /// The answer of an execute call; it names no object.
    pub(super) const EXECUTED: &str = "executed";
    /// The answer of `POST /api/v1/purchases/{id}/refund/`: a Payment, or the purchase.
    pub(super) const REFUND_ANSWER: &str = "refund_answer";
    /// A signed push.
    pub(super) const WEBHOOK: &str = "webhook";
    /// The answer of `GET /api/v1/account/json/balance/`.
    pub(super) const BALANCE: &str = "balance";
    /// A statement request.
    pub(super) const STATEMENT_REQUEST: &str = "statement_request";
    /// A statement's file, CSV.
    pub(super) const STATEMENT: &str = "statement";
    /// The answer of `GET /api/v1/public_key/`.
    pub(super) const PUBLIC_KEY: &str = "public_key";
}

/// Most decimal places of an amount that any currency of theirs has.
const DECIMALS_MAX: u32 = 2;

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Paytota;

static FACTS: Facts = Facts {
    provider: "paytota",
    translator: "paytota.1",
    kinds: &[
        kind::PURCHASE_CREATED,
        kind::PURCHASE_STATUS,
        kind::PAYOUT_CREATED,
        kind::PAYOUT_STATUS,
        kind::EXECUTED,
        kind::REFUND_ANSWER,
        kind::WEBHOOK,
        kind::BALANCE,
        kind::STATEMENT_REQUEST,
        kind::STATEMENT,
        kind::PUBLIC_KEY,
    ],
    capabilities: &[
        Capability::Collect,
        Capability::Items,
        Capability::Hosted,
        Capability::Capture,
        Capability::Cancel,
        Capability::Refund,
        Capability::Payout,
        Capability::BankPayout,
        Capability::ReadById,
        Capability::Push,
        Capability::Balance,
        Capability::Statement,
    ],
    // `operator_reference` is nobody's promise (section 4.4).
    operator_transaction_unique: false,
    // Sandbox money comes in real currencies here; the translator tells it by its flags (section 3).
    sandbox_currencies: &[],
    default_urls: &[
        ("api", "https://gate.paytota.com"),
        // The one host that a download link was ever seen on (section 11).
        ("statements", "https://paytota-private.s3.af-south-1.amazonaws.com"),
    ],
    collects: PURCHASE,
    pays: PAYOUT,
    refunds: PAYMENT,
    references: ReferenceForm::Text,
    two_steps: true,
    purses: &[COLLECTIONS, PAYOUTS],
    routines: &[
        Routine { object_kind: BALANCE, each_wallet: false, every_secs: 3_600, moment: true },
        Routine { object_kind: STATEMENT, each_wallet: false, every_secs: 86_400, moment: false },
        Routine { object_kind: PUBLIC_KEY, each_wallet: false, every_secs: 86_400, moment: false },
    ],
};

impl Connector for Paytota {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn authenticity(&self) -> Authenticity {
        Authenticity::Signed(Scheme { header: "x-signature", algorithm: Algorithm::RsaPkcs1Sha256Base64 })
    }

    fn example(&self) -> &'static str {
        include_str!("example.toml")
    }

    fn object_kinds(&self) -> &'static [&'static str] {
        &[PURCHASE, PAYOUT, PAYMENT, DISPUTE, INVOICE, BALANCE, STATEMENT, PUBLIC_KEY, ROW]
    }

    fn accepts(&self, _order: OrderKind, amount: Amount, _currency: Currency) -> Result<(), String> {
        // Which currencies a connection has, and their exponents, its client knows and checks again.
        let step = 10i64.pow(ensimbi_events::money::SCALE - DECIMALS_MAX);
        if !amount.is_positive() {
            return Err("expected an amount above 0".to_owned());
        }
        if amount.scaled() % step != 0 {
            return Err(format!("expected at most {DECIMALS_MAX} decimal places"));
        }
        Ok(())
    }

    fn fee_ceiling(&self, options: &Options, order: OrderKind, amount: Amount) -> Result<Amount, String> {
        options::ceiling(options, order, amount).map_err(|(key, problem)| format!("options.{key}: {problem}"))
    }

    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable> {
        translate::translate(input)
    }

    fn hinted(&self, body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
        translate::hinted(body)
    }

    fn connect(
        &self,
        settings: &ConnectionSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn ProviderClient>, SettingsError> {
        Ok(Arc::new(client::Client::new(settings, clock)?))
    }
}
