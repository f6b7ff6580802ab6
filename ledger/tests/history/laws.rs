//! The laws of `bookkeeping.md` section 5, recomputed from the leaves alone. Nothing here calls the product's fold or its
//! posting rules: what each account must hold is added up from the facts, and compared with the lines.

use std::collections::{BTreeMap, BTreeSet};

use ensimbi_events::event::Line;
use ensimbi_events::leaf;
use ensimbi_events::word::{Bearer, Component, Direction, Fee, ItemKind, Recognition, Side, Verdict};
use ensimbi_events::words::control::DiscrepancyRaised;
use ensimbi_events::words::invoice::InvoicePublished;
use ensimbi_events::{Amount, Body, Currency, Event, EventId, Fact, NoLines, SubjectId, WalletId};
use ensimbi_ledger::decide::{Known, Sealed};

use crate::common::say::{BOOK, WALLET, WALLET2};

const C: &str = "liabilities:clearing:collections:main";
const P: &str = "assets:clearing:payouts:main";
const B: &str = "assets:clearing:bank:main";
const O: &str = "assets:clearing:offline";
const D: &str = "assets:disputed:main";
const S: &str = "liabilities:suspense:main";
const R: &str = "assets:receivable";

type Items = BTreeMap<(&'static str, SubjectId), i128>;

/// A book as its leaves tell it.
pub struct Log {
    events: Vec<Event>,
    at: BTreeMap<EventId, usize>,
}

fn figure(amount: Amount) -> i128 {
    i128::from(amount.scaled())
}

fn optional(amount: Option<Amount>) -> i128 {
    amount.map_or(0, figure)
}

/// Fees that we bear, in the book's one currency.
fn ours(fees: &[Fee]) -> i128 {
    fees.iter().filter(|fee| fee.bearer == Bearer::Merchant).map(|fee| figure(fee.amount)).sum()
}

fn borne_by(fees: &[Fee], bearer: Bearer) -> i128 {
    fees.iter().filter(|fee| fee.bearer == bearer).map(|fee| figure(fee.amount)).sum()
}

impl Log {
    /// Reads the leaves back.
    pub fn of(sealed: &[Sealed]) -> Self {
        let events: Vec<Event> = sealed.iter().map(|sealed| leaf::decode(&sealed.leaf).unwrap()).collect();
        for (read, made) in events.iter().zip(sealed) {
            assert_eq!(*read, made.event);
        }
        let at = events.iter().enumerate().map(|(at, event)| (event.record.event_id, at)).collect();
        Self { events, at }
    }

    /// Every law, by its name.
    pub fn keeps_the_laws(&self, known: &Known) {
        self.law_1_every_entry_and_the_book_are_zero_per_currency();
        self.law_2_gross_and_debits_are_the_sums_of_their_parts();
        self.law_3_the_fee_report_is_the_fee_accounts();
        self.law_4_what_came_in_is_allocated_open_or_taken_back();
        self.law_5_an_invoice_owes_what_was_not_paid_or_lowered(known);
        self.law_6_clearing_accounts_are_the_sums_of_their_items();
        self.law_7_a_withheld_event_has_one_discrepancy();
        self.law_8_one_posting_a_key();
        self.wallets_follow_from_the_events(known);
        self.requests_were_never_above_what_was_available();
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.events.iter().flat_map(|event| &event.record.lines.0)
    }

    fn raised(&self) -> impl Iterator<Item = &DiscrepancyRaised> {
        self.events.iter().filter_map(|event| match &event.fact.body {
            Body::DiscrepancyRaised(body) => Some(body),
            _ => None,
        })
    }

    /// The withheld fact that an event makes good: a verdict to accept what its discrepancy holds.
    fn accepted(&self, event: &Event) -> Option<&Fact> {
        let Body::DiscrepancyResolved(body) = &event.fact.body else { return None };
        let Body::DiscrepancyRaised(doubt) = &self.events[self.at[&body.discrepancy]].fact.body else {
            panic!("a verdict on what is no discrepancy");
        };
        let about = &self.events[*self.at.get(&doubt.about?)?];
        let holds = about.record.no_lines == Some(NoLines::Withheld) && doubt.other_fact.is_none();
        (body.verdict == Verdict::Accept && holds).then_some(&about.fact)
    }

    /// Every fact that counts in the accounts, with where it began to: at once, or with a person's verdict.
    fn counted(&self) -> impl Iterator<Item = (&Event, &Fact)> {
        self.events.iter().filter_map(|event| match event.record.no_lines {
            Some(NoLines::Withheld | NoLines::BeforeOpening) => None,
            _ => Some((event, self.accepted(event).unwrap_or(&event.fact))),
        })
    }

    fn law_1_every_entry_and_the_book_are_zero_per_currency(&self) {
        let mut book: BTreeMap<Currency, i128> = BTreeMap::new();
        for event in &self.events {
            let mut entry: BTreeMap<Currency, i128> = BTreeMap::new();
            for line in &event.record.lines.0 {
                assert!(!line.amount.is_zero(), "a zero line at {}", event.record.position);
                *entry.entry(line.currency).or_default() += figure(line.amount);
                *book.entry(line.currency).or_default() += figure(line.amount);
            }
            assert!(entry.values().all(|sum| *sum == 0), "the entry at {} is {entry:?}", event.record.position);
        }
        assert!(book.values().all(|sum| *sum == 0), "the trial balance is {book:?}");
    }

    fn law_2_gross_and_debits_are_the_sums_of_their_parts(&self) {
        for (event, fact) in self.counted() {
            let at = event.record.position;
            match &fact.body {
                Body::CollectionSucceeded(body) => {
                    let parts = figure(body.net) + optional(body.held) + ours(&body.fees);
                    assert_eq!(parts, figure(body.gross), "gross at {at}");
                    if let Some(payer) = body.payer {
                        let payer_fees = borne_by(&body.fees, Bearer::Payer);
                        assert_eq!(figure(payer.amount), figure(body.gross) + payer_fees, "payer at {at}");
                    }
                }
                Body::PayoutSucceeded(body) => {
                    let debit = figure(body.amount) + ours(&body.fees);
                    assert_eq!(debit, figure(body.wallet_debit), "debit at {at}");
                    if let Some(beneficiary) = body.beneficiary {
                        let fees = borne_by(&body.fees, Bearer::Beneficiary);
                        assert_eq!(figure(beneficiary.amount), figure(body.amount) - fees, "beneficiary at {at}");
                    }
                }
                Body::WithdrawalSucceeded(body) => {
                    assert_eq!(figure(body.amount) + ours(&body.fees), figure(body.wallet_debit), "debit at {at}");
                }
                Body::RefundSucceeded(body) => {
                    let debit = figure(body.amount) + ours(&body.fees) - ours(&body.returned);
                    assert_eq!(debit, figure(body.wallet_debit), "debit at {at}");
                }
                Body::CollectionReversed(body) => {
                    let parts = figure(body.from_wallet) + optional(body.from_held) + ours(&body.returned);
                    assert_eq!(parts, figure(body.amount) + ours(&body.fees), "reversal at {at}");
                }
                _ => {}
            }
        }
    }

    fn law_3_the_fee_report_is_the_fee_accounts(&self) {
        let mut facts: BTreeMap<(Component, Bearer), i128> = BTreeMap::new();
        for (_, fact) in self.counted() {
            let (charged, returned): (&[Fee], &[Fee]) = match &fact.body {
                Body::CollectionSucceeded(body) => (&body.fees, &[]),
                Body::CollectionReversed(body) => (&body.fees, &body.returned),
                Body::RefundSucceeded(body) => (&body.fees, &body.returned),
                Body::RefundReversed(body) => (&[], &body.returned),
                Body::ChargebackOpened(body) => (&body.fees, &[]),
                Body::ChargebackClosed(body) => (&body.fees, &body.returned),
                Body::PayoutSucceeded(body) => (&body.fees, &[]),
                Body::PayoutReversed(body) => (&body.fees, &body.returned),
                Body::WithdrawalSucceeded(body) => (&body.fees, &[]),
                Body::WithdrawalReversed(body) => (&[], &body.returned),
                Body::WalletFunded(body) => (&body.fees, &[]),
                Body::FeeCharged(body) => (&body.fees, &[]),
                Body::FeeReturned(body) => (&[], &body.fees),
                _ => (&[], &[]),
            };
            for (fee, sign) in charged.iter().map(|fee| (fee, 1)).chain(returned.iter().map(|fee| (fee, -1))) {
                *facts.entry((fee.component, fee.bearer)).or_default() += sign * figure(fee.amount);
            }
        }
        let mut accounts: BTreeMap<(Component, Bearer), i128> = BTreeMap::new();
        let mut memo = 0;
        for line in self.lines() {
            let of = match line.account.split(':').collect::<Vec<_>>().as_slice() {
                ["expenses", "fees", "main", component] => Some((*component, Bearer::Merchant)),
                ["equity", "memo", "fees", bearer, "main", component] => {
                    Some((*component, Bearer::from_text(bearer).unwrap()))
                }
                _ => None,
            };
            assert_eq!(line.component.zip(line.bearer).is_some(), of.is_some(), "marks of {}", line.account);
            if let Some((component, bearer)) = of {
                let component = Component::from_text(component).unwrap();
                assert_eq!(line.component.zip(line.bearer), Some((component, bearer)), "marks of {}", line.account);
                *accounts.entry((component, bearer)).or_default() += figure(line.amount);
            }
            if line.account.starts_with("equity:memo:") {
                memo += figure(line.amount);
            }
        }
        assert_eq!(accounts, facts, "fees by component and bearer");
        assert_eq!(memo, 0, "memo accounts");
    }

    /// What each open item must hold, from the facts.
    fn items(&self) -> Items {
        let mut items = Items::new();
        for (event, fact) in self.counted() {
            let own = fact.subject;
            let mut put = |account, item, sum| *items.entry((account, item)).or_default() += sum;
            match &fact.body {
                Body::CollectionSucceeded(body) => put(C, own, -figure(body.gross)),
                Body::CollectionReversed(body) => put(C, own, figure(body.amount)),
                Body::RefundSucceeded(body) => put(C, body.payment_id, figure(body.amount)),
                Body::RefundReversed(body) => put(C, body.payment_id, -figure(body.amount)),
                Body::ChargebackOpened(body) => put(D, own, figure(body.debited)),
                Body::ChargebackClosed(body) => {
                    put(D, own, figure(body.debited_now) - figure(body.won) - figure(body.lost));
                    put(C, body.payment_id, figure(body.lost));
                }
                Body::PayoutSucceeded(body) => put(P, own, figure(body.amount)),
                Body::PayoutReversed(body) => put(P, own, -figure(body.amount)),
                Body::WithdrawalSucceeded(body) => put(B, own, figure(body.amount)),
                Body::WithdrawalReversed(body) => put(B, own, -figure(body.amount)),
                Body::WalletFunded(body) => put(B, own, -figure(body.amount)),
                Body::WalletMovementReported(body) => {
                    put(S, own, if body.direction == Direction::In { -1 } else { 1 } * figure(body.amount));
                }
                Body::DiscrepancyResolved(body) if body.verdict == Verdict::Move => drop(items.insert((S, own), 0)),
                Body::PaymentAllocated(body) => {
                    let sum = if body.item_side == Side::Credit { 1 } else { -1 } * figure(body.amount);
                    put(clearing(body.item_kind), body.item, sum);
                    if body.account == R {
                        put(R, body.invoice_id.unwrap(), -sum);
                    }
                }
                Body::PaymentDeallocated(body) => {
                    let sum = if body.item_side == Side::Credit { -1 } else { 1 } * figure(body.amount);
                    put(clearing(body.item_kind), body.item, sum);
                    if body.account == R {
                        put(R, body.invoice_id.unwrap(), -sum);
                    }
                }
                Body::InvoicePublished(body) if body.recognition == Recognition::OnPublish => {
                    put(R, own, figure(body.total));
                }
                Body::InvoiceCredited(body) if body.recognition == Recognition::OnPublish => {
                    put(R, own, -figure(body.amount));
                }
                Body::InvoiceCancelled(body) if body.recognition == Recognition::OnPublish => {
                    put(R, own, -figure(body.amount));
                }
                Body::InvoicePaid(body) if body.offline => {
                    put(O, own, figure(body.amount));
                    if body.recognition == Recognition::OnPublish {
                        put(R, own, -figure(body.amount));
                    }
                }
                Body::AdjustmentPosted(body) => {
                    for line in body.lines.0.iter().filter(|line| line.account == R) {
                        put(R, line.open_item.unwrap(), figure(line.amount));
                    }
                }
                _ => {}
            }
            assert!(event.record.position > 0);
        }
        items.retain(|_, sum| *sum != 0);
        items
    }

    /// The open items of some accounts by their lines; each such line has one.
    fn held(&self, accounts: &[&'static str]) -> Items {
        let mut held = Items::new();
        for line in self.lines() {
            if let Some(account) = accounts.iter().find(|account| **account == line.account) {
                let item = line.open_item.unwrap_or_else(|| panic!("a line on {account} without its item"));
                *held.entry((*account, item)).or_default() += figure(line.amount);
            }
        }
        held.retain(|_, sum| *sum != 0);
        held
    }

    fn items_of(&self, accounts: &[&'static str]) -> Items {
        let mut items = self.items();
        items.retain(|(account, _), _| accounts.contains(account));
        items
    }

    fn law_4_what_came_in_is_allocated_open_or_taken_back(&self) {
        assert_eq!(self.held(&[C]), self.items_of(&[C]), "items of collections");
        // The same per payment, term by term: allocated + open + refunded + reversed + lost = gross.
        let mut terms: BTreeMap<SubjectId, [i128; 3]> = BTreeMap::new();
        for (_, fact) in self.counted() {
            let (payment, at, sum) = match &fact.body {
                Body::CollectionSucceeded(body) => (fact.subject, 0, figure(body.gross)),
                Body::CollectionReversed(body) => (fact.subject, 1, figure(body.amount)),
                Body::RefundSucceeded(body) => (body.payment_id, 1, figure(body.amount)),
                Body::RefundReversed(body) => (body.payment_id, 1, -figure(body.amount)),
                Body::ChargebackClosed(body) => (body.payment_id, 1, figure(body.lost)),
                Body::PaymentAllocated(body) if body.item_kind == ItemKind::Payment => {
                    (body.item, 2, if body.item_side == Side::Credit { 1 } else { -1 } * figure(body.amount))
                }
                Body::PaymentDeallocated(body) if body.item_kind == ItemKind::Payment => {
                    (body.item, 2, if body.item_side == Side::Credit { -1 } else { 1 } * figure(body.amount))
                }
                _ => continue,
            };
            terms.entry(payment).or_default()[at] += sum;
        }
        let held = self.held(&[C]);
        for (payment, [gross, taken, allocated]) in terms {
            let open = -held.get(&(C, payment)).copied().unwrap_or_default();
            assert_eq!(allocated + open + taken, gross, "payment {payment}");
        }
    }

    fn law_5_an_invoice_owes_what_was_not_paid_or_lowered(&self, known: &Known) {
        let receivable = self.held(&[R]);
        assert_eq!(receivable, self.items_of(&[R]), "items of receivables");
        let published = self.events.iter().filter_map(|event| match &event.fact.body {
            Body::InvoicePublished(body) => Some((event.fact.subject, body)),
            _ => None,
        });
        let mut seen = BTreeSet::new();
        for (invoice, body) in published {
            assert!(seen.insert(invoice), "invoice {invoice} was published twice");
            let (outstanding, tax) = self.outstanding(invoice, body);
            let state = known.states[&invoice].invoice.as_ref().unwrap();
            assert_eq!(figure(state.outstanding), outstanding, "outstanding of {invoice}");
            assert!((0..=figure(body.total)).contains(&outstanding), "{invoice} owes {outstanding}");
            assert!((0..=figure(body.tax)).contains(&tax), "tax dealt with on {invoice}: {tax}");
            if body.recognition == Recognition::OnPublish {
                assert_eq!(receivable.get(&(R, invoice)).copied().unwrap_or_default(), outstanding, "R of {invoice}");
            } else {
                assert_eq!(receivable.get(&(R, invoice)), None);
            }
        }
    }

    /// total - allocated + deallocated - lowered and adjusted, and the tax inside what was dealt with.
    fn outstanding(&self, invoice: SubjectId, published: &InvoicePublished) -> (i128, i128) {
        let (mut outstanding, mut tax) = (figure(published.total), 0);
        for (_, fact) in self.counted() {
            let own = fact.subject == invoice;
            let (less, its_tax) = match &fact.body {
                Body::PaymentAllocated(body) if body.invoice_id == Some(invoice) => {
                    (figure(body.amount), optional(body.tax))
                }
                Body::PaymentDeallocated(body) if body.invoice_id == Some(invoice) => {
                    (-figure(body.amount), -optional(body.tax))
                }
                Body::InvoiceCredited(body) if own => (figure(body.amount), figure(body.tax)),
                Body::InvoiceCancelled(body) if own => (figure(body.amount), figure(body.tax)),
                Body::InvoicePaid(body) if own && body.offline => (figure(body.amount), figure(body.tax)),
                Body::AdjustmentPosted(body) => {
                    let its = body.lines.0.iter().filter(|line| line.account == R && line.open_item == Some(invoice));
                    (-its.map(|line| figure(line.amount)).sum::<i128>(), 0)
                }
                _ => continue,
            };
            outstanding -= less;
            tax += its_tax;
        }
        (outstanding, tax)
    }

    fn law_6_clearing_accounts_are_the_sums_of_their_items(&self) {
        let accounts = [D, P, B, O, S];
        let held = self.held(&accounts);
        assert_eq!(held, self.items_of(&accounts), "items of disputes, payouts, bank, offline and suspense");
        for account in accounts {
            let lines: i128 = self.lines().filter(|line| line.account == account).map(|line| figure(line.amount)).sum();
            let items: i128 = held.iter().filter(|((of, _), _)| *of == account).map(|(_, sum)| sum).sum();
            assert_eq!(lines, items, "{account}");
        }
        // A dispute that closes holds nothing, unless a person let it close without its opening.
        for (at, event) in self.events.iter().enumerate() {
            let closed = matches!(event.fact.body, Body::ChargebackClosed(_)) && event.record.no_lines.is_none();
            if closed {
                let lines = self.events[..=at].iter().flat_map(|event| &event.record.lines.0);
                let its = lines.filter(|line| line.account == D && line.open_item == Some(event.fact.subject));
                assert_eq!(its.map(|line| figure(line.amount)).sum::<i128>(), 0, "a closed dispute");
            }
        }
    }

    fn law_7_a_withheld_event_has_one_discrepancy(&self) {
        for event in self.events.iter().filter(|event| event.record.no_lines == Some(NoLines::Withheld)) {
            let id = event.record.event_id;
            let holds = self.raised().filter(|body| body.about == Some(id) && body.other_fact.is_none());
            assert_eq!(holds.count(), 1, "discrepancies of the withheld event at {}", event.record.position);
            assert!(event.record.lines.0.is_empty() && event.record.posting_key.is_none());
        }
    }

    fn law_8_one_posting_a_key(&self) {
        let (mut ids, mut keys, mut operators) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut undone: BTreeMap<EventId, i128> = BTreeMap::new();
        let mut reversed = BTreeSet::new();
        for (position, event) in (1..).zip(&self.events) {
            let record = &event.record;
            assert_eq!(record.position, position);
            assert!(ids.insert(record.event_id), "an event id twice, at {position}");
            assert_eq!(record.posting_key.is_some(), !record.lines.0.is_empty(), "the posting key at {position}");
            if let Some(key) = record.posting_key {
                assert_eq!(event.fact.posting_key(BOOK), Some(key));
                assert!(keys.insert(key.0), "a posting key twice, at {position}");
            }
            assert!(record.operator_key.is_none_or(|key| operators.insert(key.0)), "an operator key twice");
            match &event.fact.body {
                Body::PaymentAllocated(body) => drop(undone.insert(record.event_id, figure(body.amount))),
                Body::PaymentDeallocated(body) => {
                    let left = undone.get_mut(&body.allocation).expect("undone before it was made");
                    *left -= figure(body.amount);
                    assert!(*left >= 0, "an allocation undone twice, at {position}");
                }
                Body::AdjustmentPosted(body) => {
                    let once = body.reversal_of.is_none_or(|of| reversed.insert(of));
                    assert!(once, "an entry reversed twice, at {position}");
                }
                _ => {}
            }
        }
    }

    /// posted and held by the lines, reserved by the requests that have not ended.
    fn wallets_follow_from_the_events(&self, known: &Known) {
        let mut figures: BTreeMap<WalletId, [i128; 3]> = [(WALLET, [0; 3]), (WALLET2, [0; 3])].into();
        for line in self.lines() {
            if let Some((wallet, at)) = part(&line.account) {
                figures.entry(wallet).or_default()[at] += figure(line.amount);
            }
        }
        for (_, (wallet, reserve)) in self.reservations(self.events.len()) {
            figures.entry(wallet).or_default()[2] += reserve;
        }
        for (wallet, sums) in figures {
            let row = known.wallets[&wallet];
            assert_eq!([row.posted, row.held, row.reserved].map(figure), sums, "posted, held, reserved of {wallet}");
        }
    }

    /// Requests that stand after so many events.
    fn reservations(&self, size: usize) -> BTreeMap<(SubjectId, u32), (WalletId, i128)> {
        let mut open = BTreeMap::new();
        for event in &self.events[..size] {
            if event.record.no_lines == Some(NoLines::Withheld) {
                continue;
            }
            let fact = self.accepted(event).unwrap_or(&event.fact);
            let attempt = match &fact.body {
                Body::PayoutRequested(body) => (body.attempt, Some(body.reserve)),
                Body::WithdrawalRequested(body) => (body.attempt, Some(body.reserve)),
                Body::RefundRequested(body) => (body.attempt, Some(body.reserve)),
                Body::PayoutFailed(body) if body.is_final => (body.attempt, None),
                Body::WithdrawalFailed(body) if body.is_final => (body.attempt, None),
                Body::RefundFailed(body) if body.is_final => (body.attempt, None),
                Body::PayoutSucceeded(body) if body.attempt.is_some() => (body.attempt.unwrap(), None),
                Body::WithdrawalSucceeded(body) if body.attempt.is_some() => (body.attempt.unwrap(), None),
                Body::RefundSucceeded(body) if body.attempt.is_some() => (body.attempt.unwrap(), None),
                _ => continue,
            };
            match attempt {
                (attempt, Some(reserve)) => {
                    let before = open.insert((fact.subject, attempt), (fact.wallet.unwrap(), figure(reserve)));
                    assert!(before.is_none(), "an attempt reserved twice");
                }
                (attempt, None) => drop(open.remove(&(fact.subject, attempt))),
            }
        }
        open
    }

    fn requests_were_never_above_what_was_available(&self) {
        for (at, event) in self.events.iter().enumerate() {
            let reserve = match &event.fact.body {
                Body::PayoutRequested(body) => body.reserve,
                Body::WithdrawalRequested(body) => body.reserve,
                Body::RefundRequested(body) => body.reserve,
                _ => continue,
            };
            let lines = self.events[..at].iter().flat_map(|event| &event.record.lines.0);
            let posted: i128 = lines
                .filter(|line| part(&line.account) == Some((event.fact.wallet.unwrap(), 0)))
                .map(|line| figure(line.amount))
                .sum();
            let open = self.reservations(at);
            let reserved: i128 =
                open.values().filter(|(wallet, _)| Some(*wallet) == event.fact.wallet).map(|(_, sum)| sum).sum();
            assert!(posted - reserved >= figure(reserve), "the request at {}", event.record.position);
        }
    }
}

fn clearing(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Payment => C,
        ItemKind::Payout => P,
        ItemKind::Transfer => B,
        ItemKind::Offline => O,
    }
}

/// A wallet's account: whose, and 0 for what is spendable, 1 for what is held.
fn part(account: &str) -> Option<(WalletId, usize)> {
    match account {
        "assets:wallet:main:w" => Some((WALLET, 0)),
        "assets:held:main:w" => Some((WALLET, 1)),
        "assets:wallet:main:w2" => Some((WALLET2, 0)),
        "assets:held:main:w2" => Some((WALLET2, 1)),
        _ => None,
    }
}
