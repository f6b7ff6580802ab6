//! Fixed histories of invoices, discrepancies and open items, and how pages and filters answer.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::{ItemKind, Recognition, Side, Verdict};
use ensimbi_events::words::invoice::{
    InvoiceCancelled, InvoiceExpired, InvoicePaid, InvoicePublished, PaymentAllocated,
};
use ensimbi_events::{Amount, Body, BookId, Fact, PartyId, SubjectKind, Time, WalletId};
use ensimbi_projections::discrepancies::DiscrepancyState;
use ensimbi_projections::invoices::InvoiceState::{Cancelled, Expired, Paid, PartPaid, Published};
use ensimbi_projections::payments::PaymentKind;
use ensimbi_projections::query::{AgeingQuery, DiscrepanciesQuery, InvoicesQuery, OpenItemsQuery, PaymentsQuery};
use ensimbi_projections::{
    DiscrepanciesView, InvoicesView, OpenItemsView, PaymentsView, Projector, StopKind, Views, all,
};
use support::{
    BOOK, C, CONNECTION, Database, MemoryBook, Place, R, START, WALLET, amount, decided, event_id, fact, on_both,
    scripted, subject, succeeded,
};
use uuid::Uuid;

const SALES: &str = "income:sales";
const DAY: i64 = 24 * 60;

async fn projected(place: &Place, book: &Arc<MemoryBook>) -> (Projector, Views) {
    let projector = Projector::new(place.open().await, book.clone(), all()).with_page(3);
    for progress in projector.catch_up(BOOK).await.unwrap() {
        assert_eq!((progress.lag, progress.stop), (0, None), "{}", progress.projection);
    }
    let views = Views::new(projector.store().clone());
    (projector, views)
}

fn invoice(n: u128, body: impl Into<Body>) -> Fact {
    fact(subject(n), SubjectKind::Invoice, body)
}

fn publish(total: &str, tax: &str, recognition: Recognition, due: Option<&str>) -> InvoicePublished {
    let due = due.map(str::to_owned);
    InvoicePublished { total: amount(total), tax: amount(tax), recognition, due, party_id: None }
}

/// A payment that pays an invoice (`on_publish`), and what is allocated of it.
fn pay(book: &MemoryBook, payment: u128, invoice: u128, gross: &str, part: &str, minute: i64) {
    let negative = |text: &str| format!("-{text}");
    let body = succeeded(gross, gross, Vec::new());
    let lines = [("assets:bank:main".to_owned(), gross.to_owned()), (C.to_owned(), negative(gross))];
    book.push_on(fact(subject(payment), SubjectKind::Payment, body), minute, None, &lines);
    let body = PaymentAllocated {
        item: subject(payment),
        item_kind: ItemKind::Payment,
        item_side: Side::Credit,
        amount: amount(part),
        account: R.into(),
        invoice_id: Some(subject(invoice)),
        target_amount: None,
        tax: None,
        policy: None,
    };
    let lines = [(C.to_owned(), part.to_owned()), (format!("{R}#{invoice}"), negative(part))];
    book.push_on(fact(subject(payment), SubjectKind::Payment, body), minute, None, &lines);
}

