//! ioTec Pay (Uganda): collections from mobile money, payouts to mobile money and banks, wallet balances and rows. The
//! facts are in `providers/iotec.md`, the mapping in `MAPPING.md`.
//!
//! Shape: `wire` is their JSON, `translate` reads it (pure), `client` and `token` call them, `charging` and `tariff` are
//! the connection's policies on fees, used by both. Their pushes carry no signature: a callback is a hint, and the
//! status read states the money; only a reversal is told by rows.

use std::sync::Arc;

use ensimbi_events::{Amount, Clock, Currency};

use crate::connector::{
    Authenticity, Capability, Connector, Facts, Input, ObjectRef, Options, OrderKind, ProviderClient, ReferenceForm,
    Routine, Translation, Unreadable,
};
use crate::settings::{ConnectionSettings, SettingsError};

mod charging;
mod client;
pub mod simulator;
mod tariff;
mod token;
mod translate;
mod wire;

/// What we collect.
const COLLECTION: &str = "collection";
/// What we pay out.
const DISBURSEMENT: &str = "disbursement";
/// The rows of one payout, which its status answers leave out: history, filtered by our reference.
const ROWS: &str = "disbursement_rows";
/// A wallet's balance.
const WALLET: &str = "wallet";
/// The banks that can be paid to.
const BANKS: &str = "banks";
/// The latest payouts of a wallet, whoever made them.
const HISTORY: &str = "history";
/// A row of a wallet that belongs to no collection and no payout.
const ROW: &str = "row";

/// Kinds of bytes.
mod kind {
    /// The answer of `POST /api/collections/collect`.
    pub(super) const CREATED: &str = "collection_created";
    /// The answer of the two status calls, by their id and by our reference.
    pub(super) const STATUS: &str = "collection_status";
    /// A callback's body.
    pub(super) const WEBHOOK: &str = "webhook";
    /// The answer of `disburse` and `bank-disburse`.
    pub(super) const PAYOUT_CREATED: &str = "payout_created";
    /// The answer of the two status calls of a payout.
    pub(super) const PAYOUT_STATUS: &str = "payout_status";
    /// History filtered by one `externalId`.
    pub(super) const PAYOUT_ROWS: &str = "payout_rows";
    /// A page of a wallet's history.
    pub(super) const PAYOUT_HISTORY: &str = "payout_history";
    /// The answer of `GET /api/wallet-balance/{walletId}`, its callback fields blanked.
    pub(super) const WALLET_BALANCE: &str = "wallet_balance";
    /// The answer of `GET /api/disbursements/bank-list`.
    pub(super) const BANK_LIST: &str = "bank_list";
    /// A JSON list of wallet rows, as a person exports them; import only.
    pub(super) const WALLET_ROWS: &str = "wallet_rows";
}

/// The least they move, in whole units (sections 4.1, 5.1 and 5.2).
const LEAST: Amount = Amount::whole(500);

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Iotec;

static FACTS: Facts = Facts {
    provider: "iotec",
    translator: "iotec.1",
    kinds: &[
        kind::CREATED,
        kind::STATUS,
        kind::WEBHOOK,
        kind::PAYOUT_CREATED,
        kind::PAYOUT_STATUS,
        kind::PAYOUT_ROWS,
        kind::PAYOUT_HISTORY,
        kind::WALLET_BALANCE,
        kind::BANK_LIST,
        kind::WALLET_ROWS,
    ],
    capabilities: &[
        Capability::Collect,
        Capability::Payout,
        Capability::BankPayout,
        // A bank payout to our own account; they have no other call for it.
        Capability::Withdraw,
        Capability::ReadById,
        Capability::ReadByReference,
        Capability::Push,
        Capability::Balance,
        Capability::Banks,
        Capability::History,
    ],
    // Nothing says that `vendorTransactionId` is unique (section 4.2).
    operator_transaction_unique: false,
    sandbox_currencies: &["ITX"],
    default_urls: &[("api", "https://pay.iotec.io"), ("token", "https://id.iotec.io")],
    collects: COLLECTION,
    pays: DISBURSEMENT,
    refunds: "",
    references: ReferenceForm::Text,
    two_steps: false,
    purses: &[],
    routines: &[
        Routine { object_kind: WALLET, each_wallet: true, every_secs: 3_600, moment: true },
        Routine { object_kind: BANKS, each_wallet: false, every_secs: 86_400, moment: false },
        Routine { object_kind: HISTORY, each_wallet: true, every_secs: 3_600, moment: false },
    ],
};

impl Connector for Iotec {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn authenticity(&self) -> Authenticity {
        Authenticity::Hint
    }

    fn example(&self) -> &'static str {
        include_str!("example.toml")
    }

    fn object_kinds(&self) -> &'static [&'static str] {
        &[COLLECTION, DISBURSEMENT, ROWS, WALLET, BANKS, HISTORY, ROW]
    }

    fn accepts(&self, _order: OrderKind, amount: Amount, _currency: Currency) -> Result<(), String> {
        match amount_problem(amount) {
            Some(problem) => Err(problem.to_owned()),
            None => Ok(()),
        }
    }

    fn fee_ceiling(&self, options: &Options, order: OrderKind, amount: Amount) -> Result<Amount, String> {
        tariff::ceiling(options, order, amount).map_err(|(key, problem)| format!("options.{key}: {problem}"))
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

/// What is wrong with an amount that they would be asked to move. Whether they take fractions is not known (section
/// 10), so none is sent.
fn amount_problem(amount: Amount) -> Option<&'static str> {
    if amount.scaled() % Amount::whole(1).scaled() != 0 {
        return Some("expected whole units");
    }
    (amount < LEAST).then_some("expected at least 500")
}
