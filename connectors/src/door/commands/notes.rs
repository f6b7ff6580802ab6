//! What we tell the ledger about an attempt ourselves: that it is asked for, and that it came to nothing.

use ensimbi_events::event::Proof;
use ensimbi_events::ids;
use ensimbi_events::word::OccurredSource;
use ensimbi_events::words::payment::{CollectionFailed, CollectionRequested, RefundFailed, RefundRequested};
use ensimbi_events::words::payout::{PayoutFailed, PayoutRequested, WithdrawalFailed, WithdrawalRequested};
use ensimbi_events::{Body, Claim, ClaimId, Fact, PartyId, SubjectId, Time};
use uuid::Uuid;

use crate::door::store::intents::{Intent, IntentKind};
use crate::door::store::outbox::NewNote;
use crate::door::store::{Tx, outbox};
use crate::door::{Door, DoorError, TRANSLATOR, place};

/// The object kind of facts that are about our own request.
pub(crate) const INTENT: &str = "intent";

/// What is told.
#[derive(Clone, Copy)]
pub(crate) enum Note<'a> {
    /// We are about to ask the provider.
    Requested,
    /// The provider refused with a readable answer, or surely never got it: nothing was queued.
    Refused(&'a str),
}

/// The claim that asks for attempt `n`.
pub(crate) fn requested_id(intent: SubjectId, n: u32) -> ClaimId {
    claim_id(intent, n, Note::Requested)
}

/// The claim of a note; the same whoever writes it.
pub(crate) fn claim_id(intent: SubjectId, n: u32, note: Note<'_>) -> ClaimId {
    let index = n.saturating_mul(2).saturating_add(u32::from(matches!(note, Note::Refused(_))));
    ids::claim_id(intent.0, index, TRANSLATOR)
}

fn body(intent: &Intent, attempt: u32, note: Note<'_>) -> Result<Body, DoorError> {
    let Intent { amount, invoice_id, .. } = *intent;
    let fee_bearer = Some(intent.fee_bearer);
    let reserve = || intent.reserve.ok_or_else(|| DoorError::Damaged("money out without a reserve".into()));
    Ok(match (intent.kind, note) {
        (IntentKind::Collection, Note::Requested) => CollectionRequested { amount, fee_bearer, invoice_id }.into(),
        (IntentKind::Payout, Note::Requested) => PayoutRequested { attempt, amount, reserve: reserve()? }.into(),
        (IntentKind::Withdrawal, Note::Requested) => {
            WithdrawalRequested { attempt, amount, reserve: reserve()? }.into()
        }
        (IntentKind::Refund, Note::Requested) => {
            let payment_id = intent.payment.ok_or_else(|| DoorError::Damaged("a refund of nothing".into()))?;
            RefundRequested { payment_id, attempt, amount, reserve: reserve()? }.into()
        }
        (kind, Note::Refused(reason)) => {
            let (is_final, reason) = (true, reason.to_owned());
            match kind {
                IntentKind::Collection => CollectionFailed { amount, is_final, reason, fee_bearer, invoice_id }.into(),
                IntentKind::Payout => PayoutFailed { attempt, amount, is_final, reason }.into(),
                IntentKind::Withdrawal => WithdrawalFailed { attempt, amount, is_final, reason }.into(),
                IntentKind::Refund => RefundFailed { attempt, amount, is_final, reason }.into(),
            }
        }
    })
}

/// Who and what stands behind a fact of ours.
#[derive(Clone, Default)]
pub(super) struct Behind {
    /// The other side, through the vault.
    pub(super) party: Option<PartyId>,
    /// Bytes that bear it out.
    pub(super) evidence: Option<Proof>,
}

impl Door {
    /// Writes a note about an attempt into the outbox.
    pub(crate) async fn note(&self, tx: &mut Tx, intent: &Intent, n: u32, note: Note<'_>) -> Result<(), DoorError> {
        let note = self.note_of(intent, n, note)?;
        outbox::insert(tx, self.book, &[note], self.clock.now()).await
    }

    /// A note about an attempt.
    pub(super) fn note_of(&self, intent: &Intent, n: u32, note: Note<'_>) -> Result<NewNote, DoorError> {
        let body = body(intent, n, note)?;
        let now = self.clock.now();
        let fact = Fact {
            subject: intent.id,
            subject_kind: intent.kind.subject_kind(),
            connection: Some(intent.connection),
            wallet: Some(intent.wallet),
            object_kind: Some(INTENT.to_owned()),
            object_id: Some(intent.id.to_string()),
            occurrence: n.to_string(),
            currency: Some(intent.currency),
            version: body.version(),
            body,
        };
        self.own_note(
            intent.id.0,
            claim_id(intent.id, n, note),
            fact,
            now,
            Behind { party: intent.party, evidence: None },
        )
    }

    /// What we state ourselves; bytes stand behind it only where a person named some.
    pub(super) fn own_note(
        &self,
        source: Uuid,
        id: ClaimId,
        fact: Fact,
        occurred_at: Time,
        Behind { party, evidence }: Behind,
    ) -> Result<NewNote, DoorError> {
        let claim = Claim {
            id,
            book: self.book,
            fact,
            occurred_at,
            occurred_source: OccurredSource::Ledger,
            translator: TRANSLATOR.to_owned(),
            evidence,
            party,
            doubt: None,
            operator_transaction: None,
            confirms: false,
        };
        place::note(source, claim).map_err(DoorError::Damaged)
    }
}
