//! Collections: money from a payer into a wallet, its reversal, its refunds, and fees reported later.

use crate::word::{Bearer, Fee, FeesMode, FigureSource, record};
use crate::{Amount, Money, SubjectId, Time};

macro_rules! states {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {$(
        record! {
            $(#[$meta])*
            $name {
                /// What the payer is to pay, in the wallet's currency.
                amount: Amount,
            } maybe {
                /// Who bears the fees.
                fee_bearer: Bearer,
                /// The invoice it is meant for.
                invoice_id: SubjectId,
            } many {}
        }
    )*};
}

states! {
    /// We asked the provider for money.
    CollectionRequested,
    /// The provider works on it.
    CollectionPending,
    /// A card authorisation holds it; not ours yet.
    CollectionAuthorised,
    /// The authorisation was let go.
    CollectionVoided,
}

record! {
    /// The provider says it came to nothing.
    CollectionFailed {
        /// What was asked.
        amount: Amount,
        /// Whether the provider can still change its mind (`error`, `expired` at Paytota are not final).
        is_final: bool,
        /// The provider's words, kept as text.
        reason: String,
    } maybe {
        /// Who would have borne the fees.
        fee_bearer: Bearer,
        /// The invoice it was meant for.
        invoice_id: SubjectId,
    } many {}
}

record! {
    /// Money arrived. gross = net + held + merchant fees, in the wallet's currency.
    CollectionSucceeded {
        /// What counts towards our claim.
        gross: Amount,
        /// What is spendable in the wallet.
        net: Amount,
        /// Whether the provider stated net or it follows.
        net_source: FigureSource,
    } maybe {
        /// Withheld by the provider (rolling reserve).
        held: Amount,
        /// When the provider means to let go of it.
        held_until: Time,
        /// What the payer parted with.
        payer: Money,
        /// The provider's rate, as text.
        rate: String,
        /// The invoice it pays.
        invoice_id: SubjectId,
        /// Operator or rail, in the provider's word.
        channel: String,
    } many {
        /// All fees, of every bearer.
        fees: Fee,
    }
}

record! {
    /// A success was taken back. amount = from_wallet + from_held + returned.
    CollectionReversed {
        /// How much of gross.
        amount: Amount,
        /// What left the spendable balance.
        from_wallet: Amount,
    } maybe {
        /// What left the reserve.
        from_held: Amount,
    } many {
        /// Fees given back.
        returned: Fee,
        /// Fees charged for the reversal.
        fees: Fee,
    }
}

record! {
    /// The real fees of a payment, known later.
    FeesReported {
        /// The payment.
        payment_id: SubjectId,
        /// Whether they replace or add.
        mode: FeesMode,
    } maybe {} many {
        /// The whole list.
        fees: Fee,
    }
}

record! {
    /// We asked for a refund; the reserve stands until it ends.
    RefundRequested {
        /// The payment it returns.
        payment_id: SubjectId,
        /// Which attempt of the intent.
        attempt: u32,
        /// What the payer is to get back.
        amount: Amount,
        /// Amount plus the highest plausible fee.
        reserve: Amount,
    } maybe {} many {}
}

record! {
    /// A refund came to nothing; its reserve ends if final.
    RefundFailed {
        /// Which attempt.
        attempt: u32,
        /// What was asked.
        amount: Amount,
        /// Whether the provider can still change its mind.
        is_final: bool,
        /// The provider's words.
        reason: String,
    } maybe {} many {}
}

record! {
    /// A refund left the wallet.
    RefundSucceeded {
        /// The payment it returns.
        payment_id: SubjectId,
        /// What the payer got.
        amount: Amount,
        /// What the wallet lost: amount + merchant fees - returned fees.
        wallet_debit: Amount,
    } maybe {
        /// Which attempt, where we asked.
        attempt: u32,
    } many {
        /// Fees of the refund.
        fees: Fee,
        /// Fees of the payment given back.
        returned: Fee,
    }
}

record! {
    /// A refund bounced back.
    RefundReversed {
        /// The payment it was for.
        payment_id: SubjectId,
        /// How much of it.
        amount: Amount,
        /// What came back to the wallet.
        wallet_credit: Amount,
    } maybe {} many {
        /// Fees given back.
        returned: Fee,
    }
}