async fn invoices_go_through_the_states_of_the_worked_numbers(database: Database) {
    let book = Arc::new(scripted(0));
    let place = Place::new(database).await;
    let (projector, views) = projected(&place, &book).await;
    let on_publish = Recognition::OnPublish;
    let check = async |n: u128, state, outstanding: &str, tax: &str| {
        projector.catch_up(BOOK).await.unwrap();
        let detail = views.invoice(BOOK, subject(n)).await.unwrap().value.unwrap();
        let row = detail.invoice;
        assert_eq!((row.state, row.outstanding, row.tax_allocated), (state, amount(outstanding), amount(tax)));
        detail.payments
    };
    // Number 15: part-paid, then overpaid; the excess is the payment's, not the invoice's.
    let lines = [(R, "118000"), (SALES, "-100000"), ("liabilities:tax:output", "-18000")];
    book.push(invoice(15, publish("118000", "18000", on_publish, None)), 2_000, None, &lines);
    check(15, Published, "118000", "0").await;
    pay(&book, 151, 15, "50000", "50000", 2_001);
    check(15, PartPaid, "68000", "0").await;
    pay(&book, 152, 15, "80000", "68000", 2_002);
    let payments = check(15, Paid, "0", "0").await;
    assert_eq!(
        payments.iter().map(|p| (p.payment, p.allocated)).collect::<Vec<_>>(),
        [(subject(151), amount("50000")), (subject(152), amount("68000"))]
    );
    let row = views.payment(BOOK, subject(152)).await.unwrap().value.unwrap();
    assert_eq!((row.open, row.allocated), (amount("12000"), amount("68000")));
    // Number 16: part-paid, the rest called off.
    let lines = [(R, "100000"), (SALES, "-100000")];
    book.push(invoice(16, publish("100000", "0", on_publish, None)), 2_003, None, &lines);
    pay(&book, 161, 16, "30000", "30000", 2_004);
    let body = InvoiceCancelled { amount: amount("70000"), tax: Amount::ZERO, recognition: on_publish };
    book.push(invoice(16, body), 2_005, None, &[(SALES, "70000"), (R, "-70000")]);
    check(16, Cancelled, "0", "0").await;
    // Number 17: expired, paid late.
    let on_payment = Recognition::OnPayment;
    book.push(invoice(17, publish("5900", "900", on_payment, None)), 2_006, None, &[]);
    book.push(invoice(17, InvoiceExpired {}), 2_007, None, &[]);
    check(17, Expired, "5900", "0").await;
    let body = PaymentAllocated {
        item: subject(171),
        item_kind: ItemKind::Payment,
        item_side: Side::Credit,
        amount: amount("5900"),
        account: SALES.into(),
        invoice_id: Some(subject(17)),
        target_amount: None,
        tax: Some(amount("900")),
        policy: None,
    };
    let lines = [(C, "5900"), (SALES, "-5000"), ("liabilities:tax:output", "-900")];
    book.push(fact(subject(171), SubjectKind::Payment, body), 2_008, None, &lines);
    check(17, Paid, "0", "900").await;
    // Number 25: paid without provider money; a provider's own word about it changes nothing.
    book.push(invoice(25, publish("40000", "0", on_publish, None)), 2_009, None, &[(R, "40000"), (SALES, "-40000")]);
    let told = |offline| InvoicePaid { offline, amount: amount("40000"), tax: Amount::ZERO, recognition: on_publish };
    book.push(invoice(25, told(false)), 2_010, None, &[]);
    check(25, Published, "40000", "0").await;
    book.push(invoice(25, told(true)), 2_011, None, &[("assets:clearing:offline", "40000"), (R, "-40000")]);
    check(25, Paid, "0", "0").await;
    let row = views.invoice(BOOK, subject(25)).await.unwrap().value.unwrap().invoice;
    let at = Time::from_micros(START + 2_011 * 60_000_000);
    assert_eq!((row.paid_at, row.state_since, row.paid()), (Some(at), at, Some(amount("40000"))));

    // A second publication is a contradiction: it stops there, and nothing else does.
    let bad = book.push(invoice(25, publish("1", "0", on_publish, None)), 2_012, None, &[(R, "1"), (SALES, "-1")]);
    let progress = projector.catch_up(BOOK).await.unwrap();
    let stopped: Vec<_> = progress.iter().filter_map(|p| Some((p.projection, p.stop.clone()?.position))).collect();
    assert_eq!(stopped, [("invoices", bad)]);
    assert_eq!(progress[3].stop.clone().unwrap().kind, StopKind::Poison);
}

