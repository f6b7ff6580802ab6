//! The rules of each word: who may say it when, and what stands in its way.

use ensimbi_events::codes::{DiscrepancyKind, Refusal};
use ensimbi_events::words::book::ConnectionConfigured;
use ensimbi_events::{Amount, Body, Claim, ConnectionId, EventId, NoLines, SubjectId, WalletId};

use super::state::{Phase, SubjectState};
use super::{Decider, Refused, checks};
use crate::posting::{PostingError, accounts, post};

impl Decider {
    pub(super) fn by_word(&mut self, claim: &Claim) -> Result<(), Refused> {
        let opened = self.known().config.mode.is_some();
        match &claim.fact.body {
            Body::BookOpened(_) if opened => return Err(wrong_state("the book is open already")),
            Body::BookOpened(_) => {}
            _ if !opened => return Err(Refused::new(Refusal::UnknownBook, "the book is not open")),
            _ => self.check_place(claim)?,
        }
        match &claim.fact.body {
            Body::ConnectionConfigured(body) => {
                self.check_connection(claim.fact.connection, body)?;
                self.plain(claim)
            }
            Body::BookOpened(_) | Body::BookConfigured(_) | Body::CurrencyRegistered(_) => self.plain(claim),
            Body::PeriodClosed(_) | Body::PeriodReopened(_) => self.plain(claim),
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
            Body::CollectionSucceeded(_) => {
                let posted = self.money(claim)?;
                self.after_success(claim, posted)
            }
            Body::PayoutSucceeded(_) | Body::WithdrawalSucceeded(_) | Body::WalletFunded(_) => {
                let posted = self.money(claim)?;
                self.after_outflow(claim, posted)
            }
            Body::CollectionReversed(_) | Body::PayoutReversed(_) | Body::WithdrawalReversed(_) => {
                let posted = self.money(claim)?;
                self.after_reversal(claim, claim.fact.subject, posted)
            }
            Body::RefundSucceeded(body) => {
                let posted = self.money(claim)?;
                self.after_taking(claim, body.payment_id, posted, "allocate.refund", accounts::REFUNDS)
            }
            Body::RefundReversed(body) => {
                let posted = self.money(claim)?;
                self.after_reversal(claim, body.payment_id, posted)
            }
            Body::ChargebackClosed(body) => {
                let posted = self.money(claim)?;
                self.after_taking(claim, body.payment_id, posted, "allocate.lost_dispute", accounts::CHARGEBACKS)
            }
            Body::WalletMovementReported(_) => {
                let posted = self.money(claim)?;
                self.suspended(claim, posted)
            }
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
            Body::InvoiceCredited(body) => self.lowers(claim, body.amount),
            Body::InvoiceCancelled(body) => self.lowers(claim, body.amount),
            Body::InvoicePaid(body) if body.offline => self.lowers(claim, body.amount),
            Body::PaymentAllocated(body) => {
                self.allocatable(claim, body.item, body.amount, body.item_side, body.invoice_id)?;
                self.plain(claim)
            }
            Body::PaymentDeallocated(body) => {
                let standing = self.state(body.item).into_iter().flat_map(|state| &state.allocations);
                let standing = standing.filter(|allocation| allocation.event_id == body.allocation);
                if !standing.clone().any(|allocation| allocation.amount >= body.amount) {
                    return Err(limit("allocation: less than that stands"));
                }
                self.plain(claim)
            }
            Body::DiscrepancyResolved(body) => {
                let open = self
                    .state(claim.fact.subject)
                    .is_some_and(|state| state.doubts.iter().any(|doubt| doubt.event_id == body.discrepancy));
                if !open {
                    return Err(wrong_state("discrepancy: not open on this subject"));
                }
                self.plain(claim)
            }
            Body::EvidenceAdded(_) | Body::DiscrepancyRaised(_) => {
                Err(wrong_state("only the ledger itself records this word"))
            }
            Body::ChargebackOpened(_) | Body::FeesReported(_) | Body::FeeCharged(_) | Body::FeeReturned(_) => {
                self.money(claim).map(drop)
            }
            _ => self.plain(claim),
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

    /// Codes are unique and, once recorded, never change; neither does a wallet's currency.
    fn check_connection(&self, id: Option<ConnectionId>, body: &ConnectionConfigured) -> Result<(), Refused> {
        let conflict = |detail: &str| Err(Refused::new(Refusal::ConfigurationConflict, detail));
        let Some(id) = id else { return conflict("connection: missing") };
        let config = &self.known().config;
        if !accounts::is_part(&body.account_code) || !body.wallets.iter().all(|w| accounts::is_part(&w.code)) {
            return conflict("account_code: lower-case letters, digits and dashes only");
        }
        for (other, (_, before)) in &config.connections {
            let same = *other == id;
            if same && (before.account_code != body.account_code || before.provider != body.provider) {
                return conflict("account_code and provider never change");
            }
            if !same && before.account_code == body.account_code {
                return conflict("account_code: another connection has it");
            }
        }
        let mut codes = std::collections::BTreeSet::new();
        for wallet in &body.wallets {
            if !codes.insert(&wallet.code) {
                return conflict("wallets.code: twice in one connection");
            }
            let changed = |before: &(ConnectionId, ensimbi_events::words::book::WalletConfig)| {
                before.0 != id || before.1.code != wallet.code || before.1.currency != wallet.currency
            };
            if config.wallets.get(&wallet.wallet_id).is_some_and(changed) {
                return conflict("wallets: code and currency never change");
            }
        }
        Ok(())
    }

    fn phase(&self, claim: &Claim) -> Phase {
        self.state(claim.fact.subject).map_or(Phase::Open, |state| state.phase)
    }

    /// Recorded as it stands; a command that cannot be posted is refused.
    fn plain(&mut self, claim: &Claim) -> Result<(), Refused> {
        self.record_claim(claim, None).map(drop)
    }

    /// Takes what is available, or refuses before any provider is called.
    fn reserved(&mut self, claim: &Claim, reserve: Amount) -> Result<(), Refused> {
        let wallet = claim.fact.wallet.ok_or_else(|| wrong_state("wallet: missing"))?;
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
        if let Some(kind) = self.doubt_of(claim) {
            return self.withhold(claim, kind).map(|()| false);
        }
        if self.before_opening(claim) {
            self.record_claim(claim, Some(NoLines::BeforeOpening))?;
            return Ok(false);
        }
        let late = self.phase(claim) == Phase::Failed
            && matches!(claim.fact.body, Body::CollectionSucceeded(_) | Body::PayoutSucceeded(_));
        let event_id = self.record_claim(claim, None)?;
        if late {
            self.raise(claim, event_id, DiscrepancyKind::LateSuccess, None)?;
        }
        Ok(true)
    }

    fn doubt_of(&self, claim: &Claim) -> Option<DiscrepancyKind> {
        let none = SubjectState::default();
        let own = self.state(claim.fact.subject).unwrap_or(&none);
        let original = super::state::other_subjects(&claim.fact).first().and_then(|id| self.state(*id));
        claim
            .doubt
            .or_else(|| checks::doubt(&claim.fact, &self.known().config, own, original))
            .or_else(|| self.key_conflict(claim))
            .or_else(|| match post(&claim.fact, &self.known().config, own) {
                // Only evidence is withheld; a command of ours that does not add up is refused where it is recorded.
                Err(PostingError::Unbalanced { .. }) if claim.evidence.is_some() => Some(DiscrepancyKind::SumsDiffer),
                Err(PostingError::Overflow) if claim.evidence.is_some() => Some(DiscrepancyKind::ValueDoesNotFit),
                _ => None,
            })
    }

    /// The operator's transaction or the posting key is taken by another event.
    fn key_conflict(&self, claim: &Claim) -> Option<DiscrepancyKind> {
        let taken = |key: &super::Key| self.known().keys.contains_key(key) || self.taken.contains(key);
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
        // A reversal after the opening of something before it moves today's money: it posts.
        !reversal && opened.is_some_and(|as_of| claim.occurred_at <= as_of)
    }

    fn withhold(&mut self, claim: &Claim, kind: DiscrepancyKind) -> Result<(), Refused> {
        let event_id = self.record_claim(claim, Some(NoLines::Withheld))?;
        self.raise(claim, event_id, kind, None).map(drop)
    }

    fn suspended(&mut self, claim: &Claim, posted: bool) -> Result<(), Refused> {
        if !posted {
            return Ok(());
        }
        let about: EventId = claim.fact.event_id(self.book);
        self.raise(claim, about, DiscrepancyKind::UnexplainedMovement, None).map(drop)
    }

    /// An invoice is lowered by no more than is owed.
    fn lowers(&mut self, claim: &Claim, amount: Amount) -> Result<(), Refused> {
        let invoice = self.state(claim.fact.subject).and_then(|state| state.invoice.as_ref());
        match invoice {
            None => Err(Refused::new(Refusal::UnknownSubject, "invoice_id: not published")),
            Some(invoice) if amount > invoice.outstanding || !amount.is_positive() => {
                Err(limit("amount: above what is outstanding"))
            }
            Some(_) => self.plain(claim),
        }
    }

    fn allocatable(
        &self,
        claim: &Claim,
        item: SubjectId,
        amount: Amount,
        side: ensimbi_events::word::Side,
        invoice: Option<SubjectId>,
    ) -> Result<(), Refused> {
        let balance = self.state(item).map_or(Amount::ZERO, |state| state.item);
        let open = match side {
            ensimbi_events::word::Side::Credit => balance.checked_neg().unwrap_or_default(),
            ensimbi_events::word::Side::Debit => balance,
        };
        if !amount.is_positive() || amount > open {
            return Err(limit("amount: the open item would pass zero"));
        }
        if let Some(invoice) = invoice {
            let owed = self.state(invoice).and_then(|state| state.invoice.as_ref());
            let owed = owed.ok_or_else(|| Refused::new(Refusal::UnknownSubject, "invoice_id: not published"))?;
            if owed.outstanding < amount || Some(owed.currency) != claim.fact.currency {
                return Err(limit("amount: above what the invoice owes"));
            }
        }
        Ok(())
    }
}

fn wrong_state(detail: &str) -> Refused {
    Refused::new(Refusal::WrongState, detail)
}

fn limit(detail: &str) -> Refused {
    Refused::new(Refusal::LimitExceeded, detail)
}
