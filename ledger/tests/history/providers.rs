//! What providers say in a random history: lives of a few objects, in any order, sometimes with other figures.

use ensimbi_events::word::Bearer::{Beneficiary, Merchant, Payer};
use ensimbi_events::word::Component::{Network, Provider};
use ensimbi_events::word::{Direction, Fee};
use ensimbi_events::words::dispute::{ChargebackClosed, ChargebackOpened};
use ensimbi_events::words::payment::{CollectionReversed, CollectionSucceeded, RefundReversed, RefundSucceeded};
use ensimbi_events::words::payout::{
    PayoutFailed, PayoutPending, PayoutReversed, PayoutSucceeded, WithdrawalFailed, WithdrawalReversed,
    WithdrawalSucceeded,
};
use ensimbi_events::words::wallet::{
    BalanceReported, FeeCharged, FundsHeld, FundsReleased, StatementLineReported, WalletFunded, WalletMovementReported,
};
use ensimbi_events::{Amount, Body, Claim, Fact, Money, SubjectId, SubjectKind, Time};

use ensimbi_ledger::decide::state::Phase;

use super::tales::{Dice, Tale};
use crate::common::say::{WALLET, subject};

pub const PAYMENTS: u64 = 3;
pub const INVOICE: u128 = 500;
pub const PAYOUT: u128 = 800;
pub const WITHDRAWAL: u128 = 850;
pub const REFUND: u128 = 1_000;
const DISPUTE: u128 = 1_100;
const FUNDING: u128 = 1_200;
const ROW: u128 = 1_300;

/// A figure of some object, the same whenever it is told; once in a while another one.
fn about(dice: &mut Dice, n: u128) -> i64 {
    let usual = 1_000_000 + (n as i64 % 7) * 1_333_333;
    if dice.once_in(14) { usual - 10_001 } else { usual }
}

fn scaled(figure: i64) -> Amount {
    Amount::from_scaled(figure)
}

fn minutes(tale: &Tale, n: i64) -> Time {
    Time::from_micros(tale.say.at.micros() + n * 60_000_000)
}

/// How the wallet begins: by a person, by the provider's balance, or not at all.
pub fn opening(tale: &mut Tale) -> Vec<Claim> {
    match tale.dice.below(4) {
        0 => Vec::new(),
        1 => vec![balance(tale)],
        _ => {
            let figure = tale.dice.pick(&["0", "5000", "100000"]).to_string();
            vec![tale.say.opening(&figure, Some("12.5"), minutes(tale, -30))]
        }
    }
}

fn balance(tale: &mut Tale) -> Claim {
    tale.count += 1;
    let book = tale.book.known.wallets.get(&WALLET).map_or(Amount::ZERO, |wallet| wallet.posted);
    let off = *tale.dice.pick(&[0, 0, 77_777, 77_777, -5_000_000]);
    let as_of = minutes(tale, tale.count as i64 - 30);
    let balance = scaled(book.scaled() + off);
    let body = BalanceReported { as_of, balance, held: None, available: None };
    let fact = tale.say.fact(SubjectKind::Wallet, SubjectId(WALLET.0), body);
    tale.say.read(Fact { occurrence: as_of.to_string(), ..fact })
}

/// One thing that a provider says.
pub fn said(tale: &mut Tale) -> Claim {
    let claim = match tale.dice.below(16) {
        0..=4 => collection(tale),
        5..=7 => payout(tale),
        8 => withdrawal(tale),
        9..=10 => row(tale),
        11..=12 => refund(tale),
        13 => dispute(tale),
        14 => hold(tale),
        _ => balance(tale),
    };
    if tale.dice.once_in(25) && claim.evidence.is_some() {
        // Settled before the wallet was opened.
        return Claim { occurred_at: minutes(tale, -40), ..claim };
    }
    claim
}

/// Whether what would be taken back has come in; else it is mostly the success that is told.
fn stands(tale: &mut Tale, n: u128) -> bool {
    let state = tale.book.known.states.get(&subject(n));
    state.is_some_and(|state| state.phase == Phase::Succeeded) || tale.dice.once_in(5)
}

fn collection(tale: &mut Tale) -> Claim {
    let n = u128::from(tale.dice.below(PAYMENTS));
    collection_of(tale, n)
}

