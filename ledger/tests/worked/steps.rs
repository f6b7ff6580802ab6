//! What is claimed in each step. Commands of ours carry no evidence; what a provider says is our own read of it.

use ensimbi_events::event::{Line, Lines};
use ensimbi_events::word::Bearer::{Beneficiary, Merchant, Payer};
use ensimbi_events::word::Component::{Fx, Network, Provider, Tax, Unitemised};
use ensimbi_events::word::{Direction, Fee, FeeTax, FeesMode, FigureSource, Recognition, Side, TaxKind, Verdict};
use ensimbi_events::words::control::{AdjustmentPosted, DiscrepancyResolved};
use ensimbi_events::words::dispute::{ChargebackClosed, ChargebackOpened};
use ensimbi_events::words::invoice::{InvoiceCancelled, InvoiceExpired, InvoicePaid, InvoicePublished};
use ensimbi_events::words::payment::{
    CollectionSucceeded, FeesReported, RefundRequested, RefundReversed, RefundSucceeded,
};
use ensimbi_events::words::payout::{PayoutReversed, WithdrawalRequested, WithdrawalSucceeded};
use ensimbi_events::words::wallet::{
    FeeCharged, FundsReleased, PurseTransferred, WalletFunded, WalletMovementReported,
};
use ensimbi_events::{Amount, Body, Claim, Event, Fact, Hash, Money, SubjectKind};

use crate::common::say::{Say, WALLET, WALLET2, amount, currency, subject};

const PAYMENT: u128 = 1;
const INVOICE: u128 = 2;
const REFUND: u128 = 3;
const PAYOUT: u128 = 4;
const DISPUTE: u128 = 5;
const TRANSFER: u128 = 6;
const MOVEMENT: u128 = 7;

