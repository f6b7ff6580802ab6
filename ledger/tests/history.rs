//! Histories: one order of claims gives one root on both stores and in any batches; random ones keep the laws.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use common::House;
use common::say::{BOOK, Say, WALLET, amount, subject};
use ensimbi_events::event::Line;
use ensimbi_events::leaf::fact_hash;
use ensimbi_events::word::Bearer::{self, Merchant, Payer};
use ensimbi_events::word::Component::{self, Network, Provider};
use ensimbi_events::word::{EvidenceClass, Recognition};
use ensimbi_events::words::invoice::InvoicePublished;
use ensimbi_events::words::payment::RefundSucceeded;
use ensimbi_events::{Amount, Body, Claim, Currency, EventId, Hash, NoLines, SubjectId, SubjectKind, WalletId, leaf};
use ensimbi_ledger::append::append;
use ensimbi_ledger::decide::state::{self, SubjectState};
use ensimbi_ledger::decide::{Decider, Known, KnownKey, Sealed, WalletBalance, needs};
use proptest::prelude::*;

/// A scripted morning: everything that collections, invoices, refunds and payouts can do, with repeats and nonsense.
fn script() -> Vec<Claim> {
    let say = Say::new("UGX");
    let mut claims = say.start_with(&[("allocate.collection", "income:sales")]);
    claims.push(say.opening("100000", None, "2026-05-03T08:00:00Z".parse().unwrap()));
    let invoice = subject(500);
    for n in 0..30u128 {
        let named = (n % 5 == 0).then_some(invoice);
        if n == 7 {
            let (total, tax) = (amount("4500"), amount("700"));
            let body = InvoicePublished { total, tax, recognition: Recognition::OnPayment, due: None, party_id: None };
            claims.push(say.command(say.fact(SubjectKind::Invoice, invoice, body)));
        }
        claims.push(say.requested(n, if n == 9 { "999" } else { "1000" }, named));
        claims.push(say.pending(n, "1000"));
        match n % 4 {
            0 => claims.push(say.failed(n, "1000", n % 8 == 0)),
            1 => claims.push(say.with(EvidenceClass::Connector, say.succeeded(n).fact)),
            _ => {}
        }
        claims.push(Claim { operator_transaction: Some(format!("T-{}", n / 2)), ..say.succeeded(n) });
        if n % 6 == 0 {
            claims.push(say.reversed(n, "1000", "970", &[(Network, "30")]));
        }
        if n % 7 == 0 {
            claims.push(refund(&say, n, 700 + n, "400"));
            claims.push(say.payout_requested(800 + n, 1, "50", "60"));
            claims.push(say.payout_succeeded(800 + n, Some(1), "50", "55", &[(Provider, Merchant, "5")]));
        }
        if n % 3 == 0 {
            // One object of the provider under two subjects.
            let mut other = say.succeeded(n);
            other.fact.object_id = Some(format!("shared-{}", n / 6));
            claims.push(other);
        }
        claims.push(say.pending(n, "1000"));
        claims.push(say.succeeded(n / 2));
    }
    claims
}

