//! What holds for all bytes of theirs. That each fixture says what is written beside it, the conformance suite sees.

use std::collections::BTreeSet;

use super::support::*;

#[test]
fn the_bodies_of_the_documents_say_pending_and_no_money() {
    for (kind, case) in [
        ("collection_created", "seed_pending"),
        ("collection_status", "seed_pending_by_id"),
        ("collection_status", "seed_pending_by_external_id"),
    ] {
        let body = fixture(&format!("{kind}/{case}.body"));
        let translation = read(kind, body.as_bytes(), &Options::new()).unwrap();
        assert!(matches!(&translation.said[..], [Said { body: Body::CollectionPending(_), .. }]));
        let mut other = translation.said[0].clone();
        other.party = None;
        let same = status(&fixture("collection_status/open_scheduled.body")).unwrap();
        assert_eq!((&other.body, &other.occurrence), (&same.said[0].body, &same.said[0].occurrence));
    }
}

/// gross = net + merchant fees, payer = gross + payer fees (`bookkeeping.md` 2), in every undoubted fixture.
#[test]
fn undoubted_sums_hold() {
    let mut successes = 0;
    for file in std::fs::read_dir(fixtures().join("collection_status")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "body") {
            continue;
        }
        for (category, reading) in [("ChargeWallet", "A"), ("ChargeCustomer", "A"), ("ChargeCustomer", "B")] {
            let options = [("transaction_charges_category", category), ("charge_customer", reading)];
            let options = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            let Ok(translation) = read("collection_status", &std::fs::read(&path).unwrap(), &options) else { continue };
            for said in translation.said.iter().filter(|said| said.doubt.is_none()) {
                match &said.body {
                    Body::CollectionSucceeded(body) => {
                        assert_eq!(body.gross.checked_sub(body.net), Some(borne(&body.fees, "merchant")), "{path:?}");
                        let payer = body.payer.unwrap().amount;
                        assert_eq!(payer.checked_sub(body.gross), Some(borne(&body.fees, "payer")), "{path:?}");
                        successes += 1;
                    }
                    Body::CollectionReversed(body) => {
                        let back = body.amount.checked_sub(body.from_wallet);
                        assert_eq!(back, Some(borne(&body.returned, "merchant")), "{path:?}");
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(successes > 20, "{successes}");
}

#[test]
fn a_callback_names_its_object_and_says_nothing() {
    let hinted = Iotec.hinted(fixture("webhook/success.body").as_bytes()).unwrap();
    let id = "123e4567-e89b-12d3-a456-426614174000".to_owned();
    assert_eq!(hinted, [ObjectRef { kind: "collection", id: Some(id), reference: Some("001".to_owned()) }]);
    assert_eq!(Iotec.hinted(fixture("webhook/wrapped.body").as_bytes()).unwrap(), hinted);
    let payouts = Iotec.hinted(fixture("webhook/a_payout.body").as_bytes()).unwrap();
    assert_eq!(payouts, [ObjectRef { kind: "disbursement", ..hinted[0].clone() }]);
}

/// The samples of the documents carry one row that changes nothing: it is kept, counted, and never money.
#[test]
fn filler_rows_of_the_documents_make_no_money() {
    let mut filler = 0;
    for kind in Iotec.facts().kinds {
        for (path, options) in bodies(kind) {
            let Ok(translation) = read(kind, &std::fs::read(&path).unwrap(), &options) else { continue };
            let broken =
                translation.rows.iter().filter(|row| row.previous.checked_add(row.change) != Some(row.balance));
            let broken: BTreeSet<&str> = broken.map(|row| row.id.as_str()).collect();
            let counted = translation.unknown.iter().filter(|word| *word == "row_does_not_add_up").count();
            assert!(counted >= broken.len(), "{path:?}");
            for said in &translation.said {
                let told = said.object.kind == "row" || !said.occurrence.is_empty();
                assert!(!told || !broken.contains(said.object.id.as_deref().unwrap()), "{path:?}");
                assert!(!broken.contains(said.occurrence.as_str()), "{path:?}");
            }
            filler += broken.len();
        }
    }
    assert!(filler > 20, "{filler}");
}

/// wallet_debit = amount + merchant fees, beneficiary = amount - beneficiary fees, and a reversal's lines come to zero
/// (`bookkeeping.md` 2 and 3), in every undoubted fixture under both readings of the fee.
#[test]
fn undoubted_sums_of_payouts_hold() {
    let (mut successes, mut reversals) = (0, 0);
    for kind in ["payout_status", "payout_rows"] {
        for (path, _) in bodies(kind) {
            for reading in ["on_top", "inside"] {
                let options = [("payout_fee".to_owned(), reading.to_owned())].into();
                let Ok(translation) = read(kind, &std::fs::read(&path).unwrap(), &options) else { continue };
                for said in translation.said.iter().filter(|said| said.doubt.is_none()) {
                    match &said.body {
                        Body::PayoutSucceeded(body) => {
                            let ours = body.wallet_debit.checked_sub(body.amount);
                            assert_eq!(ours, Some(borne(&body.fees, "merchant")), "{path:?} {reading}");
                            let theirs = body.amount.checked_sub(body.beneficiary.unwrap().amount);
                            assert_eq!(theirs, Some(borne(&body.fees, "beneficiary")), "{path:?} {reading}");
                            successes += 1;
                        }
                        Body::PayoutReversed(body) => {
                            let lines = [body.wallet_credit, borne(&body.fees, "merchant")];
                            let others = [body.amount, borne(&body.returned, "merchant")];
                            let [lines, others] = [lines, others].map(|list| Amount::checked_sum(list).unwrap());
                            assert_eq!(lines, others, "{path:?} {reading}");
                            reversals += 1;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    assert!(successes > 20 && reversals >= 5, "{successes} {reversals}");
}

/// Whatever the status, only the status answer and the rows tell of money.
#[test]
fn a_payouts_create_answer_and_history_say_no_money() {
    let page = |record: &str| format!(r#"{{"data":[{record}]}}"#);
    for (path, options) in bodies("payout_status") {
        let body = std::fs::read_to_string(&path).unwrap();
        if let Ok(translation) = read("payout_created", body.as_bytes(), &options) {
            for said in &translation.said {
                assert!(matches!(said.body, Body::PayoutPending(_)), "{path:?}");
            }
            assert!(translation.watch.iter().all(|(_, watch)| *watch == Watch::Unsettled), "{path:?}");
        }
        if let Ok(translation) = read("payout_history", page(&body).as_bytes(), &options) {
            assert!(translation.said.is_empty() && !translation.watch.is_empty(), "{path:?}");
        }
    }
}

/// An account number, a bank's holder or a decider's name is in no statement, whatever the answer.
#[test]
fn account_details_and_deciders_are_never_told() {
    for kind in Iotec.facts().kinds {
        for (path, options) in bodies(kind) {
            let got = claims(&read(kind, &std::fs::read(&path).unwrap(), &options)).to_string();
            for secret in ["1234567890", "Jane Roe", "J. Doe", "pay John Doe", "taken by"] {
                assert!(!got.contains(secret), "{path:?} tells {secret}");
            }
        }
    }
}

#[test]
fn a_balance_is_true_when_it_came() {
    let body = fixture("wallet_balance/sample.body");
    let at = |micros| {
        let received_at = ensimbi_events::Time::from_micros(micros);
        let options = Options::new();
        let input =
            Input { kind: "wallet_balance", body: body.as_bytes(), options: &options, received_at, mode: Mode::Test };
        Iotec.translate(input).unwrap().said.remove(0)
    };
    let (one, other) = (at(1_780_000_000_000_000), at(1_780_000_000_000_001));
    assert_ne!(one.occurrence, other.occurrence);
    assert_eq!(one, at(1_780_000_000_000_000));
}

#[test]
fn an_export_is_bounded_and_a_row_that_cannot_be_read_is_named() {
    let options = [("rows_currency".to_owned(), "ITX".to_owned())].into();
    let row = |n: usize| {
        format!(
            r#"{{"id":"r{n}","operation":"TopUp","category":"Deposit","requestId":"q{n}","transactionNumber":{n},
               "amount":1,"previousBalance":{n},"balance":{}}}"#,
            n + 1
        )
    };
    let list = |count| format!("[{}]", (0..count).map(row).collect::<Vec<_>>().join(","));
    let all = read("wallet_rows", list(1_000).as_bytes(), &options).unwrap();
    assert_eq!((all.said.len(), all.rows.len()), (1_000, 1_000));
    assert_eq!(read("wallet_rows", list(1_001).as_bytes(), &options).unwrap_err().field, "body");
    let odd = list(3).replace("\"transactionNumber\":2", "\"transactionNumber\":\"two\"");
    assert_eq!(read("wallet_rows", odd.as_bytes(), &options).unwrap_err().field, "[2].transactionNumber");
}