/// The claims of a step, in order. `events` is the book so far: resolutions name an event of it.
pub fn claims(step: &str, say: &Say, events: &[(Event, Hash)]) -> Vec<Claim> {
    match step {
        "1a" => vec![paid(say, first_success(say))],
        "1b" => vec![say.allocated(SubjectKind::Payment, PAYMENT, Side::Credit, "700", "income:sales")],
        "2a" => {
            let body = say.success("10000", "10000", &[(Provider, Payer, "200"), (Network, Payer, "150")]);
            vec![paid(say, CollectionSucceeded { payer: money("10350", "UGX"), ..body })]
        }
        "3a" => {
            let body = say.success("200000", "174000", &[(Unitemised, Merchant, "6000")]);
            vec![paid(say, CollectionSucceeded { held: Some(amount("20000")), ..body })]
        }
        "3b" => vec![transfer(say, FundsReleased { amount: amount("20000"), parts: Vec::new() })],
        "4a" => vec![opening(say, "100000"), say.payout_requested(PAYOUT, 1, "10000", "11200")],
        "4b" => vec![payout_done(say)],
        "4c" => vec![say.allocated(SubjectKind::Payout, PAYOUT, Side::Debit, "10000", "expenses:suppliers")],
        "4d" => vec![payout_back(say, "10600", &[say.fee(Provider, Merchant, "600")])],
        "5a" => [claims("4a", say, events), claims("4b", say, events), vec![payout_back(say, "10000", &[])]].concat(),
        "6a" => {
            let [opened, requested] = [opening(say, "100000"), say.payout_requested(PAYOUT, 1, "10000", "11200")];
            vec![opened, requested, say.payout_failed(PAYOUT, 1, "10000")]
        }
        "6b" => {
            let fees = vec![say.fee(Provider, Merchant, "100")];
            vec![say.payout(PAYOUT, 1, FeeCharged { payment_id: None, document: Some("row 1".to_owned()), fees })]
        }
        "7a" => {
            let mut claim = say.payout_succeeded(PAYOUT, None, "10000", "10000", &[(Provider, Beneficiary, "600")]);
            if let Body::PayoutSucceeded(body) = &mut claim.fact.body {
                body.beneficiary = money("9400", "UGX");
            }
            vec![opening(say, "50000"), claim]
        }
        "7b" => vec![say.payout_succeeded(PAYOUT + 100, None, "9400", "10000", &[(Provider, Merchant, "600")])],
        "8a" => vec![
            opening(say, "11000"),
            say.payout_requested(PAYOUT, 1, "10000", "10600"),
            say.payout_failed(PAYOUT, 1, "10000"),
            say.payout_requested(PAYOUT + 100, 1, "10000", "10600"),
            say.payout_succeeded(PAYOUT + 100, Some(1), "10000", "10600", &[(Provider, Merchant, "600")]),
        ],
        "8b" => vec![payout_done(say)],
        "9a" => {
            let body = CollectionSucceeded { invoice_id: Some(subject(INVOICE)), ..first_success(say) };
            vec![published(say, "700", "0", Recognition::OnPublish), paid(say, body)]
        }
        "9b" => vec![say.reversed(PAYMENT, "700", "675.5", &[(Provider, "14"), (Network, "10.5")])],
        "10a" => [sold(say), vec![refund_requested(say)]].concat(),
        "10b" => vec![refunded(say, "4000", "4050", &[say.fee(Unitemised, Merchant, "50")], Some(1))],
        "10c" => {
            let (all, back) = (amount("4000"), amount("4000"));
            let body =
                RefundReversed { payment_id: subject(PAYMENT), amount: all, wallet_credit: back, returned: vec![] };
            vec![say.read(say.object(say.fact(SubjectKind::Refund, subject(REFUND), body)))]
        }
        "11a" => [sold(say), vec![disputed(say)]].concat(),
        "11b" => {
            let body = ChargebackClosed {
                payment_id: subject(PAYMENT),
                won: amount("6000"),
                lost: amount("4000"),
                debited_now: Amount::ZERO,
                fees: Vec::new(),
                returned: Vec::new(),
            };
            vec![say.read(say.object(say.fact(SubjectKind::Dispute, subject(DISPUTE), body)))]
        }
        "12a" => {
            let body = say.success("100", "100", &[(Unitemised, Payer, "5")]);
            let body = CollectionSucceeded { payer: money("105", "USD"), ..derived(body) };
            let fees = vec![say.fee(Provider, Payer, "3"), say.fee(Network, Payer, "2")];
            vec![paid(say, body), itemised(say, fees)]
        }
        "13a" => {
            let body = CollectionSucceeded { invoice_id: Some(subject(INVOICE)), ..foreign_success(say) };
            vec![published(say, "100", "0", Recognition::OnPublish), paid(say, body)]
        }
        "13b" => {
            let network = Fee { currency: currency("LRD"), ..say.fee(Network, Merchant, "97.5") };
            vec![itemised(say, vec![say.fee(Provider, Merchant, "1.5"), say.fee(Fx, Merchant, "0.5"), network])]
        }
        "14a" => {
            let fees = vec![say.fee(Provider, Merchant, "1.5"), say.fee(Fx, Merchant, "0.5")];
            vec![paid(say, foreign_success(say)), itemised(say, fees)]
        }
        "15a" => vec![published(say, "118000", "18000", Recognition::OnPublish)],
        "15b" => vec![for_invoice(say, PAYMENT, "50000", "48500", "1500")],
        "15c" => vec![for_invoice(say, PAYMENT + 100, "80000", "77600", "2400")],
        "15d" => {
            let mut claim = refunded(say, "12000", "12000", &[], None);
            if let Body::RefundSucceeded(body) = &mut claim.fact.body {
                body.payment_id = subject(PAYMENT + 100);
            }
            vec![claim]
        }
        "16a" => vec![
            published(say, "100000", "0", Recognition::OnPublish),
            for_invoice(say, PAYMENT, "30000", "29100", "900"),
            invoice(
                say,
                InvoiceCancelled { amount: amount("70000"), tax: Amount::ZERO, recognition: Recognition::OnPublish },
            ),
        ],
        "17a" => vec![
            published(say, "5900", "900", Recognition::OnPayment),
            invoice(say, InvoiceExpired {}),
            for_invoice(say, PAYMENT, "5900", "5723", "177"),
        ],
        "18a" => {
            let as_of = "2026-05-03T09:00:00Z".parse().unwrap();
            let before = Say { at: "2026-05-03T08:59:00Z".parse().unwrap(), ..say.clone() };
            let body = before.success("1000", "1000", &[]);
            vec![say.opening("250000", Some("10000"), as_of), paid(&before, body)]
        }
        "18b" => {
            let all = amount("100000");
            let body = WalletFunded { amount: all, wallet_credit: all, fees: Vec::new() };
            let allocated = say.allocated(SubjectKind::Transfer, TRANSFER, Side::Credit, "100000", "assets:bank:main");
            vec![transfer(say, body), allocated]
        }
        "18c" => {
            let (asked, reserve) = (amount("200000"), amount("202000"));
            let requested = WithdrawalRequested { attempt: 1, amount: asked, reserve };
            let fees = vec![say.fee(Provider, Merchant, "2000")];
            let done = WithdrawalSucceeded { amount: asked, wallet_debit: reserve, attempt: Some(1), fees };
            let fact = |body: Body| say.fact(SubjectKind::Transfer, subject(TRANSFER + 100), body);
            vec![say.command(fact(requested.into())), say.read(say.object(fact(done.into())))]
        }
        "18d" => {
            vec![say.allocated(SubjectKind::Transfer, TRANSFER + 100, Side::Debit, "200000", "assets:bank:main")]
        }
        "19a" => vec![opening(say, "300000"), purses(say, "50000", "50000", "UGX")],
        "20a" => vec![opening(say, "500"), purses(say, "100", "19300", "LRD")],
        "21a" => {
            let tax = FeeTax { kind: TaxKind::Vat, on: Provider };
            let tax = Fee { tax: Some(tax), ..say.fee(Tax, Merchant, "1800") };
            let fees = vec![say.fee(Provider, Merchant, "10000"), tax];
            let body = FeeCharged { payment_id: None, document: Some("tax invoice 7".to_owned()), fees };
            let charged = say.read(say.object(say.fact(SubjectKind::Transfer, subject(TRANSFER), body)));
            let lines = [("assets:tax:vat", "1800"), ("expenses:tax-recovered:main", "-1800")];
            vec![opening(say, "50000"), charged, adjusted(say, &lines)]
        }
        "22a" => {
            let movement = WalletMovementReported {
                row_id: "row-7".to_owned(),
                direction: Direction::In,
                amount: amount("5000"),
                category: "Transfer".to_owned(),
            };
            let movement = say.read(say.object(say.fact(SubjectKind::Transfer, subject(MOVEMENT), movement)));
            // The discrepancy's id is known before it is raised: it derives from its cause and its fact.
            let mut claims = vec![movement.clone()];
            claims.push(resolved(say, &movement, Verdict::Move, Some("liabilities:customers")));
            claims
        }
        "23a" => vec![
            say.requested(PAYMENT, "10000", None),
            paid(say, say.success("9000", "8730", &[(Unitemised, Merchant, "270")])),
        ],
        "23b" => {
            let raised =
                events.iter().find(|(event, _)| matches!(event.fact.body, Body::DiscrepancyRaised(_))).unwrap();
            vec![resolution(say, &raised.0, Verdict::Accept, None)]
        }
        "24a" => {
            let fact = paid(
                say,
                CollectionSucceeded { invoice_id: Some(subject(INVOICE)), ..say.success("940000", "940000", &[]) },
            );
            let lines = [("assets:tax:withholding", "60000"), ("assets:receivable", "-60000")];
            vec![published(say, "1000000", "0", Recognition::OnPublish), fact, adjusted(say, &lines)]
        }
        "25a" => {
            let all = amount("40000");
            let recognition = Recognition::OnPublish;
            vec![
                published(say, "40000", "0", recognition),
                invoice(say, InvoicePaid { offline: true, amount: all, tax: Amount::ZERO, recognition }),
                say.allocated(SubjectKind::Invoice, INVOICE, Side::Debit, "40000", "assets:bank:main"),
            ]
        }
        other => panic!("step {other} has no claims"),
    }
}