fn refund(say: &Say, payment: u128, n: u128, all: &str) -> Claim {
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

async fn root_of(house: &House, claims: &[Claim], step: usize) -> (u64, Hash) {
    house.store.create_book(BOOK).await.unwrap();
    let epoch = house.store.take_over(BOOK).await.unwrap();
    let clock = house.clock();
    for batch in claims.chunks(step) {
        append(house.store.as_ref(), clock.as_ref(), BOOK, epoch, batch).await.unwrap();
    }
    house.assert_sound(BOOK).await;
    let head = house.store.head(BOOK).await.unwrap();
    (head.size, head.root)
}

#[tokio::test]
async fn one_script_has_one_root_on_sqlite_and_postgres_in_any_batches() {
    let claims = script();
    let first = root_of(&House::sqlite().await, &claims, 1).await;
    assert!(first.0 > 100);
    for step in [1, 7, 64, claims.len()] {
        assert_eq!(root_of(&House::sqlite().await, &claims, step).await, first, "SQLite, {step} at a time");
        assert_eq!(root_of(&House::postgres().await, &claims, step).await, first, "PostgreSQL, {step} at a time");
    }
}

/// A book in memory: what the store would keep between batches.
struct Memory {
    known: Known,
    sealed: Vec<Sealed>,
}

impl Memory {
    fn new() -> Self {
        Self { known: Known::default(), sealed: Vec::new() }
    }

    fn tell(&mut self, claims: &[Claim]) {
        let known = std::mem::take(&mut self.known);
        let mut decider = Decider::new(BOOK, common::now(), known);
        for claim in claims {
            decider.decide(claim);
        }
        let decided = decider.finish();
        self.known = decided.known;
        // A store finds these by its unique index and hands in those that a batch meets.
        for sealed in &decided.sealed {
            let (position, fact_hash, leaf_hash) = (sealed.event.record.position, sealed.fact_hash, sealed.leaf_hash);
            let known = KnownKey { position, fact_hash, leaf_hash };
            self.known.keys.extend(sealed.keys.iter().map(|key| (key.clone(), known)));
        }
        self.sealed.extend(decided.sealed);
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.sealed.iter().flat_map(|sealed| &sealed.event.record.lines.0)
    }

    fn wallet(&self) -> WalletBalance {
        self.known.wallets[&WALLET]
    }

    /// What is final: money events and final failures, told by providers, that were not withheld.
    fn finals(&self) -> BTreeSet<(EventId, Hash)> {
        let is_final = |sealed: &&Sealed| match &sealed.event.fact.body {
            Body::CollectionSucceeded(_) | Body::CollectionReversed(_) | Body::RefundSucceeded(_) => true,
            Body::CollectionFailed(body) => body.is_final,
            _ => false,
        };
        let all = self.sealed.iter().filter(is_final);
        all.map(|sealed| (sealed.event.record.event_id, fact_hash(&sealed.event.fact))).collect()
    }

    fn check(&self) {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        let mut wallet = [0i128; 2];
        let mut accounts: BTreeMap<(&str, Option<SubjectId>), i128> = BTreeMap::new();
        for line in self.lines() {
            let figure = i128::from(line.amount.scaled());
            *sums.entry(line.currency).or_default() += figure;
            *accounts.entry((&line.account, line.open_item)).or_default() += figure;
            match line.account.as_str() {
                "assets:wallet:main:w" => wallet[0] += figure,
                "assets:held:main:w" => wallet[1] += figure,
                _ => {}
            }
        }
        assert!(sums.values().all(|sum| *sum == 0), "the trial balance is {sums:?}");
        let row = self.wallet();
        assert_eq!([row.posted, row.held].map(|figure| i128::from(figure.scaled())), wallet);
        self.check_fees(&accounts);
        self.check_states(&accounts);
        self.check_leaves();
    }

    /// Law 3: fee accounts are the fee lines, and memo nets to zero.
    fn check_fees(&self, accounts: &BTreeMap<(&str, Option<SubjectId>), i128>) {
        let starts = |prefix: &'static str| {
            accounts.iter().filter(move |((path, _), _)| path.starts_with(prefix)).map(|(_, sum)| *sum).sum::<i128>()
        };
        let marked = |ours: bool| {
            let fees = self.lines().filter(|line| line.bearer.is_some_and(|bearer| (bearer == Merchant) == ours));
            fees.map(|line| i128::from(line.amount.scaled())).sum::<i128>()
        };
        assert_eq!(starts("expenses:fees:"), marked(true));
        assert_eq!(starts("equity:memo:fees:"), marked(false));
        assert_eq!(starts("equity:memo:"), 0);
    }

    /// Replay gives the kept states; laws 4 and 7 hold for each payment.
    fn check_states(&self, accounts: &BTreeMap<(&str, Option<SubjectId>), i128>) {
        let mut states: HashMap<SubjectId, SubjectState> = HashMap::new();
        for sealed in &self.sealed {
            for id in state::touched(&sealed.event) {
                state::fold(id, states.entry(id).or_default(), sealed).unwrap();
            }
        }
        assert_eq!(states.len(), self.known.states.len());
        for (id, state) in &states {
            assert_eq!(Some(state), self.known.states.get(id));
            for (withheld, _) in &state.withheld {
                let holds = state.doubts.iter().filter(|doubt| doubt.holds && doubt.about == Some(*withheld));
                assert_eq!(holds.count(), 1);
            }
            if state.kind == Some(SubjectKind::Payment) {
                let item = accounts.get(&("liabilities:clearing:collections:main", Some(*id))).copied();
                assert_eq!(i128::from(state.item.scaled()), item.unwrap_or_default(), "open item of {id}");
                // open + net allocated + taken back = gross, where the allocations of what was taken back count too.
                let side = |credit: bool| {
                    let on = |allocation: &&state::Allocation| {
                        (allocation.side == ensimbi_events::word::Side::Credit) == credit
                    };
                    state.allocations.iter().filter(on).map(|a| i128::from(a.amount.scaled())).sum::<i128>()
                };
                let open = -i128::from(state.item.scaled());
                let taken = i128::from(state.taken_back.scaled());
                assert_eq!(open + side(true) - side(false) + taken, i128::from(state.gross.scaled()), "law 4 of {id}");
                assert!(state.taken_back <= state.gross);
            }
        }
    }

    /// Leaves read back as the events they were made from; law 2 for what was posted.
    fn check_leaves(&self) {
        for (position, sealed) in (1..).zip(&self.sealed) {
            assert_eq!(sealed.event.record.position, position);
            assert_eq!(leaf::decode(&sealed.leaf).unwrap(), sealed.event);
            let withheld = sealed.event.record.no_lines == Some(NoLines::Withheld);
            if let (Body::CollectionSucceeded(body), false) = (&sealed.event.fact.body, withheld) {
                let ours = body.fees.iter().filter(|fee| fee.bearer == Merchant).map(|fee| fee.amount);
                let parts = Amount::checked_sum(ours.chain([body.net, body.held.unwrap_or_default()]));
                assert_eq!(parts, Some(body.gross));
            }
        }
    }
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
        claims.chunks(batch).for_each(|claims| parts.tell(claims));
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
