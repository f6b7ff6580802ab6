//! Invoices: what may follow what, the exact sum of the items, and refusals that name the field.

use ensimbi_events::bus::Outcome;
use ensimbi_events::word::Recognition::{self, OnPayment, OnPublish};
use ensimbi_events::words::invoice::{
    InvoiceCancelled, InvoiceCredited, InvoiceDrafted, InvoiceExpired, InvoiceItemAdded, InvoiceItemChanged,
    InvoiceItemRemoved, InvoicePublished,
};
use ensimbi_events::words::payment::CollectionSucceeded;
use ensimbi_events::{Amount, Body, Claim, Fact, NoLines, SubjectKind};
use ensimbi_ledger::writer::Writer;

use crate::common::say::{BOOK, Say, amount, subject};
use crate::common::{House, on_both_stores, recorded, tell};

on_both_stores!(
    an_invoice_goes_from_draft_to_published_with_the_exact_sum_of_its_items,
    what_an_item_may_be_is_bounded,
    a_draft_is_cancelled_without_lines,
    only_what_is_outstanding_is_cancelled_credited_or_expires,
    payments_after_expiry_count_and_after_cancellation_stay_open,
);

const INVOICE: u128 = 500;

/// Our own command about an invoice of ours: no connection, no wallet.
fn own(say: &Say, n: u128, occurrence: &str, body: impl Into<Body>) -> Claim {
    let fact = say.fact(SubjectKind::Invoice, subject(n), body);
    say.command(Fact { connection: None, wallet: None, occurrence: occurrence.to_owned(), ..fact })
}

fn added(id: &str, quantity: &str, unit: &str, tax: Option<&str>) -> InvoiceItemAdded {
    let (item_id, quantity) = (id.to_owned(), quantity.to_owned());
    InvoiceItemAdded { item_id, quantity, unit_amount: amount(unit), tax: tax.map(amount) }
}

fn published(total: &str, tax: &str, recognition: Recognition) -> InvoicePublished {
    let (total, tax) = (amount(total), amount(tax));
    InvoicePublished { total, tax, recognition, due: None, party_id: None }
}

fn cancelled(all: &str, recognition: Recognition) -> InvoiceCancelled {
    InvoiceCancelled { amount: amount(all), tax: Amount::ZERO, recognition }
}

/// The refusal's code and the field it names.
#[track_caller]
fn names(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused { code, detail } => format!("{code} {}", detail.split(':').next().unwrap()),
        Outcome::Recorded { events } => panic!("recorded as {} events", events.len()),
    }
}

async fn opened(house: &House) -> (Say, Writer) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start_with(&[("allocate.collection", "income:other")])).await;
    (say, writer)
}

async fn sums(house: &House) -> std::collections::BTreeMap<String, i128> {
    let (_, rows) = house.store.trial_balance(BOOK).await.unwrap();
    rows.into_iter().map(|row| (row.account, row.debit - row.credit)).collect()
}

async fn an_invoice_goes_from_draft_to_published_with_the_exact_sum_of_its_items(house: &House) {
    let (say, writer) = opened(house).await;
    let n = INVOICE;
    let changed = |quantity: &str| {
        let InvoiceItemAdded { item_id, unit_amount, tax, .. } = added("b", "1", "0.01", Some("0.005"));
        InvoiceItemChanged { item_id, quantity: quantity.to_owned(), unit_amount, tax }
    };
    let removed = InvoiceItemRemoved { item_id: "c".to_owned() };
    let steps: Vec<(Claim, &str)> = vec![
        (own(&say, n, "1", published("10", "0", OnPublish)), "wrong_state invoice_id"),
        (own(&say, n, "2", added("a", "1", "1", None)), "unknown_subject invoice_id"),
        (own(&say, n, "3", InvoiceDrafted { party_id: None }), ""),
        (own(&say, n, "4", InvoiceDrafted { party_id: None }), "wrong_state invoice_id"),
        (own(&say, n, "5", InvoiceExpired {}), "wrong_state invoice_id"),
        (own(&say, n, "6", added("a", "2.5", "40", Some("15"))), ""),
        (own(&say, n, "7", added("a", "1", "1", None)), "wrong_state item_id"),
        (own(&say, n, "8", changed("3")), "unknown_subject item_id"),
        (own(&say, n, "9", added("b", "1", "0.01", None)), ""),
        (own(&say, n, "10", changed("3")), ""),
        (own(&say, n, "11", removed.clone()), "unknown_subject item_id"),
        (own(&say, n, "12", added("c", "1", "5", None)), ""),
        (own(&say, n, "13", removed), ""),
        (own(&say, n, "14", published("100", "15.005", OnPublish)), "limit_exceeded total"),
        (own(&say, n, "15", published("100.03", "15", OnPublish)), "limit_exceeded tax"),
        (own(&say, n, "16", published("100.03", "15.005", OnPublish)), ""),
        (own(&say, n, "17", published("100.03", "15.005", OnPublish)), "wrong_state invoice_id"),
        (own(&say, n, "18", added("d", "1", "1", None)), "wrong_state invoice_id"),
    ];
    for (at, (claim, refusal)) in steps.iter().enumerate() {
        let answer = tell(&writer, claim.clone()).await;
        match *refusal {
            "" => assert_eq!(recorded(&answer), 1, "step {at}"),
            refusal => assert_eq!(names(&answer), refusal, "step {at}"),
        }
        if let (13, Outcome::Refused { detail, .. }) = (at, &answer) {
            assert_eq!(detail, "total: the items come to 100.03");
        }
    }
    let sums = sums(house).await;
    assert_eq!(
        [sums["assets:receivable"], sums["income:sales"], sums["liabilities:tax:output"]],
        [1_000_300, -850_250, -150_050]
    );
    // A provider's invoice may come published at once; its due date is a date.
    let due = |due: &str| InvoicePublished { due: Some(due.to_owned()), ..published("5", "0", OnPayment) };
    let theirs = |body: InvoicePublished| say.read(say.object(say.fact(SubjectKind::Invoice, subject(n + 1), body)));
    assert_eq!(names(&tell(&writer, theirs(due("3/6/2026"))).await), "malformed due");
    recorded(&tell(&writer, theirs(due("2026-06-03"))).await);
    house.assert_sound(BOOK).await;
}

