//! What a provider's folder must say: one trait that is pure but for `connect`, and a second small one for calls.
//!
//! `ensimbi connectors new NAME` writes a folder that implements both; the smallest whole one is `providers/sandbox`.
//!
//! **An order.** [`Connector::accepts`] and [`Connector::fee_ceiling`] are asked, the reference of the attempt is stored,
//! then [`ProviderClient::collect`] (or `pay`, `refund`; at a provider of two steps after `prepare`) makes one request. A
//! good answer's bytes are stored as they came, under the kind that the client names, and [`Connector::translate`] reads
//! them. What it says in [`Translation::watch`] is asked for again with [`ProviderClient::read`], until it is final. An
//! order whose outcome is unknown is never sent again: it is read by its reference, or found by history or push.
//!
//! **A push.** The door checks it ([`Connector::authenticity`]) before it stores it, under the kind `webhook`. Of a hint only
//! [`Connector::hinted`] is asked: which objects it names, which are then read. A signed push is read by `translate` like any
//! other bytes; what it says of an object that a read states only confirms it ([`Said::confirms`]), and its `watch` has the
//! object read now.
//!
//! **A statement.** translate: raw bytes -> [`Translation`]: statements in the ledger's vocabulary (`ensimbi_events::words`),
//! still without our ids. The door adds subject, wallet, evidence and claim ids. A translator has no clock, no network, no
//! database: the same bytes say the same for ever, whatever else was read. A word that nobody knows is counted
//! ([`Translation::unknown`]) and moves no money; figures that contradict each other are a doubt ([`Said::doubt`]), which
//! withholds the statement for a person; bytes that cannot be read are [`Unreadable`].
//!
//! What most need is there: `json` reads their bytes exactly, `statements` makes the usual statements, `answers` judges
//! what came back, `checks` refuses what must not be sent, `door::http` calls (one host, bounded), `simulator::plain` is a
//! whole simulator for a plain provider.

use std::sync::Arc;

use async_trait::async_trait;
use ensimbi_events::codes::DiscrepancyKind;
pub use ensimbi_events::commands::{Action, Checkout, Destination, OrderItem};
use ensimbi_events::word::Mode;
use ensimbi_events::{Amount, Body, Clock, Currency, SubjectKind, Time};

use crate::settings::ConnectionSettings;
pub use crate::verify::Scheme;
pub use calls::{CallError, CollectCall, PayoutCall, Prepared, ProviderClient, RawAnswer, RefundCall, ToPrepare};

mod calls;

/// How a provider's push is authenticated. There is no default: every connector says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authenticity {
    /// A signature over the raw body, by a key that the connection's configuration names.
    Signed(Scheme),
    /// A static header, obligatory; the push only wakes the poller for ids we know.
    Hint,
    /// The provider does not push.
    NoPush,
}

impl Authenticity {
    /// The word recorded in `ConnectionConfigured`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signed(_) => "signed",
            Self::Hint => "hint",
            Self::NoPush => "no_push",
        }
    }
}

/// What a connector is and can do.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Its word: the name of its folder, in lower case.
    pub provider: &'static str,
    /// Name and version of the translator, `<provider>.<number>`; a changed reading of old bytes gets the next number.
    pub translator: &'static str,
    /// Kinds of bytes that it reads, in words of its own (`collection_status`): those of [`RawAnswer::kind`], `webhook` for
    /// pushes, and files that a person may import. Each has fixtures in the folder of its name.
    pub kinds: &'static [&'static str],
    /// What it offers; an undeclared capability is refused, by the door and by the client itself
    /// ([`CallError::NotOffered`]). Each is shown by an exchange of `fixtures/calls.json`.
    pub capabilities: &'static [Capability],
    /// Ids of the operator's transaction ([`Said::operator_transaction`]) are unique at this provider, so that one seen twice
    /// is a discrepancy. Only where its documents promise it.
    pub operator_transaction_unique: bool,
    /// Currencies that are a sandbox here: no live book takes a wallet in them.
    pub sandbox_currencies: &'static [&'static str],
    /// Base URLs by name, when the configuration names none: `api` first, then others (`token`). `https`, without a path
    /// that calls would repeat.
    pub default_urls: &'static [(&'static str, &'static str)],
    /// What a collection is called here: one of [`Connector::object_kinds`].
    pub collects: &'static str,
    /// What a payout is called here; empty where it cannot be asked for.
    pub pays: &'static str,
    /// What the record of money that goes back to a payer is called here; empty where it cannot be asked for.
    pub refunds: &'static str,
    /// What the provider takes as our reference of an attempt.
    pub references: ReferenceForm,
    /// Orders are made by one call and carried out by a second one: the object's id or handle is stored between the two,
    /// and a new attempt carries out the same one.
    pub two_steps: bool,
    /// Words of the purses that one wallet id has here; empty where a wallet is one. The first is collected into, the last
    /// is paid out of.
    pub purses: &'static [&'static str],
    /// What is read by itself, again and again.
    pub routines: &'static [Routine],
}

