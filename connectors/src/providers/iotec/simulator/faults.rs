//! The named faults.

use super::switches::{Parameters, Switches};
use crate::simulator::faults::{Figures, fault_kinds};
use crate::simulator::{Result, SimulatorError};

/// All of it: what `/_sim/faults` shows and takes.
pub type Faults = crate::simulator::faults::Faults<Fault>;

fault_kinds! {
    /// What can go wrong. Each has a rate in basis points and is drawn from the seed.
    pub enum Fault(Parameters, Switches) {
        /// A callback comes long after its time.
        CallbackLate = "callback_late",
        /// A callback is never sent.
        CallbackLost = "callback_lost",
        /// A callback is sent a second time.
        CallbackDoubled = "callback_doubled",
        /// A callback is overtaken by a later one.
        CallbackReordered = "callback_reordered",
        /// Beside the genuine callback comes one with a wrong header, or about an unknown id.
        CallbackForged = "callback_forged",
        /// The collection moves on and its callback arrives before the create call is answered.
        CallbackBeforeAnswer = "callback_before_answer",
        /// The record is made, then the connection is held and cut without an answer.
        TimeoutAfterAcceptance = "timeout_after_acceptance",
        /// The record is made, then the answer is 500 or 502.
        ErrorAfterAcceptance = "error_after_acceptance",
        /// Half of the answer: cut off, or short and complete on the wire.
        HalfAnswer = "half_answer",
        /// 200 with a page of HTML.
        HtmlAnswer = "html_answer",
        /// The token is dropped although its time is not over; the call answers 401.
        UnauthorizedMidRun = "unauthorized_mid_run",
        /// 429 with `Retry-After`; nothing is done.
        RateLimited = "rate_limited",
        /// 503 before anything is done.
        ServerError = "server_error",
        /// A collection's success is taken back later.
        RolledBackLater = "rolled_back_later",
        /// A failure turns into a success later.
        SuccessAfterFailed = "success_after_failed",
        /// A status word that nobody knows, for one answer.
        UnknownStatus = "unknown_status",
        /// Fields that nobody knows.
        ExtraFields = "extra_fields",
        /// The first look-ups after the creation answer 404.
        NotFoundRightAfter = "not_found_right_after",
        /// The connection is cut before anything is done.
        CutBeforeAcceptance = "cut_before_acceptance",
        /// A payout that would fail ends in `RolledBack`, straight from `SentToVendor`.
        PayoutRolledBack = "payout_rolled_back",
        /// A payout's success is taken back later.
        PayoutRolledBackLater = "payout_rolled_back_later",
        /// A failed payout gives the amount back and keeps the fee.
        PayoutFeeKept = "payout_fee_kept",
        /// A payout that would succeed fails.
        PayoutFailed = "payout_failed",
        /// Nine tenths of what was asked are collected or paid out, in the answers and in the wallet.
        WrongAmount = "wrong_amount",
        /// The answers' total fee is one unit above the sum of its parts; the wallet has the true one.
        WrongFee = "wrong_fee",
    }
}

impl Figures for Parameters {
    fn hold_ms(&self) -> u64 {
        self.hold_ms
    }

    fn retry_after_seconds(&self) -> u32 {
        self.retry_after_seconds
    }

    fn longest_wait_ms(&self) -> u64 {
        self.hold_ms.max(self.callback_before_answer_ms)
    }

    fn check(&self) -> Result<()> {
        if self.history_page_max == 0 {
            return Err(SimulatorError::Settings("faults: history_page_max is at least 1".to_owned()));
        }
        Ok(())
    }
}