fn collection_of(tale: &mut Tale, n: u128) -> Claim {
    let gross = about(&mut tale.dice, n);
    let text = scaled(gross).to_string();
    let invoice = (n > 0).then(|| subject(if tale.one_invoice { INVOICE } else { INVOICE + (n - 1) }));
    match tale.dice.below(9) {
        0 | 1 => tale.say.requested(n, &text, invoice),
        2 => tale.say.pending(n, &text),
        3 => tale.say.failed(n, &text, tale.dice.once_in(2)),
        4 if stands(tale, n) => reversed(tale, n, gross),
        _ => succeeded(tale, n, gross, invoice),
    }
}

fn succeeded(tale: &mut Tale, n: u128, gross: i64, invoice_id: Option<SubjectId>) -> Claim {
    // Once in a while the same money with another fee.
    let share = if tale.dice.once_in(15) { 40 } else { 50 };
    let (fee, held) = (gross / share, if n == 1 { gross / 20 } else { 0 });
    let bearer = if n == 2 { Payer } else { Merchant };
    let ours = if bearer == Merchant { fee } else { 0 };
    let (gross_text, fee_text) = (scaled(gross).to_string(), scaled(fee).to_string());
    let net = scaled(gross - ours - held).to_string();
    let body = CollectionSucceeded {
        held: (held > 0).then(|| scaled(held)),
        payer: (n == 2).then(|| Money { amount: scaled(gross + fee), currency: tale.say.currency }),
        invoice_id,
        ..tale.say.success(&gross_text, &net, &[(Network, bearer, &fee_text)])
    };
    let claim = tale.say.payment(n, body);
    match tale.dice.below(12) {
        0 => Claim { fact: Fact { object_id: Some(format!("another-{n}")), ..claim.fact }, ..claim },
        1 => Claim { operator_transaction: Some("T-1".to_owned()), ..claim },
        _ => claim,
    }
}

fn reversed(tale: &mut Tale, n: u128, gross: i64) -> Claim {
    let part = if tale.dice.once_in(3) { gross / 2 } else { gross };
    let body = CollectionReversed {
        amount: scaled(part),
        from_wallet: scaled(part),
        from_held: None,
        returned: Vec::new(),
        fees: Vec::new(),
    };
    let claim = tale.say.payment(n, body);
    Claim { fact: Fact { occurrence: part.to_string(), ..claim.fact }, ..claim }
}

fn fees(tale: &Tale, figure: i64) -> Vec<Fee> {
    vec![tale.say.fee(Provider, Merchant, &scaled(figure).to_string())]
}

fn payout(tale: &mut Tale) -> Claim {
    let n = PAYOUT + u128::from(tale.dice.below(2));
    let attempt = 1 + u32::from(tale.dice.once_in(4));
    let figure = about(&mut tale.dice, n);
    let amount = scaled(figure);
    let fee = fees(tale, figure / 100);
    let debit = scaled(figure + figure / 100);
    let body: Body = match tale.dice.below(8) {
        0 => PayoutPending { amount, attempt: Some(attempt) }.into(),
        1 => {
            let (is_final, reason) = (!tale.dice.once_in(3), "declined".to_owned());
            PayoutFailed { attempt, amount, is_final, reason }.into()
        }
        2 | 3 if stands(tale, n) => {
            let whole = tale.dice.once_in(2);
            let returned = if whole { fee } else { Vec::new() };
            let wallet_credit = if whole { debit } else { amount };
            PayoutReversed { amount, wallet_credit, returned, fees: Vec::new() }.into()
        }
        4 => {
            // The beneficiary bears the fee.
            let fees = vec![tale.say.fee(Provider, Beneficiary, &scaled(figure / 100).to_string())];
            let beneficiary = Some(Money { amount: scaled(figure - figure / 100), currency: tale.say.currency });
            let attempt = Some(attempt);
            PayoutSucceeded { amount, wallet_debit: amount, attempt, beneficiary, fees }.into()
        }
        _ => {
            let attempt = (!tale.dice.once_in(6)).then_some(attempt);
            PayoutSucceeded { amount, wallet_debit: debit, attempt, beneficiary: None, fees: fee }.into()
        }
    };
    tale.say.payout(n, attempt, body)
}

fn withdrawal(tale: &mut Tale) -> Claim {
    let n = WITHDRAWAL + u128::from(tale.dice.below(2));
    let figure = about(&mut tale.dice, n);
    let amount = scaled(figure);
    let fee = fees(tale, 5_000);
    let wallet_debit = scaled(figure + 5_000);
    let body: Body = match tale.dice.below(4) {
        0 => WithdrawalFailed { attempt: 1, amount, is_final: true, reason: "declined".to_owned() }.into(),
        1 if stands(tale, n) => WithdrawalReversed { amount, wallet_credit: wallet_debit, returned: fee }.into(),
        _ => WithdrawalSucceeded { amount, wallet_debit, attempt: Some(1), fees: fee }.into(),
    };
    tale.say.read(tale.say.object(tale.say.fact(SubjectKind::Transfer, subject(n), body)))
}

