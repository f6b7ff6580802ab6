//! The worked numbers of `bookkeeping.md` 8 that are Dollr's, as the translator's figures: 12, 13, 14 and 20.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::words::payment::{CollectionSucceeded, FeesReported};

use super::support::*;

fn success(name: &str) -> (CollectionSucceeded, Said) {
    let said = plain("collection", &fixture(&format!("collection/{name}.body"))).unwrap().said;
    let said = said.into_iter().find(|said| matches!(said.body, Body::CollectionSucceeded(_))).unwrap();
    let Body::CollectionSucceeded(body) = said.body.clone() else { unreachable!() };
    (body, said)
}

fn report(name: &str) -> (FeesReported, Said) {
    let said = plain("receipt", &fixture(&format!("receipt/{name}.body"))).unwrap().said;
    let said = said.into_iter().next().unwrap();
    let Body::FeesReported(body) = said.body.clone() else { unreachable!() };
    (body, said)
}

/// `component amount currency bearer` of each fee.
fn fees(of: &[Fee]) -> Vec<String> {
    let text = |fee: &Fee| {
        format!("{} {} {} {} {}", fee.component.as_str(), fee.amount, fee.currency, fee.bearer.as_str(), fee.label)
    };
    of.iter().map(text).collect()
}

fn money(amount: &str, currency: &str) -> ensimbi_events::Money {
    ensimbi_events::Money { amount: amount.parse().unwrap(), currency: currency.parse().unwrap() }
}

#[test]
fn example_12a_the_payer_bears_the_fees_on_top() {
    let (body, said) = success("payer_bears_example_12a");
    assert_eq!((body.gross.to_string(), body.net.to_string()), ("100".to_owned(), "100".to_owned()));
    assert_eq!(body.payer, Some(money("105", "USD")));
    assert_eq!(fees(&body.fees), ["unitemised 5 USD payer payer_minus_total"]);
    assert_eq!((said.doubt, said.currency), (None, "USD".parse().ok()));
    let (body, said) = report("payer_bears_example_12a");
    assert_eq!(fees(&body.fees), ["provider 3 USD payer platform_fee", "network 2 USD payer gateway_fee"]);
    assert_eq!((body.mode.as_str(), said.doubt), ("itemise", None));
}

#[test]
fn example_13_the_merchant_bears_fees_in_two_currencies() {
    let (body, said) = success("merchant_bears_other_currency_example_13a");
    assert_eq!((body.gross.to_string(), body.net.to_string()), ("100".to_owned(), "97.5".to_owned()));
    assert_eq!(body.payer, Some(money("19500", "LRD")));
    assert_eq!(fees(&body.fees), ["unitemised 2.5 USD merchant total_minus_payee"]);
    assert_eq!((said.doubt, said.currency), (None, "USD".parse().ok()));
    let invoice = said.links.invoice.unwrap();
    assert_eq!((invoice.kind, invoice.id.as_deref()), ("invoice", Some("101")));
    let (body, said) = report("three_fees_two_currencies_example_13b");
    let expected = [
        "provider 1.5 USD merchant platform_fee",
        "network 97.5 LRD merchant gateway_fee",
        "fx 0.5 USD merchant fx_fee",
    ];
    assert_eq!((fees(&body.fees), said.doubt), (expected.map(str::to_owned).to_vec(), None));
    let payment = said.links.original.unwrap();
    assert_eq!(
        (payment.kind, payment.reference.as_deref()),
        ("collection", Some("550e8400-e29b-41d4-a716-446655440000"))
    );
}

#[test]
fn example_14a_a_receipt_that_leaves_a_part_unexplained_is_doubted() {
    let (body, said) = report("doubt_sums_differ_example_14a");
    assert_eq!(fees(&body.fees), ["provider 1.5 USD merchant platform_fee", "fx 0.5 USD merchant fx_fee"]);
    assert_eq!(said.doubt, Some(DiscrepancyKind::SumsDiffer));
}

#[test]
fn example_20a_a_transfer_between_two_currencies_is_two_figures() {
    let said = plain("transfer_status", &fixture("transfer_status/two_currencies_example_20a.body")).unwrap().said;
    let Body::PurseTransferred(body) = &said[0].body else { unreachable!() };
    assert_eq!((body.amount_out.to_string(), body.amount_in.to_string()), ("100".to_owned(), "19300".to_owned()));
    assert_eq!((said[0].currency, Some(body.currency_in)), ("USD".parse().ok(), "LRD".parse().ok()));
    assert!(body.fees.is_empty());
}
