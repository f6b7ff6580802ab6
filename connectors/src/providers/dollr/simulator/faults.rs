//! The named faults.

use super::switches::{Parameters, Switches};
use crate::simulator::faults::{Figures, fault_kinds};

/// All of it: what `/_sim/faults` shows and takes.
pub type Faults = crate::simulator::faults::Faults<Fault>;

fault_kinds! {
    /// What can go wrong, and what happens without anybody's order. Each has a rate in basis points and is drawn from
    /// the seed by its name.
    pub enum Fault(Parameters, Switches) {
        /// The connection is cut before anything is done.
        CutBefore = "cut_before",
        /// Something is made, then the call is not answered: held and cut, 500, half a body, or HTML, by the seed.
        CreateLost = "create_lost",
        /// An execution is accepted, then the connection is held and cut.
        ExecuteTimeout = "execute_timeout",
        /// An execution is accepted, then the answer is 500 or 502.
        ExecuteError = "execute_error",
        /// An execution is accepted, then half of the answer comes.
        ExecuteHalf = "execute_half",
        /// An execution is accepted, then a page of HTML comes with 200.
        ExecuteHtml = "execute_html",
        /// The token is over before its time: 401; nothing is done.
        TokenExpired = "token_expired",
        /// 429 with `Retry-After`; nothing is done.
        RateLimited = "rate_limited",
        /// 429 without `Retry-After`; nothing is done.
        RateLimitedBare = "rate_limited_bare",
        /// 503; nothing is done.
        ServerError = "server_error",
        /// Half of the answer to a read.
        HalfAnswer = "half_answer",
        /// A page of HTML to a read.
        HtmlAnswer = "html_answer",
        /// A status word that nobody knows, in one answer.
        UnknownStatus = "unknown_status",
        /// Fields that nobody knows.
        ExtraFields = "extra_fields",
        /// An execution is answered with `FAILED` at once.
        FailedAtOnce = "failed_at_once",
        /// An execution stays in `PROCESSING` for long.
        SlowProcessing = "slow_processing",
        /// The status of an execution is 404 for a while after it was accepted.
        NotFoundSoon = "not_found_soon",
        /// The other of the two words of success.
        OtherSuccessWord = "other_success_word",
        /// The rate of exchange moves between prediction and execution.
        FxMoved = "fx_moved",
        /// A session is over before its time.
        SessionExpired = "session_expired",
        /// The source stays in `PROCESSING` after a failure.
        SourceStuck = "source_stuck",
        /// The receipt of what is paid is not there for a while.
        ReceiptLate = "receipt_late",
        /// A payout that would succeed fails.
        PayoutFailed = "payout_failed",
        /// A refund that would succeed fails.
        RefundFailed = "refund_failed",
        /// A success is taken back: `FAILED`, and the money is gone.
        ReversedLater = "reversed_later",
    }
}

impl Figures for Parameters {
    fn hold_ms(&self) -> u64 {
        self.hold_ms
    }

    fn retry_after_seconds(&self) -> u32 {
        self.retry_after_seconds
    }
}
