//! The rules of each word: who may say it when, and what stands in its way.

use ensimbi_events::codes::{DiscrepancyKind, Refusal};
use ensimbi_events::event::Lines;
use ensimbi_events::word::Verdict;
use ensimbi_events::words::payout::{PayoutFailed, WithdrawalFailed};
use ensimbi_events::{Amount, Body, Claim, Fact, NoLines, SubjectId, WalletId};

use super::state::{Phase, SubjectState};
use super::{Decider, Refused, checks};
use crate::posting::{PostingError, accounts};

/// Discrepancies of one subject that may wait for a person, before more of what only waits is refused.
///
/// What posts is never refused for it, nor left without its discrepancy: the wallet moved, and the book must follow. What
/// is withheld or contradicts a recorded event changes no balance, so nothing is lost: its bytes are sealed in the door's
/// inbox, the refusal stands in the outbox, and once a person has decided some, it can be told again.
pub(super) const DOUBTS_MAX: usize = 64;

impl Decider {
    pub(super) fn by_word(&mut self, claim: &Claim) -> Result<(), Refused> {
        let opened = self.known().config.mode.is_some();
        match &claim.fact.body {
            Body::BookOpened(_) if opened => return Err(wrong_state("the book is open already")),
            Body::BookOpened(_) => {}
            _ if !opened => return Err(Refused::new(Refusal::UnknownBook, "the book is not open")),
            _ => self.check_place(claim)?,
        }
        if is_money(&claim.fact.body) {
            let posted = self.money(claim)?;
            return self.follow(claim, posted);
        }
        match &claim.fact.body {
            Body::BookOpened(_)
            | Body::BookConfigured(_)
            | Body::CurrencyRegistered(_)
            | Body::ConnectionConfigured(_) => {
                super::settings::check(&claim.fact, &self.known().config)?;
                self.plain(claim)
            }
            Body::PeriodClosed(_) | Body::PeriodReopened(_) => self.period(claim),
            Body::PayoutRequested(body) => self.reserved(claim, body.reserve),
            Body::WithdrawalRequested(body) => self.reserved(claim, body.reserve),
            Body::RefundRequested(body) => {
                self.refundable(body.payment_id, body.amount)?;
                self.reserved(claim, body.reserve)
            }
            Body::CollectionPending(_) | Body::CollectionAuthorised(_) | Body::PayoutPending(_) => {
                if self.phase(claim) >= Phase::Failed {
                    return Err(Refused::new(Refusal::StaleState, "the subject's end is recorded already"));
                }
                self.plain(claim)
            }
            Body::CollectionFailed(body) => self.failed(claim, body.is_final),
            Body::CollectionVoided(_) => self.failed(claim, true),
            Body::PayoutFailed(body) => self.failed(claim, body.is_final),
            Body::WithdrawalFailed(body) => self.failed(claim, body.is_final),
            Body::RefundFailed(body) => self.failed(claim, body.is_final),
            Body::OpeningBalanceDeclared(_) => {
                let wallet = claim.fact.wallet.map(|wallet| SubjectId(wallet.0));
                if wallet != Some(claim.fact.subject) {
                    return Err(wrong_state("an opening's subject is its wallet"));
                }
                if self.state(claim.fact.subject).is_some_and(|state| state.opened_as_of.is_some()) {
                    return Err(wrong_state("the wallet is opened already"));
                }
                self.plain(claim)
            }
            Body::InvoiceDrafted(_)
            | Body::InvoiceItemAdded(_)
            | Body::InvoiceItemChanged(_)
            | Body::InvoiceItemRemoved(_)
            | Body::InvoicePaymentStarted(_)
            | Body::InvoicePublished(_)
            | Body::InvoiceExpired(_)
            | Body::InvoiceCredited(_)
            | Body::InvoiceCancelled(_)
            | Body::InvoicePaid(_) => self.invoice(claim),
            Body::BalanceReported(body) => self.balance(claim, body),
            Body::StatementLineReported(body) => self.statement_line(claim, body.amount),
            Body::PaymentAllocated(body) => {
                self.allocatable(claim, body)?;
                self.plain(claim)
            }
            Body::PaymentDeallocated(body) => {
                self.deallocatable(claim, body)?;
                self.plain(claim)
            }
            Body::DiscrepancyResolved(body) => self.resolve(claim, body),
            Body::AdjustmentPosted(body) => self.adjustment(claim, body),
            Body::CorrectionPosted(body) => {
                if claim.evidence.is_none() {
                    return Err(wrong_state("evidence: a correction names the bytes that read differently"));
                }
                self.correctable(&body.lines.0)?;
                self.plain(claim)
            }
            Body::EvidenceAdded(_) | Body::DiscrepancyRaised(_) => {
                Err(wrong_state("only the ledger itself records this word"))
            }
            _ => self.plain(claim),
        }
    }

