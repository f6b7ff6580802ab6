//! Dollr (Liberia, Rwanda and cards): collections against invoices and orders, hosted checkouts, payouts, receipts with
//! their fees. The facts are in `providers/dollr.md`, the mapping in `MAPPING.md`.
//!
//! Shape: `wire` is their JSON, `handle` how a source or an account is named between two calls, `bundle` keeps together
//! what was read together, `options` what no document decides, `translate` reads bytes (pure), `client` calls. A source
//! (invoice or order) moves nothing by itself; an execution does, and is named by our reference alone. They do not push.

use std::sync::Arc;

use ensimbi_events::{Amount, Clock, Currency};

use crate::connector::{
    Authenticity, Capability, Connector, Facts, Input, ObjectRef, Options, OrderKind, ProviderClient, ReferenceForm,
    Routine, Translation, Unreadable,
};
use crate::settings::{ConnectionSettings, SettingsError};

mod bundle;
mod client;
mod handle;
mod options;
pub mod simulator;
mod translate;
mod wire;

/// What we collect: one execution, under its `reference_id`; of a hosted checkout the source's `reference_id`.
const COLLECTION: &str = "collection";
/// What we pay out: one execution, under its `reference_id`.
const PAYOUT: &str = "payout";
/// Money between wallets: one execution, under its `reference_id`.
const TRANSFER: &str = "transfer";
/// Money back to a payer: one execution, under its `reference_id`.
const REFUND: &str = "refund";
/// A source that is an invoice, under its integer id.
const INVOICE: &str = "invoice";
/// A source that is an order, under its integer id.
const ORDER: &str = "order";
/// The receipt of a source, under its handle such as `INVOICE-101`.
const RECEIPT: &str = "receipt";
/// What they say of the merchant.
const MERCHANT: &str = "merchant";
/// The tiers of their fees.
const FEE_TIERS: &str = "fee_tiers";

/// Kinds of bytes. Which of them are a bundle, [`bundle`](super::bundle) says.
mod kind {
    /// `GET /v1/status/collection/{reference_id}` beside its source: states the money.
    pub(super) const COLLECTION: &str = "collection";
    /// `GET /v1/status/source` beside its source and, once it is paid, the receipt: states the money.
    pub(super) const HOSTED: &str = "hosted";
    /// The answer of `POST /v1/executions/collection` or `/payout`.
    pub(super) const EXECUTION: &str = "execution";
    /// `GET /v1/status/payout/{reference_id}`.
    pub(super) const PAYOUT_STATUS: &str = "payout_status";
    /// `GET /v1/status/transfer/{reference_id}`.
    pub(super) const TRANSFER_STATUS: &str = "transfer_status";
    /// `GET /v1/status/refund/{reference_id}`.
    pub(super) const REFUND_STATUS: &str = "refund_status";
    /// `GET /v1/{invoices,orders}/retrieve/{id}`, or the answers of the calls that make a source or an account.
    pub(super) const SOURCE: &str = "source";
    /// `GET /v1/{invoices,orders}/receipt/{id}`.
    pub(super) const RECEIPT: &str = "receipt";
    /// `GET /v1/merchants/merchant-info`.
    pub(super) const MERCHANT: &str = "merchant";
    /// `GET /v1/fees/tiers`.
    pub(super) const FEE_TIERS: &str = "fee_tiers";

    /// All of them.
    pub(super) const ALL: [&str; 10] = [
        COLLECTION,
        HOSTED,
        EXECUTION,
        PAYOUT_STATUS,
        TRANSFER_STATUS,
        REFUND_STATUS,
        SOURCE,
        RECEIPT,
        MERCHANT,
        FEE_TIERS,
    ];
}

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Dollr;

static FACTS: Facts = Facts {
    provider: "dollr",
    translator: "dollr.1",
    kinds: &kind::ALL,
    capabilities: &[
        Capability::Collect,
        Capability::Items,
        Capability::Hosted,
        Capability::Cancel,
        Capability::Payout,
        Capability::ReadById,
        Capability::ReadByReference,
    ],
    // Nothing says that `provider_transaction_id` is unique (section 8.4).
    operator_transaction_unique: false,
    // No sandbox is documented (section 13).
    sandbox_currencies: &[],
    default_urls: &[("api", "https://api.heydollr.app")],
    collects: COLLECTION,
    pays: PAYOUT,
    refunds: "",
    references: ReferenceForm::UuidV4,
    two_steps: true,
    purses: &[],
    routines: &[
        Routine { object_kind: MERCHANT, each_wallet: false, every_secs: 86_400, moment: false },
        Routine { object_kind: FEE_TIERS, each_wallet: false, every_secs: 86_400, moment: false },
    ],
};

impl Connector for Dollr {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn authenticity(&self) -> Authenticity {
        Authenticity::NoPush
    }

    fn example(&self) -> &'static str {
        include_str!("example.toml")
    }

    fn object_kinds(&self) -> &'static [&'static str] {
        &[COLLECTION, PAYOUT, TRANSFER, REFUND, INVOICE, ORDER, RECEIPT, MERCHANT, FEE_TIERS]
    }

    fn accepts(&self, _order: OrderKind, amount: Amount, _currency: Currency) -> Result<(), String> {
        let problem = || "expected at least 0.01, with at most 2 decimal places".to_owned();
        payable(amount).then_some(()).ok_or_else(problem)
    }

    fn fee_ceiling(&self, options: &Options, order: OrderKind, amount: Amount) -> Result<Amount, String> {
        options::ceiling(options, order, amount).map_err(|(key, problem)| format!("options.{key}: {problem}"))
    }

    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable> {
        translate::translate(input)
    }

    fn hinted(&self, _body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable> {
        Err(wire::unreadable("body", "they do not push"))
    }

    fn connect(
        &self,
        settings: &ConnectionSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn ProviderClient>, SettingsError> {
        Ok(Arc::new(client::Client::new(settings, clock)?))
    }
}

/// Whether they can be asked to move an amount: at least 0.01 (section 1), in hundredths, the smallest of any currency of
/// theirs; where a currency has none (RWF), they refuse.
fn payable(amount: Amount) -> bool {
    let hundredth = Amount::whole(1).scaled() / 100;
    amount.is_positive() && amount.scaled() % hundredth == 0
}
