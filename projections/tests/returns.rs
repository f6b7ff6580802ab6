//! What goes back: refunds and disputes beside their payments, in every order; and payments that change their mind.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use ensimbi_events::word::{Direction, Verdict};
use ensimbi_events::words::dispute::{ChargebackClosed, ChargebackOpened};
use ensimbi_events::words::invoice::{InvoiceExpired, InvoicePaymentStarted, InvoicePublished};
use ensimbi_events::words::payment::{
    CollectionAuthorised, CollectionFailed, CollectionPending, CollectionSucceeded, CollectionVoided, RefundFailed,
    RefundRequested, RefundReversed, RefundSucceeded,
};
use ensimbi_events::words::wallet::StatementLineReported;
use ensimbi_events::{Amount, Body, Fact, NoLines, SubjectKind, Time};
use ensimbi_projections::payments::{DisputeRow, DisputeState, PaymentKind, PaymentRow, PaymentState};
use ensimbi_projections::query::{DisputesQuery, PaymentDetail, PaymentsQuery};
use ensimbi_projections::{InvoicesView, PaymentsView, Projector, Views, all};
use support::story::Dice;
use support::{
    BOOK, C, Database, F_PROVIDER, MemoryBook, Place, START, W, amount, decided, fact, on_both, requested, scripted,
    subject, succeeded,
};

const D: &str = "assets:disputed:main";

/// A book, projected in pages of two; every look at it also compares it with a rebuild in large pages.
struct Told {
    book: Arc<MemoryBook>,
    projector: Projector,
    views: Views,
    minute: i64,
}

impl Told {
    async fn new(place: &Place) -> Self {
        let book = Arc::new(scripted(0));
        let projector = Projector::new(place.open().await, book.clone(), all()).with_page(2);
        let views = Views::new(projector.store().clone());
        Self { book, projector, views, minute: 2_000 }
    }

    fn push(&mut self, fact: Fact, lines: &[(String, String)]) -> u64 {
        self.minute += 1;
        self.book.push_on(fact, self.minute, None, lines)
    }

    fn say(&mut self, n: u128, kind: SubjectKind, body: impl Into<Body>, lines: &[(&str, &str)]) -> u64 {
        let lines: Vec<_> = lines.iter().map(|(account, value)| ((*account).to_owned(), (*value).to_owned())).collect();
        self.push(fact(subject(n), kind, body), &lines)
    }

    fn pays(&mut self, n: u128, gross: &str) {
        let lines = [(W, gross), (C, &*format!("-{gross}"))];
        self.say(n, SubjectKind::Payment, succeeded(gross, gross, Vec::new()), &lines);
    }

    async fn detail(&self, n: u128) -> Option<PaymentDetail> {
        for progress in self.projector.catch_up(BOOK).await.unwrap() {
            assert_eq!((progress.lag, progress.stop), (0, None), "{}", progress.projection);
        }
        self.views.payment_detail(BOOK, subject(n)).await.unwrap().value
    }

    async fn payment(&self, n: u128) -> PaymentRow {
        self.detail(n).await.unwrap().payment
    }

    async fn dispute(&self, n: u128) -> DisputeRow {
        self.projector.catch_up(BOOK).await.unwrap();
        self.views.dispute(BOOK, subject(n)).await.unwrap().value.unwrap()
    }

    async fn rebuilds(&self) {
        let large = Projector::new(self.projector.store().clone(), self.book.clone(), all()).with_page(1_000);
        for report in large.rebuild(None, None, &|_| {}).await.unwrap() {
            assert_eq!(report.equal, Some(true), "{}", report.projection);
        }
    }
}

fn refunded(payment: u128, value: &str) -> RefundSucceeded {
    RefundSucceeded {
        payment_id: subject(payment),
        amount: amount(value),
        wallet_debit: amount(value),
        attempt: Some(1),
        fees: Vec::new(),
        returned: Vec::new(),
    }
}

