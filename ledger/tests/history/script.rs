//! One scripted order of claims gives one root on both stores, in any batches.

use ensimbi_events::word::Bearer::Merchant;
use ensimbi_events::word::Component::{Network, Provider};
use ensimbi_events::word::{EvidenceClass, Recognition};
use ensimbi_events::words::invoice::InvoicePublished;
use ensimbi_events::{Claim, Hash, SubjectKind};
use ensimbi_ledger::append::append;

use super::truths::refund;
use crate::common::House;
use crate::common::say::{BOOK, Say, amount, subject};

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