async fn what_an_item_may_be_is_bounded(house: &House) {
    let (say, writer) = opened(house).await;
    recorded(&tell(&writer, own(&say, INVOICE, "0", InvoiceDrafted { party_id: None })).await);
    let long = "x".repeat(65);
    for (at, (item, refusal)) in [
        (added("", "1", "1", None), "malformed item_id"),
        (added(&long, "1", "1", None), "malformed item_id"),
        (added("a", "0", "1", None), "malformed quantity"),
        (added("a", "1.00001", "1", None), "malformed quantity"),
        (added("a", "1234567890123", "1", None), "malformed quantity"),
        (added("a", "1", "-1", None), "malformed unit_amount"),
        (added("a", "0.0001", "0.5", None), "limit_exceeded quantity"),
        (added("a", "1", "10", Some("10.0001")), "limit_exceeded tax"),
        (added("a", "1", "10", Some("-1")), "limit_exceeded tax"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(names(&tell(&writer, own(&say, INVOICE, &format!("a{at}"), item)).await), refusal, "item {at}");
    }
    let kes = Claim {
        fact: Fact {
            currency: Some("KES".parse().unwrap()),
            ..own(&say, INVOICE, "k", added("a", "1", "1", None)).fact
        },
        ..own(&say, INVOICE, "k", added("a", "1", "1", None))
    };
    assert_eq!(names(&tell(&writer, kes).await), "wrong_state currency");
    // 200 fit, one more does not; neither does a sum beyond the range.
    let most = "922337203685476";
    recorded(&tell(&writer, own(&say, INVOICE, "most", added("most", "1", most, None))).await);
    assert_eq!(
        names(&tell(&writer, own(&say, INVOICE, "over", added("over", "2", "1", None))).await),
        "limit_exceeded unit_amount"
    );
    let items = (1..200).map(|at| own(&say, INVOICE, &format!("i{at}"), added(&format!("i{at}"), "1", "0.001", None)));
    for answer in writer.submit(items.collect()).await {
        recorded(&answer.unwrap());
    }
    assert_eq!(
        names(&tell(&writer, own(&say, INVOICE, "201", added("201", "1", "0", None))).await),
        "limit_exceeded items"
    );
    house.assert_sound(BOOK).await;
}

async fn a_draft_is_cancelled_without_lines(house: &House) {
    let (say, writer) = opened(house).await;
    recorded(&tell(&writer, own(&say, INVOICE, "1", InvoiceDrafted { party_id: None })).await);
    recorded(&tell(&writer, own(&say, INVOICE, "2", added("a", "1", "10", None))).await);
    let answer = tell(&writer, own(&say, INVOICE, "3", cancelled("10", OnPublish))).await;
    assert_eq!(names(&answer), "limit_exceeded amount");
    assert_eq!(recorded(&tell(&writer, own(&say, INVOICE, "4", cancelled("0", OnPublish))).await), 1);
    let events = house.events(BOOK).await;
    assert_eq!(events.last().unwrap().0.record.no_lines, Some(NoLines::None));
    for (occurrence, body) in
        [("5", Body::from(published("10", "0", OnPublish))), ("6", cancelled("0", OnPublish).into())]
    {
        assert_eq!(names(&tell(&writer, own(&say, INVOICE, occurrence, body)).await), "wrong_state invoice_id");
    }
    house.assert_sound(BOOK).await;
}

fn paid(say: &Say, n: u128, gross: &str) -> Claim {
    let body = CollectionSucceeded { invoice_id: Some(subject(INVOICE)), ..say.success(gross, gross, &[]) };
    say.payment(n, body)
}

async fn only_what_is_outstanding_is_cancelled_credited_or_expires(house: &House) {
    let (say, writer) = opened(house).await;
    recorded(&tell(&writer, own(&say, INVOICE, "1", InvoiceDrafted { party_id: None })).await);
    recorded(&tell(&writer, own(&say, INVOICE, "2", published("100", "18", OnPublish))).await);
    assert_eq!(recorded(&tell(&writer, paid(&say, 1, "30")).await), 2);
    let credit =
        |all: &str, tax: &str| InvoiceCredited { amount: amount(all), tax: amount(tax), recognition: OnPublish };
    for (at, (body, refusal)) in [
        (Body::from(credit("70.0001", "0")), "limit_exceeded amount"),
        (credit("0", "0").into(), "limit_exceeded amount"),
        (credit("20", "18.0001").into(), "limit_exceeded tax"),
        (credit("20", "20.0001").into(), "limit_exceeded tax"),
        (InvoiceCredited { recognition: OnPayment, ..credit("20", "2") }.into(), "wrong_state recognition"),
        (cancelled("69", OnPublish).into(), "limit_exceeded amount"),
        (cancelled("71", OnPublish).into(), "limit_exceeded amount"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(names(&tell(&writer, own(&say, INVOICE, &format!("r{at}"), body)).await), refusal, "case {at}");
    }
    recorded(&tell(&writer, own(&say, INVOICE, "3", credit("20", "3"))).await);
    recorded(&tell(&writer, own(&say, INVOICE, "4", InvoiceExpired {})).await);
    assert_eq!(names(&tell(&writer, own(&say, INVOICE, "5", InvoiceExpired {})).await), "wrong_state invoice_id");
    recorded(&tell(&writer, own(&say, INVOICE, "6", cancelled("50", OnPublish))).await);
    for (occurrence, body) in
        [("7", Body::from(cancelled("50", OnPublish))), ("8", credit("1", "0").into()), ("9", InvoiceExpired {}.into())]
    {
        assert_eq!(names(&tell(&writer, own(&say, INVOICE, occurrence, body)).await), "wrong_state invoice_id");
    }
    // Another one is paid in full: nothing is left to cancel or to expire.
    let whole = |n: u128, occurrence: &str, body: Body| own(&say, n, occurrence, body);
    recorded(&tell(&writer, whole(510, "1", InvoiceDrafted { party_id: None }.into())).await);
    recorded(&tell(&writer, whole(510, "2", published("30", "0", OnPublish).into())).await);
    let body = CollectionSucceeded { invoice_id: Some(subject(510)), ..say.success("30", "30", &[]) };
    recorded(&tell(&writer, say.payment(2, body)).await);
    for (occurrence, body) in [("3", Body::from(cancelled("30", OnPublish))), ("4", InvoiceExpired {}.into())] {
        assert_eq!(names(&tell(&writer, whole(510, occurrence, body)).await), "wrong_state invoice_id");
    }
    assert_eq!(sums(house).await["assets:receivable"], 0);
    house.assert_sound(BOOK).await;
}

async fn payments_after_expiry_count_and_after_cancellation_stay_open(house: &House) {
    let (say, writer) = opened(house).await;
    recorded(&tell(&writer, own(&say, INVOICE, "1", InvoiceDrafted { party_id: None })).await);
    recorded(&tell(&writer, own(&say, INVOICE, "2", published("100", "18", OnPayment))).await);
    recorded(&tell(&writer, own(&say, INVOICE, "3", InvoiceExpired {})).await);
    assert_eq!(recorded(&tell(&writer, paid(&say, 1, "40")).await), 2, "late, and allocated all the same");
    let InvoiceCancelled { amount: all, recognition, .. } = cancelled("60", OnPayment);
    let body = InvoiceCancelled { amount: all, tax: amount("10"), recognition };
    recorded(&tell(&writer, own(&say, INVOICE, "4", body)).await);
    assert_eq!(recorded(&tell(&writer, paid(&say, 2, "60")).await), 1, "nothing is owed: it waits for a person");
    let sums_now = sums(house).await;
    assert_eq!(sums_now["liabilities:clearing:collections:main"], -600_000);
    assert_eq!(sums_now.get("income:other"), None);
    // The first payment goes back: that part is owed again, and can be paid or called off.
    recorded(&tell(&writer, say.reversed(1, "40", "40", &[])).await);
    recorded(&tell(&writer, own(&say, INVOICE, "5", cancelled("40", OnPayment))).await);
    house.assert_sound(BOOK).await;
}