fn bounced(payment: u128, value: &str) -> RefundReversed {
    let (payment_id, amount) = (subject(payment), amount(value));
    RefundReversed { payment_id, amount, wallet_credit: amount, returned: Vec::new() }
}

fn opened(payment: u128, value: &str) -> ChargebackOpened {
    let (payment_id, amount) = (subject(payment), amount(value));
    ChargebackOpened { payment_id, amount, debited: amount, fees: Vec::new() }
}

fn closed(payment: u128, won: &str, lost: &str) -> ChargebackClosed {
    ChargebackClosed {
        payment_id: subject(payment),
        won: amount(won),
        lost: amount(lost),
        debited_now: Amount::ZERO,
        fees: Vec::new(),
        returned: Vec::new(),
    }
}

async fn a_payment_can_change_its_mind_until_it_is_over(database: Database) {
    use PaymentState::{Authorised, Failed, Pending, Requested, Succeeded, Voided};
    let place = Place::new(database).await;
    let mut told = Told::new(&place).await;
    let kind = SubjectKind::Payment;
    let failed = |is_final, reason: &str| {
        let reason = reason.to_owned();
        CollectionFailed { amount: amount("700"), is_final, reason, fee_bearer: None, invoice_id: None }
    };
    let check = async |told: &Told, n: u128, state, is_final| {
        let row = told.payment(n).await;
        assert_eq!((row.state, row.is_final), (state, is_final), "{row:?}");
        row
    };
    told.say(1, kind, requested("700"), &[]);
    check(&told, 1, Requested, false).await;
    told.say(1, kind, failed(false, "expired"), &[]);
    assert_eq!(check(&told, 1, Failed, false).await.reason.as_deref(), Some("expired"));
    told.say(1, kind, CollectionPending { amount: amount("700"), fee_bearer: None, invoice_id: None }, &[]);
    assert_eq!(check(&told, 1, Pending, false).await.reason, None);
    told.say(1, kind, failed(false, "error"), &[]);
    told.pays(1, "700");
    let row = check(&told, 1, Succeeded, true).await;
    assert_eq!((row.left(), row.refundable()), (Some(amount("700")), Some(amount("700"))));
    assert_eq!(row.reason, None);

    told.say(2, kind, CollectionAuthorised { amount: amount("700"), fee_bearer: None, invoice_id: None }, &[]);
    check(&told, 2, Authorised, false).await;
    told.say(2, kind, CollectionVoided { amount: amount("700"), fee_bearer: None, invoice_id: None }, &[]);
    check(&told, 2, Voided, true).await;

    // A part of what was authorised is captured; some of it is withheld until a day that the provider names.
    told.say(3, kind, CollectionAuthorised { amount: amount("700"), fee_bearer: None, invoice_id: None }, &[]);
    let until = Some(Time::from_micros(START + 90_000 * 60_000_000));
    let body =
        CollectionSucceeded { held: Some(amount("50")), held_until: until, ..succeeded("500", "450", Vec::new()) };
    told.say(3, kind, body, &[(W, "450"), ("assets:held:main:w1", "50"), (C, "-500")]);
    let row = check(&told, 3, Succeeded, true).await;
    assert_eq!((row.amount, row.gross), (Some(amount("700")), Some(amount("500"))));
    assert_eq!((row.held, row.held_until), (Some(amount("50")), until));

    // A line of a statement alone is no payment; beside one it changes nothing but when it was last heard of.
    let line = |id: &str| StatementLineReported {
        row_id: id.into(),
        direction: Direction::In,
        amount: amount("700"),
        category: "purchase".into(),
        balance: None,
    };
    told.say(4, kind, line("l-4"), &[]);
    assert_eq!(told.detail(4).await, None);
    let before = told.payment(3).await;
    let position = told.say(3, kind, line("l-3"), &[]);
    assert_eq!(told.payment(3).await, PaymentRow { last_position: position, ..before });
    told.pays(4, "700");
    check(&told, 4, Succeeded, true).await;
    told.rebuilds().await;
}

