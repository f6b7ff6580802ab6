//! Random tellings of what a provider holds to be true: the laws hold, and the order does not matter.

use ensimbi_events::word::Bearer::{self, Merchant, Payer};
use ensimbi_events::word::Component::{self, Network, Provider};
use ensimbi_events::words::payment::RefundSucceeded;
use ensimbi_events::{Amount, Body, Claim, SubjectKind, WalletId};
use ensimbi_ledger::decide::{WalletBalance, needs};
use proptest::prelude::*;

use super::memory::Memory;
use crate::common::say::{Say, amount, subject};

pub fn refund(say: &Say, payment: u128, n: u128, all: &str) -> Claim {
    let body = RefundSucceeded {
        payment_id: subject(payment),
        amount: amount(all),
        wallet_debit: amount(all),
        attempt: None,
        fees: Vec::new(),
        returned: Vec::new(),
    };
    say.read(say.object(say.fact(SubjectKind::Refund, subject(n), body)))
}

/// What the provider holds to be true of one payment.
#[derive(Debug, Clone)]
struct Truth {
    gross: i64,
    provider: i64,
    network: i64,
    held: i64,
    payer_bears: bool,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Pending,
    Failed,
    Paid,
    RolledBack,
}

fn truths() -> impl Strategy<Value = Truth> {
    let end = prop_oneof![Just(End::Pending), Just(End::Failed), Just(End::Paid), Just(End::RolledBack)];
    (10_000i64..100_000_000, 1i64..3_000, 1i64..3_000, 0i64..3_000, any::<bool>(), end).prop_map(
        |(gross, provider, network, held, payer_bears, end)| Truth { gross, provider, network, held, payer_bears, end },
    )
}

fn scaled(figure: i64) -> String {
    Amount::from_scaled(figure).to_string()
}

impl Truth {
    fn asked(&self) -> String {
        scaled(self.gross)
    }

    fn success(&self, say: &Say, n: u128) -> Claim {
        let bearer = if self.payer_bears { Payer } else { Merchant };
        let fees: [(Component, Bearer, String); 2] =
            [(Network, bearer, scaled(self.network)), (Provider, bearer, scaled(self.provider))];
        let fees: Vec<_> = fees.iter().map(|(component, bearer, fee)| (*component, *bearer, fee.as_str())).collect();
        let ours = if self.payer_bears { 0 } else { self.network + self.provider };
        let mut body = say.success(&self.asked(), &scaled(self.gross - ours - self.held), &fees);
        body.held = (self.held > 0).then(|| Amount::from_scaled(self.held));
        say.payment(n, body)
    }

    /// All of it goes back, and no fee with it.
    fn rollback(&self, say: &Say, n: u128) -> Claim {
        let mut claim = say.reversed(n, &self.asked(), &scaled(self.gross - self.held), &[]);
        if let Body::CollectionReversed(body) = &mut claim.fact.body {
            body.from_held = (self.held > 0).then(|| Amount::from_scaled(self.held));
        }
        claim
    }

    /// What the provider ever says, in its order.
    fn life(&self, say: &Say, n: u128) -> Vec<Claim> {
        let mut life = vec![say.requested(n, &self.asked(), None), say.pending(n, &self.asked())];
        match self.end {
            End::Pending => {}
            End::Failed => life.push(say.failed(n, &self.asked(), true)),
            End::Paid => life.push(self.success(say, n)),
            End::RolledBack => life.extend([self.success(say, n), self.rollback(say, n)]),
        }
        life
    }
}

/// One thing said, about one of a few payments.
#[derive(Debug, Clone)]
enum Told {
    Life(usize),
    Other { fee: i64 },
    NotFinal,
    Failed,
    Reversed,
    Refunded { n: u128, part: i64 },
    SecondObject,
}

fn tellings() -> impl Strategy<Value = Vec<(usize, Told)>> {
    let told = prop_oneof![
        6 => (0usize..4).prop_map(Told::Life),
        1 => (1i64..2_000).prop_map(|fee| Told::Other { fee }),
        1 => Just(Told::NotFinal),
        1 => Just(Told::Failed),
        2 => Just(Told::Reversed),
        2 => (0u128..3, 1i64..100_000_000).prop_map(|(n, part)| Told::Refunded { n, part }),
        1 => Just(Told::SecondObject),
    ];
    prop::collection::vec((0usize..4, told), 1..60)
}

