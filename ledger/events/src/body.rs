//! The list of all words, with their versions and posting kinds.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::node::{Fields, Node, NodeError};
use crate::words::{book::*, control::*, dispute::*, invoice::*, payment::*, payout::*, wallet::*};

macro_rules! bodies {
    ($($word:ident $version:literal $(posts $kind:literal)?),* $(,)?) => {
        /// An event's word with its own fields.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        #[allow(clippy::large_enum_variant)]
        pub enum Body {
            $(
                #[doc = concat!("See [`", stringify!($word), "`].")]
                $word($word),
            )*
        }

        impl Body {
            /// Every word of the vocabulary.
            pub const WORDS: &'static [&'static str] = &[$(stringify!($word)),*];

            /// The word as recorded.
            pub const fn word(&self) -> &'static str {
                match self { $(Self::$word(_) => stringify!($word)),* }
            }

            /// The version this program writes.
            pub const fn version(&self) -> u32 {
                match self { $(Self::$word(_) => $version),* }
            }

            /// The kind of its posting key, if the word can have lines (`bookkeeping.md` 5, law 8).
            pub const fn posting_kind(&self) -> Option<&'static str> {
                match self { $(Self::$word(_) => bodies!(@kind $($kind)?)),* }
            }

            /// The fields of a word as a JSON schema has them; `None` where there is no such word.
            pub fn shape(word: &str, defs: &mut crate::schema::Defs) -> Option<crate::schema::Shape> {
                match word { $(stringify!($word) => Some($word::shape(defs)),)* _ => None }
            }

            pub(crate) fn put(&self, map: &mut Vec<(Cow<'static, str>, Node)>) {
                match self { $(Self::$word(body) => body.put(map)),* }
            }

            pub(crate) fn take(word: &str, version: u32, fields: &mut Fields) -> Result<Self, NodeError> {
                match (word, version) {
                    $((stringify!($word), $version) => Ok(Self::$word($word::take(fields)?)),)*
                    _ => Err(NodeError::UnknownWord { word: word.to_owned(), version: version.into() }),
                }
            }
        }

        $(impl From<$word> for Body {
            fn from(body: $word) -> Self {
                Self::$word(body)
            }
        })*
    };
    (@kind $kind:literal) => { Some($kind) };
    (@kind) => { None };
}

bodies! {
    BookOpened 1,
    BookConfigured 1,
    CurrencyRegistered 1,
    ConnectionConfigured 1,
    OpeningBalanceDeclared 1 posts "opening",
    CollectionRequested 1,
    CollectionPending 1,
    CollectionAuthorised 1,
    CollectionVoided 1,
    CollectionFailed 1,
    CollectionSucceeded 1 posts "success",
    CollectionReversed 1 posts "reversal",
    RefundRequested 1,
    RefundFailed 1,
    RefundSucceeded 1 posts "refund",
    RefundReversed 1 posts "refund-reversal",
    ChargebackOpened 1 posts "dispute-open",
    ChargebackClosed 1 posts "dispute-close",
    PayoutRequested 1,
    PayoutPending 1,
    PayoutFailed 1,
    PayoutSucceeded 1 posts "success",
    PayoutReversed 1 posts "reversal",
    FeesReported 1 posts "fees",
    FeeCharged 1 posts "fees",
    FeeReturned 1 posts "fees",
    FundsHeld 1 posts "hold",
    FundsReleased 1 posts "release",
    PurseTransferred 1 posts "transfer",
    WalletFunded 1 posts "transfer",
    WithdrawalRequested 1,
    WithdrawalFailed 1,
    WithdrawalSucceeded 1 posts "success",
    WithdrawalReversed 1 posts "reversal",
    WalletMovementReported 1 posts "row",
    InvoiceDrafted 1,
    InvoiceItemAdded 1,
    InvoiceItemChanged 1,
    InvoiceItemRemoved 1,
    InvoicePaymentStarted 1,
    InvoiceExpired 1,
    InvoicePublished 1 posts "publish",
    InvoiceCredited 1 posts "credit",
    InvoiceCancelled 1 posts "cancel",
    InvoicePaid 1 posts "offline",
    PaymentAllocated 1 posts "allocation",
    PaymentDeallocated 1 posts "deallocation",
    BalanceReported 1,
    StatementLineReported 1,
    EvidenceAdded 1,
    PeriodClosed 1,
    PeriodReopened 1,
    DiscrepancyRaised 1,
    DiscrepancyResolved 1 posts "resolution",
    AdjustmentPosted 1 posts "adjustment",
    CorrectionPosted 1 posts "correction",
}
