//! What holds for all bytes of theirs. That each fixture says what is written beside it, the conformance suite sees.

use ensimbi_events::SubjectKind;

use super::support::*;

/// Whether a statement says that money moved.
fn is_money(body: &Body) -> bool {
    matches!(
        body,
        Body::CollectionSucceeded(_)
            | Body::PayoutSucceeded(_)
            | Body::RefundSucceeded(_)
            | Body::ChargebackOpened(_)
            | Body::ChargebackClosed(_)
            | Body::WalletMovementReported(_)
            | Body::PurseTransferred(_)
    )
}

#[test]
fn sandbox_money_never_reaches_a_live_book_nor_live_money_a_test_book() {
    let (mut kept_out, mut told) = (0, 0);
    for case in cases().into_iter().filter(|case| !matches!(case.kind.as_str(), "statement" | "balance")) {
        let text = String::from_utf8_lossy(&case.body).to_lowercase();
        let sandbox = text.contains(r#""operator": "sandbox""#) || text.contains(r#""is_test": true"#);
        for mode in [Mode::Live, Mode::Test] {
            let Ok(translation) = read(&case.kind, &case.body, &case.options, mode) else { continue };
            let money = translation.said.iter().filter(|said| is_money(&said.body));
            // A refund names no operator; the ledger knows whether its payment is of this book.
            let money = money.filter(|said| !matches!(said.subject_kind, SubjectKind::Refund | SubjectKind::Dispute));
            let money = money.count();
            if (mode == Mode::Live) == sandbox {
                assert_eq!(money, 0, "{}/{} {mode:?}", case.kind, case.name);
                kept_out += 1;
            }
            told += money;
        }
    }
    assert!(kept_out > 100 && told > 50, "{kept_out} {told}");
}

/// The read states the money, the push says the same and confirms it, the create answer says none.
#[test]
fn a_push_says_what_the_read_says_and_only_confirms_it() {
    for (kind, created, read_kind) in
        [("purchase", "purchase_created", "purchase_status"), ("payout", "payout_created", "payout_status")]
    {
        let mut compared = 0;
        for case in cases().into_iter().filter(|case| case.kind == read_kind) {
            let Ok(own) = case.read(&Paytota) else { continue };
            let Ok(pushed) = read("webhook", &case.body, &case.options, case.mode) else {
                // Only a push must name its type.
                assert_eq!(case.name, "type_absent");
                continue;
            };
            assert!(pushed.said.iter().all(|said| said.confirms), "{}", case.name);
            let bare = |said: &Said| Said { confirms: false, ..said.clone() };
            assert_eq!(pushed.said.iter().map(bare).collect::<Vec<_>>(), own.said, "{}", case.name);
            assert!(own.said.iter().all(|said| !said.confirms), "{}", case.name);
            let watched = |watch: &Watch| matches!(watch, Watch::Unsettled | Watch::Closed);
            assert!(pushed.watch.iter().all(|(of, watch)| of.kind == kind && watched(watch)), "{}", case.name);
            if let Ok(made) = read(created, &case.body, &case.options, case.mode) {
                let invoice = |said: &Said| said.subject_kind == SubjectKind::Invoice && !is_money(&said.body);
                assert!(made.said.iter().all(invoice), "{}", case.name);
            }
            compared += 1;
        }
        assert!(compared > 10, "{compared}");
    }
}

/// A refund's push, its answer and its statement line are one fact.
#[test]
fn a_refund_is_one_fact_whoever_tells_it() {
    for fee in ["on_top", "returned"] {
        let options: Options = [("refund_fee".to_owned(), fee.to_owned())].into();
        let told = |kind: &str, file: &str| {
            let translation = read(kind, &fixture(file), &options, Mode::Live).unwrap();
            translation.said.into_iter().find(|said| said.subject_kind == SubjectKind::Refund).unwrap()
        };
        let (pushed, answered) =
            (told("webhook", "webhook/refunded.body"), told("refund_answer", "refund_answer/payment.body"));
        assert_eq!(pushed, answered);
        let line = told("statement", "statement/one_of_each.body");
        assert_eq!((&line.body, &line.occurrence, line.object.kind), (&pushed.body, &pushed.occurrence, "payment"));
    }
}

/// gross = net + held + merchant fees; wallet_debit = amount + merchant fees - returned; beneficiary = amount - their fees
/// (`bookkeeping.md` 2), in every fixture that neither breaks its own sums nor is doubted.
#[test]
fn sums_hold_in_every_reading() {
    let (mut collections, mut payouts, mut refunds) = (0, 0, 0);
    for case in cases() {
        for (payout, refund) in [("on_top", "on_top"), ("inside", "returned")] {
            let mut options = case.options.clone();
            options.insert("payout_fee".to_owned(), payout.to_owned());
            options.insert("refund_fee".to_owned(), refund.to_owned());
            let Ok(translation) = read(&case.kind, &case.body, &options, case.mode) else { continue };
            for said in translation.said.iter().filter(|said| said.doubt.is_none()) {
                match &said.body {
                    // Their own sums are wrong here, and the ledger withholds it.
                    Body::CollectionSucceeded(_)
                        if ["paid_sums_differ", "paid_amount_negative", "amount_at_the_border"]
                            .contains(&&*case.name) => {}
                    Body::CollectionSucceeded(_) if case.name == "paid_amount_zero" => {}
                    Body::CollectionSucceeded(body) => {
                        let parts = [body.net, body.held.unwrap_or_default(), borne(&body.fees, "merchant")];
                        assert_eq!(Amount::checked_sum(parts), Some(body.gross), "{}", case.name);
                        collections += 1;
                    }
                    Body::PayoutSucceeded(body) => {
                        let ours = body.wallet_debit.checked_sub(body.amount);
                        assert_eq!(ours, Some(borne(&body.fees, "merchant")), "{}", case.name);
                        let theirs = body.amount.checked_sub(body.beneficiary.unwrap().amount);
                        assert_eq!(theirs, Some(borne(&body.fees, "beneficiary")), "{}", case.name);
                        payouts += 1;
                    }
                    Body::RefundSucceeded(body) => {
                        let sum = body.amount.checked_add(borne(&body.fees, "merchant"));
                        let debit = sum.and_then(|sum| sum.checked_sub(borne(&body.returned, "merchant")));
                        assert_eq!(debit, Some(body.wallet_debit), "{}", case.name);
                        refunds += 1;
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(collections > 60 && payouts > 10 && refunds > 10, "{collections} {payouts} {refunds}");
}

/// The ledger takes an invoice whose published total and tax are its items' (`ledger/src/decide/invoices.rs`).
#[test]
fn an_invoice_is_published_at_the_sum_of_its_items() {
    let (mut with_items, mut bare) = (0, 0);
    for case in cases() {
        let Ok(translation) = case.read(&Paytota) else { continue };
        let mut items = Vec::new();
        for said in translation.said.iter().filter(|said| said.subject_kind == SubjectKind::Invoice) {
            assert!(said.object.reference.is_none() && said.wallet.is_none(), "{}", case.name);
            match &said.body {
                Body::InvoiceItemAdded(item) => {
                    let total = ensimbi_events::owed::line_total(&item.quantity, item.unit_amount).unwrap();
                    items.push((total, item.tax.unwrap_or_default()));
                }
                Body::InvoicePublished(body) if items.is_empty() => {
                    assert!(body.tax.is_zero() && body.total.is_positive(), "{}", case.name);
                    bare += 1;
                }
                Body::InvoicePublished(body) => {
                    let sum = |of: fn(&(Amount, Amount)) -> Amount| Amount::checked_sum(items.iter().map(of)).unwrap();
                    assert_eq!((sum(|item| item.0), sum(|item| item.1)), (body.total, body.tax), "{}", case.name);
                    with_items += 1;
                }
                _ => {}
            }
        }
    }
    assert!(with_items > 80 && bare > 8, "{with_items} {bare}");
}

/// How a purchase began is said alike by all of its bodies, so that a repeat is a repeat.
#[test]
fn every_later_body_repeats_how_the_invoice_began() {
    let begun = |file: &str| {
        let said = live("purchase_status", &fixture(&format!("purchase_status/{file}.body"))).unwrap().said;
        let first = |said: &Said| {
            matches!(said.body, Body::InvoiceDrafted(_) | Body::InvoiceItemAdded(_) | Body::InvoicePublished(_))
        };
        said.into_iter().filter(first).collect::<Vec<_>>()
    };
    let created = begun("status_created");
    assert_eq!(created.len(), 3);
    for later in ["status_viewed", "status_pending_execute", "status_error_twice", "status_expired", "status_cancelled"]
    {
        assert_eq!(begun(later), created, "{later}");
    }
}

#[test]
fn a_push_names_the_object_that_we_can_read() {
    let named = |file: &str| {
        let objects = Paytota.hinted(&fixture(&format!("webhook/{file}.body"))).unwrap();
        objects.into_iter().map(|of| (of.kind, of.id.unwrap())).collect::<Vec<_>>()
    };
    let purchase = ("purchase", "00fddd1a-6a30-4081-946b-c5d99f363ff3".to_owned());
    assert_eq!(named("seed_003_purchase_paid"), std::slice::from_ref(&purchase));
    assert_eq!(named("refunded"), [purchase]);
    let payout = ("payout", "7c4ea981-55b1-418a-be23-ea9f5f3e1a91".to_owned());
    assert_eq!(named("seed_004_mobile_payout_success"), [payout]);
    assert_eq!(named("custom_out"), []);
    assert_eq!(named("type_nobody_knows"), []);
    assert!(Paytota.hinted(b"{}").is_err());
}

#[test]
fn account_numbers_and_banks_are_never_told() {
    for case in cases() {
        let got = claims(&case.read(&Paytota)).to_string();
        for secret in ["123456789012", "123456789013", "SBICUGKX", "Stanbic"] {
            assert!(!got.contains(secret), "{}/{} tells {secret}", case.kind, case.name);
        }
    }
}