impl Facts {
    /// The base URL of a name, where the configuration gives none.
    pub fn default_url(&self, name: &str) -> &'static str {
        self.default_urls.iter().find(|(key, _)| *key == name).map_or("", |(_, url)| url)
    }

    /// Nothing is offered: a connector names what differs, and ends with `..Facts::NOTHING`.
    pub const NOTHING: Self = Self {
        provider: "",
        translator: "",
        kinds: &[],
        capabilities: &[],
        operator_transaction_unique: false,
        sandbox_currencies: &[],
        default_urls: &[],
        collects: "",
        pays: "",
        refunds: "",
        references: ReferenceForm::Text,
        two_steps: false,
        purses: &[],
        routines: &[],
    };
}

/// What a provider takes as our reference of an attempt. Either form follows from order and attempt alone, so that it is
/// the same whoever derives it, and is stored before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceForm {
    /// `ens-` and twenty hexadecimal digits.
    Text,
    /// A UUID of version 4 (RFC 9562) in its usual text.
    UuidV4,
}

/// Something that is read by itself: a wallet's balance, the list of banks, the latest page of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routine {
    /// The object kind that [`ProviderClient::read`] is asked for.
    pub object_kind: &'static str,
    /// Once for each wallet (the object's id is the provider's wallet id), or once for the connection (`all`).
    pub each_wallet: bool,
    /// Seconds between two reads, 60 to 604,800, unless `poll.routine_secs` says otherwise.
    pub every_secs: u64,
    /// The same bytes at another moment say something new (a balance that did not move).
    pub moment: bool,
}

/// What can be asked of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Ask a payer for money.
    Collect,
    /// Name what is sold; the provider makes an invoice of it.
    Items,
    /// Send the payer to the provider's page.
    Hosted,
    /// Hold money first, and capture or release it later.
    Capture,
    /// Call off what was not paid yet.
    Cancel,
    /// Send money back to a payer.
    Refund,
    /// Pay to a mobile-money account.
    Payout,
    /// Pay to a bank account.
    BankPayout,
    /// Move money to our own bank.
    Withdraw,
    /// Read an object by the provider's id.
    ReadById,
    /// Read an object by our reference.
    ReadByReference,
    /// Take pushes.
    Push,
    /// Read a wallet's balance.
    Balance,
    /// Read which banks can be paid to.
    Banks,
    /// Read what happened, in pages.
    History,
    /// Fetch statements of the account.
    Statement,
}

impl Capability {
    /// The word as people see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Collect => "collect",
            Self::Items => "items",
            Self::Hosted => "hosted",
            Self::Capture => "capture",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
            Self::Payout => "payout",
            Self::BankPayout => "bank_payout",
            Self::Withdraw => "withdraw",
            Self::ReadById => "read_by_id",
            Self::ReadByReference => "read_by_reference",
            Self::Push => "push",
            Self::Balance => "balance",
            Self::Banks => "banks",
            Self::History => "history",
            Self::Statement => "statement",
        }
    }
}

/// An object at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The provider's word, such as `collection`.
    pub kind: &'static str,
    /// The provider's id, if known.
    pub id: Option<String>,
    /// Our reference on it, if known.
    pub reference: Option<String>,
}

/// Who is on the other side; goes to the vault and nowhere else.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PartyDetails {
    /// Phone number as the provider gives it.
    pub phone: Option<String>,
    /// Name as the provider gives it.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

