//! A provider's own balance: it opens a wallet that nothing has moved yet, and is compared with the book ever after.
//!
//! record without lines -> the opening (policy `opening`), or compare. posted - reserved <= balance <= posted is no
//! difference: payouts may be debited when they are accepted or when they succeed (`bookkeeping.md` section 4). What lies
//! outside, or a withheld figure that is another than the book's, is raised once two reports in a row show the same figure: in a busy wallet one alone only says that something
//! settled there and is not told here yet. A later report that agrees resolves what was raised: whatever was missing has
//! been told since. A balance alone never posts.

use ensimbi_events::codes::{DiscrepancyKind, Refusal};
use ensimbi_events::word::Verdict;
use ensimbi_events::words::wallet::{BalanceReported, OpeningBalanceDeclared};
use ensimbi_events::{Claim, SubjectId, SubjectKind, WalletId};

use super::state::Reported;
use super::words::{DOUBTS_MAX, wrong_state};
use super::{Decider, Raise, Refused, WalletBalance};

/// The policy, and the value that leaves every opening to a person.
const POLICY: &str = "opening";
const BY_PERSON: &str = "none";

impl Decider {
    pub(super) fn balance(&mut self, claim: &Claim, body: &BalanceReported) -> Result<(), Refused> {
        let fact = &claim.fact;
        let wallet =
            fact.wallet.filter(|id| SubjectId(id.0) == fact.subject && fact.subject_kind == SubjectKind::Wallet);
        let Some(wallet) = wallet else {
            return Err(Refused::new(Refusal::Malformed, "subject: a balance's subject is its wallet"));
        };
        if fact.currency != self.known().config.wallet(wallet).map(|(_, _, currency)| currency) {
            return Err(wrong_state("currency: not the wallet's"));
        }
        let before = self.state(fact.subject).and_then(|state| state.reported);
        self.plain(claim)?;
        if let Some(doubt) = claim.doubt {
            // The figures contradict each other: none of them is a measure.
            return self.contradicts_itself(claim, doubt);
        }
        if self.is_unopened(wallet) {
            return self.open(claim, body);
        }
        let Some(now) = self.state(fact.subject).and_then(|state| state.reported) else { return Ok(()) };
        // An older figure that came late says nothing about the present one.
        let Some(before) = before.filter(|before| before.as_of < now.as_of) else { return Ok(()) };
        if self.agrees(wallet, &now) {
            return self.settled(claim);
        }
        if (before.difference, before.held) == (now.difference, now.held) && !now.raised {
            self.differs(claim, wallet, body, &now)?;
        }
        Ok(())
    }

    /// balance - posted lies within what payouts on their way explain, and what is withheld is the same.
    fn agrees(&self, wallet: WalletId, Reported { difference, held, .. }: &Reported) -> bool {
        let Some(book) = self.known().wallets.get(&wallet) else { return false };
        let rest = difference.checked_add(book.reserved);
        held.is_zero() && !difference.is_positive() && rest.is_some_and(|rest| !rest.is_negative())
    }

    /// Raised once, until a person has decided: the provider may go on showing it.
    fn contradicts_itself(&mut self, claim: &Claim, kind: DiscrepancyKind) -> Result<(), Refused> {
        let doubts = self.state(claim.fact.subject).map(|state| state.doubts.as_slice()).unwrap_or_default();
        if doubts.len() >= DOUBTS_MAX || doubts.iter().any(|doubt| doubt.kind == kind) {
            return Ok(());
        }
        self.raise(claim, claim.fact.event_id(self.book), kind).map(drop)
    }

    /// What was raised about earlier figures is explained.
    fn settled(&mut self, claim: &Claim) -> Result<(), Refused> {
        let doubts = self.state(claim.fact.subject).map(|state| state.doubts.as_slice()).unwrap_or_default();
        let open = doubts.iter().filter(|doubt| doubt.kind == DiscrepancyKind::BalanceDiffers);
        let open: Vec<_> = open.map(|doubt| doubt.event_id).collect();
        let cause = claim.fact.event_id(self.book);
        for discrepancy in open {
            self.verdict(claim, cause, discrepancy, Verdict::Accept, None, "a later balance agrees with the book")?;
        }
        Ok(())
    }

    /// No opening, no money event and nothing in flight, and the policy does not leave it to a person.
    fn is_unopened(&self, wallet: WalletId) -> bool {
        let by_person = self.known().config.policies.get(POLICY).is_some_and(|value| value == BY_PERSON);
        let opened = self.state(SubjectId(wallet.0)).is_some_and(|state| state.opened_as_of.is_some());
        let moved = self.known().wallets.get(&wallet).is_some_and(|balance| balance.position > 0);
        !by_person && !opened && !moved
    }

    fn open(&mut self, claim: &Claim, body: &BalanceReported) -> Result<(), Refused> {
        // A provider whose clock is ahead must not swallow what settles until then.
        let as_of = body.as_of.min(self.now.max(self.known().recorded_at));
        let opening = OpeningBalanceDeclared { as_of, posted: body.balance, held: body.held };
        let fact = self.made_fact(&claim.fact, String::new(), opening.into());
        self.record_made(claim, claim.fact.event_id(self.book), fact, false).map(drop)
    }

    fn differs(
        &mut self,
        claim: &Claim,
        wallet: WalletId,
        body: &BalanceReported,
        now: &Reported,
    ) -> Result<(), Refused> {
        let book = self.known().wallets.get(&wallet).copied();
        let Some(WalletBalance { posted, held, reserved, .. }) = book else { return Ok(()) };
        let difference = if now.difference.is_zero() { now.held } else { now.difference };
        let stake = if difference.is_negative() { difference.checked_neg() } else { Some(difference) };
        let doubts = self.state(claim.fact.subject).map(|state| state.doubts.as_slice()).unwrap_or_default();
        let kind = DiscrepancyKind::BalanceDiffers;
        let open = doubts.iter().any(|doubt| doubt.kind == kind && doubt.stake == stake);
        // With so many open ones, one more figure tells a person nothing; the report itself is recorded.
        if open || doubts.len() >= DOUBTS_MAX {
            return Ok(());
        }
        let mut detail = format!("reported {}, posted {posted}, reserved {reserved}", body.balance);
        if let Some(withheld) = body.held {
            detail.push_str(&format!("; withheld {withheld}, held {held}"));
        }
        let raise = Raise { kind, stake, other_fact: None, detail: Some(detail) };
        self.raise_with(claim, claim.fact.event_id(self.book), raise).map(drop)
    }
}
