//! What the bytes say: every fixture, and what holds for all of them.

use std::collections::BTreeSet;

use ensimbi_events::SubjectKind;
use ensimbi_events::codes::DiscrepancyKind;

use super::support::*;

#[test]
fn every_fixture_says_exactly_what_is_written_beside_it() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    let folder = folder();
    assert_eq!(folder.problems, Vec::<String>::new());
    for case in folder.cases {
        assert!(kinds().contains(&case.kind.as_str()), "{} is not declared", case.kind);
        let got = claims(&told(&case));
        if got != case.expected {
            wrong.push(format!("{}/{}: {got:#}", case.kind, case.name));
        }
        seen.insert(case.kind);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, kinds().iter().map(|kind| (*kind).to_owned()).collect(), "a kind without a fixture");
}

/// gross = net + merchant fees in its currency, and payer = gross + the payer's fees; wallet_debit = amount + merchant
/// fees (`bookkeeping.md` 2), in every fixture that is not doubted.
#[test]
fn sums_hold_in_every_reading_that_is_not_doubted() {
    let (mut collections, mut payouts, mut doubted) = (0, 0, 0);
    for case in cases() {
        let Ok(translation) = told(&case) else { continue };
        for said in translation.said {
            match &said.body {
                Body::CollectionSucceeded(_) | Body::PayoutSucceeded(_) if said.doubt.is_some() => doubted += 1,
                Body::CollectionSucceeded(body) => {
                    let sum = body.net.checked_add(borne(&body.fees, "merchant"));
                    assert_eq!(sum, Some(body.gross), "{}", case.name);
                    let payer = body.payer.filter(|payer| Some(payer.currency) == said.currency);
                    if let Some(payer) = payer {
                        let sum = body.gross.checked_add(borne(&body.fees, "payer"));
                        assert_eq!(sum, Some(payer.amount), "{}", case.name);
                    }
                    assert!(body.fees.iter().all(|fee| Some(fee.currency) == said.currency), "{}", case.name);
                    collections += 1;
                }
                Body::PayoutSucceeded(body) => {
                    let sum = body.amount.checked_add(borne(&body.fees, "merchant"));
                    assert_eq!(sum, Some(body.wallet_debit), "{}", case.name);
                    payouts += 1;
                }
                _ => {}
            }
        }
    }
    assert!(collections > 25 && payouts > 5 && doubted > 10, "{collections} {payouts} {doubted}");
}

/// The ledger takes an invoice whose published total is its items' (`ledger/src/decide/invoices.rs`).
#[test]
fn an_invoice_is_published_at_the_sum_of_its_items() {
    let (mut with_items, mut bare) = (0, 0);
    for case in cases() {
        let Ok(translation) = told(&case) else { continue };
        let mut items = Vec::new();
        for said in translation.said.iter().filter(|said| said.subject_kind == SubjectKind::Invoice) {
            assert!(said.wallet.is_none() && said.currency.is_some(), "{}", case.name);
            match &said.body {
                Body::InvoiceItemAdded(item) => {
                    assert_eq!(said.occurrence, item.item_id);
                    items.push(ensimbi_events::owed::line_total(&item.quantity, item.unit_amount).unwrap());
                }
                Body::InvoicePublished(body) if items.is_empty() => {
                    assert!(body.total.is_positive(), "{}", case.name);
                    assert!(translation.unknown.contains(&"items_not_derivable".to_owned()), "{}", case.name);
                    bare += 1;
                }
                Body::InvoicePublished(body) => {
                    assert_eq!(Amount::checked_sum(items.iter().copied()), Some(body.total), "{}", case.name);
                    with_items += 1;
                }
                _ => {}
            }
        }
    }
    assert!(with_items > 60 && bare > 3, "{with_items} {bare}");
}

/// What a source once said, each later state of it says again, in the same words.
#[test]
fn a_later_state_of_a_source_says_the_earlier_ones_again() {
    for family in ["invoice", "order"] {
        let facts = |state: &str| {
            let said = plain("source", &fixture(&format!("source/{family}_{state}.body"))).unwrap().said;
            said.into_iter().map(|said| (said.body, said.occurrence, said.currency)).collect::<Vec<_>>()
        };
        let [idle, active, processing, paid] = ["idle", "active", "processing", "paid"].map(facts);
        assert_eq!((idle.len(), active.len(), processing.len(), paid.len()), (1, 3, 4, 5), "{family}");
        for (earlier, later) in [(&idle, &active), (&active, &processing), (&processing, &paid)] {
            assert!(earlier.iter().all(|fact| later.contains(fact)), "{family}");
        }
        let cancelled = facts("canceled");
        assert!(active.iter().all(|fact| cancelled.contains(fact)) && cancelled.len() == 4, "{family}");
    }
}