/// Rows of the provider's wallet: top-ups, movements nobody explains, lone fees, lines of a statement.
fn row(tale: &mut Tale) -> Claim {
    let n = ROW + u128::from(tale.dice.below(3));
    let amount = scaled(about(&mut tale.dice, n));
    let (row_id, category) = (format!("row-{n}"), tale.dice.pick(&["Transfer", "Rollback"]).to_string());
    let direction = *tale.dice.pick(&[Direction::In, Direction::Out]);
    let body: Body = match tale.dice.below(6) {
        0 => StatementLineReported { row_id: row_id.clone(), direction, amount, category, balance: None }.into(),
        1 => FeeCharged { payment_id: None, document: None, fees: fees(tale, 3_000) }.into(),
        2 => WalletFunded { amount, wallet_credit: scaled(amount.scaled() - 500), fees: fees(tale, 500) }.into(),
        3 => return funding(tale),
        _ => WalletMovementReported { row_id: row_id.clone(), direction, amount, category }.into(),
    };
    let fact = tale.say.fact(SubjectKind::Transfer, subject(n), body);
    tale.say.read(Fact { object_kind: Some("row".to_owned()), object_id: Some(row_id), ..fact })
}

fn funding(tale: &mut Tale) -> Claim {
    let n = FUNDING + u128::from(tale.dice.below(2));
    let amount = scaled(about(&mut tale.dice, n));
    let body = WalletFunded { amount, wallet_credit: amount, fees: Vec::new() };
    tale.say.read(tale.say.object(tale.say.fact(SubjectKind::Transfer, subject(n), body)))
}

fn refund(tale: &mut Tale) -> Claim {
    let n = tale.dice.below(2);
    if !stands(tale, u128::from(n)) {
        return collection_of(tale, u128::from(n));
    }
    let (payment_id, own) = (subject(u128::from(n)), subject(REFUND + u128::from(n)));
    let figure = about(&mut tale.dice, u128::from(n)) / 4;
    let amount = scaled(figure);
    let body: Body = if tale.dice.once_in(3) && stands(tale, REFUND + u128::from(n)) {
        RefundReversed { payment_id, amount, wallet_credit: amount, returned: Vec::new() }.into()
    } else {
        let (fees, attempt) = (fees(tale, 2_500), tale.dice.once_in(2).then_some(1));
        let wallet_debit = scaled(figure + 2_500);
        RefundSucceeded { payment_id, amount, wallet_debit, attempt, fees, returned: Vec::new() }.into()
    };
    tale.say.read(tale.say.object(tale.say.fact(SubjectKind::Refund, own, body)))
}

fn dispute(tale: &mut Tale) -> Claim {
    let n = u128::from(tale.dice.below(2));
    if !stands(tale, n) {
        return collection_of(tale, n);
    }
    let (payment_id, own) = (subject(n), subject(DISPUTE + n));
    let figure = about(&mut tale.dice, n) / 2;
    let amount = scaled(figure);
    let opened = tale.book.known.states.get(&own).is_some_and(|state| !state.item.is_zero());
    let body: Body = if !opened && !tale.dice.once_in(5) {
        ChargebackOpened { payment_id, amount, debited: amount, fees: fees(tale, 1_500) }.into()
    } else {
        let lost = scaled(tale.dice.below(3) as i64 * figure / 2);
        let won = scaled(figure - lost.scaled());
        let (fees, returned) = (Vec::new(), Vec::new());
        ChargebackClosed { payment_id, won, lost, debited_now: Amount::ZERO, fees, returned }.into()
    };
    tale.say.read(tale.say.object(tale.say.fact(SubjectKind::Dispute, own, body)))
}

fn hold(tale: &mut Tale) -> Claim {
    tale.count += 1;
    let amount = scaled(70_000);
    let body: Body = match tale.dice.once_in(2) {
        true => FundsHeld { amount, parts: Vec::new() }.into(),
        false => FundsReleased { amount, parts: Vec::new() }.into(),
    };
    let fact = tale.say.fact(SubjectKind::Wallet, SubjectId(WALLET.0), body);
    tale.say.read(Fact { occurrence: format!("hold-{}", tale.count / 2), ..fact })
}
