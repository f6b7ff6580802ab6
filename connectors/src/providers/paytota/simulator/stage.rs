//! What the demo plays on this simulator: one connection with both purses of two currencies, collections by prompt with
//! and without items, cards on the hosted page, payouts to phones and banks, refunds, and the faults at the rates of a
//! bad week.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ensimbi_events::word::Bearer;
use ensimbi_events::{Amount, Currency, Time};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::watch;
use uuid::{Uuid, uuid};

use super::{AtDue, CurrencySettings, Fault, Faults, Numbers, Payer, PaytotaSimulator, Rate, Rates, Settings};
use crate::settings::{ConnectionSettings, PollSettings, WalletSettings};
use crate::simulator::draw::Draws;
use crate::simulator::stage::{
    PushTarget, Running, Stage, StageBeneficiary, StageOrder, StagePayment, StagePayout, StagePlan, StageRefund,
    cost_of, sold,
};
use crate::simulator::{Result, work};

/// The stage of this provider.
pub struct PaytotaStage;

const PROVIDER: &str = "paytota";
const SLUG: &str = "paytota-main";
const BRAND: Uuid = uuid!("edd6c020-eac6-4b4e-9716-47928f3401de");
const SECRET_KEY: &str = "simulated-paytota-secret-key-00000001";
/// Wallet code, currency, purse.
const WALLETS: [(&str, &str, &str); 4] = [
    ("ugx", "UGX", "collections"),
    ("ugx-payouts", "UGX", "payouts"),
    ("usd", "USD", "collections"),
    ("usd-payouts", "USD", "payouts"),
];
/// What each purse has from the start, where it is to pay, in the smallest unit.
const OPENINGS: [(&str, u8, i64); 2] = [("UGX", 0, 500_000), ("USD", 2, 200_000)];
/// The bank of the documents' sample.
const BANK: &str = "SBICUGKX";
const GOODS: [&str; 6] = ["Maize flour 2 kg", "Beans 1 kg", "School book", "Soap", "Airtime card", "Umbrella"];
/// A refund is of an order so many places before it, or a multiple: the same provider's, where up to three take turns.
const TURN: u64 = 6;
/// How many turns back at least (a page takes its time) and at most.
const TURNS: std::ops::Range<u64> = 8..120;

/// The rates, in basis points.
const RATES: [(Fault, u16); 28] = [
    (Fault::CreateLost, 300),
    (Fault::ExecuteTimeout, 200),
    (Fault::ExecuteError, 200),
    (Fault::ExecuteHalf, 150),
    (Fault::ExecuteHtml, 100),
    (Fault::ExecuteRefused, 200),
    (Fault::UnauthorizedMidRun, 100),
    (Fault::RateLimited, 150),
    (Fault::ServerError, 300),
    (Fault::HalfAnswer, 200),
    (Fault::UnknownStatus, 200),
    (Fault::ExtraFields, 500),
    (Fault::PaidAfterError, 300),
    (Fault::PaidAfterExpired, 2_000),
    (Fault::Retrieved, 300),
    (Fault::ChargedBack, 600),
    (Fault::ChargebackReversed, 5_000),
    (Fault::WebhookLost, 800),
    (Fault::WebhookDoubled, 800),
    (Fault::WebhookLate, 500),
    (Fault::WebhookStale, 400),
    (Fault::WebhookReordered, 400),
    (Fault::WebhookForged, 300),
    (Fault::SignatureTruncated, 200),
    (Fault::ForeignEvent, 200),
    (Fault::UnknownEvent, 300),
    (Fault::StatementStuck, 300),
    (Fault::RefundEventFirst, 2_000),
];

/// The rates where wallets have money, in basis points.
const FUNDED_RATES: [(Fault, u16); 4] = [
    (Fault::InsufficientFunds, 200),
    (Fault::PayoutFailed, 300),
    (Fault::RefundFailed, 800),
    (Fault::PurseTransfer, 300),
];

fn number(group: &str, digit: u64) -> String {
    [group, &digit.to_string()].concat()
}

/// Prefixes of test numbers: those that succeed (of two networks), fail, and are silent.
const SUCCEED: [&str; 2] = ["25677710000", "25675710000"];
const FAIL: &str = "25677799000";
const SILENT: &str = "25677788000";

/// Most succeed; the others fail, or nobody answers.
fn phone(group: u64, digit: u64) -> String {
    match group {
        0..45 => number(SUCCEED[0], digit),
        45..84 => number(SUCCEED[1], digit),
        84..93 => number(FAIL, digit),
        _ => number(SILENT, digit),
    }
}