async fn a_refund_has_a_life_of_its_own_and_counts_on_its_payment(database: Database) {
    let place = Place::new(database).await;
    let mut told = Told::new(&place).await;
    let kind = SubjectKind::Refund;
    told.pays(10, "10000");
    let ask = |attempt| {
        let (payment_id, amount, reserve) = (subject(10), amount("4000"), amount("4100"));
        RefundRequested { payment_id, attempt, amount, reserve }
    };
    told.say(11, kind, ask(1), &[]);
    let check = async |told: &Told, state, counted: &str| {
        let PaymentDetail { payment, refunds, .. } = told.detail(10).await.unwrap();
        let [refund] = &refunds[..] else { panic!("{refunds:?}") };
        assert_eq!((refund.kind, refund.state, refund.parent), (PaymentKind::Refund, state, Some(subject(10))));
        assert_eq!((refund.amount, payment.refunded), (Some(amount("4000")), amount(counted)));
        assert_eq!(payment.left(), amount("10000").checked_sub(amount(counted)));
        assert_eq!(payment.state, PaymentState::Succeeded);
    };
    check(&told, PaymentState::Requested, "0").await;
    let refused = |attempt, is_final| {
        let (amount, reason) = (amount("4000"), "purchase_refund_error".to_owned());
        RefundFailed { attempt, amount, is_final, reason }
    };
    told.say(11, kind, refused(1, true), &[]);
    check(&told, PaymentState::Failed, "0").await;
    told.say(11, kind, ask(2), &[]);
    check(&told, PaymentState::Requested, "0").await;
    let body = RefundSucceeded { attempt: Some(2), ..refunded(10, "4000") };
    told.say(11, kind, body, &[(&*format!("{C}#10"), "4000"), (W, "-4000")]);
    check(&told, PaymentState::Succeeded, "4000").await;
    told.say(11, kind, bounced(10, "4000"), &[(&*format!("{C}#10"), "-4000"), (W, "4000")]);
    check(&told, PaymentState::Reversed, "0").await;
    let only = PaymentsQuery { parent: Some(subject(10)), limit: 5, ..PaymentsQuery::default() };
    assert_eq!(told.views.payments(BOOK, &only).await.unwrap().items.len(), 1);

    // Before the opening nothing has lines, and money went back all the same.
    let (say, minute) = (fact(subject(12), kind, refunded(10, "1000")), told.minute);
    told.book.push(say, minute, Some(NoLines::BeforeOpening), &[]);
    assert_eq!(told.payment(10).await.refunded, amount("1000"));
    told.rebuilds().await;
}

async fn a_refund_that_was_told_before_its_payment_counts_once_it_is_accepted(database: Database) {
    let place = Place::new(database).await;
    let mut told = Told::new(&place).await;
    let kind = SubjectKind::Refund;
    let (_, first) = told.book.withhold(fact(subject(21), kind, refunded(20, "300")), told.minute);
    let (_, second) = told.book.withhold(fact(subject(21), kind, bounced(20, "300")), told.minute);
    told.pays(20, "1000");
    let detail = told.detail(20).await.unwrap();
    assert_eq!((detail.refunds[0].state, detail.payment.refunded), (PaymentState::Withheld, Amount::ZERO));
    told.say(21, kind, decided(first, Verdict::Accept), &[(&*format!("{C}#20"), "300"), (W, "-300")]);
    let detail = told.detail(20).await.unwrap();
    assert_eq!((detail.refunds[0].state, detail.payment.refunded), (PaymentState::Succeeded, amount("300")));
    assert_eq!(detail.payment.left(), Some(amount("700")));
    told.say(21, kind, decided(second, Verdict::Accept), &[(&*format!("{C}#20"), "-300"), (W, "300")]);
    let detail = told.detail(20).await.unwrap();
    assert_eq!((detail.refunds[0].state, detail.refunds[0].reversed), (PaymentState::Reversed, amount("300")));
    assert_eq!(detail.payment.refunded, Amount::ZERO);
    told.rebuilds().await;
}