    /// What the ledger makes of a money word by itself, in the same commit.
    pub(super) fn follow(&mut self, claim: &Claim, posted: bool) -> Result<(), Refused> {
        match &claim.fact.body {
            Body::CollectionSucceeded(_) => {
                self.after_success(claim, posted)?;
                self.release_reversals(claim)?;
                self.release_waiting(claim)
            }
            Body::PayoutSucceeded(_) | Body::WithdrawalSucceeded(_) | Body::WalletFunded(_) => {
                self.after_outflow(claim, posted)?;
                self.release_reversals(claim)
            }
            Body::CollectionReversed(_) | Body::PayoutReversed(_) | Body::WithdrawalReversed(_) => {
                self.after_reversal(claim, claim.fact.subject, posted, None)
            }
            Body::RefundSucceeded(body) => {
                self.after_taking(claim, body.payment_id, posted, "allocate.refund", accounts::REFUNDS)?;
                self.release_reversals(claim)
            }
            Body::ChargebackOpened(_) => self.release_reversals(claim),
            Body::RefundReversed(body) => {
                let own = Some(("allocate.refund", accounts::REFUNDS));
                self.after_reversal(claim, body.payment_id, posted, own)
            }
            Body::ChargebackClosed(body) => {
                self.after_taking(claim, body.payment_id, posted, "allocate.lost_dispute", accounts::CHARGEBACKS)
            }
            Body::WalletMovementReported(_) => self.suspended(claim, posted),
            _ => Ok(()),
        }
    }

    /// Connection and wallet must be configured, and belong together.
    fn check_place(&self, claim: &Claim) -> Result<(), Refused> {
        if matches!(claim.fact.body, Body::ConnectionConfigured(_)) {
            return Ok(());
        }
        let config = &self.known().config;
        let unknown = |what: &str| Refused::new(Refusal::UnknownConnection, format!("{what}: not configured here"));
        if let Some(connection) = claim.fact.connection
            && !config.connections.contains_key(&connection)
        {
            return Err(unknown("connection"));
        }
        if let Some(wallet) = claim.fact.wallet {
            let of = config.wallets.get(&wallet).map(|(connection, _)| *connection);
            if of.is_none() || of != claim.fact.connection {
                return Err(unknown("wallet"));
            }
        }
        Ok(())
    }

    fn phase(&self, claim: &Claim) -> Phase {
        self.state(claim.fact.subject).map_or(Phase::Open, |state| state.phase)
    }

    /// Recorded as it stands; a command that cannot be posted is refused.
    pub(super) fn plain(&mut self, claim: &Claim) -> Result<(), Refused> {
        let lines = self.lines(&claim.fact)?;
        self.record_claim(claim, None, lines).map(drop)
    }

    /// A line of a statement posts nothing. Where it gives another amount than what was posted, a person must look.
    fn statement_line(&mut self, claim: &Claim, amount: Amount) -> Result<(), Refused> {
        let own = self.state(claim.fact.subject);
        let settled = own.filter(|own| own.phase == Phase::Succeeded);
        let differs = settled.is_some_and(|own| own.gross != amount && own.doubts.len() < DOUBTS_MAX);
        self.plain(claim)?;
        if differs {
            self.raise(claim, claim.fact.event_id(self.book), DiscrepancyKind::AmountDiffers)?;
        }
        Ok(())
    }

    /// Takes what is available, or refuses before any provider is called.
    fn reserved(&mut self, claim: &Claim, reserve: Amount) -> Result<(), Refused> {
        let wallet = claim.fact.wallet.ok_or_else(|| wrong_state("wallet: missing"))?;
        if claim.fact.currency != self.known().config.wallet(wallet).map(|(_, _, currency)| currency) {
            return Err(wrong_state("currency: not the wallet's"));
        }
        let own = self.state(claim.fact.subject);
        if own.is_some_and(|own| own.phase >= Phase::Withheld || !own.reservations.is_empty()) {
            return Err(wrong_state("attempt: a new one follows only a confirmed failure"));
        }
        let opened = self.state(SubjectId(wallet.0)).is_some_and(|state| state.opened_as_of.is_some());
        let moved = self.known().wallets.get(&wallet).is_some_and(|balance| balance.position > 0);
        if !opened && !moved {
            return Err(wrong_state("the wallet was never opened"));
        }
        let available = self.known().wallets.get(&wallet).and_then(super::WalletBalance::available);
        if !reserve.is_positive() || available.is_none_or(|available| available < reserve) {
            return Err(limit("reserve: above what is available"));
        }
        self.plain(claim)
    }