fn claim(say: &Say, truth: &Truth, n: u128, told: &Told) -> Claim {
    match told {
        Told::Life(at) => {
            let life = truth.life(say, n);
            life[at % life.len()].clone()
        }
        Told::Other { fee } => Truth { network: *fee, ..truth.clone() }.success(say, n),
        Told::NotFinal => say.failed(n, &truth.asked(), false),
        Told::Failed => say.failed(n, &truth.asked(), true),
        Told::Reversed => truth.rollback(say, n),
        Told::Refunded { n: refunded, part } => refund(say, n, 1_000 + 10 * n + refunded, &scaled(*part)),
        Told::SecondObject => {
            let mut claim = truth.success(say, n);
            claim.fact.object_id = Some("another".to_owned());
            claim
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_keeps_the_laws(
        truths in prop::collection::vec(truths(), 4),
        told in tellings(),
        allocate: bool,
        batch in 1usize..20,
    ) {
        let say = Say::new("UGX");
        let policies: &[(&str, &str)] = if allocate { &[("allocate.collection", "income:sales")] } else { &[] };
        let mut claims = say.start_with(policies);
        claims.extend(told.iter().map(|(n, told)| claim(&say, &truths[*n], *n as u128, told)));
        // What a claim needs is all that it may change: the store loads nothing else.
        for claim in &claims {
            prop_assert!(needs(claim).contains(&claim.fact.subject));
        }
        let mut all = Memory::new();
        all.tell(&claims);
        all.check();
        let mut parts = Memory::new();
        claims.chunks(batch).for_each(|claims| drop(parts.tell(claims)));
        prop_assert_eq!(parts.known.edge.root(), all.known.edge.root());
        // A second time nothing is new.
        let size = all.sealed.len();
        all.tell(&claims);
        prop_assert_eq!(all.sealed.len(), size);
    }

    #[test]
    fn any_order_of_one_truth_ends_the_same(
        (order, truths) in prop::collection::vec(truths(), 3).prop_flat_map(|truths| {
            let say = Say::new("UGX");
            let lives = truths.iter().zip(0u128..).map(|(truth, n)| truth.life(&say, n));
            let order: Vec<Claim> = lives.flat_map(|life| [life.clone(), life].concat()).collect();
            (Just(order).prop_shuffle(), Just(truths))
        }),
    ) {
        let say = Say::new("UGX");
        let mut straight = Memory::new();
        straight.tell(&say.start());
        for (truth, n) in truths.iter().zip(0u128..) {
            straight.tell(&truth.life(&say, n));
        }
        let mut shuffled = Memory::new();
        shuffled.tell(&say.start());
        shuffled.tell(&order);
        shuffled.check();
        prop_assert_eq!(shuffled.finals(), straight.finals());
        // A rollback that came before its success waits for a person: its part of the balance is still there.
        let waiting = |memory: &Memory| -> Vec<Claim> { accepted(memory) };
        let verdicts = waiting(&shuffled);
        shuffled.tell(&verdicts);
        shuffled.check();
        let figures = |memory: &Memory| (memory.wallet().posted, memory.wallet().held, memory.wallet().reserved);
        prop_assert_eq!(figures(&shuffled), figures(&straight));
        prop_assert_eq!(accepted(&straight).len(), 0);
    }
}

/// A person's consent to everything that is withheld.
fn accepted(memory: &Memory) -> Vec<Claim> {
    use ensimbi_events::word::Verdict;
    use ensimbi_events::words::control::DiscrepancyResolved;
    let say = Say::new("UGX");
    let mut ids: Vec<_> = memory.known.states.iter().collect();
    ids.sort_by_key(|(id, _)| **id);
    let doubts = ids.into_iter().flat_map(|(id, state)| state.doubts.iter().map(move |doubt| (*id, doubt)));
    doubts
        .filter(|(_, doubt)| doubt.holds)
        .map(|(id, doubt)| {
            let (discrepancy, verdict) = (doubt.event_id, Verdict::Accept);
            let (actor_id, reason) = ("person-1".to_owned(), "checked".to_owned());
            let body = DiscrepancyResolved { discrepancy, verdict, actor_id, reason, target: None };
            let fact = say.fact(SubjectKind::Payment, id, body);
            say.command(ensimbi_events::Fact { occurrence: discrepancy.to_string(), ..fact })
        })
        .collect()
}

#[test]
fn wallets_that_no_line_moved_have_no_balance() {
    let say = Say::new("UGX");
    let mut memory = Memory::new();
    memory.tell(&say.start());
    let balances: Vec<(WalletId, WalletBalance)> = memory.known.wallets.into_iter().collect();
    assert!(balances.iter().all(|(_, balance)| *balance == WalletBalance::empty(say.currency)));
}
