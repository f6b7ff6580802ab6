//! What a connection from outside may tell: groups of event words, each with the kind of subject that it is about. A word
//! that stands nowhere here is no connector's to say.

use ensimbi_events::SubjectKind;

/// A group of events, by the word that a connection's `tells` names.
#[derive(Debug)]
pub struct Tell {
    /// As the option names it.
    pub word: &'static str,
    /// The kind of subject.
    pub about: &'static [SubjectKind],
    /// The events.
    pub events: &'static [&'static str],
}

/// All groups.
pub const TELLS: &[Tell] = &[
    Tell {
        word: "collections",
        about: &[SubjectKind::Payment],
        events: &[
            "CollectionPending",
            "CollectionAuthorised",
            "CollectionVoided",
            "CollectionFailed",
            "CollectionSucceeded",
            "CollectionReversed",
        ],
    },
    Tell {
        word: "refunds",
        about: &[SubjectKind::Refund],
        events: &["RefundFailed", "RefundSucceeded", "RefundReversed"],
    },
    Tell { word: "disputes", about: &[SubjectKind::Dispute], events: &["ChargebackOpened", "ChargebackClosed"] },
    Tell {
        word: "payouts",
        about: &[SubjectKind::Payout],
        events: &["PayoutPending", "PayoutFailed", "PayoutSucceeded", "PayoutReversed"],
    },
    Tell {
        word: "withdrawals",
        about: &[SubjectKind::Transfer],
        events: &["WithdrawalFailed", "WithdrawalSucceeded", "WithdrawalReversed"],
    },
    Tell { word: "transfers", about: &[SubjectKind::Transfer], events: &["WalletFunded", "PurseTransferred"] },
    Tell {
        word: "fees",
        about: &[SubjectKind::Payment, SubjectKind::Payout, SubjectKind::Transfer, SubjectKind::Wallet],
        events: &["FeesReported", "FeeCharged", "FeeReturned"],
    },
    Tell { word: "holds", about: &[SubjectKind::Wallet], events: &["FundsHeld", "FundsReleased"] },
    Tell { word: "balances", about: &[SubjectKind::Wallet], events: &["BalanceReported"] },
    Tell {
        word: "rows",
        about: &[SubjectKind::Payment, SubjectKind::Payout, SubjectKind::Transfer],
        events: &["WalletMovementReported", "StatementLineReported"],
    },
];

/// A group by its word.
pub fn find(word: &str) -> Option<&'static Tell> {
    TELLS.iter().find(|tell| tell.word == word)
}

/// The group of an event.
pub fn of_event(event: &str) -> Option<&'static Tell> {
    TELLS.iter().find(|tell| tell.events.contains(&event))
}

/// Every event that may be told.
pub fn events() -> impl Iterator<Item = &'static str> {
    TELLS.iter().flat_map(|tell| tell.events.iter().copied())
}
