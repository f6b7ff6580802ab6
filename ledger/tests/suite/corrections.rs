//! Corrections: what today's translator reads differently, as new lines less old ones, and what none can say.

use ensimbi_events::event::{Line, Lines};
use ensimbi_events::word::{Bearer, Component, EvidenceClass, ItemKind, Side};
use ensimbi_events::words::control::CorrectionPosted;
use ensimbi_events::{Claim, Fact, SubjectKind};
use ensimbi_ledger::posting::accounts;

use crate::common::say::{BOOK, Say, WALLET, amount, subject};
use crate::common::{House, on_both_stores, recorded, refused, tell};

on_both_stores!(
    a_correction_moves_wallet_and_fees_once,
    a_correction_may_not_take_what_was_allocated_since,
    a_correction_that_none_can_make_is_refused,
);

fn line(say: &Say, n: u32, account: String, figure: &str) -> Line {
    let own = account.starts_with("liabilities:clearing:").then(|| subject(1));
    Line {
        n,
        account,
        currency: say.currency,
        amount: amount(figure),
        open_item: own,
        payment_id: Some(subject(1)),
        component: None,
        bearer: None,
    }
}

/// The first correction of payment 1, read by another translator.
fn correction(say: &Say, lines: Vec<Line>) -> Claim {
    let corrected = say.succeeded(1).fact.event_id(BOOK);
    let body = CorrectionPosted {
        corrected,
        translator: "iotec.2".to_owned(),
        fact_hash: ensimbi_events::leaf::fact_hash(&say.succeeded(1).fact),
        lines: Lines(lines),
        payment_id: Some(subject(1)),
    };
    let own = say.succeeded(1).fact;
    let fact = say.fact(SubjectKind::Payment, subject(1), body);
    let fact = Fact { connection: own.connection, wallet: own.wallet, occurrence: format!("{corrected}:1"), ..fact };
    say.with(EvidenceClass::Read, fact)
}

/// The accounts that say's success fills: wallet, fee, clearing.
fn places() -> (String, String, String) {
    let fee = accounts::fee("main", Component::Provider, Bearer::Merchant);
    (accounts::wallet("main", "w"), fee, accounts::clearing(ItemKind::Payment, "main"))
}

async fn a_correction_moves_wallet_and_fees_once(house: &House) {
    let say = Say::new("UGX");
    let (wallet, fee, _) = places();
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.succeeded(1)).await;
    let before = house.store.wallet_rows(BOOK).await.unwrap()[&WALLET].posted;
    let claim = correction(&say, vec![line(&say, 1, wallet, "-5"), line(&say, 2, fee, "5")]);
    assert_eq!(recorded(&tell(&writer, claim.clone()).await), 1);
    let size = house.events(BOOK).await.len();
    assert_eq!(recorded(&tell(&writer, claim).await), 1, "told again it is the same event");
    assert_eq!(house.events(BOOK).await.len(), size);
    let after = house.store.wallet_rows(BOOK).await.unwrap()[&WALLET].posted;
    assert_eq!(before.checked_sub(after), Some(amount("5")));
    house.assert_sound(BOOK).await;
}

async fn a_correction_may_not_take_what_was_allocated_since(house: &House) {
    let say = Say::new("UGX");
    let (wallet, _, item) = places();
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.succeeded(1)).await;
    recorded(&tell(&writer, say.allocated(SubjectKind::Payment, 1, Side::Credit, "900", "income:sales")).await);
    let less = |figure: &str| {
        let taken = ["-", figure].concat();
        correction(&say, vec![line(&say, 1, wallet.clone(), &taken), line(&say, 2, item.clone(), figure)])
    };
    assert_eq!(refused(&tell(&writer, less("100.0001")).await), "limit_exceeded");
    assert_eq!(recorded(&tell(&writer, less("100")).await), 1);
    house.assert_sound(BOOK).await;
}

async fn a_correction_that_none_can_make_is_refused(house: &House) {
    let say = Say::new("UGX");
    let (wallet, fee, _) = places();
    let writer = house.writer(BOOK).await;
    writer.submit(say.start()).await;
    tell(&writer, say.succeeded(1)).await;
    let size = house.events(BOOK).await.len();
    let good = || vec![line(&say, 1, wallet.clone(), "-5"), line(&say, 2, fee.clone(), "5")];
    let unproved = Claim { evidence: None, ..correction(&say, good()) };
    assert_eq!(refused(&tell(&writer, unproved).await), "wrong_state", "no bytes stand behind it");
    let hint = say.with(EvidenceClass::Hint, correction(&say, good()).fact);
    assert_eq!(refused(&tell(&writer, hint).await), "hint_only");
    let uneven = correction(&say, vec![line(&say, 1, wallet.clone(), "-5"), line(&say, 2, fee.clone(), "4")]);
    assert_eq!(refused(&tell(&writer, uneven).await), "bad_amounts");
    let mut suspense = line(&say, 2, accounts::suspense("main"), "5");
    suspense.open_item = Some(subject(1));
    let moved = correction(&say, vec![line(&say, 1, wallet.clone(), "-5"), suspense]);
    assert_eq!(refused(&tell(&writer, moved).await), "wrong_state");
    assert_eq!(house.events(BOOK).await.len(), size, "none of them left a trace");
    house.assert_sound(BOOK).await;
}
