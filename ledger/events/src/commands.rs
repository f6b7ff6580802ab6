//! What our own side asks for, and the port that takes it. The API depends on the port; the door implements it.
//!
//! Three kinds of commands:
//! - [`CollectOrder`] and [`PayOrder`]: a provider is asked to move money. Intent -> (money out: the ledger reserves or
//!   refuses) -> one call. The answer tells how far it came; the outcome follows by itself.
//! - [`Telling`]: a person's or a platform's own word for the book (invoices, allocations, openings, verdicts). Its facts
//!   go to the ledger one after another, each after the one before was recorded, and the ledger answers each.
//!
//! Each is kept under (book, route, `Idempotency-Key`) for ever: the same body is the same command, another is a conflict.

use async_trait::async_trait;

use crate::approvals::{Proposal, ProposalsQuery, Proposed};
use crate::bus::Outcome;
use crate::codes::{Problem, Refusal};
use crate::observations::{PostError, Posted};
use crate::word::Bearer;
use crate::{Amount, BookId, ConnectionId, Currency, Fact, ObservationId, SubjectId, Time, WalletId};

/// Longest `Idempotency-Key`, in bytes.
pub const KEY_MAX: usize = 255;
/// Longest name of a party, in characters.
pub const NAME_MAX: usize = 150;
/// Longest note for the other side, in characters.
pub const NOTE_MAX: usize = 200;
/// Longest e-mail address, in characters.
pub const EMAIL_MAX: usize = 254;
/// Longest address of a page, in characters.
pub const URL_MAX: usize = 500;
/// Most items of an order, and most methods of payment that it names.
pub const ITEMS_MAX: usize = 100;
/// Most facts of one [`Telling`].
pub const FACTS_MAX: usize = 250;

/// Where a command comes from, and what makes it the same one when it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The caller's book; must be the port's.
    pub book: BookId,
    /// 1 to 255 printable ASCII characters. Never expires.
    pub idempotency_key: String,
}

/// Ask a payer for money.
#[derive(Clone, PartialEq, Eq)]
pub struct CollectOrder {
    /// Over which connection.
    pub connection: ConnectionId,
    /// The wallet's code or id; may be left out where one wallet has the currency.
    pub wallet: Option<String>,
    /// What the payer is to pay, in the wallet's currency; greater than zero.
    pub amount: Amount,
    /// The wallet's currency.
    pub currency: Currency,
    /// The payer's phone: 5 to 20 digits, with an optional `+` before. Needed unless the payer comes to a hosted page.
    pub payer_phone: Option<String>,
    /// The payer's name, at most [`NAME_MAX`] characters.
    pub payer_name: Option<String>,
    /// The payer's e-mail address, at most [`EMAIL_MAX`] characters.
    pub payer_email: Option<String>,
    /// Who bears the provider's fees.
    pub fee_bearer: Bearer,
    /// The invoice it is meant for.
    pub invoice_id: Option<SubjectId>,
    /// Text for the payer, at most [`NOTE_MAX`] characters.
    pub note: Option<String>,
    /// What is sold, at most [`ITEMS_MAX`], where the provider makes an invoice of it; together they cost `amount`.
    pub items: Vec<OrderItem>,
    /// How it is to be paid.
    pub checkout: Checkout,
}

/// One thing that is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderItem {
    /// What it is called, at most [`NAME_MAX`] characters.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Price of one, in the order's currency.
    pub price: Amount,
}

/// How a payer pays, where the provider gives a choice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkout {
    /// The payer is sent to the provider's page instead of being prompted.
    pub hosted: bool,
    /// Where the page sends the payer afterwards.
    pub success_url: Option<String>,
    /// Where it sends a payer who failed.
    pub failure_url: Option<String>,
    /// Where it sends a payer who gave up.
    pub cancel_url: Option<String>,
    /// The provider's words for the methods that are allowed; empty: all.
    pub methods: Vec<String>,
    /// Only hold the money: it is captured or released by a later command.
    pub authorise_only: bool,
}

/// Send money of a payment back to its payer. Where the payment is and what is left of it is read from the book first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundOrder {
    /// The payment.
    pub payment: SubjectId,
    /// Over which connection it came.
    pub connection: ConnectionId,
    /// Into which wallet.
    pub wallet: WalletId,
    /// The provider's id of it.
    pub object_id: String,
    /// How much goes back, in the payment's currency; greater than zero.
    pub amount: Amount,
    /// What is left of the payment, as far as the book knows.
    pub left: Amount,
}

