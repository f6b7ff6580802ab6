//! What fees alone give away: a list that changed, a rate outside its band, a fee on what failed.

use ensimbi_events::codes::DiscrepancyKind;
use ensimbi_events::word::Bearer::{Merchant, Payer};
use ensimbi_events::word::Component::{Network, Provider, Unitemised};
use ensimbi_events::word::FeesMode;
use ensimbi_events::words::payment::FeesReported;
use ensimbi_events::words::wallet::FeeCharged;
use ensimbi_events::{Body, Claim, SubjectKind};

use crate::common::say::{BOOK, Say, amount, subject};
use crate::common::{House, on_both_stores, recorded, tell};

on_both_stores!(
    other_fees_of_the_same_amounts_are_a_fee_that_changed,
    a_fee_list_that_is_told_again_with_others_changed_too,
    rates_beyond_the_band_post_and_are_raised,
    a_fee_on_a_failed_payout_is_raised,
);

/// Kinds of the discrepancies of the book, in order, with their stakes.
async fn raised(house: &House) -> Vec<(DiscrepancyKind, Option<String>)> {
    let events = house.events(BOOK).await.into_iter();
    let kinds = events.filter_map(|(event, _)| match event.fact.body {
        Body::DiscrepancyRaised(body) => Some((body.kind, body.stake.map(|stake| stake.to_string()))),
        _ => None,
    });
    kinds.collect()
}

async fn kinds(house: &House) -> Vec<DiscrepancyKind> {
    raised(house).await.into_iter().map(|(kind, _)| kind).collect()
}

async fn other_fees_of_the_same_amounts_are_a_fee_that_changed(house: &House) {
    use DiscrepancyKind::{FactDiffers, FeeChanged};
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.succeeded(1)).await;
    let before = house.store.wallet_rows(BOOK).await.unwrap();
    let again = |gross: &str, net: &str, fees: &[_]| say.payment(1, say.success(gross, net, fees));
    // Ours to bear: the net follows from the fees. The payer's: it does not.
    let dearer = again("1000", "960", &[(Network, Merchant, "40")]);
    let answer = tell(&writer, dearer.clone()).await;
    assert_eq!(recorded(&answer), 2);
    assert_eq!(answer, tell(&writer, dearer).await, "told again it is one discrepancy");
    tell(&writer, again("1000", "970", &[(Network, Merchant, "30"), (Provider, Payer, "5")])).await;
    assert_eq!(kinds(house).await, [FeeChanged, FeeChanged]);
    // Another amount, or figures that do not fit together, is more than a fee.
    tell(&writer, again("1001", "971", &[(Network, Merchant, "30")])).await;
    tell(&writer, again("1000", "961", &[(Network, Merchant, "40")])).await;
    assert_eq!(kinds(house).await, [FeeChanged, FeeChanged, FactDiffers, FactDiffers]);
    assert_eq!(house.store.wallet_rows(BOOK).await.unwrap(), before);
    let paid = |debit: &str, fee: &str| say.payout_succeeded(5, None, "1000", debit, &[(Provider, Merchant, fee)]);
    tell(&writer, paid("1010", "10")).await;
    tell(&writer, paid("1011", "11")).await;
    assert_eq!(kinds(house).await.last(), Some(&FeeChanged));
    house.assert_sound(BOOK).await;
}

async fn a_fee_list_that_is_told_again_with_others_changed_too(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    let success = say.payment(1, say.success("1000", "970", &[(Unitemised, Merchant, "30")]));
    recorded(&tell(&writer, success).await);
    let listed = |provider: &str, network: &str| {
        let fees = vec![say.fee(Provider, Merchant, provider), say.fee(Network, Merchant, network)];
        say.payment(1, FeesReported { payment_id: subject(1), mode: FeesMode::Itemise, fees })
    };
    assert_eq!(recorded(&tell(&writer, listed("20", "10")).await), 1);
    assert_eq!(recorded(&tell(&writer, listed("21", "9")).await), 2);
    assert_eq!(kinds(house).await, [DiscrepancyKind::FeeChanged]);
    house.assert_sound(BOOK).await;
}

async fn rates_beyond_the_band_post_and_are_raised(house: &House) {
    use DiscrepancyKind::FeeRateOutOfBand;
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start_with(&[("fees.band.main.in", "0.5..3"), ("fees.band.main.out", "0..1")])).await;
    let paid = |n, net: &str, fees: &[_]| say.payment(n, say.success("1000", net, fees));
    // At both ends it is inside; whoever bears them, fees are one rate.
    recorded(&tell(&writer, paid(1, "970", &[(Network, Merchant, "30")])).await);
    recorded(&tell(&writer, paid(2, "995", &[(Network, Merchant, "5")])).await);
    recorded(&tell(&writer, paid(3, "980", &[(Network, Merchant, "20"), (Provider, Payer, "10")])).await);
    assert_eq!(kinds(house).await, []);
    let over = paid(4, "980", &[(Network, Merchant, "20"), (Provider, Payer, "10.0001")]);
    let answer = tell(&writer, over.clone()).await;
    assert_eq!(recorded(&answer), 2, "it posts, and is raised");
    assert_eq!(answer, tell(&writer, over).await);
    recorded(&tell(&writer, paid(5, "995.0001", &[(Network, Merchant, "4.9999")])).await);
    let out = |n, debit: &str, fee: &str| say.payout_succeeded(n, None, "1000", debit, &[(Provider, Merchant, fee)]);
    recorded(&tell(&writer, out(6, "1010", "10")).await);
    recorded(&tell(&writer, out(7, "1010.0001", "10.0001")).await);
    let stakes: Vec<_> =
        ["30.0001", "4.9999", "10.0001"].map(|stake| (FeeRateOutOfBand, Some(stake.to_owned()))).into();
    assert_eq!(raised(house).await, stakes);
    let wallet = house.store.wallet_rows(BOOK).await.unwrap()[&crate::common::say::WALLET].posted;
    assert_eq!(wallet, amount("2900"));
    house.assert_sound(BOOK).await;
}

async fn a_fee_on_a_failed_payout_is_raised(house: &House) {
    let say = Say::new("UGX");
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.opening("50000", None, "2026-05-03T09:00:00Z".parse().unwrap())).await;
    tell(&writer, say.payout_requested(1, 1, "1000", "1100")).await;
    recorded(&tell(&writer, say.payout_failed(1, 1, "1000")).await);
    let charged = FeeCharged { fees: vec![say.fee(Provider, Merchant, "10")], payment_id: None, document: None };
    let claim: Claim = say.read(say.object(say.fact(SubjectKind::Payout, subject(1), charged)));
    assert_eq!(recorded(&tell(&writer, claim).await), 2);
    assert_eq!(kinds(house).await, [DiscrepancyKind::FeeOnFailed]);
    house.assert_sound(BOOK).await;
}