impl std::fmt::Debug for PartyDetails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PartyDetails(..)")
    }
}

/// One statement read from the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The object it is about.
    pub object: ObjectRef,
    /// What kind of subject that is for us.
    pub subject_kind: SubjectKind,
    /// What tells this statement from others of the same word about the same object, so that one that is read a hundred
    /// times is recorded once: empty where it happens once; else the provider's id of the sub-object (a refund of several);
    /// else the time at which the provider says it happened. Never our own clock, but for a balance, which is true at
    /// [`Input::received_at`].
    pub occurrence: String,
    /// Currency of the amounts, as the bytes name it.
    pub currency: Option<Currency>,
    /// The provider's id of the wallet, where the bytes name it; absent: that of the order, or the only one that it can be.
    pub wallet: Option<String>,
    /// The statement.
    pub body: Body,
    /// When the provider says it happened; absent = our observation.
    pub occurred_at: Option<Time>,
    /// The other side: names, phones and addresses are here and nowhere else of a translation.
    pub party: Option<PartyDetails>,
    /// The translator's own doubt: withheld until a person decides.
    pub doubt: Option<DiscrepancyKind>,
    /// The operator's transaction id.
    pub operator_transaction: Option<String>,
    /// What else it is about, by the provider's ids.
    pub links: Links,
    /// Read from a push of an object that our own read states: evidence for that read, and nothing before it.
    pub confirms: bool,
}

impl Said {
    /// A statement about an object and nothing beside it: in the house's currency of its wallet, once only, undoubted, at
    /// the moment of our observation. What differs is named before `..Said::about(..)`.
    pub fn about(object: ObjectRef, subject_kind: SubjectKind, body: impl Into<Body>) -> Self {
        Self {
            object,
            subject_kind,
            occurrence: String::new(),
            currency: None,
            wallet: None,
            body: body.into(),
            occurred_at: None,
            party: None,
            doubt: None,
            operator_transaction: None,
            links: Links::default(),
            confirms: false,
        }
    }
}

/// What a statement is about beside its own object. The door puts our ids in the places of the body that need them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// Which purse of the wallet, one of [`Facts::purses`].
    pub purse: Option<&'static str>,
    /// Where a transfer between purses goes: purse and currency. Fills `PurseTransferred::from` and `to`.
    pub to_purse: Option<(&'static str, Currency)>,
    /// The payment that a refund, a dispute or a receipt is about. Fills `payment_id`.
    pub original: Option<ObjectRef>,
    /// The invoice that a collection pays. Fills `invoice_id`.
    pub invoice: Option<ObjectRef>,
}

/// What the poller should do with an object after these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Not final: keep asking.
    Unsettled,
    /// Final with money: look again later, for reversals that are never announced.
    Settled,
    /// Final without money: look again once or twice, late successes exist.
    Ended,
    /// Something else shows that money of it moved: asked for once more where it had come to nothing. Never stored.
    Moved,
    /// Nothing more can come of it: never asked for again.
    Closed,
    /// Read by itself for ever ([`Routine`]); never said by a translator.
    Routine,
}

/// Everything one set of bytes says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Translation {
    /// Statements, in the provider's order. One kind of bytes states the money of an object (the answer of a read, as a rule);
    /// the answer of a call that makes one says no more than pending.
    pub said: Vec<Said>,
    /// Objects the poller should know.
    pub watch: Vec<(ObjectRef, Watch)>,
    /// What was not understood, as the name of the field (never its value, which may be a person's): counted, no event, no
    /// money.
    pub unknown: Vec<String>,
    /// Banks that can be paid to, as far as the bytes name them.
    pub banks: Vec<BankSeen>,
    /// Rows of the provider's own wallet book: kept, and checked against their neighbours.
    pub rows: Vec<RowSeen>,
    /// Public keys that the provider says it signs with, as PEM.
    pub keys: Vec<String>,
}

/// A bank as the provider describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BankSeen {
    /// The code that a payout names.
    pub code: String,
    /// The provider's id of it.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What its account numbers look like, as a regular expression.
    pub account_pattern: Option<String>,
}

