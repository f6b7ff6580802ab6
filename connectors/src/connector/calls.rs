//! The calls of a connection: the orders as they reach a client, and what a call came to.

use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::commands::{Action, Checkout, Destination, OrderItem};
use ensimbi_events::{Amount, Currency};

use super::{ObjectRef, PartyDetails};

#[cfg(doc)]
use super::Facts;

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

/// What a call came to. Each case is one decision; `answers::judge` makes it, and `conformance/outcomes.rs` has the table of
/// every HTTP outcome. The texts name statuses, codes and fields, never what was sent or what they say about a person.
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
    /// What [`ProviderClient::prepare`] named beside it.
    pub handle: Option<String>,
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
    /// What [`ProviderClient::prepare`] named beside it.
    pub handle: Option<String>,
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
    /// The provider's id of it, where it has one before it is carried out.
    pub object: Option<String>,
    /// What later calls and reads of this order need beside our reference (an invoice, an account), in the client's own
    /// form; up to 300 bytes. It is given back with each of them, and carried over to later attempts.
    pub handle: Option<String>,
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
///
/// Each makes one request that does it, and never repeats that; a token may be fetched before, and after a 401 the same
/// request may be sent once more. Order: what the provider would refuse, or take and we must not send, is refused here
/// ([`CallError::Refused`]), with the field and without its value; what is not offered is [`CallError::NotOffered`] before
/// anything leaves us; then the request. Once it has left us, whatever may have happened is [`CallError::Unknown`]: only a
/// readable error of the provider's proves that nothing was queued.
#[async_trait]
pub trait ProviderClient: Send + Sync {
    /// Reads an object: by the provider's id where known, else by our reference. Most answers are one; a history's pages
    /// come in order. `handle`: what [`ProviderClient::prepare`] named for the order that the object belongs to.
    ///
    /// # Errors
    /// See [`CallError`].
    async fn read(&self, object: &ObjectRef, handle: Option<&str>) -> Result<Vec<RawAnswer>, CallError>;
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
    /// Does something with a payment, by the provider's id, or by what [`ProviderClient::prepare`] named for its order
    /// (`handle`). What became of it is read afterwards in any case.
    ///
    /// # Errors
    /// See [`CallError`].
    async fn act(&self, payment: &ObjectRef, handle: Option<&str>, action: Action) -> Result<RawAnswer, CallError> {
        let _ = (payment, handle, action);
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
