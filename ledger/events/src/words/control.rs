//! What people and the ledger itself add: evidence, discrepancies, adjustments, corrections.

use crate::codes::DiscrepancyKind;
use crate::event::Lines;
use crate::leaf::Hash;
use crate::word::{EvidenceClass, Verdict, record};
use crate::{Amount, Currency, EventId, SubjectId};

record! {
    /// Stronger evidence for a known fact, once per event and class.
    EvidenceAdded {
        /// The event it supports.
        event_id: EventId,
        /// The class it adds.
        class: EvidenceClass,
    } maybe {} many {}
}

record! {
    /// A contradiction that a person must see.
    DiscrepancyRaised {
        /// What kind.
        kind: DiscrepancyKind,
    } maybe {
        /// The event it is about.
        about: EventId,
        /// The amount in question.
        stake: Amount,
        /// Its currency.
        stake_currency: Currency,
        /// The fact that was not recorded, by its hash, where the first one stands.
        other_fact: Hash,
        /// What differs, in words without parties.
        detail: String,
    } many {}
}

record! {
    /// A person decided.
    DiscrepancyResolved {
        /// The discrepancy's event.
        discrepancy: EventId,
        /// What was decided.
        verdict: Verdict,
        /// Who: an id, never a name.
        actor_id: String,
        /// Why.
        reason: String,
    } maybe {
        /// Where a suspense balance goes.
        target: String,
    } many {}
}

record! {
    /// A person's own balanced lines.
    AdjustmentPosted {
        /// Who: an id, never a name.
        actor_id: String,
        /// Why.
        reason: String,
        /// The lines as written.
        lines: Lines,
    } maybe {
        /// Who approved, where a second person must.
        approver_id: String,
        /// The entry it reverses.
        reversal_of: EventId,
    } many {}
}

record! {
    /// Today's translator reads a recorded thing differently.
    CorrectionPosted {
        /// The event that is corrected.
        corrected: EventId,
        /// The translator that reads it so.
        translator: String,
        /// The corrected fact, by its hash.
        fact_hash: Hash,
        /// New lines less old lines, one line an account.
        lines: Lines,
    } maybe {
        /// The payment concerned.
        payment_id: SubjectId,
    } many {}
}