fn money(text: &str, code: &str) -> Option<Money> {
    Some(Money { amount: amount(text), currency: currency(code) })
}

fn paid(say: &Say, body: CollectionSucceeded) -> Claim {
    say.payment(PAYMENT, body)
}

fn first_success(say: &Say) -> CollectionSucceeded {
    say.success("700", "675.5", &[(Provider, Merchant, "14"), (Network, Merchant, "10.5")])
}

fn derived(mut body: CollectionSucceeded) -> CollectionSucceeded {
    body.fees.iter_mut().for_each(|fee| fee.source = FigureSource::Derived);
    body
}

fn foreign_success(say: &Say) -> CollectionSucceeded {
    let body = derived(say.success("100", "97.5", &[(Unitemised, Merchant, "2.5")]));
    CollectionSucceeded { payer: money("19500", "LRD"), ..body }
}

fn opening(say: &Say, posted: &str) -> Claim {
    say.opening(posted, None, "2026-05-03T09:00:00Z".parse().unwrap())
}

fn payout_done(say: &Say) -> Claim {
    say.payout_succeeded(PAYOUT, Some(1), "10000", "10600", &[(Provider, Merchant, "600")])
}

fn payout_back(say: &Say, credit: &str, returned: &[Fee]) -> Claim {
    let returned = returned.to_vec();
    let body = PayoutReversed { amount: amount("10000"), wallet_credit: amount(credit), returned, fees: Vec::new() };
    say.payout(PAYOUT, 1, body)
}

/// A sale of 10000 with 300 of fees, allocated to income.
fn sold(say: &Say) -> Vec<Claim> {
    let body = say.success("10000", "9700", &[(Unitemised, Merchant, "300")]);
    vec![paid(say, body), say.allocated(SubjectKind::Payment, PAYMENT, Side::Credit, "10000", "income:sales")]
}

fn refund_requested(say: &Say) -> Claim {
    let body =
        RefundRequested { payment_id: subject(PAYMENT), attempt: 1, amount: amount("4000"), reserve: amount("4100") };
    say.command(say.fact(SubjectKind::Refund, subject(REFUND), body))
}