/// The fees of a payment are one fact, whether the receipt came by itself, in a bundle, with the collection or with a
/// hosted checkout; and what began a source is one fact whoever tells it.
#[test]
fn a_fact_is_the_same_whichever_read_states_it() {
    let of = |kind: &str, name: &str, word: &str| {
        let said = plain(kind, &fixture(&format!("{kind}/{name}.body"))).unwrap().said;
        let said = said.into_iter().find(|said| said.body.word() == word).unwrap();
        (said.object.kind, said.object.id, said.body, said.occurrence, said.currency, said.links, said.doubt)
    };
    let fees = of("receipt", "payer_bears_example_12a", "FeesReported");
    assert_eq!(of("receipt", "in_a_bundle", "FeesReported"), fees);
    assert_eq!(of("collection", "with_its_receipt", "FeesReported"), fees);
    assert_eq!(of("hosted", "an_invoice", "FeesReported"), fees);
    assert_eq!(of("receipt", "order", "FeesReported"), of("hosted", "paid", "FeesReported"));
    let drafted = of("source", "invoice_paid", "InvoiceDrafted");
    for (kind, name) in [
        ("source", "made_invoice"),
        ("source", "made_created_only"),
        ("source", "invoice_idle"),
        ("collection", "status_pending"),
        ("hosted", "an_invoice"),
    ] {
        assert_eq!(of(kind, name, "InvoiceDrafted"), drafted, "{kind}/{name}");
    }
    let paid = of("collection", "payer_bears_example_12a", "CollectionSucceeded");
    for name in
        ["success_word_successful", "success_word_lower_case", "source_still_processing", "reference_in_capitals"]
    {
        assert_eq!(of("collection", name, "CollectionSucceeded"), paid, "{name}");
    }
    for name in ["failed", "canceled", "cancelled", "expired", "pending", "processing"] {
        let word = if name.starts_with('p') { "CollectionPending" } else { "CollectionFailed" };
        let lower = of("collection", &format!("status_{name}_lower_case"), word);
        assert_eq!(of("collection", &format!("status_{name}"), word), lower);
    }
}

/// A failure is final for its reference, and a source that fails twice has two failures.
#[test]
fn each_reference_fails_by_itself() {
    for (kind, name) in [("collection", "status_failed"), ("payout_status", "failed")] {
        let said = plain(kind, &fixture(&format!("{kind}/{name}.body"))).unwrap().said;
        let said = said.into_iter().find(|said| said.body.word().ends_with("Failed")).unwrap();
        assert_eq!(
            (Some(&said.occurrence), said.object.reference.as_ref()),
            (said.object.id.as_ref(), said.object.id.as_ref())
        );
    }
}

/// No answer to a call that carries out a collection states its money, whatever it says: the read with its source does.
#[test]
fn only_the_read_with_its_source_states_the_money_of_a_collection() {
    let mut bare = 0;
    for case in cases().into_iter().filter(|case| case.kind == "collection") {
        let bundle: Result<Value, _> = serde_json::from_slice(&case.body);
        let Some(execution) = bundle.ok().and_then(|bundle| bundle.get("execution").cloned()) else { continue };
        // Another execution in a collection's place is no collection: of a payout, its own answer states all there is.
        if execution.get("operation_type").is_some_and(|word| word == "PAYOUT") {
            assert!(told(&case).is_err(), "{}", case.name);
            continue;
        }
        let Ok(translation) = plain("execution", execution.to_string().as_bytes()) else { continue };
        assert!(translation.said.is_empty(), "{}", case.name);
        assert!(translation.watch.iter().all(|(_, watch)| *watch == Watch::Unsettled), "{}", case.name);
        bare += 1;
    }
    assert!(bare > 50, "{bare}");
}

/// An unknown word moves nothing, is counted, and is asked for again.
#[test]
fn a_status_that_nobody_knows_moves_no_money_and_is_asked_for_again() {
    let mut count = 0;
    for case in cases().into_iter().filter(|case| case.name.contains("status_unknown") || case.name == "unknown_status")
    {
        let translation = told(&case).unwrap();
        let invoices = translation.said.iter().all(|said| said.subject_kind == SubjectKind::Invoice);
        assert!(invoices && !translation.unknown.is_empty(), "{}/{}", case.kind, case.name);
        assert!(translation.watch.iter().all(|(_, watch)| *watch == Watch::Unsettled), "{}/{}", case.kind, case.name);
        count += 1;
    }
    assert!(count >= 10, "{count}");
}

/// Nothing is rounded: what does not fit the ledger is doubted where the rest can be told, and refused where it cannot.
#[test]
fn a_value_that_does_not_fit_is_doubted_or_refused_and_never_rounded() {
    let mut count = 0;
    for case in cases() {
        if !case.name.contains("too_fine") && !case.name.contains("out_of_range") {
            continue;
        }
        match told(&case) {
            Ok(translation) => {
                let doubt = Some(DiscrepancyKind::ValueDoesNotFit);
                assert!(translation.said.iter().any(|said| said.doubt == doubt), "{}/{}", case.kind, case.name);
            }
            Err(error) => assert!(error.problem.contains("4 decimal places"), "{}/{}: {error}", case.kind, case.name),
        }
        count += 1;
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn a_kind_nobody_declared_is_refused() {
    assert_eq!(plain("webhook", b"{}").unwrap_err().field, "kind");
}