fn currency(code: &str) -> Currency {
    code.parse().unwrap_or_else(|_| unreachable!("the codes above are currency codes"))
}

fn faults(plan: &StagePlan, funded: bool) -> Faults {
    let mut faults = Faults::seeded(plan.seed);
    if plan.faults {
        let rates = RATES.iter().chain(FUNDED_RATES.iter().filter(|_| funded));
        faults = rates.fold(faults, |faults, (fault, rate)| faults.with(*fault, *rate));
    }
    // Longer than the connection's own timeout below, short enough not to hold the run up.
    faults.parameters.hold_ms = 400;
    // Nobody stands at the phone: a prompt that is never answered ends by itself.
    faults.switches.at_due = AtDue::Expired;
    faults.switches.chargeback_fee = true;
    faults
}

async fn open(plan: StagePlan, funded: bool) -> Result<Arc<dyn Running>> {
    let currencies = OPENINGS.iter().map(|(code, exponent, opening)| CurrencySettings {
        code: (*code).to_owned(),
        exponent: *exponent,
        collections: if funded { *opening } else { 0 },
        payouts: if funded { *opening } else { 0 },
        overdraft: 0,
    });
    let mut settings = Settings::new(BRAND, SecretString::from(SECRET_KEY), currencies.collect());
    settings.rates = Rates {
        mobile: Rate::fee(300),
        card: Rate { fee: 650, reserve: 1_000 },
        mobile_payout: Rate::fee(100),
        bank_payout: Rate::fee(150),
        refund: Rate::fee(50),
        chargeback: Rate::fee(200),
        // Three days in truth; a run is to see it come back.
        unfreeze_after: Duration::from_secs(1_200),
    };
    let all = |prefix: &str| (0..10).map(|digit| number(prefix, digit)).collect::<Vec<_>>();
    settings.numbers =
        Numbers { succeed: SUCCEED.iter().flat_map(|prefix| all(prefix)).collect(), silent: all(SILENT) };
    settings.payer = Payer { pays: 7_000, fails_first: 1_000, fails: 400, at_the_counter: 1_400, calls_off: 1_000 };
    settings.silent_payout_after = Duration::from_secs(6 * 3_600);
    settings.faults = faults(&plan, funded);
    Ok(PaytotaSimulator::build(&plan.file, settings, plan.clock).await?)
}

/// A whole unit and a cent at the scale of amounts.
const SHILLING: i64 = 10_000;
const CENT: i64 = 100;

impl PaytotaStage {
    /// An earlier order on the hosted page, if there is one in reach.
    fn hosted_before(&self, seed: u64, n: u64) -> Option<u64> {
        let hosted =
            |n: u64| Draws::new(seed).below("order", &n.to_string(), 0, 100) < 80 && self.payment(seed, n).hosted;
        TURNS.filter_map(|turns| n.checked_sub(turns * TURN)).find(|n| hosted(*n))
    }
}

#[async_trait]
impl Stage for PaytotaStage {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    async fn open(&self, plan: StagePlan) -> Result<Arc<dyn Running>> {
        open(plan, false).await
    }

    async fn open_funded(&self, plan: StagePlan) -> Result<Arc<dyn Running>> {
        open(plan, true).await
    }

    fn payment(&self, seed: u64, n: u64) -> StagePayment {
        let draws = Draws::new(seed);
        let object = n.to_string();
        let draw = |what: &str, below: u64| draws.below(what, &object, 0, below);
        let (wallet, code, items, hosted) = match draw("payment_kind", 80) {
            0..50 => ("ugx", "UGX", Vec::new(), false),
            50..63 => ("ugx", "UGX", sold(&GOODS, draw, 2 + draw("items", 2), (300, 2_200, SHILLING)), false),
            _ => ("usd", "USD", sold(&GOODS, draw, 1 + draw("items", 3), (199, 1_300, CENT)), true),
        };
        let plain = Amount::whole(i32::try_from(500 + draw("amount", 14_501)).unwrap_or(500));
        StagePayment {
            slug: SLUG,
            wallet,
            amount: if items.is_empty() { plain } else { cost_of(&items) },
            currency: currency(code),
            payer_phone: phone(draw("group", 100), draw("digit", 10)),
            fee_bearer: Bearer::Merchant,
            items,
            hosted,
        }
    }

