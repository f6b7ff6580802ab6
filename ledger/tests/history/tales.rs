//! 10,000 random histories, each from its seed: every law holds at the end of each.
//!
//! A history is a book, a few payments, invoices, payouts, withdrawals, top-ups, refunds, disputes and rows, and 10 to 30
//! claims about them: what providers say (in any order, twice, with other figures), what commands ask and what persons
//! decide, right or wrong. What a step does is drawn first, then its subject and figures; persons mostly act on what the
//! book shows them. Refusals are part of the tale.

use std::collections::BTreeMap;

use ensimbi_events::bus::Outcome;
use ensimbi_events::{Body, Claim, NoLines};

use super::happenings;
use super::memory::Memory;
use super::people;
use super::providers;
use crate::common::say::Say;

/// The number of the issue: in four tests, so that two cores share them.
const HISTORIES: u64 = 10_000;
const PARTS: u64 = 4;

/// A small generator of our own (SplitMix64): the same numbers on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to n - 1.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Once in n times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as u64) as usize]
    }
}

/// One history under way.
pub struct Tale {
    pub dice: Dice,
    pub say: Say,
    pub book: Memory,
    /// Makes commands different from each other.
    pub count: u64,
    /// Two payers pay one invoice.
    pub one_invoice: bool,
}

impl Tale {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let say = Say::new("UGX");
        let mut policies: Vec<(&str, &str)> = Vec::new();
        for (key, value) in [
            ("allocate.collection", "income:sales"),
            ("allocate.payout", "expenses:suppliers"),
            ("allocate.bank", "assets:bank:main"),
            ("allocate.refund", "none"),
            ("allocate.reversal", "none"),
            ("movement.Transfer", "liabilities:customers"),
            ("opening", "none"),
        ] {
            if dice.once_in(4) {
                policies.push((key, value));
            }
        }
        let mut book = Memory::new();
        book.tell(&say.start_with(&policies));
        let one_invoice = dice.once_in(3);
        Self { dice, say, book, count: 0, one_invoice }
    }

    pub fn unique(&mut self) -> String {
        self.count += 1;
        format!("command-{}", self.count)
    }

    /// Tells 10 to 30 claims and gives what became of them.
    fn run(&mut self) -> Vec<Outcome> {
        let mut opening = providers::opening(self);
        if self.one_invoice || self.dice.once_in(2) {
            opening.extend(people::begun(self));
        }
        if self.one_invoice {
            opening.push(people::issued(self));
        }
        let mut told: Vec<Claim> = opening.clone();
        let mut outcomes = self.book.tell(&opening);
        let mut later: Vec<Claim> = Vec::new();
        let mut batch: Vec<Claim> = Vec::new();
        // Mostly short: more histories find more than longer ones.
        let length = 10 + if self.dice.once_in(4) { self.dice.below(21) } else { self.dice.below(5) };
        for _ in 0..length {
            let claim = match self.dice.below(16) {
                // The same again, word for word.
                0 | 1 if !told.is_empty() => self.dice.pick(&told).clone(),
                // What was held up comes after what was said later.
                2 | 3 if !later.is_empty() => {
                    let at = self.dice.below(later.len() as u64) as usize;
                    later.remove(at)
                }
                4 => {
                    later.push(providers::said(self));
                    continue;
                }
                5..=10 => providers::said(self),
                _ => people::decided(self),
            };
            told.push(claim.clone());
            batch.push(claim);
            if batch.len() > 3 || self.dice.once_in(2) {
                outcomes.extend(self.book.tell(&std::mem::take(&mut batch)));
            }
        }
        batch.append(&mut later);
        outcomes.extend(self.book.tell(&batch));
        outcomes
    }
}

/// What a run of histories met, so that none of it can silently stop being told.
#[derive(Default)]
struct Met(BTreeMap<String, usize>);

impl Met {
    fn count(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_default() += 1;
    }

