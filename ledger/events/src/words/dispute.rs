//! Chargebacks.

use crate::word::{Fee, record};
use crate::{Amount, SubjectId};

record! {
    /// A payer's bank disputes a payment.
    ChargebackOpened {
        /// The payment.
        payment_id: SubjectId,
        /// What is disputed.
        amount: Amount,
        /// What was taken already; zero is only an inquiry.
        debited: Amount,
    } maybe {} many {
        /// Fees of the dispute.
        fees: Fee,
    }
}

record! {
    /// The dispute is over; its account is zero afterwards.
    ChargebackClosed {
        /// The payment.
        payment_id: SubjectId,
        /// What comes back to us.
        won: Amount,
        /// What is gone.
        lost: Amount,
        /// What was taken only now.
        debited_now: Amount,
    } maybe {} many {
        /// Further fees.
        fees: Fee,
        /// Fees given back.
        returned: Fee,
    }
}