    fn refundable(&self, payment: SubjectId, amount: Amount) -> Result<(), Refused> {
        let state = self.state(payment).filter(|state| state.phase == Phase::Succeeded);
        let Some(state) = state else { return Err(wrong_state("payment_id: no settled payment")) };
        let total = state.taken_back.checked_add(amount);
        if total.is_none_or(|total| total > state.gross) {
            return Err(limit("amount: more than the payment has left"));
        }
        Ok(())
    }

    /// A failure after a success changes nothing by itself; it is kept for a person.
    fn failed(&mut self, claim: &Claim, is_final: bool) -> Result<(), Refused> {
        match self.phase(claim) {
            Phase::Succeeded | Phase::Withheld if is_final => self.withhold(claim, DiscrepancyKind::FinalContradicted),
            Phase::Succeeded | Phase::Withheld | Phase::Failed if !is_final => {
                Err(Refused::new(Refusal::StaleState, "the subject's end is recorded already"))
            }
            _ => self.plain(claim),
        }
    }

    /// Records a claim that moves money: posted, before the opening, or withheld. Says whether it posted.
    fn money(&mut self, claim: &Claim) -> Result<bool, Refused> {
        let lines = self.lines(&claim.fact);
        if let Some(kind) = self.doubt_of(claim, &lines) {
            return self.withhold(claim, kind).map(|()| false);
        }
        if self.before_opening(claim) {
            self.record_claim(claim, Some(NoLines::BeforeOpening), Lines::default())?;
            return Ok(false);
        }
        let late = self.is_late(claim);
        let fee_on_failed = matches!(claim.fact.body, Body::FeeCharged(_)) && self.phase(claim) == Phase::Failed;
        let event_id = self.record_claim(claim, None, lines?)?;
        if fee_on_failed {
            self.raise(claim, event_id, DiscrepancyKind::FeeOnFailed)?;
        }
        if late {
            self.raise(claim, event_id, DiscrepancyKind::LateSuccess)?;
        }
        self.watch_band(claim, event_id)?;
        Ok(true)
    }

    /// A success after a failure: of the whole subject, or of the attempt that it names.
    fn is_late(&self, claim: &Claim) -> bool {
        let attempt = match &claim.fact.body {
            Body::CollectionSucceeded(_) => None,
            Body::PayoutSucceeded(body) => body.attempt,
            Body::RefundSucceeded(body) => body.attempt,
            Body::WithdrawalSucceeded(body) => body.attempt,
            _ => return false,
        };
        let Some(own) = self.state(claim.fact.subject) else { return false };
        // Told in reverse order: its own reversal came first and ended the attempt.
        if own.withheld.iter().any(|(_, fact)| super::items::is_reversal(&fact.body)) {
            return false;
        }
        let ended = |attempt: u32| !own.reservations.iter().any(|reservation| reservation.attempt == attempt);
        own.phase == Phase::Failed || (own.asked.is_some() && attempt.is_some_and(ended))
    }

    fn doubt_of(&self, claim: &Claim, lines: &Result<Lines, PostingError>) -> Option<DiscrepancyKind> {
        let none = SubjectState::default();
        let own = self.state(claim.fact.subject).unwrap_or(&none);
        let original = super::state::other_subjects(&claim.fact).first().and_then(|id| self.state(*id));
        claim
            .doubt
            .or_else(|| checks::doubt(&claim.fact, &self.known().config, own, original))
            .or_else(|| self.key_conflict(claim))
            .or_else(|| match lines {
                // Only evidence is withheld; a command of ours that does not add up is refused where it is recorded.
                Err(PostingError::Unbalanced { .. }) if claim.evidence.is_some() => Some(DiscrepancyKind::SumsDiffer),
                Err(PostingError::Overflow) if claim.evidence.is_some() => Some(DiscrepancyKind::ValueDoesNotFit),
                _ => None,
            })
    }

    /// The operator's transaction or the posting key is taken by another event.
    fn key_conflict(&self, claim: &Claim) -> Option<DiscrepancyKind> {
        let taken = |key: &super::Key| self.known_key(key).is_some();
        if let (Some(transaction), Some(connection)) = (&claim.operator_transaction, claim.fact.connection) {
            let kind = claim.fact.body.posting_kind().unwrap_or("none");
            let bytes = ensimbi_events::ids::operator_key(self.book, connection, kind, transaction).to_vec();
            if taken(&super::Key { kind: super::KeyKind::Operator, bytes }) {
                return Some(DiscrepancyKind::OperatorTransactionTwice);
            }
        }
        let bytes = claim.fact.posting_key(self.book)?.0.to_vec();
        taken(&super::Key { kind: super::KeyKind::Posting, bytes }).then_some(DiscrepancyKind::FactDiffers)
    }

