//! The named faults.

use super::switches::{Parameters, Switches};
use crate::simulator::faults::{Figures, fault_kinds};

/// All of it: what `/_sim/faults` shows and takes.
pub type Faults = crate::simulator::faults::Faults<Fault>;

fault_kinds! {
    /// What can go wrong, and what happens without anybody's order. Each has a rate in basis points and is drawn from
    /// the seed by its name.
    pub enum Fault(Parameters, Switches) {
        /// An object is made, then the create call is not answered: held and cut, 500, half a body, or HTML, by the seed.
        CreateLost = "create_lost",
        /// An execution is accepted, then the connection is held and cut.
        ExecuteTimeout = "execute_timeout",
        /// An execution is accepted, then the answer is 500 or 502.
        ExecuteError = "execute_error",
        /// An execution is accepted, then half of the answer comes.
        ExecuteHalf = "execute_half",
        /// An execution is accepted, then a page of HTML comes with 200.
        ExecuteHtml = "execute_html",
        /// Nothing is executed: 200 with `status` `error`.
        ExecuteRefused = "execute_refused",
        /// A payout is refused for lack of money although there is enough.
        InsufficientFunds = "insufficient_funds",
        /// 401 although the key is good; nothing is done.
        UnauthorizedMidRun = "unauthorized_mid_run",
        /// 429 with `Retry-After`; nothing is done.
        RateLimited = "rate_limited",
        /// 503; nothing is done.
        ServerError = "server_error",
        /// Half of the answer to a read.
        HalfAnswer = "half_answer",
        /// A status word that nobody knows: in one answer, or in a webhook beside the genuine one.
        UnknownStatus = "unknown_status",
        /// Fields that nobody knows.
        ExtraFields = "extra_fields",
        /// `payment.refunded` arrives before the refund is answered.
        RefundEventFirst = "refund_event_first",
        /// A failed purchase turns out to be paid.
        PaidAfterError = "paid_after_error",
        /// An expired purchase turns out to be paid.
        PaidAfterExpired = "paid_after_expired",
        /// A payout that would succeed fails.
        PayoutFailed = "payout_failed",
        /// A refund fails.
        RefundFailed = "refund_failed",
        /// A capture fails.
        CaptureFailed = "capture_failed",
        /// A release fails.
        ReleaseFailed = "release_failed",
        /// The sandbox's operator pays, and nothing flags the object as a test.
        SandboxOperator = "sandbox_operator",
        /// The bank of a payer by card asks for the papers.
        Retrieved = "retrieved",
        /// The bank of a payer by card takes the money back.
        ChargedBack = "charged_back",
        /// It gives it back after a chargeback.
        ChargebackReversed = "chargeback_reversed",
        /// A payout's success is undone by an incoming custom payment.
        PayoutUndone = "payout_undone",
        /// Some time after a collection, collected money is moved into the payouts purse.
        PurseTransfer = "purse_transfer",
        /// A webhook is never sent.
        WebhookLost = "webhook_lost",
        /// A webhook is sent a second time.
        WebhookDoubled = "webhook_doubled",
        /// A webhook comes long after its time.
        WebhookLate = "webhook_late",
        /// The webhook before it is sent once more, long after.
        WebhookStale = "webhook_stale",
        /// Later webhooks of the object overtake one.
        WebhookReordered = "webhook_reordered",
        /// Beside the genuine webhook comes one that tells of success and is signed by another key.
        WebhookForged = "webhook_forged",
        /// Beside the genuine webhook comes one whose signature is cut off.
        SignatureTruncated = "signature_truncated",
        /// Beside the genuine webhook comes another company's, well signed.
        ForeignEvent = "foreign_event",
        /// Beside the genuine webhook comes one with an event name that nobody knows.
        UnknownEvent = "unknown_event",
        /// A statement stays in `pending`.
        StatementStuck = "statement_stuck",
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
        self.hold_ms.max(self.event_first_ms)
    }
}
