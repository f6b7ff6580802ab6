//! Dollr (Liberia, Rwanda and cards): collections against invoices and orders, hosted checkouts, payouts, receipts with
//! their fees. The facts are in `providers/dollr.md`, the mapping in `MAPPING.md`.
//!
//! Shape: `wire` is their JSON, `handle` how a source or an account is named between two calls, `bundle` keeps together
//! what was read together, `options` what no document decides, `translate` reads bytes (pure). A source (invoice or
//! order) moves nothing by itself; an execution does, and is named by our reference alone. They do not push.

pub mod bundle;
pub mod handle;
pub mod options;
pub mod translate;
pub mod wire;

/// The provider's word.
pub const PROVIDER: &str = "dollr";
/// What we collect: one execution, under its `reference_id`; of a hosted checkout the source's `reference_id`.
pub const COLLECTION: &str = "collection";
/// What we pay out: one execution, under its `reference_id`.
pub const PAYOUT: &str = "payout";
/// Money between wallets: one execution, under its `reference_id`.
pub const TRANSFER: &str = "transfer";
/// Money back to a payer: one execution, under its `reference_id`.
pub const REFUND: &str = "refund";
/// A source that is an invoice, under its integer id.
pub const INVOICE: &str = "invoice";
/// A source that is an order, under its integer id.
pub const ORDER: &str = "order";
/// The receipt of a source, under its handle such as `INVOICE-101`.
pub const RECEIPT: &str = "receipt";
/// What they say of the merchant.
pub const MERCHANT: &str = "merchant";
/// The tiers of their fees.
pub const FEE_TIERS: &str = "fee_tiers";

/// Words for the objects that are read.
pub const OBJECT_KINDS: [&str; 9] =
    [COLLECTION, PAYOUT, TRANSFER, REFUND, INVOICE, ORDER, RECEIPT, MERCHANT, FEE_TIERS];

/// Kinds of bytes. Which of them are a bundle, [`bundle`](super::bundle) says.
pub mod kind {
    /// `GET /v1/status/collection/{reference_id}` beside its source: states the money.
    pub const COLLECTION: &str = "collection";
    /// `GET /v1/status/source` beside its source and, once it is paid, the receipt: states the money.
    pub const HOSTED: &str = "hosted";
    /// The answer of `POST /v1/executions/collection` or `/payout`.
    pub const EXECUTION: &str = "execution";
    /// `GET /v1/status/payout/{reference_id}`.
    pub const PAYOUT_STATUS: &str = "payout_status";
    /// `GET /v1/status/transfer/{reference_id}`.
    pub const TRANSFER_STATUS: &str = "transfer_status";
    /// `GET /v1/status/refund/{reference_id}`.
    pub const REFUND_STATUS: &str = "refund_status";
    /// `GET /v1/{invoices,orders}/retrieve/{id}`, or the answers of the calls that make a source or an account.
    pub const SOURCE: &str = "source";
    /// `GET /v1/{invoices,orders}/receipt/{id}`.
    pub const RECEIPT: &str = "receipt";
    /// `GET /v1/merchants/merchant-info`.
    pub const MERCHANT: &str = "merchant";
    /// `GET /v1/fees/tiers`.
    pub const FEE_TIERS: &str = "fee_tiers";

    /// All of them.
    pub const ALL: [&str; 10] = [
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