    fn take(&mut self, tale: &Tale, outcomes: &[Outcome]) {
        happenings::of(&tale.book.sealed).into_iter().for_each(|what| self.count(what));
        for sealed in &tale.book.sealed {
            let event = &sealed.event;
            self.count(event.fact.body.word());
            match (&event.fact.body, event.record.no_lines) {
                (_, Some(NoLines::Withheld)) => self.count("withheld"),
                (_, Some(NoLines::BeforeOpening)) => self.count("before the opening"),
                (Body::DiscrepancyRaised(body), _) => self.count(body.kind.as_str()),
                (Body::DiscrepancyResolved(body), _) => self.count(body.verdict.as_str()),
                (Body::AdjustmentPosted(body), _) if body.reversal_of.is_some() => self.count("an entry was reversed"),
                _ => {}
            }
        }
        for outcome in outcomes {
            if let Outcome::Refused { code, .. } = outcome {
                self.count(code.as_str());
            }
        }
    }
}

const MUST_MEET: &[&str] = &[
    "OpeningBalanceDeclared",
    "BalanceReported",
    "CollectionRequested",
    "CollectionSucceeded",
    "CollectionReversed",
    "PayoutRequested",
    "PayoutFailed",
    "PayoutSucceeded",
    "PayoutReversed",
    "WithdrawalRequested",
    "WithdrawalSucceeded",
    "WithdrawalReversed",
    "WalletFunded",
    "WalletMovementReported",
    "StatementLineReported",
    "FeeCharged",
    "FundsHeld",
    "FundsReleased",
    "RefundRequested",
    "RefundSucceeded",
    "RefundReversed",
    "ChargebackOpened",
    "ChargebackClosed",
    "InvoiceDrafted",
    "InvoiceItemAdded",
    "InvoiceItemChanged",
    "InvoiceItemRemoved",
    "InvoicePublished",
    "InvoiceExpired",
    "InvoiceCancelled",
    "InvoiceCredited",
    "InvoicePaid",
    "PaymentAllocated",
    "PaymentDeallocated",
    "AdjustmentPosted",
    "withheld",
    "before the opening",
    "accept",
    "reject",
    "move",
    "fact_differs",
    "amount_differs",
    "late_success",
    "unknown_original",
    "beyond_original",
    "unexplained_movement",
    "balance_differs",
    "wrong_state",
    "limit_exceeded",
    "malformed",
    "unknown_subject",
    "an entry was reversed",
    "already_reversed",
    "fee_changed",
];

fn part(part: u64) {
    let mut met = Met::default();
    let seeds = (0..HISTORIES).filter(|seed| seed % PARTS == part);
    let (mut told, mut broken) = (0, Vec::new());
    for seed in seeds {
        let mut tale = Tale::new(seed);
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let outcomes = tale.run();
            tale.book.check();
            outcomes
        }));
        match checked {
            Ok(outcomes) => met.take(&tale, &outcomes),
            Err(_) => broken.push(seed),
        }
        told += 1;
        assert!(broken.len() < 5, "the histories of the seeds {broken:?} break laws (above)");
    }
    assert_eq!(broken, Vec::<u64>::new(), "the histories of these seeds break laws (above)");
    assert_eq!(told, HISTORIES / PARTS);
    let times = |what: &str| met.0.get(what).copied().unwrap_or_default();
    let all = MUST_MEET.iter().chain(happenings::ALL);
    let rare: Vec<_> = all.map(|what| (*what, times(what))).filter(|(_, times)| *times < 5).collect();
    assert!(rare.is_empty(), "met fewer than five times: {rare:?}");
}

macro_rules! quarters {
    ($($name:ident $part:literal),*) => {$(
        #[test]
        fn $name() {
            part($part);
        }
    )*};
}
quarters!(
    the_laws_hold_on_10000_random_histories_first_quarter 0,
    the_laws_hold_on_10000_random_histories_second_quarter 1,
    the_laws_hold_on_10000_random_histories_third_quarter 2,
    the_laws_hold_on_10000_random_histories_last_quarter 3
);
