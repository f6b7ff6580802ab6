//! The switches for what nobody knows of the real server, and the figures faults need.
//!
//! Every row of section 14 of the provider facts, with what turns it:
//!
//! | row | here |
//! |---|---|
//! | 1 success word | `success_word`, [`Fault::OtherSuccessWord`](super::Fault) |
//! | 2 status right after execute | `first_status`, `cards_at_once`, `card_in_browser` |
//! | 3 source after FAILED | `source_after_failure`, [`Fault::SourceStuck`](super::Fault) |
//! | 4 session lifetime and states | `session_minutes`, [`Fault::SessionExpired`](super::Fault) |
//! | 5 two executions on one source | `executes_unless_active` |
//! | 6, 7 the same reference again | `same_payload`, `other_payload` |
//! | 8 status of an unknown reference | `unknown_reference`, [`Fault::NotFoundSoon`](super::Fault) |
//! | 9 bodies of refusals | `empty_refusals`, `detail`, `newer_errors`, [`Fault::RateLimited`](super::Fault) and `..Bare` |
//! | 10 wrong client credentials | `wrong_client` |
//! | 11 rates | [`Settings`](super::Settings) |
//! | 12 unit of `percentage` | `percentage_as_fraction` |
//! | 13 fee base and rounding | `gross_up`, `fees_round_up` |
//! | 14 FX | [`FxRate`](super::FxRate), [`Fault::FxMoved`](super::Fault) |
//! | 15 `fx_fee` currency, `fx_rate` direction | `fx_fee_currency`, `fx_rate_inverse` |
//! | 16, 17 checkouts | `checkout_bearer`, `checkout_idle` |
//! | 18 payout debit | `payout_debit_at_success`, `short_payout` |
//! | 19 when money is spendable | `spendable_minutes` |
//! | 20 payment-intent id | `intent_in_answer`; always in `/_sim/books` |
//! | 21 refund | `source_refunded`, `refund_returns_fees` |
//! | 22 reversal | [`Fault::ReversedLater`](super::Fault), `/_sim/admin` `reverse` |
//! | 23 realtime row | they push to Supabase, not here: only keys are given |
//! | 24 decimals | [`Settings::currencies`](super::Settings) |
//! | 25 empty publish, item currency | `publish_empty`, `item_in_any_currency` |
//! | 26 cancel body | `cancel_empty` |
//! | 27 duplicate phone | `duplicate_party` |
//! | 28 limits, currencies per method | `methods` |
//! | 29 passcode | `wrong_passcode` |
//! | 30 rate limit | [`Fault::RateLimited`](super::Fault) |
//! | 31 redirect query | `redirect_query` |
//!
//! And of the other sections: `payout_bodies` (7.2, 8.2), `unpublished_is_missing`, `early_receipt` (11),
//! `whole_numbers` (1), `unverified` (13, account gating).

use serde::{Deserialize, Serialize};

/// The four operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Collection,
    Payout,
    Transfer,
    Refund,
}

