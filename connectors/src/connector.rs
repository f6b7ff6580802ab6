//! What a provider's folder must say: one trait that is pure but for `connect`, and a second small one for calls.
//!
//! translate: raw bytes -> [`Translation`]: statements in the ledger's vocabulary, still without our ids. The door adds
//! subject, wallet, evidence and claim ids. A translator has no clock, no network, no database.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::codes::DiscrepancyKind;
pub use ensimbi_events::commands::{Action, Checkout, Destination, OrderItem};
use ensimbi_events::word::Mode;
use ensimbi_events::{Amount, Body, Clock, Currency, SubjectKind, Time};

use crate::settings::ConnectionSettings;
pub use crate::verify::Scheme;

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
    /// Its word, such as the folder's name.
    pub provider: &'static str,
    /// Name and version of the translator; a changed reading gets the next number.
    pub translator: &'static str,
    /// Kinds of bytes that it reads (`collection_status`, `webhook` ...).
    pub kinds: &'static [&'static str],
    /// What it offers; an undeclared capability is refused.
    pub capabilities: &'static [Capability],
    /// Ids of the operator's transaction are unique at this provider.
    pub operator_transaction_unique: bool,
    /// Currencies that are a sandbox here.
    pub sandbox_currencies: &'static [&'static str],
    /// Base URLs when the configuration names none: API, then token.
    pub default_urls: &'static [(&'static str, &'static str)],
    /// What a collection is called here.
    pub collects: &'static str,
    /// What a payout is called here; empty where it cannot be asked for.
    pub pays: &'static str,
    /// What the record of money that goes back to a payer is called here; empty where it cannot be asked for.
    pub refunds: &'static str,
    /// Orders are made by one call and carried out by a second one: the object's id is stored between the two, and a new
    /// attempt carries out the same object.
    pub two_steps: bool,
    /// Words of the purses that one wallet id has here; empty where a wallet is one. The first is collected into, the last
    /// is paid out of.
    pub purses: &'static [&'static str],
    /// What is read by itself, again and again.
    pub routines: &'static [Routine],
}

/// Something that is read by itself: a wallet's balance, the list of banks, the latest page of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routine {
    /// The object kind that [`ProviderClient::read`] is asked for.
    pub object_kind: &'static str,
    /// Once for each wallet (the object's id is the provider's wallet id), or once for the connection (`all`).
    pub each_wallet: bool,
    /// Seconds between two reads, unless `poll.routine_secs` says otherwise.
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
    /// Empty for once-only facts; else the provider's sub-object id, else its state time.
    pub occurrence: String,
    /// Currency of the amounts.
    pub currency: Option<Currency>,
    /// The provider's id of the wallet, where the bytes name it.
    pub wallet: Option<String>,
    /// The statement.
    pub body: Body,
    /// When the provider says it happened; absent = our observation.
    pub occurred_at: Option<Time>,
    /// The other side.
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

/// What a statement is about beside its own object. The door puts our ids in the places of the body that need them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// Which purse of the wallet, one of [`Facts::purses`].
    pub purse: Option<&'static str>,
    /// Where a transfer between purses goes: purse and currency. Fills `PurseTransferred::from` and `to`.
    pub to_purse: Option<(&'static str, Currency)>,
    /// The payment that a refund or dispute is about. Fills `payment_id`.
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
    /// Statements, in the provider's order.
    pub said: Vec<Said>,
    /// Objects the poller should know.
    pub watch: Vec<(ObjectRef, Watch)>,
    /// Words nobody knows: counted, no event, no money.
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

/// The bytes cannot be read: quarantined, counted, a person is told.
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
    /// What it is and can do.
    fn facts(&self) -> &'static Facts;
    /// How its pushes are authenticated.
    fn authenticity(&self) -> Authenticity;
    /// A connection as `ensimbi.toml` has it, for `ensimbi init`: every setting explained and every line a comment. A
    /// line with nothing between `#` and its first word is an example that holds as it stands.
    fn example(&self) -> &'static str {
        ""
    }
    /// Words for the objects it reads.
    fn object_kinds(&self) -> &'static [&'static str] {
        &["collection"]
    }
    /// Whether the provider's own limits allow an amount; asked before anything is stored.
    ///
    /// # Errors
    /// What was expected, for a person.
    fn accepts(&self, _order: OrderKind, _amount: Amount, _currency: Currency) -> Result<(), String> {
        Ok(())
    }
    /// The highest plausible fee on money that leaves: it is reserved with the amount (`reserve.fee_max`).
    ///
    /// # Errors
    /// The option that cannot be read, and what was expected.
    fn fee_ceiling(&self, _options: &Options, _order: OrderKind, _amount: Amount) -> Result<Amount, String> {
        Ok(Amount::ZERO)
    }
    /// Bytes to statements; pure.
    ///
    /// # Errors
    /// [`Unreadable`]: the bytes are quarantined.
    fn translate(&self, input: Input<'_>) -> Result<Translation, Unreadable>;
    /// Which objects a push talks about, so that they can be read; pure.
    ///
    /// # Errors
    /// [`Unreadable`].
    fn hinted(&self, body: &[u8]) -> Result<Vec<ObjectRef>, Unreadable>;
    /// A client for one connection.
    ///
    /// # Errors
    /// A sentence naming the key and what was expected.
    fn connect(
        &self,
        settings: &ConnectionSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn ProviderClient>, crate::settings::SettingsError>;
}

/// An answer's raw bytes, cut at the limit.
#[derive(Clone)]
pub struct RawAnswer {
    /// Kind of bytes, for the translator.
    pub kind: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The bytes.
    pub body: Vec<u8>,
}

/// What a call came to. Each case is one decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nothing left us: no connection, no token. Safe to try again.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Timeout, 5xx, broken or unreadable answer: it may have happened. Only the provider's status decides.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// The provider refused with a readable 4xx: confirmed, nothing was queued.
    #[error("refused by the provider: {0}")]
    Refused(String),
    /// The provider does not know the object. Soon after a lost answer this proves nothing.
    #[error("the provider does not know the object")]
    NotFound,
    /// Too many calls; try again after.
    #[error("too many calls, wait {0:?}")]
    RateLimited(Duration),
    /// The credentials are not accepted: a person must act.
    #[error("the provider does not accept the credentials: {0}")]
    Credentials(String),
    /// This connector does not offer it.
    #[error("not offered by this connector")]
    NotOffered,
}