async fn a_dispute_is_open_then_lost_or_won(database: Database) {
    let place = Place::new(database).await;
    let mut told = Told::new(&place).await;
    let kind = SubjectKind::Dispute;
    told.pays(30, "10000");
    let lines = [(D, "10000"), (F_PROVIDER, "500"), (W, "-10500")];
    let first = told.say(31, kind, opened(30, "10000"), &lines);
    let row = told.dispute(31).await;
    assert_eq!((row.state, row.payment, row.amount), (DisputeState::Open, subject(30), amount("10000")));
    assert_eq!((row.open, row.lost, row.wallet_change), (amount("10000"), Amount::ZERO, amount("-10500")));
    assert_eq!((row.provider.as_deref(), row.first_position), (Some("acme"), first));
    let payment = told.payment(30).await;
    assert_eq!((payment.disputed, payment.lost), (amount("10000"), Amount::ZERO));
    // The ledger counts only what is lost; what is disputed is not sent back a second time.
    assert_eq!((payment.left(), payment.refundable()), (Some(amount("10000")), Some(Amount::ZERO)));
    let lines = [(D, "-10000"), (&*format!("{C}#30"), "4000"), (W, "6000")];
    told.say(31, kind, closed(30, "6000", "4000"), &lines);
    let row = told.dispute(31).await;
    assert_eq!((row.state, row.open, row.lost), (DisputeState::Lost, Amount::ZERO, amount("4000")));
    assert_eq!(row.wallet_change, amount("-4500"));
    let detail = told.detail(30).await.unwrap();
    assert_eq!((detail.payment.disputed, detail.payment.lost), (Amount::ZERO, amount("4000")));
    assert_eq!(detail.payment.refundable(), Some(amount("6000")));
    assert_eq!(detail.disputes, [row]);

    // Opened again about the rest, and won.
    told.say(31, kind, opened(30, "1000"), &[(D, "1000"), (W, "-1000")]);
    assert_eq!(told.dispute(31).await.state, DisputeState::Open);
    told.say(31, kind, closed(30, "1000", "0"), &[(D, "-1000"), (W, "1000")]);
    let row = told.dispute(31).await;
    assert_eq!((row.amount, row.open, row.lost), (amount("11000"), Amount::ZERO, amount("4000")));
    told.pays(32, "500");
    told.say(33, kind, opened(32, "500"), &[(D, "500"), (W, "-500")]);
    told.say(33, kind, closed(32, "500", "0"), &[(D, "-500"), (W, "500")]);
    assert_eq!(told.dispute(33).await.state, DisputeState::Won);

    let found = async |query: DisputesQuery| {
        let page = told.views.disputes(BOOK, &DisputesQuery { limit: 1, ..query }).await.unwrap();
        (page.items.iter().map(|row| row.dispute).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(found(DisputesQuery::default()).await, (vec![subject(33)], true));
    let payment = Some(subject(30));
    assert_eq!(found(DisputesQuery { payment, ..DisputesQuery::default() }).await, (vec![subject(31)], false));
    let state = Some(DisputeState::Open);
    assert_eq!(found(DisputesQuery { state, ..DisputesQuery::default() }).await, (vec![], false));
    let before = Some(first);
    assert_eq!(found(DisputesQuery { before, ..DisputesQuery::default() }).await, (vec![], false));
    told.rebuilds().await;
}

async fn a_dispute_told_in_the_wrong_order_ends_the_same(database: Database) {
    let place = Place::new(database).await;
    let mut told = Told::new(&place).await;
    let kind = SubjectKind::Dispute;
    // Its end before its opening, and both before the payment.
    let (_, end) = told.book.withhold(fact(subject(41), kind, closed(40, "0", "700")), told.minute);
    let (_, start) = told.book.withhold(fact(subject(41), kind, opened(40, "700")), told.minute);
    assert_eq!(told.dispute(41).await.state, DisputeState::Withheld);
    told.pays(40, "700");
    told.say(41, kind, decided(start, Verdict::Accept), &[(D, "700"), (W, "-700")]);
    let row = told.dispute(41).await;
    assert_eq!((row.state, row.open, row.amount), (DisputeState::Open, amount("700"), amount("700")));
    assert_eq!(told.payment(40).await.disputed, amount("700"));
    told.say(41, kind, decided(end, Verdict::Accept), &[(D, "-700"), (&*format!("{C}#40"), "700")]);
    let row = told.dispute(41).await;
    assert_eq!((row.state, row.open, row.lost), (DisputeState::Lost, Amount::ZERO, amount("700")));
    assert_eq!((row.withheld, row.discrepancy), (None, None));
    let payment = told.payment(40).await;
    assert_eq!((payment.disputed, payment.lost, payment.left()), (Amount::ZERO, amount("700"), Some(Amount::ZERO)));

    // One that a person does not believe.
    let (_, doubt) = told.book.withhold(fact(subject(42), kind, opened(40, "900")), told.minute);
    told.say(42, kind, decided(doubt, Verdict::Reject), &[]);
    let row = told.dispute(42).await;
    assert_eq!((row.state, row.open, row.amount), (DisputeState::Rejected, Amount::ZERO, amount("900")));
    // Only an inquiry: nothing was taken, and nothing is lost.
    let inquiry = ChargebackOpened { debited: Amount::ZERO, ..opened(40, "700") };
    told.say(43, kind, inquiry, &[]);
    assert_eq!(told.dispute(43).await.state, DisputeState::Open);
    told.say(43, kind, closed(40, "0", "0"), &[]);
    assert_eq!(told.dispute(43).await.state, DisputeState::Won);
    told.rebuilds().await;
}

async fn what_went_back_is_what_the_words_add_up_to(database: Database) {
    let seeds = if database == Database::Sqlite { 0..3 } else { 3..4 };
    for seed in seeds {
        let place = Place::new(database).await;
        let mut told = Told::new(&place).await;
        let mut dice = Dice::new(seed);
        let mut sums = vec![[0_i64; 3]; 12];
        let mut open: Vec<(u128, usize, i64)> = Vec::new();
        for n in 0..12 {
            told.pays(1_000 + n, "9000");
        }
        for n in 0..150_u128 {
            let at = dice.below(12) as usize;
            let (payment, value) = (1_000 + at as u128, 1 + dice.below(50) as i64);
            let (text, item) = (value.to_string(), format!("{C}#{payment}"));
            let (plus, minus) = (text.clone(), format!("-{text}"));
            match dice.below(5) {
                0 => {
                    let kind = SubjectKind::Refund;
                    told.say(2_000 + n, kind, refunded(payment, &text), &[(&item, &plus), (W, &minus)]);
                    sums[at][0] += value;
                    if dice.below(2) == 0 {
                        told.say(2_000 + n, kind, bounced(payment, &text), &[(&item, &minus), (W, &plus)]);
                        sums[at][0] -= value;
                    }
                }
                1 => {
                    let say = fact(subject(2_000 + n), SubjectKind::Refund, refunded(payment, &text));
                    let (_, raised) = told.book.withhold(say, told.minute);
                    if dice.below(2) == 0 {
                        let accept = decided(raised, Verdict::Accept);
                        told.say(2_000 + n, SubjectKind::Refund, accept, &[(&item, &plus), (W, &minus)]);
                        sums[at][0] += value;
                    }
                }
                2 => {
                    told.say(2_000 + n, SubjectKind::Dispute, opened(payment, &text), &[(D, &plus), (W, &minus)]);
                    sums[at][1] += value;
                    open.push((2_000 + n, at, value));
                }
                3 => {
                    let say = fact(subject(2_000 + n), SubjectKind::Dispute, opened(payment, &text));
                    let (_, raised) = told.book.withhold(say, told.minute);
                    if dice.below(2) == 0 {
                        let accept = decided(raised, Verdict::Accept);
                        told.say(2_000 + n, SubjectKind::Dispute, accept, &[(D, &plus), (W, &minus)]);
                        sums[at][1] += value;
                        open.push((2_000 + n, at, value));
                    }
                }
                _ if open.is_empty() => {}
                _ => {
                    let (dispute, at, value) = open.swap_remove(dice.below(open.len() as u64) as usize);
                    let lost = dice.below(value as u64 + 1) as i64;
                    let (payment, won) = (1_000 + at as u128, (value - lost).to_string());
                    let (item, text, lost_text) = (format!("{C}#{payment}"), format!("-{value}"), lost.to_string());
                    let lines: Vec<(&str, &str)> = [(D, &*text), (&*item, &*lost_text), (W, &*won)]
                        .into_iter()
                        .filter(|(_, value)| *value != "0")
                        .collect();
                    let body = closed(payment, &won, &lost_text);
                    if dice.below(2) == 0 {
                        told.say(dispute, SubjectKind::Dispute, body, &lines);
                    } else {
                        let say = fact(subject(dispute), SubjectKind::Dispute, body);
                        let (_, raised) = told.book.withhold(say, told.minute);
                        told.say(dispute, SubjectKind::Dispute, decided(raised, Verdict::Accept), &lines);
                    }
                    sums[at][1] -= value;
                    sums[at][2] += lost;
                }
            }
        }
        for (at, expected) in sums.iter().enumerate() {
            let PaymentDetail { payment, disputes, .. } = told.detail(1_000 + at as u128).await.unwrap();
            let figures = [payment.refunded, payment.disputed, payment.lost];
            assert_eq!(figures.map(|figure| figure.scaled()), expected.map(|sum| sum * 10_000), "seed {seed}, {at}");
            let sum = |figure: fn(&DisputeRow) -> Amount| Amount::checked_sum(disputes.iter().map(figure)).unwrap();
            assert_eq!((sum(|row| row.open), sum(|row| row.lost)), (payment.disputed, payment.lost));
            for row in &disputes {
                assert_eq!(row.state == DisputeState::Open, row.open.is_positive(), "{row:?}");
                assert_eq!(row.state == DisputeState::Lost, row.lost.is_positive(), "{row:?}");
            }
        }
        told.rebuilds().await;
    }
}

async fn an_invoice_of_a_provider_shows_when_somebody_began_to_pay(database: Database) {
    let place = Place::new(database).await;
    let mut told = Told::new(&place).await;
    let kind = SubjectKind::Invoice;
    let recognition = ensimbi_events::word::Recognition::OnPayment;
    let body = InvoicePublished {
        total: amount("700"),
        tax: Amount::ZERO,
        recognition,
        due: Some("2026-02-01".into()),
        party_id: None,
    };
    told.say(50, kind, body, &[]);
    told.say(50, kind, InvoicePaymentStarted { payment_id: None }, &[]);
    let at = Time::from_micros(START + told.minute * 60_000_000);
    told.say(50, kind, InvoiceExpired {}, &[]);
    told.say(50, kind, InvoicePaymentStarted { payment_id: Some(subject(51)) }, &[]);
    told.projector.catch_up(BOOK).await.unwrap();
    let row = told.views.invoice(BOOK, subject(50)).await.unwrap().value.unwrap().invoice;
    assert_eq!((row.payment_started_at, row.state.as_str()), (Some(at), "expired"));
    assert!(row.expired_at > row.payment_started_at);
    told.rebuilds().await;
}

on_both! {
    a_payment_can_change_its_mind_until_it_is_over,
    a_refund_has_a_life_of_its_own_and_counts_on_its_payment,
    a_refund_that_was_told_before_its_payment_counts_once_it_is_accepted,
    a_dispute_is_open_then_lost_or_won,
    a_dispute_told_in_the_wrong_order_ends_the_same,
    what_went_back_is_what_the_words_add_up_to,
    an_invoice_of_a_provider_shows_when_somebody_began_to_pay,
}