/// What can be done with a payment that is not at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Take money that is held, all of it or a part.
    Capture(Option<Amount>),
    /// Let go of money that is held.
    Release,
    /// Call off what was not paid yet.
    Cancel,
}

impl Action {
    /// The word as people see it, and as its route ends.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capture(_) => "capture",
            Self::Release => "release",
            Self::Cancel => "cancel",
        }
    }
}

/// Why money leaves a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayKind {
    /// To somebody else.
    Payout,
    /// To our own bank.
    Withdrawal,
}

/// Where money goes.
#[derive(Clone, PartialEq, Eq)]
pub enum Destination {
    /// A mobile-money account.
    Mobile {
        /// 5 to 20 digits, with an optional `+` before.
        phone: String,
    },
    /// A bank account.
    Bank {
        /// The bank's code in the provider's list.
        bank: String,
        /// 4 to 34 letters and digits.
        account_number: String,
        /// The holder, at most [`NAME_MAX`] characters.
        account_name: String,
        /// The rail in the provider's word, where a caller must choose one.
        rail: Option<String>,
    },
}

/// Send money out of a wallet.
#[derive(Clone, PartialEq, Eq)]
pub struct PayOrder {
    /// Payout or withdrawal.
    pub kind: PayKind,
    /// Over which connection.
    pub connection: ConnectionId,
    /// The wallet's code or id; may be left out where one wallet has the currency.
    pub wallet: Option<String>,
    /// What is to leave, in the wallet's currency; greater than zero.
    pub amount: Amount,
    /// The wallet's currency.
    pub currency: Currency,
    /// Where to.
    pub to: Destination,
    /// The beneficiary's name, at most [`NAME_MAX`] characters.
    pub name: Option<String>,
    /// Text for the beneficiary, at most [`NOTE_MAX`] characters.
    pub note: Option<String>,
}

macro_rules! quiet {
    ($($name:ident),*) => {$(
        /// Shows no party.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                shown.field("connection", &self.connection).field("amount", &self.amount).field("currency", &self.currency);
                shown.finish_non_exhaustive()
            }
        }
    )*};
}
quiet!(CollectOrder, PayOrder);

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mobile { .. } => "Mobile(..)",
            Self::Bank { .. } => "Bank(..)",
        })
    }
}

/// Facts that our own side states.
#[derive(Debug, Clone)]
pub struct Telling {
    /// The route, part of what the key is unique in; a word of our own, never a caller's.
    pub route: &'static str,
    /// What the caller sent, in one canonical form: compared (by a keyed hash) when the key comes again.
    pub body: Vec<u8>,
    /// The facts with the moment they happened (`None`: now), in order; 1 to [`FACTS_MAX`].
    pub facts: Vec<(Fact, Option<Time>)>,
    /// Whom they are about, for the vault: stored with the command, never in a fact.
    pub party: Option<Party>,
    /// Bytes that bear them out: an observation of this book, no hint; on a wallet one of its own connection.
    pub evidence: Option<ObservationId>,
}

/// A party that a command names; goes to the vault and nowhere else.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// Phone, 5 to 20 digits.
    pub phone: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

impl std::fmt::Debug for Party {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Party(..)")
    }
}

/// How far an order has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentView {
    /// Its id, which is the payment's or payout's too.
    pub id: SubjectId,
    /// Over which connection.
    pub connection: ConnectionId,
    /// From or to which wallet.
    pub wallet: WalletId,
    /// What was asked.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// asked, cleared, calling, unknown, accepted, refused or failed.
    pub state: &'static str,
    /// Number of its newest attempt, from 1.
    pub attempt: u32,
    /// That attempt's reference at the provider.
    pub reference: String,
    /// The provider's id, once known.
    pub object_id: Option<String>,
    /// Where the payer pays, at a provider with a page for it. Whoever has it can open it.
    pub checkout_url: Option<String>,
    /// Why it was refused or failed: the ledger's code, or the provider's words.
    pub reason: Option<String>,
    /// When it was asked.
    pub created_at: Time,
    /// Whether it was there already.
    pub repeated: bool,
}