/// An order to collect money, complete and bounded.
#[derive(Debug, Clone)]
pub struct CollectCall {
    /// Our reference, unique, stored before the call.
    pub reference: String,
    /// The provider's id of the wallet.
    pub wallet: String,
    /// What the payer is to pay.
    pub amount: Amount,
    /// The wallet's currency.
    pub currency: Currency,
    /// The payer.
    pub payer: PartyDetails,
    /// Who bears the fees, in our word.
    pub fee_bearer: ensimbi_events::word::Bearer,
    /// Text for the payer.
    pub note: Option<String>,
    /// What is sold; together it costs `amount`.
    pub items: Vec<OrderItem>,
    /// How it is to be paid.
    pub checkout: Checkout,
    /// The provider's id of the object, where [`ProviderClient::prepare`] has made it.
    pub object: Option<String>,
}

/// An order to pay money out, complete and bounded.
#[derive(Clone)]
pub struct PayoutCall {
    /// Our reference, unique, stored before the call.
    pub reference: String,
    /// The provider's id of the wallet.
    pub wallet: String,
    /// What is to leave.
    pub amount: Amount,
    /// The wallet's currency.
    pub currency: Currency,
    /// Where to.
    pub to: Destination,
    /// The provider's id of the bank, where its list gave one.
    pub bank_id: Option<String>,
    /// The beneficiary's name.
    pub name: Option<String>,
    /// Text for the beneficiary.
    pub note: Option<String>,
    /// The provider's id of the object, where [`ProviderClient::prepare`] has made it.
    pub object: Option<String>,
}

/// An order to send money back, complete and bounded.
#[derive(Debug, Clone)]
pub struct RefundCall {
    /// Our reference, for our own trail: not every provider takes one.
    pub reference: String,
    /// The provider's id of the payment.
    pub payment: String,
    /// How much.
    pub amount: Amount,
    /// The payment's currency.
    pub currency: Currency,
    /// What is left of the payment before it, as far as we know: a provider may want the whole asked for without a figure.
    pub left: Amount,
    /// An attempt before this one had no answer: it may leave only where the provider still shows all of `left` as there.
    pub again: bool,
}

/// An order that is made before it is carried out.
#[derive(Debug, Clone, Copy)]
pub enum ToPrepare<'a> {
    /// Money from a payer.
    Collect(&'a CollectCall),
    /// Money to somebody.
    Pay(&'a PayoutCall),
}

/// An object at the provider that moves nothing by itself.
#[derive(Clone)]
pub struct Prepared {
    /// The provider's id of it.
    pub object: String,
    /// Where the payer pays.
    pub link: Option<String>,
    /// There is no second step for us: the payer does the rest on the provider's page.
    pub complete: bool,
    /// The answer.
    pub answer: RawAnswer,
}

impl std::fmt::Debug for PayoutCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PayoutCall").field("reference", &self.reference).finish_non_exhaustive()
    }
}

/// The calls of one connection.
#[async_trait]
pub trait ProviderClient: Send + Sync {
    /// Reads an object: by the provider's id where known, else by our reference. Most answers are one; a history's pages
    /// come in order.
    ///
    /// # Errors
    /// See [`CallError`].
    async fn read(&self, object: &ObjectRef) -> Result<Vec<RawAnswer>, CallError>;
    /// Makes the object of an order at a provider with [`Facts::two_steps`]. Moves no money: a lost answer is repeated.
    ///
    /// # Errors
    /// See [`CallError`].
    async fn prepare(&self, order: ToPrepare<'_>) -> Result<Prepared, CallError> {
        let _ = order;
        Err(CallError::NotOffered)
    }
    /// Sends money back. Moves money: never repeated unless [`CallError::NotSent`].
    ///
    /// # Errors
    /// See [`CallError`].
    async fn refund(&self, order: &RefundCall) -> Result<RawAnswer, CallError> {
        let _ = order;
        Err(CallError::NotOffered)
    }
    /// Does something with a payment, by the provider's id. What became of it is read afterwards in any case.
    ///
    /// # Errors
    /// See [`CallError`].
    async fn act(&self, payment: &ObjectRef, action: Action) -> Result<RawAnswer, CallError> {
        let _ = (payment, action);
        Err(CallError::NotOffered)
    }
    /// Sends money out. Moves money: never repeated unless [`CallError::NotSent`].
    ///
    /// # Errors
    /// See [`CallError`].
    async fn pay(&self, order: &PayoutCall) -> Result<RawAnswer, CallError> {
        let _ = order;
        Err(CallError::NotOffered)
    }
    /// Asks a payer for money. Moves money: never repeated unless [`CallError::NotSent`].
    ///
    /// # Errors
    /// See [`CallError`].
    async fn collect(&self, order: &CollectCall) -> Result<RawAnswer, CallError> {
        let _ = order;
        Err(CallError::NotOffered)
    }
}
