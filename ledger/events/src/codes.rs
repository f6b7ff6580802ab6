//! Stable words for machines: refusals, discrepancy kinds, problem codes. Grow the lists; never rename a word.

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant),* }

        impl $name {
            /// Every word of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word as written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The word of this text.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl $crate::node::Field for $name {
            fn to_node(&self) -> Option<$crate::node::Node> {
                Some($crate::node::Node::Text(self.as_str().to_owned()))
            }
            fn from_node(
                node: Option<$crate::node::Node>,
                field: &'static str,
            ) -> Result<Self, $crate::node::NodeError> {
                let text = String::from_node(node, field)?;
                let wrong = $crate::node::NodeError::Type { field: field.into(), expected: "a word of its list" };
                Self::from_text(&text).ok_or(wrong)
            }
        }

        impl $crate::schema::Schema for $name {
            fn schema(defs: &mut $crate::schema::Defs) -> serde_json::Value {
                defs.define(stringify!($name), |_| $crate::schema::words(Self::ALL.iter().map(|word| word.as_str())))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Why the ledger did not record a claim.
    Refusal {
        /// A non-final state of an object whose end is already recorded.
        StaleState = "stale_state",
        /// The claim came as a hint only; hints never post.
        HintOnly = "hint_only",
        /// A push that only confirms what our own read states, before that read.
        ReadFirst = "read_first",
        /// The book does not exist.
        UnknownBook = "unknown_book",
        /// The connection or wallet was never configured in this book.
        UnknownConnection = "unknown_connection",
        /// Money of a sandbox in a live book, or the reverse.
        WrongMode = "wrong_mode",
        /// Nothing to do: the subject, invoice or allocation named is not known.
        UnknownSubject = "unknown_subject",
        /// The amounts overflow the ledger, or lines do not balance.
        BadAmounts = "bad_amounts",
        /// More would be moved than is open, available or outstanding.
        LimitExceeded = "limit_exceeded",
        /// Not possible in the subject's present state.
        WrongState = "wrong_state",
        /// A configuration that would change what never changes (account code, currency, time zone of lines).
        ConfigurationConflict = "configuration_conflict",
        /// The leaf would be larger than its limit.
        TooLarge = "too_large",
        /// A field is not in the form that its leaf needs (version, object kind without id).
        Malformed = "malformed",
        /// The message's authentication failed or it could not be read.
        NotAuthentic = "not_authentic",
        /// The lines that a person wrote are not zero in each currency.
        Unbalanced = "unbalanced",
        /// Lines on memo accounts that are not zero among themselves.
        MemoAlone = "memo_alone",
        /// The date that was named lies in a closed period.
        PeriodClosed = "period_closed",
        /// A second person must approve, and has not.
        ApprovalNeeded = "approval_needed",
        /// The entry has its one reversal already.
        AlreadyReversed = "already_reversed",
        /// The book's trial balance is another than the one that was closed with.
        TrialBalanceDiffers = "trial_balance_differs",
    }
}

words! {
    /// What a person must look at.
    DiscrepancyKind {
        /// A read gives another amount than we asked.
        AmountDiffers = "amount_differs",
        /// A read gives another currency than we asked or the wallet has.
        CurrencyDiffers = "currency_differs",
        /// The object belongs to another wallet or party than asked.
        PartyDiffers = "party_differs",
        /// gross, net, held and fees do not add up.
        SumsDiffer = "sums_differ",
        /// A fee that is negative, or above its payment.
        FeeImplausible = "fee_implausible",
        /// An amount that is zero or negative where it must not be.
        AmountImplausible = "amount_implausible",
        /// Same key, other content: the first stands.
        FactDiffers = "fact_differs",
        /// A second provider object settled one intent.
        SecondObject = "second_object",
        /// One operator transaction under two references.
        OperatorTransactionTwice = "operator_transaction_twice",
        /// A final state contradicts an earlier final state.
        FinalContradicted = "final_contradicted",
        /// Success after a recorded failure: posted, and to be looked at.
        LateSuccess = "late_success",
        /// A reversal, refund or dispute whose original is not in the book.
        UnknownOriginal = "unknown_original",
        /// More was refunded, reversed and disputed than came in.
        BeyondOriginal = "beyond_original",
        /// A rollback without rows that say what the wallet lost.
        RollbackWithoutRows = "rollback_without_rows",
        /// A provider value that does not fit the ledger's scale or range.
        ValueDoesNotFit = "value_does_not_fit",
        /// A fee was taken on a failed payment.
        FeeOnFailed = "fee_on_failed",
        /// The wallet moved and nothing explains it.
        UnexplainedMovement = "unexplained_movement",
        /// A provider balance differs from the book.
        BalanceDiffers = "balance_differs",
        /// The provider's own rows do not chain.
        RowsDoNotChain = "rows_do_not_chain",
        /// Test money met a live book, or live money a test book.
        ModeDiffers = "mode_differs",
        /// The amounts of a recorded payment again, with other fees: the first stand.
        FeeChanged = "fee_changed",
        /// The fees of a payment are beyond the band that the book's policies name.
        FeeRateOutOfBand = "fee_rate_out_of_band",
    }
}

words! {
    /// Problem codes of the HTTP API: `urn:ensimbi:problem:<code>`.
    Problem {
        /// No key, or one that opens nothing.
        Unauthorized = "unauthorized",
        /// No such thing in this book.
        NotFound = "not_found",
        /// A parameter or header that is known, and whose value is not valid.
        InvalidParameter = "invalid_parameter",
        /// A parameter, word, zone, currency or account that is not known; `allowed` has those that are.
        UnknownValue = "unknown_value",
        /// A range that ends before it begins.
        InvalidRange = "invalid_range",
        /// A cursor of another query.
        WrongCursor = "wrong_cursor",
        /// A body that is not valid.
        InvalidBody = "invalid_body",
        /// A body over the limit.
        TooLarge = "too_large",
        /// A method the route does not have.
        MethodNotAllowed = "method_not_allowed",
        /// A key that is for something else: a connector's key opens its connection's observations and nothing more.
        Forbidden = "forbidden",
        /// The connection is not known.
        UnknownConnection = "unknown_connection",
        /// The callback's authentication failed.
        NotAuthentic = "not_authentic",
        /// This endpoint takes no callbacks.
        NoPush = "no_push",
        /// A store or bus does not answer; try again.
        Unavailable = "unavailable",
        /// The request took too long.
        Timeout = "timeout",
        /// Something broke here; it is logged.
        Internal = "internal",
        /// The same idempotency key with another body.
        IdempotencyConflict = "idempotency_conflict",
        /// The projection asked has stopped.
        ProjectionStopped = "projection_stopped",
        /// An amount that is zero, negative, too fine, too large, or outside the provider's limits.
        InvalidAmount = "invalid_amount",
        /// A currency that is not known, or not the wallet's or invoice's.
        WrongCurrency = "wrong_currency",
        /// A phone that is no phone.
        InvalidPhone = "invalid_phone",
        /// A bank account number or name that the bank cannot have.
        InvalidAccount = "invalid_account",
        /// The connection has no such wallet.
        UnknownWallet = "unknown_wallet",
        /// The connection's provider has no such bank.
        UnknownBank = "unknown_bank",
        /// The connection's provider does not offer it.
        NotOffered = "not_offered",
        /// More than the wallet has available.
        InsufficientAvailable = "insufficient_available",
        /// More than is open, outstanding or left.
        LimitExceeded = "limit_exceeded",
        /// Not possible in the present state.
        WrongState = "wrong_state",
        /// Lines that are not zero in each currency.
        Unbalanced = "unbalanced",
        /// Lines on memo accounts that are not zero among themselves.
        MemoAlone = "memo_alone",
        /// The date lies in a closed period.
        PeriodClosed = "period_closed",
        /// A second person must approve: with another key than the one that asked.
        ApprovalNeeded = "approval_needed",
        /// The entry has its one reversal already.
        AlreadyReversed = "already_reversed",
        /// The request needs an `Idempotency-Key`.
        IdempotencyKeyMissing = "idempotency_key_missing",
        /// The ledger refused it for another reason; `refusal` says which.
        Refused = "refused",
    }
}