    fn before_opening(&self, claim: &Claim) -> bool {
        let of = |wallet: WalletId| self.state(SubjectId(wallet.0)).and_then(|state| state.opened_as_of);
        let opened = claim.fact.wallet.and_then(of);
        let reversal = matches!(
            claim.fact.body,
            Body::CollectionReversed(_)
                | Body::PayoutReversed(_)
                | Body::RefundReversed(_)
                | Body::WithdrawalReversed(_)
        );
        // What we asked for at that moment or later cannot have settled before it, whatever a provider's coarser or slower
        // clock says.
        let asked = self.state(claim.fact.subject).and_then(|own| own.asked.as_ref()).map(|asked| asked.at);
        // A reversal after the opening of something before it moves today's money: it posts.
        !reversal && opened.is_some_and(|as_of| claim.occurred_at <= as_of && asked.is_none_or(|at| at < as_of))
    }

    pub(super) fn withhold(&mut self, claim: &Claim, kind: DiscrepancyKind) -> Result<(), Refused> {
        self.has_room(claim.fact.subject)?;
        let came_back = self.came_back(claim);
        let event_id = self.record_claim(claim, Some(NoLines::Withheld), Lines::default())?;
        self.raise(claim, event_id, kind)?;
        match came_back {
            Some(failed) => self.record_made(claim, event_id, failed, false).map(drop),
            None => Ok(()),
        }
    }

    /// A payout or withdrawal of ours that came back before its success was seen: whatever the reversal's figures are
    /// worth, the money is not on its way any more, so its attempt failed and reserves nothing.
    fn came_back(&self, claim: &Claim) -> Option<Fact> {
        let own = self.state(claim.fact.subject)?;
        let (asked, reservation) = (own.asked.as_ref()?, own.reservations.last()?);
        let (kind, id) = claim.fact.object();
        // The object of an earlier attempt says nothing about the one that is on its way now.
        if own.ended.iter().any(|(ended, its)| (ended.as_str(), its.as_str()) == (&*kind, &*id)) {
            return None;
        }
        let (attempt, amount, is_final) = (reservation.attempt, asked.amount, true);
        let reason = "came back before its success was seen".to_owned();
        let body = match &claim.fact.body {
            Body::PayoutReversed(_) => PayoutFailed { attempt, amount, is_final, reason }.into(),
            Body::WithdrawalReversed(_) => WithdrawalFailed { attempt, amount, is_final, reason }.into(),
            _ => return None,
        };
        let fact = self.made_fact(&claim.fact, claim.fact.event_id(self.book).to_string(), body);
        Some(Fact { wallet: Some(reservation.wallet), currency: Some(asked.currency), ..fact })
    }

    /// W against S, for a person to move on; where policy `movement.<category>` names an account, it goes there at once.
    fn suspended(&mut self, claim: &Claim, posted: bool) -> Result<(), Refused> {
        let (true, Body::WalletMovementReported(body)) = (posted, &claim.fact.body) else { return Ok(()) };
        // The event with the lines: the movement itself, or the verdict that accepted it.
        let Some(cause) = self.sealed.last().map(|sealed| sealed.event.record.event_id) else { return Ok(()) };
        let raised = self.raise(claim, cause, DiscrepancyKind::UnexplainedMovement)?;
        let key = format!("movement.{}", body.category);
        let account = self.known().config.policy(&key).map(str::to_owned);
        match (raised, account) {
            (Some(raised), Some(target)) => {
                self.verdict(claim, cause, raised.event_id, Verdict::Move, Some(target), &format!("policy {key}"))
            }
            _ => Ok(()),
        }
    }
}

/// Words that move money, or say that it moved: they are posted, before the opening, or withheld.
pub(super) const fn is_money(body: &Body) -> bool {
    matches!(
        body,
        Body::CollectionSucceeded(_)
            | Body::CollectionReversed(_)
            | Body::RefundSucceeded(_)
            | Body::RefundReversed(_)
            | Body::ChargebackOpened(_)
            | Body::ChargebackClosed(_)
            | Body::PayoutSucceeded(_)
            | Body::PayoutReversed(_)
            | Body::WithdrawalSucceeded(_)
            | Body::WithdrawalReversed(_)
            | Body::WalletFunded(_)
            | Body::WalletMovementReported(_)
            | Body::PurseTransferred(_)
            | Body::FeesReported(_)
            | Body::FeeCharged(_)
            | Body::FeeReturned(_)
            | Body::FundsHeld(_)
            | Body::FundsReleased(_)
    )
}

pub(super) fn wrong_state(detail: &str) -> Refused {
    Refused::new(Refusal::WrongState, detail)
}

pub(super) fn limit(detail: &str) -> Refused {
    Refused::new(Refusal::LimitExceeded, detail)
}