/// A row of the provider's wallet book, without parties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSeen {
    /// The provider's id of the row.
    pub id: String,
    /// The provider's wallet id, where the row names it.
    pub wallet: Option<String>,
    /// The provider's running number.
    pub number: i64,
    /// What the row changed, signed.
    pub change: Amount,
    /// Before it.
    pub previous: Amount,
    /// After it.
    pub balance: Amount,
    /// The provider's word for it.
    pub category: String,
    /// The object it belongs to, by the provider's id.
    pub request: Option<String>,
}

/// The bytes cannot be read: quarantined, counted, a person is told. `json` makes these. A field that no statement needs is
/// never a reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Unreadable {
    /// The field, or `body`.
    pub field: String,
    /// What is wrong, without any value of a party.
    pub problem: String,
}

/// What the translator may know of its connection.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Kind of bytes.
    pub kind: &'a str,
    /// The raw bytes.
    pub body: &'a [u8],
    /// Connector options of the configuration, for unknowns that a setting decides.
    pub options: &'a Options,
    /// When the bytes came; for statements that are true at a moment. Part of the observation, so still pure.
    pub received_at: Time,
    /// Whether the book is for real money: a sandbox's money never reaches it, nor real money a test book.
    pub mode: Mode,
}

/// Connector options by name.
pub type Options = std::collections::BTreeMap<String, String>;

/// What is asked of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// Money from a payer.
    Collect,
    /// Money to a mobile-money account.
    PayMobile,
    /// Money to a bank account.
    PayBank,
    /// Money back to a payer.
    Refund,
}

/// A provider, as one folder describes it.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What it is and can do. Constant: the same at any time.
    fn facts(&self) -> &'static Facts;
    /// How its pushes are authenticated. The keys of a signature are the options `webhook_key` and `account_key`, each with
    /// `_next`; the header of a hint is the option `callback_header`, its value the secret `callback_value`, with `_next`.
    /// The door reads them; [`Connector::connect`] must let those that apply pass.
    fn authenticity(&self) -> Authenticity;
    /// A connection as `ensimbi.toml` has it, for `ensimbi init`: every setting explained and every line a comment. A
    /// line with nothing between `#` and its first word is an example that holds as it stands.
    fn example(&self) -> &'static str {
        ""
    }
    /// Words for the objects it reads and names: what is collected, paid out and refunded, what [`Facts::routines`] ask for,
    /// and any other kind of an [`ObjectRef`].
    fn object_kinds(&self) -> &'static [&'static str] {
        &["collection"]
    }
    /// Whether the provider's own limits (least, most, decimal places) allow an amount; asked before anything is stored. The
    /// door asks for more than nothing by itself.
    ///
    /// # Errors
    /// What was expected, for a person.
    fn accepts(&self, _order: OrderKind, _amount: Amount, _currency: Currency) -> Result<(), String> {
        Ok(())
    }
    /// The highest plausible fee on money that leaves: it is reserved with the amount (`reserve.fee_max`). Too low, and a
    /// wallet can be overdrawn; too high, and money waits.
    ///
    /// # Errors
    /// The option that cannot be read, and what was expected.
    fn fee_ceiling(&self, _options: &Options, _order: OrderKind, _amount: Amount) -> Result<Amount, String> {
        Ok(Amount::ZERO)
    }
    /// Bytes to statements; pure. A kind that [`Facts::kinds`] does not name is `Unreadable` with the field `kind`.
    ///
    /// # Errors
    /// [`Unreadable`]: the bytes are quarantined.
    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable>;
    /// Which objects a push talks about, by id, by our reference, or both, so that they can be read; pure. Whoever pushes may
    /// be anybody here: an object that we do not know is not read.
    ///
    /// # Errors
    /// [`Unreadable`], as every push is where the provider does not push.
    fn hinted(&self, body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable>;
    /// A client for one connection; calls nothing yet. Refuses every option, secret and URL that it does not read
    /// ([`ConnectionSettings::names`]), a secret that is missing, and a connection without a wallet.
    ///
    /// # Errors
    /// A sentence naming the key and what was expected, never a value.
    fn connect(
        &self,
        settings: &ConnectionSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn ProviderClient>, crate::settings::SettingsError>;
}