impl Operation {
    pub(super) const ALL: [Self; 4] = [Self::Collection, Self::Payout, Self::Transfer, Self::Refund];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Collection => "COLLECTION",
            Self::Payout => "PAYOUT",
            Self::Transfer => "TRANSFER",
            Self::Refund => "REFUND",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $(#[$first:meta])* $default:ident, $($(#[$doc:meta])* $other:ident,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[$first])*
            #[default]
            $default,
            $($(#[$doc])* $other,)*
        }
    };
}

words! {
    /// The word of success.
    SuccessWord {
        /// As documented.
        Completed,
        /// As a live client saw it.
        Successful,
    }
}

words! {
    /// The first status of an execution.
    FirstStatus {
        /// As in the sample.
        Processing,
        /// As in the chain; `PROCESSING` comes soon after.
        Pending,
    }
}

words! {
    /// The source after a failed payment.
    SourceAfterFailure {
        /// Payable again.
        Active,
        /// As if nothing had been told.
        Processing,
    }
}

words! {
    /// An execution's reference that was used before, with the same payload.
    SamePayload {
        /// The execution as it stands; nothing moves.
        Replayed,
        /// 422.
        Refused,
    }
}

words! {
    /// The same with another payload.
    OtherPayload {
        /// 422.
        Refused,
        /// The earlier execution as it stands: a wrong status, as the documents warn.
        Replayed,
    }
}

words! {
    /// What nothing was found of.
    UnknownReference {
        /// 404 with a text.
        NotFound,
        /// 422 on the path.
        Unprocessable,
    }
}

words! {
    /// Wrong client credentials.
    WrongClient {
        /// 401.
        Unauthorized,
        /// 403.
        Forbidden,
        /// 422.
        Unprocessable,
    }
}

words! {
    /// What stands in `detail`.
    DetailForm {
        /// A list for 422, else a text.
        Documented,
        /// Always a text.
        Text,
        /// Always a list.
        List,
    }
}

words! {
    /// Which currency the FX fee is in.
    FxFeeIn {
        /// That of the platform's fee.
        Platform,
        /// That of the gateway's fee.
        Gateway,
        /// What the payer paid in.
        Payer,
        /// What the merchant got.
        Payee,
    }
}

words! {
    /// Who bears the fees.
    FeeBearer {
        /// On top.
        Payer,
        /// Out of it.
        Payee,
    }
}

words! {
    /// A payout that the wallet does not cover.
    ShortPayout {
        /// 200 with `FAILED`.
        AtOnce,
        /// It shows when the status is read.
        Later,
        /// 422.
        Refused,
    }
}

words! {
    /// A party whose phone is there already.
    DuplicateParty {
        /// A second one.
        Second,
        /// The first one again.
        Same,
        /// 422.
        Refused,
    }
}

words! {
    /// A wrong passcode.
    WrongPasscode {
        /// 403.
        Forbidden,
        /// 422.
        Unprocessable,
        /// 200 with `FAILED`.
        Failed,
    }
}

words! {
    /// Which bodies the payout calls take.
    PayoutBodies {
        /// As the OpenAPI document has them.
        New,
        /// As the guide of April 2026 has them.
        Old,
        /// Either.
        Both,
    }
}

words! {
    /// The receipt of what is not paid.
    EarlyReceipt {
        /// 404.
        NotFound,
        /// 422.
        Unprocessable,
        /// 200, without what is not known yet.
        Unpaid,
    }
}

/// What nobody knows of the real server, as switches to be tried both ways. The table is at the top of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// The word of success.
    pub success_word: SuccessWord,
    /// The first status.
    pub first_status: FirstStatus,
    /// A card is charged before the answer.
    pub cards_at_once: bool,
    /// A card asks for the browser: `requires_action` and `client_secret`.
    pub card_in_browser: bool,
    /// The source after a failure.
    pub source_after_failure: SourceAfterFailure,
    /// A source in `PROCESSING` takes another execution.
    pub executes_unless_active: bool,
    /// A reference again.
    pub same_payload: SamePayload,
    /// A reference again for something else.
    pub other_payload: OtherPayload,
    /// The status of an unknown reference.
    pub unknown_reference: UnknownReference,
    /// 403, 404 and 429 have no body.
    pub empty_refusals: bool,
    /// The form of `detail`.
    pub detail: DetailForm,
    /// The newer words of validation errors, with `input`.
    pub newer_errors: bool,
    /// Wrong client credentials.
    pub wrong_client: WrongClient,
    /// 2.5 % is written 0.025.
    pub percentage_as_fraction: bool,
    /// Percentages are taken of the amount with the fees in it, where the payer bears them.
    pub gross_up: bool,
    /// Fees are rounded up instead of half up.
    pub fees_round_up: bool,
    /// The FX fee's currency.
    pub fx_fee_currency: FxFeeIn,
    /// `fx_rate` is units of `from` per one `to`.
    pub fx_rate_inverse: bool,
    /// Who bears the fees of a checkout.
    pub checkout_bearer: FeeBearer,
    /// A checkout's source is born `IDLE`.
    pub checkout_idle: bool,
    /// A payout takes its money when it succeeds.
    pub payout_debit_at_success: bool,
    /// A payout that is not covered.
    pub short_payout: ShortPayout,
    /// Executions say `payment_intent_id`.
    pub intent_in_answer: bool,
    /// A source that was refunded whole is `REFUNDED`.
    pub source_refunded: bool,
    /// A whole refund gives the collection's fees back.
    pub refund_returns_fees: bool,
    /// What has no items can be published.
    pub publish_empty: bool,
    /// An item may have any currency.
    pub item_in_any_currency: bool,
    /// A cancel is answered with `{}`.
    pub cancel_empty: bool,
    /// A phone again.
    pub duplicate_party: DuplicateParty,
    /// A wrong passcode.
    pub wrong_passcode: WrongPasscode,
    /// Words are added to the redirect.
    pub redirect_query: bool,
    /// Bodies of payout calls.
    pub payout_bodies: PayoutBodies,
    /// An unpublished source is 404 to sessions and links instead of 422.
    pub unpublished_is_missing: bool,
    /// The receipt before `PAID`.
    pub early_receipt: EarlyReceipt,
    /// `250` instead of `250.0`.
    pub whole_numbers: bool,
    /// The merchant is not verified yet: payouts, transfers, refunds and links are refused with 403.
    pub unverified: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            success_word: SuccessWord::default(),
            first_status: FirstStatus::default(),
            cards_at_once: true,
            card_in_browser: false,
            source_after_failure: SourceAfterFailure::default(),
            executes_unless_active: false,
            same_payload: SamePayload::default(),
            other_payload: OtherPayload::default(),
            unknown_reference: UnknownReference::default(),
            empty_refusals: false,
            detail: DetailForm::default(),
            newer_errors: false,
            wrong_client: WrongClient::default(),
            percentage_as_fraction: false,
            gross_up: false,
            fees_round_up: false,
            fx_fee_currency: FxFeeIn::default(),
            fx_rate_inverse: false,
            checkout_bearer: FeeBearer::default(),
            checkout_idle: false,
            payout_debit_at_success: false,
            short_payout: ShortPayout::default(),
            intent_in_answer: false,
            source_refunded: false,
            refund_returns_fees: false,
            publish_empty: false,
            item_in_any_currency: false,
            cancel_empty: false,
            duplicate_party: DuplicateParty::default(),
            wrong_passcode: WrongPasscode::default(),
            redirect_query: false,
            payout_bodies: PayoutBodies::default(),
            unpublished_is_missing: false,
            early_receipt: EarlyReceipt::default(),
            whole_numbers: false,
            unverified: false,
        }
    }
}

/// Figures that the faults and switches need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// How long a session is good, in simulated minutes.
    pub session_minutes: u32,
    /// After how long collected money can be spent, in simulated minutes.
    pub spendable_minutes: u32,
    /// How long a slow execution takes, in simulated minutes.
    pub slow_minutes: u32,
    /// When a success is reversed or a late receipt is there, in simulated minutes.
    pub later_minutes: u32,
    /// How long an execution is not found after it was accepted, in simulated seconds.
    pub not_found_seconds: u32,
    /// By how much the rate of exchange moves, in basis points.
    pub fx_move: u16,
    /// How long a connection is held before it is cut, in real milliseconds.
    pub hold_ms: u64,
    /// `Retry-After` of a 429, in seconds.
    pub retry_after_seconds: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            session_minutes: 30,
            spendable_minutes: 0,
            slow_minutes: 20,
            later_minutes: 30,
            not_found_seconds: 8,
            fx_move: 120,
            hold_ms: 15_000,
            retry_after_seconds: 2,
        }
    }
}