async fn lateness_is_counted_in_the_days_of_a_zone(database: Database) {
    let book = Arc::new(scripted(0));
    let place = Place::new(database).await;
    let on_publish = Recognition::OnPublish;
    // Due on the day itself, on days at the edges of the buckets, and without a due date.
    let dues = [Some("2026-06-30"), Some("2026-06-29"), Some("2026-05-31"), Some("2026-05-30"), Some("2026-05-01")];
    let dues = dues.into_iter().chain([Some("2026-04-30"), Some("2026-04-01"), Some("2026-03-31"), None, None]);
    for (n, due) in (0..).zip(dues) {
        // The last but one is published at 22:30 UTC of 29 June, which is the 30th in Kampala.
        let minute = if n == 8 { 179 * DAY + 22 * 60 + 30 } else { 100 * DAY };
        let lines = [(R, "10"), (SALES, "-10")];
        book.push(invoice(100 + n, publish("10", "0", on_publish, due)), minute, None, &lines);
    }
    // 21:30 UTC of 29 June is 00:30 of 30 June in Kampala.
    let until = 179 * DAY + 21 * 60 + 30;
    book.push(invoice(100, InvoicePaid { offline: false, ..paid_nothing() }), until, None, &[]);
    let (_, views) = projected(&place, &book).await;
    let ageing = async |zone: Option<&str>, as_at: Option<&str>| {
        let zone = zone.map(|zone| jiff::tz::TimeZone::get(zone).unwrap());
        let query = AgeingQuery { zone, as_at: as_at.map(|at| at.parse().unwrap()) };
        let ageing = views.ageing(BOOK, &query).await.unwrap().value;
        assert_eq!(ageing.rows.len(), 1);
        let row = &ageing.rows[0];
        assert_eq!((row.invoices, row.outstanding, row.receivable), (11, 2_000_000, 2_000_000));
        let counts: Vec<u64> = row.buckets.iter().map(|bucket| bucket.2).collect();
        (ageing.day.unwrap().tz, counts)
    };
    let kampala = "Africa/Kampala".to_owned();
    // As of the last event, in the book's zone: 30 June. The one without a date since 11 April is 80 days late.
    assert_eq!(ageing(None, None).await, (kampala.clone(), vec![2, 2, 2, 3, 2]));
    // The same moment is still 29 June in UTC: everything is a day younger, but publication days move as well.
    assert_eq!(ageing(Some("UTC"), None).await, ("UTC".to_owned(), vec![3, 2, 2, 3, 1]));
    assert_eq!(ageing(None, Some("2026-12-31T12:00:00Z")).await, (kampala, vec![0, 0, 0, 0, 11]));
    let late = InvoicesQuery { overdue: Some(true), limit: 500, ..InvoicesQuery::default() };
    assert_eq!(views.invoices(BOOK, &late).await.unwrap().page.items.len(), 9);
}

fn paid_nothing() -> InvoicePaid {
    InvoicePaid { offline: false, amount: amount("10"), tax: Amount::ZERO, recognition: Recognition::OnPublish }
}