/// What became of one fact of a [`Telling`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldFact {
    /// The event's word.
    pub word: String,
    /// The ledger's answer; `None` while it is on its way.
    pub outcome: Option<Outcome>,
}

/// What became of a [`Telling`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its facts in order.
    pub facts: Vec<ToldFact>,
    /// Whether it was there already.
    pub repeated: bool,
}

/// A bank that a connection can pay to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bank {
    /// The code a payout names.
    pub code: String,
    /// Its name.
    pub name: Option<String>,
    /// Account numbers must match this expression, where the provider says so.
    pub account_pattern: Option<String>,
}

/// A configured connection, for people who choose one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionView {
    /// Its id.
    pub id: ConnectionId,
    /// Its label.
    pub slug: String,
    /// The provider's word.
    pub provider: String,
    /// What it can do: collect, payout, bank_payout, withdraw ...
    pub capabilities: Vec<&'static str>,
    /// Wallets: id, code, currency.
    pub wallets: Vec<(WalletId, String, Currency)>,
}

/// Something a person should look at, found in the door's own tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// unsettled_too_long, quarantined, credentials_refused, note_unanswered, rows_do_not_chain ...
    pub kind: &'static str,
    /// Of which connection.
    pub connection: Option<ConnectionId>,
    /// About which payment or payout.
    pub subject: Option<SubjectId>,
    /// Since when.
    pub since: Time,
    /// In words, without parties.
    pub detail: String,
}

/// One set of raw bytes behind a subject, without the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailObservation {
    /// Its id.
    pub id: ObservationId,
    /// Kind of bytes.
    pub kind: String,
    /// How they were authenticated: signed, read, imported, connector, hint.
    pub class: crate::EvidenceClass,
    /// When they came.
    pub received_at: Time,
    /// Salted commitment, as in the leaf's evidence.
    pub commitment: crate::Hash,
    /// How often the same bytes came.
    pub deliveries: u32,
    /// new, translated, quarantined or hint_done.
    pub state: String,
    /// Who brought them, where a person did.
    pub actor_id: Option<String>,
}

/// One claim behind a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailClaim {
    /// Its id.
    pub id: crate::ClaimId,
    /// The observation it was read from, or the command that made it.
    pub source: uuid::Uuid,
    /// What it says, as the event's word.
    pub word: String,
    /// When it was written.
    pub created_at: Time,
    /// The ledger's answer, once there is one.
    pub outcome: Option<Outcome>,
}

/// Everything the door knows behind a subject.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trail {
    /// Raw bytes, in the order they came.
    pub observations: Vec<TrailObservation>,
    /// Claims, in the order they were written.
    pub claims: Vec<TrailClaim>,
    /// The order, where it was ours.
    pub intent: Option<IntentView>,
}

/// Why a command was not taken. Nothing was stored or sent.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No such connection in this book.
    #[error("connection: none of this book has this id")]
    UnknownConnection,
    /// The connection's provider does not offer it.
    #[error("connection: its provider does not offer {0}")]
    NotOffered(&'static str),
    /// A field that is wrong.
    #[error("{field}: {problem}")]
    Invalid {
        /// The stable word: `invalid_amount`, `unknown_wallet` ...
        code: Problem,
        /// The field's name.
        field: &'static str,
        /// What was expected.
        problem: String,
    },
    /// The ledger refused it (a payout above what is available, an invoice that is paid).
    #[error("{code}: {detail}")]
    Refused {
        /// The ledger's word.
        code: Refusal,
        /// For a person; begins with the field where there is one.
        detail: String,
    },
    /// The key was used with another body.
    #[error("this Idempotency-Key was used with another body")]
    IdempotencyConflict,
    /// The store does not answer; the outcome is unknown and the same key may be used again.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// Something of ours is broken.
    #[error("broken: {0}")]
    Broken(String),
}