    fn order(&self, seed: u64, n: u64) -> StageOrder {
        let draws = Draws::new(seed);
        let object = n.to_string();
        let draw = |what: &str, below: u64| draws.below(what, &object, 0, below);
        let beneficiary = match draw("order", 100) {
            0..80 => return StageOrder::Collect(self.payment(seed, n)),
            80..92 => StageBeneficiary::Phone(phone(draw("payee_group", 100), draw("payee_digit", 10))),
            92..95 => StageBeneficiary::Bank {
                code: BANK.to_owned(),
                account_number: format!("{:012}", draw("account_number", 1_000_000_000_000)),
                account_name: format!("Test Account {n}"),
            },
            _ => {
                let Some(of) = self.hosted_before(seed, n) else { return StageOrder::Collect(self.payment(seed, n)) };
                let cents = self.payment(seed, of).amount.scaled() / CENT;
                let part = i64::try_from(draw("refund_part", cents.unsigned_abs())).unwrap_or(0).max(1);
                let amount = (draw("refund_in_part", 2) == 0).then(|| Amount::from_scaled(part * CENT));
                return StageOrder::Refund(StageRefund { of, amount });
            }
        };
        let units = i32::try_from(500 + draw("payout_amount", 11_501)).unwrap_or(500);
        StageOrder::PayOut(StagePayout {
            slug: SLUG,
            wallet: "ugx-payouts",
            amount: Amount::whole(units),
            currency: currency("UGX"),
            beneficiary,
        })
    }
}

#[async_trait]
impl Running for PaytotaSimulator {
    async fn serve(self: Arc<Self>, listener: TcpListener, stop: watch::Receiver<bool>) -> Result<()> {
        work::serve(self, listener, work::until(stop)).await
    }

    /// One that signs needs no header.
    fn push_to(&self, target: PushTarget) -> Result<()> {
        self.set_webhook(&target.slug, Some(target.url))
    }

    async fn stored_time(&self) -> Result<Time> {
        self.core.stored_time().await
    }

    fn change_faults(&self, change: &serde_json::Value) -> Result<()> {
        self.core.change_faults(change)
    }

    fn connections(&self, base_url: &str) -> Vec<ConnectionSettings> {
        let text = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let (webhook_key, next, account_key) = self.public_keys();
        let mut options = text(&[
            ("webhook_key", &webhook_key),
            ("account_key", &account_key),
            ("currencies", "UGX:0,USD:2"),
            ("client_email", "payments@example.com"),
            ("country", "UG"),
        ]);
        options.extend(next.map(|next| ("webhook_key_next".to_owned(), next)));
        let wallet = |(code, money, purse): &(&str, &str, &str)| WalletSettings {
            id: BRAND.to_string(),
            code: (*code).to_owned(),
            currency: currency(money),
            purse: Some((*purse).to_owned()),
        };
        vec![ConnectionSettings {
            slug: SLUG.to_owned(),
            provider: PROVIDER.to_owned(),
            account: BRAND.to_string(),
            account_code: None,
            simulated: true,
            urls: text(&[("api", base_url), ("statements", base_url)]),
            secrets: BTreeMap::from([("secret_key".to_owned(), SecretString::from(SECRET_KEY))]),
            options,
            wallets: WALLETS.iter().map(wallet).collect(),
            poll: PollSettings {
                routine_secs: BTreeMap::from([("balance".to_owned(), 600), ("statement".to_owned(), 600)]),
                alarm_after_secs: 3_600,
                ..PollSettings::default()
            },
            timeout_ms: 250,
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_everything_has_its_shares_and_refunds_only_hosted_cards_before_it() {
        let (mut plain, mut sold, mut hosted, mut phones, mut banks, mut refunds) = (0, 0, 0, 0, 0, 0);
        for n in 0..2_000 {
            match PaytotaStage.order(7, n) {
                StageOrder::Collect(one) => {
                    let alone = PaytotaStage.payment(7, n);
                    assert_eq!((one.amount, one.hosted), (alone.amount, alone.hosted));
                    assert!(one.items.is_empty() || cost_of(&one.items) == one.amount);
                    match (one.items.is_empty(), one.hosted) {
                        (true, _) => plain += 1,
                        (false, false) => sold += 1,
                        (false, true) => hosted += 1,
                    }
                }
                StageOrder::PayOut(StagePayout { beneficiary: StageBeneficiary::Phone(_), .. }) => phones += 1,
                StageOrder::PayOut(_) => banks += 1,
                StageOrder::Refund(StageRefund { of, amount }) => {
                    let StageOrder::Collect(of) = PaytotaStage.order(7, of) else { panic!("no collection") };
                    assert!(of.hosted && amount.is_none_or(|amount| amount.is_positive() && amount < of.amount));
                    refunds += 1;
                }
            }
        }
        assert!((900..1_150).contains(&plain) && (200..330).contains(&sold) && (260..420).contains(&hosted));
        assert!((190..300).contains(&phones) && (30..95).contains(&banks) && (60..130).contains(&refunds));
    }
}