fn refunded(say: &Say, all: &str, debit: &str, fees: &[Fee], attempt: Option<u32>) -> Claim {
    let body = RefundSucceeded {
        payment_id: subject(PAYMENT),
        amount: amount(all),
        wallet_debit: amount(debit),
        attempt,
        fees: fees.to_vec(),
        returned: Vec::new(),
    };
    say.read(say.object(say.fact(SubjectKind::Refund, subject(REFUND), body)))
}

fn disputed(say: &Say) -> Claim {
    let body = ChargebackOpened {
        payment_id: subject(PAYMENT),
        amount: amount("10000"),
        debited: amount("10000"),
        fees: vec![say.fee(Provider, Merchant, "500")],
    };
    say.read(say.object(say.fact(SubjectKind::Dispute, subject(DISPUTE), body)))
}

fn itemised(say: &Say, fees: Vec<Fee>) -> Claim {
    say.payment(PAYMENT, FeesReported { payment_id: subject(PAYMENT), mode: FeesMode::Itemise, fees })
}

fn invoice(say: &Say, body: impl Into<Body>) -> Claim {
    say.command(say.fact(SubjectKind::Invoice, subject(INVOICE), body))
}

fn published(say: &Say, total: &str, tax: &str, recognition: Recognition) -> Claim {
    let (total, tax) = (amount(total), amount(tax));
    invoice(say, InvoicePublished { total, tax, recognition, due: None, party_id: None })
}

fn for_invoice(say: &Say, payment: u128, gross: &str, net: &str, fee: &str) -> Claim {
    let body = say.success(gross, net, &[(Unitemised, Merchant, fee)]);
    say.payment(payment, CollectionSucceeded { invoice_id: Some(subject(INVOICE)), ..body })
}

fn transfer(say: &Say, body: impl Into<Body>) -> Claim {
    say.read(say.object(say.fact(SubjectKind::Transfer, subject(TRANSFER), body)))
}

fn purses(say: &Say, out: &str, arrived: &str, code: &str) -> Claim {
    let body = PurseTransferred {
        from: WALLET,
        to: WALLET2,
        amount_out: amount(out),
        amount_in: amount(arrived),
        currency_in: currency(code),
        fees: Vec::new(),
    };
    transfer(say, body)
}

/// A person's lines; the second one is on the invoice's item where the account has items.
fn adjusted(say: &Say, lines: &[(&str, &str)]) -> Claim {
    let line = |(n, (account, figure)): (u32, &(&str, &str))| Line {
        n,
        account: (*account).to_owned(),
        currency: say.currency,
        amount: amount(figure),
        open_item: (*account == "assets:receivable").then_some(subject(INVOICE)),
        payment_id: None,
        component: None,
        bearer: None,
    };
    let body = AdjustmentPosted {
        actor_id: "person-1".to_owned(),
        reason: "tax invoice received".to_owned(),
        lines: Lines((1..).zip(lines).map(line).collect()),
        approver_id: None,
        reversal_of: None,
    };
    say.command(say.fact(SubjectKind::Book, subject(0), body))
}

/// The resolution of the discrepancy that a movement will raise.
fn resolved(say: &Say, movement: &Claim, verdict: Verdict, target: Option<&str>) -> Claim {
    let about = movement.fact.event_id(say.book);
    let kind = ensimbi_events::codes::DiscrepancyKind::UnexplainedMovement;
    let body = ensimbi_events::words::control::DiscrepancyRaised {
        kind,
        about: Some(about),
        stake: Some(amount("5000")),
        stake_currency: Some(say.currency),
        other_fact: None,
        detail: None,
    };
    let fact =
        Fact { occurrence: format!("{about}:{kind}"), ..say.fact(SubjectKind::Transfer, subject(MOVEMENT), body) };
    let hash = ensimbi_events::leaf::fact_hash(&fact).0;
    let discrepancy = ensimbi_events::ids::made_event_id(about, "DiscrepancyRaised", &hash);
    verdict_on(say, &fact, discrepancy, verdict, target)
}

pub fn resolution(say: &Say, raised: &Event, verdict: Verdict, target: Option<&str>) -> Claim {
    verdict_on(say, &raised.fact, raised.record.event_id, verdict, target)
}

fn verdict_on(
    say: &Say,
    raised: &Fact,
    discrepancy: ensimbi_events::EventId,
    verdict: Verdict,
    target: Option<&str>,
) -> Claim {
    let body = DiscrepancyResolved {
        discrepancy,
        verdict,
        actor_id: "person-1".to_owned(),
        reason: "checked with the provider".to_owned(),
        target: target.map(str::to_owned),
    };
    let fact = say.fact(raised.subject_kind, raised.subject, body);
    say.command(Fact { occurrence: discrepancy.to_string(), ..fact })
}