/// The port: what the API and the command line may ask of the door.
#[async_trait]
pub trait Commands: Send + Sync {
    /// The configured connections of the book.
    fn connections(&self, book: BookId) -> Vec<ConnectionView>;
    /// Takes an order to collect, or finds it again. Waits a moment for the ledger; the call follows by itself.
    ///
    /// # Errors
    /// [`CommandError`].
    async fn collect(&self, origin: &Origin, order: &CollectOrder) -> Result<IntentView, CommandError>;
    /// Takes an order to pay, or finds it again. Waits for the ledger's reservation: above what is available it is
    /// refused before anything is sent.
    ///
    /// # Errors
    /// [`CommandError`].
    async fn pay(&self, origin: &Origin, order: &PayOrder) -> Result<IntentView, CommandError>;
    /// Takes an order to send a payment's money back, or finds it again. Waits for the ledger's reservation.
    ///
    /// # Errors
    /// [`CommandError`].
    async fn refund(&self, origin: &Origin, order: &RefundOrder) -> Result<IntentView, CommandError>;
    /// Does something with a payment at its provider, once. Its effect follows by itself.
    ///
    /// # Errors
    /// [`CommandError::Refused`] with the provider's reason; those above.
    async fn act(&self, origin: &Origin, payment: SubjectId, action: Action) -> Result<IntentView, CommandError>;
    /// Tries an order again, after its last attempt came to nothing for certain. The old reference is asked for first.
    ///
    /// # Errors
    /// [`CommandError`].
    async fn again(&self, origin: &Origin, intent: SubjectId) -> Result<IntentView, CommandError>;
    /// What became of a telling that was taken before, if one was under this route and key: asked before facts are made
    /// out of a present that the first time has changed already. Waits for the ledger like [`Commands::tell`].
    ///
    /// # Errors
    /// [`CommandError::IdempotencyConflict`] where `body` is another than the first; those of [`Commands::tell`].
    async fn told(&self, origin: &Origin, route: &'static str, body: &[u8]) -> Result<Option<Told>, CommandError>;
    /// Takes facts of our own, waits for the ledger's answers.
    ///
    /// # Errors
    /// [`CommandError::Refused`] with the first refusal; those above.
    async fn tell(&self, origin: &Origin, telling: &Telling) -> Result<Told, CommandError>;
    /// Keeps a fact until a second person approves it, or finds it again. Nothing is told to the ledger.
    ///
    /// # Errors
    /// [`CommandError`].
    async fn propose(&self, origin: &Origin, proposal: &Proposal) -> Result<Proposed, CommandError>;
    /// Approves a proposal as `approver_id`, tells it, and waits for the ledger's answer. Approved by the same person
    /// before, it is found again. `None` where the book has none of this id.
    ///
    /// # Errors
    /// [`CommandError::Refused`] where the one who asked approves it, another has done so, or the ledger refuses it;
    /// those above.
    async fn approve(&self, origin: &Origin, id: SubjectId, approver_id: &str) -> Result<Option<Told>, CommandError>;
    /// Withdraws a proposal as `actor_id`, be it the one who asked or another; nothing is ever told of it. Withdrawn before,
    /// it is found again. `None` where the book has none of this id.
    ///
    /// # Errors
    /// [`CommandError::Refused`] where it was approved; those above.
    async fn withdraw(&self, origin: &Origin, id: SubjectId, actor_id: &str) -> Result<Option<Proposed>, CommandError>;
    /// Proposals of the book, in the order in which they were asked for.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`], [`CommandError::Broken`].
    async fn proposals(&self, book: BookId, query: &ProposalsQuery) -> Result<Vec<Proposed>, CommandError>;
    /// The banks of a connection.
    ///
    /// # Errors
    /// [`CommandError`].
    async fn banks(&self, book: BookId, connection: ConnectionId) -> Result<Vec<Bank>, CommandError>;
    /// What is behind a subject.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`], [`CommandError::Broken`].
    async fn trail(&self, book: BookId, subject: SubjectId) -> Result<Trail, CommandError>;
    /// Takes what a connector outside the process posts with its connection's key, and waits a moment for the ledger.
    /// Exactly the same bytes again are the same observation.
    ///
    /// # Errors
    /// [`PostError`].
    async fn post(&self, book: BookId, connection: ConnectionId, bytes: &[u8]) -> Result<Posted, PostError> {
        let _ = (book, connection, bytes);
        Err(PostError::NoSuchConnection)
    }
    /// What a person should look at, oldest first, at most 500.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`], [`CommandError::Broken`].
    async fn alarms(&self, book: BookId) -> Result<Vec<Alarm>, CommandError>;
}