async fn lists_answer_what_was_asked_and_nothing_of_other_books(database: Database) {
    let book = Arc::new(scripted(5));
    let party = PartyId(Uuid::from_u128(0xbeef));
    let on_publish = Recognition::OnPublish;
    let body = InvoicePublished { party_id: Some(party), ..publish("10", "0", on_publish, None) };
    book.push(invoice(300, body), 2_000, None, &[(R, "10"), (SALES, "-10")]);
    book.push(invoice(301, publish("20", "0", on_publish, None)), 2_001, None, &[(R, "20"), (SALES, "-20")]);
    let mut success = succeeded("7", "7", Vec::new());
    success.invoice_id = Some(subject(301));
    book.push(fact(subject(302), SubjectKind::Payment, success), 2_002, None, &[(C, "-7"), (SALES, "7")]);
    let place = Place::new(database).await;
    let (_, views) = projected(&place, &book).await;
    let found = async |query: InvoicesQuery| {
        let list = views.invoices(BOOK, &InvoicesQuery { limit: 500, ..query }).await.unwrap();
        list.page.items.iter().map(|row| row.invoice).collect::<Vec<_>>()
    };
    assert_eq!(found(InvoicesQuery::default()).await, [subject(301), subject(300), subject(8_000)]);
    assert_eq!(found(InvoicesQuery { party: Some(party), ..InvoicesQuery::default() }).await, [subject(300)]);
    assert_eq!(found(InvoicesQuery { state: Some(Paid), ..InvoicesQuery::default() }).await, []);
    let currency = Some(support::currency("KES"));
    assert_eq!(found(InvoicesQuery { currency, ..InvoicesQuery::default() }).await, []);

    let paid = async |query: PaymentsQuery| {
        let page = views.payments(BOOK, &PaymentsQuery { limit: 500, ..query }).await.unwrap();
        page.items.iter().map(|row| row.payment).collect::<Vec<_>>()
    };
    assert_eq!(paid(PaymentsQuery { invoice: Some(subject(301)), ..Default::default() }).await, [subject(302)]);
    assert_eq!(paid(PaymentsQuery { party: Some(party), ..Default::default() }).await, []);
    let at = |minute: i64| Some(Time::from_micros(START + minute * 60_000_000));
    let between = PaymentsQuery { from: at(2_002), to: at(2_003), ..Default::default() };
    assert_eq!(paid(between).await, [subject(302)]);
    let payouts = PaymentsQuery { kind: Some(PaymentKind::Payout), to: at(1_004), ..Default::default() };
    assert_eq!(paid(payouts).await, [subject(7_003)]);

    let doubts = async |query: DiscrepanciesQuery| {
        let page = views.discrepancies(BOOK, &DiscrepanciesQuery { limit: 1, ..query }).await.unwrap();
        assert!(!page.more);
        page.items
    };
    let one = doubts(DiscrepanciesQuery { wallet: Some(WALLET), ..Default::default() }).await.remove(0);
    assert_eq!((one.state, one.verdict), (DiscrepancyState::Resolved, Some(Verdict::Accept)));
    assert_eq!((one.subject, one.withheld_word.as_deref()), (subject(4), Some("CollectionSucceeded")));
    assert_eq!((one.actor_id.as_deref(), one.reason.as_deref()), (Some("u1"), Some("seen")));
    assert_eq!(one.stake, Some(amount("600")));
    for query in [
        DiscrepanciesQuery { kind: Some(DiscrepancyKind::AmountDiffers), ..Default::default() },
        DiscrepanciesQuery { connection: Some(CONNECTION), ..Default::default() },
        DiscrepanciesQuery { subject: Some(subject(4)), ..Default::default() },
        DiscrepanciesQuery { state: Some(DiscrepancyState::Resolved), ..Default::default() },
    ] {
        assert_eq!(doubts(query).await, std::slice::from_ref(&one));
    }
    for query in [
        DiscrepanciesQuery { kind: Some(DiscrepancyKind::LateSuccess), ..Default::default() },
        DiscrepanciesQuery { state: Some(DiscrepancyState::Open), ..Default::default() },
        DiscrepanciesQuery { wallet: Some(WalletId(Uuid::from_u128(5))), ..Default::default() },
        DiscrepanciesQuery { before: Some(one.position), ..Default::default() },
    ] {
        assert_eq!(doubts(query).await, []);
    }
    let accounts = async |query: OpenItemsQuery| {
        let list = views.open_items(BOOK, &OpenItemsQuery { limit: 500, ..query }).await.unwrap();
        assert_eq!(list.page.items.len() as u64, list.totals.iter().map(|total| total.items).sum::<u64>());
        list.totals.into_iter().map(|total| (total.account, total.items)).collect::<Vec<_>>()
    };
    let of_connection = OpenItemsQuery { connection: Some(CONNECTION), ..Default::default() };
    assert_eq!(accounts(of_connection).await, [(C.to_owned(), 4)]);
    assert_eq!(accounts(OpenItemsQuery::default()).await, [(R.to_owned(), 3), (C.to_owned(), 4)]);
    assert_eq!(accounts(OpenItemsQuery { currency, ..Default::default() }).await, []);

    let other = BookId(Uuid::from_u128(0xdead));
    assert!(views.invoices(other, &InvoicesQuery::default()).await.unwrap().page.items.is_empty());
    assert_eq!(views.invoice(other, subject(300)).await.unwrap().value, None);
    assert_eq!(views.discrepancy(other, one.discrepancy).await.unwrap().value, None);
    assert!(views.open_items(other, &OpenItemsQuery::default()).await.unwrap().totals.is_empty());
    assert!(views.ageing(other, &AgeingQuery::default()).await.unwrap().value.day.is_none());
    assert_eq!(views.discrepancy(BOOK, one.discrepancy).await.unwrap().value, Some(one));
}

async fn a_verdict_about_what_was_not_open_stops_the_list(database: Database) {
    let book = Arc::new(scripted(0));
    let about = fact(subject(1), SubjectKind::Payment, succeeded("600", "590", Vec::new()));
    let (_, raised) = book.withhold(about, 2_000);
    book.push(fact(subject(1), SubjectKind::Payment, decided(raised, Verdict::Reject)), 2_001, None, &[]);
    let again = book.push(fact(subject(1), SubjectKind::Payment, decided(raised, Verdict::Accept)), 2_002, None, &[]);
    let place = Place::new(database).await;
    let projector = Projector::new(place.open().await, book.clone(), all());
    let progress = projector.catch_up(BOOK).await.unwrap();
    let stopped: Vec<_> = progress.iter().filter_map(|p| Some((p.projection, p.stop.clone()?.position))).collect();
    assert_eq!(stopped, [("discrepancies", again)]);
    let views = Views::new(projector.store().clone());
    let row = views.discrepancy(BOOK, event_id(raised)).await.unwrap();
    assert_eq!((row.stamp.stopped_at, row.value.unwrap().verdict), (Some(again), Some(Verdict::Reject)));
}

on_both! {
    invoices_go_through_the_states_of_the_worked_numbers,
    lateness_is_counted_in_the_days_of_a_zone,
    lists_answer_what_was_asked_and_nothing_of_other_books,
    a_verdict_about_what_was_not_open_stops_the_list,
}
